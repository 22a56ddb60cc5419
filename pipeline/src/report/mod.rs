//! The report room: free-text reports into sections, sentences and a graph of findings.
//!
//! A [`ReportDocument`] is text that is never rewritten. [`ReportParser::parse`] takes it through
//! `section → sentence → folded text and tokens → entity → clause → assertion and change →
//! relation → label` and hands on a [`ParsedReport`]: nodes and edges with byte offsets, the words that
//! decided each assertion, and the id of the rule. Words live in data files (`lexicon/`), label
//! sets are policies there; both are part of a release's lock.
//!
//! The graph has the shape of `RadGraph` (Jain et al. 2021); assertions follow `NegEx` and `ConText`.

mod audit;
mod claim;
mod coverage;
mod document;
mod draft;
mod explain;
mod export;
mod identifier;
mod label;
mod lexicon;
mod lint;
mod markup;
mod mention;
mod normal_form;
mod parsed;
mod parser;
mod relation;
mod rows;
mod rule;
mod structure;
mod text;

#[cfg(test)]
mod tests;

pub use audit::{Audit, AuditedLabel, Disagreement, DisagreementKind};
pub use claim::{Claim, sentence_signature};
pub use coverage::Coverage;
pub use document::{GivenSection, ReportDocument};
pub use explain::{ExplainedCue, ExplainedPhrase, ExplainedSentence, Span};
pub use export::{
    DIAGRAM_STYLE, DiagramEdge, DiagramNode, diagram, escape_html, organ_texts, to_html, to_json,
    to_json_line, to_radgraph,
};
pub use identifier::{FoundIdentifier, IdentifierKind, Redacted, Redaction, redact};
pub use label::{LabelDefinition, LabelPolicy, LabelRule, UncertainPolicy};
pub use lexicon::LexiconError;
pub use lint::{LintFinding, LintKind, lint};
pub use normal_form::{normalise_sentence, sentence_type};
pub use parsed::{
    Assertion, Bound, Change, Confidence, Cue, Edge, LabelValue, Measurement, Node, NodeKind,
    ParsedReport, PolicyLabels, Reference, ReferenceKind, Relation, ReportWarning, Section,
    SectionKind, SectionSource, Sentence, Side,
};
pub use parser::ReportParser;
pub use rows::{ReportOrigin, ReportRows};
pub use rule::{Rule, RuleHits, RuleInfo, rules};

/// Number of this room's code. Raise it when the same text gives another graph or other labels with the same lexicon: it is part of
/// the lock of every release.
pub const REVISION: u32 = 2;
