//! What the other catalog answers, and what of it is told to clients.

use bytes::Bytes;
use merak_federation::{Method, RemoteAnswer};
use serde::Deserialize;

use crate::Error;

/// So many bytes of the text of a refusal are told.
const LONGEST_TEXT: usize = 4096;
/// The longest name of an exception that is told.
const LONGEST_NAME: usize = 100;

/// The catalog that owns what was asked for refuses it, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteRefusal {
    /// The status of its answer: an error's.
    pub status: u16,
    /// The exception that Iceberg clients raise on reading it.
    pub exception: String,
    /// Its text, bounded.
    pub message: String,
}

/// Iceberg's envelope of errors.
#[derive(Deserialize)]
struct Envelope {
    error: Told,
}

#[derive(Deserialize)]
struct Told {
    message: Option<String>,
    r#type: Option<String>,
}

/// Whether a request changes something.
fn is_change(method: Method) -> bool {
    !matches!(method, Method::Get | Method::Head)
}

/// What was answered; the error, if it was one.
pub(super) fn read(answer: RemoteAnswer, method: Method) -> Result<Bytes, Error> {
    let RemoteAnswer { status, body, .. } = answer;
    if (200..=299).contains(&status) {
        return Ok(body);
    }
    Err(refusal(status, &body, is_change(method)))
}

fn refusal(status: u16, body: &[u8], is_change: bool) -> Error {
    if matches!(status, 401 | 407 | 419) {
        return Error::Forbidden(
            "The other catalog refuses the credentials of this catalog's connection".to_owned(),
        );
    }
    let told = serde_json::from_slice::<Envelope>(body).ok().filter(|_| status >= 400);
    if let Some(Envelope { error }) = told
        // Of a change that did not end in time: a client takes 4xx for that nothing happened.
        && !(status == 408 && is_change)
    {
        return Error::Remote(RemoteRefusal {
            status,
            exception: error.r#type.filter(|name| is_name(name)).unwrap_or_else(|| named(status)),
            message: shortened(error.message.unwrap_or_default()),
        });
    }
    let reason = format!("it answered with status {status}, and with no error of Iceberg's");
    // Whatever is before it can answer the others without having asked it.
    if is_change && (status == 408 || (status >= 500 && !matches!(status, 501 | 503))) {
        return unknown(reason);
    }
    unavailable(reason)
}

/// Reads what an answer says. Of a change that was made, and is answered with nothing that can be
/// read, nobody knows what it was.
pub(super) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8], method: Method) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|error| {
        // Where, and not what: it may be anything.
        let place = format!("line {}, column {}", error.line(), error.column());
        malformed(&place, method)
    })
}

/// Of an answer that is none.
pub(super) fn malformed(what: &str, method: Method) -> Error {
    let reason = format!("its answer is not as Iceberg's protocol has it ({what})");
    if is_change(method) { unknown(reason) } else { unavailable(reason) }
}

fn unknown(reason: String) -> Error {
    let what = format!("the change in the other catalog: {reason}");
    Error::CommitStateUnknown { what, source: reason.into() }
}

fn unavailable(reason: String) -> Error {
    Error::Unavailable { what: "The other catalog", reason: reason.clone(), source: reason.into() }
}

/// Whether a text can be the name of an exception.
fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_.$-".contains(c);
    !text.is_empty() && text.len() <= LONGEST_NAME && text.chars().all(fits)
}

/// The exception of an error that names none.
fn named(status: u16) -> String {
    let name = match status {
        400 => "BadRequestException",
        403 => "ForbiddenException",
        404 => "NotFoundException",
        409 => "CommitFailedException",
        503 => "ServiceUnavailableException",
        500.. => "InternalServerError",
        _ => "RESTException",
    };
    name.to_owned()
}

fn shortened(mut text: String) -> String {
    if text.len() > LONGEST_TEXT {
        text.truncate(text.floor_char_boundary(LONGEST_TEXT));
        text.push_str(" ...");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(message: &str, exception: &str) -> Vec<u8> {
        let error = serde_json::json!({"message": message, "type": exception, "code": 1});
        serde_json::json!({"error": error}).to_string().into_bytes()
    }

    #[test]
    fn errors_of_the_protocol_pass_with_status_and_type() {
        for status in [400, 403, 404, 406, 409, 422, 429, 500, 503] {
            let error = refusal(status, &envelope("No", "SomeException"), true);
            let Error::Remote(refusal) = error else { panic!("{error:?}") };
            assert_eq!((refusal.status, refusal.exception.as_str()), (status, "SomeException"));
            assert_eq!(refusal.message, "No");
        }
    }

    #[test]
    fn texts_are_bounded_and_names_are_names() {
        let error = refusal(404, &envelope(&"ä".repeat(5000), "a\r\nb"), false);
        let Error::Remote(refusal) = error else { panic!("{error:?}") };
        assert_eq!(refusal.exception, "NotFoundException");
        assert!(refusal.message.len() <= LONGEST_TEXT + 4);
    }

    #[test]
    fn the_end_of_our_credentials_is_not_that_of_the_clients() {
        for status in [401, 407, 419] {
            let error = refusal(status, &envelope("token abc expired", "X"), false);
            assert!(matches!(&error, Error::Forbidden(text) if !text.contains("abc")), "{error:?}");
        }
    }

    #[test]
    fn what_may_have_happened_is_not_called_refused() {
        for status in [408, 500, 502, 504, 520] {
            let error = refusal(status, b"<html>", true);
            assert!(matches!(error, Error::CommitStateUnknown { .. }), "{status} {error:?}");
            let error = refusal(status, b"<html>", false);
            assert!(matches!(error, Error::Unavailable { .. }), "{status} {error:?}");
        }
        let late = refusal(408, &envelope("late", "TimeoutException"), true);
        assert!(matches!(late, Error::CommitStateUnknown { .. }), "{late:?}");
        for status in [301, 307, 400, 403, 404, 413, 501, 503] {
            let error = refusal(status, b"", true);
            assert!(matches!(error, Error::Unavailable { .. }), "{status} {error:?}");
        }
        let made = parse::<Envelope>(b"{}", Method::Post).err();
        assert!(matches!(made, Some(Error::CommitStateUnknown { .. })), "{made:?}");
    }
}
