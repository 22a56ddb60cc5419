//! The reports of the file on the command line, window by window.

use std::io::{Read, Write};
use std::path::Path;

use pipeline::ingest::{ReportReader, SourceError, SourceReport};

use crate::cli::ReportSource;
use crate::failure::Failure;

/// What errors of writing are said to be of.
pub(super) const STDOUT: &str = "standard output";

/// Hands the reports to `work` window by window; the next one is read meanwhile.
pub(super) fn each_window(
    file: Option<&Path>,
    source: &ReportSource,
    mut work: impl FnMut(Vec<SourceReport>) -> Result<(), Failure> + Send,
) -> Result<(), Failure> {
    let Some(file) = file else { return Ok(()) };
    let failure = |error| match error {
        SourceError::Io { path, source } => Failure::Io { path, source },
        other => Failure::Usage(other.to_string()),
    };
    if file == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map_err(Failure::io("-"))?;
        let mut report = SourceReport::from_bytes(file, &bytes).map_err(failure)?;
        report.identifiers.clear();
        return work(vec![report]);
    }
    let mut left_out = 0;
    let mut tell = |reader: &mut ReportReader| {
        for row in reader.take_rejected() {
            left_out += 1;
            let (line, message) = (row.line, row.message);
            let path = file.display();
            // Whoever closed the standard error stream does not want to know.
            writeln!(std::io::stderr(), "left out line {line} of `{path}`: {message}").ok();
        }
    };
    let mut reader =
        ReportReader::open_with_id(file, &source.column, source.id.as_deref()).map_err(failure)?;
    let mut window = reader.next_window().map_err(failure)?;
    tell(&mut reader);
    let none = window.is_empty();
    while !window.is_empty() {
        let (done, next) = rayon::join(|| work(window), || reader.next_window());
        done?;
        window = next.map_err(failure)?;
        tell(&mut reader);
    }
    if none && left_out > 0 {
        return Err(Failure::Usage(format!(
            "failed to read reports from `{}`: none of its {left_out} rows is one",
            file.display()
        )));
    }
    if left_out > 0 {
        writeln!(std::io::stderr(), "left out {left_out} rows that are no reports").ok();
    }
    Ok(())
}
