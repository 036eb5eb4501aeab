//! How keys are spelled: with and without quotes, as environment variables, almost right.

use std::borrow::Cow;

/// The one spelling of a key: quotes stay only where a segment has a dot inside.
///
/// `polaris.features."X"` and `polaris.features.X` are the same key.
pub(super) fn canonical(key: &str) -> String {
    let segments = segments(key);
    segments.iter().map(|segment| quoted(segment)).collect::<Vec<_>>().join(".")
}

/// The parts of a key between the dots that no quotes protect, without the quotes.
pub(super) fn segments(key: &str) -> Vec<String> {
    let mut segments = vec![String::new()];
    let mut is_quoted = false;
    for c in key.trim().chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            '.' if !is_quoted => segments.push(String::new()),
            _ => segments.last_mut().expect("there is always one segment").push(c),
        }
    }
    segments
}

/// A name as a segment of a canonical key.
pub(super) fn quoted(name: &str) -> Cow<'_, str> {
    if name.contains('.') { Cow::Owned(format!("\"{name}\"")) } else { Cow::Borrowed(name) }
}

/// What all spellings of a key as an environment variable have in common.
///
/// The rule is upper case, with `_` for all else; how many `_` stand in a row depends on the quotes
/// that were in the key, and nobody remembers that: a run of them counts as one.
pub(super) fn loose(key: &str) -> String {
    let mut text = String::with_capacity(key.len());
    for c in key.chars() {
        if c.is_ascii_alphanumeric() {
            text.push(c.to_ascii_uppercase());
        } else if !text.ends_with('_') && !text.is_empty() {
            text.push('_');
        }
    }
    text.truncate(text.trim_end_matches('_').len());
    text
}

/// The environment variable of a key, as Polaris' documentation spells it. Placeholders such as
/// `<realm>` stay.
pub(super) fn environment_form(key: &str) -> String {
    let mut is_placeholder = false;
    key.chars()
        .map(|c| {
            is_placeholder = c == '<' || (is_placeholder && c != '>');
            match c {
                '<' | '>' => c,
                _ if is_placeholder => c,
                _ if c.is_ascii_alphanumeric() => c.to_ascii_uppercase(),
                _ => '_',
            }
        })
        .collect()
}

/// A pattern with its `<placeholder>` replaced.
pub(super) fn fill(pattern: &str, name: &str) -> String {
    let (before, after) = around_placeholder(pattern);
    format!("{before}{}{after}", quoted(name))
}

/// What stands before and after the placeholder of a pattern, canonically spelled.
pub(super) fn around_placeholder(pattern: &str) -> (String, String) {
    let pattern = canonical(pattern);
    let (before, rest) = pattern.split_once('<').expect("a pattern has a placeholder");
    let (_, after) = rest.split_once('>').expect("a placeholder ends");
    (before.to_owned(), after.to_owned())
}

/// How many letters must be added, removed, replaced to make the one text of the other.
pub(super) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_matter_only_around_dots() {
        assert_eq!(canonical("polaris.features.\"X\""), "polaris.features.X");
        assert_eq!(canonical("polaris.features.X"), "polaris.features.X");
        assert_eq!(canonical("a.\"b.c\".d"), "a.\"b.c\".d");
        assert_eq!(segments("a.\"b.c\".d"), ["a", "b.c", "d"]);
    }

    #[test]
    fn all_environment_spellings_of_a_key_are_one() {
        for name in ["POLARIS_FEATURES__X_Y_", "POLARIS_FEATURES_X_Y", "polaris_features__x_y_"] {
            assert_eq!(loose(name), loose("polaris.features.\"X_Y\""));
        }
        assert_ne!(loose("POLARIS_FEATURES_X"), loose("polaris.features.X_Y"));
    }

    #[test]
    fn the_environment_form_is_that_of_polaris() {
        assert_eq!(environment_form("quarkus.http.max-size"), "QUARKUS_HTTP_MAX_SIZE");
        assert_eq!(environment_form("polaris.features.\"<FLAG>\""), "POLARIS_FEATURES__<FLAG>_");
    }

    #[test]
    fn a_realm_with_a_dot_is_quoted_when_filled_in() {
        assert_eq!(fill("a.<realm>.type", "r1"), "a.r1.type");
        assert_eq!(fill("a.<realm>.type", "r.1"), "a.\"r.1\".type");
    }

    #[test]
    fn distance_counts_changed_letters() {
        assert_eq!(distance("port", "port"), 0);
        assert_eq!(distance("prot", "port"), 2);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("realm", "realms"), 1);
    }
}
