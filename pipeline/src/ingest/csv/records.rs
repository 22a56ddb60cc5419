//! The rows of a csv file one after the other, in memory that does not grow with the file.
//!
//! [`KeyedCsv`](super::KeyedCsv) is looked up by key and must be held; a file of reports is read
//! once from front to back.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::error::CsvError;

/// Bytes read from the file at a time.
const BUFFER: usize = 1 << 18;

/// A csv file (RFC 4180) being read: every cell text, blank cells none.
#[derive(Debug)]
pub struct CsvRecords {
    path: PathBuf,
    columns: Vec<String>,
    input: BufReader<File>,
    reader: Reader,
    /// The cells of the last row without quotation marks, one after the other.
    cells: Vec<u8>,
    /// Byte after the last of each cell in `cells`.
    ends: Vec<usize>,
    /// Where the last row begins and ends in the file; blank lines before it count as its own.
    span: Range<u64>,
    /// Whether the last row holds an odd number of quotation marks, and the line it begins in.
    open_quote: (bool, u64),
    recode: Option<fn(&[u8]) -> String>,
    recoded: bool,
}

/// Cells stand between commas; in a file named `.tsv`, between tabs.
fn reader(path: &Path) -> Reader {
    let tabs = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("tsv"));
    ReaderBuilder::new().delimiter(if tabs { b'\t' } else { b',' }).build()
}

impl CsvRecords {
    /// Opens the file at `path` and reads its header.
    ///
    /// # Errors
    ///
    /// [`CsvError::Read`].
    pub fn open(path: &Path) -> Result<Self, CsvError> {
        let file = File::open(path)
            .map_err(|source| CsvError::Read { path: path.into(), message: source.to_string() })?;
        let mut records = Self {
            path: path.to_owned(),
            columns: Vec::new(),
            input: BufReader::with_capacity(BUFFER, file),
            reader: reader(path),
            cells: vec![0; 1 << 12],
            ends: vec![0; 32],
            span: 0..0,
            open_quote: (false, 0),
            recode: None,
            recoded: false,
        };
        let Some((cells, ends)) = records.read()? else {
            return Err(records.error("is empty".to_owned()));
        };
        let header = records.texts(cells, ends, ends)?;
        records.columns = header.into_iter().map(Option::unwrap_or_default).collect();
        Ok(records)
    }

    /// Names of the columns in order.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the last row stands in the file, for [`read_record`].
    pub fn span(&self) -> Range<u64> {
        self.span.clone()
    }

    /// Reads rows that are no UTF-8 by `recode`; without it they are errors.
    #[must_use]
    pub fn recoding(mut self, recode: fn(&[u8]) -> String) -> Self {
        self.recode = Some(recode);
        self
    }

    /// Whether the last row was no UTF-8.
    pub fn was_recoded(&self) -> bool {
        self.recoded
    }

    fn row_error(&self, message: String) -> CsvError {
        CsvError::Row { path: self.path.clone(), line: self.line(), message }
    }

    fn error(&self, message: String) -> CsvError {
        CsvError::Read { path: self.path.clone(), message }
    }

    /// Reads a row and gives how many bytes and cells it has; none at the end.
    fn read(&mut self) -> Result<Option<(usize, usize)>, CsvError> {
        let (mut written, mut ended) = (0, 0);
        self.span.start = self.span.end;
        self.open_quote = (false, self.reader.line());
        loop {
            let input = match self.input.fill_buf() {
                Ok(input) => input,
                Err(source) => {
                    return Err(CsvError::Read {
                        path: self.path.clone(),
                        message: source.to_string(),
                    });
                }
            };
            let (result, taken, wrote, ends) =
                self.reader.read_record(input, &mut self.cells[written..], &mut self.ends[ended..]);
            self.open_quote.0 ^=
                input[..taken].iter().fold(false, |odd, byte| odd ^ (*byte == b'"'));
            let at_end = input.is_empty();
            self.input.consume(taken);
            self.span.end += taken as u64;
            written += wrote;
            ended += ends;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.cells.resize(self.cells.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                // What ends with the file inside quotation marks swallowed every row after them.
                ReadRecordResult::Record if at_end && self.open_quote.0 => {
                    let line = self.open_quote.1;
                    return Err(self.error(format!(
                        "line {line}: a quotation mark of this row is never closed, and the rest of the file is one cell"
                    )));
                }
                ReadRecordResult::Record => return Ok(Some((written, ended))),
                ReadRecordResult::End => return Ok(None),
            }
        }
    }

    /// The first `count` cells of the row just read, which has `bytes` bytes and `found` cells.
    fn texts(
        &mut self,
        bytes: usize,
        found: usize,
        count: usize,
    ) -> Result<Vec<Option<String>>, CsvError> {
        let row = std::str::from_utf8(&self.cells[..bytes]);
        self.recoded = row.is_err();
        if let (Err(error), None) = (&row, self.recode) {
            return Err(self.row_error(error.to_string()));
        }
        let mut start = 0;
        let mut texts = Vec::with_capacity(count);
        for &end in &self.ends[..found] {
            let cell = match (&row, self.recode) {
                // A character cut in two by a comma is no text either.
                (Ok(row), _) => row
                    .get(start..end)
                    .ok_or_else(|| self.row_error("is no UTF-8".to_owned()))?
                    .to_owned(),
                (Err(_), recode) => {
                    let bytes = self.cells.get(start..end).unwrap_or_default();
                    recode.map(|recode| recode(bytes)).unwrap_or_default()
                }
            };
            texts.push((!cell.is_empty()).then_some(cell));
            start = end;
        }
        texts.resize(count, None);
        Ok(texts)
    }

    /// Number of the line that the last row ended in.
    fn line(&self) -> u64 {
        self.reader.line().saturating_sub(1)
    }
}

impl Iterator for CsvRecords {
    type Item = Result<Vec<Option<String>>, CsvError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.read() {
            Ok(None) => None,
            Err(error) => Some(Err(error)),
            Ok(Some((_, found))) if found != self.columns.len() => {
                Some(Err(self.row_error(format!(
                    "has {found} cells, the header has {}; is a quotation mark missing?",
                    self.columns.len()
                ))))
            }
            Ok(Some((bytes, found))) => Some(self.texts(bytes, found, self.columns.len())),
        }
    }
}

/// Reads one row of the csv file `file`, which is open for all rows that are read again, from where
/// [`CsvRecords::span`] said it stands. `path` names the file in errors.
///
/// # Errors
///
/// [`CsvError::Read`], also where the file ends before the row does or the row is no text.
pub fn read_record(
    file: &Mutex<File>,
    path: &Path,
    span: Range<u64>,
) -> Result<Vec<Option<String>>, CsvError> {
    let error = |message: String| CsvError::Read { path: path.to_owned(), message };
    let mut row = vec![0; (span.end - span.start) as usize];
    {
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(span.start))
            .and_then(|_| file.read_exact(&mut row))
            .map_err(|source| error(source.to_string()))?;
    }
    // Whether the line end belongs to this row or the next one is the reader's own affair.
    row.push(b'\n');
    let mut reader = reader(path);
    let (mut cells, mut ends) = (vec![0; row.len()], vec![0; row.len() + 1]);
    let (_, _, written, ended) = reader.read_record(&row, &mut cells, &mut ends);
    let text =
        std::str::from_utf8(&cells[..written]).map_err(|source| error(source.to_string()))?;
    let mut start = 0;
    ends[..ended]
        .iter()
        .map(|&end| {
            let cell = text.get(start..end).ok_or_else(|| error("is no UTF-8".to_owned()))?;
            start = end;
            Ok((!cell.is_empty()).then(|| cell.to_owned()))
        })
        .collect()
}

/// A cell as it is written between the commas of a row.
pub fn quoted(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    fn file(content: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(content).expect("writes");
        file
    }

    fn rows(content: &[u8]) -> Result<Vec<Vec<Option<String>>>, CsvError> {
        CsvRecords::open(file(content).path())?.collect()
    }

    #[test]
    fn ragged_rows_and_open_quotation_marks_are_refused_by_line() {
        let found = rows(b"a,b\r\n1,\r\n,\"x\ny\"\r\n").expect("reads");
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(found, [vec![text("1"), None], vec![None, text("x\ny")]]);
        let error = rows(b"a,b\n1\n").expect_err("a cell too few").to_string();
        assert!(error.contains("line 2") && error.contains("1 cells"), "{error}");
        let error = rows(b"a,b\n1,\"x\n2,y\n").expect_err("never closed").to_string();
        assert!(error.contains("line 2") && error.contains("never closed"), "{error}");
        let error = rows(b"a,b\n1,2\n1,2,3\n").expect_err("a cell too many").to_string();
        assert!(error.contains("line 3") && error.contains("3 cells"), "{error}");
        let error = rows(b"a\n\xff\n").expect_err("no text").to_string();
        assert!(error.contains("line 2") && error.contains("utf-8"), "{error}");
        assert!(rows(b"").expect_err("no header").to_string().contains("is empty"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        /// What was written as RFC 4180 says is read as it was meant, and any row is found again by its span.
        #[test]
        fn rows_are_those_that_were_written(
            cells in prop::collection::vec(
                prop::collection::vec("[a-c ,\"\n]{0,6}|\u{e9}[0-9.]{1,4}", 3), 1..12),
            dos in any::<bool>(),
        ) {
            let end = if dos { "\r\n" } else { "\n" };
            let mut content = format!("x,y,z{end}");
            let mut meant = Vec::new();
            for row in &cells {
                // The first column always holds something, so that no row is a blank line.
                let quoted: Vec<String> = row
                    .iter()
                    .enumerate()
                    .map(|(at, cell)| {
                        let cell = if at == 0 { format!("k{cell}") } else { cell.clone() };
                        let plain = !cell.contains([',', '"', '\n']);
                        if plain { cell } else { quoted(&cell) }
                    })
                    .collect();
                content += &quoted.join(",");
                content += end;
                let text = |at: usize| {
                    let cell = if at == 0 { format!("k{}", row[0]) } else { row[at].clone() };
                    (!cell.is_empty()).then_some(cell)
                };
                meant.push(vec![text(0), text(1), text(2)]);
            }
            let file = file(content.as_bytes());
            let mut streamed = CsvRecords::open(file.path()).expect("opens");
            let open = Mutex::new(file.reopen().expect("opens"));
            prop_assert_eq!(streamed.columns(), ["x", "y", "z"]);
            let mut rows = Vec::new();
            while let Some(row) = streamed.next() {
                let row = row.expect("reads");
                let again = read_record(&open, file.path(), streamed.span()).expect("reads again");
                prop_assert_eq!(&again, &row);
                rows.push(row);
            }
            prop_assert_eq!(rows, meant);
        }
    }
}
