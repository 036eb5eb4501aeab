//! Commits: of one table, of the table a commit makes, of many tables at once.
//!
//! A table is a pointer to a metadata file, and committing is moving the pointer. What becomes of
//! the file just written follows from what became of the pointer: if it certainly did not move, the
//! file is removed; if it may have moved, the file stays.

use std::sync::Arc;

use merak_authz::operations::{
    CommitKinds, CommitTransaction, UpdateTable, UpdateTableForStagedCreate,
};
use merak_authz::{Authorized, ResolvedNewTable, ResolvedTable, TransactionTarget};
use merak_metastore::{Change, Error as MetastoreError, MetadataBody};
use merak_model::features::{
    ALLOW_TABLE_LOCATION_OVERLAP, CatalogFeatures, ICEBERG_COMMIT_MAX_RETRIES,
};
use merak_model::{Entity, EntityId, Location, RealmId, StorageConfig, TableIdent};
use merak_table_metadata::{CommitContext, TableCommit, TableMetadata};
use serde_json::Value;

use crate::locations::{check_files, check_places, check_still_allowed, places, storage_config};
use crate::new_tables::{WrittenFile, check_is_free, check_table_properties, describe};
use crate::queue::{Newest, Turn};
use crate::tables::{LoadedTable, changed_meanwhile, pointer};
use crate::{Error, Service, metadata};

/// A commit, parsed: requirements that must hold and updates to make.
#[derive(Debug, Clone)]
pub struct Commit(TableCommit);

impl Commit {
    /// Parses the two halves of a commit as clients send them.
    pub fn parse(requirements: &Value, updates: &Value) -> Result<Self, Error> {
        Ok(Self(TableCommit::parse(requirements, updates)?))
    }

    /// Whether it makes its table.
    pub fn is_create(&self) -> bool {
        self.0.is_create()
    }
}

impl CommitKinds for Commit {
    fn update_kinds(&self) -> Vec<&'static str> {
        self.0.update_kinds().collect()
    }
}

/// The commits of one table within a transaction, in the order they were named.
#[derive(Debug, Clone)]
pub struct TableChange {
    /// The table.
    pub ident: TableIdent,
    /// Its commits: each applies to what the one before made.
    pub commits: Vec<Commit>,
}

/// A table's state that a commit is based on.
#[derive(Debug, Clone)]
struct Base {
    entity: Entity,
    metadata: Arc<TableMetadata>,
}

impl Base {
    fn location(&self) -> &str {
        self.entity.metadata_location.as_deref().unwrap_or_default()
    }
}

/// What judging and building a commit came to.
enum Built {
    /// It changes nothing.
    Unchanged,
    /// The metadata as it is to be.
    Changed(Box<TableMetadata>),
}

impl Service {
    /// Commits to a table.
    ///
    /// Commits to one table wait for one another here. A commit that loses the race for the pointer
    /// to another replica looks again, checks its requirements on what it finds, and retries.
    pub async fn update_table(
        &self,
        proof: Authorized<UpdateTable<Commit>>,
    ) -> Result<LoadedTable, Error> {
        let realm = proof.realm();
        let target = proof.target();
        let commit = std::slice::from_ref(&proof.operation().0);
        let features = self.features_of(realm);
        let features = features.within(&target.namespace.catalog.properties);
        let config = storage_config(&target.namespace.catalog)?;
        check_still_allowed(&target.ident, &target.table, &config)?;
        let mut turn = self.queue.enter(realm, target.table.id).await;
        let mut base = self.base(realm, target, &turn, &config).await?;
        let retries = features.number(&ICEBERG_COMMIT_MAX_RETRIES).max(0);
        for _ in 0..=retries {
            let built = self.build(commit, &base, target, &config, features)?;
            let Built::Changed(metadata) = built else {
                return self.current(realm, target, &base, &config).await;
            };
            let file = self.write_file(&config, &metadata, Some(base.location())).await?;
            let entity = self.moved(&base, &metadata, &file)?;
            let change = self.pointer_swap(&base, entity.clone(), &file, features);
            match self.metastore.apply(realm, &[change]).await {
                Ok(()) => {
                    self.after_commit(realm, target, &config, &base, &metadata, &file).await;
                    turn.leave(Newest { entity, metadata: Arc::new(*metadata) });
                    return Ok(file.loaded());
                }
                Err(MetastoreError::Conflict { .. }) => {
                    self.metadata.discard(&config, &file.location).await;
                    base = self.base_again(realm, proof.caller().id, target, &config).await?;
                }
                Err(error) => {
                    if !matches!(error, MetastoreError::OutcomeUnknown(_)) {
                        self.metadata.discard(&config, &file.location).await;
                    }
                    return Err(commit_failed(error, &target.ident));
                }
            }
        }
        Err(changed_meanwhile(&target.ident))
    }

    /// Makes the table that was staged. Its ids are the client's: data files are written with them.
    pub async fn create_staged_table(
        &self,
        proof: Authorized<UpdateTableForStagedCreate<Commit>>,
    ) -> Result<LoadedTable, Error> {
        let realm = proof.realm();
        let target = proof.target();
        let features = self.features_of(realm);
        let features = features.within(&target.namespace.catalog.properties);
        let config = storage_config(&target.namespace.catalog)?;
        let commits = std::slice::from_ref(&proof.operation().0);
        let metadata = self.build_new(commits, target, &config, features)?;
        self.write_and_create(realm, target, &config, &metadata, features).await
    }

    /// Commits to many tables: all of it or nothing.
    pub async fn commit_transaction(
        &self,
        proof: Authorized<CommitTransaction<TableChange>>,
    ) -> Result<(), Error> {
        let realm = proof.realm();
        let changes = &proof.operation().0;
        let targets = &proof.target().tables;
        let features = self.features_of(realm);
        let turns = self.enter_all(realm, targets).await;
        let mut steps = Vec::with_capacity(targets.len());
        for (change, target) in changes.iter().zip(targets) {
            let catalog = match target {
                TransactionTarget::Change(table) => &table.namespace.catalog,
                TransactionTarget::Create(table) => &table.namespace.catalog,
            };
            let features = features.within(&catalog.properties);
            let config = storage_config(catalog)?;
            let built = match target {
                TransactionTarget::Change(table) => {
                    check_still_allowed(&table.ident, &table.table, &config)?;
                    let base = match turns.iter().find_map(|turn| turn.newest(&table.table)) {
                        Some(Newest { entity, metadata }) => Base { entity, metadata },
                        None => self.read_base(realm, table, &config).await?,
                    };
                    match self.build(&change.commits, &base, table, &config, features)? {
                        Built::Unchanged => continue,
                        Built::Changed(metadata) => (Some(base), *metadata),
                    }
                }
                TransactionTarget::Create(table) => {
                    (None, self.build_new(&change.commits, table, &config, features)?)
                }
            };
            steps.push(Step { target, config, features, base: built.0, metadata: built.1 });
        }
        self.carry_out(realm, &steps, turns).await
    }

    /// Writes the files of all tables, then moves all pointers at once.
    async fn carry_out(
        &self,
        realm: &RealmId,
        steps: &[Step<'_>],
        mut turns: Vec<Turn>,
    ) -> Result<(), Error> {
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
            return Ok(());
        }
        if let Err(error) = self.metastore.apply(realm, &changes).await {
            if !matches!(error, MetastoreError::OutcomeUnknown(_)) {
                self.discard_all(steps, &files).await;
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
                    self.after_commit(realm, table, &step.config, base, &step.metadata, file).await;
                }
                (TransactionTarget::Create(table), _) => self.keep(realm, table, file).await,
                (TransactionTarget::Change(_), None) => {}
            }
        }
        Ok(())
    }

    /// Writes a table's file. For one that was there, the table as the commit leaves it comes along.
    async fn write_step(
        &self,
        step: &Step<'_>,
    ) -> Result<(WrittenFile, Change, Option<Entity>), Error> {
        match (step.target, &step.base) {
            (TransactionTarget::Create(table), _) => {
                let file = self.write_first(table, &step.config, &step.metadata).await?;
                let change = self.creation(table, &step.metadata, &file, step.features)?;
                Ok((file, change, None))
            }
            (TransactionTarget::Change(_), base) => {
                let base = base
                    .as_ref()
                    .ok_or_else(|| Error::Internal("A change of a table has no base".to_owned()))?;
                let previous = Some(base.location());
                let file = self.write_file(&step.config, &step.metadata, previous).await?;
                let entity = self.moved(base, &step.metadata, &file)?;
                let change = self.pointer_swap(base, entity.clone(), &file, step.features);
                Ok((file, change, Some(entity)))
            }
        }
    }

    async fn discard_all(&self, steps: &[Step<'_>], files: &[WrittenFile]) {
        for (step, file) in steps.iter().zip(files) {
            self.metadata.discard(&step.config, &file.location).await;
        }
    }

    /// The turns at all tables of a transaction, taken in the order of their ids, so that two
    /// transactions cannot wait for each other.
    async fn enter_all(&self, realm: &RealmId, targets: &[TransactionTarget]) -> Vec<Turn> {
        let mut ids: Vec<EntityId> = targets
            .iter()
            .filter_map(|target| match target {
                TransactionTarget::Change(table) => Some(table.table.id),
                TransactionTarget::Create(_) => None,
            })
            .collect();
        ids.sort_unstable();
        ids.dedup();
        let mut turns = Vec::with_capacity(ids.len());
        for id in ids {
            turns.push(self.queue.enter(realm, id).await);
        }
        turns
    }

    /// What a commit is based on: the newest state this process knows of.
    async fn base(
        &self,
        realm: &RealmId,
        target: &ResolvedTable,
        turn: &Turn,
        config: &StorageConfig,
    ) -> Result<Base, Error> {
        match turn.newest(&target.table) {
            Some(Newest { entity, metadata }) => Ok(Base { entity, metadata }),
            None => self.read_base(realm, target, config).await,
        }
    }

    async fn read_base(
        &self,
        realm: &RealmId,
        target: &ResolvedTable,
        config: &StorageConfig,
    ) -> Result<Base, Error> {
        let location = pointer(target)?;
        let catalog = target.namespace.catalog.name.clone();
        let key = (realm.clone(), catalog, target.ident.clone());
        let json = self.metadata.json(key, config, location, target.metadata.as_deref()).await?;
        let metadata = Arc::new(metadata::parse(location, &json)?);
        Ok(Base { entity: target.table.clone(), metadata })
    }

    /// What a commit is based on after it lost the race for the pointer.
    async fn base_again(
        &self,
        realm: &RealmId,
        caller: EntityId,
        target: &ResolvedTable,
        config: &StorageConfig,
    ) -> Result<Base, Error> {
        let catalog = &target.namespace.catalog.name;
        let (entity, body) =
            self.look_again(realm, caller, catalog, &target.ident, target.table.id).await?;
        check_still_allowed(&target.ident, &entity, config)?;
        let location = entity.metadata_location.clone().unwrap_or_default();
        let key = (realm.clone(), catalog.clone(), target.ident.clone());
        let json = self.metadata.json(key, config, &location, body.as_deref()).await?;
        let metadata = Arc::new(metadata::parse(&location, &json)?);
        Ok(Base { entity, metadata })
    }

    /// Checks the requirements, applies the updates and judges where the outcome lies. Nothing is
    /// written.
    fn build(
        &self,
        commits: &[Commit],
        base: &Base,
        target: &ResolvedTable,
        config: &StorageConfig,
        features: CatalogFeatures<'_>,
    ) -> Result<Built, Error> {
        let mut newest: Option<TableMetadata> = None;
        for Commit(commit) in commits {
            check_properties(commit, features)?;
            // Within one transaction a table gets one new file, so that only the first of its
            // commits sees the file before.
            let context = CommitContext {
                now_ms: self.clock.now_ms(),
                previous_metadata_file: newest.is_none().then(|| base.location()),
            };
            let current = newest.as_ref().unwrap_or(&base.metadata);
            if let Some(next) = commit.apply(current, &context)? {
                newest = Some(next);
            }
        }
        let Some(metadata) = newest else {
            return Ok(Built::Unchanged);
        };
        let before = places(&base.metadata)?;
        let moved: Vec<Location> =
            places(&metadata)?.into_iter().filter(|place| !before.contains(place)).collect();
        check_places(&target.ident, &moved, &target.namespace, config, features)?;
        let known: std::collections::HashSet<_> =
            base.metadata.file_locations().into_iter().collect();
        let added = metadata.file_locations().into_iter().filter(|file| !known.contains(file));
        check_files(&target.ident, added, config)?;
        Ok(Built::Changed(Box::new(metadata)))
    }

    /// The metadata of a table that commits make.
    fn build_new(
        &self,
        commits: &[Commit],
        target: &ResolvedNewTable,
        config: &StorageConfig,
        features: CatalogFeatures<'_>,
    ) -> Result<TableMetadata, Error> {
        if target.existing.is_some() {
            // Iceberg's clients know this text: the table that was to be made is there.
            check_is_free(target)?;
        }
        let context = CommitContext { now_ms: self.clock.now_ms(), previous_metadata_file: None };
        let mut metadata: Option<TableMetadata> = None;
        for Commit(commit) in commits {
            check_properties(commit, features)?;
            metadata = Some(match &metadata {
                None => commit.create(&context)?,
                Some(made) => match commit.apply(made, &context)? {
                    Some(next) => next,
                    None => continue,
                },
            });
        }
        let metadata = metadata.ok_or_else(|| {
            Error::BadRequest("A commit must have at least one change".to_owned())
        })?;
        check_places(&target.ident, &places(&metadata)?, &target.namespace, config, features)?;
        check_files(&target.ident, metadata.file_locations(), config)?;
        Ok(metadata)
    }

    /// The table as a commit leaves it.
    fn moved(
        &self,
        base: &Base,
        metadata: &TableMetadata,
        file: &WrittenFile,
    ) -> Result<Entity, Error> {
        let mut entity = base.entity.clone();
        describe(&mut entity, metadata)?;
        entity.metadata_location = Some(file.location.as_str().to_owned());
        entity.version = base.entity.version.next();
        entity.updated_ms = self.clock.now_ms();
        Ok(entity)
    }

    /// The change that moves the pointer, if nobody moved it since the base was read.
    fn pointer_swap(
        &self,
        base: &Base,
        entity: Entity,
        file: &WrittenFile,
        features: CatalogFeatures<'_>,
    ) -> Change {
        let has_moved = entity.location != base.entity.location;
        Change::Update {
            entity: Box::new(entity),
            expected: base.entity.version,
            metadata: MetadataBody::Set(self.metadata.beside(&file.json)),
            keep_apart: has_moved && !features.is_on(&ALLOW_TABLE_LOCATION_OVERLAP),
        }
    }

    /// The table as it is, for a commit that changes nothing.
    async fn current(
        &self,
        realm: &RealmId,
        target: &ResolvedTable,
        base: &Base,
        config: &StorageConfig,
    ) -> Result<LoadedTable, Error> {
        let catalog = target.namespace.catalog.name.clone();
        let key = (realm.clone(), catalog, target.ident.clone());
        let metadata = self.metadata.json(key, config, base.location(), None).await?;
        Ok(LoadedTable {
            metadata_location: Some(base.location().to_owned()),
            metadata,
            config: merak_model::Properties::new(),
        })
    }

    /// What follows a commit that succeeded. None of it can fail the commit.
    async fn after_commit(
        &self,
        realm: &RealmId,
        target: &ResolvedTable,
        config: &StorageConfig,
        base: &Base,
        metadata: &TableMetadata,
        file: &WrittenFile,
    ) {
        let catalog = target.namespace.catalog.name.clone();
        let key = (realm.clone(), catalog, target.ident.clone());
        self.metadata.remember(key, file.location.as_str(), file.json.clone()).await;
        let expired = expired_files(&base.metadata, metadata);
        if expired.is_empty() {
            return;
        }
        // The client need not wait for it.
        let (files, config) = (self.metadata.clone(), config.clone());
        tokio::spawn(async move {
            for location in expired {
                files.discard(&config, &location).await;
            }
        });
    }
}

/// A table's part in a transaction.
struct Step<'a> {
    target: &'a TransactionTarget,
    config: StorageConfig,
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

/// The metadata files that a commit pushed out of the log, if the table wants them removed. Only
/// those in the table's own metadata folder: a log may name anything.
fn expired_files(before: &TableMetadata, after: &TableMetadata) -> Vec<Location> {
    let wants = after
        .property("write.metadata.delete-after-commit.enabled")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    if !wants {
        return Vec::new();
    }
    let Ok(folder) = Location::parse(&merak_table_metadata::metadata_folder(after)) else {
        return Vec::new();
    };
    let kept: std::collections::HashSet<_> = after.metadata_log().collect();
    before
        .metadata_log()
        .filter(|file| !kept.contains(file))
        .filter_map(|file| Location::parse(file).ok())
        .filter(|file| folder.contains(file))
        .collect()
}

fn check_properties(commit: &TableCommit, features: CatalogFeatures<'_>) -> Result<(), Error> {
    let set: Vec<(String, String)> =
        commit.set_properties().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    let pairs = set.iter().map(|(key, value)| (key, value));
    check_table_properties(pairs, commit.requested_location().is_some(), features)
}

/// What the metastore's refusal of a commit means to a client.
fn commit_failed(error: MetastoreError, ident: &TableIdent) -> Error {
    match error {
        MetastoreError::OutcomeUnknown(source) => {
            Error::CommitStateUnknown { what: format!("table {ident}"), source }
        }
        MetastoreError::Conflict { .. } | MetastoreError::ParentGone => changed_meanwhile(ident),
        other @ (MetastoreError::AlreadyExists { .. }
        | MetastoreError::NotEmpty { .. }
        | MetastoreError::LocationOverlap { .. }
        | MetastoreError::ClientIdTaken(_)
        | MetastoreError::Unavailable(_)
        | MetastoreError::Corrupt(_)) => other.into(),
    }
}

/// The same for a transaction.
fn transaction_failed(error: MetastoreError, tables: &str) -> Error {
    match error {
        MetastoreError::OutcomeUnknown(source) => {
            Error::CommitStateUnknown { what: format!("tables {tables}"), source }
        }
        MetastoreError::Conflict { .. }
        | MetastoreError::ParentGone
        | MetastoreError::AlreadyExists { .. } => Error::CommitFailed(format!(
            "Transaction commit failed: one of the tables {tables} was changed at the same time"
        )),
        other @ (MetastoreError::NotEmpty { .. }
        | MetastoreError::LocationOverlap { .. }
        | MetastoreError::ClientIdTaken(_)
        | MetastoreError::Unavailable(_)
        | MetastoreError::Corrupt(_)) => other.into(),
    }
}
