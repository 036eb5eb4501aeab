//! Keys of objects: decoded once, and free of what could make two stores see two places.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::{SignRefusal, unknown};

/// What signatures are computed over: all is encoded but what RFC 3986 calls unreserved, and slashes.
const KEY: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// A part of a URI, decoded once.
pub(super) fn decoded(text: &str) -> Result<String, SignRefusal> {
    let bytes = text.as_bytes();
    for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'%') {
        let digits = bytes.get(at + 1..at + 3);
        if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
            return Err(unknown("a percent sign is followed by no two hexadecimal digits"));
        }
    }
    let text = percent_decode_str(text).decode_utf8();
    text.map(std::borrow::Cow::into_owned).map_err(|_| unknown("it is not in UTF-8"))
}

/// A key as signatures are computed over it, and as it should be sent.
pub(super) fn encoded(key: &str) -> String {
    utf8_percent_encode(key, KEY).to_string()
}

/// Refuses a key that another reader could take for another. A slash at the end is that of a folder.
pub(super) fn check_key(key: &str) -> Result<(), SignRefusal> {
    if key.is_empty() {
        return Err(unknown("it names no object"));
    }
    check(key.strip_suffix('/').unwrap_or(key))
}

/// Refuses a prefix in the same way. It may end within a name.
pub(super) fn check_prefix(prefix: &str) -> Result<(), SignRefusal> {
    match prefix.strip_suffix('/').unwrap_or(prefix) {
        "" if prefix.is_empty() => Ok(()),
        rest => check(rest),
    }
}

fn check(key: &str) -> Result<(), SignRefusal> {
    if key.chars().any(char::is_control) || key.contains('\\') {
        return Err(unknown("a key has a control character or a backslash"));
    }
    if key.split('/').any(str::is_empty) {
        return Err(unknown("a key has an empty segment"));
    }
    // A key may hold percent signs of its own, such as those of a partition's value. What would
    // become a dot segment if they were decoded a second time, or a third, is one.
    let mut seen = key.to_ascii_lowercase();
    loop {
        if seen.split(['/', '\\']).any(|segment| segment == "." || segment == "..") {
            return Err(unknown("a key has a relative segment"));
        }
        let next =
            seen.replace("%2e", ".").replace("%2f", "/").replace("%5c", "\\").replace("%25", "%");
        if next == seen {
            return Ok(());
        }
        seen = next;
    }
}

/// The bucket and key of the source of a copy: `bucket/key`, encoded, perhaps with a version.
pub(super) fn copy_source(source: &str) -> Result<(String, String), SignRefusal> {
    let (source, version) = source.split_once('?').unwrap_or((source, ""));
    let names_version = version.strip_prefix("versionId=").is_some_and(|version| {
        version.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b))
    });
    if !version.is_empty() && !names_version {
        return Err(unknown("the source of the copy has a parameter"));
    }
    // A blank for some, and a plus sign for others.
    if source.contains('+') {
        return Err(unknown("the source of the copy has a plus sign that is not encoded"));
    }
    let source = decoded(source)?;
    let source = source.strip_prefix('/').unwrap_or(&source);
    let Some((bucket, key)) = source.split_once('/') else {
        return Err(unknown("the source of the copy is not written as bucket/key"));
    };
    Ok((bucket.to_owned(), key.to_owned()))
}
