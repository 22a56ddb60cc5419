//! Reports as the rows of the text encoder: one a report, or one a sentence, each once.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::EncodedReport;

/// What a token of a report may attend to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TextContext {
    /// The whole report.
    #[default]
    Report,
    /// Its own sentence, with `[CLS]` and `[SEP]` around: a sentence means the same in every report and as a prompt,
    /// and one that stands in several reports of a batch is encoded once.
    Sentence,
}

/// Rows of the text encoder, and where the tokens of reports stand in them.
#[derive(Debug, Default)]
pub(super) struct TextRows {
    /// Token ids of each row.
    pub(super) rows: Vec<Vec<u32>>,
    /// Row and position of each token of each report; none where a report is a row.
    pub(super) places: Option<Vec<Vec<[usize; 2]>>>,
}

impl TextRows {
    /// Rows of reports whose tokens `ids` gives. Sentences that stand among `known` are not repeated: their row is the
    /// one there, and new rows are numbered after them.
    pub(super) fn new<'a>(
        reports: impl Iterator<Item = (&'a EncodedReport, &'a [u32])>,
        context: TextContext,
        known: &[Vec<u32>],
    ) -> Self {
        if context == TextContext::Report {
            let rows = reports.map(|(_, ids)| ids.to_vec()).collect();
            return Self { rows, places: None };
        }
        let mut numbers: BTreeMap<Vec<u32>, usize> =
            known.iter().enumerate().map(|(number, row)| (row.clone(), number)).collect();
        let mut rows = Vec::new();
        let places = reports.map(|(report, ids)| {
            let mut places = vec![[0, 0]; ids.len()];
            let (Some(&first), Some(&last)) = (ids.first(), ids.last()) else { return places };
            let inner = 1..ids.len().saturating_sub(1).max(1);
            let sentences =
                report.sentence[inner.clone()].chunk_by(|a, b| a == b).map(<[i32]>::len);
            let mut at = inner.start;
            // A report without a sentence is one row of its ends.
            let ends = inner.is_empty().then_some(0);
            for length in sentences.chain(ends) {
                let row: Vec<u32> = [&[first], &ids[at..at + length], &[last]].concat();
                let next = known.len() + rows.len();
                let number = *numbers.entry(row).or_insert_with_key(|row| {
                    rows.push(row.clone());
                    next
                });
                for (position, place) in places[at..at + length].iter_mut().enumerate() {
                    *place = [number, position + 1];
                }
                if at == inner.start {
                    places[0] = [number, 0];
                }
                at += length;
                if let Some(place) = places.last_mut() {
                    *place = [number, length + 1];
                }
            }
            places
        });
        let places = Some(places.collect());
        Self { rows, places }
    }

    /// Length of the longest row.
    pub(super) fn longest(&self) -> usize {
        self.rows.iter().map(Vec::len).max().unwrap_or(0)
    }

    /// The rows filled up to `length` with the token `pad`, and where they are.
    pub(super) fn padded(&self, length: usize, pad: u32) -> (Vec<i32>, Vec<bool>) {
        let ids = self.rows.iter().flat_map(|row| {
            let ids = row.iter().copied().chain(std::iter::repeat(pad)).take(length);
            ids.map(|id| id as i32)
        });
        let absent = self.rows.iter().flat_map(|row| (0..length).map(|at| at >= row.len()));
        (ids.collect(), absent.collect())
    }

    /// For each of `length` tokens of each report its cell of the padded rows, the first where there is no token.
    pub(super) fn cells(&self, length: usize, row_length: usize) -> Option<Vec<i32>> {
        let cell = |[row, position]: [usize; 2]| (row * row_length + position) as i32;
        self.places.as_ref().map(|places| {
            let report = |places: &Vec<[usize; 2]>| {
                let cells: Vec<i32> = places.iter().copied().map(cell).collect();
                cells.into_iter().chain(std::iter::repeat(0)).take(length).collect::<Vec<_>>()
            };
            places.iter().flat_map(report).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(ids: &[u32], sentence: &[i32]) -> EncodedReport {
        EncodedReport { ids: ids.to_vec(), sentence: sentence.to_vec(), ..EncodedReport::default() }
    }

    #[test]
    fn every_token_is_found_in_the_row_of_its_sentence_and_no_sentence_stands_twice() {
        let reports = [
            report(&[1, 10, 11, 12, 20, 2], &[-1, 0, 0, 0, 3, -1]),
            report(&[1, 20, 30, 31, 2], &[-1, 0, 1, 1, -1]),
            report(&[1, 2], &[-1, -1]),
        ];
        let whole = || reports.iter().map(|report| (report, report.ids.as_slice()));
        let found = TextRows::new(whole(), TextContext::Sentence, &[]);
        assert_eq!(
            found.rows,
            [vec![1, 10, 11, 12, 2], vec![1, 20, 2], vec![1, 30, 31, 2], vec![1, 2]]
        );
        let (ids, absent) = found.padded(6, 0);
        let cells = found.cells(7, 6).expect("places");
        for (report, cells) in reports.iter().zip(cells.chunks(7)) {
            for (id, &cell) in report.ids.iter().zip(cells) {
                assert_eq!(ids[cell as usize], *id as i32);
                assert!(!absent[cell as usize]);
            }
        }
        // One sentence of the second report masked: one new row, after those that are known.
        let masked = [reports[0].ids.clone(), vec![1, 20, 30, 99, 2], vec![1, 2]];
        let masked = reports.iter().zip(masked.iter().map(Vec::as_slice));
        let masked = TextRows::new(masked, TextContext::Sentence, &found.rows);
        assert_eq!(masked.rows, [vec![1, 30, 99, 2]]);
        assert_eq!(masked.places.expect("places")[1], [[1, 0], [1, 1], [4, 1], [4, 2], [4, 3]]);

        let by_report = TextRows::new(whole(), TextContext::Report, &[]);
        assert_eq!(by_report.rows[1], reports[1].ids);
        assert_eq!(by_report.cells(7, 6), None);
    }
}
