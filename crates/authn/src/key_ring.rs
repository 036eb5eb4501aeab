//! A realm's key: where it comes from, and when it is looked up again.

use std::sync::{Arc, PoisonError, RwLock};

use merak_metastore::Metastore;
use merak_model::{Clock, RealmId};
use secrecy::SecretBox;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use crate::keys::{RealmKey, StoredKind, is_same};
use crate::{BoxError, KeyError, TokenBroker};

/// How long after a look into the metastore the next one is worth it. As long as that a replica may
/// refuse tokens that another signs with a key made a moment ago; and that seldom do forged tokens
/// cost a statement.
const LOOK_AGAIN_AFTER_MS: i64 = 1000;

/// The key that a realm's tokens are signed with.
#[derive(Debug)]
pub(crate) enum KeyRing {
    /// One from the settings.
    Fixed(Arc<RealmKey>),
    /// One that replicas share by the metastore.
    Stored(StoredKey),
}

impl KeyRing {
    pub(crate) fn new(
        realm: &RealmId,
        broker: &TokenBroker,
        metastore: &Arc<dyn Metastore>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, KeyError> {
        let stored = |kind| {
            Self::Stored(StoredKey {
                realm: realm.clone(),
                kind,
                metastore: Arc::clone(metastore),
                clock: Arc::clone(clock),
                held: RwLock::new(None),
                last_look: Mutex::new(None),
            })
        };
        Ok(match broker {
            TokenBroker::Ed25519 => stored(StoredKind::Ed25519),
            TokenBroker::Rsa { files: None } => stored(StoredKind::Rsa),
            TokenBroker::Rsa { files: Some(files) } => Self::Fixed(Arc::clone(&files.key)),
            TokenBroker::Symmetric { secret } => {
                Self::Fixed(Arc::new(RealmKey::symmetric(secret)?))
            }
        })
    }

    /// The key to sign with, made now if there is none.
    pub(crate) async fn for_signing(&self) -> Result<Arc<RealmKey>, BoxError> {
        match self {
            Self::Fixed(key) => Ok(Arc::clone(key)),
            Self::Stored(stored) => stored.for_signing().await,
        }
    }

    /// The key to check with. If there is none, no token is the realm's.
    pub(crate) async fn for_checking(&self) -> Result<Option<Arc<RealmKey>>, BoxError> {
        match self {
            Self::Fixed(key) => Ok(Some(Arc::clone(key))),
            Self::Stored(stored) => stored.for_checking().await,
        }
    }

    /// The key that has taken the place of that one.
    pub(crate) async fn newer_than(
        &self,
        key: &Arc<RealmKey>,
    ) -> Result<Option<Arc<RealmKey>>, BoxError> {
        match self {
            Self::Fixed(_) => Ok(None),
            Self::Stored(stored) => stored.newer_than(key).await,
        }
    }
}

/// A key that the metastore keeps.
///
/// It never changes, unless the realm is purged and made anew behind our back. That is noticed when
/// a token comes that another replica signed with the new key.
#[derive(Debug)]
pub(crate) struct StoredKey {
    realm: RealmId,
    kind: StoredKind,
    metastore: Arc<dyn Metastore>,
    clock: Arc<dyn Clock>,
    held: RwLock<Option<Held>>,
    /// The last look into the metastore. Its lock is held while looking, so that one look serves all
    /// who wait.
    last_look: Mutex<Option<Look>>,
}

#[derive(Debug, Clone)]
struct Held {
    pkcs8: Arc<SecretBox<[u8]>>,
    key: Arc<RealmKey>,
}

impl Held {
    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.key, &other.key)
    }
}

#[derive(Debug)]
struct Look {
    at_ms: i64,
    failed: bool,
}

/// What those get who waited for a look that failed, instead of one failure after the other.
#[derive(Debug, thiserror::Error)]
#[error("the realm's signing key could not be read a moment ago")]
struct JustFailed;

impl StoredKey {
    async fn for_signing(&self) -> Result<Arc<RealmKey>, BoxError> {
        if let Some(key) = self.key() {
            return Ok(key);
        }
        let mut last = self.last_look.lock().await;
        if let Some(key) = self.key() {
            return Ok(key);
        }
        if self.recent(last.as_ref()).is_some_and(|look| look.failed) {
            return Err(JustFailed.into());
        }
        let found = self.find_or_make().await.and_then(|pkcs8| self.read(pkcs8));
        *last = Some(self.look(found.is_err()));
        let held = found?;
        self.hold(Some(held.clone()));
        Ok(held.key)
    }

    async fn for_checking(&self) -> Result<Option<Arc<RealmKey>>, BoxError> {
        if let Some(key) = self.key() {
            return Ok(Some(key));
        }
        let mut last = self.last_look.lock().await;
        if let Some(key) = self.key() {
            return Ok(Some(key));
        }
        match self.recent(last.as_ref()) {
            Some(look) if look.failed => return Err(JustFailed.into()),
            Some(_) => return Ok(None),
            None => {}
        }
        self.look_up(&mut last).await?;
        Ok(self.key())
    }

    async fn newer_than(&self, key: &Arc<RealmKey>) -> Result<Option<Arc<RealmKey>>, BoxError> {
        let mut last = self.last_look.lock().await;
        if self.key().is_none_or(|held| Arc::ptr_eq(&held, key))
            && self.recent(last.as_ref()).is_none()
        {
            self.look_up(&mut last).await?;
        }
        Ok(self.key().filter(|held| !Arc::ptr_eq(held, key)))
    }

    /// Holds what the metastore has, be it nothing.
    async fn look_up(&self, last: &mut Option<Look>) -> Result<(), BoxError> {
        let found = self.find().await.and_then(|found| match (found, self.held()) {
            (Some(pkcs8), Some(held)) if is_same(&pkcs8, &held.pkcs8) => Ok(Some(held)),
            (Some(pkcs8), _) => self.read(pkcs8).map(Some),
            (None, _) => Ok(None),
        });
        *last = Some(self.look(found.is_err()));
        let found = found?;
        if self.held().is_some_and(|held| found.as_ref().is_none_or(|new| !new.is(&held))) {
            tracing::warn!(
                realm = %self.realm,
                "the realm's signing key has changed: the realm was purged"
            );
        }
        self.hold(found);
        Ok(())
    }

    async fn find(&self) -> Result<Option<SecretBox<[u8]>>, BoxError> {
        Ok(self.metastore.find_signing_key(&self.realm, self.kind.name()).await?)
    }

    async fn find_or_make(&self) -> Result<SecretBox<[u8]>, BoxError> {
        let candidate = match self.kind {
            StoredKind::Ed25519 => self.kind.generate()?,
            StoredKind::Rsa => {
                // It takes a good part of a second to make one, and one is there but the first time.
                if let Some(found) = self.find().await? {
                    return Ok(found);
                }
                let kind = self.kind;
                spawn_blocking(move || kind.generate()).await??
            }
        };
        Ok(self.metastore.signing_key(&self.realm, self.kind.name(), &candidate).await?)
    }

    fn read(&self, pkcs8: SecretBox<[u8]>) -> Result<Held, BoxError> {
        let key = Arc::new(self.kind.read(&pkcs8)?);
        Ok(Held { pkcs8: Arc::new(pkcs8), key })
    }

    fn key(&self) -> Option<Arc<RealmKey>> {
        self.held().map(|held| held.key)
    }

    fn held(&self) -> Option<Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn hold(&self, held: Option<Held>) {
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = held;
    }

    fn look(&self, failed: bool) -> Look {
        Look { at_ms: self.clock.now_ms(), failed }
    }

    /// The last look, while it is too early for the next. One in the future is none: the clock was
    /// set back.
    fn recent<'a>(&self, last: Option<&'a Look>) -> Option<&'a Look> {
        let now_ms = self.clock.now_ms();
        last.filter(|look| (0..LOOK_AGAIN_AFTER_MS).contains(&now_ms.saturating_sub(look.at_ms)))
    }
}
