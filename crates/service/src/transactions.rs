//! Commits of many tables at once: all pointers move, or none.

use std::collections::HashMap;
use std::sync::Arc;

use merak_authz::operations::CommitTransaction;
use merak_authz::{Authorized, TransactionTarget};
use merak_metastore::{Change, Error as MetastoreError, MetadataBody};
use merak_model::features::{CatalogFeatures, ICEBERG_COMMIT_MAX_RETRIES};
use merak_model::{Entity, EntityId, Features, RealmId, TableIdent};
use merak_storage::CatalogStore;
use merak_table_metadata::TableMetadata;

use crate::commits::{Base, Built, Commit};
use crate::locations::check_still_allowed;
use crate::new_tables::WrittenFile;
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
        let realm = proof.realm();
        let changes = &proof.operation().0;
        let targets = &proof.target().tables;
        let features = self.features_of(realm);
        let mut turns = self.enter_all(realm, targets).await;
        // What was looked at again, after the race for a pointer was lost.
        let mut bases: HashMap<EntityId, Base> = HashMap::new();
        let retries = targets.first().map_or(0, |target| {
            features.within(&catalog_of(target).properties).number(&ICEBERG_COMMIT_MAX_RETRIES)
        });
        for _ in 0..=retries.max(0) {
            let (steps, fences) =
                self.steps(realm, &features, changes, targets, &turns, &bases).await?;
            if self.carry_out(realm, &steps, fences, &mut turns).await? {
                return Ok(());
            }
            for step in &steps {
                if let TransactionTarget::Change(table) = step.target {
                    let caller = proof.caller().id;
                    let base = self.base_again(realm, caller, table, &step.store).await?;
                    bases.insert(table.table.id, base);
                }
            }
        }
        let names: Vec<_> = changes.iter().map(|change| change.ident.to_string()).collect();
        Err(lost_race(&names.join(", ")))
    }

    /// Judges and builds what becomes of each table, and what must not have changed: a table that is
    /// only required something of is held at the version the requirement was checked on. Nothing is
    /// written.
    async fn steps<'a>(
        &self,
        realm: &RealmId,
        features: &'a Features,
        changes: &[TableChange],
        targets: &'a [TransactionTarget],
        turns: &[Turn],
        bases: &HashMap<EntityId, Base>,
    ) -> Result<(Vec<Step<'a>>, Vec<Change>), Error> {
        let mut steps = Vec::with_capacity(targets.len());
        let mut fences = Vec::new();
        for (change, target) in changes.iter().zip(targets) {
            let catalog = catalog_of(target);
            let features = features.within(&catalog.properties);
            let store = self.store(realm, catalog)?;
            let built = match target {
                TransactionTarget::Change(table) => {
                    check_still_allowed(&table.ident, &table.table, &store.config)?;
                    let newest = || turns.iter().find_map(|turn| turn.newest(&table.table));
                    let base = if let Some(base) = bases.get(&table.table.id) {
                        base.clone()
                    } else if let Some(Newest { entity, metadata }) = newest() {
                        Base { entity, metadata }
                    } else {
                        self.read_base(realm, table, &store).await?
                    };
                    match self.build(&change.commits, &base, table, &store, features)? {
                        Built::Unchanged => {
                            fences.push(fence(base.entity));
                            continue;
                        }
                        Built::Changed(metadata) => (Some(base), *metadata),
                    }
                }
                TransactionTarget::Create(table) => {
                    let metadata = self.build_new(&change.commits, table, &store, features)?;
                    (None, metadata)
                }
            };
            steps.push(Step { target, store, features, base: built.0, metadata: built.1 });
        }
        Ok((steps, fences))
    }

    /// Writes the files of all tables, then moves all pointers at once. Answers whether it did: if
    /// not, one of the tables was changed meanwhile.
    async fn carry_out(
        &self,
        realm: &RealmId,
        steps: &[Step<'_>],
        fences: Vec<Change>,
        turns: &mut [Turn],
    ) -> Result<bool, Error> {
        let mut files: Vec<WrittenFile> = Vec::with_capacity(steps.len());
        let mut changes = Vec::with_capacity(steps.len());
        let mut left = Vec::new();
        for step in steps {
            match self.write_step(step).await {
                Ok((file, change, entity)) => {
                    if let Some(entity) = entity {
                        let metadata = Arc::new(step.metadata.clone());
                        left.push(Newest { entity, metadata });
                    }
                    files.push(file);
                    changes.push(change);
                }
                Err(error) => {
                    self.discard_all(steps, &files).await;
                    return Err(error);
                }
            }
        }
        if changes.is_empty() {
            return Ok(true);
        }
        changes.extend(fences);
        if let Err(error) = self.metastore.apply(realm, &changes).await {
            if !matches!(error, MetastoreError::OutcomeUnknown(_)) {
                self.discard_all(steps, &files).await;
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
                    self.after_commit(realm, table, &step.store, base, &step.metadata, file).await;
                }
                (TransactionTarget::Create(table), _) => self.keep(realm, table, file).await,
                (TransactionTarget::Change(_), None) => {}
            }
        }
        Ok(true)
    }

    /// Writes a table's file. For one that was there, the table as the commit leaves it comes along.
    async fn write_step(
        &self,
        step: &Step<'_>,
    ) -> Result<(WrittenFile, Change, Option<Entity>), Error> {
        match (step.target, &step.base) {
            (TransactionTarget::Create(table), _) => {
                let file = self.write_first(table, &step.store, &step.metadata).await?;
                let change = self.creation(table, &step.metadata, &file, step.features)?;
                Ok((file, change, None))
            }
            (TransactionTarget::Change(_), base) => {
                let base = base
                    .as_ref()
                    .ok_or_else(|| Error::Internal("A change of a table has no base".to_owned()))?;
                let previous = Some(base.location());
                let file = self.write_file(&step.store, &step.metadata, previous).await?;
                let entity = self.moved(base, &step.metadata, &file)?;
                let change = self.pointer_swap(base, entity.clone(), &file, step.features);
                Ok((file, change, Some(entity)))
            }
        }
    }

    async fn discard_all(&self, steps: &[Step<'_>], files: &[WrittenFile]) {
        for (step, file) in steps.iter().zip(files) {
            self.metadata.discard(&step.store, &file.location).await;
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

/// A table's part in a transaction.
struct Step<'a> {
    target: &'a TransactionTarget,
    store: CatalogStore,
    features: CatalogFeatures<'a>,
    base: Option<Base>,
    metadata: TableMetadata,
}

impl Step<'_> {
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
        | MetastoreError::SecretsMoved(_)
        | MetastoreError::Unavailable(_)
        | MetastoreError::Corrupt(_)) => other.into(),
    }
}
