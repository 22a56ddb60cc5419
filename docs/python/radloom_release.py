"""A release read in radloom's order, with pyarrow, numpy and xxhash only.

    from radloom_release import Release
    release = Release("out/quickstart/release", view="mg3d", split="train")
    for sample in release.batch(0, seed=0, batch=2):
        print(sample["sample_id"], sample["voxels"].shape, sample["text"])

`docs/python.md` says what the order is. Voxels are views on the mapped shards: nothing is copied until you do.
"""

import hashlib
import json
import pathlib
import struct

import numpy as np
import pyarrow.parquet as pq
import xxhash

MASK = 0xFFFFFFFF
DTYPES = {"u8": np.uint8, "i16": np.int16, "f16": np.float16}


def chacha8(key):
    """The words of ChaCha with 8 rounds, a 64-bit block counter from 0 and nonce 0."""

    def rotate(value, by):
        return ((value << by) | (value >> (32 - by))) & MASK

    def quarter(s, a, b, c, d):
        s[a] = (s[a] + s[b]) & MASK
        s[d] = rotate(s[d] ^ s[a], 16)
        s[c] = (s[c] + s[d]) & MASK
        s[b] = rotate(s[b] ^ s[c], 12)
        s[a] = (s[a] + s[b]) & MASK
        s[d] = rotate(s[d] ^ s[a], 8)
        s[c] = (s[c] + s[d]) & MASK
        s[b] = rotate(s[b] ^ s[c], 7)

    block = 0
    while True:
        start = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574, *struct.unpack("<8I", key)]
        start += [block & MASK, block >> 32, 0, 0]
        state = list(start)
        for _ in range(4):
            for a in range(4):
                quarter(state, a, a + 4, a + 8, a + 12)
            for a in range(4):
                quarter(state, a, 4 + (a + 1) % 4, 8 + (a + 2) % 4, 12 + (a + 3) % 4)
        yield from ((x + y) & MASK for x, y in zip(state, start))
        block += 1


def below(words, bound):
    """An unbiased number below `bound` (Lemire 2019)."""
    product = next(words) * bound
    while (product & MASK) < (2**32 - bound) % bound:
        product = next(words) * bound
    return product >> 32


def permutation(seed, epoch, count):
    """Fisher-Yates from the end."""
    numbers = struct.pack("<QQ", seed, epoch)
    half = xxhash.xxh3_128_intdigest(b"radloom order" + numbers).to_bytes(16, "little")
    words = chacha8(half + numbers)
    order = list(range(count))
    for last in range(count - 1, 0, -1):
        other = below(words, last + 1)
        order[last], order[other] = order[other], order[last]
    return order


class Order:
    """Study and series at each position, for studies with these numbers of series."""

    def __init__(self, seed, series):
        self.seed, self.series = seed, series
        self.epoch, self.studies = None, []

    def at(self, position):
        epoch, index = divmod(position, len(self.series))
        if epoch != self.epoch:
            self.epoch, self.studies = epoch, permutation(self.seed, epoch, len(self.series))
        study = self.studies[index]
        # Each study starts at another of its series, then takes them in turn.
        start = xxhash.xxh3_64_intdigest(struct.pack("<QQ", self.seed, study))
        return study, (start + epoch) % 2**64 % self.series[study]


class Release:
    """The samples of one view and split of a release."""

    def __init__(self, path, view, split, verify=True):
        self.path, self.verify = pathlib.Path(path), verify
        manifest = json.loads((self.path / "manifest.resolved.json").read_text())
        recipes = [section for section in manifest["view"] if section["name"] == view]
        if not recipes:
            raise ValueError(f"{path}: no view {view!r} in manifest.resolved.json")
        rows = self.table("index").to_pylist()
        rows = [row for row in rows if row["view"] == view and row["split"] == split]
        studies = {}
        for row in rows:
            studies.setdefault(row["study_id"], []).append(row)
        # Studies by id, their series by sample id, both by bytes.
        bytewise = lambda text: text.encode()
        self.studies = [
            sorted(studies[study], key=lambda row: bytewise(row["sample_id"]))
            for study in sorted(studies, key=bytewise)
        ]
        self.reports = {row["study_id"]: row["text"] for row in self.table("reports").to_pylist()}
        self.shards = {}

    def table(self, name):
        return pq.read_table(self.path / "tables" / f"{name}.parquet")

    def order(self, seed):
        return Order(seed, [len(series) for series in self.studies])

    def rows(self, first, count, seed):
        """Index rows at positions `first` and on: the position is what a checkpoint holds."""
        order = self.order(seed)
        places = (order.at(position) for position in range(first, first + count))
        return [self.studies[study][series] for study, series in places]

    def batch(self, number, seed, batch):
        """The samples of a batch; batches follow each other over the ends of epochs."""
        return [self.sample(row) for row in self.rows(number * batch, batch, seed)]

    def sample(self, row):
        """One sample: its stored voxels (blocks, channels, depth, height, width) and the text of its study."""
        shard = row["shard"]
        if shard not in self.shards:
            self.shards[shard] = np.memmap(self.path / shard, np.uint8, "r")
        raw = self.shards[shard][row["offset"] : row["offset"] + row["length"]]
        if self.verify and xxhash.xxh3_64_intdigest(raw) != row["xxh3"]:
            raise ValueError(f"{self.path / shard}: the tensor of {row['sample_id']!r} is damaged")
        blocks = max(len(row["crop_starts"]) // 3, 1)
        voxels = raw.view(DTYPES[row["dtype"]]).reshape(blocks, -1, *row["shape"])
        return {**row, "voxels": voxels, "text": self.reports.get(row["study_id"], "")}

    def order_hash(self, seed, batch, epochs):
        """What `radloom loader bench --json` prints as `order_hash`."""
        batches = -(-epochs * len(self.studies) // batch)
        ids = [row["sample_id"] for row in self.rows(0, batches * batch, seed)]
        return hashlib.sha256("".join(f"{name}\n" for name in ids).encode()).hexdigest()[:16]
