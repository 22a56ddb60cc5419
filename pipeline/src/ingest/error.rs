//! Why a file did not become a volume.

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
}

impl IngestError {
    /// A refusal.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }

    /// A source that the system does not give.
    #[expect(clippy::needless_pass_by_value, reason = "for map_err, which gives the error away")]
    pub(crate) fn unreadable(error: std::io::Error) -> Self {
        Self::new(Reason::VolumeCorrupt, format!("cannot be read: {error}"))
    }
}
