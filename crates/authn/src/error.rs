//! What can come of asking for a token, and of showing one.

pub use merak_metastore::BoxError;

use crate::ProviderUrl;

/// Why a bearer token did not say who is calling.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is malformed, forged, expired, inactive or another realm's. The reason is for the log
    /// only: a caller who guesses is not to be told how near the guess was.
    #[error("the token is not valid")]
    InvalidToken(&'static str),
    /// It could not be judged, because the realm's key could not be had.
    #[error("tokens cannot be verified at the moment")]
    Unavailable(#[source] BoxError),
    /// It could not be judged, because the identity provider's keys could not be had.
    #[error(
        "the keys of the identity provider cannot be had at the moment, so that its tokens cannot \
         be verified"
    )]
    ProviderUnavailable(#[source] BoxError),
}

/// Why no token was issued: the outcomes of OAuth, in Polaris' words.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Something is missing from the request, or has a value it cannot have.
    #[error("The request is invalid")]
    InvalidRequest,
    /// The client did not say who it is, or showed a subject token that is not valid.
    #[error("The Client is invalid")]
    InvalidClient,
    /// The grant is not what it should be.
    #[error("The grant is invalid")]
    InvalidGrant,
    /// The client id is unknown, or the secret is wrong, or the principal is gone.
    #[error("The client is not authorized")]
    UnauthorizedClient,
    /// The grant type is one we do not know.
    #[error("The grant type is invalid")]
    UnsupportedGrantType,
    /// The scope is missing, malformed or wider than it may be.
    #[error("The scope is invalid")]
    InvalidScope,
    /// Too many secrets were wrong, for this client id or from this address.
    #[error("Too many attempts have failed; try again in {retry_after_s} s")]
    TooManyAttempts {
        /// When the next one is looked at, in seconds.
        retry_after_s: u64,
    },
    /// The realm leaves issuing tokens to that identity provider.
    #[error("This realm issues no tokens: its identity provider does, {0}")]
    IssuedElsewhere(ProviderUrl),
    /// The metastore could not be asked, or there is no key to sign with.
    #[error("The service is temporarily unavailable")]
    Unavailable(#[source] BoxError),
}

impl TokenError {
    /// The value of `error` in OAuth's answer.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            // No grant is supported there.
            Self::UnsupportedGrantType | Self::IssuedElsewhere(_) => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            // OAuth has no better word for either.
            Self::TooManyAttempts { .. } | Self::Unavailable(_) => "temporarily_unavailable",
        }
    }
}

/// What becomes of a token request whose subject token is refused.
impl From<Error> for TokenError {
    fn from(error: Error) -> Self {
        match error {
            // Not `invalid_grant`: Polaris says so, and Iceberg's Java client reads this one as
            // "not authorized" and asks for a token afresh.
            Error::InvalidToken(_) => Self::InvalidClient,
            Error::Unavailable(source) | Error::ProviderUnavailable(source) => {
                Self::Unavailable(source)
            }
        }
    }
}
