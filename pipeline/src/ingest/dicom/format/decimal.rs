//! Decimal strings as real files write them.

/// What an element of one decimal number holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Decimal {
    /// The element is not there.
    Missing,
    /// It is there and blank.
    Blank,
    /// It holds a number.
    Number(f64),
    /// It holds something else.
    Unreadable(String),
}

impl Decimal {
    /// The number, where it is one.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }
}

/// One decimal string. Blanks of every kind around it, a decimal comma, a minus sign of typography and the unit `HU`
/// after it are the liberties of real files; anything else that is no finite number is unreadable. A number with a comma
/// and a point is one of those, since either may part the thousands.
pub(crate) fn decimal(raw: &[u8]) -> Decimal {
    // A no-break space is one byte in Latin-1 and two in UTF-8.
    let text: String = String::from_utf8(raw.to_vec())
        .unwrap_or_else(|_| raw.iter().map(|byte| char::from(*byte)).collect());
    let text = text.trim_matches(|letter: char| letter.is_whitespace() || letter.is_control());
    if text.is_empty() {
        return Decimal::Blank;
    }
    let mut number = text.replace('\u{2212}', "-");
    if let Some(bare) = number.to_ascii_uppercase().strip_suffix("HU") {
        number.truncate(bare.trim_end().len());
    }
    if number.matches(',').count() == 1 && !number.contains('.') {
        number = number.replace(',', ".");
    }
    match number.parse::<f64>() {
        Ok(number) if number.is_finite() => Decimal::Number(number),
        _ => Decimal::Unreadable(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn liberties_of_real_files_are_numbers_and_guesses_are_not() {
        let numbers: [(&[u8], f64); 9] = [
            (b"-1024 ", -1024.0),
            (b"-1024\0", -1024.0),
            (b"-1024,5", -1024.5),
            (b"-1024\r\n", -1024.0),
            (b"\xa0-1024\xa0", -1024.0),
            ("\u{a0}\u{2212}1024".as_bytes(), -1024.0),
            (b"-1024 HU", -1024.0),
            (b"+1.0E0", 1.0),
            (b".5", 0.5),
        ];
        for (raw, expected) in numbers {
            assert_eq!(decimal(raw), Decimal::Number(expected), "{raw:?}");
        }
        for raw in
            [&b"-1.024,0"[..], b"1,024,0", b"nan", b"inf", b"1e999", b"abc", b"--1", b"-1024 mg"]
        {
            assert!(matches!(decimal(raw), Decimal::Unreadable(_)), "{raw:?}");
        }
        assert_eq!(decimal(b"  \0"), Decimal::Blank);
    }
}
