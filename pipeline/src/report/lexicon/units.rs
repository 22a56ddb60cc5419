//! Units of length.

/// Units of length, the longest first, and how many millimetres each has.
#[derive(Debug, Default)]
pub(crate) struct Units(Vec<(String, f64)>);

impl Units {
    /// Adds a unit, or takes over the one of this name.
    pub(crate) fn add(&mut self, unit: &str, millimetres: f64) {
        self.0.retain(|(known, _)| known != unit);
        self.0.push((unit.to_owned(), millimetres));
        self.0.sort_by_key(|(unit, _)| std::cmp::Reverse(unit.len()));
    }

    /// The unit that the text starts with, in any case: its length in bytes and its millimetres.
    pub(crate) fn at_start(&self, text: &str) -> Option<(usize, f64)> {
        let starts = |unit: &str| {
            text.get(..unit.len()).is_some_and(|start| start.eq_ignore_ascii_case(unit))
        };
        self.0.iter().find(|(unit, _)| starts(unit)).map(|(unit, scale)| (unit.len(), *scale))
    }

    /// Whether the word is a unit.
    pub(crate) fn has(&self, word: &str) -> bool {
        self.0.iter().any(|(unit, _)| unit.eq_ignore_ascii_case(word))
    }
}
