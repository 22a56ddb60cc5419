//! A corpus, study by study.

use std::path::Path;

use rayon::prelude::*;

use super::made::{MadeStudy, make_study};
use super::options::{PhantomError, PhantomOptions, PhantomSummary};
use super::report::Wordings;
use super::{fault, patients, tables};

/// Makes a corpus in `folder`. `done` is called after every study, by any thread.
///
/// # Errors
/// See [`PhantomError`].
pub fn make(
    folder: &Path,
    options: &PhantomOptions,
    done: &(dyn Fn() + Sync),
) -> Result<PhantomSummary, PhantomError> {
    check(folder, options)?;
    let wordings = Wordings::builtin();
    let studies = patients::draw(options.studies, options.seed);
    let patients = studies.iter().filter(|study| !study.is_later).count();
    let faults = fault::sow(studies.len(), options.faults, options.seed);
    let made: Vec<MadeStudy> = studies
        .into_par_iter()
        .zip(faults)
        .map(|(study, fault)| {
            let made = make_study(folder, options, &wordings, study, fault)?;
            done();
            Ok(made)
        })
        .collect::<Result<_, PhantomError>>()?;
    tables::write(folder, options.size, &made)?;
    Ok(PhantomSummary {
        folder: folder.to_owned(),
        patients,
        studies: made.len(),
        volumes: made.iter().map(|made| made.volumes.len()).sum(),
        findings: made.iter().map(|made| made.study.findings.len()).sum(),
        faults: made
            .iter()
            .flat_map(|made| &made.volumes)
            .filter(|made| made.fault.is_some())
            .count(),
    })
}

fn check(folder: &Path, options: &PhantomOptions) -> Result<(), PhantomError> {
    let refuse =
        |option, found: String, wanted| Err(PhantomError::Option { option, found, wanted });
    if options.studies == 0 {
        return refuse("studies", "0".to_owned(), "at least 1 is needed");
    }
    if !(32..=1024).contains(&options.size) {
        return refuse("size", options.size.to_string(), "use 32 to 1024");
    }
    if !(0.0..=1.0).contains(&options.faults) {
        return refuse("faults", options.faults.to_string(), "use a share from 0 to 1");
    }
    let volumes = folder.join("dataset");
    match volumes.try_exists() {
        Ok(false) => Ok(()),
        Ok(true) => Err(PhantomError::Exists { folder: folder.to_owned() }),
        Err(source) => Err(PhantomError::Write { path: volumes, source }),
    }
}
