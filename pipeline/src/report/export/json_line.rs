//! The JSON line of a report, written piece by piece: keys are literals here, so that only values are
//! formatted. What is written is what `serde_json` makes of [`to_json`](super::to_json).

use super::organ_texts::organ_sentences;
use crate::report::document::ReportDocument;
use crate::report::parsed::{
    Assertion, Change, Edge, Measurement, Node, ParsedReport, PolicyLabels, Side,
};

/// The report as one line of JSON text: what [`to_json`](super::to_json) gives, many times as fast.
pub fn to_json_line(document: &ReportDocument, report: &ParsedReport) -> String {
    // A line is about a dozen times as long as its text; room for it at once spares copies.
    let room = document.text.len().saturating_mul(12).min(1 << 24) + 4096;
    let mut line = Line(Vec::with_capacity(room));
    line.raw("{\"id\":");
    line.text(&report.id);
    line.list(",\"sections\":[", &report.sections, |line, section| {
        line.raw("{\"kind\":\"").raw(section.kind.name()).raw("\",\"start\":");
        line.number(section.start).raw(",\"end\":").number(section.end);
        line.raw(",\"how\":\"").raw(section.how.name()).raw("\"}");
    });
    line.list(",\"sentences\":[", &report.sentences, |line, sentence| {
        line.raw("{\"start\":").number(sentence.start).raw(",\"end\":").number(sentence.end);
        line.raw(",\"section\":").number(sentence.section).raw("}");
    });
    line.list(",\"nodes\":[", &report.nodes, |line, node| line.node(&document.text, node));
    line.list(",\"edges\":[", &report.edges, Line::edge);
    line.raw(",\"labels\":{");
    for (at, policy) in report.labels.iter().enumerate() {
        line.labels(at, policy);
    }
    line.raw("}");
    line.list(",\"measurements\":[", &report.measurements, Line::measurement);
    line.list(",\"references\":[", &report.references, |line, reference| {
        line.raw("{\"sentence\":").number(reference.sentence);
        line.raw(",\"kind\":\"").raw(reference.kind.name()).raw("\",\"start\":");
        line.number(reference.start).raw(",\"end\":").number(reference.end).raw("}");
    });
    line.raw(",\"organs\":{");
    for (at, (organ, sentences)) in organ_sentences(report).iter().enumerate() {
        line.comma(at).text(organ);
        line.list(":[", sentences, |line, sentence| {
            line.number(*sentence);
        });
    }
    line.raw("}}");
    // Only whole strings were added.
    String::from_utf8(line.0).unwrap_or_default()
}

/// A JSON text under construction.
struct Line(Vec<u8>);

impl Line {
    fn raw(&mut self, text: &str) -> &mut Self {
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    fn comma(&mut self, position: usize) -> &mut Self {
        if position > 0 {
            self.0.push(b',');
        }
        self
    }

    fn number(&mut self, mut value: u32) -> &mut Self {
        let mut digits = [b'0'; 10];
        let mut from = digits.len();
        loop {
            from -= 1;
            if let Some(digit) = digits.get_mut(from) {
                *digit = b'0' + (value % 10) as u8;
            }
            value /= 10;
            if value == 0 {
                break;
            }
        }
        self.0.extend_from_slice(digits.get(from..).unwrap_or_default());
        self
    }

    fn optional_number(&mut self, value: Option<u32>) -> &mut Self {
        match value {
            Some(value) => self.number(value),
            None => self.raw("null"),
        }
    }

    fn float(&mut self, value: f64) -> &mut Self {
        // Most certainties are one of these two.
        if value.to_bits() == 1.0_f64.to_bits() {
            return self.raw("1.0");
        }
        if value.to_bits() == 0.0_f64.to_bits() {
            return self.raw("0.0");
        }
        let text = serde_json::to_string(&value).unwrap_or_default();
        self.raw(&text)
    }

    /// A string in quotation marks, escaped where it must be.
    fn text(&mut self, text: &str) -> &mut Self {
        // All bytes are looked at, which is quicker than to stop at the first.
        let special = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
        if text.bytes().fold(false, |found, byte| found | special(byte)) {
            let escaped = serde_json::to_string(text).unwrap_or_default();
            return self.raw(&escaped);
        }
        self.raw("\"").raw(text).raw("\"")
    }

    /// A word of an enum in quotation marks, or `null`.
    fn word(&mut self, word: Option<&str>) -> &mut Self {
        match word {
            Some(word) => self.raw("\"").raw(word).raw("\""),
            None => self.raw("null"),
        }
    }

    fn list<T>(&mut self, open: &str, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.raw(open);
        for (at, item) in items.iter().enumerate() {
            self.comma(at);
            write(self, item);
        }
        self.raw("]");
    }

    fn node(&mut self, text: &str, node: &Node) {
        self.raw("{\"id\":").number(node.id).raw(",\"sentence\":").number(node.sentence);
        self.raw(",\"kind\":\"").raw(node.kind.name()).raw("\",\"start\":").number(node.start);
        self.raw(",\"end\":").number(node.end).raw(",\"text\":");
        self.text(text.get(node.start as usize..node.end as usize).unwrap_or_default());
        self.raw(",\"concept\":").text(&node.concept);
        self.raw(",\"assertion\":").word(node.assertion.map(Assertion::name));
        self.raw(",\"certainty\":").float((f64::from(node.certainty) * 1e4).round() / 1e4);
        self.raw(",\"side\":").word(node.side.map(Side::name));
        self.raw(",\"change\":").word(node.change.map(Change::name)).raw(",\"cue\":");
        match &node.cue {
            Some(cue) => {
                self.raw("{\"start\":").number(cue.start).raw(",\"end\":").number(cue.end);
                self.raw(",\"rule\":").word(Some(cue.rule.name())).raw("}");
            }
            None => {
                self.raw("null");
            }
        }
        self.raw(",\"rule\":").word(Some(node.rule.name())).raw("}");
    }

    fn edge(&mut self, edge: &Edge) {
        self.raw("{\"source\":").number(edge.source).raw(",\"target\":").number(edge.target);
        self.raw(",\"relation\":\"").raw(edge.relation.name()).raw("\",\"rule\":");
        self.word(Some(edge.rule.name())).raw("}");
    }

    fn labels(&mut self, position: usize, policy: &PolicyLabels) {
        self.comma(position).text(&policy.policy).raw(":{");
        for (at, value) in policy.values.iter().enumerate() {
            self.comma(at).text(&value.label);
            let sign = if value.value < 0 { ":-" } else { ":" };
            self.raw(sign).number(u32::from(value.value.unsigned_abs()));
        }
        self.raw("}");
    }

    fn measurement(&mut self, size: &Measurement) {
        self.raw("{\"sentence\":").number(size.sentence).raw(",\"start\":").number(size.start);
        self.raw(",\"end\":").number(size.end);
        self.list(",\"values_mm\":[", &size.values_mm, |line, value| {
            line.float(*value);
        });
        self.raw(",\"unit\":").text(&size.unit);
        self.raw(if size.prior { ",\"prior\":true" } else { ",\"prior\":false" });
        self.raw(",\"node\":").optional_number(size.node).raw("}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{ReportParser, to_json};

    #[test]
    fn a_line_is_what_serde_writes() {
        let parser = ReportParser::builtin().expect("the built-in lexicon loads");
        for text in [
            "",
            "FINDINGS: A 13 x 9.3 mm \"ground\u{2013}glass\" nodule, previously 0.9 cm (series 5).",
            "No effusion\\mass on 22.03.2022.\tLikely pneumonia?\nIMPRESSION: \u{130}leus, 3-5 mm.",
        ] {
            let document = ReportDocument::from_text("a\"b\u{1}", text);
            let report = parser.parse(&document);
            assert_eq!(to_json_line(&document, &report), to_json(&document, &report).to_string());
        }
    }
}
