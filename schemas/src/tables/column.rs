//! Rust types that are columns.

use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, FixedSizeListBuilder, Float32Builder, Float64Builder, Int8Builder,
    Int64Builder, ListBuilder, StringBuilder, UInt32Builder, UInt64Builder,
};
use arrow_array::{
    Array, ArrayRef, BooleanArray, FixedSizeListArray, Float32Array, Float64Array, Int8Array,
    Int64Array, ListArray, StringArray, UInt32Array, UInt64Array,
};
use arrow_schema::{DataType, Field};

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
    /// The values of an array; none where it has another type, or lacks a value that may not be missing.
    fn values(array: &dyn Array) -> Option<Vec<Self>>;
}

macro_rules! primitive_column {
    ($type:ty, $builder:ty, $array:ty, $data_type:expr) => {
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
            fn values(array: &dyn Array) -> Option<Vec<Self>> {
                array.as_any().downcast_ref::<$array>()?.iter().collect()
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
            fn values(array: &dyn Array) -> Option<Vec<Self>> {
                Some(array.as_any().downcast_ref::<$array>()?.iter().collect())
            }
        }
    };
}

primitive_column!(i8, Int8Builder, Int8Array, DataType::Int8);
primitive_column!(i64, Int64Builder, Int64Array, DataType::Int64);
primitive_column!(u32, UInt32Builder, UInt32Array, DataType::UInt32);
primitive_column!(u64, UInt64Builder, UInt64Array, DataType::UInt64);
primitive_column!(f32, Float32Builder, Float32Array, DataType::Float32);
primitive_column!(f64, Float64Builder, Float64Array, DataType::Float64);
primitive_column!(bool, BooleanBuilder, BooleanArray, DataType::Boolean);

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
    fn values(array: &dyn Array) -> Option<Vec<Self>> {
        let texts = array.as_any().downcast_ref::<StringArray>()?;
        texts.iter().map(|text| text.map(str::to_owned)).collect()
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
    fn values(array: &dyn Array) -> Option<Vec<Self>> {
        let texts = array.as_any().downcast_ref::<StringArray>()?;
        Some(texts.iter().map(|text| text.map(str::to_owned)).collect())
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
            fn values(array: &dyn Array) -> Option<Vec<Self>> {
                let lists = array.as_any().downcast_ref::<ListArray>()?;
                lists.iter().map(|list| <$type>::values(list?.as_ref())).collect()
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
            fn values(array: &dyn Array) -> Option<Vec<Self>> {
                let lists = array.as_any().downcast_ref::<FixedSizeListArray>()?;
                let fixed = |list: ArrayRef| <$type>::values(list.as_ref())?.try_into().ok();
                lists.iter().map(|list| fixed(list?)).collect()
            }
        }
    };
}

fixed_column!(f64, Float64Builder, DataType::Float64);
fixed_column!(u32, UInt32Builder, DataType::UInt32);

#[cfg(test)]
mod tests {
    use crate::tables::{IndexRow, MeasurementRow, Row, SplitRow};

    #[test]
    fn rows_become_a_batch_of_their_schema_and_come_back() {
        let row = MeasurementRow {
            study_id: "s".into(),
            sentence: 1,
            start: 2,
            end: 3,
            values_mm: vec![4.0, 0.1 + 0.2],
            unit: "mm".into(),
            bound: None,
            prior: false,
            date_start: None,
            date_end: Some(4),
            node: None,
        };
        let other = MeasurementRow { node: Some(3), values_mm: Vec::new(), ..row.clone() };
        let batch = MeasurementRow::batch(&[row.clone(), other.clone()]);
        assert_eq!(batch.num_rows(), 2);
        assert_eq!(batch.schema(), MeasurementRow::schema());
        assert!(batch.column_by_name("node").is_some_and(|node| node.null_count() == 1));
        assert_eq!(MeasurementRow::rows(&batch), Ok(vec![row, other]));
        let missing = SplitRow::rows(&batch).expect_err("another table");
        assert_eq!((missing.table, missing.column), ("splits", "patient_key"));
    }

    #[test]
    fn arrays_of_fixed_length_come_back_bit_for_bit() {
        let row = IndexRow {
            sample_id: "a/v".into(),
            series_id: "a".into(),
            study_id: "a".into(),
            patient_key: "a".into(),
            split: "val".into(),
            view: "v".into(),
            shard: "shards/v-val-00000.arrow".into(),
            batch: 0,
            offset: 4096,
            length: u64::MAX,
            dtype: "i16".into(),
            shape: [1, 2, 3],
            spacing: [0.1, 1.0 / 3.0, f64::MIN_POSITIVE],
            affine: std::array::from_fn(|at| (at as f64).sqrt()),
            crop_starts: vec![-1, 2, 3],
            xxh3: 1 << 63,
        };
        let rows = vec![row; 3];
        assert_eq!(IndexRow::rows(&IndexRow::batch(&rows)), Ok(rows));
    }
}
