//! Questions that no store client asks.

use reqwest::redirect::Policy;
use reqwest::{Client, Request, Response};

use crate::io::causes;
use crate::{Storage, StorageSettings};

/// Sends a request, which follows no redirect: it may carry a token, and a redirect is an answer.
pub(super) async fn send(
    storage: &Storage,
    make: impl FnOnce(&Client) -> reqwest::Result<Request>,
) -> Result<Response, String> {
    let StorageSettings { request_timeout, connect_timeout, .. } = &storage.settings;
    let failed = |error: reqwest::Error| causes(&error.without_url());
    let client = Client::builder()
        .redirect(Policy::none())
        .timeout(*request_timeout)
        .connect_timeout(*connect_timeout)
        .build()
        .map_err(failed)?;
    let request = make(&client).map_err(failed)?;
    client.execute(request).await.map_err(failed)
}
