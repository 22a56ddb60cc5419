//! Vectors of sentences, where the manifest names an encoder.

use std::collections::BTreeMap;
use std::error::Error;

use schemas::tables::SentenceTypeRow;

/// Turns sentences into vectors. What runs the model is not this crate's concern.
pub trait SentenceEncoder {
    /// SHA-256 of each file that decides the vectors, by name, for the lock.
    fn files(&self) -> &BTreeMap<String, String>;

    /// One vector per text, in the order of the texts and all of one length; the caller refuses anything else with
    /// [`EncodeError::Count`]. A vector depends on its own text alone, but for the last bits. Texts come sorted by
    /// length.
    ///
    /// # Errors
    ///
    /// When the model cannot be loaded or run.
    fn encode(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Box<dyn Error + Send + Sync>>;
}

/// Why there are no vectors.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The encoder failed.
    #[error("failed to encode sentences for similarity: {0}")]
    Encoder(Box<dyn Error + Send + Sync>),
    /// The encoder gave vectors that no cosine can be made of.
    #[error(
        "failed to encode sentences for similarity: the vector of `{text}` {problem}; check the encoder's weights"
    )]
    Vector {
        /// The sentence.
        text: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The encoder gave more or fewer vectors than there are texts.
    #[error(
        "failed to encode sentences for similarity: {found} vectors came for {texts} sentences"
    )]
    Count {
        /// Vectors.
        found: usize,
        /// Texts.
        texts: usize,
    },
    /// Stopping was asked for.
    #[error("interrupted while encoding sentences")]
    Interrupted,
}

/// Unit vectors of sentence types, row after row. Boilerplate, which has no part in similarity, has zeros.
#[derive(Debug, Clone, PartialEq)]
pub struct SentenceVectors {
    length: usize,
    values: Vec<f32>,
}

/// Sentences between two looks at whether to go on.
const WINDOW: usize = 512;

impl SentenceVectors {
    /// Encodes the types that are not boilerplate, the short ones first. With `centre`, the mean of all unit
    /// vectors is taken from each of them (Mu and Viswanath, arXiv 1702.01417, without their second step).
    ///
    /// `go_on` receives the number of types encoded since the last call and returns whether to continue.
    ///
    /// # Errors
    ///
    /// [`EncodeError`]; `Interrupted` when `go_on` returns false.
    pub fn encode(
        types: &[SentenceTypeRow],
        encoder: &dyn SentenceEncoder,
        centre: bool,
        go_on: &mut dyn FnMut(u64) -> bool,
    ) -> Result<Self, EncodeError> {
        let mut order: Vec<usize> =
            (0..types.len()).filter(|&index| !types[index].boilerplate).collect();
        order.sort_by_key(|&index| (types[index].text.len(), index));
        let mut vectors = Self { length: 0, values: Vec::new() };
        for batch in order.chunks(WINDOW) {
            let texts: Vec<&str> = batch.iter().map(|&index| types[index].text.as_str()).collect();
            let rows = encoder.encode(&texts).map_err(EncodeError::Encoder)?;
            if rows.len() != texts.len() {
                return Err(EncodeError::Count { found: rows.len(), texts: texts.len() });
            }
            for (&index, row) in batch.iter().zip(rows) {
                vectors.put(index, types, &row)?;
            }
            if !go_on(batch.len() as u64) {
                return Err(EncodeError::Interrupted);
            }
        }
        if centre {
            vectors.centre(&order);
        }
        Ok(vectors)
    }

    fn put(
        &mut self,
        index: usize,
        types: &[SentenceTypeRow],
        row: &[f32],
    ) -> Result<(), EncodeError> {
        if self.values.is_empty() {
            self.length = row.len();
            self.values = vec![0.0; types.len() * row.len()];
        }
        let fail = |problem| Err(EncodeError::Vector { text: types[index].text.clone(), problem });
        if row.is_empty() || row.len() != self.length {
            return fail("is not as long as the others");
        }
        if !row.iter().all(|value| value.is_finite()) {
            return fail("holds values that are no numbers");
        }
        let place = self.row_mut(index);
        place.copy_from_slice(row);
        normalise(place);
        Ok(())
    }

    fn centre(&mut self, rows: &[usize]) {
        let mut mean = vec![0.0_f64; self.length];
        for &index in rows {
            for (sum, value) in mean.iter_mut().zip(self.row(index)) {
                *sum += f64::from(*value);
            }
        }
        for &index in rows {
            let row = self.row_mut(index);
            for (value, sum) in row.iter_mut().zip(&mean) {
                *value = (f64::from(*value) - sum / rows.len() as f64) as f32;
            }
            normalise(row);
        }
    }

    /// The vector of a type.
    pub(super) fn row(&self, index: usize) -> &[f32] {
        &self.values[index * self.length..][..self.length]
    }

    fn row_mut(&mut self, index: usize) -> &mut [f32] {
        &mut self.values[index * self.length..][..self.length]
    }

    /// Cosine of two types, from -1 to 1 but for the last bits; 0 where one has no direction.
    pub(super) fn cosine(&self, a: usize, b: usize) -> f32 {
        dot(self.row(a), self.row(b))
    }
}

/// Sums in eight lanes, which the compiler keeps in vector registers and whose order is the same everywhere.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    let mut lanes = [0.0_f32; 8];
    for (a, b) in a.iter().zip(b) {
        for (lane, (a, b)) in lanes.iter_mut().zip(a.iter().zip(b)) {
            *lane += a * b;
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    lanes.iter().sum::<f32>() + rest
}

/// Makes a vector one of length 1; a zero stays as it is.
fn normalise(vector: &mut [f32]) {
    let square: f64 = vector.iter().map(|&value| f64::from(value) * f64::from(value)).sum();
    if square > 0.0 {
        let scale = square.sqrt().recip();
        for value in vector {
            *value = (f64::from(*value) * scale) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::similar_types;
    use schemas::manifest::GraphSection;

    /// Vectors by text.
    struct Table(BTreeMap<&'static str, Vec<f32>>, BTreeMap<String, String>);

    impl Table {
        fn new(rows: &[(&'static str, &[f32])]) -> Self {
            Self(rows.iter().map(|&(text, row)| (text, row.to_vec())).collect(), BTreeMap::new())
        }
    }

    impl SentenceEncoder for Table {
        fn files(&self) -> &BTreeMap<String, String> {
            &self.1
        }

        fn encode(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Box<dyn Error + Send + Sync>> {
            texts
                .iter()
                .map(|text| self.0.get(text).cloned().ok_or_else(|| format!("no {text}").into()))
                .collect()
        }
    }

    fn row(id: u64, text: &str, signature: &[&str], boilerplate: bool) -> SentenceTypeRow {
        SentenceTypeRow {
            sentence_type: id,
            text: text.into(),
            count: 1,
            reports: 1,
            boilerplate,
            signature: signature.iter().map(|&claim| claim.to_owned()).collect(),
        }
    }

    fn encode(
        types: &[SentenceTypeRow],
        table: &Table,
        centre: bool,
    ) -> Result<SentenceVectors, EncodeError> {
        SentenceVectors::encode(types, table, centre, &mut |_| true)
    }

    #[test]
    fn cosines_are_those_of_the_vectors_and_of_their_differences_from_the_mean() {
        let a: Vec<f32> = (0..19).map(|index| index as f32 - 7.5).collect();
        let b: Vec<f32> = (0..19).map(|index| (index * index) as f32 / 9.0 - 3.0).collect();
        let c: Vec<f32> = (0..19).map(|index| 4.0 - (index % 5) as f32).collect();
        let table = Table::new(&[("a", &a), ("bb", &b), ("ccc", &c)]);
        let types = [row(1, "a", &[], false), row(2, "bb", &[], false), row(3, "ccc", &[], false)];
        let unit = |vector: &[f64]| -> Vec<f64> {
            let length = vector.iter().map(|value| value * value).sum::<f64>().sqrt();
            vector.iter().map(|value| value / length).collect()
        };
        let mut expected: Vec<Vec<f64>> = [&a, &b, &c]
            .iter()
            .map(|row| unit(&row.iter().map(|&value| f64::from(value)).collect::<Vec<_>>()))
            .collect();
        for centre in [false, true] {
            if centre {
                let mean: Vec<f64> = (0..19)
                    .map(|at| expected.iter().map(|row| row[at]).sum::<f64>() / 3.0)
                    .collect();
                for row in &mut expected {
                    let moved: Vec<f64> = row.iter().zip(&mean).map(|(v, m)| v - m).collect();
                    *row = unit(&moved);
                }
            }
            let vectors = encode(&types, &table, centre).expect("encodes");
            for one in 0..3 {
                for other in 0..3 {
                    let cosine: f64 =
                        expected[one].iter().zip(&expected[other]).map(|(x, y)| x * y).sum();
                    let got = f64::from(vectors.cosine(one, other));
                    assert!((got - cosine).abs() < 1e-6, "{one} {other}: {got}, not {cosine}");
                }
            }
        }
    }

    #[test]
    fn vectors_find_what_shares_no_word_and_the_graph_still_gates_them() {
        let table = Table::new(&[
            ("fluid at the base", &[1.0, 0.1, 0.0]),
            ("pleural effusion", &[1.0, 0.0, 0.1]),
            ("no pleural effusion", &[1.0, 0.05, 0.1]),
            ("the spleen is normal", &[0.0, 1.0, 0.0]),
        ]);
        let types = [
            row(1, "fluid at the base", &[], false),
            row(2, "pleural effusion", &["effusion|pleura||present|"], false),
            row(3, "no pleural effusion", &["effusion|pleura||absent|"], false),
            row(4, "the spleen is normal", &[], false),
            // Not asked for: the table has no vector for it.
            row(5, "the examination is adequate", &[], true),
        ];
        let section = GraphSection::default();
        let vectors = encode(&types, &table, false).expect("encodes");
        let rows = similar_types(&types, Some(&vectors), &section);
        let of = |a, b| rows.iter().find(|row| (row.a, row.b) == (a, b));
        let words = similar_types(&types, None, &section);
        assert!(words.iter().all(|row| (row.a, row.b) != (1, 2)), "no word in common");
        assert!(of(1, 2).is_some_and(|row| row.similarity > 0.9 && row.text > 0.9));
        assert!(of(2, 3).is_some_and(|row| row.similarity <= 0.3 && row.text > 0.9));
        assert!(of(1, 4).is_none() && of(2, 4).is_none());
        assert!(rows.iter().all(|row| row.b != 5));
    }

    #[test]
    fn what_is_no_vector_is_refused_by_its_sentence() {
        let types = [row(1, "a", &[], false), row(2, "bb", &[], false)];
        for (wrong, word) in [(&[f32::NAN, 1.0][..], "no numbers"), (&[1.0], "as long")] {
            let table = Table::new(&[("a", &[1.0, 0.0]), ("bb", wrong)]);
            let message = encode(&types, &table, true).expect_err("refused").to_string();
            assert!(message.contains("`bb`") && message.contains(word), "{message}");
        }
        let table = Table::new(&[("a", &[1.0, 0.0])]);
        let message = encode(&types, &table, true).expect_err("refused").to_string();
        assert!(message.contains("no bb"), "{message}");
    }

    #[test]
    fn a_vector_equal_to_the_mean_is_similar_to_nothing() {
        let types = [row(1, "a", &[], false), row(2, "bb", &[], false)];
        let table = Table::new(&[("a", &[3.0, 4.0]), ("bb", &[3.0, 4.0])]);
        let vectors = encode(&types, &table, true).expect("encodes");
        assert!(vectors.cosine(0, 1).abs() < f32::EPSILON);
        assert!(similar_types(&types, Some(&vectors), &GraphSection::default()).is_empty());
        assert!(similar_types(&[], Some(&vectors), &GraphSection::default()).is_empty());
    }

    #[test]
    fn stopping_is_heard() {
        let types = [row(1, "a", &[], false)];
        let table = Table::new(&[("a", &[1.0])]);
        let stopped = SentenceVectors::encode(&types, &table, true, &mut |_| false);
        assert!(matches!(stopped, Err(EncodeError::Interrupted)));
    }
}
