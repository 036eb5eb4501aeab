//! Tables that are there: listing, loading, dropping, renaming.

use bytes::Bytes;
use merak_authz::operations::{
    DropTableWithPurge, DropTableWithoutPurge, ListTables, RenameTable, TableExists,
};
use merak_authz::{
    Actor, Authorized, Children, Page, ResolvedNamespace, ResolvedRename, ResolvedTable,
    TableAccess, TablePath,
};
use merak_metastore::{
    CallerRef, Change, Error as MetastoreError, MetadataBody, ResolveRequest, RoleSelection,
    TableLookup,
};
use merak_model::entity::internal;
use merak_model::features::{CatalogFeatures, DROP_WITH_PURGE_ENABLED, LIST_PAGINATION_ENABLED};
use merak_model::{Entity, EntityId, EntityKind, EntityName, Namespace, RealmId, TableIdent};
use merak_storage::{CatalogStore, LocationGrant};
use merak_table_metadata::only_referenced_snapshots;
use sha2::{Digest, Sha256};

use crate::answers::Answer;
use crate::delegation::{AccessDelegation, ClientAccess, TableCredentials, Wanted};
use crate::events::{drop_of, rename_of};
use crate::external::check_internal;
use crate::locations::{check_still_allowed, granted_places, storage_config};
use crate::metadata::TableRef;
use crate::outcome::{Left, Trace};
use crate::purge::PurgeDetails;
use crate::taken::{cannot_rename, changed_meanwhile};
use crate::{Error, Service};

/// How often a drop or a rename that met a commit looks again.
pub(crate) const MAX_TRIES: usize = 5;

/// A page of names, in the order of their bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    /// The names: of namespaces the whole encoded path.
    pub names: Vec<String>,
    /// The name after which the next page begins, if there is one.
    pub next: Option<String>,
    /// Whether these are a page; else they are all there are.
    pub is_page: bool,
}

impl Names {
    /// The names of a page of that size. Where more were found, another page follows.
    pub(crate) fn of(mut names: Vec<String>, size: Option<u32>) -> Self {
        let is_page = size.is_some();
        let size = size.map_or(usize::MAX, |size| size as usize);
        let is_last = names.len() <= size;
        names.truncate(size);
        let next = if is_last { None } else { names.last().cloned() };
        Self { names, next, is_page }
    }
}

/// How many names a client wants at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PageSize {
    /// All: it said nothing of pages.
    #[default]
    All,
    /// So many, but it sent no token. Iceberg's document has it get all; a catalog or a realm that had pages switched
    /// on for it answers with a page, as Polaris does.
    Untold(u32),
    /// A page of so many.
    Page(u32),
}

/// Which snapshots a client wants to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Snapshots {
    /// All.
    #[default]
    All,
    /// Those that a branch or tag points to.
    Refs,
}

/// How a client wants a table.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// Which snapshots.
    pub snapshots: Snapshots,
    /// The tags ([`version_tag`]) of what the client has already.
    pub known_tags: Vec<String>,
    /// What it asked for to reach the table's files.
    pub asked: AccessDelegation,
}

/// Refuses to remove the files of a table or view where that is not switched on.
pub(crate) fn check_may_purge(
    target: &ResolvedTable,
    features: CatalogFeatures<'_>,
) -> Result<(), Error> {
    if features.is_on(&DROP_WITH_PURGE_ENABLED) {
        return Ok(());
    }
    Err(Error::Forbidden(format!(
        "Unable to purge entity: {}. To enable this feature, set the Polaris configuration \
         DROP_WITH_PURGE_ENABLED or the catalog configuration polaris.config.drop-with-purge.enabled",
        target.table.name
    )))
}

/// What tells one state of a table from another, as a client sees it.
///
/// Another state, another choice of snapshots, or other credentials have another tag. So a client that is told it has what there
/// is has credentials that would be given to it now.
pub fn version_tag(metadata_location: &str, snapshots: Snapshots, access: &ClientAccess) -> String {
    let mut hash = Sha256::new();
    hash.update(metadata_location);
    if snapshots == Snapshots::Refs {
        hash.update("\u{0}refs");
    }
    if let Some(credentials) = &access.credentials {
        hash.update("\u{0}credentials\u{0}");
        hash.update(&credentials.id);
        hash.update(credentials.expires_at_ms.to_be_bytes());
    }
    hex(hash)
}

/// What was hashed, as lower-case hex.
pub(crate) fn hex(hash: Sha256) -> String {
    hash.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
        use std::fmt::Write as _;
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// A table as a client gets it.
#[derive(Debug, Clone)]
pub struct LoadedTable {
    /// Where its metadata file is; nothing while it is staged.
    pub metadata_location: Option<String>,
    /// Its metadata, as JSON.
    pub metadata: Bytes,
    /// What the client is given to reach its files.
    pub access: ClientAccess,
}

/// What a load found.
#[derive(Debug, Clone)]
pub enum Loaded {
    /// The table.
    Table(LoadedTable),
    /// What the client has is what there is.
    NotModified(String, ClientAccess),
}

impl Service {
    /// How to look a table or view up: with the metadata that is at hand, which then is not read again.
    pub async fn table_path(&self, realm: &RealmId, catalog: &str, ident: TableIdent) -> TablePath {
        let known_metadata = self.metadata.known(realm, catalog, &ident).await;
        TablePath { catalog: catalog.to_owned(), ident, known_metadata }
    }

    /// The tables of a namespace, a page of them. The proof must have been asked for with one more.
    pub async fn list_tables(
        &self,
        proof: Authorized<ListTables>,
        size: PageSize,
    ) -> Result<Names, Error> {
        let (realm, caller) = (proof.realm().clone(), proof.caller().id);
        self.names(&realm, caller, proof.into_target(), EntityKind::Table, size).await
    }

    /// A page of what is in a namespace, by names alone. A catalog that has paging switched off for itself is
    /// answered in full: that is known only once it is found, so that it is looked up again.
    pub(crate) async fn names(
        &self,
        realm: &RealmId,
        caller: EntityId,
        target: ResolvedNamespace,
        kind: EntityKind,
        size: PageSize,
    ) -> Result<Names, Error> {
        let features = self.features_of(realm);
        let features = features.within(&target.catalog.properties);
        let has_pages = features.is_on(&LIST_PAGINATION_ENABLED);
        match size {
            PageSize::All => return Ok(Names::of(target.child_names, None)),
            PageSize::Untold(size) => {
                let size = Some(size);
                let size = size.filter(|_| has_pages && features.is_set(&LIST_PAGINATION_ENABLED));
                return Ok(Names::of(target.child_names, size));
            }
            PageSize::Page(size) if has_pages => {
                return Ok(Names::of(target.child_names, Some(size)));
            }
            PageSize::Page(_) => {}
        }
        let namespace = target.namespaces.last().map(|entity| Namespace::decode(&entity.name));
        let reference = CallerRef { principal: caller.into(), roles: RoleSelection::All };
        let request = ResolveRequest {
            namespaces: namespace.iter().cloned().collect(),
            children: Some(Children {
                of: namespace,
                kind,
                page: Page::default(),
                names_only: true,
            }),
            ..ResolveRequest::of_catalog(reference, &target.catalog.name)
        };
        let found = self.metastore.resolve(realm, &request).await?;
        Ok(Names::of(found.child_names, None))
    }

    /// Says that a table is there, which the proof already shows.
    #[expect(clippy::unused_async, reason = "all operations are called alike")]
    pub async fn table_exists(&self, _: Authorized<TableExists>) -> Result<(), Error> {
        Ok(())
    }

    /// A table's metadata.
    pub async fn load_table(
        &self,
        access: TableAccess,
        options: &LoadOptions,
    ) -> Result<Loaded, Error> {
        let found = access.table();
        let catalog = &found.namespace.catalog;
        let store = self.store(access.realm(), catalog)?;
        let location = pointer(found)?;
        let client_access = self.table_access(&access, &store, options.asked).await?;
        if options.known_tags.contains(&version_tag(location, options.snapshots, &client_access)) {
            return Ok(Loaded::NotModified(location.to_owned(), client_access));
        }
        let table = TableRef { realm: access.realm(), catalog, ident: &found.ident };
        let json = self.metadata.json(table, &store, location, found.metadata.as_deref()).await?;
        let metadata = match options.snapshots {
            Snapshots::All => json,
            Snapshots::Refs => Bytes::from(only_referenced_snapshots(&json)?),
        };
        Ok(Loaded::Table(LoadedTable {
            metadata_location: Some(location.to_owned()),
            metadata,
            access: client_access,
        }))
    }

    /// Newer credentials for a table's files; nothing where there are none to be had, such as for
    /// files of the server's own disk.
    pub async fn load_credentials(
        &self,
        access: TableAccess,
    ) -> Result<Option<TableCredentials>, Error> {
        let store = self.store(access.realm(), &access.table().namespace.catalog)?;
        let asked = AccessDelegation { vended_credentials: true, remote_signing: false };
        Ok(self.table_access(&access, &store, asked).await?.credentials)
    }

    /// What a client is given to reach a table's files, which are where its catalog may reach now.
    pub(crate) async fn table_access(
        &self,
        access: &TableAccess,
        store: &CatalogStore,
        asked: AccessDelegation,
    ) -> Result<ClientAccess, Error> {
        let found = access.table();
        check_still_allowed(&found.ident, &found.table, &store.config)?;
        let places = granted_places(&found.table)?;
        let wanted = Wanted {
            realm: access.realm(),
            caller: access.caller(),
            catalog: &found.namespace.catalog,
            ident: &found.ident,
            kind: EntityKind::Table,
            location: found.table.internal.get(internal::LOCATION).map_or("", String::as_str),
            asked,
        };
        let grant = LocationGrant::of_table(access, places);
        self.client_access(wanted, &store.config, grant).await
    }

    /// Removes a table from its catalog, and leaves its files.
    pub async fn drop_table(&self, proof: Authorized<DropTableWithoutPurge>) -> Result<(), Error> {
        let actor = &proof.actor();
        let target = proof.into_target();
        // Behind the commits that wait: they were asked for first.
        let _turn = self.queue.enter(&actor.realm, target.table.id).await;
        self.drop_resolved(actor, target, false).await?;
        Ok(())
    }

    /// Removes a table and its files, where that is allowed.
    ///
    /// The files are deleted in the background, from a task that is made with the drop.
    pub async fn purge_table(&self, proof: Authorized<DropTableWithPurge>) -> Result<(), Error> {
        let actor = &proof.actor();
        let features = self.features_of(&actor.realm);
        let target = proof.into_target();
        check_internal(&target.namespace.catalog, "drop table")?;
        let features = features.within(&target.namespace.catalog.properties);
        check_may_purge(&target, features)?;
        let config = storage_config(&target.namespace.catalog)?;
        check_still_allowed(&target.ident, &target.table, &config)?;
        // Behind the commits that wait: they were asked for first.
        let _turn = self.queue.enter(&actor.realm, target.table.id).await;
        self.drop_resolved(actor, target, true).await?;
        self.tasks.wake();
        Ok(())
    }

    /// Removes a table or view from its catalog, at its turn. Answers what it was at the end.
    pub(crate) async fn drop_resolved(
        &self,
        actor: &Actor,
        mut target: ResolvedTable,
        purge: bool,
    ) -> Result<ResolvedTable, Error> {
        for _ in 0..MAX_TRIES {
            let (id, expected) = (target.table.id, target.table.version);
            let mut changes = vec![Change::Drop { id, expected }];
            if purge {
                // Of the table as it is dropped: the last commit may have come meanwhile.
                let task = PurgeDetails::task(&target, self.clock.now_ms())?;
                changes.push(Change::AddTask(Box::new(task)));
            }
            let left = Left::NoTable(&target.ident, id);
            let trace = Trace { catalog: &target.namespace.catalog, left };
            let happened = vec![drop_of(&target, purge)];
            match self.apply_surely(actor, changes, happened, || Answer::Done, trace).await {
                Err(MetastoreError::Conflict { .. }) => {
                    target.table = self.look_again(&actor.realm, actor.id, &target).await?.0;
                }
                outcome => return outcome.map(|()| target).map_err(Error::from),
            }
        }
        Err(changed_meanwhile(target.table.kind, &target.ident))
    }

    /// Moves a table to another name or namespace. Its files stay where they are.
    pub async fn rename_table(&self, proof: Authorized<RenameTable>) -> Result<(), Error> {
        let actor = &proof.actor();
        let target = proof.into_target();
        let _turn = self.queue.enter(&actor.realm, target.source.table.id).await;
        self.rename_resolved(actor, target).await
    }

    /// Moves a table or view to another name or namespace, at its turn.
    pub(crate) async fn rename_resolved(
        &self,
        actor: &Actor,
        target: ResolvedRename,
    ) -> Result<(), Error> {
        let (source, destination) = (target.source, target.destination);
        let is_view = source.table.kind == EntityKind::View;
        let what = if is_view { "rename view" } else { "rename table" };
        check_internal(&source.namespace.catalog, what)?;
        let name = EntityName::parse(&destination.ident.name)?;
        if let Some(existing) = &destination.existing {
            return Err(cannot_rename(&source.ident, &destination.ident, existing.table.kind));
        }
        let mut table = source.table.clone();
        for _ in 0..MAX_TRIES {
            let mut moved = table.clone();
            name.as_str().clone_into(&mut moved.name);
            moved.parent_id = destination.namespace.entity().id;
            moved.version = table.version.next();
            moved.updated_ms = self.clock.now_ms();
            let catalog = &source.namespace.catalog;
            let happened = vec![rename_of(catalog, &source.ident, &destination.ident, &moved)];
            let changes = vec![Change::Update {
                entity: Box::new(moved),
                expected: table.version,
                metadata: MetadataBody::Keep,
                keep_apart: false,
            }];
            let left = Left::Name(&destination.ident, table.id);
            let trace = Trace { catalog, left };
            match self.apply_surely(actor, changes, happened, || Answer::Done, trace).await {
                Err(MetastoreError::Conflict { .. }) => {
                    table = self.look_again(&actor.realm, actor.id, &source).await?.0;
                }
                Err(MetastoreError::AlreadyExists { kind, .. }) => {
                    return Err(cannot_rename(&source.ident, &destination.ident, kind));
                }
                Err(MetastoreError::ParentGone) => {
                    return Err(Error::NoSuchNamespace(format!(
                        "Namespace does not exist: {}",
                        destination.ident.namespace
                    )));
                }
                outcome => return outcome.map_err(Error::from),
            }
        }
        Err(changed_meanwhile(table.kind, &source.ident))
    }

    /// Reads a table or view again that was not at the version it was expected at. One that is gone,
    /// or whose name another has now, is not there any more.
    pub(crate) async fn look_again(
        &self,
        realm: &RealmId,
        caller: EntityId,
        target: &ResolvedTable,
    ) -> Result<(Entity, Option<Vec<u8>>), Error> {
        let caller = CallerRef { principal: caller.into(), roles: RoleSelection::All };
        let lookup = TableLookup { ident: target.ident.clone(), known_metadata: None };
        let catalog = &target.namespace.catalog.name;
        let request =
            ResolveRequest { tables: vec![lookup], ..ResolveRequest::of_catalog(caller, catalog) };
        let mut resolution = self.metastore.resolve(realm, &request).await?;
        let id = target.table.id;
        let found = resolution.tables.pop().filter(|found| found.resolved.entity.id == id);
        found.map(|found| (found.resolved.entity, found.metadata)).ok_or_else(|| {
            Error::NotAuthorized(merak_authz::Error::NotFound {
                kind: target.table.kind,
                name: target.ident.to_string(),
            })
        })
    }
}

/// The metadata location of a table or view that was found.
pub(crate) fn pointer(found: &ResolvedTable) -> Result<&str, Error> {
    found.table.metadata_location.as_deref().ok_or_else(|| {
        Error::Internal(format!("{} {} has no metadata location", found.table.kind, found.ident))
    })
}
