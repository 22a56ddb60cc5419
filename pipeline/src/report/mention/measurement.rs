//! Reads sizes: all factors of `13x9.3 mm`, both ends of `3-5 mm`, any length unit. Dates, image
//! and series numbers, levels, angles, densities, areas and section thicknesses are no sizes.

use crate::report::lexicon::{Lexicon, Units};
use crate::report::text::{WordList, WordLists};

/// A size in a sentence; offsets are into the sentence's text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Size {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) values_mm: Vec<f64>,
    pub(crate) unit: String,
    pub(crate) prior: bool,
}

/// The most factors one size may have.
const MOST_FACTORS: usize = 4;
/// How far, in bytes, words that change a size's meaning may stand from it.
const CONTEXT_BYTES: usize = 40;

/// The sizes of a sentence in text order.
pub(crate) fn find_sizes(lexicon: &Lexicon, text: &str) -> Vec<Size> {
    let bytes = text.as_bytes();
    let mut sizes: Vec<Size> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
            continue;
        }
        if at > 0 && part_of_word(text, at) {
            at = skip_run(bytes, at);
            continue;
        }
        match read_size(lexicon, text, at) {
            Some(mut size) => {
                at = size.end;
                if !is_technique(&lexicon.words, text, &size) {
                    size.prior = is_prior(&lexicon.words, text, &size);
                    sizes.push(size);
                }
            }
            None => at = skip_run(bytes, at),
        }
    }
    sizes
}

/// Whether the digit continues a word, a date or another number (`T12`, `SE6`, `/2017`).
fn part_of_word(text: &str, at: usize) -> bool {
    let Some(before) = text.get(..at) else { return true };
    let mut backwards = before.chars().rev();
    match backwards.next() {
        Some(character) if character.is_alphanumeric() => true,
        Some('.' | ',' | '/' | ':') => backwards.next().is_some_and(|c| c.is_ascii_digit()),
        Some('-') => backwards.next().is_some_and(char::is_alphanumeric),
        _ => false,
    }
}

/// The end of the run of digits and the marks that join them.
fn skip_run(bytes: &[u8], at: usize) -> usize {
    let mut end = at;
    while let Some(byte) = bytes.get(end) {
        let joined = matches!(byte, b'.' | b',' | b'/' | b':')
            && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
        if !byte.is_ascii_digit() && !joined {
            break;
        }
        end += 1;
    }
    end.max(at + 1)
}

fn read_size(lexicon: &Lexicon, text: &str, start: usize) -> Option<Size> {
    let words = &lexicon.words;
    let mut factors: Vec<(f64, Option<f64>)> = Vec::new();
    let mut at = start;
    let mut unit_text = String::new();
    let mut end = start;
    loop {
        let (value, after) = read_number(text, at)?;
        let with_unit = read_unit(&lexicon.units, text, after);
        factors.push((value, with_unit.map(|(scale, _)| scale)));
        if let Some((_, unit_end)) = with_unit {
            unit_text = text.get(after..unit_end).unwrap_or_default().trim().to_lowercase();
            unit_text = unit_text.trim_start_matches('-').to_owned();
            end = unit_end;
        }
        let next_from = with_unit.map_or(after, |(_, unit_end)| unit_end);
        match read_joint(words, text, next_from) {
            // `from 8 mm to 12 mm` are two sizes, `3 to 5 mm` is one.
            Some((next, Joint::To)) if !from_stands_before(words, text, start) => at = next,
            Some((next, Joint::Sign)) => at = next,
            _ => break,
        }
        if factors.len() >= MOST_FACTORS {
            break;
        }
    }
    let known = factors.iter().rposition(|(_, scale)| scale.is_some())?;
    factors.truncate(known + 1);
    let mut scale = 1.0;
    let mut values_mm: Vec<f64> = Vec::new();
    for (value, own) in factors.iter().rev() {
        scale = own.unwrap_or(scale);
        // Six decimals are kept, so that 0.9 cm is 9 and not 9.000000000000002.
        values_mm.push((value * scale * 1e6).round() / 1e6);
    }
    values_mm.reverse();
    Some(Size { start, end, values_mm, unit: unit_text, prior: false })
}

/// A number with a decimal point or comma; `None` for dates and the like.
fn read_number(text: &str, at: usize) -> Option<(f64, usize)> {
    let bytes = text.as_bytes();
    let digits = |from: usize| {
        bytes.iter().skip(from).take(16).take_while(|byte| byte.is_ascii_digit()).count()
    };
    let whole = digits(at);
    if whole == 0 || whole > 9 {
        return None;
    }
    let mut end = at + whole;
    let mut number = text.get(at..end)?.to_owned();
    if matches!(bytes.get(end), Some(b'.' | b',')) {
        let decimals = digits(end + 1);
        let thousands = bytes.get(end) == Some(&b',') && decimals == 3;
        if decimals > 0 {
            let fraction = text.get(end + 1..end + 1 + decimals)?;
            if !thousands {
                number.push('.');
            }
            number.push_str(fraction);
            end += 1 + decimals;
        }
    }
    let runs_on = matches!(bytes.get(end), Some(b'.' | b'/' | b':'))
        && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
    let value: f64 = number.parse().ok()?;
    (!runs_on && value.is_finite()).then_some((value, end))
}

/// Millimetres a unit, and where the unit ends.
fn read_unit(units: &Units, text: &str, at: usize) -> Option<(f64, usize)> {
    let rest = text.get(at..)?;
    let bare = rest.trim_start_matches([' ', '\t', '\u{a0}', '\n', '\r']);
    let bare = bare.strip_prefix('-').unwrap_or(bare);
    let begin = at + (rest.len() - bare.len());
    let (length, scale) = units.at_start(bare)?;
    let end = begin + length;
    let next = text.get(end..)?.chars().next();
    let goes_on = match next {
        Some('x' | 'X') => {
            !text.get(end + 1..)?.trim_start().starts_with(|c: char| c.is_ascii_digit())
        }
        // Areas and volumes (`mm2`, `cm^3`) and speeds are no sizes.
        Some('^' | '/' | '\u{b2}' | '\u{b3}') => true,
        Some(character) => character.is_alphanumeric(),
        None => false,
    };
    (!goes_on).then_some((scale, end))
}

enum Joint {
    Sign,
    To,
}

/// What joins two factors or the ends of a range, and the offset of the next number.
fn read_joint(words: &WordLists, text: &str, at: usize) -> Option<(usize, Joint)> {
    const SIGNS: [&str; 8] = ["x", "X", "\u{d7}", "*", "-", "\u{2013}", "\u{2014}", "~"];
    let bare = text.get(at..)?.trim_start();
    let after_word = |list: WordList| {
        words
            .words(list)
            .iter()
            .find_map(|word| bare.strip_prefix(word.as_str())?.strip_prefix(' '))
    };
    let (after, joint) = if let Some(after) = after_word(WordList::RangeTo) {
        (after, Joint::To)
    } else {
        let sign = SIGNS.iter().find_map(|sign| bare.strip_prefix(sign));
        (sign.or_else(|| after_word(WordList::FactorJoint))?, Joint::Sign)
    };
    let next = after.trim_start();
    next.starts_with(|c: char| c.is_ascii_digit()).then(|| (text.len() - next.len(), joint))
}

/// The text before the word of the list that it ends with.
fn before_last<'a>(words: &WordLists, list: WordList, text: &'a str) -> Option<&'a str> {
    words.words(list).iter().find_map(|word| text.trim_end().strip_suffix(word.as_str()))
}

fn from_stands_before(words: &WordLists, text: &str, at: usize) -> bool {
    text.get(..at).is_some_and(|left| before_last(words, WordList::RangeFrom, left).is_some())
}

fn before(text: &str, at: usize) -> String {
    let from = text.ceil_char_boundary(at.saturating_sub(CONTEXT_BYTES));
    let window = text.get(from..at).unwrap_or_default();
    // What another clause or size says does not count.
    let cut = window.rfind([';', ')']).map_or(0, |position| position + 1);
    window.get(cut..).unwrap_or_default().to_lowercase()
}

fn after(text: &str, at: usize) -> String {
    let to = text.floor_char_boundary((at + CONTEXT_BYTES).min(text.len()));
    let window = text.get(at..to).unwrap_or_default();
    let cut = window.find([';', ',', '(', '.']).unwrap_or(window.len());
    window.get(..cut).unwrap_or_default().to_lowercase()
}

/// Section thickness, collimation and spacing describe the examination, not the patient.
fn is_technique(words: &WordLists, text: &str, size: &Size) -> bool {
    let left = before(text, size.start);
    let right = after(text, size.end);
    let next = || right.trim_start_matches([' ', '-']).split(' ').take(2);
    words.words(WordList::TechniqueBeforeSize).iter().any(|word| left.contains(word.as_str()))
        || words.words(WordList::TechniqueAfterSize).iter().any(|word| {
            next().any(|w| w.starts_with(word.as_str()))
                || right.trim_start().starts_with(word.as_str())
        })
}

/// Sizes that the text gives for an earlier examination.
fn is_prior(words: &WordLists, text: &str, size: &Size) -> bool {
    let left = before(text, size.start);
    let right = after(text, size.end);
    is_led_by_earlier(words, &left)
        || was_before(words, &left)
        || is_first_of_range(words, &left, right.trim_start())
        || words
            .words(WordList::OnEarlier)
            .iter()
            .any(|phrase| right.trim_start().starts_with(phrase.as_str()))
}

/// The word nearest to the size counts: `12 mm (previously 8 mm)`, `8 mm on prior, now 12 mm`. A comparison
/// (`compared with the prior`) leads to a size of now.
fn is_led_by_earlier(words: &WordLists, left: &str) -> bool {
    let last = |list| words.words(list).iter().filter_map(|word| left.rfind(word.as_str())).max();
    let Some(position) = last(WordList::EarlierSize) else { return false };
    let number_between =
        left.get(position..).is_some_and(|rest| rest.bytes().any(|byte| byte.is_ascii_digit()));
    let only_comparison = || {
        words.words(WordList::ComparedWithEarlier).iter().any(|phrase| {
            left.rfind(phrase.as_str()).is_some_and(|from| from + phrase.len() >= position)
        })
    };
    last(WordList::PresentSize).is_none_or(|now| now < position)
        && !number_between
        && !only_comparison()
}

/// `8 mm (was 5 mm)`, `8 mm, formerly 5 mm`.
fn was_before(words: &WordLists, left: &str) -> bool {
    before_last(words, WordList::Was, left).map(str::trim_end).is_some_and(|rest| {
        rest.ends_with(['(', ',']) && rest.bytes().any(|byte| byte.is_ascii_digit())
    })
}

/// `from 8 mm to 12 mm`.
fn is_first_of_range(words: &WordLists, left: &str, right: &str) -> bool {
    before_last(words, WordList::RangeFrom, left).is_some()
        && words
            .words(WordList::AfterRangeFrom)
            .iter()
            .any(|word| right.strip_prefix(word.as_str()).is_some_and(|rest| rest.starts_with(' ')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lexicon() -> Lexicon {
        Lexicon::builtin().expect("the built-in lexicon loads")
    }

    fn values(text: &str) -> Vec<Vec<f64>> {
        find_sizes(&lexicon(), text).into_iter().map(|size| size.values_mm).collect()
    }

    #[test]
    fn all_factors_and_units() {
        assert_eq!(values("a 13x9.3 mm node"), [vec![13.0, 9.3]]);
        assert_eq!(values("0.8 \u{d7} 1.0cm and 1.4X0.9cm"), [vec![8.0, 10.0], vec![14.0, 9.0]]);
        assert_eq!(values("5 x 3.5 x 2 cm mass"), [vec![50.0, 35.0, 20.0]]);
        assert_eq!(values("3-5 mm foci, 6 by 4 millimetres"), [vec![3.0, 5.0], vec![6.0, 4.0]]);
        assert_eq!(values("10 mm x 1.2 cm; 2,5 cm"), [vec![10.0, 12.0], vec![25.0]]);
        assert_eq!(values("12-mm nodule"), [vec![12.0]]);
    }

    #[test]
    fn numbers_that_are_no_sizes() {
        for text in [
            "series 5 image 379",
            "(SE6, IM225) img117",
            "on 22.03.2022 and 27/01/2017",
            "7th-8th rib, T12, L4-5, segment 4",
            "density of 40 HU",
            "a volume of 12 mm3 and 4 cm\u{b2}",
            "1 mm slice thickness",
            "reconstructed at 5 mm",
            "3 x 4 lesions",
        ] {
            assert_eq!(values(text), Vec::<Vec<f64>>::new(), "{text}");
        }
    }

    #[test]
    fn spans_cover_the_size() {
        let text = "node of 1.5 x 2 cm.";
        let size = find_sizes(&lexicon(), text).remove(0);
        assert_eq!(&text[size.start..size.end], "1.5 x 2 cm");
        assert_eq!(size.unit, "cm");
    }

    #[test]
    fn earlier_sizes_are_told_apart() {
        let prior = |text: &str| -> Vec<bool> {
            find_sizes(&lexicon(), text).iter().map(|s| s.prior).collect()
        };
        assert_eq!(prior("measures 12 mm (previously 8 mm)"), [false, true]);
        assert_eq!(prior("grown from 8 mm to 12 mm"), [true, false]);
        assert_eq!(prior("8 mm on the prior, now 12 mm"), [true, false]);
        assert_eq!(prior("measures 8 mm (was 5 mm)"), [false, true]);
        assert_eq!(prior("a nodule was measured as 5 mm"), [false]);
    }
}
