"""Scores normal against abnormal sentences on the manual sentence labels of SARLE.

Usage: python3 benches/report/sarle_sentences.py openi_count_label_sent.csv [RADLOOM] [--errors] [--odd]

Labels: `s` sick, `h` healthy; ambiguous and odd ones are left out. A sentence is abnormal when the policy
`abnormal` says so. The sentences are not part of this repository.
"""

import argparse
import csv

from reports import parse, score


def main():
    options = argparse.ArgumentParser()
    options.add_argument("sentences")
    options.add_argument("binary", nargs="?", default="target/release/radloom")
    options.add_argument("--errors", action="store_true")
    options.add_argument("--half", type=int, choices=(0, 1), help="every other sentence only")
    options = options.parse_args()
    with open(options.sentences, encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["Label"] in ("s", "h")]
    if options.half is not None:
        rows = rows[options.half :: 2]
    graphs = parse(options.binary, [row["Sentence"] for row in rows], "abnormal")
    pairs = []
    for row, graph in zip(rows, graphs):
        gold, found = row["Label"] == "s", graph["labels"]["abnormal"]["Abnormal"] == 1
        pairs.append((gold, found))
        if options.errors and gold != found:
            print(f"{'sick' if gold else 'healthy':8} {row['Sentence']}")
    for name, side in (("abnormal", pairs), ("normal", [(not gold, not found) for gold, found in pairs])):
        precision, recall, f1 = score(side)
        print(f"{name:10} sentences {sum(gold for gold, _ in side):5}  P {precision:.3f} R {recall:.3f} F1 {f1:.4f}")


if __name__ == "__main__":
    main()
