//! A run that is killed at any moment goes on, and ends in the same bytes.

use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use crate::support::{Workspace, assert_same_tree, command, done, json, text};

/// Kills in all.
const KILLS: u32 = 24;

#[test]
fn killed_at_random_moments_the_release_is_byte_identical() {
    let workspace = Workspace::new();
    let manifest = workspace.manifest(|text| text.replace("max_studies = 3", "max_studies = 1"));
    let reference = workspace.path("reference");
    let start = Instant::now();
    done(&["curate", text(&manifest), "--out", text(&reference)]);
    let whole = start.elapsed();

    let mut generator = ChaCha8Rng::seed_from_u64(11);
    let mut kills = 0;
    let mut resumed = 0;
    for attempt in 0.. {
        let out = workspace.path(&format!("killed-{attempt}"));
        // Several kills of one run, each at another moment, then the run is left alone.
        for _ in 0..3 {
            let delay = whole.mul_f64(f64::from(generator.next_u32()) / f64::from(u32::MAX));
            let mut child = command(&["curate", text(&manifest), "--out", text(&out), "--quiet"])
                .spawn()
                .expect("starts");
            std::thread::sleep(delay.max(Duration::from_millis(2)));
            let ended = child.try_wait().expect("can be asked").is_some();
            child.kill().expect("can be killed");
            child.wait().expect("ends");
            kills += u32::from(!ended);
        }
        let finished = done(&["curate", text(&manifest), "--out", text(&out), "--json"]);
        resumed += u32::from(json(&finished)["resumed"] == true);
        assert_same_tree(&reference.join("release"), &out.join("release"));
        std::fs::remove_dir_all(&out).expect("cleans up");
        if kills >= KILLS {
            break;
        }
    }
    assert!(resumed > 0, "at least one run went on from finished units");
}

#[test]
fn an_interrupt_ends_cleanly_and_says_how_to_go_on() {
    let workspace = Workspace::new();
    let manifest = workspace.manifest(|text| text.replace("max_studies = 3", "max_studies = 1"));
    let mut child = command(&["run", text(&manifest)])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("starts");
    std::thread::sleep(Duration::from_millis(400));
    let interrupt = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .expect("kill is on every Unix");
    assert!(interrupt.success());
    let start = Instant::now();
    while child.try_wait().expect("can be asked").is_none() {
        assert!(start.elapsed() < Duration::from_secs(20), "still running");
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = child.wait_with_output().expect("ends");
    assert_eq!(output.status.code(), Some(130));
    let finished = String::from_utf8_lossy(&output.stderr);
    assert!(finished.contains("run the same command again to go on"), "{finished}");
}
