//! The label policies built into the program.

/// The label policies built into the program, by file name. Those after the first four are applied where they are asked
/// for by name.
pub(crate) const BUILTIN_POLICIES: [(&str, &str); 6] = [
    ("policies/ct_rate_18.toml", include_str!("../../../lexicon/policies/ct_rate_18.toml")),
    ("policies/chexpert_14.toml", include_str!("../../../lexicon/policies/chexpert_14.toml")),
    ("policies/nih_14.toml", include_str!("../../../lexicon/policies/nih_14.toml")),
    ("policies/abnormal.toml", include_str!("../../../lexicon/policies/abnormal.toml")),
    ("policies/rad_chestct.toml", include_str!("../../../lexicon/policies/rad_chestct.toml")),
    ("policies/merlin_30.toml", include_str!("../../../lexicon/policies/merlin_30.toml")),
];

/// Names of the policies that are applied when none is named.
pub(crate) const DEFAULT_POLICIES: [&str; 4] = ["ct_rate_18", "chexpert_14", "nih_14", "abnormal"];
