//! What is unpacked and held in memory.

use std::collections::VecDeque;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::read::MultiGzDecoder;
use gzip::MAGIC;

/// Largest archive that is held in memory, unpacked.
pub(super) const MAX_HELD_BYTES: u64 = 2 << 30;
/// First bytes of a Zstandard frame.
pub(crate) const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Archives that are held in memory, the last ones that were asked for.
#[derive(Debug, Default)]
pub(super) struct Held(Mutex<VecDeque<(PathBuf, Arc<[u8]>)>>);

impl Held {
    pub(super) fn get(
        &self,
        path: &Path,
        load: impl FnOnce() -> io::Result<Vec<u8>>,
    ) -> io::Result<Arc<[u8]>> {
        let held = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, bytes)) = held().iter().find(|(held, _)| held == path) {
            return Ok(Arc::clone(bytes));
        }
        let bytes: Arc<[u8]> = load()?.into();
        let mut all = held();
        all.push_back((path.to_owned(), Arc::clone(&bytes)));
        if all.len() > rayon::current_num_threads() + 1 {
            all.pop_front();
        }
        Ok(bytes)
    }
}

pub(super) fn too_large() -> io::Error {
    let problem = format!("it takes more than {MAX_HELD_BYTES} bytes unpacked: unpack it first");
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

/// A reader of what a gzip or Zstandard stream holds, told by its first bytes; of anything else as it is.
pub(crate) fn unpacked<'r>(mut packed: impl Read + 'r) -> io::Result<Box<dyn Read + 'r>> {
    let mut start = Vec::new();
    packed.by_ref().take(ZSTD.len() as u64).read_to_end(&mut start)?;
    let (is_gzip, is_zstd) = (start.starts_with(&MAGIC), start.starts_with(&ZSTD));
    let all = Cursor::new(start).chain(packed);
    Ok(if is_gzip {
        Box::new(MultiGzDecoder::new(all))
    } else if is_zstd {
        Box::new(zstd::stream::Decoder::new(all)?)
    } else {
        Box::new(all)
    })
}

/// All that a packed archive holds.
pub(super) fn unpack(packed: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    unpacked(packed)?.take(MAX_HELD_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_HELD_BYTES { Err(too_large()) } else { Ok(bytes) }
}
