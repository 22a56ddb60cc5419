//! Properties that hold for every report.

use proptest::prelude::*;

use super::{parse, parser};
use crate::report::{
    Assertion, NodeKind, ParsedReport, ReportDocument, SectionKind, Side, to_json, to_json_line,
};

const SAMPLE: &str = "Trachea is open. No pleural effusion or thickening is seen.\n\
    A 5 mm nodule is present in the right upper lobe; atelectasis in the left lower lobe.\n\
    - Nodule in the right lung, compatible with granuloma.\n- Stable emphysema.";

#[test]
fn line_ends_only_shift_offsets() {
    let unix = parse(SAMPLE);
    let dos_text = SAMPLE.replace('\n', "\r\n");
    let dos = parse(&dos_text);
    let facts = |report: &ParsedReport, text: &str| -> Vec<String> {
        report
            .nodes
            .iter()
            .map(|n| {
                let surface = &text[n.start as usize..n.end as usize];
                format!("{} {surface} {:?} {:?} {:?}", n.concept, n.assertion, n.side, n.change)
            })
            .collect()
    };
    assert_eq!(facts(&unix, SAMPLE), facts(&dos, &dos_text));
    assert_eq!(unix.edges, dos.edges);
    assert_eq!(unix.labels, dos.labels);
}

#[test]
fn swapping_sides_swaps_only_sides() {
    let swapped =
        SAMPLE.replace("right", "RIGHT").replace("left", "right").replace("RIGHT", "left");
    let (before, after) = (parse(SAMPLE), parse(&swapped));
    assert_eq!(before.labels, after.labels);
    assert_eq!(before.nodes.len(), after.nodes.len());
    for (a, b) in before.nodes.iter().zip(&after.nodes) {
        let mirrored = match a.side {
            Some(Side::Left) => Some(Side::Right),
            Some(Side::Right) => Some(Side::Left),
            other => other,
        };
        assert_eq!(b.side, mirrored, "{a:?}");
        assert_eq!((a.assertion, a.change), (b.assertion, b.change));
    }
}

#[test]
fn a_denial_in_front_flips_every_finding() {
    for finding in ["pleural effusion", "lung nodule", "cardiomegaly", "rib fracture", "emphysema"]
    {
        let report = parse(&format!("No evidence of {finding}."));
        let findings: Vec<_> =
            report.nodes.iter().filter(|n| n.kind == NodeKind::Observation).collect();
        assert!(!findings.is_empty(), "{finding}");
        for node in findings {
            assert_eq!(node.assertion, Some(Assertion::Absent), "{finding}");
            assert!(node.certainty.abs() < f32::EPSILON);
        }
    }
}

/// Every wording of an abnormal finding in the lexicon, denied in front.
#[test]
fn every_finding_of_the_lexicon_can_be_denied() {
    let rows = include_str!("../../../lexicon/concepts.tsv").lines();
    let mut checked = 0;
    for row in rows.filter(|row| !row.starts_with('#')) {
        let columns: Vec<&str> = row.split('\t').collect();
        let [concept, _, surface, "observation", ..] = columns[..] else { continue };
        // `No evidence of growth` denies a change and not a finding.
        if matches!(concept, "enlargement" | "difference") {
            continue;
        }
        let report = parse(&format!("There is no evidence of {surface}."));
        for node in report.nodes.iter().filter(|node| node.kind == NodeKind::Observation) {
            assert_eq!(node.assertion, Some(Assertion::Absent), "{concept}: {surface}");
        }
        checked += 1;
    }
    assert!(checked > 1500, "{checked} wordings");
}

/// Where a sentence may end early, what is left says the same as before.
#[test]
fn clauses_break_off_where_the_rest_keeps_its_sense() {
    let cut = |text: &str| -> Vec<String> {
        let report = parse(text);
        let sentence = &report.sentences[0];
        sentence.breaks.iter().map(|&at| text[..at as usize].trim_end().to_owned()).collect()
    };
    assert_eq!(
        cut("No effusion is seen; a nodule is present, but the heart is normal."),
        ["No effusion is seen;", "No effusion is seen; a nodule is present,"]
    );
    // A relative clause, an exception and the verb after one belong to what they restrict.
    let whole: [&str; 4] = [
        "Effusion, which was seen before, is not seen.",
        "No nodule except for a granuloma in the left lung.",
        "Except for a small cyst, no lesion is seen.",
        "A nodule which was not seen before is present.",
    ];
    for text in whole {
        assert!(cut(text).is_empty(), "{text}: {:?}", cut(text));
    }
    // What stands before a break is asserted as it was in the whole.
    for text in [
        "The liver is enlarged and no focal lesion is seen, while the spleen is normal.",
        "Pleural effusion is absent; atelectasis may be present but there is no pneumothorax.",
    ] {
        let whole = parse(text);
        assert!(!whole.sentences[0].breaks.is_empty(), "{text}");
        for &at in &whole.sentences[0].breaks {
            let part = parse(&text[..at as usize]);
            for (a, b) in whole.nodes.iter().zip(&part.nodes) {
                assert_eq!((&a.concept, a.assertion), (&b.concept, b.assertion), "{text}");
            }
            let before = whole.nodes.iter().filter(|node| node.end <= at).count();
            assert_eq!(part.nodes.len(), before, "{text}");
        }
    }
}

#[test]
fn columns_give_the_sections() {
    let document = ReportDocument::from_columns(
        "t",
        &[
            (SectionKind::ClinicalInformation, "Pneumonia?"),
            (SectionKind::Findings, "Consolidation in the right lung. \" Effusion."),
            (SectionKind::Impression, "Pneumonia."),
        ],
    );
    let report = parser().parse(&document);
    let kinds: Vec<_> = report.sections.iter().map(|section| section.kind).collect();
    assert_eq!(
        kinds,
        [SectionKind::ClinicalInformation, SectionKind::Findings, SectionKind::Impression]
    );
}

#[test]
fn json_has_the_contract_keys() {
    let document = ReportDocument::from_text("case", "No 5 mm nodule in the left lung.");
    let value = to_json(&document, &parser().parse(&document));
    let keys: Vec<&String> = value.as_object().expect("an object").keys().collect();
    let expected = ["id", "sections", "sentences", "nodes", "edges", "labels", "measurements"];
    assert_eq!(keys[..7], expected);
    assert_eq!(keys[7..], ["references", "organs", "label_evidence", "warnings"]);
    let line = to_json_line(&document, &parser().parse(&document));
    assert_eq!(line, value.to_string());
    let nodule = value["nodes"]
        .as_array()
        .and_then(|nodes| nodes.iter().find(|node| node["concept"] == "nodule"))
        .expect("the nodule");
    assert_eq!(nodule["text"], "nodule");
    assert_eq!(nodule["assertion"], "absent");
    assert_eq!(nodule["side"], "left");
    assert_eq!(value["labels"]["ct_rate_18"]["Lung nodule"], 0);
    assert_eq!(value["measurements"][0]["values_mm"][0], 5.0);
}

/// Everything that must hold for any text at all.
fn check_invariants(text: &str, report: &ParsedReport) {
    let slice = |start: u32, end: u32| {
        assert!(start < end, "empty span {start}..{end}");
        text.get(start as usize..end as usize).expect("a span on character boundaries")
    };
    let mut floor = 0;
    for (index, sentence) in report.sentences.iter().enumerate() {
        assert_eq!(sentence.id as usize, index);
        assert!(sentence.start >= floor, "sentences overlap");
        floor = sentence.end;
        let body = slice(sentence.start, sentence.end);
        assert_eq!(body.trim(), body);
        let section = &report.sections[sentence.section as usize];
        assert!(section.start <= sentence.start && sentence.end <= section.end);
        assert!(sentence.breaks.is_sorted());
        for &at in &sentence.breaks {
            assert!(sentence.start < at && at < sentence.end, "{at} in {body:?}");
            assert!(text.is_char_boundary(at as usize));
        }
    }
    for (index, node) in report.nodes.iter().enumerate() {
        assert_eq!(node.id as usize, index);
        slice(node.start, node.end);
        let sentence = &report.sentences[node.sentence as usize];
        assert!(sentence.start <= node.start && node.end <= sentence.end);
        assert_eq!(
            node.assertion.is_some(),
            !matches!(node.kind, NodeKind::Anatomy | NodeKind::Modifier)
        );
        if let Some(cue) = &node.cue {
            slice(cue.start, cue.end);
        }
    }
    for edge in &report.edges {
        assert!((edge.source as usize) < report.nodes.len());
        assert!((edge.target as usize) < report.nodes.len());
        assert_ne!(edge.source, edge.target);
    }
    for reference in &report.references {
        slice(reference.start, reference.end);
    }
    for measurement in &report.measurements {
        let surface = slice(measurement.start, measurement.end);
        assert!(surface.starts_with(|c: char| c.is_ascii_digit()));
        assert!(!measurement.values_mm.is_empty());
        assert!(measurement.values_mm.iter().all(|value| value.is_finite()));
    }
}

/// The views of a report never fail, and what they point at is there.
fn check_views(text: &str, report: &ParsedReport) {
    let document = ReportDocument::from_text("t", text);
    for hit in parser().find_identifiers(text, &["Doe^Jane", "mm right"]) {
        assert!(text.get(hit.start as usize..hit.end as usize).is_some_and(|hit| !hit.is_empty()));
    }
    let graph = crate::report::to_radgraph(&document, report);
    let entities = graph["entities"].as_object().expect("an object");
    assert_eq!(entities.len(), report.nodes.len());
    assert!(crate::report::to_html(&document, report).ends_with("</html>\n"));
    for (_, organ) in crate::report::organ_texts(&document, report) {
        assert!(!organ.is_empty());
    }
}

/// Text made of the words the rules react to.
fn report_like() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "no",
        "not seen",
        "nodule",
        "in the",
        "right",
        "left lung",
        "and",
        ",",
        ";",
        ":",
        ".",
        "?",
        "(",
        ")",
        "\"",
        "\u{2022}",
        "except for",
        "which",
        "is",
        "was not observed",
        "5 x 3",
        "mm",
        "12.5cm",
        "from 8 mm to 9 mm",
        "\r\n",
        "\n\n",
        "FINDINGS:",
        "IMPRESSION",
        "Dr.",
        "pleural effusion",
        "liver",
        "bilateral",
        "stable",
        "has resolved",
        "may represent",
        "compatible with",
        "\u{130}",
        "\u{df}",
        "\u{d7}",
        "\u{feff}",
        "-",
        "1.",
        "previous",
    ]);
    prop::collection::vec(words, 0..60).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_parses_to_valid_offsets(text in ".{0,300}|(?s).{0,200}") {
        let report = parse(&text);
        check_invariants(&text, &report);
        check_views(&text, &report);
    }

    #[test]
    fn report_like_text_parses_to_valid_offsets(text in report_like()) {
        let report = parse(&text);
        check_invariants(&text, &report);
        check_views(&text, &report);
        prop_assert_eq!(&report, &parse(&text));
    }
}
