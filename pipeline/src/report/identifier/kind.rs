//! What could name a patient.

use schemas::named_enum;

named_enum! {
    /// What a stretch of text could give away.
    #[derive(PartialOrd, Ord)]
    pub enum IdentifierKind {
        /// One of the identifiers that the study is stored under.
        Own = "own",
        /// A name after a title or a word such as `patient name`.
        Name = "name",
        /// A number after a word such as `MRN` or `accession`.
        RecordNumber = "record_number",
        /// A telephone number.
        Telephone = "telephone",
        /// An electronic mail address.
        Mail = "mail",
        /// A date of birth.
        DateOfBirth = "date_of_birth",
        /// A national number, by its check digits or its form.
        NationalNumber = "national_number",
        /// A street with its number.
        Address = "address",
        /// A mark that de-identification left: nothing is given away.
        Placeholder = "placeholder",
    }
}
