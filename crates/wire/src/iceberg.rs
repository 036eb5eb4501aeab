//! The Iceberg REST catalog API.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a client needs to use a catalog.
#[derive(Debug, Serialize)]
pub struct ConfigResponse<'a> {
    /// What the client uses unless its user says otherwise.
    pub defaults: &'a BTreeMap<String, String>,
    /// What the client uses whatever its user says.
    pub overrides: Overrides<'a>,
    /// The endpoints that are there: all of them.
    pub endpoints: &'a [&'a str],
    /// How long the answer to a request with an idempotency key is remembered, as ISO 8601 writes it.
    /// Clients send keys if this is there.
    #[serde(rename = "idempotency-key-lifetime", skip_serializing_if = "Option::is_none")]
    pub idempotency_key_lifetime: Option<String>,
}

/// What clients must use. The order of the keys is what Polaris' published tests compare.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Overrides<'a> {
    /// What joins the levels of a namespace in a path.
    pub namespace_separator: &'a str,
    /// The path segment after `/v1/`.
    pub prefix: &'a str,
}

/// Namespaces, a page of them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ListNamespacesResponse {
    /// Where the next page begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
    /// Each with all its levels.
    pub namespaces: Vec<Vec<String>>,
}

/// A namespace to make.
#[derive(Debug, Deserialize)]
pub struct CreateNamespaceRequest {
    /// Its levels.
    pub namespace: Vec<String>,
    /// Its properties.
    #[serde(default)]
    pub properties: Option<BTreeMap<String, String>>,
}

/// A namespace.
#[derive(Debug, Serialize)]
pub struct NamespaceResponse<'a> {
    /// Its levels.
    pub namespace: &'a [String],
    /// Its properties.
    pub properties: &'a BTreeMap<String, String>,
}

/// Properties to set and to remove.
#[derive(Debug, Deserialize)]
pub struct UpdateNamespacePropertiesRequest {
    /// Keys to remove.
    #[serde(default)]
    pub removals: Option<Vec<String>>,
    /// Keys to set.
    #[serde(default)]
    pub updates: Option<BTreeMap<String, String>>,
}

/// What came of it. The lists are never left out: `PyIceberg` reads all three.
#[derive(Debug, Serialize)]
pub struct UpdateNamespacePropertiesResponse {
    /// Keys that were set.
    pub updated: Vec<String>,
    /// Keys that were removed.
    pub removed: Vec<String>,
    /// Keys that were not there.
    pub missing: Vec<String>,
}

/// Tables or views, a page of them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ListTablesResponse<'a> {
    /// Where the next page begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
    /// The tables or views.
    pub identifiers: Vec<TableIdentifier<'a>>,
}

/// A table's place and name, in an answer.
#[derive(Debug, Serialize)]
pub struct TableIdentifier<'a> {
    /// The levels of its namespace.
    pub namespace: &'a [String],
    /// Its name.
    pub name: String,
}

/// A table's place and name, in a request.
#[derive(Debug, Clone, Deserialize)]
pub struct TableIdentifierBody {
    /// The levels of its namespace.
    pub namespace: Vec<String>,
    /// Its name.
    pub name: String,
}

/// A table to make.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CreateTableRequest {
    /// Its name.
    pub name: String,
    /// Where it is to lie.
    #[serde(default)]
    pub location: Option<String>,
    /// Its schema.
    pub schema: Value,
    /// How it is partitioned.
    #[serde(default)]
    pub partition_spec: Option<Value>,
    /// How it is sorted.
    #[serde(default)]
    pub write_order: Option<Value>,
    /// Whether its first commit makes it.
    #[serde(default)]
    pub stage_create: Option<bool>,
    /// Its properties.
    #[serde(default)]
    pub properties: Option<BTreeMap<String, String>>,
}

/// A metadata file to make a table of.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RegisterTableRequest {
    /// The table's name.
    pub name: String,
    /// The file.
    pub metadata_location: String,
    /// Whether a table of that name is to be replaced.
    #[serde(default)]
    pub overwrite: Option<bool>,
}

/// What another catalog says of a table of its own.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct NotificationRequest {
    /// What became of the table.
    pub notification_type: NotificationType,
    /// The table as it is now.
    #[serde(default)]
    pub payload: Option<TableUpdateNotification>,
}

/// What became of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum NotificationType {
    /// Nothing that is known.
    Unknown,
    /// It was made.
    Create,
    /// It was changed.
    Update,
    /// It was removed.
    Drop,
    /// It may be made: would it be taken?
    Validate,
}

/// A table of another catalog. Its name is in the request's path; what else a client sends, such as
/// the metadata itself, is not looked at.
///
/// Which members are needed depends on what became of the table.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TableUpdateNotification {
    /// When that was: of two notifications of a table the one with the larger number is newer.
    #[serde(default)]
    pub timestamp: Option<i64>,
    /// Where its metadata file is.
    #[serde(default)]
    pub metadata_location: Option<String>,
}

/// A commit to one table.
#[derive(Debug, Deserialize)]
pub struct CommitTableRequest {
    /// The table; within a transaction it must be there.
    #[serde(default)]
    pub identifier: Option<TableIdentifierBody>,
    /// What must hold.
    #[serde(default)]
    pub requirements: Option<Value>,
    /// What to change.
    #[serde(default)]
    pub updates: Option<Value>,
}

/// A commit to many tables.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CommitTransactionRequest {
    /// The commits, in order.
    pub table_changes: Vec<CommitTableRequest>,
}

/// A view to make.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CreateViewRequest {
    /// Its name.
    pub name: String,
    /// Where its metadata is to lie.
    #[serde(default)]
    pub location: Option<String>,
    /// Its columns.
    pub schema: Value,
    /// Its first version.
    pub view_version: Value,
    /// Its properties.
    #[serde(default)]
    pub properties: Option<BTreeMap<String, String>>,
}

/// A metadata file to make a view of.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RegisterViewRequest {
    /// The view's name.
    pub name: String,
    /// The file.
    pub metadata_location: String,
}

/// A commit to a view. The view is the one the path names.
#[derive(Debug, Deserialize)]
pub struct CommitViewRequest {
    /// What must hold.
    #[serde(default)]
    pub requirements: Option<Value>,
    /// What to change.
    #[serde(default)]
    pub updates: Option<Value>,
}

/// A table or view to move.
#[derive(Debug, Deserialize)]
pub struct RenameTableRequest {
    /// The table or view.
    pub source: TableIdentifierBody,
    /// Where it is to be.
    pub destination: TableIdentifierBody,
}

/// Credentials for what lies below a prefix.
#[derive(Serialize)]
pub struct StorageCredential {
    /// Which locations they are for.
    pub prefix: String,
    /// The properties that clients take them from.
    pub config: BTreeMap<String, String>,
}

impl fmt::Debug for StorageCredential {
    /// Without the credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StorageCredential").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// Credentials for a table. Clients want one for each kind of store, and take more for an error.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct LoadCredentialsResponse {
    /// The credentials.
    pub storage_credentials: Vec<StorageCredential>,
}

/// A request to S3 that is to be signed.
#[derive(Deserialize)]
pub struct RemoteSignRequest {
    /// The region it is signed for.
    pub region: String,
    /// Its whole address.
    pub uri: String,
    /// Its method.
    pub method: String,
    /// Its headers.
    pub headers: BTreeMap<String, Vec<String>>,
    /// Its body, where that says what it touches.
    #[serde(default)]
    pub body: Option<String>,
    /// The kind of store; S3 if nothing is said.
    #[serde(default)]
    pub provider: Option<String>,
}

impl fmt::Debug for RemoteSignRequest {
    /// Without what could hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteSignRequest").field("method", &self.method).finish_non_exhaustive()
    }
}

/// A signed request.
#[derive(Serialize)]
pub struct RemoteSignResult {
    /// Its address.
    pub uri: String,
    /// The headers to send instead of those that were given.
    pub headers: BTreeMap<String, Vec<String>>,
}

impl fmt::Debug for RemoteSignResult {
    /// Without the signature.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteSignResult").finish_non_exhaustive()
    }
}

/// A table, with its metadata's bytes put in as they are: they are not parsed for that.
///
/// # Panics
///
/// Never: texts and maps of texts always have a JSON form.
pub fn load_table_result(
    metadata_location: Option<&str>,
    metadata: &[u8],
    config: &BTreeMap<String, String>,
    credential: Option<&StorageCredential>,
) -> Vec<u8> {
    let mut body = commit_table_result(metadata_location, metadata);
    body.pop();
    body.extend_from_slice(b",\"config\":");
    // There, too: older Java clients, PyIceberg on staged tables, Trino on Azure and DuckDB look
    // nowhere else.
    let secrets = credential.iter().flat_map(|credential| &credential.config);
    let all: BTreeMap<_, _> = config.iter().chain(secrets).collect();
    serde_json::to_writer(&mut body, &all).expect("texts have a JSON form");
    if let Some(credential) = credential {
        body.extend_from_slice(b",\"storage-credentials\":");
        serde_json::to_writer(&mut body, &[credential]).expect("texts have a JSON form");
    }
    body.push(b'}');
    body
}

/// What a commit answers, and all that is told of a view: the same without configuration.
///
/// # Panics
///
/// Never: texts always have a JSON form.
pub fn commit_table_result(metadata_location: Option<&str>, metadata: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(metadata.len() + 512);
    body.push(b'{');
    if let Some(location) = metadata_location {
        body.extend_from_slice(b"\"metadata-location\":");
        serde_json::to_writer(&mut body, location).expect("texts have a JSON form");
        body.push(b',');
    }
    body.extend_from_slice(b"\"metadata\":");
    body.extend_from_slice(metadata);
    body.push(b'}');
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_put_in_byte_for_byte() {
        let config = BTreeMap::from([("a\"".to_owned(), "b".to_owned())]);

        let body = load_table_result(Some("s3://b/\"x"), b"{ \"z\":1 }", &config, None);

        assert_eq!(
            String::from_utf8(body).unwrap(),
            r#"{"metadata-location":"s3://b/\"x","metadata":{ "z":1 },"config":{"a\"":"b"}}"#
        );
    }

    #[test]
    fn credentials_are_told_in_both_places_and_not_in_debug() {
        let config = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
        let secret = BTreeMap::from([("s".to_owned(), "hunter2".to_owned())]);
        let credential = StorageCredential { prefix: "s3://b/t".to_owned(), config: secret };

        let body = load_table_result(None, b"{}", &config, Some(&credential));

        assert_eq!(
            String::from_utf8(body).unwrap(),
            r#"{"metadata":{},"config":{"a":"b","s":"hunter2"},"storage-credentials":[{"prefix":"s3://b/t","config":{"s":"hunter2"}}]}"#
        );
        assert!(!format!("{credential:?}").contains("hunter2"));
    }

    #[test]
    fn a_staged_table_has_no_location() {
        assert_eq!(commit_table_result(None, b"{}"), br#"{"metadata":{}}"#);
    }
}
