//! A study as training sees it: who it belongs to, what its report says, and the blocks of voxels of its series.
//!
//! The loader and the models share these types. A batch refers to them by [`Arc`], so that a step copies no text.

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use crate::ids::{PatientKey, SampleId, StudyId};
use crate::manifest::VoxelType;

/// Where an entity stands in its sentence. Mentions that share text count as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntitySpan {
    /// Its row in the table `nodes`; of mentions that share text, the first.
    pub node: u32,
    /// First byte in the text of the sentence.
    pub start: u32,
    /// Byte after the last.
    pub end: u32,
}

/// One sentence of a report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sentence {
    /// Text as it stands in the report.
    pub text: String,
    /// Whether it belongs to the impression, which is kept first when a report is too long.
    pub impression: bool,
    /// Its sentence type, by which [`SideInputs`] knows it.
    pub sentence_type: u64,
    /// Bytes of the text at which a clause starts that can be left out with all that follows it.
    pub breaks: Vec<u32>,
    /// Its entities, in order and apart from each other.
    pub entities: Vec<EntitySpan>,
}

/// A study without its images.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StudyRecord {
    /// The study.
    pub study_id: StudyId,
    /// The patient.
    pub patient_key: PatientKey,
    /// Sentences of findings and impression, in order; none without a report.
    pub sentences: Vec<Sentence>,
    /// One value per label: 1 present, 0 absent, -1 unknown.
    pub labels: Vec<i8>,
    /// Whether the report tells left from right, so that a mirrored image would contradict it.
    pub names_side: bool,
    /// Whether left and right of the report have changed places, as those of a mirrored image have.
    pub mirrored: bool,
}

/// Side of a [`SentenceClaim`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClaimSide {
    /// The patient's left.
    Left,
    /// The patient's right.
    Right,
    /// Both sides.
    Both,
}

/// A finding that a sentence states or denies, wording aside. What it leaves in doubt it does not claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SentenceClaim {
    /// Number of the finding within the release.
    pub finding: u32,
    /// Number of the place within the release; none where the whole organ is meant.
    pub place: Option<u32>,
    /// Side, where the sentence names one.
    pub side: Option<ClaimSide>,
    /// Whether the finding is there.
    pub present: bool,
}

/// How stored voxels become floats: `normalised = stored * scale + offset` lies in 0..1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VoxelFormat {
    /// Type of a stored voxel, little endian.
    pub dtype: VoxelType,
    /// Factor.
    pub scale: f32,
    /// Added after the factor.
    pub offset: f32,
}

/// Where a block lies in the patient: world coordinates are RAS, in millimetres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BlockPosition {
    /// Centre of the block's first voxel.
    pub origin_mm: [f64; 3],
    /// Step from one voxel to the next along x, y and z, as a world vector each.
    pub steps_mm: [[f64; 3]; 3],
}

impl BlockPosition {
    /// The block that begins at voxel `start` (x, y, z) of a grid with this affine (4 × 4, row-major).
    pub fn new(affine: &[f64; 16], start: [i64; 3]) -> Self {
        let column = |axis: usize| [affine[axis], affine[4 + axis], affine[8 + axis]];
        let steps_mm = [column(0), column(1), column(2)];
        Self { origin_mm: column(3), steps_mm }.moved(start)
    }

    /// The block that begins at voxel `start` (x, y, z) of this one.
    #[must_use]
    pub fn moved(self, start: [i64; 3]) -> Self {
        let origin_mm = at(self.origin_mm, &self.steps_mm, start.map(|index| index as f64));
        Self { origin_mm, ..self }
    }

    /// The same block of `width` voxels along x, from its other end.
    #[must_use]
    pub fn mirrored(self, width: usize) -> Self {
        let mut mirrored = self.moved([width as i64 - 1, 0, 0]);
        mirrored.steps_mm[0] = mirrored.steps_mm[0].map(|step| -step);
        mirrored
    }

    /// Centre of a block of `depth`, `height`, `width` voxels.
    pub fn centre_mm(&self, [depth, height, width]: [usize; 3]) -> [f64; 3] {
        let middle = [width, height, depth].map(|length| (length as f64 - 1.0) / 2.0);
        at(self.origin_mm, &self.steps_mm, middle)
    }

    /// Voxel size along x, y and z.
    pub fn spacing_mm(&self) -> [f64; 3] {
        self.steps_mm.map(|step| step.iter().map(|value| value * value).sum::<f64>().sqrt())
    }
}

/// World position of a (fractional) voxel index.
fn at(origin: [f64; 3], steps: &[[f64; 3]; 3], index: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|row| {
        origin[row] + (0..3).map(|axis| steps[axis][row] * index[axis]).sum::<f64>()
    })
}

/// Which voxels of a block are of the image; the others are padding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Validity {
    /// All, as far as the release says.
    Whole,
    /// Those within this box of depth, height and width. A release records where a crop begins before the
    /// image and not where it ends behind it, so the box can be too large at its far end.
    Within([Range<usize>; 3]),
}

/// One box of voxels: a crop of a series, or the whole of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// Channels, depth, height, width.
    pub shape: [usize; 4],
    /// Type of its voxels and what they mean.
    pub format: VoxelFormat,
    /// Where it lies.
    pub position: BlockPosition,
    /// Which of its voxels count.
    pub validity: Validity,
}

impl Block {
    /// Bytes of its voxels.
    pub fn bytes(&self) -> usize {
        self.shape.iter().product::<usize>() * self.format.dtype.size()
    }
}

/// One series in one view: a sample of the release. Its blocks follow each other without gaps.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesRecord {
    /// The sample.
    pub sample_id: SampleId,
    /// The view.
    pub view: Arc<str>,
    /// Its blocks, in the order of their bytes.
    pub blocks: Vec<Block>,
}

impl SeriesRecord {
    /// Bytes of all its blocks.
    pub fn bytes(&self) -> usize {
        self.blocks.iter().map(Block::bytes).sum()
    }
}

/// A series of a batch.
#[derive(Debug, Clone)]
pub struct BatchSeries {
    /// The series.
    pub record: Arc<SeriesRecord>,
    /// Its blocks in this batch, where they are not those of the record: drawn anew out of what is stored.
    pub blocks: Option<Vec<Block>>,
    /// First byte of its voxels in the batch.
    pub offset: usize,
}

impl BatchSeries {
    /// Its blocks, each with the bytes of the batch that it takes.
    pub fn blocks(&self) -> impl Iterator<Item = (&Block, Range<usize>)> {
        let mut next = self.offset;
        self.blocks.as_ref().unwrap_or(&self.record.blocks).iter().map(move |block| {
            let start = next;
            next += block.bytes();
            (block, start..next)
        })
    }
}

/// A study of a batch. The same study may stand in a batch twice, where one epoch ends and the next begins.
#[derive(Debug, Clone, Default)]
pub struct BatchStudy {
    /// The study.
    pub record: Arc<StudyRecord>,
    /// How often the order had gone through all studies before; 0 outside of training. What is drawn of a study is drawn
    /// by its id and this, so that batch, rank and thread change nothing.
    pub epoch: u64,
    /// Its series in this batch; none where only its text is wanted.
    pub series: Vec<BatchSeries>,
}

impl BatchStudy {
    /// All blocks of its series in order, each with the bytes of the batch that it takes.
    pub fn blocks(&self) -> impl Iterator<Item = (&Block, Range<usize>)> {
        self.series.iter().flat_map(BatchSeries::blocks)
    }
}

/// What a release says of the studies of a batch besides voxels and text. A system looks up what it needs;
/// what no system asks for costs nothing.
pub trait SideInputs: Debug + Send + Sync {
    /// The least and the most that the similarity of two sentence types can be, in 0..1: equal where it is
    /// known, `[0, 1]` where nothing is.
    fn sentence_similarity(&self, a: u64, b: u64) -> [f32; 2];

    /// What sentences of a type claim; nothing where that is not known.
    fn claims(&self, sentence_type: u64) -> &[SentenceClaim];
}

/// Side inputs of texts that belong to no release: nothing is known.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSideInputs;

impl SideInputs for NoSideInputs {
    fn sentence_similarity(&self, _: u64, _: u64) -> [f32; 2] {
        [0.0, 1.0]
    }

    fn claims(&self, _: u64) -> &[SentenceClaim] {
        &[]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crop_lies_where_the_affine_puts_its_first_voxel() {
        // 2 mm to the left, 3 mm to the front and 5 mm up a voxel, from (10, 20, 30) on.
        let affine =
            [-2.0, 0.0, 0.0, 10.0, 0.0, 3.0, 0.0, 20.0, 0.0, 0.0, 5.0, 30.0, 0.0, 0.0, 0.0, 1.0];
        let position = BlockPosition::new(&affine, [4, -1, 2]);
        let close = |found: [f64; 3], wanted: [f64; 3]| {
            assert!(found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}");
        };
        close(position.origin_mm, [2.0, 17.0, 40.0]);
        close(position.spacing_mm(), [2.0, 3.0, 5.0]);
        // Depth 3, height 5, width 7: the middle is 3 voxels to the left, 2 to the front, 1 up.
        close(position.centre_mm([3, 5, 7]), [-4.0, 23.0, 45.0]);
    }

    #[test]
    fn blocks_of_different_sizes_follow_each_other() {
        let block = |shape, dtype| Block {
            shape,
            format: VoxelFormat { dtype, scale: 1.0, offset: 0.0 },
            position: BlockPosition::new(&[0.0; 16], [0; 3]),
            validity: Validity::Whole,
        };
        let record = SeriesRecord {
            sample_id: SampleId::from("s/v"),
            view: "v".into(),
            blocks: vec![block([1, 2, 3, 4], VoxelType::U8), block([2, 1, 1, 5], VoxelType::I16)],
        };
        assert_eq!(record.bytes(), 44);
        let study = BatchStudy {
            record: Arc::default(),
            epoch: 0,
            series: vec![BatchSeries { record: Arc::new(record), blocks: None, offset: 100 }],
        };
        let ranges: Vec<_> = study.blocks().map(|(_, range)| range).collect();
        assert_eq!(ranges, [100..124, 124..144]);
    }
}
