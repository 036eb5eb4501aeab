//! Writes.

use merak_model::{Entity, EntityId, EntityVersion, GrantRecord, Properties};

use crate::Recorded;

/// One step of a write.
#[derive(Debug, Clone)]
pub enum Change {
    /// Makes an entity. Fails if its parent is gone ([`crate::Error::ParentGone`]), if its name is
    /// taken ([`crate::Error::AlreadyExists`]) or, when `keep_apart` is set, if one of its places
    /// ([`Entity::places`]) overlaps another's ([`crate::Error::LocationOverlap`]).
    Create {
        /// The entity.
        entity: Box<Entity>,
        /// The current metadata, kept beside the pointer.
        metadata: Option<Vec<u8>>,
        /// Whether its places must not overlap those of any table, view or generic table of the
        /// catalog, nor that of a namespace with the same parent. For a namespace: those of any
        /// entity with the same parent.
        keep_apart: bool,
    },
    /// Replaces the entity with the same id, if it is still at `expected`; it is then at the version
    /// that `entity` states. Changes its name and parent too: that is a rename.
    Update {
        /// The entity as it is to be.
        entity: Box<Entity>,
        /// The version the change was based on.
        expected: EntityVersion,
        /// What becomes of the metadata kept beside the pointer.
        metadata: MetadataBody,
        /// As in [`Change::Create`].
        keep_apart: bool,
    },
    /// Removes an entity that has no children, with every grant to it and on it, a principal with
    /// its secrets, and what policies are attached to with that. Fails with
    /// [`crate::Error::NotEmpty`] while children remain, or while it is a policy that is attached to
    /// something.
    Drop {
        /// The entity.
        id: EntityId,
        /// The version the decision was based on.
        expected: EntityVersion,
    },
    /// Grants a privilege. Granting it again changes nothing.
    Grant(GrantRecord),
    /// Takes a privilege away. Fails with [`crate::Error::NotGranted`] if it was not granted.
    Revoke(GrantRecord),
    /// Attaches a policy to something. Where it is attached already, its parameters are replaced.
    /// Fails with [`crate::Error::TypeAttached`] if another policy of its type is attached there, and
    /// with [`crate::Error::ParentGone`] if either is gone.
    AttachPolicy(Box<PolicyMapping>),
    /// Detaches a policy from something. Fails with [`crate::Error::NotAttached`] if it was not
    /// attached to it.
    DetachPolicy {
        /// The policy.
        policy: EntityId,
        /// What it is attached to.
        target: EntityId,
    },
    /// Detaches a policy from all that it is attached to.
    DetachPolicyFromAll(EntityId),
    /// Sets a principal's client id and secrets.
    SetSecrets(EntityId, PrincipalSecrets),
    /// Replaces a principal's secrets, if they are still those that the new ones were made from:
    /// else [`crate::Error::SecretsMoved`]. Of two rotations at once the second would otherwise give
    /// out a secret that does not work, or keep one alive that was to end.
    RotateSecrets {
        /// The principal.
        principal: EntityId,
        /// The main hash as it was.
        expected: String,
        /// The secrets as they are to be.
        secrets: PrincipalSecrets,
    },
    /// Remembers the answer to the request that makes the changes, if it carried an idempotency key.
    /// Fails with [`crate::Error::AlreadyAnswered`], and with it all changes, if the key has an answer
    /// that is not expired. After a single creation or update it is a part of that statement.
    Answer(Box<AnswerRecord>),
    /// Adds work for the background.
    AddTask(Box<NewTask>),
    /// Keeps an event, and a pending delivery for each of its sinks. Fails with
    /// [`crate::Error::AlreadyRecorded`], and with it all changes, if an event with that id is there:
    /// then the same changes were made before. Where they end the changes, they are one statement
    /// together, and are kept only if the others change something: what is granted already is not.
    Record(Box<Recorded>),
}

/// A policy and what it is attached to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyMapping {
    /// The policy.
    pub policy: EntityId,
    /// The type of the policy, by its code: of each type one policy at most is attached to a target.
    pub policy_type: i32,
    /// What it is attached to.
    pub target: EntityId,
    /// What whoever attached it has to say about it there.
    pub parameters: Properties,
}

/// The final answer to a request that carried an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerRecord {
    /// Who asked, as their token says: keys are their own.
    pub principal: String,
    /// The key, a UUID in its usual spelling, of 36 characters.
    pub key: String,
    /// What was asked for; another request under the same key has another one.
    pub fingerprint: String,
    /// The answer, a JSON object that only the service understands.
    pub answer: String,
    /// When it was given, in milliseconds since 1970.
    pub created_ms: i64,
    /// When it is forgotten, in milliseconds since 1970.
    pub expires_ms: i64,
}

/// Work for the background that is not begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTask {
    /// Its identifier.
    pub id: EntityId,
    /// What is to be done, in a word.
    pub kind: String,
    /// The catalog it is about. It may be dropped while the task is worked on.
    pub catalog_id: EntityId,
    /// What it is about, for people.
    pub subject: String,
    /// What it has to know: a JSON object that only the service understands.
    pub details: String,
    /// When it was asked for, in milliseconds since 1970.
    pub created_ms: i64,
}

/// What becomes of the metadata kept beside the pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetadataBody {
    /// It stays.
    Keep,
    /// It is replaced; by nothing where the new metadata is too large to be kept.
    Set(Option<Vec<u8>>),
}

/// A principal's client id and the hashes of its secrets. The secrets themselves are never stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrincipalSecrets {
    /// What the principal names itself by when it asks for a token.
    pub client_id: String,
    /// Lower-case hex of the SHA-256 of `secret:salt`, as Polaris keeps it.
    pub main_hash: String,
    /// The hash of the secret before the last rotation, which is still accepted.
    pub secondary_hash: String,
    /// Hashed with each secret.
    pub salt: String,
}
