//! Failures of the system, and damage at random.

use super::*;

#[test]
fn what_the_system_does_not_give_ends_the_run_and_not_the_series() {
    let corpus = Corpus::of(&series());
    let undisturbed = corpus.curate().summary["release_id"].clone();
    let manifest = corpus.workspace.path("manifest.toml");
    std::fs::remove_dir_all(corpus.workspace.path("out")).expect("removes");
    // Too few open files for anything.
    let shell = format!(
        "ulimit -n 8; exec {} curate {} --json --threads 1",
        env!("CARGO_BIN_EXE_radloom"),
        text(&manifest)
    );
    let limited = std::process::Command::new("sh").args(["-c", &shell]).output().expect("runs");
    if limited.status.code() != Some(0) {
        assert_eq!(limited.status.code(), Some(1), "{}", String::from_utf8_lossy(&limited.stderr));
        assert!(!corpus.workspace.path("out/release").is_dir());
    }
    assert_eq!(corpus.curate().summary["release_id"], undisturbed);
}

#[test]
fn damage_at_random_gives_no_wrong_volume_without_a_word() {
    let rounds = std::env::var("RADLOOM_DAMAGED_CORPORA")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(24);
    let right: Arc<Vec<f32>> = Arc::new(expected(0));
    for seed in 0..rounds {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed + 1);
        let mut draw = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % below as u64) as usize
        };
        let corpus = Corpus::of(&series());
        let folder = corpus.root().join("a");
        let path = |z: usize| folder.join(format!("{z:03}.dcm"));
        // Nothing tells that the last slice is not there: numbers go up to where they end.
        let z = draw(9);
        let mut bytes = std::fs::read(path(z)).expect("reads");
        match draw(7) {
            0 => bytes.truncate(draw(bytes.len())),
            1 => bytes.fill(0),
            2 => {
                let at = draw(bytes.len() - 16);
                bytes[at..at + 16].fill(0);
            }
            3 => {
                std::fs::remove_file(path(z)).expect("removes");
                bytes.clear();
            }
            4 => write(&folder.join("again.dcm"), &bytes),
            5 => std::fs::rename(path(z), folder.join("zzz")).expect("renames"),
            _ => {
                let other = std::fs::read(path((z + 1) % 10)).expect("reads");
                let head = bytes.len() - 2 * SIDE * SIDE;
                bytes[..head].copy_from_slice(&other[..head]);
            }
        }
        if !bytes.is_empty() && path(z).is_file() {
            write(&path(z), &bytes);
        }
        let found = corpus.curate();
        for volume in &found.volumes {
            // A slice may lose a tag that no voxel depends on, or pixels of its own; then nothing can tell. What may not be is
            // another number of slices without a warning.
            let whole = volume.shape == [8, 8, 10];
            assert!(whole || !volume.warnings.is_empty(), "seed {seed}: {found:?}");
        }
        if let ([volume], Ok(values)) = (&found.volumes[..], read(&folder))
            && volume.shape == [8, 8, 10]
            && volume.warnings.is_empty()
        {
            let wrong = values.iter().zip(right.iter()).filter(|(a, b)| a != b).count();
            // Sixteen zeroed bytes touch nine voxels at most.
            assert!(wrong <= 9, "seed {seed}: {wrong} voxels differ without a word");
        }
    }
}
