"""Whether training waits for data: the load of MLPerf Storage's unet3d, and order and memory over many epochs.

Usage: python3 steps.py BINARY FOLDER

1. Samples of 146.6 MB, 7 a batch, a step of 323 ms (`unet3d_h100.yaml` of MLPerf Storage, one accelerator), warm: the
   share of the time that the consumer waits, and processor seconds a second.
2. Peak memory after 5 and after 50 epochs.
3. One hash of the order at 1, 2 and 4 ranks and 1, 2 and 7 threads.

Needs numpy. Writes 3 GB into FOLDER once.
"""

import json
import sys
from pathlib import Path

import numpy
import release
from release import curate, place, write_nifti

SHAPE = (280, 512, 512)
VOLUMES = 14


def main(binary, folder):
    folder = Path(folder)
    if not (folder / "out").exists():
        for number in range(VOLUMES):
            generator = numpy.random.default_rng(number)
            slices = generator.integers(-1000, 1000, (4, *SHAPE[1:]), dtype=numpy.int16)
            write_nifti(folder / place(number), numpy.tile(slices, (SHAPE[0] // 4, 1, 1)))
        curate(binary, folder, VOLUMES)

    def bench(threads, *options):
        return release.bench(binary, folder, threads, "--ring-mib", 4096, *options)

    bench(2, "--batch", 7, "--epochs", 1)
    for threads in (1, 2):
        for verify in ("every-epoch", "never"):
            options = ["--batch", 7, "--epochs", 60, "--step-ms", 323, "--verify", verify]
            found = bench(threads, *options)
            keys = ("gb_per_s", "stall_percent", "cpu_s_per_gb", "peak_rss_bytes")
            row = {key: found[key] for key in keys}
            row["cores"] = found["cpu_s_per_gb"] * found["gb_per_s"]
            print(json.dumps({"threads": threads, "verify": verify, **row}))
    peaks = [bench(2, "--batch", 2, "--epochs", epochs)["peak_rss_bytes"] for epochs in (5, 50)]
    print(json.dumps({"peak after 5 and after 50 epochs, pages of the shards included": peaks}))
    hashes = {
        bench(threads, "--batch", 4, "--epochs", 2, "--ranks", ranks)["order_hash"]
        for ranks in (1, 2, 4)
        for threads in (1, 2, 7)
    }
    print(json.dumps({"orders": sorted(hashes)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
