//! What is asked for once, and kept for a while: tokens, sessions, configurations.

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Mutex;

use crate::Error;

/// Something that was had just now.
#[derive(Debug)]
pub(crate) struct Fresh<T> {
    value: T,
    /// From when on it is looked for another.
    renew_ms: i64,
    /// From when on it is not good any more.
    ends_ms: i64,
}

impl<T> Fresh<T> {
    /// Something that ends then: another is had when a tenth of its life is left, or a minute if
    /// that is less.
    pub(crate) fn until(value: T, now_ms: i64, ends_ms: i64) -> Self {
        let ahead = (ends_ms.saturating_sub(now_ms) / 10).clamp(0, 60_000);
        Self { value, renew_ms: ends_ms.saturating_sub(ahead), ends_ms }
    }

    /// Something that is looked at again then.
    pub(crate) fn renewed_at(value: T, renew_ms: i64) -> Self {
        Self { value, renew_ms, ends_ms: renew_ms }
    }
}

#[derive(Debug)]
struct Held<T> {
    value: Arc<T>,
    had_ms: i64,
    renew_ms: i64,
    ends_ms: i64,
}

/// A place for it.
#[derive(Debug)]
pub(crate) struct Kept<T>(Mutex<State<T>>);

#[derive(Debug)]
struct State<T> {
    held: Option<Held<T>>,
    /// The last failure, and when it was.
    failure: Option<(Instant, Error)>,
}

impl<T> Kept<T> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State { held: None, failure: None }))
    }

    /// What there is, or what `ask` gets. Whoever comes meanwhile waits for it, and asks nobody, also
    /// where it fails. One that is still good serves on where no other can be had.
    pub(crate) async fn get<F>(&self, now_ms: i64, ask: impl FnOnce() -> F) -> Result<Arc<T>, Error>
    where
        F: Future<Output = Result<Fresh<T>, Error>>,
    {
        let came = Instant::now();
        let mut state = self.0.lock().await;
        let State { held, failure } = &mut *state;
        if let Some(held) = held.as_ref().filter(|held| held.is_new(now_ms)) {
            return Ok(Arc::clone(&held.value));
        }
        if let Some((at, error)) = failure
            && *at >= came
        {
            return Err(error.clone());
        }
        match ask().await {
            Ok(Fresh { value, renew_ms, ends_ms }) => {
                let value = Arc::new(value);
                let had_ms = now_ms;
                *held = Some(Held { value: Arc::clone(&value), had_ms, renew_ms, ends_ms });
                Ok(value)
            }
            Err(error) => {
                if let Some(held) = held.as_ref().filter(|held| now_ms < held.ends_ms) {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "what is known of another catalog cannot be renewed");
                    return Ok(Arc::clone(&held.value));
                }
                *failure = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// Forgets it, if it is that one still.
    pub(crate) async fn forget(&self, value: &Arc<T>) {
        let held = &mut self.0.lock().await.held;
        if held.as_ref().is_some_and(|held| Arc::ptr_eq(&held.value, value)) {
            *held = None;
        }
    }

    /// Forgets it, if it was had that long ago.
    pub(crate) async fn forget_older(&self, now_ms: i64, age_ms: i64) {
        let held = &mut self.0.lock().await.held;
        if held.as_ref().is_some_and(|held| now_ms.saturating_sub(held.had_ms) >= age_ms) {
            *held = None;
        }
    }
}

impl<T> Held<T> {
    /// A clock that was put back does not keep it.
    fn is_new(&self, now_ms: i64) -> bool {
        (self.had_ms..self.renew_ms).contains(&now_ms)
    }
}
