//! The parts that a release is split into.

crate::named_enum! {
    /// Part of the release that a patient belongs to.
    #[derive(PartialOrd, Ord)]
    pub enum Split {
        /// Training.
        Train = "train",
        /// Validation.
        Val = "val",
        /// Test.
        Test = "test",
    }
}
