//! A catalog's storage configuration: its cloud, the role it acts in, where it may reach.
//!
//! Stored as the JSON of the management API's `storageConfigInfo`, so that what was set is what is
//! shown again.

use serde::{Deserialize, Serialize};

use crate::location::{Location, StorageType};

/// A catalog's cloud, role and locations, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StorageConfig {
    /// Where its tables may lie.
    #[serde(default)]
    pub allowed_locations: Vec<String>,
    /// A name by which the server's own credentials for it can be chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_name: Option<String>,
    /// What is particular to the cloud.
    #[serde(flatten)]
    pub provider: Provider,
}

/// What is particular to a cloud.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "storageType")]
pub enum Provider {
    /// S3 and what speaks its protocol.
    #[serde(rename = "S3")]
    S3(S3Config),
    /// Azure Blob and Data Lake storage.
    #[serde(rename = "AZURE")]
    Azure(AzureConfig),
    /// Google Cloud Storage.
    #[serde(rename = "GCS")]
    Gcs(GcsConfig),
    /// The server's own file system: for development.
    #[serde(rename = "FILE")]
    File {},
}

/// How to reach S3, or a store that speaks its protocol.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are Polaris' own: see its storage configuration")]
pub struct S3Config {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_arn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_internal: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sts_endpoint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sts_unavailable: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_style_access: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_kms_key: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_kms_keys: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub encryption_keys: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decryption_keys: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_unavailable: Option<bool>,
}

/// How to reach Azure storage.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are Polaris' own: see its storage configuration")]
pub struct AzureConfig {
    pub tenant_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multi_tenant_app_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hierarchical: Option<bool>,
}

/// How to reach Google Cloud Storage.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are Polaris' own: see its storage configuration")]
pub struct GcsConfig {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gcs_service_account: Option<String>,
}

/// Allows every location of the catalog's storage type; only with `ALLOW_WILDCARD_LOCATION`.
pub const WILDCARD: &str = "*";

impl StorageConfig {
    /// The kind of store.
    pub fn storage_type(&self) -> StorageType {
        match self.provider {
            Provider::S3(_) => StorageType::S3,
            Provider::Azure(_) => StorageType::Azure,
            Provider::Gcs(_) => StorageType::Gcs,
            Provider::File {} => StorageType::File,
        }
    }

    /// The configuration as the metastore keeps it.
    ///
    /// # Panics
    ///
    /// Never: a storage configuration has only text keys.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a storage configuration has only text keys")
    }

    /// The configuration stored as that text.
    pub fn from_json(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// Whether a location is within what the catalog may reach *now*. An allowed location that does
    /// not parse allows nothing.
    pub fn allows(&self, location: &Location) -> bool {
        location.storage_type() == self.storage_type()
            && self.allowed_locations.iter().any(|allowed| {
                allowed == WILDCARD
                    || Location::parse(allowed).is_ok_and(|allowed| allowed.contains(location))
            })
    }
}

impl S3Config {
    /// The keys that files may be encrypted with, in each of the words there are for it.
    pub fn keys_to_encrypt_with(&self) -> impl Iterator<Item = &String> {
        let older = self.current_kms_key.iter().chain(&self.allowed_kms_keys);
        older.chain(&self.encryption_keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_set_is_what_is_shown() {
        let json = r#"{"allowedLocations":["s3://b/x"],"storageType":"S3","roleArn":"arn:aws:iam::1:role/r","pathStyleAccess":true}"#;

        let config = StorageConfig::from_json(json).unwrap();

        assert_eq!(config.to_json(), json);
        assert_eq!(config.storage_type(), StorageType::S3);
    }

    #[test]
    fn what_azure_is_told_of_consent_is_shown_as_it_was_given() {
        let json = r#"{"allowedLocations":["abfss://c@acct.dfs.core.windows.net/x"],"storageType":"AZURE","tenantId":"t","multiTenantAppName":"app","consentUrl":"https://login.example/consent","hierarchical":true}"#;

        assert_eq!(StorageConfig::from_json(json).unwrap().to_json(), json);
    }

    #[test]
    fn a_file_configuration_has_nothing_particular() {
        let config = StorageConfig::from_json(r#"{"storageType":"FILE"}"#).unwrap();

        assert_eq!(config.to_json(), r#"{"allowedLocations":[],"storageType":"FILE"}"#);
    }

    #[test]
    fn locations_of_another_store_are_never_allowed() {
        let config =
            StorageConfig::from_json(r#"{"storageType":"S3","allowedLocations":["*"]}"#).unwrap();

        assert!(config.allows(&Location::parse("s3://b/x").unwrap()));
        assert!(!config.allows(&Location::parse("file:///b/x").unwrap()));
    }
}
