//! How other catalogs are reached.

use std::collections::BTreeMap;
use std::time::Duration;

use merak_model::RealmId;
use merak_storage::AwsKeys;

use crate::AllowedHosts;

/// How other catalogs are reached.
#[derive(Debug, Clone)]
pub struct FederationSettings {
    /// The hosts that connections may lead to.
    pub allowed_hosts: AllowedHosts,
    /// How long making a connection may take.
    pub connect_timeout: Duration,
    /// How long one request may take, its answer included.
    pub request_timeout: Duration,
    /// The longest answer that is read, in bytes.
    pub max_answer_bytes: usize,
    /// After which time a catalog is asked again where its routes are.
    pub config_lifetime: Duration,
    /// How many catalogs are remembered, with their opened secrets and tokens.
    pub max_remotes: u64,
    /// How long one is remembered that nobody asks for.
    pub idle_lifetime: Duration,
    /// Where sessions of AWS' roles are had, if not from AWS itself.
    pub sts_endpoint: Option<String>,
    /// The server's identities in AWS that connections are made with, by realm.
    pub service_identities: BTreeMap<RealmId, AwsServiceIdentity>,
}

impl Default for FederationSettings {
    fn default() -> Self {
        Self {
            allowed_hosts: AllowedHosts::default(),
            connect_timeout: Duration::from_secs(3),
            request_timeout: Duration::from_secs(20),
            max_answer_bytes: 64 * 1024 * 1024,
            config_lifetime: Duration::from_mins(5),
            max_remotes: 1000,
            idle_lifetime: Duration::from_hours(1),
            sts_endpoint: None,
            service_identities: BTreeMap::new(),
        }
    }
}

/// An identity of the server's in AWS.
#[derive(Debug, Clone)]
pub struct AwsServiceIdentity {
    /// Its ARN, which is shown to whoever writes trust policies.
    pub iam_arn: String,
    /// Its keys; without them, the identity that the server has for all storage.
    pub keys: Option<AwsKeys>,
}
