"""Makes `views.json`: the published MG-3D and CT-CLIP preprocessing of a small volume, by PyTorch.

Both follow the published scripts: trilinear `interpolate(align_corners=False)` without antialiasing to
0.75 x 0.75 x 1.5 mm with sizes truncated, then MG-3D's fractional centre crop and second resize, or
CT-CLIP's centre crop or pad. The volume is a formula that the Rust test repeats, stored LPS.

Run: python3 make_views.py > views.json   (needs torch)
"""

import json

import torch
import torch.nn.functional as functional

SIZE = (20, 24, 18)  # x, y, z
SPACING = (1.3, 1.1, 2.5)
TARGET = (0.75, 0.75, 1.5)


def volume() -> torch.Tensor:
    """Integers from -1400 to 1599, as [z, y, x]."""
    x, y, z = torch.meshgrid(*(torch.arange(n) for n in SIZE), indexing="ij")
    values = (x * 7919 + y * 104729 + z * 1299709) % 3000 - 1400
    return values.permute(2, 1, 0).to(torch.float32)


def resample(values: torch.Tensor) -> torch.Tensor:
    size = [int(n * step / target) for n, step, target in zip(SIZE, SPACING, TARGET)][::-1]
    return functional.interpolate(values[None, None], size=size, mode="trilinear", align_corners=False)[0, 0]


def crop(values: torch.Tensor, size: list[int], pad: float) -> torch.Tensor:
    for axis, (have, want) in enumerate(zip(values.shape, size)):
        if have >= want:
            values = values.narrow(axis, (have - want) // 2, want)
        else:
            before = (want - have) // 2
            after = want - have - before
            shape_before, shape_after = list(values.shape), list(values.shape)
            shape_before[axis], shape_after[axis] = before, after
            values = torch.cat(
                [torch.full(shape_before, pad), values, torch.full(shape_after, pad)], dim=axis
            )
    return values


def center_spatial_crop(values: torch.Tensor, size: list[int]) -> torch.Tensor:
    """As MONAI's CenterSpatialCrop, which MG-3D uses: it starts at n // 2 - k // 2."""
    for axis, (have, want) in enumerate(zip(values.shape, size)):
        values = values.narrow(axis, have // 2 - want // 2, want)
    return values


def mg3d(size: list[int]) -> torch.Tensor:
    values = resample(volume().clamp(-1000, 1000))
    fractions = (0.88, 0.65625, 0.875)  # z, y, x
    kept = [int(fraction * n) for fraction, n in zip(fractions, values.shape)]
    values = center_spatial_crop(values, kept)
    return functional.interpolate(values[None, None], size=size, mode="trilinear", align_corners=False)[0, 0]


def ct_clip(size: list[int]) -> torch.Tensor:
    return crop(resample(volume()).clamp(-1000, 1000), size, -1000)


def main() -> None:
    cases = {"mg3d": mg3d([16, 12, 14]), "ct_clip": ct_clip([24, 40, 30])}
    golden = {
        name: {"shape": list(values.shape), "values": [round(v) for v in values.flatten().tolist()][::7]}
        for name, values in cases.items()
    }
    print(json.dumps(golden))


if __name__ == "__main__":
    main()
