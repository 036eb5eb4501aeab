//! Issuing tokens, and finding out whose they are.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZero;
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::available_parallelism;

use merak_metastore::{CallerRef, Metastore};
use merak_model::{Clock, EntityId, RealmId};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::guesses::{Attempt, Guesses};
use crate::key_ring::KeyRing;
use crate::keys::RealmKey;
use crate::oidc::{Acceptance, Accepted};
use crate::scope::Scope;
use crate::secrets::is_secret_of;
use crate::tokens::{self, Claims, MAX_TOKEN_BYTES, Refusal, Subject};
use crate::verified::{TokenHash, VerifiedTokens};
use crate::{Authentication, AuthnSettings, BoxError, Error, KeyError, TokenError};

/// What OAuth calls the only type of token there is here.
pub const ACCESS_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";

/// Makes and checks tokens for the realms of one server.
///
/// Which realms there are, its callers know: it is only to be asked about those. Replicas over one
/// metastore accept each other's tokens.
#[derive(Debug)]
pub struct Authn {
    metastore: Arc<dyn Metastore>,
    clock: Arc<dyn Clock>,
    settings: AuthnSettings,
    /// The keys of the realms that were asked about.
    key_rings: RwLock<HashMap<RealmId, Arc<KeyRing>>>,
    verified: VerifiedTokens,
    acceptance: Acceptance,
    guesses: Guesses,
    /// As many as may sign at once where that is slow, so that tokens leave processors to others.
    slow_signers: Arc<Semaphore>,
}

/// What a client asks a token with.
#[derive(Debug)]
pub enum TokenRequest {
    /// Its own id and secret.
    ClientCredentials {
        /// Its id.
        client_id: String,
        /// Its secret.
        client_secret: SecretString,
        /// Where it asks from. Wrong secrets are counted by that too.
        address: IpAddr,
        /// The roles that the token is to activate.
        scope: Option<String>,
    },
    /// A token it already has.
    Exchange {
        /// That token.
        subject_token: SecretString,
        /// Of what type it says that is; [`ACCESS_TOKEN_TYPE`], or it is refused.
        subject_token_type: Option<String>,
        /// The roles that the new token is to activate: no more than those of the first; if absent,
        /// the same.
        scope: Option<String>,
    },
}

/// A new token.
#[derive(Debug)]
pub struct IssuedToken {
    /// The token.
    pub access_token: SecretString,
    /// How long it is good for, in seconds.
    pub expires_in_s: u64,
    /// The roles it activates.
    pub scope: String,
}

impl Authn {
    /// Makes and checks tokens as `settings` say. No key is made, and the metastore is not asked,
    /// before one is needed.
    pub fn new(
        metastore: Arc<dyn Metastore>,
        clock: Arc<dyn Clock>,
        settings: AuthnSettings,
    ) -> Self {
        let verified = VerifiedTokens::new(settings.verified_max_bytes);
        let processors = available_parallelism().map_or(1, NonZero::get);
        let slow_signers = Arc::new(Semaphore::new(processors.div_ceil(2)));
        let guesses = Guesses::new(&settings.guesses);
        let key_rings = RwLock::default();
        let acceptance = Acceptance::new(&settings, &clock);
        Self { metastore, clock, settings, key_rings, verified, acceptance, guesses, slow_signers }
    }

    /// Issues a token, with one statement against the metastore, and one more when the realm's key
    /// is first needed (two if that is an RSA key yet to be made). A request that is refused for its
    /// form, or because too many secrets were wrong, costs none.
    pub async fn issue_token(
        &self,
        realm: &RealmId,
        request: TokenRequest,
    ) -> Result<IssuedToken, TokenError> {
        self.require_issuing(realm)?;
        let subject = match request {
            TokenRequest::ClientCredentials { client_id, client_secret, address, scope } => {
                let scope = scope.as_deref();
                self.by_credentials(realm, client_id, &client_secret, address, scope).await?
            }
            TokenRequest::Exchange { subject_token, subject_token_type, scope } => {
                if subject_token_type.as_deref() != Some(ACCESS_TOKEN_TYPE) {
                    return Err(TokenError::InvalidRequest);
                }
                self.by_exchange(realm, &subject_token, scope.as_deref()).await?
            }
        };
        self.sign(realm, subject).await
    }

    /// Refuses to issue tokens in a realm that leaves that to an identity provider.
    pub fn require_issuing(&self, realm: &RealmId) -> Result<(), TokenError> {
        match &self.settings.of(realm).authentication {
            Authentication::Internal | Authentication::Mixed(_) => Ok(()),
            Authentication::External(oidc) => {
                Err(TokenError::IssuedElsewhere(oidc.provider.url.clone()))
            }
        }
    }

    /// Finds out who a bearer token says is calling. Without a statement against the metastore, but
    /// for one when the realm's key is first needed. The keys of an identity provider are looked up
    /// when they are first needed, and now and then.
    pub async fn verify(&self, realm: &RealmId, bearer: &str) -> Result<CallerRef, Error> {
        let now_s = self.clock.now_s();
        let hash = TokenHash::new(realm, bearer);
        if let Some(caller) = self.verified.get(hash, now_s).await {
            return Ok(caller);
        }
        let Accepted { caller, until_s } = match self.acceptance.of(realm).provider_of(bearer) {
            Some(provider) => provider.verify(bearer).await?,
            None => self.verify_own(realm, bearer).await?,
        };
        self.verified.insert(hash, caller.clone(), until_s, now_s).await;
        Ok(caller)
    }

    async fn verify_own(&self, realm: &RealmId, bearer: &str) -> Result<Accepted, Error> {
        let claims = self.check(realm, bearer).await?;
        let caller = CallerRef {
            principal: EntityId(claims.principal_id).into(),
            roles: Scope::of_claim(&claims.scope).into_selection(),
        };
        Ok(Accepted { caller, until_s: claims.exp })
    }

    /// How many bytes verified tokens are remembered in.
    #[cfg(test)]
    pub(crate) async fn verified_bytes(&self) -> u64 {
        self.verified.bytes().await
    }

    async fn by_credentials(
        &self,
        realm: &RealmId,
        client_id: String,
        client_secret: &SecretString,
        address: IpAddr,
        scope: Option<&str>,
    ) -> Result<Subject, TokenError> {
        // In Polaris' order: a client that gets two things wrong is told of the same one.
        if client_id.is_empty() || is_empty(client_secret) {
            return Err(TokenError::InvalidClient);
        }
        let scope = Scope::of_request(scope.unwrap_or_default())?;
        let attempt = Attempt::new(realm, &client_id, address);
        self.guesses.admit(&attempt, self.clock.now_ms()).await?;
        // PostgreSQL takes no NUL in a text, so that it cannot even be asked about this one.
        let found = if client_id.contains('\0') {
            None
        } else {
            let found = self.metastore.credentials(realm, &client_id).await;
            found.map_err(|error| TokenError::Unavailable(error.into()))?
        };
        let authentic = is_secret_of(found.as_ref().map(|found| &found.secrets), client_secret);
        let Some(found) = found.filter(|_| authentic) else {
            return Err(self.guesses.wrong(&attempt, self.clock.now_ms()).await);
        };
        self.guesses.right(&attempt, self.clock.now_ms()).await?;
        Ok(Subject {
            principal_id: found.principal.0,
            name: found.name,
            client_id,
            scope: scope.to_string(),
        })
    }

    #[expect(clippy::disallowed_methods, reason = "the subject token is checked")]
    async fn by_exchange(
        &self,
        realm: &RealmId,
        subject_token: &SecretString,
        scope: Option<&str>,
    ) -> Result<Subject, TokenError> {
        // Not counted if it is wrong: nobody guesses a signature.
        let claims = self.check(realm, subject_token.expose_secret()).await?;
        let scope = Scope::of_claim(&claims.scope).narrow(scope)?;
        let name = self.metastore.principal_name(realm, EntityId(claims.principal_id)).await;
        let name = name
            .map_err(|error| TokenError::Unavailable(error.into()))?
            .ok_or(TokenError::UnauthorizedClient)?;
        Ok(Subject {
            principal_id: claims.principal_id,
            name,
            client_id: claims.client_id,
            scope: scope.to_string(),
        })
    }

    async fn sign(&self, realm: &RealmId, subject: Subject) -> Result<IssuedToken, TokenError> {
        let lifetime_s = self.settings.of(realm).lifetime_s;
        let scope = subject.scope.clone();
        let claims = Claims::new(realm, subject, self.clock.now_s(), lifetime_s);
        let token = self.signed(realm, claims).await.map_err(TokenError::Unavailable)?;
        if token.len() > MAX_TOKEN_BYTES {
            // The scope is the only part that a client makes as long as it likes.
            return Err(TokenError::InvalidScope);
        }
        Ok(IssuedToken { access_token: token.into(), expires_in_s: lifetime_s, scope })
    }

    async fn signed(&self, realm: &RealmId, claims: Claims) -> Result<String, BoxError> {
        let key = self.key_ring(realm)?.for_signing().await?;
        if !key.signs_slowly() {
            return Ok(tokens::sign(&key, &claims)?);
        }
        let permit = Arc::clone(&self.slow_signers).acquire_owned().await?;
        let signed = spawn_blocking(move || {
            // Kept until it is done, even if nobody waits for it any more.
            let _permit = permit;
            tokens::sign(&key, &claims)
        });
        Ok(signed.await??)
    }

    /// What a token says, if it is one of the realm's and still good.
    async fn check(&self, realm: &RealmId, token: &str) -> Result<Claims, Error> {
        tokens::check_form(token)?;
        let key_ring = self.key_ring(realm).map_err(|error| Error::Unavailable(error.into()))?;
        let Some(key) = key_ring.for_checking().await.map_err(Error::Unavailable)? else {
            return Err(Error::InvalidToken("signed before the realm has a key"));
        };
        match self.check_with(&key, realm, token) {
            Err(Refusal::Signature) => {
                let newer = key_ring.newer_than(&key).await.map_err(Error::Unavailable)?;
                let newer = newer.ok_or(Refusal::Signature)?;
                Ok(self.check_with(&newer, realm, token)?)
            }
            checked => Ok(checked?),
        }
    }

    fn check_with(&self, key: &RealmKey, realm: &RealmId, token: &str) -> Result<Claims, Refusal> {
        tokens::check(key, token, realm, self.clock.now_s())
    }

    fn key_ring(&self, realm: &RealmId) -> Result<Arc<KeyRing>, KeyError> {
        let known = self.key_rings.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(key_ring) = known.get(realm) {
            return Ok(Arc::clone(key_ring));
        }
        drop(known);
        let broker = &self.settings.of(realm).broker;
        let made = Arc::new(KeyRing::new(realm, broker, &self.metastore, &self.clock)?);
        let mut known = self.key_rings.write().unwrap_or_else(PoisonError::into_inner);
        // Of two who come here at once, both go on with the first one's.
        Ok(Arc::clone(known.entry(realm.clone()).or_insert(made)))
    }
}

#[expect(clippy::disallowed_methods, reason = "only its length is looked at")]
fn is_empty(secret: &SecretString) -> bool {
    secret.expose_secret().is_empty()
}
