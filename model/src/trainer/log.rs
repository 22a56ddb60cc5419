//! One line of JSON a logged step.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

/// What a step did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    /// Steps done, this one included.
    pub step: u64,
    /// Weighted sum of the losses.
    pub loss: f64,
    /// Losses by name, before weights.
    pub losses: BTreeMap<String, f64>,
    /// Learning rate.
    pub lr: f64,
    /// Time that training waited for the batch, in seconds.
    pub data_wait_s: f64,
    /// Time from the batch to the updated weights, in seconds.
    pub step_s: f64,
    /// Euclidean norm of all gradients together, before clipping.
    pub gradient_norm: f64,
    /// What the system counts of a batch, by name; the names stand beside the other fields.
    #[serde(flatten)]
    pub counters: BTreeMap<String, u64>,
}

/// The log file of a run.
pub(super) struct Log {
    file: File,
}

impl Log {
    /// Opens `path` to go on after `step` steps; lines of later steps, which a resumed run repeats, are removed.
    pub(super) fn open(path: &Path, step: u64) -> io::Result<Self> {
        let kept = match std::fs::read_to_string(path) {
            Ok(text) => text
                .lines()
                .filter(|line| {
                    serde_json::from_str::<StepReport>(line).is_ok_and(|report| report.step <= step)
                })
                .fold(String::new(), |kept, line| kept + line + "\n"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let temporary = path.with_extension("jsonl.tmp");
        let mut file = File::create(&temporary)?;
        file.write_all(kept.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)?;
        let file = OpenOptions::new().append(true).open(path)?;
        Ok(Self { file })
    }

    /// Appends one line.
    pub(super) fn write(&mut self, report: &StepReport) -> io::Result<()> {
        let line = serde_json::to_string(report)? + "\n";
        self.file.write_all(line.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(step: u64) -> StepReport {
        StepReport {
            step,
            loss: 1.5,
            losses: [("mim".to_owned(), 0.25)].into(),
            lr: 1e-4,
            data_wait_s: 0.0,
            step_s: 0.5,
            gradient_norm: 2.0,
            counters: [("dropped_sentences".to_owned(), 0)].into(),
        }
    }

    #[test]
    fn reopening_removes_the_steps_that_will_be_repeated() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("train.jsonl");
        let mut log = Log::open(&path, 0).expect("open");
        for step in 1..=5 {
            log.write(&report(step)).expect("write");
        }
        let mut log = Log::open(&path, 3).expect("reopen");
        log.write(&report(4)).expect("write");
        let text = std::fs::read_to_string(&path).expect("read");
        let steps: Vec<u64> = text
            .lines()
            .map(|line| serde_json::from_str::<StepReport>(line).expect("a report").step)
            .collect();
        assert_eq!(steps, [1, 2, 3, 4]);
    }
}
