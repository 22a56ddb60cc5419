//! Tests of the whole room on sentences of our own, one family of traps per test.

mod lexicon;
mod properties;
mod rules;
mod sentences;
mod traps;

use std::sync::OnceLock;

use super::{Assertion, Change, ParsedReport, Relation, ReportDocument, ReportParser, Side};

fn parser() -> &'static ReportParser {
    static PARSER: OnceLock<ReportParser> = OnceLock::new();
    PARSER.get_or_init(|| ReportParser::builtin().expect("the built-in lexicon loads"))
}

fn parse(text: &str) -> ParsedReport {
    parser().parse(&ReportDocument::from_text("t", text))
}

/// Assertions of all mentions of a concept, in text order.
fn assertions(text: &str, concept: &str) -> Vec<Assertion> {
    parse(text)
        .nodes
        .iter()
        .filter(|node| node.concept == concept)
        .filter_map(|node| node.assertion)
        .collect()
}

fn check(expected: Assertion, cases: &[(&str, &str)]) {
    for (text, concept) in cases {
        assert_eq!(assertions(text, concept), [expected], "{concept} in: {text}");
    }
}

fn label(text: &str, name: &str) -> i8 {
    parse(text).labels[0]
        .values
        .iter()
        .find(|value| &*value.label == name)
        .unwrap_or_else(|| panic!("no label {name}"))
        .value
}

#[test]
fn a_denial_wraps_a_list() {
    for concept in ["consolidation", "mass", "pleural_effusion"] {
        check(
            Assertion::Absent,
            &[
                ("No consolidation, mass or pleural effusion is seen.", concept),
                ("There is no evidence of consolidation, mass or pleural effusion.", concept),
                ("Consolidation, mass and pleural effusion were not detected.", concept),
                ("Neither consolidation nor mass nor pleural effusion was found.", concept),
            ],
        );
    }
}

#[test]
fn denials_in_many_words() {
    check(
        Assertion::Absent,
        &[
            ("Pneumothorax is not seen on either side.", "pneumothorax"),
            ("Lungs are free of consolidation.", "consolidation"),
            ("The lungs are clear of atelectasis.", "atelectasis"),
            ("Emphysema: absent.", "emphysema"),
            ("Bronchiectasis: no", "bronchiectasis"),
            ("Hiatal hernia: none.", "hiatal_hernia"),
            ("Pulmonary embolism has been ruled out.", "pulmonary_embolism"),
            ("The pleura is smooth, without effusion.", "effusion"),
            ("Negative for fracture.", "fracture"),
            ("RECOMMENDED READING: No nodule.", "nodule"),
            ("Hyperplasia rather than adenoma.", "adenoma"),
            ("No finding compatible with pneumonia was detected.", "pneumonia"),
            ("The chest radiograph does not show cardiomegaly.", "cardiomegaly"),
        ],
    );
}

#[test]
fn a_denial_ends_where_the_next_statement_starts() {
    check(
        Assertion::Present,
        &[
            ("No mass is detected, and a few nodules are observed in both lungs.", "nodule"),
            ("No pleural effusion is seen but atelectasis is present.", "atelectasis"),
            ("Nodules are seen in the left lung and no effusion is present.", "nodule"),
            ("No effusion; bronchiectasis in the lingula.", "bronchiectasis"),
            ("No effusion, and there is a hiatal hernia.", "hiatal_hernia"),
            ("Consolidation without effusion is observed.", "consolidation"),
            ("No calcification is seen in the nodule.", "nodule"),
        ],
    );
    check(
        Assertion::Absent,
        &[
            ("No mass is detected, and a few nodules are observed in both lungs.", "mass"),
            ("Nodules are seen in the left lung and no effusion is present.", "effusion"),
            ("Consolidation without effusion is observed.", "effusion"),
        ],
    );
}

#[test]
fn exceptions_are_present() {
    let text = "Except for a few small lymph nodes, no mass was observed.";
    assert_eq!(assertions(text, "lymph_node"), [Assertion::Present]);
    assert_eq!(assertions(text, "mass"), [Assertion::Absent]);
    let text = "No abnormality was found apart from a small cyst in the liver.";
    assert_eq!(assertions(text, "cyst"), [Assertion::Present]);
    assert_eq!(assertions(text, "abnormality"), [Assertion::Absent]);
}

#[test]
fn words_that_only_look_like_denials() {
    check(
        Assertion::Present,
        &[
            ("No significant change in the nodule.", "nodule"),
            ("The nodules do not differ in size.", "nodule"),
            ("Lymph nodes not exceeding 6 mm are present.", "lymph_node"),
            ("Lymph nodes that did not reach pathological dimensions were seen.", "lymph_node"),
            ("The cyst could not be evaluated clearly.", "cyst"),
            ("A non-specific nodule is present.", "nodule"),
            ("Not only atelectasis is seen here.", "atelectasis"),
        ],
    );
}

#[test]
fn hedges_are_uncertain() {
    check(
        Assertion::Uncertain,
        &[
            ("Pneumonia cannot be excluded.", "pneumonia"),
            ("We cannot rule out pneumonia.", "pneumonia"),
            ("Hypodense focus (hemangioma?) in the liver.", "hemangioma"),
            ("Findings suspicious for metastasis.", "metastasis"),
            ("This may represent atelectasis.", "atelectasis"),
            ("Opacity evaluated in favor of infection.", "infection"),
            ("Follow-up is recommended in terms of malignancy.", "malignancy"),
            ("Possible small pneumothorax.", "pneumothorax"),
        ],
    );
    check(Assertion::Present, &[("Consistent with pulmonary edema.", "pulmonary_edema")]);
}

#[test]
fn what_is_not_excluded_is_uncertain() {
    check(
        Assertion::Uncertain,
        &[
            ("Neither abscess nor hematoma can be excluded.", "abscess"),
            ("A small fracture cannot be completely ruled out.", "fracture"),
            ("It is unclear whether this represents a nodule.", "nodule"),
            ("Lucency at the apex ? bulla ? cyst", "cyst"),
        ],
    );
    check(
        Assertion::Present,
        &[
            ("The nodule could be a granuloma versus metastasis.", "nodule"),
            ("Nodular density ? vessel", "nodular_opacity"),
        ],
    );
}

#[test]
fn terse_answers_and_other_spellings_are_read() {
    check(
        Assertion::Absent,
        &[
            ("Effusion absent, bullae absent, nodule none.", "effusion"),
            ("Nodule is present, pneumothorax is not.", "pneumothorax"),
            ("No subdural haematoma.", "intracranial_hemorrhage"),
            ("No pnuemothorax.", "pneumothorax"),
        ],
    );
    check(
        Assertion::Present,
        &[
            ("Cyst present, nodule absent.", "cyst"),
            ("No hematoma following sternotomy.", "sternotomy"),
            ("Plaques without effusion, with a nodule at the base.", "nodule"),
        ],
    );
}

#[test]
fn a_hedge_keeps_its_cue_and_links_sign_and_cause() {
    let text = "Ground-glass opacities compatible with pneumonia.";
    let report = parse(text);
    let [sign, cause] = [&report.nodes[0], &report.nodes[1]];
    assert_eq!((sign.concept.as_str(), cause.concept.as_str()), ("ground_glass", "pneumonia"));
    let cue = cause.cue.as_ref().expect("a hedge has a cue");
    assert_eq!(&text[cue.start as usize..cue.end as usize], "compatible with");
    assert!(report.edges.iter().any(|edge| edge.relation == Relation::SuggestiveOf
        && (edge.source, edge.target) == (sign.id, cause.id)));
}

#[test]
fn changes() {
    let change = |text: &str, concept: &str| {
        let report = parse(text);
        let node = report.nodes.iter().find(|node| node.concept == concept);
        node.unwrap_or_else(|| panic!("{concept} in {text}")).change
    };
    for (text, concept, expected) in [
        ("A new nodule is seen.", "nodule", Some(Change::New)),
        ("The nodule is stable.", "nodule", Some(Change::Stable)),
        ("No significant change in the effusion.", "effusion", Some(Change::Stable)),
        ("The mass has increased in size since the prior scan.", "mass", Some(Change::Increased)),
        ("Consolidation has regressed.", "consolidation", Some(Change::Decreased)),
        ("Density increase in the lower lobe.", "density_increase", None),
    ] {
        assert_eq!(change(text, concept), expected, "{text}");
    }
    let text = "A nodule which was not observed in the previous examination is observed.";
    assert_eq!(change(text, "nodule"), Some(Change::New));
    assert_eq!(assertions(text, "nodule"), [Assertion::Present]);
}

#[test]
fn a_finding_that_grows_is_one_finding() {
    for (text, expected) in [
        ("The pleural effusion has increased.", &["pleural_effusion"][..]),
        ("The mass has increased in size since the prior scan.", &["mass"]),
        ("Interval enlargement of the aneurysm.", &["aneurysm"]),
        // Where nothing abnormal grows, the growth is the finding.
        ("The liver has enlarged.", &["enlargement"]),
        ("The lymph nodes have enlarged.", &["lymph_node", "enlargement"]),
    ] {
        let report = parse(text);
        let findings: Vec<&str> = report
            .nodes
            .iter()
            .filter(|node| node.assertion.is_some())
            .map(|node| node.concept.as_str())
            .collect();
        assert_eq!(findings, expected, "{text}");
    }
}

#[test]
fn resolved_findings_are_absent() {
    for (text, concept) in [
        ("The pleural effusion has resolved.", "pleural_effusion"),
        ("Consolidation is no longer visible.", "consolidation"),
        ("The chest tube has been removed.", "chest_tube"),
        ("Complete resolution of the pneumothorax.", "pneumothorax"),
        ("The infiltration has completely regressed.", "infiltration"),
    ] {
        let report = parse(text);
        let node = report.nodes.iter().find(|node| node.concept == concept).expect(text);
        assert_eq!(node.assertion, Some(Assertion::Absent), "{text}");
        assert_eq!(node.change, Some(Change::Resolved), "{text}");
    }
    let text = "The nodule that was observed in the previous scan is not seen now.";
    assert_eq!(assertions(text, "nodule"), [Assertion::Absent]);
}

#[test]
fn sides() {
    let side = |text: &str, concept: &str| {
        let report = parse(text);
        let node = report.nodes.iter().find(|node| node.concept == concept);
        node.unwrap_or_else(|| panic!("{concept} in {text}")).side
    };
    for (text, concept, expected) in [
        ("Nodule in the right upper lobe.", "nodule", Some(Side::Right)),
        ("Atelectasis in both lungs.", "atelectasis", Some(Side::Bilateral)),
        ("Bilateral pleural effusion.", "pleural_effusion", Some(Side::Bilateral)),
        ("Pleural effusion is seen on the left.", "pleural_effusion", Some(Side::Left)),
        ("Atelectasis in the middle lobe.", "atelectasis", Some(Side::Right)),
        ("Scar in the lingula.", "sequela", Some(Side::Left)),
        (
            "Nodule in the posterobasal segment of the lower lobe of the left lung.",
            "nodule",
            Some(Side::Left),
        ),
        ("In the right lung, a nodule is seen.", "nodule", Some(Side::Right)),
        ("Left-facing scoliosis is observed.", "scoliosis", None),
        ("The right atrium is dilated.", "dilatation", None),
        ("Cysts in the left and right kidneys.", "cyst", Some(Side::Bilateral)),
    ] {
        assert_eq!(side(text, concept), expected, "{text}");
    }
}

#[test]
fn findings_are_placed() {
    let places = |text: &str, concept: &str| {
        let report = parse(text);
        let node = report.nodes.iter().find(|node| node.concept == concept).expect(text);
        let places: Vec<String> = report
            .edges
            .iter()
            .filter(|e| e.source == node.id && e.relation == Relation::LocatedAt)
            .map(|e| report.nodes[e.target as usize].concept.clone())
            .collect();
        places
    };
    assert_eq!(places("Hepatic cyst.", "cyst"), ["liver"]);
    assert_eq!(places("A cyst is seen in the liver and the spleen.", "cyst"), ["liver", "spleen"]);
    assert_eq!(places("Nodule in the lung and hepatic cyst.", "nodule"), ["lung"]);
    assert_eq!(places("Nodule in the lung and hepatic cyst.", "cyst"), ["liver"]);
    assert_eq!(places("The liver is normal. No mass was seen.", "mass"), ["liver"]);
    assert_eq!(places("In the lung window; a nodule is present.", "nodule"), ["lung"]);
    assert_eq!(places("Hilar and axillary lymph nodes.", "lymph_node"), ["hilum", "axilla"]);
}

#[test]
fn sizes_find_what_they_measure() {
    for (text, concept) in [
        ("A 13x9 mm lymph node is seen.", "lymph_node"),
        ("Nodules in both lungs, the largest of which is 5 mm in diameter.", "nodule"),
        ("The diameter of the ascending aorta is 40 mm.", "ascending_aorta"),
    ] {
        let report = parse(text);
        let node = report.measurements[0].node.expect(text);
        assert_eq!(report.nodes[node as usize].concept, concept, "{text}");
        assert!(report.edges.iter().any(|e| e.relation == Relation::MeasureOf && e.target == node));
    }
}

#[test]
fn whole_words_only() {
    assert!(parse("The findings are consistent.").nodes.iter().all(|n| n.concept != "stent"));
    assert!(parse("Septal and massive.").nodes.iter().all(|n| n.concept != "mass"));
    assert_eq!(assertions("Coronary stents are present.", "stent"), [Assertion::Present]);
}

#[test]
fn the_indication_does_not_make_findings() {
    let text = "INDICATION: Pneumonia.\nFINDINGS: Lungs are clear.\nIMPRESSION: Normal.";
    assert_eq!(assertions(text, "pneumonia"), [Assertion::Uncertain]);
    let text = "HISTORY: Emphysema.\nFINDINGS: Consolidation in the left lung.";
    assert_eq!(label(text, "Emphysema"), 0);
    assert_eq!(label(text, "Consolidation"), 1);
}

#[test]
fn labels_of_ct_rate() {
    for (text, name, value) in [
        ("A pacemaker is present.", "Medical material", 1),
        ("Calcified plaques in the aortic arch.", "Arterial wall calcification", 1),
        ("Calcified plaques in the coronary arteries.", "Arterial wall calcification", 0),
        ("Calcified plaques in the coronary arteries.", "Coronary artery wall calcification", 1),
        ("Heart size is increased.", "Cardiomegaly", 1),
        ("Heart size is normal.", "Cardiomegaly", 0),
        ("Minimal pericardial effusion.", "Pericardial effusion", 1),
        ("Minimal pericardial effusion.", "Pleural effusion", 0),
        ("Pleural and pericardial effusion.", "Pleural effusion", 1),
        ("Sliding hiatal hernia.", "Hiatal hernia", 1),
        ("Nodule in the thyroid gland.", "Lung nodule", 0),
        ("Nodule in the upper lobe of the left lung.", "Lung nodule", 1),
        ("No nodule in the lung.", "Lung nodule", 0),
        ("Subcutaneous emphysema.", "Emphysema", 0),
        ("Peribronchial thickening in both lungs.", "Peribronchial thickening", 1),
        ("Thickening of the pleura.", "Peribronchial thickening", 0),
        ("Mosaic attenuation in both lungs.", "Mosaic attenuation pattern", 1),
        ("Interlobular septal thickening.", "Interlobular septal thickening", 1),
        ("Ground-glass areas in both lungs.", "Lung opacity", 1),
        ("Consolidation in the right lung.", "Lung opacity", 0),
        ("Fibroatelectatic bands in the lingula.", "Pulmonary fibrotic sequela", 1),
    ] {
        assert_eq!(label(text, name), value, "{name} in: {text}");
    }
    let report = parse("No nodule in the lung.");
    let value = report.labels[0].values.iter().find(|v| &*v.label == "Lung nodule");
    assert_eq!(value.map(|v| v.evidence.len()), Some(1), "a denial is evidence");
}

#[test]
fn a_user_lexicon_and_policy_lie_on_top() {
    let rows = "dragon\tdragon sign\tdragon sign\tobservation\t-\t-\tlung\n\
                mass\tmass\tnodule\tobservation\t-\t-\t-\n";
    let policy = "name = \"own\"\nsections = [\"findings\"]\nuncertain = \"uncertain\"\n\
                  least_certainty = 0.1\n[[label]]\nname = \"Dragon\"\nany = [{ concepts = [\"dragon\"] }]\n";
    let parser = ReportParser::with_overlay(Some(rows), &[policy]).expect("both are valid");
    let read = |text: &str| parser.parse(&ReportDocument::from_text("t", text));
    let report = read("Possible dragon sign.");
    let own = report.labels.iter().find(|labels| labels.policy == "own").expect("the policy ran");
    assert_eq!(own.values[0].value, -1);
    assert!(read("A nodule.").nodes.iter().any(|node| node.concept == "mass"));
    assert!(parser.policy("own").is_some() && parser.policy("ct_rate_18").is_some());
    let names: Vec<String> = parser.lexicon_sources().into_iter().map(|(name, _)| name).collect();
    for name in ["words.tsv", "cues.tsv", "units.tsv", "user-lexicon.tsv", "user-policies/own.toml"]
    {
        assert!(names.iter().any(|known| known == name), "{name} in {names:?}");
    }
    let bad = ReportParser::with_overlay(Some("a\tb\tc\tnoun\t-\t-\t-\n"), &[]);
    assert!(bad.expect_err("`noun` is no kind").to_string().contains("line 1"));
    let missing = ReportParser::with_overlay(Some("a\tb\tc\tanatomy\tnowhere\t-\t-\n"), &[]);
    assert!(missing.expect_err("no such parent").to_string().contains("nowhere"));
}
