//! The tables of a phantom corpus: those of CT-RATE, and the truth.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde::Serialize;

use super::anatomy::Lobe;
use super::fault::Fault;
use super::finding::{Change, Finding, Kind};
use super::made::{MadeStudy, MadeVolume};
use super::options::PhantomError;
use super::patients::Part;
use super::report::Claim;
use crate::files::write_atomically;
use crate::ingest::csv::quoted;

/// The labels of CT-RATE, in its order.
pub(super) const LABELS: [&str; 18] = [
    "Medical material",
    "Arterial wall calcification",
    "Cardiomegaly",
    "Pericardial effusion",
    "Coronary artery wall calcification",
    "Hiatal hernia",
    "Lymphadenopathy",
    "Emphysema",
    "Atelectasis",
    "Lung nodule",
    "Lung opacity",
    "Pulmonary fibrotic sequela",
    "Pleural effusion",
    "Mosaic attenuation pattern",
    "Peribronchial thickening",
    "Consolidation",
    "Bronchiectasis",
    "Interlobular septal thickening",
];

/// One line of `truth/claims.jsonl`.
#[derive(Serialize)]
struct Claims<'a> {
    study: String,
    claims: &'a [Claim],
}

/// Writes all tables; `edge` is the number of voxels along each axis.
pub(super) fn write(folder: &Path, edge: usize, made: &[MadeStudy]) -> Result<(), PhantomError> {
    for part in Part::BOTH {
        let own: Vec<&MadeStudy> = made.iter().filter(|made| made.study.part == part).collect();
        let (short, long) = (part.name(), part.long_name());
        put(folder, &format!("radiology_text_reports/{long}_reports.csv"), &reports(&own))?;
        put(folder, &format!("metadata/{long}_metadata.csv"), &metadata(edge, &own))?;
        put(
            folder,
            &format!("multi_abnormality_labels/{short}_predicted_labels.csv"),
            &labels(&own),
        )?;
    }
    put(folder, "truth/findings.csv", &findings(made))?;
    put(folder, "truth/faults.csv", &faults(made))?;
    let mut claims = String::new();
    for made in made {
        let line = Claims { study: made.study.name(), claims: &made.report.claims };
        claims += &serde_json::to_string(&line).expect("claims are plain data");
        claims.push('\n');
    }
    put(folder, "truth/claims.jsonl", &claims)
}

fn put(folder: &Path, name: &str, text: &str) -> Result<(), PhantomError> {
    let path = folder.join(name);
    let written = fs::create_dir_all(path.parent().expect("a table lies in a folder"))
        .and_then(|()| write_atomically(&path, text.as_bytes()));
    written.map_err(|source| PhantomError::Write { path, source })
}

fn volumes<'a>(
    made: &'a [&MadeStudy],
) -> impl Iterator<Item = (&'a MadeStudy, &'a MadeVolume)> + 'a {
    made.iter().flat_map(|made| made.volumes.iter().map(|volume| (*made, volume)))
}

fn reports(made: &[&MadeStudy]) -> String {
    let mut text =
        "VolumeName,ClinicalInformation_EN,Technique_EN,Findings_EN,Impressions_EN\n".to_owned();
    for (study, volume) in volumes(made) {
        let report = &study.report;
        let cells = match volume.fault {
            Some(Fault::NoReport) => continue,
            Some(Fault::Placeholder) => ["Not given."; 4],
            _ => [&*report.clinical, &*report.technique, &*report.findings, &*report.impression],
        };
        let cells = cells.map(quoted);
        writeln!(text, "{},{}", volume.name, cells.join(",")).expect("a string takes all");
    }
    text
}

fn metadata(edge: usize, made: &[&MadeStudy]) -> String {
    let mut text = "VolumeName,Manufacturer,ConvolutionKernel,PatientPosition,ImageOrientationPatient,Rows,Columns,\
        XYSpacing,RescaleIntercept,RescaleSlope,NumberofSlices,ZSpacing\n"
        .to_owned();
    for (_, volume) in volumes(made) {
        let [x, y, z] = volume.spacing;
        writeln!(
            text,
            "{},radloom phantom,{},HFS,\"[1, 0, 0, 0, 1, 0]\",{edge},{edge},\"[{x}, {y}]\",0,1,{edge},{z}",
            volume.name, volume.kernel
        )
        .expect("a string takes all");
    }
    text
}

fn labels(made: &[&MadeStudy]) -> String {
    let mut text = format!("VolumeName,{}\n", LABELS.join(","));
    for (study, volume) in volumes(made) {
        text += &volume.name;
        for label in LABELS {
            let has = study.study.findings.iter().any(|one| one.kind.label() == Some(label));
            text += if has { ",1" } else { ",0" };
        }
        text.push('\n');
    }
    text
}

fn findings(made: &[MadeStudy]) -> String {
    let mut text =
        "study,finding,mask_value,concept,label,side,lobe,count,size_mm,prior_mm,change,hedged\n"
            .to_owned();
    for made in made {
        for finding in &made.study.findings {
            let Finding { kind, side, lobe, count, size, prior, change, hedged, .. } = finding;
            let size = match kind {
                Kind::Cardiomegaly => String::new(),
                _ => size.to_string(),
            };
            let side = match side {
                Some(side) => side.word(),
                None if kind.is_sided() => "bilateral",
                None => "",
            };
            writeln!(
                text,
                "{},{},{},{},{},{side},{},{count},{size},{},{},{hedged}",
                made.study.name(),
                kind.key(),
                kind.code(),
                kind.concept(),
                kind.label().unwrap_or_default(),
                lobe.map(Lobe::word).unwrap_or_default(),
                prior.map(|prior| prior.to_string()).unwrap_or_default(),
                change.map(Change::word).unwrap_or_default(),
            )
            .expect("a string takes all");
        }
    }
    text
}

fn faults(made: &[MadeStudy]) -> String {
    let mut text = "volume,fault\n".to_owned();
    for volume in made.iter().flat_map(|made| &made.volumes) {
        if let Some(fault) = volume.fault {
            writeln!(text, "{},{}", volume.name, fault.name()).expect("a string takes all");
        }
    }
    text
}
