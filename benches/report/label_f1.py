"""Scores the 18 CT-RATE labels against a csv of reports with manual labels.

Usage: python3 benches/report/label_f1.py LABELLED.csv [RADLOOM] [--policy NAME] [--held-out FOLD] [--errors LABEL]

The csv has one text column and one 0/1 column for each label, as in the manual labels of CT-CLIP's text
classifier. The texts are not part of this repository (their licence is non-commercial).

Reports fall into five folds by a hash of their text. `--held-out` scores one fold alone; `--errors` lists the
wrong reports of a label, leaving the held-out fold out, so that rules can be mended without reading it.
"""

import argparse
import csv
import hashlib

from reports import parse, score


def fold(text):
    return hashlib.sha256(text.encode("utf-8")).digest()[0] % 5


def main():
    options = argparse.ArgumentParser()
    options.add_argument("labelled")
    options.add_argument("binary", nargs="?", default="target/release/radloom")
    options.add_argument("--policy", default="ct_rate_18")
    options.add_argument("--held-out", type=int)
    options.add_argument("--errors")
    options = options.parse_args()
    csv.field_size_limit(1 << 24)
    with open(options.labelled, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    column = max(rows[0], key=lambda name: len(rows[0][name] or ""))
    texts = [row[column] or "" for row in rows]
    graphs = parse(options.binary, texts, options.policy)
    found = [graph["labels"][options.policy] for graph in graphs]
    folds = [fold(text) for text in texts]
    names = [name for name in found[0] if name in rows[0]]

    def pairs(label, keep):
        return [
            (int(float(row[label])), int(labels[label] == 1))
            for row, labels, own in zip(rows, found, folds)
            if keep(own)
        ]

    def macro(keep):
        return sum(score(pairs(label, keep))[2] for label in names) / len(names)

    if options.errors:
        for row, labels, own, text in zip(rows, found, folds, texts):
            gold, ours = int(float(row[options.errors])), int(labels[options.errors] == 1)
            if gold != ours and own != options.held_out:
                print(f"--- gold {gold}, found {ours}\n{text}")
        return
    for label in names:
        precision, recall, f1 = score(pairs(label, lambda _: True))
        positives = sum(gold for gold, _ in pairs(label, lambda _: True))
        print(f"{label:40} positives {positives:4}  P {precision:.3f} R {recall:.3f} F1 {f1:.3f}")
    everything = [pair for label in names for pair in pairs(label, lambda _: True)]
    print(f"{'macro':40} reports   {len(rows):4}  F1 {macro(lambda _: True):.4f}")
    print(f"{'micro':40} reports   {len(rows):4}  F1 {score(everything)[2]:.4f}")
    each = [macro(lambda own, held=held: own == held) for held in range(5)]
    print(f"macro of each fold {' '.join(f'{value:.4f}' for value in each)}, mean {sum(each) / 5:.4f}")
    if options.held_out is not None:
        print(f"held-out fold {options.held_out}: macro-F1 {each[options.held_out]:.4f}")


if __name__ == "__main__":
    main()
