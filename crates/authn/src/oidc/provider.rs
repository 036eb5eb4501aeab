//! An identity provider's keys: how long they are good, and when they are looked up again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use merak_model::Clock;
use tokio::sync::watch;

use super::ProviderSettings;
use super::fetch::{FetchError, Fetcher, Found};
use super::jwks::KeySet;
use crate::BoxError;

/// How long after a look that failed the next one is worth it.
const RETRY_AFTER_MS: i64 = 5000;

/// How long after a look that failed the provider is taken to be away still, so that nobody waits
/// for the next look who has keys. That much longer may a key be accepted that it has withdrawn.
const AWAY_FOR_MS: i64 = 60_000;

/// The keys of an identity provider.
///
/// They are looked up at first use, when they have been here for long, and when a token is signed
/// with one that is not among them; but that only so often, since anybody can make up such tokens.
/// One look serves all who wait for it, and goes on if they do not.
#[derive(Debug)]
pub(super) struct Provider {
    settings: ProviderSettings,
    clock: Arc<dyn Clock>,
    fetcher: Fetcher,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    keys: Option<Arc<Keys>>,
    /// Of the last look, if it failed.
    failure: Option<Failure>,
    /// When an unknown key last gave rise to a look.
    last_forced_ms: Option<i64>,
    /// The look that is under way. It has landed once its sender is gone.
    flight: Option<Flight>,
}

type Flight = watch::Receiver<()>;

#[derive(Debug)]
struct Failure {
    at_ms: i64,
    why: Arc<FetchError>,
}

/// Keys as they were published at one time.
#[derive(Debug)]
pub(super) struct Keys {
    pub(super) set: KeySet,
    /// What tokens must name as their issuer, unless anything will do.
    pub(super) issuer: Option<String>,
    /// When the look began that brought them.
    at_ms: i64,
}

/// The keys that are good now.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) keys: Arc<Keys>,
    /// Until when they are, and with them what was found with them.
    pub(super) until_ms: i64,
    /// Whether they came while we waited, so that there are none newer.
    is_news: bool,
}

/// What there is to be done about the keys.
enum Need {
    Nothing(Current),
    Wait(Flight),
}

impl Provider {
    /// Nothing is asked yet.
    pub(super) fn new(settings: ProviderSettings, clock: &Arc<dyn Clock>) -> Self {
        let fetcher = Fetcher::new(settings.clone());
        Self { settings, clock: Arc::clone(clock), fetcher, state: Mutex::default() }
    }

    /// The keys that are good now, looked up if they are not here or have been for long. Where that
    /// fails, those that are here go on being good for a while.
    pub(super) async fn keys(self: &Arc<Self>) -> Result<Current, BoxError> {
        let flight = match self.need()? {
            Need::Nothing(current) => return Ok(current),
            Need::Wait(flight) => flight,
        };
        self.landed(flight).await?.ok_or_else(|| "the look for the keys did not end well".into())
    }

    /// The keys that have come after those, if that may be.
    pub(super) async fn newer_than(
        self: &Arc<Self>,
        current: &Current,
    ) -> Result<Option<Current>, BoxError> {
        if current.is_news {
            return Ok(None);
        }
        let flight = {
            let mut state = self.state();
            let now_ms = self.clock.now_ms();
            if state.keys.as_ref().is_some_and(|keys| !Arc::ptr_eq(keys, &current.keys)) {
                return Ok(self.current(&state, now_ms));
            }
            let look_again_after_ms = millis(self.settings.look_again_after_ms);
            let is_too_early = is_recent(state.last_forced_ms, now_ms, look_again_after_ms)
                || state.failure.as_ref().is_some_and(|failure| failure.is_recent(now_ms));
            match state.flight_under_way() {
                Some(flight) => flight,
                // That a key is unknown means nothing while it cannot be asked about.
                None if is_too_early => {
                    return state.failure.as_ref().map_or(Ok(None), |failure| Err(failure.cause()));
                }
                None => {
                    state.last_forced_ms = Some(now_ms);
                    self.look_up(&mut state)
                }
            }
        };
        let newer = self.landed(flight).await?;
        let failure = self.state().failure.as_ref().map(Failure::cause);
        failure.map_or(Ok(newer), Err)
    }

    fn need(self: &Arc<Self>) -> Result<Need, BoxError> {
        let mut state = self.state();
        let now_ms = self.clock.now_ms();
        let current = self.current(&state, now_ms);
        let is_fresh = state.keys.as_ref().is_some_and(|keys| self.is_fresh(keys, now_ms));
        let Some(failure) = state.failure.as_ref().filter(|_| !is_fresh) else {
            return Ok(match current.filter(|_| is_fresh) {
                Some(current) => Need::Nothing(current),
                None => Need::Wait(self.look_up(&mut state)),
            });
        };
        let is_away = is_recent(Some(failure.at_ms), now_ms, AWAY_FOR_MS);
        match (current, failure.is_recent(now_ms)) {
            (Some(current), true) => Ok(Need::Nothing(current)),
            (Some(current), false) if is_away => {
                drop(self.look_up(&mut state));
                Ok(Need::Nothing(current))
            }
            (None, true) => Err(failure.cause()),
            (_, false) => Ok(Need::Wait(self.look_up(&mut state))),
        }
    }

    /// The keys, unless they are too old.
    fn current(&self, state: &State, now_ms: i64) -> Option<Current> {
        let keys = state.keys.as_ref()?;
        let age_ms = now_ms.saturating_sub(keys.at_ms);
        let max_age_ms = self.settings.max_age_ms.max(self.settings.refresh_after_ms);
        if age_ms >= millis(max_age_ms) {
            return None;
        }
        let until_ms = match &state.failure {
            Some(failure) if !self.is_fresh(keys, now_ms) => {
                failure.at_ms.saturating_add(RETRY_AFTER_MS)
            }
            _ => keys.at_ms.saturating_add(millis(self.settings.refresh_after_ms)),
        };
        Some(Current { keys: Arc::clone(keys), until_ms, is_news: false })
    }

    fn is_fresh(&self, keys: &Keys, now_ms: i64) -> bool {
        is_recent(Some(keys.at_ms), now_ms, millis(self.settings.refresh_after_ms))
    }

    /// Waits for a look to end, and takes what there is then.
    async fn landed(&self, mut flight: Flight) -> Result<Option<Current>, BoxError> {
        // It ends in an error, since nothing is ever sent.
        let _ = flight.changed().await;
        let state = self.state();
        match (self.current(&state, self.clock.now_ms()), &state.failure) {
            (Some(current), failure) => Ok(Some(Current { is_news: failure.is_none(), ..current })),
            (None, Some(failure)) => Err(failure.cause()),
            (None, None) => Ok(None),
        }
    }

    /// The look that is under way, or else a new one.
    fn look_up(self: &Arc<Self>, state: &mut State) -> Flight {
        if let Some(flight) = state.flight_under_way() {
            return flight;
        }
        let (landing, flight) = watch::channel(());
        let provider = Arc::clone(self);
        // Not a part of the request that is first to want it: that may be given up, and then be
        // repeated, as often as somebody likes.
        tokio::spawn(async move {
            provider.look().await;
            drop(landing);
        });
        state.flight = Some(flight.clone());
        flight
    }

    async fn look(&self) {
        let at_ms = self.clock.now_ms();
        let found = self.fetcher.keys().await;
        let mut state = self.state();
        match found {
            Ok(Found { set, issuer }) => {
                let before = state.keys.as_ref().map(|keys| keys.set.names());
                if before.as_ref() != Some(&set.names()) {
                    let keys = set.names();
                    tracing::info!(provider = %self.settings.url, ?keys, "keys of the identity provider");
                }
                state.keys = Some(Arc::new(Keys { set, issuer, at_ms }));
                state.failure = None;
            }
            Err(why) => {
                let now_ms = self.clock.now_ms();
                let has_keys = self.current(&state, now_ms).is_some();
                self.warn(&why, has_keys);
                state.failure = Some(Failure { at_ms: now_ms, why: Arc::new(why) });
            }
        }
    }

    fn warn(&self, why: &FetchError, has_keys: bool) {
        let provider = &self.settings.url;
        let error = why as &dyn std::error::Error;
        if has_keys {
            tracing::warn!(
                %provider,
                error,
                "the identity provider's keys cannot be looked up: the last ones go on being good \
                 until merak.oidc.jwks-max-age"
            );
        } else {
            tracing::warn!(
                %provider,
                error,
                "the identity provider's keys cannot be had, and its tokens are answered 503: check \
                 quarkus.oidc.auth-server-url, and whether this machine reaches it"
            );
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn flight_under_way(&self) -> Option<Flight> {
        self.flight.as_ref().filter(|flight| flight.has_changed().is_ok()).cloned()
    }
}

impl Failure {
    /// Whether it is too early for another look.
    fn is_recent(&self, now_ms: i64) -> bool {
        is_recent(Some(self.at_ms), now_ms, RETRY_AFTER_MS)
    }

    fn cause(&self) -> BoxError {
        Arc::clone(&self.why).into()
    }
}

/// Whether something happened that short a time ago. What is in the future did not: the clock was
/// set back.
fn is_recent(at_ms: Option<i64>, now_ms: i64, within_ms: i64) -> bool {
    at_ms.is_some_and(|at_ms| (0..within_ms).contains(&now_ms.saturating_sub(at_ms)))
}

fn millis(duration_ms: u64) -> i64 {
    i64::try_from(duration_ms).unwrap_or(i64::MAX)
}
