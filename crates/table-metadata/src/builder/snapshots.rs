//! Snapshots, branches, tags, and the log of what was current.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Builder, TOLERATED_SKEW_MS, not_much_before};
use crate::history::SnapshotLogEntry;
use crate::rollback::Rollback;
use crate::snapshot::{MAIN, Reference, Snapshot};
use crate::{Error, TableMetadata};

impl Builder {
    pub(super) fn add_snapshot(&mut self, snapshot: &Arc<Snapshot>) -> Result<(), Error> {
        for (is_missing, what) in [
            (self.metadata.schemas.is_empty(), "schema"),
            (self.metadata.specs.is_empty(), "partition spec"),
            (self.metadata.sort_orders.is_empty(), "sort order"),
        ] {
            if is_missing {
                return Err(Error::invalid(format!(
                    "Attempting to add a snapshot before a {what} is added"
                )));
            }
        }
        if self.metadata.has_snapshot(snapshot.id) {
            return Err(Error::invalid(format!("Snapshot already exists for id: {}", snapshot.id)));
        }
        let mut snapshot = Arc::clone(snapshot);
        if self.metadata.format_version >= 2 {
            snapshot = self.take_sequence_number(snapshot)?;
        }
        if self.metadata.format_version >= 3 {
            self.take_row_ids(&snapshot)?;
        }
        self.added_snapshots.insert(snapshot.id);
        self.metadata.snapshots.push(snapshot);
        self.changed = true;
        Ok(())
    }

    /// Checks that the snapshot's sequence number is a new one.
    ///
    /// A snapshot without a parent replaces all data, so nothing is ordered against it. Two replacing
    /// each other at once have the same number; the last number then stays, and never falls.
    fn take_sequence_number(&mut self, snapshot: Arc<Snapshot>) -> Result<Arc<Snapshot>, Error> {
        let last = &mut self.metadata.last_sequence_number;
        let number = match (snapshot.sequence_number, snapshot.parent_id) {
            (Some(number), _) => number,
            // Java leaves 0 out. Readers of version 2 need not know that, so it is written.
            (None, None) => return snapshot.with_sequence_number_zero().map(Arc::new),
            (None, Some(_)) => {
                let id = snapshot.id;
                return Err(Error::invalid(format!(
                    "Cannot add snapshot {id}: sequence-number is missing"
                )));
            }
        };
        if number <= *last && snapshot.parent_id.is_some() {
            return Err(Error::stale(format_args!(
                "Cannot add snapshot with sequence number {number} older than last sequence number \
                 {last}"
            )));
        }
        *last = number.max(*last);
        Ok(snapshot)
    }

    /// Checks that the snapshot's rows have new ids, and counts them.
    fn take_row_ids(&mut self, snapshot: &Snapshot) -> Result<(), Error> {
        let Some(first) = snapshot.first_row_id else {
            return Err(Error::invalid("Cannot add a snapshot: first-row-id is null"));
        };
        let Some(added) = snapshot.added_rows else {
            return Err(Error::invalid("Cannot add a snapshot: added-rows is null"));
        };
        let next = &mut self.metadata.next_row_id;
        if first < *next {
            return Err(Error::stale(format_args!(
                "Cannot add a snapshot, first-row-id is behind table next-row-id: {first} < {next}"
            )));
        }
        // Counted from the snapshot's first id and not from ours, which may be lower: otherwise
        // the next snapshot would be given ids that this one has.
        *next = first.checked_add(added).ok_or_else(|| {
            Error::invalid("Cannot add a snapshot: there are not as many row ids")
        })?;
        Ok(())
    }

    pub(super) fn set_snapshot_ref(
        &mut self,
        name: &str,
        reference: &Reference,
    ) -> Result<(), Error> {
        if self.metadata.reference(name) == Some(reference) {
            return Ok(());
        }
        let id = reference.snapshot_id;
        let snapshot = self.metadata.snapshots.iter().find(|snapshot| snapshot.id == id);
        let Some(snapshot) = snapshot else {
            return Err(Error::invalid(format!("Cannot set {name} to unknown snapshot: {id}")));
        };
        let is_new = self.added_snapshots.contains(&id);
        let time = if is_new { snapshot.timestamp_ms } else { self.now_ms };
        if name == MAIN && self.metadata.current_snapshot_id != Some(id) {
            self.metadata.current_snapshot_id = Some(id);
            self.log_snapshot(time, id);
        }
        let refs = &mut self.metadata.refs;
        match refs.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = reference.clone(),
            None => refs.push((name.to_owned(), reference.clone())),
        }
        self.changed = true;
        Ok(())
    }

    pub(super) fn remove_snapshot_ref(&mut self, name: &str) {
        self.retain_refs(|known, _| known != name);
    }

    /// Removes snapshots, and with them all that is about them.
    pub(super) fn remove_snapshots(&mut self, ids: &[i64]) {
        let ids: HashSet<i64> = ids.iter().copied().collect();
        let metadata = &mut self.metadata;
        let before = metadata.snapshots.len();
        metadata.snapshots.retain(|snapshot| !ids.contains(&snapshot.id));
        if metadata.snapshots.len() == before {
            return;
        }
        metadata.statistics.retain(|file| !ids.contains(&file.snapshot_id));
        metadata.partition_statistics.retain(|file| !ids.contains(&file.snapshot_id));
        self.retain_refs(|_, reference| !ids.contains(&reference.snapshot_id));
        self.changed = true;
    }

    /// Sets a branch back to what it was before compactions, and removes these. The metadata as it
    /// is then.
    ///
    /// Numbers that only they had are free again, so that a snapshot that was made beside them fits:
    /// the highest that anything still has counts, wherever it is.
    pub(crate) fn roll_back(&mut self, rollback: &Rollback<'_>) -> Result<&TableMetadata, Error> {
        let Some(branch) = self.metadata.reference(rollback.branch) else {
            return Err(Error::invalid(format!("There is no branch {}", rollback.branch)));
        };
        let reference = branch.moved_to(rollback.to);
        self.set_snapshot_ref(rollback.branch, &reference)?;
        self.remove_snapshots(&rollback.compactions);
        let metadata = &mut self.metadata;
        let snapshots = metadata.snapshots.iter();
        let highest = snapshots.clone().map(|snapshot| snapshot.sequence_number()).max();
        metadata.last_sequence_number =
            highest.map_or(0, |highest| highest.min(metadata.last_sequence_number));
        let rows = snapshots.filter_map(|snapshot| {
            snapshot.first_row_id?.checked_add(snapshot.added_rows.unwrap_or(0))
        });
        // Of a table without any, the number is what it was when it got them.
        if let Some(next) = rows.max() {
            metadata.next_row_id = next.min(metadata.next_row_id);
        }
        Ok(metadata)
    }

    fn retain_refs(&mut self, keep: impl Fn(&str, &Reference) -> bool) {
        let before = self.metadata.refs.len();
        self.metadata.refs.retain(|(name, reference)| keep(name, reference));
        if self.metadata.refs.len() == before {
            return;
        }
        self.changed = true;
        if self.metadata.reference(MAIN).is_none() {
            self.metadata.current_snapshot_id = None;
            self.has_removed_main = true;
        }
    }

    /// Notes that a snapshot became the current one.
    ///
    /// A client whose clock is far ahead is not believed: the table could not be changed without
    /// claiming to be of the future, until then.
    fn log_snapshot(&mut self, time_ms: i64, id: i64) {
        let is_future = time_ms > self.now_ms.saturating_add(TOLERATED_SKEW_MS);
        let time_ms = if is_future { self.now_ms } else { time_ms };
        let log = &mut self.metadata.snapshot_log;
        let time_ms = not_much_before(time_ms, log.last().map(|entry| entry.timestamp_ms));
        log.push(SnapshotLogEntry::new(time_ms, id));
    }

    /// Takes out of the log what never was, and what could mislead.
    ///
    /// What `main` went past within this request was never seen by any reader. And where a snapshot
    /// was removed, the log before it must go: it would seem as if its predecessor had still been
    /// current while it was.
    pub(super) fn correct_snapshot_log(&mut self) {
        let current = self.metadata.current_snapshot_id;
        let mut log = std::mem::take(&mut self.metadata.snapshot_log);
        let last_of_request =
            log.drain(self.before.snapshot_log_entries.min(log.len())..).next_back();
        if current != self.before.current_snapshot_id {
            log.extend(last_of_request.filter(|entry| Some(entry.subject) == current));
        }
        let has_removed_snapshots =
            self.metadata.snapshots.len() < self.before.snapshots + self.added_snapshots.len();
        if has_removed_snapshots {
            let ids: HashSet<i64> = self.metadata.snapshot_ids().collect();
            let gap = log.iter().rposition(|entry| !ids.contains(&entry.subject));
            log.drain(..gap.map_or(0, |newest| newest + 1));
        }
        let last = log.last().map(|entry| entry.subject);
        self.metadata.snapshot_log = log;
        // A log that was wrong before, or was cut, may not end with the current snapshot.
        if let Some(current) = current
            && has_removed_snapshots
            && last != Some(current)
        {
            self.log_snapshot(self.now_ms, current);
        }
    }
}
