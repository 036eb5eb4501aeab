//! The views that something is read through, as the client says.

use merak_authz::{Noted, note};
use merak_model::names::LEVEL_SEPARATOR;
use percent_encoding::percent_decode_str;

use crate::extract::QueryMap;

/// So many views of a chain are told, and so much of each name.
const MAX_VIEWS: usize = 16;
const MAX_CHARS: usize = 256;

/// Notes the views that `referenced-by` names with what is logged of the request.
///
/// It is what the client says and nothing more: it never widens what the caller may do. So one that
/// is not well-formed is no reason to refuse a read, and is passed over.
pub(crate) fn record_referenced_by(query: &QueryMap) {
    let Some(text) = query.get("referenced-by").filter(|text| !text.is_empty()) else { return };
    if let Some(views) = views(text) {
        note(Noted::ReferencedBy, || views.join(" > "));
    } else {
        tracing::debug!("a malformed referenced-by is ignored");
    }
}

/// The views, outermost first, each as a namespace and a name with dots between; nothing if one is
/// none. A comma within a name is `%2C` in the parameter's value, where clients encode it again like
/// any other text: so that each entry is decoded once more after the list was taken apart.
fn views(text: &str) -> Option<Vec<String>> {
    text.split(',').take(MAX_VIEWS).map(view).collect()
}

fn view(entry: &str) -> Option<String> {
    let decoded = percent_decode_str(entry).decode_utf8().ok()?;
    let (namespace, name) = decoded.rsplit_once(LEVEL_SEPARATOR)?;
    let is_whole = !name.is_empty() && namespace.split(LEVEL_SEPARATOR).all(|one| !one.is_empty());
    let shown = decoded.chars().map(|c| if c == LEVEL_SEPARATOR { '.' } else { c });
    is_whole.then(|| shown.take(MAX_CHARS).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_read_from_the_outermost_view_on() {
        // Once encoded, as the protocol's example has it, and twice, as a client that encodes the
        // parts and then the whole sends it.
        for text in [
            "prod\u{1f}analytics\u{1f}quarterly,prod\u{1f}monthly",
            "prod%1Fanalytics%1Fquarterly,prod%1Fmonthly",
        ] {
            assert_eq!(views(text).unwrap(), ["prod.analytics.quarterly", "prod.monthly"]);
        }
    }

    #[test]
    fn a_comma_may_be_in_a_name() {
        assert_eq!(views("a\u{1f}x%2Cy,b\u{1f}z").unwrap(), ["a.x,y", "b.z"]);
    }

    #[test]
    fn what_is_not_well_formed_is_nothing() {
        for text in ["x", "a\u{1f}", "\u{1f}x", "a\u{1f}x,", ",", "a\u{1f}\u{1f}x", "a%1F%FF"] {
            assert!(views(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn no_more_is_told_than_is_good_for_a_log() {
        let long = format!("a\u{1f}{}", "x".repeat(5000));
        let many = vec![long; 100].join(",");

        let shown = views(&many).unwrap();

        assert_eq!(shown.len(), MAX_VIEWS);
        assert!(shown.iter().all(|one| one.chars().count() == MAX_CHARS));
    }
}
