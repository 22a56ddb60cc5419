"""Measures `radloom curate` on a corpus shaped like CT-RATE, and the share of it that gzip takes.

Usage: python3 corpus_throughput.py BINARY FOLDER_OR_FILE... [--volumes 40] [--slices 240] [--work FOLDER]
       [--preset mg3d] [--rounds 1] [--min-speedup 1.5] [--min-volumes-s 0] [--jobs 2]

From the real CT volumes given, `--volumes` files of 512 x 512 x `--slices` are made: one source after the
other, resampled, with noise of 12 HU of its own in every file, 16-bit integers, gzip level 6, named and laid
out as CT-RATE version 2, with reports. (The anatomy is stretched to 0.7 x 0.7 x 1 mm; only the time matters
here.) Then a manifest with one view is curated with two threads and with one. Reading is from the page cache.
The decompression of the same files by libdeflate in Python, one thread, stands beside it as a floor.

The corpus lies in `--work` and is used again if it is there (about 70 MB a volume); otherwise in a temporary
folder. Fails when a volume is left out, when the two releases differ in a byte, or when a limit is missed.

Needs numpy, nibabel, SimpleITK, deflate (libdeflate).
"""

import argparse
import contextlib
import csv
import gzip
import os
import shutil
import struct
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import deflate
import nibabel
import numpy
import SimpleITK
from command import Outcome, parser_of, radloom, verdict
from sources import Source, readable

sys.path.append(str(Path(__file__).resolve().parents[1]))
from ct_rate import COLUMNS, MANIFEST, place

SPACING = (0.7, 0.7, 1.0)
FINDINGS = (
    "Trachea and both main bronchi are open.",
    "The heart is not enlarged and there is no pericardial effusion.",
    "Calcified atherosclerotic plaques are seen in the aortic arch and the coronary arteries.",
    "No lymph node in pathological size or appearance is seen in the mediastinum.",
    "Linear atelectasis is present in the left lower lobe.",
    "A nodule of 4 mm is seen in the right upper lobe.",
    "No pleural effusion or pneumothorax is detected.",
    "Centrilobular emphysema is more marked in the upper lobes.",
    "The included part of the liver shows no lesion.",
    "Degenerative changes are seen in the thoracic spine.",
)


def is_ct(image: SimpleITK.Image) -> bool:
    """Whether there is air, and voxels are Hounsfield units."""
    values = SimpleITK.GetArrayViewFromImage(image)
    return -4000 <= values.min() <= -900 and values.shape[0] >= 10


def write_volume(source: Source, path: Path, number: int, slices: int) -> None:
    image = SimpleITK.DICOMOrient(source.read(), "LPS")
    size = numpy.array([512, 512, slices])
    old = numpy.array(image.GetSpacing())
    new = numpy.array(image.GetSize()) * old / size
    origin = image.TransformContinuousIndexToPhysicalPoint(((new / old - 1) / 2).tolist())
    identity, linear = SimpleITK.Transform(3, SimpleITK.sitkIdentity), SimpleITK.sitkLinear
    grid = size.tolist(), identity, linear, origin, new.tolist(), image.GetDirection()
    values = SimpleITK.GetArrayFromImage(SimpleITK.Resample(image, *grid, -1024.0))
    values += 12 * numpy.random.default_rng(number).standard_normal(values.shape, dtype=numpy.float32)
    voxels = numpy.rint(values.clip(-1024, 3071)).astype("<i2").transpose(2, 1, 0)
    matrix = numpy.diag([-SPACING[0], -SPACING[1], SPACING[2], 1.0])
    nifti = nibabel.Nifti1Image(voxels, matrix)
    nifti.header.set_xyzt_units("mm")
    nifti.header.set_slope_inter(1, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    with gzip.open(partial, "wb", compresslevel=6) as file:
        file.write(nifti.to_bytes())
    partial.rename(path)


def make_corpus(folder: Path, sources: list[Source], options: argparse.Namespace) -> list[Path]:
    paths, rows = [], []
    with ProcessPoolExecutor(options.jobs) as pool:
        jobs = []
        for number in range(1, options.volumes + 1):
            path = folder / place(number)
            paths.append(path)
            findings = [FINDINGS[(number + step * step) % len(FINDINGS)] for step in range(6)]
            rows.append((path.name, "Not given.", "Axial images without contrast.", " ".join(findings), findings[0]))
            if not path.exists():
                source = sources[number % len(sources)]
                jobs.append(pool.submit(write_volume, source, path, number, options.slices))
        for job in jobs:
            job.result()
    with open(folder / "reports.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    (folder / "manifest.toml").write_text(MANIFEST.format(preset=options.preset), encoding="utf-8")
    return paths


def gzip_seconds(paths: list[Path]) -> tuple[float, int]:
    """CPU seconds that libdeflate needs for all files, and what they hold, in bytes."""
    start, total = time.process_time(), 0
    for path in paths:
        packed = path.read_bytes()
        (size,) = struct.unpack("<I", packed[-4:])
        total += len(deflate.gzip_decompress(packed, size))
    return time.process_time() - start, total


def curate(options: argparse.Namespace, folder: Path, threads: int) -> tuple[Outcome, bytes]:
    out = folder / f"out_{threads}"
    shutil.rmtree(out, ignore_errors=True)
    done = radloom(options.binary, "curate", folder / "manifest.toml", "--out", out, "--threads", threads)
    if done.code != 0:
        sys.exit(f"radloom: {done.complaint()}")
    sums = (Path(done.json()["release_dir"]) / "SHA256SUMS").read_bytes()
    shutil.rmtree(out)
    return done, sums


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("binary")
    parser.add_argument("sources", nargs="+")
    parser.add_argument("--volumes", type=int, default=40)
    parser.add_argument("--slices", type=int, default=240)
    parser.add_argument("--work")
    parser.add_argument("--preset", default="mg3d")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="processes that make the corpus")
    parser.add_argument("--min-speedup", type=float, default=1.5)
    parser.add_argument("--min-volumes-s", type=float, default=0)
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        work = options.work or stack.enter_context(tempfile.TemporaryDirectory())
        Path(work).mkdir(parents=True, exist_ok=True)
        return measure(options, Path(work).resolve())


def readable_cts(roots: list[str]) -> list[Source]:
    kept = [source for source, image in readable(roots, limit_mb=1000) if is_ct(image)]
    return kept or sys.exit("no CT volume among the sources")


def measure(options: argparse.Namespace, folder: Path) -> int:
    sources = readable_cts(options.sources)
    print(f"{len(sources)} CT volumes as sources", flush=True)
    paths = make_corpus(folder, sources, options)
    packed = sum(os.path.getsize(path) for path in paths)
    floor, decoded = gzip_seconds(paths)
    print(
        f"{len(paths)} volumes of 512 x 512 x {options.slices}: {decoded / 1e6:.0f} MB in "
        f"{packed / 1e6:.0f} MB of gzip; libdeflate alone {floor:.2f} CPU s, {decoded / floor / 1e6:.0f} MB/s"
    )
    best: dict[int, Outcome] = {}
    sums = set()
    failures = []
    for _ in range(options.rounds):
        for threads in (2, 1):
            done, listed = curate(options, folder, threads)
            sums.add(listed)
            if threads not in best or done.wall < best[threads].wall:
                best[threads] = done
    heads = f"{'threads':>7} {'wall s':>7} {'CPU s':>7} {'volumes/s':>10} {'MB/s':>6}"
    print(f"{heads} {'gzip of CPU':>12} {'peak MiB':>9}")
    for threads, done in sorted(best.items()):
        rates = len(paths) / done.wall, decoded / done.wall / 1e6
        peak = done.json()["peak_rss_bytes"] / 2**20
        line = f"{threads:7} {done.wall:7.2f} {done.cpu:7.2f} {rates[0]:10.2f} {rates[1]:6.0f}"
        print(f"{line} {100 * floor / done.cpu:11.0f}% {peak:9.0f}")
        if done.json()["included"] != len(paths):
            failures.append(f"{len(paths)} volumes went in, {done.json()['included']} came out")
    speedup = best[1].wall / best[2].wall
    print(f"two threads are {speedup:.2f} times as fast")
    if speedup < options.min_speedup:
        failures.append(f"two threads {speedup:.2f} times as fast, {options.min_speedup} wanted")
    if len(paths) / best[2].wall < options.min_volumes_s:
        failures.append(f"{len(paths) / best[2].wall:.2f} volumes/s, {options.min_volumes_s} wanted")
    if len(sums) != 1:
        failures.append("the releases differ")
    return verdict(failures)


if __name__ == "__main__":
    sys.exit(main())
