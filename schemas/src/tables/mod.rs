//! The tables of a release. Each is declared once, by the macro `table!` in the file of its kind, and named
//! once, in the list [`ALL`]; the card, the Croissant metadata and `radloom list tables` go by the list.

mod column;
mod corpus;
mod index;
mod list;
mod report;
mod row;
mod similarity;

pub use crate::format::{REVISION, VERSION};
pub use column::Column;
pub use corpus::{ExcludedRow, SplitRow, StudyRow, VolumeRow};
pub use index::IndexRow;
pub use list::{ALL, Table};
pub use report::{
    EdgeRow, IdentifierRow, LabelRow, MeasurementRow, NodeRow, ReportRow, SentenceRow,
};
pub use row::{MissingColumn, Row};
pub use similarity::{SentenceTypeRow, SimilarityRow};
