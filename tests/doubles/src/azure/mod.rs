//! Azure: the token endpoint, user delegation keys, and blobs behind signatures that are checked.
//!
//! One listener plays the login service, the endpoint for managed identities and the Blob service
//! of every account (`/{account}/{container}/{blob}`); a second one plays Data Lake Storage, since
//! nothing in a path-style URL tells the two apart. Calls are counted by these kinds:
//! `token.secret`, `token.assertion`, `token.managed_identity`, `delegation_key`; `blob.` with one
//! of `get`, `head`, `put`, `delete`, `list`, `copy`, `block`, `blocklist`, `batch`, `container`,
//! `account`; `dfs.` with one of `create`, `append`, `flush`, `get`, `head`, `delete`, `list`,
//! `filesystem`.
//!
//! Not played: signatures by account keys, stored policies, access control lists, renames, and
//! `sr=d` for the root directory.

mod access;
mod admin;
mod answer;
mod batch;
mod blob_api;
mod blobs;
mod dfs_api;
mod key;
mod login;
mod place;
mod read;
mod sas;
mod state;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State as Shared;
use axum::http::{Method, Request};
use axum::response::Response;
use serde_json::json;

use crate::Fault;
use crate::jwt;
use crate::serving::{Asked, Bound, Serving};
use crate::traffic::lock;

pub use state::{Account, Assignment, Role, Settings};

use answer::{Refusal, Service};
use place::Place;
use state::{AUDIENCE, State};

/// The tenant of the accounts.
pub const TENANT: &str = "22222222-2222-4222-8222-222222222222";
/// A tenant that is there, and in which nobody has consented to the application.
pub const OTHER_TENANT: &str = "33333333-3333-4333-8333-333333333333";
/// The application.
pub const CLIENT_ID: &str = "11111111-1111-4111-8111-111111111111";
/// Its service principal in [`TENANT`], which is a contributor to both accounts.
pub const OBJECT_ID: &str = "44444444-4444-4444-8444-444444444444";
/// The client id and the object id of the managed identity, a contributor too.
pub const IDENTITY: (&str, &str) =
    ("55555555-5555-4555-8555-555555555555", "66666666-6666-4666-8666-666666666666");
/// The account with a hierarchical namespace.
pub const HIERARCHICAL: &str = "merakhns";
/// The account without one.
pub const FLAT: &str = "merakflat";
/// The container of both.
pub const CONTAINER: &str = "lake";
/// Who signs federated assertions, and about whom.
pub const FEDERATION_ISSUER: &str = "https://cluster.example.com";
/// The subject of federated assertions.
pub const FEDERATION_SUBJECT: &str = "system:serviceaccount:merak:server";

/// How a double is started.
#[derive(Debug, Default, Clone)]
pub struct Options {
    /// The port on 127.0.0.1; 0 is any free one.
    pub port: u16,
    /// The port of Data Lake Storage, likewise.
    pub dfs_port: u16,
}

/// A double that runs until it is dropped.
#[derive(Debug)]
pub struct Running {
    /// The base of the login service and of the Blob service, without a slash at its end.
    pub endpoint: String,
    /// The base of Data Lake Storage.
    pub dfs_endpoint: String,
    /// The application's secret.
    pub secret: String,
    state: Arc<State>,
    _serving: [Serving; 2],
}

/// Starts a double on free ports.
///
/// # Panics
///
/// If there is no free port.
pub async fn start() -> Running {
    start_with(Options::default()).await.expect("free ports")
}

/// Starts a double.
pub async fn start_with(options: Options) -> std::io::Result<Running> {
    let (blob, dfs) = (Bound::bind(options.port).await?, Bound::bind(options.dfs_port).await?);
    let (endpoint, dfs_endpoint) = (blob.endpoint(), dfs.endpoint());
    let state = Arc::new(State::new(endpoint.clone()));
    let on_blob = Router::new().fallback(answer_blob).with_state(Arc::clone(&state));
    let on_dfs = Router::new().fallback(answer_dfs).with_state(Arc::clone(&state));
    let secret = state.secret.clone();
    let serving = [blob.serve(on_blob), dfs.serve(on_dfs)];
    Ok(Running { endpoint, dfs_endpoint, secret, state, _serving: serving })
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

    /// A new access token for storage.
    pub fn token_of(&self, object_id: &str, tenant: &str) -> String {
        self.state.issue(object_id, tenant, AUDIENCE).0
    }

    /// What a cluster would mount into a pod: an assertion that the application's secret is
    /// replaced by.
    pub fn federated_assertion(&self) -> String {
        let now = self.state.traffic.now().unix_timestamp();
        jwt::signed(&json!({
            "iss": FEDERATION_ISSUER,
            "sub": FEDERATION_SUBJECT,
            "aud": login::ASSERTION_AUDIENCE,
            "iat": now,
            "exp": now + 86_400,
        }))
    }

    /// Writes that assertion into a folder that is there.
    pub fn write_federated_token(&self, folder: &Path) -> std::io::Result<PathBuf> {
        let path = folder.join("azure-federated-token");
        std::fs::write(&path, self.federated_assertion())?;
        Ok(path)
    }

    /// Keeps a blob, whoever may.
    pub fn put_blob(&self, account: &str, container: &str, path: &str, data: impl Into<Bytes>) {
        let is_hierarchical = self.state.account(account).is_some_and(|it| it.is_hierarchical);
        let place = place(account, container, path);
        let kind = "application/octet-stream";
        lock(&self.state.blobs).put(&place, data.into(), kind, is_hierarchical);
    }

    /// A blob, if it is there.
    pub fn blob(&self, account: &str, container: &str, path: &str) -> Option<Bytes> {
        let blobs = lock(&self.state.blobs);
        let blob = blobs.get(&place(account, container, path)).filter(|it| !it.is_directory);
        blob.map(|it| it.data.clone())
    }

    /// The paths of all blobs of a container, and of its directories.
    pub fn paths(&self, account: &str, container: &str) -> Vec<String> {
        lock(&self.state.blobs).names_in(&place(account, container, ""))
    }
}

fn place(account: &str, container: &str, path: &str) -> Place {
    let [account, container, path] = [account, container, path].map(str::to_owned);
    Place { account, container, path }
}

async fn answer_blob(Shared(state): Shared<Arc<State>>, request: Request<Body>) -> Response {
    let asked = Asked::read(request).await;
    let path = asked.uri.path();
    if path.starts_with("/_double/") {
        return admin::answer(&state, &asked);
    }
    if path == "/metadata/identity/oauth2/token" {
        return login::managed_identity(&state, &asked).await;
    }
    let tenant = path.strip_prefix('/').and_then(|path| path.strip_suffix("/oauth2/v2.0/token"));
    if let (Some(tenant), &Method::POST) = (tenant, &asked.method) {
        return login::answer(&state, tenant, &asked).await;
    }
    let place = Place::of(&asked);
    let done = match blob_api::Call::parse(&asked, &place) {
        Err(refusal) => Err(refusal),
        Ok(call) => match state.traffic.meet(call.kind()).await {
            Some(fault) => Err(Refusal::of_fault(&fault)),
            None => blob_api::perform(&state, call, &asked, &place),
        },
    };
    finished(done, Service::Blob, &asked)
}

async fn answer_dfs(Shared(state): Shared<Arc<State>>, request: Request<Body>) -> Response {
    let asked = Asked::read(request).await;
    let place = Place::of(&asked);
    let done = match dfs_api::Call::parse(&asked, &place) {
        Err(refusal) => Err(refusal),
        Ok(call) => match state.traffic.meet(call.kind()).await {
            Some(fault) => Err(Refusal::of_fault(&fault)),
            None => dfs_api::perform(&state, call, &asked, &place),
        },
    };
    finished(done, Service::Dfs, &asked)
}

/// With the headers that every answer has.
fn finished(done: Result<Response, Refusal>, service: Service, asked: &Asked) -> Response {
    let mut response = done.unwrap_or_else(|refusal| refusal.into_response(service, &asked.method));
    let version = asked.header("x-ms-version").or(asked.parameter("sv")).unwrap_or("2025-07-05");
    let id = uuid::Uuid::new_v4().to_string();
    for (name, value) in [("x-ms-version", version), ("x-ms-request-id", &id)] {
        let name = http::HeaderName::from_static(name);
        response.headers_mut().extend(value.parse().map(|value| (name, value)));
    }
    response
}
