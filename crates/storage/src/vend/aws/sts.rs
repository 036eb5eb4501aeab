//! STS: sessions of a catalog's role.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_sdk_sts::Client;
use aws_sdk_sts::config::{BehaviorVersion, IdentityCache, Region};
use aws_sdk_sts::types::Tag;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use merak_model::StorageConfig;
use merak_model::storage_config::{Provider, S3Config};
use moka::future::Cache;
use secrecy::SecretString;
use serde::Serialize;
use serde_json::{Value, json};

use super::errors::{self, Step};
use super::policy::{self, SessionPolicy};
use super::sts_address::StsAddress;
use crate::aws_identity::{AwsEnvironment, AwsIdentities, AwsIdentity, IdentityName};
use crate::settings::AwsKeys;
use crate::vend::{
    CloudSecret, CredentialVendor, Session, VendError, VendRequest, VendedCredentials,
};
use crate::{ProviderMessage, StorageSettings};

/// The name of sessions that are to have none of their own: that of Polaris.
const SESSION_NAME: &str = "PolarisAwsCredentialsStorageIntegration";
const MAX_SESSION_NAME: usize = 64;
const MAX_TAG_VALUE: usize = 256;
const ATTEMPTS: u32 = 3;

/// Mints sessions of catalogs' roles.
///
/// The server's identity is looked up at first use, and shared with that which reads and writes
/// files. A bounded number of clients is kept, one for each endpoint, region and identity.
pub struct AwsVendor {
    pub(super) environment: AwsEnvironment,
    pub(super) identities: Arc<AwsIdentities>,
    timeouts: TimeoutConfig,
    clients: Cache<(StsAddress, IdentityName), Client>,
}

impl fmt::Debug for AwsVendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsVendor").field("identities", &self.identities).finish_non_exhaustive()
    }
}

/// Who AWS says that someone is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CallerIdentity {
    /// The account's number.
    pub account: String,
    /// The user or role session.
    pub arn: String,
    /// The unique id of the user or role.
    pub user_id: String,
}

impl AwsVendor {
    /// A vendor with these settings and identities. Contacts nobody.
    pub(crate) fn new(
        settings: &StorageSettings,
        environment: &AwsEnvironment,
        identities: &Arc<AwsIdentities>,
    ) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(settings.connect_timeout)
            .operation_attempt_timeout(settings.request_timeout)
            .operation_timeout(settings.deadline())
            .build();
        Self {
            environment: environment.clone(),
            identities: Arc::clone(identities),
            timeouts,
            clients: Cache::new(settings.max_clients as u64),
        }
    }

    /// Who the server itself is, with the identity that serves such a catalog.
    pub async fn caller_identity(
        &self,
        config: &StorageConfig,
    ) -> Result<CallerIdentity, VendError> {
        let s3 = s3(config)?;
        let address = StsAddress::of(s3, &self.environment)?;
        let (client, credentials) = self.client(config, &address).await?;
        let step = Step::new("GetCallerIdentity", credentials.access_key_id());
        let answer =
            client.get_caller_identity().send().await.map_err(|error| step.error(&error))?;
        let text = |part: Option<String>| part.unwrap_or_default();
        Ok(CallerIdentity {
            account: text(answer.account),
            arn: text(answer.arn),
            user_id: text(answer.user_id),
        })
    }

    /// The keys of the server's own identity that serves such a catalog. They are not narrowed.
    pub async fn own_keys(&self, config: &StorageConfig) -> Result<AwsKeys, VendError> {
        s3(config)?;
        let (_, identity) = self.identities.of(config);
        let credentials = own_credentials(&identity).await?;
        Ok(AwsKeys {
            access_key: credentials.access_key_id().into(),
            secret_key: credentials.secret_access_key().into(),
            session_token: credentials.session_token().map(SecretString::from),
        })
    }

    /// A client of STS, and the credentials it will sign with, of which there are some.
    async fn client(
        &self,
        config: &StorageConfig,
        address: &StsAddress,
    ) -> Result<(Client, Credentials), VendError> {
        let (name, identity) = self.identities.of(config);
        let credentials = own_credentials(&identity).await?;
        let make = async { Client::from_conf(self.client_config(address, &identity)) };
        let client = self.clients.get_with((address.clone(), name), make).await;
        Ok((client, credentials))
    }

    pub(super) fn client_config(
        &self,
        address: &StsAddress,
        identity: &AwsIdentity,
    ) -> aws_sdk_sts::Config {
        let mut builder = aws_sdk_sts::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(self.identities.http().clone())
            .region(Region::new(address.region.clone()))
            .credentials_provider(identity.for_sdk())
            // The identity itself keeps what it finds.
            .identity_cache(IdentityCache::no_cache())
            .timeout_config(self.timeouts.clone())
            .retry_config(
                RetryConfig::standard()
                    .with_max_attempts(ATTEMPTS)
                    .with_initial_backoff(Duration::from_millis(100))
                    .with_max_backoff(Duration::from_secs(2)),
            );
        builder.set_endpoint_url(address.endpoint.clone());
        builder.build()
    }
}

#[async_trait]
impl CredentialVendor for AwsVendor {
    async fn vend(&self, request: &VendRequest) -> Result<VendedCredentials, VendError> {
        let plan = Plan::of(request, &self.environment)?;
        let (client, credentials) = self.client(&request.config, &plan.address).await?;
        let what = plan.role_arn.map_or_else(
            || format!("AssumeRole at {}", plan.address),
            |role| format!("AssumeRole of {role}"),
        );
        let step = Step::new(&what, credentials.access_key_id());
        let answer = client
            .assume_role()
            .set_role_arn(plan.role_arn.map(str::to_owned))
            .set_external_id(plan.external_id.map(str::to_owned))
            .role_session_name(&plan.session_name)
            .policy(&plan.policy.text)
            .duration_seconds(plan.duration_s)
            .set_tags(plan.tags()?)
            .set_transitive_tag_keys(plan.tag_keys())
            .send()
            .await
            .map_err(|error| step.error(&error))?;
        let minted = answer.credentials.ok_or_else(|| VendError::Unavailable {
            step: what,
            reason: ProviderMessage("the answer holds no credentials".to_owned()),
        })?;
        Ok(VendedCredentials {
            id: minted.access_key_id.clone(),
            expires_at_ms: errors::millis(minted.expiration)?,
            secret: CloudSecret::Aws {
                access_key: minted.access_key_id,
                secret_key: minted.secret_access_key.into(),
                session_token: minted.session_token.into(),
            },
        })
    }

    fn explain(&self, request: &VendRequest) -> Result<Value, VendError> {
        let plan = Plan::of(request, &self.environment)?;
        let tags: serde_json::Map<_, _> =
            plan.tags.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
        Ok(json!({
            "roleArn": plan.role_arn,
            "externalId": plan.external_id,
            "roleSessionName": plan.session_name,
            "durationSeconds": plan.duration_s,
            "tags": tags,
            "policy": plan.policy.document,
            "policyLength": plan.policy.text.chars().count(),
        }))
    }
}

/// What STS is asked.
struct Plan<'a> {
    address: StsAddress,
    role_arn: Option<&'a str>,
    external_id: Option<&'a str>,
    session_name: String,
    duration_s: i32,
    tags: Vec<(String, String)>,
    policy: SessionPolicy,
}

impl<'a> Plan<'a> {
    fn of(request: &'a VendRequest, environment: &AwsEnvironment) -> Result<Self, VendError> {
        let s3 = s3(&request.config)?;
        if s3.sts_unavailable == Some(true) {
            return Err(VendError::Impossible(
                "The catalog's storage has no STS (stsUnavailable), so no credentials can be \
                 vended for it"
                    .to_owned(),
            ));
        }
        let address = StsAddress::of(s3, environment)?;
        if s3.role_arn.is_none() && address.is_of_aws() {
            return Err(VendError::Impossible(
                "The catalog's storage has no roleArn: AWS gives narrowed credentials only for a \
                 role"
                    .to_owned(),
            ));
        }
        Ok(Self {
            address,
            role_arn: s3.role_arn.as_deref(),
            external_id: s3.external_id.as_deref(),
            session_name: session_name(&request.session),
            duration_s: i32::try_from(request.lifetime.as_secs()).unwrap_or(i32::MAX),
            tags: tags(&request.session),
            policy: policy::session_policy(&request.grant, s3)?,
        })
    }

    fn tags(&self) -> Result<Option<Vec<Tag>>, VendError> {
        let tag = |(key, value): &(String, String)| {
            let tag = Tag::builder().key(key).value(value).build();
            tag.map_err(|error| VendError::Impossible(error.to_string()))
        };
        let tags = self.tags.iter().map(tag).collect::<Result<Vec<_>, _>>()?;
        Ok(Some(tags).filter(|tags| !tags.is_empty()))
    }

    fn tag_keys(&self) -> Option<Vec<String>> {
        let keys: Vec<_> = self.tags.iter().map(|(key, _)| key.clone()).collect();
        Some(keys).filter(|keys| !keys.is_empty())
    }
}

/// The session's name in the characters that STS takes, of which it takes 2 to 64.
fn session_name(session: &Session) -> String {
    let Some(name) = session.name.as_deref().filter(|name| !name.is_empty()) else {
        return SESSION_NAME.to_owned();
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    let characters = name.chars().take(MAX_SESSION_NAME);
    let mut name: String = characters.map(|c| if fits(c) { c } else { '_' }).collect();
    if name.len() < 2 {
        name.push('_');
    }
    name
}

/// The tags, with values cut to the length that STS takes. Characters that it does not take are
/// left to it: two principals must not come to share a tag.
fn tags(session: &Session) -> Vec<(String, String)> {
    let cut = |(key, value): &(String, String)| {
        (key.clone(), value.chars().take(MAX_TAG_VALUE).collect())
    };
    session.tags.iter().map(cut).collect()
}

pub(super) async fn own_credentials(identity: &AwsIdentity) -> Result<Credentials, VendError> {
    identity
        .credentials()
        .await
        .map_err(|reason| VendError::NoIdentity { cloud: "AWS", reason: reason.to_string() })
}

fn s3(config: &StorageConfig) -> Result<&S3Config, VendError> {
    match &config.provider {
        Provider::S3(s3) => Ok(s3),
        Provider::Azure(_) | Provider::Gcs(_) | Provider::File {} => Err(VendError::Impossible(
            format!("AWS vends no credentials for {} storage", config.storage_type()),
        )),
    }
}

#[cfg(test)]
impl AwsVendor {
    pub(super) async fn run_pending(&self) {
        self.clients.run_pending_tasks().await;
    }

    pub(super) fn clients_kept(&self) -> u64 {
        self.clients.entry_count()
    }
}
