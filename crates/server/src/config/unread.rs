//! What is said about keys that no setting asked for.

use std::collections::BTreeSet;

use merak_model::RealmId;
use merak_model::features::{ALL, INERT};

use super::features;
use super::inert::WITHOUT_MEANING;
use super::keys::{around_placeholder, canonical, distance, environment_form, loose, segments};
use super::problems::Notice;
use super::reader::Reader;
use super::realms::Realms;
use super::registry::{Row, rows};
use super::sources::{Entry, Spelling};

/// Keys that Polaris' users set to be safe, and which have no effect here.
const MISSED: &[(&str, &str)] = &[
    ("quarkus.http.ssl", "TLS is not served by this version: put a proxy before it"),
    ("quarkus.http.insecure-requests", "TLS is not served by this version: put a proxy before it"),
    (
        "quarkus.http.tls-configuration-name",
        "TLS is not served by this version: put a proxy before it",
    ),
    ("quarkus.management.ssl", "TLS is not served by this version: put a proxy before it"),
    ("quarkus.tls", "TLS is not served by this version: put a proxy before it"),
];

/// How many letters may be wrong for a key to be taken for another when nothing else says so.
const NEAR: usize = 2;

/// Says what was set and not read.
pub(super) fn note(reader: &mut Reader, realms: &Realms) {
    let mut said = BTreeSet::new();
    let mut without_meaning = BTreeSet::new();
    let mut notices = Vec::new();
    for entry in reader.unread() {
        if !said.insert(entry.key.clone()) {
            continue;
        }
        match judge(entry, realms) {
            Some(notice) => notices.push(notice),
            None => {
                without_meaning.insert(entry.key.clone());
            }
        }
    }
    if !without_meaning.is_empty() {
        let keys: Vec<String> = without_meaning.into_iter().collect();
        notices.push(Notice::info(format!("settings without effect here: {}", keys.join(", "))));
    }
    reader.notices.append(&mut notices);
}

/// What is to be said of a key alone; nothing, if it is one of those without meaning here.
fn judge(entry: &Entry, realms: &Realms) -> Option<Notice> {
    match &entry.spelling {
        Spelling::Exact(key) => judge_key(&entry.key, key, realms),
        Spelling::Loose(name) => judge_variable(&entry.key, name),
    }
}

fn judge_key(written: &str, key: &str, realms: &Realms) -> Option<Notice> {
    let segments = segments(key);
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    if let ["polaris", "features" | "behavior-changes", rest @ ..] = &parts[..] {
        return judge_feature(written, rest, parts[1] == "behavior-changes", realms);
    }
    if let Some((_, why)) = MISSED.iter().find(|(prefix, _)| begins_with(&parts, prefix)) {
        return Some(Notice::warning(format!("{written} has no effect: {why}")));
    }
    if let (["quarkus" | "polaris", "oidc", ..], Some(tenant)) = (&parts[..], realm_in(key)) {
        return Some(Notice::warning(format!(
            "{written} has no effect: a realm's identity provider is the one of its name, and \
             {tenant} is not among polaris.realm-context.realms"
        )));
    }
    let is_quarkus = parts[0] == "quarkus";
    let nearest = nearest(key, known_keys());
    match nearest {
        // Quarkus has a thousand keys; only what is all but ours is worth a word.
        Some((known, letters)) if is_quarkus && letters <= NEAR => {
            return Some(unknown(written, Some(&known)));
        }
        _ if WITHOUT_MEANING.iter().any(|(prefix, _)| begins_with(&parts, prefix)) => return None,
        _ => {}
    }
    if let Some(realm) = realm_in(key) {
        return Some(not_configured(written, &realm));
    }
    if !matches!(parts[0], "polaris" | "merak") {
        // A file for Quarkus also has keys of other libraries, and of profiles (`%dev.`).
        return None;
    }
    let near = nearest.filter(|(known, letters)| *letters <= known.len() / 4);
    Some(unknown(written, near.as_ref().map(|(known, _)| known.as_str())))
}

/// A flag without effect here is no mistake: there are many, and configurations outlive them.
fn judge_feature(
    written: &str,
    rest: &[&str],
    is_behavior: bool,
    realms: &Realms,
) -> Option<Notice> {
    let name = match rest {
        ["realm-overrides", realm, name] => {
            if !realms.all.contains(&RealmId::new(*realm)) {
                return Some(not_configured(written, realm));
            }
            name
        }
        [.., name] => name,
        [] => return Some(unknown(written, None)),
    };
    if let Some(flag) = ALL.iter().find(|flag| flag.name == *name) {
        let right = features::key(flag);
        return Some(if flag.behavior_change == is_behavior {
            unknown(written, Some(&right))
        } else {
            Notice::warning(format!("{written} has no effect: the key is {right}"))
        });
    }
    if INERT.iter().any(|(inert, _)| inert == name) {
        return None;
    }
    Some(match nearest(name, ALL.iter().map(|flag| flag.name.to_owned())) {
        Some((known, letters)) if letters <= NEAR => unknown(written, Some(&known)),
        _ => Notice::debug(format!("{written} is a feature without effect here")),
    })
}

fn judge_variable(written: &str, name: &str) -> Option<Notice> {
    let is_near = |known: &str| distance(name, &loose(known)) <= NEAR;
    let flags = ALL.iter().map(features::key);
    if let Some(known) = known_keys().chain(flags).find(|known| is_near(known)) {
        return Some(unknown(written, Some(&environment_form(&known))));
    }
    let begins = |prefix: &str| {
        !prefix.contains('*') && format!("{name}_").starts_with(&format!("{}_", loose(prefix)))
    };
    let is_inert = |(flag, _): &(&str, &str)| {
        let of_group = |group| loose(&format!("{group}.\"{flag}\"")) == name;
        ["polaris.features", "polaris.behavior-changes"].into_iter().any(of_group)
    };
    if WITHOUT_MEANING.iter().any(|(prefix, _)| begins(prefix)) || INERT.iter().any(is_inert) {
        return None;
    }
    // Kubernetes makes variables such as POLARIS_SERVICE_HOST for a service of that name, and
    // people keep their own beside ours.
    Some(Notice::debug(format!("the environment variable {written} is no setting")))
}

fn unknown(written: &str, near: Option<&str>) -> Notice {
    let hint = match near {
        Some(near) => format!("did you mean {near}?"),
        None => "docs/configuration.md has all keys".to_owned(),
    };
    Notice::warning(format!("unknown key {written}: {hint}"))
}

fn not_configured(written: &str, realm: &str) -> Notice {
    Notice::warning(format!(
        "{written} has no effect: the realm {realm} is not among polaris.realm-context.realms"
    ))
}

fn known_keys() -> impl Iterator<Item = String> {
    rows().flat_map(Row::keys).map(str::to_owned)
}

/// The name that is spelled most like this one, and in how many letters it differs.
fn nearest(key: &str, known: impl Iterator<Item = String>) -> Option<(String, usize)> {
    known
        .map(|name| {
            let letters = distance(key, &canonical(&name));
            (name, letters)
        })
        .min_by_key(|(_, letters)| *letters)
}

/// The realm in the key of an override.
fn realm_in(key: &str) -> Option<String> {
    let key = &without_numbers(key);
    rows().filter_map(|row| row.realm_key).find_map(|pattern| {
        let (before, after) = around_placeholder(pattern);
        let realm = key.strip_prefix(&before)?.strip_suffix(&after)?;
        let parts = segments(realm);
        (parts.len() == 1 && !parts[0].is_empty()).then(|| parts[0].clone())
    })
}

/// A key as the registry writes it, with `<n>` for a number in brackets.
fn without_numbers(key: &str) -> String {
    let mut parts = key.split('[');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
        text.push('[');
        text.push_str(if rest.len() < part.len() { "<n>" } else { "" });
        text.push_str(rest);
    }
    text
}

fn begins_with(parts: &[&str], prefix: &str) -> bool {
    let prefix: Vec<&str> = prefix.split('.').collect();
    parts.len() >= prefix.len()
        && prefix.iter().zip(parts).all(|(expected, part)| *expected == "*" || expected == part)
}
