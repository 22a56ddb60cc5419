"""Writes clip.json: the contrast with a learned scale by its formula, in double precision, without any library.

The value is `mean over rows and directions of -log(exp(e^s c_ii) / sum_{j in J(i)} exp(e^s c_ij))`, with cosines c and
J(i) all rows but other reconstructions of the study of i. Gradients are central differences, which in double precision
are exact to about nine digits here; the test asks for five.

Run with any Python 3: python3 make_clip_goldens.py
"""
import json
import math
import pathlib
import random
import struct

HERE = pathlib.Path(__file__).parent
STUDIES, WIDTH = [0, 1, 1, 2, 3, 0], 5
STEP = 1e-5


def single(value):
    return struct.unpack("f", struct.pack("f", value))[0]


def loss(first, second, scale):
    count = len(STUDIES)
    rows = lambda flat: [flat[i * WIDTH:(i + 1) * WIDTH] for i in range(count)]
    unit = lambda row: [v / math.sqrt(sum(w * w for w in row)) for v in row]
    a, b = [unit(r) for r in rows(first)], [unit(r) for r in rows(second)]
    factor = math.exp(scale[0])
    logits = [[factor * sum(x * y for x, y in zip(u, v)) for v in b] for u in a]
    total = 0.0
    for cell in (lambda i, j: logits[i][j]), (lambda i, j: logits[j][i]):
        for i in range(count):
            kept = [cell(i, j) for j in range(count) if j == i or STUDIES[i] != STUDIES[j]]
            most = max(kept)
            total += most + math.log(sum(math.exp(v - most) for v in kept)) - cell(i, i)
    return total / (2 * count)


def main():
    random.seed(20260826)
    draw = lambda count: [single(round(random.gauss(0, 1), 4)) for _ in range(count)]
    inputs = {"first": draw(len(STUDIES) * WIDTH), "second": draw(len(STUDIES) * WIDTH), "logit_scale": [single(1.25)]}
    shapes = {"first": [len(STUDIES), WIDTH], "second": [len(STUDIES), WIDTH], "logit_scale": [1]}

    def gradient(name):
        values = []
        for at in range(len(inputs[name])):
            moved = {key: list(value) for key, value in inputs.items()}
            moved[name][at] = inputs[name][at] + STEP
            above = loss(*moved.values())
            moved[name][at] = inputs[name][at] - STEP
            values.append((above - loss(*moved.values())) / (2 * STEP))
        return values

    entry = lambda name, values: {"shape": shapes[name], "values": [float(f"{v:.9g}") for v in values]}
    case = {
        "loss": float(f"{loss(*inputs.values()):.9g}"),
        "inputs": {name: entry(name, values) for name, values in inputs.items()},
        "gradients": {name: entry(name, gradient(name)) for name in inputs},
        "same": [x == y for x in STUDIES for y in STUDIES],
    }
    (HERE / "clip.json").write_text(json.dumps({"contrast_scaled": case}) + "\n")


main()
