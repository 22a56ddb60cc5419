//! What the reports say.

use super::row::table;

table! {
    /// The report of one study. Offsets of every other table count bytes of `text`.
    ReportRow "reports" by [study_id] {
        /// The study.
        study_id: String,
        /// The patient.
        patient_key: String,
        /// `train`, `val` or `test`; empty where the reports are of no release.
        split: String,
        /// The text.
        text: String,
        /// Kind of each section.
        section_kind: Vec<String>,
        /// First byte of each section.
        section_start: Vec<u32>,
        /// Byte after each section.
        section_end: Vec<u32>,
        /// What a reader should know: `findings_empty` where nothing stands in findings or impression while other sections name
        /// findings. Since revision 3.
        warnings: Vec<String>,
    }
}

table! {
    /// A stretch of a report that could name the patient. The words themselves stand in the report
    /// alone. Since revision 2.
    IdentifierRow "identifiers" by [study_id, start] {
        /// The study.
        study_id: String,
        /// First byte.
        start: u32,
        /// Byte after the last.
        end: u32,
        /// `own` (of the study: name, number, date), `name`, `record_number`, `telephone`, `mail`, `date_of_birth`,
        /// `national_number`, `address`, or `placeholder`, which de-identification left.
        kind: String,
        /// First byte in the text as it came, where a placeholder stands in its place (`[report] redact`).
        source_start: Option<u32>,
        /// Byte after the last in the text as it came.
        source_end: Option<u32>,
    }
}

table! {
    /// One sentence.
    SentenceRow "sentences" by [study_id, sentence] {
        /// The study.
        study_id: String,
        /// Number of the sentence in its report, from 0.
        sentence: u32,
        /// Kind of its section.
        section: String,
        /// First byte.
        start: u32,
        /// Byte after the last.
        end: u32,
        /// Identifier of the sentence type (xxh3 of the normalised text).
        sentence_type: u64,
        /// First byte of each clause that can be left out with all that follows it in the sentence,
        /// without changing what stands before. Since revision 2.
        breaks: Vec<u32>,
    }
}

table! {
    /// One mention: anatomy, observation, modifier, device or procedure.
    NodeRow "nodes" by [study_id, node] {
        /// The study.
        study_id: String,
        /// Number of the node in its report, from 0.
        node: u32,
        /// Number of its sentence.
        sentence: u32,
        /// `anatomy`, `observation`, `modifier`, `device` or `procedure`.
        kind: String,
        /// First byte.
        start: u32,
        /// Byte after the last.
        end: u32,
        /// Concept of the lexicon.
        concept: String,
        /// `present`, `absent` or `uncertain`.
        assertion: Option<String>,
        /// Certainty of the assertion, 0..1.
        certainty: f32,
        /// `left`, `right` or `bilateral`.
        side: Option<String>,
        /// `new`, `stable`, `increased`, `decreased` or `resolved`.
        change: Option<String>,
        /// First byte of the cue that decided the assertion.
        cue_start: Option<u32>,
        /// Byte after the cue.
        cue_end: Option<u32>,
        /// Rule that decided.
        rule: String,
    }
}

table! {
    /// One relation between two nodes of a report.
    EdgeRow "edges" by [study_id, source, target] {
        /// The study.
        study_id: String,
        /// Node the relation starts at.
        source: u32,
        /// Node it points to.
        target: u32,
        /// `modify`, `located_at`, `suggestive_of` or `measure_of`.
        relation: String,
        /// Rule that made it.
        rule: String,
    }
}

table! {
    /// One label of one study.
    LabelRow "labels" by [study_id] {
        /// The study.
        study_id: String,
        /// Label policy.
        policy: String,
        /// Label.
        label: String,
        /// 1 present, 0 absent or not mentioned, −1 uncertain.
        value: i8,
        /// `stated` where the text says so, `guessed` where it leaves something open, as where an opacity is, and the
        /// parser filled it in; none where nothing in the text decides. Since revision 3.
        confidence: Option<String>,
        /// Nodes that prove it.
        evidence: Vec<u32>,
        /// Number of the sentence of each.
        evidence_sentence: Vec<u32>,
        /// First byte of each.
        evidence_start: Vec<u32>,
        /// Byte after each.
        evidence_end: Vec<u32>,
        /// Rule that decided each.
        evidence_rule: Vec<String>,
        /// The value that came with the corpus, where there is one.
        source_value: Option<i8>,
    }
}

table! {
    /// One measurement.
    MeasurementRow "measurements" by [study_id, sentence, start] {
        /// The study.
        study_id: String,
        /// Number of its sentence.
        sentence: u32,
        /// First byte.
        start: u32,
        /// Byte after the last.
        end: u32,
        /// Every factor in mm.
        values_mm: Vec<f64>,
        /// Unit as written.
        unit: String,
        /// `at_most` (`up to 5 mm`) or `at_least`, where it is a limit. Since revision 3.
        bound: Option<String>,
        /// Whether it is the size at an earlier examination.
        prior: bool,
        /// First byte of the date that the text gives the size.
        date_start: Option<u32>,
        /// Byte after it.
        date_end: Option<u32>,
        /// The node it measures.
        node: Option<u32>,
    }
}
