//! The texts that HTTP is made of: encoded names, forms, XML, dates, ranges.

use std::fmt::Write as _;

use percent_encoding::percent_decode_str;
use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};

/// Without its percent signs. A plus sign is a plus sign.
pub(crate) fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The pairs of a query or of a form, decoded, in their order.
pub(crate) fn pairs(text: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

/// The value of a pair, if there is exactly one of the name.
pub(crate) fn only<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut found = pairs.iter().filter(|(known, _)| known == name);
    let (_, value) = found.next()?;
    found.next().is_none().then_some(value)
}

/// As the content of an XML element.
pub(crate) fn xml_escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\r' => escaped.push_str("&#13;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// The content of each element of the name, in their order: enough XML for the few bodies that
/// clients of the doubles send.
pub(crate) fn xml_contents(document: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut contents = Vec::new();
    let mut rest = document;
    while let Some((_, after)) = rest.split_once(&open) {
        let Some((content, tail)) = after.split_once(&close) else { break };
        let plain = content.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">");
        contents.push(plain.replace("&amp;", "&"));
        rest = tail;
    }
    contents
}

/// As in `Last-Modified`.
pub(crate) fn http_date(at: OffsetDateTime) -> String {
    let text = at.format(&Rfc2822).unwrap_or_default();
    text.replace("+0000", "GMT")
}

/// As in JSON and in XML: UTC, with a `Z`, in whole seconds.
pub(crate) fn iso_date(at: OffsetDateTime) -> String {
    at.replace_nanosecond(0).unwrap_or(at).format(&Rfc3339).unwrap_or_default()
}

/// The time that a text of just that form names.
pub(crate) fn parsed_date(text: &str) -> Option<OffsetDateTime> {
    let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    (iso_date(at) == text && text.ends_with('Z')).then_some(at)
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The part of `length` bytes that a `Range` header asks for: its start and its end, exclusive.
/// An error is a range that lies outside.
pub(crate) fn range(header: &str, length: usize) -> Result<(usize, usize), OutOfRange> {
    let (first, last) =
        header.strip_prefix("bytes=").and_then(|range| range.split_once('-')).ok_or(OutOfRange)?;
    let (start, end) = match (first.parse::<usize>().ok(), last.parse::<usize>().ok()) {
        (Some(start), Some(last)) => (start, last.saturating_add(1).min(length)),
        (Some(start), None) if last.is_empty() => (start, length),
        (None, Some(suffix)) if first.is_empty() && suffix > 0 => {
            (length.saturating_sub(suffix), length)
        }
        (Some(_) | None, Some(_) | None) => return Err(OutOfRange),
    };
    if start < end { Ok((start, end)) } else { Err(OutOfRange) }
}

/// A range that the object does not have.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OutOfRange;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_cut_to_what_is_there() {
        assert_eq!(range("bytes=0-3", 10), Ok((0, 4)));
        assert_eq!(range("bytes=8-30", 10), Ok((8, 10)));
        assert_eq!(range("bytes=4-", 10), Ok((4, 10)));
        assert_eq!(range("bytes=-3", 10), Ok((7, 10)));
        assert_eq!(range("bytes=-30", 10), Ok((0, 10)));
        for bad in ["bytes=10-", "bytes=-0", "bytes=5-4", "bytes=a-b", "0-3", "bytes=-"] {
            assert_eq!(range(bad, 10), Err(OutOfRange), "{bad}");
        }
    }

    #[test]
    fn dates_are_those_of_the_services() {
        let at = OffsetDateTime::from_unix_timestamp(1_767_323_045).unwrap();

        assert_eq!(http_date(at), "Fri, 02 Jan 2026 03:04:05 GMT");
        assert_eq!(iso_date(at), "2026-01-02T03:04:05Z");
        assert_eq!(parsed_date("2026-01-02T03:04:05Z"), Some(at));
        assert_eq!(parsed_date("2026-01-02T03:04:05.5Z"), None);
        assert_eq!(parsed_date("2026-01-02T04:04:05+01:00"), None);
    }

    #[test]
    fn elements_are_found_in_their_order() {
        let document = "<L><Latest>a&amp;b</Latest><Latest>c</Latest></L>";
        assert_eq!(xml_contents(document, "Latest"), ["a&b", "c"]);
        assert_eq!(xml_escaped("a&\"<b>"), "a&amp;&quot;&lt;b&gt;");
    }
}
