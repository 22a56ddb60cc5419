"""Measures what resampling from 1 mm to 3 mm leaves of white noise, here and in other libraries.

Usage: python3 noise.py BINARY [--size 150] [--limit 25]

The volume is white noise of standard deviation 100. At three times the spacing the mean of the 27 voxels
that an output voxel covers has 19.2 % of it; what lies far above is aliasing. Fails when radloom with
antialiasing, asked for or by default, leaves `--limit` % or more. Libraries that are not installed are
left out.

Needs numpy, nibabel; measures SimpleITK, scipy, torch, MONAI, TorchIO, scikit-image where present.
"""

import sys
import tempfile
from pathlib import Path

import nibabel
import numpy
from command import parser_of, radloom, verdict

DEVIATION = 100.0


def ours(binary: str, volume: Path, *options: str) -> numpy.ndarray:
    output = volume.with_name("resampled.nii.gz")
    done = radloom(binary, "volume", volume, output, "--view", "native", "--spacing", "3,3,3", *options)
    if done.code != 0:
        sys.exit(f"radloom: {done.complaint()}")
    return numpy.asarray(nibabel.load(output).dataobj, dtype=numpy.float32)


def simpleitk(noise: numpy.ndarray, size: int) -> dict[str, numpy.ndarray]:
    import SimpleITK

    identity = SimpleITK.Transform(3, SimpleITK.sitkIdentity)
    grid = [size] * 3, identity, SimpleITK.sitkLinear, [1.0] * 3, [3.0] * 3
    image = SimpleITK.GetImageFromArray(noise)
    return {"SimpleITK linear": SimpleITK.GetArrayFromImage(SimpleITK.Resample(image, *grid))}


def scipy(noise: numpy.ndarray, _: int) -> dict[str, numpy.ndarray]:
    from scipy.ndimage import zoom

    orders = {order: zoom(noise, 1 / 3, order=order, mode="nearest", grid_mode=True) for order in (1, 3)}
    return {f"scipy zoom, order {order}": values for order, values in orders.items()}


def torch(noise: numpy.ndarray, size: int) -> dict[str, numpy.ndarray]:
    import torch
    from torch.nn.functional import interpolate

    values = torch.from_numpy(noise)[None, None]
    return {
        "torch interpolate trilinear": interpolate(values, size=[size] * 3, mode="trilinear").numpy(),
        "torch interpolate area": interpolate(values, size=[size] * 3, mode="area").numpy(),
    }


def monai(noise: numpy.ndarray, _: int) -> dict[str, numpy.ndarray]:
    from monai.data import MetaTensor
    from monai.transforms import Spacing

    image = MetaTensor(noise[None], affine=numpy.eye(4))
    return {"MONAI Spacing bilinear": Spacing([3.0] * 3, mode="bilinear")(image).numpy()}


def torchio(noise: numpy.ndarray, _: int) -> dict[str, numpy.ndarray]:
    import torch
    from torchio import Resample, ScalarImage

    image = ScalarImage(tensor=torch.from_numpy(noise)[None], affine=numpy.eye(4))
    kinds = {"TorchIO": False, "TorchIO antialias": True}
    return {name: Resample(3, antialias=on)(image).numpy() for name, on in kinds.items()}


def skimage(noise: numpy.ndarray, size: int) -> dict[str, numpy.ndarray]:
    from skimage.transform import resize

    kinds = {"scikit-image order 3": False, "scikit-image order 3, anti_aliasing": True}
    return {
        name: resize(noise, [size] * 3, 3, mode="edge", clip=False, anti_aliasing=on)
        for name, on in kinds.items()
    }


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("binary")
    parser.add_argument("--size", type=int, default=150, help="voxels a side, a multiple of 3")
    parser.add_argument("--limit", type=float, default=25, help="percent")
    options = parser.parse_args()
    noise = DEVIATION * numpy.random.default_rng(0).standard_normal((options.size,) * 3, dtype=numpy.float32)
    noise = numpy.rint(noise)

    def share(values: numpy.ndarray) -> float:
        # Without the rim, where libraries pad differently.
        inner = values.squeeze()[2:-2, 2:-2, 2:-2]
        return 100 * float(inner.std()) / DEVIATION

    failures = []
    with tempfile.TemporaryDirectory() as folder:
        volume = Path(folder) / "noise.nii"
        image = nibabel.Nifti1Image(noise.astype(numpy.int16), numpy.eye(4))
        image.header.set_xyzt_units("mm")
        image.set_sform(numpy.eye(4), code=1)
        nibabel.save(image, volume)
        runs = {"default": [], "antialias on": ["--antialias", "on"], "antialias off": ["--antialias", "off"]}
        for name, flags in runs.items():
            left = share(ours(options.binary, volume, *flags))
            print(f"{'radloom, ' + name:40} {left:6.1f} %")
            if flags[1:] != ["off"] and left >= options.limit:
                failures.append(f"radloom, {name}: {left:.1f} % left, {options.limit:.0f} % allowed")
    for peer in (simpleitk, scipy, torch, monai, torchio, skimage):
        try:
            results = peer(noise, options.size // 3)
        except ImportError as error:
            print(f"left out: {error}")
            continue
        for name, values in results.items():
            print(f"{name:40} {share(values):6.1f} %")
    return verdict(failures)


if __name__ == "__main__":
    sys.exit(main())
