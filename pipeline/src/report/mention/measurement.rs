//! Reads sizes: all factors of `13x9.3 mm`, both ends of `3-5 mm`, any length unit. Dates, image
//! and series numbers, levels, angles, densities, areas and section thicknesses are no sizes.

use super::number::{decimal_mark, read_number, starts_bare_decimal};
use crate::report::lexicon::{Lexicon, Units};
use crate::report::parsed::Bound;
use crate::report::text::{WordList, WordLists};

/// A size in a sentence; offsets are into the sentence's text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Size {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) values_mm: Vec<f64>,
    pub(crate) unit: String,
    pub(crate) bound: Option<Bound>,
    pub(crate) prior: bool,
}

/// A size and where it stands.
pub(crate) struct SizedAt {
    pub(crate) size: Size,
    /// First token at or after the size.
    pub(crate) token: usize,
    /// First token after the size.
    pub(crate) last: usize,
    pub(crate) clause: usize,
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
        let bare = starts_bare_decimal(text, at);
        if !bare && !bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
            continue;
        }
        if !bare && at > 0 && part_of_word(text, at) {
            at = skip_run(bytes, at);
            continue;
        }
        let found = read_sizes(lexicon, text, at);
        at = found.last().map_or_else(|| skip_run(bytes, at), |size| size.end);
        sizes.extend(found.into_iter().filter(|size| !is_technique(&lexicon.words, text, size)));
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

/// A number of a size with the limits of its text and its own unit.
struct Factor {
    value: f64,
    start: usize,
    end: usize,
    scale: Option<f64>,
    /// What joins it to the next.
    joint: Option<Joint>,
}

/// The size that starts at a byte of the sentence; two where one grows into the other (`from 8 to 12 mm`).
fn read_sizes(lexicon: &Lexicon, text: &str, start: usize) -> Vec<Size> {
    let mut factors = read_factors(lexicon, text, start);
    let Some(known) = factors.iter().rposition(|factor| factor.scale.is_some()) else {
        return Vec::new();
    };
    factors.truncate(known + 1);
    let mut scale = 1.0;
    for factor in factors.iter_mut().rev() {
        scale = factor.scale.unwrap_or(scale);
        factor.scale = Some(scale);
    }
    let split = split_of_change(&lexicon.words, text, start, &factors);
    let (earlier, later) = factors.split_at(split);
    let mut sizes: Vec<Size> =
        [earlier, later].into_iter().filter_map(|part| size_of(lexicon, text, part)).collect();
    if let [earlier, _] = sizes.as_mut_slice() {
        earlier.prior = true;
    }
    sizes
}

fn size_of(lexicon: &Lexicon, text: &str, factors: &[Factor]) -> Option<Size> {
    let (first, last) = (factors.first()?, factors.last()?);
    let mut values_mm: Vec<f64> = Vec::new();
    for (at, factor) in factors.iter().enumerate() {
        // Six decimals are kept, so that 0.9 cm is 9 and not 9.000000000000002.
        let value = (factor.value * factor.scale? * 1e6).round() / 1e6;
        match values_mm.last_mut().filter(|_| at > 0) {
            Some(sum) if factors.get(at - 1)?.joint == Some(Joint::Part) => *sum += value,
            _ => values_mm.push(value),
        }
    }
    let from = text.get(first.start..last.end)?;
    let after_digits = from.rfind(|c: char| c.is_ascii_digit()).map_or(0, |at| at + 1);
    let unit = from.get(after_digits..)?.trim_matches(|c: char| !c.is_alphabetic()).to_lowercase();
    let unit = if lexicon.units.has(&unit) { unit } else { String::new() };
    let bound = bound(&lexicon.words, text.get(..first.start)?);
    Some(Size { start: first.start, end: last.end, values_mm, unit, bound, prior: false })
}

/// What the words before a size make it a limit of.
fn bound(words: &WordLists, before: &str) -> Option<Bound> {
    let from = before.ceil_char_boundary(before.len().saturating_sub(CONTEXT_BYTES));
    let before = before.get(from..)?.to_lowercase();
    let ends = |list| before_last(words, list, &before).is_some_and(|left| !ends_in_word(left));
    if ends(WordList::AtMost) {
        Some(Bound::AtMost)
    } else {
        ends(WordList::AtLeast).then_some(Bound::AtLeast)
    }
}

fn ends_in_word(text: &str) -> bool {
    text.ends_with(char::is_alphanumeric)
}

/// The numbers that are joined to one size, each with its unit where it has one.
fn read_factors(lexicon: &Lexicon, text: &str, start: usize) -> Vec<Factor> {
    let mut factors: Vec<Factor> = Vec::new();
    let mut at = start;
    while let Some((value, after)) = read_number(text, at) {
        let unit = read_unit(&lexicon.units, text, after);
        let end = unit.map_or(after, |(_, unit_end)| unit_end);
        let scale = unit.map(|(scale, _)| scale);
        factors.push(Factor { value, start: at, end, scale, joint: None });
        if factors.len() >= MOST_FACTORS {
            break;
        }
        let joint = read_joint(&lexicon.words, text, start, end).or_else(|| {
            let larger = scale.filter(|_| factors.len() == 1)?;
            second_unit(&lexicon.units, text, end, larger)
        });
        let Some((next, joint)) = joint else { break };
        if let Some(last) = factors.last_mut() {
            last.joint = Some(joint);
        }
        at = next;
    }
    factors
}

/// `1 cm 5 mm`: a second number of a smaller unit adds to the first.
fn second_unit(units: &Units, text: &str, at: usize, larger: f64) -> Option<(usize, Joint)> {
    let rest = text.get(at..)?;
    let next = text.len() - rest.trim_start().len();
    if next == at {
        return None;
    }
    let (value, after) = read_number(text, next)?;
    let (scale, end) = read_unit(units, text, after)?;
    let alone = read_number(text, end).is_none()
        && !text.get(end..)?.trim_start().starts_with(['x', '\u{d7}']);
    (scale < larger && value * scale < larger && alone).then_some((next, Joint::Part))
}

/// Where the factors part into an earlier and a later size: at an arrow, or after `from` at the word between two numbers
/// that are no range. 0 where they are one size.
fn split_of_change(words: &WordLists, text: &str, start: usize, factors: &[Factor]) -> usize {
    let joint =
        |wanted| factors.iter().position(|factor| factor.joint == Some(wanted)).map(|at| at + 1);
    if let Some(at) = joint(Joint::Arrow) {
        return at;
    }
    let left = text.get(..start).unwrap_or_default();
    let Some((at, before)) = joint(Joint::To).zip(before_last(words, WordList::RangeFrom, left))
    else {
        return 0;
    };
    let before = before.to_lowercase();
    let said = |list: WordList| {
        let mut stems = words.words(list).iter();
        stems.any(|stem| {
            before.split(|c: char| !c.is_alphanumeric()).any(|word| word.starts_with(stem.as_str()))
        })
    };
    if said(WordList::RangeVerb) {
        return 0;
    }
    let size = |factor: &Factor| factor.value * factor.scale.unwrap_or(1.0);
    let grows = factors.first().zip(factors.get(at)).is_some_and(|(a, b)| size(a) < size(b));
    let one_unit = factors.first().is_some_and(|first| first.end - first.start <= 2);
    if grows && one_unit && !said(WordList::ChangeVerb) { 0 } else { at }
}

/// Millimetres a unit, and where the unit ends.
fn read_unit(units: &Units, text: &str, at: usize) -> Option<(f64, usize)> {
    let rest = text.get(at..)?;
    let bare = rest.trim_start_matches(is_blank);
    let bare = bare.strip_prefix(is_dash).unwrap_or(bare);
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

/// Blanks of any width, and marks of none.
fn is_blank(character: char) -> bool {
    character.is_whitespace()
        || matches!(character, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

fn is_dash(character: char) -> bool {
    character == '-' || ('\u{2010}'..='\u{2015}').contains(&character)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Joint {
    /// `3 x 5`, `3-5`.
    Sign,
    /// `3 to 5`.
    To,
    /// `8 mm -> 12 mm`.
    Arrow,
    /// `1 cm 5 mm`.
    Part,
}

/// What joins two factors or the ends of a range, and the offset of the next number. `first` is where the first begins.
fn read_joint(words: &WordLists, text: &str, first: usize, at: usize) -> Option<(usize, Joint)> {
    const SIGNS: [&str; 13] = [
        "x", "X", "\u{d7}", "\u{2715}", "\u{2a2f}", "\u{445}", "*", "-", "\u{2010}", "\u{2011}",
        "\u{2013}", "\u{2014}", "~",
    ];
    const ARROWS: [&str; 4] = ["->", "=>", "\u{2192}", "-->"];
    let bare = text.get(at..)?.trim_start_matches(is_blank);
    let after_word = |list: WordList| {
        words
            .words(list)
            .iter()
            .find_map(|word| bare.strip_prefix(word.as_str())?.strip_prefix(is_blank))
    };
    let between = || {
        let left = text.get(..first)?;
        before_last(words, WordList::RangeBetween, left)?;
        after_word(WordList::And)
    };
    let (after, joint) = if let Some(after) = after_word(WordList::RangeTo) {
        // `from 8 mm to 12 mm` is told apart from `3 to 5 mm` later.
        (after, Joint::To)
    } else if let Some(after) = ARROWS.iter().find_map(|arrow| bare.strip_prefix(arrow)) {
        (after, Joint::Arrow)
    } else {
        let sign = SIGNS.iter().find_map(|sign| bare.strip_prefix(sign));
        (sign.or_else(|| after_word(WordList::FactorJoint)).or_else(between)?, Joint::Sign)
    };
    let next = text.len() - after.trim_start_matches(is_blank).len();
    let number = text.as_bytes().get(next).is_some_and(u8::is_ascii_digit) || {
        let mark = decimal_mark(text, next);
        mark > 0 && text.as_bytes().get(next + mark).is_some_and(u8::is_ascii_digit)
    };
    number.then_some((next, joint))
}

/// The text before the word of the list that it ends with.
fn before_last<'a>(words: &WordLists, list: WordList, text: &'a str) -> Option<&'a str> {
    words.words(list).iter().find_map(|word| text.trim_end().strip_suffix(word.as_str()))
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
        assert_eq!(values("12-mm nodule, 6\u{2011}mm"), [vec![12.0], vec![6.0]]);
        assert_eq!(
            values(".3-.5 cm, .8x.5 cm, 6\u{b7}5 mm"),
            [vec![3.0, 5.0], vec![8.0, 5.0], vec![6.5]]
        );
        assert_eq!(values("12\u{2009}\u{d7}\u{2009}9\u{202f}mm"), [vec![12.0, 9.0]]);
        assert_eq!(values("1 cm 5 mm; between 3 and 5 mm"), [vec![15.0], vec![3.0, 5.0]]);
        assert_eq!(values("ranging from 3 to 5 mm"), [vec![3.0, 5.0]]);
        assert_eq!(
            values("decreased from 12 to 7 mm; 8 -> 9 mm"),
            [vec![12.0], vec![7.0], vec![8.0], vec![9.0]]
        );
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
    fn limits_are_told_from_sizes() {
        for (text, expected) in [
            ("up to 8 mm", Some(Bound::AtMost)),
            ("nodules < 5 mm", Some(Bound::AtMost)),
            ("smaller than 3-5 mm", Some(Bound::AtMost)),
            ("Measures MORE THAN 4 cm", Some(Bound::AtLeast)),
            ("\u{2265}6 mm", Some(Bound::AtLeast)),
            ("moreover 5 mm", None),
            ("a 5 mm nodule", None),
            ("at the level above, 5 mm", None),
        ] {
            let found: Vec<Option<Bound>> =
                find_sizes(&lexicon(), text).into_iter().map(|size| size.bound).collect();
            assert_eq!(found, [expected], "{text}");
        }
    }

    #[test]
    fn spans_cover_the_size() {
        let text = "node of 1.5 x 2 cm.";
        let size = find_sizes(&lexicon(), text).remove(0);
        assert_eq!(&text[size.start..size.end], "1.5 x 2 cm");
        assert_eq!(size.unit, "cm");
    }
}
