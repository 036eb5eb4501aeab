//! A place between the server and its files where tests let things go wrong.

use std::fmt::Debug;

use async_trait::async_trait;
use merak_model::Location;

use crate::Error;

/// What is done to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileOperation {
    /// It is read.
    Read,
    /// It is created.
    Create,
    /// It is removed.
    Delete,
}

/// Asked before and after each operation on a file. What it answers with is what comes of the
/// operation: an error before keeps it from being carried out, one after hides that it was.
#[async_trait]
pub trait Interposer: Debug + Send + Sync {
    /// Before the operation.
    async fn before(&self, operation: FileOperation, location: &Location) -> Result<(), Error>;

    /// After the operation succeeded.
    async fn after(&self, operation: FileOperation, location: &Location) -> Result<(), Error>;
}
