"""The order of the loader in plain Python, apart from the Rust code: the golden of its test.

Usage: python3 order.py            (needs pyarrow, numpy, xxhash)

Prints the first two epochs of a data set of five studies with 1, 2, 1, 3 and 1 series (seed 7, batches of 4), as pairs
of study and series, and the hash of the plan: what `pipeline/src/loader/order/mod.rs` holds itself to.
"""

import pathlib
import struct
import sys

import xxhash

sys.path.append(str(pathlib.Path(__file__).parents[2] / "docs/python"))
from radloom_release import Order


def plan_hash(seed, batch, series):
    text = b"order 1 " + struct.pack(f"<QQ{len(series)}I", seed, batch, *series)
    return xxhash.xxh3_64_intdigest(text)


if __name__ == "__main__":
    SERIES = [1, 2, 1, 3, 1]
    order = Order(7, SERIES)
    print([order.at(position) for position in range(2 * len(SERIES))], plan_hash(7, 4, SERIES))
