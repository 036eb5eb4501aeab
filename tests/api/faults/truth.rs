//! What truly happened, which no client sees.

use std::collections::{HashMap, HashSet};
use std::fmt;

use merak_metastore::Change;
use merak_model::{Entity, EntityId};

/// Something that happened, and when.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) step: u64,
    pub(crate) what: Happened,
    pub(crate) about: String,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>4} {:?}: {}", self.step, self.what, self.about)
    }
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Happened {
    /// A fault after which nothing was done, or of a file.
    Fault,
    /// An answer was lost.
    Lost,
    /// It can no longer be found out what became of a write.
    Unresolvable,
    /// A write met another one.
    Conflict,
    /// A write was done.
    Done,
    /// Something was done to a file.
    File,
}

/// What truly became of things, which no client sees.
#[derive(Debug, Default)]
pub(crate) struct Truth {
    /// Every metadata file that a table ever pointed to.
    pub(crate) was_current: HashSet<String>,
    /// Files that may be left behind, since nobody could tell whether they are needed.
    pub(crate) excused: HashSet<String>,
    pub(crate) created: Vec<String>,
    pub(crate) deleted: Vec<String>,
    pub(crate) events: Vec<Event>,
    pub(crate) entities: HashMap<EntityId, Entity>,
    /// Files of writes whose answers were lost, and when.
    pub(crate) lost_files: Vec<(u64, String)>,
}

impl Truth {
    /// Whether a name has got another meaning.
    pub(crate) fn take_in(&mut self, change: &Change) -> bool {
        self.was_current.extend(metadata_file(change).map(str::to_owned));
        match change {
            Change::Create { entity, .. } | Change::Update { entity, .. } => {
                let before = self.entities.insert(entity.id, (**entity).clone());
                before.is_none_or(|before| {
                    (before.parent_id, &before.name) != (entity.parent_id, &entity.name)
                })
            }
            Change::Drop { id, .. } => self.entities.remove(id).is_some(),
            Change::Grant(_)
            | Change::Revoke(_)
            | Change::AttachPolicy(_)
            | Change::DetachPolicy { .. }
            | Change::DetachPolicyFromAll(_)
            | Change::SetSecrets(..)
            | Change::RotateSecrets { .. }
            | Change::Answer(_)
            | Change::AddTask(_)
            | Change::Record(_) => false,
        }
    }

    /// How often something of that kind happened in that time.
    pub(crate) fn count(&self, kind: Happened, (from, to): (u64, u64)) -> usize {
        let is_meant =
            |event: &&Event| from <= event.step && event.step <= to && event.what == kind;
        self.events.iter().filter(is_meant).count()
    }
}

pub(crate) fn metadata_file(change: &Change) -> Option<&str> {
    match change {
        Change::Create { entity, .. } | Change::Update { entity, .. } => {
            entity.metadata_location.as_deref()
        }
        Change::Drop { .. }
        | Change::Grant(_)
        | Change::Revoke(_)
        | Change::AttachPolicy(_)
        | Change::DetachPolicy { .. }
        | Change::DetachPolicyFromAll(_)
        | Change::SetSecrets(..)
        | Change::RotateSecrets { .. }
        | Change::Answer(_)
        | Change::AddTask(_)
        | Change::Record(_) => None,
    }
}

/// Which write it is, in words: one that comes again has the same.
pub(crate) fn name_of(replica: usize, changes: &[Change]) -> String {
    let mut words = vec![format!("replica {replica}")];
    for change in changes {
        words.push(match change {
            Change::Create { entity, .. } => format!("creates {} as {}", entity.name, entity.id),
            Change::Update { entity, expected, .. } => {
                let file = entity.metadata_location.as_deref().unwrap_or_default();
                let file = file.rsplit('/').next().unwrap_or_default();
                format!("moves {} {} from {expected} to {file}", entity.id, entity.name)
            }
            Change::Drop { id, expected } => format!("drops {id} at {expected}"),
            Change::Answer(record) => format!("answers {}", record.key),
            Change::Record(recorded) => format!("tells of {}", recorded.event.kind),
            Change::Grant(_)
            | Change::Revoke(_)
            | Change::AttachPolicy(_)
            | Change::DetachPolicy { .. }
            | Change::DetachPolicyFromAll(_)
            | Change::SetSecrets(..)
            | Change::RotateSecrets { .. }
            | Change::AddTask(_) => "something else".to_owned(),
        });
    }
    words.join(", ")
}
