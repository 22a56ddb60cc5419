"""Compares native views of real volumes with SimpleITK, voxel by voxel.

Usage: python3 simpleitk_parity.py BINARY FOLDER_OR_FILE... [--limit-mb 300] [--clip LOW HIGH]

Every scalar 3D NIfTI file and every folder with one DICOM series is taken as it is and at several spacings
(linear, no antialiasing). SimpleITK resamples the same source onto the grid that radloom wrote. Voxels whose
support lies inside the source on both sides must agree within 1 after rounding; outside, the edge rules
differ. The grid itself is checked too: spacing as asked for, n = max(1, round(extent / spacing)), and the
centre of the field of view unmoved. What ITK or radloom refuses is listed and left out.
`--clip` tells the range that the binary clips native views to (default: that of 16-bit integers).

Needs numpy, nibabel, SimpleITK.
"""

import sys
import tempfile
from pathlib import Path

import nibabel
import numpy
import SimpleITK
from command import parser_of, radloom, verdict
from sources import LPS_TO_RAS, affine, readable

SPACINGS = ((1.0, 1.0, 1.0), (1.5, 1.5, 3.0), (2.0, 2.0, 2.0))
UPSAMPLING = 0.6
LARGEST_OUTPUT = 150_000_000  # voxels


def onto(image: SimpleITK.Image, grid: numpy.ndarray, shape: tuple[int, ...]) -> numpy.ndarray:
    """`image` at the voxels of a grid (affine in RAS), as an array [x, y, z]."""
    matrix = LPS_TO_RAS @ grid
    spacing = numpy.linalg.norm(matrix[:3, :3], axis=0)
    direction = matrix[:3, :3] / spacing
    # The header's 32-bit floats are not quite orthonormal; ITK wants 1e-6.
    left, _, right = numpy.linalg.svd(direction)
    direction = left @ right
    result = SimpleITK.Resample(
        image,
        [int(n) for n in shape],
        SimpleITK.Transform(3, SimpleITK.sitkIdentity),
        SimpleITK.sitkLinear,
        matrix[:3, 3].tolist(),
        spacing.tolist(),
        direction.ravel().tolist(),
        0.0,
        SimpleITK.sitkFloat64,
    )
    return SimpleITK.GetArrayFromImage(result).transpose(2, 1, 0)


def interior(image: SimpleITK.Image, grid: numpy.ndarray, shape: tuple[int, ...]) -> tuple[slice, ...]:
    """The box of output voxels that lie between the first and the last source sample on every axis."""
    mapping = numpy.linalg.inv(affine(image)) @ grid
    box = []
    for axis, length in enumerate(shape):
        along = int(numpy.abs(mapping[:3, axis]).argmax())
        # Other axes may lean on this one by the rounding of the header: below a thousandth of a voxel.
        at = mapping[along, axis] * numpy.arange(length) + mapping[along, 3]
        inside = numpy.flatnonzero((at >= -1e-3) & (at <= image.GetSize()[along] - 1 + 1e-3))
        box.append(slice(inside[0], inside[-1] + 1) if len(inside) else slice(0, 0))
    return tuple(box)


def grid_fault(image: SimpleITK.Image, grid: numpy.ndarray, shape: tuple, asked: tuple | None) -> str:
    """What is wrong with the grid; empty where nothing is."""
    source = affine(image)
    mapping = numpy.abs(numpy.linalg.inv(source) @ grid)[:3, :3]
    order = mapping.argmax(axis=0)
    size, step = numpy.array(image.GetSize())[order], numpy.array(image.GetSpacing())[order]
    spacing = numpy.linalg.norm(grid[:3, :3], axis=0)
    wanted = numpy.array(asked) if asked else step
    if numpy.abs(spacing / wanted - 1).max() > 1e-4:
        return f"spacing {spacing.round(4).tolist()}"
    extent = size * step / wanted
    if (numpy.abs(numpy.maximum(extent, 1) - shape) > 0.5 + 1e-3).any():
        return f"{list(shape)} voxels where {extent.round(2).tolist()} fit"
    centres = [
        matrix @ [*((numpy.array(n) - 1) / 2), 1] for matrix, n in ((source, image.GetSize()), (grid, shape))
    ]
    moved = numpy.linalg.norm(centres[0] - centres[1])
    return f"centre moved {moved:.3f} mm" if moved > 0.01 else ""


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("binary")
    parser.add_argument("volumes", nargs="+")
    parser.add_argument("--limit-mb", type=float, default=300)
    parser.add_argument("--clip", type=float, nargs=2, default=(-32768, 32767))
    options = parser.parse_args()
    failures, compared, volumes = [], 0, 0
    print(f"{'volume':58} {'spacing':>17} {'shape':>15} {'interior':>11} {'max':>7} {'equal':>9}  grid")
    for source, image in readable(options.volumes, options.limit_mb):
        before = compared
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / "native.nii.gz"
            asked: list[tuple | None] = [None, *SPACINGS]
            for spacing in asked:
                wanted = ["--spacing", ",".join(f"{step:.6f}" for step in spacing)] if spacing else []
                extent = numpy.prod(image.GetSize()) * numpy.prod(image.GetSpacing())
                if spacing and extent / numpy.prod(spacing) > LARGEST_OUTPUT:
                    continue
                view = ["--view", "native", "--kernel", "linear", "--antialias", "off"]
                done = radloom(options.binary, "volume", source.path, output, *view, *wanted)
                if done.code != 0:
                    print(f"left out: {source.name}: radloom: {done.complaint()}")
                    break
                if spacing is None:
                    # Six decimals, so that what is asked for is what the command line says.
                    asked.append(tuple(round(UPSAMPLING * step, 6) for step in done.json()["spacing"]))
                ours = nibabel.load(output)
                told = numpy.array(done.json()["affine"])[:3]
                box = interior(image, ours.affine, ours.shape)
                theirs = onto(image, ours.affine, ours.shape)[box]
                theirs = numpy.rint(numpy.clip(theirs, *options.clip))
                difference = numpy.abs(numpy.asarray(ours.dataobj)[box] - theirs)
                fault = grid_fault(image, ours.affine, ours.shape, spacing)
                if numpy.abs(told - ours.affine[:3]).max() > 1e-3:
                    fault = fault or "the JSON names another affine"
                label = "x".join(f"{step:.4g}" for step in spacing) if spacing else "as stored"
                shape = "x".join(map(str, ours.shape))
                line = f"{source.name[-58:]:58} {label:>17} {shape:>15} {difference.size:11}"
                if difference.size == 0:
                    print(f"{line} {'-':>7} {'-':>9}  {fault or 'right'}", flush=True)
                else:
                    compared += 1
                    worst, equal = difference.max(), (difference == 0).mean()
                    print(f"{line} {worst:7.0f} {100 * equal:8.4f}%  {fault or 'right'}", flush=True)
                    if worst > 1:
                        failures.append(f"{source.name} at {label}: differs by {worst:.0f}")
                if fault:
                    failures.append(f"{source.name} at {label}: grid: {fault}")
        volumes += compared > before
    print(f"{volumes} volumes, {compared} comparisons")
    return verdict(failures, compared)


if __name__ == "__main__":
    sys.exit(main())
