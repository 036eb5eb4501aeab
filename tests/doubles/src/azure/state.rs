//! What the double knows: tenants, applications, accounts, roles, tokens, keys.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::blobs::Blobs;
use super::{CLIENT_ID, CONTAINER, FLAT, HIERARCHICAL, IDENTITY, OBJECT_ID, OTHER_TENANT, TENANT};
use crate::traffic::{Traffic, lock};

/// What storage tokens are for.
pub(crate) const AUDIENCE: &str = "https://storage.azure.com";

/// A role for data in blobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Storage Blob Data Reader.
    Reader,
    /// Storage Blob Data Contributor.
    Contributor,
    /// Storage Blob Delegator: keys, and no data.
    Delegator,
}

impl Role {
    /// By its name in Azure.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "Storage Blob Data Reader" => Some(Self::Reader),
            "Storage Blob Data Contributor" => Some(Self::Contributor),
            "Storage Blob Delegator" => Some(Self::Delegator),
            _ => None,
        }
    }
}

/// A role that somebody has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The object id of the service principal.
    pub object_id: String,
    /// The storage account.
    pub account: String,
    /// The container; nothing: the whole account. Keys are asked for at the account alone.
    pub container: Option<String>,
    /// The role.
    pub role: Role,
}

impl Assignment {
    /// A role in a whole account.
    pub fn new(object_id: &str, account: &str, role: Role) -> Self {
        let (object_id, account) = (object_id.to_owned(), account.to_owned());
        Self { object_id, account, container: None, role }
    }

    /// A role in a container of it.
    pub fn in_container(object_id: &str, account: &str, container: &str, role: Role) -> Self {
        let container = Some(container.to_owned());
        Self { container, ..Self::new(object_id, account, role) }
    }
}

/// A storage account.
#[derive(Debug, Clone)]
pub struct Account {
    /// The tenant that it belongs to.
    pub tenant: String,
    /// Whether it has a hierarchical namespace.
    pub is_hierarchical: bool,
    /// Its containers.
    pub containers: BTreeSet<String>,
    /// Raised to revoke all user delegation keys.
    pub keys_revoked: u32,
}

impl Account {
    /// One with a container.
    pub fn new(tenant: &str, is_hierarchical: bool, container: &str) -> Self {
        let containers = BTreeSet::from([container.to_owned()]);
        Self { tenant: tenant.to_owned(), is_hierarchical, containers, keys_revoked: 0 }
    }
}

/// What tests may change.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The tenants that there are.
    pub tenants: BTreeSet<String>,
    /// In which tenants, second, which applications, first, have been consented to.
    pub consents: BTreeSet<(String, String)>,
    /// Whether the secret has expired.
    pub is_secret_expired: bool,
    /// The storage accounts.
    pub accounts: BTreeMap<String, Account>,
    /// Who has which role.
    pub assignments: Vec<Assignment>,
    /// Whether there is an endpoint for managed identities.
    pub has_managed_identity: bool,
    /// Whether calls count as made by HTTPS, as behind a proxy that ends TLS.
    pub counts_as_https: bool,
    /// How long access tokens live, in seconds.
    pub token_lifetime: i64,
}

impl Default for Settings {
    fn default() -> Self {
        let accounts = [(HIERARCHICAL, true), (FLAT, false)].map(|(name, is_hierarchical)| {
            (name.to_owned(), Account::new(TENANT, is_hierarchical, CONTAINER))
        });
        let owners = [OBJECT_ID, IDENTITY.1];
        let assign = |object_id: &str| {
            [HIERARCHICAL, FLAT].map(|name| Assignment::new(object_id, name, Role::Contributor))
        };
        Self {
            tenants: [TENANT, OTHER_TENANT].map(str::to_owned).into(),
            consents: BTreeSet::from([(CLIENT_ID.to_owned(), TENANT.to_owned())]),
            is_secret_expired: false,
            accounts: accounts.into(),
            assignments: owners.into_iter().flat_map(assign).collect(),
            has_managed_identity: true,
            counts_as_https: false,
            token_lifetime: 3599,
        }
    }
}

/// An access token.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) object_id: String,
    pub(crate) tenant: String,
    pub(crate) audience: String,
    pub(crate) expires: OffsetDateTime,
}

/// What is done with data, as roles see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// Everything.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) endpoint: String,
    pub(crate) traffic: Traffic,
    pub(crate) settings: Mutex<Settings>,
    pub(crate) blobs: Mutex<Blobs>,
    pub(crate) secret: String,
    /// What keys and tokens are made of.
    seed: [u8; 16],
    tokens: Mutex<HashMap<String, Token>>,
}

impl State {
    pub(crate) fn new(endpoint: String) -> Self {
        Self {
            endpoint,
            traffic: Traffic::default(),
            settings: Mutex::default(),
            blobs: Mutex::default(),
            secret: format!("dbl8Q~{}", Uuid::new_v4().simple()),
            seed: *Uuid::new_v4().as_bytes(),
            tokens: Mutex::default(),
        }
    }

    /// Issues a token; gives it and its lifetime in seconds. It is a JSON web token, so that
    /// emulators which only look at the claims take it too.
    pub(crate) fn issue(&self, object_id: &str, tenant: &str, audience: &str) -> (String, i64) {
        let seconds = lock(&self.settings).token_lifetime;
        let now = self.traffic.now();
        let expires = now + time::Duration::seconds(seconds);
        let claims = json!({
            "aud": audience,
            "iss": format!("https://sts.windows.net/{tenant}/"),
            "iat": now.unix_timestamp(),
            "nbf": now.unix_timestamp(),
            "exp": expires.unix_timestamp(),
            "oid": object_id,
            "sub": object_id,
            "tid": tenant,
            "uti": Uuid::new_v4(),
        });
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let message =
            format!("{}.{}", encode(&json!({"alg": "HS256", "typ": "JWT"})), encode(&claims));
        let signature =
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.seed), message.as_bytes());
        let name = format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature));
        let token = Token {
            object_id: object_id.to_owned(),
            tenant: tenant.to_owned(),
            audience: audience.to_owned(),
            expires,
        };
        lock(&self.tokens).insert(name.clone(), token);
        (name, seconds)
    }

    /// The token, if it was issued here.
    pub(crate) fn issued(&self, token: &str) -> Option<Token> {
        lock(&self.tokens).get(token).cloned()
    }

    /// The user delegation key of these fields: the same as often as it is asked for.
    pub(crate) fn delegation_key(&self, account: &str, fields: [&str; 6]) -> Vec<u8> {
        let revoked = lock(&self.settings).accounts.get(account).map_or(0, |it| it.keys_revoked);
        let text = format!("{account}\n{revoked}\n{}", fields.join("\n"));
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.seed);
        hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
    }

    /// Whether somebody may ask for keys of an account.
    pub(crate) fn may_delegate(&self, object_id: &str, account: &str) -> bool {
        let settings = lock(&self.settings);
        settings
            .assignments
            .iter()
            .any(|it| it.object_id == object_id && it.account == account && it.container.is_none())
    }

    /// Whether somebody's roles permit it.
    pub(crate) fn may(
        &self,
        object_id: &str,
        account: &str,
        container: &str,
        access: Access,
    ) -> bool {
        let settings = lock(&self.settings);
        settings.assignments.iter().any(|it| {
            let is_there = it.container.as_deref().is_none_or(|known| known == container);
            let permits = match it.role {
                Role::Contributor => true,
                Role::Reader => access == Access::Read,
                Role::Delegator => false,
            };
            it.object_id == object_id && it.account == account && is_there && permits
        })
    }

    pub(crate) fn account(&self, name: &str) -> Option<Account> {
        lock(&self.settings).accounts.get(name).cloned()
    }
}
