//! Files in Azure: a client of one container.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{BoxStream, StreamExt};
use http::{Method, StatusCode};
use object_store::azure::{
    AzureAuthorizer, AzureCredential, MicrosoftAzure, MicrosoftAzureBuilder,
};
use object_store::client::{HttpClient, HttpRequest, HttpRequestBody};
use object_store::path::Path;
use object_store::{
    BackoffConfig, CopyOptions, CredentialProvider, GetOptions, GetResult, ListResult,
    MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result, RetryConfig,
};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;
use url::{Url, form_urlencoded};

use super::counted_http::Shared;
use crate::StorageSettings;
use crate::vend::azure::AzureAddress;

/// Credentials for a container.
pub(crate) type AzureCredentials = Arc<dyn CredentialProvider<Credential = AzureCredential>>;

/// What `object_store` errors are marked with.
const STORE: &str = "MicrosoftAzure";

/// Opens a container. Asks nobody.
///
/// Files are reached through the blob service, which hierarchical accounts have too. The client must
/// be one that takes plain HTTP where the address has it.
pub(crate) fn open(
    settings: &StorageSettings,
    address: &AzureAddress,
    credentials: AzureCredentials,
    http: HttpClient,
) -> Result<Arc<dyn ObjectStore>> {
    let retry = RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(2),
            base: 2.0,
        },
        max_retries: settings.max_retries,
        retry_timeout: settings.retry_timeout,
    };
    // Not `from_env`: the environment could bring an account key, or switch off signing.
    let inner = MicrosoftAzureBuilder::new()
        .with_account(&address.account)
        .with_container_name(&address.container)
        .with_endpoint(address.blob_url.clone())
        .with_allow_http(address.plain_http)
        .with_credentials(Arc::clone(&credentials))
        .with_retry(retry.clone())
        .with_http_connector(Shared(http.clone()))
        .build()?;
    let base = Url::parse(&format!("{}/{}", address.blob_url, address.container))
        .map_err(|error| generic(error.into()))?;
    let deleter = Deleter { account: address.account.clone(), base, credentials, http, retry };
    Ok(Arc::new(AzureStore { inner, deleter: Arc::new(deleter) }))
}

/// A SAS, as the vendor makes it, in the form that the client takes it in. **Its `Debug` shows it.**
#[expect(clippy::disallowed_methods, reason = "to object_store, which sends it with each request")]
pub(crate) fn sas_credential(query: &SecretString) -> AzureCredential {
    let pairs = form_urlencoded::parse(query.expose_secret().as_bytes());
    AzureCredential::SASToken(pairs.into_owned().collect())
}

/// A container, whose files are deleted one by one: `object_store` would send batches to the
/// container, which a signature for a directory does not open.
struct AzureStore {
    inner: MicrosoftAzure,
    deleter: Arc<Deleter>,
}

struct Deleter {
    account: String,
    /// The container's URL.
    base: Url,
    credentials: AzureCredentials,
    http: HttpClient,
    retry: RetryConfig,
}

impl fmt::Debug for AzureStore {
    /// That of the client could show its credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AzureStore({})", self.deleter.base)
    }
}

impl fmt::Display for AzureStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.deleter.base)
    }
}

#[async_trait]
impl ObjectStore for AzureStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let deleter = Arc::clone(&self.deleter);
        let delete = move |location: Result<Path>| {
            let deleter = Arc::clone(&deleter);
            async move {
                let location = location?;
                deleter.delete(&location).await?;
                Ok(location)
            }
        };
        locations.map(delete).buffered(10).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

impl Deleter {
    async fn delete(&self, location: &Path) -> Result<()> {
        let begun = Instant::now();
        let mut delay = self.retry.backoff.init_backoff;
        let mut repeated = 0;
        loop {
            let (may_pass, error) = match self.send(location).await? {
                Ok((status, _)) if status.is_success() => return Ok(()),
                Ok((status, body)) => {
                    let may_pass = status.is_server_error()
                        || matches!(
                            status,
                            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
                        );
                    (may_pass, refused(location, status, &body))
                }
                Err(error) => (true, generic(error.into())),
            };
            let is_late = begun.elapsed() + delay > self.retry.retry_timeout;
            if !may_pass || is_late || repeated == self.retry.max_retries {
                return Err(error);
            }
            tokio::time::sleep(delay).await;
            delay = (delay * 2).min(self.retry.backoff.max_backoff);
            repeated += 1;
        }
    }

    /// The answer to one request, or what kept it from coming.
    async fn send(
        &self,
        location: &Path,
    ) -> Result<std::result::Result<(StatusCode, String), object_store::client::HttpError>> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| generic("its URL has no path".into()))?
            .extend(location.parts());
        let mut request = HttpRequest::new(HttpRequestBody::empty());
        *request.method_mut() = Method::DELETE;
        *request.uri_mut() =
            url.as_str().parse().map_err(|error: http::uri::InvalidUri| generic(error.into()))?;
        let credential = self.credentials.get_credential().await?;
        AzureAuthorizer::new(&credential, &self.account).try_authorize(&mut request)?;
        Ok(match self.http.execute(request).await {
            Ok(answer) => {
                let (head, body) = answer.into_parts();
                let body = body.bytes().await;
                body.map(|body| (head.status, String::from_utf8_lossy(&body).into_owned()))
            }
            Err(error) => Err(error),
        })
    }
}

/// An error that reads as those of the client do: its readers know no other.
fn refused(location: &Path, status: StatusCode, body: &str) -> object_store::Error {
    let path = location.to_string();
    let source = format!("Server returned non-2xx status code: {status}: {body}").into();
    match status {
        StatusCode::NOT_FOUND => object_store::Error::NotFound { path, source },
        StatusCode::UNAUTHORIZED => object_store::Error::Unauthenticated { path, source },
        StatusCode::FORBIDDEN => object_store::Error::PermissionDenied { path, source },
        _ => generic(source),
    }
}

fn generic(source: Box<dyn StdError + Send + Sync>) -> object_store::Error {
    object_store::Error::Generic { store: STORE, source }
}
