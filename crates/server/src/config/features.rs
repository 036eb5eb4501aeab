//! Polaris' feature flags, realm by realm.

use std::collections::BTreeMap;
use std::sync::Arc;

use merak_model::features::{
    ALL, ALLOW_INSECURE_STORAGE_TYPES, Flag, FlagKind, GCS_PRINCIPAL_ATTRIBUTION_ENABLED,
    GCS_PRINCIPAL_ATTRIBUTION_SIGNING_KEY_FILE, GCS_PRINCIPAL_ATTRIBUTION_TOKEN_ISSUER,
    GCS_PRINCIPAL_ATTRIBUTION_WIF_AUDIENCE, SUPPORTED_CATALOG_STORAGE_TYPES,
};
use merak_model::{Features, RealmId};

use super::problems::{Notice, Problem};
use super::reader::Reader;
use super::realms::Realms;
use super::registry::IGNORE_SEVERE;

/// The flags of each configured realm.
pub type RealmFeatures = BTreeMap<RealmId, Arc<Features>>;

/// Where a flag is set.
pub(super) fn group(flag: &Flag) -> &'static str {
    if flag.behavior_change { "polaris.behavior-changes" } else { "polaris.features" }
}

/// The flag's key for all realms, as it is usually written.
pub(super) fn key(flag: &Flag) -> String {
    format!("{}.\"{}\"", group(flag), flag.name)
}

pub(super) fn read(reader: &mut Reader, realms: &Realms) -> RealmFeatures {
    let of = |realm: &RealmId| (realm.clone(), Arc::new(read_realm(reader, realm)));
    let features: RealmFeatures = realms.all.iter().map(of).collect();
    check_insecure_types(reader, &features);
    check_attribution(reader, &features);
    features
}

fn read_realm(reader: &mut Reader, realm: &RealmId) -> Features {
    let mut features = Features::default();
    for flag in ALL {
        let Some((text, entry)) = reader.feature(realm, group(flag), flag.name) else { continue };
        if features.set(flag.name, &bare(&text)).is_err() {
            let expected = match flag.kind {
                FlagKind::Bool => "`true` or `false`",
                FlagKind::Integer => "a whole number",
                FlagKind::List => "a JSON array of texts such as [\"S3\",\"GCS\"]",
                FlagKind::Text => "a text",
            };
            reader.refuse_entry(entry, false, format!("is not {expected}"));
        }
    }
    features
}

/// The value without the quotes of JSON: Polaris' Helm chart writes every value as JSON.
fn bare(text: &str) -> String {
    let text = text.trim();
    serde_json::from_str::<String>(text).unwrap_or_else(|_| text.to_owned())
}

/// FILE storage reaches whatever the server's user can: it takes two settings to have it.
fn check_insecure_types(reader: &mut Reader, features: &RealmFeatures) {
    let is_ignored = reader.get(&IGNORE_SEVERE);
    let (types, allow) =
        (key(&SUPPORTED_CATALOG_STORAGE_TYPES), key(&ALLOW_INSECURE_STORAGE_TYPES));
    let mut unsafe_realms = Vec::new();
    for (realm, features) in features {
        let features = features.of_realm();
        let is_allowed = features.is_on(&ALLOW_INSECURE_STORAGE_TYPES);
        let supported = features.list(&SUPPORTED_CATALOG_STORAGE_TYPES);
        let has_file = supported.iter().any(|name| name.eq_ignore_ascii_case("FILE"));
        if has_file && !is_allowed && !is_ignored {
            reader.problems.push(Problem {
                key: types.clone(),
                origin: None,
                value: None,
                why: format!(
                    "has FILE in the realm {realm}, which lets its users reach the server's own \
                     files; if that is meant, set {allow} to true"
                ),
            });
        } else if has_file || is_allowed {
            unsafe_realms.push(realm.as_str());
        }
    }
    if !unsafe_realms.is_empty() {
        reader.notices.push(Notice::warning(format!(
            "storage types that are not safe in production are allowed ({allow}) in the realms {}",
            unsafe_realms.join(", ")
        )));
    }
}

/// What names principals to Google is complete, or there would be credentials without a name.
fn check_attribution(reader: &mut Reader, features: &RealmFeatures) {
    for (realm, features) in features {
        let features = features.of_realm();
        if !features.is_on(&GCS_PRINCIPAL_ATTRIBUTION_ENABLED) {
            continue;
        }
        for needed in [
            &GCS_PRINCIPAL_ATTRIBUTION_WIF_AUDIENCE,
            &GCS_PRINCIPAL_ATTRIBUTION_TOKEN_ISSUER,
            &GCS_PRINCIPAL_ATTRIBUTION_SIGNING_KEY_FILE,
        ] {
            if features.text(needed).is_none() {
                let enabled = key(&GCS_PRINCIPAL_ATTRIBUTION_ENABLED);
                reader.problems.push(Problem {
                    key: key(needed),
                    origin: None,
                    value: None,
                    why: format!("is needed in the realm {realm}, where {enabled} is true"),
                });
            }
        }
    }
}
