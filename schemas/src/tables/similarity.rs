//! Sentence types and how similar they are.

use super::row::table;

table! {
    /// One sentence type: sentences that are equal after normalisation.
    SentenceTypeRow "sentence_types" by [sentence_type] {
        /// Identifier (xxh3 of the normalised text).
        sentence_type: u64,
        /// Normalised text.
        text: String,
        /// Sentences of this type.
        count: u32,
        /// Reports with a sentence of this type.
        reports: u32,
        /// Whether it stands in so many reports that it tells patients apart badly.
        boilerplate: bool,
        /// What it asserts: `concept|anatomy|side|assertion|change`, sorted.
        signature: Vec<String>,
    }
}

table! {
    /// Similarity of two sentence types; symmetric, stored once with `a < b`.
    SimilarityRow "similarity" by [a, b] {
        /// The lower sentence type.
        a: u64,
        /// The higher sentence type.
        b: u64,
        /// Cosine of the texts, 0..1.
        text: f32,
        /// The cosine after the graph's gate, 0..1.
        similarity: f32,
    }
}
