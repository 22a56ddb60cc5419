"""Scores the denial of given concepts on the sentences of the NegEx test kit.

Usage: python3 benches/report/negex_kit.py annotations-1-60.txt [RADLOOM] [--peers] [--errors]

Each row of the kit names a concept, a sentence and whether the concept is negated. The concepts are handed to
radloom as a user lexicon, so that the assertion alone is measured; `possible` counts as affirmed, as the kit has
no such class. With `--peers`, negspacy reads the same spans (pip install spacy negspacy). The sentences are not
part of this repository. Rows whose concept does not stand in the sentence are counted as wrong.
"""

import argparse
import csv
import re

from reports import parse, score, span_node


def clean(text):
    return re.sub(r"\s+", " ", text.strip().strip('"')).strip()


def kit(path):
    csv.field_size_limit(1 << 24)
    with open(path, encoding="latin-1", newline="") as file:
        for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if len(row) >= 4 and row[3] in ("Affirmed", "Negated"):
                yield clean(row[1]), clean(row[2]), row[3] == "Negated"


def spans(concept, sentence):
    """Limits of the concept in the sentence; the kit writes it in capitals where it stands more than once."""
    for needle, flags in ((concept.upper(), 0), (concept, re.IGNORECASE)):
        found = re.search(r"(?<![A-Za-z0-9])" + re.escape(needle) + r"(?![A-Za-z0-9])", sentence, flags)
        if found:
            return found.span()
    return None


def negspacy(rows):
    import spacy
    from negspacy.negation import Negex  # noqa: F401  (registers the pipe)
    from negspacy.termsets import termset

    model = spacy.blank("en")
    model.add_pipe("sentencizer")
    pipe = model.create_pipe("negex", config={"neg_termset": termset("en").get_patterns()})
    answers = []
    for _, sentence, _, span in rows:
        doc = model(sentence)
        target = doc.char_span(*span, label="CONCEPT", alignment_mode="expand") if span else None
        if target is None:
            answers.append(None)
            continue
        doc.ents = [target]
        answers.append(bool(pipe(doc).ents[0]._.negex))
    return answers


def report(name, rows, answers):
    pairs = [(gold, (not gold) if answer is None else answer) for (_, _, gold, _), answer in zip(rows, answers)]
    precision, recall, f1 = score(pairs)
    right = sum(gold == found for gold, found in pairs)
    lost = sum(answer is None for answer in answers)
    print(f"{name:10} {len(rows)} mentions  negated P {precision:.3f} R {recall:.3f} F1 {f1:.4f}  "
          f"accuracy {right / len(pairs):.4f}  not found {lost}")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("kit")
    options.add_argument("binary", nargs="?", default="target/release/radloom")
    options.add_argument("--peers", action="store_true")
    options.add_argument("--errors", action="store_true")
    options.add_argument("--half", type=int, choices=(0, 1), help="only report numbers of this parity")
    options = options.parse_args()
    rows = [(c, s, gold, spans(c, s)) for c, s, gold in kit(options.kit)]
    if options.half is not None:
        rows = rows[options.half :: 2]
    concepts = sorted({concept.lower() for concept, _, _, _ in rows})
    lexicon = "".join(f"kit_{n}\t{c}\t{c}\tobservation\t-\t-\t-\n" for n, c in enumerate(concepts) if "\t" not in c)
    graphs = parse(options.binary, [sentence for _, sentence, _, _ in rows], lexicon=lexicon)
    answers = []
    for (concept, sentence, gold, span), graph in zip(rows, graphs):
        node = None
        if span:
            start, end = (len(sentence[:at].encode("utf-8")) for at in span)
            node = span_node(graph, start, end)
        answers.append(None if node is None else node["assertion"] == "absent")
        if options.errors and answers[-1] != gold:
            print(f"{'negated' if gold else 'affirmed':9} {answers[-1]!s:6} [{concept}] {sentence}")
    report("radloom", rows, answers)
    if options.peers:
        report("negspacy", rows, negspacy(rows))


if __name__ == "__main__":
    main()
