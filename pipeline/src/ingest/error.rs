//! Why a file did not become a volume.

use std::io;

use schemas::reason::Reason;

/// A source that cannot be used: the reason code under which it is excluded, and the finding in
/// words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct IngestError {
    /// Code for the tables.
    pub reason: Reason,
    /// What was found, naming the field.
    pub detail: String,
    /// The key of `[corpus]`, and option of `radloom volume`, by which the source would be read all the same.
    pub remedy: Option<&'static str>,
    /// Whether the file is known to be of another kind than an image.
    is_another_kind: bool,
}

impl IngestError {
    /// A refusal.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into(), remedy: None, is_another_kind: false }
    }

    /// Whether the file that is refused may be what is left of a slice: nothing is known of what it is, or it was cut.
    pub(crate) fn may_be_a_slice(&self) -> bool {
        !self.is_another_kind
    }

    /// The same refusal of a file that is surely no slice.
    #[must_use]
    pub(crate) fn of_another_kind(self) -> Self {
        Self { is_another_kind: true, ..self }
    }

    /// The same refusal, which `remedy` would lift.
    #[must_use]
    pub(crate) fn remedied_by(self, remedy: impl Into<Option<&'static str>>) -> Self {
        Self { remedy: remedy.into(), ..self }
    }

    /// A source that the system does not give, or whose bytes are damaged.
    #[expect(clippy::needless_pass_by_value, reason = "for map_err, which gives the error away")]
    pub(crate) fn unreadable(error: io::Error) -> Self {
        Self::new(reason_of(&error), format!("cannot be read: {error}"))
    }

    /// What the refusal says, with the key that would lift it.
    pub fn with_advice(&self) -> String {
        match self.remedy {
            Some(key) => format!("{}; `[corpus] {key}` says what is done then", self.detail),
            None => self.detail.clone(),
        }
    }
}

/// The reason for an error of reading. What the system refuses (permission, a missing file, too many open files, I/O) says
/// nothing of the data; what a decoder refuses does.
pub(crate) fn reason_of(error: &io::Error) -> Reason {
    if error.raw_os_error().is_some() {
        return Reason::Unreadable;
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Reason::VolumeTruncated,
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => Reason::Unreadable,
        _ => Reason::VolumeCorrupt,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_refuses_is_told_from_what_the_data_are() {
        // Too many open files, permission denied, no such file, input or output.
        for code in [24, 13, 2, 5] {
            assert_eq!(reason_of(&io::Error::from_raw_os_error(code)), Reason::Unreadable);
        }
        assert_eq!(reason_of(&io::ErrorKind::UnexpectedEof.into()), Reason::VolumeTruncated);
        assert_eq!(reason_of(&io::ErrorKind::InvalidData.into()), Reason::VolumeCorrupt);
    }
}
