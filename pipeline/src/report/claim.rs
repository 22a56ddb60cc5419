//! What a sentence claims, wording aside.

use super::lexicon::ORGANS;
use super::parsed::{Assertion, NodeKind, ParsedReport, Relation};
use super::rule::Rule;

/// What a sentence says by itself, wording aside: one `concept|anatomy|side|assertion|change` a finding or
/// device, sorted and without repeats. Several anatomies are joined by `+`; empty parts stay empty. A finding that
/// names no place is at the organ it belongs to (`steatosis` at `liver`).
///
/// Nothing comes from outside of the sentence, neither a place from the one before nor doubt from standing under
/// an indication: equal sentences of other reports share the signature.
pub fn sentence_signature(report: &ParsedReport, sentence: u32) -> Vec<String> {
    let begin = report.nodes.partition_point(|node| node.sentence < sentence);
    let end = report.nodes.partition_point(|node| node.sentence <= sentence);
    let mut signature: Vec<String> = report
        .nodes
        .get(begin..end)
        .unwrap_or_default()
        .iter()
        .filter(|node| matches!(node.kind, NodeKind::Observation | NodeKind::Device))
        .map(|node| {
            let from = report.edges.partition_point(|edge| edge.source < node.id);
            let mut places: Vec<&str> = report
                .edges
                .get(from..)
                .unwrap_or_default()
                .iter()
                .take_while(|edge| edge.source == node.id)
                .filter(|edge| edge.relation == Relation::LocatedAt)
                .filter_map(|edge| report.nodes.get(edge.target as usize))
                .filter(|place| place.sentence == sentence)
                .map(|place| place.concept.as_str())
                .collect();
            places.sort_unstable();
            places.dedup();
            let own = node.organ.and_then(|organ| ORGANS.get(usize::from(organ)));
            if let (true, Some((organ, _))) = (places.is_empty(), own) {
                places.push(organ);
            }
            let assertion = match node.assertion {
                Some(_) if node.rule == Rule::SectionScope => Some(Assertion::Present),
                assertion => assertion,
            };
            format!(
                "{}|{}|{}|{}|{}",
                node.concept,
                places.join("+"),
                node.side.map_or("", |side| side.name()),
                assertion.map_or("", |assertion| assertion.name()),
                node.change.map_or("", |change| change.name()),
            )
        })
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
