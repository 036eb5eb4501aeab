//! The HTTP client that all stores share, and its count of requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService,
};

use super::StorageRequests;

/// Requests made so far.
#[derive(Debug, Default)]
pub(super) struct Counters {
    puts: AtomicU64,
    gets: AtomicU64,
    deletes: AtomicU64,
}

impl Counters {
    pub(super) fn count_put(&self) {
        self.puts.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_get(&self) {
        self.gets.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_delete(&self) {
        self.deletes.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn so_far(&self) -> StorageRequests {
        StorageRequests {
            puts: self.puts.load(Ordering::Relaxed),
            gets: self.gets.load(Ordering::Relaxed),
            deletes: self.deletes.load(Ordering::Relaxed),
        }
    }
}

/// How often the requests that carry this were sent. `object_store` repeats them on its own, and
/// does not tell.
#[derive(Debug, Clone, Default)]
pub(super) struct Attempts(Arc<AtomicU64>);

impl Attempts {
    pub(super) fn so_far(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Sends requests and counts them.
#[derive(Debug)]
pub(super) struct CountedHttp {
    inner: HttpClient,
    counters: Arc<Counters>,
}

impl CountedHttp {
    pub(super) fn client(inner: HttpClient, counters: Arc<Counters>) -> HttpClient {
        HttpClient::new(Self { inner, counters })
    }
}

#[async_trait]
impl HttpService for CountedHttp {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        match (request.method().as_str(), request.uri().query()) {
            ("PUT", _) => self.counters.count_put(),
            // The latter removes many objects of S3 at once.
            ("DELETE", _) | ("POST", Some("delete")) => self.counters.count_delete(),
            _ => self.counters.count_get(),
        }
        if let Some(Attempts(count)) = request.extensions().get() {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.inner.execute(request).await
    }
}

/// Gives every store the same client: one pool of connections, one set of root certificates.
#[derive(Debug)]
pub(super) struct Shared(pub(super) HttpClient);

impl HttpConnector for Shared {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(self.0.clone())
    }
}
