//! Requests to S3 that the server signs.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use merak_authz::Delegation;
use merak_service::S3RequestToSign;
use merak_wire::iceberg::{RemoteSignRequest, RemoteSignResult};

use crate::app::App;
use crate::error::{ApiError, ErrorKind};
use crate::extract::{Authenticated, JsonBody, TableInPath};

/// The client may use a signature again for the same request, and nobody else may.
const REPEATABLE: HeaderValue = HeaderValue::from_static("private");
/// The same request is asked for again.
const ONCE: HeaderValue = HeaderValue::from_static("no-cache");

/// `POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/sign`
pub(crate) async fn sign_request(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    TableInPath { catalog, ident }: TableInPath,
    JsonBody(body): JsonBody<RemoteSignRequest>,
) -> Result<Response, ApiError> {
    let path = app.service.table_path(&caller.realm, &catalog, ident).await;
    let access = app.authorizer.authorize_load(&caller, Delegation::Asked, &path).await?;
    if body.provider.as_deref().is_some_and(|provider| !provider.eq_ignore_ascii_case("s3")) {
        return Err(ApiError::new(
            ErrorKind::BadRequest,
            "Only requests to S3 are signed: provider must be s3",
        ));
    }
    let request = S3RequestToSign {
        method: body.method,
        uri: body.uri,
        region: body.region,
        headers: body.headers.into_iter().collect(),
        body: body.body,
    };
    let signed = app.service.sign_request(access, request).await?;
    let caching = if signed.is_repeatable { REPEATABLE } else { ONCE };
    let headers = signed.headers.into_iter().collect();
    let body = crate::json(&RemoteSignResult { uri: signed.uri, headers });
    Ok(([(header::CACHE_CONTROL, caching)], body).into_response())
}
