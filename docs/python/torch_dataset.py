"""A PyTorch data set of a release in radloom's order.

    python3 torch_dataset.py RELEASE VIEW     (needs torch besides what radloom_release.py needs)

Worker w of W takes the batches w, w + W, …: `DataLoader` hands them out in turn, so that the order is the same for any
number of workers. `position` is where a run stood, in samples.
"""

import sys

import torch
from radloom_release import Release
from torch.utils.data import DataLoader, IterableDataset, get_worker_info


class ReleaseDataset(IterableDataset):
    """Batches of (voxels, texts); every sample of the view has one shape."""

    def __init__(self, path, view, batch, seed=0, position=0, batches=None):
        self.arguments = (path, view, "train")
        self.batch, self.seed, self.first, self.batches = batch, seed, position // batch, batches

    def __iter__(self):
        # Opened here, so that each worker maps the shards itself.
        release = Release(*self.arguments)
        worker = get_worker_info()
        number, step = (worker.id, worker.num_workers) if worker else (0, 1)
        while self.batches is None or number < self.batches:
            samples = release.batch(self.first + number, self.seed, self.batch)
            voxels = torch.stack([torch.from_numpy(sample["voxels"].copy()) for sample in samples])
            yield voxels, [sample["text"] for sample in samples], [s["sample_id"] for s in samples]
            number += step


if __name__ == "__main__":
    path, view = sys.argv[1:3]
    orders = []
    for workers in (0, 1, 2):
        data = ReleaseDataset(path, view, batch=2, batches=5)
        orders.append([ids for _, _, ids in DataLoader(data, batch_size=None, num_workers=workers)])
    assert orders[0] == orders[1] == orders[2], "the order depends on the number of workers"
    print(f"{len(orders[0])} batches, the same with 0, 1 and 2 workers: {orders[0]}")
