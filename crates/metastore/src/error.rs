//! What can come of asking the metastore.

use merak_model::{EntityId, EntityKind, EntityVersion};

/// Any error, as a source.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why the metastore did not do as asked: one variant for each outcome its callers act on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The name is taken, by an entity of that kind.
    #[error("{kind} already exists: {name}")]
    AlreadyExists {
        /// What has the name.
        kind: EntityKind,
        /// The name.
        name: String,
    },
    /// The entity is no longer at the version the change was based on, or no longer there.
    #[error("entity {id} is no longer at version {expected}")]
    Conflict {
        /// The entity.
        id: EntityId,
        /// The version it was expected at.
        expected: EntityVersion,
    },
    /// The entity that something was to be made in, or granted on or to, is not there any more.
    #[error("the entity it belongs to is gone")]
    ParentGone,
    /// The entity has children, or is a policy that is attached to something.
    #[error("entity {id} is not empty")]
    NotEmpty {
        /// The entity.
        id: EntityId,
    },
    /// A place of the entity overlaps one of something else.
    #[error("location {location} overlaps {other}")]
    LocationOverlap {
        /// The place asked for.
        location: String,
        /// The place of what is there.
        other: String,
    },
    /// What was to be revoked was not granted.
    #[error("it was not granted")]
    NotGranted,
    /// The target has another policy of that type already.
    #[error("another policy of its type is attached to entity {target}")]
    TypeAttached {
        /// What the policy was to be attached to.
        target: EntityId,
    },
    /// The policy that was to be detached was not attached.
    #[error("it was not attached")]
    NotAttached,
    /// The principal's secrets are no longer those that the new ones were made from.
    #[error("the secrets of principal {0} were changed meanwhile")]
    SecretsMoved(EntityId),
    /// Another principal has that client id.
    #[error("client id already in use: {0}")]
    ClientIdTaken(String),
    /// The request was answered before, under the same idempotency key: nothing was changed now.
    #[error("the request was answered before")]
    AlreadyAnswered,
    /// An event of the changes is there already: they were made before, and nothing was changed now.
    #[error("the changes were made before")]
    AlreadyRecorded,
    /// The change was sent, and what became of it is not known: it may have happened.
    #[error("it is not known whether the change was made")]
    OutcomeUnknown(#[source] BoxError),
    /// Nothing was changed: the database could not be asked, or refused for a reason that passes.
    #[error("the metastore is unavailable")]
    Unavailable(#[source] BoxError),
    /// What is stored cannot be read: a newer version wrote it, or somebody by hand.
    #[error("the metastore holds something unreadable: {0}")]
    Corrupt(String),
}
