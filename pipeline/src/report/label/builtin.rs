//! The label policies built into the program.

/// The label policies built into the program, by file name.
pub(crate) const BUILTIN_POLICIES: [(&str, &str); 4] = [
    ("policies/ct_rate_18.toml", include_str!("../../../lexicon/policies/ct_rate_18.toml")),
    ("policies/chexpert_14.toml", include_str!("../../../lexicon/policies/chexpert_14.toml")),
    ("policies/nih_14.toml", include_str!("../../../lexicon/policies/nih_14.toml")),
    ("policies/abnormal.toml", include_str!("../../../lexicon/policies/abnormal.toml")),
];
