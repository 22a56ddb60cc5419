//! Export in the shape of `RadGraph` (Jain et al. 2021): tokens, entities by number, and relations
//! among them.
//!
//! `RadGraph` has two kinds of entities and three assertions, so devices and operations become
//! observations, a modifier takes the label of what it modifies, and sizes modify what they measure.

use serde_json::{Map, Value, json};

use crate::report::document::ReportDocument;
use crate::report::parsed::{Assertion, Node, NodeKind, ParsedReport, Relation};

/// The report as one `RadGraph` document: `{"text", "entities": {"1": {"tokens", "label",
/// "start_ix", "end_ix", "relations"}}}`; indices count tokens, the last one included.
pub fn to_radgraph(document: &ReportDocument, report: &ParsedReport) -> Value {
    let tokens = tokens(&document.text);
    let words: Vec<&str> =
        tokens.iter().filter_map(|&(from, to)| document.text.get(from..to)).collect();
    let mut entities = Map::new();
    for node in &report.nodes {
        let first = tokens.partition_point(|token| token.1 <= node.start as usize);
        let last = tokens.partition_point(|token| token.0 < node.end as usize);
        let Some(covered) = words.get(first..last).filter(|covered| !covered.is_empty()) else {
            continue;
        };
        let begin = report.edges.partition_point(|edge| edge.source < node.id);
        let relations: Vec<Value> = report
            .edges
            .get(begin..)
            .unwrap_or_default()
            .iter()
            .take_while(|edge| edge.source == node.id)
            .map(|edge| json!([relation(edge.relation), (edge.target + 1).to_string()]))
            .collect();
        entities.insert(
            (node.id + 1).to_string(),
            json!({
                "tokens": covered.join(" "),
                "label": label(report, node),
                "start_ix": first,
                "end_ix": last - 1,
                "relations": relations,
            }),
        );
    }
    json!({"text": words.join(" "), "entities": entities})
}

fn relation(relation: Relation) -> &'static str {
    match relation {
        Relation::Modify | Relation::MeasureOf => "modify",
        Relation::LocatedAt => "located_at",
        Relation::SuggestiveOf => "suggestive_of",
    }
}

fn label(report: &ParsedReport, node: &Node) -> &'static str {
    let described = |node: &Node| match (node.kind, node.assertion) {
        (NodeKind::Anatomy, _) => "ANAT-DP",
        (_, Some(Assertion::Absent)) => "OBS-DA",
        (_, Some(Assertion::Uncertain)) => "OBS-U",
        (_, Some(Assertion::Present) | None) => "OBS-DP",
    };
    if node.kind != NodeKind::Modifier {
        return described(node);
    }
    let begin = report.edges.partition_point(|edge| edge.source < node.id);
    report
        .edges
        .get(begin)
        .filter(|edge| edge.source == node.id)
        .and_then(|edge| report.nodes.get(edge.target as usize))
        .map_or("OBS-DP", described)
}

/// Limits of words (letters, digits and inner decimal points) and of single marks.
fn tokens(text: &str) -> Vec<(usize, usize)> {
    let mut tokens: Vec<(usize, usize)> = Vec::new();
    let mut word: Option<usize> = None;
    let bytes = text.as_bytes();
    for (at, character) in text.char_indices() {
        let decimal = character == '.'
            && at > 0
            && bytes.get(at - 1).is_some_and(u8::is_ascii_digit)
            && bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
        if character.is_alphanumeric() || decimal {
            word.get_or_insert(at);
            continue;
        }
        if let Some(from) = word.take() {
            tokens.push((from, at));
        }
        if !character.is_whitespace() {
            tokens.push((at, at + character.len_utf8()));
        }
    }
    tokens.extend(word.map(|from| (from, text.len())));
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::ReportParser;

    #[test]
    fn entities_point_at_their_tokens() {
        let parser = ReportParser::builtin().expect("the built-in lexicon loads");
        let text = "No pleural effusion. A 5.5 mm nodule in the right lung.";
        let document = ReportDocument::from_text("t", text);
        let value = to_radgraph(&document, &parser.parse(&document));
        let words: Vec<&str> = value["text"].as_str().expect("text").split(' ').collect();
        assert_eq!(words.len(), 13);
        let entities = value["entities"].as_object().expect("entities");
        let find = |tokens: &str| {
            entities.values().find(|entity| entity["tokens"] == tokens).expect("the entity")
        };
        for entity in entities.values() {
            let (from, to) = (entity["start_ix"].as_u64(), entity["end_ix"].as_u64());
            let (Some(from), Some(to)) = (from, to) else { panic!("indices") };
            assert_eq!(words[from as usize..=to as usize].join(" "), entity["tokens"]);
            for relation in entity["relations"].as_array().expect("relations") {
                assert!(entities.contains_key(relation[1].as_str().expect("a target")));
            }
        }
        assert_eq!(find("pleural effusion")["label"], "OBS-DA");
        assert_eq!(find("nodule")["label"], "OBS-DP");
        assert_eq!(find("lung")["label"], "ANAT-DP");
        assert_eq!(find("right")["label"], "ANAT-DP");
        assert_eq!(find("nodule")["relations"][0][0], "located_at");
        assert_eq!(find("5.5 mm")["relations"][0][0], "modify");
    }
}
