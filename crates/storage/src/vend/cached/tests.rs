use std::sync::Mutex as StdMutex;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use async_trait::async_trait;
use merak_model::{Location, RealmId, StorageConfig};
use serde_json::Value;
use tokio::sync::Notify;

use super::*;
use crate::vend::{CloudSecret, DataAccess, LocationGrant, Session};

const MINUTE_MS: i64 = 60_000;
const HALF_AN_HOUR: Duration = Duration::from_mins(30);

#[derive(Debug, Default)]
struct SetClock(AtomicI64);

impl SetClock {
    fn pass(&self, minutes: i64) {
        self.0.fetch_add(minutes * MINUTE_MS, Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// Mints tokens that say which mint they are of, and live for an hour.
#[derive(Debug, Default)]
struct Mint {
    clock: Arc<SetClock>,
    calls: AtomicUsize,
    /// While something is here, each call waits to be let go.
    gate: StdMutex<Option<Arc<Notify>>>,
    refuses: std::sync::atomic::AtomicBool,
    finished: Notify,
}

#[async_trait]
impl CredentialVendor for Mint {
    async fn vend(&self, _: &VendRequest) -> Result<VendedCredentials, VendError> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let gate = self.gate.lock().unwrap().clone();
        if let Some(gate) = gate {
            gate.notified().await;
        }
        let refuses = self.refuses.load(Ordering::SeqCst);
        self.finished.notify_one();
        if refuses {
            return Err(VendError::Impossible("refused".to_owned()));
        }
        Ok(VendedCredentials {
            secret: CloudSecret::Google { token: "t".into() },
            expires_at_ms: self.clock.now_ms() + 60 * MINUTE_MS,
            id: call.to_string(),
        })
    }

    fn explain(&self, _: &VendRequest) -> Result<Value, VendError> {
        Ok(Value::Null)
    }
}

impl Mint {
    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn close(&self) -> Arc<Notify> {
        let gate = Arc::new(Notify::new());
        *self.gate.lock().unwrap() = Some(Arc::clone(&gate));
        gate
    }

    fn open(&self) {
        if let Some(gate) = self.gate.lock().unwrap().take() {
            gate.notify_waiters();
            gate.notify_one();
        }
    }
}

fn cached() -> (Cached, Arc<Mint>, Arc<SetClock>) {
    cached_with(CacheSettings::default())
}

fn cached_with(settings: CacheSettings) -> (Cached, Arc<Mint>, Arc<SetClock>) {
    let clock = Arc::new(SetClock::default());
    let mint = Arc::new(Mint { clock: Arc::clone(&clock), ..Mint::default() });
    let vendor: Arc<dyn CredentialVendor> = Arc::<Mint>::clone(&mint);
    let dyn_clock: Arc<dyn Clock> = Arc::<SetClock>::clone(&clock);
    (Cached::new(vendor, dyn_clock, settings), mint, clock)
}

fn request(location: &str) -> VendRequest {
    let config = r#"{"storageType":"GCS","allowedLocations":["gs://b"]}"#;
    VendRequest {
        realm: RealmId::new("r"),
        config: StorageConfig::from_json(config).unwrap(),
        grant: LocationGrant::new(vec![Location::parse(location).unwrap()], DataAccess::Read)
            .unwrap(),
        session: Session::default(),
        lifetime: Duration::from_hours(1),
    }
}

async fn id(cached: &Cached, location: &str) -> String {
    cached.vend(request(location), HALF_AN_HOUR).await.unwrap().id.clone()
}

#[tokio::test]
async fn equal_requests_share_what_was_minted_and_others_do_not() {
    let (cached, mint, _) = cached();

    assert_eq!(id(&cached, "gs://b/t").await, "1");
    assert_eq!(id(&cached, "gs://b/t").await, "1");
    assert_eq!(id(&cached, "gs://b/u").await, "2");
    let mut named = request("gs://b/t");
    named.session.name = Some("alice".to_owned());
    assert_eq!(cached.vend(named, HALF_AN_HOUR).await.unwrap().id, "3");
    let mut elsewhere = request("gs://b/t");
    elsewhere.realm = RealmId::new("other");
    assert_eq!(cached.vend(elsewhere, HALF_AN_HOUR).await.unwrap().id, "4");

    assert_eq!(mint.calls(), 4);
}

#[tokio::test]
async fn many_who_wait_are_served_by_one_mint() {
    let (cached, mint, _) = cached();
    mint.close();

    let waiters: Vec<_> = (0..50)
        .map(|_| {
            let cached = cached.clone();
            tokio::spawn(async move { id(&cached, "gs://b/t").await })
        })
        .collect();
    while mint.calls() == 0 {
        tokio::task::yield_now().await;
    }
    mint.open();

    for waiter in waiters {
        assert_eq!(waiter.await.unwrap(), "1");
    }
    assert_eq!(mint.calls(), 1);
}

#[tokio::test]
async fn who_hangs_up_does_not_stop_what_others_wait_for() {
    let (cached, mint, _) = cached();
    mint.close();
    let first = tokio::spawn({
        let cached = cached.clone();
        async move { id(&cached, "gs://b/t").await }
    });
    while mint.calls() == 0 {
        tokio::task::yield_now().await;
    }

    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    mint.open();

    assert_eq!(id(&cached, "gs://b/t").await, "1");
    assert_eq!(mint.calls(), 1);
}

#[tokio::test]
async fn they_are_refreshed_ahead_and_nobody_waits_for_it() {
    let (cached, mint, clock) = cached();
    assert_eq!(id(&cached, "gs://b/t").await, "1");
    mint.finished.notified().await;

    clock.pass(29);
    assert_eq!(id(&cached, "gs://b/t").await, "1");
    assert_eq!(mint.calls(), 1);

    clock.pass(1);
    mint.close();
    // The mint is closed: whoever waited for it would wait for ever.
    assert_eq!(id(&cached, "gs://b/t").await, "1");
    assert_eq!(id(&cached, "gs://b/t").await, "1");
    while mint.calls() == 1 {
        tokio::task::yield_now().await;
    }
    mint.open();
    while id(&cached, "gs://b/t").await == "1" {
        tokio::task::yield_now().await;
    }

    assert_eq!(id(&cached, "gs://b/t").await, "2");
    assert_eq!(mint.calls(), 2);
}

#[tokio::test]
async fn what_a_client_gets_lives_for_the_minimum_at_least() {
    let (cached, mint, clock) = cached();
    assert_eq!(id(&cached, "gs://b/t").await, "1");
    mint.refuses.store(true, Ordering::SeqCst);

    clock.pass(50);
    assert_eq!(id(&cached, "gs://b/t").await, "1");
    clock.pass(1);
    let refused = cached.vend(request("gs://b/t"), HALF_AN_HOUR).await;

    assert!(refused.is_err(), "nine minutes are less than ten");
}

#[tokio::test]
async fn a_failed_refresh_is_not_repeated_by_each_request() {
    let (cached, mint, clock) = cached();
    assert_eq!(id(&cached, "gs://b/t").await, "1");
    mint.finished.notified().await;
    mint.refuses.store(true, Ordering::SeqCst);
    clock.pass(31);

    for _ in 0..20 {
        assert_eq!(id(&cached, "gs://b/t").await, "1");
    }
    mint.finished.notified().await;

    assert_eq!(mint.calls(), 2);
}

#[tokio::test]
async fn a_failure_is_shared_by_those_who_waited_and_not_kept() {
    let (cached, mint, _) = cached();
    mint.refuses.store(true, Ordering::SeqCst);
    mint.close();
    let waiters: Vec<_> = (0..20)
        .map(|_| {
            let cached = cached.clone();
            tokio::spawn(async move { cached.vend(request("gs://b/t"), HALF_AN_HOUR).await })
        })
        .collect();
    // All of them wait before the mint is opened: the first in it, the others behind.
    while mint.calls() == 0 {
        tokio::task::yield_now().await;
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    mint.open();
    for waiter in waiters {
        assert!(waiter.await.unwrap().is_err());
    }
    assert_eq!(mint.calls(), 1);

    mint.refuses.store(false, Ordering::SeqCst);

    assert_eq!(id(&cached, "gs://b/t").await, "2");
}

#[tokio::test]
async fn the_number_that_is_minted_at_a_time_is_bounded() {
    let settings = CacheSettings { max_concurrent: 2, ..CacheSettings::default() };
    let (cached, mint, _) = cached_with(settings);
    mint.close();
    let waiters: Vec<_> = (0..5)
        .map(|n| {
            let cached = cached.clone();
            tokio::spawn(async move { id(&cached, &format!("gs://b/t{n}")).await })
        })
        .collect();
    while mint.calls() < 2 {
        tokio::task::yield_now().await;
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(mint.calls(), 2);

    mint.open();

    for waiter in waiters {
        waiter.await.unwrap();
    }
    assert_eq!(mint.calls(), 5);
}

/// A request for a table of a catalog that has an STS of its own.
fn request_at(sts: &str, table: usize) -> VendRequest {
    let config = format!(r#"{{"storageType":"S3","stsEndpoint":"{sts}"}}"#);
    let location = Location::parse(&format!("s3://b/t{table}")).unwrap();
    VendRequest {
        config: StorageConfig::from_json(&config).unwrap(),
        grant: LocationGrant::new(vec![location], DataAccess::Read).unwrap(),
        ..request("gs://b/t")
    }
}

#[tokio::test]
async fn a_cloud_that_does_not_answer_keeps_nobody_else_waiting() {
    let settings = CacheSettings { max_concurrent: 1, ..CacheSettings::default() };
    let (cached, mint, _) = cached_with(settings);
    let gate = mint.close();
    let waiters: Vec<_> = (0..WAITERS)
        .map(|table| {
            let cached = cached.clone();
            let request = request_at("http://silent.example", table);
            tokio::spawn(async move { cached.vend(request, HALF_AN_HOUR).await })
        })
        .collect();
    while mint.calls() == 0 {
        tokio::task::yield_now().await;
    }
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    // The gate is of the one call that is under way.
    mint.gate.lock().unwrap().take();

    let one_more = request_at("http://silent.example", WAITERS);
    let refused = cached.vend(one_more, HALF_AN_HOUR).await;
    let elsewhere = cached.vend(request_at("http://other.example", 0), HALF_AN_HOUR).await;
    let mut in_another_realm = request_at("http://silent.example", 0);
    in_another_realm.realm = RealmId::new("other");
    let in_another_realm = cached.vend(in_another_realm, HALF_AN_HOUR).await;

    assert!(matches!(refused, Err(VendError::Unavailable { .. })), "{refused:?}");
    assert!(elsewhere.is_ok() && in_another_realm.is_ok());
    gate.notify_one();
    for waiter in waiters {
        assert!(waiter.await.unwrap().is_ok());
    }
}

#[tokio::test]
async fn a_request_with_a_large_configuration_counts_for_several() {
    let settings = CacheSettings { max_entries: 10, ..CacheSettings::default() };
    let (cached, _, _) = cached_with(settings);
    let mut large = request("gs://b/large");
    large.config.allowed_locations = vec!["gs://b/x".repeat(10_000)];

    cached.vend(large, HALF_AN_HOUR).await.unwrap();
    id(&cached, "gs://b/small").await;
    cached.slots.run_pending_tasks().await;

    assert_eq!(cached.slots.entry_count(), 1, "the large one is not kept");
}

#[tokio::test]
async fn the_number_that_is_kept_is_bounded() {
    let settings = CacheSettings { max_entries: 3, ..CacheSettings::default() };
    let (cached, _, _) = cached_with(settings);

    for n in 0..20 {
        id(&cached, &format!("gs://b/t{n}")).await;
    }
    cached.slots.run_pending_tasks().await;

    assert_eq!(cached.slots.entry_count(), 3);
}
