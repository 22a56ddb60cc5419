//! Files as they should not be, and what becomes of them.

use std::io::{Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use schemas::reason::Reason;

use super::super::gzip::Members;
use super::{read, write};
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
    write(&path, &bytes, 4, [4, 3, 2], affine).expect("writes");
    let content = std::fs::read(&path).expect("reads");
    (folder, path, content)
}

fn put(path: &Path, content: &[u8]) {
    std::fs::File::create(path).and_then(|mut file| file.write_all(content)).expect("writes");
}

#[test]
fn what_is_written_is_read_back() {
    let (_folder, path, _) = written();
    let image = read(&path, LIMIT).expect("reads");
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
        let error = read(&path, LIMIT).expect_err("refused");
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
    assert_eq!(read(&path, LIMIT).expect_err("refused").reason, Reason::VolumeCorrupt);
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
    assert_eq!(read(&path, LIMIT).expect("reads").dims, [4, 3, 2]);
    put(&path, &plain);
    assert_eq!(read(&path, LIMIT).expect("reads").dims, [4, 3, 2]);
    put(&path, &[&content[..], b"rest"].concat());
    let image = read(&path, LIMIT).expect("reads");
    assert_eq!(image.warnings, ["bytes that are no gzip follow the stream"]);
}

#[test]
fn a_header_cannot_ask_for_more_than_the_limit() {
    let (_folder, path, _) = written();
    assert_eq!(read(&path, 10).expect_err("refused").reason, Reason::TooLarge);
}

#[test]
fn a_scale_that_is_not_a_number_is_no_scale() {
    let (_folder, path, content) = written();
    let mut plain = Vec::new();
    Members::new(&content[..]).read_to_end(&mut plain).expect("decodes");
    for slope in [f32::NAN, f32::INFINITY, 0.0] {
        plain[112..116].copy_from_slice(&slope.to_le_bytes());
        put(&path, &plain);
        assert_eq!(read(&path, LIMIT).expect("reads").facts.scaling, None);
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
    let affine = read(&path, LIMIT).expect("reads").affine;
    assert_eq!(affine.column(0), [-0.5, 0.0, 0.0]);
    assert_eq!(affine.column(1), [0.0, -0.75, 0.0]);
    assert_eq!(affine.column(2), [0.0, 0.0, 2.0]);
}
