//! Ways in which one series can be written, well and badly.

use std::io::Write;

use dicom::core::value::PixelFragmentSequence;
use dicom::encoding::TransferSyntaxIndex;
use dicom::transfer_syntax::TransferSyntaxRegistry;
use schemas::manifest::Remedy;

use super::*;

#[test]
fn every_way_of_writing_one_series_gives_one_volume() {
    let folder = folder();
    let slices: Vec<Slice> = [0.0, 3.0, 6.0].map(Slice::at).to_vec();
    let expected = take(&write_all(folder.path(), &slices)).expect("is read").volume;

    for (name, syntax) in [
        ("implicit", "1.2.840.10008.1.2"),
        ("big", "1.2.840.10008.1.2.2"),
        ("deflated", "1.2.840.10008.1.2.1.99"),
    ] {
        let files: Vec<PathBuf> = slices
            .iter()
            .enumerate()
            .map(|(index, slice)| {
                let path = folder.path().join(format!("{name}{index}"));
                slice.write(&path, syntax);
                path
            })
            .collect();
        assert_eq!(take(&files).expect(name).volume, expected, "{name}");
    }

    // The bare data set: no preamble, no meta group.
    for (name, syntax) in [("bare", "1.2.840.10008.1.2"), ("bare-explicit", EXPLICIT_LITTLE)] {
        let syntax = TransferSyntaxRegistry.get(syntax).expect("is known");
        let files: Vec<PathBuf> = slices
            .iter()
            .enumerate()
            .map(|(index, slice)| {
                let path = folder.path().join(format!("{name}{index}"));
                let file = fs::File::create(&path).expect("a file");
                slice.object().write_dataset_with_ts(file, syntax).expect("is written");
                path
            })
            .collect();
        assert_eq!(take(&files).expect(name).volume, expected, "{name}");
    }

    // Inside an archive.
    let archive = folder.path().join("series.zip");
    let mut writer = zip::ZipWriter::new(fs::File::create(&archive).expect("a file"));
    for index in 0..3 {
        let options = zip::write::SimpleFileOptions::default();
        writer.start_file(format!("a/{index}"), options).expect("starts");
        let bytes = fs::read(folder.path().join(format!("{index:03}"))).expect("is there");
        writer.write_all(&bytes).expect("writes");
    }
    writer.finish().expect("finishes");
    let entries = crate::ingest::archive::list_archive(&archive).expect("lists").entries;
    assert_eq!(take(&entries).expect("archive").volume, expected);
}

#[test]
fn values_under_vr_un_are_decimals_all_the_same() {
    let folder = folder();
    let files = three(folder.path(), EXPLICIT_LITTLE, |mut slice| {
        (slice.slope, slice.intercept) = (None, None);
        let mut object = slice.object();
        for (tag, value) in [(tags::RESCALE_SLOPE, "1 "), (tags::RESCALE_INTERCEPT, "-1024 ")] {
            let bytes = PrimitiveValue::U8(value.bytes().collect());
            put(&mut object, tag, VR::UN, bytes);
        }
        object
    });
    let found = units(&take(&files).expect("is read"));
    assert_eq!(found[..2], [-1024.0, -1017.0]);
}

/// A JPEG 2000 stream of 32 × 32 values of 12 bits, `100 * row + 7 * column`, by `OpenJPEG`; the signed
/// one holds them less 2048. The two differ in the sign bit of their size marker alone.
fn jpeg_2000(signed: bool) -> Vec<u8> {
    let text = "ff4fff5100290000000000200000002000000000000000000000002000000020000000000000000000010b0101\
        ff52000c00000001000504040001ff5c00134060686870686870686870686870686870ff640025000143726561746564\
        206279204f70656e4a5045472076657273696f6e20322e352e32ff90000a0000000000690001ff93cfe40c073f7fc0fc\
        0063f90200040005c07da050fd81400d030b37fe7defc03ea0383f3060221a15037e618b7f1bc01f38481f805036a199\
        cf3da62ed65ad4b168ab8fc007c22c07da185fa7c733df9dac295d4bd8ad00c15a871fffd9";
    let mut bytes = hexadecimal(text);
    if signed {
        bytes[42] |= 0x80;
    }
    bytes
}

fn hexadecimal(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).expect("is hexadecimal"))
        .collect()
}

/// Three slices of 32 × 32 pixels of 12 bits, each with this code stream.
fn coded(folder: &Path, stream: &[u8], signed: bool, syntax: &str) -> Vec<PathBuf> {
    three(folder, syntax, |slice| {
        let mut object = Slice { signed, stored: 12, ..slice }.object();
        put(&mut object, tags::ROWS, VR::US, PrimitiveValue::from(32_u16));
        put(&mut object, tags::COLUMNS, VR::US, PrimitiveValue::from(32_u16));
        let fragments = PixelFragmentSequence::new_fragments(vec![stream.to_vec()]);
        object.put(DataElement::new(tags::PIXEL_DATA, VR::OB, fragments));
        object
    })
}

#[test]
fn the_file_s_sign_holds_whatever_a_jpeg_2000_stream_says() {
    let folder = folder();
    for stream_signed in [false, true] {
        for signed in [false, true] {
            let stream = jpeg_2000(stream_signed);
            let files = coded(folder.path(), &stream, signed, "1.2.840.10008.1.2.4.90");
            let found = units(&take(&files).expect("is read"));
            // pydicom 3 gives the same four arrays.
            for (index, value) in found[..32 * 32].iter().enumerate() {
                let coded = (index / 32 * 100 + index % 32 * 7) as i32;
                let stored = if stream_signed { coded - 2048 } else { coded } & 0xfff;
                let stored = if signed && stored >= 2048 { stored - 4096 } else { stored };
                assert!((value - (stored as f32 - 1024.0)).abs() < 1e-6, "{index}: {value}");
            }
        }
    }
}

/// JPEG-LS streams of the values `100 * row + 7 * column` by `CharLS`, lossless and with a tolerance of 3.
const JPEG_LS: [(&str, f32); 2] = [
    (
        "ffd8fff7000b0c0020002001011100ffda0008010100000000a6cd97365d33cb59cd974cf2d6739ce7399999\
        999912274caa89a94a4a529555544444444449249c244924924924924924aaaaa631aaaaaaaaaaabfea627ff\
        7fff7d0c2fff7fff79981fff7fff745f7fff7fff5179ff7fff7f45d7ff7fff7c971fff7fff725b7fff7fff49\
        69ff7fff7f2597ff7fff7d2c3fff7fff695dff7fff7f4acfff7fff7a557fff7fff42a3ff7fff7e14dfff7fff\
        70a4ff7fff7f8517ff7fff7c283fff7fff613dff7fff7f09cfff7fff784d7fff7fff4263ff7fff7e25bfff7f\
        ff6253ff7fff7e24bfff7fff6243ff7fff7e23bfff7fff60ffd9",
        0.0,
    ),
    (
        "ffd8fff7000b0c0020002001011100ffda0008010100030000a319b18b6cb8ccb67575dee4ab494b454aaaab\
        9ff8f737ff7fff5736ff7fff7ce5bfff7ffeb93fff7ffd49cfff7fff79cfff7fff79afff7fff7b9fff7fff76\
        bfff7fff6d7fff7fff5aff7fff7fb5ff7fff7f6bff7fff7ec7ff7fff7dafff7fff7b1fff7fff763fff7fff6c\
        7fff7fff58ff7fff7fb1ff7fff7f5bff7fff7ec7ff7fff7d6fff7fff7adfff7fff75bfff7fff6b7fff7fff56\
        ff7fff7fa9ff7fff7f5bff7fff7ea7ff7fff7cffd9",
        3.0,
    ),
];

#[test]
fn jpeg_ls_streams_give_the_values_they_were_made_of() {
    let folder = folder();
    for (text, tolerance) in JPEG_LS {
        let stream = hexadecimal(text);
        for syntax in ["1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"] {
            let found =
                units(&take(&coded(folder.path(), &stream, false, syntax)).expect("is read"));
            for (index, value) in found[..32 * 32].iter().enumerate() {
                let stored = (index / 32 * 100 + index % 32 * 7) as f32;
                assert!((value + 1024.0 - stored).abs() <= tolerance, "{index}: {value}");
            }
        }
    }
    let cut = hexadecimal(&JPEG_LS[0].0[..200]);
    let files = coded(folder.path(), &cut, false, "1.2.840.10008.1.2.4.80");
    assert_eq!(take(&files).expect_err("is cut").reason, Reason::VolumeCorrupt);
}

fn cut(path: &Path, bytes: &[u8]) {
    let mut file = fs::File::create(path).expect("a file");
    file.write_all(bytes).expect("is cut");
}

#[test]
fn a_cut_file_is_refused_and_no_prefix_panics() {
    let folder = folder();
    let slices: Vec<Slice> = [0.0, 3.0, 6.0].map(Slice::at).to_vec();
    let files = write_all(folder.path(), &slices);
    let whole = fs::read(&files[1]).expect("is there");
    cut(&files[1], &whole[..whole.len() - 1]);
    assert_eq!(take(&files).expect_err("is cut").reason, Reason::VolumeTruncated);
    for end in (0..whole.len()).step_by(3) {
        cut(&files[1], &whole[..end]);
        assert!(take(&files).is_err(), "{end} of {} bytes", whole.len());
    }
}

#[test]
fn a_tilted_series_is_mended_where_the_policy_says_so() {
    let folder = folder();
    let slices: Vec<Slice> = (0..6)
        .map(|index| {
            let z = f64::from(index) * 2.0;
            let mut slice = Slice::at(z);
            slice.position = [-10.0, -20.0 + 0.4 * z, z];
            // Brightness is the world's y coordinate in tenths of a mm, so it must stay one.
            slice.words = (0..ROWS * COLUMNS)
                .map(|voxel| (slice.position[1] + 0.8 * (voxel / COLUMNS) as f64) * 10.0 + 1024.0)
                .map(|value| value.round() as u16)
                .collect();
            slice
        })
        .collect();
    let files = write_all(folder.path(), &slices);
    assert_eq!(take(&files).expect_err("is tilted").reason, Reason::Tilted);
    let policy = GeometryPolicy { tilt: Remedy::Repair, ..GeometryPolicy::default() };
    let image = read(&files, None, policy, LIMIT).expect("is mended");
    assert_eq!(image.facts.geometry.verdict, GeometryVerdict::Tilted);
    assert_eq!(image.facts.geometry.repaired.len(), 1);
    let [width, height, depth] = image.volume.dims;
    // Five steps of 0.8 mm shift by 4 mm, which is five rows.
    assert_eq!((width, height, depth), (COLUMNS, ROWS + 5, 6));
    let units = units(&image);
    for (index, value) in units.iter().enumerate() {
        let (y, z) = (index / width % height, index / (width * height));
        let world = image.volume.affine.apply([0.0, y as f64, z as f64]);
        // World y is minus DICOM's.
        let expected = -world[1] * 10.0;
        assert!(
            (f64::from(*value) - expected).abs() < 1.0 || (f64::from(*value) + 1000.0).abs() < 1e-6,
            "row {y} of slice {z}: {value} against {expected}"
        );
    }
    let air = units.iter().filter(|value| (**value + 1000.0).abs() < 1e-6).count();
    assert_eq!(air, COLUMNS * 5 * 6);
}
