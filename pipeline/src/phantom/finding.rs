//! Findings as facts: what a patient has, where, how large.

use super::anatomy::{Lobe, Side};
use crate::draws::Draws;

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $key:literal, $concept:literal, $label:expr, $share:literal;)*) => {
        /// A kind of finding.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum Kind {
            $($(#[doc = $doc])+ $name,)*
        }

        impl Kind {
            pub(super) const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Value of its voxels in a mask.
            pub(super) const fn code(self) -> u8 {
                match self { $(Self::$name => $code,)* }
            }

            /// Name in the tables of the truth.
            pub(super) const fn key(self) -> &'static str {
                match self { $(Self::$name => $key,)* }
            }

            /// Concept of the parser's lexicon.
            pub(super) const fn concept(self) -> &'static str {
                match self { $(Self::$name => $concept,)* }
            }

            /// The label of CT-RATE that it gives.
            pub(super) const fn label(self) -> Option<&'static str> {
                match self { $(Self::$name => $label,)* }
            }

            /// Share of patients that have it.
            pub(super) const fn share(self) -> f64 {
                match self { $(Self::$name => $share,)* }
            }
        }
    };
}

kinds! {
    /// Plaques in the wall of the aorta.
    AorticCalcification = 1, "aortic_calcification", "calcification", Some("Arterial wall calcification"), 0.42;
    /// Plaques on the heart's surface, where the coronary arteries run.
    CoronaryCalcification = 2, "coronary_calcification", "coronary_calcification", Some("Coronary artery wall calcification"), 0.42;
    /// A heart wider than half of the chest.
    Cardiomegaly = 3, "cardiomegaly", "cardiomegaly", Some("Cardiomegaly"), 0.42;
    /// Fluid around the heart.
    PericardialEffusion = 4, "pericardial_effusion", "pericardial_effusion", Some("Pericardial effusion"), 0.42;
    /// Stomach above the diaphragm, behind the heart.
    HiatalHernia = 5, "hiatal_hernia", "hiatal_hernia", Some("Hiatal hernia"), 0.42;
    /// Large lymph nodes in the mediastinum.
    Lymphadenopathy = 6, "lymphadenopathy", "lymphadenopathy", Some("Lymphadenopathy"), 0.42;
    /// Holes of air in the lungs.
    Emphysema = 7, "emphysema", "emphysema", Some("Emphysema"), 0.42;
    /// A plate of lung without air.
    Atelectasis = 8, "atelectasis", "atelectasis", Some("Atelectasis"), 0.42;
    /// Round lesions below 3 cm.
    Nodule = 9, "nodule", "nodule", Some("Lung nodule"), 0.42;
    /// Patches of lung that are denser, with vessels to be seen in them.
    GroundGlass = 10, "ground_glass", "ground_glass", Some("Lung opacity"), 0.42;
    /// Lung filled with fluid, with bronchi of air in it.
    Consolidation = 11, "consolidation", "consolidation", Some("Consolidation"), 0.42;
    /// Fluid behind the lung.
    PleuralEffusion = 12, "pleural_effusion", "pleural_effusion", Some("Pleural effusion"), 0.42;
    /// Air in front of the lung.
    Pneumothorax = 13, "pneumothorax", "pneumothorax", None, 0.10;
    /// A round lesion of 3 cm and more.
    Mass = 14, "mass", "mass", None, 0.10;
}

/// How a finding compares with the study before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    New,
    Increased,
    Decreased,
    Unchanged,
}

impl Change {
    /// Value of the parser's graph.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Increased => "increased",
            Self::Decreased => "decreased",
            Self::Unchanged => "stable",
        }
    }
}

/// One finding of a study.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    pub(super) kind: Kind,
    /// Where it lies, for kinds that have a side; none there: both.
    pub(super) side: Option<Side>,
    pub(super) lobe: Option<Lobe>,
    /// Lesions.
    pub(super) count: usize,
    /// Diameter or thickness in mm, in whole ones.
    pub(super) size: f32,
    /// Size in the study before.
    pub(super) prior: Option<f32>,
    pub(super) change: Option<Change>,
    /// Whether the report is not sure.
    pub(super) hedged: bool,
    /// What the places of its lesions follow from.
    pub(super) seed: u64,
}

impl Kind {
    /// Whether it lies in one lung, or both.
    pub(super) const fn is_sided(self) -> bool {
        matches!(self, Self::PleuralEffusion | Self::Pneumothorax) || self.has_lobe()
    }

    /// Whether it lies in a lobe.
    pub(super) const fn has_lobe(self) -> bool {
        matches!(
            self,
            Self::Atelectasis | Self::Nodule | Self::GroundGlass | Self::Consolidation | Self::Mass
        )
    }

    /// Whether a report gives its size in mm.
    pub(super) const fn is_measured(self) -> bool {
        matches!(self, Self::Nodule | Self::Mass | Self::Lymphadenopathy)
    }

    /// Least and greatest size in mm.
    pub(super) const fn sizes(self) -> [f32; 2] {
        match self {
            Self::AorticCalcification => [4.0, 7.0],
            Self::CoronaryCalcification => [6.0, 11.0],
            Self::Cardiomegaly => [1.0, 1.0],
            Self::PericardialEffusion => [10.0, 22.0],
            Self::HiatalHernia => [50.0, 80.0],
            Self::Lymphadenopathy => [28.0, 48.0],
            Self::Emphysema => [10.0, 24.0],
            Self::Atelectasis => [14.0, 24.0],
            Self::Nodule => [18.0, 29.0],
            Self::GroundGlass => [34.0, 80.0],
            Self::Consolidation => [44.0, 84.0],
            Self::PleuralEffusion => [14.0, 60.0],
            Self::Pneumothorax => [14.0, 50.0],
            Self::Mass => [34.0, 62.0],
        }
    }

    const fn counts(self) -> [usize; 2] {
        match self {
            Self::AorticCalcification => [10, 24],
            Self::CoronaryCalcification => [18, 36],
            Self::Lymphadenopathy => [16, 28],
            Self::Emphysema => [300, 700],
            Self::Nodule => [40, 80],
            Self::GroundGlass => [5, 12],
            Self::Atelectasis => [6, 12],
            Self::Consolidation => [4, 9],
            _ => [1, 1],
        }
    }
}

impl Finding {
    /// Draws a finding of `kind`.
    pub(super) fn draw(kind: Kind, draws: &mut Draws) -> Self {
        let [least, most] = kind.sizes();
        let [few, many] = kind.counts();
        let both = matches!(kind, Kind::PleuralEffusion) && draws.chance(0.3);
        let side = (kind.is_sided() && !both).then(|| *draws.pick(&Side::BOTH));
        let lobe = side.filter(|_| kind.has_lobe()).map(|side| match kind {
            // Plates of collapsed lung lie at the bases.
            Kind::Atelectasis => Lobe::Lower,
            _ => *draws.pick(Lobe::all(side)),
        });
        Self {
            kind,
            side,
            lobe,
            count: few + draws.below((many - few + 1) as u32) as usize,
            size: draws.between(least, most).round(),
            prior: None,
            change: None,
            hedged: draws.chance(0.1),
            seed: draws.bits(),
        }
    }

    /// The finding as it is at the next study.
    pub(super) fn later(&self, draws: &mut Draws) -> Self {
        let factor = *draws.pick(&[0.7, 1.0, 1.0, 1.35]);
        let [least, most] = self.kind.sizes();
        let size = (self.size * factor).round().clamp(least, most);
        let change = if size > self.size {
            Change::Increased
        } else if size < self.size {
            Change::Decreased
        } else {
            Change::Unchanged
        };
        Self { size, prior: Some(self.size), change: Some(change), hedged: false, ..self.clone() }
    }
}
