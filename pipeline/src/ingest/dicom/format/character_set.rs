//! Texts in the character sets that a file names (PS3.3 section C.12.1.1.2, PS3.5 section 6.1).

use encoding_rs::{
    BIG5, EUC_KR, Encoding, GB18030, GBK, ISO_2022_JP, ISO_8859_2, ISO_8859_3, ISO_8859_4,
    ISO_8859_5, ISO_8859_6, ISO_8859_7, ISO_8859_8, UTF_8, WINDOWS_874, WINDOWS_1252, WINDOWS_1254,
};

/// Escape, which begins a change of the set (ISO 2022).
const ESCAPE: u8 = 0x1b;

/// How the texts of a data set are written.
#[derive(Debug, Clone, Default)]
pub(crate) struct CharacterSet {
    /// The set that is in force where a value begins and after an escape to ASCII.
    first: Run,
}

/// What letters are written in.
#[derive(Debug, Clone, Copy)]
enum Run {
    /// One of the sets that need no state.
    Set(Option<&'static Encoding>),
    /// A Japanese set of two bytes a letter, with the escape that chooses it.
    Japanese,
    /// Katakana of one byte a letter (JIS X 0201).
    Katakana,
}

impl Default for Run {
    fn default() -> Self {
        Self::Set(None)
    }
}

impl CharacterSet {
    /// The sets that the value of `SpecificCharacterSet` names.
    pub(crate) fn new(names: &[u8]) -> Self {
        let names = String::from_utf8_lossy(names);
        let mut names = names.split('\\').map(|name| name.trim_matches(['\0', ' ']));
        let first = match names.next() {
            Some("ISO_IR 13" | "ISO 2022 IR 13") => Run::Katakana,
            name => Run::Set(name.and_then(encoding)),
        };
        Self { first }
    }

    /// A text. Bytes above ASCII of a file that names no set, or another one than it writes, are UTF-8 where they can be
    /// it, else Latin-1: other bytes are other letters, so that no two names fall together.
    pub(crate) fn decode(&self, raw: &[u8]) -> String {
        if raw.is_ascii() && !raw.contains(&ESCAPE) {
            return String::from_utf8_lossy(raw).into_owned();
        }
        let mut text = String::new();
        for (number, part) in raw.split(|byte| *byte == ESCAPE).enumerate() {
            if number == 0 {
                decode_run(self.first, part, &mut text);
                continue;
            }
            let (next, escape) = after_escape(part, self.first);
            match next {
                // The decoder wants the escape.
                Run::Japanese => decode_japanese(part, &mut text),
                _ => decode_run(next, &part[escape..], &mut text),
            }
        }
        text
    }
}

/// The set by its defined term; none for ASCII and for what is not known.
fn encoding(name: &str) -> Option<&'static Encoding> {
    let number = name.trim_start_matches("ISO_IR ").trim_start_matches("ISO 2022 IR ");
    Some(match number {
        // Windows sets are the ISO sets of the same language with more letters.
        "100" => WINDOWS_1252,
        "101" => ISO_8859_2,
        "109" => ISO_8859_3,
        "110" => ISO_8859_4,
        "144" => ISO_8859_5,
        "127" => ISO_8859_6,
        "126" => ISO_8859_7,
        "138" => ISO_8859_8,
        "148" => WINDOWS_1254,
        "166" => WINDOWS_874,
        "149" => EUC_KR,
        "58" | "GBK" => GBK,
        "192" => UTF_8,
        "GB18030" => GB18030,
        _ if name.eq_ignore_ascii_case("BIG5") => BIG5,
        _ => return None,
    })
}

/// What the bytes after an escape choose, and how many of them do it.
fn after_escape(part: &[u8], first: Run) -> (Run, usize) {
    match part {
        [b'$', b'B' | b'@', ..] => (Run::Japanese, 2),
        [b'$', b'(', b'D', ..] => (Run::Japanese, 3),
        [b'$', b')', b'C', ..] => (Run::Set(Some(EUC_KR)), 3),
        [b'$', b')', b'A', ..] => (Run::Set(Some(GBK)), 3),
        [b')', b'I', ..] => (Run::Katakana, 2),
        [b'(', b'B' | b'J', ..] => (first, 2),
        [b'-', set, ..] => {
            let name = match set {
                b'A' => "100",
                b'B' => "101",
                b'C' => "109",
                b'D' => "110",
                b'L' => "144",
                b'G' => "127",
                b'F' => "126",
                b'H' => "138",
                b'M' => "148",
                b'T' => "166",
                _ => "",
            };
            (Run::Set(encoding(name)), 2)
        }
        _ => (first, 0),
    }
}

fn decode_run(run: Run, part: &[u8], text: &mut String) {
    match run {
        Run::Katakana => text.extend(part.iter().map(|byte| match byte {
            0xa1..=0xdf => char::from_u32(0xff61 + u32::from(byte - 0xa1)).unwrap_or(' '),
            _ => char::from(*byte),
        })),
        Run::Set(set) => {
            if let Some(decoded) =
                set.and_then(|set| set.decode_without_bom_handling_and_without_replacement(part))
            {
                *text += &decoded;
            } else if let Ok(decoded) = std::str::from_utf8(part) {
                *text += decoded;
            } else {
                // One letter for each byte, also for those that Windows leaves open.
                text.extend(part.iter().map(|byte| char::from(*byte)));
            }
        }
        Run::Japanese => decode_japanese(part, text),
    }
}

fn decode_japanese(part: &[u8], text: &mut String) {
    let escaped = [&[ESCAPE], part].concat();
    let (decoded, _) = ISO_2022_JP.decode_without_bom_handling(&escaped);
    *text += &decoded;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of PS3.5 annexes H, I, J and K.
    #[test]
    fn examples_of_the_standard_are_read() {
        let japanese = CharacterSet::new(b"\\ISO 2022 IR 87");
        let name =
            b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B";
        assert_eq!(japanese.decode(name), "Yamada^Tarou=山田^太郎=やまだ^たろう");
        let korean = CharacterSet::new(b"\\ISO 2022 IR 149");
        let name = b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7";
        assert_eq!(korean.decode(name), "Hong^Gildong=洪^吉洞");
        let chinese = CharacterSet::new(b"GB18030");
        assert_eq!(
            chinese.decode(b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab="),
            "Wang^XiaoDong=王^小东="
        );
        let chinese = CharacterSet::new(b"ISO_IR 192");
        assert_eq!(chinese.decode("王^小东".as_bytes()), "王^小东");
        let latin = CharacterSet::new(b"ISO_IR 100");
        assert_eq!(latin.decode(b"Buc^J\xe9r\xf4me"), "Buc^Jérôme");
        let greek = CharacterSet::new(b"ISO 2022 IR 100\\ISO 2022 IR 126");
        assert_eq!(greek.decode(b"A^\x1b-F\xc4"), "A^Δ");
        assert_eq!(CharacterSet::new(b"ISO_IR 144").decode(b"\xbb\xee"), "Лю");
        let katakana = CharacterSet::new(b"ISO_IR 13");
        assert_eq!(katakana.decode(b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3"), "ﾔﾏﾀﾞ^ﾀﾛｳ");
    }

    #[test]
    fn other_bytes_are_other_letters_where_no_set_or_a_wrong_one_is_named() {
        for names in [&b""[..], b"ISO_IR 6", b"ISO_IR 192", b"unknown"] {
            let set = CharacterSet::new(names);
            let texts: Vec<String> =
                (0x80..=0xff_u8).map(|byte| set.decode(&[b'M', byte])).collect();
            let distinct: std::collections::BTreeSet<_> = texts.iter().collect();
            assert_eq!(distinct.len(), 128, "{names:?}");
            assert_eq!(set.decode("Jörg".as_bytes()), "Jörg");
        }
    }
}
