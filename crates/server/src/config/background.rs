//! What is done beside the answering of requests.

use std::time::Duration;

use merak_service::{PurgeSettings, ReferenceCheck, TaskSettings};

use super::formats::{Format, not};
use super::reader::Reader;
use super::registry as settings;

/// How often and how much is done in the background.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Background {
    /// How often what is too old is removed.
    pub sweep_interval: Duration,
    /// How tasks are done.
    pub tasks: TaskSettings,
}

/// Which tables are asked whether they use files of one that is purged.
pub(super) struct Check;

impl Format for Check {
    type Value = ReferenceCheck;
    const EXPECTED: &'static str = "`catalog` or `overlapping`";

    fn parse(text: &str) -> Result<ReferenceCheck, String> {
        match text.to_ascii_lowercase().as_str() {
            "catalog" => Ok(ReferenceCheck::Catalog),
            "overlapping" => Ok(ReferenceCheck::Overlapping),
            _ => Err(not::<Self>()),
        }
    }
}

impl Background {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            sweep_interval: reader.get(&settings::SWEEP_INTERVAL),
            tasks: TaskSettings {
                max_concurrent: reader.get(&settings::TASKS_AT_ONCE),
                max_attempts: u32::try_from(reader.get(&settings::TASK_ATTEMPTS))
                    .unwrap_or(u32::MAX),
                retry_delay: reader.get(&settings::TASK_RETRY_DELAY),
                max_retry_delay: reader.get(&settings::TASK_MAX_RETRY_DELAY),
                poll_interval: reader.get(&settings::TASK_POLL_INTERVAL),
                retention: reader.get(&settings::TASK_RETENTION),
                purge: PurgeSettings {
                    reference_check: reader.get(&settings::PURGE_CHECK),
                    max_files_in_use: reader.get(&settings::PURGE_MAX_IN_USE),
                    max_verdicts: reader.get(&settings::PURGE_REMEMBERED) as u64,
                    max_file_bytes: reader.get(&settings::METADATA_MAX) as u64,
                },
            },
        }
    }
}
