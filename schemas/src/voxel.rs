//! The Arrow schema of voxel shards.
//!
//! A shard is an uncompressed Arrow IPC file with one record batch a sample. The tensor is the first
//! column, so that its values are the first buffer of the message body, which the writer aligns to
//! 4096 bytes.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema};

use crate::format::format_metadata;
use crate::manifest::{Recipe, VoxelType};

/// Name of the tensor column.
pub const TENSOR: &str = "voxels";

/// Arrow's type of a voxel.
pub const fn voxel_data_type(dtype: VoxelType) -> DataType {
    match dtype {
        VoxelType::U8 => DataType::UInt8,
        VoxelType::I16 => DataType::Int16,
        VoxelType::F16 => DataType::Float16,
    }
}

/// Schema of a shard. With a `shape` (depth, height, width) the tensor is a fixed-size list; without
/// one it is `LargeBinary`. Either way the `shape` column says how to fold one block of it; a tensor
/// of several crops or channels holds `radloom.crops` × `radloom.channels` such blocks, and
/// `crop_starts` the first voxel (x, y, z) of each crop.
///
/// The list is not marked as `arrow.fixed_shape_tensor`: Hugging Face `datasets` (5.x) refuses every
/// file whose schema has that extension type.
///
/// The intensity unit and the fact that rescale was applied are part of the schema's metadata: the
/// field's classic trap is to apply it twice.
pub fn schema(view: &str, recipe: &Recipe, shape: Option<[usize; 3]>) -> Arc<Schema> {
    let item = |data_type| Arc::new(Field::new("item", data_type, false));
    let tensor = match shape {
        Some(shape) => {
            let voxel = voxel_data_type(recipe.dtype);
            let count = (shape.iter().product::<usize>() * recipe.blocks()) as i32;
            Field::new(TENSOR, DataType::FixedSizeList(item(voxel), count), false)
        }
        None => Field::new(TENSOR, DataType::LargeBinary, false),
    };
    let fields = vec![
        tensor,
        Field::new("sample_id", DataType::Utf8, false),
        Field::new("series_id", DataType::Utf8, false),
        Field::new("study_id", DataType::Utf8, false),
        Field::new("patient_key", DataType::Utf8, false),
        Field::new("shape", DataType::FixedSizeList(item(DataType::UInt32), 3), false),
        Field::new("spacing", DataType::FixedSizeList(item(DataType::Float64), 3), false),
        Field::new("affine", DataType::FixedSizeList(item(DataType::Float64), 16), false),
        Field::new("crop_starts", DataType::List(item(DataType::Int64)), false),
        Field::new("xxh3", DataType::UInt64, false),
    ];
    let window = recipe.first_window();
    let (scale, offset) = recipe.dtype.normalisation(window);
    let windows = serde_json::to_string(&recipe.windows).expect("windows are plain numbers");
    let mut metadata = format_metadata("voxels");
    if let Some([depth, height, width]) = shape {
        metadata.insert("radloom.shape".to_owned(), format!("[{depth}, {height}, {width}]"));
    }
    metadata.extend([
        ("radloom.view".to_owned(), view.to_owned()),
        ("radloom.intensity_unit".to_owned(), "HU".to_owned()),
        ("radloom.rescale_applied".to_owned(), "true".to_owned()),
        ("radloom.window_low".to_owned(), window[0].to_string()),
        ("radloom.window_high".to_owned(), window[1].to_string()),
        ("radloom.windows".to_owned(), windows),
        ("radloom.channels".to_owned(), recipe.windows.len().to_string()),
        ("radloom.crops".to_owned(), recipe.crops.map_or(1, |crops| crops.count).to_string()),
        ("radloom.normalised_scale".to_owned(), scale.to_string()),
        ("radloom.normalised_offset".to_owned(), offset.to_string()),
        (
            "radloom.recipe".to_owned(),
            serde_json::to_string(recipe).expect("a recipe is plain data"),
        ),
    ]);
    Arc::new(Schema::new(fields).with_metadata(metadata))
}
