//! How tokens are signed, realm by realm.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use merak_authn::OidcSettings;
use merak_model::RealmId;
use secrecy::{ExposeSecret as _, SecretString};

use super::formats::{Format, not};
use super::oidc;
use super::problems::Notice;
use super::reader::Reader;
use super::realms::Realms;
use super::registry as settings;

/// The tokens of each realm.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// One for each configured realm.
    pub by_realm: BTreeMap<RealmId, RealmTokens>,
}

/// The tokens of one realm.
#[derive(Debug, Clone)]
pub struct RealmTokens {
    /// Whose are accepted.
    pub accepted: AcceptedTokens,
    /// How they are signed.
    pub broker: TokenBroker,
    /// How long they are good.
    pub lifetime: Duration,
}

/// Whose tokens are accepted.
#[derive(Debug, Clone)]
pub enum AcceptedTokens {
    /// Those that are issued here.
    Internal,
    /// Those of an identity provider.
    External(Box<OidcSettings>),
    /// Both.
    Mixed(Box<OidcSettings>),
}

/// How tokens are signed.
#[derive(Debug, Clone)]
pub enum TokenBroker {
    /// With an Ed25519 pair of the server's own.
    Ed25519,
    /// With an RSA pair: from files, or else the server's own.
    Rsa(Option<RsaFiles>),
    /// With a key that signs and verifies.
    Symmetric(SymmetricKey),
}

/// The files of an RSA pair, both PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RsaFiles {
    /// PKCS#8.
    pub private: PathBuf,
    /// SPKI.
    pub public: PathBuf,
}

/// Where a symmetric key is.
#[derive(Debug, Clone)]
pub enum SymmetricKey {
    /// Here.
    Secret(SecretString),
    /// In a file, all bytes of which count.
    File(PathBuf),
}

impl Tokens {
    pub(super) fn read(reader: &mut Reader, realms: &Realms) -> Self {
        let of = |realm: &RealmId| (realm.clone(), read_realm(reader, realm));
        let by_realm: BTreeMap<RealmId, RealmTokens> = realms.all.iter().map(of).collect();
        let has_providers =
            by_realm.values().any(|of| !matches!(of.accepted, AcceptedTokens::Internal));
        oidc::check_the_rest(reader, realms, has_providers);
        Self { by_realm }
    }
}

fn read_realm(reader: &mut Reader, realm: &RealmId) -> RealmTokens {
    let accepted = accepted(reader, realm);
    // All of them are read whatever the broker is, so that none passes for unknown.
    let broker = reader.get_in(realm, &settings::BROKER);
    let lifetime = reader.get_in(realm, &settings::TOKEN_LIFETIME);
    let rsa = rsa_files(reader, realm, broker);
    let symmetric = symmetric_key(reader, realm, broker);
    let broker = match (broker, symmetric) {
        (Broker::Rsa, _) => TokenBroker::Rsa(rsa),
        (Broker::Symmetric, Some(key)) => TokenBroker::Symmetric(key),
        // Without a key, a problem was noted.
        (Broker::Ed25519, _) | (Broker::Symmetric, None) => TokenBroker::Ed25519,
    };
    RealmTokens { accepted, broker, lifetime }
}

fn accepted(reader: &mut Reader, realm: &RealmId) -> AcceptedTokens {
    let tenant = oidc::Tenant::read(reader, realm);
    match reader.get_in(realm, &settings::AUTHENTICATION_TYPE) {
        Authentication::Internal => AcceptedTokens::Internal,
        // Without a provider, problems were noted.
        Authentication::External => tenant
            .settings(reader, realm)
            .map_or(AcceptedTokens::Internal, |oidc| AcceptedTokens::External(Box::new(oidc))),
        Authentication::Mixed => tenant
            .settings(reader, realm)
            .map_or(AcceptedTokens::Internal, |oidc| AcceptedTokens::Mixed(Box::new(oidc))),
    }
}

fn rsa_files(reader: &mut Reader, realm: &RealmId, broker: Broker) -> Option<RsaFiles> {
    let private = reader.get_in(realm, &settings::RSA_PRIVATE);
    let public = reader.get_in(realm, &settings::RSA_PUBLIC);
    match (private, public) {
        (Some(private), Some(public)) => {
            Some(RsaFiles { private: reader.resolve(&private), public: reader.resolve(&public) })
        }
        (None, None) => None,
        (private, _) => {
            if broker == Broker::Rsa {
                let (set, missing) = match private {
                    Some(_) => (&settings::RSA_PRIVATE.row, &settings::RSA_PUBLIC.row),
                    None => (&settings::RSA_PUBLIC.row, &settings::RSA_PRIVATE.row),
                };
                let why = format!("needs {} beside it", missing.key);
                reader.refuse(set, Some(realm), why);
            }
            None
        }
    }
}

fn symmetric_key(reader: &mut Reader, realm: &RealmId, broker: Broker) -> Option<SymmetricKey> {
    let secret = reader.get_in(realm, &settings::SYMMETRIC_SECRET);
    let file = reader.get_in(realm, &settings::SYMMETRIC_FILE);
    if broker != Broker::Symmetric {
        return None;
    }
    match (secret, file) {
        (Some(secret), None) => {
            warn_of_a_short_key(reader, realm, &secret);
            Some(SymmetricKey::Secret(secret))
        }
        (None, Some(file)) => Some(SymmetricKey::File(reader.resolve(&file))),
        (secret, _) => {
            let count = if secret.is_some() { "not both" } else { "and neither is set" };
            let (key, file) =
                (settings::SYMMETRIC_SECRET.row.key, settings::SYMMETRIC_FILE.row.key);
            let why = format!("needs {key} or {file}, {count}");
            reader.refuse(&settings::BROKER.row, Some(realm), why);
            None
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "only the length of the key is looked at")]
fn warn_of_a_short_key(reader: &mut Reader, realm: &RealmId, secret: &SecretString) {
    if secret.expose_secret().len() < 32 {
        reader.notices.push(Notice::warning(format!(
            "the symmetric key for tokens of the realm {realm} is shorter than 32 bytes: whoever \
             gets hold of a token can try to guess it"
        )));
    }
}

/// The value of `polaris.authentication.type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Authentication {
    Internal,
    External,
    Mixed,
}

/// The value of `polaris.authentication.token-broker.type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broker {
    Ed25519,
    Rsa,
    Symmetric,
}

impl Format for Authentication {
    type Value = Self;
    const EXPECTED: &'static str = "`internal`, `external` or `mixed`";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "internal" => Ok(Self::Internal),
            "external" => Ok(Self::External),
            "mixed" => Ok(Self::Mixed),
            _ => Err(not::<Self>()),
        }
    }
}

impl Format for Broker {
    type Value = Self;
    const EXPECTED: &'static str = "`ed25519-key-pair`, `rsa-key-pair` or `symmetric-key`";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "ed25519-key-pair" => Ok(Self::Ed25519),
            "rsa-key-pair" => Ok(Self::Rsa),
            "symmetric-key" => Ok(Self::Symmetric),
            _ => Err(not::<Self>()),
        }
    }
}
