//! Reads numbers as reports write them: `0.6`, `.6`, `0,6`, `6·5`, `1,250`.

/// Marks that stand for a decimal point between digits, beside the full stop and the comma.
const DECIMAL_MARKS: [char; 8] =
    ['\u{b7}', '\u{2022}', '\u{2219}', '\u{22c5}', '\u{2027}', '\u{2d9}', '\u{66b}', '\u{30fb}'];
/// Most digits before the decimal point of a size.
const MOST_DIGITS: usize = 9;
/// Most digits that are looked at.
const DIGITS_READ: usize = 16;

/// How many digits the text has from a byte on.
fn digits(text: &str, from: usize) -> usize {
    let bytes = text.as_bytes().iter().skip(from).take(DIGITS_READ);
    bytes.take_while(|byte| byte.is_ascii_digit()).count()
}

/// The length in bytes of the decimal mark at a byte of the text, 0 where there is none.
pub(crate) fn decimal_mark(text: &str, at: usize) -> usize {
    let mark = text.get(at..).and_then(|rest| rest.chars().next());
    mark.filter(|mark| matches!(mark, '.' | ',') || DECIMAL_MARKS.contains(mark))
        .map_or(0, char::len_utf8)
}

/// Whether a number without a digit before its point starts here (`.6 cm`): the point stands after a blank, a bracket
/// or a sign and before a digit.
pub(crate) fn starts_bare_decimal(text: &str, at: usize) -> bool {
    let mark = decimal_mark(text, at);
    if mark == 0 || text.as_bytes().get(at) == Some(&b',') || digits(text, at + mark) == 0 {
        return false;
    }
    let before = text.get(..at).and_then(|left| left.chars().next_back());
    before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '.' | ',' | '/' | ':'))
}

/// The number that starts at a byte of the text, and where it ends; `None` for dates and the like.
pub(crate) fn read_number(text: &str, at: usize) -> Option<(f64, usize)> {
    let whole = digits(text, at);
    if whole > MOST_DIGITS || whole == 0 && digits(text, at + decimal_mark(text, at)) == 0 {
        return None;
    }
    let mut end = at + whole;
    let mut number = format!("0{}", text.get(at..end)?);
    let mark = decimal_mark(text, end);
    let decimals = if mark > 0 { digits(text, end + mark) } else { 0 };
    if decimals > 0 {
        let thousands = text.as_bytes().get(end) == Some(&b',') && decimals == 3 && number != "00";
        if !thousands {
            number.push('.');
        }
        number.push_str(text.get(end + mark..end + mark + decimals)?);
        end += mark + decimals;
    } else if number == "00" && mark > 0 {
        // `0. 6 cm`: a blank has slipped in after the point.
        let rest = text.get(end + mark..)?;
        let blank = rest.len() - rest.trim_start_matches(' ').len();
        let from = end + mark + blank;
        if (1..=2).contains(&blank) && digits(text, from) > 0 {
            let to = from + digits(text, from);
            number.push('.');
            number.push_str(text.get(from..to)?);
            end = to;
        }
    }
    let bytes = text.as_bytes();
    let runs_on = matches!(bytes.get(end), Some(b'.' | b'/' | b':'))
        && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
    let value: f64 = number.parse().ok()?;
    (!runs_on && value.is_finite()).then_some((value, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_in_every_spelling() {
        for (text, value) in [
            ("6", 6.0),
            ("0.6 cm", 0.6),
            (".6 cm", 0.6),
            ("0,6", 0.6),
            ("6\u{b7}5", 6.5),
            ("0,125", 0.125),
            ("1,250 mm", 1250.0),
            ("0. 6 cm", 0.6),
        ] {
            assert_eq!(read_number(text, 0).map(|(value, _)| value), Some(value), "{text}");
        }
        for text in ["22.03.2022", "12/3", "x"] {
            assert_eq!(read_number(text, 0), None, "{text}");
        }
        assert!(starts_bare_decimal("a .6 cm", 2) && starts_bare_decimal("<.6", 1));
        assert!(!starts_bare_decimal("seen.8 mm", 4) && !starts_bare_decimal("3.5", 1));
    }
}
