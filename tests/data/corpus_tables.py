"""Tables of the sample corpus: illustrative reports, labels and CT-RATE's column names.

The texts are written for software tests. They describe what the pictures plausibly show, they are
no diagnosis, and they say nothing about the persons whose images are used.
"""

from dataclasses import dataclass

ILLUSTRATIVE = "Illustrative report written for software tests."
NO_TECHNIQUE = "Not given."

LABELS = [
    "Medical material", "Arterial wall calcification", "Cardiomegaly", "Pericardial effusion",
    "Coronary artery wall calcification", "Hiatal hernia", "Lymphadenopathy", "Emphysema",
    "Atelectasis", "Lung nodule", "Lung opacity", "Pulmonary fibrotic sequela", "Pleural effusion",
    "Mosaic attenuation pattern", "Peribronchial thickening", "Consolidation", "Bronchiectasis",
    "Interlobular septal thickening",
]

METADATA_COLUMNS = """
    VolumeName Manufacturer SeriesDescription ManufacturerModelName PatientSex PatientAge
    ReconstructionDiameter DistanceSourceToDetector DistanceSourceToPatient GantryDetectorTilt
    TableHeight RotationDirection ExposureTime XRayTubeCurrent Exposure FilterType GeneratorPower
    FocalSpots ConvolutionKernel PatientPosition RevolutionTime SingleCollimationWidth
    TotalCollimationWidth TableSpeed TableFeedPerRotation SpiralPitchFactor
    DataCollectionCenterPatient ReconstructionTargetCenterPatient ExposureModulationType CTDIvol
    ImagePositionPatient ImageOrientationPatient SliceLocation SamplesPerPixel
    PhotometricInterpretation Rows Columns XYSpacing RescaleIntercept RescaleSlope RescaleType
    NumberofSlices ZSpacing StudyDate
""".split()

# Sentences that several reports share, as departments with text blocks write them.
AIRWAYS = "The central airways are clear down to the segmental level."
NO_EFFUSION = "Neither pleural space contains fluid or free air."
NO_NODES = "Mediastinal and hilar lymph nodes are not enlarged by size criteria."
HEART = "The heart is not enlarged, and no pericardial fluid is seen."
BONES = "The included skeleton shows no destructive lesion."
LIVER = "The included liver shows no focal lesion."
NO_CONTRAST = "Axial images were obtained without intravenous contrast."
WITH_CONTRAST = "Axial images were obtained after intravenous contrast."


@dataclass
class Report:
    """One study's text, the volumes that share it, and the labels that hold in it."""

    volumes: tuple
    clinical: str
    technique: str  # Empty means that the report gives none.
    findings: str
    impressions: str
    positive: tuple = ()


def lines(*sentences):
    return " ".join(sentences)


REPORTS = [
    Report(
        ("train_1_a_1",), "Long-standing smoker with dyspnea on exertion.", NO_CONTRAST,
        lines(
            AIRWAYS,
            "Both lungs are overinflated, with centrilobular emphysema that is most marked in the "
            "upper lobes.",
            "Compared with the previous examination, the extent of emphysema is stable.",
            "No pulmonary nodule or consolidation is seen.",
            NO_EFFUSION,
            HEART,
            "Calcified plaques line the aortic root, the aortic arch and the left coronary artery.",
            NO_NODES,
            BONES,
        ),
        lines("Stable emphysema.", "Coronary and aortic calcification.",
              "Pneumonia is not seen."),
        ("Emphysema", "Arterial wall calcification", "Coronary artery wall calcification"),
    ),
    Report(
        ("train_2_a_1", "train_2_a_2"), "Known aortic dissection, status after sternotomy.",
        "CT angiography of the thoracic aorta, arterial phase.",
        lines(
            "Sternal wires from earlier surgery are in place.",
            "A dissection flap runs through the descending thoracic aorta, which measures 39 mm "
            "at the level of the left atrium.",
            "The false lumen is partly thrombosed in its lower third.",
        ) + "\n" + lines(
            "The pulmonary trunk is not dilated and shows no filling defect.",
            HEART,
            "A thin band of atelectasis crosses the left lung base.",
            "There is no consolidation or nodule in the included lung.",
            NO_EFFUSION,
        ),
        lines("Dissection of the descending aorta with a partly thrombosed false lumen, "
              'Stanford "type B".', "No pleural or pericardial fluid."),
        ("Medical material", "Atelectasis"),
    ),
    Report(
        ("train_2_b_1",), "Follow-up of aortic dissection.", "",
        lines(
            "Sternal wires from earlier surgery are in place.",
            "The maximum diameter of the descending thoracic aorta has increased from 39 mm to "
            "41 mm since the previous examination.",
            "The dissection flap is unchanged in position.",
            HEART,
            NO_EFFUSION,
        ),
        lines("Slight increase in the diameter of the dissected descending aorta."),
        ("Medical material",),
    ),
    Report(
        ("train_3_a_1", "train_3_a_2"), "Jaundice, status after biliary stenting.", WITH_CONTRAST,
        lines(
            "The lung bases are clear apart from linear atelectasis in the lingula.",
            NO_EFFUSION,
            HEART,
            "A stent lies in the common bile duct, with gas in the left-sided bile ducts.",
            "The head of the pancreas is full, which may represent inflammation or a mass.",
            "A cyst of 30 mm is seen in the upper pole of the right kidney.",
            "No free fluid is seen in the included abdomen.",
            BONES,
        ),
        lines("Biliary stent in place, with pneumobilia.",
              "Full pancreatic head; a mass cannot be excluded.",
              "Linear atelectasis in the lingula."),
        ("Medical material", "Atelectasis"),
    ),
    Report(
        ("train_4_a_1",), "Flank pain on both sides.", NO_CONTRAST,
        lines(
            "The included lung bases are clear.",
            NO_EFFUSION,
            "A stone of 7 mm lies in the left kidney and two stones of up to 5 mm lie in the right "
            "kidney.",
            "Neither collecting system is dilated.",
            LIVER,
            "A calcified plaque is seen at the aortic bifurcation.",
            "No free fluid or free air is seen in the abdomen.",
            BONES,
        ),
        lines("Kidney stones on both sides without obstruction."),
        ("Arterial wall calcification",),
    ),
    Report(
        ("train_5_a_1",), "Painless swelling of the left thigh.", NO_CONTRAST,
        lines(
            "A mass of 110 x 100 mm with low density fills the posterior and medial compartments "
            "of the left thigh.",
            "Its margin toward the adductor muscles is ill-defined.",
            "The mass does not reach the cortex of the femur.",
            "No calcification or gas is seen within it.",
            BONES,
        ),
        lines("Large soft-tissue mass of the left thigh, suspicious for sarcoma.",
              "No bone involvement."),
    ),
    Report(
        ("train_6_a_1",), "Lump in the left buttock.", "",
        lines(
            "A round mass of 58 mm lies in the subcutaneous fat behind the left iliac bone.",
            "It touches the gluteus maximus muscle without clear invasion.",
            "Beam hardening streaks limit the assessment of its deep margin.",
            BONES,
        ),
        lines("Subcutaneous mass of the left buttock; tissue sampling is advised."),
    ),
    Report(
        ("train_7_a_1",), "Low back pain.", NO_CONTRAST,
        lines(
            "The third lumbar vertebra keeps its height.",
            "There are small osteophytes at the adjacent end plates and mild facet joint "
            "arthrosis on both sides.",
            "The spinal canal is not narrowed.",
            "No fracture line is seen.",
            BONES,
        ),
        lines("Mild degenerative change of the lumbar spine.", "No fracture."),
    ),
    Report(
        ("train_8_a_1",), "Sudden loss of vision on the right side.", NO_CONTRAST,
        lines(
            "A low-density area of 50 x 35 mm involves the cortex of the left occipital and "
            "posterior temporal lobes.",
            "The occipital horn of the left lateral ventricle is slightly compressed.",
            "There is no hemorrhage and no midline shift.",
            "The remaining ventricles and sulci are mildly widened.",
            "No skull fracture is seen.",
        ),
        lines("Subacute infarct in the territory of the left posterior cerebral artery.",
              "No hemorrhage."),
    ),
    Report(
        ("train_10_a_1",), "Fever and productive cough.", "",
        lines(
            AIRWAYS,
            "There is consolidation with air bronchograms in the right lower lobe.",
            "Patchy ground-glass opacities are seen around it.",
            "A small right pleural effusion measures up to 15 mm in depth.",
            "A solid nodule of 6 mm in the left upper lobe is probably benign.",
            HEART,
            NO_NODES,
            BONES,
        ),
        lines("Pneumonia of the right lower lobe with a small effusion.",
              "Left upper lobe nodule of 6 mm; control in twelve months is advised."),
        ("Consolidation", "Lung opacity", "Pleural effusion", "Lung nodule"),
    ),
    Report(
        ("valid_1_a_1",), "Staging of cancer of the right breast.", NO_CONTRAST,
        lines(
            AIRWAYS,
            "An ill-defined density of 45 mm is seen in the right breast.",
            "Several lymph nodes in the right axilla are enlarged, up to 14 mm in short axis.",
            NO_NODES,
            "The tip of a central venous catheter lies in the superior vena cava.",
            "No pulmonary nodule or consolidation is seen.",
            NO_EFFUSION,
            HEART,
            BONES,
        ),
        lines("Mass of the right breast with enlarged right axillary lymph nodes.",
              "No sign of spread to the lungs."),
        ("Lymphadenopathy", "Medical material"),
    ),
    Report(
        ("valid_2_a_1",), "Weight loss and anemia.", WITH_CONTRAST,
        lines(
            "The included lung bases are clear.",
            NO_EFFUSION,
            "The wall of the upper stomach is thickened to about 25 mm.",
            "Dilated veins surround the stomach, and the spleen is possibly enlarged.",
            "The splenic artery and the aorta carry calcified plaques.",
            LIVER,
            BONES,
        ),
        lines("Thickened wall of the upper stomach; endoscopy is advised.",
              "No fluid in the upper abdomen."),
        ("Arterial wall calcification",),
    ),
]
