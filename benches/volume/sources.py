"""Finds volumes below folders and reads them with SimpleITK. Shared by the scripts of this folder."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

import nibabel
import numpy
import SimpleITK

LPS_TO_RAS = numpy.diag([-1.0, -1.0, 1.0, 1.0])
AIR = -1000.0
DARKEST_AIR = -1024.0


@dataclass
class Source:
    """A NIfTI file, or a folder of one DICOM series (then `slices` are its files in order)."""

    name: str
    path: Path
    slices: tuple[str, ...] = ()

    def read(self) -> SimpleITK.Image:
        """The volume as 32-bit floats; raises ValueError where ITK cannot hold it or gets it wrong."""
        try:
            if self.slices:
                reader = SimpleITK.ImageSeriesReader()
                reader.SetFileNames(self.slices)
                reader.SetOutputPixelType(SimpleITK.sitkFloat32)
                image = without_padding(reader.Execute(), tags(self.slices[0]))
            else:
                image = SimpleITK.ReadImage(str(self.path), SimpleITK.sitkFloat32)
        except RuntimeError as error:
            raise ValueError("ITK refuses it: " + str(error).strip().splitlines()[-1].strip()) from None
        if image.GetDimension() == 4 and image.GetSize()[3] == 1:
            image = image[:, :, :, 0]
        if image.GetDimension() != 3:
            raise ValueError(f"{image.GetDimension()} dimensions")
        if not self.slices:
            # ITK and nibabel differ on headers without orientation, on reflected ones and the like.
            far = numpy.array([*image.GetSize(), 1.0])
            if numpy.abs((affine(image) - nibabel.load(self.path).affine) @ far).max() > 0.01:
                raise ValueError("ITK and nibabel read different geometries")
        return image


def affine(image: SimpleITK.Image) -> numpy.ndarray:
    """Voxel index (x, y, z) to world (RAS, mm) as a 4 x 4 matrix."""
    matrix = numpy.eye(4)
    matrix[:3, :3] = numpy.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    matrix[:3, 3] = image.GetOrigin()
    return LPS_TO_RAS @ matrix


def find(roots: list[str], limit_mb: float) -> Iterator[Source | str]:
    """Every NIfTI file and DICOM series below `roots`; a sentence in place of what is passed over."""
    for root in map(Path, roots):
        folders = sorted(os.walk(root)) if root.is_dir() else [(root.parent, [], [root.name])]
        for folder, _, files in folders:
            slices = 0
            for path in sorted(Path(folder) / file for file in files):
                if path.name.endswith((".nii", ".nii.gz")):
                    yield nifti(path, path.relative_to(root).as_posix(), limit_mb)
                else:
                    slices += is_dicom(path)
            if slices >= 2 and root.is_dir():
                yield dicom(Path(folder), Path(folder).relative_to(root).as_posix(), slices)


def readable(roots: list[str], limit_mb: float) -> Iterator[tuple[Source, SimpleITK.Image]]:
    """What is found below `roots` and can be read, with its voxels; the rest is named and passed over."""
    for source in find(roots, limit_mb):
        if isinstance(source, str):
            print(f"left out: {source}")
            continue
        try:
            yield source, source.read()
        except ValueError as error:
            print(f"left out: {source.name}: {error}")


def nifti(path: Path, name: str, limit_mb: float) -> Source | str:
    name = path.name if name == "." else name
    try:
        header = nibabel.load(path).header
    except Exception as error:  # whatever nibabel has against it
        return f"{name}: nibabel refuses it: {error}"
    shape, kind = header.get_data_shape(), header.get_data_dtype().kind
    if len(shape) != 3 and shape[3:] != (1,) or kind not in "iuf":
        return f"{name}: not a scalar 3D volume"
    if numpy.prod(shape) * 4 > limit_mb * 1e6:
        return f"{name}: larger than {limit_mb:.0f} MB in 32-bit floats"
    return Source(name, path)


def is_dicom(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(132)[128:] == b"DICM"


def dicom(folder: Path, name: str, slices: int) -> Source | str:
    name = folder.name if name == "." else name
    ids = SimpleITK.ImageSeriesReader.GetGDCMSeriesIDs(str(folder))
    if len(ids) != 1:
        return f"{name}: {len(ids)} series in one folder"
    files = SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), ids[0])
    if len(files) != slices:
        return f"{name}: GDCM finds {len(files)} of {slices} slices"
    fault = irregularity(files)
    return f"{name}: {fault}" if fault else Source(name, folder, tuple(files))


def tags(path: str) -> SimpleITK.ImageFileReader:
    """A reader that has read the header of a DICOM file."""
    reader = SimpleITK.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(path)
    reader.ReadImageInformation()
    return reader


def irregularity(files: tuple[str, ...]) -> str:
    """What keeps files in spatial order from being one even stack; empty where nothing does.

    ITK stretches or skews such series without a word, so they cannot be compared with it.
    """
    places, turns = [], []
    for file in files:
        reader = tags(file)
        if not (reader.HasMetaDataKey("0020|0032") and reader.HasMetaDataKey("0020|0037")):
            return "slices without a position"
        places.append([float(value) for value in reader.GetMetaData("0020|0032").split("\\")])
        turns.append([float(value) for value in reader.GetMetaData("0020|0037").split("\\")])
    if numpy.ptp(turns, axis=0).max() > 1e-3:
        return "slices are turned against one another"
    steps = numpy.diff(places, axis=0)
    normal = numpy.cross(turns[0][:3], turns[0][3:])
    along = steps @ normal
    usual = numpy.median(along)
    if numpy.abs(along - usual).max() > 0.01 * abs(usual):
        return f"uneven steps from {along.min():.3f} to {along.max():.3f} mm"
    if numpy.abs(steps - numpy.outer(along, normal)).max() > 0.01 * abs(usual):
        return "sheared (gantry tilt)"
    return ""


def without_padding(image: SimpleITK.Image, header: SimpleITK.ImageFileReader) -> SimpleITK.Image:
    """With the padding of a CT (PixelPaddingValue) as air, where it lies below air: as radloom reads it."""

    def number(tag: str, default: float) -> float:
        return float(header.GetMetaData(tag)) if header.HasMetaDataKey(tag) else default

    if not header.HasMetaDataKey("0028|0120") or header.GetMetaData("0008|0060").strip() != "CT":
        return image
    stored = [number("0028|0120", 0), number("0028|0121", number("0028|0120", 0))]
    if number("0028|0103", 0) == 1:
        stored = [value - 65536 if value > 32767 else value for value in stored]
    low, high = sorted(value * number("0028|1053", 1) + number("0028|1052", 0) for value in stored)
    if high >= DARKEST_AIR:
        return image
    values = SimpleITK.GetArrayFromImage(image)
    values[(values >= low) & (values <= high)] = AIR
    changed = SimpleITK.GetImageFromArray(values)
    changed.CopyInformation(image)
    return changed
