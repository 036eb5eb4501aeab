//! Another who decides, in the place of roles and grants.

use std::fmt;

use async_trait::async_trait;
use merak_model::RealmId;

use crate::Spot;

/// Why it cannot be found out what another decides.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Another who decides, in the place of roles and grants. What no privilege is enough for it cannot
/// allow either: rules hold whoever decides, and it is asked only where they are kept.
///
/// It makes no proof: [`crate::Authorizer`] does, if it says yes.
#[async_trait]
pub trait ExternalAuthorizer: fmt::Debug + Send + Sync {
    /// What it is called, for refusals and explanations.
    fn name(&self) -> &'static str;

    /// Whether it allows that. What cannot be found out is an error, which allows nothing.
    async fn allows(&self, question: &PolicyQuestion<'_>) -> Result<bool, BoxError>;
}

/// May they do that?
#[derive(Debug, Clone, Copy)]
pub struct PolicyQuestion<'a> {
    /// The realm of the request.
    pub realm: &'a RealmId,
    /// The request's id, by which it is found in logs.
    pub request_id: &'a str,
    /// Who would do it.
    pub principal: &'a str,
    /// The principal roles they act in.
    pub roles: &'a [&'a str],
    /// What they would do.
    pub asked: &'a Asked<'a>,
}

/// What is to be done, and to what.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    /// What is done, by the operation's name in Polaris.
    pub action: &'static str,
    /// What it is done to.
    pub resources: Resources<'a>,
}

/// What an operation acts on.
#[derive(Debug, Clone)]
pub struct Resources<'a> {
    /// What it is done to.
    pub targets: Vec<Spot<'a>>,
    /// What it concerns besides: where something is moved to, who is given it.
    pub secondaries: Vec<Spot<'a>>,
}

impl<'a> Resources<'a> {
    /// One thing alone.
    pub fn one(target: Spot<'a>) -> Self {
        Self::many(vec![target])
    }

    /// Many things at once.
    pub fn many(targets: Vec<Spot<'a>>) -> Self {
        Self { targets, secondaries: Vec::new() }
    }
}

/// What another was found to decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// What it is called.
    pub by: &'static str,
    /// What it said.
    pub verdict: Verdict,
}

/// What another who decides said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: it was not asked, since a rule forbids it, or everybody may.
    NotAsked,
    /// Yes.
    Allowed,
    /// No.
    Denied,
}

/// What Polaris calls one kind of update, if it has a name of its own.
pub(crate) fn update_action(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "assign-uuid" => "ASSIGN_TABLE_UUID",
        "upgrade-format-version" => "UPGRADE_TABLE_FORMAT_VERSION",
        "add-schema" => "ADD_TABLE_SCHEMA",
        "set-current-schema" => "SET_TABLE_CURRENT_SCHEMA",
        "add-spec" => "ADD_TABLE_PARTITION_SPEC",
        "add-sort-order" => "ADD_TABLE_SORT_ORDER",
        "set-default-sort-order" => "SET_TABLE_DEFAULT_SORT_ORDER",
        "add-snapshot" => "ADD_TABLE_SNAPSHOT",
        "set-snapshot-ref" => "SET_TABLE_SNAPSHOT_REF",
        "remove-snapshots" => "REMOVE_TABLE_SNAPSHOTS",
        "remove-snapshot-ref" => "REMOVE_TABLE_SNAPSHOT_REF",
        "set-location" => "SET_TABLE_LOCATION",
        "set-properties" => "SET_TABLE_PROPERTIES",
        "remove-properties" => "REMOVE_TABLE_PROPERTIES",
        "set-statistics" => "SET_TABLE_STATISTICS",
        "remove-statistics" => "REMOVE_TABLE_STATISTICS",
        "remove-partition-specs" => "REMOVE_TABLE_PARTITION_SPECS",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::UPDATE_KINDS;

    #[test]
    fn an_update_has_an_action_of_its_own_if_it_has_a_privilege_of_its_own() {
        let mut actions: Vec<_> =
            UPDATE_KINDS.iter().filter_map(|(kind, _)| update_action(kind)).collect();
        actions.sort_unstable();
        actions.dedup();

        assert_eq!(actions.len(), UPDATE_KINDS.len());
        for kind in ["set-default-spec", "add-encryption-key"] {
            assert_eq!(update_action(kind), None, "{kind}");
        }
    }
}
