//! What is to be signed for a grant.

use merak_model::storage_config::AzureConfig;
use merak_model::{Location, StorageConfig};

use super::address::AzureAddress;
use super::keys::rfc3339;
use super::sas::Terms;
use super::settings::AzureSettings;
use crate::{DataAccess, LocationGrant, VendError};

/// Reading and listing. Not "execute" (`e`): it is for a file's status and access list by the Data
/// Lake API, and lets an owner change the latter; clients ask for properties, which is reading.
const READ: &str = "rl";
/// These, and adding to a file, creating, writing and deleting one. Not moving, nor owners and
/// permissions: Iceberg's files are written once, under their own names.
const WRITE: &str = "racwdl";

/// What is signed for a grant, and what that opens.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) address: AzureAddress,
    /// As the catalog has it.
    pub(super) tenant: String,
    pub(super) scope: Scope,
    /// Whether it opens more than was granted.
    pub(super) is_wider: bool,
}

/// Which files a signature opens, and for what.
#[derive(Debug)]
pub(super) struct Scope {
    /// Nothing for the whole container.
    directory: Option<String>,
    permissions: &'static str,
}

impl Plan {
    pub(super) fn of(
        settings: &AzureSettings,
        config: &StorageConfig,
        azure: &AzureConfig,
        grant: &LocationGrant,
    ) -> Result<Self, VendError> {
        let locations = grant.locations();
        let mut addresses = Vec::with_capacity(locations.len());
        for location in locations {
            let address = AzureAddress::of(settings, config, location);
            addresses.push(address.map_err(VendError::Impossible)?);
        }
        let Some((address, others)) = addresses.split_first() else {
            return Err(VendError::Impossible("Nothing was granted".to_owned()));
        };
        if !others.iter().all(|other| other.is_container_of(address)) {
            return Err(VendError::Impossible(format!(
                "One signature of Azure opens one container, and these are in several: {}",
                list(locations)
            )));
        }
        let directory = match locations {
            [only] if azure.hierarchical == Some(true) => {
                Some(only.path()).filter(|path| !path.is_empty())
            }
            [_] => None,
            _ if azure.hierarchical == Some(true) => {
                return Err(VendError::Impossible(format!(
                    "One signature of Azure opens one directory, and these are several: {}; keep \
                     a table's data and metadata below its own location",
                    list(locations)
                )));
            }
            _ => None,
        };
        let is_whole_container = locations.iter().any(|location| location.path().is_empty());
        let permissions = match grant.access() {
            DataAccess::Read => READ,
            DataAccess::Write => WRITE,
        };
        Ok(Self {
            address: address.clone(),
            tenant: azure.tenant_id.clone(),
            is_wider: directory.is_none() && !is_whole_container,
            scope: Scope { directory: directory.map(str::to_owned), permissions },
        })
    }
}

impl Scope {
    pub(super) fn name(&self) -> &'static str {
        if self.directory.is_some() { "directory" } else { "container" }
    }

    /// What is signed, for an end in seconds since 1970.
    pub(super) fn terms(
        &self,
        settings: &AzureSettings,
        address: &AzureAddress,
        end_s: i64,
    ) -> Terms {
        Terms {
            version: settings.sas_version,
            account: address.account.clone(),
            container: address.container.clone(),
            directory: self.directory.clone(),
            permissions: self.permissions,
            protocol: if address.plain_http { "https,http" } else { "https" },
            expiry: rfc3339(end_s),
        }
    }
}

fn list(locations: &[Location]) -> String {
    locations.iter().map(Location::as_str).collect::<Vec<_>>().join(", ")
}
