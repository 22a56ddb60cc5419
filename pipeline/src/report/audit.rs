//! A corpus's own labels beside the parser's: where they disagree, with the sentences that say why.

use std::collections::BTreeMap;

use schemas::named_enum;
use serde::Serialize;

use super::document::ReportDocument;
use super::parsed::{Assertion, Confidence, LabelValue, ParsedReport};

named_enum! {
    /// How two labels disagree, the worst first.
    #[derive(PartialOrd, Ord)]
    pub enum DisagreementKind {
        /// The text states what the corpus's label denies, or denies what it states.
        Contradicted = "contradicted",
        /// The text speaks against the corpus's label, but leaves something open that the parser guessed.
        Guessed = "guessed",
        /// The corpus's label states what the parser finds nowhere in the text.
        NotMentioned = "not_mentioned",
        /// One of the two is uncertain.
        Uncertain = "uncertain",
    }
}

/// A label of one report on which the two disagree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Disagreement {
    /// How.
    pub kind: DisagreementKind,
    /// The report.
    pub id: String,
    /// The label.
    pub label: String,
    /// The parser's value: 1 present, 0 absent or not mentioned, -1 uncertain.
    pub value: i8,
    /// The corpus's value.
    pub source_value: i8,
    /// Section of the sentence; empty where nothing in the text decides.
    pub section: String,
    /// The sentence that decides, as it stands in the text.
    pub sentence: String,
    /// First byte of the words in it that decide.
    pub start: Option<u32>,
    /// One past the last byte.
    pub end: Option<u32>,
    /// The deciding words.
    pub words: String,
    /// The rule that decided.
    pub rule: String,
}

/// How the two agree on one label.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AuditedLabel {
    /// Both say present.
    pub both: u64,
    /// Only the parser says present.
    pub only_parser: u64,
    /// Only the corpus says present.
    pub only_corpus: u64,
    /// Neither does.
    pub neither: u64,
    /// One of the two is uncertain; not among the others.
    pub uncertain: u64,
}

impl AuditedLabel {
    /// Cohen's kappa of the certain labels; none where one of the two always says the same.
    pub fn kappa(&self) -> Option<f64> {
        let [both, parser, corpus, neither] =
            [self.both, self.only_parser, self.only_corpus, self.neither].map(|n| n as f64);
        let all = both + parser + corpus + neither;
        let (yes, no) =
            ((both + parser) * (both + corpus), (neither + parser) * (neither + corpus));
        let varies = both + parser > 0.0
            && both + corpus > 0.0
            && neither + parser > 0.0
            && neither + corpus > 0.0;
        let expected = (yes + no) / (all * all);
        varies.then(|| ((both + neither) / all - expected) / (1.0 - expected))
    }
}

/// The comparison of one label policy with a corpus's own labels.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Audit {
    /// Reports that the corpus has labels of.
    pub reports: u64,
    /// Every label that the corpus has, in the order of the policy.
    pub labels: Vec<(String, AuditedLabel)>,
    disagreements: Vec<Disagreement>,
}

impl Audit {
    /// Compares the labels of `policy` of one report with those of the corpus, which are 1, 0 or -1 by name. Labels that the
    /// corpus does not have are left out.
    pub fn add(
        &mut self,
        document: &ReportDocument,
        parsed: &ParsedReport,
        policy: &str,
        corpus: &BTreeMap<String, i8>,
    ) {
        let Some(own) = parsed.labels.iter().find(|own| own.policy == policy) else { return };
        self.reports += 1;
        for value in &own.values {
            let Some(&source) = corpus.get(&*value.label) else { continue };
            let at = self.labels.iter().position(|(name, _)| *name == *value.label);
            let at = at.unwrap_or_else(|| {
                self.labels.push((value.label.to_string(), AuditedLabel::default()));
                self.labels.len() - 1
            });
            if let Some((_, counts)) = self.labels.get_mut(at) {
                let count = match (value.value, source) {
                    (-1, _) | (_, -1) => &mut counts.uncertain,
                    (1, 1) => &mut counts.both,
                    (1, _) => &mut counts.only_parser,
                    (_, 1) => &mut counts.only_corpus,
                    _ => &mut counts.neither,
                };
                *count += 1;
            }
            if value.value != source {
                self.disagreements.push(disagreement(document, parsed, value, source));
            }
        }
    }

    /// Adds the comparison of other reports.
    pub fn merge(&mut self, other: Self) {
        self.reports += other.reports;
        for (name, counts) in other.labels {
            match self.labels.iter_mut().find(|(own, _)| *own == name) {
                Some((_, own)) => {
                    own.both += counts.both;
                    own.only_parser += counts.only_parser;
                    own.only_corpus += counts.only_corpus;
                    own.neither += counts.neither;
                    own.uncertain += counts.uncertain;
                }
                None => self.labels.push((name, counts)),
            }
        }
        self.disagreements.extend(other.disagreements);
    }

    /// The disagreements, the worst kind first, of one kind by label and report.
    pub fn into_disagreements(mut self) -> Vec<Disagreement> {
        let key = |found: &Disagreement| (found.kind, found.label.clone(), found.id.clone());
        self.disagreements.sort_by_cached_key(key);
        self.disagreements
    }
}

fn disagreement(
    document: &ReportDocument,
    parsed: &ParsedReport,
    value: &LabelValue,
    source: i8,
) -> Disagreement {
    let kind = match value.confidence {
        _ if value.value == -1 || source == -1 => DisagreementKind::Uncertain,
        None => DisagreementKind::NotMentioned,
        Some(Confidence::Guessed) => DisagreementKind::Guessed,
        Some(Confidence::Stated) => DisagreementKind::Contradicted,
    };
    // A finding that denies shows why a label is absent, one that states why it is present.
    let wanted = if value.value == 0 { Assertion::Absent } else { Assertion::Present };
    let mut nodes = value.evidence.iter().filter_map(|&id| parsed.nodes.get(id as usize));
    let first = nodes.clone().next();
    let node = nodes.find(|node| node.assertion == Some(wanted)).or(first);
    let sentence = node.and_then(|node| parsed.sentences.get(node.sentence as usize));
    let section = sentence.and_then(|sentence| parsed.sections.get(sentence.section as usize));
    let slice = |start: u32, end: u32| {
        document.text.get(start as usize..end as usize).unwrap_or_default().to_owned()
    };
    Disagreement {
        kind,
        id: document.id.clone(),
        label: value.label.to_string(),
        value: value.value,
        source_value: source,
        section: section.map(|section| section.kind.name().to_owned()).unwrap_or_default(),
        sentence: sentence.map(|s| slice(s.start, s.end)).unwrap_or_default(),
        start: node.map(|node| node.start),
        end: node.map(|node| node.end),
        words: node.map(|node| slice(node.start, node.end)).unwrap_or_default(),
        rule: node.map(|node| node.rule.name().to_owned()).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::ReportParser;

    fn audited(rows: &[(&str, &str, i8)]) -> Audit {
        let parser = ReportParser::builtin().expect("the built-in lexicon loads");
        let mut audit = Audit::default();
        for (id, text, source) in rows {
            let document = ReportDocument::from_text(*id, *text);
            let corpus = BTreeMap::from([("Pleural effusion".to_owned(), *source)]);
            audit.add(&document, &parser.parse(&document), "ct_rate_18", &corpus);
        }
        audit
    }

    #[test]
    fn the_worst_disagreement_comes_first_with_its_sentence() {
        let audit = audited(&[
            ("a", "Normal heart.", 1),
            ("b", "There is no pleural effusion.", 1),
            ("c", "Pleural effusion is seen on the left.", 0),
            ("d", "Pleural effusion.", 1),
        ]);
        let (name, counts) = &audit.labels[0];
        assert_eq!((name.as_str(), audit.labels.len()), ("Pleural effusion", 1));
        assert_eq!((counts.both, counts.only_parser, counts.only_corpus), (1, 1, 2));
        let found = audit.into_disagreements();
        let rows: Vec<(&str, &str, &str)> =
            found.iter().map(|d| (&*d.id, d.kind.name(), &*d.sentence)).collect();
        assert_eq!(
            rows,
            [
                ("b", "contradicted", "There is no pleural effusion."),
                ("c", "contradicted", "Pleural effusion is seen on the left."),
                ("a", "not_mentioned", ""),
            ]
        );
        assert_eq!((&*found[0].words, &*found[0].rule), ("pleural effusion", "negated_forward"));
    }

    #[test]
    fn kappa_is_that_of_the_formula_and_none_where_nothing_varies() {
        // Of the example in Cohen's paper as it is mostly retold: 20, 5, 10, 15 give 0.4.
        let counts =
            AuditedLabel { both: 20, only_parser: 5, only_corpus: 10, neither: 15, uncertain: 3 };
        assert!((counts.kappa().expect("it varies") - 0.4).abs() < 1e-12);
        assert_eq!(AuditedLabel { both: 3, ..AuditedLabel::default() }.kappa(), None);
        assert_eq!(
            AuditedLabel { only_parser: 3, both: 1, ..AuditedLabel::default() }.kappa(),
            None
        );
    }
}
