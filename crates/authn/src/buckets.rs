//! Buckets that are emptied by what is counted, and that time fills again: one for each of many
//! keys, of which only so many are remembered.

use std::fmt;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use moka::future::Cache;
use moka::policy::EvictionPolicy;

/// Longer than that, the cache would not take.
const MAX_IDLE: Duration = Duration::from_hours(24 * 365);

/// An address, as far as it is one client's: whoever has one of IPv6 has all the others that begin
/// with the same 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Network(IpAddr);

impl Network {
    pub(crate) fn of(address: IpAddr) -> Self {
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
/// The one that was not asked for longest makes place for a new one.
pub(crate) struct Buckets<K, B = Bucket> {
    /// None if nothing is counted.
    size: Option<Size>,
    cache: Cache<K, Arc<Mutex<B>>>,
}

/// How long a bucket is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Until nobody asked for it in so many milliseconds: a full one is as good as none.
    ForMs(u64),
    /// A full one says something, too.
    WhileThereIsPlace,
}

impl<K: Hash + Eq + Send + Sync + 'static, B: Default + Send + 'static> Buckets<K, B> {
    /// Nothing is counted where the size is that of no bucket.
    pub(crate) fn new(size: Option<Size>, max_entries: u64, keep: Keep) -> Self {
        let cache = Cache::builder()
            .max_capacity(max_entries)
            // The default policy may turn away the new one instead, so that it is never counted.
            .eviction_policy(EvictionPolicy::lru());
        let cache = match keep {
            Keep::ForMs(ms) => cache.time_to_idle(Duration::from_millis(ms.max(1)).min(MAX_IDLE)),
            Keep::WhileThereIsPlace => cache,
        };
        Self { size, cache: cache.build() }
    }

    /// Whether anything is counted.
    pub(crate) fn counts(&self) -> bool {
        self.size.is_some()
    }

    /// Looks into a bucket, if there is one.
    pub(crate) async fn look<T>(&self, key: &K, look: impl FnOnce(&mut B, Size) -> T) -> Option<T> {
        let size = self.size?;
        let bucket = self.cache.get(key).await?;
        let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        Some(look(&mut bucket, size))
    }

    /// Does something with a bucket, which is made if there is none; nothing, if nothing is counted.
    pub(crate) async fn with<T>(&self, key: K, act: impl FnOnce(&mut B, Size) -> T) -> Option<T> {
        let size = self.size?;
        let bucket = self.cache.get_with(key, async { Arc::default() }).await;
        let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        Some(act(&mut bucket, size))
    }

    /// Sees to it that there is a bucket.
    pub(crate) async fn remember(&self, key: K) {
        self.with(key, |_, _| ()).await;
    }
}

impl<K: Hash + Eq + Send + Sync + 'static> Buckets<K> {
    /// How long it is until an attempt is left, if there is a bucket.
    pub(crate) async fn wait_ms(&self, key: &K, now_ms: i64) -> Option<u64> {
        self.look(key, |bucket, size| bucket.wait_ms(size, now_ms)).await
    }

    /// Takes an attempt out of a bucket.
    pub(crate) async fn take(&self, key: K, now_ms: i64) -> Taken {
        let taken = self.with(key, |bucket, size| bucket.take(size, now_ms)).await;
        taken.unwrap_or(Taken::OneOfMany)
    }
}

impl<K, B> fmt::Debug for Buckets<K, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buckets").field("size", &self.size).finish_non_exhaustive()
    }
}

/// How many attempts a bucket holds, and the time in which an empty one fills up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    attempts: u32,
    window_ms: u64,
}

impl Size {
    /// None for no attempts at all: nothing is counted then.
    pub(crate) fn new(attempts: u32, window_ms: u64) -> Option<Self> {
        (attempts > 0).then_some(Self { attempts, window_ms: window_ms.max(1) })
    }
}

/// How much of it is gone. An attempt counts `window_ms`, and each millisecond puts `attempts`
/// back: these are whole numbers, however the two divide.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    gone: u128,
    at_ms: i64,
    /// Whether somebody was told that it is empty, since it was last full.
    was_reported: bool,
}

/// What came of taking an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    OneOfMany,
    /// It was the last one, for the first time since the bucket was full.
    Last,
    /// There was none, nor will there be for so long.
    None {
        wait_ms: u64,
    },
}

impl Taken {
    pub(crate) fn wait_ms(self) -> u64 {
        match self {
            Self::OneOfMany | Self::Last => 0,
            Self::None { wait_ms } => wait_ms,
        }
    }
}

impl Bucket {
    pub(crate) fn take(&mut self, size: Size, now_ms: i64) -> Taken {
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
    fn an_address_of_ipv6_counts_by_its_first_64_bits_and_one_of_ipv4_in_full() {
        let network = |address: &str| Network::of(address.parse().unwrap());

        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("::ffff:192.0.2.1"), network("::ffff:192.0.2.2"));
    }

    #[tokio::test]
    async fn no_more_buckets_are_kept_than_allowed_and_the_one_longest_unused_goes() {
        let buckets: Buckets<_> = Buckets::new(Size::new(1, 60_000), 3, Keep::ForMs(60_000));
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
