//! What `object_store` reports, in our words and without what should not be told.
//!
//! It keeps status and answer to itself, so both are taken from its texts. An answer is never
//! passed on whole: that of S3 to a wrong signature quotes the request, session token included.

use std::error::Error as StdError;

use object_store::Error as StoreError;
use object_store::client::{HttpError, HttpErrorKind};
use serde_json::{Deserializer, Value};

use super::narrowed::NOT_VENDED;
use crate::aws_identity::NO_CREDENTIALS;
use crate::{Error, ProviderMessage, VendError};

const STATUS_MARK: &str = "non-2xx status code: ";
const BATCH_MARK: &str = "DeleteObjects request failed for key ";
const STRANGE_BATCH_MARK: &str = "Got invalid DeleteObjects response: ";
const REDIRECT_MARK: &str = "redirect without LOCATION";
/// The most of a message that is passed on, in characters.
const LONGEST_MESSAGE: usize = 500;

/// Codes that come with status 400 and say that the credentials will not do.
const CREDENTIAL_CODES: [&str; 5] = [
    "ExpiredToken",
    "InvalidToken",
    "TokenRefreshRequired",
    "InvalidAccessKeyId",
    "InvalidAuthenticationInfo",
];
/// Codes that come with status 409 and say that another request for the object, or for what it is
/// in, is under way.
const CONFLICT_CODES: [&str; 5] = [
    "ConditionalRequestConflict",
    "OperationAborted",
    "ContainerBeingDeleted",
    "ContainerBeingDisabled",
    "AccountBeingCreated",
];

/// The error for a location.
pub(crate) fn to_error(error: &StoreError, location: &str) -> Error {
    let location = location.to_owned();
    if let StoreError::Generic { store: NOT_VENDED, source } = error
        && let Some(error) = source.downcast_ref()
    {
        return not_vended(error, location);
    }
    let reason = provider_message(error);
    let says = |codes: &[&str]| codes.iter().any(|code| reason.starts_with(code));

    if matches!(error, StoreError::Generic { store: NO_CREDENTIALS, .. }) {
        return Error::NoCredentials { location, reason };
    }
    if matches!(error, StoreError::NotFound { .. }) {
        return Error::NotFound { location, reason };
    }
    if says(&CONFLICT_CODES) {
        return Error::Unavailable { location, source: ProviderMessage(reason) };
    }
    if matches!(
        error,
        StoreError::AlreadyExists { .. }
            | StoreError::Precondition { .. }
            | StoreError::NotModified { .. }
    ) {
        return Error::AlreadyExists { location };
    }
    if matches!(error, StoreError::PermissionDenied { .. } | StoreError::Unauthenticated { .. })
        || says(&CREDENTIAL_CODES)
    {
        return Error::Denied { location, reason };
    }
    if transport_error(error).is_some_and(|error| error.kind() == HttpErrorKind::Timeout) {
        return Error::Timeout { location };
    }
    match status(&error.to_string()) {
        Some(408) => Error::Timeout { location },
        Some(status @ (300..=428 | 430..=499 | 501)) => {
            Error::Refused { location, status: Some(status), reason }
        }
        Some(_) | None => Error::Unavailable { location, source: ProviderMessage(reason) },
    }
}

/// Whether S3 carried out a request to remove many objects, but for the one that the error is of.
pub(super) fn is_of_one_object(error: &StoreError) -> bool {
    error.source().is_some_and(|source| source.to_string().starts_with(BATCH_MARK))
}

/// Whether S3 answered something else to a request to remove many objects than how that went.
pub(super) fn is_of_strange_answer(error: &StoreError) -> bool {
    error.source().is_some_and(|source| source.to_string().starts_with(STRANGE_BATCH_MARK))
}

/// The error for an object that S3 did not remove when it was asked to remove many. Which error
/// it was is then told beside each key, by its code alone.
pub(super) fn to_batch_error(error: &StoreError, location: &str) -> Error {
    let text = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    let told = text.strip_prefix(BATCH_MARK).and_then(|told| told.strip_suffix(')'));
    let Some((message, code)) = told.and_then(|told| told.rsplit_once(" (code: ")) else {
        return to_error(error, location);
    };
    // Which key it was, the location says.
    let message = message.split_once(": ").map_or("", |(_, message)| message);
    let reason = tidy(&format!("{code}: {message}"));
    let location = location.to_owned();
    match code {
        "AccessDenied" => Error::Denied { location, reason },
        code if CREDENTIAL_CODES.contains(&code) => Error::Denied { location, reason },
        "NoSuchKey" => Error::NotFound { location, reason },
        "MethodNotAllowed" | "InvalidArgument" | "InvalidRequest" | "KeyTooLongError" => {
            Error::Refused { location, status: None, reason }
        }
        _ => Error::Unavailable { location, source: ProviderMessage(reason) },
    }
}

/// The error for a location that the server got no credentials for.
fn not_vended(error: &VendError, location: String) -> Error {
    let reason = error.to_string();
    match error {
        VendError::Impossible(_) => Error::Refused { location, status: None, reason },
        VendError::NoIdentity { .. } => Error::NoCredentials { location, reason },
        VendError::Denied { .. } => Error::Denied { location, reason },
        VendError::Unavailable { .. } => {
            Error::Unavailable { location, source: ProviderMessage(reason) }
        }
    }
}

/// What the provider said, or what kept us from asking it.
pub(crate) fn provider_message(error: &StoreError) -> String {
    if let Some(error) = transport_error(error) {
        return tidy(&causes_of(error));
    }
    let text = match error.source() {
        // Its own texts begin with the path, which our errors name already.
        Some(source) => source.to_string(),
        None => error.to_string(),
    };
    let Some((_, answer)) = text.split_once(STATUS_MARK) else {
        return tidy(&text);
    };
    answer_message(answer)
        .or_else(|| google_words(answer))
        .unwrap_or_else(|| tidy(answer.trim().trim_end_matches(':')))
}

/// What a refusal of one of Google's JSON APIs or of an OAuth token endpoint says, if the text has
/// one: which error, and the message with it.
pub(crate) fn google_words(text: &str) -> Option<String> {
    let (_, json) = text.split_at_checked(text.find('{')?)?;
    let answer: Value = Deserializer::from_str(json).into_iter().next()?.ok()?;
    let text = |value: &Value, name: &str| value.get(name)?.as_str().map(str::to_owned);
    let error = answer.get("error")?;
    let (code, message) = match error {
        // OAuth's form.
        Value::String(code) => (Some(code.clone()), text(&answer, "error_description")),
        // That of the APIs. The storage's has no `status`, and a reason in its place.
        Value::Object(_) => {
            let reason = || text(error.get("errors")?.get(0)?, "reason");
            (text(error, "status").or_else(reason), text(error, "message"))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => (None, None),
    };
    match (code, message) {
        (Some(code), Some(message)) => Some(tidy(&format!("{code}: {message}"))),
        (Some(text), None) | (None, Some(text)) => Some(tidy(&text)),
        (None, None) => None,
    }
}

/// What the XML of a refusal says.
pub(crate) fn answer_message(answer: &str) -> Option<String> {
    let mut parts = [element(answer, "Code"), element(answer, "Message")]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>();
    if parts.is_empty() {
        return None;
    }
    // Where Azure says what it missed. With a signature that is wrong, it quotes what was signed.
    let quotes = |detail: &String| detail.to_ascii_lowercase().contains("string to sign");
    parts.extend(element(answer, "AuthenticationErrorDetail").filter(|detail| !quotes(detail)));
    let text = parts.join(": ");
    // Where Google says who lacks which permission.
    let details = element(answer, "Details").unwrap_or_default();
    Some(tidy(&format!("{text} {details}")))
}

/// The HTTP status an error was made from.
fn status(text: &str) -> Option<u16> {
    if text.contains(REDIRECT_MARK) {
        return Some(301);
    }
    let (_, after) = text.split_once(STATUS_MARK)?;
    after.get(..3)?.parse().ok()
}

/// The failure to send a request or to receive its answer, if that was it.
fn transport_error(error: &StoreError) -> Option<&HttpError> {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// An error and its causes, from the outermost to the first, each said once.
pub(crate) fn causes(error: &dyn StdError) -> String {
    let own = error.to_string();
    let causes = causes_of(error);
    tidy(&if causes.is_empty() || causes.contains(&own) { own } else { format!("{own}: {causes}") })
}

/// The causes of an error, from the outermost to the first, each said once.
fn causes_of(error: &dyn StdError) -> String {
    let mut text = String::new();
    let mut next = error.source();
    while let Some(error) = next {
        let cause = error.to_string();
        if !text.contains(&cause) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&cause);
        }
        next = error.source();
    }
    text
}

/// The text of the first such element of an XML document.
fn element(document: &str, name: &str) -> Option<String> {
    let (_, after) = document.split_once(&format!("<{name}>"))?;
    let (text, _) = after.split_once(&format!("</{name}>"))?;
    let text = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&amp;", "&");
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// One line of bounded length, without the query strings of URLs: they may hold signatures.
pub(crate) fn tidy(text: &str) -> String {
    let words = text.split_whitespace().map(|word| match word.split_once('?') {
        Some((before, after)) if after.contains('=') => format!("{before}?..."),
        _ => word.chars().filter(|c| !c.is_control()).collect(),
    });
    let line = words.collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST_MESSAGE) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> StoreError {
        StoreError::Generic { store: "S3", source: text.into() }
    }

    #[test]
    fn an_answer_that_quotes_the_request_is_reduced_to_its_message() {
        let error = StoreError::PermissionDenied {
            path: "k".to_owned(),
            source: "Error performing PUT http://h/b/k in 1ms - Server returned non-2xx status \
                     code: 403 Forbidden: <Error><Code>SignatureDoesNotMatch</Code><Message>The \
                     signature &amp; the key differ.</Message><CanonicalRequest>PUT \
                     x-amz-security-token:hunter2</CanonicalRequest></Error>"
                .into(),
        };

        let error = to_error(&error, "s3://b/k");

        assert_eq!(
            error.to_string(),
            "Access to s3://b/k was denied: SignatureDoesNotMatch: The signature & the key differ."
        );
        assert!(!format!("{error:?}").contains("hunter2"));
    }

    #[test]
    fn what_azure_missed_is_told_and_what_was_signed_is_not() {
        let denied = |detail: &str| StoreError::PermissionDenied {
            path: "k".to_owned(),
            source: format!(
                "Error performing GET in 1ms - Server returned non-2xx status code: 403 Forbidden: \
                 \u{feff}<?xml version=\"1.0\"?><Error><Code>AuthenticationFailed</Code><Message>\
                 Server failed to authenticate the request.\nRequestId:r</Message>\
                 <AuthenticationErrorDetail>{detail}</AuthenticationErrorDetail></Error>"
            )
            .into(),
        };
        let said = "AuthenticationFailed: Server failed to authenticate the request. RequestId:r";

        let ended = provider_message(&denied("Signature not valid in the specified time frame"));
        assert_eq!(ended, format!("{said}: Signature not valid in the specified time frame"));
        let wrong = provider_message(&denied("Signature did not match. String to sign used was r"));
        assert_eq!(wrong, said);
    }

    #[test]
    fn a_container_that_is_going_away_is_no_proof_of_existence() {
        let error = StoreError::AlreadyExists {
            path: "k".to_owned(),
            source: "Server returned non-2xx status code: 409 Conflict: <Error><Code>\
                     ContainerBeingDeleted</Code></Error>"
                .into(),
        };

        assert!(matches!(to_error(&error, "abfss://c@a/k"), Error::Unavailable { .. }));
    }

    #[test]
    fn query_strings_are_left_out() {
        let error = to_error(&generic("see https://h/b/k?X-Amz-Signature=hunter2 now"), "s3://b/k");

        assert!(error.to_string().ends_with("see https://h/b/k?... now"), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"));
    }

    #[test]
    fn a_wrong_region_is_refused_and_explained() {
        let text = "Error performing GET http://h - Received redirect without LOCATION, this \
                    normally indicates an incorrectly configured region";

        let error = to_error(&generic(text), "s3://b/k");

        assert!(matches!(&error, Error::Refused { status: Some(301), .. }), "{error:?}");
        assert!(error.to_string().contains("incorrectly configured region"), "{error}");
    }

    #[test]
    fn expired_credentials_are_a_denial() {
        let text = "Server returned non-2xx status code: 400 Bad Request: <Error><Code>\
                    ExpiredToken</Code><Message>The provided token has expired.</Message></Error>";

        let error = to_error(&generic(text), "s3://b/k");

        assert!(matches!(error, Error::Denied { .. }), "{error:?}");
    }

    #[test]
    fn what_google_says_is_told_in_each_of_its_forms() {
        let denied = "m@p.iam.gserviceaccount.com does not have storage.objects.create access to \
                      the Google Cloud Storage object.";
        let xml = format!(
            "<?xml version='1.0' encoding='UTF-8'?><Error><Code>AccessDenied</Code><Message>Access \
             denied.</Message><Details>{denied}</Details></Error>"
        );
        let json = format!(
            r#"{{"error":{{"code":403,"message":"{denied}","errors":[{{"reason":"forbidden"}}]}}}}"#
        );
        for (answer, told) in [
            (xml, format!("AccessDenied: Access denied. {denied}")),
            (json, format!("forbidden: {denied}")),
            (
                r#"{"error":{"code":403,"status":"PERMISSION_DENIED","message":"No."}}"#.to_owned(),
                "PERMISSION_DENIED: No.".to_owned(),
            ),
            (
                r#"{"error":"invalid_grant","error_description":"Token revoked."}"#.to_owned(),
                "invalid_grant: Token revoked.".to_owned(),
            ),
        ] {
            let text = format!("Server returned non-2xx status code: 403 Forbidden: {answer}");
            let error = StoreError::PermissionDenied { path: "k".to_owned(), source: text.into() };

            let error = to_error(&error, "gs://b/k");

            assert_eq!(error.to_string(), format!("Access to gs://b/k was denied: {told}"));
        }
    }

    #[test]
    fn a_conflict_with_another_request_is_no_proof_of_existence() {
        let error = StoreError::AlreadyExists {
            path: "k".to_owned(),
            source: "Server returned non-2xx status code: 409 Conflict: <Error><Code>\
                     ConditionalRequestConflict</Code></Error>"
                .into(),
        };

        assert!(matches!(to_error(&error, "s3://b/k"), Error::Unavailable { .. }));
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let message = provider_message(&generic(&"ä".repeat(2000)));

        assert_eq!(message.chars().count(), LONGEST_MESSAGE + 3);
    }
}
