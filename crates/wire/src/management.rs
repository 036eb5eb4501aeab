//! Polaris' management API.

use std::collections::BTreeMap;

use merak_model::StorageConfig;
use serde::Serialize;

/// A catalog, as it is shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Catalog<'a> {
    /// `INTERNAL` or `EXTERNAL`.
    pub r#type: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its properties.
    pub properties: &'a BTreeMap<String, String>,
    /// When it was made, in milliseconds since 1970.
    pub create_timestamp: i64,
    /// When it was last changed, in milliseconds since 1970.
    pub last_update_timestamp: i64,
    /// How often it was changed, counted from 1.
    pub entity_version: i64,
    /// Its storage.
    pub storage_config_info: StorageConfig,
}

/// All catalogs.
#[derive(Debug, Serialize)]
pub struct Catalogs<'a> {
    /// In name order.
    pub catalogs: Vec<Catalog<'a>>,
}
