//! Polaris' management API.

use std::collections::BTreeMap;
use std::fmt;

use merak_model::connection::SigV4Role;
use merak_model::{Properties, StorageConfig};
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
    /// How the catalog that owns its tables is reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_config_info: Option<ConnectionConfigInfo>,
}

/// How another catalog is reached, as it is shown: without secrets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionConfigInfo {
    /// `ICEBERG_REST`.
    pub connection_type: &'static str,
    /// The address below which `/v1/config` is.
    pub uri: String,
    /// Which of the other server's catalogs it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_catalog_name: Option<String>,
    /// Who the server is to it.
    pub authentication_parameters: AuthenticationParameters,
    /// The server's identity that the other side is to trust.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_identity: Option<ServiceIdentityInfo>,
    /// What its client is told besides.
    pub properties: Properties,
}

/// Who the server is to another catalog, without what proves it.
#[derive(Debug, Serialize)]
#[serde(tag = "authenticationType", rename_all_fields = "camelCase")]
#[expect(missing_docs, reason = "the fields are those of the API document")]
pub enum AuthenticationParameters {
    /// A client of an OAuth2 server.
    #[serde(rename = "OAUTH")]
    OAuth {
        #[serde(skip_serializing_if = "Option::is_none")]
        token_uri: Option<String>,
        client_id: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        scopes: Option<Vec<String>>,
    },
    /// Whoever has a token.
    #[serde(rename = "BEARER")]
    Bearer {},
    /// A role in AWS.
    #[serde(rename = "SIGV4")]
    SigV4(SigV4Role),
    /// The server's own identity in Google Cloud.
    #[serde(rename = "GCP")]
    Gcp {},
    /// Nobody in particular.
    #[serde(rename = "IMPLICIT")]
    Implicit {},
}

/// An identity of the server's.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceIdentityInfo {
    /// `AWS_IAM`.
    pub identity_type: &'static str,
    /// What trust policies name it by.
    pub iam_arn: String,
}

/// All catalogs.
#[derive(Debug, Serialize)]
pub struct Catalogs<'a> {
    /// In name order.
    pub catalogs: Vec<Catalog<'a>>,
}

/// A principal, as it is shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Principal<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it names itself by when it asks for a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<&'a str>,
    /// Its properties.
    pub properties: &'a BTreeMap<String, String>,
    /// When it was made, in milliseconds since 1970.
    pub create_timestamp: i64,
    /// When it was last changed, in milliseconds since 1970.
    pub last_update_timestamp: i64,
    /// How often it was changed, counted from 1.
    pub entity_version: i64,
}

/// Principals.
#[derive(Debug, Serialize)]
pub struct Principals<'a> {
    /// In name order.
    pub principals: Vec<Principal<'a>>,
}

/// A principal with its new credentials, which are shown once.
#[derive(Debug, Serialize)]
pub struct PrincipalWithCredentials<'a> {
    /// The principal.
    pub principal: Principal<'a>,
    /// What it proves itself with.
    pub credentials: Credentials<'a>,
}

/// What a principal proves itself with. The secret is in the clear: this is not to be logged.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Credentials<'a> {
    /// The client id.
    pub client_id: &'a str,
    /// The secret.
    pub client_secret: &'a str,
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// A principal role or a catalog role, as it is shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Role<'a> {
    /// Its name.
    pub name: &'a str,
    /// Whether an identity provider says who has it; absent of a catalog role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub federated: Option<bool>,
    /// Its properties.
    pub properties: &'a BTreeMap<String, String>,
    /// When it was made, in milliseconds since 1970.
    pub create_timestamp: i64,
    /// When it was last changed, in milliseconds since 1970.
    pub last_update_timestamp: i64,
    /// How often it was changed, counted from 1.
    pub entity_version: i64,
}

/// Roles.
#[derive(Debug, Serialize)]
pub struct Roles<'a> {
    /// In name order.
    pub roles: Vec<Role<'a>>,
}

/// A privilege that a catalog role holds, and on what.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase", rename_all_fields = "camelCase")]
#[expect(missing_docs, reason = "the fields are those of the API document, and alike")]
pub enum GrantResource<'a> {
    /// On the catalog.
    Catalog { privilege: &'a str },
    /// On a namespace.
    Namespace { namespace: Vec<String>, privilege: &'a str },
    /// On a table, which may be a generic one.
    Table { namespace: Vec<String>, table_name: &'a str, privilege: &'a str },
    /// On a view.
    View { namespace: Vec<String>, view_name: &'a str, privilege: &'a str },
    /// On a policy.
    Policy { namespace: Vec<String>, policy_name: &'a str, privilege: &'a str },
}

/// What a catalog role holds.
#[derive(Debug, Serialize)]
pub struct GrantResources<'a> {
    /// On the catalog, namespaces, tables, views and policies, in this order.
    pub grants: Vec<GrantResource<'a>>,
}

/// Why a principal may do something, or may not.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessExplanation<'a> {
    /// Whom it is about.
    pub principal: &'a str,
    /// What it would do.
    pub operation: &'a str,
    /// Whether it may.
    pub allowed: bool,
    /// Who decides, if not what is granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<&'a str>,
    /// The principal roles it acts in.
    pub active_roles: &'a [String],
    /// The catalog roles that these have.
    pub catalog_roles: Vec<ExplainedCatalogRole<'a>>,
    /// What was looked at, from the root inwards.
    pub path: Vec<ExplainedSecurable<'a>>,
    /// The privileges that are needed.
    pub requirements: Vec<AccessRequirement<'a>>,
    /// What would help.
    pub remedies: Vec<AccessRemedy<'a>>,
    /// All of it in sentences.
    pub steps: &'a [String],
}

/// A catalog role, and the principal roles that have it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedCatalogRole<'a> {
    /// Its name.
    pub name: &'a str,
    /// The principal roles.
    pub granted_to: &'a [String],
}

/// A securable, by what it is and its name.
#[derive(Debug, Serialize)]
pub struct SecurableReference<'a> {
    /// What it is.
    pub r#type: &'a str,
    /// Its name, with the namespace before it.
    pub name: &'a str,
}

/// A securable, and what is granted on it.
#[derive(Debug, Serialize)]
pub struct ExplainedSecurable<'a> {
    /// The securable.
    #[serde(flatten)]
    pub securable: SecurableReference<'a>,
    /// What is granted on it to the roles that count.
    pub grants: Vec<ExplainedGrant<'a>>,
}

/// A privilege, and the role that holds it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedGrant<'a> {
    /// The privilege.
    pub privilege: &'a str,
    /// The role's name.
    pub grantee: &'a str,
    /// `principal-role` or `catalog-role`.
    pub grantee_type: &'a str,
}

/// A privilege that is needed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessRequirement<'a> {
    /// The privilege.
    pub privilege: &'a str,
    /// What it is needed on.
    pub on: SecurableReference<'a>,
    /// Whether it is held.
    pub met: bool,
    /// The grants that meet it, each by itself.
    pub met_by: Vec<SufficientGrant<'a>>,
    /// The privileges any one of which would meet it.
    pub sufficient: Vec<&'a str>,
}

/// A grant that meets a requirement.
#[derive(Debug, Serialize)]
pub struct SufficientGrant<'a> {
    /// The grant.
    #[serde(flatten)]
    pub grant: ExplainedGrant<'a>,
    /// What it is on.
    pub on: SecurableReference<'a>,
}

/// What would meet a requirement.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessRemedy<'a> {
    /// The privilege to grant.
    pub privilege: &'a str,
    /// What to grant it on.
    pub on: SecurableReference<'a>,
    /// The catalog role to grant it to, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catalog_role: Option<&'a str>,
    /// What to do.
    pub text: &'a str,
}

/// What would bound the credentials that a principal gets for a table.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedPolicy<'a> {
    /// The catalog.
    pub catalog: &'a str,
    /// The table's namespace, level by level.
    pub namespace: &'a [String],
    /// The table.
    pub table: &'a str,
    /// The principal.
    pub principal: &'a str,
    /// What it may do with the table's data: `none`, `read` or `write`.
    pub access: &'a str,
    /// The catalog's kind of storage.
    pub storage_type: &'a str,
    /// The places that credentials would be for.
    pub locations: Vec<&'a str>,
    /// How long they would live, where the cloud lets one say.
    pub lifetime_seconds: u64,
    /// What would bound them, in the form that the cloud has for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<&'a serde_json::Value>,
    /// Why there would be none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
}

/// Reports of what engines did, a page of them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricsReports<'a> {
    /// The newest first.
    pub reports: Vec<MetricsReport<'a>>,
    /// Where the next page begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

/// A report of what an engine did.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricsReport<'a> {
    /// Its id: a text, since some readers of JSON have no numbers of 63 bits.
    pub id: String,
    /// The namespace its table is in now, level by level; absent if the table is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<&'a [String]>,
    /// What its table is called now; absent if the table is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<&'a str>,
    /// `scan` or `commit`.
    pub kind: &'a str,
    /// When it came, in milliseconds since 1970.
    pub create_timestamp: i64,
    /// Who sent it.
    pub principal: &'a str,
    /// The id of the request it came with.
    pub request_id: &'a str,
    /// The snapshot that was read or made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot_id: Option<i64>,
    /// The report as it was sent.
    pub report: &'a serde_json::value::RawValue,
}

/// A page of a catalog's work in the background.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tasks<'a> {
    /// The tasks.
    pub tasks: Vec<Task<'a>>,
    /// What leads to the next page, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

/// Work in the background.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Task<'a> {
    /// Its identifier: a number, as text, since not every client reads numbers of this size.
    pub id: String,
    /// What is to be done, in a word.
    pub kind: &'a str,
    /// What it is about.
    pub subject: &'a str,
    /// `waiting`, `running`, `done` or `failed`.
    pub state: &'static str,
    /// What was done so far.
    pub progress: serde_json::Value,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last attempt failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'a str>,
    /// When it is tried next, while it waits, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_timestamp: Option<i64>,
    /// When it was asked for, in milliseconds since 1970.
    pub create_timestamp: i64,
    /// When anything of this last changed, in milliseconds since 1970.
    pub last_update_timestamp: i64,
}
