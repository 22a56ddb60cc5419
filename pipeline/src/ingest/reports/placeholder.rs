//! The one rule for what stands in the place of a report and is not one.

/// What tables hold where there is no text, in lower case: the values that pandas writes or takes for missing ones, and
/// what corpora of reports say instead.
const PLACEHOLDERS: [&str; 17] = [
    "nan",
    "-nan",
    "none",
    "null",
    "na",
    "n/a",
    "#n/a",
    "#na",
    "#n/a n/a",
    "<na>",
    "nat",
    "1.#qnan",
    "-1.#qnan",
    "1.#ind",
    "-1.#ind",
    "not given",
    "none given",
];

/// Whether `text`, all of a report or of one of its columns, says that there is none: it is blank, holds no letter and
/// no digit, or is one of the words that tables hold for a missing value.
///
/// Every reader of reports asks this and nothing else, so that a report that is missing is missing however it was
/// stored.
pub fn is_placeholder(text: &str) -> bool {
    if !text.contains(char::is_alphanumeric) {
        return true;
    }
    let bare = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '.' | '"' | '\''));
    PLACEHOLDERS.iter().any(|placeholder| bare.eq_ignore_ascii_case(placeholder))
}

/// `text`, or nothing where it is a placeholder.
pub(crate) fn given(text: &str) -> &str {
    if is_placeholder(text) { "" } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pandas_writes_for_a_missing_value_is_not_a_report() {
        // `pandas._libs.parsers.STR_NA_VALUES`, version 2.2, with what `str()` and `to_csv` make of None, NaN and NaT.
        let of_pandas = [
            "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND",
            "1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null", "NaT",
        ];
        for text in of_pandas {
            assert!(is_placeholder(text), "{text:?}");
            assert_eq!(given(&format!(" {text}\r\n")), "", "{text:?}");
        }
        for text in
            [" \u{a0}\n", "-", "...", "Not given.", "not given", "None given.", "\"nan\"", "N/A."]
        {
            assert!(is_placeholder(text), "{text:?}");
        }
    }

    #[test]
    fn a_short_report_is_a_report() {
        for text in [
            "Normal.",
            "No change.",
            "Nanoid nodule.",
            "None of the nodules grew.",
            "NA nodule",
            "0",
            "Ø",
            "正常",
        ] {
            assert!(!is_placeholder(text), "{text:?}");
            assert_eq!(given(text), text);
        }
    }
}
