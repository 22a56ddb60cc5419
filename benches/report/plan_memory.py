"""Measures memory and time of `radloom curate` as the csv of reports grows and the volumes stay the same.

Usage: python3 benches/report/plan_memory.py REPORTS.csv [RADLOOM] [SIZE ...]

The sample corpus of the tests gets a csv with SIZE more rows (20000 and 200000 when none is given), whose texts are the
longest column of REPORTS.csv again and again. They have no volume, so the release stays as small as it is and what grows
is what the plan holds. Ends with an error when the release does not name every row among what was left out.
"""

import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from reports import long_texts

ROOT = Path(__file__).resolve().parents[2]


def main():
    reports = sys.argv[1]
    binary = os.path.abspath(sys.argv[2] if len(sys.argv) > 2 else "target/release/radloom")
    sizes = [int(size) for size in sys.argv[3:]] or [20000, 200000]
    texts = long_texts(reports)
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            shutil.copytree(ROOT / "tests/data/corpus", folder / "corpus")
            tables = folder / "corpus/radiology_text_reports"
            with open(tables / "train_reports.csv", newline="", encoding="utf-8") as file:
                columns = next(csv.reader(file))
            with open(tables / "more.csv", "w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, columns, restval="")
                writer.writeheader()
                for at in range(size):
                    writer.writerow({"VolumeName": f"train_{100000 + at}_a_1.nii.gz", "Findings_EN": texts[at % len(texts)]})
            manifest = (ROOT / "manifests/quickstart.toml").read_text(encoding="utf-8")
            manifest = manifest.replace("../tests/data/corpus", "corpus").replace("../out/quickstart", "out")
            manifest = manifest.replace("reports = [", 'reports = [\n    "radiology_text_reports/more.csv",', 1)
            (folder / "manifest.toml").write_text(manifest, encoding="utf-8")
            start = time.monotonic()
            output = subprocess.run(
                [binary, "curate", "manifest.toml", "--json", "--quiet"], cwd=folder, check=True, stdout=subprocess.PIPE
            ).stdout
            wall = time.monotonic() - start
            summary = json.loads(output)
            left_out = summary["excluded"]["report_without_volume"]
            if left_out != size + 2:
                raise SystemExit(f"{size} rows went in and {left_out} reports without a volume came out")
            csv_mib = os.path.getsize(tables / "more.csv") / 2**20
            print(f"{size} rows, {csv_mib:.0f} MiB of csv: {wall:.1f} s, {summary['peak_rss_bytes'] / 2**20:.0f} MiB at most")


main()
