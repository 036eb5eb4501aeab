//! Google Cloud: tokens, impersonation, access boundaries, and a storage service that keeps to them.
//!
//! One listener is all of it: `POST /token` for keys and refresh tokens, the IAM Credentials API,
//! the Security Token Service at `POST /v1/token`, the metadata server, and Cloud Storage by both of
//! its APIs. Calls are counted by these kinds: `token.service_account`, `token.authorized_user`,
//! `impersonate`, `downscope`, `federate`, `metadata.token`, `metadata.other`, and `storage.` with
//! one of `get`, `stat`, `list`, `put`, `delete`, `copy`, `upload`, `bucket`.

mod admin;
mod answer;
mod boundary;
mod cel;
mod credentials;
mod fixtures;
mod metadata;
mod oauth;
mod role;
mod state;
mod storage;
mod sts;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State as Shared;
use axum::http::{Method, Request};
use axum::response::Response;

use crate::Fault;
use crate::serving::{Asked, Bound, Serving};
use crate::traffic::lock;

pub use fixtures::Fixtures;
pub use state::{Grant, Settings};

use state::State;

/// The project of the fixtures.
pub const PROJECT: &str = "merak-test";
/// The service account that the server has a key of. It may impersonate [`LAKE`], and has all of
/// the bucket.
pub const SERVER: &str = "merak-server@merak-test.iam.gserviceaccount.com";
/// The service account that is impersonated. It has all of the bucket.
pub const LAKE: &str = "lake@merak-test.iam.gserviceaccount.com";
/// A service account that may be impersonated by nobody, and has nothing.
pub const STRANGER: &str = "stranger@merak-test.iam.gserviceaccount.com";
/// The person of the `authorized_user` file. They may impersonate [`LAKE`], and have all of the
/// bucket.
pub const USER: &str = "person@example.com";
/// The identity of the `external_account` file. It may impersonate [`LAKE`], and has nothing.
pub const FEDERATED: &str = "principal://iam.googleapis.com/projects/123456/locations/global/\
                             workloadIdentityPools/merak/subject/system:serviceaccount:merak:server";
/// The issuer of tokens that name the principals of a catalog server. The pool knows it beside that of
/// [`FEDERATED`], and checks its tokens with the key of [`SERVER`].
pub const ATTRIBUTION_ISSUER: &str = "https://merak.example.com";
/// The full resource name of the pool's provider.
pub const POOL_AUDIENCE: &str = fixtures::AUDIENCE;

/// The account that stands for a principal: `subject` is its realm and name. It may do nothing until
/// settings say so.
pub fn attributed(subject: &str) -> String {
    format!(
        "principal://iam.googleapis.com/projects/123456/locations/global/workloadIdentityPools/merak/\
         subject/{subject}"
    )
}

/// The bucket that is there from the beginning.
pub const BUCKET: &str = "lake";

/// How a double is started.
#[derive(Debug, Default, Clone)]
pub struct Options {
    /// The port on 127.0.0.1; 0 is any free one.
    pub port: u16,
    /// A storage service without any checks, which keeps the objects instead of the double.
    pub data: Option<String>,
}

/// A double that runs until it is dropped.
#[derive(Debug)]
pub struct Running {
    /// The base of every service, without a slash at its end.
    pub endpoint: String,
    state: Arc<State>,
    _serving: Serving,
}

/// Starts a double on a free port.
///
/// # Panics
///
/// If there is no free port.
pub async fn start() -> Running {
    start_with(Options::default()).await.expect("a free port")
}

/// Starts a double.
pub async fn start_with(options: Options) -> std::io::Result<Running> {
    let bound = Bound::bind(options.port).await?;
    let endpoint = bound.endpoint();
    let state = Arc::new(State::new(endpoint.clone(), options.data));
    let router = Router::new().fallback(answer).with_state(Arc::clone(&state));
    Ok(Running { endpoint, state, _serving: bound.serve(router) })
}

impl Running {
    /// How many calls of a kind there were.
    pub fn calls(&self, kind: &str) -> usize {
        self.state.traffic.count(kind)
    }

    /// All counts, by kind.
    pub fn all_calls(&self) -> BTreeMap<String, usize> {
        self.state.traffic.counts()
    }

    /// Begins to count anew.
    pub fn forget_calls(&self) {
        self.state.traffic.clear_counts();
    }

    /// Lets calls fail.
    pub fn fail(&self, fault: Fault) {
        self.state.traffic.add_fault(fault);
    }

    /// Lets nothing fail any more.
    pub fn mend(&self) {
        self.state.traffic.clear_faults();
    }

    /// Changes who may do what.
    pub fn configure(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut lock(&self.state.settings));
    }

    /// Sets the double's clock ahead.
    pub fn advance(&self, seconds: i64) {
        self.state.traffic.advance(seconds);
    }

    /// Writes credential files, all of which point here, into a folder that is there.
    pub fn write_fixtures(&self, folder: &Path) -> std::io::Result<Fixtures> {
        fixtures::write(&self.state, folder)
    }

    /// A new access token of an account, for all scopes.
    pub fn token_of(&self, account: &str) -> String {
        self.state.issue(account, &[state::CLOUD_PLATFORM]).0
    }

    /// Keeps an object, whoever may.
    pub fn put_object(&self, bucket: &str, name: &str, data: impl Into<Bytes>) {
        lock(&self.state.objects).put(bucket, name, data.into(), "application/octet-stream");
    }

    /// An object, if it is kept here.
    pub fn object(&self, bucket: &str, name: &str) -> Option<Bytes> {
        lock(&self.state.objects).get(bucket, name).map(|object| object.data.clone())
    }

    /// The names of all objects that are kept here, in order.
    pub fn object_names(&self, bucket: &str) -> Vec<String> {
        lock(&self.state.objects).names(bucket)
    }
}

async fn answer(Shared(state): Shared<Arc<State>>, request: Request<Body>) -> Response {
    let asked = Asked::read(request).await;
    let path = asked.uri.path();
    if path.starts_with("/_double/") {
        return admin::answer(&state, &asked);
    }
    if path.starts_with("/computeMetadata/") {
        return metadata::answer(&state, &asked).await;
    }
    if asked.method == Method::POST {
        match path {
            "/token" => return oauth::answer(&state, &asked).await,
            "/v1/token" => return sts::answer(&state, &asked).await,
            path if path.starts_with("/v1/projects/") => {
                return credentials::answer(&state, &asked).await;
            }
            _ => {}
        }
    }
    storage::answer(&state, asked).await
}
