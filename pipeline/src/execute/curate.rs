//! The corpus into a sealed release.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use schemas::manifest::Manifest;
use schemas::outcome::UnitOutcome;
use schemas::reason::Reason;
use schemas::tables::ExcludedRow;
use serde::{Deserialize, Serialize};

use super::observe::{Cancel, Observer, Stage};
use super::outcome;
use super::report_tables::{ReportTables, ReportTablesError};
use super::unit::run_unit;
use crate::files::{sha256_bytes, write_atomically};
use crate::graph::{EncodeError, ReportOrigin, ReportRows, SentenceEncoder};
use crate::plan::{
    PlanError, ReportPlace, ReportTexts, StudyPlan, Survey, Unit, View, cut_units, survey,
};
use crate::release::{Contents, ReleaseError, Sealed, VOXEL_STAGES, revisions, seal, verify};
use crate::report::{LexiconError, ReportDocument, ReportParser, SectionKind};
use crate::shard::TableError;

/// A run that did not end in a release.
#[derive(Debug, thiserror::Error)]
pub enum CurateError {
    /// The corpus cannot be planned.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The lexicon cannot be used.
    #[error(transparent)]
    Lexicon(#[from] LexiconError),
    /// The manifest names a label policy that there is none of.
    #[error(
        "`report.policies` names `{name}`, which is no label policy: see `pipeline/lexicon/policies`"
    )]
    Policy {
        /// The name.
        name: String,
    },
    /// A table cannot be written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The sentence encoder failed.
    #[error(transparent)]
    Encode(EncodeError),
    /// The release cannot be sealed or does not verify.
    #[error(transparent)]
    Release(#[from] ReleaseError),
    /// A file of the output cannot be written.
    #[error("failed to write below `{path}`: {source}")]
    Io {
        /// The output folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process works on the same output.
    #[error("`{path}` is in use by another radloom: wait for it or choose another `--out`")]
    Busy {
        /// The output folder.
        path: PathBuf,
    },
    /// The output folder holds a release of something else.
    #[error(
        "`{path}` holds a release made from another manifest, corpus or radloom: choose another `--out` or move it away"
    )]
    Occupied {
        /// The release.
        path: PathBuf,
    },
    /// Every series was refused.
    #[error("no series of the corpus could be used: {detail}")]
    NothingLeft {
        /// Reasons with counts.
        detail: String,
    },
    /// The run was asked to stop; what is done is kept.
    #[error("interrupted; run the same command again to go on")]
    Interrupted,
}

/// A finished release and what went into it.
#[derive(Debug, Clone, PartialEq)]
pub struct Curation {
    /// The release folder.
    pub release: PathBuf,
    /// Its identity.
    pub release_id: String,
    /// Studies met in the corpus, used or not.
    pub studies: usize,
    /// Volumes met in the corpus, used or not.
    pub volumes: usize,
    /// Series in the release.
    pub included: usize,
    /// Studies in the release.
    pub included_studies: usize,
    /// Inputs left out, by reason code.
    pub excluded: BTreeMap<String, usize>,
    /// Units that were finished by an earlier run.
    pub resumed_units: usize,
    /// Units in all.
    pub units: usize,
    /// Whether the release was there already and nothing was done.
    pub unchanged: bool,
}

/// What is kept beside the release so that a second run knows that there is nothing to do.
#[derive(Debug, Serialize, Deserialize)]
struct State {
    fingerprint: String,
    studies: usize,
    volumes: usize,
}

impl From<ReportTablesError> for CurateError {
    fn from(error: ReportTablesError) -> Self {
        match error {
            ReportTablesError::Table(error) => Self::Table(error),
            ReportTablesError::Encode(EncodeError::Interrupted) => Self::Interrupted,
            ReportTablesError::Encode(error) => Self::Encode(error),
        }
    }
}

/// Curates the corpus of `manifest` into `manifest.release.out`, resuming what an earlier run left.
///
/// `encoder` is the one in `manifest.graph.encoder`, opened; without it sentences are compared by their words.
///
/// # Errors
///
/// [`CurateError`]; after `Interrupted` or a crash the same call goes on.
pub fn curate(
    manifest: &Manifest,
    encoder: Option<&dyn SentenceEncoder>,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Curation, CurateError> {
    if manifest.graph.encoder.is_some() && encoder.is_none() {
        let missing = "the manifest names an encoder and none was opened";
        return Err(CurateError::Encode(EncodeError::Encoder(missing.into())));
    }
    let out = &manifest.release.out;
    let io_error = |source| CurateError::Io { path: out.clone(), source };
    fs::create_dir_all(out.join("work/units")).map_err(io_error)?;
    let _lock = lock(out)?;

    observer.begin(Stage::Plan, 0);
    let parser = parser(manifest)?;
    let survey = survey(manifest)?;
    let views: Vec<View> = manifest
        .view
        .iter()
        .map(|view| View {
            name: view.name.clone(),
            recipe: view.resolve().expect("views were resolved when the manifest was read"),
        })
        .collect();
    let units = cut_units(manifest, &views, &VOXEL_STAGES, &survey.studies);
    let fingerprint = fingerprint(manifest, &survey, &units, &parser, encoder).map_err(io_error)?;
    observer.end();

    let release = out.join("release");
    let state_path = out.join("work/state.json");
    if release.try_exists().map_err(io_error)? {
        let state: Option<State> =
            fs::read(&state_path).ok().and_then(|text| serde_json::from_slice(&text).ok());
        if state.is_none_or(|state| state.fingerprint != fingerprint) {
            return Err(CurateError::Occupied { path: release });
        }
        let contents = Contents::read(&release)?;
        return Ok(Curation {
            release_id: contents.release_id.clone(),
            studies: survey.found_studies,
            volumes: survey.found_volumes,
            included: contents.included,
            included_studies: contents.included_studies,
            excluded: contents.excluded,
            resumed_units: units.len(),
            units: units.len(),
            unchanged: true,
            release,
        });
    }
    let state = State { fingerprint, studies: survey.found_studies, volumes: survey.found_volumes };
    let state_text = serde_json::to_vec(&state).map_err(|error| io_error(error.into()))?;
    write_atomically(&state_path, &state_text).map_err(io_error)?;

    let building = out.join("release.building");
    let (outcomes, resumed_units) =
        run_units(manifest, &views, &units, out, &building, observer, cancel)?;
    let tables = building.join("tables");
    let kept = Kept::new(&survey, &outcomes);
    write_reports(manifest, &parser, encoder, &kept, &tables, observer, cancel)?;
    let Kept { studies: written, mut excluded, .. } = kept;
    excluded.extend(survey.excluded.iter().cloned());
    excluded.extend(outcomes.iter().flat_map(|outcome| outcome.excluded.iter().cloned()));
    excluded.sort_by(|a, b| (&a.source, &a.reason).cmp(&(&b.source, &b.reason)));
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for row in &excluded {
        *counts.entry(row.reason.clone()).or_default() += 1;
    }
    let included = outcomes.iter().map(|outcome| outcome.volumes.len()).sum();
    if included == 0 {
        let detail: Vec<_> = counts.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
        return Err(CurateError::NothingLeft { detail: detail.join(", ") });
    }
    if cancel.is_set() {
        return Err(CurateError::Interrupted);
    }

    observer.begin(Stage::Seal, 0);
    let sealed = Sealed {
        manifest,
        survey: &survey,
        units: &units,
        outcomes: &outcomes,
        excluded,
        lexicons: parser.lexicon_sources(),
        encoder: encoder.map(|encoder| encoder.files().clone()).unwrap_or_default(),
        included_studies: &written,
    };
    let release_id = seal(&sealed, &building)?;
    fs::rename(&building, &release).map_err(io_error)?;
    File::open(out).and_then(|folder| folder.sync_all()).map_err(io_error)?;
    observer.end();

    observer.begin(Stage::Verify, 0);
    let report = verify(&release)?;
    observer.end();
    if let Some(error) = report.errors.into_iter().next() {
        return Err(ReleaseError::Damaged { file: error.file, what: error.what }.into());
    }
    Ok(Curation {
        release,
        release_id,
        studies: survey.found_studies,
        volumes: survey.found_volumes,
        included,
        included_studies: written.len(),
        excluded: counts,
        resumed_units,
        units: units.len(),
        unchanged: false,
    })
}

/// Holds the output folder for this process; the system lets go of it when the process ends.
fn lock(out: &Path) -> Result<File, CurateError> {
    let path = out.join("work/lock");
    let file = File::options()
        .create(true)
        .append(true)
        .open(&path)
        .map_err(|source| CurateError::Io { path: out.to_owned(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(CurateError::Busy { path: out.to_owned() }),
        Err(fs::TryLockError::Error(source)) => {
            Err(CurateError::Io { path: out.to_owned(), source })
        }
    }
}

fn parser(manifest: &Manifest) -> Result<ReportParser, CurateError> {
    let overlay = match &manifest.report.lexicon {
        Some(path) => Some(
            fs::read_to_string(path)
                .map_err(|source| CurateError::Io { path: path.clone(), source })?,
        ),
        None => None,
    };
    let parser = ReportParser::with_overlay(overlay.as_deref(), &[])?;
    match manifest.report.policies.iter().find(|name| parser.policy(name).is_none()) {
        Some(name) => Err(CurateError::Policy { name: name.clone() }),
        None => Ok(parser),
    }
}

/// Hash of everything the release depends on, by size and time of change for what is large.
fn fingerprint(
    manifest: &Manifest,
    survey: &Survey,
    units: &[Unit],
    parser: &ReportParser,
    encoder: Option<&dyn SentenceEncoder>,
) -> io::Result<String> {
    let curation = serde_json::to_vec(&manifest.curation()).expect("a manifest is plain data");
    let mut text = sha256_bytes(&curation);
    for unit in units {
        text += &format!("{} {} {}\n", unit.id, unit.fingerprint, unit.stamp);
    }
    for (stage, revision) in revisions() {
        text += &format!("{stage} {revision}\n");
    }
    for (name, content) in parser.lexicon_sources() {
        text += &format!("{name} {}\n", sha256_bytes(&content));
    }
    for (name, sha256) in encoder.into_iter().flat_map(SentenceEncoder::files) {
        text += &format!("{name} {sha256}\n");
    }
    for table in &survey.tables {
        let (sha256, _) = crate::files::sha256_file(&manifest.corpus.root.join(table))?;
        text += &format!("{} {sha256}\n", table.display());
    }
    for row in &survey.excluded {
        text += &format!("{} {}\n", row.source, row.reason);
    }
    Ok(sha256_bytes(text.as_bytes()))
}

fn run_units(
    manifest: &Manifest,
    views: &[View],
    units: &[Unit],
    out: &Path,
    building: &Path,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<(Vec<UnitOutcome>, usize), CurateError> {
    let io_error = |source| CurateError::Io { path: out.to_owned(), source };
    observer.begin(Stage::Volumes, units.iter().map(Unit::series).sum());
    let slab_above_mib = manifest.limits.slab_above_mib;
    let mut outcomes = Vec::with_capacity(units.len());
    let mut resumed = 0;
    for unit in units {
        let path = out.join(format!("work/units/{}.msgpack", unit.id));
        let earlier = outcome::read(&path).unwrap_or_else(|error| {
            observer.notice(&format!("unit `{}` is made again: {error}", unit.id));
            None
        });
        let holds = |outcome: &UnitOutcome| outcome::holds(outcome, unit, slab_above_mib, building);
        if let Some(outcome) = earlier.filter(holds) {
            observer.advance(unit.series());
            outcomes.push(outcome);
            resumed += 1;
            continue;
        }
        let outcome = run_unit(unit, manifest, views, building, observer, cancel)
            .map_err(io_error)?
            .ok_or(CurateError::Interrupted)?;
        outcome::commit(&outcome, &path).map_err(io_error)?;
        outcomes.push(outcome);
    }
    observer.end();
    Ok((outcomes, resumed))
}

/// Which studies are in the release.
struct Kept<'a> {
    /// The corpus as planned.
    survey: &'a Survey,
    /// Those with a volume, sorted.
    studies: Vec<&'a StudyPlan>,
    /// Reports whose volumes were all refused.
    excluded: Vec<ExcludedRow>,
}

impl<'a> Kept<'a> {
    fn new(survey: &'a Survey, outcomes: &[UnitOutcome]) -> Self {
        let with_volumes: BTreeSet<&str> = outcomes
            .iter()
            .flat_map(|outcome| outcome.volumes.iter().map(|row| row.study_id.as_str()))
            .collect();
        let (studies, lost): (Vec<_>, Vec<_>) =
            survey.studies.iter().partition(|study| with_volumes.contains(study.id.as_str()));
        let excluded = lost
            .into_iter()
            .filter(|study| study.report.is_some())
            .map(|study| {
                ExcludedRow::new(Reason::ReportWithoutVolume, study.id.as_str())
                    .study(&study.id)
                    .patient(&study.patient)
                    .detail("none of the study's volumes could be used")
            })
            .collect();
        Self { survey, studies, excluded }
    }
}

/// Writes every table made from the reports of `kept`.
fn write_reports(
    manifest: &Manifest,
    parser: &ReportParser,
    encoder: Option<&dyn SentenceEncoder>,
    kept: &Kept<'_>,
    tables: &Path,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<(), CurateError> {
    observer.begin(Stage::Reports, kept.studies.len() as u64);
    let mut writer = ReportTables::create(tables)?;
    let with_report: Vec<(&StudyPlan, &ReportPlace)> =
        kept.studies.iter().filter_map(|&study| Some((study, study.report.as_ref()?))).collect();
    for window in with_report.chunks(256) {
        if cancel.is_set() {
            return Err(CurateError::Interrupted);
        }
        let parsed: Vec<_> = window
            .par_iter()
            .map(|&(study, place)| {
                let document = document(study, &kept.survey.reports.read(place)?);
                let mut parsed = parser.parse(&document);
                parsed.labels.retain(|set| manifest.report.policies.contains(&set.policy));
                let identifiers: Vec<&str> = study.identifiers.iter().map(String::as_str).collect();
                let origin = ReportOrigin {
                    identifiers: &identifiers,
                    study_id: study.id.as_str(),
                    patient_key: study.patient.as_str(),
                    split: study.split.name(),
                    source_labels: &study.source_labels,
                };
                Ok((ReportRows::new(&origin, &document, &parsed), document, parsed))
            })
            .collect::<Result<_, PlanError>>()?;
        writer.add(parsed)?;
        observer.advance(window.len() as u64);
    }
    observer.end();
    if encoder.is_some() {
        observer.begin(Stage::Sentences, 0);
    }
    writer.finish(tables, &manifest.graph, encoder, &mut |count| {
        observer.advance(count);
        !cancel.is_set()
    })?;
    if encoder.is_some() {
        observer.end();
    }
    Ok(())
}

fn document(study: &StudyPlan, texts: &ReportTexts) -> ReportDocument {
    ReportDocument::from_columns(
        study.id.as_str(),
        &[
            (SectionKind::ClinicalInformation, &texts.clinical_information),
            (SectionKind::Technique, &texts.technique),
            (SectionKind::Findings, &texts.findings),
            (SectionKind::Impression, &texts.impression),
        ],
    )
}
