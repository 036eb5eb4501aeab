//! AWS: STS with trust and identity policies, and S3 behind signatures, roles and session policies.
//!
//! One endpoint is both: `POST /` is STS, everything else S3 by path. `/_double/` sets it up and tells what
//! it was asked. What it knows is written from AWS' documentation alone, and not from any client of it.
//! Left out: buckets' own policies, versions, encryption keys, addressing by host name, IAM's own API, and
//! every operation of STS but `AssumeRole` and `GetCallerIdentity`.

mod admin;
mod calls;
mod checksum;
mod chunked;
mod policy;
mod request;
mod router;
mod s3;
mod sigv4;
mod state;
mod sts;
#[cfg(test)]
mod tests;
mod xml;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

pub use calls::{AssumedRole, Call, Fault, FaultyAnswer};
pub use state::{REGION, Settings};

use state::{State, seed};

/// The double, as its requests share it.
#[derive(Debug)]
pub(crate) struct Double {
    state: Mutex<State>,
}

impl Double {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A double that runs until it is dropped.
pub struct Running {
    /// Where it listens: `http://127.0.0.1:PORT`.
    pub endpoint: String,
    /// The region of STS and of the bucket.
    pub region: String,
    /// The access key id of the user `cat`, who may assume the role.
    pub access_key_id: String,
    /// Their secret access key.
    pub secret_access_key: String,
    /// The ARN of `cat`.
    pub user_arn: String,
    /// The ARN of the role `lake`, which may do everything with the bucket.
    pub role_arn: String,
    /// What the role's trust policy wants as external id.
    pub external_id: String,
    /// The bucket, which belongs to the role's account.
    pub bucket: String,
    double: Arc<Double>,
    _stop: oneshot::Sender<()>,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// Starts a double on a free port.
///
/// # Panics
///
/// If there is no free port.
pub async fn start() -> Running {
    start_on(0).await.expect("a loopback port is free")
}

/// Starts a double on a port of loopback; 0 is a free one.
pub async fn start_on(port: u16) -> Result<Running, String> {
    let listener =
        TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let state = State::seeded()?;
    let user = state.users.values().next().cloned().ok_or("there is no user")?;
    let role = state.roles.keys().next().cloned().ok_or("there is no role")?;
    let double = Arc::new(Double { state: Mutex::new(state) });
    let (stop, stopped) = oneshot::channel::<()>();
    let service = router::router(Arc::clone(&double));
    tokio::spawn(async move {
        let serving = axum::serve(listener, service).with_graceful_shutdown(async {
            // Ends when the sender is dropped.
            let _ = stopped.await;
        });
        let _ = serving.await;
    });
    Ok(Running {
        endpoint: format!("http://{address}"),
        region: REGION.to_owned(),
        access_key_id: user.access_key_id,
        secret_access_key: user.secret,
        user_arn: user.arn,
        role_arn: role,
        external_id: seed::EXTERNAL_ID.to_owned(),
        bucket: seed::BUCKET.to_owned(),
        double,
        _stop: stop,
    })
}

impl Running {
    /// What a test in another language needs to begin, as JSON.
    pub fn announcement(&self) -> Value {
        json!({
            "endpoint": self.endpoint,
            "region": self.region,
            "access_key_id": self.access_key_id,
            "secret_access_key": self.secret_access_key,
            "user_arn": self.user_arn,
            "role_arn": self.role_arn,
            "role_arns": [self.role_arn],
            "external_id": self.external_id,
            "bucket": self.bucket,
        })
    }

    /// Changes something: the same as `POST /_double/{what}` with a body.
    ///
    /// `users`, `roles`, `buckets`, `settings`, `clock`, `faults`, `forget`.
    pub fn set(&self, what: &str, said: &Value) -> Result<Value, String> {
        admin::change(&mut self.double.lock(), what, said)
    }

    /// Lets the next calls go wrong.
    pub fn fail(&self, fault: Fault) {
        self.double.lock().faults.push(fault);
    }

    /// Changes how strict it is.
    pub fn configure(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.double.lock().settings);
    }

    /// Lets time pass for sessions: they may end by it. Requests' dates are not touched.
    pub fn advance(&self, by: Duration) {
        self.double.lock().session_clock += by;
    }

    /// How often an operation was called, refusals counted.
    pub fn count(&self, operation: &str) -> usize {
        self.double.lock().calls.iter().filter(|call| call.operation == operation).count()
    }

    /// How often each operation was called, refusals counted.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        admin::counts(&self.double.lock())
    }

    /// All calls so far.
    pub fn calls(&self) -> Vec<Call> {
        self.double.lock().calls.clone()
    }

    /// All calls of `AssumeRole` so far.
    pub fn assumed(&self) -> Vec<AssumedRole> {
        self.double.lock().assumed.clone()
    }

    /// Forgets all calls so far.
    pub fn forget_calls(&self) {
        let mut state = self.double.lock();
        state.calls.clear();
        state.assumed.clear();
    }

    /// Puts an object without a request.
    pub fn put_object(&self, key: &str, body: impl Into<Bytes>) {
        admin::put_object(&mut self.double.lock(), &self.bucket, key, body.into());
    }

    /// The body of an object, looked at without a request.
    pub fn object(&self, key: &str) -> Option<Bytes> {
        let state = self.double.lock();
        let object = state.buckets.get(&self.bucket)?.objects.get(key)?;
        Some(object.body.clone())
    }

    /// The keys of the bucket, looked at without a request.
    pub fn keys(&self) -> Vec<String> {
        let state = self.double.lock();
        let bucket = state.buckets.get(&self.bucket);
        bucket.map(|bucket| bucket.objects.keys().cloned().collect()).unwrap_or_default()
    }
}
