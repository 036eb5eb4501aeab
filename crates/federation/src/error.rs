//! What can go wrong between two catalogs.

use std::sync::Arc;

use crate::OpenError;

/// What went wrong below; those who waited for one thing are told alike.
pub(crate) type Cause = Arc<dyn std::error::Error + Send + Sync>;

/// Why the other catalog was not reached, or did not answer. The texts are for clients too: they
/// name hosts, and nothing that is secret.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The catalog has no connection.
    #[error("Catalog {0} has no connection")]
    NoConnection(String),
    /// What is stored of the connection cannot be read.
    #[error("The connection of catalog {catalog} cannot be read")]
    Malformed {
        /// The catalog's name.
        catalog: String,
        /// What is wrong with it.
        #[source]
        source: Arc<serde_json::Error>,
    },
    /// A secret of the connection cannot be opened.
    #[error("A secret of the connection of catalog {catalog} cannot be opened: {source}")]
    Secret {
        /// The catalog's name.
        catalog: String,
        /// Why.
        source: OpenError,
    },
    /// The connection leads where the server does not go.
    #[error("{0}")]
    NotAllowed(String),
    /// A name cannot be a part of an address.
    #[error("'{0}' cannot be asked for in another catalog")]
    Unaddressable(String),
    /// The other catalog cannot be reached, or did not answer a question. Nothing was changed.
    #[error("{host} cannot be reached: {reason}")]
    Unreachable {
        /// Where it is.
        host: String,
        /// What can be told of it.
        reason: String,
        /// What went wrong.
        #[source]
        source: Option<Cause>,
    },
    /// What it answers is not what a catalog answers. Nothing was changed.
    #[error("{host} does not answer as a catalog does: {reason}")]
    Nonsense {
        /// Where it is.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It does not take the server for whom it says to be.
    #[error("{host} refuses the credentials of this catalog's connection: {reason}")]
    Unauthorized {
        /// Where it is.
        host: String,
        /// What it says.
        reason: String,
    },
    /// There are no credentials to show. Nothing was changed.
    #[error("There are no credentials for {host}: {reason}")]
    NoCredentials {
        /// Where they would be shown.
        host: String,
        /// Why not.
        reason: String,
    },
    /// A change was sent, and it is not known what became of it.
    #[error("It is not known whether {host} made the change: {reason}")]
    OutcomeUnknown {
        /// Where it was sent.
        host: String,
        /// What is known.
        reason: String,
        /// What went wrong.
        #[source]
        source: Option<Cause>,
    },
}
