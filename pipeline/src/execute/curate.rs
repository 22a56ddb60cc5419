//! The corpus into a sealed release, step by step.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use schemas::lock::FileCounts;
use schemas::manifest::Manifest;
use schemas::outcome::UnitOutcome;
use schemas::reason::Reason;
use schemas::tables::ExcludedRow;

use super::error::CurateError;
use super::executor::{Context, Ended, Executor, LocalThreads};
use super::observe::{Cancel, Observer, Stage};
use super::outcome;
use super::output::Output;
use super::reports::{Kept, write_reports};
use super::reuse::Reusable;
use super::run_error::RunError;
use crate::files::{sha256_bytes, sha256_file};
use crate::graph::{EncodeError, SentenceEncoder};
use crate::plan::{Survey, Unit, View, cut_units, survey};
use crate::release::{
    Contents, ReleaseError, Sealed, VOXEL_STAGES, count_by_reason, revisions, seal, verify,
};
use crate::report::ReportParser;

/// What a run may be given besides its manifest.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// The encoder in `manifest.graph.encoder`, opened; without it sentences are compared by their words.
    pub encoder: Option<&'a dyn SentenceEncoder>,
    /// Releases, or output folders that hold one, whose shards are used again where the work is the same.
    pub reuse: &'a [PathBuf],
    /// Where units are run.
    pub executor: &'a dyn Executor,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self { encoder: None, reuse: &[], executor: &LocalThreads }
    }
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
    /// The files of the corpus; none for a release of an earlier radloom.
    pub files: Option<FileCounts>,
    /// Files of the series in the release.
    pub used_files: u64,
    /// Files that are left out.
    pub excluded_files: u64,
    /// Reports of which the table of reports holds a warning; none where the release was there already.
    pub warned_reports: Option<u64>,
    /// Units that were finished by an earlier run.
    pub resumed_units: usize,
    /// Units whose shards were taken from a sealed release.
    pub reused_units: usize,
    /// Units in all.
    pub units: usize,
    /// Whether the release was there already and nothing was done.
    pub unchanged: bool,
    /// Where the release is now that this one took the place of.
    pub replaced: Option<PathBuf>,
}

/// Curates the corpus of `manifest` into `manifest.release.out`, resuming what an earlier run left. A release of the
/// same name that is there is replaced where anything of it changed, and its shards are used again where their work
/// did not.
///
/// # Errors
///
/// [`CurateError`]; after `Interrupted` or a crash the same call goes on.
pub fn curate(
    manifest: &Manifest,
    options: &Options<'_>,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Curation, CurateError> {
    let encoder = options.encoder;
    if manifest.graph.encoder.is_some() && encoder.is_none() {
        let missing = "the manifest names an encoder and none was opened";
        return Err(CurateError::Encode(EncodeError::Encoder(missing.into())));
    }
    let output = Output::open(&manifest.release.out)?;

    observer.begin(Stage::Plan, 0);
    let parser = parser(manifest)?;
    let plan = Plan::new(manifest)?;
    let fingerprint =
        fingerprint(manifest, &plan, &parser, encoder).map_err(|source| output.io_error(source))?;
    observer.end();

    let sealed = output.sealed(manifest)?;
    // What could not be read is tried again.
    let made = |contents: &&Contents| {
        output.is_made_from(contents, &fingerprint)
            && !contents.excluded.contains_key(Reason::Unreadable.code())
    };
    if let Some(contents) = sealed.as_ref().filter(made) {
        return Ok(unchanged(contents, &plan));
    }
    let building = output.building();
    let context = Context { manifest, views: &plan.views, release: &building };
    let reusable = reusable(options.reuse, sealed.as_ref())?;
    let units =
        run_units(&plan.units, &context, options.executor, &reusable, &output, observer, cancel)?;
    let outcomes = &units.outcomes;

    let kept = Kept::new(&plan.survey, outcomes);
    let tables = building.join("tables");
    let reports = write_reports(manifest, &parser, encoder, &kept, &tables, observer, cancel)?;
    let Kept { studies: written, excluded: lost, .. } = kept;
    let excluded = excluded(lost, &plan.survey, outcomes);
    let counts = count_by_reason(&excluded);
    let excluded_files = excluded.iter().map(|row| u64::from(row.files)).sum();
    let rows = outcomes.iter().flat_map(|outcome| &outcome.volumes);
    let used_files = rows.map(|row| u64::from(row.source_files)).sum();
    let included = outcomes.iter().map(|outcome| outcome.volumes.len()).sum();
    if included == 0 {
        let detail: Vec<_> = counts.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
        return Err(CurateError::NothingLeft { detail: detail.join(", ") });
    }
    if cancel.is_set() {
        return Err(CurateError::Interrupted);
    }

    observer.begin(Stage::Seal, 0);
    let whole = Sealed {
        manifest,
        survey: &plan.survey,
        units: &plan.units,
        outcomes,
        excluded,
        lexicons: parser.lexicon_sources(),
        encoder: encoder.map(|encoder| encoder.files().clone()).unwrap_or_default(),
        included_studies: &written,
    };
    let release_id = seal(&whole, &building)?;
    let replaced = output.publish(&release_id, fingerprint, sealed.as_ref())?;
    observer.end();

    observer.begin(Stage::Verify, 0);
    let report = verify(&output.release())?;
    observer.end();
    if let Some(error) = report.errors.into_iter().next() {
        return Err(ReleaseError::Damaged { file: error.file, what: error.what }.into());
    }
    Ok(Curation {
        release: output.release(),
        release_id,
        studies: plan.survey.found_studies,
        volumes: plan.survey.found_volumes,
        included,
        included_studies: written.len(),
        excluded: counts,
        files: Some(plan.survey.files.clone()),
        used_files,
        excluded_files,
        warned_reports: Some(reports.warned),
        resumed_units: units.resumed,
        reused_units: units.reused,
        units: plan.units.len(),
        unchanged: false,
        replaced,
    })
}

/// The corpus as planned, cut into units.
struct Plan {
    survey: Survey,
    views: Vec<View>,
    units: Vec<Unit>,
}

impl Plan {
    fn new(manifest: &Manifest) -> Result<Self, CurateError> {
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
        Ok(Self { survey, views, units })
    }
}

fn unchanged(contents: &Contents, plan: &Plan) -> Curation {
    Curation {
        release: contents.path.clone(),
        release_id: contents.release_id.clone(),
        studies: plan.survey.found_studies,
        volumes: plan.survey.found_volumes,
        included: contents.included,
        included_studies: contents.included_studies,
        excluded: contents.excluded.clone(),
        files: contents.lock.files.clone(),
        used_files: contents.used_files,
        excluded_files: contents.excluded_files,
        warned_reports: None,
        resumed_units: plan.units.len(),
        reused_units: 0,
        units: plan.units.len(),
        unchanged: true,
        replaced: None,
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
    let mut parser = ReportParser::with_overlay(overlay.as_deref(), &[])?;
    let policies: Vec<&str> = manifest.report.policies.iter().map(String::as_str).collect();
    if let Some(name) = policies.iter().find(|name| parser.policy(name).is_none()) {
        return Err(CurateError::Policy { name: (*name).to_owned() });
    }
    parser.keep_policies(&policies);
    Ok(parser)
}

/// Hash of everything the release depends on, by size and time of change for what is large.
fn fingerprint(
    manifest: &Manifest,
    plan: &Plan,
    parser: &ReportParser,
    encoder: Option<&dyn SentenceEncoder>,
) -> io::Result<String> {
    let curation = serde_json::to_vec(&manifest.curation()).expect("a manifest is plain data");
    let mut text = sha256_bytes(&curation);
    for unit in &plan.units {
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
    for table in &plan.survey.tables {
        let (sha256, _) = sha256_file(&manifest.corpus.root.join(table))?;
        text += &format!("{} {sha256}\n", table.display());
    }
    for row in &plan.survey.excluded {
        text += &format!("{} {}\n", row.source, row.reason);
    }
    Ok(sha256_bytes(text.as_bytes()))
}

/// Releases whose shards may be used again, those that the user named first.
fn reusable(named: &[PathBuf], sealed: Option<&Contents>) -> Result<Vec<Reusable>, CurateError> {
    let named = named.iter().map(|path| Reusable::open(path));
    // What an earlier radloom made differs in what it holds of each series; its tables need not even be read.
    let of_this_work = |contents: &&Contents| {
        let now = revisions();
        VOXEL_STAGES.iter().all(|(stage, _)| contents.lock.revisions.get(*stage) == now.get(*stage))
    };
    let own = sealed.filter(of_this_work).map(|contents| Reusable::new(contents.clone()));
    Ok(named.chain(own).collect::<Result<_, ReleaseError>>()?)
}

/// Every unit's outcome, and where it came from.
struct Units {
    outcomes: Vec<UnitOutcome>,
    resumed: usize,
    reused: usize,
}

/// Gives each unit its outcome: that of an interrupted run, that of a sealed release, or that of running it.
fn run_units(
    units: &[Unit],
    context: &Context<'_>,
    executor: &dyn Executor,
    reusable: &[Reusable],
    output: &Output,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Units, CurateError> {
    observer.begin(Stage::Volumes, units.iter().map(Unit::series).sum());
    let io_error = |source| output.io_error(source);
    let commit = |unit: &Unit, done: &UnitOutcome| outcome::commit(done, &output.outcome(&unit.id));
    let mut outcomes: Vec<Option<UnitOutcome>> = Vec::with_capacity(units.len());
    let (mut resumed, mut reused) = (0, 0);
    for unit in units {
        let mut found = resume(unit, context, output, observer);
        if found.is_some() {
            resumed += 1;
        } else if cancel.is_set() {
            return Err(CurateError::Interrupted);
        } else if let Some(taken) = reuse(unit, context, reusable).map_err(io_error)? {
            commit(unit, &taken).map_err(io_error)?;
            reused += 1;
            found = Some(taken);
        }
        if found.is_some() {
            observer.advance(unit.series());
        }
        outcomes.push(found);
    }
    let places: Vec<usize> = (0..units.len()).filter(|at| outcomes[*at].is_none()).collect();
    let to_run: Vec<&Unit> = places.iter().map(|at| &units[*at]).collect();
    let ended = executor
        .run(&to_run, context, observer, cancel, &mut |place, done| {
            commit(to_run[place], &done)?;
            outcomes[places[place]] = Some(done);
            Ok(())
        })
        .map_err(|error| match error {
            RunError::Write(source) => io_error(source),
            error @ RunError::Read { .. } => CurateError::Source(error),
        })?;
    if ended == Ended::Interrupted {
        return Err(CurateError::Interrupted);
    }
    observer.end();
    let outcomes = outcomes.into_iter().flatten().collect();
    Ok(Units { outcomes, resumed, reused })
}

/// The outcome that an interrupted run committed, where it is that of this work.
fn resume(
    unit: &Unit,
    context: &Context<'_>,
    output: &Output,
    observer: &dyn Observer,
) -> Option<UnitOutcome> {
    let slab_above_mib = context.manifest.limits.slab_above_mib;
    outcome::read(&output.outcome(&unit.id))
        .unwrap_or_else(|error| {
            observer.notice(&format!("unit `{}` is made again: {error}", unit.id));
            None
        })
        .filter(|found| outcome::holds(found, unit, slab_above_mib, context.release))
}

fn reuse(
    unit: &Unit,
    context: &Context<'_>,
    reusable: &[Reusable],
) -> io::Result<Option<UnitOutcome>> {
    for release in reusable {
        if let Some(outcome) = release.take(unit, context)? {
            return Ok(Some(outcome));
        }
    }
    Ok(None)
}

/// Every input that was left out, sorted.
fn excluded(lost: Vec<ExcludedRow>, survey: &Survey, outcomes: &[UnitOutcome]) -> Vec<ExcludedRow> {
    let mut excluded = lost;
    excluded.extend(survey.excluded.iter().cloned());
    excluded.extend(outcomes.iter().flat_map(|outcome| outcome.excluded.iter().cloned()));
    excluded.sort_by(|a, b| (&a.source, &a.reason).cmp(&(&b.source, &b.reason)));
    excluded
}
