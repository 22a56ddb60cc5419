//! Reports as tokens, each tokenised once in a run.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use schemas::ids::StudyId;
use schemas::study::StudyRecord;

use super::tokenize::{EncodedReport, ReportTokenizer, TokenizeError};

/// The tokens of the reports that were asked for so far, by study: some 16 bytes per token. Threads share it.
#[derive(Debug)]
pub struct TokenCache<'t> {
    tokenizer: &'t ReportTokenizer,
    max_tokens: usize,
    /// By study, and whether its report is mirrored.
    reports: RwLock<HashMap<(StudyId, bool), Arc<EncodedReport>>>,
}

impl<'t> TokenCache<'t> {
    /// An empty cache of reports of at most `max_tokens`; see [`ReportTokenizer::encode`].
    pub fn new(tokenizer: &'t ReportTokenizer, max_tokens: usize) -> Self {
        Self { tokenizer, max_tokens, reports: RwLock::default() }
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &ReportTokenizer {
        self.tokenizer
    }

    /// The report of a study. A text without a study, such as a prompt, is not kept.
    ///
    /// # Errors
    /// When the tokenizer refuses the text.
    pub fn report(&self, study: &StudyRecord) -> Result<Arc<EncodedReport>, TokenizeError> {
        // A map that a panic left behind is whole: reports are put in when they are complete.
        let kept = self.reports.read().unwrap_or_else(PoisonError::into_inner);
        let key = (study.study_id.clone(), study.mirrored);
        if let Some(report) = kept.get(&key) {
            return Ok(Arc::clone(report));
        }
        drop(kept);
        let report = Arc::new(self.tokenizer.encode(&study.sentences, self.max_tokens)?);
        if !study.study_id.as_str().is_empty() {
            let mut reports = self.reports.write().unwrap_or_else(PoisonError::into_inner);
            reports.insert(key, Arc::clone(&report));
        }
        Ok(report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{study, tokenizer};

    #[test]
    fn a_report_is_tokenised_once_and_a_prompt_each_time() {
        let tokenizer = tokenizer();
        let cache = TokenCache::new(&tokenizer, 48);
        let (record, _) = study(5);
        let first = cache.report(&record).expect("encodes");
        assert_eq!(*first, tokenizer.encode(&record.sentences, 48).expect("encodes"));
        assert!(Arc::ptr_eq(&first, &cache.report(&record).expect("encodes")));
        let prompt = |index: u64| StudyRecord { study_id: StudyId::default(), ..study(index).0 };
        let (one, other) = (cache.report(&prompt(0)), cache.report(&prompt(7)));
        assert_ne!(one.expect("encodes"), other.expect("encodes"));
    }
}
