//! Marks that stand at the ends of sentences.

pub(crate) fn is_leading_mark(character: char) -> bool {
    character.is_whitespace()
        || matches!(
            character,
            '"' | '\u{201c}'
                | '\u{201d}'
                | '*'
                | '-'
                | '+'
                | '>'
                | '.'
                | ','
                | ';'
                | ':'
                | '!'
                | '?'
        )
        || is_bullet(character)
        || ('\u{2010}'..='\u{2015}').contains(&character)
}

pub(crate) fn is_trailing_mark(character: char) -> bool {
    character.is_whitespace()
        || matches!(character, '"' | '\u{201c}' | '\u{201d}' | '*')
        || is_bullet(character)
}

pub(crate) fn is_bullet(character: char) -> bool {
    matches!(
        character,
        '\u{2022}' | '\u{25aa}' | '\u{25cf}' | '\u{25e6}' | '\u{2023}' | '\u{2043}' | '\u{b7}'
    )
}
