//! Tables that come to be: created at once, staged, or registered from a file that is there.

use bytes::Bytes;
use merak_authz::operations::{RegisterTable, RegisterTableOverwrite};
use merak_authz::{Authorized, CreateTableAccess, ResolvedNamespace, ResolvedNewTable};
use merak_metastore::{Change, Error as MetastoreError, MetadataBody};
use merak_model::entity::{WRITE_PATHS, internal};
use merak_model::features::{
    ALLOW_CLIENT_SPECIFIED_TABLE_LOCATION, ALLOW_SPECIFYING_FILE_IO_IMPL,
    ALLOW_TABLE_LOCATION_OVERLAP, CatalogFeatures, DEFAULT_UNIQUE_TABLE_LOCATION_ENABLED,
};
use merak_model::{Entity, EntityKind, EntityName, Location, Properties, RealmId, TableIdent};
use merak_storage::{CatalogStore, LocationGrant};
use merak_table_metadata::{
    NewTable, TableMetadata, metadata_file_name, metadata_folder, wants_gzip,
};
use serde_json::Value;
use uuid::Uuid;

use crate::delegation::{AccessDelegation, ClientAccess, Wanted};
use crate::locations::{base_location, check_files, check_metadata_file, check_places, places};
use crate::metadata::TableRef;
use crate::properties::refuse_reserved;
use crate::tables::LoadedTable;
use crate::{Error, Service, metadata};

/// A table that a client describes.
#[derive(Debug, Clone)]
pub struct TableDraft {
    /// Where it is to lie; below its namespace if nothing is said.
    pub location: Option<String>,
    /// Its schema, as Iceberg's JSON.
    pub schema: Value,
    /// How it is partitioned, as Iceberg's JSON.
    pub partition_spec: Option<Value>,
    /// How it is sorted, as Iceberg's JSON.
    pub write_order: Option<Value>,
    /// Its properties.
    pub properties: Properties,
}

/// A proof that a metadata file may be registered.
#[derive(Debug)]
pub enum Registration {
    /// As a new table.
    New(Authorized<RegisterTable>),
    /// As a new table, or in the place of the one that has the name.
    Overwrite(Authorized<RegisterTableOverwrite>),
}

impl Service {
    /// Makes a table, or prepares it for the commit that does.
    pub async fn create_table(
        &self,
        access: CreateTableAccess,
        draft: TableDraft,
        asked: AccessDelegation,
    ) -> Result<LoadedTable, Error> {
        let realm = access.realm();
        let target = access.target();
        let catalog = &target.namespace.catalog;
        let features = self.features_of(realm);
        let features = features.within(&catalog.properties);
        check_is_free(target)?;
        let store = self.store(realm, catalog)?;
        let is_placed = draft.location.is_some()
            || WRITE_PATHS.iter().any(|key| draft.properties.contains_key(*key));
        let metadata = self.draft_metadata(target, draft, features)?;
        let places = places(&metadata)?;
        check_places(&target.ident, &places, &target.namespace, &store.config, features)?;
        // Where it is made at once, the transaction that makes it judges this. What is staged, or
        // gets credentials for a place of the client's choice, is judged before.
        if access.is_staged() || (asked.is_asked() && is_placed) {
            self.check_is_apart(realm, target, &metadata, features).await?;
        }
        // Before the table is made: if there are no credentials, nothing was done. They are given
        // out only if it comes to be.
        let wanted = Wanted {
            realm,
            caller: access.caller(),
            catalog,
            ident: &target.ident,
            location: metadata.location(),
            asked,
        };
        let grant = LocationGrant::of_new_table(&access, places);
        let client_access = self.client_access(wanted, &store.config, grant).await?;
        if access.is_staged() {
            // DuckDB writes manifests before it commits, and makes no folders on the local disk.
            let folder = Location::parse(&metadata_folder(&metadata))?;
            self.metadata.make_folder(&store, &folder).await?;
            let json = Bytes::from(metadata.to_json());
            return Ok(LoadedTable {
                metadata_location: None,
                metadata: json,
                access: client_access,
            });
        }
        let made = self.write_and_create(realm, target, &store, &metadata, features).await?;
        Ok(LoadedTable { access: client_access, ..made })
    }

    /// The metadata of a table that a client describes.
    fn draft_metadata(
        &self,
        target: &ResolvedNewTable,
        draft: TableDraft,
        features: CatalogFeatures<'_>,
    ) -> Result<TableMetadata, Error> {
        check_table_properties(&draft.properties, draft.location.is_some(), features)?;
        let location = match draft.location {
            Some(location) => Location::parse(&location)?.as_str().to_owned(),
            None => default_table_location(&target.namespace, &target.ident, features)?,
        };
        let now_ms = self.clock.now_ms();
        let mut properties = draft.properties;
        // As the reference catalog does: engines show it.
        properties.insert("created-at".to_owned(), iso_time(now_ms));
        let new = NewTable {
            schema: draft.schema,
            partition_spec: draft.partition_spec,
            write_order: draft.write_order,
            location,
            properties,
            uuid: Uuid::new_v4(),
            now_ms,
        };
        Ok(new.build()?)
    }

    /// Writes the first metadata file of a table and makes its entity. All locations are judged.
    pub(crate) async fn write_and_create(
        &self,
        realm: &RealmId,
        target: &ResolvedNewTable,
        store: &CatalogStore,
        metadata: &TableMetadata,
        features: CatalogFeatures<'_>,
    ) -> Result<LoadedTable, Error> {
        let file = self.write_first(target, store, metadata).await?;
        let change = self.creation(target, metadata, &file, features)?;
        if let Err(error) = self.metastore.apply(realm, &[change]).await {
            let is_unknown = matches!(error, MetastoreError::OutcomeUnknown(_));
            if !is_unknown {
                self.metadata.discard(store, &file.location).await;
            }
            return Err(creation_failed(error, &target.ident));
        }
        self.keep(realm, target, &file).await;
        Ok(file.loaded())
    }

    /// Judges the places of a table that is staged, which nothing is kept of: its client is about
    /// to write there, and may be given credentials for it. The commit that makes the table judges
    /// them anew.
    async fn check_is_apart(
        &self,
        realm: &RealmId,
        target: &ResolvedNewTable,
        metadata: &TableMetadata,
        features: CatalogFeatures<'_>,
    ) -> Result<(), Error> {
        if features.is_on(&ALLOW_TABLE_LOCATION_OVERLAP) {
            return Ok(());
        }
        let staged = self.new_entity(target, metadata)?;
        Ok(self.metastore.check_apart(realm, &staged).await?)
    }

    /// Writes the first metadata file of a table.
    pub(crate) async fn write_first(
        &self,
        target: &ResolvedNewTable,
        store: &CatalogStore,
        metadata: &TableMetadata,
    ) -> Result<WrittenFile, Error> {
        EntityName::parse("table", &target.ident.name)?;
        self.write_file(store, metadata, None).await
    }

    /// Writes metadata to a new file, named after the one before.
    pub(crate) async fn write_file(
        &self,
        store: &CatalogStore,
        metadata: &TableMetadata,
        previous: Option<&str>,
    ) -> Result<WrittenFile, Error> {
        let as_gzip = wants_gzip(metadata)?;
        let name = metadata_file_name(previous, Uuid::new_v4(), as_gzip);
        let location = Location::parse(&format!("{}/{name}", metadata_folder(metadata)))?;
        // Nothing is written outside the allowed locations, whatever was judged before.
        if !store.config.allows(&location) {
            return Err(Error::Forbidden(format!(
                "The metadata file {location} would be outside the catalog's allowed locations"
            )));
        }
        let json = Bytes::from(metadata.to_json());
        self.metadata.write(store, &location, &json, as_gzip).await?;
        Ok(WrittenFile { location, json })
    }

    /// The change that makes a table whose first metadata file is written.
    pub(crate) fn creation(
        &self,
        target: &ResolvedNewTable,
        metadata: &TableMetadata,
        file: &WrittenFile,
        features: CatalogFeatures<'_>,
    ) -> Result<Change, Error> {
        let mut entity = self.new_entity(target, metadata)?;
        entity.metadata_location = Some(file.location.as_str().to_owned());
        Ok(Change::Create {
            entity: Box::new(entity),
            metadata: self.metadata.beside(&file.json),
            keep_apart: !features.is_on(&ALLOW_TABLE_LOCATION_OVERLAP),
        })
    }

    /// The entity of a table that is not there yet.
    fn new_entity(
        &self,
        target: &ResolvedNewTable,
        metadata: &TableMetadata,
    ) -> Result<Entity, Error> {
        let mut entity = Entity::new(
            EntityKind::Table,
            target.namespace.catalog.id,
            target.namespace.entity().id,
            &target.ident.name,
            self.clock.now_ms(),
        );
        describe(&mut entity, metadata)?;
        Ok(entity)
    }

    /// Remembers a new table's metadata: it will be loaded soon.
    pub(crate) async fn keep(
        &self,
        realm: &RealmId,
        target: &ResolvedNewTable,
        file: &WrittenFile,
    ) {
        let table = TableRef { realm, catalog: &target.namespace.catalog, ident: &target.ident };
        self.metadata.remember(table, file.location.as_str(), file.json.clone()).await;
    }

    /// Makes a table of a metadata file that is there. The file stays as it is.
    pub async fn register_table(
        &self,
        registration: Registration,
        metadata_location: &str,
    ) -> Result<LoadedTable, Error> {
        let (realm, caller, target) = match &registration {
            Registration::New(proof) => (proof.realm(), proof.caller(), proof.target()),
            Registration::Overwrite(proof) => (proof.realm(), proof.caller(), proof.target()),
        };
        EntityName::parse("table", &target.ident.name)?;
        let may_replace = matches!(registration, Registration::Overwrite(_));
        let replaced = target
            .existing
            .as_ref()
            .filter(|existing| may_replace && existing.table.kind == EntityKind::Table);
        if replaced.is_none() {
            check_is_free(target)?;
        }
        let features = self.features_of(realm);
        let catalog = &target.namespace.catalog;
        let features = features.within(&catalog.properties);
        let store = self.store(realm, catalog)?;
        let location = Location::parse(metadata_location)?;
        let ident = &target.ident;
        let place = std::slice::from_ref(&location);
        check_places(ident, place, &target.namespace, &store.config, features)?;
        let json = self.metadata.read(&store, &location).await?;
        let metadata = metadata::parse(location.as_str(), &json)?;
        // A commit would find what is wrong inside later, and could not mend it.
        metadata.validate().map_err(|error| {
            Error::BadRequest(format!("The metadata file {location} is malformed: {error}"))
        })?;
        check_places(ident, &places(&metadata)?, &target.namespace, &store.config, features)?;
        check_metadata_file(&location, &metadata, features)?;
        check_files(ident, metadata.file_locations(), &store.config)?;
        let wanted = Wanted {
            realm,
            caller,
            catalog,
            ident,
            location: metadata.location(),
            asked: AccessDelegation::default(),
        };
        let access = self.client_access(wanted, &store.config, None).await?;
        let file = WrittenFile { location, json };
        let change = match replaced {
            None => self.creation(target, &metadata, &file, features)?,
            Some(existing) => {
                let uuid = existing.table.internal.get("table-uuid").map(String::as_str);
                if uuid.is_some_and(|uuid| !uuid.eq_ignore_ascii_case(metadata.uuid())) {
                    // Whoever has the table open would take it for the same one.
                    return Err(Error::BadRequest(format!(
                        "The metadata file is of another table: its table-uuid is {}, and that of \
                         {ident} is {}",
                        metadata.uuid(),
                        uuid.unwrap_or_default()
                    )));
                }
                let mut after = existing.table.clone();
                describe(&mut after, &metadata)?;
                after.metadata_location = Some(file.location.as_str().to_owned());
                after.version = existing.table.version.next();
                after.updated_ms = self.clock.now_ms();
                Change::Update {
                    entity: Box::new(after),
                    expected: existing.table.version,
                    metadata: MetadataBody::Set(self.metadata.beside(&file.json)),
                    keep_apart: !features.is_on(&ALLOW_TABLE_LOCATION_OVERLAP),
                }
            }
        };
        // The file is the client's: whatever comes of it, it is not ours to remove.
        self.metastore
            .apply(realm, &[change])
            .await
            .map_err(|error| creation_failed(error, ident))?;
        self.keep(realm, target, &file).await;
        Ok(LoadedTable { access, ..file.loaded() })
    }
}

/// A metadata file that is written, and its JSON.
#[derive(Debug, Clone)]
pub(crate) struct WrittenFile {
    pub(crate) location: Location,
    pub(crate) json: Bytes,
}

impl WrittenFile {
    /// The table it is of, as a client gets it.
    pub(crate) fn loaded(&self) -> LoadedTable {
        LoadedTable {
            metadata_location: Some(self.location.as_str().to_owned()),
            metadata: self.json.clone(),
            access: ClientAccess::default(),
        }
    }
}

/// Refuses a name that something has.
pub(crate) fn check_is_free(target: &ResolvedNewTable) -> Result<(), Error> {
    EntityName::parse("table", &target.ident.name)?;
    match &target.existing {
        None => Ok(()),
        Some(existing) => Err(name_taken(existing.table.kind, &target.ident)),
    }
}

fn name_taken(kind: EntityKind, ident: &TableIdent) -> Error {
    Error::AlreadyExists(match kind {
        EntityKind::View => format!("View with same name already exists: {ident}"),
        EntityKind::GenericTable => format!("Generic table with same name already exists: {ident}"),
        EntityKind::Root
        | EntityKind::Principal
        | EntityKind::PrincipalRole
        | EntityKind::Catalog
        | EntityKind::CatalogRole
        | EntityKind::Namespace
        | EntityKind::Table
        | EntityKind::Policy => table_exists(ident),
    })
}

/// What Iceberg's clients read when a table is there already.
pub(crate) fn table_exists(ident: &TableIdent) -> String {
    format!("Table already exists: {ident}")
}

/// What the metastore's refusal of a new table means to a client.
pub(crate) fn creation_failed(error: MetastoreError, ident: &TableIdent) -> Error {
    if let MetastoreError::AlreadyExists { kind, .. } = error {
        return name_taken(kind, ident);
    }
    if matches!(error, MetastoreError::ParentGone) {
        return Error::NoSuchNamespace(format!("Namespace does not exist: {}", ident.namespace));
    }
    if matches!(error, MetastoreError::Conflict { .. }) {
        return Error::CommitFailed(format!("Table {ident} was changed at the same time"));
    }
    if let MetastoreError::OutcomeUnknown(source) = error {
        return Error::CommitStateUnknown { what: format!("table {ident}"), source };
    }
    error.into()
}

/// Refuses properties that a table may not have.
pub(crate) fn check_table_properties(
    properties: &Properties,
    has_location: bool,
    features: CatalogFeatures<'_>,
) -> Result<(), Error> {
    refuse_reserved(properties.keys().map(String::as_str))?;
    let sets = |name: &str| properties.contains_key(name);
    if sets("io-impl") && !features.is_on(&ALLOW_SPECIFYING_FILE_IO_IMPL) {
        return Err(Error::Validation(
            "Cannot set property 'io-impl': the feature ALLOW_SPECIFYING_FILE_IO_IMPL is not \
             enabled"
                .to_owned(),
        ));
    }
    if !features.is_on(&ALLOW_CLIENT_SPECIFIED_TABLE_LOCATION) {
        let path = WRITE_PATHS.into_iter().find(|path| sets(path));
        if let Some(name) = has_location.then_some("location").or(path) {
            return Err(Error::BadRequest(format!(
                "Specifying a table or view location using {name} is not allowed."
            )));
        }
    }
    Ok(())
}

/// Where a table lies that says nothing: below its namespace, under its name.
fn default_table_location(
    namespace: &ResolvedNamespace,
    ident: &TableIdent,
    features: CatalogFeatures<'_>,
) -> Result<String, Error> {
    let mut location = format!("{}/{}", base_location(namespace)?, ident.name);
    if features.is_on(&DEFAULT_UNIQUE_TABLE_LOCATION_ENABLED) {
        location.push('-');
        location.push_str(&Uuid::new_v4().simple().to_string());
    }
    Ok(location)
}

/// Writes down on a table's entity what its metadata says: where it lies and writes, for the overlap
/// check and the one of the allowed locations, and what Polaris keeps there too.
pub(crate) fn describe(entity: &mut Entity, metadata: &TableMetadata) -> Result<(), Error> {
    let location = Location::parse(metadata.location())?;
    entity.location = Some(location.comparable());
    let optional = |value: Option<i64>| value.map(|value| value.to_string());
    let pairs = [
        (internal::LOCATION, Some(location.as_str().to_owned())),
        ("format-version", Some(metadata.format_version().to_string())),
        ("table-uuid", Some(metadata.uuid().to_owned())),
        ("current-schema-id", Some(metadata.current_schema_id().to_string())),
        ("current-snapshot-id", optional(metadata.current_snapshot_id())),
        ("last-column-id", Some(metadata.last_column_id().to_string())),
        ("next-row-id", optional(metadata.next_row_id())),
        ("last-sequence-number", Some(metadata.last_sequence_number().to_string())),
        ("last-updated-ms", Some(metadata.last_updated_ms().to_string())),
        ("default-sort-order-id", Some(metadata.default_sort_order_id().to_string())),
        ("default-spec-id", Some(metadata.default_spec_id().to_string())),
        ("last-partition-id", Some(metadata.last_partition_id().to_string())),
    ];
    let paths = WRITE_PATHS.map(|path| (path, metadata.property(path).map(str::to_owned)));
    entity.internal = pairs
        .into_iter()
        .chain(paths)
        .filter_map(|(key, value)| Some((key.to_owned(), value?)))
        .collect();
    Ok(())
}

/// A moment as ISO 8601 has it, in UTC.
fn iso_time(ms: i64) -> String {
    time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000)
        .ok()
        .and_then(|moment| {
            moment.format(&time::format_description::well_known::Iso8601::DEFAULT).ok()
        })
        .unwrap_or_else(|| ms.to_string())
}
