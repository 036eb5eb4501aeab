//! What can come of an operation.

use merak_metastore::BoxError;

/// Why an operation was not carried out: one variant for each outcome a client can tell apart.
///
/// The texts are what clients read. Those that published tests of Iceberg and Polaris compare are
/// theirs to the letter.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It may not be, or is not to be known whether it may.
    #[error(transparent)]
    NotAuthorized(#[from] merak_authz::Error),
    /// The catalog that owns what was asked for refuses it.
    #[error("{}", .0.message)]
    Remote(crate::RemoteRefusal),
    /// A namespace that had to be there is not.
    #[error("{0}")]
    NoSuchNamespace(String),
    /// A metadata file that had to be there is not.
    #[error("Failed to open input stream for file: {0}")]
    NoSuchFile(String),
    /// The catalog has no such task.
    #[error("{0}")]
    NoSuchTask(String),
    /// A policy cannot say that.
    #[error("{0}")]
    InvalidPolicy(String),
    /// The policy is attached to something, and therefore stays.
    #[error("{0}")]
    PolicyInUse(String),
    /// The policy is not at the version that the change was based on.
    #[error("{0}")]
    PolicyVersionMismatch(String),
    /// Another policy of its type is attached there.
    #[error("{0}")]
    PolicyTypeAttached(String),
    /// The policy is not attached there.
    #[error("{0}")]
    NoSuchMapping(String),
    /// The name is taken.
    #[error("{0}")]
    AlreadyExists(String),
    /// The namespace still holds something.
    #[error("Namespace {0} is not empty")]
    NamespaceNotEmpty(String),
    /// The table is not as the commit assumed; the client may look again and retry.
    #[error("{0}")]
    CommitFailed(String),
    /// Something other than a table is not as the change assumed.
    #[error("{0}")]
    ConcurrentModification(String),
    /// The write may or may not have happened. Clients must not retry, nor delete what they wrote.
    #[error("It is not known whether the commit succeeded: {what}")]
    CommitStateUnknown {
        /// What was committed.
        what: String,
        /// What went wrong.
        #[source]
        source: BoxError,
    },
    /// A location may not be used, or what was asked for is switched off.
    #[error("{0}")]
    Forbidden(String),
    /// The request cannot be carried out as it stands.
    #[error("{0}")]
    BadRequest(String),
    /// A value is not one.
    #[error("{0}")]
    IllegalArgument(String),
    /// What was asked for breaks a rule.
    #[error("{0}")]
    Validation(String),
    /// The request contradicts itself.
    #[error("{0}")]
    Unprocessable(String),
    /// This server does not do that.
    #[error("{0}")]
    Unsupported(String),
    /// The object store refused the server.
    #[error("{0}")]
    StorageDenied(String),
    /// Something the server needs does not answer; nothing was changed.
    #[error("{what} is unavailable, nothing was changed: {reason}")]
    Unavailable {
        /// What does not answer.
        what: &'static str,
        /// What can be told to a client.
        reason: String,
        /// What went wrong.
        #[source]
        source: BoxError,
    },
    /// The request was answered before, under the same idempotency key: that answer is given again.
    #[error("The request was answered before, under the same Idempotency-Key")]
    AlreadyAnswered,
    /// A grant or its revocation did not succeed: one of Polaris' return statuses.
    #[error("Operation failed: {0}")]
    OperationFailed(&'static str),
    /// Something that is stored cannot be read.
    #[error("{0}")]
    Internal(String),
}

/// Outcomes of the metastore that no operation gives a meaning of its own.
impl From<merak_metastore::Error> for Error {
    fn from(error: merak_metastore::Error) -> Self {
        use merak_metastore::Error as Source;
        match error {
            Source::AlreadyExists { kind, name } => {
                Self::AlreadyExists(format!("{kind} already exists: {name}"))
            }
            Source::Conflict { .. } => Self::ConcurrentModification(
                "It was changed at the same time by somebody else; retry later".to_owned(),
            ),
            Source::ParentGone => Self::ConcurrentModification(
                "What it belongs to was removed at the same time".to_owned(),
            ),
            Source::NotEmpty { .. } => Self::BadRequest("It is not empty".to_owned()),
            Source::LocationOverlap { location, other } => Self::Forbidden(format!(
                "Unable to create entity at location '{location}' because it conflicts with \
                 existing table or namespace at location '{other}'"
            )),
            Source::AlreadyAnswered => Self::AlreadyAnswered,
            Source::AlreadyRecorded => {
                Self::Internal("What was done was noted before it was done".to_owned())
            }
            Source::TypeAttached { .. } => {
                Self::PolicyTypeAttached("A policy of the same type is attached already".to_owned())
            }
            Source::NotAttached => Self::NoSuchMapping("The policy is not attached".to_owned()),
            Source::NotGranted => Self::OperationFailed("GRANT_NOT_FOUND"),
            Source::SecretsMoved(_) => Self::ConcurrentModification(
                "Its credentials were changed at the same time by somebody else; retry later"
                    .to_owned(),
            ),
            Source::ClientIdTaken(id) => {
                Self::AlreadyExists(format!("Client ID already in use: {id}"))
            }
            Source::OutcomeUnknown(source) => {
                Self::CommitStateUnknown { what: "the change".to_owned(), source }
            }
            Source::Unavailable(source) => Self::Unavailable {
                what: "The metastore",
                reason: "the database did not answer".to_owned(),
                source,
            },
            Source::Corrupt(what) => Self::Internal(what),
        }
    }
}

impl From<merak_storage::Error> for Error {
    fn from(error: merak_storage::Error) -> Self {
        use merak_storage::Error as Source;
        let text = error.to_string();
        match error {
            Source::NotFound { location, .. } => Self::NoSuchFile(location),
            Source::AlreadyExists { .. } => Self::CommitFailed(text),
            Source::Denied { .. } | Source::NoCredentials { .. } => Self::StorageDenied(text),
            Source::TooLarge { .. } | Source::Malformed { .. } | Source::Refused { .. } => {
                Self::BadRequest(text)
            }
            Source::Unsupported(_) => Self::Unsupported(text),
            Source::Timeout { .. } | Source::Unavailable { .. } => Self::Unavailable {
                what: "The object store",
                reason: text,
                source: Box::new(error),
            },
        }
    }
}

/// What other catalogs make of a request. Whatever is certain to have changed nothing is 503: it is no
/// fault of the client's, and Iceberg's clients take 502 for a commit that may have happened. What is
/// refused there is no 401 here: a client would go for another token of its own, for ever.
impl From<merak_federation::Error> for Error {
    fn from(error: merak_federation::Error) -> Self {
        use merak_federation::Error as Source;
        let reason = error.to_string();
        match error {
            Source::OutcomeUnknown { .. } => {
                Self::CommitStateUnknown { what: reason, source: Box::new(error) }
            }
            Source::Unauthorized { .. } | Source::NotAllowed(_) => Self::Forbidden(reason),
            Source::NoConnection(_) | Source::Unaddressable(_) => Self::BadRequest(reason),
            Source::Malformed { .. }
            | Source::Secret { .. }
            | Source::Unreachable { .. }
            | Source::Nonsense { .. }
            | Source::NoCredentials { .. } => {
                Self::Unavailable { what: "The other catalog", reason, source: Box::new(error) }
            }
        }
    }
}

impl From<merak_federation::Refused> for Error {
    fn from(refused: merak_federation::Refused) -> Self {
        Self::BadRequest(refused.to_string())
    }
}

impl From<merak_table_metadata::Error> for Error {
    fn from(error: merak_table_metadata::Error) -> Self {
        use merak_table_metadata::Error as Source;
        match error {
            Source::Invalid(text) => Self::Validation(text),
            Source::RequirementFailed(text) | Source::Stale(text) => Self::CommitFailed(text),
        }
    }
}

impl From<merak_model::names::InvalidName> for Error {
    fn from(error: merak_model::names::InvalidName) -> Self {
        Self::IllegalArgument(error.to_string())
    }
}

impl From<merak_model::location::InvalidLocation> for Error {
    fn from(error: merak_model::location::InvalidLocation) -> Self {
        Self::BadRequest(error.to_string())
    }
}
