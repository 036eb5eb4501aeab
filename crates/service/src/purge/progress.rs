//! What a purge did so far, for people, and for the attempt that goes on.

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// What a purge is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Phase {
    /// Nobody works on it yet.
    #[default]
    Waiting,
    /// It looks which of the files other tables name.
    Checking,
    /// It deletes.
    Deleting,
    /// Nothing is left to do.
    Done,
}

/// What a purge did so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct Progress {
    /// What it is about.
    pub(crate) phase: Phase,
    /// How many other tables were looked at, whether they name files of this one.
    pub(crate) tables_checked: u64,
    /// How many files of this table others name.
    pub(crate) files_in_use: u64,
    /// How many snapshots the table has.
    pub(crate) snapshots: u64,
    /// How many of its manifests were read.
    pub(crate) manifests_read: u64,
    /// How many manifests, manifest lists and metadata files were gone already: an attempt before,
    /// or somebody else, deleted them and what they name.
    pub(crate) gone_already: u64,
    /// Whether the table's data files stay, since its property `gc.enabled` is false.
    pub(crate) data_is_kept: bool,
    /// What was deleted, by all attempts. What an attempt that did not end had deleted is deleted,
    /// and counted, once more by the next one.
    pub(crate) deleted: Deleted,
    /// What was not deleted, on purpose. Of all attempts that with the most counts: a later one does
    /// not see what only a manifest named that is gone.
    pub(crate) left: LeftFiles,
    /// How many files could not be deleted in this attempt.
    pub(crate) failures: u64,
}

/// How many files of each kind were deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct Deleted {
    /// Data and delete files.
    pub(crate) data_files: u64,
    /// Manifests.
    pub(crate) manifests: u64,
    /// Manifest lists.
    pub(crate) manifest_lists: u64,
    /// Statistics of the table and of its partitions.
    pub(crate) statistics: u64,
    /// Metadata files.
    pub(crate) metadata_files: u64,
}

impl Deleted {
    /// All of them.
    pub(crate) fn files(&self) -> u64 {
        self.data_files
            + self.manifests
            + self.manifest_lists
            + self.statistics
            + self.metadata_files
    }
}

/// How many files were left, by reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct LeftFiles {
    /// Another table names them.
    pub(crate) in_use: u64,
    /// They are beside the table's own places.
    pub(crate) outside_table: u64,
    /// They are outside the catalog's allowed locations.
    pub(crate) outside_catalog: u64,
    /// Their names cannot be judged.
    pub(crate) no_location: u64,
}

impl LeftFiles {
    /// The greater of the counts of two attempts.
    fn or_more(&self, other: &Self) -> Self {
        Self {
            in_use: self.in_use.max(other.in_use),
            outside_table: self.outside_table.max(other.outside_table),
            outside_catalog: self.outside_catalog.max(other.outside_catalog),
            no_location: self.no_location.max(other.no_location),
        }
    }

    /// All of them.
    pub(crate) fn files(&self) -> u64 {
        self.in_use + self.outside_table + self.outside_catalog + self.no_location
    }
}

/// The progress of a task that is worked on, which is told while the work goes on.
#[derive(Debug, Clone, Default)]
pub(crate) struct SharedProgress {
    progress: Arc<Mutex<Progress>>,
    /// What attempts before left.
    left_before: LeftFiles,
}

impl SharedProgress {
    /// Goes on from what attempts before left. What cannot be read counts for nothing: a later
    /// version may have written it.
    pub(crate) fn resume(stored: &str) -> Self {
        let before: Progress = serde_json::from_str(stored).unwrap_or_default();
        let (deleted, left_before) = (before.deleted, before.left);
        let progress = Progress { deleted, ..Progress::default() };
        Self { progress: Arc::new(Mutex::new(progress)), left_before }
    }

    /// Changes it.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.progress.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// How it is now.
    pub(crate) fn now(&self) -> Progress {
        let mut now = self.progress.lock().unwrap_or_else(PoisonError::into_inner).clone();
        now.left = now.left.or_more(&self.left_before);
        now
    }

    /// How it is now, as it is stored.
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(&self.now()).expect("progress has a JSON form")
    }
}
