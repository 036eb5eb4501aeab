//! What was asked of a double, and what is to fail.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};
use time::OffsetDateTime;

/// A failure that a test wants.
#[derive(Debug, Clone)]
pub struct Fault {
    /// The kind of call that fails, as it is counted; a prefix of it ends with a dot.
    pub kind: String,
    /// The HTTP status.
    pub status: u16,
    /// The code or reason that the service's error has, in the service's own spelling.
    pub code: String,
    /// What the error says.
    pub message: String,
    /// How many calls fail. Nothing: all that come.
    pub times: Option<usize>,
    /// How long the double waits before it fails; a status of 0 means that it then answers as ever.
    pub delay: Duration,
}

impl Fault {
    /// A failure of every call of a kind.
    pub fn new(kind: &str, status: u16, code: &str, message: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            status,
            code: code.to_owned(),
            message: message.to_owned(),
            times: None,
            delay: Duration::ZERO,
        }
    }

    /// The same, for a number of calls.
    #[must_use]
    pub fn times(self, times: usize) -> Self {
        Self { times: Some(times), ..self }
    }

    /// Of the JSON that the admin route takes: `{kind, status, code, message, times, delay_ms}`.
    pub(crate) fn from_json(value: &Value) -> Option<Self> {
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        Some(Self {
            kind: value["kind"].as_str()?.to_owned(),
            status: u16::try_from(value["status"].as_u64().unwrap_or(0)).ok()?,
            code: text("code"),
            message: text("message"),
            times: value["times"].as_u64().and_then(|times| usize::try_from(times).ok()),
            delay: Duration::from_millis(value["delay_ms"].as_u64().unwrap_or(0)),
        })
    }

    fn concerns(&self, kind: &str) -> bool {
        self.kind == kind || (self.kind.ends_with('.') && kind.starts_with(&self.kind))
    }
}

/// Counts of calls by kind, and the faults that wait for them.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    counts: Mutex<BTreeMap<String, usize>>,
    faults: Mutex<Vec<Fault>>,
    /// By how many seconds the double's clock is ahead.
    ahead: Mutex<i64>,
}

impl Traffic {
    /// Counts a call, and gives the fault that it is to meet.
    pub(crate) async fn meet(&self, kind: &str) -> Option<Fault> {
        *lock(&self.counts).entry(kind.to_owned()).or_default() += 1;
        let fault = self.take_fault(kind)?;
        if !fault.delay.is_zero() {
            tokio::time::sleep(fault.delay).await;
        }
        (fault.status != 0).then_some(fault)
    }

    fn take_fault(&self, kind: &str) -> Option<Fault> {
        let mut faults = lock(&self.faults);
        let nth = faults.iter().position(|fault| fault.concerns(kind))?;
        let fault = faults[nth].clone();
        match &mut faults[nth].times {
            None => {}
            Some(times) if *times > 1 => *times -= 1,
            Some(_) => {
                faults.remove(nth);
            }
        }
        Some(fault)
    }

    pub(crate) fn add_fault(&self, fault: Fault) {
        lock(&self.faults).push(fault);
    }

    pub(crate) fn clear_faults(&self) {
        lock(&self.faults).clear();
    }

    pub(crate) fn count(&self, kind: &str) -> usize {
        lock(&self.counts).get(kind).copied().unwrap_or(0)
    }

    pub(crate) fn counts(&self) -> BTreeMap<String, usize> {
        lock(&self.counts).clone()
    }

    pub(crate) fn counts_json(&self) -> Value {
        let counts = self.counts().into_iter();
        Value::Object(counts.map(|(kind, count)| (kind, count.into())).collect::<Map<_, _>>())
    }

    pub(crate) fn clear_counts(&self) {
        lock(&self.counts).clear();
    }

    /// The time, as far as the double is concerned.
    pub(crate) fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc() + time::Duration::seconds(*lock(&self.ahead))
    }

    pub(crate) fn advance(&self, seconds: i64) {
        *lock(&self.ahead) += seconds;
    }
}

/// A test that panics while it holds a lock does not make others fail.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_fault_strikes_as_often_as_it_was_told_to() {
        let traffic = Traffic::default();
        traffic.add_fault(Fault::new("storage.", 503, "backendError", "down").times(2));

        assert!(traffic.meet("token").await.is_none());
        assert!(traffic.meet("storage.get").await.is_some());
        assert!(traffic.meet("storage.put").await.is_some());
        assert!(traffic.meet("storage.get").await.is_none());
        assert_eq!(traffic.count("storage.get"), 2);
        assert_eq!(traffic.count("storage.list"), 0);
    }
}
