//! Rolls back compactions that are in the way of a commit.
//!
//! A compaction changes how data is laid out, and nothing of what is read. Whoever ran one may say
//! in its summary that it is worth less than the commits it meets: then it goes, and the commit is
//! applied to what was there before. The property is Polaris'.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use crate::snapshot::Snapshot;
use crate::update::Update;
use crate::{TableCommit, TableMetadata, TableRequirement};

/// In the summary of a snapshot that replaces files by others with the same rows: what is to become
/// of it where it is in the way.
const CONFLICT_RESOLUTION: &str = "polaris.internal.conflict-resolution.by-operation-type.replace";

/// What has to go so that a commit can be applied.
#[derive(Debug)]
pub(crate) struct Rollback<'a> {
    /// The branch that is set back.
    pub(crate) branch: &'a str,
    /// The snapshot it is set back to: the one that the commit was made from.
    pub(crate) to: i64,
    /// The compactions since.
    pub(crate) compactions: Vec<i64>,
}

impl<'a> Rollback<'a> {
    /// What has to be rolled back for a commit whose requirements do not hold; nothing if that would
    /// not help, or would lose more than compactions.
    ///
    /// The commit adds one snapshot to one branch, and names the snapshot it expects there. All that
    /// came to the branch since are compactions that may be rolled back, and nothing else reaches
    /// them.
    pub(crate) fn of(commit: &'a TableCommit, base: &TableMetadata) -> Option<Self> {
        let (branch, to) = expected(commit)?;
        let (set, added) = (set_reference(commit)?, added_snapshot(commit)?);
        if set != branch || added.parent_id != Some(to) {
            return None;
        }
        let by_id: HashMap<i64, &Snapshot> =
            base.snapshots.iter().map(|snapshot| (snapshot.id, &**snapshot)).collect();
        let reached = reached_by_others(base, &by_id, branch);
        let mut compactions = Vec::new();
        let mut next = Some(base.reference(branch)?.snapshot_id);
        while next != Some(to) {
            let snapshot = by_id.get(&next?)?;
            let is_loop = compactions.len() >= base.snapshots.len();
            if is_loop || reached.contains(&snapshot.id) || !may_be_rolled_back(snapshot) {
                return None;
            }
            compactions.push(snapshot.id);
            next = snapshot.parent_id;
        }
        // What the commit was made from must be there to go back to.
        by_id.get(&to)?;
        (!compactions.is_empty()).then_some(Self { branch, to, compactions })
    }
}

/// The one branch whose snapshot the commit expects, and that snapshot.
fn expected(commit: &TableCommit) -> Option<(&str, i64)> {
    only(commit.requirements.iter().filter_map(|requirement| match requirement {
        TableRequirement::AssertRefSnapshotId { reference, snapshot_id } => {
            Some((reference.as_str(), *snapshot_id))
        }
        TableRequirement::AssertCreate
        | TableRequirement::AssertTableUuid { .. }
        | TableRequirement::AssertLastAssignedFieldId { .. }
        | TableRequirement::AssertCurrentSchemaId { .. }
        | TableRequirement::AssertLastAssignedPartitionId { .. }
        | TableRequirement::AssertDefaultSpecId { .. }
        | TableRequirement::AssertDefaultSortOrderId { .. } => None,
    }))
    .and_then(|(reference, snapshot)| Some((reference, snapshot?)))
}

/// The one branch that the commit sets.
fn set_reference(commit: &TableCommit) -> Option<&str> {
    only(commit.updates.iter().filter_map(|update| {
        let Update::SetSnapshotRef { name, .. } = &update.0 else { return None };
        Some(name.as_str())
    }))
}

/// The one snapshot that the commit adds.
fn added_snapshot(commit: &TableCommit) -> Option<&Snapshot> {
    only(commit.updates.iter().filter_map(|update| {
        let Update::AddSnapshot { snapshot } = &update.0 else { return None };
        Some(&**snapshot)
    }))
}

fn only<T>(mut all: impl Iterator<Item = T>) -> Option<T> {
    let first = all.next()?;
    all.next().is_none().then_some(first)
}

/// The snapshots that other branches and tags reach, with those before them: a branch may have been
/// set back, and a tag be all that still holds what it left.
fn reached_by_others(
    base: &TableMetadata,
    by_id: &HashMap<i64, &Snapshot>,
    branch: &str,
) -> HashSet<i64> {
    let mut reached = HashSet::new();
    for (_, reference) in base.refs.iter().filter(|(name, _)| name != branch) {
        let mut next = Some(reference.snapshot_id);
        while let Some(id) = next
            && reached.insert(id)
        {
            next = by_id.get(&id).and_then(|snapshot| snapshot.parent_id);
        }
    }
    reached
}

fn may_be_rolled_back(snapshot: &Snapshot) -> bool {
    #[derive(Deserialize)]
    struct Told {
        #[serde(default)]
        summary: HashMap<String, String>,
    }
    let Ok(Told { summary }) = serde_json::from_str(snapshot.text.get()) else { return false };
    summary.get("operation").is_some_and(|operation| operation == "replace")
        && summary
            .get(CONFLICT_RESOLUTION)
            .is_some_and(|resolution| resolution.eq_ignore_ascii_case("rollback"))
}
