//! What the double knows: who is who, who may do what, and which tokens live.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;

use time::OffsetDateTime;
use uuid::Uuid;

use super::boundary::{Boundary, Target};
use super::role::{Permission, permissions_of};
use super::storage::memory::Objects;
use super::storage::upload::Uploads;
use super::{BUCKET, FEDERATED, LAKE, PROJECT, SERVER, STRANGER, USER};
use crate::jwt;
use crate::traffic::{Traffic, lock};

/// The scope for everything.
pub(crate) const CLOUD_PLATFORM: &str = "https://www.googleapis.com/auth/cloud-platform";
/// The beginning of the scopes for storage.
pub(crate) const DEVSTORAGE: &str = "https://www.googleapis.com/auth/devstorage.";

/// A role of an account in a part of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The account's address.
    pub account: String,
    /// The bucket.
    pub bucket: String,
    /// What the names of objects begin with; an empty one is the whole bucket.
    pub prefix: String,
    /// The role: `roles/storage.*`.
    pub role: String,
}

impl Grant {
    /// A role in a whole bucket.
    pub fn new(account: &str, bucket: &str, role: &str) -> Self {
        Self::below(account, bucket, "", role)
    }

    /// A role in a part of a bucket.
    pub fn below(account: &str, bucket: &str, prefix: &str, role: &str) -> Self {
        let [account, bucket, prefix, role] = [account, bucket, prefix, role].map(str::to_owned);
        Self { account, bucket, prefix, role }
    }

    fn permits(&self, permission: Permission, bucket: &str, target: &Target) -> bool {
        let is_inside = match target {
            Target::Object(name) | Target::Listing(name) => name.starts_with(&self.prefix),
            Target::Bucket => self.prefix.is_empty(),
        };
        let has = permissions_of(&self.role).is_some_and(|all| all.contains(&permission));
        self.bucket == bucket && is_inside && has
    }
}

/// What tests may change.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who may do what with objects.
    pub grants: Vec<Grant>,
    /// Who, first, holds `roles/iam.serviceAccountTokenCreator` on whom, second.
    pub token_creators: BTreeSet<(String, String)>,
    /// The accounts that are there.
    pub accounts: BTreeSet<String>,
    /// The accounts that are disabled.
    pub disabled: BTreeSet<String>,
    /// The accounts without `serviceusage.services.use` on the project: whatever they call is
    /// refused, as it is where a call is to be paid by the project.
    pub without_service_usage: BTreeSet<String>,
    /// The buckets that are there.
    pub buckets: BTreeSet<String>,
    /// Whether narrowed tokens come without `expires_in`, as Google may do.
    pub omits_expires_in: bool,
    /// Whether the IAM Credentials API is switched off in the project.
    pub is_iam_credentials_off: bool,
    /// Whether there is a metadata server.
    pub has_metadata_server: bool,
    /// How long tokens of keys and of refresh tokens live, in seconds.
    pub token_lifetime: i64,
}

impl Default for Settings {
    fn default() -> Self {
        let creators = [SERVER, USER, FEDERATED].map(|caller| (caller.to_owned(), LAKE.to_owned()));
        let accounts = [SERVER, LAKE, STRANGER, USER, FEDERATED];
        let role = "roles/storage.objectAdmin";
        Self {
            grants: [SERVER, LAKE, USER].map(|who| Grant::new(who, BUCKET, role)).to_vec(),
            token_creators: BTreeSet::from(creators),
            accounts: accounts.iter().map(|&account| account.to_owned()).collect(),
            disabled: BTreeSet::new(),
            without_service_usage: BTreeSet::new(),
            buckets: BTreeSet::from([BUCKET.to_owned()]),
            omits_expires_in: false,
            is_iam_credentials_off: false,
            has_metadata_server: true,
            token_lifetime: 3599,
        }
    }
}

/// An access token.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) account: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) expires: OffsetDateTime,
    /// Nothing: not narrowed.
    pub(crate) boundary: Option<Boundary>,
}

impl Token {
    pub(crate) fn has_scope(&self, wanted: impl Fn(&str) -> bool) -> bool {
        self.scopes.iter().any(|scope| scope == CLOUD_PLATFORM || wanted(scope))
    }
}

/// Everything.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) endpoint: String,
    pub(crate) data: Option<String>,
    pub(crate) client: reqwest::Client,
    pub(crate) traffic: Traffic,
    pub(crate) settings: Mutex<Settings>,
    pub(crate) objects: Mutex<Objects>,
    pub(crate) uploads: Mutex<Uploads>,
    /// Writes with a condition, one after the other where another service keeps the objects.
    pub(crate) writing: tokio::sync::Mutex<()>,
    pub(crate) refresh_token: String,
    pub(crate) client_secret: String,
    tokens: Mutex<HashMap<String, Token>>,
}

impl State {
    pub(crate) fn new(endpoint: String, data: Option<String>) -> Self {
        Self {
            endpoint,
            data: data.map(|url| url.trim_end_matches('/').to_owned()),
            client: reqwest::Client::new(),
            traffic: Traffic::default(),
            settings: Mutex::default(),
            objects: Mutex::default(),
            uploads: Mutex::default(),
            writing: tokio::sync::Mutex::new(()),
            refresh_token: format!("1//{}", Uuid::new_v4().simple()),
            client_secret: format!("GOCSPX-{}", Uuid::new_v4().simple()),
            tokens: Mutex::default(),
        }
    }

    /// Issues a token with the usual lifetime; gives it and its lifetime in seconds.
    pub(crate) fn issue(&self, account: &str, scopes: &[&str]) -> (String, i64) {
        let seconds = lock(&self.settings).token_lifetime;
        let token = self.issue_token(Token {
            account: account.to_owned(),
            scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
            expires: self.traffic.now() + time::Duration::seconds(seconds),
            boundary: None,
        });
        (token, seconds)
    }

    pub(crate) fn issue_token(&self, token: Token) -> String {
        let name = format!("ya29.{}", Uuid::new_v4().simple());
        lock(&self.tokens).insert(name.clone(), token);
        name
    }

    /// The token, if it was issued here, and lives.
    pub(crate) fn issued(&self, token: &str) -> Option<Token> {
        let token = lock(&self.tokens).get(token)?.clone();
        let is_alive = token.expires > self.traffic.now();
        (is_alive && !lock(&self.settings).disabled.contains(&token.account)).then_some(token)
    }

    /// Whoever bears the token. Services take the JSON web tokens of service accounts too, which
    /// the account has signed for itself: <https://google.aip.dev/auth/4111>.
    pub(crate) fn bearer(&self, token: &str, service: &str) -> Option<Token> {
        if !jwt::looks_like(token) {
            return self.issued(token);
        }
        let claims = jwt::verified(token)?;
        let now = self.traffic.now().unix_timestamp();
        let (issued, expires) = (claims["iat"].as_i64()?, claims["exp"].as_i64()?);
        // Google's own clients date them ten seconds back, and end them ten seconds after the hour.
        let is_in_time = issued <= now + 60 && expires > now && expires - issued <= 3660;
        let account = claims["iss"].as_str().filter(|_| claims["iss"] == claims["sub"])?;
        let scopes: Vec<String> = match (claims["scope"].as_str(), claims["aud"].as_str()) {
            (Some(scope), None) => scope.split(' ').map(str::to_owned).collect(),
            (None, Some(audience)) if audience == service => vec![CLOUD_PLATFORM.to_owned()],
            (Some(_) | None, Some(_) | None) => return None,
        };
        let settings = lock(&self.settings);
        let is_known = account == SERVER && !settings.disabled.contains(account);
        (is_in_time && is_known).then(|| Token {
            account: account.to_owned(),
            scopes,
            expires: OffsetDateTime::from_unix_timestamp(expires)
                .unwrap_or(OffsetDateTime::UNIX_EPOCH),
            boundary: None,
        })
    }

    /// Whether the account itself has the permission.
    pub(crate) fn has_permission(
        &self,
        account: &str,
        permission: Permission,
        bucket: &str,
        target: &Target,
    ) -> bool {
        let settings = lock(&self.settings);
        let mut grants = settings.grants.iter().filter(|grant| grant.account == account);
        grants.any(|grant| grant.permits(permission, bucket, target))
    }

    /// Whether a call of the account may be charged to a project: the one that it names, if any.
    pub(crate) fn may_use_services(&self, account: &str, project: Option<&str>) -> bool {
        let is_refused = lock(&self.settings).without_service_usage.contains(account);
        !is_refused && project.is_none_or(|project| project == PROJECT)
    }
}
