//! Wrong client secrets, counted, so that nobody gets to try many.
//!
//! Each client id has a bucket of attempts, whether or not there is such a client, and so has each
//! address. A wrong secret takes one out of both, and time puts it back; where either is empty, no
//! secret is looked at. A right secret takes nothing.
//!
//! By that alone, whoever knows a client's id could lock it out. So an address that a client showed
//! its right secret from has a bucket of its own for that client, and as long as something is in
//! it, the right secret is taken from there. A wrong one takes from all three, and is answered as
//! though there were only two: the limit tells nobody which ids there are.

use std::fmt;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use merak_model::RealmId;
use moka::future::Cache;
use moka::policy::EvictionPolicy;
use sha2::{Digest as _, Sha256};

use crate::{GuessSettings, TokenError};

/// So much of a client id is logged. It is as long as whoever guesses likes.
const MAX_SHOWN_CHARS: usize = 64;

/// Longer than that, the cache would not take.
const MAX_IDLE: Duration = Duration::from_hours(24 * 365);

/// The attempts that are left to each.
#[derive(Debug)]
pub(crate) struct Guesses {
    clients: Buckets<ClientKey>,
    /// Of all realms together.
    addresses: Buckets<Network>,
    /// Where clients showed their right secrets from.
    known: Buckets<(ClientKey, Network)>,
}

/// Somebody who shows a secret.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt<'a> {
    client_id: &'a str,
    address: IpAddr,
    client: ClientKey,
    network: Network,
}

/// A hash of a realm and a client id: as long for a long one as for a short one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct ClientKey([u8; 16]);

/// An address, as far as it is one client's: whoever has one of IPv6 has all the others that begin
/// with the same 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Network(IpAddr);

impl<'a> Attempt<'a> {
    pub(crate) fn new(realm: &RealmId, client_id: &'a str, address: IpAddr) -> Self {
        let client = ClientKey::new(realm, client_id);
        Self { client_id, address, client, network: Network::of(address) }
    }

    fn shown_id(&self) -> &'a str {
        let end = self.client_id.char_indices().nth(MAX_SHOWN_CHARS);
        end.map_or(self.client_id, |(end, _)| &self.client_id[..end])
    }
}

impl Guesses {
    pub(crate) fn new(settings: &GuessSettings) -> Self {
        Self {
            clients: Buckets::new(settings.per_client, settings, Keep::UntilFull),
            addresses: Buckets::new(settings.per_address, settings, Keep::UntilFull),
            known: Buckets::new(settings.per_client, settings, Keep::WhileThereIsPlace),
        }
    }

    /// Refuses to look at the secret if too many were wrong.
    pub(crate) async fn admit(&self, attempt: &Attempt<'_>, now_ms: i64) -> Result<(), TokenError> {
        match self.wait_ms(attempt, now_ms).await {
            0 => Ok(()),
            wait_ms => Err(too_many(wait_ms)),
        }
    }

    /// Takes note of a right secret. It is refused all the same if too many were wrong while it was
    /// looked at, or else many at once would get more tries than one after the other.
    pub(crate) async fn right(&self, attempt: &Attempt<'_>, now_ms: i64) -> Result<(), TokenError> {
        self.admit(attempt, now_ms).await?;
        self.known.remember((attempt.client, attempt.network)).await;
        Ok(())
    }

    /// Takes note of a wrong secret, and says how it is to be answered.
    pub(crate) async fn wrong(&self, attempt: &Attempt<'_>, now_ms: i64) -> TokenError {
        let (client_id, address) = (attempt.shown_id(), attempt.address);
        tracing::info!(client_id, %address, "wrong client secret");
        let known = (attempt.client, attempt.network);
        if self.known.wait_ms(&known, now_ms).await.is_some() {
            self.known.take(known, now_ms).await;
        }
        let of_client = self.clients.take(attempt.client, now_ms).await;
        let of_address = self.addresses.take(attempt.network, now_ms).await;
        if of_client == Taken::Last {
            tracing::warn!(client_id, %address, "too many wrong secrets for one client id");
        }
        if of_address == Taken::Last {
            tracing::warn!(client_id, %address, "too many wrong secrets from one address");
        }
        match of_client.wait_ms().max(of_address.wait_ms()) {
            0 => TokenError::UnauthorizedClient,
            wait_ms => too_many(wait_ms),
        }
    }

    async fn wait_ms(&self, attempt: &Attempt<'_>, now_ms: i64) -> u64 {
        let known = (attempt.client, attempt.network);
        if let Some(wait_ms) = self.known.wait_ms(&known, now_ms).await {
            return wait_ms;
        }
        let of_client = self.clients.wait_ms(&attempt.client, now_ms).await;
        let of_address = self.addresses.wait_ms(&attempt.network, now_ms).await;
        of_client.max(of_address).unwrap_or(0)
    }
}

fn too_many(wait_ms: u64) -> TokenError {
    TokenError::TooManyAttempts { retry_after_s: wait_ms.div_ceil(1000) }
}

impl ClientKey {
    fn new(realm: &RealmId, client_id: &str) -> Self {
        let name = realm.as_str().as_bytes();
        let digest = Sha256::new()
            .chain_update(name.len().to_le_bytes())
            .chain_update(name)
            .chain_update(client_id)
            .finalize();
        let mut key = [0; 16];
        key.copy_from_slice(&digest[..16]);
        Self(key)
    }
}

impl Network {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.into()),
            IpAddr::V6(address) => {
                let host = u128::from(u64::MAX);
                Self(Ipv6Addr::from_bits(address.to_bits() & !host).into())
            }
        }
    }
}

/// Buckets of one size, one for each key. What has no bucket yet has a full one.
///
/// The one that was not asked for longest makes place for a new one. Only a wrong secret that was
/// looked at makes one, so that whoever wants to be forgotten pays for each place with an attempt.
struct Buckets<K> {
    /// None if nothing is counted.
    size: Option<Size>,
    cache: Cache<K, Arc<Mutex<Bucket>>>,
}

/// How long a bucket is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keep {
    /// A full one is as good as none.
    UntilFull,
    /// A full one says something, too.
    WhileThereIsPlace,
}

impl<K: Hash + Eq + Send + Sync + 'static> Buckets<K> {
    fn new(attempts: u32, settings: &GuessSettings, keep: Keep) -> Self {
        let window_ms = settings.window_ms.max(1);
        let size = Size { attempts, window_ms };
        let cache = Cache::builder()
            .max_capacity(settings.max_entries)
            // The default policy may turn away the new one instead, so that it is never counted.
            .eviction_policy(EvictionPolicy::lru());
        let cache = match keep {
            // One that nobody asked for in all that time is surely full.
            Keep::UntilFull => cache.time_to_idle(Duration::from_millis(window_ms).min(MAX_IDLE)),
            Keep::WhileThereIsPlace => cache,
        };
        let cache = cache.build();
        Self { size: (attempts > 0).then_some(size), cache }
    }

    /// How long it is until an attempt is left, if there is a bucket.
    async fn wait_ms(&self, key: &K, now_ms: i64) -> Option<u64> {
        let size = self.size?;
        let bucket = self.cache.get(key).await?;
        let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        Some(bucket.wait_ms(size, now_ms))
    }

    /// Takes an attempt out of a bucket.
    async fn take(&self, key: K, now_ms: i64) -> Taken {
        let Some(size) = self.size else { return Taken::OneOfMany };
        let bucket = self.cache.get_with(key, async { Arc::default() }).await;
        let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        bucket.take(size, now_ms)
    }

    /// Sees to it that there is a bucket.
    async fn remember(&self, key: K) {
        if self.size.is_some() {
            self.cache.get_with(key, async { Arc::default() }).await;
        }
    }
}

impl<K> fmt::Debug for Buckets<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buckets").field("size", &self.size).finish_non_exhaustive()
    }
}

/// How many attempts a bucket holds, and the time in which an empty one fills up.
#[derive(Debug, Clone, Copy)]
struct Size {
    attempts: u32,
    window_ms: u64,
}

/// How much of it is gone. An attempt counts `window_ms`, and each millisecond puts `attempts`
/// back: these are whole numbers, however the two divide.
#[derive(Debug, Default)]
struct Bucket {
    gone: u128,
    at_ms: i64,
    /// Whether somebody was told that it is empty, since it was last full.
    was_reported: bool,
}

/// What came of taking an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    OneOfMany,
    /// It was the last one, for the first time since the bucket was full.
    Last,
    /// There was none, nor will there be for so long.
    None {
        wait_ms: u64,
    },
}

impl Taken {
    fn wait_ms(self) -> u64 {
        match self {
            Self::OneOfMany | Self::Last => 0,
            Self::None { wait_ms } => wait_ms,
        }
    }
}

impl Bucket {
    fn take(&mut self, size: Size, now_ms: i64) -> Taken {
        let wait_ms = self.wait_ms(size, now_ms);
        if wait_ms > 0 {
            return Taken::None { wait_ms };
        }
        self.gone += u128::from(size.window_ms);
        if self.was_reported || self.wait_ms(size, now_ms) == 0 {
            return Taken::OneOfMany;
        }
        self.was_reported = true;
        Taken::Last
    }

    /// How long it is until an attempt is left.
    fn wait_ms(&mut self, size: Size, now_ms: i64) -> u64 {
        self.refill(size, now_ms);
        let all_but_one = u128::from(size.attempts - 1) * u128::from(size.window_ms);
        let wait_ms = self.gone.saturating_sub(all_but_one).div_ceil(u128::from(size.attempts));
        u64::try_from(wait_ms).unwrap_or(u64::MAX)
    }

    fn refill(&mut self, size: Size, now_ms: i64) {
        // A clock that is put back must not stop the filling until it is where it was.
        let passed_ms = u64::try_from(now_ms.saturating_sub(self.at_ms)).unwrap_or(0);
        self.at_ms = now_ms;
        self.gone = self.gone.saturating_sub(u128::from(passed_ms) * u128::from(size.attempts));
        self.was_reported &= self.gone > 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { attempts: 3, window_ms: 1000 };
    const NOW: i64 = 1_700_000_000_000;

    fn emptied() -> Bucket {
        let mut bucket = Bucket::default();
        for _ in 0..SIZE.attempts {
            bucket.take(SIZE, NOW);
        }
        bucket
    }

    #[test]
    fn a_bucket_gives_as_many_attempts_as_it_holds() {
        let mut bucket = Bucket::default();

        let taken = [(); 4].map(|()| bucket.take(SIZE, NOW));

        // A third of a second, and no less.
        let none = Taken::None { wait_ms: 334 };
        assert_eq!(taken, [Taken::OneOfMany, Taken::OneOfMany, Taken::Last, none]);
    }

    #[test]
    fn time_puts_attempts_back_one_by_one() {
        let mut bucket = emptied();

        assert_eq!(bucket.take(SIZE, NOW + 333), Taken::None { wait_ms: 1 });
        assert_eq!(bucket.take(SIZE, NOW + 334), Taken::OneOfMany);
        assert_eq!(bucket.take(SIZE, NOW + 666), Taken::None { wait_ms: 1 });
        assert_eq!(bucket.take(SIZE, NOW + 667), Taken::OneOfMany);
    }

    #[test]
    fn a_bucket_is_full_after_its_window_and_never_more_than_full() {
        for later in [1000, 1_000_000] {
            let mut bucket = emptied();

            let taken = [(); 4].map(|()| bucket.take(SIZE, NOW + later).wait_ms());

            assert_eq!(taken, [0, 0, 0, 334], "{later}");
        }
    }

    #[test]
    fn the_last_attempt_is_told_once_until_the_bucket_is_full_again() {
        let mut bucket = emptied();

        assert_eq!(bucket.take(SIZE, NOW + 500), Taken::OneOfMany);
        // Half a second's worth was there, and an attempt's worth was taken.
        let full = NOW + 500 + 834;
        for expected in [Taken::OneOfMany, Taken::OneOfMany, Taken::Last] {
            assert_eq!(bucket.take(SIZE, full), expected);
        }
    }

    #[test]
    fn a_clock_that_is_put_back_does_not_stop_the_filling() {
        let mut bucket = emptied();
        let put_back = NOW - 3_600_000;

        assert_eq!(bucket.take(SIZE, put_back), Taken::None { wait_ms: 334 });
        assert_eq!(bucket.take(SIZE, put_back + 334), Taken::OneOfMany);
    }

    #[test]
    fn a_bucket_of_any_size_does_not_overflow() {
        for size in [
            Size { attempts: u32::MAX, window_ms: u64::MAX },
            Size { attempts: 1, window_ms: u64::MAX },
            Size { attempts: u32::MAX, window_ms: 1 },
        ] {
            let mut bucket = Bucket::default();
            for now_ms in [0, i64::MIN, i64::MAX] {
                bucket.take(size, now_ms);
            }
        }
    }

    #[test]
    fn a_window_may_be_as_long_as_can_be_said() {
        let settings = GuessSettings { window_ms: u64::MAX, ..GuessSettings::default() };

        let _ = Guesses::new(&settings);
    }

    #[test]
    fn an_address_of_ipv6_counts_by_its_first_64_bits_and_one_of_ipv4_in_full() {
        let network = |address: &str| Network::of(address.parse().unwrap());

        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("::ffff:192.0.2.1"), network("::ffff:192.0.2.2"));
    }

    #[test]
    fn a_client_id_is_one_of_its_realm_wherever_the_realm_ends() {
        let key = |realm, client_id| ClientKey::new(&RealmId::new(realm), client_id);

        assert_eq!(key("ab", "c"), key("ab", "c"));
        for (realm, client_id) in [("a", "bc"), ("xy", "c"), ("ab", "d")] {
            assert_ne!(key("ab", "c"), key(realm, client_id), "{realm} {client_id}");
        }
    }

    #[test]
    fn of_a_long_client_id_the_beginning_is_logged() {
        let shown = |id: &str| {
            let address = IpAddr::from([192, 0, 2, 1]);
            Attempt::new(&RealmId::new("a"), id, address).shown_id().to_owned()
        };

        assert_eq!(shown(&"ü".repeat(64)), "ü".repeat(64));
        assert_eq!(shown(&"ü".repeat(65)), "ü".repeat(64));
    }

    #[tokio::test]
    async fn no_more_buckets_are_kept_than_allowed_and_the_one_longest_unused_goes() {
        let settings = GuessSettings { max_entries: 3, ..GuessSettings::default() };
        let buckets = Buckets::new(1, &settings, Keep::UntilFull);
        for key in [1, 2, 3] {
            buckets.take(key, NOW).await;
            buckets.cache.run_pending_tasks().await;
        }
        // Whoever comes again is not forgotten for it, though nothing is taken.
        buckets.wait_ms(&1, NOW).await;
        buckets.cache.run_pending_tasks().await;

        buckets.take(4, NOW).await;

        buckets.cache.run_pending_tasks().await;
        let mut left = Vec::new();
        for key in [1, 2, 3, 4] {
            left.push(buckets.wait_ms(&key, NOW).await.is_some());
        }
        assert_eq!(left, [true, false, true, true]);
    }
}
