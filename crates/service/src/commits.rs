//! Commits to one table, there already or made by the commit.
//!
//! A table is a pointer to a metadata file, and committing is moving the pointer. What becomes of
//! the file just written follows from what became of the pointer: if it certainly did not move, the
//! file is removed; if it may have moved, the file stays.

use std::sync::Arc;

use merak_authz::operations::{CommitKinds, UpdateTable, UpdateTableForStagedCreate};
use merak_authz::{Authorized, ResolvedNewTable, ResolvedTable};
use merak_metastore::{Change, Error as MetastoreError, MetadataBody};
use merak_model::features::{
    ALLOW_TABLE_LOCATION_OVERLAP, CatalogFeatures, ICEBERG_COMMIT_MAX_RETRIES,
    ICEBERG_ROLLBACK_COMPACTION_ON_CONFLICTS,
};
use merak_model::{Entity, EntityId, EntityKind, EventSubject, Location, RealmId};
use merak_storage::CatalogStore;
use merak_table_metadata::{CommitContext, TableCommit, TableMetadata};
use serde_json::Value;

use crate::answers::Answer;
use crate::delegation::ClientAccess;
use crate::events::Happening;
use crate::external::check_internal;
use crate::locations::{check_files, check_places, check_still_allowed, places};
use crate::metadata::TableRef;
use crate::new_tables::{Making, WrittenFile, check_is_free, check_set_properties, table_exists};
use crate::outcome::{Left, Trace};
use crate::queue::{Newest, Turn};
use crate::tables::{LoadedTable, pointer};
use crate::taken::{changed_meanwhile, commit_failed};
use crate::{Error, Service, metadata};

/// A commit, parsed: requirements that must hold and updates to make.
#[derive(Debug, Clone)]
pub struct Commit(TableCommit);

impl Commit {
    /// Parses the two halves of a commit as clients send them.
    pub fn parse(requirements: &Value, updates: &Value) -> Result<Self, Error> {
        Ok(Self(TableCommit::parse(requirements, updates)?))
    }

    /// Whether its table shows, once it is applied, that it was.
    pub(crate) fn leaves_trace(&self) -> bool {
        self.0.is_create() || self.0.adds_snapshots()
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

/// A table's state that a commit is based on.
#[derive(Debug, Clone)]
pub(crate) struct Base {
    pub(crate) entity: Entity,
    pub(crate) metadata: Arc<TableMetadata>,
}

impl Base {
    pub(crate) fn location(&self) -> &str {
        self.entity.metadata_location.as_deref().unwrap_or_default()
    }
}

/// What judging and building a commit came to.
pub(crate) enum Built {
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
        let actor = &proof.actor();
        let realm = &actor.realm;
        let target = proof.target();
        let commit = std::slice::from_ref(&proof.operation().0);
        check_internal(&target.namespace.catalog, "update table")?;
        let features = self.features_of(realm);
        let features = features.within(&target.namespace.catalog.properties);
        let store = self.store(realm, &target.namespace.catalog)?;
        check_still_allowed(&target.ident, &target.table, &store.config)?;
        let mut turn = self.queue.enter(realm, target.table.id).await;
        let mut base = self.base(realm, target, &turn, &store).await?;
        let retries = features.number(&ICEBERG_COMMIT_MAX_RETRIES).max(0);
        for _ in 0..=retries {
            let built = if were_applied(commit, &base.metadata) {
                // Its client did not hear of it the first time.
                Built::Unchanged
            } else {
                self.build(commit, &base, target, &store, features)?
            };
            let Built::Changed(metadata) = built else {
                return self.unchanged(realm, target, &base, &store).await;
            };
            let file = self.write_file(&store, &metadata, Some(base.location())).await?;
            let entity = self.repointed(&base.entity, &metadata, &file)?;
            let change = self.pointer_swap(&base, entity.clone(), &file, features);
            let left = Left::Pointer(&target.ident, entity.id, file.pointer.as_str());
            let catalog = &target.namespace.catalog;
            let trace = Trace { catalog, left };
            let happened = Happening::to_table(EventSubject::UpdateTable, catalog, &target.ident);
            let happened = vec![happened.knowing(&entity).after(&base.entity)];
            let answer = || file.answer();
            match self.apply_surely(actor, vec![change], happened, answer, trace).await {
                Ok(()) => {
                    self.after_commit(realm, target, &store, &base, &metadata, &file).await;
                    turn.leave(Newest { entity, metadata: Arc::new(*metadata) });
                    return Ok(file.loaded());
                }
                Err(MetastoreError::Conflict { .. }) => {
                    self.metadata.discard(&store, &file.location).await;
                    base = self.base_again(realm, actor.id, target, &store).await?;
                }
                Err(error) => {
                    if !matches!(error, MetastoreError::OutcomeUnknown(_)) {
                        self.metadata.discard(&store, &file.location).await;
                    }
                    return Err(commit_failed(EntityKind::Table, error, &target.ident));
                }
            }
        }
        Err(changed_meanwhile(EntityKind::Table, &target.ident))
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
        let store = self.store(realm, &target.namespace.catalog)?;
        let commits = std::slice::from_ref(&proof.operation().0);
        check_internal(&target.namespace.catalog, "update table")?;
        if let Some(existing) = &target.existing
            && let Some(base) = self.made_before(realm, existing, commits, &store).await
        {
            return self.unchanged(realm, existing, &base, &store).await;
        }
        let metadata = self.build_new(commits, target, &store, features)?;
        let subjects = &[EventSubject::CreateTable, EventSubject::UpdateTable];
        let making = Making { actor: &proof.actor(), target, store: &store, features, subjects };
        let made = self.write_and_create(making, &metadata).await;
        made.map_err(|error| if is_table_there(&error, target) { create_failed() } else { error })
    }

    /// The table that is there, if it shows that these commits made it: then their client did not
    /// hear of it the first time.
    pub(crate) async fn made_before(
        &self,
        realm: &RealmId,
        existing: &ResolvedTable,
        commits: &[Commit],
        store: &CatalogStore,
    ) -> Option<Base> {
        if existing.table.kind != EntityKind::Table {
            return None;
        }
        check_still_allowed(&existing.ident, &existing.table, &store.config).ok()?;
        let base = self.read_base(realm, existing, store).await.ok()?;
        were_applied(commits, &base.metadata).then_some(base)
    }

    /// What a commit is based on: the newest state this process knows of.
    async fn base(
        &self,
        realm: &RealmId,
        target: &ResolvedTable,
        turn: &Turn,
        store: &CatalogStore,
    ) -> Result<Base, Error> {
        match turn.newest(&target.table) {
            Some(Newest { entity, metadata }) => Ok(Base { entity, metadata }),
            None => self.read_base(realm, target, store).await,
        }
    }

    pub(crate) async fn read_base(
        &self,
        realm: &RealmId,
        target: &ResolvedTable,
        store: &CatalogStore,
    ) -> Result<Base, Error> {
        let location = pointer(target)?;
        let table = table_ref(realm, target);
        let json = self.metadata.json(table, store, location, target.metadata.as_deref()).await?;
        let metadata = Arc::new(metadata::parse(location, &json)?);
        Ok(Base { entity: target.table.clone(), metadata })
    }

    /// What a commit is based on after it lost the race for the pointer.
    pub(crate) async fn base_again(
        &self,
        realm: &RealmId,
        caller: EntityId,
        target: &ResolvedTable,
        store: &CatalogStore,
    ) -> Result<Base, Error> {
        let (entity, body) = self.look_again(realm, caller, target).await?;
        check_still_allowed(&target.ident, &entity, &store.config)?;
        let location = entity.metadata_location.clone().unwrap_or_default();
        let table = table_ref(realm, target);
        let json = self.metadata.json(table, store, &location, body.as_deref()).await?;
        let metadata = Arc::new(metadata::parse(&location, &json)?);
        Ok(Base { entity, metadata })
    }

    /// Checks the requirements, applies the updates and judges where the outcome lies. Nothing is
    /// written.
    pub(crate) fn build(
        &self,
        commits: &[Commit],
        base: &Base,
        target: &ResolvedTable,
        store: &CatalogStore,
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
                rolls_back_compactions: features.is_on(&ICEBERG_ROLLBACK_COMPACTION_ON_CONFLICTS),
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
        check_places(&target.ident, &moved, &target.namespace, &store.config, features)?;
        let added = commits.iter().flat_map(|commit| commit.0.file_locations());
        check_files(&target.ident, added, &store.config)?;
        Ok(Built::Changed(Box::new(metadata)))
    }

    /// The metadata of a table that commits make.
    pub(crate) fn build_new(
        &self,
        commits: &[Commit],
        target: &ResolvedNewTable,
        store: &CatalogStore,
        features: CatalogFeatures<'_>,
    ) -> Result<TableMetadata, Error> {
        check_create_holds(target)?;
        let context = CommitContext {
            now_ms: self.clock.now_ms(),
            previous_metadata_file: None,
            rolls_back_compactions: false,
        };
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
        check_places(
            &target.ident,
            &places(&metadata)?,
            &target.namespace,
            &store.config,
            features,
        )?;
        check_files(&target.ident, metadata.file_locations(), &store.config)?;
        Ok(metadata)
    }

    /// The change that moves the pointer, if nobody moved it since the base was read.
    pub(crate) fn pointer_swap(
        &self,
        base: &Base,
        entity: Entity,
        file: &WrittenFile,
        features: CatalogFeatures<'_>,
    ) -> Change {
        let has_moved = entity.places() != base.entity.places();
        Change::Update {
            entity: Box::new(entity),
            expected: base.entity.version,
            metadata: MetadataBody::Set(self.metadata.beside(&file.json)),
            keep_apart: has_moved && !features.is_on(&ALLOW_TABLE_LOCATION_OVERLAP),
        }
    }

    /// The table as it is, for a commit that changes nothing.
    async fn unchanged(
        &self,
        realm: &RealmId,
        target: &ResolvedTable,
        base: &Base,
        store: &CatalogStore,
    ) -> Result<LoadedTable, Error> {
        let table = table_ref(realm, target);
        let metadata = self.metadata.json(table, store, base.location(), None).await?;
        let metadata_location = base.location().to_owned();
        let answer = Answer::Table { metadata_location: metadata_location.clone() };
        self.answer_unchanged(realm, || answer)
            .await
            .map_err(|error| commit_failed(EntityKind::Table, error, &target.ident))?;
        Ok(LoadedTable {
            metadata_location: Some(metadata_location),
            metadata,
            access: ClientAccess::default(),
        })
    }

    /// What follows a commit that succeeded. None of it can fail the commit.
    pub(crate) async fn after_commit(
        &self,
        realm: &RealmId,
        target: &ResolvedTable,
        store: &CatalogStore,
        base: &Base,
        metadata: &TableMetadata,
        file: &WrittenFile,
    ) {
        let table = table_ref(realm, target);
        self.metadata.remember(table, file.pointer.as_str(), file.json.clone()).await;
        let expired = expired_files(&base.metadata, metadata);
        if expired.is_empty() {
            return;
        }
        // The client need not wait for it.
        let (files, store) = (self.metadata.clone(), store.clone());
        tokio::spawn(async move {
            for location in expired {
                files.discard(&store, &location).await;
            }
        });
    }
}

/// Whether a table shows that commits were applied to it before.
pub(crate) fn were_applied(commits: &[Commit], metadata: &TableMetadata) -> bool {
    let mut leave_traces = commits.iter().filter(|commit| commit.leaves_trace());
    let first = leave_traces.next();
    first.is_some_and(|Commit(commit)| commit.was_applied_to(metadata))
        && leave_traces.all(|Commit(commit)| commit.was_applied_to(metadata))
}

/// A table or view that was found, as its metadata is remembered by.
pub(crate) fn table_ref<'a>(realm: &'a RealmId, target: &'a ResolvedTable) -> TableRef<'a> {
    TableRef { realm, catalog: &target.namespace.catalog, ident: &target.ident }
}

/// The metadata files that a commit pushed out of the log, if the table wants them removed. Only
/// those in the table's own metadata folder, below its location: a log may name anything.
fn expired_files(before: &TableMetadata, after: &TableMetadata) -> Vec<Location> {
    let wants = after
        .property("write.metadata.delete-after-commit.enabled")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    if !wants {
        return Vec::new();
    }
    // Its metadata folder may lie beside its location, where others may be later. What is below its
    // location is certainly its own.
    let home = Location::parse(after.location());
    let folder = Location::parse(&merak_table_metadata::metadata_folder(after));
    let (Ok(home), Ok(folder)) = (home, folder) else {
        return Vec::new();
    };
    let kept: std::collections::HashSet<_> = after.metadata_log().collect();
    before
        .metadata_log()
        .filter(|file| !kept.contains(file))
        .filter_map(|file| Location::parse(file).ok())
        .filter(|file| home.contains(file) && folder.contains(file))
        .collect()
}

/// Checks `assert-create`. Of a table that is there Iceberg's clients expect to hear as of any other
/// requirement that does not hold; of a view by its name.
fn check_create_holds(target: &ResolvedNewTable) -> Result<(), Error> {
    match &target.existing {
        Some(existing) if existing.table.kind == EntityKind::Table => Err(create_failed()),
        Some(_) | None => check_is_free(target),
    }
}

fn create_failed() -> Error {
    Error::CommitFailed("Requirement failed: table already exists".to_owned())
}

/// Whether a table was made by somebody else after it was looked for.
fn is_table_there(error: &Error, target: &ResolvedNewTable) -> bool {
    matches!(error, Error::AlreadyExists(text) if *text == table_exists(&target.ident))
}

fn check_properties(commit: &TableCommit, features: CatalogFeatures<'_>) -> Result<(), Error> {
    let has_location = commit.requested_location().is_some();
    check_set_properties(commit.set_properties(), has_location, features)
}
