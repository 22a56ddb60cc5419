//! Reads the lexicon's TSV tables: `#` starts a comment line, columns are trimmed, `-` is empty.

use super::error::LexiconError;
use super::template::expand;
use crate::report::text::fold_phrase;

/// A row that is neither blank nor a comment.
pub(crate) struct Row<'a> {
    /// Line in the file, from 1.
    pub(crate) line: usize,
    text: &'a str,
}

/// The rows of a table without its header.
pub(crate) fn rows(text: &str) -> impl Iterator<Item = Row<'_>> {
    text.lines()
        .enumerate()
        .map(|(index, line)| Row { line: index + 1, text: line.trim_end_matches('\r') })
        .filter(|row| !row.text.trim().is_empty() && !row.text.starts_with('#'))
}

impl<'a> Row<'a> {
    /// The first `N` columns.
    pub(crate) fn columns<const N: usize>(&self, file: &str) -> Result<[&'a str; N], LexiconError> {
        let columns: Vec<&str> = self.text.split('\t').map(str::trim).collect();
        columns.get(..N).and_then(|first| <[&str; N]>::try_from(first).ok()).ok_or_else(|| {
            LexiconError::Columns {
                file: file.to_owned(),
                line: self.line,
                found: columns.len(),
                expected: N,
            }
        })
    }
}

impl Row<'_> {
    /// The folded phrases that a column stands for.
    pub(crate) fn phrases(&self, file: &str, template: &str) -> Result<Vec<String>, LexiconError> {
        let phrases = expand(template).ok_or_else(|| self.bad(file, "phrase", template))?;
        Ok(phrases.iter().map(|phrase| fold_phrase(phrase)).collect())
    }

    pub(crate) fn bad(&self, file: &str, column: &'static str, value: &str) -> LexiconError {
        LexiconError::Value {
            file: file.to_owned(),
            line: self.line,
            column,
            value: value.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_blank_lines_are_no_rows() {
        let table = "# words\r\nno\tnegated\n\nnot\tnegated\n";
        let found: Vec<[&str; 2]> =
            rows(table).map(|row| row.columns("t").expect("two columns")).collect();
        assert_eq!(found, [["no", "negated"], ["not", "negated"]]);
        let error = rows("a\n").next().expect("one row").columns::<2>("t").expect_err("one column");
        assert!(error.to_string().contains("line 1"));
    }
}
