"""A release of raw int16 samples, and its loading: the two commands that `bench_loaders.py` takes for another reader.

Usage: python3 release.py BINARY prepare DATA SHAPE DIR       SHAPE as 96,96,96 (depth, height, width)
       python3 release.py BINARY load DIR WORKERS [OPTION...] options of `radloom loader bench`

    python3 bench_loaders.py run --formats raw-mmap,litdata,hf-binary --modes shuf1,shuf2 --n 512 \\
        --cmd-name radloom --cmd-prepare 'python3 release.py BINARY prepare {data} {shape} {dir}' \\
        --cmd 'python3 release.py BINARY load {dir} {workers}'

`prepare` writes every sample of DATA (int16, C order, one after the other) as a volume of a corpus and curates it into a
release whose view stores the voxels as they are. `load` prints one line of JSON with `samples_per_s`, `gb_per_s`,
`cpu_s` and `rss_mb`: the first epoch starts the loader, so all figures are of whole epochs, start-up included.

Needs numpy.
"""

import csv
import gzip
import json
import struct
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy

sys.path.append(str(Path(__file__).resolve().parents[1]))
from ct_rate import COLUMNS, MANIFEST, place

EPOCHS = 8


def write_nifti(path, voxels, spacing=(1.0, 1.0, 1.0)):
    """NIfTI-1 of int16 voxels in depth, height, width, with axes to the left, the back and the head."""
    depth, height, width = voxels.shape
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, width, height, depth, 1, 1, 1, 1)
    struct.pack_into("<hh", header, 70, 4, 16)
    struct.pack_into("<8f", header, 76, 1.0, *spacing, 1.0, 1.0, 1.0, 1.0)
    struct.pack_into("<f", header, 108, 352.0)
    struct.pack_into("<ff", header, 112, 1.0, 0.0)
    struct.pack_into("<B", header, 123, 2)
    struct.pack_into("<hh", header, 252, 0, 1)
    rows = ((-spacing[0], 0, 0, 0), (0, -spacing[1], 0, 0), (0, 0, spacing[2], 0))
    for number, row in enumerate(rows):
        struct.pack_into("<4f", header, 280 + 16 * number, *row)
    header[344:348] = b"n+1\0"
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(bytes(header) + voxels.tobytes())


def write_sample(arguments):
    data, shape, folder, number = arguments
    offset = number * int(numpy.prod(shape)) * 2
    voxels = numpy.fromfile(data, "<i2", int(numpy.prod(shape)), offset=offset).reshape(shape)
    write_nifti(folder / place(number), voxels)


def curate(binary, folder, count):
    """A release of the first `count` volumes below `folder`."""
    with open(folder / "reports.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for number in range(count):
            writer.writerow([place(number).name, "", "", f"A nodule of {number % 9 + 2} mm.", ""])
    (folder / "manifest.toml").write_text(MANIFEST.format(preset="native"))
    subprocess.run([binary, "curate", folder / "manifest.toml", "--quiet"], check=True)


def prepare(binary, data, shape, folder):
    shape = tuple(int(length) for length in shape.split(","))
    folder = Path(folder)
    count = Path(data).stat().st_size // int(numpy.prod(shape)) // 2
    with ProcessPoolExecutor(2) as pool:
        jobs = [(data, shape, folder, number) for number in range(count)]
        list(pool.map(write_sample, jobs, chunksize=8))
    curate(binary, folder, count)


def bench(binary, folder, threads, *options):
    command = [binary, "loader", "bench", Path(folder) / "out", "--threads", threads, "--json"]
    for name, default in (("--batch", 4), ("--epochs", EPOCHS)):
        command += [] if name in options else [name, default]
    command += options
    done = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def load(binary, folder, workers, *options):
    found = bench(binary, folder, workers, *options)
    gigabytes = found["gb_per_s"] / found["samples_per_s"]
    samples = EPOCHS * len(list(Path(folder).glob("dataset/**/*.nii.gz")))
    line = {
        "samples_per_s": found["samples_per_s"],
        "gb_per_s": found["gb_per_s"],
        "n": samples,
        "cpu_s": found["cpu_s_per_gb"] * gigabytes * samples,
        "rss_mb": found["peak_rss_bytes"] / 2**20,
    }
    print(json.dumps(line))


if __name__ == "__main__":
    binary, verb, *rest = sys.argv[1:]
    {"prepare": prepare, "load": load}[verb](binary, *rest)
