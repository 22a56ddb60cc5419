//! What a release says of two sentences: bounds, as its table of similarity is sparse.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use schemas::manifest::GraphSection;

use crate::files::xxh3_64;
use crate::graph::AGREEMENT;
use crate::release::{ReleaseError, TableReader};

/// Similarities of sentence types, stored or bounded.
///
/// A pair that is not stored shares too little, or was crowded out of the list of either type by more similar
/// ones. The two must not be confused: sentences that say the same in a common way crowd each other out, and
/// would be taken for opposites.
#[derive(Debug, Default)]
pub(super) struct Similarities {
    pairs: BTreeMap<(u64, u64), f32>,
    /// What a pair outside of a type's full list can reach at most.
    crowded: BTreeMap<u64, f32>,
    /// Hash of what a type claims; types that claim nothing are left out.
    claims: BTreeMap<u64, u64>,
    boilerplate: BTreeSet<u64>,
    /// What a pair outside of a list that is not full can reach at most.
    open: f32,
}

/// A sentence type as far as it matters here.
struct Type {
    id: u64,
    boilerplate: bool,
    signature: Vec<String>,
}

/// A stored pair: its types, the cosine of their texts, their similarity.
type Pair = ((u64, u64), f32, f32);

impl Similarities {
    /// Reads `sentence_types` and `similarity` of the release at `path`, made under `section`.
    pub(super) fn read(path: &Path, section: &GraphSection) -> Result<Self, ReleaseError> {
        let table = TableReader::open(path, "sentence_types")?;
        let types = table
            .u64s("sentence_type")?
            .into_iter()
            .zip(table.bools("boilerplate")?)
            .zip(table.text_lists("signature")?)
            .map(|((id, boilerplate), signature)| Type { id, boilerplate, signature });
        let table = TableReader::open(path, "similarity")?;
        let ids = table.u64s("a")?.into_iter().zip(table.u64s("b")?);
        let pairs = ids
            .zip(table.f32s("text")?)
            .zip(table.f32s("similarity")?)
            .map(|((ids, text), similarity)| (ids, text, similarity));
        Ok(Self::new(types, pairs, section))
    }

    fn new(
        types: impl Iterator<Item = Type>,
        pairs: impl Iterator<Item = Pair>,
        section: &GraphSection,
    ) -> Self {
        // Of lists of no length nothing is known.
        let open = if section.similar == 0 { 1.0 } else { section.threshold as f32 };
        let mut found = Self { open, ..Self::default() };
        for Type { id, boilerplate, signature } in types {
            if boilerplate {
                found.boilerplate.insert(id);
            } else if !signature.is_empty() {
                found.claims.insert(id, xxh3_64(signature.join("\n").as_bytes()));
            }
        }
        let mut ranks: BTreeMap<u64, Vec<f32>> = BTreeMap::new();
        for ((a, b), text, similarity) in pairs {
            found.pairs.insert((a, b), similarity);
            for id in [a, b] {
                ranks.entry(id).or_default().push(text.max(similarity));
            }
        }
        // A type's own list is among its pairs, and every other pair of it ranks no higher than the list's last.
        let kept = section.similar as usize;
        for (id, mut ranks) in ranks {
            if kept <= ranks.len() && 0 < kept {
                let (_, last, _) = ranks.select_nth_unstable_by(kept - 1, |x, y| y.total_cmp(x));
                found.crowded.insert(id, *last);
            }
        }
        found
    }

    /// The least and the most that the similarity of two types can be, in 0..1. Equal where it is stored.
    pub(super) fn bounds(&self, a: u64, b: u64) -> [f32; 2] {
        if self.boilerplate.contains(&a) || self.boilerplate.contains(&b) {
            return [0.0, 1.0];
        }
        if a == b {
            return [1.0, 1.0];
        }
        if let Some(&similarity) = self.pairs.get(&(a.min(b), a.max(b))) {
            return [similarity, similarity];
        }
        let limit = |id| self.crowded.get(&id).copied().unwrap_or(self.open);
        let most = limit(a).min(limit(b));
        let same = self.claims.get(&a).is_some_and(|claim| self.claims.get(&b) == Some(claim));
        if same { [AGREEMENT, most.max(AGREEMENT)] } else { [0.0, most] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::similar_types;
    use proptest::prelude::*;
    use schemas::tables::SentenceTypeRow;

    const WORDS: [&str; 6] = ["effusion", "nodule", "left", "right", "seen", "small"];
    const CLAIMS: [&str; 4] =
        ["effusion|pleura|left|present|", "effusion|pleura|left|absent|", "nodule|||present|", ""];

    fn bounds_of(types: &[SentenceTypeRow], section: &GraphSection) -> Similarities {
        Similarities::new(
            types.iter().map(|row| Type {
                id: row.sentence_type,
                boilerplate: row.boilerplate,
                signature: row.signature.clone(),
            }),
            similar_types(types, None, section)
                .into_iter()
                .map(|row| ((row.a, row.b), row.text, row.similarity)),
            section,
        )
    }

    proptest! {
        /// Whatever was crowded out or is below the threshold, its true similarity lies within the bounds.
        #[test]
        fn bounds_hold_what_a_table_of_every_pair_says(
            rows in proptest::collection::vec(
                (proptest::collection::vec(0..WORDS.len(), 1..5), 0..CLAIMS.len(), 0..9_u8), 2..24,
            ),
            similar in 0..5_u32,
            threshold in 0..8_u8,
        ) {
            let types: Vec<SentenceTypeRow> = rows
                .iter()
                .enumerate()
                .map(|(index, (words, claim, boilerplate))| SentenceTypeRow {
                    sentence_type: index as u64,
                    text: words.iter().map(|&word| WORDS[word]).collect::<Vec<_>>().join(" "),
                    count: 1,
                    reports: 1,
                    boilerplate: *boilerplate == 0,
                    signature: [CLAIMS[*claim]].iter().filter(|claim| !claim.is_empty())
                        .map(|&claim| claim.to_owned()).collect(),
                })
                .collect();
            let whole = GraphSection { similar: 99, threshold: 0.0, ..GraphSection::default() };
            let truth: BTreeMap<(u64, u64), f32> = similar_types(&types, None, &whole)
                .into_iter()
                .map(|row| ((row.a, row.b), row.similarity))
                .collect();
            let section =
                GraphSection { similar, threshold: f64::from(threshold) / 8.0, ..whole };
            let bounds = bounds_of(&types, &section);
            for a in 0..types.len() as u64 {
                for b in a + 1..types.len() as u64 {
                    let [least, most] = bounds.bounds(b, a);
                    let known = !types[a as usize].boilerplate && !types[b as usize].boilerplate;
                    let truth = truth.get(&(a, b)).copied().unwrap_or(0.0);
                    prop_assert!(least <= most);
                    prop_assert!(!known || (least <= truth + 1e-6 && truth <= most + 1e-6),
                        "{a} {b}: {truth} is outside of {least}..{most}");
                    prop_assert!(known || (least, most) == (0.0, 1.0));
                }
            }
        }
    }

    #[test]
    fn a_pair_crowded_out_is_not_taken_for_one_that_shares_nothing() {
        let row = |id: u64, text: &str, claim: &str| SentenceTypeRow {
            sentence_type: id,
            text: text.into(),
            count: 1,
            reports: 1,
            boilerplate: false,
            signature: vec![claim.into()],
        };
        let mut types: Vec<_> = (0..6)
            .map(|id| row(id, &format!("effusion in wording {id}"), "effusion|||present|"))
            .collect();
        types.push(row(6, "cardiac size is normal", "size|heart||normal|"));
        let section = GraphSection { similar: 2, ..GraphSection::default() };
        let bounds = bounds_of(&types, &section);
        let absent = (0..6_u64)
            .flat_map(|a| (a + 1..6).map(move |b| (a, b)))
            .filter(|pair| !bounds.pairs.contains_key(pair))
            .inspect(|&(a, b)| assert!(bounds.bounds(a, b)[0] >= AGREEMENT, "{a} {b}"))
            .count();
        assert!(absent > 0, "lists of two cannot hold six that say the same");
        assert!((0..6).all(|id| bounds.bounds(id, 6)[1] <= 0.3));
        assert_eq!(bounds.bounds(3, 3).map(f32::to_bits), [1.0_f32.to_bits(); 2]);
    }
}
