"""Writes the seeds of the fuzz targets: small NIfTI, NRRD and MetaImage files of several kinds, slices of a DICOM series, and gzip files.

Usage: python3 make_seeds.py

Needs numpy, nibabel and pydicom.
"""

import gzip
import struct
import zlib
from pathlib import Path
from random import Random

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


def headers_in_text() -> None:
    folder = SEEDS / "nifti"
    voxels = b"".join(struct.pack("<h", at * 100 - 1000) for at in range(24))
    nrrd = (
        "NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 4 3 2\n"
        "space directions: (0,0.7,0) (-0.8,0,0) (0,0,2.5)\nkinds: domain domain domain\nendian: little\n"
        "encoding: {}\nspace origin: (10,20,30)\n\n"
    )
    (folder / "nrrd-raw").write_bytes(nrrd.format("raw").encode() + voxels)
    (folder / "nrrd-gzip").write_bytes(nrrd.format("gzip").encode() + gzip.compress(voxels, mtime=0))
    meta = (
        "ObjectType = Image\nNDims = 3\nDimSize = 4 3 2\nTransformMatrix = 0 1 0 -1 0 0 0 0 1\nOffset = 10 20 30\n"
        "ElementSpacing = 0.7 0.8 2.5\nElementType = MET_SHORT\n{}ElementDataFile = LOCAL\n"
    )
    (folder / "metaimage-raw").write_bytes(meta.format("").encode() + voxels)
    packed = meta.format("CompressedData = True\n").encode() + zlib.compress(voxels)
    (folder / "metaimage-zlib").write_bytes(packed)


def gzip_files() -> None:
    folder = SEEDS / "gzip"
    folder.mkdir(parents=True, exist_ok=True)
    random = Random(7)
    noise = b"".join(struct.pack("<h", random.randint(-1000, -700)) for _ in range(6000))
    head = bytes([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3])
    # Several blocks with codes of their own, which refer to each other.
    encoder = zlib.compressobj(6, zlib.DEFLATED, -15)
    stream = b""
    for start in range(0, len(noise), 3000):
        stream += encoder.compress(noise[start : start + 3000]) + encoder.flush(zlib.Z_PARTIAL_FLUSH)
    stream += encoder.flush()
    tail = struct.pack("<II", zlib.crc32(noise), len(noise))
    (folder / "blocks.gz").write_bytes(head + stream + tail)
    (folder / "members.gz").write_bytes(b"".join(gzip.compress(noise[at::2], 9, mtime=0) for at in range(2)))
    (folder / "trailing.gz").write_bytes(gzip.compress(noise[:2000], 1, mtime=0) + b"not gzip")
    (folder / "stored.gz").write_bytes(gzip.compress(noise[:2000], 0, mtime=0))
    parts = [noise[start : start + 2000] for start in range(0, 8000, 2000)] + [b""]
    bgzf = b""
    for part in parts:
        encoder = zlib.compressobj(6, zlib.DEFLATED, -15)
        stream = encoder.compress(part) + encoder.flush()
        size = 12 + 6 + len(stream) + 8
        extra = struct.pack("<H2sHH", 6, b"BC", 2, size - 1)
        bgzf += bytes([0x1F, 0x8B, 8, 4, 0, 0, 0, 0, 0, 255]) + extra + stream
        bgzf += struct.pack("<II", zlib.crc32(part), len(part))
    (folder / "bgzf.gz").write_bytes(bgzf)


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
    headers_in_text()
    gzip_files()
    dicom("first", 0)
    dicom("middle", 1)
    dicom("middle_rle", 1, RLELossless)
    dicom("last", 2)


if __name__ == "__main__":
    main()
