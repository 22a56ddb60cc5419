//! How text falls into sentences.

use crate::report::lexicon::Lexicon;
use crate::report::structure::{LONGEST_SENTENCE, split_sentences};
use crate::report::text::WordLists;

fn words() -> WordLists {
    Lexicon::builtin().expect("the built-in lexicon loads").words
}

fn split(text: &str) -> Vec<&str> {
    split_sentences(&words(), text, 0, text.len())
        .iter()
        .map(|&(from, to)| &text[from..to])
        .collect()
}

#[test]
fn stops_decimals_and_abbreviations() {
    assert_eq!(
        split("A 3.5 mm nodule in segment 4. No effusion. Seen by Dr. Who, approx. 6 mm."),
        ["A 3.5 mm nodule in segment 4.", "No effusion.", "Seen by Dr. Who, approx. 6 mm."]
    );
    assert_eq!(split("Image No. 3 is blurred."), ["Image No. 3 is blurred."]);
    assert_eq!(
        split("It is 2 cm. Next one is 3 cm. in length."),
        ["It is 2 cm.", "Next one is 3 cm. in length."]
    );
}

#[test]
fn forgotten_blanks_and_question_marks() {
    assert_eq!(split("No mass seen.No effusion."), ["No mass seen.", "No effusion."]);
    assert_eq!(
        split("Dense lesion (cyst? hamartoma?) in the liver. Mass? or node."),
        ["Dense lesion (cyst? hamartoma?) in the liver.", "Mass? or node."]
    );
}

#[test]
fn items_and_lines() {
    assert_eq!(
        split("\" Emphysema.\" Small nodule \" Hernia"),
        ["Emphysema.", "Small nodule", "Hernia"]
    );
    assert_eq!(split("\u{2022} Cyst \u{2022} Node"), ["Cyst", "Node"]);
    assert_eq!(split("1. Nodule. 2. Effusion."), ["1. Nodule.", "2. Effusion."]);
    assert_eq!(split("1. Nodule 2. Effusion"), ["1. Nodule", "2. Effusion"]);
    assert_eq!(split("Cyst in segment 4. No mass."), ["Cyst in segment 4.", "No mass."]);
    assert_eq!(
        split("- Nodule\n- Effusion\n\nNormal heart"),
        ["Nodule", "Effusion", "Normal heart"]
    );
    let wrapped =
        "There is a small nodule in the upper lobe of the right lung next to the\nMinor fissure.";
    assert_eq!(split(wrapped), [wrapped]);
}

/// A line whose length is next to the limit under which its end was meant.
#[test]
fn line_ends_do_not_move_the_borders_of_sentences() {
    for length in 20..90 {
        let line = format!("Nodule {}", "x".repeat(length));
        let [unix, dos, blank] = ["\n", "\r\n", "  \n"].map(|end| {
            let text = format!("{line}{end}Cyst in the liver");
            split(&text).len()
        });
        assert_eq!((unix, unix), (dos, blank), "{length} letters");
    }
}

/// The lexicon knows a side's wording for the other side too, where the side is not part of a name.
#[test]
fn wordings_with_a_side_come_in_pairs() {
    let rows = include_str!("../../../lexicon/concepts.tsv").lines();
    let sided: std::collections::BTreeSet<&str> = rows
        .filter(|row| !row.starts_with('#'))
        .filter_map(|row| {
            let columns: Vec<&str> = row.split('\t').collect();
            (matches!(columns.get(5), Some(&("left" | "right")))).then(|| columns[2])
        })
        .filter(|surface| surface.split(' ').any(|word| matches!(word, "left" | "right")))
        .collect();
    assert!(sided.len() > 5);
    for surface in &sided {
        let mirrored: Vec<&str> = surface
            .split(' ')
            .map(|word| match word {
                "left" => "right",
                "right" => "left",
                other => other,
            })
            .collect();
        let mirrored = mirrored.join(" ");
        assert!(sided.contains(mirrored.as_str()), "`{surface}` without `{mirrored}`");
    }
}

#[test]
fn a_semicolon_does_not_end_a_sentence() {
    let text = "When examined in the lung window; no nodule is seen.";
    assert_eq!(split(text), [text]);
}

#[test]
fn endless_sentences_are_cut_at_blanks() {
    let text = "nodule in the lung and ".repeat(4000);
    let found = split_sentences(&words(), &text, 0, text.len());
    assert!(found.len() > 20);
    assert!(found.iter().all(|(from, to)| to - from <= LONGEST_SENTENCE));
    let words: usize = found.iter().map(|&(a, b)| text[a..b].split(' ').count()).sum();
    assert_eq!(words, 4000 * 5);
}

#[test]
fn carriage_returns_do_not_matter() {
    assert_eq!(split("- Nodule\r\n- Effusion"), ["Nodule", "Effusion"]);
    assert_eq!(split("Heart normal.\r\nNo mass."), ["Heart normal.", "No mass."]);
}
#[test]
fn names_acronyms_and_times_go_on() {
    for text in [
        "Read by Anna B. Carver.",
        "Sent to the U.K. Registry today.",
        "At 9 a.m. Dr. Who called.",
        "Write to Lee.Low@example.org.",
        "He said, 'All clear.' he thought.",
        "The cyst . . . if it is one . . . I cannot say.",
    ] {
        assert_eq!(split(text), [text]);
    }
    assert_eq!(split("Grade A. No change."), ["Grade A.", "No change."]);
    assert_eq!(
        split("Seen at 9 in the U.K. There it was read."),
        ["Seen at 9 in the U.K.", "There it was read."]
    );
}

#[test]
fn lists_count_on() {
    assert_eq!(split("1) Cyst 2) Node"), ["1) Cyst", "2) Node"]);
    assert_eq!(split("a. Cyst b. Node c. Mass"), ["a. Cyst", "b. Node", "c. Mass"]);
    assert_eq!(split("A cyst (type 2) Node"), ["A cyst (type 2) Node"]);
}

#[test]
fn a_leading_doubt_stays() {
    assert_eq!(split("No mass. ? small cyst"), ["No mass.", "? small cyst"]);
}
