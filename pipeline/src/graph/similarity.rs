//! Which sentence types say the same.
//!
//! The text part is the cosine of TF-IDF vectors of words, or of an encoder's vectors where the manifest names
//! one. Either is blind to negation, side and change, so the graph gates it: the same finding with the opposite assertion
//! is not similar, another side or change lowers it, and the same assertion in other words raises it.

use std::collections::BTreeMap;

use rayon::prelude::*;
use schemas::manifest::GraphSection;
use schemas::tables::{SentenceTypeRow, SimilarityRow};

use super::encoder::SentenceVectors;
use crate::report::{Assertion, Claim, Side};

/// What is left of a cosine when the same finding is asserted by one sentence and denied by the
/// other.
const OPPOSITE: f32 = 0.2;
/// What is left when both name a side or a change and another one, or when one only suspects what the other states.
const CONFLICT: f32 = 0.5;
/// What is left when both give another part of an organ, another organ, severity, cause or heavier side.
const OTHER: f32 = 0.7;
/// Sizes of which one is at most so many times the other are as good as equal.
const SAME_SIZE: f64 = 1.3;
/// The concept of what is as it should be.
const NORMAL: &str = "normal";
/// The least similarity of sentences that assert just the same.
pub const AGREEMENT: f32 = 0.9;

fn claims(signature: &[String]) -> Vec<Claim<'_>> {
    signature.iter().filter_map(|text| Claim::parse(text)).collect()
}

/// The similarity of two sentences whose texts have the cosine `text` and whose graphs assert `a`
/// and `b` (see [`crate::report::sentence_signature`]). Symmetric in `a` and `b`.
pub fn gate(text: f32, a: &[String], b: &[String]) -> f32 {
    // A sentence that affirms a finding on one side and denies it on the other still equals itself.
    if a == b {
        return agreeing(text, a.is_empty());
    }
    let (a, b) = (claims(a), claims(b));
    let text = if plain(&a) == plain(&b) { agreeing(text, a.is_empty()) } else { text };
    text * factor(&a, &b)
}

/// The claims without sizes and the like, sorted.
fn plain(claims: &[Claim<'_>]) -> Vec<String> {
    let mut plain: Vec<String> = claims.iter().map(|claim| claim.plain().to_string()).collect();
    plain.sort_unstable();
    plain.dedup();
    plain
}

/// The similarity of sentences that assert the same, or nothing at all.
fn agreeing(text: f32, silent: bool) -> f32 {
    if silent { text } else { text.max(AGREEMENT) }
}

/// What is left of the cosine of two sentences that do not assert the same. What both say is no reason to part them.
fn factor(a: &[Claim<'_>], b: &[Claim<'_>]) -> f32 {
    let mut factor = if is_turned(a, b) { OTHER } else { 1.0_f32 };
    for one in a.iter().filter(|one| !b.contains(one)) {
        for other in b.iter().filter(|other| !a.contains(other)) {
            factor = factor.min(agreement(one, other));
        }
    }
    factor
}

/// `Atelectasis due to effusion` and `effusion due to atelectasis`.
fn is_turned(a: &[Claim<'_>], b: &[Claim<'_>]) -> bool {
    a.iter().any(|one| {
        b.iter().any(|other| {
            one.sign_of.as_ref() == Some(&other.concept)
                && other.sign_of.as_ref() == Some(&one.concept)
        })
    })
}

/// What is left of the cosine of two sentences of which each makes one of these claims; symmetric.
fn agreement(one: &Claim<'_>, other: &Claim<'_>) -> f32 {
    let same_place = one.places == other.places;
    if one.concept != other.concept {
        let present = Some(Assertion::Present);
        let stated = one.assertion == present && other.assertion == present;
        let normal = one.concept == NORMAL || other.concept == NORMAL;
        let contrary = stated && normal && same_place && !one.places.is_empty();
        return if contrary { OPPOSITE } else { 1.0 };
    }
    // A nodule on the left and none on the right are two findings that do not meet.
    if let (Some(Side::Left), Some(Side::Right)) | (Some(Side::Right), Some(Side::Left)) =
        (one.side, other.side)
    {
        return CONFLICT;
    }
    if one.assertion != other.assertion {
        let denied = [one.assertion, other.assertion].contains(&Some(Assertion::Absent));
        return if denied { OPPOSITE } else { CONFLICT };
    }
    // What one leaves open does not contradict the other.
    let conflict = same_place
        && (differ(one.side.as_ref(), other.side.as_ref())
            || differ(one.change.as_ref(), other.change.as_ref()));
    if conflict { CONFLICT } else { nuance(one, other) }
}

/// What is left of the cosine by place, size, severity, cause and heavier side of one finding that both assert alike.
fn nuance(one: &Claim<'_>, other: &Claim<'_>) -> f32 {
    let organ_or_part = one.is_of_whole_organ() == other.is_of_whole_organ();
    let given = !one.places.is_empty() && !other.places.is_empty();
    let elsewhere = given && organ_or_part && one.places != other.places;
    // A cause that only one gives is open, but not if the other claim is that cause's own sign.
    let cause = differ(one.sign_of.as_ref(), other.sign_of.as_ref());
    let grade = differ(one.grade.as_ref(), other.grade.as_ref());
    let other_kind = elsewhere || cause || grade || differ(one.most.as_ref(), other.most.as_ref());
    let size = one.size_mm.zip(other.size_mm).map_or(1.0, |(a, b)| size_agreement(a, b));
    if other_kind { OTHER.min(size) } else { size }
}

/// 1 for sizes that are as good as equal, then falling with their ratio down to [`CONFLICT`].
fn size_agreement(a: f64, b: f64) -> f32 {
    let ratio = a.max(b) / a.min(b).max(f64::MIN_POSITIVE);
    ((SAME_SIZE / ratio).min(1.0) as f32).max(CONFLICT)
}

/// Whether both are given, and not the same.
fn differ<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
    one.is_some() && other.is_some() && one != other
}

/// Cosines of one type with all, kept from type to type so that a cosine is a place in memory.
struct Cosines {
    values: Vec<f32>,
    /// Types with a cosine that may count, each once.
    met: Vec<usize>,
}

/// What cosines of texts are made of.
enum Texts<'a> {
    /// TF-IDF vectors, and the types of each term that are not boilerplate.
    Words { vectors: Vec<Vec<(u32, f32)>>, postings: BTreeMap<u32, Vec<(usize, f32)>> },
    /// An encoder's vectors, and the types that are not boilerplate.
    Encoded { vectors: &'a SentenceVectors, others: Vec<usize> },
}

impl<'a> Texts<'a> {
    fn new(types: &[SentenceTypeRow], encoded: Option<&'a SentenceVectors>) -> Self {
        let others = (0..types.len()).filter(|&index| !types[index].boilerplate);
        if let Some(vectors) = encoded {
            return Self::Encoded { vectors, others: others.collect() };
        }
        let vectors = vectors(types);
        let mut postings: BTreeMap<u32, Vec<(usize, f32)>> = BTreeMap::new();
        for index in others {
            for &(term, weight) in &vectors[index] {
                postings.entry(term).or_default().push((index, weight));
            }
        }
        Self::Words { vectors, postings }
    }

    /// Fills in the cosines of the types that begin at `first`, one of `cosines` each.
    fn fill(&self, first: usize, cosines: &mut [Cosines]) {
        match self {
            Self::Words { vectors, postings } => {
                for (index, cosines) in (first..).zip(cosines) {
                    for other in cosines.met.drain(..) {
                        cosines.values[other] = 0.0;
                    }
                    for (term, weight) in &vectors[index] {
                        for &(other, other_weight) in postings.get(term).into_iter().flatten() {
                            let sum = &mut cosines.values[other];
                            if *sum == 0.0 {
                                cosines.met.push(other);
                            }
                            *sum += weight * other_weight;
                        }
                    }
                }
            }
            Self::Encoded { vectors, others } => {
                for cosines in &mut *cosines {
                    cosines.met.clear();
                }
                // The vector of one type stays near while all rows of the block are held against it.
                for &other in others {
                    for (index, cosines) in (first..).zip(&mut *cosines) {
                        cosines.values[other] = vectors.cosine(index, other).max(0.0);
                        cosines.met.push(other);
                    }
                }
            }
        }
    }
}

/// Types whose cosines are made together.
const BLOCK: usize = 8;

/// Relates every type to its most similar ones; boilerplate is left out. `encoded` takes the place of TF-IDF.
/// Rows are sorted and each pair stands once with `a < b`.
pub fn similar_types(
    types: &[SentenceTypeRow],
    encoded: Option<&SentenceVectors>,
    section: &GraphSection,
) -> Vec<SimilarityRow> {
    let texts = Texts::new(types, encoded);
    let claims: Vec<Vec<Claim<'_>>> = types.iter().map(|row| claims(&row.signature)).collect();
    let plain: Vec<Vec<String>> = claims.iter().map(|claims| plain(claims)).collect();
    let mut by_signature: BTreeMap<&[String], Vec<usize>> = BTreeMap::new();
    for (index, row) in types.iter().enumerate() {
        if let Some(plain) =
            plain.get(index).filter(|_| !row.boilerplate && !row.signature.is_empty())
        {
            by_signature.entry(plain).or_default().push(index);
        }
    }
    let neighbours = |index: usize, cosines: &Cosines| {
        if types[index].boilerplate {
            return Vec::new();
        }
        // Other words for the same claim may share no word at all.
        let same = by_signature.get(plain[index].as_slice());
        let same = same.map_or(&[][..], Vec::as_slice);
        let text = |other: usize| cosines.values[other].min(1.0);
        let agree = same.iter().map(|&other| {
            let gate = if types[index].signature == types[other].signature {
                1.0
            } else {
                factor(&claims[index], &claims[other])
            };
            (other, text(other), agreeing(text(other), false) * gate)
        });
        // The gate only ever lowers the others, so those below the threshold need not pass it.
        let differ = cosines
            .met
            .iter()
            .filter(|&&other| f64::from(text(other)) >= section.threshold)
            .filter(|other| same.binary_search(other).is_err())
            .map(|&other| {
                (other, text(other), text(other) * factor(&claims[index], &claims[other]))
            });
        let mut found: Vec<_> = agree
            .chain(differ)
            .filter(|&(other, _, _)| other != index)
            .filter(|(_, text, gated)| f64::from(gated.max(*text)) >= section.threshold)
            .collect();
        // A pair that the gate pushed apart is a negative worth keeping, so the rank is by the
        // larger of the two.
        let by_rank = |x: &(usize, f32, f32), y: &(usize, f32, f32)| {
            y.2.max(y.1).total_cmp(&x.2.max(x.1)).then(x.0.cmp(&y.0))
        };
        let kept = section.similar as usize;
        if kept < found.len() {
            found.select_nth_unstable_by(kept, by_rank);
            found.truncate(kept);
        }
        found
    };
    let blocks = types.len().div_ceil(BLOCK);
    let start = || -> Vec<Cosines> {
        let one = || Cosines { values: vec![0.0; types.len()], met: Vec::new() };
        std::iter::repeat_with(one).take(BLOCK).collect()
    };
    let neighbours: Vec<Vec<Vec<(usize, f32, f32)>>> = (0..blocks)
        .into_par_iter()
        .map_init(start, |cosines, block| {
            let first = block * BLOCK;
            let count = BLOCK.min(types.len() - first);
            texts.fill(first, &mut cosines[..count]);
            (first..).zip(&cosines[..count]).map(|(index, own)| neighbours(index, own)).collect()
        })
        .collect();
    let mut pairs: BTreeMap<(u64, u64), (f32, f32)> = BTreeMap::new();
    for (index, found) in neighbours.into_iter().flatten().enumerate() {
        for (other, text, gated) in found {
            let (a, b) = (types[index].sentence_type, types[other].sentence_type);
            pairs.insert((a.min(b), a.max(b)), (text, gated));
        }
    }
    pairs
        .into_iter()
        .map(|((a, b), (text, similarity))| SimilarityRow { a, b, text, similarity })
        .collect()
}

/// TF-IDF vectors of unit length, sorted by term; the sum runs in that order.
fn vectors(types: &[SentenceTypeRow]) -> Vec<Vec<(u32, f32)>> {
    let words = |text: &str| -> Vec<String> {
        text.split(|letter: char| !letter.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let tokens: Vec<Vec<String>> = types.iter().map(|row| words(&row.text)).collect();
    let mut frequency: BTreeMap<&str, u32> = BTreeMap::new();
    for sentence in &tokens {
        let unique: std::collections::BTreeSet<&str> =
            sentence.iter().map(String::as_str).collect();
        for word in unique {
            *frequency.entry(word).or_default() += 1;
        }
    }
    let terms: BTreeMap<&str, (u32, f32)> = frequency
        .iter()
        .enumerate()
        .map(|(index, (word, count))| {
            let inverse = ((1.0 + types.len() as f32) / (1.0 + *count as f32)).ln() + 1.0;
            (*word, (index as u32, inverse))
        })
        .collect();
    tokens
        .iter()
        .map(|sentence| {
            let mut counts: BTreeMap<u32, f32> = BTreeMap::new();
            for word in sentence {
                let (term, inverse) = terms[word.as_str()];
                *counts.entry(term).or_default() += inverse;
            }
            let length = counts.values().map(|weight| weight * weight).sum::<f32>().sqrt();
            counts.into_iter().map(|(term, weight)| (term, weight / length)).collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: u64, text: &str, signature: &[&str]) -> SentenceTypeRow {
        SentenceTypeRow {
            sentence_type: id,
            text: text.into(),
            count: 1,
            reports: 1,
            boilerplate: false,
            signature: signature.iter().map(|&claim| claim.to_owned()).collect(),
        }
    }

    fn pair(rows: &[SimilarityRow], a: u64, b: u64) -> f32 {
        rows.iter().find(|row| (row.a, row.b) == (a, b)).map_or(0.0, |row| row.similarity)
    }

    #[test]
    fn the_graph_tells_apart_what_the_words_do_not() {
        let types = [
            row(
                1,
                "pleural effusion was observed on the right",
                &["effusion|pleura|right|present|"],
            ),
            row(
                2,
                "pleural effusion was not observed on the right",
                &["effusion|pleura|right|absent|"],
            ),
            row(3, "pleural effusion was observed on the left", &["effusion|pleura|left|present|"]),
            row(4, "there is fluid between the leaves", &["effusion|pleura|right|present|"]),
            row(5, "the gallbladder is normal", &[]),
        ];
        let rows = similar_types(
            &types,
            None,
            &GraphSection { threshold: 0.0, ..GraphSection::default() },
        );
        assert!(pair(&rows, 1, 2) <= 0.3, "opposite assertion");
        assert!(pair(&rows, 1, 3) <= 0.5, "other side");
        assert!(pair(&rows, 1, 4) >= 0.9, "same claim in other words");
        assert!(pair(&rows, 1, 5) < 0.2, "unrelated");
        assert!(
            rows.is_sorted_by_key(|row| (row.a, row.b)) && rows.iter().all(|row| row.a < row.b)
        );
    }

    #[test]
    fn a_sentence_equals_itself_and_not_its_denial() {
        use crate::report::{ReportDocument, ReportParser, sentence_signature};
        let parser = ReportParser::builtin().expect("the built-in lexicon loads");
        let signature = |text: &str| {
            sentence_signature(&parser.parse(&ReportDocument::from_text("t", text)), 0)
        };
        for (text, denied) in [
            ("A nodule is seen in the right lung.", "No nodule is seen in the right lung."),
            ("Pleural effusion was observed.", "Pleural effusion was not observed."),
            ("Effusion on the left, no effusion on the right.", "No effusion on the left."),
            ("Findings compatible with emphysema.", "There is no finding of emphysema."),
        ] {
            let (a, b) = (signature(text), signature(denied));
            assert!(!a.is_empty() && !b.is_empty(), "{text}");
            assert_eq!(gate(1.0, &a, &a).to_bits(), 1.0_f32.to_bits(), "{text}");
            assert!(gate(1.0, &a, &b) <= 0.3, "{text} against {denied}");
            assert_eq!(gate(1.0, &a, &b).to_bits(), gate(1.0, &b, &a).to_bits());
        }
    }

    #[test]
    fn claims_are_weighed_one_against_the_other() {
        for (a, b, left) in [
            ("nodule|lung|left|present|", "nodule|lung|left|absent|", OPPOSITE),
            ("nodule|lung|left|uncertain|", "nodule|lung|left|absent|", OPPOSITE),
            ("nodule|lung|left|uncertain|", "nodule|lung|left|present|", CONFLICT),
            ("nodule|lung|left|present|", "nodule|lung|right|present|", CONFLICT),
            ("nodule|lung|left|present|", "nodule|lung||present|", 1.0),
            ("nodule|lung|left|present|", "nodule|lung|right|absent|", CONFLICT),
            ("nodule|lung|bilateral|present|", "nodule|lung|right|absent|", OPPOSITE),
            ("nodule|lung||present|new", "nodule|lung||present|decreased", CONFLICT),
            ("nodule|lung||present|new", "nodule|lung||present|", 1.0),
            ("nodule|liver||present|", "nodule|lung||present|", OTHER),
            ("nodule|upper_lobe||present|", "nodule|lung||present|", 1.0),
            ("nodule|lung||present||size=5", "nodule|lung||present||size=6", 1.0),
            ("nodule|lung||present||size=4", "nodule|lung||present||size=40", CONFLICT),
            ("nodule|lung||present||size=10", "nodule|lung||present||size=20", 0.65),
            ("nodule|lung||present||grade=mild", "nodule|lung||present||grade=severe", OTHER),
            ("nodule|lung||present||grade=mild", "nodule|lung||present|", 1.0),
            ("normal|liver||present|", "cyst|liver||present|", OPPOSITE),
            ("normal|liver||present|", "cyst|liver||absent|", 1.0),
            ("normal|liver||present|", "cyst|kidney||present|", 1.0),
            ("normal|||present|", "cyst|||present|", 1.0),
            ("mass|liver||present|", "cyst|liver||present|", 1.0),
        ] {
            let (a, b) = (vec![a.to_owned()], vec![b.to_owned()]);
            assert_eq!(gate(1.0, &a, &b).to_bits(), left.to_bits(), "{a:?} {b:?}");
            assert_eq!(gate(1.0, &b, &a).to_bits(), left.to_bits(), "{b:?} {a:?}");
        }
    }

    #[test]
    fn what_both_say_does_not_part_them() {
        let claims = |texts: &[&str]| texts.iter().map(|&t| t.to_owned()).collect::<Vec<_>>();
        let cyst = claims(&["cyst|liver||present|"]);
        let more = claims(&["cyst|liver||present|", "normal|liver||present|"]);
        assert_eq!(gate(0.8, &cyst, &more).to_bits(), 0.8_f32.to_bits());
        let effusions = claims(&["effusion||left|present|", "effusion||right|absent|"]);
        let and_heart = claims(&[
            "cardiomegaly|heart||present|",
            "effusion||left|present|",
            "effusion||right|absent|",
        ]);
        assert_eq!(gate(0.9, &effusions, &and_heart).to_bits(), 0.9_f32.to_bits());
    }

    #[test]
    fn the_gate_is_symmetric() {
        let claim = |text: &str| vec![text.to_owned()];
        let (a, b) =
            (claim("nodule|lung|left|present|new"), claim("nodule|lung|left|present|stable"));
        assert_eq!(gate(0.8, &a, &b).to_bits(), gate(0.8, &b, &a).to_bits());
        assert_eq!(gate(0.8, &a, &b).to_bits(), 0.4_f32.to_bits());
        assert_eq!(gate(0.8, &a, &a).to_bits(), 0.9_f32.to_bits());
    }
}
