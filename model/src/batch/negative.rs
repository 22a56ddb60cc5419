//! Which studies of a batch may be told apart.

use schemas::study::StudyRecord;

/// Which pairs of `records` are no negatives of each other in a contrast, as a matrix: studies of one patient, who
/// looks the same at both, and studies whose reports have one text, whatever its capitals.
pub(crate) fn not_negative(records: &[&StudyRecord]) -> Vec<bool> {
    let texts: Vec<String> = records.iter().map(|record| text(record)).collect();
    let all = 0..records.len();
    all.clone()
        .flat_map(|a| all.clone().map(move |b| (a, b)))
        .map(|(a, b)| records[a].patient_key == records[b].patient_key || texts[a] == texts[b])
        .collect()
}

fn text(record: &StudyRecord) -> String {
    let sentences: Vec<String> =
        record.sentences.iter().map(|sentence| sentence.text.trim().to_lowercase()).collect();
    sentences.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::study;
    use schemas::ids::PatientKey;

    #[test]
    fn one_patient_or_one_text_is_no_negative() {
        let mut records: Vec<StudyRecord> = [1, 2, 1, 4].map(|index| study(index).0).into();
        records[2].patient_key = PatientKey("another with the text of the first".into());
        records[2].sentences[0].text.make_ascii_uppercase();
        records[3].patient_key = records[1].patient_key.clone();
        let records: Vec<&StudyRecord> = records.iter().collect();
        let (yes, no) = (true, false);
        let wanted =
            [[yes, no, yes, no], [no, yes, no, yes], [yes, no, yes, no], [no, yes, no, yes]];
        assert_eq!(not_negative(&records), wanted.concat());
    }
}
