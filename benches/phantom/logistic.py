#!/usr/bin/env python3
"""How far a linear model on coarse voxels gets on a phantom: macro-AUROC of a logistic regression on 16^3 means.

    radloom phantom DIR --studies 192 --seed 1
    python3 benches/phantom/logistic.py DIR

Fitted on the patients of `train`, measured on those of `valid`; the ridge is the best of four by five-fold
cross-validation on `train`. Needs numpy and nibabel.
"""

import csv
import sys
from pathlib import Path

import nibabel
import numpy as np

EDGE = 16
RIDGES = (1e-3, 1e-2, 1e-1, 1.0)
LEAST = 10


def voxels(path):
    """Means over EDGE^3 boxes of the window -1000..1000 HU as 0..1."""
    volume = np.asarray(nibabel.load(path).dataobj, dtype=np.float32)
    volume = np.clip((volume + 1000) / 2000, 0, 1)
    for axis in range(3):
        parts = np.array_split(volume, EDGE, axis=axis)
        volume = np.stack([part.mean(axis=axis) for part in parts], axis=axis)
    return volume.ravel()


def read(root, part):
    with open(root / "multi_abnormality_labels" / f"{part}_predicted_labels.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["VolumeName"].endswith("_1.nii.gz")]
    labels = [name for name in rows[0] if name != "VolumeName"]
    found = {path.name: path for path in (root / "dataset" / part).rglob("*.nii.gz")}
    features = np.stack([voxels(found[row["VolumeName"]]) for row in rows])
    truth = np.array([[int(row[label]) for label in labels] for row in rows])
    patients = np.array([row["VolumeName"].split("_")[1] for row in rows])
    return features, truth, labels, patients


def fit(kernel, truth, ridge):
    """Weights of the rows: a logistic regression with L2 in its dual, by Newton's method."""
    count = len(truth)
    alpha, bias = np.zeros(count), 0.0
    for _ in range(30):
        score = kernel @ alpha + bias
        chance = 1 / (1 + np.exp(-score))
        weight = np.maximum(chance * (1 - chance), 1e-6)
        target = score + (truth - chance) / weight
        system = np.zeros((count + 1, count + 1))
        system[:count, :count] = kernel + ridge * count * np.diag(1 / weight)
        system[:count, count] = system[count, :count] = 1
        solved = np.linalg.solve(system, np.append(target, 0))
        alpha, bias = solved[:count], solved[count]
    return alpha, bias


def auroc(score, truth):
    positive, negative = score[truth == 1], score[truth == 0]
    above = (positive[:, None] > negative).mean()
    return above + 0.5 * (positive[:, None] == negative).mean()


def main():
    root = Path(sys.argv[1])
    train, truth, labels, patients = read(root, "train")
    valid, wanted, _, _ = read(root, "valid")
    mean, spread = train.mean(0), train.std(0) + 1e-6
    train, valid = (train - mean) / spread, (valid - mean) / spread
    scale = train.shape[1]
    kernel, across = train @ train.T / scale, valid @ train.T / scale
    _, number = np.unique(patients, return_inverse=True)
    fold = number % 5
    areas = []
    for index, label in enumerate(labels):
        own, theirs = truth[:, index], wanted[:, index]
        if min(theirs.sum(), len(theirs) - theirs.sum()) < LEAST:
            continue
        best = None
        for ridge in RIDGES:
            score = np.zeros(len(own))
            for held in range(5):
                inside = fold != held
                alpha, bias = fit(kernel[np.ix_(inside, inside)], own[inside], ridge)
                score[~inside] = kernel[np.ix_(~inside, inside)] @ alpha + bias
            area = auroc(score, own)
            best = max(best or (area, ridge), (area, ridge))
        alpha, bias = fit(kernel, own, best[1])
        areas.append(auroc(across @ alpha + bias, theirs))
        print(f"{label:<36} {areas[-1]:.3f}")
    print(f"{'macro':<36} {np.mean(areas):.3f}")


if __name__ == "__main__":
    main()
