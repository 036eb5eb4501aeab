//! Conditional requests.

use crate::aws::request::Refusal;
use crate::aws::state::Object;

use super::Asked;

/// Checks the conditions of a write against what is there.
pub(super) fn check_write(asked: &Asked<'_>, old: Option<&Object>) -> Result<(), Refusal> {
    match asked.header("if-none-match").as_deref() {
        Some("*") if old.is_some() => return Err(failed("If-None-Match")),
        None | Some("*") => {}
        Some(_) => {
            let message = "A header you provided implies functionality that is not implemented";
            return Err(
                Refusal::new(501, "NotImplemented", message).element("Header", "If-None-Match")
            );
        }
    }
    if let Some(wanted) = asked.header("if-match") {
        let old = old.ok_or_else(|| {
            let message = "The specified key does not exist.";
            Refusal::new(404, "NoSuchKey", message).element("Key", &asked.key)
        })?;
        if !is_same(&wanted, &old.etag) {
            return Err(failed("If-Match"));
        }
    }
    Ok(())
}

/// Whether a read is not modified; fails where its condition does.
pub(super) fn is_unmodified(asked: &Asked<'_>, object: &Object) -> Result<bool, Refusal> {
    if asked.header("if-match").is_some_and(|wanted| !is_same(&wanted, &object.etag)) {
        return Err(failed("If-Match"));
    }
    Ok(asked.header("if-none-match").is_some_and(|wanted| is_same(&wanted, &object.etag)))
}

/// Checks the conditions that a copy puts on its source.
pub(super) fn check_source(asked: &Asked<'_>, source: &Object) -> Result<(), Refusal> {
    let header = |name: &str| asked.header(&format!("x-amz-copy-source-{name}"));
    if header("if-match").is_some_and(|wanted| !is_same(&wanted, &source.etag)) {
        return Err(failed("x-amz-copy-source-If-Match"));
    }
    if header("if-none-match").is_some_and(|wanted| is_same(&wanted, &source.etag)) {
        return Err(failed("x-amz-copy-source-If-None-Match"));
    }
    Ok(())
}

fn failed(condition: &str) -> Refusal {
    let message = "At least one of the pre-conditions you specified did not hold";
    Refusal::new(412, "PreconditionFailed", message).element("Condition", condition)
}

fn is_same(wanted: &str, etag: &str) -> bool {
    wanted
        .split(',')
        .map(str::trim)
        .any(|one| one == "*" || one.trim_matches('"') == etag.trim_matches('"'))
}

/// The bytes of an object that a `Range` names: first and last; nothing: all.
pub(super) fn range(
    header: Option<&str>,
    length: usize,
) -> Result<Option<(usize, usize)>, Refusal> {
    // What cannot be read as one range is passed over, as S3 does.
    let Some((first, last)) = header
        .and_then(|header| header.strip_prefix("bytes="))
        .and_then(|range| range.split_once('-'))
    else {
        return Ok(None);
    };
    let invalid = || {
        Refusal::new(416, "InvalidRange", "The requested range is not satisfiable")
            .element("RangeRequested", header.unwrap_or_default())
            .element("ActualObjectSize", length.to_string())
            .header("content-range", format!("bytes */{length}"))
    };
    match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) if first <= last && first < length => {
            Ok(Some((first, last.min(length - 1))))
        }
        (Ok(first), Err(_)) if last.is_empty() && first < length => Ok(Some((first, length - 1))),
        (Err(_), Ok(count)) if first.is_empty() && count > 0 && length > 0 => {
            Ok(Some((length.saturating_sub(count), length - 1)))
        }
        (Ok(first), Ok(last)) if first > last => Ok(None),
        (Ok(_), Ok(_)) => Err(invalid()),
        (Ok(_), Err(_)) if last.is_empty() => Err(invalid()),
        (Err(_), Ok(_)) if first.is_empty() => Err(invalid()),
        _ => Ok(None),
    }
}
