"""Times the way from a DICOM series to an uncompressed NIfTI file against dcm2niix.

Usage: python3 dicom_speed.py BINARY DCM2NIIX FOLDER_OR_VOLUME [--rounds 5] [--max-ratio 1.0]

FOLDER holds one uncompressed CT series (140 slices of 512 x 512 make a fair one). Of a NIfTI VOLUME the first
140 slices are written as such a series, Explicit VR Little Endian, and used. Both tools run in turn, the
series in the page cache; the lowest user CPU seconds of each count, and the voxels of both must be the same.
dcm2niix is spared its JSON file. The wheel of that name installs a Python script, which costs time of its own:
DCM2NIIX is the program itself, as `python3 -c "import dcm2niix; print(dcm2niix.bin)"` tells.

Needs numpy, nibabel; pydicom for a VOLUME.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import nibabel
import numpy
from command import Outcome, parser_of, radloom, run, verdict

SLICES = 140


def write_series(volume: str, folder: Path) -> None:
    """The first slices of a NIfTI volume as a CT series, axes turned to DICOM's."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    image = nibabel.load(volume)
    stored, wanted = nibabel.io_orientation(image.affine), nibabel.orientations.axcodes2ornt("LPS")
    image = image.as_reoriented(nibabel.orientations.ornt_transform(stored, wanted))
    values = numpy.asanyarray(image.dataobj)[:, :, :SLICES]
    matrix = numpy.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine
    steps = numpy.linalg.norm(matrix[:3, :3], axis=0)
    columns, rows = values.shape[:2]
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    for index in range(values.shape[2]):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        path = folder / f"{index + 1:04}.dcm"
        data = FileDataset(str(path), {}, file_meta=meta, preamble=bytes(128))
        data.SOPClassUID, data.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
        data.StudyInstanceUID, data.SeriesInstanceUID, data.FrameOfReferenceUID = study, series, frame
        data.Modality, data.Manufacturer, data.PatientName, data.PatientID = "CT", "none", "none", "none"
        data.StudyDate, data.StudyTime, data.SeriesDescription = "20200101", "120000", "speed"
        data.SeriesNumber, data.AcquisitionNumber, data.InstanceNumber = 1, 1, index + 1
        data.ImageType, data.PatientPosition = ["ORIGINAL", "PRIMARY", "AXIAL"], "HFS"
        position = matrix @ [0, 0, index, 1]
        data.ImagePositionPatient = [round(float(value), 6) for value in position[:3]]
        turn = numpy.concatenate([matrix[:3, 0] / steps[0], matrix[:3, 1] / steps[1]])
        data.ImageOrientationPatient = [round(float(value), 6) for value in turn]
        data.PixelSpacing = [round(float(steps[1]), 6), round(float(steps[0]), 6)]
        data.SliceThickness = round(float(steps[2]), 6)
        data.Rows, data.Columns, data.SamplesPerPixel = rows, columns, 1
        data.PhotometricInterpretation, data.PixelRepresentation = "MONOCHROME2", 0
        data.BitsAllocated, data.BitsStored, data.HighBit = 16, 16, 15
        data.RescaleIntercept, data.RescaleSlope = -1024, 1
        stored = numpy.ascontiguousarray(values[:, :, index].T).astype(numpy.int32) + 1024
        data.PixelData = stored.clip(0, 65535).astype("<u2").tobytes()
        data.save_as(str(path), enforce_file_format=True)


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("binary")
    parser.add_argument("dcm2niix")
    parser.add_argument("source")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--max-ratio", type=float, default=1.0)
    options = parser.parse_args()
    if Path(options.dcm2niix).read_bytes()[:2] == b"#!":
        parser.error(f"`{options.dcm2niix}` is a script that calls dcm2niix: name the program itself")
    with tempfile.TemporaryDirectory() as temporary:
        series = Path(options.source)
        if not series.is_dir():
            series = Path(temporary) / "series"
            series.mkdir()
            write_series(options.source, series)
        files = [path for path in series.iterdir() if path.is_file()]
        size = sum(len(path.read_bytes()) for path in files)  # and into the page cache
        print(f"{len(files)} files, {size / 1e6:.0f} MB")
        return compare(options, series, Path(temporary))


def compare(options: argparse.Namespace, series: Path, temporary: Path) -> int:
    ours, theirs = temporary / "ours", temporary / "theirs"
    ours.mkdir()
    theirs.mkdir()
    runs: dict[str, list[Outcome]] = {"radloom": [], "dcm2niix": []}
    for _ in range(options.rounds):
        view = ["--view", "native", "--threads", 1]
        done = radloom(options.binary, "volume", series, ours / "out.nii", *view)
        if done.code != 0:
            sys.exit(f"radloom: {done.complaint()}")
        runs["radloom"].append(done)
        for old in theirs.iterdir():
            old.unlink()
        flags = ["-z", "n", "-b", "n", "-f", "out", "-o", str(theirs)]
        done = run([options.dcm2niix, *flags, str(series)])
        if done.code != 0:
            sys.exit(f"dcm2niix: {done.complaint()}")
        runs["dcm2niix"].append(done)
    print(f"{'':10} {'user s':>7} {'system s':>9} {'wall s':>7}")
    for name, outcomes in runs.items():
        user, system, wall = (min(getattr(one, key) for one in outcomes) for key in ("user", "system", "wall"))
        print(f"{name:10} {user:7.3f} {system:9.3f} {wall:7.3f}")
    failures = []
    written = sorted(theirs.glob("*.nii"))
    if len(written) != 1:
        failures.append(f"dcm2niix wrote {len(written)} volumes")
    else:
        mine = nibabel.as_closest_canonical(nibabel.load(ours / "out.nii"))
        other = nibabel.as_closest_canonical(nibabel.load(written[0]))
        if mine.shape != other.shape or not numpy.array_equal(mine.dataobj, other.dataobj):
            failures.append("the voxels differ")
        elif numpy.abs(mine.affine - other.affine).max() > 1e-3:
            failures.append("the affines differ")
        else:
            print("same voxels, same affine")
    ratio = min(one.user for one in runs["radloom"]) / min(one.user for one in runs["dcm2niix"])
    print(f"user seconds, ours over dcm2niix: {ratio:.2f}")
    if ratio > options.max_ratio:
        failures.append(f"{ratio:.2f} of dcm2niix, {options.max_ratio} allowed")
    return verdict(failures)


if __name__ == "__main__":
    sys.exit(main())
