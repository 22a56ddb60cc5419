//! Shards of a sealed release are used again: the bytes are those of a release made from nothing.

use std::path::Path;

use crate::support::{
    Workspace, assert_same_tree, copy_tree, done, json, repository, text, tree, write,
};

/// What changes text and card of a release, and no voxel.
const EDIT: [&str; 4] =
    ["--set", "report.policies=[\"nih_14\"]", "--set", "release.title=Another title"];

fn curate(manifest: &Path, out: &Path, more: &[&str]) -> serde_json::Value {
    let mut arguments = vec!["curate", text(manifest), "--out", text(out), "--json"];
    arguments.extend(more);
    json(&done(&arguments))
}

#[test]
fn what_changes_no_voxel_takes_every_shard_and_keeps_the_earlier_release() {
    let workspace = Workspace::new();
    let manifest = workspace.plain_manifest();
    let (out, fresh) = (workspace.path("out"), workspace.path("fresh"));
    curate(&manifest, &out, &[]);
    let before = tree(&out.join("release"));
    let finished = curate(&manifest, &out, &EDIT);
    assert_eq!(finished["reused_units"], finished["units"]);
    assert_eq!(curate(&manifest, &fresh, &EDIT)["reused_units"], 0);
    assert_same_tree(&out.join("release"), &fresh.join("release"));

    let earlier = finished["replaced"].as_str().expect("a folder");
    assert_eq!(tree(Path::new(earlier)), before);
    done(&["release", "verify", earlier]);
    // Nothing is done twice, and going back to the first manifest takes the shards once more.
    assert_eq!(curate(&manifest, &out, &EDIT)["replaced"], serde_json::Value::Null);
    let finished = curate(&manifest, &out, &[]);
    assert_eq!(finished["reused_units"], finished["units"]);
    assert_eq!(tree(&out.join("release")), before);
}

#[test]
fn a_release_elsewhere_gives_its_shards_but_for_changed_sources_and_damaged_shards() {
    let workspace = Workspace::new();
    let corpus = workspace.path("corpus");
    copy_tree(&repository("tests/data/corpus"), &corpus);
    let manifest = workspace.manifest(|manifest| {
        let from = manifest.find("root = ").expect("has a root");
        let to = from + manifest[from..].find('\n').expect("ends");
        format!("{}root = \"corpus\"{}", &manifest[..from], &manifest[to..])
    });
    let first = workspace.path("first");
    curate(&manifest, &first, &[]);
    let again = workspace.path("again");
    let finished = curate(&manifest, &again, &["--reuse", text(&first)]);
    assert_eq!(finished["reused_units"], finished["units"]);
    assert_same_tree(&again.join("release"), &first.join("release"));

    // The time in the header of a gzip file: other bytes of the same size, the same voxels.
    let volume = tree(&corpus).into_keys().find(|path| path.ends_with("train_2_a_2.nii.gz"));
    let volume = corpus.join(volume.expect("is in the corpus"));
    let mut bytes = std::fs::read(&volume).expect("reads");
    bytes[4] ^= 1;
    write(&volume, &bytes);
    // One bit of a shard of another unit.
    let shard = first.join("release/shards/mg3d-val-00000.arrow");
    let mut bytes = std::fs::read(&shard).expect("reads");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::remove_file(&shard).expect("is there");
    write(&shard, &bytes);
    let (mended, fresh) = (workspace.path("mended"), workspace.path("fresh"));
    let finished = curate(&manifest, &mended, &["--reuse", text(&first.join("release"))]);
    assert_eq!(
        finished["reused_units"].as_u64(),
        finished["units"].as_u64().map(|units| units - 2)
    );
    curate(&manifest, &fresh, &[]);
    assert_same_tree(&mended.join("release"), &fresh.join("release"));
}
