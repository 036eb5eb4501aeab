//! Requests that change something, with their idempotency keys.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts as _, Request};
use axum::http::{HeaderMap, Method, Uri};
use merak_authz::{CallerRef, Delegation};
use merak_service::AnswerKey;
use uuid::Uuid;

use crate::app::App;
use crate::error::{ApiError, ErrorKind};
use crate::extract::body::{Most, raw_body};
use crate::extract::{Delegated, GenericDelegated};

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
    /// Whether credentials for a generic table were asked for.
    delegated_generic: bool,
    body: Bytes,
    lifetime: Duration,
}

impl RequestKey {
    /// The key as it is remembered, if that caller sent it.
    pub(crate) fn of(&self, caller: &CallerRef) -> AnswerKey {
        let Delegated(asked) = self.delegated;
        let asked = [asked.vended_credentials, asked.remote_signing, true].map(u8::from);
        let asked = if self.delegated_generic { &asked[..] } else { &asked[..2] };
        let parts: [&[u8]; 5] = [
            self.method.as_str().as_bytes(),
            self.uri.path().as_bytes(),
            self.uri.query().unwrap_or_default().as_bytes(),
            asked,
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
        let generic = GenericDelegated::from_request_parts(&mut parts, app).await;
        let delegated_generic = generic.is_ok_and(|asked| asked.0 == Delegation::Asked);
        let body = raw_body(body, &app.settings, Most::of_any(&app.settings)).await?;
        let (method, uri) = (parts.method.clone(), parts.uri.clone());
        let request = Request::from_parts(parts, Body::from(body.clone()));
        let key = RequestKey { key, method, uri, delegated, delegated_generic, body, lifetime };
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
