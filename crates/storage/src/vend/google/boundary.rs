//! Credential Access Boundaries: what bounds a downscoped token.
//!
//! A boundary is a union of rules, and a token that carries one can do what its account may do and
//! a rule allows, and nothing else. The roles are those of Polaris:
//!
//! - `legacyObjectReader` and `objectViewer` read and list. Reading an object is judged by its
//!   name, listing by the prefix that is asked for; both conditions are of one rule, since neither
//!   can be met by what the other is for: a bucket has no name of an object, and only a list has a
//!   prefix. A bucket that is granted whole has the prefix `''`, which every request meets; it
//!   allows what the two roles can do in that bucket, which is to read and to list.
//! - `legacyBucketWriter` creates and deletes; to overwrite takes both. It could list and show the
//!   bucket too, but these are requests on the bucket, whose name never meets the condition. It is
//!   the narrowest of Google's own roles that will do: `objectCreator` cannot overwrite,
//!   `objectUser` can read and change metadata, `objectAdmin` can open objects to others.
//!
//! A location is a path that ends in a slash, so that no sibling with the same beginning is within.

use std::collections::BTreeMap;

use merak_model::Location;
use merak_model::location::StorageType;
use serde_json::{Value, json};

use crate::vend::{DataAccess, LocationGrant, VendError};

/// The most rules that Google takes.
const MAX_RULES: usize = 10;
/// The most characters that Google takes in one condition.
const MAX_CONDITION_CHARS: usize = 2048;

const READ_ROLES: [&str; 2] =
    ["inRole:roles/storage.legacyObjectReader", "inRole:roles/storage.objectViewer"];
const WRITE_ROLES: [&str; 1] = ["inRole:roles/storage.legacyBucketWriter"];

/// The boundary that narrows a token to a grant, as the `options` of a token exchange.
///
/// A bucket has one rule for reading and, if the grant is to write, one more; further ones where a
/// condition would be too long.
pub(crate) fn access_boundary(grant: &LocationGrant) -> Result<Value, VendError> {
    let mut buckets: BTreeMap<&str, Vec<&Location>> = BTreeMap::new();
    for location in grant.locations() {
        if location.storage_type() != StorageType::Gcs {
            let text = format!("{location} is not in Google Cloud Storage");
            return Err(VendError::Impossible(text));
        }
        check_bucket(location.authority())?;
        buckets.entry(location.authority()).or_default().push(location);
    }
    let mut rules = Vec::new();
    for (bucket, locations) in buckets {
        let mut reads = Vec::new();
        let mut writes = Vec::new();
        for location in locations {
            let folder = folder(location);
            let name = starts_with_name(bucket, &folder)?;
            reads.push(name.clone());
            reads.push(starts_with_prefix(&folder)?);
            match grant.access() {
                DataAccess::Read => {}
                DataAccess::Write => writes.push(name),
            }
        }
        push_rules(&mut rules, bucket, &READ_ROLES, reads)?;
        push_rules(&mut rules, bucket, &WRITE_ROLES, writes)?;
    }
    if rules.len() > MAX_RULES {
        return Err(VendError::Impossible(format!(
            "Google takes {MAX_RULES} rules in an access boundary, and the {} locations of this \
             table need {}: let it have fewer buckets, or shorter paths",
            grant.locations().len(),
            rules.len()
        )));
    }
    Ok(json!({ "accessBoundary": { "accessBoundaryRules": rules } }))
}

/// Checks that a text is the name of a bucket, by Google's rules: what else it may hold would mean
/// something in a rule.
pub(crate) fn check_bucket(bucket: &str) -> Result<(), VendError> {
    let is_end = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_within = |byte: u8| is_end(byte) || matches!(byte, b'-' | b'_' | b'.');
    let bytes = bucket.as_bytes();
    let is_name = (3..=222).contains(&bytes.len())
        && bytes.iter().all(|byte| is_within(*byte))
        && bytes.first().is_some_and(|byte| is_end(*byte))
        && bytes.last().is_some_and(|byte| is_end(*byte));
    if is_name {
        return Ok(());
    }
    let shown = bucket.escape_debug();
    Err(VendError::Impossible(format!("'{shown}' is no name of a bucket in Google Cloud Storage")))
}

/// What the names of all objects at a location begin with: nothing, for a whole bucket.
fn folder(location: &Location) -> String {
    match location.path() {
        "" => String::new(),
        path => format!("{path}/"),
    }
}

fn starts_with_name(bucket: &str, folder: &str) -> Result<String, VendError> {
    let name = cel_string(&format!("projects/_/buckets/{bucket}/objects/{folder}"))?;
    Ok(format!("resource.name.startsWith({name})"))
}

fn starts_with_prefix(folder: &str) -> Result<String, VendError> {
    let prefix = cel_string(folder)?;
    Ok(format!(
        "api.getAttribute('storage.googleapis.com/objectListPrefix', '').startsWith({prefix})"
    ))
}

/// A string literal of the Common Expression Language.
///
/// Control characters have no business in a path, and are refused: nobody would see them in the
/// rule.
fn cel_string(text: &str) -> Result<String, VendError> {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('\'');
    for c in text.chars() {
        if c.is_control() {
            let shown = text.escape_debug();
            let text = format!("'{shown}' contains a control character and cannot be granted");
            return Err(VendError::Impossible(text));
        }
        if matches!(c, '\'' | '"' | '\\') {
            literal.push('\\');
        }
        literal.push(c);
    }
    literal.push('\'');
    Ok(literal)
}

/// Adds as few rules as hold these conditions, each of them enough to be allowed.
fn push_rules(
    rules: &mut Vec<Value>,
    bucket: &str,
    permissions: &[&str],
    conditions: Vec<String>,
) -> Result<(), VendError> {
    const OR: &str = " || ";
    let mut expressions: Vec<String> = Vec::new();
    for condition in conditions {
        let length = condition.chars().count();
        if length > MAX_CONDITION_CHARS {
            return Err(VendError::Impossible(format!(
                "Google takes {MAX_CONDITION_CHARS} characters in a condition of an access \
                 boundary, and a location in {bucket} needs {length}"
            )));
        }
        match expressions.last_mut() {
            Some(last) if last.chars().count() + OR.len() + length <= MAX_CONDITION_CHARS => {
                last.push_str(OR);
                last.push_str(&condition);
            }
            Some(_) | None => expressions.push(condition),
        }
    }
    rules.extend(expressions.into_iter().map(|expression| {
        json!({
            "availableResource": format!("//storage.googleapis.com/projects/_/buckets/{bucket}"),
            "availablePermissions": permissions,
            "availabilityCondition": { "expression": expression },
        })
    }));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_backslashes_do_not_end_a_literal() {
        assert_eq!(cel_string(r#"it's "a\b""#).unwrap(), r#"'it\'s \"a\\b\"'"#);
    }

    #[test]
    fn what_cannot_be_seen_is_refused_and_shown() {
        for text in ["a\nb", "a\u{0}b", "a\u{7f}b", "a\u{85}b", "a\rb"] {
            let error = cel_string(text).unwrap_err().to_string();
            assert!(error.contains("control character"), "{error}");
            assert!(!error.chars().any(char::is_control), "{error:?}");
        }
    }

    #[test]
    fn what_is_no_bucket_is_refused() {
        for bucket in ["lake", "my-lake_1", "a.example.com", "0ab", &"a".repeat(222)] {
            check_bucket(bucket).unwrap();
        }
        let bad = ["", "ab", "Lake", "-ab", "ab-", "a/b", "a'b", "a b", "_ab", "läke", "a\"b"];
        for bucket in bad.into_iter().chain([&*"a".repeat(223), "a')||true||('", "abc\n"]) {
            assert!(check_bucket(bucket).is_err(), "{bucket:?} was taken");
        }
    }
}
