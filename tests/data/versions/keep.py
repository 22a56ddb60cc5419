#!/usr/bin/env python3
"""Keeps a sample of every file that a binary of radloom writes: keep.py BINARY

The name of a sample is the version and revision of its format. What is kept already stays as it is, so the folder only
grows: run this with the new binary whenever a format gets another version or revision. `tests/it/versions.rs` reads
every sample with the present program.
"""

import base64
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def of_json(path):
    """Version and revision of a JSON file."""
    value = json.loads(path.read_text())
    return f"{value['version']}.{value.get('revision', 0)}"


def of_metadata(path):
    """Version and revision in the Arrow schema of a Parquet or Arrow file."""
    data = path.read_bytes()
    if data.startswith(b"PAR1"):
        data = base64.b64decode(re.search(rb"/////[^/][A-Za-z0-9+/]+=*", data).group())
    # The schema is a flatbuffer: the length of a value, the value, then the length of its key and the key.
    pairs = re.findall(rb"([0-9]+)\0+.{1,4}\0{0,3}radloom\.(version|revision)\0", data, re.DOTALL)
    found = {key: int(value) for value, key in pairs}
    return f"{found[b'version']}.{found[b'revision']}"


def of_message_pack(path):
    """Version and revision of a MessagePack map; files of before there were versions have 0.0."""
    found = dict(re.findall(rb"[\xa7\xa8](version|revision)([\x00-\x7f])", path.read_bytes()[:400], re.DOTALL))
    return f"{ord(found.get(b'version', bytes(1)))}.{ord(found.get(b'revision', bytes(1)))}"


def keep(source, kind, name):
    target = HERE / kind / name
    if target.exists():
        print(f"kept already: {kind}/{name}")
        return
    target.parent.mkdir(exist_ok=True)
    (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    print(f"new: {kind}/{name}")


def main(binary):
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        manifest = work / "small.toml"
        text = (HERE / "small.toml").read_text()
        manifest.write_text(text.replace('root = "../corpus"', f'root = "{HERE.parent / "corpus"}"'))
        for verb in ("curate", "train"):
            subprocess.run([binary, verb, str(manifest), "--quiet"], check=True)
        release = work / "out/release"
        parts = {
            "lock": of_json(release / "release.lock"),
            "tables": of_metadata(release / "tables/studies.parquet"),
            "voxels": of_metadata(next((release / "shards").glob("*.arrow"))),
        }
        keep(release, "release", "-".join(f"{kind}-{version}" for kind, version in parts.items()))
        outcome = next((work / "out" / "work" / "units").glob("*.msgpack"))
        keep(outcome, "outcome", f"v{of_message_pack(outcome)}.msgpack")
        checkpoints = work / "out/train/checkpoints"
        checkpoint = checkpoints / (checkpoints / "latest").read_text().strip() / "checkpoint.json"
        token = json.loads(checkpoint.read_text())["loader_token"]
        name = f"v{of_json(checkpoint)}-token-{token['version']}.{token.get('revision', 0)}.json"
        keep(checkpoint, "checkpoint", name)


if __name__ == "__main__":
    main(str(Path(sys.argv[1]).resolve()))
