//! What the values and the texts of a series are.

use super::*;

#[test]
fn decimals_with_the_liberties_of_real_files_are_read_or_refused_never_guessed() {
    for intercept in ["-1024,0", "-1024\r\n", "\u{a0}-1024\u{a0}", "-1024 HU"] {
        assert_right(&edited(|slice, _| slice.text(0x0028_1052, *b"DS", intercept)));
    }
    assert_right(&edited(|slice, z| {
        slice.text(
            0x0020_0032,
            *b"DS",
            &format!("-10\\-20\\{}", z as f64 * STEP).replace('.', ","),
        );
    }));
    for (intercept, word) in [("", "blank"), ("-1.024,0", "not a number"), ("none", "not a number")]
    {
        let slices = edited(|slice, _| slice.text(0x0028_1052, *b"DS", intercept));
        Corpus::of(&slices).curate().out("ambiguous_intensity", word);
    }
    let half = edited(|slice, z| {
        if z % 2 == 1 {
            slice.remove(0x0028_1052);
        }
    });
    Corpus::of(&half).curate().out("ambiguous_intensity", "RescaleIntercept stands in");
}

#[test]
fn what_is_no_ct_never_enters_as_hounsfield_units() {
    type Change<'a> = &'a dyn Fn(&mut Instance);
    let kinds: [(&str, Change<'_>); 5] = [
        ("a segmentation", &|slice| {
            slice.text(0x0008_0016, *b"UI", "1.2.840.10008.5.1.4.1.1.66.4");
        }),
        ("a secondary capture", &|slice| {
            slice.text(0x0008_0016, *b"UI", "1.2.840.10008.5.1.4.1.1.7");
        }),
        ("unit of its values is MGML", &|slice| slice.text(0x0028_1054, *b"LO", "MGML")),
        ("unit of its values is not named", &|slice| slice.text(0x0008_0060, *b"CS", "MR")),
        ("windowed picture", &|slice| {
            for (tag, value) in [(0x0028_0100, 8_u16), (0x0028_0101, 8), (0x0028_0102, 7)] {
                slice.set(tag, *b"US", value.to_le_bytes().to_vec());
            }
            slice.remove(0x0028_1052);
            slice.remove(0x0028_1053);
        }),
    ];
    for (word, change) in kinds {
        let found = Corpus::of(&edited(|slice, _| change(slice))).curate_as("dicom-tree", "mg3d");
        assert!(found.volumes.is_empty(), "{word}: {found:?}");
        assert!(
            found.excluded.iter().any(|row| row.source == "a" && row.detail.contains(word)),
            "{word}: {found:?}"
        );
    }
    // Without a window the values are kept as they are, and the unit is named.
    let pet = edited(|slice, _| {
        slice.text(0x0008_0060, *b"CS", "PT");
        slice.text(0x0054_1001, *b"CS", "BQML");
        slice.text(0x0028_1053, *b"DS", "40");
    });
    let found = Corpus::of(&pet).curate();
    found.warned("BQML");
    found.warned("16 bits");
    let corpus = Corpus::of(&pet).with("modality = [\"CT\"]");
    corpus.curate().out("series_not_chosen", "asks for CT");
}

#[test]
fn values_above_the_stored_bits_are_kept_and_an_overlay_is_not() {
    let twelve = |slice: &mut Instance| {
        slice.set(0x0028_0101, *b"US", 12_u16.to_le_bytes().to_vec());
        slice.set(0x0028_0102, *b"US", 11_u16.to_le_bytes().to_vec());
    };
    let metal = edited(|slice, z| {
        twelve(slice);
        let mut words: Vec<u16> = hounsfield(z, 0).iter().map(|hu| (hu + 1024) as u16).collect();
        words[27] = 6024;
        slice.stored(&words);
    });
    let corpus = Corpus::of(&metal);
    corpus.curate().warned("BitsStored 12");
    assert_eq!(read(&corpus.root().join("a")).expect("is read")[27], 5000.0);
    assert_right(&edited(|slice, z| {
        twelve(slice);
        slice.set(0x6000_0102, *b"US", 15_u16.to_le_bytes().to_vec());
        let words = hounsfield(z, 0).into_iter().map(|hu| (hu + 1024) as u16 | 0x8000);
        slice.stored(&words.collect::<Vec<_>>());
    }));
}

#[test]
fn names_in_other_letters_stay_apart_and_are_found_in_reports() {
    let of = |patient: &[u8], series: &str| -> Vec<Instance> {
        (0..4)
            .map(|z| {
                let mut slice = Instance::slice("P1", series, z, 0);
                slice.text(0x0008_0005, *b"CS", "ISO_IR 100");
                slice.set(0x0010_0020, *b"LO", patient.to_vec());
                slice.text(0x0020_000d, *b"UI", &format!("1.3.{series}"));
                slice.set(0x0010_0010, *b"PN", b"M\xfc\xdfigbrod^J\xf6rg".to_vec());
                slice
            })
            .collect()
    };
    let corpus = Corpus::of(&of(b"M\xdcLLER01", "21"));
    corpus.put("b", &of(b"M\xd6LLER01", "22"));
    corpus.file(
        "reports.csv",
        "StudyInstanceUID,findings,impression\n1.3.21,Jörg Müßigbrod was scanned.,No nodule.\n"
            .as_bytes(),
    );
    let columns = "reports = [\"reports.csv\"]\n[corpus.columns]\nvolume = \"StudyInstanceUID\"\nfindings = \"findings\"\nimpression = \"impression\"";
    let corpus = corpus.with(columns);
    let found = corpus.curate();
    let mut patients: Vec<&str> =
        found.volumes.iter().map(|volume| volume.patient.as_str()).collect();
    patients.sort_unstable();
    assert_eq!(patients, ["MÖLLER01", "MÜLLER01"]);
    let release = corpus.workspace.path("out/release");
    let kinds =
        TableReader::open(&release, "identifiers").expect("opens").texts("kind").expect("is there");
    assert!(kinds.iter().any(|kind| kind == "own"), "{kinds:?}");
}
