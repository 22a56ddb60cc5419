//! The parser: wires the stages together, in the order of the overview in `mod.rs`.

use std::borrow::Cow;

use super::coverage::Coverage;
use super::document::{ReportDocument, offset};
use super::draft::Draft;
use super::label::{BUILTIN_POLICIES, CompiledPolicy, DEFAULT_POLICIES, Graph, LabelPolicy, label};
use super::lexicon::{Lexicon, LexiconError};
use super::markup::masked;
use super::mention::{analyse, date_of, find_references};
use super::parsed::{Measurement, ParsedReport, Relation, ReportWarning, Section, Sentence};
use super::relation::{CarriedPlace, Relations, relate};
use super::rule::Rule;
use super::structure::{find_sections, split_sentences};

/// A parser for reports. Build it once and share it: parsing takes `&self` and is pure.
pub struct ReportParser {
    lexicon: Lexicon,
    policies: Vec<CompiledPolicy>,
    sources: Vec<(String, Vec<u8>)>,
}

impl std::fmt::Debug for ReportParser {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ReportParser")
            .field("concepts", &self.lexicon.concepts.len())
            .field("phrases", &self.lexicon.meanings.len())
            .field("policies", &self.policies.len())
            .finish_non_exhaustive()
    }
}

impl ReportParser {
    /// The parser with the built-in lexicon and label policies.
    ///
    /// # Errors
    /// When the built-in tables are not valid.
    pub fn builtin() -> Result<Self, LexiconError> {
        Self::with_overlay(None, &[])
    }

    /// The built-in parser with a user's rows for any table of the lexicon and label policies (TOML texts) on
    /// top. A header (`concept ...`, `phrase category ...`, `phrase change ...`, `heading ...`, `list ...`,
    /// `american ...`, `unit ...`) starts the rows of its table; rows before any header are concepts. A row takes
    /// over the surface, phrase, heading or unit it names, a word is added to its list or, with a hyphen before it,
    /// taken out; a policy replaces the one of the same name.
    ///
    /// # Errors
    /// When a row or a policy is not valid.
    pub fn with_overlay(
        user_lexicon_tsv: Option<&str>,
        policies: &[&str],
    ) -> Result<Self, LexiconError> {
        let lexicon = Lexicon::load(user_lexicon_tsv)?;
        let mut sources = lexicon.sources.clone();
        let mut compiled: Vec<CompiledPolicy> = Vec::new();
        for (name, text) in BUILTIN_POLICIES {
            sources.push((name.to_owned(), text.as_bytes().to_vec()));
            compiled.push(CompiledPolicy::load(text, &lexicon)?);
        }
        for text in policies {
            let policy = CompiledPolicy::load(text, &lexicon)?;
            let name = policy.policy.name.clone();
            sources.push((format!("user-policies/{name}.toml"), text.as_bytes().to_vec()));
            compiled.retain(|known| known.policy.name != name);
            compiled.push(policy);
        }
        Ok(Self { lexicon, policies: compiled, sources })
    }

    /// The words and phrases that rules ask for.
    pub(crate) fn lexicon(&self) -> &Lexicon {
        &self.lexicon
    }

    /// Leaves only the named policies in use; names that there are none of are ignored.
    pub fn keep_policies(&mut self, names: &[&str]) {
        self.policies.retain(|known| names.contains(&known.policy.name.as_str()));
    }

    /// Leaves out the built-in policies that are applied only where they are named.
    pub fn keep_default_policies(&mut self) {
        self.keep_policies(&DEFAULT_POLICIES);
    }

    /// Leaves only the policy that was added last in use.
    pub fn keep_last_policy(&mut self) {
        let others = self.policies.len().saturating_sub(1);
        self.policies.drain(..others);
    }

    /// Names of the policies in use.
    pub fn policy_names(&self) -> Vec<&str> {
        self.policies.iter().map(|known| known.policy.name.as_str()).collect()
    }

    /// File names and bytes of everything that decides the result, in a fixed order, for hashing.
    pub fn lexicon_sources(&self) -> Vec<(String, Vec<u8>)> {
        self.sources.clone()
    }

    /// The label policy of this name.
    pub fn policy(&self, name: &str) -> Option<&LabelPolicy> {
        self.policies.iter().map(|known| &known.policy).find(|policy| policy.name == name)
    }

    /// Counts the document's content words that the lexicon knows, and lists the others.
    pub fn add_coverage(&self, document: &ReportDocument, coverage: &mut Coverage) {
        coverage.add(&self.lexicon, document);
    }

    /// Parses a report. Takes time linear in the text and never panics.
    pub fn parse(&self, document: &ReportDocument) -> ParsedReport {
        match masked(&document.text) {
            Cow::Borrowed(_) => self.parse_plain(document),
            Cow::Owned(text) => {
                let given_sections = document.given_sections.clone();
                let (id, encoding) = (document.id.clone(), document.encoding);
                self.parse_plain(&ReportDocument { id, text, given_sections, encoding })
            }
        }
    }

    /// Parses a report whose text holds no markup.
    fn parse_plain(&self, document: &ReportDocument) -> ParsedReport {
        let sections = find_sections(document, &self.lexicon);
        // About a node and an edge every twelve bytes.
        let room = document.text.len().min(1 << 20) / 12;
        let mut draft = Draft {
            nodes: Vec::with_capacity(room),
            concepts: Vec::with_capacity(room),
            edges: Vec::with_capacity(room),
            ..Draft::default()
        };
        for (index, section) in sections.iter().enumerate() {
            let (start, end) = (section.start as usize, section.end as usize);
            draft.place = CarriedPlace::default();
            for (from, to) in split_sentences(&self.lexicon.words, &document.text, start, end) {
                self.add_sentence(document, section, index, (from, to), &mut draft);
            }
        }
        draft.edges.sort_by(|a, b| {
            (a.source, a.target, a.relation).cmp(&(b.source, b.target, b.relation))
        });
        let graph = Graph {
            sections: &sections,
            sentences: &draft.sentences,
            nodes: &draft.nodes,
            concepts: &draft.concepts,
            edges: &draft.edges,
        };
        let labels = label(&self.policies, &self.lexicon, &graph);
        let warnings = graph.lacks_findings().then_some(ReportWarning::FindingsEmpty);
        ParsedReport {
            warnings: warnings.into_iter().collect(),
            id: document.id.clone(),
            sections,
            sentences: draft.sentences,
            nodes: draft.nodes,
            edges: draft.edges,
            labels,
            measurements: draft.measurements,
            references: draft.references,
        }
    }

    fn add_sentence(
        &self,
        document: &ReportDocument,
        section: &Section,
        section_index: usize,
        (start, end): (usize, usize),
        draft: &mut Draft,
    ) {
        let sentence = offset(draft.sentences.len());
        let references = find_references(&self.lexicon, &document.text, start, end, sentence);
        let mut analysis = analyse(&self.lexicon, &document.text, start, end);
        draft.sentences.push(Sentence {
            id: sentence,
            section: offset(section_index),
            start: offset(start),
            end: offset(end),
            breaks: analysis.breaks(),
        });
        let Relations { edges, measured } = relate(&self.lexicon, &mut analysis);
        let ids = draft.add_nodes(&self.lexicon, &analysis, section.kind, sentence, &measured);
        for edge in edges {
            draft.add_edge(
                ids.mention(edge.source),
                ids.mention(edge.target),
                edge.relation,
                edge.rule,
            );
        }
        for ((sized, target), node) in analysis.sizes.iter().zip(&measured).zip(&ids.sizes) {
            let target = target.and_then(|mention| ids.mention(mention));
            let date = date_of(&self.lexicon, &analysis, &references, sized);
            draft.measurements.push(Measurement {
                sentence,
                start: offset(sized.size.start),
                end: offset(sized.size.end),
                values_mm: sized.size.values_mm.clone(),
                unit: sized.size.unit.clone(),
                bound: sized.size.bound,
                prior: sized.size.prior,
                date_start: date.map(|date| date.0),
                date_end: date.map(|date| date.1),
                node: target,
            });
            draft.add_edge(Some(*node), target, Relation::MeasureOf, Rule::Measurement);
        }
        draft.references.extend(references);
        let carried =
            draft.place.next(&self.lexicon, &analysis, section.kind, sentence, &ids.mentions);
        for (finding, place) in carried {
            draft.add_edge(Some(finding), Some(place), Relation::LocatedAt, Rule::EarlierSentence);
        }
    }
}
