//! What is too old is removed, so that the database does not grow for ever.

use std::time::Duration;

use crate::{Error, Service};

impl Service {
    /// Removes what is too old, in all realms. Replicas may do so at the same time.
    pub async fn sweep(&self) -> Result<(), Error> {
        self.forget_answers().await?;
        self.forget_old_reports().await?;
        self.forget_tasks().await?;
        self.forget_audit_records().await?;
        self.forget_events().await
    }
}

/// A duration in milliseconds, as times are kept; one that is too long is the longest there is.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
