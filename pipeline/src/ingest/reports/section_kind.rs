//! What the sections of a report are for.

use schemas::named_enum;

named_enum! {
    /// What a section of a report is for.
    #[derive(PartialOrd, Ord)]
    pub enum SectionKind {
        /// Indication, history and other reasons for the examination.
        ClinicalInformation = "clinical_information",
        /// How the images were acquired.
        Technique = "technique",
        /// Earlier examinations used for comparison.
        Comparison = "comparison",
        /// What is seen.
        Findings = "findings",
        /// What it means.
        Impression = "impression",
        /// What should be done next.
        Recommendation = "recommendation",
        /// Anything else: titles, signatures, unknown headings.
        Other = "other",
    }
}

impl SectionKind {
    /// Whether an unhedged statement in such a section describes the present images.
    pub const fn describes_images(self) -> bool {
        matches!(self, Self::Findings | Self::Impression | Self::Other)
    }
}
