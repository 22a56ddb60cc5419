//! What stands at the ends of sentences: abbreviations, list marks and words that open one.

/// Abbreviations after which a full stop never ends a sentence.
pub(crate) const NEVER_FINAL: &[&str] = &[
    "dr", "prof", "mr", "mrs", "ms", "st", "vs", "approx", "fig", "figs", "cf", "resp", "incl",
    "esp", "asst", "assoc", "ser", "img", "im", "vol", "ref", "etc", "mt",
];
/// Abbreviations after which only a capital starts a new sentence.
pub(crate) const FINAL_BEFORE_CAPITAL: &[&str] = &[
    "cm", "mm", "ml", "cc", "min", "max", "sec", "hr", "hrs", "ca", "dept", "adm", "temp", "pt",
    "diff", "seg", "p", "pp", "co", "inc", "lat", "med", "ant", "post", "sup", "inf", "bil",
    "bilat", "rt", "lt", "no",
];

/// Words that open sentences: after an initial or an acronym, a name goes on and these do not.
const OPENERS: &[&str] = &[
    "a", "an", "and", "are", "as", "at", "both", "but", "did", "do", "does", "for", "from", "he",
    "her", "his", "how", "i", "if", "in", "is", "it", "its", "mild", "no", "not", "on", "our",
    "she", "small", "some", "that", "the", "their", "there", "these", "they", "this", "those",
    "to", "two", "was", "we", "were", "what", "when", "where", "which", "who", "why", "with",
    "you",
];

/// Whether sentences often start with this word.
pub(crate) fn opens_sentence(word: &str) -> bool {
    OPENERS.contains(&word.to_lowercase().as_str())
}

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
