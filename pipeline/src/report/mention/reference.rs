//! Dates and references to images in the text: numbers that are no sizes.

use crate::report::document::offset;
use crate::report::lexicon::Lexicon;
use crate::report::parsed::{Reference, ReferenceKind};
use crate::report::text::{WordList, WordLists};

/// The dates and image references of `text[start..end]`, in text order and without overlaps.
pub(crate) fn find_references(
    lexicon: &Lexicon,
    text: &str,
    start: usize,
    end: usize,
    sentence: u32,
) -> Vec<Reference> {
    let Some(slice) = text.get(start..end) else { return Vec::new() };
    if !slice.bytes().any(|byte| byte.is_ascii_digit()) {
        return Vec::new();
    }
    let words = words(slice);
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let first = word(slice, &words, at);
        let dated =
            first.starts_with(|c: char| c.is_ascii_digit()) || is_month(&lexicon.words, first);
        let date = if dated { date(&lexicon.words, slice, &words, at) } else { None };
        let found_here = date.map(|length| (length, ReferenceKind::Date)).or_else(|| {
            image(lexicon, slice, &words, at).map(|length| (length, ReferenceKind::Image))
        });
        let Some((length, kind)) = found_here else {
            at += 1;
            continue;
        };
        if let (Some(first), Some(last)) = (words.get(at), words.get(at + length - 1)) {
            found.push(Reference {
                sentence,
                kind,
                start: offset(start + first.0),
                end: offset(start + last.1),
            });
        }
        at += length;
    }
    found
}

/// Limits of runs of letters, digits and the marks that join numbers.
fn words(text: &str) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut words = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes.get(at).is_some_and(u8::is_ascii_alphanumeric) {
            at += 1;
            continue;
        }
        let from = at;
        while let Some(byte) = bytes.get(at) {
            let joint = matches!(byte, b'.' | b'/' | b'-' | b':')
                && bytes.get(at - 1).is_some_and(u8::is_ascii_digit)
                && bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
            if !byte.is_ascii_alphanumeric() && !joint {
                break;
            }
            at += 1;
        }
        words.push((from, at));
    }
    words
}

fn word<'a>(text: &'a str, words: &[(usize, usize)], at: usize) -> &'a str {
    words.get(at).and_then(|&(from, to)| text.get(from..to)).unwrap_or_default()
}

fn number(text: &str, range: std::ops::RangeInclusive<u32>) -> bool {
    text.len() <= 4 && text.parse().is_ok_and(|value: u32| range.contains(&value))
}

/// How many words a date takes from `at`: `22.03.2022`, `2022-03-22`, `27/01/17`, `March 3, 2021`.
fn date(lists: &WordLists, text: &str, words: &[(usize, usize)], at: usize) -> Option<usize> {
    let first = word(text, words, at);
    let digit_first = first.starts_with(|c: char| c.is_ascii_digit());
    let mut pieces = first.split(['.', '/', '-']);
    let parts = [(); 4].map(|()| pieces.next().filter(|_| digit_first));
    if let [Some(a), Some(b), Some(c), None] = &parts {
        let day_first =
            number(a, 1..=31) && number(b, 1..=31) && (number(b, 1..=12) || number(a, 1..=12));
        let year_last = number(c, 1900..=2199) || c.len() == 2 && number(c, 0..=99);
        let year_first = number(a, 1900..=2199) && number(b, 1..=12) && number(c, 1..=31);
        return (day_first && year_last || year_first).then_some(1);
    }
    if let [Some(a), Some(b), None, _] = &parts
        && first.contains(['/', '.'])
    {
        return (number(a, 1..=12) && number(b, 1900..=2199)).then_some(1);
    }
    let month = |at: usize| is_month(lists, word(text, words, at));
    let year = |at: usize| number(word(text, words, at), 1900..=2199);
    if month(at) && number(word(text, words, at + 1), 1..=31) && year(at + 2) {
        return Some(3);
    }
    if number(first, 1..=31) && month(at + 1) && year(at + 2) {
        return Some(3);
    }
    (month(at) && year(at + 1)).then_some(2)
}

/// `mar`, `march`, `sept`, but not `marked`.
fn is_month(lists: &WordLists, word: &str) -> bool {
    const SHORTEST: usize = 3;
    if word.len() < SHORTEST || !word.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return false;
    }
    let starts = |month: &String| {
        word.len() == SHORTEST
            && month.get(..SHORTEST).is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    lists.words(WordList::Month).iter().any(starts)
        || lists.has(WordList::Month, word)
        || lists.has(WordList::MonthAbbreviation, word)
}

/// How many words an image reference takes from `at`: `series 5 image 379`, `SE6`, `img117`.
fn image(lexicon: &Lexicon, text: &str, words: &[(usize, usize)], at: usize) -> Option<usize> {
    let first = word(text, words, at);
    let letters = first.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = first.len() - letters.len();
    let introduces = lexicon.words.has(WordList::Image, letters);
    if digits > 0 && introduces && letters.len() < first.len() {
        return Some(1);
    }
    if digits > 0 || !introduces {
        return None;
    }
    let named = lexicon.words.has(WordList::ImageNumber, word(text, words, at + 1));
    let at_number = at + 1 + usize::from(named);
    let value = word(text, words, at_number);
    let gap = words.get(at_number - 1).zip(words.get(at_number));
    let close = gap.is_some_and(|(left, right)| right.0 - left.1 <= 3);
    let plain = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    // `section 5 mm` is a thickness.
    let unit = lexicon.units.has(word(text, words, at_number + 1));
    (close && plain && !unit).then_some(2 + usize::from(named))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(ReferenceKind, &str)> {
        let lexicon = Lexicon::builtin().expect("the built-in lexicon loads");
        find_references(&lexicon, text, 0, text.len(), 0)
            .into_iter()
            .map(|r| (r.kind, &text[r.start as usize..r.end as usize]))
            .collect()
    }

    #[test]
    fn dates_in_many_forms() {
        use ReferenceKind::Date;
        assert_eq!(
            found("Compared with 22.03.2022, 27/01/17 and 2021-4-5."),
            [(Date, "22.03.2022"), (Date, "27/01/17"), (Date, "2021-4-5")]
        );
        assert_eq!(found("Scan of March 3, 2021."), [(Date, "March 3, 2021")]);
        assert_eq!(found("Scan of 3 Mar 2021."), [(Date, "3 Mar 2021")]);
        assert_eq!(found("Since 05/2020 it is stable."), [(Date, "05/2020")]);
        assert_eq!(found("Marked 13x9.3 mm, L4-5, 3-5 mm, T12, 40 HU."), []);
    }

    #[test]
    fn images_and_series() {
        use ReferenceKind::Image;
        assert_eq!(
            found("Nodule (SE6, IM225), series 5 image 379 and img117."),
            [
                (Image, "SE6"),
                (Image, "IM225"),
                (Image, "series 5"),
                (Image, "image 379"),
                (Image, "img117")
            ]
        );
        assert_eq!(found("Section 5 mm thick. Image number 12."), [(Image, "Image number 12")]);
    }
}
