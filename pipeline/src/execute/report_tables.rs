//! The tables made from reports, written as the reports come.

use std::path::Path;

use schemas::manifest::GraphSection;
use schemas::tables::{
    EdgeRow, IdentifierRow, LabelRow, MeasurementRow, NodeRow, ReportRow, Row, SentenceRow,
};

use crate::graph::{
    EncodeError, ReportRows, SentenceEncoder, SentenceTypes, SentenceVectors, similar_types,
};
use crate::report::{ParsedReport, ReportDocument};
use crate::shard::{TableError, TableWriter, write_table};

/// Writers of `reports`, `identifiers`, `sentences`, `nodes`, `edges`, `labels` and `measurements`, and what
/// `sentence_types` and `similarity` are made of at the end.
///
/// Rows leave memory with every row group; what stays is one entry for each distinct sentence.
pub struct ReportTables {
    reports: TableWriter<ReportRow>,
    identifiers: TableWriter<IdentifierRow>,
    sentences: TableWriter<SentenceRow>,
    nodes: TableWriter<NodeRow>,
    edges: TableWriter<EdgeRow>,
    labels: TableWriter<LabelRow>,
    measurements: TableWriter<MeasurementRow>,
    types: SentenceTypes,
    warned: u64,
}

/// How many rows the tables hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportCounts {
    /// Reports.
    pub reports: u64,
    /// Sentences.
    pub sentences: u64,
    /// Mentions.
    pub nodes: u64,
    /// Relations.
    pub edges: u64,
    /// Distinct sentences.
    pub sentence_types: u64,
    /// Pairs of sentence types.
    pub similarity: u64,
    /// Stretches that could name a patient, marks of de-identification among them.
    pub identifiers: u64,
    /// Reports with a warning.
    pub warned: u64,
}

impl ReportTables {
    /// Opens the tables in `folder`; they appear under their names when finished.
    ///
    /// # Errors
    ///
    /// [`TableError::Io`] where a file cannot be made.
    pub fn create(folder: &Path) -> Result<Self, TableError> {
        Ok(Self {
            reports: TableWriter::create(folder)?,
            identifiers: TableWriter::create(folder)?,
            sentences: TableWriter::create(folder)?,
            nodes: TableWriter::create(folder)?,
            edges: TableWriter::create(folder)?,
            labels: TableWriter::create(folder)?,
            measurements: TableWriter::create(folder)?,
            types: SentenceTypes::default(),
            warned: 0,
        })
    }

    /// Adds reports in the order given. The tables are encoded side by side, each by one thread.
    ///
    /// # Errors
    ///
    /// [`TableError`] where an encoder or the disk refuses.
    pub fn add(
        &mut self,
        reports: Vec<(ReportRows, ReportDocument, ParsedReport)>,
    ) -> Result<(), TableError> {
        for (rows, document, parsed) in &reports {
            self.warned += u64::from(!parsed.warnings.is_empty());
            self.types.add(document, parsed, &rows.sentences);
        }
        let mut parts = Parts::default();
        for (rows, _, _) in reports {
            parts.reports.push(rows.report);
            parts.identifiers.push(rows.identifiers);
            parts.sentences.push(rows.sentences);
            parts.nodes.push(rows.nodes);
            parts.edges.push(rows.edges);
            parts.labels.push(rows.labels);
            parts.measurements.push(rows.measurements);
        }
        let mut results = [const { Ok(()) }; 7];
        let [identifiers, reports, sentences, nodes, edges, labels, measurements] = &mut results;
        rayon::scope(|scope| {
            scope.spawn(|_| *nodes = extend(&mut self.nodes, parts.nodes));
            scope.spawn(|_| *sentences = extend(&mut self.sentences, parts.sentences));
            scope.spawn(|_| *edges = extend(&mut self.edges, parts.edges));
            scope.spawn(|_| *labels = extend(&mut self.labels, parts.labels));
            scope.spawn(|_| *reports = self.reports.extend(parts.reports));
            scope.spawn(|_| *identifiers = extend(&mut self.identifiers, parts.identifiers));
            scope.spawn(|_| *measurements = extend(&mut self.measurements, parts.measurements));
        });
        results.into_iter().collect()
    }

    /// Completes the tables, with `sentence_types` and `similarity`. With an encoder, `go_on` receives
    /// the number of sentence types encoded since the last call and returns whether to continue.
    ///
    /// # Errors
    ///
    /// [`ReportTablesError`] where a table cannot be written or sentences cannot be encoded.
    pub fn finish(
        self,
        folder: &Path,
        section: &GraphSection,
        encoder: Option<&dyn SentenceEncoder>,
        go_on: &mut dyn FnMut(u64) -> bool,
    ) -> Result<ReportCounts, ReportTablesError> {
        let counts = ReportCounts {
            reports: self.reports.finish()?,
            sentences: self.sentences.finish()?,
            nodes: self.nodes.finish()?,
            edges: self.edges.finish()?,
            sentence_types: 0,
            similarity: 0,
            identifiers: self.identifiers.finish()?,
            warned: self.warned,
        };
        self.labels.finish()?;
        self.measurements.finish()?;
        let types = self.types.finish(section.boilerplate);
        let encode = |encoder| SentenceVectors::encode(&types, encoder, section.centre, go_on);
        let vectors = encoder.map(encode).transpose()?;
        let similarity = write_table(folder, similar_types(&types, vectors.as_ref(), section))?;
        let sentence_types = write_table(folder, types)?;
        Ok(ReportCounts { sentence_types, similarity, ..counts })
    }
}

/// Why the tables cannot be completed.
#[derive(Debug, thiserror::Error)]
pub enum ReportTablesError {
    /// A table cannot be written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// Sentences cannot be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

#[derive(Default)]
struct Parts {
    reports: Vec<ReportRow>,
    identifiers: Vec<Vec<IdentifierRow>>,
    sentences: Vec<Vec<SentenceRow>>,
    nodes: Vec<Vec<NodeRow>>,
    edges: Vec<Vec<EdgeRow>>,
    labels: Vec<Vec<LabelRow>>,
    measurements: Vec<Vec<MeasurementRow>>,
}

fn extend<R: Row>(writer: &mut TableWriter<R>, rows: Vec<Vec<R>>) -> Result<(), TableError> {
    writer.extend(rows.into_iter().flatten())
}
