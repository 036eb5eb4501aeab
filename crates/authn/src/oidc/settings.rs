//! How the tokens of an identity provider are judged.

use super::claims::Expected;
use super::{PrincipalClaims, ProviderUrl, RoleClaims, RolesMapping};

/// How a realm judges the tokens of its identity provider.
#[derive(Debug, Clone)]
pub struct OidcSettings {
    /// Who issues them.
    pub provider: ProviderSettings,
    /// For whom they must be.
    pub audience: Audience,
    /// By how many seconds the provider's clock may differ from ours.
    pub leeway_s: u32,
    /// Which principal they are for.
    pub principal: PrincipalClaims,
    /// Which roles they name.
    pub role_claims: RoleClaims,
    /// What principal roles these stand for.
    pub roles: RolesMapping,
}

impl OidcSettings {
    pub(super) fn expected<'a>(&'a self, issuer: Option<&'a str>) -> Expected<'a> {
        Expected { issuer, audience: &self.audience, leeway_s: self.leeway_s.into() }
    }
}

/// An identity provider, and how it is asked for its keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ProviderSettings {
    /// Its address, and its name unless `issuer` says otherwise.
    pub url: ProviderUrl,
    /// Where its keys are.
    pub keys: KeysAt,
    /// What tokens call it.
    pub issuer: ExpectedIssuer,
    /// Whether it may be spoken to in the clear, where whoever is on the way can exchange its keys.
    pub allow_http: bool,
    /// How long it may take to answer.
    pub timeout_ms: u64,
    /// The longest answer that is read.
    pub max_answer_bytes: usize,
    /// After which time its keys are looked up again: that long, a key that it has withdrawn may
    /// still be good.
    pub refresh_after_ms: u64,
    /// How long keys are good where they cannot be looked up again.
    pub max_age_ms: u64,
    /// How long after a look that a token with an unknown key gave rise to the next one is worth it.
    pub look_again_after_ms: u64,
}

/// Where a provider's keys are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum KeysAt {
    /// Where its discovery document says.
    Discovered,
    /// Here, though there is a discovery document, which has the issuer.
    Overridden(ProviderUrl),
    /// Here. There is no discovery document.
    Fixed(ProviderUrl),
}

/// What tokens must say of who issued them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ExpectedIssuer {
    /// What the discovery document says, which must be the provider's address.
    Discovered,
    /// This.
    Named(String),
    /// Anything. The signature alone then tells whose a token is.
    Any,
}

/// For whom tokens must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// For one of these at least.
    OneOf(Vec<String>),
    /// For anybody, be it another service, which could then act here in the caller's name.
    Any,
}
