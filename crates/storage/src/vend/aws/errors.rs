//! What STS said when it gave no credentials, in our words and without what should not be told.
//!
//! The SDK's own errors are not kept: their `Debug` prints answers whole.

use std::error::Error as StdError;

use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::DateTime;

use crate::ProviderMessage;
use crate::io::causes;
use crate::vend::VendError;

/// Codes that say that the server's own credentials will not do.
const IDENTITY_CODES: [&str; 7] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "InvalidAccessKeyId",
    "UnrecognizedClientException",
    "SignatureDoesNotMatch",
    "IncompleteSignature",
];

/// Codes that say that asking again later may help, whatever the status.
const BUSY_CODES: [&str; 8] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "SlowDown",
    "ServiceUnavailable",
    "InternalFailure",
];

/// A call of STS, and who makes it.
#[derive(Debug)]
pub(super) struct Step<'a> {
    what: &'a str,
    access_key: &'a str,
}

impl<'a> Step<'a> {
    pub(super) fn new(what: &'a str, access_key: &'a str) -> Self {
        Self { what, access_key }
    }

    /// The error of a call that failed.
    pub(super) fn error<E>(&self, error: &SdkError<E, HttpResponse>) -> VendError
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        let status = error.raw_response().map(|answer| answer.status().as_u16());
        let reason = ProviderMessage(said(error, status));
        let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
        let is_one_of = |codes: &[&str]| code.is_some_and(|code| codes.contains(&code));
        if is_one_of(&["PackedPolicyTooLarge", "PackedPolicyTooLargeException"]) {
            return VendError::Impossible(format!(
                "The session policy and tags are too large for {}: {reason}",
                self.what
            ));
        }
        let is_answer = status.is_some_and(|status| (400..500).contains(&status) && status != 429);
        if !is_answer || is_one_of(&BUSY_CODES) {
            return VendError::Unavailable { step: self.what.to_owned(), reason };
        }
        let step = if is_one_of(&IDENTITY_CODES) {
            format!("The server's own access key {} for {}", self.access_key, self.what)
        } else {
            self.what.to_owned()
        };
        VendError::Denied { step, reason }
    }
}

/// The service's own code and message, or what kept us from getting an answer.
fn said<E>(error: &SdkError<E, HttpResponse>, status: Option<u16>) -> String
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    let service = error.as_service_error();
    let code = service.and_then(ProvideErrorMetadata::code);
    let message = service.and_then(ProvideErrorMetadata::message);
    let text = match (code, message, status) {
        (Some(code), Some(message), _) => format!("{code}: {message}"),
        (Some(text), None, _) | (None, Some(text), _) => text.to_owned(),
        (None, None, Some(status)) => {
            format!("it answered HTTP {status} without an error of STS; is this endpoint one?")
        }
        (None, None, None) => return causes(error),
    };
    crate::io::tidy(&text)
}

/// When credentials end.
pub(super) fn millis(end: DateTime) -> Result<i64, VendError> {
    end.to_millis().map_err(|_| VendError::Unavailable {
        step: "AssumeRole".to_owned(),
        reason: ProviderMessage("the credentials have no end".to_owned()),
    })
}
