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
mod columns;
mod coverage;
mod diagram;
mod document;
mod entity;
mod gap;
mod heading;
mod html;
mod identifier;
mod json;
mod json_line;
mod label;
mod layout;
mod lexicon;
mod lexicon_error;
mod measurement;
mod mention;
mod organ;
mod parser;
mod place;
mod radgraph;
mod reach;
mod reference;
mod relation;
mod section;
mod sentence;
mod sentence_marks;
mod shadow;
mod signature;
mod source;
mod spelling;
mod table;
mod template;
mod token;
mod trie;
mod types;

#[cfg(test)]
mod tests;

pub use coverage::Coverage;
pub use diagram::{DIAGRAM_STYLE, DiagramEdge, DiagramNode, diagram};
pub use document::{GivenSection, ReportDocument};
pub use html::{escape_html, to_html};
pub use identifier::{FoundIdentifier, IdentifierKind, find_identifiers};
pub use json::to_json;
pub use json_line::to_json_line;
pub use label::{LabelDefinition, LabelPolicy, LabelRule, UncertainPolicy};
pub use lexicon_error::LexiconError;
pub use organ::organ_texts;
pub use parser::ReportParser;
pub use radgraph::to_radgraph;
pub use signature::{normalise_sentence, sentence_signature};
pub use source::{ReportReader, SourceError, SourceReport};
pub use types::{
    Assertion, Change, Cue, Edge, LabelValue, Measurement, Node, NodeKind, ParsedReport,
    PolicyLabels, Reference, ReferenceKind, Relation, Section, SectionKind, SectionSource,
    Sentence, Side,
};
