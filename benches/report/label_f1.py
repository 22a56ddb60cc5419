"""Scores the 18 CT-RATE labels against a csv of reports with manual labels.

Usage: python3 benches/report/label_f1.py LABELLED.csv [RADLOOM_BINARY]

The csv has one text column and one 0/1 column for each label, as in the manual labels of CT-CLIP's text
classifier. The texts are not part of this repository (their licence is non-commercial).
"""

import csv
import json
import subprocess
import sys
import tempfile


def main(path: str, binary: str) -> None:
    csv.field_size_limit(1 << 24)
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as texts:
        column = max(rows[0], key=lambda name: len(rows[0][name] or ""))
        for number, row in enumerate(rows):
            texts.write(json.dumps({"id": str(number), "text": row[column] or ""}) + "\n")
        texts.flush()
        command = [binary, "report", texts.name, "--json", "--policy", "ct_rate_18"]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found = [json.loads(line)["labels"]["ct_rate_18"] for line in output.splitlines()]
    scores = []
    for label in found[0]:
        pairs = [(int(float(row[label])), int(labels[label] == 1)) for row, labels in zip(rows, found)]
        hit = sum(gold and ours for gold, ours in pairs)
        gold, ours = (sum(pair[side] for pair in pairs) for side in (0, 1))
        score = 2 * hit / (gold + ours) if gold + ours else 0.0
        scores.append(score)
        print(f"{label:40} positives {gold:4}  F1 {score:.3f}")
    print(f"{'macro':40} reports   {len(rows):4}  F1 {sum(scores) / len(scores):.3f}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "target/release/radloom")
