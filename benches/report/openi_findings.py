"""Scores chest X-ray findings on Open-i reports against NegBio's gold.

Usage: python3 benches/report/openi_findings.py indiana_reports.csv openi_gld_std14.csv [RADLOOM] [--errors LABEL]

The text is findings and impression. `Hernia` has no positive report and is left out; the policy is `nih_14`, whose
`Normal` holds where no abnormal finding is. The reports are not part of this repository.
"""

import argparse
import csv

from reports import parse, score

NAMES = {"Pleural_Thickening": "Pleural thickening", "normal": "Normal"}


def main():
    options = argparse.ArgumentParser()
    options.add_argument("reports")
    options.add_argument("gold")
    options.add_argument("binary", nargs="?", default="target/release/radloom")
    options.add_argument("--errors")
    options = options.parse_args()
    with open(options.gold, encoding="utf-8") as file:
        gold = {row["filename"]: row for row in csv.DictReader(file)}
    with open(options.reports, encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if "CXR" + row["uid"] in gold]
    texts = [f"FINDINGS: {row['findings']}\n\nIMPRESSION: {row['impression']}" for row in rows]
    graphs = parse(options.binary, texts, "nih_14")
    everything = []
    for column in next(iter(gold.values())):
        if column in ("filename", "Hernia"):
            continue
        name = NAMES.get(column, column)
        pairs = []
        for row, graph, text in zip(rows, graphs, texts):
            own = gold["CXR" + row["uid"]][column] == "1"
            found = graph["labels"]["nih_14"][name] == 1
            pairs.append((own, found))
            if options.errors == name and own != found:
                print(f"--- gold {own}, found {found}: {row['MeSH']}\n{text}")
        everything += pairs
        precision, recall, f1 = score(pairs)
        print(f"{name:20} positives {sum(own for own, _ in pairs):5}  P {precision:.3f} R {recall:.3f} F1 {f1:.3f}")
    precision, recall, f1 = score(everything)
    print(f"{'micro':20} reports   {len(rows):5}  P {precision:.3f} R {recall:.3f} F1 {f1:.4f}")


if __name__ == "__main__":
    main()
