"""Measures whether columns of a table come back as sections when they are joined to one text with headings.

Usage: python3 benches/report/sections.py indiana_reports.csv [RADLOOM] [--errors]

Open-i has the findings and the impression of a report apart. Of each report with both they are joined under headings of
several kinds; a report is exact when the parser gives the two texts back under their names, to the byte, and nothing
else. Sections of one kind in a row count as one.
"""

import argparse
import csv

from reports import parse

JOINS = {
    "FINDINGS: on lines": "FINDINGS: {}\n\nIMPRESSION: {}",
    "headings on their own lines": "Findings:\n{}\nImpression:\n{}",
    "capitals without colon": "FINDINGS\n{}\n\nIMPRESSION\n{}",
    "all on one line": "FINDINGS: {} IMPRESSION: {}",
    "misspelt": "FINDNGS: {}\nIMPRESION: {}",
    "other names": "REPORT: {}\n\nCONCLUSION: {}",
    "with two more sections": "EXAM: XR CHEST PA AND LATERAL\nINDICATION: cough.\nFINDINGS: {}\nIMPRESSION: {}",
}


def sections(text, graph):
    """The texts of findings and impression, runs of one kind as one."""
    raw, runs = text.encode(), []
    for section in graph["sections"]:
        if runs and runs[-1][0] == section["kind"]:
            runs[-1][2] = section["end"]
        else:
            runs.append([section["kind"], section["start"], section["end"]])
    return [
        (kind, raw[start:end].decode().strip())
        for kind, start, end in runs
        if raw[start:end].strip() and kind in ("findings", "impression")
    ]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("reports")
    options.add_argument("binary", nargs="?", default="target/release/radloom")
    options.add_argument("--errors", action="store_true")
    options = options.parse_args()
    with open(options.reports, newline="", encoding="utf-8") as file:
        rows = [(row["findings"].strip(), row["impression"].strip()) for row in csv.DictReader(file)]
    rows = [row for row in rows if all(row)]
    for name, join in JOINS.items():
        texts = [join.format(*row) for row in rows]
        exact = 0
        for row, text, graph in zip(rows, texts, parse(options.binary, texts)):
            found = sections(text, graph)
            same = found == [("findings", row[0]), ("impression", row[1])]
            exact += same
            if options.errors and not same:
                print(f"    {text!r}\n    {found}")
        print(f"{name:28} {exact:5} of {len(rows)} reports exact ({exact / len(rows):.4f})")


if __name__ == "__main__":
    main()
