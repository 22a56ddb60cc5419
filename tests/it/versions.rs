//! Files that earlier programs wrote, one sample of each version ever written, read by this one; and files of versions
//! to come. `tests/data/versions/keep.py` adds samples.

use std::path::Path;

use pipeline::files::sha256_bytes;
use pipeline::loader::ResumeToken;
use schemas::lock::ReleaseLock;
use schemas::manifest::{self, Overrides};
use serde_json::{Value, json as value};

use crate::support::{
    Workspace, assert_same_tree, copy_tree, done, json, kept, repository, run, text, tree, write,
};

fn value_of(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("reads")).expect("is JSON")
}

#[test]
fn a_release_of_every_version_is_verified_and_loaded_and_shown() {
    let workspace = Workspace::new();
    let mut orders = Vec::new();
    for release in kept("release") {
        done(&["release", "verify", text(&release)]);
        let bench = done(&["loader", "bench", text(&release), "--epochs", "2", "--json"]);
        orders.push(json(&bench)["order_hash"].clone());
        let page = workspace.path("page");
        done(&["show", text(&release), "--out", text(&page)]);
        assert!(page.join("index.html").is_file());
    }
    // The same two studies every time, so the same order of samples.
    assert!(orders.iter().all(|order| *order == orders[0]), "{orders:?}");
}

#[test]
fn a_lock_allows_a_field_of_a_later_revision_and_refuses_a_later_version() {
    for release in kept("release") {
        let mut lock = value_of(&release.join("release.lock"));
        let read = ReleaseLock::from_text(&lock.to_string()).expect("is read");
        lock["revision"] = value!(99);
        lock["someday"] = value!({ "what": ["nobody", "knows"] });
        assert_eq!(
            ReleaseLock::from_text(&lock.to_string()).expect("is read").sources,
            read.sources
        );
        lock["version"] = value!(2);
        let workspace = Workspace::new();
        let newer = workspace.path("newer");
        copy_tree(&release, &newer);
        let older = std::fs::read(newer.join("release.lock")).expect("reads");
        write(&newer.join("release.lock"), lock.to_string().as_bytes());
        // The sums are right, so that nothing but the version is wrong.
        let sums = std::fs::read_to_string(newer.join("SHA256SUMS")).expect("reads");
        let sums = sums.replace(&sha256_bytes(&older), &sha256_bytes(lock.to_string().as_bytes()));
        write(&newer.join("SHA256SUMS"), sums.as_bytes());
        for verb in [vec!["loader", "bench"], vec!["show"]] {
            let finished = run(&[&verb[..], &[text(&newer)]].concat());
            assert_eq!(finished.code, Some(1), "{verb:?}: {}", finished.stderr);
            let message = finished.stderr;
            assert!(message.contains("version 2"), "{verb:?}: {message}");
            assert!(message.contains("update radloom"), "{verb:?}: {message}");
        }
    }
}

#[test]
fn a_position_allows_a_field_of_a_later_revision_and_refuses_a_later_version() {
    for checkpoint in kept("checkpoint") {
        let mut token = value_of(&checkpoint)["loader_token"].clone();
        let read = ResumeToken::from_json(&token).expect("is read");
        assert_eq!(read.position, 4, "two steps of two studies");
        token["someday"] = value!([1, 2]);
        assert_eq!(ResumeToken::from_json(&token).expect("is read").position, read.position);
        token["version"] = value!(2);
        let error = ResumeToken::from_json(&token).expect_err("is newer").to_string();
        assert!(error.contains("version 2") && error.contains("update radloom"), "{error}");
    }
}

#[test]
fn a_checkpoint_allows_a_field_of_a_later_revision_and_refuses_a_later_version() {
    let workspace = Workspace::new();
    for checkpoint in kept("checkpoint") {
        let mut value = value_of(&checkpoint);
        let open = |value: &Value| {
            write(&workspace.path("checkpoint.json"), value.to_string().as_bytes());
            model::trainer::Checkpoint::open(workspace.path("").as_path())
        };
        assert_eq!(open(&value).expect("is read").info.step, 2);
        value["someday"] = value!("something");
        value["revision"] = value!(99);
        assert_eq!(open(&value).expect("is read").info.step, 2);
        value["version"] = value!(99);
        let error = open(&value).expect_err("is newer").to_string();
        assert!(error.contains("99") && error.contains("radloom"), "{error}");
    }
}

#[test]
fn a_manifest_of_every_version_is_read_with_each_of_its_keys() {
    for path in kept("manifest") {
        let text = std::fs::read_to_string(&path).expect("reads");
        let manifest = manifest::parse(text_name(&path), &text, &Overrides::default());
        let manifest = manifest.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for view in &manifest.view {
            view.resolve().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
        // A later version is refused in plain words, whatever else it says.
        let newer = text.replace("version = 1\n", "version = 2\nsomeday = true\n");
        let error = manifest::parse("newer.toml", &newer, &Overrides::default())
            .expect_err("is newer")
            .to_string();
        assert!(error.contains("`version` is 2") && error.contains("update radloom"), "{error}");
    }
}

/// An outcome of an earlier program, or of another machine, is used or made anew; it never enters a release that it
/// does not fit.
#[test]
fn an_outcome_of_every_version_leaves_the_release_as_it_is() {
    let workspace = Workspace::new();
    let manifest = workspace.path("m.toml");
    let text_of = include_str!("../data/versions/small.toml");
    let text_of = text_of.replace("../corpus", text(&repository("tests/data/corpus")));
    write(&manifest, text_of.as_bytes());
    let curate = |out: &Path| done(&["curate", text(&manifest), "--out", text(out), "--quiet"]);
    let whole = workspace.path("whole");
    curate(&whole);
    let outcomes = tree(&whole.join("work/units"));
    let (unit, _) = outcomes.iter().next().expect("a unit was made");
    for sample in kept("outcome") {
        let out = workspace.path(text_name(&sample));
        std::fs::create_dir_all(out.join("work/units")).expect("makes folders");
        std::fs::copy(&sample, out.join("work/units").join(unit)).expect("copies");
        curate(&out);
        assert_same_tree(&out.join("release"), &whole.join("release"));
    }
}

fn text_name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).expect("names are UTF-8")
}
