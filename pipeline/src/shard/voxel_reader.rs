//! A voxel shard, mapped, or read tensor by tensor from an object store.

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::{Advice, Mmap};

use crate::files::xxh3_64;
use crate::store::{Mirror, StoreError};

/// A shard that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum VoxelReaderError {
    /// The system refused.
    #[error("failed to open shard `{path}`: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The shard is in an object store and cannot be read there.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The index names bytes that the file does not have.
    #[error(
        "shard `{path}` has {size} bytes, but the index names bytes up to {end}: the file is cut short"
    )]
    Short {
        /// The file.
        path: PathBuf,
        /// Bytes of the file.
        size: u64,
        /// Byte after the tensor.
        end: u64,
    },
    /// The bytes are not those that were written.
    #[error(
        "shard `{path}`: the tensor at byte {offset} has hash {found:016x}, not {expected:016x}: the file is damaged"
    )]
    Hash {
        /// The file.
        path: PathBuf,
        /// First byte of the tensor.
        offset: u64,
        /// Hash in the index.
        expected: u64,
        /// Hash of the bytes.
        found: u64,
    },
}

impl VoxelReaderError {
    /// Whether the data are not what was written. Everything else, such as a network that fails, says nothing about
    /// the data.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Hash { .. } | Self::Short { .. } | Self::Store(StoreError::Damaged { .. }) => {
                true
            }
            Self::Io { .. } | Self::Store(_) => false,
        }
    }
}

/// A shard, from which tensors are taken by offset and length without Arrow decoding.
#[derive(Debug)]
pub struct VoxelReader {
    path: PathBuf,
    place: Place,
}

/// Where the bytes of a shard are.
#[derive(Debug)]
enum Place {
    Mapped(Mmap),
    /// In an object store, under this name.
    Remote(Arc<Mirror>, String),
}

/// The bytes of one tensor.
#[derive(Debug)]
pub enum Tensor<'r> {
    /// Borrowed from the mapped shard.
    Mapped(&'r [u8]),
    /// A file of its own in the cache, mapped.
    Fetched(Mmap),
}

impl Deref for Tensor<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(bytes) => bytes,
            Self::Fetched(map) => map,
        }
    }
}

impl VoxelReader {
    /// Maps the file at `path`. Where there is none and `path` lies in the mirror of a release in an object store, its
    /// tensors are fetched one by one when they are asked for.
    ///
    /// # Errors
    ///
    /// [`VoxelReaderError::Io`], [`VoxelReaderError::Store`].
    #[expect(unsafe_code, reason = "mapping a file is unsafe by nature")]
    pub fn open(path: &Path) -> Result<Self, VoxelReaderError> {
        let io_error = |source| VoxelReaderError::Io { path: path.to_owned(), source };
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let (mirror, name) = Mirror::of(path)?.ok_or_else(|| io_error(error))?;
                let place = Place::Remote(mirror, name);
                return Ok(Self { path: path.to_owned(), place });
            }
            opened => opened.map_err(io_error)?,
        };
        // SAFETY: shards of a sealed release are never written again (they are renamed into place
        // when complete), and every access is checked against the mapped length.
        let map = unsafe { Mmap::map(&file) }.map_err(io_error)?;
        // Samples are read in shuffled order; read-ahead past a sample would be wasted.
        map.advise(Advice::Random).map_err(io_error)?;
        Ok(Self { path: path.to_owned(), place: Place::Mapped(map) })
    }

    /// The bytes of the tensor at `offset`, whose hash is `xxh3`. It is compared only where they come over a network.
    ///
    /// # Errors
    ///
    /// [`VoxelReaderError::Short`] where the file ends before, [`VoxelReaderError::Store`] where it cannot be fetched.
    pub fn tensor(
        &self,
        offset: u64,
        length: u64,
        xxh3: u64,
    ) -> Result<Tensor<'_>, VoxelReaderError> {
        let end = offset.saturating_add(length);
        let map = match &self.place {
            Place::Mapped(map) => map,
            Place::Remote(mirror, name) => {
                return Ok(Tensor::Fetched(mirror.tensor(name, offset..end, xxh3)?));
            }
        };
        let bytes = map.get(offset as usize..end as usize).ok_or_else(|| {
            VoxelReaderError::Short { path: self.path.clone(), size: map.len() as u64, end }
        })?;
        Ok(Tensor::Mapped(bytes))
    }

    /// The bytes of the tensor at `offset`, after their hash was compared.
    ///
    /// # Errors
    ///
    /// [`VoxelReaderError::Hash`] where they are not those that were written.
    pub fn verified(
        &self,
        offset: u64,
        length: u64,
        expected: u64,
    ) -> Result<Tensor<'_>, VoxelReaderError> {
        let bytes = self.tensor(offset, length, expected)?;
        self.compare(offset, xxh3_64(&bytes), expected)?;
        Ok(bytes)
    }

    /// Compares the hash that was `found` of the tensor at `offset`.
    ///
    /// # Errors
    ///
    /// [`VoxelReaderError::Hash`] where they are not those that were written.
    pub fn compare(&self, offset: u64, found: u64, expected: u64) -> Result<(), VoxelReaderError> {
        if found == expected {
            return Ok(());
        }
        Err(VoxelReaderError::Hash { path: self.path.clone(), offset, expected, found })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use arrow::array::{Array, FixedSizeListArray, Int16Array};
    use arrow_ipc::reader::FileReader;
    use schemas::ids::{PatientKey, SampleId, SeriesId, StudyId};
    use schemas::manifest::{Crop, Preset, Recipe};

    use super::super::voxel_writer::{BODY_ALIGNMENT, SampleIds, VoxelWriter};
    use super::*;
    use crate::volume::{Affine, Volume, Voxels, make_view};
    use schemas::rescale::Rescale;

    #[test]
    fn the_library_s_own_reader_and_the_index_see_the_same_tensors_on_page_borders() {
        let recipe = Recipe {
            crop: Crop::None,
            spacing: None,
            resize: Some([5, 4, 3]),
            ..Preset::Mg3d.recipe()
        };
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("v.arrow");
        let mut writer = VoxelWriter::create(&path, "v", &recipe).expect("opens");
        let mut expected = Vec::new();
        for index in 0..3_i16 {
            let volume = Volume {
                voxels: Voxels::I16((0..60).map(|value| value * 7 + index).collect()),
                dims: [5, 4, 3],
                affine: Affine::from_columns(
                    [[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0]],
                    [0.0; 3],
                ),
                rescale: Rescale::IDENTITY,
            };
            let tensor = make_view(&volume, &recipe);
            let series = SeriesId(format!("s{index}"));
            let ids = SampleIds {
                sample: &SampleId::new(&series, "v"),
                series: &series,
                study: &StudyId::from("study"),
                patient: &PatientKey::from("patient"),
            };
            expected.push((writer.push(ids, &tensor, tensor.xxh3()).expect("writes"), tensor));
        }
        let (sha256, size) = writer.finish().expect("finishes");
        let content = std::fs::read(&path).expect("reads");
        assert_eq!(size, content.len() as u64);
        assert_eq!(sha256, crate::files::sha256_bytes(&content));

        let batches: Vec<_> = FileReader::try_new(Cursor::new(&content), None)
            .expect("a stock reader opens it")
            .collect::<Result<_, _>>()
            .expect("and reads it");
        let reader = VoxelReader::open(&path).expect("maps");
        for (index, (placement, tensor)) in expected.iter().enumerate() {
            assert_eq!(placement.offset % BODY_ALIGNMENT, 0);
            let mapped = reader
                .verified(placement.offset, placement.length, tensor.xxh3())
                .expect("the hash agrees");
            assert_eq!(&mapped[..], tensor.bytes.as_slice());
            let column = batches[index].column(0);
            let list = column.as_any().downcast_ref::<FixedSizeListArray>().expect("a list");
            let values = list.values().as_any().downcast_ref::<Int16Array>().expect("i16");
            let bytes: Vec<u8> =
                values.values().iter().flat_map(|value| value.to_le_bytes()).collect();
            assert_eq!(bytes, tensor.bytes.as_slice());
        }
        let damaged = reader.verified(expected[0].0.offset, expected[0].0.length, 1);
        let damaged = damaged.expect_err("another hash");
        assert!(matches!(damaged, VoxelReaderError::Hash { .. }) && damaged.is_damage());
        let short = reader.tensor(size, 1, 0).expect_err("beyond the end");
        assert!(matches!(short, VoxelReaderError::Short { .. }) && short.is_damage());
    }

    #[test]
    fn a_failed_read_is_not_damage() {
        let (address, name) = ("s3://b/r".to_owned(), "shards/a.arrow".to_owned());
        let unread = StoreError::Read {
            address: address.clone(),
            name: name.clone(),
            attempts: 6,
            problem: "nothing came".into(),
        };
        let missing = StoreError::Missing { address: address.clone(), name: name.clone() };
        let damaged = StoreError::Damaged { address, name, what: "another hash".into() };
        for (error, is_damage) in [(unread, false), (missing, false), (damaged, true)] {
            assert_eq!(VoxelReaderError::from(error).is_damage(), is_damage);
        }
    }
}
