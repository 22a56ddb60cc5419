//! The organs by which reports are grouped.

/// The organs that texts are grouped by, in output order. A concept belongs to the first one among
/// its ancestors, in this order.
pub(crate) const ORGANS: [(&str, &[&str]); 24] = [
    ("lung", &["lung", "airway"]),
    ("pleura", &["pleura"]),
    ("heart", &["heart"]),
    ("aorta", &["aorta"]),
    ("pulmonary_artery", &["pulmonary_artery"]),
    ("mediastinum", &["mediastinum", "hilum", "thymus"]),
    ("esophagus", &["esophagus"]),
    ("thyroid", &["thyroid"]),
    ("breast", &["breast"]),
    ("liver", &["liver", "portal_vein"]),
    ("gallbladder", &["gallbladder", "bile_duct"]),
    ("pancreas", &["pancreas"]),
    ("spleen", &["spleen"]),
    ("kidney", &["kidney", "ureter"]),
    ("adrenal_gland", &["adrenal_gland"]),
    ("stomach", &["stomach"]),
    ("bowel", &["bowel"]),
    ("bladder", &["bladder"]),
    ("pelvis", &["pelvis"]),
    ("peritoneum", &["peritoneum"]),
    ("brain", &["brain"]),
    ("spine", &["spine"]),
    ("bone", &["bone"]),
    ("soft_tissue", &["soft_tissue", "chest_wall", "axilla"]),
];
