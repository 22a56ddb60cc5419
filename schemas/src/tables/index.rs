//! Where voxels lie.

use super::row::table;

table! {
    /// Where one sample's voxels lie.
    IndexRow "index" by [split, study_id, series_id] {
        /// The sample.
        sample_id: String,
        /// The series.
        series_id: String,
        /// The study.
        study_id: String,
        /// The patient.
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
