//! Policies in Polaris' catalog API.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::iceberg::TableIdentifier;

/// A policy to make. What is needed may be absent here: it is missed in Polaris' own words.
#[derive(Debug, Deserialize)]
pub struct CreatePolicyRequest {
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// Its type.
    #[serde(default)]
    pub r#type: Option<String>,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// What it says.
    #[serde(default)]
    pub content: Option<String>,
}

/// What a policy is to become.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct UpdatePolicyRequest {
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// What it says.
    #[serde(default)]
    pub content: Option<String>,
    /// The version that the change is based on.
    #[serde(default)]
    pub current_policy_version: Option<i64>,
}

/// What a policy is to be attached to, or detached from.
#[derive(Debug, Deserialize)]
pub struct PolicyMappingRequest {
    /// To what.
    #[serde(default)]
    pub target: Option<PolicyAttachmentTarget>,
    /// What is said about it there.
    #[serde(default)]
    pub parameters: Option<BTreeMap<String, String>>,
}

/// Something that a policy can be attached to.
#[derive(Debug, Deserialize)]
pub struct PolicyAttachmentTarget {
    /// What it is.
    #[serde(default)]
    pub r#type: Option<PolicyTargetType>,
    /// Its names, from the outermost namespace on; nothing for the catalog.
    #[serde(default)]
    pub path: Option<Vec<String>>,
}

/// What a policy can be attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyTargetType {
    /// The catalog.
    Catalog,
    /// A namespace.
    Namespace,
    /// A table.
    TableLike,
}

/// Policies, by their places and names.
#[derive(Debug, Serialize)]
pub struct ListPoliciesResponse<'a> {
    /// The policies.
    pub identifiers: Vec<TableIdentifier<'a>>,
}

/// A policy.
#[derive(Debug, Serialize)]
pub struct LoadPolicyResponse<'a> {
    /// It.
    pub policy: Policy<'a>,
}

/// A policy.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Policy<'a> {
    /// Its type.
    pub policy_type: &'a str,
    /// Whether what it is attached to hands it down.
    pub inheritable: bool,
    /// Its name.
    pub name: &'a str,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'a str>,
    /// What it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<&'a str>,
    /// How often it was changed.
    pub version: i64,
}

/// The policies that apply to something.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct GetApplicablePoliciesResponse<'a> {
    /// The policies.
    pub applicable_policies: Vec<ApplicablePolicy<'a>>,
}

/// A policy that applies to something.
#[derive(Debug, Serialize)]
pub struct ApplicablePolicy<'a> {
    /// The policy.
    #[serde(flatten)]
    pub policy: Policy<'a>,
    /// Whether it is attached to something further up.
    pub inherited: bool,
    /// The levels of the namespace that it is in.
    pub namespace: &'a [String],
}
