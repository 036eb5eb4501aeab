//! Who is calling, and not too often: client secrets, issuing and verifying tokens, those of identity
//! providers too, and how many requests there may be.
//!
//! It knows neither HTTP nor SQL, and it decides nothing about what a caller may do: a verified
//! token becomes a [`merak_metastore::CallerRef`], and whether that principal still exists and holds
//! the roles it names is found out with each request, by the metastore.
#![warn(missing_docs)]

mod authn;
mod buckets;
mod error;
mod guesses;
mod key_ring;
mod keys;
mod oidc;
mod rates;
mod scope;
mod secrets;
mod settings;
mod tokens;
mod verified;

#[cfg(test)]
mod tests;

pub use authn::{ACCESS_TOKEN_TYPE, Authn, IssuedToken, TokenRequest};
pub use error::{BoxError, Error, TokenError};
pub use keys::{KeyError, RsaKeyFiles};
pub use oidc::{
    Audience, ClaimPath, ExpectedIssuer, InvalidClaimPath, InvalidPattern, InvalidReplacement,
    InvalidUrl, KeysAt, OidcSettings, Pattern, PrincipalClaims, ProviderSettings, ProviderUrl,
    RoleClaims, RoleMapping, RolesMapping,
};
pub use rates::{Counted, RateLimiter, RateSettings, TooManyRequests};
pub use scope::parse_scope;
pub use secrets::{NewCredentials, new_client_id, new_client_secret};
pub use settings::{Authentication, AuthnSettings, GuessSettings, TokenBroker, TokenSettings};
