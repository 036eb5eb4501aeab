//! What is fit for trying things out and not for production: Polaris' readiness checks, as far as
//! they find something here. Each finding names the setting it is about.
//!
//! Those that keep the server from starting are where the settings are read: FILE storage
//! (`features.rs`) and a policy service whose certificate is not checked (`authorization.rs`).
//! Polaris also warns of keys for tokens that are generated; here they are kept in the database, and
//! the same for all replicas.

use merak_model::features::{Flag, SKIP_CREDENTIAL_SUBSCOPING_INDIRECTION};

use super::Config;
use super::database::Database;
use super::features;
use super::problems::Notice;
use super::reader::Reader;
use super::registry::{PERSISTENCE_TYPE, REQUIRE_REALM, SYMMETRIC_FILE, SYMMETRIC_SECRET};
use super::tokens::{SymmetricKey, TokenBroker};

pub(super) fn note(reader: &mut Reader, config: &Config) {
    let mut findings = Vec::new();
    if matches!(config.database, Database::InMemory) {
        findings.push(format!(
            "{} is `in-memory`: everything is forgotten when the server ends",
            PERSISTENCE_TYPE.row.key
        ));
    }
    // Of one realm a request can mean no other. Whoever set it knows what it does.
    if config.realms.all.len() > 1
        && !config.realms.is_header_required
        && !reader.is_set(&REQUIRE_REALM.row)
    {
        findings.push(format!(
            "{} is not set: requests that name no realm are taken to mean {}",
            REQUIRE_REALM.row.key,
            config.realms.default_realm()
        ));
    }
    let is_in_configuration =
        |broker: &TokenBroker| matches!(broker, TokenBroker::Symmetric(SymmetricKey::Secret(_)));
    if config.tokens.by_realm.values().any(|realm| is_in_configuration(&realm.broker)) {
        findings.push(format!(
            "{}: whoever reads the configuration can make tokens; put the key in a file of its own \
             ({})",
            SYMMETRIC_SECRET.row.key, SYMMETRIC_FILE.row.key
        ));
    }
    findings.extend(in_realms(
        config,
        &SKIP_CREDENTIAL_SUBSCOPING_INDIRECTION,
        "the server reaches files as itself, and clients get no credentials; for a store without \
         STS set `stsUnavailable` in the catalog's storage configuration instead",
    ));
    reader.notices.extend(findings.into_iter().map(Notice::warning));
}

/// A finding about a flag that is on, with the realms where it is.
fn in_realms(config: &Config, flag: &'static Flag, what: &str) -> Option<String> {
    let realms: Vec<_> = config
        .features
        .iter()
        .filter(|(_, features)| features.of_realm().is_on(flag))
        .map(|(realm, _)| realm.as_str())
        .collect();
    let key = features::key(flag);
    (!realms.is_empty()).then(|| format!("{key} is on in the realms {}: {what}", realms.join(", ")))
}
