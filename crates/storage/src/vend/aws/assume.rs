//! Sessions of roles that are no catalog's storage.

use aws_sdk_sts::Client;
use merak_model::storage_config::S3Config;

use super::AwsVendor;
use super::errors::{self, Step};
use super::sts::own_credentials;
use super::sts_address::StsAddress;
use crate::aws_identity::AwsIdentity;
use crate::sign::requests::{AssumedRole, RoleToAssume};
use crate::vend::VendError;
use crate::{AwsKeys, ProviderMessage};

impl AwsVendor {
    /// A session of a role, for requests of the server's own.
    ///
    /// No client is kept: there is one such call for each connection in an hour.
    pub(crate) async fn assume(&self, role: &RoleToAssume<'_>) -> Result<AssumedRole, VendError> {
        let config = S3Config {
            role_arn: Some(role.role_arn.to_owned()),
            region: Some(role.region.to_owned()),
            sts_endpoint: role.sts_endpoint.map(str::to_owned),
            ..S3Config::default()
        };
        let address = StsAddress::of(&config, &self.environment)?;
        let identity = match role.keys {
            Some(AwsKeys { access_key, secret_key, session_token }) => {
                AwsIdentity::keys(access_key, secret_key, session_token.as_ref())
            }
            None => self.identities.common(),
        };
        let credentials = own_credentials(&identity).await?;
        let client = Client::from_conf(self.client_config(&address, &identity));
        let what = format!("AssumeRole of {}", role.role_arn);
        let step = Step::new(&what, credentials.access_key_id());
        let answer = client
            .assume_role()
            .role_arn(role.role_arn)
            .role_session_name(role.session_name)
            .set_external_id(role.external_id.map(str::to_owned))
            .set_policy(role.policy.map(str::to_owned))
            .send()
            .await
            .map_err(|error| step.error(&error))?;
        let minted = answer.credentials.ok_or_else(|| VendError::Unavailable {
            step: what,
            reason: ProviderMessage("the answer holds no credentials".to_owned()),
        })?;
        Ok(AssumedRole {
            expires_at_ms: errors::millis(minted.expiration)?,
            keys: AwsKeys {
                access_key: minted.access_key_id.into(),
                secret_key: minted.secret_access_key.into(),
                session_token: Some(minted.session_token.into()),
            },
        })
    }
}
