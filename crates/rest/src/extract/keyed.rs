//! Requests that change something, with their idempotency keys.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts as _, Request};
use axum::http::{HeaderMap, Method, Uri};
use merak_authz::CallerRef;
use merak_service::AnswerKey;
use uuid::Uuid;

use crate::app::App;
use crate::error::{ApiError, ErrorKind};
use crate::extract::Delegated;
use crate::extract::body::{Most, raw_body};

/// The body of a request that changes something, with what its answer is remembered by.
pub(crate) struct Keyed<T>(pub(crate) Option<RequestKey>, pub(crate) T);

/// The body of a request that needs none.
pub(crate) struct NoBody;

/// An idempotency key, and the whole request that it was sent with.
pub(crate) struct RequestKey {
    key: Uuid,
    method: Method,
    uri: Uri,
    delegated: Delegated,
    body: Bytes,
    lifetime: Duration,
}

impl RequestKey {
    /// The key as it is remembered, if that caller sent it.
    pub(crate) fn of(&self, caller: &CallerRef) -> AnswerKey {
        let Delegated(asked) = self.delegated;
        let parts: [&[u8]; 5] = [
            self.method.as_str().as_bytes(),
            self.uri.path().as_bytes(),
            self.uri.query().unwrap_or_default().as_bytes(),
            &[u8::from(asked.vended_credentials), u8::from(asked.remote_signing)],
            &self.body,
        ];
        AnswerKey::new(caller, self.key.hyphenated().to_string(), &parts, self.lifetime)
    }
}

impl<T: FromRequest<App, Rejection = ApiError>> FromRequest<App> for Keyed<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let Some(lifetime) = app.settings.idempotency_lifetime else {
            return Ok(Self(None, T::from_request(request, app).await?));
        };
        let Some(key) = key_in(request.headers())? else {
            return Ok(Self(None, T::from_request(request, app).await?));
        };
        let (mut parts, body) = request.into_parts();
        let Ok(delegated) = Delegated::from_request_parts(&mut parts, app).await;
        let body = raw_body(body, &app.settings, Most::of_any(&app.settings)).await?;
        let (method, uri) = (parts.method.clone(), parts.uri.clone());
        let request = Request::from_parts(parts, Body::from(body.clone()));
        let key = RequestKey { key, method, uri, delegated, body, lifetime };
        Ok(Self(Some(key), T::from_request(request, app).await?))
    }
}

impl FromRequest<App> for NoBody {
    type Rejection = ApiError;

    async fn from_request(_: Request, _: &App) -> Result<Self, ApiError> {
        Ok(Self)
    }
}

/// The key that a request carries: a UUID of any version, in its usual spelling.
fn key_in(headers: &HeaderMap) -> Result<Option<Uuid>, ApiError> {
    let mut values = headers.get_all("idempotency-key").into_iter();
    let Some(value) = values.next() else { return Ok(None) };
    // Uuid knows shorter and longer spellings too.
    let text = value.to_str().ok().filter(|text| text.len() == 36 && values.next().is_none());
    let key = text.and_then(|text| Uuid::try_parse(text).ok());
    key.map(Some).ok_or_else(|| {
        ApiError::new(
            ErrorKind::InvalidIdempotencyKey,
            "Invalid Idempotency-Key header; expected a UUID",
        )
    })
}
