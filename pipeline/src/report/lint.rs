//! What is wrong with the rows of a lexicon though they can be read.

use std::collections::BTreeMap;

use schemas::named_enum;
use serde::Serialize;

use super::lexicon::{GivenPhrase, Lexicon, LexiconError, PhraseKind, USER_FILE};
use super::mention::{find_hits, is_finding};
use super::text::{Tokens, tokenise};

named_enum! {
    /// What is wrong with a row.
    #[derive(PartialOrd, Ord)]
    pub enum LintKind {
        /// No text makes the parser read the phrase as the row says.
        Unreachable = "unreachable",
        /// Later rows of the same file give every phrase of the row another meaning.
        Shadowed = "shadowed",
        /// Later rows of the same file give some phrases of the row another meaning.
        PartlyShadowed = "partly_shadowed",
        /// The phrase is a finding and, in another table, a cue or a change, too: it is read as both.
        Ambiguous = "ambiguous",
        /// The row takes over a phrase that an earlier file gives another meaning. That is what a lexicon of one's own is for;
        /// it is listed so that it does not happen by chance.
        TakesOver = "takes_over",
        /// An earlier row says the same.
        Repeated = "repeated",
    }
}

impl LintKind {
    /// Whether the row does not do what it says.
    pub fn is_error(self) -> bool {
        matches!(self, Self::Unreachable | Self::Shadowed)
    }
}

/// Something wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LintFinding {
    /// File of the row.
    pub file: String,
    /// Its line, from 1.
    pub line: usize,
    /// What is wrong.
    pub kind: LintKind,
    /// The phrase, the first one of a row that stands for many.
    pub phrase: String,
    /// How many phrases of the row it is true of.
    pub phrases: usize,
    /// What the phrase is read as instead or besides.
    pub message: String,
}

/// Looks through the rows of a user's lexicon on top of the built-in one, or without one through the built-in rows. Findings
/// come by file, line and kind, one of each kind a row.
///
/// # Errors
/// When a row is not valid.
pub fn lint(user: Option<&str>) -> Result<Vec<LintFinding>, LexiconError> {
    let (lexicon, rows) = Lexicon::load_with_rows(user)?;
    let mut found = Found { lexicon: &lexicon, user: user.is_some(), rows: BTreeMap::new() };
    let mut phrases: BTreeMap<(&str, usize), usize> = BTreeMap::new();
    for row in &rows {
        *phrases.entry((&row.file, row.line)).or_default() += 1;
    }
    let mut last: BTreeMap<(&str, PhraseKind), &GivenPhrase> = BTreeMap::new();
    for row in &rows {
        if let Some(before) = last.insert((&row.phrase, row.kind), row) {
            found.given_again(before, row);
        }
    }
    for row in last.values() {
        if !found.is_asked_for(row) {
            continue;
        }
        if let Some(message) = unreachable(&lexicon, row) {
            found.add(row, LintKind::Unreachable, message);
        }
        let finding = last.get(&(row.phrase.as_str(), PhraseKind::Concept));
        let finding = finding.filter(|other| is_finding(lexicon.kind(other.entry)));
        if let Some(other) =
            finding.filter(|_| row.kind != PhraseKind::Concept && decides(&lexicon, row))
        {
            found.add(row, LintKind::Ambiguous, format!("is {}, too", meaning(&lexicon, other)));
        }
    }
    let mut findings: Vec<LintFinding> = found.rows.into_values().collect();
    for finding in &mut findings {
        let all = phrases.get(&(&*finding.file, finding.line)).copied().unwrap_or_default();
        if finding.kind == LintKind::Shadowed && finding.phrases < all {
            finding.kind = LintKind::PartlyShadowed;
        }
    }
    Ok(findings)
}

struct Found<'a> {
    lexicon: &'a Lexicon,
    user: bool,
    rows: BTreeMap<(String, usize, LintKind), LintFinding>,
}

impl Found<'_> {
    fn is_asked_for(&self, row: &GivenPhrase) -> bool {
        (row.file == USER_FILE) == self.user
    }

    fn given_again(&mut self, before: &GivenPhrase, row: &GivenPhrase) {
        if (&before.file, before.line) == (&row.file, row.line) || !self.is_asked_for(row) {
            return;
        }
        let (earlier, later) = (meaning(self.lexicon, before), meaning(self.lexicon, row));
        let at = |row: &GivenPhrase| format!("`{}` line {}", row.file, row.line);
        if earlier == later {
            self.add(row, LintKind::Repeated, format!("{} says so, too", at(before)));
        } else if before.file == row.file {
            let message = format!("{earlier}, but {} makes it {later}", at(row));
            self.add(before, LintKind::Shadowed, message);
        } else {
            let message = format!("{later}, where {} has {earlier}", at(before));
            self.add(row, LintKind::TakesOver, message);
        }
    }

    fn add(&mut self, row: &GivenPhrase, kind: LintKind, message: String) {
        let finding = self.rows.entry((row.file.clone(), row.line, kind));
        finding.and_modify(|finding| finding.phrases += 1).or_insert_with(|| LintFinding {
            file: row.file.clone(),
            line: row.line,
            kind,
            phrase: row.phrase.clone(),
            phrases: 1,
            message,
        });
    }
}

/// Whether a row of cues or changes decides anything.
fn decides(lexicon: &Lexicon, row: &GivenPhrase) -> bool {
    match row.kind {
        PhraseKind::Concept => true,
        PhraseKind::Cue => lexicon.cues.get(row.entry).is_some_and(|cue| cue.rule.is_some()),
        PhraseKind::Change => lexicon.changes.get(row.entry).is_some_and(|c| c.change.is_some()),
    }
}

fn meaning(lexicon: &Lexicon, row: &GivenPhrase) -> String {
    match row.kind {
        PhraseKind::Concept => lexicon.describe_concept(row.entry),
        PhraseKind::Cue => lexicon.describe_cue(row.entry),
        PhraseKind::Change => lexicon.describe_change(row.entry),
    }
}

/// The texts that a phrase is looked for in: alone, and beside what a letter for a side and a vertebra that is named like
/// a sequence need.
const FRAMES: [(&str, &str); 3] = [("", ""), ("", " effusion"), ("at ", "")];

/// What the phrase is read as in the place of what its row says; none where it is read so in one of the frames.
fn unreachable(lexicon: &Lexicon, row: &GivenPhrase) -> Option<String> {
    let mut alone = Vec::new();
    for (before, after) in FRAMES {
        let text = format!("{before}{}{after}", row.phrase);
        let limits = (before.len(), before.len() + row.phrase.len());
        let tokens = tokenise(&lexicon.words, &text);
        let hits = find_hits(lexicon, Tokens { text: &text, all: &tokens, lists: &lexicon.words });
        let hits = match row.kind {
            PhraseKind::Concept => hits.concepts,
            PhraseKind::Cue => hits.cues,
            PhraseKind::Change => hits.changes,
        };
        if hits.iter().any(|hit| hit.entry == row.entry && (hit.start, hit.end) == limits) {
            return None;
        }
        if before.is_empty() && after.is_empty() {
            alone = hits;
        }
    }
    let instead: Vec<String> = alone
        .iter()
        .filter_map(|hit| {
            let words = row.phrase.get(hit.start..hit.end)?;
            let other = GivenPhrase { entry: hit.entry, ..row.clone() };
            Some(format!("`{words}` as {}", meaning(lexicon, &other)))
        })
        .collect();
    let read = if instead.is_empty() { "nothing".to_owned() } else { instead.join(", ") };
    Some(format!("{} is never read; of the phrase the parser reads {read}", meaning(lexicon, row)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(rows: &str) -> Vec<(usize, LintKind)> {
        let found = lint(Some(rows)).expect("the rows are valid");
        found.into_iter().map(|finding| (finding.line, finding.kind)).collect()
    }

    #[test]
    fn each_fault_of_a_row_is_told() {
        let concept = "concept\tpreferred\tsurface\tkind\tparent\tside\torgan\n";
        let rows = format!(
            "{concept}\
             whorl\twhorl\twhorl sign\tobservation\t-\t-\tlung\n\
             swirl\tswirl\twhorl sign\tobservation\t-\t-\tlung\n\
             swirl\tswirl\twhorl sign\tobservation\t-\t-\tlung\n\
             phrase\tcategory\tdirection\tmax_tokens\tlikelihood\n\
             whorl sign\tnegated\tforward\t0\t0.0\n\
             no\tpossible\tforward\t0\t0.5\n"
        );
        assert_eq!(
            kinds(&rows),
            [
                (2, LintKind::Shadowed),
                (4, LintKind::Repeated),
                (6, LintKind::Ambiguous),
                (7, LintKind::TakesOver),
            ]
        );
        assert_eq!(kinds(&format!("{concept}whorl\twhorl\twhorl\tobservation\t-\t-\tlung\n")), []);
    }

    #[test]
    fn every_built_in_row_does_what_it_says() {
        let found = lint(None).expect("the tables are valid");
        let errors: Vec<&LintFinding> =
            found.iter().filter(|finding| finding.kind.is_error()).collect();
        assert_eq!(errors, Vec::<&LintFinding>::new());
    }
}
