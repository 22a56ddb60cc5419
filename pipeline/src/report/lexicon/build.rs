//! Builds the lexicon from its tables: concepts with their wordings, cues, change phrases and headings.

use std::collections::BTreeMap;

use super::compiled::Lexicon;
use super::entries::{
    ChangeEntry, Concept, CueCategory, CueEntry, Direction, Heading, Meaning, NeedsPrior,
};
use super::error::LexiconError;
use super::inflection::plurals;
use super::organ::ORGANS;
use super::spelling::Spellings;
use super::trie::PhraseTrie;
use super::tsv::{Row, rows};
use super::units::Units;
use crate::report::parsed::{Change, NodeKind, SectionKind, Side};
use crate::report::rule::Rule;
use crate::report::text::{WordList, WordLists, fold_phrase};

/// A table of the lexicon: one file, one header, one reader.
struct Table {
    file: &'static str,
    text: &'static str,
    /// Names of the first columns, which the header starts with.
    header: &'static str,
    read: fn(&mut Builder, file: &str, text: &str) -> Result<(), LexiconError>,
}

macro_rules! table {
    ($file:literal, $header:literal, $read:path) => {
        Table {
            file: $file,
            text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/lexicon/", $file)),
            header: $header,
            read: $read,
        }
    };
}

/// The tables built into the program, in the order in which they are read: spellings apply to the phrases of the
/// tables after them.
const TABLES: [Table; 7] = [
    table!("words.tsv", "list\tword", Builder::word_rows),
    table!("spellings.tsv", "american\tbritish", Builder::spelling_rows),
    table!("units.tsv", "unit\tmillimetres", Builder::unit_rows),
    table!("concepts.tsv", "concept\tpreferred", Builder::concept_rows),
    table!("cues.tsv", "phrase\tcategory", Builder::cue_rows),
    table!("changes.tsv", "phrase\tchange", Builder::change_rows),
    table!("sections.tsv", "heading\tkind", Builder::heading_rows),
];

/// Before a cue that counts only where it opens its clause.
const OPENS: char = '^';

/// What errors call the user's own rows.
pub(crate) const USER_FILE: &str = "user lexicon";

/// The table that rows without a header belong to.
const PLAIN_ROWS: &str = "concepts.tsv";

/// The rows of a file that belong to `table`, with the others blank so that lines keep their numbers: a header starts
/// the rows of its table.
fn own_rows(text: &str, table: &Table) -> String {
    let mut current = PLAIN_ROWS;
    let mut own = String::with_capacity(text.len());
    for line in text.lines() {
        let header = TABLES.iter().find(|table| line.starts_with(table.header));
        current = header.map_or(current, |table| table.file);
        if header.is_none() && current == table.file {
            own.push_str(line);
        }
        own.push('\n');
    }
    own
}

impl Lexicon {
    /// The built-in tables.
    #[cfg(test)]
    pub(crate) fn builtin() -> Result<Self, LexiconError> {
        Self::load(None)
    }

    /// The built-in tables with the user's rows on top. Rows follow the header of the table they belong to; rows
    /// before any header are concepts. A row with a known surface, phrase, heading or unit takes it over, a word is
    /// added to its list, or taken out of it.
    pub(crate) fn load(user: Option<&str>) -> Result<Self, LexiconError> {
        Ok(Self::read(user, false)?.0)
    }

    /// The same with every phrase that a row gives, in the order of reading.
    pub(crate) fn load_with_rows(
        user: Option<&str>,
    ) -> Result<(Self, Vec<GivenPhrase>), LexiconError> {
        Self::read(user, true)
    }

    fn read(
        user: Option<&str>,
        keeps_rows: bool,
    ) -> Result<(Self, Vec<GivenPhrase>), LexiconError> {
        let mut builder = Builder { keeps_rows, ..Builder::default() };
        for table in &TABLES {
            (table.read)(&mut builder, table.file, &own_rows(table.text, table))?;
            if let Some(user) = user {
                (table.read)(&mut builder, USER_FILE, &own_rows(user, table))?;
            }
        }
        let mut sources: Vec<(String, Vec<u8>)> = TABLES
            .iter()
            .map(|table| (table.file.to_owned(), table.text.as_bytes().to_vec()))
            .collect();
        sources.sort();
        if let Some(user) = user {
            sources.push(("user-lexicon.tsv".to_owned(), user.as_bytes().to_vec()));
        }
        let rows = std::mem::take(&mut builder.rows);
        Ok((builder.build(sources)?, rows))
    }
}

/// A phrase as a row gives it.
#[derive(Debug, Clone)]
pub(crate) struct GivenPhrase {
    pub(crate) file: String,
    /// From 1.
    pub(crate) line: usize,
    pub(crate) kind: PhraseKind,
    pub(crate) phrase: String,
    /// Position in the table of its kind.
    pub(crate) entry: usize,
}

/// What a phrase of the lexicon may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PhraseKind {
    Concept,
    Cue,
    Change,
}

#[derive(Default)]
struct Builder {
    keeps_rows: bool,
    rows: Vec<GivenPhrase>,
    concepts: Vec<Concept>,
    links: Vec<(Option<String>, Option<String>)>,
    by_id: BTreeMap<String, usize>,
    cues: Vec<CueEntry>,
    changes: Vec<ChangeEntry>,
    phrases: BTreeMap<String, Meaning>,
    headings: BTreeMap<String, SectionKind>,
    words: WordLists,
    spellings: Spellings,
    units: Units,
}

impl Builder {
    /// Remembers which row gives a phrase, where that is asked for.
    fn keep(&mut self, row: &Row<'_>, file: &str, kind: PhraseKind, phrase: &str, entry: usize) {
        if self.keeps_rows {
            let (file, phrase) = (file.to_owned(), phrase.to_owned());
            self.rows.push(GivenPhrase { file, line: row.line, kind, phrase, entry });
        }
    }

    /// Columns: list, word.
    fn word_rows(&mut self, file: &str, text: &str) -> Result<(), LexiconError> {
        for row in rows(text) {
            let [name, word] = row.columns(file)?;
            let list = WordList::from_name(name).ok_or_else(|| row.bad(file, "list", name))?;
            let (word, change): (_, fn(&mut WordLists, WordList, &str)) =
                match word.strip_prefix('-') {
                    Some(word) => (word, WordLists::remove),
                    None => (word, WordLists::add),
                };
            for word in row.phrases(file, word)? {
                change(&mut self.words, list, &word);
            }
        }
        Ok(())
    }

    /// Columns: american, british.
    fn spelling_rows(&mut self, file: &str, text: &str) -> Result<(), LexiconError> {
        for row in rows(text) {
            let [american, british] = row.columns(file)?;
            self.spellings.add(american, british);
        }
        Ok(())
    }

    /// Columns: unit, millimetres.
    fn unit_rows(&mut self, file: &str, text: &str) -> Result<(), LexiconError> {
        for row in rows(text) {
            let [unit, millimetres] = row.columns(file)?;
            let scale = millimetres.parse::<f64>().ok().filter(|scale| *scale > 0.0);
            let scale = scale.ok_or_else(|| row.bad(file, "millimetres", millimetres))?;
            self.units.add(unit, scale);
        }
        Ok(())
    }

    /// Columns: heading, section kind.
    fn heading_rows(&mut self, file: &str, text: &str) -> Result<(), LexiconError> {
        for row in rows(text) {
            let [phrase, kind] = row.columns(file)?;
            let kind = SectionKind::from_name(kind).ok_or_else(|| row.bad(file, "kind", kind))?;
            self.headings.insert(fold_phrase(phrase), kind);
        }
        Ok(())
    }

    /// Columns: concept, preferred, surface, kind, parent, side, organ.
    fn concept_rows(&mut self, file: &str, text: &str) -> Result<(), LexiconError> {
        let mut inflected = Vec::new();
        for row in rows(text) {
            let [concept, preferred, surface, kind, parent, side, organ] = row.columns(file)?;
            let kind = NodeKind::from_name(kind).ok_or_else(|| row.bad(file, "kind", kind))?;
            let side = match side {
                "-" => None,
                word => Some(Side::from_name(word).ok_or_else(|| row.bad(file, "side", word))?),
            };
            let index = *self.by_id.entry(concept.to_owned()).or_insert_with(|| {
                self.concepts.push(Concept {
                    id: concept.to_owned(),
                    preferred: preferred.to_owned(),
                    kind,
                    ancestors: Vec::new(),
                    has_organ: organ != "-",
                });
                self.links.push((optional(parent), optional(organ)));
                self.concepts.len() - 1
            });
            for phrase in row.phrases(file, surface)? {
                self.keep(&row, file, PhraseKind::Concept, &phrase, index);
                let british = self.spellings.british(&phrase);
                for spelt in british.iter().chain([&phrase]) {
                    if kind != NodeKind::Modifier {
                        inflected.extend(plurals(spelt).map(|plural| (plural, index, side)));
                    }
                }
                inflected.extend(british.map(|spelt| (spelt, index, side)));
                self.phrases.entry(phrase).or_default().concept = Some((index, side));
            }
        }
        // A plural or another spelling never takes over a wording that a row gives.
        for (spelt, index, side) in inflected {
            self.phrases.entry(spelt).or_default().concept.get_or_insert((index, side));
        }
        Ok(())
    }

    /// Columns: phrase, category, direction, `max_tokens`, likelihood.
    fn cue_rows(&mut self, file: &str, text: &str) -> Result<(), LexiconError> {
        let mut spelt = Vec::new();
        for row in rows(text) {
            let [phrase, category, direction, max_tokens, likelihood] = row.columns(file)?;
            // A hedge that names what a finding before it is a sign of.
            let suggests = category == "suggests";
            let known = if suggests { "possible" } else { category };
            let kind =
                CueCategory::from_name(known).ok_or_else(|| row.bad(file, "category", category))?;
            let reach = Direction::from_name(direction)
                .ok_or_else(|| row.bad(file, "direction", direction))?;
            let rule = Rule::from_name(&format!("{category}_{direction}"));
            let decides = !matches!(
                kind,
                CueCategory::Pseudo | CueCategory::Terminate | CueCategory::Exception
            );
            if decides && rule.is_none() && reach != Direction::Nowhere {
                return Err(row.bad(file, "direction", direction));
            }
            let tokens: usize =
                max_tokens.parse().map_err(|_| row.bad(file, "max_tokens", max_tokens))?;
            let likelihood: f32 =
                likelihood.parse().map_err(|_| row.bad(file, "likelihood", likelihood))?;
            let opens = phrase.starts_with(OPENS);
            for phrase in row.phrases(file, phrase.trim_start_matches(OPENS))? {
                let own_negation =
                    phrase.split(' ').any(|word| self.words.of(word).has(WordList::OwnNegation));
                self.cues.push(CueEntry {
                    category: kind,
                    direction: reach,
                    opens,
                    max_tokens: if tokens == 0 { usize::MAX } else { tokens },
                    likelihood: likelihood.clamp(0.0, 1.0),
                    overrides_negation: kind == CueCategory::Possible && own_negation,
                    rule,
                    suggests,
                });
                spelt.extend(
                    self.spellings.british(&phrase).map(|phrase| (phrase, self.cues.len() - 1)),
                );
                self.keep(&row, file, PhraseKind::Cue, &phrase, self.cues.len() - 1);
                self.phrases.entry(phrase).or_default().cue = Some(self.cues.len() - 1);
            }
        }
        for (phrase, cue) in spelt {
            self.phrases.entry(phrase).or_default().cue.get_or_insert(cue);
        }
        Ok(())
    }

    /// Columns: phrase, change, direction, `needs_prior` (yes, no or predicate).
    fn change_rows(&mut self, file: &str, text: &str) -> Result<(), LexiconError> {
        for row in rows(text) {
            let [phrase, change, direction, needs_prior] = row.columns(file)?;
            let change = match change {
                "-" => None,
                word => Some(Change::from_name(word).ok_or_else(|| row.bad(file, "change", word))?),
            };
            let direction = Direction::from_name(direction)
                .ok_or_else(|| row.bad(file, "direction", direction))?;
            let needs_prior = match needs_prior {
                "yes" => NeedsPrior::Always,
                "no" => NeedsPrior::Never,
                "predicate" => NeedsPrior::AsPredicate,
                "end" => NeedsPrior::AtEnd,
                other => return Err(row.bad(file, "needs_prior", other)),
            };
            for phrase in row.phrases(file, phrase)? {
                self.changes.push(ChangeEntry { change, direction, needs_prior });
                self.keep(&row, file, PhraseKind::Change, &phrase, self.changes.len() - 1);
                self.phrases.entry(phrase).or_default().change = Some(self.changes.len() - 1);
            }
        }
        Ok(())
    }

    fn build(mut self, sources: Vec<(String, Vec<u8>)>) -> Result<Lexicon, LexiconError> {
        for index in 0..self.concepts.len() {
            let ancestors = self.ancestors(index)?;
            if let Some(concept) = self.concepts.get_mut(index) {
                concept.ancestors = ancestors;
            }
        }
        let organs = self.organs();
        let headings = self.headings.into_iter().map(|(phrase, kind)| Heading { phrase, kind });
        let headings = headings.collect();
        self.phrases.remove("");
        let (phrases, meanings): (Vec<String>, Vec<Meaning>) = self.phrases.into_iter().unzip();
        let phrases = PhraseTrie::new(&self.words, &phrases, |index| {
            meanings.get(index).is_some_and(|meaning| meaning.concept.is_some())
        });
        Ok(Lexicon {
            concepts: self.concepts,
            cues: self.cues,
            changes: self.changes,
            headings,
            words: self.words,
            units: self.units,
            phrases,
            meanings,
            by_id: self.by_id,
            organs,
            sources,
        })
    }

    /// The first organ of [`ORGANS`] among each concept's ancestors.
    fn organs(&self) -> Vec<Option<u8>> {
        let names: Vec<Vec<usize>> = ORGANS
            .iter()
            .map(|(_, names)| names.iter().filter_map(|&n| self.by_id.get(n).copied()).collect())
            .collect();
        self.concepts
            .iter()
            .map(|concept| {
                let holds = |ids: &Vec<usize>| ids.iter().any(|id| concept.ancestors.contains(id));
                names.iter().position(holds).and_then(|at| u8::try_from(at).ok())
            })
            .collect()
    }

    /// The concept, then its parents, then the organ and its parents.
    fn ancestors(&self, index: usize) -> Result<Vec<usize>, LexiconError> {
        let mut found = vec![index];
        let mut next = 0;
        while let Some(&at) = found.get(next) {
            next += 1;
            let Some((parent, organ)) = self.links.get(at) else { continue };
            for name in [parent, organ].into_iter().flatten() {
                let Some(&link) = self.by_id.get(name) else {
                    let concept = self.concepts.get(at).map(|c| c.id.clone()).unwrap_or_default();
                    return Err(LexiconError::UnknownParent { concept, missing: name.clone() });
                };
                if link == index && at != index {
                    let concept = self.concepts.get(at).map(|c| c.id.clone()).unwrap_or_default();
                    return Err(LexiconError::ParentCycle { concept });
                }
                if !found.contains(&link) {
                    found.push(link);
                }
            }
        }
        Ok(found)
    }
}

fn optional(column: &str) -> Option<String> {
    (column != "-").then(|| column.to_owned())
}
