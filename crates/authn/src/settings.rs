//! How the tokens of each realm are made.

use std::collections::BTreeMap;

use merak_model::RealmId;
use secrecy::SecretBox;

use crate::{OidcSettings, RsaKeyFiles};

/// How the tokens of a server's realms are made.
#[derive(Debug, Clone)]
pub struct AuthnSettings {
    /// Of realms that have no settings of their own.
    pub default: TokenSettings,
    /// Of single realms.
    pub realms: BTreeMap<RealmId, TokenSettings>,
    /// How much memory verified tokens may be remembered in. A remembered token costs no signature
    /// check.
    pub verified_max_bytes: u64,
    /// How many wrong client secrets are borne.
    pub guesses: GuessSettings,
}

impl AuthnSettings {
    /// The settings of a realm.
    pub(crate) fn of(&self, realm: &RealmId) -> &TokenSettings {
        self.realms.get(realm).unwrap_or(&self.default)
    }
}

impl Default for AuthnSettings {
    fn default() -> Self {
        Self {
            default: TokenSettings::default(),
            realms: BTreeMap::new(),
            verified_max_bytes: 8 * 1024 * 1024,
            guesses: GuessSettings::default(),
        }
    }
}

/// How many wrong client secrets are borne, before all are refused unseen for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuessSettings {
    /// For one client id of a realm; 0 for any number.
    pub per_client: u32,
    /// From one address, whatever the client id; 0 for any number.
    pub per_address: u32,
    /// The time in which as many may come again.
    pub window_ms: u64,
    /// How many client ids are remembered, how many addresses, and how many addresses that clients
    /// showed their right secrets from.
    pub max_entries: u64,
}

impl Default for GuessSettings {
    fn default() -> Self {
        Self { per_client: 10, per_address: 100, window_ms: 60_000, max_entries: 20_000 }
    }
}

/// How the tokens of a realm are made.
#[derive(Debug, Clone)]
pub struct TokenSettings {
    /// Whose tokens are accepted.
    pub authentication: Authentication,
    /// What signs them.
    pub broker: TokenBroker,
    /// How long they are good for, in seconds.
    pub lifetime_s: u64,
}

impl Default for TokenSettings {
    fn default() -> Self {
        let authentication = Authentication::Internal;
        Self { authentication, broker: TokenBroker::Ed25519, lifetime_s: 3600 }
    }
}

/// Whose tokens a realm accepts: Polaris' three types.
#[derive(Debug, Clone)]
pub enum Authentication {
    /// Those that are issued here.
    Internal,
    /// Those of an identity provider. None are issued here.
    External(Box<OidcSettings>),
    /// Both.
    Mixed(Box<OidcSettings>),
}

/// What signs the tokens of a realm, and how.
#[derive(Debug, Clone)]
pub enum TokenBroker {
    /// `EdDSA`, with a key per realm that is made at first use and kept in the metastore, so that
    /// tokens outlive a restart and are good at every replica. The default, other than Polaris':
    /// an RSA signature costs 0.7 ms, and tokens are asked for while others read.
    Ed25519,
    /// RS256: Polaris' `rsa-key-pair`.
    Rsa {
        /// The keys; without them a 2048-bit key per realm is made at first use and kept in the
        /// metastore.
        files: Option<RsaKeyFiles>,
    },
    /// HS256: Polaris' `symmetric-key`.
    Symmetric {
        /// The secret, or a file's bytes as they are. It must not be empty.
        secret: SecretBox<[u8]>,
    },
}
