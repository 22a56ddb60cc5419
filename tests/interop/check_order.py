"""Whether the Python reader of `docs/python` gives radloom's order. Usage: check_order.py RELEASE RADLOOM"""

import json
import pathlib
import subprocess
import sys

sys.path.append(str(pathlib.Path(__file__).parents[2] / "docs/python"))
from radloom_release import Release

SEED, BATCH, EPOCHS = 3, 2, 5


def main(path, radloom):
    manifest = json.loads((pathlib.Path(path) / "manifest.resolved.json").read_text())
    view = manifest["view"][0]["name"]
    release = Release(path, view, "train")
    options = ["--view", view, "--seed", SEED, "--batch", BATCH, "--epochs", EPOCHS, "--json"]
    command = [radloom, "loader", "bench", path, *map(str, options)]
    printed = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert release.order_hash(SEED, BATCH, EPOCHS) == printed["order_hash"]
    samples = release.batch(1, SEED, BATCH)
    assert len(samples) == BATCH and all(sample["voxels"].std() > 0 for sample in samples)
    assert any(sample["text"] for sample in samples)
    print(f"order: {EPOCHS} epochs of {len(release.studies)} studies, as radloom loads them")


if __name__ == "__main__":
    main(*sys.argv[1:])
