"""Writes the seeds of the fuzz targets: small NIfTI files of several kinds, and slices of a DICOM series.

Usage: python3 make_seeds.py

Needs numpy, nibabel and pydicom.
"""

import gzip
from pathlib import Path

import nibabel
import numpy
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, RLELossless

SEEDS = Path(__file__).parent / "seeds"
# Made-up identifiers below the root that is set aside for UUIDs.
UIDS = [f"2.25.{number}" for number in range(1, 9)]


def nifti() -> None:
    folder = SEEDS / "nifti"
    folder.mkdir(parents=True, exist_ok=True)
    affine = numpy.array([[-0.8, 0, 0, 10], [0, -0.8, 0, 20], [0, 0, 2.5, -30], [0, 0, 0, 1.0]])
    values = numpy.arange(6 * 5 * 4).reshape(6, 5, 4) * 17 % 3000 - 1000
    for kind in ("int16", "uint8", "int32", "float32"):
        image = nibabel.Nifti1Image(values.astype(kind), affine)
        (folder / f"{kind}.nii").write_bytes(image.to_bytes())
    image = nibabel.Nifti1Image(values.astype("int16"), affine)
    (folder / "gzip.nii.gz").write_bytes(gzip.compress(image.to_bytes(), 6, mtime=0))
    (folder / "nifti2.nii").write_bytes(nibabel.Nifti2Image(values.astype("int16"), affine).to_bytes())
    swapped = nibabel.Nifti1Image(values.astype(">i2"), affine, nibabel.Nifti1Header(endianness=">"))
    (folder / "big_endian.nii").write_bytes(swapped.to_bytes())
    several = numpy.stack([values, values + 1], axis=3).astype("int16")
    (folder / "four.nii").write_bytes(nibabel.Nifti1Image(several, affine).to_bytes())
    image = nibabel.Nifti1Image(values.astype("int16"), affine)
    image.header.set_slope_inter(0.5, -1024)
    (folder / "scaled.nii").write_bytes(image.to_bytes())


def dicom(name: str, place: float, syntax: str = ExplicitVRLittleEndian) -> None:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, UIDS[int(place)]
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    path = SEEDS / "dicom" / f"{name}.dcm"
    path.parent.mkdir(parents=True, exist_ok=True)
    data = FileDataset(str(path), {}, file_meta=meta, preamble=bytes(128))
    data.SOPClassUID, data.SOPInstanceUID = CTImageStorage, UIDS[int(place)]
    data.StudyInstanceUID, data.SeriesInstanceUID, data.FrameOfReferenceUID = UIDS[5:8]
    data.Modality, data.ImageType, data.InstanceNumber = "CT", ["ORIGINAL", "PRIMARY", "AXIAL"], int(place) + 1
    data.ImagePositionPatient, data.ImageOrientationPatient = [0, 0, 2.5 * place], [1, 0, 0, 0, 1, 0]
    data.PixelSpacing, data.SliceThickness, data.Rows, data.Columns = [0.8, 0.8], 2.5, 5, 6
    data.SamplesPerPixel, data.PhotometricInterpretation, data.PixelRepresentation = 1, "MONOCHROME2", 0
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 12, 11
    data.RescaleSlope, data.RescaleIntercept = 1, -1024
    pixels = (numpy.arange(30, dtype="<u2") * 131 + 7 * int(place)) % 4096
    data.PixelData = pixels.tobytes()
    if syntax != ExplicitVRLittleEndian:
        data.compress(syntax, pixels.reshape(5, 6), generate_instance_uid=False)
    data.save_as(path, enforce_file_format=True)


def main() -> None:
    nifti()
    dicom("first", 0)
    dicom("middle", 1)
    dicom("middle_rle", 1, RLELossless)
    dicom("last", 2)


if __name__ == "__main__":
    main()
