//! Tokens that were found good, so that their signatures are checked once.

use std::fmt;
use std::time::{Duration, Instant};

use merak_metastore::{CallerRef, PrincipalRef, RoleSelection};
use merak_model::RealmId;
use moka::Expiry;
use moka::future::Cache;
use sha2::{Digest as _, Sha256};

use crate::tokens::is_expired;

/// What one entry takes besides the names of its roles: its key and value, and the cache's own
/// bookkeeping, rounded up.
const ENTRY_BYTES: usize = 320;

/// What the name of a role takes besides its bytes.
const NAME_BYTES: usize = 40;

/// The verified tokens of all realms, by their hash. The tokens themselves are not kept.
///
/// A realm that is purged takes nothing from here: its tokens name principals that are gone.
pub(crate) struct VerifiedTokens {
    cache: Cache<TokenHash, Verified>,
}

/// The SHA-256 of a realm and a token: no token is found in a realm it was not verified in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TokenHash([u8; 32]);

#[derive(Debug, Clone)]
struct Verified {
    caller: CallerRef,
    exp: i64,
    /// How long that is from when it was verified.
    remaining: Duration,
}

impl TokenHash {
    pub(crate) fn new(realm: &RealmId, token: &str) -> Self {
        let name = realm.as_str().as_bytes();
        let digest = Sha256::new()
            .chain_update(name.len().to_le_bytes())
            .chain_update(name)
            .chain_update(token)
            .finalize();
        Self(digest.into())
    }
}

impl VerifiedTokens {
    pub(crate) fn new(max_bytes: u64) -> Self {
        let cache = Cache::builder()
            .max_capacity(max_bytes)
            .weigher(|_, verified: &Verified| weight(&verified.caller))
            .expire_after(UntilExpired)
            .build();
        Self { cache }
    }

    /// Who a token is for, if it was verified and is still good.
    pub(crate) async fn get(&self, token: TokenHash, now_s: i64) -> Option<CallerRef> {
        // The cache drops what has expired by a clock of its own; ours decides.
        let verified = self.cache.get(&token).await?;
        (!is_expired(verified.exp, now_s)).then_some(verified.caller)
    }

    pub(crate) async fn insert(&self, token: TokenHash, caller: CallerRef, exp: i64, now_s: i64) {
        let remaining = u64::try_from(exp.saturating_sub(now_s)).unwrap_or(0);
        let remaining = Duration::from_secs(remaining);
        self.cache.insert(token, Verified { caller, exp, remaining }).await;
    }

    /// How many bytes are accounted for.
    #[cfg(test)]
    pub(crate) async fn bytes(&self) -> u64 {
        self.cache.run_pending_tasks().await;
        self.cache.weighted_size()
    }
}

impl fmt::Debug for VerifiedTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedTokens").field("count", &self.cache.entry_count()).finish()
    }
}

fn weight(caller: &CallerRef) -> u32 {
    let principal = match &caller.principal {
        PrincipalRef::Id(_) => 0,
        PrincipalRef::Name(name) => name.len() + NAME_BYTES,
    };
    let roles = match &caller.roles {
        RoleSelection::All => 0,
        RoleSelection::Named(names) => names.iter().map(|name| name.len() + NAME_BYTES).sum(),
    };
    u32::try_from(ENTRY_BYTES + principal + roles).unwrap_or(u32::MAX)
}

/// Lets an entry go when its token expires.
struct UntilExpired;

impl Expiry<TokenHash, Verified> for UntilExpired {
    fn expire_after_create(&self, _: &TokenHash, new: &Verified, _: Instant) -> Option<Duration> {
        Some(new.remaining)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use merak_model::EntityId;

    fn caller() -> CallerRef {
        CallerRef {
            principal: EntityId(7).into(),
            roles: RoleSelection::Named(vec!["analyst".into()]),
        }
    }

    #[tokio::test]
    async fn a_token_is_found_in_its_realm_until_it_expires() {
        let tokens = VerifiedTokens::new(10_000);
        let hash = TokenHash::new(&RealmId::new("a"), "token");
        tokens.insert(hash, caller(), 200, 100).await;

        assert_eq!(tokens.get(hash, 199).await, Some(caller()));
        assert_eq!(tokens.get(hash, 200).await, None);
        assert_eq!(tokens.get(TokenHash::new(&RealmId::new("b"), "token"), 100).await, None);
        assert_eq!(tokens.get(TokenHash::new(&RealmId::new("a"), "other"), 100).await, None);
    }

    #[test]
    fn where_the_realm_ends_and_the_token_begins_makes_a_difference() {
        let one = TokenHash::new(&RealmId::new("ab"), "c");
        let other = TokenHash::new(&RealmId::new("a"), "bc");

        assert_ne!(one, other);
    }

    #[tokio::test]
    async fn no_more_is_kept_than_allowed() {
        let tokens = VerifiedTokens::new(10_000);
        for nth in 0..1000 {
            let hash = TokenHash::new(&RealmId::new("a"), &nth.to_string());
            tokens.insert(hash, caller(), 200, 100).await;
        }

        let bytes = tokens.bytes().await;

        assert!((1..=10_000).contains(&bytes), "{bytes}");
    }

    #[test]
    fn long_role_names_weigh_more() {
        let long = CallerRef {
            principal: EntityId(7).into(),
            roles: RoleSelection::Named(vec!["x".repeat(1000)]),
        };

        assert!(weight(&long) > weight(&caller()) + 900);
    }
}
