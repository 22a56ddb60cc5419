"""Counts how many of the English golden rules of sentence splitting hold.

Usage: python3 benches/report/golden_rules.py pysbd_english_golden_rules_48.json [RADLOOM] [--errors]

The file is a list of [text, [sentences]]. A rule holds when the sentences are the same, blanks at their ends and
list marks aside: radloom's sentences leave list marks and quotation marks out, and the rules do not agree on them.
"""

import argparse
import json
import re

from reports import parse


def bare(sentence):
    """The sentence without what may stand around it: blanks, bullets, list dashes, leading dots and quotation marks."""
    return re.sub(r"^[\s\"\u201c\u201d\u2022\u2043*.\-]+|[\s\"\u201c\u201d]+$", "", sentence)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("rules")
    options.add_argument("binary", nargs="?", default="target/release/radloom")
    options.add_argument("--errors", action="store_true")
    options = options.parse_args()
    with open(options.rules, encoding="utf-8") as file:
        rules = json.load(file)
    held = strict = 0
    for (text, expected), graph in zip(rules, parse(options.binary, [text for text, _ in rules])):
        raw = text.encode("utf-8")
        found = [raw[s["start"] : s["end"]].decode("utf-8") for s in graph["sentences"]]
        strict += found == [sentence.strip() for sentence in expected]
        if [bare(sentence) for sentence in found] == [bare(sentence) for sentence in expected]:
            held += 1
        elif options.errors:
            print(f"text     {text!r}\nexpected {expected}\nfound    {found}\n")
    print(f"{held} of {len(rules)} rules hold ({strict} with list and quotation marks taken exactly)")


if __name__ == "__main__":
    main()
