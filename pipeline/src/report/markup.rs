//! Markup and control bytes out of a text, in place: every byte keeps its offset.
//!
//! Reports come out of web pages and message segments with tags (`<br>`), entities (`&nbsp;`), line marks (`\.br\`) and
//! control bytes. Each is replaced by what it stands for and blanks up to its own length, so that all offsets found in
//! the masked text are offsets of the document.

use std::borrow::Cow;

/// Longest tag that is looked for, in bytes.
const LONGEST_TAG: usize = 512;
/// Longest entity, from `&` to `;`.
const LONGEST_ENTITY: usize = 10;
/// Elements whose tags end a line.
const BLOCKS: [&str; 22] = [
    "br", "p", "div", "li", "ul", "ol", "tr", "table", "h1", "h2", "h3", "h4", "h5", "h6", "hr",
    "body", "html", "head", "title", "pre", "section", "dd",
];
/// Elements whose tags stand inside a line.
const INLINE: [&str; 24] = [
    "b", "i", "u", "em", "strong", "span", "font", "a", "td", "th", "tbody", "thead", "sup", "sub",
    "small", "big", "center", "meta", "img", "label", "mark", "code", "dt", "dl",
];
/// Elements whose content is no text, and what ends it.
const HIDDEN: [(&str, &str); 2] = [("style", "</style>"), ("script", "</script>")];
/// Entities by name.
const ENTITIES: [(&str, char); 24] = [
    ("nbsp", ' '),
    ("lt", '<'),
    ("gt", '>'),
    ("amp", '&'),
    ("quot", '"'),
    ("apos", '\''),
    ("times", '\u{d7}'),
    ("middot", '\u{b7}'),
    ("ndash", '\u{2013}'),
    ("mdash", '\u{2014}'),
    ("minus", '-'),
    ("deg", '\u{b0}'),
    ("plusmn", '\u{b1}'),
    ("micro", '\u{b5}'),
    ("lsquo", '\''),
    ("rsquo", '\''),
    ("ldquo", '"'),
    ("rdquo", '"'),
    ("bull", '\u{2022}'),
    ("thinsp", ' '),
    ("ensp", ' '),
    ("emsp", ' '),
    ("hellip", '.'),
    ("sup2", '\u{b2}'),
];
/// A line break of an HL7 segment.
const LINE_MARK: &str = "\\.br\\";

/// The text with markup blanked; borrowed where there is none.
pub(crate) fn masked(text: &str) -> Cow<'_, str> {
    let suspect = |byte: u8| {
        matches!(byte, b'<' | b'&' | b'\\') || byte.is_ascii_control() && !is_layout(byte)
    };
    let Some(mut at) = text.bytes().position(suspect) else { return Cow::Borrowed(text) };
    let mut masked = String::with_capacity(text.len());
    masked.push_str(text.get(..at).unwrap_or_default());
    let mut ends = Ends::default();
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let Some((length, plain)) = markup(rest, &mut ends) else {
            let Some(character) = rest.chars().next() else { break };
            masked.push(character);
            at += character.len_utf8();
            continue;
        };
        masked.push(plain);
        masked.extend(std::iter::repeat_n(' ', length - plain.len_utf8()));
        at += length;
    }
    Cow::Owned(masked)
}

/// The ends of markup that the rest of a text does not hold: no opening looks for them again, so that many openings without an
/// end take no longer than one.
#[derive(Default)]
struct Ends {
    missing: Vec<&'static str>,
}

impl Ends {
    /// Where in the rest of the text `end` stands.
    fn find(&mut self, rest: &str, end: &'static str) -> Option<usize> {
        if self.missing.contains(&end) {
            return None;
        }
        let found = rest.find(end);
        if found.is_none() {
            self.missing.push(end);
        }
        found
    }
}

fn is_layout(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\r' | b'\x0b' | b'\x0c')
}

/// The markup that the text starts with: its length in bytes, and the character that it stands for.
fn markup(text: &str, ends: &mut Ends) -> Option<(usize, char)> {
    match text.as_bytes().first()? {
        b'<' => tag(text, ends),
        b'&' => entity(text),
        b'\\' => text.starts_with(LINE_MARK).then_some((LINE_MARK.len(), '\n')),
        byte if byte.is_ascii_control() && !is_layout(*byte) => Some((1, ' ')),
        _ => None,
    }
}

fn tag(text: &str, ends: &mut Ends) -> Option<(usize, char)> {
    if let Some(comment) = text.strip_prefix("<!--") {
        return ends.find(comment, "-->").map(|end| (end + "<!--".len() + "-->".len(), ' '));
    }
    let window = text.get(..text.floor_char_boundary(LONGEST_TAG)).unwrap_or(text);
    let length = window.find('>')? + 1;
    let inner = window.get(1..length - 1)?;
    if inner.starts_with('!') {
        return Some((length, ' '));
    }
    let name = inner.strip_prefix('/').unwrap_or(inner);
    let end = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
    let name = name.get(..end)?.to_ascii_lowercase();
    let hidden = HIDDEN.iter().find(|(hidden, _)| *hidden == name && !inner.starts_with('/'));
    if let Some((_, close)) = hidden {
        let end = ends.find(text.get(length..)?, close)?;
        return Some((length + end + close.len(), ' '));
    }
    if BLOCKS.contains(&name.as_str()) {
        return Some((length, '\n'));
    }
    INLINE.contains(&name.as_str()).then_some((length, ' '))
}

fn entity(text: &str) -> Option<(usize, char)> {
    let window = text.get(..text.floor_char_boundary(LONGEST_ENTITY))?;
    let end = window.find(';')?;
    let name = window.get(1..end)?;
    let character = match name.strip_prefix('#') {
        Some(number) => {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            let character = char::from_u32(code)?;
            if character.is_whitespace() { ' ' } else { character }
        }
        None => ENTITIES.iter().find(|(known, _)| *known == name)?.1,
    };
    (character.len_utf8() <= end + 1).then_some((end + 1, character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_keeps_every_offset() {
        for (text, expected) in [
            ("No&nbsp;nodule.<br>Mass &lt; 5 mm", "No      nodule.\n   Mass <    5 mm"),
            ("<p class=\"a\">Clear</p>", "\n            Clear\n   "),
            ("12 &times; 9&#8239;mm", "12 \u{d7}      9       mm"),
            ("a\\.br\\b\u{7}c", "a\n    b c"),
            ("<style>p{margin:0}</style>x<!-- y -->", "                          x          "),
        ] {
            let found = masked(text);
            assert_eq!(found, expected);
            assert_eq!(found.len(), text.len());
        }
    }

    #[test]
    fn what_is_no_markup_stays() {
        for text in [
            "nodules <5 mm, >3 mm",
            "a < b and c > d",
            "R&D; x",
            "&unknown; 5 mm\nand \ttabs",
            "C:\\temp",
            "<style>a<style>b<!-- c",
        ] {
            assert_eq!(masked(text), text);
        }
    }
}
