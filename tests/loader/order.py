"""The order of the loader in plain Python, apart from the Rust code: the golden of its test, and a reader's order.

Usage: python3 order.py            (needs xxhash)

Prints the first two epochs of a data set of five studies with 1, 2, 1, 3 and 1 series (seed 7, batches of 4), as pairs
of study and series, and the hash of the plan: what `pipeline/src/loader/order/mod.rs` holds itself to.
"""

import struct

import xxhash

MASK = 0xFFFFFFFF


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


def at(seed, position, series):
    """Study and series at a position of the stream that carries over epochs; `series` holds each study's count."""
    epoch, index = divmod(position, len(series))
    study = permutation(seed, epoch, len(series))[index]
    start = xxhash.xxh3_64_intdigest(struct.pack("<QQ", seed, study))
    return study, (start + epoch) % 2**64 % series[study]


def plan_hash(seed, batch, series):
    text = b"order 1 " + struct.pack(f"<QQ{len(series)}I", seed, batch, *series)
    return xxhash.xxh3_64_intdigest(text)


if __name__ == "__main__":
    SERIES = [1, 2, 1, 3, 1]
    found = [at(7, position, SERIES) for position in range(2 * len(SERIES))]
    print(found, plan_hash(7, 4, SERIES))
