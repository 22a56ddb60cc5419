//! The split of a patient.

use schemas::ids::PatientKey;
use schemas::manifest::{SplitMethod, SplitSection};
use schemas::split::Split;

use crate::files::xxh3_64_with_seed;

/// The split of `patient`: a pure function of the patient's key, so that a corpus that grows never
/// moves a patient. `corpus_split` is the layout's own (`train` or `valid`), used with
/// `method = "corpus"`.
pub fn split_of(section: &SplitSection, patient: &PatientKey, corpus_split: Option<&str>) -> Split {
    match (section.method, corpus_split) {
        (SplitMethod::Corpus, Some("train")) => Split::Train,
        (SplitMethod::Corpus, Some("test")) => Split::Test,
        (SplitMethod::Corpus, Some(_)) => Split::Val,
        _ => {
            let hash = xxh3_64_with_seed(patient.as_str().as_bytes(), section.seed);
            // The top 53 bits are an exact fraction in 0..1.
            let share = (hash >> 11) as f64 / (1_u64 << 53) as f64;
            if share < section.fractions.train {
                Split::Train
            } else if share < section.fractions.train + section.fractions.val {
                Split::Val
            } else {
                Split::Test
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_come_out_as_asked_and_do_not_depend_on_other_patients() {
        let section = SplitSection::default();
        let mut counts = [0_usize; 3];
        for index in 0..20_000 {
            let split = split_of(&section, &PatientKey(format!("train_{index}")), Some("train"));
            counts[split as usize] += 1;
        }
        // Four standard deviations of a binomial around 80, 10 and 10 percent.
        for (count, share) in counts.into_iter().zip([0.8, 0.1, 0.1]) {
            let deviation = (20_000.0_f64 * share * (1.0 - share)).sqrt();
            assert!((count as f64 - 20_000.0 * share).abs() < 4.0 * deviation, "{counts:?}");
        }
    }
}
