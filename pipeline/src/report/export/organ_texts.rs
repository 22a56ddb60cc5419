//! Organ-wise texts: the sentences of a report by the organ they speak of, as trainers with one text
//! an organ want them (fVLM, Shui et al. 2025).

use std::collections::{BTreeMap, BTreeSet};

use crate::report::document::ReportDocument;
use crate::report::lexicon::ORGANS;
use crate::report::parsed::{NodeKind, ParsedReport, Relation};

/// For each organ that the report speaks of, the sentences that do, in the order of [`ORGANS`].
pub(crate) fn organ_sentences(report: &ParsedReport) -> Vec<(&'static str, Vec<u32>)> {
    let mut found: BTreeMap<u8, BTreeSet<u32>> = BTreeMap::new();
    for node in &report.nodes {
        if let Some(organ) = node.organ
            && node.kind != NodeKind::Modifier
        {
            found.entry(organ).or_default().insert(node.sentence);
        }
    }
    // A finding that takes its place from another sentence belongs to that organ as well.
    for edge in &report.edges {
        let sentence = report.nodes.get(edge.source as usize).map(|node| node.sentence);
        let organ = report.nodes.get(edge.target as usize).and_then(|node| node.organ);
        if edge.relation == Relation::LocatedAt
            && let (Some(sentence), Some(organ)) = (sentence, organ)
        {
            found.entry(organ).or_default().insert(sentence);
        }
    }
    found
        .into_iter()
        .filter_map(|(organ, sentences)| {
            Some((ORGANS.get(usize::from(organ))?.0, sentences.into_iter().collect()))
        })
        .collect()
}

/// The text of each organ that the report speaks of: its sentences in order, one blank between them.
pub fn organ_texts(document: &ReportDocument, report: &ParsedReport) -> Vec<(String, String)> {
    organ_sentences(report)
        .into_iter()
        .map(|(organ, sentences)| {
            let texts: Vec<&str> = sentences
                .iter()
                .filter_map(|&id| report.sentences.get(id as usize))
                .filter_map(|s| document.text.get(s.start as usize..s.end as usize))
                .collect();
            (organ.to_owned(), texts.join(" "))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::ReportParser;

    #[test]
    fn sentences_fall_to_the_organs_they_speak_of() {
        let parser = ReportParser::builtin().expect("the built-in lexicon loads");
        let document = ReportDocument::from_text(
            "t",
            "Nodule in the upper lobe. Liver and spleen are normal. No pleural effusion. It is stable.",
        );
        let texts = organ_texts(&document, &parser.parse(&document));
        let expected = [
            ("lung", "Nodule in the upper lobe."),
            ("pleura", "No pleural effusion."),
            ("liver", "Liver and spleen are normal."),
            ("spleen", "Liver and spleen are normal."),
        ];
        let found: Vec<(&str, &str)> =
            texts.iter().map(|(organ, text)| (organ.as_str(), text.as_str())).collect();
        assert_eq!(found, expected);
    }
}
