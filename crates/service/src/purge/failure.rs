//! Why an attempt at a purge failed.

use merak_storage::Error as StorageError;

use crate::Error;

/// Why an attempt at a task failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It may do better the next time.
    Passing(String),
    /// Trying again is of no use.
    Lasting(String),
}

impl Failure {
    /// With what it is about before it.
    pub(crate) fn of(self, what: &str) -> Self {
        match self {
            Self::Passing(text) => Self::Passing(format!("{what}: {text}")),
            Self::Lasting(text) => Self::Lasting(format!("{what}: {text}")),
        }
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        let text = error.to_string();
        match error {
            StorageError::TooLarge { .. } | StorageError::Malformed { .. } => Self::Lasting(text),
            StorageError::NotFound { .. }
            | StorageError::AlreadyExists { .. }
            | StorageError::Denied { .. }
            | StorageError::Refused { .. }
            | StorageError::NoCredentials { .. }
            | StorageError::Unsupported(_)
            | StorageError::Timeout { .. }
            | StorageError::Unavailable { .. } => Self::Passing(text),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Passing(error.to_string())
    }
}

impl From<merak_metastore::Error> for Failure {
    fn from(error: merak_metastore::Error) -> Self {
        Self::Passing(Error::from(error).to_string())
    }
}
