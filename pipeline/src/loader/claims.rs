//! What sentence types claim, as numbers.

use std::collections::BTreeMap;
use std::path::Path;

use schemas::study::{ClaimSide, SentenceClaim};

use super::mirror::MirroredText;
use crate::release::{ReleaseError, TableReader};
use crate::report::{Assertion, Claim, Side, sentence_type};

/// The claims of the sentence types of a release, and of those that mirrored reports have.
#[derive(Debug, Default)]
pub(super) struct Claims(BTreeMap<u64, Vec<SentenceClaim>>);

impl Claims {
    /// Reads `sentence_types` of the release at `path`.
    pub(super) fn read(path: &Path) -> Result<Self, ReleaseError> {
        let table = TableReader::open(path, "sentence_types")?;
        let signatures = table.text_lists("signature")?;
        let types = table.u64s("sentence_type")?.into_iter().zip(table.texts("text")?);
        Ok(Self::new(types.zip(signatures)))
    }

    fn new(types: impl IntoIterator<Item = ((u64, String), Vec<String>)>) -> Self {
        let mut numbers = BTreeMap::new();
        let mut claims = BTreeMap::new();
        let mut mirrored = Vec::new();
        for ((id, text), signature) in types {
            let found: Option<Vec<SentenceClaim>> = signature
                .iter()
                .filter_map(|text| Claim::parse(text))
                .map(|claim| of(&claim, &mut numbers))
                .collect();
            // A sentence that leaves one thing in doubt is no text to hold images against.
            let found = found.unwrap_or_default();
            let mirror = MirroredText::new(&text);
            if mirror.differs() {
                let swapped = found.iter().map(|claim| swapped(*claim)).collect();
                mirrored.push((sentence_type(&mirror.text), swapped));
            }
            claims.insert(id, found);
        }
        for (id, swapped) in mirrored {
            claims.entry(id).or_insert(swapped);
        }
        Self(claims)
    }

    /// What sentences of a type claim; nothing where that is not known.
    pub(super) fn of(&self, sentence_type: u64) -> &[SentenceClaim] {
        self.0.get(&sentence_type).map_or(&[], Vec::as_slice)
    }
}

/// A claim as numbers; none where it is in doubt.
fn of(claim: &Claim<'_>, numbers: &mut BTreeMap<String, u32>) -> Option<SentenceClaim> {
    let mut number = |name: &str| {
        let next = numbers.len() as u32;
        *numbers.entry(name.to_owned()).or_insert(next)
    };
    let present = match claim.assertion {
        Some(Assertion::Present) => true,
        Some(Assertion::Absent) => false,
        _ => return None,
    };
    Some(SentenceClaim {
        finding: number(&claim.concept),
        place: (!claim.is_of_whole_organ()).then(|| number(&claim.places)),
        side: claim.side.map(|side| match side {
            Side::Left => ClaimSide::Left,
            Side::Right => ClaimSide::Right,
            Side::Bilateral => ClaimSide::Both,
        }),
        present,
    })
}

fn swapped(claim: SentenceClaim) -> SentenceClaim {
    let side = claim.side.map(|side| match side {
        ClaimSide::Left => ClaimSide::Right,
        ClaimSide::Right => ClaimSide::Left,
        ClaimSide::Both => ClaimSide::Both,
    });
    SentenceClaim { side, ..claim }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirrored_sentence_claims_the_other_side_and_doubt_claims_nothing() {
        let rows = [
            ("left effusion", vec!["effusion|pleura|left|present|"]),
            ("no effusion", vec!["effusion|pleura||absent|"]),
            ("possible effusion in the left base", vec!["effusion|lung_base|left|uncertain|"]),
            ("effusion in the right base", vec!["effusion|lung_base|right|present|"]),
        ];
        let row = |(text, claims): &(&str, Vec<&str>)| {
            let claims = claims.iter().map(|&claim| claim.to_owned()).collect();
            ((sentence_type(text), (*text).to_owned()), claims)
        };
        let found = Claims::new(rows.iter().map(row));
        let of = |text: &str| found.of(sentence_type(text)).first().copied();
        let left = of("left effusion").expect("a claim");
        assert_eq!((left.place, left.side, left.present), (None, Some(ClaimSide::Left), true));
        let mirrored = SentenceClaim { side: Some(ClaimSide::Right), ..left };
        assert_eq!(of("right effusion"), Some(mirrored));
        assert_eq!(of("no effusion"), Some(SentenceClaim { side: None, present: false, ..left }));
        assert_eq!(of("possible effusion in the left base"), None);
        let base = of("effusion in the left base").expect("the mirror of another");
        assert!(base.place.is_some() && base.side == Some(ClaimSide::Left));
        assert_eq!(of("no mass"), None);
    }
}
