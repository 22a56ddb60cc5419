"""Crops at load beside TorchIO's queue and MONAI's cached loader: 4 crops of 128³ out of volumes of 512 × 512 × 300.

Usage: python3 crops.py BINARY FOLDER [--volumes 6] [--rounds 3]

Writes the corpus and its release into FOLDER once (0.2 GB a volume and as much again for the release). All peers give
the same thing: random crops as float tensors from memory that is warm. MONAI holds every volume in memory as float32
(`CacheDataset`, then `RandSpatialCropSamplesd`) with two worker processes; TorchIO's `Queue` with two workers fills from
volumes that each were saved as uncompressed NIfTI, its fastest input. radloom reads the release with two threads.
Crops a second, CPU seconds a GB of int16 crops.

Needs numpy, torch, monai, torchio.
"""

import argparse
import json
import resource
import sys
import time
from pathlib import Path

import numpy
from release import bench, curate, place, write_nifti

SIZE, CROPS, SHAPE = 128, 4, (300, 512, 512)
GIGABYTES = SIZE**3 * 2 / 1e9


def volume(number):
    generator = numpy.random.default_rng(number)
    coarse = generator.standard_normal((10, 16, 16), dtype=numpy.float32) * 250
    smooth = coarse.repeat(30, 0).repeat(32, 1).repeat(32, 2)
    return (smooth + 12 * generator.standard_normal(SHAPE, dtype=numpy.float32)).astype(numpy.int16)


def cpu():
    ours, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return ours.ru_utime + ours.ru_stime + children.ru_utime + children.ru_stime


def timed(batches, count):
    """Crops a second once the first batch is there, and CPU seconds a GB over all."""
    started = cpu()
    iterator = iter(batches)
    next(iterator)
    start, crops = time.perf_counter(), 0
    for batch in iterator:
        crops += len(batch)
        if crops >= count:
            break
    rate = crops / (time.perf_counter() - start)
    del iterator, batches
    return {"crops_per_s": rate, "cpu_s_per_gb": (cpu() - started) / (crops * GIGABYTES)}


def monai_loader(folder, volumes):
    import torch
    from monai.data import CacheDataset, DataLoader, list_data_collate
    from monai.transforms import Compose, MapTransform, RandSpatialCropSamplesd

    class Load(MapTransform):
        def __call__(self, data):
            return {"image": torch.from_numpy(volume(data["image"]).astype(numpy.float32))[None]}

    crop = RandSpatialCropSamplesd(["image"], roi_size=[SIZE] * 3, num_samples=CROPS, random_size=False)
    data = [{"image": number} for number in range(volumes)] * 8
    cached = CacheDataset(data[:volumes], Compose([Load(["image"]), crop]), progress=False)
    cached.data, cached._cache = data, cached._cache * 8
    cached.cache_num = len(data)
    loader = DataLoader(cached, batch_size=1, shuffle=True, num_workers=2, collate_fn=list_data_collate)
    return (batch["image"] for batch in loader)


def torchio_loader(folder, volumes):
    import torch
    import torchio

    subjects = []
    for number in range(volumes):
        path = folder / f"plain-{number}.nii"
        if not path.exists():
            torchio.ScalarImage(tensor=volume(number)[None], affine=numpy.eye(4)).save(path)
        subjects.append(torchio.Subject(image=torchio.ScalarImage(path)))
    dataset = torchio.SubjectsDataset(subjects * 8)
    queue = torchio.Queue(
        dataset,
        max_length=8 * CROPS,
        samples_per_volume=CROPS,
        sampler=torchio.data.UniformSampler(SIZE),
        num_workers=2,
    )
    loader = torch.utils.data.DataLoader(queue, batch_size=CROPS, num_workers=0)
    return (batch["image"]["data"] for batch in loader)


def radloom_crops(binary, folder):
    size = f"{SIZE},{SIZE},{SIZE}"
    found = bench(binary, folder, 2, "--crops", CROPS, "--crop-size", size, "--ring-mib", 1024, "--epochs", 80)
    rate = found["samples_per_s"] * CROPS
    keys = ("cpu_s_per_gb", "amplification", "hash_s_per_gb", "peak_rss_bytes")
    return {"crops_per_s": rate, **{key: found[key] for key in keys}}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("binary")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--volumes", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", nargs="*", default=["monai", "torchio"])
    arguments = parser.parse_args()
    folder, volumes = arguments.folder, arguments.volumes
    if not (folder / "out").exists():
        for number in range(volumes):
            write_nifti(folder / place(number), volume(number))
        curate(arguments.binary, folder, volumes)
    loaders = {"monai": monai_loader, "torchio": torchio_loader}
    best = {}
    for _ in range(arguments.rounds):
        rows = {"radloom": radloom_crops(arguments.binary, folder)}
        for peer in arguments.peers:
            rows[peer] = timed(loaders[peer](folder, volumes), 6 * volumes * CROPS)
        for name, row in rows.items():
            if row["crops_per_s"] > best.get(name, {}).get("crops_per_s", 0):
                best[name] = row
    for name, row in best.items():
        ratio = best["radloom"]["crops_per_s"] / row["crops_per_s"]
        print(json.dumps({"loader": name, **row, "radloom_is_faster_by": ratio}))


if __name__ == "__main__":
    sys.exit(main())
