//! The header of either version, the image it describes, and the affine it means.

use nifti::{Endianness, NiftiHeader};
use schemas::reason::Reason;

use crate::ingest::IngestError;
use crate::ingest::content::ANALYZE;
use crate::volume::{Affine, norm};

/// The fields both versions share, in one width.
pub(crate) struct Header {
    pub(crate) endianness: Endianness,
    pub(crate) dim: [i64; 8],
    pub(crate) datatype: i16,
    pub(crate) intent: i32,
    pub(crate) pixdim: [f64; 8],
    pub(crate) vox_offset: u64,
    pub(crate) scl_slope: f64,
    pub(crate) scl_inter: f64,
    pub(crate) xyzt_units: u8,
    pub(crate) qform_code: i32,
    pub(crate) sform_code: i32,
    pub(crate) quaternion: [f64; 3],
    pub(crate) offset: [f64; 3],
    pub(crate) srow: [[f64; 4]; 3],
    pub(crate) length: u64,
    /// The header says that voxels lie in a file of their own.
    pub(crate) is_pair: bool,
}

impl Header {
    /// The header of an image of another format, of which nothing but the type of its voxels is asked.
    pub(crate) fn without_fields(datatype: i16, endianness: Endianness) -> Self {
        Self {
            endianness,
            dim: [0; 8],
            datatype,
            intent: 0,
            pixdim: [0.0; 8],
            vox_offset: 0,
            scl_slope: f64::NAN,
            scl_inter: f64::NAN,
            xyzt_units: 0,
            qform_code: 0,
            sform_code: 0,
            quaternion: [0.0; 3],
            offset: [0.0; 3],
            srow: [[0.0; 4]; 3],
            length: 0,
            is_pair: false,
        }
    }
}

/// The one 3D image of a file that is read.
pub(crate) struct Frame {
    pub(crate) dims: [usize; 3],
    /// Whether nothing but this image is in the file.
    pub(crate) is_last: bool,
}

/// The header of NIfTI-1, by the `nifti` crate.
pub(crate) fn version_one(bytes: &[u8; 348]) -> Result<Header, IngestError> {
    if !matches!(&bytes[344..], b"n+1\0" | b"ni1\0") {
        return Err(IngestError::new(Reason::VolumeUnsupported, ANALYZE));
    }
    let header = NiftiHeader::from_reader(&bytes[..]).map_err(|error| {
        IngestError::new(Reason::VolumeCorrupt, format!("unreadable NIfTI-1 header: {error}"))
    })?;
    let vox_offset = if header.vox_offset.is_finite() { header.vox_offset.max(0.0) } else { 0.0 };
    Ok(Header {
        endianness: header.endianness,
        dim: header.dim.map(|value| i64::from(value as i16)),
        datatype: header.datatype,
        intent: i32::from(header.intent_code),
        pixdim: header.pixdim.map(f64::from),
        vox_offset: vox_offset as u64,
        scl_slope: f64::from(header.scl_slope),
        scl_inter: f64::from(header.scl_inter),
        xyzt_units: header.xyzt_units,
        qform_code: i32::from(header.qform_code),
        sform_code: i32::from(header.sform_code),
        quaternion: [header.quatern_b, header.quatern_c, header.quatern_d].map(f64::from),
        offset: [header.quatern_x, header.quatern_y, header.quatern_z].map(f64::from),
        srow: [header.srow_x, header.srow_y, header.srow_z].map(|row| row.map(f64::from)),
        length: 348,
        is_pair: header.magic.starts_with(b"ni1"),
    })
}

/// The image that is read, which must be one 3D image or, where asked for, the first of several.
pub(crate) fn dimensions(
    header: &Header,
    first_frame: bool,
    warnings: &mut Vec<String>,
) -> Result<Frame, IngestError> {
    let rank = header.dim[0];
    if !(1..=7).contains(&rank) {
        return Err(IngestError::new(
            Reason::VolumeCorrupt,
            format!("`dim[0]` is {rank}, not 1 to 7"),
        ));
    }
    let sizes = &header.dim[1..=rank as usize];
    if sizes.iter().any(|size| !(1..=1 << 20).contains(size)) {
        return Err(IngestError::new(Reason::VolumeCorrupt, format!("impossible `dim` {sizes:?}")));
    }
    let volumes = sizes.iter().skip(3).fold(1, |product: i64, size| product.saturating_mul(*size));
    if rank < 3 || sizes[..3].contains(&1) {
        return Err(IngestError::new(
            Reason::NotAVolume,
            format!("`dim` is {sizes:?}, not one 3D image"),
        ));
    }
    if volumes > 1 && !first_frame {
        return Err(IngestError::new(
            Reason::NotAVolume,
            format!(
                "`dim` is {sizes:?}: {volumes} images, not one; `[corpus] frames = \"first\"` takes the first"
            ),
        ));
    }
    if volumes > 1 {
        warnings.push(format!("the first of {volumes} images is read"));
    } else if rank > 3 {
        warnings.push(format!("`dim` has {rank} axes with one volume"));
    }
    Ok(Frame {
        dims: [sizes[0] as usize, sizes[1] as usize, sizes[2] as usize],
        is_last: volumes == 1,
    })
}

/// Refuses what the header's intent says is no image of intensities (`intent_code` of nifti1.h).
pub(crate) fn check_intent(header: &Header) -> Result<(), IngestError> {
    let kind = match header.intent {
        2..=24 => "a statistical map",
        1002 => "a label map",
        1003 => "an index of names",
        1004..=1010 | 2003 | 2004 => "not one number a voxel",
        _ => return Ok(()),
    };
    let detail = format!("`intent_code` is {}: {kind}, not an image", header.intent);
    Err(IngestError::new(Reason::NotAVolume, detail))
}

/// Forms that place a corner this far from each other, in mm, or differ by this share in a step, disagree.
const MAX_CORNER_MM: f64 = 0.5;
const MAX_STEP_SHARE: f64 = 0.01;
/// No scanner's steps lie outside of this, in mm: a unit that says so is not that of the numbers.
const POSSIBLE_STEPS_MM: std::ops::RangeInclusive<f64> = 0.02..=50.0;

/// The unit of a header that names none.
const MILLIMETRE: &str = "millimetre";

/// Whether two voxel sizes are the same but for rounding.
pub(crate) fn same_spacing(a: [f64; 3], b: [f64; 3]) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() <= MAX_STEP_SHARE * a.abs().max(b.abs()))
}

/// The affine by the standard's order: sform, then qform, then the voxel sizes alone.
pub(crate) fn affine(
    header: &Header,
    dims: [usize; 3],
    warnings: &mut Vec<String>,
) -> Result<(Affine, bool), IngestError> {
    let (scale, unit) = match header.xyzt_units & 7 {
        1 => (1000.0, "metre"),
        3 => (0.001, "micrometre"),
        _ => (1.0, MILLIMETRE),
    };
    let (affine, oriented) = by_forms(header, scale, dims, warnings)?;
    let spacing = affine.spacing();
    if unit != MILLIMETRE && !spacing.iter().all(|step| POSSIBLE_STEPS_MM.contains(step)) {
        let steps = spacing.map(|step| step / scale);
        return Err(IngestError::new(
            Reason::AmbiguousSpacing,
            format!(
                "`xyzt_units` says {unit}, and the voxel size is {}: no scanner has such steps; mend the header",
                written(steps)
            ),
        ));
    }
    Ok((affine, oriented))
}

/// A voxel size in a message.
pub(crate) fn written(spacing: [f64; 3]) -> String {
    let steps = spacing.map(|step| format!("{}", (step * 1e4).round() / 1e4));
    steps.join(" × ")
}

fn by_forms(
    header: &Header,
    scale: f64,
    dims: [usize; 3],
    warnings: &mut Vec<String>,
) -> Result<(Affine, bool), IngestError> {
    let to_mm = |affine: Affine| {
        let mut matrix = affine.0;
        matrix.iter_mut().take(3).flatten().for_each(|value| *value *= scale);
        Affine(matrix)
    };
    let steps: [f64; 3] = std::array::from_fn(|axis| header.pixdim[axis + 1].abs() * scale);
    let has_steps = steps.iter().all(|step| step.is_finite() && *step > 0.0);
    let qform = (header.qform_code > 0)
        .then(|| quaternion_affine(header).map(to_mm).filter(Affine::is_valid))
        .flatten();
    if header.sform_code > 0 {
        let [x, y, z] = header.srow;
        let sform = to_mm(Affine([x, y, z, [0.0, 0.0, 0.0, 1.0]]));
        if sform.is_valid() {
            match qform {
                Some(qform) => warnings.extend(disagreement(&sform, &qform, dims)),
                None if has_steps && !same_spacing(sform.spacing(), steps) => warnings.push(format!(
                    "the sform's voxel size is {} mm and `pixdim` says {} mm; the sform is used",
                    written(sform.spacing()),
                    written(steps)
                )),
                None => {}
            }
            return Ok((sform, true));
        }
        warnings.push("the sform is singular; the qform is used".into());
    }
    if let Some(qform) = qform {
        return Ok((qform, true));
    }
    if header.qform_code > 0 {
        warnings
            .push("the qform's quaternion is not a rotation; voxel sizes alone are used".into());
    }
    if !has_steps {
        return Err(IngestError::new(
            Reason::VolumeCorrupt,
            format!("no valid affine, and `pixdim` is {:?}", &header.pixdim[1..4]),
        ));
    }
    // Without a form the standard leaves the orientation open. LPS is what CT-RATE's version 1,
    // the one large corpus with blank headers, was stored in.
    warnings.push("no orientation in the header; LPS is assumed".into());
    let columns = [[-steps[0], 0.0, 0.0], [0.0, -steps[1], 0.0], [0.0, 0.0, steps[2]]];
    Ok((Affine::from_columns(columns, [0.0; 3]), false))
}

/// In what the two forms of a header differ beyond rounding, in words.
fn disagreement(sform: &Affine, qform: &Affine, dims: [usize; 3]) -> Option<String> {
    let (a, b) = (sform.spacing(), qform.spacing());
    if !same_spacing(a, b) {
        return Some(format!(
            "the sform's voxel size is {} mm and the qform's {} mm; the sform is used",
            written(a),
            written(b)
        ));
    }
    let apart = (0..8_usize)
        .map(|corner| {
            let at =
                std::array::from_fn(|axis| (corner >> axis & 1) as f64 * (dims[axis] - 1) as f64);
            let (a, b) = (sform.apply(at), qform.apply(at));
            norm(std::array::from_fn(|axis| a[axis] - b[axis]))
        })
        .fold(0.0, f64::max);
    (apart > MAX_CORNER_MM)
        .then(|| format!("sform and qform place a corner {apart:.1} mm apart; the sform is used"))
}

fn quaternion_affine(header: &Header) -> Option<Affine> {
    let [b, c, d] = header.quaternion;
    let square = 1.0 - (b * b + c * c + d * d);
    // A slightly long vector is rounding in f32; a longer one is not a rotation.
    if !square.is_finite() || square < -1e-5 {
        return None;
    }
    let a = square.max(0.0).sqrt();
    let sign = if header.pixdim[0] < 0.0 { -1.0 } else { 1.0 };
    let steps = [header.pixdim[1].abs(), header.pixdim[2].abs(), header.pixdim[3].abs() * sign];
    let rotation = [
        [a * a + b * b - c * c - d * d, 2.0 * (b * c + a * d), 2.0 * (b * d - a * c)],
        [2.0 * (b * c - a * d), a * a + c * c - b * b - d * d, 2.0 * (c * d + a * b)],
        [2.0 * (b * d + a * c), 2.0 * (c * d - a * b), a * a + d * d - b * b - c * c],
    ];
    let columns = std::array::from_fn(|axis| rotation[axis].map(|value| value * steps[axis]));
    Some(Affine::from_columns(columns, header.offset))
}

/// The header of NIfTI-2, which the `nifti` crate does not read. Field offsets are those of nifti2.h.
pub(crate) fn version_two(bytes: &[u8], endianness: Endianness) -> Header {
    let little = matches!(endianness, Endianness::Little);
    let take = |at: usize| -> [u8; 8] { std::array::from_fn(|index| bytes[at + index]) };
    let int8 =
        |at| if little { i64::from_le_bytes(take(at)) } else { i64::from_be_bytes(take(at)) };
    let float =
        |at| if little { f64::from_le_bytes(take(at)) } else { f64::from_be_bytes(take(at)) };
    let int4 = |at: usize| {
        let four = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        if little { i32::from_le_bytes(four) } else { i32::from_be_bytes(four) }
    };
    let two = [bytes[12], bytes[13]];
    Header {
        endianness,
        dim: std::array::from_fn(|index| int8(16 + 8 * index)),
        datatype: if little { i16::from_le_bytes(two) } else { i16::from_be_bytes(two) },
        intent: int4(504),
        pixdim: std::array::from_fn(|index| float(104 + 8 * index)),
        vox_offset: int8(168).max(0) as u64,
        scl_slope: float(176),
        scl_inter: float(184),
        xyzt_units: int4(500) as u8,
        qform_code: int4(344),
        sform_code: int4(348),
        quaternion: std::array::from_fn(|index| float(352 + 8 * index)),
        offset: std::array::from_fn(|index| float(376 + 8 * index)),
        srow: std::array::from_fn(|row| {
            std::array::from_fn(|column| float(400 + 32 * row + 8 * column))
        }),
        length: 540,
        is_pair: bytes[4..].starts_with(b"ni2"),
    }
}
