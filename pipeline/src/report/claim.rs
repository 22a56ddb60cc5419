//! What a sentence claims, wording aside.

use std::borrow::Cow;
use std::fmt;

use super::lexicon::ORGANS;
use super::parsed::{Assertion, Change, Node, NodeKind, ParsedReport, Relation, Side};
use super::rule::Rule;

/// One finding or device that a sentence speaks of. As text: `concept|places|side|assertion|change`, where empty parts
/// stay empty, and after them what is given of `size=` in millimetres, `grade=`, `sign_of=` and `most=`, each after a `|`.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim<'a> {
    /// Concept of the finding or device.
    pub concept: Cow<'a, str>,
    /// Concepts of where it is, sorted and joined by `+`. A finding that names no place is at the organ it belongs
    /// to (`steatosis` at `liver`).
    pub places: Cow<'a, str>,
    /// Its side.
    pub side: Option<Side>,
    /// Whether it is there.
    pub assertion: Option<Assertion>,
    /// Its change.
    pub change: Option<Change>,
    /// Its largest diameter in the present examination, in millimetres.
    pub size_mm: Option<f64>,
    /// Concept of its severity.
    pub grade: Option<Cow<'a, str>>,
    /// Concept that it is taken as a sign of.
    pub sign_of: Option<Cow<'a, str>>,
    /// Of a finding on both sides, the one with more of it.
    pub most: Option<Side>,
}

impl fmt::Display for Claim<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = self.side.map_or("", Side::name);
        let assertion = self.assertion.map_or("", Assertion::name);
        let change = self.change.map_or("", Change::name);
        write!(formatter, "{}|{}|{side}|{assertion}|{change}", self.concept, self.places)?;
        if let Some(size) = self.size_mm {
            write!(formatter, "|size={size}")?;
        }
        if let Some(grade) = &self.grade {
            write!(formatter, "|grade={grade}")?;
        }
        if let Some(sign_of) = &self.sign_of {
            write!(formatter, "|sign_of={sign_of}")?;
        }
        self.most.map_or(Ok(()), |most| write!(formatter, "|most={}", most.name()))
    }
}

impl<'a> Claim<'a> {
    /// The claim that a text of the form above states; none where it has no concept. A name that is not known is taken
    /// as not given.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split('|');
        let concept = parts.next().filter(|concept| !concept.is_empty())?;
        let mut next = || parts.next().unwrap_or_default();
        let mut claim = Self {
            concept: concept.into(),
            places: next().into(),
            side: Side::from_name(next()),
            assertion: Assertion::from_name(next()),
            change: Change::from_name(next()),
            size_mm: None,
            grade: None,
            sign_of: None,
            most: None,
        };
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            match name {
                "size" => claim.size_mm = value.parse().ok(),
                "grade" => claim.grade = Some(value.into()),
                "sign_of" => claim.sign_of = Some(value.into()),
                "most" => claim.most = Side::from_name(value),
                _ => {}
            }
        }
        Some(claim)
    }

    /// The same without what the last parts tell: size, severity, what it is a sign of and where most of it is.
    #[must_use]
    pub fn plain(&self) -> Self {
        Self { size_mm: None, grade: None, sign_of: None, most: None, ..self.clone() }
    }

    /// Whether the finding is anywhere in its organ: its places are none, or just an organ.
    pub fn is_of_whole_organ(&self) -> bool {
        self.places.is_empty() || ORGANS.iter().any(|(organ, _)| self.places == *organ)
    }

    fn of(report: &'a ParsedReport, node: &'a Node) -> Self {
        let from = report.edges.partition_point(|edge| edge.source < node.id);
        let own = || {
            let own = report.edges.get(from..).unwrap_or_default().iter();
            own.take_while(|edge| edge.source == node.id)
                .filter_map(|edge| Some((edge.relation, report.nodes.get(edge.target as usize)?)))
                .filter(|(_, other)| other.sentence == node.sentence)
        };
        let at = |wanted| own().filter(move |(relation, _)| *relation == wanted);
        let mut places: Vec<&str> =
            at(Relation::LocatedAt).map(|(_, place)| place.concept.as_str()).collect();
        let sign_of = at(Relation::SuggestiveOf).map(|(_, sign)| sign.concept.as_str()).min();
        places.sort_unstable();
        places.dedup();
        let organ = node.organ.and_then(|organ| ORGANS.get(usize::from(organ)));
        if let (true, Some((organ, _))) = (places.is_empty(), organ) {
            places.push(organ);
        }
        let assertion = match node.assertion {
            Some(_) if node.rule == Rule::SectionScope => Some(Assertion::Present),
            assertion => assertion,
        };
        Self {
            concept: node.concept.as_str().into(),
            places: places.join("+").into(),
            side: node.side,
            assertion,
            change: node.change,
            size_mm: size_of(report, node),
            grade: grade_of(report, node).map(Cow::Borrowed),
            sign_of: sign_of.map(Cow::Borrowed),
            most: node.most,
        }
    }
}

/// The largest present diameter that is given for the node.
fn size_of(report: &ParsedReport, node: &Node) -> Option<f64> {
    let from = report.measurements.partition_point(|size| size.sentence < node.sentence);
    let own = report.measurements.get(from..).unwrap_or_default().iter();
    own.take_while(|size| size.sentence == node.sentence)
        .filter(|size| size.node == Some(node.id) && !size.prior)
        .flat_map(|size| size.values_mm.iter().copied())
        .max_by(f64::total_cmp)
}

/// The first severity by name that modifies the node.
fn grade_of<'a>(report: &'a ParsedReport, node: &Node) -> Option<&'a str> {
    let first = report.nodes.partition_point(|other| other.sentence < node.sentence);
    let modifiers = report.nodes.get(first..).unwrap_or_default().iter();
    let modifiers = modifiers
        .take_while(|other| other.sentence == node.sentence)
        .filter(|other| other.kind == NodeKind::Modifier && other.is_grade);
    modifiers
        .filter(|modifier| {
            let from = report.edges.partition_point(|edge| edge.source < modifier.id);
            let edges = report.edges.get(from..).unwrap_or_default().iter();
            edges
                .take_while(|edge| edge.source == modifier.id)
                .any(|edge| edge.target == node.id && edge.relation == Relation::Modify)
        })
        .map(|modifier| modifier.concept.as_str())
        .min()
}

/// What a sentence says by itself, wording aside: its [`Claim`]s as text, sorted and without repeats.
///
/// Nothing comes from outside of the sentence, neither a place from the one before nor doubt from standing under
/// an indication: equal sentences of other reports share the signature.
pub fn sentence_signature(report: &ParsedReport, sentence: u32) -> Vec<String> {
    let begin = report.nodes.partition_point(|node| node.sentence < sentence);
    let end = report.nodes.partition_point(|node| node.sentence <= sentence);
    let nodes = report.nodes.get(begin..end).unwrap_or_default();
    let mut signature: Vec<String> = nodes
        .iter()
        .filter(|node| matches!(node.kind, NodeKind::Observation | NodeKind::Device))
        .map(|node| Claim::of(report, node).to_string())
        .collect();
    signature.sort_unstable();
    signature.dedup();
    signature
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{ReportDocument, ReportParser};

    #[test]
    fn what_stands_around_a_sentence_is_no_part_of_it() {
        let parser = ReportParser::builtin().expect("the built-in lexicon loads");
        let last = |text: &str| {
            let report = parser.parse(&ReportDocument::from_text("t", text));
            sentence_signature(&report, report.sentences.last().expect("a sentence").id)
        };
        let alone = last("Findings: There is a mass.");
        assert_eq!(alone, ["mass|||present|"]);
        assert_eq!(alone, last("Findings: The liver is large. There is a mass."));
        assert_eq!(alone, last("Indication: There is a mass."));
    }

    #[test]
    fn a_claim_is_read_back_from_its_text() {
        for text in [
            "nodule|lung|left|present|new",
            "effusion|pleura+lung||absent|",
            "normal||||",
            "nodule|lung|left|present||size=4.5|grade=mild|sign_of=tumor|most=left",
        ] {
            assert_eq!(Claim::parse(text).map(|claim| claim.to_string()).as_deref(), Some(text));
        }
        assert_eq!(Claim::parse("|lung|left|present|"), None);
        let odd = Claim::parse("nodule|lung|sinister|present|").expect("it has a concept");
        assert_eq!((odd.side, odd.assertion), (None, Some(Assertion::Present)));
    }

    #[test]
    fn other_words_same_signature_and_denial_another() {
        let parser = ReportParser::builtin().expect("the built-in lexicon loads");
        let signature = |text: &str| {
            let report = parser.parse(&ReportDocument::from_text("t", text));
            sentence_signature(&report, 0)
        };
        let seen = signature("Pleural effusion is seen on the right.");
        assert_eq!(seen, ["pleural_effusion|pleura|right|present|"]);
        assert_eq!(seen, signature("There is a right hydrothorax."));
        assert_ne!(seen, signature("No pleural effusion is seen on the right."));
        assert_ne!(seen, signature("Pleural effusion is seen on the left."));
        assert_eq!(signature("Hepatic steatosis."), signature("The liver shows steatosis."));
    }
}
