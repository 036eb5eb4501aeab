//! Who the server is to the other catalog, shown with each request.

use std::sync::Arc;
use std::time::Duration;

use merak_storage::{RequestSigner, VendError};
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};

use crate::Error;
use crate::http::{Http, Request};
use crate::kept::Kept;
use crate::oauth::TokenClient;
use crate::signed::Signing;

/// The project that Google charges for a request.
const GOOGLE_PROJECT: HeaderName = HeaderName::from_static("x-goog-user-project");
/// For how long a token of Google's must be good to be shown.
const GOOGLE_LIVES: Duration = Duration::from_mins(1);

/// Who the server is.
pub(crate) enum Authentication {
    OAuth(Box<TokenClient>, Kept<SecretString>),
    Bearer(SecretString),
    SigV4(Box<Signing>),
    Gcp,
    Implicit,
}

/// What showing it takes.
pub(crate) struct Means<'a> {
    pub(crate) http: &'a Http,
    pub(crate) signer: &'a RequestSigner,
    pub(crate) host: &'a str,
    pub(crate) now_ms: i64,
}

impl Authentication {
    /// Adds it to a request that is complete but for that, and tells the token that another may be
    /// had for.
    pub(crate) async fn show(
        &self,
        means: &Means<'_>,
        request: &mut Request<'_>,
    ) -> Result<Option<Arc<SecretString>>, Error> {
        match self {
            Self::OAuth(client, kept) => {
                let ask = || client.ask(means.http, means.now_ms);
                let token = kept.get(means.now_ms, ask).await?;
                request.headers.insert(AUTHORIZATION, bearer(&token, means.host)?);
                Ok(Some(token))
            }
            Self::Bearer(token) => {
                request.headers.insert(AUTHORIZATION, bearer(token, means.host)?);
                Ok(None)
            }
            Self::SigV4(signing) => {
                signing.sign(means, request).await?;
                Ok(None)
            }
            Self::Gcp => {
                let asked = means.signer.google_token(GOOGLE_LIVES).await;
                let (token, project) = asked.map_err(|error| of_cloud(error, means.host))?;
                request.headers.insert(AUTHORIZATION, bearer(&token, means.host)?);
                let project = project.and_then(|project| HeaderValue::from_str(&project).ok());
                if let Some(project) = project
                    && !request.headers.contains_key(&GOOGLE_PROJECT)
                {
                    request.headers.insert(GOOGLE_PROJECT, project);
                }
                Ok(None)
            }
            Self::Implicit => Ok(None),
        }
    }

    /// Forgets a token that was refused; whether another can be had.
    pub(crate) async fn renew(&self, refused: &Arc<SecretString>) -> bool {
        match self {
            Self::OAuth(_, kept) => {
                kept.forget(refused).await;
                true
            }
            Self::Bearer(_) | Self::SigV4(_) | Self::Gcp | Self::Implicit => false,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the token leaves for the other catalog")]
fn bearer(token: &SecretString, host: &str) -> Result<HeaderValue, Error> {
    let text = format!("Bearer {}", token.expose_secret());
    let mut value = HeaderValue::from_str(&text).map_err(|_| Error::NoCredentials {
        host: host.to_owned(),
        reason: "the token has characters that no header may have".to_owned(),
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// What a cloud says of the server's own identity.
pub(crate) fn of_cloud(error: VendError, host: &str) -> Error {
    Error::NoCredentials { host: host.to_owned(), reason: error.to_string() }
}
