//! Which sentences hold of which studies, by what the graphs of their reports claim.

use std::collections::BTreeMap;

use schemas::study::{ClaimSide, SentenceClaim};

/// What a study's report says of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    /// It claims the same.
    Holds,
    /// It claims the contrary.
    Contradicted,
    /// It leaves it open.
    Open,
}

/// What a report that makes the claims `study` says of a sentence that makes the claims `sentence`.
pub(crate) fn relation(sentence: &[SentenceClaim], study: &[SentenceClaim]) -> Relation {
    let relations = sentence.iter().map(|claim| of_claim(claim, study));
    let strength = |relation: &Relation| match relation {
        Relation::Contradicted => 2,
        Relation::Open => 1,
        Relation::Holds => 0,
    };
    relations.max_by_key(strength).unwrap_or(Relation::Open)
}

fn of_claim(claim: &SentenceClaim, study: &[SentenceClaim]) -> Relation {
    let said = |present| {
        study.iter().filter(move |said| said.finding == claim.finding && said.present == present)
    };
    let denied = said(false).any(|said| within(claim, said));
    match claim.present {
        // Where a finding is does not count: "effusion" is learned from effusions of either side, and it is the report as
        // a whole that tells them apart.
        true if said(true).next().is_some() => Relation::Holds,
        true if denied => Relation::Contradicted,
        // "No effusion" is contradicted by one on the right, "no left effusion" is not.
        false if said(true).any(|said| within(said, claim)) => Relation::Contradicted,
        false if denied => Relation::Holds,
        _ => Relation::Open,
    }
}

/// Whether the place and side of `a` are those of `b`, or `b` names none.
fn within(a: &SentenceClaim, b: &SentenceClaim) -> bool {
    (b.place.is_none() || a.place == b.place)
        && (b.side.is_none() || a.side == b.side || a.side == Some(ClaimSide::Both))
}

/// Pairs of cells of the matrix of sentences and studies, `[N, B]`: what the first is of should be nearer to each other
/// than what the second is of. The weights sum to 1.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ClaimPairs {
    /// Cells that hold.
    pub(crate) better: Vec<i32>,
    /// Cells that are contradicted: of the same sentence, or of the same study and finding.
    pub(crate) worse: Vec<i32>,
    /// What each pair counts.
    pub(crate) weight: Vec<f32>,
}

impl ClaimPairs {
    /// All pairs of `sentences` with `studies`, each by its claims.
    ///
    /// Half of the weight is on pairs of one sentence with two studies, half on pairs of one study with two sentences
    /// about the same finding; within a half all findings count the same, stated and denied, and within a
    /// finding all pairs.
    pub(crate) fn new(sentences: &[&[SentenceClaim]], studies: &[Vec<SentenceClaim>]) -> Self {
        let relations: Vec<Vec<Relation>> = sentences
            .iter()
            .map(|sentence| studies.iter().map(|study| relation(sentence, study)).collect())
            .collect();
        let mut pairs = Self::default();
        let count = studies.len();
        // Sentences by their first finding: those with several findings are few.
        let group = |sentence: usize| sentences[sentence].first().map(|c| (c.finding, c.present));
        let cells = |wanted: Relation| {
            let relations = &relations;
            move |sentence: usize, study: usize| relations[sentence][study] == wanted
        };
        let (holds, contradicted) = (cells(Relation::Holds), cells(Relation::Contradicted));
        let mut halves = [BTreeMap::new(), BTreeMap::new()];
        for sentence in 0..sentences.len() {
            let Some(group) = group(sentence) else { continue };
            for better in (0..count).filter(|&study| holds(sentence, study)) {
                let worse = (0..count).filter(|&study| contradicted(sentence, study));
                let found =
                    worse.map(|study| [sentence * count + better, sentence * count + study]);
                halves[0].entry(group).or_insert_with(Vec::new).extend(found);
                let others = (0..sentences.len()).filter(|&other| {
                    contradicted(other, better)
                        && sentences[other].first().is_some_and(|claim| claim.finding == group.0)
                });
                let found = others.map(|other| [sentence * count + better, other * count + better]);
                halves[1].entry(group).or_insert_with(Vec::new).extend(found);
            }
        }
        for half in &mut halves {
            half.retain(|_, pairs: &mut Vec<[usize; 2]>| !pairs.is_empty());
        }
        let present = halves.iter().filter(|half| !half.is_empty()).count();
        for half in &halves {
            for found in half.values() {
                let weight = 1.0 / (present * half.len() * found.len()) as f32;
                for &[better, worse] in found {
                    pairs.better.push(better as i32);
                    pairs.worse.push(worse as i32);
                    pairs.weight.push(weight);
                }
            }
        }
        pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EFFUSION: SentenceClaim =
        SentenceClaim { finding: 1, place: None, side: None, present: true };
    const NODULE: SentenceClaim = SentenceClaim { finding: 2, ..EFFUSION };

    fn no(claim: SentenceClaim) -> SentenceClaim {
        SentenceClaim { present: false, ..claim }
    }

    fn at(claim: SentenceClaim, place: Option<u32>, side: ClaimSide) -> SentenceClaim {
        SentenceClaim { place, side: Some(side), ..claim }
    }

    #[test]
    fn a_sentence_holds_is_contradicted_or_left_open() {
        use ClaimSide::{Both, Left, Right};
        use Relation::{Contradicted, Holds, Open};
        let (left, right, both) =
            (at(EFFUSION, None, Left), at(EFFUSION, None, Right), at(EFFUSION, None, Both));
        let base = at(EFFUSION, Some(7), Left);
        for (sentence, study, wanted) in [
            (EFFUSION, vec![EFFUSION], Holds),
            (EFFUSION, vec![left], Holds),
            (left, vec![EFFUSION], Holds),
            (left, vec![both], Holds),
            (left, vec![right], Holds),
            (base, vec![left], Holds),
            (EFFUSION, vec![no(EFFUSION)], Contradicted),
            (base, vec![no(EFFUSION)], Contradicted),
            (EFFUSION, vec![no(left)], Open),
            (left, vec![no(left)], Contradicted),
            (left, vec![right, no(left)], Holds),
            (no(EFFUSION), vec![no(EFFUSION)], Holds),
            (no(left), vec![no(EFFUSION)], Holds),
            (no(EFFUSION), vec![no(left)], Open),
            (no(EFFUSION), vec![base], Contradicted),
            (no(left), vec![right], Open),
            (no(left), vec![both], Contradicted),
            (EFFUSION, vec![NODULE], Open),
        ] {
            assert_eq!(relation(&[sentence], &study), wanted, "{sentence:?} of {study:?}");
        }
        let list = [no(EFFUSION), no(NODULE)];
        assert_eq!(relation(&list, &list), Holds);
        assert_eq!(relation(&list, &[no(EFFUSION)]), Open);
        assert_eq!(relation(&list, &[no(EFFUSION), NODULE]), Contradicted);
        assert_eq!(relation(&[], &[EFFUSION]), Open);
    }

    #[test]
    fn pairs_are_of_one_sentence_or_of_one_study_and_all_findings_count_the_same() {
        let sentences: [&[SentenceClaim]; 4] = [&[EFFUSION], &[no(EFFUSION)], &[NODULE], &[]];
        let studies = [vec![EFFUSION, NODULE], vec![no(EFFUSION)], vec![no(NODULE), EFFUSION]];
        let ClaimPairs { better, worse, weight } = ClaimPairs::new(&sentences, &studies);
        let cell = |cell: i32| (cell / 3, cell % 3);
        let found: Vec<_> = better.iter().zip(&worse).map(|(&a, &b)| (cell(a), cell(b))).collect();
        assert_eq!(
            found,
            [
                // One sentence: no effusion, effusion, nodule.
                ((1, 1), (1, 0)),
                ((1, 1), (1, 2)),
                ((0, 0), (0, 1)),
                ((0, 2), (0, 1)),
                ((2, 0), (2, 2)),
                // One study.
                ((1, 1), (0, 1)),
                ((0, 0), (1, 0)),
                ((0, 2), (1, 2)),
            ]
        );
        let sixth = 1.0 / 6.0;
        let wanted =
            [sixth / 2.0, sixth / 2.0, sixth / 2.0, sixth / 2.0, sixth, 0.25, 0.125, 0.125];
        assert!(
            weight.iter().zip(wanted).all(|(a, b): (&f32, f32)| (a - b).abs() < 1e-6),
            "{weight:?}"
        );
        assert_eq!(ClaimPairs::new(&[], &studies), ClaimPairs::default());
    }
}
