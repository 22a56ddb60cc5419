//! The elements of a data set, found without copying a value (PS3.5 chapter 7).
//!
//! Real archives hold files that break the standard in small ways: an implicit element inside an
//! explicit data set, numbers under VR UN, a sequence without its delimiter, a file cut short. What
//! can be read is read, what cannot is missing, and nothing panics.

use std::ops::Range;

use dicom::core::Tag;
use dicom::dictionary_std::tags;

use super::character_set::CharacterSet;
use super::decimal::{Decimal, decimal};

/// The number of a tag by its name in the dictionary.
pub(crate) const fn number(tag: Tag) -> u32 {
    let Tag(group, element) = tag;
    (group as u32) << 16 | element as u32
}

/// Pixel Data.
pub(crate) const PIXEL_DATA: u32 = number(tags::PIXEL_DATA);
const FLOAT_PIXEL_DATA: u32 = number(tags::FLOAT_PIXEL_DATA);
const DOUBLE_PIXEL_DATA: u32 = number(tags::DOUBLE_FLOAT_PIXEL_DATA);
const CHARACTER_SET: u32 = number(tags::SPECIFIC_CHARACTER_SET);
pub(crate) const ITEM: u32 = number(Tag(0xfffe, 0xe000));
const ITEM_END: u32 = number(Tag(0xfffe, 0xe00d));
pub(crate) const SEQUENCE_END: u32 = number(Tag(0xfffe, 0xe0dd));
const UNDEFINED: u32 = u32::MAX;
/// Sequences within sequences beyond this depth are damage.
const MAX_DEPTH: usize = 24;

/// How elements are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Encoding {
    pub(crate) explicit: bool,
    pub(crate) big_endian: bool,
}

impl Encoding {
    pub(crate) const IMPLICIT_LITTLE: Self = Self { explicit: false, big_endian: false };
    pub(crate) const EXPLICIT_LITTLE: Self = Self { explicit: true, big_endian: false };
    pub(crate) const EXPLICIT_BIG: Self = Self { explicit: true, big_endian: true };

    fn u16(self, bytes: [u8; 2]) -> u16 {
        if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    }

    fn u32(self, bytes: [u8; 4]) -> u32 {
        if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }
}

/// Where one element's value lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) tag: u32,
    /// Two letters; `None` where the encoding has none.
    vr: Option<[u8; 2]>,
    /// Bytes of the value. May end beyond the data where these are cut.
    pub(crate) value: Range<usize>,
    pub(crate) undefined_length: bool,
}

/// The elements of a data set over its bytes.
#[derive(Debug, Clone)]
pub(crate) struct DataSet<'a> {
    bytes: &'a [u8],
    encoding: Encoding,
    elements: Vec<Element>,
    /// How texts are written; that of the data set that an item lies in.
    characters: CharacterSet,
    /// Pixel Data, where it was reached.
    pub(crate) pixels: Option<Element>,
    /// Whether the bytes ended inside an element other than Pixel Data.
    pub(crate) cut: bool,
}

/// The head of an element.
struct Head {
    tag: u32,
    vr: Option<[u8; 2]>,
    length: u32,
    value: usize,
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// Representations whose length takes four bytes after two reserved ones.
fn has_long_length(vr: [u8; 2]) -> bool {
    matches!(
        &vr,
        b"OB"
            | b"OD"
            | b"OF"
            | b"OL"
            | b"OV"
            | b"OW"
            | b"SQ"
            | b"SV"
            | b"UC"
            | b"UN"
            | b"UR"
            | b"UT"
            | b"UV"
    )
}

fn head(bytes: &[u8], at: usize, encoding: Encoding) -> Option<Head> {
    let group = encoding.u16(array(bytes, at)?);
    let element = encoding.u16(array(bytes, at + 2)?);
    let tag = number(Tag(group, element));
    let implicit =
        |vr| Some(Head { tag, vr, length: encoding.u32(array(bytes, at + 4)?), value: at + 8 });
    if group == 0xfffe || !encoding.explicit {
        return implicit(None);
    }
    let vr: [u8; 2] = array(bytes, at + 4)?;
    if !vr.iter().all(u8::is_ascii_uppercase) {
        // An implicit element inside an explicit data set, as some writers leave behind.
        return implicit(None);
    }
    if has_long_length(vr) {
        let length = encoding.u32(array(bytes, at + 8)?);
        return Some(Head { tag, vr: Some(vr), length, value: at + 12 });
    }
    let length = u32::from(encoding.u16(array(bytes, at + 6)?));
    Some(Head { tag, vr: Some(vr), length, value: at + 8 })
}

/// Byte after the delimiter of a sequence of undefined length whose items begin at `at`.
fn skip_sequence(bytes: &[u8], mut at: usize, encoding: Encoding, depth: usize) -> Option<usize> {
    if depth == 0 {
        return None;
    }
    loop {
        let item = head(bytes, at, encoding)?;
        at = item.value;
        match item.tag {
            SEQUENCE_END => return Some(at),
            ITEM if item.length == UNDEFINED => at = skip_item(bytes, at, encoding, depth - 1)?,
            _ => at = at.checked_add(item.length as usize)?,
        }
    }
}

/// Byte after the delimiter of an item of undefined length whose elements begin at `at`.
fn skip_item(bytes: &[u8], mut at: usize, encoding: Encoding, depth: usize) -> Option<usize> {
    loop {
        let element = head(bytes, at, encoding)?;
        at = element.value;
        if element.tag == ITEM_END {
            return Some(at);
        }
        at = if element.length == UNDEFINED {
            skip_sequence(bytes, at, inner(bytes, at, encoding, element.vr), depth)?
        } else {
            at.checked_add(element.length as usize)?
        };
    }
}

/// How the items at `at` of a sequence are written. One of unknown representation is written implicitly in little
/// endian (PS3.5 section 6.2.2), but some writers leave its elements explicit: the first of them shows it.
fn inner(bytes: &[u8], at: usize, encoding: Encoding, vr: Option<[u8; 2]>) -> Encoding {
    if vr != Some(*b"UN") {
        return encoding;
    }
    let first = head(bytes, at, Encoding::IMPLICIT_LITTLE).filter(|item| item.tag == ITEM);
    let representation = first.and_then(|item| array(bytes, item.value + 4));
    if representation.is_some_and(is_representation) {
        Encoding::EXPLICIT_LITTLE
    } else {
        Encoding::IMPLICIT_LITTLE
    }
}

/// Whether two bytes are a value representation. As the length of an implicit element they would be 16 KiB or more of
/// a few odd numbers.
fn is_representation(letters: [u8; 2]) -> bool {
    has_long_length(letters)
        || matches!(
            &letters,
            b"AE"
                | b"AS"
                | b"AT"
                | b"CS"
                | b"DA"
                | b"DS"
                | b"DT"
                | b"FD"
                | b"FL"
                | b"IS"
                | b"LO"
                | b"LT"
                | b"PN"
                | b"SH"
                | b"SL"
                | b"SS"
                | b"ST"
                | b"TM"
                | b"UI"
                | b"UL"
                | b"US"
        )
}

impl<'a> DataSet<'a> {
    /// Finds the elements from `start` up to Pixel Data, an item's end or the end of the bytes.
    pub(crate) fn parse(bytes: &'a [u8], start: usize, encoding: Encoding) -> Self {
        Self::parse_while(bytes, start, encoding, |_| true).0
    }

    /// As [`Self::parse`], but only as long as `wanted` says so of a tag; also gives the byte where
    /// it stopped.
    pub(crate) fn parse_while(
        bytes: &'a [u8],
        start: usize,
        encoding: Encoding,
        wanted: impl Fn(u32) -> bool,
    ) -> (Self, usize) {
        let mut set = Self {
            bytes,
            encoding,
            elements: Vec::new(),
            characters: CharacterSet::default(),
            pixels: None,
            cut: false,
        };
        let mut at = start;
        while at < bytes.len() {
            let Some(next) = head(bytes, at, encoding) else {
                set.cut = true;
                break;
            };
            if !wanted(next.tag) || next.tag == ITEM_END {
                break;
            }
            let undefined_length = next.length == UNDEFINED;
            if matches!(next.tag, PIXEL_DATA | FLOAT_PIXEL_DATA | DOUBLE_PIXEL_DATA) {
                let length = if undefined_length { 0 } else { next.length as usize };
                let value = next.value..next.value.saturating_add(length);
                set.pixels = Some(Element { tag: next.tag, vr: next.vr, value, undefined_length });
                break;
            }
            let end = if undefined_length {
                skip_sequence(
                    bytes,
                    next.value,
                    inner(bytes, next.value, encoding, next.vr),
                    MAX_DEPTH,
                )
            } else {
                next.value.checked_add(next.length as usize).filter(|end| *end <= bytes.len())
            };
            let Some(end) = end else {
                set.cut = true;
                break;
            };
            set.elements.push(Element {
                tag: next.tag,
                vr: next.vr,
                value: next.value..end,
                undefined_length,
            });
            at = end;
        }
        if let Some(names) = set.raw(CHARACTER_SET) {
            set.characters = CharacterSet::new(names);
        }
        (set, at)
    }

    fn element(&self, tag: u32) -> Option<&Element> {
        self.elements.iter().find(|element| element.tag == tag)
    }

    /// The tags that were found, in order.
    pub(crate) fn tags(&self) -> impl Iterator<Item = u32> {
        self.elements.iter().map(|element| element.tag)
    }

    /// Number of elements that were found.
    pub(crate) fn len(&self) -> usize {
        self.elements.len()
    }

    /// The value's bytes.
    pub(crate) fn raw(&self, tag: u32) -> Option<&'a [u8]> {
        let element = self.element(tag)?;
        self.bytes.get(element.value.clone())
    }

    /// The value as text without padding; none where it is missing or blank.
    pub(crate) fn text(&self, tag: u32) -> Option<String> {
        let text = self.characters.decode(self.raw(tag)?);
        let text = text.trim_matches(['\0', ' ', '\t', '\r', '\n']);
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// What an element of one decimal number holds.
    pub(crate) fn given_decimal(&self, tag: u32) -> Decimal {
        let Some(raw) = self.raw(tag) else { return Decimal::Missing };
        match self.decimal(tag) {
            Some(number) => Decimal::Number(number),
            None => decimal(raw.split(|byte| *byte == b'\\').next().unwrap_or_default()),
        }
    }

    /// The numbers of a decimal string with the liberties of real files ([`decimal`]), also where the file hides them
    /// under VR UN or writes them as binary floats. A part that is no finite number ends the list, so that no value
    /// moves up.
    pub(crate) fn decimals(&self, tag: u32) -> Vec<f64> {
        let (Some(element), Some(raw)) = (self.element(tag), self.raw(tag)) else {
            return Vec::new();
        };
        let swap = self.encoding.big_endian;
        let numbers: Vec<f64> = match element.vr.as_ref() {
            Some(b"FD") => raw
                .chunks_exact(8)
                .filter_map(|chunk| chunk.try_into().ok())
                .map(
                    |bytes| {
                        if swap { f64::from_be_bytes(bytes) } else { f64::from_le_bytes(bytes) }
                    },
                )
                .collect(),
            Some(b"FL") => raw
                .chunks_exact(4)
                .filter_map(|chunk| chunk.try_into().ok())
                .map(
                    |bytes| {
                        if swap { f32::from_be_bytes(bytes) } else { f32::from_le_bytes(bytes) }
                    },
                )
                .map(f64::from)
                .collect(),
            _ => {
                raw.split(|byte| *byte == b'\\').map_while(|part| decimal(part).number()).collect()
            }
        };
        numbers.into_iter().take_while(|number| number.is_finite()).collect()
    }

    /// The first number of a decimal string.
    pub(crate) fn decimal(&self, tag: u32) -> Option<f64> {
        self.decimals(tag).first().copied()
    }

    /// An integer string's number.
    pub(crate) fn integer_text(&self, tag: u32) -> Option<i64> {
        match self.element(tag)?.vr.as_ref() {
            Some(b"US" | b"SS" | b"UL" | b"SL") => self.integer(tag),
            _ => self.decimal(tag).map(|number| number as i64),
        }
    }

    /// An unsigned binary integer of two or four bytes, also where the file writes it as text.
    pub(crate) fn integer(&self, tag: u32) -> Option<i64> {
        let (element, raw) = (self.element(tag)?, self.raw(tag)?);
        match element.vr.as_ref() {
            Some(b"IS" | b"DS" | b"LO" | b"SH") => self.decimal(tag).map(|number| number as i64),
            Some(b"UL" | b"SL") => Some(i64::from(self.encoding.u32(array(raw, 0)?))),
            _ => Some(i64::from(self.encoding.u16(array(raw, 0)?))),
        }
    }

    /// The 16-bit words of a value.
    pub(crate) fn words(&self, tag: u32) -> Vec<u16> {
        let raw = self.raw(tag).unwrap_or_default();
        raw.chunks_exact(2).map(|pair| self.encoding.u16([pair[0], pair[1]])).collect()
    }

    /// The items of a sequence.
    pub(crate) fn items(&self, tag: u32) -> Vec<DataSet<'a>> {
        let Some(element) = self.element(tag) else { return Vec::new() };
        let encoding = inner(self.bytes, element.value.start, self.encoding, element.vr);
        let end = element.value.end.min(self.bytes.len());
        let mut items = Vec::new();
        let mut at = element.value.start;
        while at < end {
            let Some(item) = head(self.bytes, at, encoding) else { break };
            if item.tag != ITEM {
                break;
            }
            let stop = if item.length == UNDEFINED {
                skip_item(self.bytes, item.value, encoding, MAX_DEPTH)
            } else {
                item.value.checked_add(item.length as usize).filter(|stop| *stop <= end)
            };
            let Some(stop) = stop else { break };
            let mut set = DataSet::parse(&self.bytes[..stop], item.value, encoding);
            if set.element(CHARACTER_SET).is_none() {
                set.characters = self.characters.clone();
            }
            items.push(set);
            at = stop;
        }
        items
    }

    /// The first item of a sequence.
    pub(crate) fn item(&self, tag: u32) -> Option<DataSet<'a>> {
        self.items(tag).into_iter().next()
    }
}

#[cfg(test)]
mod tests;
