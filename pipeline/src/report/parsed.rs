//! The report graph: what the parser hands on. Offsets are byte offsets into the document's text.

use std::sync::Arc;

use schemas::named_enum;
use serde::Serialize;

use super::rule::{Rule, RuleHits};
pub use crate::ingest::SectionKind;

named_enum! {
    /// How the limits of a section were found.
    #[derive(PartialOrd, Ord)]
    pub enum SectionSource {
        /// The section was a column of the source table.
        Column = "column",
        /// A heading in the text opened the section.
        Heading = "heading",
        /// No heading stood there: the layout of the text gave the section away.
        Inferred = "inferred",
    }
}

named_enum! {
    /// What a node stands for.
    #[derive(PartialOrd, Ord)]
    pub enum NodeKind {
        /// A body part or region.
        Anatomy = "anatomy",
        /// A finding, normal or abnormal.
        Observation = "observation",
        /// A property of another node: severity, shape, side, size.
        Modifier = "modifier",
        /// A medical device or foreign material.
        Device = "device",
        /// An operation or intervention.
        Procedure = "procedure",
    }
}

named_enum! {
    /// Whether the text says that something is there.
    #[derive(PartialOrd, Ord)]
    pub enum Assertion {
        /// It is there.
        Present = "present",
        /// It is not there.
        Absent = "absent",
        /// The text hedges, asks or recommends to look for it.
        Uncertain = "uncertain",
    }
}

named_enum! {
    /// The side of the patient's body.
    #[derive(PartialOrd, Ord)]
    pub enum Side {
        /// The patient's left.
        Left = "left",
        /// The patient's right.
        Right = "right",
        /// Both sides.
        Bilateral = "bilateral",
    }
}

impl Side {
    /// The side of two things taken together.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        if self == other { self } else { Self::Bilateral }
    }
}

named_enum! {
    /// Change against an earlier examination.
    #[derive(PartialOrd, Ord)]
    pub enum Change {
        /// Not there before.
        New = "new",
        /// As before.
        Stable = "stable",
        /// More or larger than before.
        Increased = "increased",
        /// Less or smaller than before.
        Decreased = "decreased",
        /// There before and gone now.
        Resolved = "resolved",
    }
}

named_enum! {
    /// The meaning of an edge, named after `RadGraph` (Jain et al. 2021) with measurements added.
    #[derive(PartialOrd, Ord)]
    pub enum Relation {
        /// The source describes the target.
        Modify = "modify",
        /// The source is found at the target.
        LocatedAt = "located_at",
        /// The source is taken as a sign of the target.
        SuggestiveOf = "suggestive_of",
        /// The source is a size of the target.
        MeasureOf = "measure_of",
    }
}

named_enum! {
    /// What a number in the text refers to, if it is no size.
    #[derive(PartialOrd, Ord)]
    pub enum ReferenceKind {
        /// A day, or a month of a year.
        Date = "date",
        /// An image or a series.
        Image = "image",
    }
}

/// A date or a reference to an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reference {
    /// The sentence it stands in.
    pub sentence: u32,
    /// What it refers to.
    pub kind: ReferenceKind,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// A section's body, without its heading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Section {
    /// What the section is for.
    pub kind: SectionKind,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// How its limits were found.
    pub how: SectionSource,
}

/// A sentence, trimmed of white space and list marks. Sentences never overlap and come in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sentence {
    /// Position in [`ParsedReport::sentences`].
    pub id: u32,
    /// Position in [`ParsedReport::sections`].
    pub section: u32,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// First byte of each clause that can be left out together with all that follows it in the
    /// sentence, without changing what stands before.
    pub breaks: Vec<u32>,
}

/// The words that decided an assertion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cue {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// Category and direction of the cue, such as `negated_forward`.
    pub rule: Rule,
}

/// A mention of a concept.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Node {
    /// Position in [`ParsedReport::nodes`].
    pub id: u32,
    /// The sentence it stands in.
    pub sentence: u32,
    /// What it stands for.
    pub kind: NodeKind,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// Identifier of the concept in the lexicon.
    pub concept: String,
    /// The concept's preferred name.
    pub preferred: String,
    /// Whether it is there; `None` for anatomy and modifiers.
    pub assertion: Option<Assertion>,
    /// How likely it is there as worded: 1 stated, 0 denied, between for hedges.
    pub certainty: f32,
    /// Side of the body, from its own words or from where it is located.
    pub side: Option<Side>,
    /// Of a finding on both sides, the one with more of it.
    #[serde(skip)]
    pub(crate) most: Option<Side>,
    /// Change against an earlier examination.
    pub change: Option<Change>,
    /// The words that decided the assertion; `None` when nothing but the mention did.
    pub cue: Option<Cue>,
    /// The rule that decided the assertion.
    pub rule: Rule,
    /// Whether it is a severity.
    #[serde(skip)]
    pub(crate) is_grade: bool,
    /// Position of the organ in the list of [`organ_texts`](super::organ_texts), where there is one.
    #[serde(skip)]
    pub(crate) organ: Option<u8>,
}

/// A directed relation between two nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edge {
    /// Id of the source node.
    pub source: u32,
    /// Id of the target node.
    pub target: u32,
    /// What the relation is.
    pub relation: Relation,
    /// The rule that drew it.
    pub rule: Rule,
}

named_enum! {
    /// How sure it is that what decided a label speaks of it.
    #[derive(PartialOrd, Ord)]
    pub enum Confidence {
        /// The text leaves something open, as where an opacity is, and the parser filled it in.
        Guessed = "guessed",
        /// The text says so.
        Stated = "stated",
    }
}

/// One label of a policy for one report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LabelValue {
    /// Name of the label.
    pub label: Arc<str>,
    /// 1 present, 0 absent or not mentioned, -1 uncertain.
    pub value: i8,
    /// Nodes that decided the value. A value of 0 with no evidence means: not mentioned.
    pub evidence: Vec<u32>,
    /// How sure the surest of them is; none without evidence.
    pub confidence: Option<Confidence>,
}

/// All labels of one policy, in the order of the policy file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyLabels {
    /// Name of the policy.
    pub policy: String,
    /// The labels.
    pub values: Vec<LabelValue>,
}

named_enum! {
    /// What a size is a limit of.
    #[derive(PartialOrd, Ord)]
    pub enum Bound {
        /// It is that much at most (`up to 5 mm`).
        AtMost = "at_most",
        /// It is that much at least (`more than 5 mm`).
        AtLeast = "at_least",
    }
}

/// A size in the text.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measurement {
    /// The sentence it stands in.
    pub sentence: u32,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// Every factor (`13x9`) or both ends of a range (`3-5`), in millimetres.
    pub values_mm: Vec<f64>,
    /// The unit as written, in lower case.
    pub unit: String,
    /// What the size is a limit of, where it is one.
    pub bound: Option<Bound>,
    /// Whether the size is one from an earlier examination.
    pub prior: bool,
    /// First byte of the date that the text gives the size.
    pub date_start: Option<u32>,
    /// One past its last byte.
    pub date_end: Option<u32>,
    /// The observation, device or anatomy that was measured.
    pub node: Option<u32>,
}

named_enum! {
    /// What a reader of a parsed report should know.
    #[derive(PartialOrd, Ord)]
    pub enum ReportWarning {
        /// Nothing stands in the findings or the impression, while other sections name findings: a heading may have been
        /// misread.
        FindingsEmpty = "findings_empty",
    }
}

/// Everything the parser found in one report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ParsedReport {
    /// The document's id.
    pub id: String,
    /// Sections in text order.
    pub sections: Vec<Section>,
    /// Sentences in text order.
    pub sentences: Vec<Sentence>,
    /// Nodes in text order.
    pub nodes: Vec<Node>,
    /// Edges by source, target and relation.
    pub edges: Vec<Edge>,
    /// Labels, one entry per policy, in the order the policies were given.
    pub labels: Vec<PolicyLabels>,
    /// Sizes in text order.
    pub measurements: Vec<Measurement>,
    /// Dates and image references in text order.
    pub references: Vec<Reference>,
    /// What its reader should know.
    pub warnings: Vec<ReportWarning>,
}

impl ParsedReport {
    /// Counts the nodes and edges that each rule decided.
    pub fn add_rule_hits(&self, hits: &mut RuleHits) {
        hits.add(self.nodes.iter().map(|node| node.rule));
        hits.add(self.edges.iter().map(|edge| edge.rule));
    }
}
