//! The parser: wires the stages together, in the order of the overview in `mod.rs`.

use super::coverage::Coverage;
use super::document::{ReportDocument, offset};
use super::label::{CompiledPolicy, Graph, LabelPolicy, label};
use super::lexicon::Lexicon;
use super::lexicon_error::LexiconError;
use super::mention::{Analysis, analyse};
use super::reference::find_references;
use super::relation::{Relations, relate};
use super::section::find_sections;
use super::sentence::split_sentences;
use super::types::{
    Assertion, Cue, Edge, Measurement, Node, NodeKind, ParsedReport, Reference, Relation, Section,
    SectionKind, Sentence,
};

/// The label policies built into the program, by file name.
const BUILTIN_POLICIES: [(&str, &str); 4] = [
    ("policies/ct_rate_18.toml", include_str!("../../lexicon/policies/ct_rate_18.toml")),
    ("policies/chexpert_14.toml", include_str!("../../lexicon/policies/chexpert_14.toml")),
    ("policies/nih_14.toml", include_str!("../../lexicon/policies/nih_14.toml")),
    ("policies/abnormal.toml", include_str!("../../lexicon/policies/abnormal.toml")),
];

/// How likely a finding is that a section names which does not describe the images.
const OUTSIDE_FINDINGS: f32 = 0.3;
/// The rule that doubts what stands outside of sections on the images.
pub(super) const SECTION_SCOPE: &str = "section_scope";
/// How many sentences a place stays valid for findings that name none.
const PLACE_LASTS: u32 = 2;

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

    /// The built-in parser with a user's concept rows (same columns as `concepts.tsv`) and label
    /// policies (TOML texts) on top. A row takes over the surface it names; a policy replaces the
    /// one of the same name.
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

    /// Leaves only the named policies in use; names that there are none of are ignored.
    pub fn keep_policies(&mut self, names: &[&str]) {
        self.policies.retain(|known| names.contains(&known.policy.name.as_str()));
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
        let sections = find_sections(document, &self.lexicon.headings);
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
            draft.place = None;
            for (from, to) in split_sentences(&document.text, start, end) {
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
        ParsedReport {
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
        draft.references.extend(find_references(&document.text, start, end, sentence));
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
            draft.measurements.push(Measurement {
                sentence,
                start: offset(sized.size.start),
                end: offset(sized.size.end),
                values_mm: sized.size.values_mm.clone(),
                unit: sized.size.unit.clone(),
                prior: sized.size.prior,
                node: target,
            });
            draft.add_edge(Some(*node), target, Relation::MeasureOf, "measurement");
        }
        draft.carry_place(&self.lexicon, &analysis, section.kind, sentence, &ids);
    }
}

/// The graph under construction.
#[derive(Default)]
struct Draft {
    sentences: Vec<Sentence>,
    nodes: Vec<Node>,
    /// Concept of each node.
    concepts: Vec<usize>,
    edges: Vec<Edge>,
    measurements: Vec<Measurement>,
    references: Vec<Reference>,
    /// The anatomy nodes spoken of last, and the sentence they stand in.
    place: Option<(u32, Vec<u32>)>,
}

/// Node ids of a sentence's mentions and sizes.
struct NodeIds {
    mentions: Vec<u32>,
    sizes: Vec<u32>,
}

impl NodeIds {
    fn mention(&self, mention: usize) -> Option<u32> {
        self.mentions.get(mention).copied()
    }
}

impl Draft {
    fn add_edge(
        &mut self,
        source: Option<u32>,
        target: Option<u32>,
        relation: Relation,
        rule: &str,
    ) {
        if let (Some(source), Some(target)) = (source, target) {
            self.edges.push(Edge { source, target, relation, rule: rule.to_owned() });
        }
    }

    /// Adds mentions and sizes as nodes, merged in text order.
    fn add_nodes(
        &mut self,
        lexicon: &Lexicon,
        analysis: &Analysis,
        section: SectionKind,
        sentence: u32,
        measured: &[Option<usize>],
    ) -> NodeIds {
        let mut ids = NodeIds { mentions: Vec::new(), sizes: Vec::new() };
        let size_concept = lexicon.by_id.get("measurement").copied().unwrap_or_default();
        let mut sizes = analysis.sizes.iter().zip(measured).peekable();
        for mention in &analysis.mentions {
            let (start, end) = analysis.shadow.span(mention.start, mention.end);
            while let Some((sized, _)) = sizes.next_if(|(s, _)| offset(s.size.start) <= start) {
                ids.sizes.push(self.add_size(size_concept, sentence, &sized.size));
            }
            let (id, preferred) = lexicon
                .concepts
                .get(mention.concept)
                .map_or((String::new(), String::new()), |c| (c.id.clone(), c.preferred.clone()));
            let mut node = Node {
                id: offset(self.nodes.len()),
                sentence,
                kind: mention.kind,
                start,
                end,
                concept: id,
                preferred,
                assertion: None,
                certainty: 1.0,
                side: mention.side,
                change: mention.change,
                cue: None,
                rule: String::new(),
                organ: lexicon.organs.get(mention.concept).copied().flatten(),
            };
            let mut rule = "lexicon";
            if let Some(verdict) = &mention.verdict {
                node.assertion = Some(verdict.assertion);
                node.certainty = verdict.likelihood;
                rule = verdict.rule;
                node.cue = verdict.cue.map(|(from, to)| {
                    let (start, end) = analysis.shadow.span(from, to);
                    Cue { start, end, rule }
                });
                if verdict.assertion == Assertion::Present && !section.describes_images() {
                    node.assertion = Some(Assertion::Uncertain);
                    node.certainty = OUTSIDE_FINDINGS;
                    rule = SECTION_SCOPE;
                }
            }
            rule.clone_into(&mut node.rule);
            ids.mentions.push(node.id);
            self.nodes.push(node);
            self.concepts.push(mention.concept);
        }
        for (sized, _) in sizes {
            ids.sizes.push(self.add_size(size_concept, sentence, &sized.size));
        }
        ids
    }

    fn add_size(&mut self, concept: usize, sentence: u32, size: &super::measurement::Size) -> u32 {
        let id = offset(self.nodes.len());
        self.nodes.push(Node {
            id,
            sentence,
            kind: NodeKind::Modifier,
            start: offset(size.start),
            end: offset(size.end),
            concept: "measurement".to_owned(),
            preferred: "measurement".to_owned(),
            assertion: None,
            certainty: 1.0,
            side: None,
            change: None,
            cue: None,
            rule: "measurement".to_owned(),
            organ: None,
        });
        self.concepts.push(concept);
        id
    }

    /// Places findings whose sentence names no place at the one spoken of before. Impression items
    /// stand for themselves.
    fn carry_place(
        &mut self,
        lexicon: &Lexicon,
        analysis: &Analysis,
        section: SectionKind,
        sentence: u32,
        ids: &NodeIds,
    ) {
        let anatomy: Vec<u32> = analysis
            .mentions
            .iter()
            .zip(&ids.mentions)
            .filter(|(mention, _)| mention.kind == NodeKind::Anatomy)
            .map(|(_, &id)| id)
            .take(8)
            .collect();
        if !anatomy.is_empty() {
            self.place = Some((sentence, anatomy));
            return;
        }
        let Some((said_in, places)) = &self.place else { return };
        if section == SectionKind::Impression || sentence - said_in > PLACE_LASTS {
            return;
        }
        let places = places.clone();
        for (mention, &id) in analysis.mentions.iter().zip(&ids.mentions).take(8) {
            let own = lexicon.concepts.get(mention.concept).is_some_and(|c| c.has_organ);
            if mention.is_finding() && !own {
                for &place in &places {
                    self.add_edge(Some(id), Some(place), Relation::LocatedAt, "earlier_sentence");
                }
            }
        }
    }
}
