//! Files: archives, strangers, names, and the tables and trees that name them.

use super::*;

#[test]
fn archives_packed_files_and_strangers_are_read_or_listed() {
    let files: Vec<(String, Vec<u8>)> = series()
        .iter()
        .enumerate()
        .map(|(z, slice)| (format!("{z:03}.dcm"), slice.bytes()))
        .collect();
    let zip = |files: &[(String, Vec<u8>)]| {
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            archive
                .start_file(name.as_str(), zip::write::SimpleFileOptions::default())
                .expect("begins");
            archive.write_all(bytes).expect("writes");
        }
        archive.finish().expect("ends").into_inner()
    };
    let nested = zip(&[("inner.zip".into(), zip(&files))]);
    let mut tar = Vec::new();
    for (name, bytes) in &files {
        let mut head = [0_u8; 512];
        head[..name.len()].copy_from_slice(name.as_bytes());
        head[100..107].copy_from_slice(b"0000644");
        head[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
        head[156] = b'0';
        head[257..263].copy_from_slice(b"ustar\0");
        head[148..156].fill(b' ');
        let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
        head[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        tar.extend(head);
        tar.extend(bytes);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1024, 0);
    for (name, bytes) in [("a.zip", &nested), ("a.ZIP", &zip(&files)), ("a.tar", &tar)] {
        let corpus = Corpus::new();
        corpus.file(name, bytes);
        assert_eq!(corpus.curate().one().shape, [8, 8, 10], "{name}");
        let root = corpus.root();
        let inspected = run(&["inspect", text(&root.join(name)), "--json"]);
        assert_eq!(json(&inspected)["verdict"], "regular", "{name}");
    }
    let corpus = Corpus::of(&series());
    let whole = zip(&files);
    corpus.file("cut.zip", &whole[..whole.len() - 300]);
    corpus.file("picture.png", b"\x89PNG\r\n\x1a\n");
    corpus.file("unknown.bin", &[1, 2, 3, 255]);
    corpus.file("volume.nii.gz", b"version https://git-lfs.github.com/spec/v1\n");
    let found = corpus.curate();
    assert_eq!(found.one().shape, [8, 8, 10]);
    for (source, word) in [
        ("cut.zip", "archive"),
        ("picture.png", "PNG"),
        ("unknown.bin", "no known kind"),
        ("volume.nii.gz", "layout"),
    ] {
        let row = found.excluded.iter().find(|row| row.source == source);
        assert!(row.is_some_and(|row| row.detail.contains(word)), "{source}: {:?}", found.excluded);
    }
    let corpus = Corpus::of(&series()).with("ignore = [\"cut.zip\", \"odd/*\"]");
    corpus.file("cut.zip", &whole[..400]);
    corpus.file("odd/x.bin", &[1, 2]);
    let found = corpus.curate();
    assert_eq!(found.summary["files"]["ignored"]["cut.zip"], 1);
    assert_eq!(found.summary["files"]["ignored"]["odd/*"], 1);
}

#[cfg(unix)]
#[test]
fn pipes_links_and_names_that_are_no_text_are_listed_and_never_waited_for() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let corpus = Corpus::new();
    let folder = corpus.root().join(OsStr::from_bytes(b"Sch\xe4del"));
    std::fs::create_dir_all(&folder).expect("makes");
    for (z, slice) in series().iter().enumerate() {
        write(&folder.join(format!("{z}.dcm")), &slice.bytes());
    }
    let made = std::process::Command::new("mkfifo").arg(folder.join("10.dcm")).status();
    assert!(made.expect("runs").success());
    std::os::unix::fs::symlink("nowhere", corpus.root().join("link")).expect("links");
    let found = corpus.curate();
    assert_eq!(found.one().source, "Sch\\xE4del");
    found.row("volume_unsupported", "a named pipe");
    found.row("volume_unsupported", "leads nowhere");
    assert_eq!(
        json(&run(&["inspect", text(&corpus.root().join("good")), "--json"]))["verdict"],
        "regular"
    );
}

#[test]
fn headers_that_claim_too_much_cost_nothing() {
    let mut slice = Instance::slice("P1", "7", 0, 0);
    slice.text(0x0028_0008, *b"IS", "2147483647");
    let corpus = Corpus::of(&series());
    corpus.file("claims/1.dcm", &slice.bytes());
    let inspected = json(&run(&["inspect", text(&corpus.root().join("claims/1.dcm")), "--json"]));
    assert_eq!(inspected["verdict"], "truncated", "{inspected}");
}

#[test]
fn what_a_run_writes_is_no_part_of_its_corpus() {
    let corpus = Corpus::of(&series());
    // The corpus is all of the folder in which the manifest and the output lie.
    let summaries: Vec<Value> = (0..2)
        .map(|_| {
            let manifest = corpus.workspace.path("here.toml");
            let content = "version = 1\nname = \"odd\"\n[corpus]\nlayout = \"dicom-tree\"\nroot = \".\"\n[report]\n\
                           keep_without_report = true\n[[view]]\nname = \"v\"\npreset = \"native\"\n[release]\nout = \"out\"\n";
            write(&manifest, content.as_bytes());
            json(&run(&["curate", text(&manifest), "--json", "--threads", "1"]))
        })
        .collect();
    assert_eq!(summaries[0]["files"], summaries[1]["files"]);
    assert_eq!(summaries[0]["release_id"], summaries[1]["release_id"]);
}

#[test]
fn the_docs_list_every_name_that_is_ignored() {
    let docs =
        std::fs::read_to_string(crate::support::repository("docs/inputs.md")).expect("reads");
    for pattern in pipeline::ingest::IGNORED {
        assert!(docs.contains(&format!("`{pattern}`")), "{pattern}");
    }
}

#[test]
fn a_bids_tree_gives_subjects_sessions_and_modalities() {
    let corpus = Corpus::new();
    let affine =
        Affine::from_columns([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 2.0]], [0.0; 3]);
    let bytes: Vec<u8> = (0..8 * 8 * 10).flat_map(|at: i16| (at * 3).to_le_bytes()).collect();
    for name in [
        "sub-01/ses-a/anat/sub-01_ses-a_T1w.nii.gz",
        "sub-02/anat/sub-02_ct.nii.gz",
        "derivatives/masks/sub-01/anat/sub-01_mask.nii.gz",
        "sub-02/anat/scan.nii.gz",
    ] {
        let path = corpus.root().join(name);
        std::fs::create_dir_all(path.parent().expect("is in a folder")).expect("makes folders");
        nifti::write(&path, &bytes, 4, [8, 8, 10, 1], affine).expect("writes");
    }
    corpus.file("sub-01/ses-a/anat/sub-01_ses-a_T1w.json", b"{\"Modality\": \"MR\"}");
    corpus.file("dataset_description.json", b"{}");
    let corpus = corpus.with("intensity = \"hounsfield\"");
    let found = corpus.curate_as("bids", "native");
    let mut patients: Vec<(&str, bool)> = found
        .volumes
        .iter()
        .map(|volume| {
            (
                volume.patient.as_str(),
                volume.warnings.iter().any(|text| text.contains("not Hounsfield")),
            )
        })
        .collect();
    patients.sort_unstable();
    assert_eq!(patients, [("sub-01", true), ("sub-02", false)]);
    found.row("unknown_name", "derivatives");
    found.row("unknown_name", "`scan` is not");
    let found =
        corpus.with("intensity = \"hounsfield\"\nmodality = [\"CT\"]").curate_as("bids", "native");
    found.row("series_not_chosen", "asks for CT");
    assert_eq!(found.one().patient, "sub-02");
}

#[test]
fn tables_name_files_and_what_they_miss_is_listed() {
    let corpus = Corpus::of(&series());
    corpus.put("b", &(0..4).map(|z| Instance::slice("P2", "8", z, 9)).collect::<Vec<_>>());
    corpus.file(
        "rows.csv",
        b"path,series,study,patient,split\na,s1,e1,p1,train\ngood,s2,e2,companion,train\nnone,s3,e3,p3,train\na,s1,e1,p1,train\n",
    );
    let found = corpus.with("rows = [\"rows.csv\"]").curate_as("table", "native");
    assert_eq!((found.one().patient.as_str(), found.one().shape), ("p1", [8, 8, 10]));
    found.row("unknown_name", "row 3 of `rows.csv`");
    found.row("unknown_name", "no row of");
    assert_eq!(found.excluded.iter().filter(|row| row.source.starts_with("b/")).count(), 4);
}

#[test]
fn a_csv_with_an_open_quotation_mark_or_a_ragged_row_is_refused_with_its_line() {
    for (content, word) in [
        (
            "StudyInstanceUID,findings,impression\n1.3.2,\"No nodule.,Clear.\n1.3.9,Clear.,Clear.\n",
            "line 2",
        ),
        ("StudyInstanceUID,findings,impression\n1.3.2,No nodule.\n", "line 2"),
    ] {
        let corpus = Corpus::of(&series());
        corpus.file("reports.csv", content.as_bytes());
        let manifest = corpus.workspace.path("manifest.toml");
        let toml = "version = 1\nname = \"odd\"\n[corpus]\nlayout = \"dicom-tree\"\nroot = \"corpus\"\nreports = [\"reports.csv\"]\n\
                    [corpus.columns]\nvolume = \"StudyInstanceUID\"\nfindings = \"findings\"\nimpression = \"impression\"\n\
                    [[view]]\nname = \"v\"\npreset = \"native\"\n[release]\nout = \"out\"\n";
        write(&manifest, toml.as_bytes());
        let finished = run(&["curate", text(&manifest)]);
        assert_eq!(finished.code, Some(2), "{}", finished.stderr);
        assert!(finished.stderr.contains(word), "{}", finished.stderr);
    }
}
