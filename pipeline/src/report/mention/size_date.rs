//! The date that a text gives a size: `8 mm on 12.03.2021`, `(15/03/2024: 8 mm)`.

use super::analysis::Analysis;
use super::measurement::SizedAt;
use crate::report::lexicon::Lexicon;
use crate::report::parsed::{Reference, ReferenceKind};
use crate::report::text::{Class, Tokens, WordList};

/// How far a date may stand from its size, in tokens.
const REACH: usize = 8;

/// The one of the sentence's dates that is the size's: the first after it, else the last before it, with nothing between
/// but words that lead from one to the other.
pub(crate) fn date_of(
    lexicon: &Lexicon,
    analysis: &Analysis,
    references: &[Reference],
    size: &SizedAt,
) -> Option<(u32, u32)> {
    let tokens =
        Tokens { text: &analysis.folded.text, all: &analysis.tokens, lists: &lexicon.words };
    let at = |byte: u32| {
        analysis
            .tokens
            .partition_point(|token| analysis.folded.span(token.start, token.end).0 < byte)
    };
    let mut dates =
        references.iter().filter(|reference| reference.kind == ReferenceKind::Date).peekable();
    dates.peek()?;
    let measured = |from: usize, to: usize| {
        analysis.sizes.iter().any(|other| from <= other.token && other.token < to)
    };
    let mut before = None;
    for date in dates {
        let (first, last) = (at(date.start), at(date.end));
        if first >= size.last {
            let near = first - size.last <= REACH && !measured(size.last, first);
            // The date of the next size stands before that one.
            let next = analysis.sizes.iter().any(|other| other.token == skip(&tokens, last));
            if near && !next && leads(&tokens, size.last, first) {
                return Some((date.start, date.end));
            }
            break;
        }
        let near = last <= size.token && size.token - last <= REACH && !measured(last, size.token);
        let compared =
            (first.saturating_sub(REACH)..first).any(|at| tokens.is(at, WordList::Comparing));
        if near && !compared && leads(&tokens, last, size.token) {
            before = Some((date.start, date.end));
        }
    }
    before
}

/// The first token from `at` on that is no comma, colon or word that only fills.
fn skip(tokens: &Tokens<'_>, at: usize) -> usize {
    let fills = |at: usize| {
        matches!(tokens.class(at), Some(Class::Comma | Class::Colon))
            || tokens.is(at, WordList::SizeFiller)
    };
    (at..tokens.len()).find(|&at| !fills(at)).unwrap_or(at)
}

fn leads(tokens: &Tokens<'_>, from: usize, to: usize) -> bool {
    (from..to).all(|at| {
        matches!(
            tokens.class(at),
            Some(
                Class::Open
                    | Class::Comma
                    | Class::Colon
                    | Class::Preposition
                    | Class::Determiner
                    | Class::Number
            )
        ) || [WordList::SizeFiller, WordList::SizeNoun, WordList::EarlierSize, WordList::Was]
            .iter()
            .any(|&list| tokens.is(at, list))
    })
}

#[cfg(test)]
mod tests {
    use crate::ingest::ReportDocument;
    use crate::report::ReportParser;

    #[test]
    fn a_size_has_the_date_beside_it() {
        let parser = ReportParser::builtin().expect("the built-in lexicon loads");
        for (text, expected) in [
            ("A 12 mm nodule (8 mm on 12.03.2021).", &[None, Some("12.03.2021")][..]),
            ("Nodule, 15/03/2024: 8 mm.", &[Some("15/03/2024")]),
            ("8 mm (02/2020), 12 mm today.", &[Some("02/2020"), None]),
            ("Compared with 12.03.2021 the nodule is 9 mm.", &[None]),
            ("On 01.02.2020 5 mm, on 03.04.2021 7 mm.", &[Some("01.02.2020"), Some("03.04.2021")]),
            ("A 5 mm nodule. Seen on 01.02.2020.", &[None]),
        ] {
            let parsed = parser.parse(&ReportDocument::from_text("a", text));
            let dates: Vec<Option<&str>> = parsed
                .measurements
                .iter()
                .map(|size| Some(&text[size.date_start? as usize..size.date_end? as usize]))
                .collect();
            assert_eq!(dates, expected, "{text}");
        }
    }
}
