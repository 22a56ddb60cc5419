//! Where the reports of a corpus stand in its csv files. Texts stay on disk until they are parsed, so that the
//! plan of a corpus does not grow with what its reports say.

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Mutex;

use schemas::manifest::CorpusSection;

use crate::files::xxh3_64;
use crate::ingest::csv::{CsvError, CsvRecords, column, read_record};
use crate::ingest::{given, is_placeholder};

/// The texts of one report, by section.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReportTexts {
    /// Clinical information or indication.
    pub clinical_information: String,
    /// Technique.
    pub technique: String,
    /// Findings.
    pub findings: String,
    /// Impression.
    pub impression: String,
}

/// The csv files of reports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReportFiles(Vec<ReportFile>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct ReportFile {
    path: PathBuf,
    /// Places of the key and of the four texts among the columns.
    key: usize,
    texts: [Option<usize>; 4],
}

/// Where one report stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportPlace {
    file: usize,
    key: String,
    bytes: Range<u64>,
}

/// The rows of the files by their key.
#[derive(Debug, Default)]
pub(super) struct ReportIndex {
    pub(super) files: ReportFiles,
    rows: BTreeMap<String, Row>,
    /// Rows that are not used, with the reason: the key and what is wrong.
    pub(super) conflicts: Vec<(String, String)>,
}

#[derive(Debug)]
struct Row {
    file: usize,
    bytes: Range<u64>,
    /// Whether findings or impression hold text.
    given: bool,
    /// Hash of the texts.
    hash: u64,
}

impl ReportTexts {
    fn hash(&self) -> u64 {
        let Self { clinical_information, technique, findings, impression } = self;
        let all = [clinical_information, technique, findings, impression].map(String::as_str);
        xxh3_64(all.join("\u{1f}").as_bytes())
    }
}

impl ReportIndex {
    /// Reads the files once from front to back. Of several rows with one key the first of a file counts, and of
    /// several files the first whose row holds text.
    pub(super) fn read(corpus: &CorpusSection) -> Result<Self, CsvError> {
        let columns = &corpus.columns;
        let mut index = Self::default();
        for (number, path) in corpus.reports.iter().enumerate() {
            let mut records = CsvRecords::open(&corpus.root.join(path))?;
            let needed = |name: &str| column(records.path(), records.columns(), name);
            let optional = |name: &str| needed(name).ok();
            let file = ReportFile {
                path: records.path().to_owned(),
                key: needed(&columns.volume)?,
                texts: [
                    optional(&columns.clinical_information),
                    optional(&columns.technique),
                    Some(needed(&columns.findings)?),
                    Some(needed(&columns.impression)?),
                ],
            };
            while let Some(cells) = records.next() {
                let cells = cells?;
                let Some(key) = cells[file.key].clone().filter(|key| !key.trim().is_empty()) else {
                    continue;
                };
                let texts = file.texts(&cells);
                if is_placeholder(&key) {
                    let text = format!(
                        "a row of `{}` is named `{key}`, which names nothing",
                        path.display()
                    );
                    index.conflicts.push((key, text));
                    continue;
                }
                let hash = texts.hash();
                let given = !texts.findings.is_empty() || !texts.impression.is_empty();
                let row = Row { file: number, bytes: records.span(), given, hash };
                let first = index.rows.get(&key);
                if first.is_some_and(|first| first.given && given && first.hash != hash) {
                    let text = format!(
                        "a second row of `{}` names it and holds another report; the first is used",
                        path.display()
                    );
                    index.conflicts.push((key.clone(), text));
                }
                if first.is_none_or(|first| first.file != number && !first.given && given) {
                    index.rows.insert(key, row);
                }
            }
            index.files.0.push(file);
        }
        Ok(index)
    }

    /// Keys in order.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.rows.keys().map(String::as_str)
    }

    /// The report in the row of `key`, where it holds text.
    pub(super) fn place(&self, key: &str) -> Option<ReportPlace> {
        let row = self.rows.get(key).filter(|row| row.given)?;
        Some(ReportPlace { file: row.file, key: key.to_owned(), bytes: row.bytes.clone() })
    }
}

/// The csv files of reports, open.
#[derive(Debug)]
pub struct OpenReports<'a>(Vec<(&'a ReportFile, Mutex<File>)>);

impl ReportFiles {
    /// Opens every file, to read reports from any thread.
    ///
    /// # Errors
    ///
    /// [`CsvError::Read`].
    pub fn open(&self) -> Result<OpenReports<'_>, CsvError> {
        let open = |file: &ReportFile| {
            File::open(&file.path).map_err(|source| CsvError::Read {
                path: file.path.clone(),
                message: source.to_string(),
            })
        };
        let files = self.0.iter().map(|file| Ok((file, Mutex::new(open(file)?))));
        files.collect::<Result<_, _>>().map(OpenReports)
    }
}

impl OpenReports<'_> {
    /// Reads one report again.
    ///
    /// # Errors
    ///
    /// [`CsvError::Read`], also when the file is not what it was when it was planned.
    pub fn read(&self, place: &ReportPlace) -> Result<ReportTexts, CsvError> {
        let (file, open) = &self.0[place.file];
        let cells = read_record(open, &file.path, place.bytes.clone())?;
        let key = cells.get(file.key).and_then(Option::as_deref);
        if key != Some(place.key.as_str()) {
            return Err(CsvError::Read {
                path: file.path.clone(),
                message: format!(
                    "the row of `{}` is not where it was: the file changed meanwhile; run again",
                    place.key
                ),
            });
        }
        Ok(file.texts(&cells))
    }
}

impl ReportFile {
    /// The texts of a row; a placeholder counts as blank.
    fn texts(&self, cells: &[Option<String>]) -> ReportTexts {
        let [clinical_information, technique, findings, impression] = self.texts.map(|column| {
            let text = column.and_then(|column| cells.get(column)?.as_deref()).unwrap_or_default();
            given(text).to_owned()
        });
        ReportTexts { clinical_information, technique, findings, impression }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::Path;

    use schemas::manifest::{Manifest, Overrides, parse};

    use super::*;

    fn write(path: &Path, content: &str) {
        let mut file = std::fs::File::create(path).expect("a file");
        file.write_all(content.as_bytes()).expect("writes");
    }

    fn corpus(root: &Path, files: &[(&str, &str)]) -> CorpusSection {
        for (name, content) in files {
            write(&root.join(name), content);
        }
        let names: Vec<_> = files.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let text = format!(
            "version = 1\nname = \"t\"\n[corpus]\nlayout = \"ct-rate\"\nroot = \".\"\nreports = [{}]\n\
             [[view]]\nname = \"v\"\npreset = \"mg3d\"\n",
            names.join(",")
        );
        let manifest: Manifest = parse("m", &text, &Overrides::default()).expect("parses");
        CorpusSection { root: root.to_owned(), ..manifest.corpus }
    }

    const HEAD: &str = "VolumeName,ClinicalInformation_EN,Findings_EN,Impressions_EN\r\n";

    #[test]
    fn every_row_is_read_back_from_where_it_stands() {
        let folder = tempfile::tempdir().expect("a folder");
        let rows = "a,Not given.,\"one, \"\"two\"\"\r\nthree\",four\r\n\r\nb,cough,,\"größer\"\r\n\
                    c,x,Not given,\r\na,again,again,again\r\n,nobody,x,y\r\ne,x,nan,None\r\nd,,last,";
        let corpus = corpus(folder.path(), &[("r.csv", &format!("{HEAD}{rows}"))]);
        let index = ReportIndex::read(&corpus).expect("reads");
        assert_eq!(index.keys().collect::<Vec<_>>(), ["a", "b", "c", "d", "e"]);
        let read = |key: &str| {
            let texts = index.files.open().expect("opens").read(&index.place(key)?).expect("reads");
            Some([texts.clinical_information, texts.technique, texts.findings, texts.impression])
        };
        let texts = |texts: [&str; 4]| Some(texts.map(str::to_owned));
        assert_eq!(read("a"), texts(["", "", "one, \"two\"\r\nthree", "four"]), "the first counts");
        assert_eq!(read("b"), texts(["cough", "", "", "größer"]));
        assert_eq!(read("c"), None, "not given");
        assert_eq!(read("d"), texts(["", "", "last", ""]));
        assert_eq!(read("e"), None, "what pandas writes for a missing value");
        // A file that changed meanwhile is noticed.
        let place = index.place("d").expect("is there");
        write(
            &folder.path().join("r.csv"),
            &format!("{HEAD}{}", rows.replace("d,,last,", "e,,last,")),
        );
        let error =
            index.files.open().expect("opens").read(&place).expect_err("changed").to_string();
        assert!(error.contains("`d`") && error.contains("r.csv"), "{error}");
        write(&folder.path().join("r.csv"), HEAD);
        assert!(index.files.open().expect("opens").read(&place).is_err(), "cut short");
    }

    #[test]
    fn of_several_files_the_first_with_text_counts() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = [
            ("one.csv", &*format!("{HEAD}a,,,\nb,,from one,\n")),
            ("two.csv", "Impressions_EN,VolumeName,Findings_EN\n,a,from two\n,b,from two\n"),
        ];
        let index = ReportIndex::read(&corpus(folder.path(), &files)).expect("reads");
        for (key, expected) in [("a", "from two"), ("b", "from one")] {
            let place = index.place(key).expect("has text");
            assert_eq!(
                index.files.open().expect("opens").read(&place).expect("reads").findings,
                expected
            );
        }
        let files = [("three.csv", "VolumeName,text\na,b\n")];
        let error = ReportIndex::read(&corpus(folder.path(), &files)).expect_err("refused");
        let message = error.to_string();
        assert!(
            message.contains("no column `Findings_EN`") && message.contains("`text`"),
            "{message}"
        );
    }
}
