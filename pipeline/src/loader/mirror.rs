//! A report with left and right exchanged, as a mirrored image needs it.

use schemas::study::{Sentence, StudyRecord};

use crate::report::{normalise_sentence, sentence_type};

/// Words of a side, and what stands in a mirrored report for them.
const SIDES: [(&str, &str); 2] = [("left", "right"), ("right", "left")];

/// A text with the words of sides exchanged.
pub(super) struct MirroredText {
    pub(super) text: String,
    /// Byte after each exchanged word, in the old text and in the new.
    moved: Vec<(usize, usize)>,
}

impl MirroredText {
    pub(super) fn new(text: &str) -> Self {
        let mut mirrored = Self { text: String::with_capacity(text.len() + 8), moved: Vec::new() };
        let mut at = 0;
        for word in text.split_inclusive(|c: char| !c.is_alphanumeric()) {
            let bare = word.trim_end_matches(|c: char| !c.is_alphanumeric());
            match SIDES.iter().find(|(side, _)| bare.eq_ignore_ascii_case(side)) {
                Some((_, other)) => {
                    mirrored.text.push_str(&in_case_of(other, bare));
                    mirrored.moved.push((at + bare.len(), mirrored.text.len()));
                    mirrored.text.push_str(&word[bare.len()..]);
                }
                None => mirrored.text.push_str(word),
            }
            at += word.len();
        }
        mirrored
    }

    /// Whether a side was named.
    pub(super) fn differs(&self) -> bool {
        !self.moved.is_empty()
    }

    /// Where byte `at` of the old text stands in the new.
    fn place(&self, at: u32) -> u32 {
        let before = self.moved.partition_point(|(old, _)| *old <= at as usize);
        match before.checked_sub(1).map(|last| self.moved[last]) {
            Some((old, new)) => at + new as u32 - old as u32,
            None => at,
        }
    }
}

/// `word` with the capitals of `model`: none, the first letter, or all.
fn in_case_of(word: &str, model: &str) -> String {
    let upper = |c: char| c.is_ascii_uppercase();
    if model.chars().all(upper) {
        word.to_ascii_uppercase()
    } else if model.starts_with(upper) {
        format!("{}{}", word[..1].to_ascii_uppercase(), &word[1..])
    } else {
        word.to_owned()
    }
}

/// The study as its mirror image has it; none where the report tells sides without the words for them.
pub(super) fn mirrored(record: &StudyRecord) -> Option<StudyRecord> {
    let mut differs = false;
    let sentences = record.sentences.iter().map(|sentence| {
        let text = MirroredText::new(&sentence.text);
        if !text.differs() {
            return sentence.clone();
        }
        differs = true;
        let mut mirrored = Sentence {
            sentence_type: sentence_type(&normalise_sentence(&text.text)),
            breaks: sentence.breaks.iter().map(|&at| text.place(at)).collect(),
            ..sentence.clone()
        };
        for entity in &mut mirrored.entities {
            (entity.start, entity.end) = (text.place(entity.start), text.place(entity.end));
        }
        mirrored.text = text.text;
        mirrored
    });
    let sentences = sentences.collect();
    (differs || !record.names_side).then(|| StudyRecord {
        sentences,
        mirrored: true,
        ..record.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::study::EntitySpan;

    fn text(text: &str) -> String {
        MirroredText::new(text).text
    }

    #[test]
    fn words_of_sides_change_places_and_nothing_else_does() {
        assert_eq!(
            text("Left-sided effusion, RIGHT upper lobe; upright, copyright, leftover. Right."),
            "Right-sided effusion, LEFT upper lobe; upright, copyright, leftover. Left."
        );
        let once = "A left nodule\u{a0}(6 mm) and a right one \u{2013} left.";
        assert_eq!(text(&text(once)), once);
        assert!(!MirroredText::new("No effusion.").differs());
    }

    #[test]
    fn entities_and_breaks_keep_their_words_and_the_type_is_that_of_the_new_text() {
        let before = "Right effusion, left nodule.";
        let span = |text: &str, word: &str| {
            let start = text.find(word).expect("word") as u32;
            EntitySpan { node: 0, start, end: start + word.len() as u32 }
        };
        let record = StudyRecord {
            sentences: vec![Sentence {
                text: before.into(),
                breaks: vec![16],
                entities: vec![span(before, "effusion"), span(before, "nodule")],
                ..Sentence::default()
            }],
            names_side: true,
            ..StudyRecord::default()
        };
        let found = mirrored(&record).expect("it names sides");
        let after = "Left effusion, right nodule.";
        let sentence = &found.sentences[0];
        assert_eq!(sentence.text, after);
        assert_eq!(sentence.entities, [span(after, "effusion"), span(after, "nodule")]);
        assert_eq!(&after[sentence.breaks[0] as usize..], "right nodule.");
        assert_eq!(sentence.sentence_type, sentence_type("left effusion, right nodule"));
        assert!(found.mirrored);

        let silent = |names_side| StudyRecord { names_side, ..StudyRecord::default() };
        assert!(mirrored(&silent(false)).is_some());
        assert_eq!(mirrored(&silent(true)), None, "told by other words");
    }
}
