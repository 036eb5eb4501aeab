//! What is wrong with a catalog's storage, and what mends it.
//!
//! The chain is walked step by step, as a client's request would: who the server is in that cloud,
//! whether it may act for the catalog, whether narrowed credentials can list, write, read and delete
//! below the base location, and whether they are refused outside.

use serde::Serialize;

/// What the doctor found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnosis {
    /// The steps, in order. After one that failed, those that depend on it are not applicable.
    pub steps: Vec<DiagnosisStep>,
}

/// A step of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DiagnosisStep {
    /// Its name, such as `assume-role`.
    pub name: &'static str,
    /// What came of it.
    pub outcome: Outcome,
    /// In a sentence: what was found, with the provider's own message where it failed.
    pub detail: String,
    /// The likeliest cause, of a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What mends it, of a failure: commands and policies with the names filled in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remedies: Vec<Remedy>,
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It worked.
    Passed,
    /// It failed.
    Failed,
    /// It works, and deserves attention, such as credentials that reach further than the grant.
    Warning,
    /// It was not tried: this storage has no such step, or an earlier one failed.
    NotApplicable,
}

/// What mends a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Remedy {
    /// What to do, in a sentence.
    pub what: String,
    /// The command or policy to do it with, as it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}
