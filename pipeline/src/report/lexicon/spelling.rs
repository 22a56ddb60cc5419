//! Other spellings of a word: the British one, and one with a single wrong letter.

/// American spellings inside words and what British English writes for them.
#[derive(Debug, Default)]
pub(crate) struct Spellings {
    pairs: Vec<(String, String)>,
    /// For each byte, the American spellings that start with it; empty while there is none.
    by_first: Vec<Vec<String>>,
}

impl Spellings {
    pub(crate) fn add(&mut self, american: &str, british: &str) {
        self.by_first.resize(256, Vec::new());
        let first = american.bytes().next();
        if let Some(starts) = first.and_then(|byte| self.by_first.get_mut(usize::from(byte))) {
            starts.push(american.to_owned());
            self.pairs.push((american.to_owned(), british.to_owned()));
        }
    }

    /// The British spelling of a folded phrase, if it is another one.
    pub(crate) fn british(&self, phrase: &str) -> Option<String> {
        // Most phrases hold none of them; one walk over pairs of letters tells.
        let bytes = phrase.as_bytes();
        let holds =
            bytes.iter().zip(bytes.iter().skip(1)).enumerate().any(|(at, (first, second))| {
                let starts =
                    self.by_first.get(usize::from(*first)).map(Vec::as_slice).unwrap_or_default();
                starts.iter().any(|american| {
                    american.as_bytes().get(1) == Some(second)
                        && bytes.get(at..).is_some_and(|rest| rest.starts_with(american.as_bytes()))
                })
            });
        if !holds {
            return None;
        }
        let mut spelt = None;
        for (american, british) in &self.pairs {
            let now = spelt.as_deref().unwrap_or(phrase);
            if now.contains(american.as_str()) && !now.contains(british.as_str()) {
                spelt = Some(now.replace(american.as_str(), british));
            }
        }
        spelt.filter(|spelt| spelt != phrase)
    }
}

/// Whether two words of ASCII have the same letters in any order.
pub(crate) fn same_letters(a: &str, b: &str) -> bool {
    let counts = |word: &str| {
        let mut counts = [0_u8; 128];
        for byte in word.bytes() {
            if let Some(count) = counts.get_mut(usize::from(byte)) {
                *count = count.saturating_add(1);
            }
        }
        counts
    };
    counts(a) == counts(b)
}

/// Whether one insertion, deletion, substitution or swap of neighbours turns `a` into `b`.
pub(crate) fn within_one_edit(a: &[u8], b: &[u8]) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if long.len() - short.len() > 1 {
        return false;
    }
    let prefix = short.iter().zip(long).take_while(|(x, y)| x == y).count();
    let suffix = short.iter().rev().zip(long.iter().rev()).take_while(|(x, y)| x == y).count();
    if prefix + suffix + 1 >= long.len() {
        return true;
    }
    // Two neighbouring letters changed places.
    short.len() == long.len()
        && prefix + suffix + 2 == long.len()
        && short.get(prefix) == long.get(prefix + 1)
        && short.get(prefix + 1) == long.get(prefix)
}

#[cfg(test)]
mod tests {
    use super::super::tsv::rows;
    use super::*;

    #[test]
    fn american_words_have_a_british_spelling() {
        let table = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/lexicon/spellings.tsv"));
        let mut spellings = Spellings::default();
        for row in rows(table) {
            let [american, british] = row.columns("spellings.tsv").expect("two columns");
            spellings.add(american, british);
        }
        let pairs = [
            ("pulmonary edema", "pulmonary oedema"),
            ("gastroesophageal reflux", "gastro oesophageal reflux"),
            ("subarachnoid hemorrhage", "subarachnoid haemorrhage"),
            ("organizing pneumonia", "organising pneumonia"),
        ];
        for (american, expected) in pairs {
            assert_eq!(spellings.british(american).as_deref(), Some(expected));
            assert_eq!(spellings.british(expected), None, "{expected} is British already");
        }
        assert_eq!(spellings.british("hemithorax, 5 mm sized"), None);
    }

    #[test]
    fn one_edit_is_one_letter_or_one_swap() {
        for (wrong, right) in
            [("efusion", "effusion"), ("effussion", "effusion"), ("pneumothroax", "pneumothorax")]
        {
            assert!(within_one_edit(wrong.as_bytes(), right.as_bytes()), "{wrong}");
        }
        assert!(!within_one_edit(b"perfusion", b"effusion"));
        assert!(same_letters("pneumothroax", "pneumothorax"));
        assert!(!same_letters("hepatoma", "hematoma"));
    }
}
