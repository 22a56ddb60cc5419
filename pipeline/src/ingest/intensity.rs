//! Whether a NIfTI file's voxels are Hounsfield units already.
//!
//! CT-RATE's version 1 stores units that need the metadata csv's slope and intercept; version 2
//! stores Hounsfield units and left the csv as it was. Applying the csv to version 2 shifts every
//! voxel by −1024, which is the field's classic mistake (CT-CLIP issue 50). The two are told apart
//! here, once, and what was decided is recorded.

use schemas::manifest::IntensityPolicy;
use schemas::reason::Reason;

use super::error::IngestError;
use schemas::rescale::Rescale;

/// What the corpus's metadata csv says of one volume.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Acquisition {
    /// Slope and intercept.
    pub rescale: Option<Rescale>,
    /// Voxel size in mm, x, y, z.
    pub spacing: Option<[f64; 3]>,
    /// Modality, where something beside a NIfTI file names it; only a CT's values are Hounsfield units.
    pub modality: String,
    /// What keeps the csv from saying one of the two, naming the column.
    pub faults: Vec<String>,
}

/// What a NIfTI header says that bears on the decision.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeaderFacts {
    /// Scaling in the header itself, where it is a valid one.
    pub scaling: Option<Rescale>,
    /// Whether voxels are stored as integers.
    pub integers: bool,
    /// Whether a form code is set and the affine is valid.
    pub oriented: bool,
    /// Lowest stored value.
    pub minimum: f64,
}

/// The rescale to apply, and its source for the record: `header` or `metadata`.
///
/// # Errors
///
/// [`Reason::AmbiguousIntensity`] where `auto` cannot tell, or where `stored` has no metadata.
pub fn decide_rescale(
    policy: IntensityPolicy,
    header: HeaderFacts,
    acquisition: &Acquisition,
) -> Result<(Rescale, &'static str), IngestError> {
    let from_header = (header.scaling.unwrap_or(Rescale::IDENTITY), "header");
    match policy {
        IntensityPolicy::Hounsfield => Ok(from_header),
        IntensityPolicy::Stored => match acquisition.rescale {
            Some(rescale) => Ok((rescale, "metadata")),
            None => Err(IngestError::new(
                Reason::AmbiguousIntensity,
                format!(
                    "`[corpus] intensity` is `stored`, but the metadata has no slope and intercept{}",
                    because(acquisition)
                ),
            )),
        },
        IntensityPolicy::Auto => {
            if header.scaling.is_some_and(|scaling| scaling != Rescale::IDENTITY) {
                return Ok(from_header);
            }
            let version_two = header.integers && header.oriented;
            match acquisition.rescale {
                // Version 2: integers under a repaired header. Air lies at or below -900 HU; stored
                // units of a CT with a negative intercept start at 0 or at its padding.
                Some(rescale)
                    if version_two && header.minimum > -900.0 && rescale.intercept != 0.0 =>
                {
                    Err(IngestError::new(
                        Reason::AmbiguousIntensity,
                        format!(
                            "lowest voxel is {}, and the metadata's intercept is {}: set `[corpus] \
                             intensity` to `hounsfield` or `stored`",
                            header.minimum, rescale.intercept
                        ),
                    ))
                }
                _ if version_two => Ok(from_header),
                // Version 1: floats under a blank header.
                Some(rescale) if !header.oriented => Ok((rescale, "metadata")),
                None if header.minimum < -500.0 => Ok(from_header),
                _ => Err(IngestError::new(
                    Reason::AmbiguousIntensity,
                    format!(
                        "voxels are floats with lowest value {}, and header and metadata do not \
                         settle their unit{}: set `[corpus] intensity`",
                        header.minimum,
                        because(acquisition)
                    ),
                )),
            }
        }
    }
}

/// The faults of the metadata, as the end of a sentence.
fn because(acquisition: &Acquisition) -> String {
    if acquisition.faults.is_empty() {
        String::new()
    } else {
        format!(" ({})", acquisition.faults.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CT: Rescale = Rescale { slope: 1.0, intercept: -1024.0 };

    fn facts(integers: bool, oriented: bool, minimum: f64) -> HeaderFacts {
        HeaderFacts { scaling: None, integers, oriented, minimum }
    }

    fn decide(header: HeaderFacts, rescale: Option<Rescale>) -> Result<&'static str, Reason> {
        decide_rescale(
            IntensityPolicy::Auto,
            header,
            &Acquisition { rescale, ..Acquisition::default() },
        )
        .map(|(_, source)| source)
        .map_err(|error| error.reason)
    }

    #[test]
    fn version_two_is_never_rescaled_by_the_csv() {
        assert_eq!(decide(facts(true, true, -1024.0), Some(CT)), Ok("header"));
        assert_eq!(decide(facts(true, true, -3024.0), Some(CT)), Ok("header"));
    }

    #[test]
    fn version_one_is_rescaled_by_the_csv() {
        assert_eq!(decide(facts(false, false, 0.0), Some(CT)), Ok("metadata"));
    }

    #[test]
    fn what_could_be_either_is_refused() {
        assert_eq!(decide(facts(true, true, 0.0), Some(CT)), Err(Reason::AmbiguousIntensity));
        assert_eq!(decide(facts(false, true, 0.0), Some(CT)), Err(Reason::AmbiguousIntensity));
        assert_eq!(decide(facts(false, true, 0.0), None), Err(Reason::AmbiguousIntensity));
    }

    #[test]
    fn the_header_s_own_scaling_wins() {
        let header = HeaderFacts { scaling: Some(CT), ..facts(true, true, 0.0) };
        let decided = decide_rescale(IntensityPolicy::Auto, header, &Acquisition::default());
        assert_eq!(decided, Ok((CT, "header")));
    }
}
