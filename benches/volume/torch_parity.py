"""Compares the presets with the published preprocessing, by PyTorch, on real volumes.

Usage: python3 torch_parity.py BINARY FOLDER_OR_FILE... [--presets ct-clip mg3d merlin] [--limit-mb 300]

- ct-clip: resample, clip, centre crop or pad, as in CT-CLIP's training script.
- mg3d: clip, resample, then MONAI's centre crop by fractions and a second resize, as in MG-3D's released code.
- merlin: MONAI's own Spacing, SpatialPad and CenterSpatialCrop, as the publication lists them.

For the first two, resampling is `interpolate(mode="trilinear", align_corners=False)` to int(n * spacing / target) voxels, with
the header's spacing rounded to six decimals, as the data sets' csv files write it. SimpleITK reads and
orients the source. Every voxel must agree within 1 HU (voxels are stored rounded).

Needs numpy, nibabel, SimpleITK, torch, monai.
"""

import sys
import tempfile
from pathlib import Path

import nibabel
import numpy
import SimpleITK
import torch
from command import parser_of, radloom, verdict
from monai.data import MetaTensor
from monai.transforms import CenterSpatialCrop, Spacing, SpatialPad
from sources import readable
from torch.nn.functional import interpolate, pad

LOW, HIGH = -1000.0, 1000.0


def oriented(image: SimpleITK.Image, axes: str) -> tuple[torch.Tensor, list[float]]:
    """The voxels as [z, y, x] with axes increasing towards the letters `axes`, and the spacing (z, y, x)."""
    image = SimpleITK.DICOMOrient(image, "LPS")
    values = torch.from_numpy(SimpleITK.GetArrayFromImage(image))
    values = values.flip(1, 2) if axes == "RAS" else values
    return values, [round(step, 6) for step in image.GetSpacing()][::-1]


def resize(values: torch.Tensor, size: list[int]) -> torch.Tensor:
    return interpolate(values[None, None], size=size, mode="trilinear", align_corners=False)[0, 0]


def respace(values: torch.Tensor, spacing: list[float], target: tuple[float, ...]) -> torch.Tensor:
    # The small term keeps 100 * 1.2 / 1.5 at 80, which is 79.99999999999999 in floating point.
    sizes = [int(n * step / goal * (1 + 3e-7)) for n, step, goal in zip(values.shape, spacing, target)]
    return resize(values, [max(size, 1) for size in sizes])


def crop_or_pad(values: torch.Tensor, size: tuple[int, ...]) -> torch.Tensor:
    """As CT-CLIP: a crop starts at (n - size) // 2, a pad puts (size - n) // 2 in front."""
    for axis, want in enumerate(size):
        if values.shape[axis] > want:
            values = values.narrow(axis, (values.shape[axis] - want) // 2, want)
    pads: list[int] = []
    for have, want in reversed(list(zip(values.shape, size))):
        pads += [(want - have) // 2, want - have - (want - have) // 2]
    return pad(values, pads, value=LOW)


def ct_clip(image: SimpleITK.Image) -> torch.Tensor:
    values, spacing = oriented(image, "LPS")
    return crop_or_pad(respace(values, spacing, (1.5, 0.75, 0.75)).clamp(LOW, HIGH), (240, 480, 480))


def mg3d(image: SimpleITK.Image) -> torch.Tensor:
    values, spacing = oriented(image, "LPS")
    values = respace(values.clamp(LOW, HIGH), spacing, (1.5, 0.75, 0.75))
    for axis, fraction in enumerate((0.88, 0.65625, 0.875)):
        have = values.shape[axis]
        keep = max(int(fraction * have), 1)
        # MONAI's CenterSpatialCrop: from the middle voxel n // 2.
        values = values.narrow(axis, have // 2 - keep // 2, keep)
    return resize(values, [128, 96, 128])


def merlin(image: SimpleITK.Image) -> torch.Tensor:
    """By MONAI's own transforms, as the publication lists them; its 0..1 window stays in HU here."""
    values, _ = oriented(image, "RAS")
    step = SimpleITK.DICOMOrient(image, "LPS").GetSpacing()
    affine = torch.diag(torch.tensor([*step, 1.0], dtype=torch.float64))
    volume = MetaTensor(values.permute(2, 1, 0)[None].contiguous(), affine=affine)
    volume = Spacing(pixdim=(1.5, 1.5, 3.0), mode="bilinear")(volume)
    size = (224, 224, 160)
    volume = CenterSpatialCrop(size)(SpatialPad(size, value=LOW)(volume.clamp(LOW, HIGH)))
    return volume.as_tensor()[0].permute(2, 1, 0).to(torch.float32)


PRESETS = {"ct-clip": ct_clip, "mg3d": mg3d, "merlin": merlin}


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("binary")
    parser.add_argument("volumes", nargs="+")
    parser.add_argument("--presets", nargs="+", choices=PRESETS, default=list(PRESETS))
    parser.add_argument("--limit-mb", type=float, default=300)
    options = parser.parse_args()
    failures, compared = [], 0
    print(f"{'volume':58} {'preset':8} {'shape':>12} {'max HU':>8} {'over 0.51':>10}")
    for source, image in readable(options.volumes, options.limit_mb):
        for preset in options.presets:
            with tempfile.TemporaryDirectory() as folder:
                output = Path(folder) / "view.nii.gz"
                done = radloom(options.binary, "volume", source.path, output, "--view", preset)
                if done.code != 0:
                    print(f"left out: {source.name}: radloom: {done.complaint()}")
                    break
                ours = torch.from_numpy(numpy.asarray(nibabel.load(output).dataobj, dtype=numpy.float32))
            ours, theirs = ours.permute(2, 1, 0), PRESETS[preset](image)
            shape = "x".join(map(str, reversed(ours.shape)))
            compared += 1
            if ours.shape != theirs.shape:
                failures.append(f"{source.name}, {preset}: {shape} where torch has {list(theirs.shape)[::-1]}")
                continue
            difference = (ours - theirs).abs()
            worst, share = difference.max().item(), (difference > 0.51).float().mean().item()
            line = f"{source.name[-58:]:58} {preset:8} {shape:>12} {worst:8.3f} {100 * share:9.4f}%"
            print(line, flush=True)
            if worst > 1:
                failures.append(f"{source.name}, {preset}: differs by {worst:.2f} HU")
    print(f"{compared} comparisons")
    return verdict(failures, compared)


if __name__ == "__main__":
    sys.exit(main())
