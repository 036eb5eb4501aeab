//! Requests that are one too many.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use merak_authn::{Counted, TooManyRequests};
use merak_authz::{Noted, note};

use crate::app::App;
use crate::error::{ApiError, ErrorKind};
use crate::extract::ClientAddress;
use crate::oauth::{self, TokenRejection};

/// Counts a request by where it comes from, before anything is done for it. Who asks, and in which
/// realm, counts once that is known ([`crate::extract::Authenticated`]).
pub(crate) async fn count_by_address(
    State(app): State<App>,
    ClientAddress(address): ClientAddress,
    request: Request,
    next: Next,
) -> Response {
    match app.rates.admit_from(address).await {
        Ok(()) => next.run(request).await,
        Err(refused) if request.uri().path() == oauth::PATH => {
            TokenRejection::from(refused).into_response()
        }
        Err(refused) => ApiError::from(refused).into_response(),
    }
}

/// Polaris' type and words, with what was counted, and when to come again, which Polaris does not
/// say.
impl From<TooManyRequests> for ApiError {
    fn from(refused: TooManyRequests) -> Self {
        let (limit, message) = match refused.counted {
            Counted::ByRealm => ("realm", "Rate exceeded"),
            Counted::ByPrincipal => ("principal", "Rate exceeded for this principal"),
            Counted::ByAddress => ("address", "Rate exceeded for this address"),
        };
        note(Noted::RateLimit, || limit.to_owned());
        metrics::counter!("merak_rate_limited_requests_total", "limit" => limit).increment(1);
        Self::new(ErrorKind::TooManyRequests, message).retry_after_s(refused.retry_after_s)
    }
}
