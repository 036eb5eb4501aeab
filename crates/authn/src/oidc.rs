//! Tokens that an identity provider issues: whether they are good, and whose they are.
//!
//! A token is judged by the keys that its provider publishes, and by nothing else: what its head
//! says of keys (`jwk`, `jku`, `x5c`, `x5u`) is not even read.

mod claims;
mod fetch;
mod jwks;
mod mapping;
mod provider;
mod settings;
mod url;

use std::collections::HashMap;
use std::sync::Arc;

use merak_metastore::CallerRef;
use merak_model::{Clock, RealmId};

pub use claims::{ClaimPath, InvalidClaimPath};
pub use mapping::{
    InvalidPattern, InvalidReplacement, Pattern, PrincipalClaims, RoleClaims, RoleMapping,
    RolesMapping,
};
pub use settings::{Audience, ExpectedIssuer, KeysAt, OidcSettings, ProviderSettings};
pub use url::{InvalidUrl, ProviderUrl};

use crate::tokens::{self, MAX_TOKEN_BYTES};
use crate::{Authentication, AuthnSettings, Error};
use claims::Claims;
use jwks::{Head, Miss};
use provider::{Current, Provider};

/// Whose tokens a realm accepts.
#[derive(Debug)]
pub(crate) enum Accepts {
    /// Those that are issued here.
    Ours,
    /// Those of an identity provider.
    Theirs(Oidc),
    /// Both.
    Both(Oidc),
}

impl Accepts {
    /// Who judges a token, if it is not for us to do so.
    ///
    /// Where both are accepted, ours are told by the issuer they name, which no identity provider
    /// has. It is not believed before the signature is checked; but what names another issuer need
    /// not be tried with our keys, nor ours with theirs.
    pub(crate) fn provider_of(&self, token: &str) -> Option<&Oidc> {
        match self {
            Self::Ours => None,
            Self::Theirs(oidc) => Some(oidc),
            Self::Both(oidc) => (!tokens::claims_to_be_ours(token)).then_some(oidc),
        }
    }
}

/// Whose tokens each realm accepts.
#[derive(Debug)]
pub(crate) struct Acceptance {
    realms: HashMap<RealmId, Accepts>,
    /// For realms that have no settings of their own.
    default: Accepts,
}

impl Acceptance {
    /// Realms that have a provider in common have its keys in common. No provider is asked yet.
    pub(crate) fn new(settings: &AuthnSettings, clock: &Arc<dyn Clock>) -> Self {
        let mut known: HashMap<ProviderSettings, Arc<Provider>> = HashMap::new();
        let mut oidc = |settings: &OidcSettings| {
            let provider = known
                .entry(settings.provider.clone())
                .or_insert_with(|| Arc::new(Provider::new(settings.provider.clone(), clock)));
            let (provider, clock) = (Arc::clone(provider), Arc::clone(clock));
            Oidc { provider, settings: settings.clone(), clock }
        };
        let mut accepts = |authentication: &Authentication| match authentication {
            Authentication::Internal => Accepts::Ours,
            Authentication::External(settings) => Accepts::Theirs(oidc(settings)),
            Authentication::Mixed(settings) => Accepts::Both(oidc(settings)),
        };
        let default = accepts(&settings.default.authentication);
        let of_realms = settings.realms.iter();
        let realms = of_realms.map(|(realm, of)| (realm.clone(), accepts(&of.authentication)));
        Self { realms: realms.collect(), default }
    }

    /// Whose tokens a realm accepts.
    pub(crate) fn of(&self, realm: &RealmId) -> &Accepts {
        self.realms.get(realm).unwrap_or(&self.default)
    }
}

/// A token that was found good.
#[derive(Debug)]
pub(crate) struct Accepted {
    /// Whose it is.
    pub(crate) caller: CallerRef,
    /// Until when that need not be found out again.
    pub(crate) until_s: i64,
}

/// Judges the tokens of a realm's identity provider.
#[derive(Debug)]
pub(crate) struct Oidc {
    provider: Arc<Provider>,
    settings: OidcSettings,
    clock: Arc<dyn Clock>,
}

impl Oidc {
    /// Finds out whose a token is. The provider is asked for its keys when there are none, when they
    /// have been here for long, and when the token is signed with one that is not among them.
    pub(crate) async fn verify(&self, token: &str) -> Result<Accepted, Error> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Error::InvalidToken("too long"));
        }
        let head = Head::of(token).map_err(Error::InvalidToken)?;
        let current = self.provider.keys().await.map_err(Error::ProviderUnavailable)?;
        let (claims, current) = match current.keys.set.check(&head, token) {
            Ok(claims) => (claims, current),
            Err(Miss::Unknown(reason)) => {
                self.check_with_newer(&head, token, current, reason).await?
            }
            Err(Miss::Refused(reason)) => return Err(refused(&head, reason)),
        };
        let expected = self.settings.expected(current.keys.issuer.as_deref());
        let expires_s = claims
            .good_until(&expected, self.clock.now_s())
            .map_err(|reason| refused_for_its_claims(&claims, reason))?;
        let caller = self.caller(&claims)?;
        let until_s = expires_s.min(current.until_ms.div_euclid(1000));
        Ok(Accepted { caller, until_s })
    }

    async fn check_with_newer(
        &self,
        head: &Head,
        token: &str,
        current: Current,
        reason: &'static str,
    ) -> Result<(Claims, Current), Error> {
        let newer = self.provider.newer_than(&current).await.map_err(Error::ProviderUnavailable)?;
        let newer = newer.ok_or_else(|| refused(head, reason))?;
        match newer.keys.set.check(head, token) {
            Ok(claims) => Ok((claims, newer)),
            Err(Miss::Unknown(reason) | Miss::Refused(reason)) => Err(refused(head, reason)),
        }
    }

    fn caller(&self, claims: &Claims) -> Result<CallerRef, Error> {
        let Some(principal) = self.settings.principal.find(claims) else {
            return Err(refused_for_its_claims(claims, "without a claim that names the principal"));
        };
        let named = self.settings.role_claims.find(claims);
        let roles = self.settings.roles.apply(&named);
        tracing::debug!(?principal, ?named, ?roles, "a token of an identity provider is good");
        Ok(CallerRef { principal, roles })
    }
}

fn refused(head: &Head, reason: &'static str) -> Error {
    tracing::debug!(reason, ?head, "a token of an identity provider is refused");
    Error::InvalidToken(reason)
}

/// The claims are shown to whoever sets a provider up and looks: values of those that are compared,
/// names of the rest.
fn refused_for_its_claims(claims: &Claims, reason: &'static str) -> Error {
    tracing::debug!(reason, ?claims, "a token of an identity provider is refused");
    Error::InvalidToken(reason)
}
