//! The lexicon: concepts with their wordings, cues, change phrases and headings, read from TSV
//! tables and compiled into one trie.

use std::collections::BTreeMap;

use super::lexicon_error::LexiconError;
use super::organ::ORGANS;
use super::shadow::fold_phrase;
use super::spelling::british;
use super::table::{Row, rows};
use super::template::expand;
use super::trie::PhraseTrie;
use super::types::{Change, NodeKind, SectionKind, Side};

/// A thing reports speak of.
pub(super) struct Concept {
    pub(super) id: String,
    pub(super) preferred: String,
    pub(super) kind: NodeKind,
    /// The concept itself, its parents and its organ, as positions in [`Lexicon::concepts`].
    pub(super) ancestors: Vec<usize>,
    /// Whether the concept names where it is by itself (`pleural effusion`).
    pub(super) has_organ: bool,
}

/// What a cue does to the mentions in its reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CueCategory {
    Negated,
    Possible,
    Hypothetical,
    Historical,
    Pseudo,
    Terminate,
    Exception,
}

/// Where a cue reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// To the end of the clause.
    Forward,
    /// To the next finite verb.
    ForwardPhrase,
    Backward,
    Both,
    Nowhere,
}

/// A phrase that decides assertions.
pub(super) struct CueEntry {
    pub(super) category: CueCategory,
    pub(super) direction: Direction,
    /// Longest reach in tokens; `usize::MAX` when the clause is the only limit.
    pub(super) max_tokens: usize,
    /// How likely a mention in reach is there.
    pub(super) likelihood: f32,
    /// A hedge that carries its own negation (`cannot be excluded`) beats plain negation.
    pub(super) overrides_negation: bool,
    pub(super) rule: &'static str,
    /// Name of the relation to the observation before the cue (`A compatible with B`).
    pub(super) suggests: bool,
}

/// A phrase that tells how a finding changed.
pub(super) struct ChangeEntry {
    /// `None` for phrases that only look like a change.
    pub(super) change: Option<Change>,
    pub(super) direction: Direction,
    /// Whether the sentence must speak of an earlier examination.
    pub(super) needs_prior: NeedsPrior,
}

/// When a change phrase is valid only in a sentence that speaks of an earlier examination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NeedsPrior {
    Always,
    Never,
    /// `Decreased effusion` is a change, `the volume is decreased` only against an earlier one.
    AsPredicate,
}

/// A section title.
pub(super) struct Heading {
    pub(super) phrase: String,
    pub(super) kind: SectionKind,
}

/// What one phrase means; a phrase may mean more than one thing (`no significant change`).
#[derive(Default)]
pub(super) struct Meaning {
    /// Concept and the side that this wording adds.
    pub(super) concept: Option<(usize, Option<Side>)>,
    pub(super) cue: Option<usize>,
    pub(super) change: Option<usize>,
}

/// The compiled lexicon.
pub(super) struct Lexicon {
    pub(super) concepts: Vec<Concept>,
    pub(super) cues: Vec<CueEntry>,
    pub(super) changes: Vec<ChangeEntry>,
    /// Sorted by phrase.
    pub(super) headings: Vec<Heading>,
    pub(super) phrases: PhraseTrie,
    /// For each phrase of the trie.
    pub(super) meanings: Vec<Meaning>,
    pub(super) by_id: BTreeMap<String, usize>,
    /// For each concept, the position of its organ in [`ORGANS`].
    pub(super) organs: Vec<Option<u8>>,
    /// File names and bytes, in a fixed order.
    pub(super) sources: Vec<(String, Vec<u8>)>,
}

/// The tables built into the program, by file name.
const BUILTIN: [(&str, &str); 4] = [
    ("concepts.tsv", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/lexicon/concepts.tsv"))),
    ("cues.tsv", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/lexicon/cues.tsv"))),
    ("changes.tsv", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/lexicon/changes.tsv"))),
    ("sections.tsv", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/lexicon/sections.tsv"))),
];

impl Lexicon {
    /// The built-in tables.
    #[cfg(test)]
    pub(super) fn builtin() -> Result<Self, LexiconError> {
        Self::load(None)
    }

    /// The built-in tables with the user's concept rows on top: a user row with a known surface
    /// takes that surface over, a new concept is added.
    pub(super) fn load(user_concepts: Option<&str>) -> Result<Self, LexiconError> {
        let [concepts, cues, changes, headings] = BUILTIN;
        let mut builder = Builder::default();
        builder.concept_rows(concepts.0, concepts.1)?;
        if let Some(user) = user_concepts {
            builder.concept_rows("user lexicon", user)?;
        }
        builder.cue_rows(cues.0, cues.1)?;
        builder.change_rows(changes.0, changes.1)?;
        let headings = heading_rows(headings.0, headings.1)?;
        let mut sources: Vec<(String, Vec<u8>)> = BUILTIN
            .iter()
            .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
            .collect();
        if let Some(user) = user_concepts {
            sources.push(("user-lexicon.tsv".to_owned(), user.as_bytes().to_vec()));
        }
        builder.build(headings, sources)
    }

    /// Whether `concept` is `wanted` or one of its descendants.
    pub(super) fn is_a(&self, concept: usize, wanted: usize) -> bool {
        self.concepts.get(concept).is_some_and(|entry| entry.ancestors.contains(&wanted))
    }

    /// The kind of a concept.
    pub(super) fn kind(&self, concept: usize) -> NodeKind {
        self.concepts.get(concept).map_or(NodeKind::Modifier, |entry| entry.kind)
    }
}

#[derive(Default)]
struct Builder {
    concepts: Vec<Concept>,
    links: Vec<(Option<String>, Option<String>)>,
    by_id: BTreeMap<String, usize>,
    cues: Vec<CueEntry>,
    changes: Vec<ChangeEntry>,
    phrases: BTreeMap<String, Meaning>,
}

impl Builder {
    /// Columns: concept, preferred, surface, kind, parent, side, organ.
    fn concept_rows(&mut self, file: &str, text: &str) -> Result<(), LexiconError> {
        let mut inflected = Vec::new();
        for row in rows(text) {
            let [concept, preferred, surface, kind, parent, side, organ] = row.columns(file)?;
            let kind = NodeKind::parse(kind).ok_or_else(|| row.bad(file, "kind", kind))?;
            let side = match side {
                "-" => None,
                word => Some(Side::parse(word).ok_or_else(|| row.bad(file, "side", word))?),
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
                let british = british(&phrase);
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
            let (kind, suggests) = match category {
                "negated" => (CueCategory::Negated, false),
                "possible" => (CueCategory::Possible, false),
                "suggests" => (CueCategory::Possible, true),
                "hypothetical" => (CueCategory::Hypothetical, false),
                "historical" => (CueCategory::Historical, false),
                "pseudo" => (CueCategory::Pseudo, false),
                "terminate" => (CueCategory::Terminate, false),
                "exception" => (CueCategory::Exception, false),
                other => return Err(row.bad(file, "category", other)),
            };
            let reach =
                parse_direction(direction).ok_or_else(|| row.bad(file, "direction", direction))?;
            let tokens: usize =
                max_tokens.parse().map_err(|_| row.bad(file, "max_tokens", max_tokens))?;
            let likelihood: f32 =
                likelihood.parse().map_err(|_| row.bad(file, "likelihood", likelihood))?;
            for phrase in row.phrases(file, phrase)? {
                let own_negation = phrase.split(' ').any(|word| {
                    matches!(word, "no" | "not" | "cannot" | "can't" | "couldn't" | "difficult")
                });
                self.cues.push(CueEntry {
                    category: kind,
                    direction: reach,
                    max_tokens: if tokens == 0 { usize::MAX } else { tokens },
                    likelihood: likelihood.clamp(0.0, 1.0),
                    overrides_negation: kind == CueCategory::Possible && own_negation,
                    rule: rule_name(category, direction),
                    suggests,
                });
                spelt.extend(british(&phrase).map(|phrase| (phrase, self.cues.len() - 1)));
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
                word => Some(Change::parse(word).ok_or_else(|| row.bad(file, "change", word))?),
            };
            let direction =
                parse_direction(direction).ok_or_else(|| row.bad(file, "direction", direction))?;
            let needs_prior = match needs_prior {
                "yes" => NeedsPrior::Always,
                "no" => NeedsPrior::Never,
                "predicate" => NeedsPrior::AsPredicate,
                other => return Err(row.bad(file, "needs_prior", other)),
            };
            for phrase in row.phrases(file, phrase)? {
                self.changes.push(ChangeEntry { change, direction, needs_prior });
                self.phrases.entry(phrase).or_default().change = Some(self.changes.len() - 1);
            }
        }
        Ok(())
    }

    fn build(
        mut self,
        headings: Vec<Heading>,
        sources: Vec<(String, Vec<u8>)>,
    ) -> Result<Lexicon, LexiconError> {
        for index in 0..self.concepts.len() {
            let ancestors = self.ancestors(index)?;
            if let Some(concept) = self.concepts.get_mut(index) {
                concept.ancestors = ancestors;
            }
        }
        let organs = self.organs();
        self.phrases.remove("");
        let (phrases, meanings): (Vec<String>, Vec<Meaning>) = self.phrases.into_iter().unzip();
        let phrases = PhraseTrie::new(&phrases, |index| {
            meanings.get(index).is_some_and(|meaning| meaning.concept.is_some())
        });
        Ok(Lexicon {
            concepts: self.concepts,
            cues: self.cues,
            changes: self.changes,
            headings,
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

/// `negated_forward` and the like, from the words of two checked columns.
fn rule_name(category: &str, direction: &str) -> &'static str {
    macro_rules! directions {
        ($category:literal) => {
            match direction {
                "forward" => concat!($category, "_forward"),
                "forward_phrase" => concat!($category, "_forward_phrase"),
                "backward" => concat!($category, "_backward"),
                "both" => concat!($category, "_both"),
                _ => concat!($category, "_-"),
            }
        };
    }
    match category {
        "negated" => directions!("negated"),
        "possible" => directions!("possible"),
        "suggests" => directions!("suggests"),
        "hypothetical" => directions!("hypothetical"),
        "historical" => directions!("historical"),
        "pseudo" => directions!("pseudo"),
        "terminate" => directions!("terminate"),
        _ => directions!("exception"),
    }
}

fn optional(column: &str) -> Option<String> {
    (column != "-").then(|| column.to_owned())
}

fn parse_direction(word: &str) -> Option<Direction> {
    match word {
        "forward" => Some(Direction::Forward),
        "forward_phrase" => Some(Direction::ForwardPhrase),
        "backward" => Some(Direction::Backward),
        "both" => Some(Direction::Both),
        "-" => Some(Direction::Nowhere),
        _ => None,
    }
}

/// Columns: heading, section kind.
fn heading_rows(file: &str, text: &str) -> Result<Vec<Heading>, LexiconError> {
    let mut headings = Vec::new();
    for row in rows(text) {
        let [phrase, kind] = row.columns(file)?;
        let kind = SectionKind::parse(kind).ok_or_else(|| row.bad(file, "kind", kind))?;
        headings.push(Heading { phrase: fold_phrase(phrase), kind });
    }
    headings.sort_by(|a, b| a.phrase.cmp(&b.phrase));
    headings.dedup_by(|a, b| a.phrase == b.phrase);
    Ok(headings)
}

/// Regular English plurals of the phrase's last word, and the Latin ones of `-is` and `-x`.
fn plurals(phrase: &str) -> impl Iterator<Item = String> {
    let mut found = Vec::new();
    if let Some(stem) = phrase.strip_suffix("is") {
        found.push(format!("{stem}es"));
    } else if let Some(stem) = phrase.strip_suffix('y') {
        if stem.ends_with(['a', 'e', 'o', 'u']) {
            found.push(format!("{phrase}s"));
        } else {
            found.push(format!("{stem}ies"));
        }
    } else if phrase.ends_with(['x', 's']) || phrase.ends_with("ch") || phrase.ends_with("sh") {
        found.push(format!("{phrase}es"));
    } else if phrase.ends_with(|c: char| c.is_ascii_lowercase()) {
        found.push(format!("{phrase}s"));
    }
    found.into_iter()
}

impl Row<'_> {
    /// The folded phrases that a column stands for.
    fn phrases(&self, file: &str, template: &str) -> Result<Vec<String>, LexiconError> {
        let phrases = expand(template).ok_or_else(|| self.bad(file, "phrase", template))?;
        Ok(phrases.iter().map(|phrase| fold_phrase(phrase)).collect())
    }

    fn bad(&self, file: &str, column: &'static str, value: &str) -> LexiconError {
        LexiconError::Value {
            file: file.to_owned(),
            line: self.line,
            column,
            value: value.to_owned(),
        }
    }
}
