//! Where the pixels of a file lie, and how one stored value is written.

/// Where the pixels of a file lie and how they are coded.
#[expect(clippy::struct_excessive_bools, reason = "each is one independent fact of the file")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PixelLocation {
    /// First byte of the value in the file (in the inflated file where it is deflated).
    pub(crate) offset: u64,
    /// Bytes of the value as declared; 0 where it is encapsulated.
    pub(crate) length: u64,
    /// Bytes of the value that the file holds; where it is encapsulated, to the end of the file.
    pub(crate) present: u64,
    /// NumberOfFrames as declared.
    pub(crate) declared_frames: u64,
    pub(crate) encapsulated: bool,
    /// Whether the value holds floats (Float or Double Float Pixel Data).
    pub(crate) floats: bool,
    pub(crate) deflated: bool,
    pub(crate) big_endian: bool,
}

/// How one stored value is written (PS3.5 section 8.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) allocated: u16,
    pub(crate) stored: u16,
    pub(crate) high_bit: u16,
    pub(crate) signed: bool,
}
