//! Builds the lexicon from its tables: concepts with their wordings, cues, change phrases and headings.

use std::collections::BTreeMap;

use super::columns::{cue_rule, heading_rows, parse_direction};
use super::compiled::Lexicon;
use super::entries::{
    ChangeEntry, Concept, CueCategory, CueEntry, Direction, Heading, Meaning, NeedsPrior,
};
use super::error::LexiconError;
use super::inflection::plurals;
use super::organ::ORGANS;
use super::spelling::british;
use super::trie::PhraseTrie;
use super::tsv::rows;
use crate::report::parsed::{Change, NodeKind, Side};

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
    pub(crate) fn builtin() -> Result<Self, LexiconError> {
        Self::load(None)
    }

    /// The built-in tables with the user's concept rows on top: a user row with a known surface
    /// takes that surface over, a new concept is added.
    pub(crate) fn load(user_concepts: Option<&str>) -> Result<Self, LexiconError> {
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
            let rule = cue_rule(category, direction);
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
                    rule,
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
                word => Some(Change::from_name(word).ok_or_else(|| row.bad(file, "change", word))?),
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

fn optional(column: &str) -> Option<String> {
    (column != "-").then(|| column.to_owned())
}
