//! Which columns of a table of reports hold what.

use std::path::Path;

use super::document::ReportDocument;
use super::placeholder::given;
use super::report::{SourceError, SourceReport};
use super::section_kind::SectionKind;

/// CT-RATE's report columns, which become sections when a table has them and not the text column.
const SECTIONS: [(&str, SectionKind); 4] = [
    ("ClinicalInformation_EN", SectionKind::ClinicalInformation),
    ("Technique_EN", SectionKind::Technique),
    ("Findings_EN", SectionKind::Findings),
    ("Impressions_EN", SectionKind::Impression),
];
/// Columns that may hold a report's id, the first one there is taken.
pub(super) const IDS: [&str; 4] = ["id", "VolumeName", "study_id", "report_id"];
/// Columns that identify a patient or study, folded: letters and digits in lower case.
const IDENTIFIERS: [&str; 10] = [
    "id",
    "volumename",
    "studyid",
    "reportid",
    "patientid",
    "patientname",
    "patientkey",
    "accessionnumber",
    "accession",
    "name",
];
/// Those of them that name the patient, folded.
const PATIENTS: [&str; 2] = ["patientid", "patientkey"];

/// The places of a report's parts among the cells of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReportColumns {
    id: Option<usize>,
    text: Option<usize>,
    sections: Vec<(usize, SectionKind)>,
    patient: Option<usize>,
    identifiers: Vec<usize>,
}

impl ReportColumns {
    /// Finds them by the names of the columns; `column` holds the text, and `id` the ids where it is given.
    pub(crate) fn find(
        path: &Path,
        columns: &[String],
        column: &str,
        id: Option<&str>,
    ) -> Result<Self, SourceError> {
        let has = |name: &str| columns.iter().position(|found| found == name);
        if let Some(id) = id.filter(|id| has(id).is_none()) {
            let found = columns.join("`, `");
            let message = format!("no column `{id}` holds ids: it has `{found}`");
            return Err(SourceError::Format { path: path.to_owned(), message });
        }
        let found = Self {
            id: id.map_or_else(|| Self::id_of(columns), has),
            text: has(column),
            sections: SECTIONS
                .iter()
                .filter_map(|&(name, kind)| Some((has(name)?, kind)))
                .collect(),
            patient: columns.iter().position(|name| Self::names_patient(name)),
            identifiers: columns
                .iter()
                .enumerate()
                .filter_map(|(at, name)| Self::identifies(name).then_some(at))
                .collect(),
        };
        if found.text.is_none() && found.sections.is_empty() {
            return Err(SourceError::Column {
                path: path.to_owned(),
                column: column.to_owned(),
                found: columns.join(", "),
            });
        }
        Ok(found)
    }

    /// The place of the column among these that holds a report's id.
    pub(crate) fn id_of(columns: &[String]) -> Option<usize> {
        IDS.iter().find_map(|name| columns.iter().position(|found| found == name))
    }

    /// Whether anything of a column named so is used when `column` holds the text.
    pub(crate) fn uses(name: &str, column: &str) -> bool {
        name == column
            || IDS.contains(&name)
            || SECTIONS.iter().any(|(section, _)| *section == name)
            || Self::identifies(name)
    }

    /// Whether a column named so identifies a patient or study.
    pub(crate) fn identifies(name: &str) -> bool {
        IDENTIFIERS.contains(&fold(name).as_str())
    }

    /// Whether a column named so names the patient.
    pub(crate) fn names_patient(name: &str) -> bool {
        PATIENTS.contains(&fold(name).as_str())
    }

    /// The report of a row; without a column for ids it is known by the number of its row.
    pub(crate) fn report(&self, row: usize, cells: &[Option<String>]) -> SourceReport {
        let cell = |at: usize| cells.get(at).and_then(Option::as_deref);
        let name = self.id.and_then(cell).map_or_else(|| row.to_string(), str::to_owned);
        let document = if let Some(at) = self.text {
            ReportDocument::from_text(name, given(cell(at).unwrap_or_default()))
        } else {
            let texts: Vec<(SectionKind, &str)> = self
                .sections
                .iter()
                .map(|&(at, kind)| (kind, cell(at).unwrap_or_default()))
                .collect();
            ReportDocument::from_columns(name, &texts)
        };
        SourceReport {
            document,
            patient: self.patient.and_then(cell).map(str::to_owned),
            identifiers: self
                .identifiers
                .iter()
                .filter_map(|&at| cell(at))
                .map(str::to_owned)
                .collect(),
        }
    }
}

/// A name without case and marks.
pub(super) fn fold(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase()
}
