"""Checks that a volume far larger than the memory limit goes through within it.

Usage: python3 memory.py BINARY [--size 1024 1024 1617] [--memory-mib 2048] [--views mg3d ct-clip]
       [--cap-mib 6144] [--work FOLDER]

Makes a .nii.gz of 16-bit integers, 3.4 GB decoded (a body of smooth values and a little noise in air, so that
it packs well), and takes it through each view; above `--slab-above-mib`, 2048 by default, radloom reads a
volume slab by slab. Peak resident memory, as the kernel counts it, must stay below `--memory-mib`. `--cap-mib` limits the address
space of a run, so that a binary that misses the mark by far fails alone. All files lie in a temporary folder
under `--work` and are removed.

Needs numpy, nibabel.
"""

import resource
import sys
import tempfile
import zlib
from pathlib import Path

import nibabel
import numpy
from command import parser_of, run, verdict


def write(path: Path, size: tuple[int, ...]) -> None:
    """Slab by slab: this process must stay small, as its memory counts for what it starts."""
    header = nibabel.Nifti1Header()
    header.set_data_shape(size)
    header.set_data_dtype(numpy.int16)
    header.set_xyzt_units("mm")
    header.set_sform(numpy.diag([-0.4, -0.4, 0.4, 1.0]), code=1)
    header["vox_offset"], header["magic"] = 352, b"n+1"
    header["scl_slope"], header["scl_inter"] = 1, 0
    y, x = numpy.ogrid[-1 : 1 : size[1] * 1j, -1 : 1 : size[0] * 1j]
    body = (x / 0.8) ** 2 + (y / 0.6) ** 2 < 1
    noise = numpy.random.default_rng(0).integers(-20, 20, size[1::-1], dtype=numpy.int16)
    pack = zlib.compressobj(1, zlib.DEFLATED, 31)
    with open(path, "wb") as file:
        file.write(pack.compress(header.binaryblock + bytes(4)))
        for z in range(size[2]):
            inside = 40 + (30 * numpy.sin(9 * x + z / 40)).astype(numpy.int16)
            # Noise in one band of each slice only: it is what costs time and room when packed.
            band = slice(z % 8 * size[1] // 8, (z % 8 + 1) * size[1] // 8)
            values = numpy.where(body, inside, numpy.int16(-1000)).astype("<i2")
            values[band] += noise[band]
            file.write(pack.compress(values.tobytes()))
        file.write(pack.flush())


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("binary")
    parser.add_argument("--size", type=int, nargs=3, default=(1024, 1024, 1617))
    parser.add_argument("--memory-mib", type=int, default=2048)
    parser.add_argument("--views", nargs="+", default=["mg3d", "ct-clip"])
    parser.add_argument("--cap-mib", type=int, default=6144)
    parser.add_argument("--work")
    options = parser.parse_args()

    def cap() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (options.cap_mib << 20, options.cap_mib << 20))

    failures = []
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        volume, output = Path(folder) / "large.nii.gz", Path(folder) / "view.nii"
        write(volume, tuple(options.size))
        decoded = 2 * numpy.prod(options.size, dtype=numpy.int64)
        print(f"{decoded / 1e9:.2f} GB in {volume.stat().st_size / 1e6:.0f} MB of gzip")
        print(f"{'view':8} {'peak MiB':>9} {'wall s':>7} {'CPU s':>7}")
        for view in options.views:
            command = [options.binary, "volume", str(volume), str(output), "--view", view, "--json"]
            done = run(command, before=cap)
            peak = done.peak / 2**20
            print(f"{view:8} {peak:9.0f} {done.wall:7.1f} {done.cpu:7.1f}", flush=True)
            if done.code != 0:
                failures.append(f"{view}: {done.complaint()}")
            elif peak >= options.memory_mib:
                failures.append(f"{view}: {peak:.0f} MiB, {options.memory_mib} allowed")
            output.unlink(missing_ok=True)
    return verdict(failures)


if __name__ == "__main__":
    sys.exit(main())
