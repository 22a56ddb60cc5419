//! `MetaImage` headers (<https://itk.org/Wiki/ITK/MetaIO/Documentation>): scalar images of three axes, in one file (`.mha`)
//! or two (`.mhd`), plain or compressed.

use std::collections::BTreeMap;
use std::path::Path;

use nifti::NiftiType;
use schemas::reason::Reason;

use super::detached::{Packing, TextHeader, beside, numbers, refuse, sizes, three};
use crate::ingest::IngestError;

/// The last field of a header.
const LAST: &str = "ElementDataFile";

/// Whether `start` begins a `MetaImage` header.
pub(crate) fn begins(start: &[u8]) -> bool {
    let keys: [&[u8]; 3] = [b"ObjectType", b"NDims", b"Comment"];
    keys.iter().any(|key| start.starts_with(key)) && start.contains(&b'=')
}

/// Reads the header in `bytes`, the first ones of the file at `path`.
pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<TextHeader, IngestError> {
    let (fields, length) = fields(bytes)?;
    let get = |names: &[&str]| names.iter().find_map(|name| fields.get(*name)).map(String::as_str);
    let need = |name: &'static str| {
        get(&[name]).ok_or_else(|| {
            refuse(Reason::VolumeCorrupt, name, "is missing in the MetaImage header")
        })
    };
    let is_true =
        |names: &[&str]| get(names).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    if let Some(channels) =
        get(&["ElementNumberOfChannels"]).filter(|channels| channels.trim() != "1")
    {
        let problem = format!("is {channels}: not one number a voxel");
        return Err(refuse(Reason::NotAVolume, "ElementNumberOfChannels", &problem));
    }
    let dims = sizes("DimSize", need("DimSize")?)?;
    let datatype = datatype(need("ElementType")?)?;
    if get(&["BinaryData"]).is_some_and(|value| value.eq_ignore_ascii_case("false")) {
        return Err(refuse(
            Reason::VolumeUnsupported,
            "BinaryData",
            "is False: voxels in text are not read",
        ));
    }
    let data_file = match need(LAST)? {
        "LOCAL" => None,
        name if name.starts_with("LIST") || name.contains('%') => {
            let problem = "names several files, which are not read";
            return Err(refuse(Reason::VolumeUnsupported, LAST, problem));
        }
        name => Some(beside(path, LAST, name)?),
    };
    let before = get(&["HeaderSize"]).map_or(Ok(0), |text| {
        text.parse::<u64>().map_err(|_| {
            let problem = format!("is `{text}`, which is not read");
            refuse(Reason::VolumeUnsupported, "HeaderSize", &problem)
        })
    })?;
    let spacing = get(&["ElementSpacing", "ElementSize"]).and_then(three);
    let matrix = get(&["TransformMatrix", "Rotation", "Orientation"]).and_then(numbers);
    let origin = get(&["Offset", "Position", "Origin"]).and_then(three);
    let placed = match (spacing, matrix, origin) {
        (Some(spacing), Some(matrix), Some(origin)) if matrix.len() == 9 => {
            let axis =
                |axis: usize| std::array::from_fn(|row| matrix[3 * axis + row] * spacing[axis]);
            Some((std::array::from_fn(axis), origin))
        }
        _ => None,
    };
    Ok(TextHeader {
        dims,
        datatype,
        little: !is_true(&["BinaryDataByteOrderMSB", "ElementByteOrderMSB"]),
        packing: if is_true(&["CompressedData"]) { Packing::Deflated } else { Packing::None },
        skip: if data_file.is_some() { before } else { length as u64 + before },
        data_file,
        placed,
        spacing,
    })
}

fn fields(bytes: &[u8]) -> Result<(BTreeMap<String, String>, usize), IngestError> {
    let mut fields = BTreeMap::new();
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let line = String::from_utf8_lossy(&rest[..end]);
        at = (at + end + 1).min(bytes.len());
        let Some((name, value)) = line.split_once('=') else { break };
        let name = name.trim().to_owned();
        let is_last = name == LAST;
        fields.insert(name, value.trim().to_owned());
        if is_last {
            return Ok((fields, at));
        }
    }
    Err(refuse(Reason::VolumeTruncated, LAST, "is missing in the MetaImage header"))
}

fn datatype(name: &str) -> Result<i16, IngestError> {
    let kind = match name {
        "MET_CHAR" => NiftiType::Int8,
        "MET_UCHAR" => NiftiType::Uint8,
        "MET_SHORT" => NiftiType::Int16,
        "MET_USHORT" => NiftiType::Uint16,
        "MET_INT" | "MET_LONG" => NiftiType::Int32,
        "MET_UINT" | "MET_ULONG" => NiftiType::Uint32,
        "MET_LONG_LONG" => NiftiType::Int64,
        "MET_ULONG_LONG" => NiftiType::Uint64,
        "MET_FLOAT" => NiftiType::Float32,
        "MET_DOUBLE" => NiftiType::Float64,
        _ => {
            let problem = format!("is `{name}`, which is not read");
            return Err(refuse(Reason::VolumeUnsupported, "ElementType", &problem));
        }
    };
    Ok(kind as i16)
}
