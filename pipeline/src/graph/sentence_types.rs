//! Sentences that are equal after normalisation.

use std::collections::{BTreeMap, BTreeSet};

use schemas::tables::{SentenceRow, SentenceTypeRow};

use crate::report::{ParsedReport, ReportDocument, normalise_sentence, sentence_signature};

/// The sentence types of a corpus, gathered report by report.
#[derive(Debug, Clone, Default)]
pub struct SentenceTypes {
    types: BTreeMap<u64, SentenceTypeRow>,
    reports: u32,
}

/// Reports a sentence type must stand in before it can be boilerplate.
const BOILERPLATE_REPORTS: u32 = 3;

impl SentenceTypes {
    /// Adds the sentences of one report, whose rows are `sentences`. Memory grows with types met for
    /// the first time and with nothing else.
    pub fn add(
        &mut self,
        document: &ReportDocument,
        parsed: &ParsedReport,
        sentences: &[SentenceRow],
    ) {
        self.reports += 1;
        let mut met = BTreeSet::new();
        for sentence in sentences {
            let id = sentence.sentence_type;
            let row = self.types.entry(id).or_insert_with(|| {
                let span = sentence.start as usize..sentence.end as usize;
                SentenceTypeRow {
                    sentence_type: id,
                    text: normalise_sentence(&document.text[span]),
                    count: 0,
                    reports: 0,
                    boilerplate: false,
                    signature: sentence_signature(parsed, sentence.sentence),
                }
            });
            row.count += 1;
            if met.insert(id) {
                row.reports += 1;
            }
        }
    }

    /// The types by identifier; `boilerplate` is the share of reports from which a type tells
    /// patients apart badly.
    pub fn finish(self, boilerplate: f64) -> Vec<SentenceTypeRow> {
        let threshold = (boilerplate * f64::from(self.reports)).max(f64::from(BOILERPLATE_REPORTS));
        self.types
            .into_values()
            .map(|row| SentenceTypeRow { boilerplate: f64::from(row.reports) >= threshold, ..row })
            .collect()
    }
}
