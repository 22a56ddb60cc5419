"""Measures time and memory of `radloom report` as a file of reports grows, and that threads change no byte.

Usage: python3 benches/report/scale.py REPORTS.csv [RADLOOM] [SIZE ...]

The longest column of the csv is the text. Its reports are repeated with fresh ids until there are SIZE of them (40000
and 200000 when none is given), so the distinct sentences stay the same and only the reports grow. Each file is read as
csv, as JSONL and, where pyarrow is installed, as Parquet; to JSON lines on stdout, and to Parquet tables by `--out`.
The speed is by processor time, which other work on the machine changes least; memory is the largest resident set.
"""

import csv
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time

from reports import long_texts


def run(command, digest=False):
    """Wall and processor seconds and peak memory in MiB of a command, and the hash of what it prints when asked."""
    start = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE if digest else subprocess.DEVNULL) as child:
        hashed = hashlib.sha256()
        if digest:
            while chunk := child.stdout.read(1 << 20):
                hashed.update(chunk)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {child.returncode}")
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, hashed.hexdigest()


def folder_digest(folder):
    hashed = hashlib.sha256()
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as file:
            hashed.update(name.encode() + hashlib.sha256(file.read()).digest())
    return hashed.hexdigest()


def write(texts, size, folder):
    """The files of `size` reports, by kind."""
    paths = {kind: os.path.join(folder, f"reports.{kind}") for kind in ("csv", "jsonl", "parquet")}
    rows = lambda: ((f"r{number}", texts[number % len(texts)]) for number in range(size))
    with open(paths["csv"], "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text"])
        writer.writerows(rows())
    with open(paths["jsonl"], "w", encoding="utf-8") as file:
        for name, text in rows():
            file.write(json.dumps({"id": name, "text": text}) + "\n")
    try:
        import pyarrow as arrow
        from pyarrow import csv as arrow_csv, parquet
    except ImportError:
        del paths["parquet"]
        return paths
    schema = arrow.schema([("id", arrow.string()), ("text", arrow.string())])
    with parquet.ParquetWriter(paths["parquet"], schema, compression="zstd") as writer:
        columns = [[], []]
        for number, (name, text) in enumerate(rows(), 1):
            columns[0].append(name)
            columns[1].append(text)
            if number % 20000 == 0 or number == size:
                writer.write_table(arrow.table(columns, schema=schema))
                columns = [[], []]
    return paths


def main(path, binary, sizes):
    texts = long_texts(path)
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            paths = write(texts, size, folder)
            mib = os.path.getsize(paths["csv"]) / (1 << 20)
            print(f"{size} reports, {mib:.0f} MiB of csv")
            tables = os.path.join(folder, "tables")
            for kind, source in paths.items():
                for name, extra in (("JSON lines", ["--json"]), ("tables", ["--out", tables])):
                    wall, own, memory, _ = run([binary, "report", source, *extra])
                    speed = f"{size / own:6.0f} reports per second of one core"
                    print(f"  {kind:8} to {name:10} {wall:6.1f} s, {own:6.1f} s of processors, {speed}, {memory:5.0f} MiB", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        source = write(texts, min(sizes[0], 5000), folder)["csv"]
        lines, folders = set(), set()
        for threads in ("1", "2", "7"):
            command = [binary, "report", source, "--threads", threads]
            lines.add(run([*command, "--json"], digest=True)[3])
            tables = os.path.join(folder, threads)
            run([*command, "--out", tables])
            folders.add(folder_digest(tables))
        same = len(lines) == len(folders) == 1
        print("the same bytes at 1, 2 and 7 threads" if same else "OUTPUT DEPENDS ON THREADS")
        if not same:
            raise SystemExit(1)


if __name__ == "__main__":
    main(
        sys.argv[1],
        sys.argv[2] if len(sys.argv) > 2 else "target/release/radloom",
        [int(size) for size in sys.argv[3:]] or [40000, 200000],
    )
