#!/usr/bin/env python3
"""survey.py RADLOOM [FILES]: time and memory of looking through a tree of small DICOM files, beside pydicom on the same tags.

Writes FILES (100,000) slices of 1 KiB, a hundred a series, below the system's temporary folder; needs pydicom for the
comparison. One thread, files in the page cache."""

import os
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import time

TAGS = ["PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID", "Modality", "ImagePositionPatient",
        "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns", "RescaleSlope", "RescaleIntercept", "InstanceNumber",
        "ImageType", "FrameOfReferenceUID"]


def element(tag, vr, value):
    value = value.encode() if isinstance(value, str) else value
    value += (b"\0" if vr in ("UI", "OW") else b" ") * (len(value) % 2)
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr.encode()
    length = struct.pack("<HI", 0, len(value)) if vr == "OW" else struct.pack("<H", len(value))
    return head + length + value


def instance(series, index):
    short = lambda value: struct.pack("<H", value)
    pixels = b"".join(short((row * 3 + column * 7 + index + series) % 3000) for row in range(16) for column in range(16))
    elements = [
        (0x00020010, "UI", "1.2.840.10008.1.2.1"), (0x00080008, "CS", "ORIGINAL\\PRIMARY\\AXIAL"),
        (0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.2"), (0x00080018, "UI", f"2.25.{series}.{index}"),
        (0x00080020, "DA", "20200101"), (0x00080060, "CS", "CT"), (0x0008103E, "LO", "Thorax"),
        (0x00100010, "PN", f"Probe^{series}"), (0x00100020, "LO", f"P{series}"), (0x00181210, "SH", "B30f"),
        (0x0020000D, "UI", f"2.25.1.{series}"), (0x0020000E, "UI", f"2.25.2.{series}"), (0x00200013, "IS", str(index + 1)),
        (0x00200032, "DS", f"-10\\-20\\{index}"), (0x00200037, "DS", "1\\0\\0\\0\\1\\0"), (0x00200052, "UI", f"2.25.3.{series}"),
        (0x00280002, "US", short(1)), (0x00280004, "CS", "MONOCHROME2"), (0x00280010, "US", short(16)),
        (0x00280011, "US", short(16)), (0x00280030, "DS", "0.8\\0.8"), (0x00280100, "US", short(16)),
        (0x00280101, "US", short(16)), (0x00280102, "US", short(15)), (0x00280103, "US", short(0)),
        (0x00281052, "DS", "-1024"), (0x00281053, "DS", "1"), (0x7FE00010, "OW", pixels),
    ]
    return b"\0" * 128 + b"DICM" + b"".join(element(*one) for one in elements)


def main():
    radloom, files = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    root = tempfile.mkdtemp(prefix="survey.")
    try:
        for series in range(files // 100):
            folder = os.path.join(root, f"{series:06d}")
            os.mkdir(folder)
            for index in range(100):
                with open(os.path.join(folder, f"{index:03d}.dcm"), "wb") as file:
                    file.write(instance(series, index))
        begun = time.time()
        lines = subprocess.run([radloom, "inspect", root, "--json", "--threads", "1"], stdout=subprocess.PIPE, check=True).stdout
        took = time.time() - begun
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        regular = lines.count(b'"verdict":"regular"')
        print(f"radloom inspect: {files} files, {regular} regular series, {took:.1f} s, {peak:.0f} MiB at most")
        import pydicom
        begun = time.time()
        for folder, _, names in os.walk(root):
            for name in names:
                read = pydicom.dcmread(os.path.join(folder, name), stop_before_pixels=True, specific_tags=TAGS)
                [getattr(read, tag, None) for tag in TAGS]
        other = time.time() - begun
        print(f"pydicom {pydicom.__version__}: {other:.1f} s; radloom takes {took / other:.2f} of it")
    finally:
        shutil.rmtree(root)


main()
