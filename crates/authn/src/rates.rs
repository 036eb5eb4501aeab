//! Requests, counted, so that no realm, principal or address makes too many.
//!
//! Each has a bucket of requests, and time puts them back. Each replica counts for itself.

use std::net::IpAddr;
use std::sync::Arc;

use merak_metastore::{CallerRef, PrincipalRef};
use merak_model::{Clock, RealmId};

use crate::buckets::{Bucket, Buckets, Keep, Network, Size};

/// For so long it is not said again that requests of one bucket are refused.
const QUIET_MS: u64 = 60_000;

/// How many requests there may be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RateSettings {
    /// In one realm in a second; 0 for any number.
    pub per_realm_and_second: u32,
    /// Of one principal in the window; 0 for any number.
    pub per_principal: u32,
    /// From one address in the window, whatever the realm; 0 for any number.
    pub per_address: u32,
    /// The time in which as many may come again, of one principal or from one address.
    pub window_ms: u64,
    /// How many principals are remembered, and how many addresses.
    pub max_entries: u64,
}

/// By what requests are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// All of a realm together.
    ByRealm,
    /// Those of one principal.
    ByPrincipal,
    /// Those from one address.
    ByAddress,
}

/// A request is one too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManyRequests {
    /// Of which there were too many.
    pub counted: Counted,
    /// When the next one is let in, in whole seconds, of which there is at least one.
    pub retry_after_s: u64,
}

/// The requests that are left to each.
#[derive(Debug)]
pub struct RateLimiter {
    clock: Arc<dyn Clock>,
    realms: Buckets<RealmId, Meter>,
    /// One who is known by id in one token and by name in another has two buckets.
    principals: Buckets<(RealmId, PrincipalRef), Meter>,
    /// Of all realms together.
    addresses: Buckets<Network, Meter>,
}

impl RateLimiter {
    /// Lets in as many as `settings` say.
    pub fn new(settings: &RateSettings, clock: Arc<dyn Clock>) -> Self {
        let of_principal = Size::new(settings.per_principal, settings.window_ms);
        let of_address = Size::new(settings.per_address, settings.window_ms);
        // Not forgotten before its next line may be logged, or a flood would fill the log.
        let keep = Keep::ForMs(settings.window_ms.max(QUIET_MS));
        Self {
            clock,
            // There are no more than are configured.
            realms: Buckets::new(
                Size::new(settings.per_realm_and_second, 1000),
                u64::MAX,
                Keep::WhileThereIsPlace,
            ),
            principals: Buckets::new(of_principal, settings.max_entries, keep),
            addresses: Buckets::new(of_address, settings.max_entries, keep),
        }
    }

    /// Counts a request from an address.
    pub async fn admit_from(&self, address: IpAddr) -> Result<(), TooManyRequests> {
        let refused = admit(&self.addresses, Network::of(address), self.clock.now_ms()).await;
        let Err(refusal) = refused else { return Ok(()) };
        if let Some(refused) = refusal.to_tell {
            tracing::warn!(%address, refused, "too many requests from one address");
        }
        Err(refusal.into_error(Counted::ByAddress))
    }

    /// Counts a request of a principal, and in its realm. One that is refused to the principal takes
    /// nothing from the realm, so that no principal takes all there is for others.
    pub async fn admit(&self, realm: &RealmId, caller: &CallerRef) -> Result<(), TooManyRequests> {
        let key = || (realm.clone(), caller.principal.clone());
        if self.principals.counts() {
            let refused = admit(&self.principals, key(), self.clock.now_ms()).await;
            if let Err(refusal) = refused {
                if let Some(refused) = refusal.to_tell {
                    let principal = match &caller.principal {
                        PrincipalRef::Id(id) => id.to_string(),
                        PrincipalRef::Name(name) => name.clone(),
                    };
                    tracing::warn!(%realm, principal, refused, "too many requests of one principal");
                }
                return Err(refusal.into_error(Counted::ByPrincipal));
            }
        }
        self.admit_in(realm).await
    }

    /// Counts a request in a realm, of whoever it is.
    pub async fn admit_in(&self, realm: &RealmId) -> Result<(), TooManyRequests> {
        let refused = admit(&self.realms, realm.clone(), self.clock.now_ms()).await;
        let Err(refusal) = refused else { return Ok(()) };
        if let Some(refused) = refusal.to_tell {
            tracing::warn!(%realm, refused, "too many requests in one realm");
        }
        Err(refusal.into_error(Counted::ByRealm))
    }
}

async fn admit<K: std::hash::Hash + Eq + Send + Sync + 'static>(
    buckets: &Buckets<K, Meter>,
    key: K,
    now_ms: i64,
) -> Result<(), Refusal> {
    let admitted = buckets.with(key, |meter, size| meter.admit(size, now_ms)).await;
    admitted.unwrap_or(Ok(()))
}

/// A bucket, and what was said of it.
#[derive(Debug, Default)]
struct Meter {
    bucket: Bucket,
    /// How many were refused since it was last said.
    refused: u64,
    /// When it was last said.
    told_ms: Option<i64>,
}

#[derive(Debug, PartialEq, Eq)]
struct Refusal {
    wait_ms: u64,
    /// How many were refused since it was last said, if it is to be said.
    to_tell: Option<u64>,
}

impl Refusal {
    fn into_error(self, counted: Counted) -> TooManyRequests {
        TooManyRequests { counted, retry_after_s: self.wait_ms.div_ceil(1000).max(1) }
    }
}

impl Meter {
    fn admit(&mut self, size: Size, now_ms: i64) -> Result<(), Refusal> {
        let wait_ms = self.bucket.take(size, now_ms).wait_ms();
        if wait_ms == 0 {
            return Ok(());
        }
        self.refused += 1;
        // Also if the clock was put back: it may be long until it is where it was.
        let is_quiet = self.told_ms.is_some_and(|told_ms| now_ms.abs_diff(told_ms) < QUIET_MS);
        let to_tell = (!is_quiet).then(|| {
            self.told_ms = Some(now_ms);
            std::mem::take(&mut self.refused)
        });
        Err(Refusal { wait_ms, to_tell })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use merak_metastore::RoleSelection;
    use merak_model::EntityId;

    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    #[derive(Debug, Clone)]
    struct Hand(Arc<AtomicI64>);

    impl Clock for Hand {
        fn now_ms(&self) -> i64 {
            self.0.load(Ordering::SeqCst)
        }
    }

    struct Limited {
        limiter: RateLimiter,
        clock: Hand,
    }

    impl Limited {
        fn new(settings: &RateSettings) -> Self {
            let clock = Hand(Arc::new(AtomicI64::new(NOW)));
            Self { limiter: RateLimiter::new(settings, Arc::new(clock.clone())), clock }
        }

        fn pass_ms(&self, ms: i64) {
            self.clock.0.fetch_add(ms, Ordering::SeqCst);
        }

        async fn by(&self, realm: &str, principal: i64) -> Result<(), TooManyRequests> {
            let principal = PrincipalRef::Id(EntityId(principal));
            let caller = CallerRef { principal, roles: RoleSelection::All };
            self.limiter.admit(&RealmId::new(realm), &caller).await
        }

        async fn from(&self, address: &str) -> Result<(), TooManyRequests> {
            self.limiter.admit_from(address.parse().unwrap()).await
        }
    }

    fn settings() -> RateSettings {
        RateSettings { window_ms: 10_000, max_entries: 100, ..RateSettings::default() }
    }

    fn refused(counted: Counted, retry_after_s: u64) -> Result<(), TooManyRequests> {
        Err(TooManyRequests { counted, retry_after_s })
    }

    #[tokio::test]
    async fn a_realm_has_its_requests_anew_each_second() {
        let limited = Limited::new(&RateSettings { per_realm_and_second: 2, ..settings() });
        let too_many = refused(Counted::ByRealm, 1);

        for _ in 0..2 {
            assert_eq!(limited.by("a", 1).await, Ok(()));
            assert_eq!(limited.limiter.admit_in(&RealmId::new("b")).await, Ok(()));
        }
        assert_eq!(limited.by("a", 2).await, too_many);
        assert_eq!(limited.limiter.admit_in(&RealmId::new("b")).await, too_many);
        limited.pass_ms(499);
        assert_eq!(limited.by("a", 1).await, too_many);
        limited.pass_ms(1);
        assert_eq!(limited.by("a", 1).await, Ok(()));
        assert_eq!(limited.by("a", 1).await, too_many);
    }

    #[tokio::test]
    async fn a_principal_is_told_in_whole_seconds_when_to_come_again() {
        let limited = Limited::new(&RateSettings { per_principal: 4, ..settings() });
        for _ in 0..4 {
            assert_eq!(limited.by("a", 1).await, Ok(()));
        }

        // One comes again each 2.5 s.
        assert_eq!(limited.by("a", 1).await, refused(Counted::ByPrincipal, 3));
        limited.pass_ms(2000);
        assert_eq!(limited.by("a", 1).await, refused(Counted::ByPrincipal, 1));
        limited.pass_ms(500);
        assert_eq!(limited.by("a", 1).await, Ok(()));

        assert_eq!(limited.by("a", 2).await, Ok(()));
        assert_eq!(limited.by("b", 1).await, Ok(()), "ids are a realm's own");
    }

    #[tokio::test]
    async fn what_is_refused_to_a_principal_is_left_to_its_realm() {
        let limited =
            Limited::new(&RateSettings { per_realm_and_second: 3, per_principal: 1, ..settings() });
        assert_eq!(limited.by("a", 1).await, Ok(()));

        for _ in 0..10 {
            assert_eq!(limited.by("a", 1).await, refused(Counted::ByPrincipal, 10));
        }

        assert_eq!(limited.by("a", 2).await, Ok(()));
        assert_eq!(limited.by("a", 3).await, Ok(()));
        assert_eq!(limited.by("a", 4).await, refused(Counted::ByRealm, 1));
    }

    #[tokio::test]
    async fn addresses_of_one_network_count_as_one() {
        let limited = Limited::new(&RateSettings { per_address: 2, ..settings() });

        assert_eq!(limited.from("2001:db8::1").await, Ok(()));
        assert_eq!(limited.from("2001:db8::2").await, Ok(()));
        assert_eq!(limited.from("2001:db8::3").await, refused(Counted::ByAddress, 5));
        assert_eq!(limited.from("2001:db8:0:1::1").await, Ok(()));
        assert_eq!(limited.from("192.0.2.1").await, Ok(()));
    }

    #[tokio::test]
    async fn without_a_limit_nothing_is_counted() {
        let limited = Limited::new(&settings());

        for _ in 0..1000 {
            assert_eq!(limited.by("a", 1).await, Ok(()));
            assert_eq!(limited.from("192.0.2.1").await, Ok(()));
        }
    }

    #[test]
    fn a_flood_is_told_of_once_a_minute_with_how_much_was_refused() {
        let size = Size::new(1, 3_600_000).unwrap();
        let mut meter = Meter::default();
        let mut told = |now_ms| meter.admit(size, now_ms).err().map(|refusal| refusal.to_tell);

        assert_eq!(told(NOW), None);
        assert_eq!(told(NOW + 1), Some(Some(1)));
        for later in [2, 3, 60_000] {
            assert_eq!(told(NOW + later), Some(None));
        }
        assert_eq!(told(NOW + 60_001), Some(Some(4)));
        assert_eq!(told(NOW + 60_002), Some(None));
        // A clock that is put back does not make it silent until it is where it was.
        assert_eq!(told(NOW - 1_000_000), Some(Some(2)));
    }
}
