//! What the values of a manifest may be, as far as one section does not know it by itself.

use super::super::origin::{ManifestError, ManifestOrigin};
use super::super::whole::Manifest;

/// Version of the manifest format that is read here.
const VERSION: u32 = 1;
/// How far the shares of the splits may be from a sum of 1.
const SHARE_TOLERANCE: f64 = 1e-9;

/// A check of values that several sections share.
type Check = fn(&Manifest) -> Result<(), ManifestError>;

/// Every check, in the order in which problems are reported.
const CHECKS: &[Check] = &[views, split, shard, graph, train];

pub(super) fn check(manifest: &Manifest) -> Result<(), ManifestError> {
    version(manifest.version, &manifest.origin)?;
    CHECKS.iter().try_for_each(|check| check(manifest))
}

/// Refuses a manifest of another version.
pub(super) fn version(found: u32, origin: &ManifestOrigin) -> Result<(), ManifestError> {
    if found == VERSION {
        return Ok(());
    }
    let problem = format!("is {found}, but this radloom reads version {VERSION}: update radloom");
    Err(origin.error("version", problem))
}

fn views(manifest: &Manifest) -> Result<(), ManifestError> {
    let fail = |key: &str, problem: String| Err(manifest.origin.error(key, problem));
    if manifest.view.is_empty() {
        return fail("view", "is empty: name at least one view".into());
    }
    for (index, view) in manifest.view.iter().enumerate() {
        if let Err(error) = view.resolve() {
            return fail(&format!("view.{index}.{}", error.field), error.problem);
        }
        if manifest.view[..index].iter().any(|earlier| earlier.name == view.name) {
            return fail(&format!("view.{index}.name"), format!("`{}` is used twice", view.name));
        }
    }
    Ok(())
}

fn split(manifest: &Manifest) -> Result<(), ManifestError> {
    let fractions = &manifest.split.fractions;
    let shares = [fractions.train, fractions.val, fractions.test];
    let sum: f64 = shares.iter().sum();
    let within = shares.iter().all(|share| (0.0..=1.0).contains(share));
    if !within || (sum - 1.0).abs() > SHARE_TOLERANCE {
        let problem = format!("must be shares that sum to 1; they sum to {sum}");
        return Err(manifest.origin.error("split.fractions", problem));
    }
    Ok(())
}

fn shard(manifest: &Manifest) -> Result<(), ManifestError> {
    if manifest.shard.target_mib == 0 || manifest.shard.max_studies == 0 {
        return Err(manifest.origin.error("shard", "sizes must be at least 1"));
    }
    Ok(())
}

fn graph(manifest: &Manifest) -> Result<(), ManifestError> {
    if !(0.0..=1.0).contains(&manifest.graph.threshold) {
        return Err(manifest.origin.error("graph.threshold", "must be from 0 to 1"));
    }
    Ok(())
}

fn train(manifest: &Manifest) -> Result<(), ManifestError> {
    let Some(train) = &manifest.train else { return Ok(()) };
    if manifest.view.iter().any(|view| view.name == train.view) {
        return Ok(());
    }
    let names: Vec<_> = manifest.view.iter().map(|view| format!("`{}`", view.name)).collect();
    let problem = format!(
        "`{}` is not a view of this manifest: available are {}",
        train.view,
        names.join(", ")
    );
    Err(manifest.origin.error("train.view", problem))
}
