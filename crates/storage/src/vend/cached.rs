//! Vended credentials that are kept: minted once for many, and again before they end.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use merak_model::{Clock, RealmId};
use moka::future::Cache;
use tokio::sync::{Mutex, RwLock, Semaphore};

use super::{CredentialVendor, VendError, VendRequest, VendedCredentials};

/// Secrets that nobody has asked for in so long are forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(1);

/// After a refresh ahead that failed, the next is not tried sooner.
const REFRESH_AGAIN_MS: i64 = 5_000;

/// How credentials are kept.
#[derive(Debug, Clone, Copy)]
pub struct CacheSettings {
    /// How many are kept: `polaris.storage-credential-cache.max-entries`. One with a large storage
    /// configuration counts for several.
    pub max_entries: u64,
    /// What a client gets lives at least so long, or a quarter of what it lived when it was minted
    /// if that is less: `merak.vending.min-remaining`.
    pub min_remaining: Duration,
    /// How many are minted at a time at one address of a cloud for one realm, and a hundredth of how
    /// many may wait for that: `merak.vending.max-concurrent`.
    pub max_concurrent: usize,
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self { max_entries: 10_000, min_remaining: Duration::from_mins(10), max_concurrent: 32 }
    }
}

/// A vendor that mints once for equal requests, however many wait, and again in the background while
/// what it has is still good. Whoever hangs up does not stop the minting that others wait for.
#[derive(Debug, Clone)]
pub(crate) struct Cached {
    vendor: Arc<dyn CredentialVendor>,
    clock: Arc<dyn Clock>,
    min_remaining_ms: i64,
    max_concurrent: usize,
    lanes: Cache<LaneKey, Arc<Lane>>,
    slots: Cache<Arc<VendRequest>, Arc<Slot>>,
}

/// Whose calls wait for one another: those of one realm to one address. A catalog can name an address
/// that never answers, and must not stop others with it.
type LaneKey = (RealmId, Option<String>);

/// The calls to one address.
#[derive(Debug)]
struct Lane {
    turns: Semaphore,
    places: Semaphore,
}

/// So many lanes are kept: few catalogs have an address of their own.
const MAX_LANES: u64 = 1_000;
/// For each that is minted, so many may wait.
const WAITERS: usize = 100;
/// A slot counts for one more with each so many bytes of its key.
const BYTES_OF_AN_ENTRY: usize = 4_096;

/// What is kept for one request.
#[derive(Debug, Default)]
struct Slot {
    current: RwLock<Option<Minted>>,
    /// Held while credentials are minted; it remembers how it failed last.
    flight: Mutex<Option<(Instant, VendError)>>,
    /// No refresh ahead is begun before this moment, so that there is one at a time.
    refresh_not_before_ms: AtomicI64,
}

#[derive(Debug, Clone)]
struct Minted {
    credentials: Arc<VendedCredentials>,
    minted_at_ms: i64,
}

impl Minted {
    fn life_ms(&self) -> i64 {
        (self.credentials.expires_at_ms - self.minted_at_ms).max(0)
    }

    /// Whether a client that gets it now has enough of it.
    fn is_good(&self, now_ms: i64, min_remaining_ms: i64) -> bool {
        let remaining = self.credentials.expires_at_ms - now_ms;
        remaining > 0 && remaining >= min_remaining_ms.min(self.life_ms() / 4)
    }

    /// Whether newer ones are to be minted while it is good: after half its life, as Polaris does,
    /// or sooner.
    fn wants_refresh(&self, now_ms: i64, reuse_for_ms: i64) -> bool {
        now_ms - self.minted_at_ms >= reuse_for_ms.min(self.life_ms() / 2)
    }
}

impl Cached {
    pub(crate) fn new(
        vendor: Arc<dyn CredentialVendor>,
        clock: Arc<dyn Clock>,
        settings: CacheSettings,
    ) -> Self {
        Self {
            vendor,
            clock,
            min_remaining_ms: millis(settings.min_remaining),
            max_concurrent: settings.max_concurrent.max(1),
            lanes: Cache::new(MAX_LANES),
            slots: Cache::builder()
                .max_capacity(settings.max_entries)
                .weigher(|request: &Arc<VendRequest>, _| {
                    u32::try_from(1 + request.approximate_bytes() / BYTES_OF_AN_ENTRY)
                        .unwrap_or(u32::MAX)
                })
                .time_to_idle(FORGOTTEN_AFTER)
                .build(),
        }
    }

    /// The vendor, for what needs no keeping.
    pub(crate) fn vendor(&self) -> &dyn CredentialVendor {
        &*self.vendor
    }

    /// Credentials for a request, minted now or before. Those older than `reuse_for` are minted
    /// again, but nobody waits for it while they are good.
    pub(crate) async fn vend(
        &self,
        request: VendRequest,
        reuse_for: Duration,
    ) -> Result<Arc<VendedCredentials>, VendError> {
        let request = Arc::new(request);
        let slot = self.slots.get_with_by_ref(&request, async { Arc::default() }).await;
        let now_ms = self.clock.now_ms();
        if let Some(minted) = self.good(&slot, now_ms).await {
            if minted.wants_refresh(now_ms, millis(reuse_for)) && slot.begins_refresh(now_ms) {
                tokio::spawn(self.clone().refresh(request, slot, minted.minted_at_ms));
            }
            return Ok(minted.credentials);
        }
        let asked = Instant::now();
        let flight = tokio::spawn(self.clone().join_flight(request, slot, asked));
        flight.await.unwrap_or_else(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "minting credentials failed");
            Err(VendError::Unavailable {
                step: "Minting credentials".to_owned(),
                reason: crate::ProviderMessage("the server failed to".to_owned()),
            })
        })
    }

    fn new_lane(&self) -> Arc<Lane> {
        Arc::new(Lane {
            turns: Semaphore::new(self.max_concurrent),
            places: Semaphore::new(self.max_concurrent.saturating_mul(WAITERS)),
        })
    }

    async fn good(&self, slot: &Slot, now_ms: i64) -> Option<Minted> {
        let current = slot.current.read().await;
        current.clone().filter(|minted| minted.is_good(now_ms, self.min_remaining_ms))
    }

    /// Mints, or takes what another minted, or failed to, while this one waited.
    async fn join_flight(
        self,
        request: Arc<VendRequest>,
        slot: Arc<Slot>,
        asked: Instant,
    ) -> Result<Arc<VendedCredentials>, VendError> {
        let mut failure = slot.flight.lock().await;
        if let Some(minted) = self.good(&slot, self.clock.now_ms()).await {
            return Ok(minted.credentials);
        }
        if let Some((since, error)) = failure.as_ref()
            && *since >= asked
        {
            return Err(error.clone());
        }
        match self.mint(&request, &slot).await {
            Ok(credentials) => {
                *failure = None;
                Ok(credentials)
            }
            Err(error) => {
                *failure = Some((Instant::now(), error.clone()));
                if slot.current.read().await.is_none() {
                    // Whoever waits here still learns of it; nobody else need remember.
                    self.slots.invalidate(&request).await;
                }
                Err(error)
            }
        }
    }

    async fn refresh(self, request: Arc<VendRequest>, slot: Arc<Slot>, known_ms: i64) {
        let _flight = slot.flight.lock().await;
        let is_newer = |minted: &Minted| minted.minted_at_ms > known_ms;
        if slot.current.read().await.as_ref().is_some_and(is_newer) {
            return;
        }
        if let Err(error) = self.mint(&request, &slot).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "credentials could not be refreshed ahead; those at hand are still good"
            );
        }
    }

    async fn mint(
        &self,
        request: &VendRequest,
        slot: &Slot,
    ) -> Result<Arc<VendedCredentials>, VendError> {
        let key = (request.realm.clone(), request.sts_address().map(str::to_owned));
        let lane = self.lanes.get_with(key, async { self.new_lane() }).await;
        let Ok(_place) = lane.places.try_acquire() else {
            return Err(VendError::Unavailable {
                step: "Minting credentials".to_owned(),
                reason: crate::ProviderMessage(
                    "too many requests wait for that cloud's answers already".to_owned(),
                ),
            });
        };
        let _turn = lane.turns.acquire().await.expect("the semaphore is never closed");
        // From before the call: the clock of whoever mints may be a little ahead of ours.
        let minted_at_ms = self.clock.now_ms();
        let credentials = Arc::new(self.vendor.vend(request).await?);
        let minted = Minted { credentials: Arc::clone(&credentials), minted_at_ms };
        *slot.current.write().await = Some(minted);
        Ok(credentials)
    }
}

impl Slot {
    /// Whether whoever asks is the one to refresh.
    fn begins_refresh(&self, now_ms: i64) -> bool {
        let not_before = self.refresh_not_before_ms.load(Ordering::Acquire);
        now_ms >= not_before
            && self
                .refresh_not_before_ms
                .compare_exchange(
                    not_before,
                    now_ms + REFRESH_AGAIN_MS,
                    Ordering::AcqRel,
                    Ordering::Acquire,
                )
                .is_ok()
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
