//! The HTTP clients that all stores share.

use std::sync::Arc;
use std::time::Duration;

use object_store::ClientOptions;
use object_store::client::{HttpClient, HttpConnector, ReqwestConnector};
use tokio::sync::OnceCell;

use super::counted_http::{CountedHttp, Counters, Shared};
use crate::StorageSettings;

/// Stores close idle connections after about this time; a request sent into a closing connection
/// would have to be repeated.
const IDLE_CONNECTIONS_LAST: Duration = Duration::from_secs(15);

/// The HTTP clients of all stores.
#[derive(Debug)]
pub(super) struct StoreHttp {
    settings: StorageSettings,
    counters: Arc<Counters>,
    /// Two, so that no redirect leads an encrypted request to plain HTTP.
    pub(super) tls_only: OnceCell<HttpClient>,
    with_plain_http: OnceCell<HttpClient>,
}

impl StoreHttp {
    pub(super) fn new(settings: StorageSettings, counters: Arc<Counters>) -> Self {
        Self { settings, counters, tls_only: OnceCell::new(), with_plain_http: OnceCell::new() }
    }

    /// What gives a store the client to share.
    pub(super) async fn connector(&self, plain_http: bool) -> object_store::Result<Shared> {
        let client = if plain_http { &self.with_plain_http } else { &self.tls_only };
        let made = client.get_or_try_init(|| async {
            let options = ClientOptions::new()
                .with_allow_http(plain_http)
                .with_timeout(self.settings.request_timeout)
                .with_connect_timeout(self.settings.connect_timeout)
                .with_pool_idle_timeout(IDLE_CONNECTIONS_LAST);
            let inner = ReqwestConnector::default().connect(&options)?;
            Ok::<_, object_store::Error>(CountedHttp::client(inner, Arc::clone(&self.counters)))
        });
        Ok(Shared(made.await?.clone()))
    }
}
