//! Connections against small servers of their own.
#![expect(clippy::disallowed_methods, reason = "the secrets are made up")]

mod answers;
mod double;
mod judging;
mod sealing;
mod signing;
mod tokens;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use merak_model::entity::internal;
use merak_model::{Clock, Entity, EntityId, EntityKind, Properties, RealmId};
use merak_storage::{Storage, StorageSettings};

use self::double::{Double, json};
use crate::{
    AuthenticationDraft, ConnectionDraft, Federation, FederationSettings, KeyRing, Method, Remote,
    RemoteRequest,
};

const NOW: i64 = 1_700_000_000_000;

/// A clock that stands still until it is set.
#[derive(Debug)]
struct Hand(AtomicI64);

impl Hand {
    fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// The side that asks.
struct World {
    clock: Arc<Hand>,
    federation: Federation,
    realm: RealmId,
}

impl World {
    fn new(settings: FederationSettings) -> Self {
        let clock = Arc::new(Hand(AtomicI64::new(NOW)));
        let dyn_clock: Arc<dyn Clock> = Arc::<Hand>::clone(&clock);
        let storage = StorageSettings {
            aws_access_key: Some("AKIDTEST".into()),
            aws_secret_key: Some("hunter2".into()),
            ..StorageSettings::default()
        };
        let signer = Storage::new(storage, Arc::clone(&dyn_clock)).request_signer();
        let keys = KeyRing::for_this_process().unwrap();
        let federation = Federation::new(settings, keys, signer, dyn_clock).unwrap();
        Self { clock, federation, realm: RealmId::new("POLARIS") }
    }

    /// A catalog with such a connection.
    fn catalog(&self, draft: ConnectionDraft) -> Entity {
        let mut catalog = Entity::new(EntityKind::Catalog, EntityId::ROOT, EntityId::ROOT, "c", 1);
        let connection = self.federation.connect(&self.realm, catalog.id, draft).unwrap();
        catalog.internal.insert(internal::CONNECTION.to_owned(), connection.to_json());
        catalog
    }

    async fn remote(&self, draft: ConnectionDraft) -> Arc<Remote> {
        self.federation.remote(&self.realm, &self.catalog(draft)).await.unwrap()
    }
}

/// Settings with little patience.
fn hasty() -> FederationSettings {
    FederationSettings {
        request_timeout: Duration::from_millis(300),
        connect_timeout: Duration::from_millis(300),
        max_answer_bytes: 1000,
        ..FederationSettings::default()
    }
}

fn draft(uri: &str, authentication: AuthenticationDraft) -> ConnectionDraft {
    ConnectionDraft {
        connection_type: "ICEBERG_REST".to_owned(),
        uri: Some(uri.to_owned()),
        remote_catalog_name: Some("sales & more".to_owned()),
        properties: Properties::new(),
        authentication: Some(authentication),
    }
}

fn bearer(uri: &str) -> ConnectionDraft {
    draft(uri, AuthenticationDraft::Bearer { bearer_token: Some("hunter3".into()) })
}

fn get<const N: usize>(path: [&str; N]) -> RemoteRequest {
    RemoteRequest {
        method: Method::Get,
        path: path.map(str::to_owned).into(),
        query: Vec::new(),
        headers: Vec::new(),
        body: None,
    }
}

fn post<const N: usize>(path: [&str; N]) -> RemoteRequest {
    RemoteRequest { method: Method::Post, body: Some("{}".into()), ..get(path) }
}

/// A catalog that has its routes at `p/q`, and answers all requests with `{}`.
async fn catalog() -> Double {
    Double::start(|seen| {
        if seen.path() == "/api/v1/config" {
            return json(200, r#"{"overrides": {"prefix": "p/q"}, "defaults": {}}"#);
        }
        json(200, "{}")
    })
    .await
}
