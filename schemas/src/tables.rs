//! The tables of a release: one declaration gives the row type, its Arrow schema and the conversion,
//! so that none can part from the others.

use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, FixedSizeListBuilder, Float32Builder, Float64Builder, Int8Builder,
    Int64Builder, ListBuilder, StringBuilder, UInt32Builder, UInt64Builder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema};

/// Version of the table formats: raised when an old reader would misread a new file.
pub const VERSION: u32 = 1;
/// Revision of the table formats: raised when columns are added.
pub const REVISION: u32 = 2;

/// A Rust type that is a column.
pub trait Column: Sized {
    /// Arrow's name for the type.
    fn data_type() -> DataType;
    /// Whether a value may be missing.
    const NULLABLE: bool = false;
    /// The values as an array.
    fn array<'a>(values: impl Iterator<Item = &'a Self>) -> ArrayRef
    where
        Self: 'a;
}

macro_rules! primitive_column {
    ($type:ty, $builder:ty, $data_type:expr) => {
        impl Column for $type {
            fn data_type() -> DataType {
                $data_type
            }
            fn array<'a>(values: impl Iterator<Item = &'a Self>) -> ArrayRef {
                let mut builder = <$builder>::new();
                for value in values {
                    builder.append_value(*value);
                }
                Arc::new(builder.finish())
            }
        }
        impl Column for Option<$type> {
            fn data_type() -> DataType {
                $data_type
            }
            const NULLABLE: bool = true;
            fn array<'a>(values: impl Iterator<Item = &'a Self>) -> ArrayRef {
                let mut builder = <$builder>::new();
                for value in values {
                    builder.append_option(*value);
                }
                Arc::new(builder.finish())
            }
        }
    };
}

primitive_column!(i8, Int8Builder, DataType::Int8);
primitive_column!(i64, Int64Builder, DataType::Int64);
primitive_column!(u32, UInt32Builder, DataType::UInt32);
primitive_column!(u64, UInt64Builder, DataType::UInt64);
primitive_column!(f32, Float32Builder, DataType::Float32);
primitive_column!(f64, Float64Builder, DataType::Float64);
primitive_column!(bool, BooleanBuilder, DataType::Boolean);

impl Column for String {
    fn data_type() -> DataType {
        DataType::Utf8
    }
    fn array<'a>(values: impl Iterator<Item = &'a Self>) -> ArrayRef {
        let mut builder = StringBuilder::new();
        for value in values {
            builder.append_value(value);
        }
        Arc::new(builder.finish())
    }
}

impl Column for Option<String> {
    fn data_type() -> DataType {
        DataType::Utf8
    }
    const NULLABLE: bool = true;
    fn array<'a>(values: impl Iterator<Item = &'a Self>) -> ArrayRef {
        let mut builder = StringBuilder::new();
        for value in values {
            builder.append_option(value.as_deref());
        }
        Arc::new(builder.finish())
    }
}

fn item(data_type: DataType) -> Arc<Field> {
    Arc::new(Field::new("item", data_type, false))
}

macro_rules! list_column {
    ($type:ty, $builder:ty, $data_type:expr) => {
        impl Column for Vec<$type> {
            fn data_type() -> DataType {
                DataType::List(item($data_type))
            }
            fn array<'a>(values: impl Iterator<Item = &'a Self>) -> ArrayRef {
                let mut builder = ListBuilder::new(<$builder>::new()).with_field(item($data_type));
                for value in values {
                    for element in value {
                        builder.values().append_value(element.clone());
                    }
                    builder.append(true);
                }
                Arc::new(builder.finish())
            }
        }
    };
}

list_column!(String, StringBuilder, DataType::Utf8);
list_column!(u32, UInt32Builder, DataType::UInt32);
list_column!(i64, Int64Builder, DataType::Int64);
list_column!(f64, Float64Builder, DataType::Float64);

macro_rules! fixed_column {
    ($type:ty, $builder:ty, $data_type:expr) => {
        impl<const N: usize> Column for [$type; N] {
            fn data_type() -> DataType {
                DataType::FixedSizeList(item($data_type), N as i32)
            }
            fn array<'a>(values: impl Iterator<Item = &'a Self>) -> ArrayRef {
                let mut builder = FixedSizeListBuilder::new(<$builder>::new(), N as i32)
                    .with_field(item($data_type));
                for value in values {
                    for element in value {
                        builder.values().append_value(*element);
                    }
                    builder.append(true);
                }
                Arc::new(builder.finish())
            }
        }
    };
}

fixed_column!(f64, Float64Builder, DataType::Float64);
fixed_column!(u32, UInt32Builder, DataType::UInt32);

/// A row of a table of the release.
pub trait Row: Sized {
    /// Name of the table: its file is `tables/NAME.parquet`.
    const TABLE: &'static str;
    /// The Arrow schema, with `version` and `revision` in its metadata.
    fn schema() -> Arc<Schema>;
    /// The rows as one batch of that schema.
    fn batch(rows: &[Self]) -> RecordBatch;
}

macro_rules! table {
    ($(#[$meta:meta])* $row:ident $name:literal { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        pub struct $row { $($(#[$field_meta])* pub $field: $type,)* }

        impl Row for $row {
            const TABLE: &'static str = $name;

            fn schema() -> Arc<Schema> {
                let fields = vec![
                    $(Field::new(
                        stringify!($field),
                        <$type as Column>::data_type(),
                        <$type as Column>::NULLABLE,
                    ),)*
                ];
                Arc::new(Schema::new(fields).with_metadata(crate::voxel::format_metadata($name)))
            }

            fn batch(rows: &[Self]) -> RecordBatch {
                let columns = vec![
                    $(<$type as Column>::array(rows.iter().map(|row| &row.$field)),)*
                ];
                RecordBatch::try_new(Self::schema(), columns)
                    .expect("every column is made from the same rows with the schema's type")
            }
        }
    };
}

table! {
    /// One examination.
    StudyRow "studies" {
        /// The study.
        study_id: String,
        /// The person.
        patient_key: String,
        /// `train`, `val` or `test`.
        split: String,
        /// Series of the study in the release.
        series: u32,
        /// Whether the study has a report.
        has_report: bool,
    }
}

table! {
    /// One series that is in the release, with what was found in it and done to it.
    VolumeRow "volumes" {
        /// The series.
        series_id: String,
        /// The study.
        study_id: String,
        /// The person.
        patient_key: String,
        /// `train`, `val` or `test`.
        split: String,
        /// The source, relative to the corpus.
        source: String,
        /// Size of the source in bytes (sum over the files of a DICOM series).
        source_bytes: u64,
        /// SHA-256 of the source (of the sorted list of the files' sums for a DICOM series).
        source_sha256: String,
        /// `nifti` or `dicom`.
        format: String,
        /// Modality as the source names it; empty where it does not.
        modality: String,
        /// Size of the source, x, y, z in voxels as stored.
        source_shape: [u32; 3],
        /// Voxel size of the source, x, y, z in mm as stored.
        source_spacing: [f64; 3],
        /// Voxel to world (RAS, mm), 4 × 4 row-major.
        source_affine: [f64; 16],
        /// Axis codes of the source, such as `LPS`.
        source_orientation: String,
        /// Geometry verdict on the source, a name of [`crate::reason::GeometryVerdict`]. Other than
        /// `regular` only where the manifest has it repaired or accepted.
        verdict: String,
        /// Largest angle between a source axis and the nearest world axis, in degrees.
        obliquity: f64,
        /// Smallest step between neighbouring slices of the source, in mm.
        slice_step_min_mm: f64,
        /// Largest step between neighbouring slices of the source, in mm.
        slice_step_max_mm: f64,
        /// Largest step beyond the median step of the source, in mm; 0 where all are even.
        max_gap_mm: f64,
        /// Slices missing from the source, counted in median steps.
        missing_slices: u32,
        /// Slices of the source that share a position with an earlier one.
        duplicate_slices: u32,
        /// Angle between the source's slice normal and its stacking direction, in degrees.
        tilt_degrees: f64,
        /// What was done to the geometry, in order; empty where nothing was.
        repaired: Vec<String>,
        /// Share of voxels that carried the source's padding value.
        padding_fraction: f64,
        /// How voxels became Hounsfield units: `header`, `metadata` or `dicom`.
        rescale_source: String,
        /// Lowest value in Hounsfield units.
        hu_min: f64,
        /// Highest value in Hounsfield units.
        hu_max: f64,
        /// Mean in Hounsfield units.
        hu_mean: f64,
        /// Commonest value below -500 HU, to 8 HU: about -1000 in a sound CT. None without air.
        air_peak_hu: Option<f64>,
        /// First percentile in Hounsfield units, to 8 HU.
        first_percentile_hu: f64,
        /// Share of voxels at 3071 HU or above, where 12 bits end.
        saturated_fraction: f64,
        /// Share of voxels that were NaN or infinite and were set to −1024 HU.
        nan_fraction: f64,
        /// What is odd but was accepted.
        warnings: Vec<String>,
    }
}

table! {
    /// One input that is not in the release.
    ExcludedRow "excluded" {
        /// The input, relative to the corpus, or the identifier it is known by.
        source: String,
        /// The series, where known.
        series_id: Option<String>,
        /// The study, where known.
        study_id: Option<String>,
        /// The person, where known.
        patient_key: Option<String>,
        /// A code of [`crate::reason::Reason`].
        reason: String,
        /// The finding in words.
        detail: String,
    }
}

table! {
    /// The report of one study. Offsets of every other table count bytes of `text`.
    ReportRow "reports" {
        /// The study.
        study_id: String,
        /// The person.
        patient_key: String,
        /// `train`, `val` or `test`; empty where the reports are of no release.
        split: String,
        /// The text.
        text: String,
        /// Kind of each section.
        section_kind: Vec<String>,
        /// First byte of each section.
        section_start: Vec<u32>,
        /// Byte after each section.
        section_end: Vec<u32>,
    }
}

table! {
    /// A stretch of a report that could name the patient. The words themselves stand in the report
    /// alone. Since revision 2.
    IdentifierRow "identifiers" {
        /// The study.
        study_id: String,
        /// First byte.
        start: u32,
        /// Byte after the last.
        end: u32,
        /// `own` (of the study: name, number, date), `name`, `record_number`, `telephone`, `mail`, or
        /// `placeholder`, which de-identification left.
        kind: String,
    }
}

table! {
    /// One sentence.
    SentenceRow "sentences" {
        /// The study.
        study_id: String,
        /// Number of the sentence in its report, from 0.
        sentence: u32,
        /// Kind of its section.
        section: String,
        /// First byte.
        start: u32,
        /// Byte after the last.
        end: u32,
        /// Identifier of the sentence type (xxh3 of the normalised text).
        sentence_type: u64,
        /// First byte of each clause that can be left out with all that follows it in the sentence,
        /// without changing what stands before. Since revision 2.
        breaks: Vec<u32>,
    }
}

table! {
    /// One mention: anatomy, observation, modifier, device or procedure.
    NodeRow "nodes" {
        /// The study.
        study_id: String,
        /// Number of the node in its report, from 0.
        node: u32,
        /// Number of its sentence.
        sentence: u32,
        /// `anatomy`, `observation`, `modifier`, `device` or `procedure`.
        kind: String,
        /// First byte.
        start: u32,
        /// Byte after the last.
        end: u32,
        /// Concept of the lexicon.
        concept: String,
        /// `present`, `absent` or `uncertain`.
        assertion: Option<String>,
        /// Certainty of the assertion, 0..1.
        certainty: f32,
        /// `left`, `right` or `bilateral`.
        side: Option<String>,
        /// `new`, `stable`, `increased`, `decreased` or `resolved`.
        change: Option<String>,
        /// First byte of the cue that decided the assertion.
        cue_start: Option<u32>,
        /// Byte after the cue.
        cue_end: Option<u32>,
        /// Rule that decided.
        rule: String,
    }
}

table! {
    /// One relation between two nodes of a report.
    EdgeRow "edges" {
        /// The study.
        study_id: String,
        /// Node the relation starts at.
        source: u32,
        /// Node it points to.
        target: u32,
        /// `modify`, `located_at`, `suggestive_of` or `measure_of`.
        relation: String,
        /// Rule that made it.
        rule: String,
    }
}

table! {
    /// One label of one study.
    LabelRow "labels" {
        /// The study.
        study_id: String,
        /// Label policy.
        policy: String,
        /// Label.
        label: String,
        /// 1 present, 0 absent or not mentioned, −1 uncertain.
        value: i8,
        /// Nodes that prove it.
        evidence: Vec<u32>,
        /// The value that came with the corpus, where there is one.
        source_value: Option<i8>,
    }
}

table! {
    /// One measurement.
    MeasurementRow "measurements" {
        /// The study.
        study_id: String,
        /// Number of its sentence.
        sentence: u32,
        /// First byte.
        start: u32,
        /// Byte after the last.
        end: u32,
        /// Every factor in mm.
        values_mm: Vec<f64>,
        /// Unit as written.
        unit: String,
        /// Whether it is the size at an earlier examination.
        prior: bool,
        /// The node it measures.
        node: Option<u32>,
    }
}

table! {
    /// One sentence type: sentences that are equal after normalisation.
    SentenceTypeRow "sentence_types" {
        /// Identifier (xxh3 of the normalised text).
        sentence_type: u64,
        /// Normalised text.
        text: String,
        /// Sentences of this type.
        count: u32,
        /// Reports with a sentence of this type.
        reports: u32,
        /// Whether it stands in so many reports that it tells patients apart badly.
        boilerplate: bool,
        /// What it asserts: `concept|anatomy|side|assertion|change`, sorted.
        signature: Vec<String>,
    }
}

table! {
    /// Similarity of two sentence types; symmetric, stored once with `a < b`.
    SimilarityRow "similarity" {
        /// The lower sentence type.
        a: u64,
        /// The higher sentence type.
        b: u64,
        /// Cosine of the texts, 0..1.
        text: f32,
        /// The cosine after the graph's gate, 0..1.
        similarity: f32,
    }
}

table! {
    /// The split of one patient and the rule that decided it.
    SplitRow "splits" {
        /// The person.
        patient_key: String,
        /// `train`, `val` or `test`.
        split: String,
        /// `hash` or `corpus`.
        rule: String,
    }
}

table! {
    /// Where one sample's voxels lie.
    IndexRow "index" {
        /// The sample.
        sample_id: String,
        /// The series.
        series_id: String,
        /// The study.
        study_id: String,
        /// The person.
        patient_key: String,
        /// `train`, `val` or `test`.
        split: String,
        /// The view.
        view: String,
        /// File, relative to the release.
        shard: String,
        /// Record batch in the file.
        batch: u32,
        /// First byte of the tensor in the file.
        offset: u64,
        /// Bytes of the tensor.
        length: u64,
        /// `u8`, `i16` or `f16`.
        dtype: String,
        /// Depth, height, width.
        shape: [u32; 3],
        /// Voxel size, x, y, z in mm.
        spacing: [f64; 3],
        /// Voxel (x, y, z) to world (RAS, mm), 4 × 4 row-major.
        affine: [f64; 16],
        /// First voxel (x, y, z) of each crop on the view's grid; empty without crops.
        crop_starts: Vec<i64>,
        /// XXH3-64 of the tensor's bytes.
        xxh3: u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_a_batch_of_their_schema() {
        let row = MeasurementRow {
            study_id: "s".into(),
            sentence: 1,
            start: 2,
            end: 3,
            values_mm: vec![4.0, 5.5],
            unit: "mm".into(),
            prior: false,
            node: None,
        };
        let batch = MeasurementRow::batch(&[row.clone(), row]);
        assert_eq!(batch.num_rows(), 2);
        assert_eq!(batch.schema(), MeasurementRow::schema());
        assert!(batch.column_by_name("node").is_some_and(|node| node.null_count() == 2));
    }
}
