"""Compares radloom's reading of DICOM with pydicom, value by value, and with dcm2niix.

    python benches/volume/dicom_parity.py FOLDER [--radloom PATH] [--json OUT] [--verbose]

Needs pydicom (with pylibjpeg, pylibjpeg-libjpeg, pylibjpeg-openjpeg), numpy, nibabel and dcm2niix.

Three passes over every DICOM file below FOLDER:

series    Files are grouped by SeriesInstanceUID (pydicom's reading) and handed to `radloom volume
          --view native`. A volume that comes out is compared slice by slice with the frames that
          pydicom reads at those positions: stored values, the rescale of the frame's own functional
          groups or of the file, a modality table. A refusal must carry a verdict.
files     Every single-frame grey image is copied three times one millimetre apart, under the same
          transfer syntax, and read as a volume: so each file's pixels are compared even where its
          series is no volume.
dcm2niix  Every series that came out regular is converted by dcm2niix too; both are turned to RAS and
          compared in voxels and affine.

Counts: equal, refused (with verdict), different, panicked. The last two must be 0. In the lossy JPEG
syntaxes decoders may differ by one stored value (ITU-T T.83; pylibjpeg and Pillow do): a file that
differs by no more is counted as "one level".

Padding: where PixelPaddingValue of a CT lies below -1024 HU, radloom writes air (-1000 HU) instead;
the expectation does the same by the rule stated here.
"""

import argparse
import collections
import json
import os
import subprocess
import sys
import tempfile
import warnings

import nibabel
import numpy
import pydicom
from pydicom.pixels import apply_modality_lut
from pydicom.uid import generate_uid

warnings.filterwarnings("ignore")
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
pydicom.config.settings.writing_validation_mode = pydicom.config.IGNORE
LOSSY = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51")
TO_RAS = numpy.diag([-1.0, -1.0, 1.0, 1.0])


def read(path):
    try:
        return pydicom.dcmread(path, force=True)
    except Exception:
        return None


def looks_like_dicom(path):
    with open(path, "rb") as file:
        start = file.read(132)
    return start[128:132] == b"DICM" or start[:2] in (b"\x08\x00", b"\x02\x00", b"\x00\x08")


def run(command):
    """Exit code, stdout, stderr and user seconds."""
    import resource

    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    return done.returncode, done.stdout, done.stderr, seconds


def panicked(code, error):
    return code in (101, 134, -6, -11) or "panicked" in error


def group_item(data, frame, name):
    """The first item of a functional group: the frame's own, else the shared one, else the file."""
    for sequence, index in (
        ("PerFrameFunctionalGroupsSequence", frame),
        ("SharedFunctionalGroupsSequence", 0),
    ):
        items = data.get(sequence) or []
        if index < len(items) and items[index].get(name):
            return items[index].get(name)[0]
    return data


def value_of(data, frame, group, keyword):
    found = group_item(data, frame, group).get(keyword)
    return data.get(keyword) if found is None else found


def number(value, default):
    if value is None or value == "":
        return default
    if isinstance(value, bytes):
        value = value.decode().strip("\0 ")
    return float(value)


def frames_of(data):
    """Position, orientation, spacing and values of every frame, or the reason why not."""
    if "PixelData" not in data:
        return None, "no pixels"
    if data.get("SamplesPerPixel", 1) != 1:
        return None, "colours"
    try:
        stored = data.pixel_array
    except Exception as error:
        return None, f"pydicom: {type(error).__name__} {str(error)[:80]}"
    if stored.ndim == 2:
        stored = stored[None]
    made = []
    for index, plane in enumerate(stored):
        if data.get("ModalityLUTSequence"):
            values = apply_modality_lut(plane, data).astype(numpy.float64)
        else:
            transform = "PixelValueTransformationSequence"
            slope = number(value_of(data, index, transform, "RescaleSlope"), 1.0) or 1.0
            intercept = number(value_of(data, index, transform, "RescaleIntercept"), 0.0)
            values = plane.astype(numpy.float64) * slope + intercept
            padding = data.get("PixelPaddingValue")
            if padding is not None and data.get("Modality", "") in ("CT", ""):
                if isinstance(padding, bytes):
                    padding = int.from_bytes(padding, "little")
                signed = data.PixelRepresentation == 1
                if signed and padding > 32767:
                    padding -= 65536
                if not signed and padding < 0:
                    padding += 65536
                limit = data.get("PixelPaddingRangeLimit", padding)
                low, high = min(padding, limit), max(padding, limit)
                if max(low * slope, high * slope) + intercept < -1024:
                    values[(plane >= low) & (plane <= high)] = -1000
        position = value_of(data, index, "PlanePositionSequence", "ImagePositionPatient")
        orientation = value_of(data, index, "PlaneOrientationSequence", "ImageOrientationPatient")
        spacing = value_of(data, index, "PixelMeasuresSequence", "PixelSpacing")
        made.append((position, orientation, spacing, values))
    return made, None


def reference_affine(frames):
    """Affine of frames in order, from pydicom's values alone."""
    _, orientation, spacing, _ = frames[0]
    orientation = numpy.array([float(value) for value in orientation])
    first = numpy.array([float(value) for value in frames[0][0]])
    last = numpy.array([float(value) for value in frames[-1][0]])
    affine = numpy.eye(4)
    affine[:3, 0] = orientation[:3] * float(spacing[1])
    affine[:3, 1] = orientation[3:] * float(spacing[0])
    affine[:3, 2] = (last - first) / (len(frames) - 1)
    affine[:3, 3] = first
    return TO_RAS @ affine


def canonical(image):
    image = nibabel.as_closest_canonical(image)
    return numpy.asarray(image.dataobj, dtype=numpy.float64), image.affine


def clipped(values, window):
    return numpy.clip(values, *window)


def compare(volume, frames, window, level=None):
    """None where the volume holds the frames at its positions, else what differs. `level` is the
    largest difference allowed; without it none for whole numbers and rounding for others."""
    image = nibabel.load(volume)
    found, affine = canonical(image)
    placed = [frame for frame in frames if frame[0] is not None and frame[1] is not None]
    normal_of = lambda o: numpy.cross([float(v) for v in o[:3]], [float(v) for v in o[3:]])
    groups = collections.defaultdict(list)
    for frame in placed:
        key = tuple(round(float(value), 2) for value in frame[1]), frame[3].shape
        groups[key].append(frame)
    differences = []
    for group in groups.values():
        normal = normal_of(group[0][1])
        along = lambda frame: float(numpy.dot(normal, [float(v) for v in frame[0]]))
        group.sort(key=along)
        by_place = collections.defaultdict(list)
        for frame in group:
            by_place[round(along(frame), 2)].append(frame)
        # Candidates: every phase is one frame a place, in the order of the files.
        phases = max(len(same) for same in by_place.values())
        for phase in range(phases):
            stack = [same[min(phase, len(same) - 1)] for _, same in sorted(by_place.items())]
            if len(stack) < 3:
                continue
            values = numpy.stack([frame[3].T for frame in stack], axis=2)
            made = nibabel.Nifti1Image(values, reference_affine(stack))
            expected, wanted = canonical(made)
            if expected.shape != found.shape:
                differences.append(f"shape {found.shape} against {expected.shape}")
                continue
            if numpy.abs(affine - wanted).max() > 1e-3:
                differences.append(f"affine off by {numpy.abs(affine - wanted).max():.4f}")
                continue
            off = numpy.abs(found - clipped(expected, window))
            whole = numpy.allclose(expected, numpy.round(expected))
            if off.max() <= (level if level is not None else 0.0 if whole else 0.5001):
                return None
            differences.append(f"{(off > 0.5001).sum()} voxels differ by up to {off.max():.1f}")
    return "; ".join(sorted(set(differences))[:3]) or "no such frames"


def link_all(paths, folder):
    for index, path in enumerate(paths):
        os.symlink(os.path.abspath(path), os.path.join(folder, f"{index:05}"))


def one_by_one(groups):
    """Series; each file of a series of several multi-frame files also by itself."""
    made = dict(groups)
    for name, members in groups.items():
        frames = [number(data.get("NumberOfFrames"), 1) for _, data in members]
        if len(members) > 1 and min(frames) > 1:
            for path, data in members:
                made[f"{name} {os.path.basename(path)}"] = [(path, data)]
    return made


class Tally:
    def __init__(self, verbose):
        self.counts = collections.defaultdict(collections.Counter)
        self.reasons = collections.defaultdict(collections.Counter)
        self.verbose = verbose
        self.bad = []

    def add(self, part, outcome, name, detail=""):
        self.counts[part][outcome] += 1
        if outcome == "refused":
            self.reasons[part][detail] += 1
        if outcome in ("different", "panicked") or self.verbose:
            print(f"  {part:9} {outcome:10} {name} {detail}", flush=True)
        if outcome in ("different", "panicked"):
            self.bad.append((part, outcome, name, detail))


def verdict_of(radloom, path):
    _, out, error, _ = run([radloom, "inspect", path, "--json"])
    verdicts = [json.loads(line)["verdict"] for line in out.splitlines() if line.startswith("{")]
    return verdicts, error


def convert(radloom, folder, output):
    return run([radloom, "volume", folder, output, "--view", "native", "--json"])


def series_pass(radloom, groups, tally, window, regular, scratch):
    for name, members in groups.items():
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            inside = os.path.join(folder, "in")
            os.mkdir(inside)
            link_all([path for path, _ in members], inside)
            output = os.path.join(folder, "out.nii.gz")
            code, _, error, _ = convert(radloom, inside, output)
            verdicts, inspect_error = verdict_of(radloom, inside)
            if panicked(code, error) or "panicked" in inspect_error:
                tally.add("series", "panicked", name, error[-200:])
                continue
            if code != 0:
                if not verdicts:
                    tally.add("series", "different", name, "refused without a verdict: " + error[-200:])
                else:
                    tally.add("series", "refused", name, "+".join(sorted(set(verdicts))))
                continue
            frames = []
            for _, data in members:
                made, _ = frames_of(data)
                frames.extend(made or [])
            problem = compare(output, frames, window)
            if problem:
                tally.add("series", "different", name, problem)
            else:
                tally.add("series", "equal", name)
                regular.append((name, [path for path, _ in members]))


def files_pass(radloom, groups, tally, window, scratch):
    for members in groups.values():
        for path, data in members:
            name = os.path.relpath(path)
            if "PixelData" not in data or data.get("SamplesPerPixel", 1) != 1:
                continue
            if number(data.get("NumberOfFrames"), 1) > 1:
                continue
            with tempfile.TemporaryDirectory(dir=scratch) as folder:
                inside = os.path.join(folder, "in")
                os.mkdir(inside)
                copy = read(path)
                copy.SeriesInstanceUID = generate_uid()
                copy.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
                copy.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
                copy.PixelSpacing = [1, 1]
                frames, reason = frames_of(copy)
                try:
                    for index in range(3):
                        copy.ImagePositionPatient = [0, 0, index]
                        copy.save_as(os.path.join(inside, str(index)))
                except Exception as error:
                    tally.add("files", "unwritable", name, str(error)[:80])
                    continue
                output = os.path.join(folder, "out.nii.gz")
                code, _, error, _ = convert(radloom, inside, output)
                if panicked(code, error):
                    tally.add("files", "panicked", name, error[-200:])
                elif code != 0:
                    verdicts, _ = verdict_of(radloom, inside)
                    syntax = getattr(data.file_meta, "TransferSyntaxUID", "none")
                    tally.add("files", "refused", name, f"{'+'.join(verdicts)} {syntax}")
                elif frames is None:
                    tally.add("files", "unchecked", name, reason)
                else:
                    placed = [([0, 0, z], [1, 0, 0, 0, 1, 0], [1, 1], frames[0][3]) for z in range(3)]
                    problem = compare(output, placed, window)
                    outcome = "different" if problem else "equal"
                    syntax = getattr(data.file_meta, "TransferSyntaxUID", "none")
                    level = number(data.get("RescaleSlope"), 1.0) + 0.5001
                    if problem and syntax in LOSSY and not compare(output, placed, window, level):
                        outcome = "one level"
                    tally.add("files", outcome, name, problem or "")


def dcm2niix_pass(radloom, regular, tally, window, scratch):
    for name, paths in regular:
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            inside, outside = os.path.join(folder, "in"), os.path.join(folder, "out")
            os.mkdir(inside)
            os.mkdir(outside)
            link_all(paths, inside)
            output = os.path.join(folder, "ours.nii.gz")
            convert(radloom, inside, output)
            run(["dcm2niix", "-b", "n", "-z", "n", "-f", "%s_%p", "-o", outside, inside])
            ours, affine = canonical(nibabel.load(output))
            problems = []
            equal = False
            for file in sorted(os.listdir(outside)):
                if not file.endswith(".nii"):
                    continue
                image = nibabel.load(os.path.join(outside, file))
                if image.ndim == 4 and image.shape[3] > 1:
                    problems.append("dcm2niix made 4D")
                    continue
                theirs, other = canonical(image)
                theirs = theirs.reshape(theirs.shape[:3])
                if theirs.shape != ours.shape:
                    problems.append(f"dcm2niix made {theirs.shape} of our {ours.shape}")
                    continue
                off = numpy.abs(ours - clipped(theirs, window))
                padding = (ours == -1000) & (theirs < -1024)
                off[padding] = 0
                place = numpy.abs(affine - other).max()
                if off.max() <= 0.51 and place < 2e-3:
                    equal = True
                else:
                    problems.append(
                        f"{(off > 0.51).sum()} voxels up to {off.max():.1f}, affine {place:.4f}"
                    )
            if equal:
                tally.add("dcm2niix", "equal", name)
            else:
                tally.add("dcm2niix", "other", name, "; ".join(problems) or "dcm2niix made nothing")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--radloom", default="radloom")
    parser.add_argument("--json")
    parser.add_argument("--window", default="-32768,32767", help="clip of the native preset")
    parser.add_argument("--skip", default="", help="passes to leave out, comma separated")
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    window = tuple(float(value) for value in arguments.window.split(","))
    groups, unread = collections.defaultdict(list), 0
    for folder, _, names in sorted(os.walk(arguments.folder)):
        for name in sorted(names):
            path = os.path.join(folder, name)
            if not looks_like_dicom(path):
                continue
            data = read(path)
            if data is None or len(data) == 0:
                unread += 1
                continue
            if "DirectoryRecordSequence" in data:
                continue
            key = str(data.get("SeriesInstanceUID", "")) or folder
            groups[f"{os.path.relpath(folder, arguments.folder)} {key[-12:]}"].append((path, data))
    total = sum(len(members) for members in groups.values())
    print(f"{total} DICOM files in {len(groups)} series, {unread} unread by pydicom", flush=True)
    tally, regular = Tally(arguments.verbose), []
    skip = arguments.skip.split(",")
    with tempfile.TemporaryDirectory() as scratch:
        if "series" not in skip:
            series_pass(arguments.radloom, one_by_one(groups), tally, window, regular, scratch)
        if "files" not in skip:
            files_pass(arguments.radloom, groups, tally, window, scratch)
        if "dcm2niix" not in skip:
            dcm2niix_pass(arguments.radloom, regular, tally, window, scratch)
    for part, counts in tally.counts.items():
        print(part, dict(counts))
        for reason, count in sorted(tally.reasons[part].items()):
            print(f"    refused {count}: {reason}")
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump({part: dict(counts) for part, counts in tally.counts.items()}, file)
    sys.exit(1 if tally.bad else 0)


if __name__ == "__main__":
    main()
