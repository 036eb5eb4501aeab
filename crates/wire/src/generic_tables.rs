//! Generic tables in Polaris' catalog API.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::iceberg::StorageCredential;

/// A generic table to make.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CreateGenericTableRequest {
    /// Its name.
    pub name: String,
    /// Its format, in the client's words.
    pub format: String,
    /// Where all its files lie.
    #[serde(default)]
    pub base_location: Option<String>,
    /// What people are told of it.
    #[serde(default)]
    pub doc: Option<String>,
    /// Its properties.
    #[serde(default)]
    pub properties: Option<BTreeMap<String, String>>,
}

/// A generic table, and the way to its files.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct LoadGenericTableResponse<'a> {
    /// The table.
    pub table: GenericTable<'a>,
    /// Settings and credentials for its files, if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_access_configs: Option<[StorageCredential; 1]>,
}

/// A generic table.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct GenericTable<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its format.
    pub format: &'a str,
    /// Where all its files lie.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_location: Option<&'a str>,
    /// What people are told of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doc: Option<&'a str>,
    /// Its properties.
    pub properties: &'a BTreeMap<String, String>,
}
