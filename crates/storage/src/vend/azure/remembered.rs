//! What is asked for once, and then kept for as long as it is good.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::VendError;

/// For how long a failure is taken to last: many waiters would each wait for it again.
const FAILURE_LASTS: Duration = Duration::from_secs(3);

/// Something that is asked for by one while others wait.
#[derive(Debug)]
pub(super) struct Remembered<T>(Mutex<Last<T>>);

#[derive(Debug)]
enum Last<T> {
    Nothing,
    Value(T),
    Failure(Instant, VendError),
}

impl<T: Clone> Remembered<T> {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Last::Nothing))
    }

    /// What was remembered, if it is good still; else what is found now.
    pub(super) async fn get(
        &self,
        is_good: impl Fn(&T) -> bool,
        find: impl Future<Output = Result<T, VendError>>,
    ) -> Result<T, VendError> {
        let mut last = self.0.lock().await;
        match &*last {
            Last::Value(value) if is_good(value) => return Ok(value.clone()),
            Last::Failure(since, error) if since.elapsed() < FAILURE_LASTS => {
                return Err(error.clone());
            }
            Last::Nothing | Last::Value(_) | Last::Failure(..) => {}
        }
        let found = find.await;
        *last = match &found {
            Ok(value) => Last::Value(value.clone()),
            Err(error) => Last::Failure(Instant::now(), error.clone()),
        };
        found
    }
}
