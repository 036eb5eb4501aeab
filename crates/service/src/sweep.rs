//! What is too old is removed, so that the database does not grow for ever.

use crate::{Error, Service};

impl Service {
    /// Removes what is too old, in all realms. Replicas may do so at the same time.
    pub async fn sweep(&self) -> Result<(), Error> {
        self.forget_answers().await?;
        self.forget_old_reports().await?;
        self.forget_tasks().await
    }
}
