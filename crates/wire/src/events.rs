//! What was done, and by whom, as the management API tells it.

use serde::Serialize;
use serde_json::value::RawValue;

/// Events, a page of them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Events<'a> {
    /// The newest first.
    pub events: Vec<Event<'a>>,
    /// Where the next page begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

/// Something that happened.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Event<'a> {
    /// What it is known by.
    pub id: String,
    /// When it happened, in RFC 3339.
    pub time: String,
    /// What happened, by Polaris' name for it.
    pub r#type: &'a str,
    /// What that is grouped by.
    pub category: &'a str,
    /// Who asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<&'a str>,
    /// The principal roles that were acted in.
    pub roles: &'a [String],
    /// The id of the request it happened in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<&'a str>,
    /// The catalog it happened in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catalog: Option<&'a str>,
    /// `TABLE`, `VIEW`, `NAMESPACE`, `CATALOG` or `REALM`.
    pub resource_type: &'a str,
    /// What it happened to.
    pub resource: &'a str,
    /// What else there is to say about it.
    pub attributes: &'a RawValue,
}

/// Audit records, a page of them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditRecords<'a> {
    /// The newest first.
    pub records: Vec<AuditRecord<'a>>,
    /// Where the next page begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

/// Who asked for what, and what became of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditRecord<'a> {
    /// What it is known by.
    pub id: String,
    /// When the request began, in RFC 3339.
    pub time: String,
    /// The id of the request.
    pub request_id: &'a str,
    /// Who asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<&'a str>,
    /// The principal roles that were acted in.
    pub roles: &'a [String],
    /// What was asked for, by Polaris' name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<&'a str>,
    /// The catalog that the path names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catalog: Option<&'a str>,
    /// On what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub securable: Option<&'a str>,
    /// The status of the answer.
    pub status: u16,
    /// What was missing, if it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<&'a str>,
    /// The id of the credentials that were given out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<&'a str>,
    /// The method of the request.
    pub method: &'a str,
    /// The path of the request, without its query.
    pub path: &'a str,
    /// How long it took, in milliseconds.
    pub duration_ms: i64,
}
