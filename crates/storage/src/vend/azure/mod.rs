//! Azure: shared access signatures, signed with a user delegation key.
//!
//! The server asks Entra for a token in the catalog's tenant, and with it the storage account for a
//! key; what that key signs can do no more than the server's own identity. A signature is made here
//! and asks nobody. On accounts with a hierarchical namespace it opens one directory; on others
//! Azure has no such thing, and it opens the whole container.

mod address;
mod delegation_key;
mod identity;
mod keys;
mod plan;
mod remembered;
mod sas;
mod settings;
#[cfg(test)]
mod tests;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use merak_model::storage_config::{AzureConfig, Provider};
use merak_model::{Clock, Location, StorageConfig};
use secrecy::SecretString;
use serde::Serialize;
use serde_json::{Value, json};

pub(crate) use self::address::AzureAddress;
use self::identity::AzureIdentity;
pub use self::identity::AzureTokenClaims;
use self::keys::DelegationKeys;
use self::plan::Plan;
pub use self::sas::SasVersion;
pub use self::settings::{AzureSettings, AzureUrl};
use super::{CloudSecret, CredentialVendor, VendError, VendRequest, VendedCredentials};

/// How long a key must live that is asked for to see whether there is one.
const A_WHILE: Duration = Duration::from_hours(1);

/// Signs for Azure.
///
/// A grant on a hierarchical account must be one directory: two cannot be in one signature, so that
/// is an error. **On other accounts a signature reaches the whole container**, which is more than
/// the grant: tables of one container are then not shielded from each other. `explain` says so
/// (`widerThanGrant`).
///
/// Keys and tokens are kept until shortly before they end; signatures are not.
#[derive(Debug)]
pub struct AzureVendor {
    settings: Arc<AzureSettings>,
    clock: Arc<dyn Clock>,
    identity: Arc<AzureIdentity>,
    keys: DelegationKeys,
}

/// What a delegation key says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AzureKeySummary {
    /// The account that handed it out.
    pub account: String,
    /// The object id of the identity that it acts for.
    pub oid: String,
    /// The tenant of that identity.
    pub tid: String,
    /// When it ends, as the account wrote it.
    pub expiry: String,
}

impl AzureVendor {
    /// A vendor with this identity. Asks nobody.
    pub fn new(settings: AzureSettings, clock: Arc<dyn Clock>) -> Self {
        let settings = Arc::new(settings);
        let identity = AzureIdentity::new(Arc::clone(&settings), Arc::clone(&clock));
        let identity = Arc::new(identity);
        let keys =
            DelegationKeys::new(Arc::clone(&settings), Arc::clone(&clock), Arc::clone(&identity));
        Self { settings, clock, identity, keys }
    }

    /// Who the server is in a tenant, by the token it gets there. Without a tenant, in that of
    /// `AZURE_TENANT_ID`.
    pub async fn access_token(&self, tenant: &str) -> Result<AzureTokenClaims, VendError> {
        self.identity.claims(&self.identity.tenant(tenant)?).await
    }

    /// The server's own token in a tenant, for what it does as itself.
    pub(crate) async fn own_token(&self, tenant: &str) -> Result<SecretString, VendError> {
        Ok(self.identity.token(&self.identity.tenant(tenant)?).await?.secret)
    }

    /// The key that the account of a location hands out.
    pub async fn delegation_key(
        &self,
        config: &StorageConfig,
        location: &Location,
    ) -> Result<AzureKeySummary, VendError> {
        let azure = azure(config)?;
        let address =
            AzureAddress::of(&self.settings, config, location).map_err(VendError::Impossible)?;
        let tenant = self.identity.tenant(&azure.tenant_id)?;
        let key = self.keys.key(&address, &tenant, A_WHILE).await?;
        Ok(AzureKeySummary {
            account: address.account,
            oid: key.oid.clone(),
            tid: key.tid.clone(),
            expiry: key.expiry.clone(),
        })
    }

    fn plan(&self, request: &VendRequest) -> Result<Plan, VendError> {
        let azure = azure(&request.config)?;
        Plan::of(&self.settings, &request.config, azure, &request.grant)
    }

    fn end_ms(&self, request: &VendRequest) -> i64 {
        let lifetime = i64::try_from(request.lifetime.as_millis()).unwrap_or(i64::MAX);
        self.clock.now_ms().saturating_add(lifetime)
    }
}

#[async_trait]
impl CredentialVendor for AzureVendor {
    async fn vend(&self, request: &VendRequest) -> Result<VendedCredentials, VendError> {
        let Plan { address, tenant, scope, .. } = self.plan(request)?;
        let tenant = self.identity.tenant(&tenant)?;
        let key = self.keys.key(&address, &tenant, request.lifetime).await?;
        let end_s = self.end_ms(request).min(key.expires_at_ms) / 1000;
        let sas = scope
            .terms(&self.settings, &address, end_s)
            .sign(&key)
            .map_err(|what| VendError::Impossible(what.to_owned()))?;
        Ok(VendedCredentials {
            secret: CloudSecret::Azure {
                account: address.account,
                host: address.host,
                sas: sas.query,
            },
            expires_at_ms: end_s * 1000,
            id: format!("{}/{}", key.oid, sas.hash),
        })
    }

    fn explain(&self, request: &VendRequest) -> Result<Value, VendError> {
        let plan = self.plan(request)?;
        let Plan { address, tenant, scope, is_wider } = &plan;
        let terms = scope.terms(&self.settings, address, self.end_ms(request) / 1000);
        let parameters: serde_json::Map<_, _> = terms
            .parameters()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Value::String(value)))
            .collect();
        let mut explained = json!({
            "account": address.account,
            "container": address.container,
            "host": address.host,
            "tenantId": self.identity.tenant(tenant)?,
            "delegationKeyFrom": address.blob_url,
            "scope": scope.name(),
            "widerThanGrant": is_wider,
            "parameters": parameters,
        });
        if let Some(directory) = terms.directory {
            explained["directory"] = directory.into();
        }
        Ok(explained)
    }
}

fn azure(config: &StorageConfig) -> Result<&AzureConfig, VendError> {
    match &config.provider {
        Provider::Azure(azure) => Ok(azure),
        Provider::S3(_) | Provider::Gcs(_) | Provider::File {} => {
            let storage = config.storage_type();
            Err(VendError::Impossible(format!("The catalog's storage is {storage}, not Azure")))
        }
    }
}
