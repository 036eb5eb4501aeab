//! Answers in the forms that Google gives them.

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use crate::Fault;
use crate::http_text::xml_escaped;
use crate::serving::json_answer;

/// JSON, with 200.
pub(crate) fn ok(body: &Value) -> Response {
    json_answer(StatusCode::OK, body)
}

/// An error of the token services: RFC 6749, section 5.2.
pub(crate) fn oauth_error(status: StatusCode, error: &str, description: &str) -> Response {
    let body = json!({"error": error, "error_description": description});
    json_answer(status, &body)
}

/// 400 `invalid_request`.
pub(crate) fn invalid_request(description: &str) -> Response {
    oauth_error(StatusCode::BAD_REQUEST, "invalid_request", description)
}

/// An error of the newer APIs: `google.rpc.Status`.
pub(crate) fn api_error(status: StatusCode, reason: &str, message: &str) -> Response {
    let body = json!({"error": {"code": status.as_u16(), "message": message, "status": reason}});
    json_answer(status, &body)
}

/// The same, with a detail that says why.
pub(crate) fn api_error_because(
    status: StatusCode,
    reason: &str,
    message: &str,
    why: (&str, &str, Value),
) -> Response {
    let (because, domain, metadata) = why;
    let detail = json!({
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": because,
        "domain": domain,
        "metadata": metadata,
    });
    let body = json!({"error": {
        "code": status.as_u16(),
        "message": message,
        "status": reason,
        "details": [detail],
    }});
    json_answer(status, &body)
}

/// Which of the two languages of the storage service a call speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Json,
    Xml,
}

/// An error of the storage service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// The reason, in the spelling of the JSON API.
    pub(crate) reason: &'static str,
    /// The code, in the spelling of the XML API.
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Refusal {
    fn new(
        status: StatusCode,
        reason: &'static str,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self { status, reason, code, message: message.into() }
    }

    pub(crate) fn unauthenticated() -> Self {
        let message = "Invalid Credentials";
        Self::new(StatusCode::UNAUTHORIZED, "authError", "AuthenticationRequired", message)
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "AccessDenied", message)
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "notFound", "NoSuchKey", format!("Not Found: {what}"))
    }

    pub(crate) fn no_bucket() -> Self {
        let message = "The specified bucket does not exist.";
        Self::new(StatusCode::NOT_FOUND, "notFound", "NoSuchBucket", message)
    }

    pub(crate) fn precondition() -> Self {
        let message = "At least one of the pre-conditions you specified did not hold.";
        Self::new(StatusCode::PRECONDITION_FAILED, "conditionNotMet", "PreconditionFailed", message)
    }

    pub(crate) fn range() -> Self {
        let message = "The requested range cannot be satisfied.";
        let status = StatusCode::RANGE_NOT_SATISFIABLE;
        Self::new(status, "requestedRangeNotSatisfiable", "InvalidRange", message)
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", "InvalidArgument", message)
    }

    /// For what the real service knows and the double does not.
    pub(crate) fn not_played(what: &str) -> Self {
        let message = format!("the double does not know {what}");
        Self::new(StatusCode::NOT_IMPLEMENTED, "notImplemented", "NotImplemented", message)
    }

    pub(crate) fn unreachable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, "backendError", "InternalError", message)
    }

    pub(crate) fn into_response(self, style: Style) -> Response {
        storage_error(style, self.status, self.reason, self.code, &self.message)
    }
}

fn storage_error(
    style: Style,
    status: StatusCode,
    reason: &str,
    code: &str,
    message: &str,
) -> Response {
    match style {
        Style::Json => {
            let error = json!({"message": message, "domain": "global", "reason": reason});
            let code = status.as_u16();
            let body = json!({"error": {"code": code, "message": message, "errors": [error]}});
            json_answer(status, &body)
        }
        Style::Xml => {
            let (code, message) = (xml_escaped(code), xml_escaped(message));
            let body = format!(
                "<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code>\
                 <Message>{message}</Message></Error>"
            );
            (status, [(CONTENT_TYPE, "application/xml; charset=UTF-8")], body).into_response()
        }
    }
}

/// What a fault says, in the form of the service that it strikes.
pub(crate) fn of_fault(fault: &Fault, kind: &str, style: Style) -> Response {
    let status = StatusCode::from_u16(fault.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if kind.starts_with("storage.") {
        storage_error(style, status, &fault.code, &fault.code, &fault.message)
    } else if kind == "impersonate" {
        api_error(status, &fault.code, &fault.message)
    } else {
        oauth_error(status, &fault.code, &fault.message)
    }
}
