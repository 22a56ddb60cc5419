"""Measures reports per second on one core, and that time grows with the text.

Usage: python3 benches/report/speed.py REPORTS.csv [RADLOOM] [--peers CONCEPTS.tsv]

The longest column of the csv is the text. Time is the processor time of the one thread that parses and writes JSON;
the start of the program, measured with one report, is taken out. Best of three runs.

With `--peers`, negspacy and medspaCy's ConText read the same reports after the same number of cores: a blank English
model with spaCy's sentencizer, the observations of our lexicon (`pipeline/lexicon/concepts.tsv`) as phrases, and their
rules. They find and assert mentions; they have no sections, sizes, relations or labels (pip install spacy negspacy
medspacy). RadGraph's weights are on a model hub, without which the package cannot be run. Its encoder is a BERT-base
(PubMedBERT); where transformers is installed, one with random weights reads the same reports and gives a bound: RadGraph
itself, which classifies spans and pairs of spans on top, is slower.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time

from reports import concept_rows, long_texts


def seconds(binary, texts, folder):
    path = os.path.join(folder, "texts.jsonl")
    with open(path, "w", encoding="utf-8") as file:
        for number, text in enumerate(texts):
            file.write(json.dumps({"id": str(number), "text": text}) + "\n")
    best = float("inf")
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([binary, "report", path, "--json", "--threads", "1"], check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        best = min(best, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return best


def peers(texts, concepts):
    import spacy

    surfaces = {row["surface"] for row in concept_rows(concepts) if row["kind"] == "observation"}
    for name in ("negspacy", "medspaCy ConText"):
        model = spacy.blank("en")
        model.add_pipe("sentencizer")
        ruler = model.add_pipe("entity_ruler", config={"phrase_matcher_attr": "LOWER"})
        ruler.add_patterns([{"label": "FINDING", "pattern": surface} for surface in sorted(surfaces)])
        if name == "negspacy":
            from negspacy.negation import Negex  # noqa: F401  (registers the pipe)
            from negspacy.termsets import termset

            model.add_pipe("negex", config={"neg_termset": termset("en").get_patterns()})
        else:
            import medspacy.context  # noqa: F401  (registers the pipe)

            model.add_pipe("medspacy_context")
        model(texts[0])
        start = time.process_time()
        mentions = sum(len(model(text).ents) for text in texts)
        spent = time.process_time() - start
        print(f"{name}: {len(texts) / spent:.0f} reports/s, {mentions} mentions in {len(texts)} reports")


def radgraph_bound(texts):
    """The time of a BERT-base over the word pieces of the reports, one core, each report by itself as RadGraph reads it."""
    import torch
    from transformers import BertConfig, BertModel

    torch.set_num_threads(1)
    model = BertModel(BertConfig(), add_pooling_layer=False).eval()
    # A word piece stands for about four characters of a report.
    lengths = [min(512, len(text) // 4 + 2) for text in texts]
    with torch.inference_mode():
        model(torch.ones(1, 64, dtype=torch.long))
        start = time.process_time()
        for length in lengths:
            model(torch.ones(1, length, dtype=torch.long))
        spent = time.process_time() - start
    print(f"RadGraph's encoder alone: {len(texts) / spent:.1f} reports/s, {sum(lengths) / len(lengths):.0f} word pieces a report")


def main(path, binary, concepts):
    texts = long_texts(path)
    with tempfile.TemporaryDirectory() as folder:
        idle = seconds(binary, texts[:1], folder)
        once, four = (seconds(binary, texts * times, folder) - idle for times in (1, 4))
        print(f"start {idle * 1e3:.0f} ms, {len(texts)} reports, mean {sum(map(len, texts)) / len(texts):.0f} characters")
        print(f"one core: {len(texts) / once:.0f} reports/s, fourfold {4 * len(texts) / four:.0f} reports/s")
        for times in (1, 10, 100):
            spent = seconds(binary, [" ".join(texts[:20] * times)], folder) - idle
            print(f"one text of {times * sum(map(len, texts[:20])) / 1e3:.0f} kB: {spent * 1e3:.1f} ms")
    if concepts:
        peers(texts[:200], concepts)
        radgraph_bound(texts[:20])


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("reports")
    options.add_argument("binary", nargs="?", default="target/release/radloom")
    options.add_argument("--peers", metavar="CONCEPTS.tsv")
    options = options.parse_args()
    main(options.reports, options.binary, options.peers)
