"""Measures reports a second on one core, and that time grows with the text.

Usage: python3 benches/report/speed.py REPORTS.csv [RADLOOM]

The longest column of the csv is the text. Time is the processor time of the one thread that parses and writes JSON;
the start of the program, measured with one report, is taken out. Best of three runs.
"""

import csv
import json
import os
import resource
import subprocess
import sys
import tempfile


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


def main(path, binary):
    csv.field_size_limit(1 << 24)
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    column = max(rows[0], key=lambda name: len(rows[0][name] or ""))
    texts = [row[column] for row in rows if row[column]]
    with tempfile.TemporaryDirectory() as folder:
        idle = seconds(binary, texts[:1], folder)
        once, four = (seconds(binary, texts * times, folder) - idle for times in (1, 4))
        print(f"start {idle * 1e3:.0f} ms, {len(texts)} reports, mean {sum(map(len, texts)) / len(texts):.0f} characters")
        print(f"one core: {len(texts) / once:.0f} reports/s, fourfold {4 * len(texts) / four:.0f} reports/s")
        for times in (1, 10, 100):
            spent = seconds(binary, [" ".join(texts[:20] * times)], folder) - idle
            print(f"one text of {times * sum(map(len, texts[:20])) / 1e3:.0f} kB: {spent * 1e3:.1f} ms")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "target/release/radloom")
