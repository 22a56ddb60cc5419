"""Scores sentence similarity on pairs of phrases that say the same or contradict each other.

Usage: python3 benches/report/entailment.py nli_examples.json [RADLOOM] [--encoder DIR] [--pairs]

The file is RadEval's list of examples for natural language inference, each phrase with a status and the phrases that
prove it. Printed: the area under the ROC curve of entailment against contradiction, for the cosine of the texts and for
the similarity that the graph gates, with the number of pairs on the right side of 0.5. A pair that is not stored counts
as 0.3, the threshold below which none is. Needs pyarrow.
"""

import argparse
import json
import os
import subprocess
import tempfile


def pairs_of(path):
    """(phrase, evidence, whether it is entailed), each unordered pair once, and every phrase."""
    with open(path, encoding="utf-8") as file:
        examples = json.load(file)
    pairs, phrases = {}, set()
    for example in examples:
        for side in ("phrases_A", "phrases_B"):
            phrases.update(example["input"][side])
            for row in example["output"][side + "_evidenced"]:
                # Proof by several phrases at once says nothing of one pair.
                if row["status"] in ("entailment", "contradiction") and len(row["evidence"]) == 1:
                    phrases.add(row["evidence"][0])
                    pair = tuple(sorted((row["phrase"], row["evidence"][0])))
                    if pair[0] != pair[1]:
                        pairs[pair] = row["status"] == "entailment"
    return [(*pair, entailed) for pair, entailed in sorted(pairs.items())], sorted(phrases)


def similarities(binary, phrases, encoder):
    """Of two phrases: (cosine of the texts, similarity)."""
    import pyarrow.parquet as parquet

    with tempfile.TemporaryDirectory() as folder:
        source, out = os.path.join(folder, "phrases.jsonl"), os.path.join(folder, "tables")
        with open(source, "w", encoding="utf-8") as file:
            file.writelines(json.dumps({"id": str(at), "text": text}) + "\n" for at, text in enumerate(phrases))
        command = [binary, "report", source, "--out", out, "--json"] + (["--encoder", encoder] if encoder else [])
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        table = lambda name: parquet.read_table(os.path.join(out, name + ".parquet")).to_pydict()
        sentences, rows = table("sentences"), table("similarity")
    kind = {}
    for report, sentence_type in zip(sentences["study_id"], sentences["sentence_type"]):
        kind.setdefault(phrases[int(report)], sentence_type)
    known = {(a, b): (text, value) for a, b, text, value in zip(rows["a"], rows["b"], rows["text"], rows["similarity"])}

    def of(one, other):
        a, b = sorted((kind[one], kind[other]))
        return (1.0, 1.0) if a == b else known.get((a, b), (0.3, 0.3))

    return of


def auroc(scored):
    yes, no = ([score for score, truth in scored if truth is want] for want in (True, False))
    return sum((a > b) + (a == b) / 2 for a in yes for b in no) / (len(yes) * len(no))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("examples")
    parser.add_argument("binary", nargs="?", default="target/release/radloom")
    parser.add_argument("--encoder")
    parser.add_argument("--pairs", action="store_true", help="print every pair")
    arguments = parser.parse_args()
    pairs, phrases = pairs_of(arguments.examples)
    of = similarities(arguments.binary, phrases, arguments.encoder)
    scored = [(*of(one, other), entailed) for one, other, entailed in pairs]
    count = sum(entailed for *_, entailed in scored)
    print(f"{count} entailments, {len(scored) - count} contradictions")
    for at, name in enumerate(("cosine of texts", "similarity")):
        right = sum((row[at] > 0.5) == row[2] for row in scored)
        print(f"{name}: AUROC {auroc([(row[at], row[2]) for row in scored]):.3f}, {right} of {len(scored)} on the right side of 0.5")
    if arguments.pairs:
        for (one, other, entailed), (text, value, _) in sorted(zip(pairs, scored), key=lambda row: row[1]):
            print(f"{text:.2f} {value:.2f} {'same' if entailed else 'contradiction'}: {one} | {other}")


main()
