//! The words of a text as identifiers need them.

/// A word and its limits in the text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word<'a> {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) text: &'a str,
}

impl Word<'_> {
    /// Whether it holds a digit.
    pub(super) fn has_digit(&self) -> bool {
        self.text.bytes().any(|byte| byte.is_ascii_digit())
    }

    /// Whether all of it is digits.
    pub(super) fn is_number(&self) -> bool {
        self.text.bytes().all(|byte| byte.is_ascii_digit())
    }
}

/// What stands between two neighbouring words.
pub(super) fn between<'a>(text: &'a str, left: &Word<'_>, right: &Word<'_>) -> &'a str {
    text.get(left.end..right.start).unwrap_or_default()
}

/// Runs of letters and digits, and of three underscores or more (`___` is one word).
pub(super) fn words(text: &str) -> Vec<Word<'_>> {
    let mut found = Vec::new();
    let mut start: Option<(usize, bool)> = None;
    let mut push = |from: usize, to: usize, line: bool| {
        if let Some(word) = text.get(from..to).filter(|_| !line || to - from >= 3) {
            found.push(Word { start: from, end: to, text: word });
        }
    };
    for (at, character) in text.char_indices() {
        let class = match character {
            '_' => Some(true),
            c if c.is_alphanumeric() => Some(false),
            _ => None,
        };
        if let Some((from, line)) = start
            && class != Some(line)
        {
            push(from, at, line);
            start = None;
        }
        if let Some(line) = class
            && start.is_none()
        {
            start = Some((at, line));
        }
    }
    if let Some((from, line)) = start {
        push(from, text.len(), line);
    }
    found
}
