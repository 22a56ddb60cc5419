#!/usr/bin/env python3
"""Forward and backward pass of the encoder `cnn3d`, radloom's beside the same network in PyTorch, two threads each.

    cargo build --release --workspace --examples
    python3 benches/model/cnn3d.py target/release/examples/cnn3d_time

Takes turns, three rounds; the least time of each counts. Needs torch.
"""

import os
import subprocess
import sys
import time

import torch
from torch import nn

BATCH, VOLUME, CHANNELS, ROUNDS = 16, (4, 64, 48, 64), (8, 16, 32), 8


class Stage(nn.Module):
    def __init__(self, source, target):
        super().__init__()
        self.conv1 = nn.Conv3d(source, target, 3, stride=2, padding=1, bias=False)
        self.norm1 = nn.BatchNorm3d(target)
        self.conv2 = nn.Conv3d(target, target, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm3d(target)

    def forward(self, volume):
        halved = torch.relu(self.norm1(self.conv1(volume)))
        return torch.relu(self.norm2(self.conv2(halved)) + halved)


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.input_norm = nn.BatchNorm3d(VOLUME[0], affine=False)
        self.stages = nn.ModuleList(Stage(a, b) for a, b in zip((VOLUME[0], *CHANNELS), CHANNELS))
        self.pooled_norm = nn.BatchNorm1d(2 * sum(CHANNELS))

    def forward(self, volume):
        volume, pooled = self.input_norm(volume), []
        for stage in self.stages:
            volume = stage(volume)
            pooled += [volume.mean((2, 3, 4)), volume.amax((2, 3, 4))]
        return volume.flatten(2).transpose(1, 2), self.pooled_norm(torch.cat(pooled, 1))


def pytorch(memory_format):
    torch.set_num_threads(2)
    torch.manual_seed(0)
    model = Cnn().to(memory_format=memory_format)
    volume = torch.rand(BATCH, *VOLUME).to(memory_format=memory_format)
    least = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        tokens, pooled = model(volume)
        ((pooled**2).mean() + tokens.mean()).backward()
        least = min(least, time.perf_counter() - start)
    return least


def radloom(binary):
    environment = {**os.environ, "RAYON_NUM_THREADS": "2"}
    out = subprocess.run([binary, str(BATCH), str(ROUNDS)], env=environment, capture_output=True, text=True, check=True)
    return float(out.stdout)


def main():
    times = {"PyTorch": [], "PyTorch, channels last": [], "radloom": []}
    for _ in range(3):
        times["PyTorch"].append(pytorch(torch.contiguous_format))
        times["PyTorch, channels last"].append(pytorch(torch.channels_last_3d))
        times["radloom"].append(radloom(sys.argv[1]))
    ours = min(times["radloom"])
    for name, seconds in times.items():
        print(f"{name:24} {min(seconds):.3f} s   radloom {min(seconds) / ours:.2f} x as fast")


if __name__ == "__main__":
    main()
