//! The report room: free-text reports into sections, sentences and a graph of findings.
//!
//! A [`ReportDocument`] is text that is never rewritten. [`ReportParser::parse`] takes it through
//! `section → sentence → shadow and tokens → entity → clause → assertion and change → relation →
//! label` and hands on a [`ParsedReport`]: nodes and edges with byte offsets, the words that
//! decided each assertion, and the id of the rule. Words live in data files (`lexicon/`), label
//! sets are policies there; both are part of a release's lock.
//!
//! The graph has the shape of `RadGraph` (Jain et al. 2021); assertions follow `NegEx` and `ConText`.

mod assertion;
mod change;
mod clause;
mod document;
mod entity;
mod gap;
mod json;
mod label;
mod lexicon;
mod measurement;
mod mention;
mod parser;
mod place;
mod relation;
mod section;
mod sentence;
mod shadow;
mod signature;
mod table;
mod token;
mod types;

#[cfg(test)]
mod tests;

pub use document::{GivenSection, ReportDocument};
pub use json::to_json;
pub use label::{LabelDefinition, LabelPolicy, LabelRule, UncertainPolicy};
pub use lexicon::LexiconError;
pub use parser::ReportParser;
pub use signature::{normalise_sentence, sentence_signature};
pub use types::{
    Assertion, Change, Cue, Edge, LabelValue, Measurement, Node, NodeKind, ParsedReport,
    PolicyLabels, Relation, Section, SectionKind, SectionSource, Sentence, Side,
};
