/// Why metadata could not be read, made or changed.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
pub enum Error {
    /// Malformed, or impossible whatever the table or view looks like: HTTP 400.
    #[error("{0}")]
    Invalid(String),
    /// The table or view is not what the client assumed it to be: HTTP 409.
    ///
    /// Trying again on the server cannot help, since the requirement would fail again.
    #[error("{0}")]
    RequirementFailed(String),
    /// A sequence number or first row id was handed out to somebody else: HTTP 409.
    ///
    /// The client must rebuild its manifests, which carry these numbers.
    #[error("{0}")]
    Stale(String),
}

impl Error {
    pub(crate) fn invalid(reason: impl Into<String>) -> Self {
        Self::Invalid(reason.into())
    }

    pub(crate) fn requirement(reason: impl std::fmt::Display) -> Self {
        Self::RequirementFailed(format!("Requirement failed: {reason}"))
    }

    pub(crate) fn stale(reason: impl std::fmt::Display) -> Self {
        Self::Stale(format!("Validation failed, please retry: {reason}"))
    }
}
