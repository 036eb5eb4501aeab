//! Refusals in the forms that Azure gives them.

use axum::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderName, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;
use uuid::Uuid;

use crate::Fault;
use crate::http_text::xml_escaped;
use crate::serving::json_answer;

/// Which of the storage services a call goes to: they say the same in two languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// Blob, in XML.
    Blob,
    /// Data Lake Storage, in JSON.
    Dfs,
}

/// An error of a storage service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) code: String,
    pub(crate) message: String,
    /// Why a request could not be authenticated.
    detail: Option<String>,
}

impl Refusal {
    fn new(status: StatusCode, code: &str, message: &str) -> Self {
        Self { status, code: code.to_owned(), message: message.to_owned(), detail: None }
    }

    /// The signature, or something that it covers, is not right.
    pub(crate) fn signature(detail: impl Into<String>) -> Self {
        let message = "Server failed to authenticate the request. Make sure the value of \
                       Authorization header is formed correctly including the signature.";
        let refusal = Self::new(StatusCode::FORBIDDEN, "AuthenticationFailed", message);
        Self { detail: Some(detail.into()), ..refusal }
    }

    /// The bearer token is not right.
    pub(crate) fn bearer(detail: impl Into<String>) -> Self {
        let message = "Server failed to authenticate the request. Please refer to the information \
                       in the www-authenticate header.";
        let refusal = Self::new(StatusCode::UNAUTHORIZED, "InvalidAuthenticationInfo", message);
        Self { detail: Some(detail.into()), ..refusal }
    }

    pub(crate) fn anonymous() -> Self {
        let message = "Server failed to authenticate the request. Please refer to the information \
                       in the www-authenticate header.";
        Self::new(StatusCode::UNAUTHORIZED, "NoAuthenticationInformation", message)
    }

    /// Neither the letters nor the roles permit it.
    pub(crate) fn permission() -> Self {
        let message = "This request is not authorized to perform this operation using this \
                       permission.";
        Self::new(StatusCode::FORBIDDEN, "AuthorizationPermissionMismatch", message)
    }

    /// What is asked for lies outside.
    pub(crate) fn outside() -> Self {
        let message = "This request is not authorized to perform this operation.";
        Self::new(StatusCode::FORBIDDEN, "AuthorizationFailure", message)
    }

    pub(crate) fn protocol() -> Self {
        let message = "This request is not authorized to perform this operation using this \
                       protocol.";
        Self::new(StatusCode::FORBIDDEN, "AuthorizationProtocolMismatch", message)
    }

    pub(crate) fn source_address() -> Self {
        let message = "This request is not authorized to perform this operation using this source \
                       IP.";
        Self::new(StatusCode::FORBIDDEN, "AuthorizationSourceIPMismatch", message)
    }

    pub(crate) fn copy_source() -> Self {
        let message = "Could not verify the copy source within the specified time.";
        Self::new(StatusCode::FORBIDDEN, "CannotVerifyCopySource", message)
    }

    pub(crate) fn no_account() -> Self {
        let message = "The specified resource does not exist.";
        Self::new(StatusCode::NOT_FOUND, "ResourceNotFound", message)
    }

    pub(crate) fn no_container(service: Service) -> Self {
        let (code, message) = match service {
            Service::Blob => ("ContainerNotFound", "The specified container does not exist."),
            Service::Dfs => ("FilesystemNotFound", "The specified filesystem does not exist."),
        };
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    pub(crate) fn no_blob(service: Service) -> Self {
        let (code, message) = match service {
            Service::Blob => ("BlobNotFound", "The specified blob does not exist."),
            Service::Dfs => ("PathNotFound", "The specified path does not exist."),
        };
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    pub(crate) fn exists(service: Service) -> Self {
        let (code, message) = match service {
            Service::Blob => ("BlobAlreadyExists", "The specified blob already exists."),
            Service::Dfs => ("PathAlreadyExists", "The specified path already exists."),
        };
        Self::new(StatusCode::CONFLICT, code, message)
    }

    pub(crate) fn directory() -> Self {
        let message = "The operation is not permitted on a directory, or one that is not empty.";
        Self::new(StatusCode::CONFLICT, "DirectoryIsNotEmpty", message)
    }

    pub(crate) fn condition() -> Self {
        let message = "The condition specified using HTTP conditional header(s) is not met.";
        Self::new(StatusCode::PRECONDITION_FAILED, "ConditionNotMet", message)
    }

    pub(crate) fn range() -> Self {
        let message = "The range specified is invalid for the current size of the resource.";
        Self::new(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange", message)
    }

    pub(crate) fn no_hierarchy() -> Self {
        let message = "Hierarchical namespace is not enabled for this account.";
        Self::new(StatusCode::BAD_REQUEST, "HierarchicalNamespaceNotEnabled", message)
    }

    pub(crate) fn invalid(code: &str, message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(crate) fn header(name: &str) -> Self {
        let message = format!("An HTTP header is missing or not in the correct format: {name}");
        Self::invalid("InvalidHeaderValue", &message)
    }

    /// For what the real service knows and the double does not.
    pub(crate) fn not_played(what: &str) -> Self {
        let message = format!("the double does not know {what}");
        Self::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", &message)
    }

    pub(crate) fn of_fault(fault: &Fault) -> Self {
        let status = StatusCode::from_u16(fault.status);
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self::new(status, &fault.code, &fault.message)
    }

    /// As a service answers it; nothing but headers to `HEAD`.
    pub(crate) fn into_response(self, service: Service, method: &Method) -> Response {
        let code = HeaderName::from_static("x-ms-error-code");
        let mut headers = vec![(code, self.code.clone())];
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = "Bearer authorization_uri=https://login.microsoftonline.com/ \
                             resource_id=https://storage.azure.com";
            headers.push((WWW_AUTHENTICATE, challenge.to_owned()));
        }
        let mut response = match service {
            _ if method == Method::HEAD => self.status.into_response(),
            Service::Blob => self.in_xml(),
            Service::Dfs => {
                let message = format!("{}\n{}", self.message, self.detail.unwrap_or_default());
                let error = json!({"code": self.code, "message": message.trim_end()});
                json_answer(self.status, &json!({"error": error}))
            }
        };
        for (name, value) in headers {
            response.headers_mut().extend(value.parse().map(|value| (name, value)));
        }
        response
    }

    fn in_xml(&self) -> Response {
        let (code, message) = (xml_escaped(&self.code), xml_escaped(&self.message));
        let detail = self.detail.as_ref().map_or_else(String::new, |detail| {
            let detail = xml_escaped(detail);
            format!("<AuthenticationErrorDetail>{detail}</AuthenticationErrorDetail>")
        });
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{code}</Code>\
             <Message>{message}</Message>{detail}</Error>"
        );
        (self.status, [(CONTENT_TYPE, "application/xml")], body).into_response()
    }
}

/// An error of the token endpoint: <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>.
pub(crate) fn login_error(status: StatusCode, error: &str, number: u32, message: &str) -> Response {
    let id = Uuid::new_v4();
    let codes = if number == 0 { Vec::new() } else { vec![number] };
    let description = match number {
        0 => message.to_owned(),
        number => format!("AADSTS{number}: {message} Trace ID: {id} Correlation ID: {id}"),
    };
    let body = json!({
        "error": error,
        "error_description": description,
        "error_codes": codes,
        "trace_id": id,
        "correlation_id": id,
    });
    json_answer(status, &body)
}

/// The same for a fault, whose message may begin with `AADSTS` and a number.
pub(crate) fn login_fault(fault: &Fault) -> Response {
    let status = StatusCode::from_u16(fault.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let numbered = fault.message.strip_prefix("AADSTS").and_then(|text| text.split_once(": "));
    let (number, message) = numbered
        .and_then(|(number, message)| Some((number.parse().ok()?, message)))
        .unwrap_or((0, &fault.message));
    login_error(status, &fault.code, number, message)
}
