//! Files as they should not be, and what becomes of them.

use std::io::{Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use gzip::Members;
use proptest::prelude::*;
use schemas::reason::Reason;

use super::{read, read_slabs, write};
use crate::volume::{Affine, Voxels};

const LIMIT: u64 = 1 << 24;

fn sample() -> (Vec<u8>, Affine) {
    let bytes = (0..4 * 3 * 2).flat_map(|value: i16| (value * 50 - 1000).to_le_bytes()).collect();
    let affine = Affine::from_columns(
        [[-0.5, 0.0, 0.0], [0.0, -0.75, 0.0], [0.0, 0.0, 2.0]],
        [10.0, 20.0, -5.0],
    );
    (bytes, affine)
}

fn written() -> (tempfile::TempDir, std::path::PathBuf, Vec<u8>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("image.nii.gz");
    let (bytes, affine) = sample();
    write(&path, &bytes, 4, [4, 3, 2, 1], affine).expect("writes");
    let content = std::fs::read(&path).expect("reads");
    (folder, path, content)
}

fn put(path: &Path, content: &[u8]) {
    std::fs::File::create(path).and_then(|mut file| file.write_all(content)).expect("writes");
}

#[test]
fn what_is_written_is_read_back() {
    let (_folder, path, _) = written();
    let image = read(&path, LIMIT, false).expect("reads");
    assert_eq!(image.dims, [4, 3, 2]);
    assert_eq!(image.affine, sample().1);
    assert!(matches!(&image.voxels, Voxels::I16(values) if values[..2] == [-1000, -950]));
    assert!(image.facts.oriented && image.facts.integers);
    assert!(image.warnings.is_empty(), "{:?}", image.warnings);
}

#[test]
fn every_truncation_is_an_error_and_never_a_volume() {
    let (_folder, path, content) = written();
    for length in 0..content.len() {
        put(&path, &content[..length]);
        let error = read(&path, LIMIT, false).expect_err("refused");
        assert!(
            matches!(
                error.reason,
                Reason::VolumeTruncated | Reason::VolumeUnsupported | Reason::VolumeCorrupt
            ),
            "{length}: {error:?}"
        );
    }
}

#[test]
fn a_bad_checksum_is_noticed() {
    let (_folder, path, mut content) = written();
    let at = content.len() - 6;
    content[at] ^= 1;
    put(&path, &content);
    assert_eq!(read(&path, LIMIT, false).expect_err("refused").reason, Reason::VolumeCorrupt);
}

#[test]
fn gzip_of_several_members_is_one_file_and_names_do_not_matter() {
    let (folder, _, content) = written();
    let mut plain = Vec::new();
    Members::new(&content[..]).read_to_end(&mut plain).expect("decodes");
    let member = |part: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(part).and_then(|()| encoder.finish()).expect("encodes")
    };
    let path = folder.path().join("named.nii");
    put(&path, &[member(&plain[..100]), member(&plain[100..])].concat());
    assert_eq!(read(&path, LIMIT, false).expect("reads").dims, [4, 3, 2]);
    put(&path, &plain);
    assert_eq!(read(&path, LIMIT, false).expect("reads").dims, [4, 3, 2]);
    put(&path, &[&content[..], b"rest"].concat());
    let image = read(&path, LIMIT, false).expect("reads");
    assert_eq!(image.warnings, ["bytes that are no gzip follow the stream"]);
}

#[test]
fn a_pair_is_read_from_either_half_and_a_lone_header_is_refused() {
    let (folder, _, content) = written();
    let mut plain = Vec::new();
    Members::new(&content[..]).read_to_end(&mut plain).expect("decodes");
    let (header, image) = (folder.path().join("scan.hdr"), folder.path().join("scan.img"));
    let mut start = plain[..348].to_vec();
    start[108..112].copy_from_slice(&0_f32.to_le_bytes());
    start[344..348].copy_from_slice(b"ni1\0");
    put(&header, &start);
    assert_eq!(read(&header, LIMIT, false).expect_err("refused").reason, Reason::VolumeTruncated);
    put(&image, &plain[352..]);
    let whole = read(&folder.path().join("image.nii.gz"), LIMIT, false).expect("reads");
    for half in [&header, &image] {
        assert_eq!(read(half, LIMIT, false).expect("reads").voxels, whole.voxels);
    }
}

#[test]
fn of_several_images_the_first_is_read_only_when_asked() {
    let (_folder, path, content) = written();
    let mut plain = Vec::new();
    Members::new(&content[..]).read_to_end(&mut plain).expect("decodes");
    let whole = read(&path, LIMIT, false).expect("reads");
    plain[40..50].copy_from_slice(&[4, 0, 4, 0, 3, 0, 2, 0, 2, 0]);
    plain.extend_from_within(352..);
    put(&path, &plain);
    assert_eq!(read(&path, LIMIT, false).expect_err("refused").reason, Reason::NotAVolume);
    let first = read(&path, LIMIT, true).expect("reads");
    assert_eq!(first.voxels, whole.voxels);
    assert_eq!(first.warnings, ["the first of 2 images is read"]);
}

#[test]
fn every_scalar_type_in_either_byte_order_gives_the_same_values() {
    let (_folder, path, content) = written();
    let mut plain = Vec::new();
    Members::new(&content[..]).read_to_end(&mut plain).expect("decodes");
    let expected: Vec<f32> = (0..24).map(|value| f32::from(value as i16 * 5)).collect();
    macro_rules! check {
        ($($code:literal $type:ty),*) => {$(
            for little in [true, false] {
                let mut file = plain[..352].to_vec();
                file[70..72].copy_from_slice(&i16::to_le_bytes($code));
                file[72..74].copy_from_slice(&(size_of::<$type>() as i16 * 8).to_le_bytes());
                if !little {
                    swap_header(&mut file);
                }
                for value in &expected {
                    let value = *value as $type;
                    file.extend(if little { value.to_le_bytes() } else { value.to_be_bytes() });
                }
                put(&path, &file);
                let found = match read(&path, LIMIT, false).expect("reads").voxels {
                    Voxels::I16(values) => values.into_iter().map(f32::from).collect(),
                    Voxels::F32(values) => values,
                };
                assert_eq!(found, expected, "{} little {little}", stringify!($type));
            }
        )*};
    }
    check!(2 u8, 256 i8, 4 i16, 512 u16, 8 i32, 768 u32, 1024 i64, 1280 u64, 16 f32, 64 f64);
}

/// Turns round the header's numbers that the reader uses.
fn swap_header(header: &mut [u8]) {
    let mut swap = |at: usize, width: usize, count: usize| {
        for index in 0..count {
            header[at + index * width..at + (index + 1) * width].reverse();
        }
    };
    swap(0, 4, 1);
    swap(40, 2, 8);
    swap(70, 2, 2);
    swap(76, 4, 8);
    swap(108, 4, 3);
    swap(252, 2, 2);
    swap(256, 4, 18);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever bytes are turned, whatever is cut: a volume or a refusal, never a panic, and never
    /// more memory than the limit.
    #[test]
    fn damaged_files_are_refused_or_read_but_never_panic(
        changes in prop::collection::vec((0_usize..400, prop::num::u8::ANY), 0..12),
        keep in 0_usize..500,
        compressed in prop::bool::ANY,
        first_frame in prop::bool::ANY,
    ) {
        let (_folder, path, content) = written();
        let mut plain = Vec::new();
        Members::new(&content[..]).read_to_end(&mut plain).expect("decodes");
        let mut damaged = if compressed { content } else { plain };
        for (at, value) in changes {
            let at = at % damaged.len();
            damaged[at] = value;
        }
        damaged.truncate(keep.max(1));
        put(&path, &damaged);
        let whole = read(&path, LIMIT, first_frame);
        let mut count = 0;
        let slabs = read_slabs(&path, LIMIT, first_frame, 12, |slab| count += slab.len());
        match (whole, slabs) {
            (Ok(whole), Ok(slabs)) => {
                prop_assert_eq!(whole.voxels.len(), count);
                prop_assert_eq!(whole.facts, slabs.facts);
                prop_assert_eq!(whole.warnings, slabs.warnings);
            }
            (Err(whole), Err(slabs)) => prop_assert_eq!(whole.reason, slabs.reason),
            (whole, slabs) => prop_assert!(false, "{whole:?} {slabs:?}"),
        }
    }
}

#[test]
fn a_header_cannot_ask_for_more_than_the_limit() {
    let (_folder, path, _) = written();
    assert_eq!(read(&path, 10, false).expect_err("refused").reason, Reason::TooLarge);
}

#[test]
fn a_scale_that_is_not_a_number_is_no_scale() {
    let (_folder, path, content) = written();
    let mut plain = Vec::new();
    Members::new(&content[..]).read_to_end(&mut plain).expect("decodes");
    for slope in [f32::NAN, f32::INFINITY, 0.0] {
        plain[112..116].copy_from_slice(&slope.to_le_bytes());
        put(&path, &plain);
        assert_eq!(read(&path, LIMIT, false).expect("reads").facts.scaling, None);
    }
}

#[test]
#[expect(clippy::float_cmp, reason = "a half turn has no rounding")]
fn a_quaternion_gives_the_affine_of_the_standard() {
    // A half turn about z: x and y point backwards. nibabel gives the same affine.
    let (_folder, path, content) = written();
    let mut plain = Vec::new();
    Members::new(&content[..]).read_to_end(&mut plain).expect("decodes");
    plain[254..256].copy_from_slice(&0_i16.to_le_bytes());
    plain[252..254].copy_from_slice(&1_i16.to_le_bytes());
    plain[264..268].copy_from_slice(&1.0_f32.to_le_bytes());
    put(&path, &plain);
    let affine = read(&path, LIMIT, false).expect("reads").affine;
    assert_eq!(affine.column(0), [-0.5, 0.0, 0.0]);
    assert_eq!(affine.column(1), [0.0, -0.75, 0.0]);
    assert_eq!(affine.column(2), [0.0, 0.0, 2.0]);
}

/// The world of NRRD and `MetaImage` is LPS; axes here are y, -x and z of it, with steps of 0.7, 0.8 and 2.5 mm.
const DIRECTIONS: [[f64; 3]; 3] = [[0.0, 0.7, 0.0], [-0.8, 0.0, 0.0], [0.0, 0.0, 2.5]];

#[test]
fn images_with_headers_in_text_are_read_from_one_file_or_two() {
    let folder = tempfile::tempdir().expect("a folder");
    let values: Vec<i16> = (0..4 * 3 * 2).map(|at| at * 100 - 1000).collect();
    let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let big: Vec<u8> = values.iter().flat_map(|value| value.to_be_bytes()).collect();
    let packed = |zlib: bool| {
        let mut bytes = Vec::new();
        if zlib {
            flate2::read::ZlibEncoder::new(&raw[..], flate2::Compression::default())
                .read_to_end(&mut bytes)
        } else {
            flate2::read::GzEncoder::new(&raw[..], flate2::Compression::default())
                .read_to_end(&mut bytes)
        }
        .expect("packs");
        bytes
    };
    let nrrd = |fields: &str| {
        format!(
            "NRRD0004\n# a comment\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 4 3 2\n\
             space directions: (0,0.7,0) (-0.8,0,0) (0,0,2.5)\nkinds: domain domain domain\nendian: {fields}\n\
             space origin: (10,20,30)\n"
        )
    };
    let meta = |fields: &str| {
        format!(
            "ObjectType = Image\nNDims = 3\nDimSize = 4 3 2\nTransformMatrix = 0 1 0 -1 0 0 0 0 1\nOffset = 10 20 30\n\
             ElementSpacing = 0.7 0.8 2.5\nElementType = MET_SHORT\n{fields}"
        )
    };
    let with = |head: String, data: &[u8]| [head.as_bytes(), data].concat();
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::File::create(&path).and_then(|mut file| file.write_all(bytes)).expect("writes");
        path
    };
    put("voxels.raw", &raw);
    let files = [
        put("raw.nrrd", &with(nrrd("little\nencoding: raw") + "\n", &raw)),
        put("big.nrrd", &with(nrrd("big\nencoding: raw") + "\n", &big)),
        put("packed.nrrd", &with(nrrd("little\nencoding: gzip") + "\n", &packed(false))),
        put("two.nhdr", nrrd("little\nencoding: raw\ndata file: voxels.raw").as_bytes()),
        put("one.mha", &with(meta("ElementDataFile = LOCAL\n"), &raw)),
        put(
            "big.mha",
            &with(meta("BinaryDataByteOrderMSB = True\nElementDataFile = LOCAL\n"), &big),
        ),
        put(
            "packed.mha",
            &with(meta("CompressedData = True\nElementDataFile = LOCAL\n"), &packed(true)),
        ),
        put("two.mhd", meta("ElementDataFile = voxels.raw\n").as_bytes()),
    ];
    let columns = DIRECTIONS.map(|[x, y, z]| [-x, -y, z]);
    let affine = Affine::from_columns(columns, [-10.0, -20.0, 30.0]);
    for path in files {
        let image =
            read(&path, LIMIT, false).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!((image.dims, image.affine), ([4, 3, 2], affine), "{}", path.display());
        assert_eq!(image.voxels, Voxels::I16(values.clone()), "{}", path.display());
    }
    for (name, head, word) in [
        ("a.nrrd", nrrd("little\nencoding: ascii") + "\n", "`encoding` is `ascii`"),
        (
            "b.nrrd",
            nrrd("little\nencoding: raw\ndata file: ../voxels.raw") + "\n",
            "no file in the header's folder",
        ),
        ("c.nrrd", nrrd("little\nencoding: raw\nSegment0_ID:=lung") + "\n", "a segmentation"),
        ("d.mha", meta("ElementNumberOfChannels = 3\nElementDataFile = LOCAL\n"), "not one number"),
        ("e.mha", meta("BinaryData = True\n"), "`ElementDataFile` is missing"),
    ] {
        let error = read(&put(name, head.as_bytes()), LIMIT, false).expect_err(name).to_string();
        assert!(error.contains(word), "{name}: {error}");
    }
    let short = put("short.mha", &with(meta("ElementDataFile = LOCAL\n"), &raw[..40]));
    assert_eq!(read(&short, LIMIT, false).expect_err("is cut").reason, Reason::VolumeTruncated);
}
