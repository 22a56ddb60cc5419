//! Tells sizes of an earlier examination from those of the present one.

use super::clause::Clause;
use super::measurement::SizedAt;
use crate::report::text::{Class, Tokens, WordList};

/// How far a word may stand from the size that it dates, in tokens.
const REACH: usize = 12;
/// How far into a clause the words that date all of it may begin, in tokens.
const OPENING: usize = 4;

/// A size and what stands around it.
struct Dated<'a> {
    tokens: Tokens<'a>,
    /// One past the last token of the size before, or 0.
    floor: usize,
    first: usize,
    last: usize,
    /// First token of the size after, or the end of the sentence.
    ceiling: usize,
    /// First token of the clause.
    clause: usize,
    has_other: bool,
}

/// Marks the sizes that the text gives for an earlier examination.
pub(crate) fn mark_prior(tokens: Tokens<'_>, clauses: &[Clause], sizes: &mut [SizedAt]) {
    for at in 0..sizes.len() {
        let Some(own) = sizes.get(at) else { break };
        let dated = Dated {
            tokens,
            floor: at
                .checked_sub(1)
                .and_then(|before| sizes.get(before))
                .map_or(0, |before| before.last),
            first: own.token,
            last: own.last,
            ceiling: sizes.get(at + 1).map_or(tokens.len(), |next| next.token),
            clause: clauses.get(own.clause).map_or(0, |clause| clause.first),
            has_other: sizes.len() > 1,
        };
        let prior = own.size.prior || dated.is_prior();
        if let Some(own) = sizes.get_mut(at) {
            own.size.prior = prior;
        }
    }
}

/// What the words beside a size say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    Earlier,
    Now,
    Nothing,
}

impl Dated<'_> {
    fn is(&self, at: usize, list: WordList) -> bool {
        self.tokens.is(at, list)
    }

    fn is_prior(&self) -> bool {
        match self.led_by() {
            Said::Now => return false,
            Said::Earlier => return self.followed_by() != Said::Now,
            Said::Nothing => {}
        }
        match self.followed_by() {
            Said::Now => false,
            Said::Earlier => true,
            Said::Nothing => self.opens_earlier() || self.was_until_now(),
        }
    }

    /// The word that leads to the size through words that only fill: `previously 8 mm`, `last CT: 10 mm`, `(was 5 mm)`,
    /// `unchanged from 8 mm`, `compared with 43 mm`.
    fn led_by(&self) -> Said {
        let floor = self.floor.max(self.first.saturating_sub(REACH));
        let (mut comma, mut was, mut from) = (false, false, None);
        for at in (floor..self.first).rev() {
            if self.is(at, WordList::PresentSize) {
                return Said::Now;
            }
            if self.is(at, WordList::EarlierSize) {
                // `Compared with the previous study, 12 mm.`
                let compared = comma && self.is_compared(at);
                return if compared { Said::Nothing } else { Said::Earlier };
            }
            let versus =
                self.is(at, WordList::Versus) || self.is(at, WordList::ComparedWithEarlier);
            if versus && !comma {
                return if self.has_other { Said::Earlier } else { Said::Nothing };
            }
            if self.is(at, WordList::RangeFrom) && from.is_none() {
                from = Some(at);
                continue;
            }
            match self.tokens.class(at) {
                // `8 mm (was 5 mm)`, `8 mm, formerly 5 mm`.
                Some(Class::Open | Class::Comma) if was && self.floor > 0 => return Said::Earlier,
                Some(Class::Comma) => comma = true,
                Some(Class::Open | Class::Colon | Class::Number) => {}
                Some(Class::Mark) if self.tokens.word(at) != "." => {}
                _ if self.is(at, WordList::Was) => was = true,
                _ if self.is(at, WordList::SizeFiller) || self.is(at, WordList::Month) => {}
                _ => break,
            }
        }
        let from_earlier = from.is_some_and(|from| self.grew_from(from));
        if from_earlier { Said::Earlier } else { Said::Nothing }
    }

    /// `Unchanged from 8 mm`, `up from 6 mm`, `decreased from 12 mm`: a size or a change stands before.
    fn grew_from(&self, from: usize) -> bool {
        let start = from.saturating_sub(REACH);
        let changed = (start..from).any(|at| {
            let word = self.tokens.word(at);
            let stems = self.tokens.lists.words(WordList::ChangeVerb);
            stems.iter().any(|stem| word.starts_with(stem.as_str()))
        });
        changed || self.floor > 0 && from.saturating_sub(self.floor) <= 3
    }

    /// Whether the word that speaks of an earlier examination is part of a comparison.
    fn is_compared(&self, at: usize) -> bool {
        (at.saturating_sub(4)..at).any(|before| self.is(before, WordList::Comparing))
    }

    /// `8 mm previously`, `5 mm on the prior`, `43 mm in 2018`, `12 mm (May 2019)`, `5 mm six months ago`.
    fn followed_by(&self) -> Said {
        let end = self.ceiling.min(self.last + REACH);
        let mut crossed = false;
        for at in self.last..end {
            let class = self.tokens.class(at);
            if self.is(at, WordList::PresentSize) {
                let next = crossed && self.leads_to_next(at);
                return if next { Said::Nothing } else { Said::Now };
            }
            let earlier =
                self.is(at, WordList::EarlierSize) || self.is(at, WordList::EarlierAdverb);
            if earlier || self.is_date(at) {
                let next = crossed && self.leads_to_next(at);
                return if next { Said::Nothing } else { Said::Earlier };
            }
            match class {
                Some(Class::Comma | Class::Open) if !crossed => crossed = true,
                Some(Class::Preposition | Class::Determiner | Class::Close) => {}
                Some(Class::Number) if self.is(at + 1, WordList::TimeUnit) => {}
                _ if self.is(at, WordList::SizeFiller)
                    || self.is(at, WordList::SizeNoun)
                    || self.is(at, WordList::TimeUnit) => {}
                _ => break,
            }
        }
        Said::Nothing
    }

    /// Whether another size follows what stands at `at` with neither comma nor bracket between.
    fn leads_to_next(&self, at: usize) -> bool {
        self.ceiling < self.tokens.len()
            && (at..self.ceiling).all(|at| {
                !matches!(
                    self.tokens.class(at),
                    Some(Class::Comma | Class::Close | Class::Semicolon)
                )
            })
    }

    /// `In 2018`, `in May`, `(05/2020)`: a date after a preposition or in brackets, beside another size.
    fn is_date(&self, at: usize) -> bool {
        let led = at.checked_sub(1).is_some_and(|before| {
            matches!(
                self.tokens.class(before),
                Some(Class::Preposition | Class::Open | Class::Number)
            ) || self.is(before, WordList::Month)
        });
        let year = |word: &str| {
            word.len() == 4
                && (word.starts_with("19") || word.starts_with("20"))
                && word.bytes().all(|byte| byte.is_ascii_digit())
        };
        let word = self.tokens.word(at);
        let dated = year(word)
            || self.has_other
                && (self.is(at, WordList::Month)
                    || word.contains(['/', '.']) && word.starts_with(|c: char| c.is_ascii_digit()));
        led && dated
    }

    /// `Previously, the nodule measured 5 mm`: the clause opens with an earlier examination and its verb is past.
    fn opens_earlier(&self) -> bool {
        let opening = self.clause.max(self.floor);
        let Some(at) = (opening..self.first.min(opening + OPENING))
            .find(|&at| self.is(at, WordList::EarlierSize))
        else {
            return false;
        };
        let described = |at: usize| {
            self.tokens.class(at) == Some(Class::VerbPart) || self.is(at, WordList::Described)
        };
        let mut verbs = (at..self.first).filter(|&at| {
            self.tokens.class(at) == Some(Class::FiniteVerb) || self.is(at, WordList::Was)
        });
        let past = verbs.next_back().is_some_and(|verb| self.is(verb, WordList::Was));
        let only = verbs.next_back().is_none();
        past && only
            && !described(at + 1)
            && !self.is_compared(at)
            && !self.says_now(at, self.first)
    }

    /// `The cyst was 20 mm and is now 26 mm.`
    fn was_until_now(&self) -> bool {
        let was = (self.floor.max(self.first.saturating_sub(3))..self.first)
            .any(|at| self.is(at, WordList::Was));
        was && self.ceiling < self.tokens.len() && self.says_now(self.last, self.tokens.len())
    }

    fn says_now(&self, from: usize, to: usize) -> bool {
        (from..to).any(|at| self.is(at, WordList::PresentSize))
    }
}

#[cfg(test)]
mod tests {
    use crate::report::lexicon::Lexicon;
    use crate::report::mention::analyse;

    #[test]
    fn earlier_sizes_are_told_apart() {
        let lexicon = Lexicon::builtin().expect("the built-in lexicon loads");
        for (text, expected) in [
            ("measures 12 mm (previously 8 mm)", &[false, true][..]),
            ("grown from 8 mm to 12 mm", &[true, false]),
            ("8 mm on the prior, now 12 mm", &[true, false]),
            ("measures 8 mm (was 5 mm)", &[false, true]),
            ("a nodule was measured as 5 mm", &[false]),
            ("14 mm, baseline 22 mm", &[false, true]),
            ("8 mm, unchanged from 8 mm", &[false, true]),
            ("the cyst was 20 mm and is now 26 mm", &[true, false]),
            ("node 1.1 cm today vs. 1.6 cm in May", &[false, true]),
            ("5 mm in 2019, 7 mm today", &[true, false]),
            ("Initially 40 mm, the mass now measures 28 mm", &[true, false]),
            ("Previously the nodule measured 5 mm", &[true]),
            ("Compared with the previous study, the nodule measures 9 mm", &[false]),
            ("Prior granulomatous disease with a 6 mm nodule", &[false]),
            ("The previously described nodule was measured as 9 mm", &[false]),
            ("8 mm previously, 12 mm now", &[true, false]),
            ("a 5 mm nodule 3 cm from the carina", &[false, false]),
        ] {
            let analysis = analyse(&lexicon, text, 0, text.len());
            let found: Vec<bool> = analysis.sizes.iter().map(|sized| sized.size.prior).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
