"""A corpus laid out as CT-RATE, for the scripts of these folders that make one."""

from pathlib import Path

COLUMNS = ("VolumeName", "ClinicalInformation_EN", "Technique_EN", "Findings_EN", "Impressions_EN")
MANIFEST = """version = 1
name = "throughput"

[corpus]
layout = "ct-rate"
root = "."
volumes = ["dataset"]
reports = ["reports.csv"]
intensity = "hounsfield"

[[view]]
name = "view"
preset = "{preset}"

[split]
method = "corpus"
"""


def place(number: int) -> Path:
    """Where the first reconstruction of a study lies."""
    return Path(f"dataset/train/train_{number}/train_{number}_a/train_{number}_a_1.nii.gz")
