//! Commits of many tables at once: all pointers move, or none.

use std::collections::HashMap;
use std::sync::Arc;

use merak_authz::operations::CommitTransaction;
use merak_authz::{Actor, Authorized, TransactionTarget};
use merak_metastore::{Change, Error as MetastoreError, MetadataBody};
use merak_model::features::{CatalogFeatures, ICEBERG_COMMIT_MAX_RETRIES};
use merak_model::{Entity, EntityId, EventSubject, RealmId, TableIdent};
use merak_storage::CatalogStore;
use merak_table_metadata::TableMetadata;

use crate::answers::Answer;
use crate::commits::{Base, Built, Commit, were_applied};
use crate::events::Happening;
use crate::external::check_internal;
use crate::locations::check_still_allowed;
use crate::new_tables::WrittenFile;
use crate::outcome::{Left, Trace};
use crate::queue::{Newest, Turn};
use crate::{Error, Service};

/// The commits of one table within a transaction, in the order they were named.
#[derive(Debug, Clone)]
pub struct TableChange {
    /// The table.
    pub ident: TableIdent,
    /// Its commits: each applies to what the one before made.
    pub commits: Vec<Commit>,
}

impl Service {
    /// Commits to many tables: all of it or nothing.
    pub async fn commit_transaction(
        &self,
        proof: Authorized<CommitTransaction<TableChange>>,
    ) -> Result<(), Error> {
        let actor = &proof.actor();
        let realm = &actor.realm;
        let changes = &proof.operation().0;
        let targets = &proof.target().tables;
        let Some(first) = targets.first() else { return self.nothing_to_do(realm).await };
        // All are in one catalog.
        let catalog = catalog_of(first);
        check_internal(catalog, "update table")?;
        let features = self.features_of(realm);
        let features = features.within(&catalog.properties);
        let store = &self.store(realm, catalog)?;
        let job = Job { actor, catalog, store, features };
        let mut turns = self.enter_all(realm, targets).await;
        // What was looked at again, after the race for a pointer was lost.
        let mut bases: HashMap<EntityId, Base> = HashMap::new();
        for _ in 0..=features.number(&ICEBERG_COMMIT_MAX_RETRIES).max(0) {
            self.read_bases(job, targets, &turns, &mut bases).await?;
            if self.all_were_applied(job, changes, targets, &bases).await {
                return self.nothing_to_do(realm).await;
            }
            let (steps, fences) = self.steps(job, changes, targets, &bases)?;
            if self.carry_out(job, &steps, fences, &mut turns).await? {
                return Ok(());
            }
            for target in targets {
                if let TransactionTarget::Change(table) = target {
                    let base = self.base_again(realm, actor.id, table, store).await?;
                    bases.insert(table.table.id, base);
                }
            }
        }
        let names: Vec<_> = changes.iter().map(|change| change.ident.to_string()).collect();
        Err(lost_race(&names.join(", ")))
    }

    /// Reads what the commits are based on, as far as it was not looked at again: the newest states
    /// this process knows of.
    async fn read_bases(
        &self,
        Job { actor, store, .. }: Job<'_>,
        targets: &[TransactionTarget],
        turns: &[Turn],
        bases: &mut HashMap<EntityId, Base>,
    ) -> Result<(), Error> {
        for target in targets {
            let TransactionTarget::Change(table) = target else { continue };
            if bases.contains_key(&table.table.id) {
                continue;
            }
            check_still_allowed(&table.ident, &table.table, &store.config)?;
            let newest = turns.iter().find_map(|turn| turn.newest(&table.table));
            let base = match newest {
                Some(Newest { entity, metadata }) => Base { entity, metadata },
                None => self.read_base(&actor.realm, table, store).await?,
            };
            bases.insert(table.table.id, base);
        }
        Ok(())
    }

    /// Whether the tables show that all of it happened before: its client did not hear of it. Since
    /// it is all or nothing, what leaves no trace happened if the rest did.
    async fn all_were_applied(
        &self,
        Job { actor, store, .. }: Job<'_>,
        changes: &[TableChange],
        targets: &[TransactionTarget],
        bases: &HashMap<EntityId, Base>,
    ) -> bool {
        let mut has_trace = false;
        for (TableChange { commits, .. }, target) in changes.iter().zip(targets) {
            if !commits.iter().any(Commit::leaves_trace) {
                continue;
            }
            has_trace = true;
            let was_applied = match target {
                TransactionTarget::Change(table) => bases
                    .get(&table.table.id)
                    .is_some_and(|base| were_applied(commits, &base.metadata)),
                TransactionTarget::Create(table) => match &table.existing {
                    Some(existing) => {
                        self.made_before(&actor.realm, existing, commits, store).await.is_some()
                    }
                    None => false,
                },
            };
            if !was_applied {
                return false;
            }
        }
        has_trace
    }

    /// Judges and builds what becomes of each table, and what must not have changed: a table that is
    /// only required something of is held at the version the requirement was checked on. Nothing is
    /// written.
    fn steps<'a>(
        &self,
        Job { store, features, .. }: Job<'_>,
        changes: &[TableChange],
        targets: &'a [TransactionTarget],
        bases: &HashMap<EntityId, Base>,
    ) -> Result<(Vec<Step<'a>>, Vec<Change>), Error> {
        let mut steps = Vec::with_capacity(targets.len());
        let mut fences = Vec::new();
        for (change, target) in changes.iter().zip(targets) {
            let built = match target {
                TransactionTarget::Change(table) => {
                    let base = bases.get(&table.table.id).cloned().ok_or_else(|| {
                        Error::Internal("A change of a table has no base".to_owned())
                    })?;
                    match self.build(&change.commits, &base, table, store, features)? {
                        Built::Unchanged => {
                            fences.push(fence(base.entity));
                            continue;
                        }
                        Built::Changed(metadata) => (Some(base), *metadata),
                    }
                }
                TransactionTarget::Create(table) => {
                    let metadata = self.build_new(&change.commits, table, store, features)?;
                    (None, metadata)
                }
            };
            steps.push(Step { target, base: built.0, metadata: built.1 });
        }
        Ok((steps, fences))
    }

    /// Writes the files of all tables, then moves all pointers at once. Answers whether it did: if
    /// not, one of the tables was changed meanwhile.
    async fn carry_out(
        &self,
        job: Job<'_>,
        steps: &[Step<'_>],
        fences: Vec<Change>,
        turns: &mut [Turn],
    ) -> Result<bool, Error> {
        let Job { actor, catalog, store, .. } = job;
        let realm = &actor.realm;
        let mut files: Vec<WrittenFile> = Vec::with_capacity(steps.len());
        let mut changes = Vec::with_capacity(steps.len());
        let mut left = Vec::new();
        let mut ids = Vec::with_capacity(steps.len());
        let mut happened = Vec::with_capacity(steps.len() + 1);
        for step in steps {
            match self.write_step(job, step).await {
                Ok((file, change, entity, id)) => {
                    ids.push(id);
                    happened.extend(step.happenings(catalog, &change));
                    if let Some(entity) = entity {
                        let metadata = Arc::new(step.metadata.clone());
                        left.push(Newest { entity, metadata });
                    }
                    files.push(file);
                    changes.push(change);
                }
                Err(error) => {
                    self.discard_all(store, &files).await;
                    return Err(error);
                }
            }
        }
        let (Some(step), Some(file), Some(id)) = (steps.first(), files.first(), ids.first()) else {
            return self.nothing_to_do(realm).await.map(|()| true);
        };
        changes.extend(fences);
        let tables: Vec<_> = steps.iter().map(|step| step.ident().to_string()).collect();
        let all = Happening::within(EventSubject::CommitTransaction, &catalog.name, &catalog.name);
        happened.push(all.with("tables", tables));
        // All pointers move or none: one tells of all.
        let pointer = file.pointer.as_str();
        let trace = Trace { catalog, left: Left::Pointer(step.ident(), *id, pointer) };
        let answer = || Answer::Done;
        if let Err(error) = self.apply_surely(actor, changes, happened, answer, trace).await {
            if !matches!(error, MetastoreError::OutcomeUnknown(_)) {
                self.discard_all(store, &files).await;
            }
            if matches!(error, MetastoreError::Conflict { .. }) {
                return Ok(false);
            }
            let names: Vec<_> = steps.iter().map(|step| step.ident().to_string()).collect();
            return Err(transaction_failed(error, &names.join(", ")));
        }
        for newest in left {
            if let Some(turn) = turns.iter_mut().find(|turn| turn.table() == newest.entity.id) {
                turn.leave(newest);
            }
        }
        for (step, file) in steps.iter().zip(&files) {
            match (step.target, &step.base) {
                (TransactionTarget::Change(table), Some(base)) => {
                    self.after_commit(realm, table, store, base, &step.metadata, file).await;
                }
                (TransactionTarget::Create(table), _) => self.keep(realm, table, file).await,
                (TransactionTarget::Change(_), None) => {}
            }
        }
        Ok(true)
    }

    /// The answer to a transaction that changes nothing.
    async fn nothing_to_do(&self, realm: &RealmId) -> Result<(), Error> {
        let answered = self.answer_unchanged(realm, || Answer::Done).await;
        answered.map_err(|error| transaction_failed(error, "of a transaction"))
    }

    /// Writes a table's file. For one that was there, the table as the commit leaves it comes along.
    async fn write_step(
        &self,
        Job { store, features, .. }: Job<'_>,
        step: &Step<'_>,
    ) -> Result<(WrittenFile, Change, Option<Entity>, EntityId), Error> {
        match (step.target, &step.base) {
            (TransactionTarget::Create(table), _) => {
                let file = self.write_first(table, store, &step.metadata).await?;
                let (change, id) = self.creation(table, &step.metadata, &file, features)?;
                Ok((file, change, None, id))
            }
            (TransactionTarget::Change(_), base) => {
                let base = base
                    .as_ref()
                    .ok_or_else(|| Error::Internal("A change of a table has no base".to_owned()))?;
                let previous = Some(base.location());
                let file = self.write_file(store, &step.metadata, previous).await?;
                let entity = self.repointed(&base.entity, &step.metadata, &file)?;
                let change = self.pointer_swap(base, entity.clone(), &file, features);
                let id = entity.id;
                Ok((file, change, Some(entity), id))
            }
        }
    }

    async fn discard_all(&self, store: &CatalogStore, files: &[WrittenFile]) {
        for file in files {
            self.metadata.discard(store, &file.location).await;
        }
    }

    /// The turns at all tables of a transaction.
    async fn enter_all(&self, realm: &RealmId, targets: &[TransactionTarget]) -> Vec<Turn> {
        let tables = targets.iter().filter_map(|target| match target {
            TransactionTarget::Change(table) => Some(table.table.id),
            TransactionTarget::Create(_) => None,
        });
        self.queue.enter_all(realm, tables.collect()).await
    }
}

/// A change that changes nothing, and fails if somebody else changed the table.
fn fence(table: Entity) -> Change {
    let expected = table.version;
    Change::Update {
        entity: Box::new(table),
        expected,
        metadata: MetadataBody::Keep,
        keep_apart: false,
    }
}

fn catalog_of(target: &TransactionTarget) -> &Entity {
    match target {
        TransactionTarget::Change(table) => &table.namespace.catalog,
        TransactionTarget::Create(table) => &table.namespace.catalog,
    }
}

/// Whose transaction it is, and the catalog it is in.
#[derive(Clone, Copy)]
struct Job<'a> {
    actor: &'a Actor,
    catalog: &'a Entity,
    store: &'a CatalogStore,
    features: CatalogFeatures<'a>,
}

/// A table's part in a transaction.
struct Step<'a> {
    target: &'a TransactionTarget,
    base: Option<Base>,
    metadata: TableMetadata,
}

impl Step<'_> {
    /// What happens to the table by the change.
    fn happenings(&self, catalog: &Entity, change: &Change) -> Vec<Happening> {
        let updated = Happening::to_table(EventSubject::UpdateTable, catalog, self.ident())
            .changed_by(change)
            .after_maybe(self.base.as_ref().map(|base| &base.entity));
        let created = self.base.is_none().then(|| updated.of(EventSubject::CreateTable));
        created.into_iter().chain([updated]).collect()
    }

    fn ident(&self) -> &TableIdent {
        match self.target {
            TransactionTarget::Change(table) => &table.ident,
            TransactionTarget::Create(table) => &table.ident,
        }
    }
}

fn lost_race(tables: &str) -> Error {
    Error::CommitFailed(format!(
        "Transaction commit failed: one of the tables {tables} was changed at the same time"
    ))
}

/// What the metastore's refusal of a transaction means to a client.
fn transaction_failed(error: MetastoreError, tables: &str) -> Error {
    match error {
        MetastoreError::OutcomeUnknown(source) => {
            Error::CommitStateUnknown { what: format!("tables {tables}"), source }
        }
        MetastoreError::Conflict { .. }
        | MetastoreError::ParentGone
        | MetastoreError::AlreadyExists { .. } => lost_race(tables),
        other @ (MetastoreError::NotEmpty { .. }
        | MetastoreError::LocationOverlap { .. }
        | MetastoreError::ClientIdTaken(_)
        | MetastoreError::NotGranted
        | MetastoreError::TypeAttached { .. }
        | MetastoreError::NotAttached
        | MetastoreError::AlreadyAnswered
        | MetastoreError::AlreadyRecorded
        | MetastoreError::SecretsMoved(_)
        | MetastoreError::Unavailable(_)
        | MetastoreError::Corrupt(_)) => other.into(),
    }
}
