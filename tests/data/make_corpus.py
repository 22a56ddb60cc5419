#!/usr/bin/env python3
"""Builds the sample corpus: real CT volumes in CT-RATE's layout, with illustrative reports.

    python3 make_corpus.py SOURCE_VOLUMES_DIR OUT_DIR

SOURCE_VOLUMES_DIR holds the public volumes named in corpus/ATTRIBUTION.md, one folder a source.
OUT_DIR receives the volumes, the CSV tables and the licence texts; ATTRIBUTION.md and
licenses/chest-imaging-platform.txt are written by hand and are not touched. Two runs give the same
bytes as long as zlib is the same. Needs numpy, nibabel, pydicom, pylibjpeg and pylibjpeg-openjpeg.

NIfTI files follow CT-RATE's repaired ("v2") form: int16 Hounsfield units, axes stored toward
left, posterior and superior, a true affine in sform and qform (codes 1), millimetres.
"""

import csv
import gzip
import io
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

import nibabel
import numpy
import pydicom

from corpus_tables import ILLUSTRATIVE, LABELS, METADATA_COLUMNS, NO_TECHNIQUE, REPORTS

# ----------------------------------------------------------------- what each volume is made from


@dataclass
class Recipe:
    """One series of the corpus: where its voxels come from and what is done to them."""

    name: str  # Volume name without extension, such as train_1_a_1.
    source: str  # File or folder below SOURCE_VOLUMES_DIR.
    kind: str  # "dicom-copy", "dicom" (to NIfTI), "dicom-tilted" (to NIfTI) or "nifti".
    crop: tuple = (slice(None), slice(None), slice(None))  # Voxels kept: toward L, P, S.
    bin: tuple = (1, 1, 1)  # Block sizes of the mean, after the crop.
    keep_bytes: float = 1.0  # Fraction of the compressed file kept; below one cuts it short.
    known: dict = field(default_factory=dict)  # Metadata columns set by hand.


RECIPES = [
    Recipe("train_1_a_1", "chest-imaging-platform/ct-64Dicom", "dicom-copy"),
    Recipe("train_2_a_1", "totalsegmentator/aorta_report/ct_cropped.nii.gz", "nifti",
           crop=(slice(None), slice(None), slice(40, 140)),
           known={"SeriesDescription": "CTA chest 1.5 mm"}),
    Recipe("train_2_a_2", "totalsegmentator/aorta_report/ct_cropped.nii.gz", "nifti",
           crop=(slice(None), slice(None), slice(40, 140)), bin=(1, 1, 2),
           known={"SeriesDescription": "CTA chest 3.0 mm, derived"}),
    Recipe("train_2_b_1", "totalsegmentator/pulmonary_report/ct_cropped.nii.gz", "nifti",
           crop=(slice(None), slice(None), slice(40, 70)), keep_bytes=0.6,
           known={"SeriesDescription": "CTA chest follow-up"}),
    Recipe("train_3_a_1", "tcia_cptac-pda_C3L-00189", "dicom", bin=(3, 3, 1),
           crop=(slice(1, 511), slice(70, 460), slice(None))),
    Recipe("train_3_a_2", "tcia_tcga-ucec_D1-A0ZP_topogram", "dicom-copy"),
    Recipe("train_4_a_1", "totalsegmentator/example_ct.nii.gz", "nifti",
           crop=(slice(None), slice(None), slice(22, 112)),
           known={"SeriesDescription": "CT abdomen 3.0 mm"}),
    Recipe("train_5_a_1", "ibsi_validation/dicom/STS_001/CT/image", "dicom", bin=(2, 2, 1)),
    Recipe("train_6_a_1", "ibsi_validation/dicom/STS_002/CT/image", "dicom", bin=(2, 2, 1)),
    Recipe("train_7_a_1", "tptbox/sub-ct_label-22_ct.nii.gz", "nifti",
           known={"SeriesDescription": "CT lumbar spine 1.5 mm"}),
    Recipe("train_8_a_1", "dcm_qa_ct/In/GE", "dicom-tilted", bin=(4, 4, 1),
           known={"SeriesDescription": "Head 7 mm, tilt removed"}),
    Recipe("train_9_a_1", "tcia_stageii-colorectal_005", "dicom", bin=(2, 2, 1)),
    Recipe("valid_1_a_1", "tcia_acrin-flt-breast_013/axial", "dicom",
           crop=(slice(98, 406), slice(199, 367), slice(7, 49))),
    Recipe("valid_2_a_1", "totalsegmentator/example_ct_dicom", "dicom",
           crop=(slice(82, 432), slice(152, 432), slice(None)), bin=(2, 2, 1)),
]

# The head scan changes from 4 mm to 7 mm slices at its 15th image. Only the upper, even part is
# used: the even spacing makes a regular grid, and the lower part would show a face.
HEAD_FIRST_SLICE = 14

LICENCES = {
    "totalsegmentator/LICENSE": "totalsegmentator-and-tptbox-apache-2.0.txt",
    "dcm_qa_ct/LICENSE": "dcm_qa_ct-bsd-2-clause.txt",
    "ibsi_validation/LICENSE.md": "ibsi-and-tcia-cc-by-3.0.md",
}

# ------------------------------------------------------------------------------ volumes on a grid


@dataclass
class Volume:
    """Hounsfield units on a grid whose axes run toward left, posterior and superior."""

    voxels: numpy.ndarray
    affine: numpy.ndarray  # Voxel index to world millimetres, toward right, anterior, superior.

    def cropped(self, box):
        starts = [part.indices(size)[0] for part, size in zip(box, self.voxels.shape)]
        return Volume(self.voxels[box], self.affine @ translation(starts))

    def binned(self, block):
        """Block means; the new voxel centre is the mean of the old centres."""
        sizes = [size // step for size, step in zip(self.voxels.shape, block)]
        kept = self.voxels[tuple(slice(0, n * step) for n, step in zip(sizes, block))]
        blocks = kept.reshape([n for pair in zip(sizes, block) for n in pair])
        scale = numpy.diag([*block, 1.0])
        centre = translation([(step - 1) / 2 for step in block])
        return Volume(blocks.mean(axis=(1, 3, 5)), self.affine @ centre @ scale)


def translation(offset):
    matrix = numpy.eye(4)
    matrix[:3, 3] = offset
    return matrix


def read_nifti(path):
    image = nibabel.load(path)
    target = nibabel.orientations.axcodes2ornt(("L", "P", "S"))
    change = nibabel.orientations.ornt_transform(nibabel.io_orientation(image.affine), target)
    image = image.as_reoriented(change)
    return Volume(numpy.asarray(image.dataobj, dtype=numpy.float64), image.affine)


def read_dicom_headers(folder):
    """The slices of a series, ordered along the table."""
    slices = [pydicom.dcmread(path) for path in sorted(folder.iterdir()) if path.is_file()]
    return sorted(slices, key=lambda one: float(one.ImagePositionPatient[2]))


def read_dicom(slices):
    """A straight series as a volume. DICOM's world is toward left and posterior, ours is not."""
    first, last = slices[0], slices[-1]
    position = numpy.array(first.ImagePositionPatient, dtype=float)
    step = (numpy.array(last.ImagePositionPatient, dtype=float) - position) / (len(slices) - 1)
    row, column = numpy.array(first.ImageOrientationPatient, dtype=float).reshape(2, 3)
    down, across = (float(value) for value in first.PixelSpacing)
    affine = numpy.eye(4)
    affine[:3] = numpy.stack([row * across, column * down, step, position], axis=1)
    affine[:2] *= -1
    planes = [
        one.pixel_array.T * float(one.RescaleSlope) + float(one.RescaleIntercept) for one in slices
    ]
    return Volume(numpy.stack(planes, axis=-1).astype(numpy.float64), affine)


def without_tilt(volume):
    """Straightens a series of a tilted gantry: each slice slides along its own columns.

    The slices stay in their planes, so the grid becomes square again but oblique to the world.
    """
    column = volume.affine[:3, 1] / numpy.linalg.norm(volume.affine[:3, 1])
    slide = float(volume.affine[:3, 2] @ column)
    pixels = slide / numpy.linalg.norm(volume.affine[:3, 1])
    rows = numpy.arange(volume.voxels.shape[1], dtype=float)
    straight = numpy.empty_like(volume.voxels)
    for index in range(volume.voxels.shape[2]):
        for line in range(volume.voxels.shape[0]):
            straight[line, :, index] = numpy.interp(
                rows - pixels * index, rows, volume.voxels[line, :, index], left=-1024, right=-1024
            )
    affine = volume.affine.copy()
    affine[:3, 2] -= slide * column
    return Volume(straight, affine)


def nifti_bytes(volume):
    """A gzip-compressed NIfTI-1 file without a time stamp or a file name in it."""
    voxels = numpy.rint(volume.voxels).clip(-32768, 32767).astype(numpy.int16)
    image = nibabel.Nifti1Image(voxels, volume.affine)
    image.header.set_xyzt_units("mm")
    image.set_sform(volume.affine, code=1)
    image.set_qform(volume.affine, code=1)
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=packed, mtime=0) as file:
        file.write(image.to_bytes())
    return packed.getvalue()


# -------------------------------------------------------------------------------------- building


def build(recipe, sources, out):
    """Writes one series and returns its metadata row."""
    split, patient, study, _ = recipe.name.split("_")
    folder = out / "dataset" / split / f"{split}_{patient}" / f"{split}_{patient}_{study}"
    folder.mkdir(parents=True, exist_ok=True)
    source = sources / recipe.source
    headers = [] if recipe.kind == "nifti" else read_dicom_headers(source)
    if recipe.kind == "dicom-copy":
        series = folder / recipe.name
        series.mkdir(exist_ok=True)
        for path in sorted(source.iterdir()):
            shutil.copyfile(path, series / path.name)
        return metadata_of_headers(recipe, headers) | copied_grid(headers)
    if recipe.kind == "nifti":
        volume = read_nifti(source)
    elif recipe.kind == "dicom-tilted":
        headers = headers[HEAD_FIRST_SLICE:]
        volume = without_tilt(read_dicom(headers))
    else:
        volume = read_dicom(headers)
    volume = volume.cropped(recipe.crop).binned(recipe.bin)
    packed = nifti_bytes(volume)
    packed = packed[: int(len(packed) * recipe.keep_bytes)]
    (folder / f"{recipe.name}.nii.gz").write_bytes(packed)
    return metadata_of_headers(recipe, headers) | written_grid(volume)


def metadata_of_headers(recipe, headers):
    """The columns that share their name with a DICOM attribute, as the source states them."""
    row = {"VolumeName": f"{recipe.name}.nii.gz"}
    if headers:
        for column in METADATA_COLUMNS[1:]:
            value = headers[0].get(column)
            plain = value is not None and str(value) not in ("", "None")
            row[column] = str(value) if plain and column != "StudyDate" else ""
    return row | recipe.known


def grid(columns, rows, slices, across, down, step):
    return {
        "Rows": rows,
        "Columns": columns,
        "XYSpacing": f"[{across:.6g}, {down:.6g}]",
        "NumberofSlices": slices,
        "ZSpacing": step,
    }


def copied_grid(headers):
    first, last = headers[0], headers[-1]
    down, across = (float(value) for value in first.PixelSpacing)
    extent = float(last.ImagePositionPatient[2]) - float(first.ImagePositionPatient[2])
    step = f"{extent / (len(headers) - 1):.6g}" if len(headers) > 1 else ""
    return grid(first.Columns, first.Rows, len(headers), across, down, step)


def written_grid(volume):
    across, down, step = numpy.linalg.norm(volume.affine[:3, :3], axis=0)
    position = volume.affine[:3, 3] * [-1, -1, 1]
    changed = grid(*volume.voxels.shape, across, down, f"{step:.6g}")
    return changed | {"ImagePositionPatient": str([round(float(v), 4) for v in position])}


def write_table(path, columns, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def report_rows(split):
    """A report is kept once a study and repeated on the row of each of its volumes."""
    for report in REPORTS:
        for volume in report.volumes:
            if volume.startswith(split):
                yield report, f"{volume}.nii.gz"


def write_tables(out, metadata):
    names = {"train": ("train", "train"), "valid": ("validation", "valid")}
    text_columns = "VolumeName ClinicalInformation_EN Technique_EN Findings_EN Impressions_EN"
    for split, (long_name, short_name) in names.items():
        texts, labels = [], []
        for report, volume in report_rows(split):
            texts.append({
                "VolumeName": volume,
                "ClinicalInformation_EN": f"{ILLUSTRATIVE} {report.clinical}",
                "Technique_EN": report.technique or NO_TECHNIQUE,
                "Findings_EN": report.findings,
                "Impressions_EN": report.impressions,
            })
            unknown = set(report.positive) - set(LABELS)
            if unknown:
                sys.exit(f"unknown label in the report of {volume}: {sorted(unknown)}")
            labels.append({"VolumeName": volume}
                          | {label: int(label in report.positive) for label in LABELS})
        write_table(out / "radiology_text_reports" / f"{long_name}_reports.csv",
                    text_columns.split(), texts)
        write_table(out / "multi_abnormality_labels" / f"{short_name}_predicted_labels.csv",
                    ["VolumeName", *LABELS], labels)
        write_table(out / "metadata" / f"{long_name}_metadata.csv", METADATA_COLUMNS,
                    [row for row in metadata if row["VolumeName"].startswith(split)])


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: make_corpus.py SOURCE_VOLUMES_DIR OUT_DIR")
    sources, out = Path(sys.argv[1]), Path(sys.argv[2])
    write_tables(out, [build(recipe, sources, out) for recipe in RECIPES])
    (out / "licenses").mkdir(exist_ok=True)
    for source, name in LICENCES.items():
        shutil.copyfile(sources / source, out / "licenses" / name)


if __name__ == "__main__":
    main()
