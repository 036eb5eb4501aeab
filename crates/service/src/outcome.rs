//! What became of a write whose answer was lost on the way from the database.
//!
//! A client that hears "unknown" must not go on, so that it is found out wherever it can be. The
//! same write is sent once more: it names the version it is based on, and can therefore not happen
//! twice. If it is refused now, either the first one happened, which shows, or something else did,
//! and the first one can never happen any more.
//!
//! What makes something names no version, and could be done again after somebody else removed what
//! was made; what attaches or detaches a policy, after somebody else did the opposite; and what was
//! renamed is not found where it was put after somebody else renamed it on. So these leave a mark,
//! an answer under a key of its own, which is there even then. And whoever finds the mark free takes
//! it, so that the write can never happen any more.

use std::time::Duration;

use merak_authz::Actor;
use merak_metastore::{
    CallerRef, Change, Error as MetastoreError, NamedLookup, ResolveRequest, RoleSelection,
    TableLookup,
};
use merak_model::{Entity, EntityId, EntityKind, Namespace, RealmId, TableIdent};

use crate::answers::Answer;
use crate::events::Happening;
use crate::metadata::TableRef;
use crate::{Error, Service, metadata};

/// After how long it is asked again, each time.
pub(crate) const WAITS_MS: [u64; 3] = [10, 100, 500];

/// Where it shows whether a write happened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trace<'a> {
    /// The catalog it is in.
    pub(crate) catalog: &'a Entity,
    /// What it leaves there.
    pub(crate) left: Left<'a>,
}

/// What a write leaves.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Left<'a> {
    /// The table or view with that id has, or had, the metadata file.
    Pointer(&'a TableIdent, EntityId, &'a str),
    /// The table with that id has this name.
    Name(&'a TableIdent, EntityId),
    /// There is no table of that id under the name.
    NoTable(&'a TableIdent, EntityId),
    /// The namespace of that name has the id, and the version of the entity.
    Namespace(&'a Namespace, &'a Entity),
    /// There is no namespace of that id under the name.
    NoNamespace(&'a Namespace, EntityId),
    /// The policy of that name has the id, and the version of the entity.
    Policy(&'a TableIdent, &'a Entity),
    /// There is no policy of that id under the name.
    NoPolicy(&'a TableIdent, EntityId),
    /// Nothing but its mark. Or the answer to its request: whoever is refused is told that.
    Mark,
}

impl Service {
    /// Makes changes, and keeps what happens by them; the answer is remembered with them if the
    /// request has a key.
    ///
    /// Where the answer of the database is lost, it is found out by what the write would have left:
    /// [`MetastoreError::OutcomeUnknown`] means that even so nobody can tell.
    pub(crate) async fn apply_surely(
        &self,
        actor: &Actor,
        changes: Vec<Change>,
        happenings: Vec<Happening>,
        answer: impl FnOnce() -> Answer + Send,
        trace: Trace<'_>,
    ) -> Result<(), MetastoreError> {
        let events = self.events_of(actor, happenings);
        let has_events = !events.is_empty();
        let mut changes = self.with_answer(changes, answer);
        let needs_mark =
            matches!(trace.left, Left::Name(..)) || changes.iter().any(names_no_version);
        let mark = (needs_mark && self.answer_key.is_none()).then(|| self.mark());
        changes.extend(mark.clone());
        changes.extend(events);
        let outcome = self.send_surely(actor, &changes, mark.as_ref(), trace).await;
        if outcome.is_ok() && has_events {
            self.events.wake();
        }
        outcome
    }

    /// Sends a write until it is known what became of it, or it seems that it never will be.
    async fn send_surely(
        &self,
        actor: &Actor,
        changes: &[Change],
        mark: Option<&Change>,
        trace: Trace<'_>,
    ) -> Result<(), MetastoreError> {
        let realm = &actor.realm;
        let lost = match self.metastore.apply(realm, changes).await {
            Err(MetastoreError::OutcomeUnknown(source)) => source,
            outcome => return outcome,
        };
        let mut refused = None;
        for wait in WAITS_MS {
            tokio::time::sleep(Duration::from_millis(wait)).await;
            // What was refused once is only looked at again: by now it might be done a second time.
            if refused.is_none() {
                match self.metastore.apply(realm, changes).await {
                    // Its events have ids of their own: whoever finds one there made all of it.
                    Ok(()) | Err(MetastoreError::AlreadyRecorded) => return Ok(()),
                    Err(MetastoreError::AlreadyAnswered) if mark.is_some() => return Ok(()),
                    Err(MetastoreError::OutcomeUnknown(_) | MetastoreError::Unavailable(_)) => {
                        continue;
                    }
                    Err(error) => refused = Some(error),
                }
            }
            let is_left = match mark {
                Some(mark) => self.has_mark(realm, mark).await,
                None => self.is_left(actor, trace).await,
            };
            match (is_left, refused.take()) {
                (Ok(Some(true)), _) => return Ok(()),
                (Ok(Some(false)), Some(error)) => return Err(error),
                (Ok(_), _) => break,
                (Err(_), error) => refused = error,
            }
        }
        tracing::warn!(error = lost, "what became of a write could not be found out");
        Err(MetastoreError::OutcomeUnknown(lost))
    }

    /// Whether a write left its mark. If not, it is taken, and the write can not happen any more.
    async fn has_mark(&self, realm: &RealmId, mark: &Change) -> Result<Option<bool>, Error> {
        match self.metastore.apply(realm, std::slice::from_ref(mark)).await {
            Ok(()) => Ok(Some(false)),
            Err(MetastoreError::AlreadyAnswered) => Ok(Some(true)),
            // Another time it could be this one that is found.
            Err(MetastoreError::OutcomeUnknown(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a write left what it would have left; nothing where that can no longer be told.
    async fn is_left(&self, actor: &Actor, trace: Trace<'_>) -> Result<Option<bool>, Error> {
        let realm = &actor.realm;
        let caller = CallerRef { principal: actor.id.into(), roles: RoleSelection::All };
        let mut request = ResolveRequest::of_catalog(caller, &trace.catalog.name);
        match trace.left {
            Left::Pointer(ident, ..) | Left::Name(ident, _) | Left::NoTable(ident, _) => {
                request.tables = vec![TableLookup { ident: ident.clone(), known_metadata: None }];
            }
            Left::Namespace(namespace, _) | Left::NoNamespace(namespace, _) => {
                request.namespaces = vec![namespace.clone()];
            }
            Left::Policy(ident, _) | Left::NoPolicy(ident, _) => {
                request.named = vec![NamedLookup {
                    kind: EntityKind::Policy,
                    namespace: Some(ident.namespace.clone()),
                    name: ident.name.clone(),
                }];
            }
            Left::Mark => return Ok(Some(false)),
        }
        let mut found = self.metastore.resolve(realm, &request).await?;
        let table = found.tables.pop();
        let policy = found.named.pop().map(|found| found.entity);
        let namespace = |wanted: &Namespace| {
            let encoded = wanted.encoded();
            found.namespaces.iter().map(|one| &one.entity).find(|one| one.name == encoded)
        };
        Ok(match trace.left {
            Left::Name(_, id) => Some(table.is_some_and(|found| found.resolved.entity.id == id)),
            Left::NoTable(_, id) => Some(table.is_none_or(|found| found.resolved.entity.id != id)),
            Left::Namespace(wanted, entity) => Some(
                namespace(wanted)
                    .is_some_and(|one| one.id == entity.id && one.version == entity.version),
            ),
            Left::NoNamespace(wanted, id) => Some(namespace(wanted).is_none_or(|one| one.id != id)),
            Left::Policy(_, entity) => {
                Some(policy.is_some_and(|one| one.id == entity.id && one.version == entity.version))
            }
            Left::NoPolicy(_, id) => Some(policy.is_none_or(|one| one.id != id)),
            Left::Mark => Some(false),
            Left::Pointer(ident, id, location) => {
                let Some(found) = table else { return Ok(None) };
                let entity = found.resolved.entity;
                if entity.id != id {
                    // It may have been done, and the table renamed before another got its name.
                    return Ok(None);
                }
                let Some(current) = entity.metadata_location else { return Ok(None) };
                if current == location {
                    return Ok(Some(true));
                }
                if entity.kind != EntityKind::Table {
                    // A view has no log of its files.
                    return Ok(None);
                }
                // Others committed since: then it is in the log, or it never was current.
                let store = self.store(realm, trace.catalog)?;
                let table = TableRef { realm, catalog: trace.catalog, ident };
                let body = found.metadata.as_deref();
                let json = self.metadata.json(table, &store, &current, body).await?;
                let metadata = metadata::parse(&current, &json)?;
                Some(metadata.metadata_log().any(|file| file == location))
            }
        })
    }
}

/// Whether a change could be done a second time, after somebody else undid it.
fn names_no_version(change: &Change) -> bool {
    match change {
        Change::Create { .. } | Change::AttachPolicy(_) | Change::DetachPolicy { .. } => true,
        Change::Update { .. }
        | Change::Drop { .. }
        | Change::Grant(_)
        | Change::Revoke(_)
        | Change::DetachPolicyFromAll(_)
        | Change::SetSecrets(..)
        | Change::RotateSecrets { .. }
        | Change::Answer(_)
        | Change::AddTask(_)
        | Change::Record(_) => false,
    }
}
