//! Why no credentials could be vended.

use crate::ProviderMessage;

/// Why no credentials could be vended.
///
/// Texts are fit for clients: they hold the provider's own words, but no credentials.
#[derive(Debug, Clone, thiserror::Error)]
pub enum VendError {
    /// The catalog's storage configuration can vend nothing, or not this grant.
    #[error("{0}")]
    Impossible(String),

    /// The server has no identity in that cloud.
    #[error("The server has no {cloud} credentials: {reason}")]
    NoIdentity {
        /// The cloud.
        cloud: &'static str,
        /// What was tried.
        reason: String,
    },

    /// The provider refused a step of it.
    #[error("{step} was refused: {reason}")]
    Denied {
        /// What was refused, such as `AssumeRole of arn:aws:iam::1:role/r`.
        step: String,
        /// The provider's message.
        reason: ProviderMessage,
    },

    /// The provider did not answer, or not in time. Trying again may help.
    #[error("{step} failed: {reason}")]
    Unavailable {
        /// What failed.
        step: String,
        /// What happened.
        reason: ProviderMessage,
    },
}
