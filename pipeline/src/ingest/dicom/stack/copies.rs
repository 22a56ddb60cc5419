//! Files that hold the same.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use rayon::prelude::*;

use crate::files::xxh3_64;
use crate::ingest::IngestError;
use crate::ingest::archive::Files;
use crate::ingest::dicom::format::whole;
use crate::ingest::dicom::header::SliceHeader;

/// Largest file that is read whole to tell whether it is a copy.
const MAX_COPY_BYTES: u64 = 1 << 30;

/// Takes files out that hold the same as another one of the series.
pub(super) fn take_copies(
    reader: &Files<'_>,
    slices: &mut Vec<Arc<SliceHeader>>,
    copies: &mut Vec<(PathBuf, PathBuf)>,
) {
    // Only files that call themselves one instance, or lie at one place without a name, are compared.
    let mut same: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, slice) in slices.iter().enumerate() {
        let key = match slice.sop_uid.as_str() {
            "" => format!(
                "{:?} {:?}",
                slice.instance,
                slice.planes.first().map(|plane| plane.position)
            ),
            uid => uid.to_owned(),
        };
        same.entry(key).or_default().push(at);
    }
    let mut taken = vec![false; slices.len()];
    for members in same.into_values().filter(|members| members.len() > 1) {
        let sums: Vec<_> = members.par_iter().map(|at| pixel_sum(reader, &slices[*at])).collect();
        for (later, at) in members.iter().enumerate().skip(1) {
            let sum = &sums[later];
            let first = (0..later)
                .find(|earlier| sum.is_ok() && sums[*earlier].as_ref().ok() == sum.as_ref().ok());
            if let Some(first) = first {
                taken[*at] = true;
                copies.push((slices[*at].path.clone(), slices[members[first]].path.clone()));
            }
        }
    }
    let mut taken = taken.into_iter();
    slices.retain(|_| !taken.next().unwrap_or(false));
}

/// Hash of what a file holds that a volume is made of: places, rescale and pixels.
fn pixel_sum(reader: &Files<'_>, slice: &SliceHeader) -> Result<u64, IngestError> {
    let opened = whole(reader, &slice.path, MAX_COPY_BYTES)?;
    let offset = slice.pixels.map_or(opened.bytes.len(), |pixels| pixels.offset as usize);
    // The same image may be written in two ways that lay its pixels down alike.
    let facts = format!("{:?} {:?}", slice.planes, slice.cell);
    let pixels = opened.bytes.get(offset..).unwrap_or_default();
    Ok(xxh3_64(facts.as_bytes()) ^ xxh3_64(pixels))
}
