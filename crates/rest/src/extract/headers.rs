//! Headers with a meaning of their own.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use merak_authz::Delegation;
use merak_service::AccessDelegation;

use crate::error::{ApiError, ErrorKind};

/// What a client asks for to reach a table's files: `X-Iceberg-Access-Delegation`.
#[derive(Clone, Copy)]
pub(crate) struct Delegated(pub(crate) AccessDelegation);

impl Delegated {
    /// What to authorize.
    pub(crate) fn to_authorize(self) -> Delegation {
        if self.0.is_asked() { Delegation::Asked } else { Delegation::NotAsked }
    }
}

impl<S: Sync> FromRequestParts<S> for Delegated {
    type Rejection = Infallible;

    /// A list, in which `true` is an old word for vended credentials. What is unknown is ignored.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let mut asked = AccessDelegation::default();
        for value in parts.headers.get_all("x-iceberg-access-delegation") {
            for word in value.to_str().unwrap_or_default().split(',').map(str::trim) {
                match word.to_ascii_lowercase().as_str() {
                    "vended-credentials" | "true" => asked.vended_credentials = true,
                    "remote-signing" => asked.remote_signing = true,
                    "" => {}
                    other => tracing::debug!(mode = other, "unknown access delegation is ignored"),
                }
            }
        }
        Ok(Self(asked))
    }
}

/// What a client asks for to reach a generic table's files: `Polaris-Generic-Table-Access-Delegation`.
#[derive(Clone, Copy)]
pub(crate) struct GenericDelegated(pub(crate) Delegation);

impl<S: Sync> FromRequestParts<S> for GenericDelegated {
    type Rejection = ApiError;

    /// One word. Who asks for something else must not be served as if it had asked for nothing.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut asked = Delegation::NotAsked;
        for value in parts.headers.get_all("polaris-generic-table-access-delegation") {
            match value.to_str().unwrap_or("not a text").trim() {
                "" => {}
                word if word.eq_ignore_ascii_case("vended-credentials") => {
                    asked = Delegation::Asked;
                }
                other => {
                    return Err(ApiError::new(
                        ErrorKind::IllegalArgument,
                        format!(
                            "Unsupported access delegation mode: {other}: of a generic table it \
                             must be vended-credentials"
                        ),
                    ));
                }
            }
        }
        Ok(Self(asked))
    }
}

/// The tags of what a client has already, without their quotes.
pub(crate) struct IfNoneMatch(pub(crate) Vec<String>);

impl<S: Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut tags = Vec::new();
        for value in parts.headers.get_all(header::IF_NONE_MATCH) {
            let text = value.to_str().map_err(|_| malformed_tag())?;
            for tag in text.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
                tags.push(parse_tag(tag)?);
            }
        }
        Ok(Self(tags))
    }
}

/// Tags are compared weakly: `W/` does not matter.
fn parse_tag(tag: &str) -> Result<String, ApiError> {
    if tag == "*" {
        return Err(ApiError::new(
            ErrorKind::IllegalArgument,
            "If-None-Match may not take the value of '*'",
        ));
    }
    let quoted = tag.strip_prefix("W/").unwrap_or(tag);
    quoted
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .filter(|inner| !inner.contains('"'))
        .map(str::to_owned)
        .ok_or_else(malformed_tag)
}

fn malformed_tag() -> ApiError {
    ApiError::new(
        ErrorKind::IllegalArgument,
        "If-None-Match must be a list of tags in quotes, as the header ETag gave them",
    )
}
