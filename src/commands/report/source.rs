//! The reports of the file on the command line, window by window.

use std::io::Read;
use std::path::Path;

use pipeline::ingest::{ReportReader, SourceError, SourceReport};

use crate::cli::ReportArgs;
use crate::failure::Failure;

/// What errors of writing are said to be of.
pub(super) const STDOUT: &str = "standard output";

/// Hands the reports to `work` window by window; the next one is read meanwhile.
pub(super) fn each_window(
    args: &ReportArgs,
    mut work: impl FnMut(Vec<SourceReport>) -> Result<(), Failure> + Send,
) -> Result<(), Failure> {
    let Some(file) = &args.file else { return Ok(()) };
    if file == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map_err(Failure::io("-"))?;
        let mut report = SourceReport::from_bytes("-", &bytes);
        report.identifiers.clear();
        return work(vec![report]);
    }
    let failure = |error| match error {
        SourceError::Io { path, source } => Failure::Io { path, source },
        other => Failure::Usage(other.to_string()),
    };
    let mut reader = ReportReader::open(file, &args.column).map_err(failure)?;
    let mut window = reader.next_window().map_err(failure)?;
    while !window.is_empty() {
        let (done, next) = rayon::join(|| work(window), || reader.next_window());
        done?;
        window = next.map_err(failure)?;
    }
    Ok(())
}
