"""Times radloom beside SimpleITK, torch, MONAI and TorchIO on the same CT volume, in one go.

Usage: python3 peers.py BINARY --bench BENCH_PEERS.py [--data FOLDER] [--targets merlin ctclip] [--rounds 3]
       [--max-best 0.6] [--max-monai 0.2] [--max-rss-mib 400] [--min-speedup 1.5] [--no-peers]

BENCH_PEERS.py makes the input (512 x 512 x 300, .nii.gz) in `--data` and times each library in a process of
its own: load, orient, resample, window, crop or pad, with imports left out and nothing written. radloom is
timed whole, process start and written file included. All run once a round, in turn; the lowest CPU seconds
and the highest peak of all rounds count. Then radloom runs with 1 and 2 threads in turn; the lowest wall time
of each counts.

The limits hold for plain `.nii` output: ours over the best peer, ours over MONAI (CPU seconds), peak memory,
and the wall time of one thread over that of two.

Needs what BENCH_PEERS.py needs.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from command import Outcome, parser_of, radloom, run, verdict

VIEWS = {"merlin": "merlin", "ctclip": "ct-clip"}
PEERS = {"sitk": "SimpleITK", "torch_interp_isal": "torch + isal", "monai": "MONAI", "torchio": "TorchIO"}
SUFFIXES = (".nii", ".nii.gz")


def volume(binary: str, source: Path, folder: Path, suffix: str, view: str, threads: int) -> Outcome:
    output = folder / f"view{suffix}"
    done = radloom(binary, "volume", source, output, "--view", view, "--threads", threads)
    if done.code != 0:
        sys.exit(f"radloom, {view}, {suffix}: {done.complaint()}")
    output.unlink()
    return done


def peer(bench: str, method: str, target: str) -> dict:
    asked = ["--one", method, "--threads", "1", "--target", target, "--repeat", "1"]
    done = run([sys.executable, bench, *asked])
    if done.code != 0:
        sys.exit(f"{method}: {done.complaint()}")
    return json.loads(done.out.strip().splitlines()[-1])


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("binary")
    parser.add_argument("--bench", required=True)
    parser.add_argument("--data", default=os.path.join(tempfile.gettempdir(), "bench_peers"))
    parser.add_argument("--targets", nargs="+", choices=VIEWS, default=list(VIEWS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--max-best", type=float, default=0.6)
    parser.add_argument("--max-monai", type=float, default=0.2)
    parser.add_argument("--max-rss-mib", type=float, default=400)
    parser.add_argument("--min-speedup", type=float, default=1.5)
    parser.add_argument("--no-peers", action="store_true", help="only radloom, for a quick look")
    options = parser.parse_args()
    os.environ["BENCH_DIR"] = options.data
    source = Path(options.data) / "ct_l6.nii.gz"
    if not source.exists():
        made = run([sys.executable, options.bench, "--make"])
        if made.code != 0:
            sys.exit(f"the input cannot be made: {made.complaint()}")
    source.read_bytes()  # into the page cache
    failures: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for target in options.targets:
            one_target(options, target, source, Path(folder), failures)
    return verdict(failures)


def one_target(
    options: argparse.Namespace, target: str, source: Path, folder: Path, failures: list[str]
) -> None:
    view = VIEWS[target]
    cpu: dict[str, list[float]] = {}
    wall: dict[str, list[float]] = {}
    peak: dict[str, list[float]] = {}

    def note(name: str, cpu_s: float, wall_s: float, peak_mib: float) -> None:
        cpu.setdefault(name, []).append(cpu_s)
        wall.setdefault(name, []).append(wall_s)
        peak.setdefault(name, []).append(peak_mib)

    for _ in range(options.rounds):
        for suffix in SUFFIXES:
            done = volume(options.binary, source, folder, suffix, view, 1)
            note(f"radloom {suffix}", done.cpu, done.wall, done.json()["peak_rss_bytes"] / 2**20)
        for method, name in {} if options.no_peers else PEERS.items():
            row = peer(options.bench, method, target)
            note(name, row["cpu_s"], row["wall_s"], row["rss_mib"])
    print(f"{target}, 1 thread, {options.rounds} rounds")
    print(f"{'':16} {'CPU s':>7} {'all rounds':>24} {'wall s':>7} {'peak MiB':>9}")
    for name, seconds in cpu.items():
        every = " ".join(f"{value:.2f}" for value in seconds)
        print(f"{name:16} {min(seconds):7.2f} {every:>24} {min(wall[name]):7.2f} {max(peak[name]):9.0f}")
    lowest = {name: min(seconds) for name, seconds in cpu.items()}
    peers = {name: seconds for name, seconds in lowest.items() if name in PEERS.values()}
    for suffix in SUFFIXES:
        mine = lowest[f"radloom {suffix}"]
        if peers:
            best = min(peers, key=lambda name: peers[name])
            ratios = {f"best peer ({best})": mine / peers[best]}
            ratios |= {name: mine / peers[name] for name in ("SimpleITK", "MONAI")}
            listed = ", ".join(f"{name} {value:.2f}" for name, value in ratios.items())
            print(f"CPU, ours ({suffix}) over {listed}")
            if suffix == ".nii" and mine / peers[best] > options.max_best:
                failures.append(f"{target}: {mine / peers[best]:.2f} of {best}, {options.max_best} allowed")
            if suffix == ".nii" and mine / peers["MONAI"] > options.max_monai:
                share = mine / peers["MONAI"]
                failures.append(f"{target}: {share:.2f} of MONAI, {options.max_monai} allowed")
        memory = max(peak[f"radloom {suffix}"])
        if suffix == ".nii" and memory > options.max_rss_mib:
            failures.append(f"{target}: {memory:.0f} MiB, {options.max_rss_mib:.0f} allowed")
    for suffix in SUFFIXES:
        walls: dict[int, list[float]] = {1: [], 2: []}
        for _ in range(options.rounds + 2):
            for threads, seconds in walls.items():
                seconds.append(volume(options.binary, source, folder, suffix, view, threads).wall)
        one, two = min(walls[1]), min(walls[2])
        times = f"1 thread {one:.2f} s, 2 threads {two:.2f} s"
        print(f"wall, ours ({suffix}): {times}, {one / two:.2f} times as fast")
        if suffix == ".nii" and one / two < options.min_speedup:
            gain = f"two threads {one / two:.2f} times as fast"
            failures.append(f"{target}: {gain}, {options.min_speedup} wanted")
    print()


if __name__ == "__main__":
    sys.exit(main())
