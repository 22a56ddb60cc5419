//! The place of findings whose sentence names none: the one spoken of before.

use crate::report::lexicon::Lexicon;
use crate::report::mention::Analysis;
use crate::report::parsed::{NodeKind, SectionKind};

/// How many sentences a place stays valid for findings that name none.
const PLACE_LASTS: u32 = 2;
/// The most places that are carried on, and the most findings of a sentence that take them.
const MAX_CARRIED: usize = 8;

/// The anatomy nodes spoken of last, and the sentence they stand in.
#[derive(Default)]
pub(crate) struct CarriedPlace(Option<(u32, Vec<u32>)>);

impl CarriedPlace {
    /// Takes note of the places of a sentence, or, where it names none, gives its findings without a
    /// place and the places they are at. `ids` are the node ids of the sentence's mentions. Impression
    /// items stand for themselves.
    pub(crate) fn next(
        &mut self,
        lexicon: &Lexicon,
        analysis: &Analysis,
        section: SectionKind,
        sentence: u32,
        ids: &[u32],
    ) -> Vec<(u32, u32)> {
        let anatomy: Vec<u32> = analysis
            .mentions
            .iter()
            .zip(ids)
            .filter(|(mention, _)| mention.kind == NodeKind::Anatomy)
            .map(|(_, &id)| id)
            .take(MAX_CARRIED)
            .collect();
        if !anatomy.is_empty() {
            self.0 = Some((sentence, anatomy));
            return Vec::new();
        }
        let Some((said_in, places)) = &self.0 else { return Vec::new() };
        if section == SectionKind::Impression || sentence - said_in > PLACE_LASTS {
            return Vec::new();
        }
        let without_place = analysis.mentions.iter().zip(ids).take(MAX_CARRIED).filter(|(m, _)| {
            m.is_finding() && !lexicon.concepts.get(m.concept).is_some_and(|c| c.has_organ)
        });
        without_place.flat_map(|(_, &id)| places.iter().map(move |&place| (id, place))).collect()
    }
}
