//! What a realm begins with.

use std::collections::BTreeSet;

use merak_model::RealmId;
use secrecy::SecretString;

use super::database::Database;
use super::formats::Format;
use super::problems::Notice;
use super::reader::Reader;
use super::realms::Realms;
use super::registry::{AUTO_BOOTSTRAP, BOOTSTRAP_CREDENTIALS};

/// How new realms are bootstrapped.
#[derive(Debug, Clone)]
pub struct Bootstrap {
    /// Whether `serve` bootstraps the realms that are new.
    pub is_automatic: bool,
    /// The credentials to give to root principals; a realm without gets random ones.
    pub credentials: Vec<RootCredentials>,
}

/// The credentials of a realm's root principal.
#[derive(Debug, Clone)]
pub struct RootCredentials {
    /// The realm.
    pub realm: RealmId,
    /// The client id of its root principal.
    pub client_id: String,
    /// The secret that goes with it.
    pub client_secret: SecretString,
}

impl Bootstrap {
    pub(super) fn read(reader: &mut Reader, realms: &Realms, database: &Database) -> Self {
        let credentials = reader.get(&BOOTSTRAP_CREDENTIALS);
        for RootCredentials { realm, .. } in &credentials {
            if !realms.all.contains(realm) {
                reader.notices.push(Notice::warning(format!(
                    "there are bootstrap credentials for the realm {realm}, which is not configured"
                )));
            }
        }
        let kinds = database.polaris_types();
        let is_automatic = reader
            .get(&AUTO_BOOTSTRAP)
            .is_none_or(|types| types.iter().any(|name| kinds.contains(&name.as_str())));
        Self { is_automatic, credentials }
    }

    /// The credentials given for a realm.
    pub fn credentials_of(&self, realm: &RealmId) -> Option<&RootCredentials> {
        self.credentials.iter().find(|credentials| credentials.realm == *realm)
    }
}

impl RootCredentials {
    /// Reads `realm,client-id,client-secret`; a complaint never shows the text.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let parts: Vec<&str> = text.split(',').map(str::trim).collect();
        let [realm, client_id, client_secret] = parts[..] else {
            return Err("does not have the three parts of realm,client-id,client-secret");
        };
        if realm.is_empty() || client_id.is_empty() || client_secret.is_empty() {
            return Err("has a blank part");
        }
        Ok(Self {
            realm: RealmId::new(realm),
            client_id: client_id.to_owned(),
            client_secret: client_secret.into(),
        })
    }
}

/// The credentials of several realms.
#[derive(Debug)]
pub(super) struct Credentials;

impl Format for Credentials {
    type Value = Vec<RootCredentials>;
    const EXPECTED: &'static str = "`realm,client-id,client-secret`, with `;` between realms";
    const IS_SECRET: bool = true;

    fn parse(text: &str) -> Result<Vec<RootCredentials>, String> {
        let mut realms = BTreeSet::new();
        let entries = text.split(';').filter(|entry| !entry.trim().is_empty());
        entries
            .enumerate()
            .map(|(index, entry)| {
                let wrong = |why: &str| {
                    let number = index + 1;
                    format!("is not {}: entry {number} {why}", Self::EXPECTED)
                };
                let credentials = RootCredentials::parse(entry).map_err(wrong)?;
                if realms.insert(credentials.realm.clone()) {
                    Ok(credentials)
                } else {
                    Err(wrong("is of a realm that has one already"))
                }
            })
            .collect()
    }
}
