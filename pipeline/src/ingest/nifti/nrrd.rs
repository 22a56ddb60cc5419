//! NRRD headers (<https://teem.sourceforge.net/nrrd/format.html>): scalar images of three axes, raw or gzip, attached or
//! with one data file.

use std::collections::BTreeMap;
use std::path::Path;

use nifti::NiftiType;
use schemas::reason::Reason;

use super::detached::{Packing, Placed, TextHeader, beside, numbers, refuse, sizes, three};
use crate::ingest::IngestError;

/// First bytes of every NRRD file.
pub(crate) const MAGIC: &[u8] = b"NRRD000";

/// Reads the header in `bytes`, the first ones of the file at `path`.
pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<TextHeader, IngestError> {
    let (fields, length) = fields(bytes)?;
    let get = |name: &str| fields.get(name).map(String::as_str);
    let need = |name: &'static str| {
        get(name)
            .ok_or_else(|| refuse(Reason::VolumeCorrupt, name, "is missing in the NRRD header"))
    };
    if fields.keys().any(|key| key.starts_with("segment0_")) {
        let detail = "is a segmentation of 3D Slicer (it has `Segment0_ID`), not an image";
        return Err(IngestError::new(Reason::NotAVolume, detail));
    }
    if let Some(kinds) = get("kinds")
        && kinds.split_whitespace().any(|kind| !["domain", "space"].contains(&kind))
    {
        return Err(refuse(
            Reason::NotAVolume,
            "kinds",
            &format!("is `{kinds}`, not three axes of space"),
        ));
    }
    let dims = sizes("sizes", need("sizes")?)?;
    let datatype = datatype(need("type")?)?;
    let packing = match need("encoding")? {
        "raw" => Packing::None,
        "gzip" | "gz" => Packing::Deflated,
        other => {
            let problem = format!("is `{other}`, which is not read: raw and gzip are");
            return Err(refuse(Reason::VolumeUnsupported, "encoding", &problem));
        }
    };
    for field in ["line skip", "byte skip"] {
        if let Some(skip) = get(field).filter(|skip| skip.trim() != "0") {
            return Err(refuse(
                Reason::VolumeUnsupported,
                field,
                &format!("is `{skip}`, which is not read"),
            ));
        }
    }
    let data_file = match get("data file").or(get("datafile")) {
        Some(name) if name.starts_with("LIST") || name.contains('%') => {
            let problem = "names several files, which are not read";
            return Err(refuse(Reason::VolumeUnsupported, "data file", problem));
        }
        Some(name) => Some(beside(path, "data file", name)?),
        None => None,
    };
    if let Some(units) = get("space units")
        && units.split('"').any(|unit| !unit.trim().is_empty() && !unit.trim().starts_with("mm"))
    {
        return Err(refuse(
            Reason::AmbiguousSpacing,
            "space units",
            &format!("is {units}, not mm"),
        ));
    }
    let spacing = get("spacings").and_then(three);
    Ok(TextHeader {
        dims,
        datatype,
        little: get("endian") != Some("big"),
        packing,
        skip: if data_file.is_some() { 0 } else { length as u64 },
        data_file,
        placed: placed(&fields)?,
        spacing,
    })
}

/// The fields by their names in lower case, with the length of the header. Keys of the file's own (`key:=value`) stand beside
/// the standard's.
fn fields(bytes: &[u8]) -> Result<(BTreeMap<String, String>, usize), IngestError> {
    let mut fields = BTreeMap::new();
    let mut at = 0;
    loop {
        let Some(end) = bytes[at..].iter().position(|byte| *byte == b'\n') else {
            // A detached header may end without a blank line.
            if at == bytes.len() {
                return Ok((fields, at));
            }
            return Err(IngestError::new(Reason::VolumeTruncated, "ends inside the NRRD header"));
        };
        let line = String::from_utf8_lossy(&bytes[at..at + end]);
        at += end + 1;
        let line = line.trim_end();
        if line.is_empty() {
            return Ok((fields, at));
        }
        if line.starts_with('#') || line.as_bytes().starts_with(MAGIC) {
            continue;
        }
        if let Some((name, value)) = line.split_once(":=").or_else(|| line.split_once(':')) {
            fields.insert(name.trim().to_lowercase(), value.trim().to_owned());
        }
    }
}

fn datatype(name: &str) -> Result<i16, IngestError> {
    let kind = match name.to_lowercase().as_str() {
        "signed char" | "int8" | "int8_t" => NiftiType::Int8,
        "uchar" | "unsigned char" | "uint8" | "uint8_t" => NiftiType::Uint8,
        "short" | "short int" | "signed short" | "signed short int" | "int16" | "int16_t" => {
            NiftiType::Int16
        }
        "ushort" | "unsigned short" | "unsigned short int" | "uint16" | "uint16_t" => {
            NiftiType::Uint16
        }
        "int" | "signed int" | "int32" | "int32_t" => NiftiType::Int32,
        "uint" | "unsigned int" | "uint32" | "uint32_t" => NiftiType::Uint32,
        "longlong" | "long long" | "int64" | "int64_t" => NiftiType::Int64,
        "ulonglong" | "unsigned long long" | "uint64" | "uint64_t" => NiftiType::Uint64,
        "float" => NiftiType::Float32,
        "double" => NiftiType::Float64,
        _ => {
            let problem = format!("is `{name}`, which is not read");
            return Err(refuse(Reason::VolumeUnsupported, "type", &problem));
        }
    };
    Ok(kind as i16)
}

/// Axes and place in LPS, where the header names a space that is the patient's.
fn placed(fields: &BTreeMap<String, String>) -> Result<Option<Placed>, IngestError> {
    let (Some(space), Some(directions)) = (fields.get("space"), fields.get("space directions"))
    else {
        return Ok(None);
    };
    let to_lps = match space.to_lowercase().as_str() {
        "left-posterior-superior" | "lps" => [1.0, 1.0, 1.0],
        "right-anterior-superior" | "ras" => [-1.0, -1.0, 1.0],
        "left-anterior-superior" | "las" => [1.0, -1.0, 1.0],
        _ => return Ok(None),
    };
    let turned = |vector: &[f64]| std::array::from_fn(|axis| vector[axis] * to_lps[axis]);
    let Some(values) = numbers(directions).filter(|values| values.len() == 9) else {
        let problem = format!("is `{directions}`, not three directions");
        return Err(refuse(Reason::VolumeCorrupt, "space directions", &problem));
    };
    let axes = std::array::from_fn(|axis| turned(&values[3 * axis..3 * axis + 3]));
    let origin = fields.get("space origin").and_then(|text| three(text)).unwrap_or_default();
    Ok(Some((axes, turned(&origin))))
}
