//! What the server remembers: the [`Metastore`] trait, its errors, its conformance suite.
//!
//! It knows no database: how things are kept is `metastore-sql`'s business, and no driver's type is
//! in a signature here.
#![warn(missing_docs)]

mod answers;
mod audit;
mod change;
mod error;
mod events;
mod reports;
mod resolve;
mod tasks;
#[cfg(feature = "testing")]
pub mod testing;

use std::fmt::Debug;

use async_trait::async_trait;
use merak_model::{Entity, EntityId, RealmId};
use secrecy::SecretBox;

pub use answers::Answers;
pub use audit::{AuditQuery, AuditRecord, AuditRecords};
pub use change::{AnswerRecord, Change, MetadataBody, NewTask, PolicyMapping, PrincipalSecrets};
pub use error::{BoxError, Error};
pub use events::{
    Delivery, EventOrder, EventRecord, Events, EventsQuery, Recorded, ResourceFilter,
};
pub use reports::{
    FoundReport, MetricsReport, MetricsReports, ReportKind, ReportsOf, ReportsQuery,
};
pub use resolve::{
    ActivatedCatalogRole, ActivatedRole, AttachedPolicy, CallerRef, Children, Explanation,
    NamedLookup, Page, PrincipalRef, RelatedGrant, Relation, Resolution, ResolveRequest, Resolved,
    ResolvedCaller, ResolvedTable, RoleSelection, TableLookup,
};
pub use tasks::{Hold, TablesAfter, Task, TaskEnd, TaskState, Tasks};

/// Everything the server remembers, one realm at a time.
///
/// Each method is one transaction: what it reads comes from one snapshot, and what it writes is
/// durable and visible to every replica once it returns `Ok`. No transaction ever leaves this trait.
#[async_trait]
pub trait Metastore:
    Answers + AuditRecords + Events + MetricsReports + Tasks + Debug + Send + Sync
{
    /// Reads who is calling, what is on a path, the grants on it that bear on the caller and, if
    /// asked, a page of children, what is beside the path, or other grants: all in one statement.
    /// What is not there is absent from the answer.
    async fn resolve(&self, realm: &RealmId, request: &ResolveRequest)
    -> Result<Resolution, Error>;

    /// Applies all of `changes` in their order, or none of them.
    ///
    /// A single change is a single statement.
    async fn apply(&self, realm: &RealmId, changes: &[Change]) -> Result<(), Error>;

    /// Fails with [`Error::LocationOverlap`] as [`Change::Create`] does, when it is to keep apart an
    /// entity that is not made yet. By the time it is made, something may be in its way.
    async fn check_apart(&self, realm: &RealmId, entity: &Entity) -> Result<(), Error>;

    /// The secrets and the name of the principal with that client id, in one statement.
    async fn credentials(
        &self,
        realm: &RealmId,
        client_id: &str,
    ) -> Result<Option<PrincipalCredentials>, Error>;

    /// The client id and the hashes of the secrets of a principal that has some.
    async fn secrets(
        &self,
        realm: &RealmId,
        principal: EntityId,
    ) -> Result<Option<PrincipalSecrets>, Error>;

    /// The name of a principal, if there still is one with that id.
    async fn principal_name(
        &self,
        realm: &RealmId,
        principal: EntityId,
    ) -> Result<Option<String>, Error>;

    /// The key a realm signs its tokens with, for that algorithm. If there is none yet, `candidate`
    /// becomes it: of replicas that offer theirs at once one wins, and all get the winner's.
    async fn signing_key(
        &self,
        realm: &RealmId,
        algorithm: &str,
        candidate: &SecretBox<[u8]>,
    ) -> Result<SecretBox<[u8]>, Error>;

    /// The key a realm signs its tokens with, for that algorithm, if there is one.
    async fn find_signing_key(
        &self,
        realm: &RealmId,
        algorithm: &str,
    ) -> Result<Option<SecretBox<[u8]>>, Error>;

    /// Makes a realm and applies `changes` in it, unless the realm exists already: then nothing
    /// happens, so that replicas may all try at once.
    async fn bootstrap(&self, realm: &RealmId, changes: &[Change]) -> Result<Bootstrap, Error>;

    /// Whether a realm was bootstrapped.
    async fn is_bootstrapped(&self, realm: &RealmId) -> Result<bool, Error>;

    /// Removes a realm and everything in it. Whether there was one.
    async fn purge(&self, realm: &RealmId) -> Result<bool, Error>;

    /// Whether the database answers.
    async fn ping(&self) -> Result<(), Error>;
}

/// What came of a bootstrap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bootstrap {
    /// The realm is new, and the changes were applied.
    Made,
    /// The realm was there before: nothing was changed.
    AlreadyThere,
}

/// What a client must prove to be a principal.
#[derive(Debug, Clone)]
pub struct PrincipalCredentials {
    /// The principal.
    pub principal: EntityId,
    /// Its name.
    pub name: String,
    /// Its client id and the hashes of its secrets.
    pub secrets: PrincipalSecrets,
}
