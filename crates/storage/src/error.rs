//! Why a file could not be read, created or removed.

use std::fmt;

use merak_model::location::StorageType;

/// Why a file could not be read, created or removed.
///
/// Texts are fit for clients: they hold the provider's own words, but no credentials and no query
/// strings of URLs.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such file. On a write: there is no such bucket.
    #[error("{location} does not exist: {reason}")]
    NotFound {
        /// Where.
        location: String,
        /// The provider's message.
        reason: String,
    },

    /// The file exists, and is not what we would have written.
    #[error("{location} already exists")]
    AlreadyExists {
        /// Where.
        location: String,
    },

    /// The server's identity may not do this.
    #[error("Access to {location} was denied: {reason}")]
    Denied {
        /// Where.
        location: String,
        /// The provider's message.
        reason: String,
    },

    /// The store refuses the request as it is, or the configuration makes no valid one. Trying
    /// again is of no use.
    #[error("The request for {location} was refused: {reason}")]
    Refused {
        /// Where.
        location: String,
        /// The HTTP status the store answered, when it was the store.
        status: Option<u16>,
        /// The provider's message.
        reason: String,
    },

    /// The file is larger than metadata may be.
    #[error("{location} is larger than {limit} bytes")]
    TooLarge {
        /// Where.
        location: String,
        /// The most that is accepted, after decompression.
        limit: u64,
    },

    /// The file is not what it claims to be: broken gzip, or no text.
    #[error("{location} is damaged: {reason}")]
    Malformed {
        /// Where.
        location: String,
        /// What is wrong with it. Never quotes the file.
        reason: String,
    },

    /// The server has no credentials for the store.
    #[error("The server has no credentials for {location}: {reason}")]
    NoCredentials {
        /// Where.
        location: String,
        /// What was tried.
        reason: String,
    },

    /// The server does not work with this kind of store.
    #[error("{}", unsupported(*.0))]
    Unsupported(StorageType),

    /// The store did not answer in time. Whether a write was carried out is unknown.
    #[error("The store of {location} did not answer in time")]
    Timeout {
        /// Where.
        location: String,
    },

    /// The store could not be reached, or failed. Whether a write was carried out is unknown.
    #[error("The store of {location} is not available: {source}")]
    Unavailable {
        /// Where.
        location: String,
        /// What happened.
        #[source]
        source: ProviderMessage,
    },
}

/// What a provider or the operating system said, without secrets.
///
/// The original error is not kept: its `Debug` would print whatever the provider sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderMessage(pub(crate) String);

impl fmt::Display for ProviderMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ProviderMessage {}

fn unsupported(storage_type: StorageType) -> String {
    let how = match storage_type {
        StorageType::File => ": FILE storage is for development, and must be switched on",
        StorageType::S3 | StorageType::Azure | StorageType::Gcs => "",
    };
    format!("This server does not read or write {storage_type} storage{how}")
}
