//! The token endpoint. It answers errors in OAuth's own form, with Polaris' statuses.

use std::net::IpAddr;

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use merak_authn::{TokenError, TokenRequest, TooManyRequests};
use merak_authz::{Noted, note};
use merak_wire::oauth::{ACCESS_TOKEN_TYPE, TokenErrorResponse, TokenForm, TokenResponse};
use secrecy::{ExposeSecret, SecretString};

use crate::app::App;
use crate::error::{ApiError, ErrorKind};
use crate::extract::{ClientAddress, Form, Realm};

/// Where the token endpoint is.
pub(crate) const PATH: &str = "/api/catalog/v1/oauth/tokens";

/// What a request for a token is called in the log and in audit records: Polaris has no name for it.
const GET_TOKEN: &str = "GET_TOKEN";

/// So much of a client id is noted.
const MAX_NOTED_CHARS: usize = 128;

const CLIENT_CREDENTIALS: &str = "client_credentials";
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// Why there is no token, in the form that fits.
pub(crate) enum TokenRejection {
    OAuth(TokenError),
    Api(ApiError),
    /// In OAuth's form, and with the status, words and header of other requests.
    TooMany(ApiError),
}

/// That a request for a token was counted in its realm. Nobody is known yet, to count it by.
pub(crate) struct CountedInRealm;

impl FromRequestParts<App> for CountedInRealm {
    type Rejection = TokenRejection;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, TokenRejection> {
        let realm = Realm::from_request_parts(parts, app).await;
        let Realm(realm) = realm.map_err(TokenRejection::Api)?;
        app.rates.admit_in(&realm).await?;
        Ok(Self)
    }
}

impl From<TooManyRequests> for TokenRejection {
    fn from(refused: TooManyRequests) -> Self {
        Self::TooMany(refused.into())
    }
}

impl From<TokenError> for TokenRejection {
    fn from(error: TokenError) -> Self {
        Self::OAuth(error)
    }
}

impl IntoResponse for TokenRejection {
    fn into_response(self) -> Response {
        let error = match self {
            Self::Api(error) => return error.into_response(),
            Self::TooMany(error) => {
                let description = error.to_string();
                let mut response = error.into_response();
                // OAuth has no better word.
                let body = TokenErrorResponse {
                    error: "temporarily_unavailable",
                    error_description: &description,
                };
                *response.body_mut() = crate::json(&body).into_body();
                return response;
            }
            Self::OAuth(error) => error,
        };
        // Polaris' statuses, not the RFC's: a wrong secret is 401, everything else 400.
        let status = match &error {
            TokenError::UnauthorizedClient => StatusCode::UNAUTHORIZED,
            TokenError::InvalidRequest
            | TokenError::InvalidClient
            | TokenError::InvalidGrant
            | TokenError::UnsupportedGrantType
            | TokenError::InvalidScope => StatusCode::BAD_REQUEST,
            TokenError::IssuedElsewhere(_) => StatusCode::NOT_IMPLEMENTED,
            TokenError::Unavailable(_) => {
                tracing::error!(error = &error as &dyn std::error::Error, "no token was issued");
                StatusCode::SERVICE_UNAVAILABLE
            }
            TokenError::TooManyAttempts { .. } => StatusCode::TOO_MANY_REQUESTS,
        };
        let body =
            TokenErrorResponse { error: error.code(), error_description: &error.to_string() };
        let mut response = (status, crate::json(&body)).into_response();
        if let TokenError::TooManyAttempts { retry_after_s } = error {
            response.headers_mut().insert(header::RETRY_AFTER, retry_after_s.into());
        }
        response
    }
}

/// `POST /v1/oauth/tokens`
#[expect(clippy::disallowed_methods, reason = "the token leaves for the client that asked for it")]
pub(crate) async fn get_token(
    State(app): State<App>,
    Realm(realm): Realm,
    _: CountedInRealm,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    Form(form): Form<TokenForm>,
) -> Result<Response, TokenRejection> {
    // Before the form is looked at: whatever it has, nothing comes of it there.
    app.authn.require_issuing(&realm)?;
    note(Noted::Operation, || GET_TOKEN.to_owned());
    let request = token_request(form, &headers, address)?;
    if let TokenRequest::ClientCredentials { client_id, .. } = &request {
        // As the client says: its secret was not looked at.
        let client_id = || client_id.chars().take(MAX_NOTED_CHARS).collect::<String>();
        note(Noted::Securable, || format!("client {}", client_id()));
    }
    let issued = app.authn.issue_token(&realm, request).await?;
    let body = crate::json(&TokenResponse {
        access_token: issued.access_token.expose_secret(),
        token_type: "bearer",
        issued_token_type: ACCESS_TOKEN_TYPE,
        expires_in: issued.expires_in_s,
        scope: &issued.scope,
    });
    Ok(([(header::CACHE_CONTROL, "no-store")], body).into_response())
}

/// What is asked for: credentials from the form, or from a Basic header if the form has no secret.
/// With a Basic header even a token exchange is a request by credentials: that is how Iceberg's
/// Java client renews a token that has ended.
fn token_request(
    form: TokenForm,
    headers: &HeaderMap,
    address: IpAddr,
) -> Result<TokenRequest, TokenRejection> {
    let is_exchange = match form.grant_type.as_deref() {
        Some(CLIENT_CREDENTIALS) => false,
        Some(TOKEN_EXCHANGE) => true,
        _ => return Err(TokenError::UnsupportedGrantType.into()),
    };
    if form.requested_token_type.is_some_and(|wanted| wanted != ACCESS_TOKEN_TYPE) {
        return Err(TokenError::InvalidRequest.into());
    }
    let authorization = headers.get(header::AUTHORIZATION);
    if form.client_secret.is_none() && authorization.is_none() {
        return Err(TokenError::InvalidClient.into());
    }
    let basic = match (&form.client_secret, authorization) {
        (None, Some(value)) => basic_credentials(value.to_str().unwrap_or_default())?,
        _ => None,
    };
    if let Some((client_id, client_secret)) = basic {
        let scope = form.scope;
        return Ok(TokenRequest::ClientCredentials { client_id, client_secret, address, scope });
    }
    if is_exchange {
        let subject_token = form.subject_token.filter(|token| !token.is_empty());
        let subject_token = subject_token.ok_or(TokenError::InvalidRequest)?;
        return Ok(TokenRequest::Exchange {
            subject_token: SecretString::from(subject_token),
            subject_token_type: form.subject_token_type,
            scope: form.scope,
        });
    }
    let client_secret = form.client_secret.ok_or(TokenError::InvalidClient)?;
    let client_id = form.client_id.ok_or(TokenError::InvalidClient)?;
    let client_secret = SecretString::from(client_secret);
    let scope = form.scope;
    Ok(TokenRequest::ClientCredentials { client_id, client_secret, address, scope })
}

/// The id and secret of a Basic header, if it is one.
fn basic_credentials(value: &str) -> Result<Option<(String, SecretString)>, TokenRejection> {
    let Some((scheme, encoded)) = value.split_once(' ') else {
        return Ok(None);
    };
    if !scheme.eq_ignore_ascii_case("basic") {
        return Ok(None);
    }
    let text = STANDARD
        .decode(encoded.trim())
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| {
            TokenRejection::Api(ApiError::new(
                ErrorKind::IllegalArgument,
                "The Basic authorization header is not base64 of id:secret",
            ))
        })?;
    let (id, secret) = text.split_once(':').ok_or(TokenError::InvalidRequest)?;
    Ok(Some((id.to_owned(), SecretString::from(secret))))
}
