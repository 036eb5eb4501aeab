//! Tables that come to be: created at once, or staged.

use bytes::Bytes;
use merak_authz::{Actor, CreateTableAccess, ResolvedNewTable};
use merak_metastore::{Change, Error as MetastoreError};
use merak_model::entity::{WRITE_PATHS, internal};
use merak_model::features::{
    ALLOW_CLIENT_SPECIFIED_TABLE_LOCATION, ALLOW_SPECIFYING_FILE_IO_IMPL,
    ALLOW_TABLE_LOCATION_OVERLAP, CatalogFeatures,
};
use merak_model::{
    Entity, EntityId, EntityKind, EntityName, EventSubject, Location, Properties, RealmId,
    TableIdent,
};
use merak_storage::{CatalogStore, LocationGrant};
use merak_table_metadata::{
    NewTable, TableMetadata, metadata_file_name, metadata_folder, wants_gzip,
};
use serde_json::Value;
use uuid::Uuid;

use crate::answers::Answer;
use crate::default_locations::default_table_location;
use crate::delegation::{AccessDelegation, ClientAccess, Wanted};
use crate::events::Happening;
use crate::external::check_internal;
use crate::locations::{check_places, places};
use crate::metadata::TableRef;
use crate::outcome::{Left, Trace};
use crate::properties::refuse_reserved;
use crate::tables::LoadedTable;
use crate::taken::{check_name, making_failed};
use crate::{Error, Service};

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

/// A table that is to be made, and what is told of that.
#[derive(Clone, Copy)]
pub(crate) struct Making<'a> {
    pub(crate) actor: &'a Actor,
    pub(crate) target: &'a ResolvedNewTable,
    pub(crate) store: &'a CatalogStore,
    pub(crate) features: CatalogFeatures<'a>,
    /// What happens by it.
    pub(crate) subjects: &'a [EventSubject],
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
        check_internal(catalog, "create table")?;
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
            kind: EntityKind::Table,
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
        let subjects = &[EventSubject::CreateTable];
        let making = Making { actor: &access.actor(), target, store: &store, features, subjects };
        let made = self.write_and_create(making, &metadata).await?;
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
            Some(location) => spelled_as_asked(&location)?,
            None => default_table_location(&target.namespace, &target.ident, features)?,
        };
        let now_ms = self.clock.now_ms();
        let mut properties = draft.properties;
        // As the reference catalog does: engines show it. A client that says it itself is believed.
        properties.entry("created-at".to_owned()).or_insert_with(|| iso_time(now_ms));
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
        Making { actor, target, store, features, subjects }: Making<'_>,
        metadata: &TableMetadata,
    ) -> Result<LoadedTable, Error> {
        let file = self.write_first(target, store, metadata).await?;
        let (change, id) = self.creation(target, metadata, &file, features)?;
        let left = Left::Pointer(&target.ident, id, file.pointer.as_str());
        let catalog = &target.namespace.catalog;
        let trace = Trace { catalog, left };
        let table = |&subject| Happening::to_table(subject, catalog, &target.ident);
        let happened = subjects.iter().map(|one| table(one).changed_by(&change)).collect();
        let answer = || file.answer();
        if let Err(error) = self.apply_surely(actor, vec![change], happened, answer, trace).await {
            if !matches!(error, MetastoreError::OutcomeUnknown(_)) {
                self.metadata.discard(store, &file.location).await;
            }
            return Err(creation_failed(error, &target.ident));
        }
        self.keep(&actor.realm, target, &file).await;
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
        EntityName::parse(&target.ident.name)?;
        self.write_file(store, metadata, None).await
    }

    /// Writes metadata to a new file, named after the one before.
    pub(crate) async fn write_file(
        &self,
        store: &CatalogStore,
        metadata: &TableMetadata,
        previous: Option<&str>,
    ) -> Result<WrittenFile, Error> {
        let file = NewFile {
            folder: metadata_folder(metadata),
            json: Bytes::from(metadata.to_json()),
            as_gzip: wants_gzip(metadata)?,
        };
        self.write_new(store, file, previous).await
    }

    /// Writes a new metadata file of a table or view, named after the one before.
    pub(crate) async fn write_new(
        &self,
        store: &CatalogStore,
        NewFile { folder, json, as_gzip }: NewFile,
        previous: Option<&str>,
    ) -> Result<WrittenFile, Error> {
        let name = metadata_file_name(previous, Uuid::new_v4(), as_gzip);
        let pointer = spelled_as_asked(&format!("{folder}/{name}"))?;
        let location = Location::parse(&pointer)?;
        // Nothing is written outside the allowed locations, whatever was judged before.
        if !store.config.allows(&location) {
            return Err(Error::Forbidden(format!(
                "The metadata file {location} would be outside the catalog's allowed locations"
            )));
        }
        self.metadata.write(store, &location, &json, as_gzip).await?;
        Ok(WrittenFile { location, pointer, json })
    }

    /// The change that makes a table whose first metadata file is written, and the table's id.
    pub(crate) fn creation(
        &self,
        target: &ResolvedNewTable,
        metadata: &TableMetadata,
        file: &WrittenFile,
        features: CatalogFeatures<'_>,
    ) -> Result<(Change, EntityId), Error> {
        let entity = self.new_entity(target, metadata)?;
        let id = entity.id;
        Ok((self.making(entity, file, features), id))
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
        self.metadata.remember(table, file.pointer.as_str(), file.json.clone()).await;
    }
}

/// A metadata file that is to be written.
pub(crate) struct NewFile {
    /// Where it goes.
    pub(crate) folder: String,
    pub(crate) json: Bytes,
    pub(crate) as_gzip: bool,
}

/// A metadata file that is written, and its JSON.
#[derive(Debug, Clone)]
pub(crate) struct WrittenFile {
    pub(crate) location: Location,
    /// Where it is, as whoever named its folder spells that: clients compare it.
    pub(crate) pointer: String,
    pub(crate) json: Bytes,
}

impl WrittenFile {
    /// A file that was there.
    pub(crate) fn found(location: Location, json: Bytes) -> Self {
        Self { pointer: location.as_str().to_owned(), location, json }
    }

    /// The answer that tells of the table, as it is remembered.
    pub(crate) fn answer(&self) -> Answer {
        Answer::Table { metadata_location: self.pointer.clone() }
    }

    /// The table it is of, as a client gets it.
    pub(crate) fn loaded(&self) -> LoadedTable {
        LoadedTable {
            metadata_location: Some(self.pointer.clone()),
            metadata: self.json.clone(),
            access: ClientAccess::default(),
        }
    }
}

/// Refuses a name that no table can have, or that something has.
pub(crate) fn check_is_free(target: &ResolvedNewTable) -> Result<(), Error> {
    check_name(EntityKind::Table, target)
}

/// What Iceberg's clients read when a table is there already.
pub(crate) fn table_exists(ident: &TableIdent) -> String {
    format!("Table already exists: {ident}")
}

/// What the metastore's refusal of a new table means to a client.
pub(crate) fn creation_failed(error: MetastoreError, ident: &TableIdent) -> Error {
    making_failed(EntityKind::Table, error, ident)
}

/// Refuses properties that a commit sets and that a table or view may not have.
pub(crate) fn check_set_properties<'a>(
    set: impl Iterator<Item = (&'a str, &'a str)>,
    has_location: bool,
    features: CatalogFeatures<'_>,
) -> Result<(), Error> {
    let set = set.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    check_table_properties(&set, has_location, features)
}

/// Refuses properties that a table or view may not have.
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
    let path = WRITE_PATHS.into_iter().find(|path| sets(path));
    let by = has_location.then_some("location").or(path);
    by.map_or(Ok(()), |name| check_may_be_placed(name, features))
}

/// Refuses to let a client say, by `name`, where a table lies, if that is switched off.
pub(crate) fn check_may_be_placed(name: &str, features: CatalogFeatures<'_>) -> Result<(), Error> {
    if features.is_on(&ALLOW_CLIENT_SPECIFIED_TABLE_LOCATION) {
        return Ok(());
    }
    Err(Error::BadRequest(format!(
        "Specifying a table or view location using {name} is not allowed."
    )))
}

/// The location that a client asked for, as it spelled it: Java's spells files with one slash, and
/// compares what it gets with what it asked for.
fn spelled_as_asked(text: &str) -> Result<String, Error> {
    let location = Location::parse(text)?;
    let has_one_slash = text.starts_with("file:/") && !text.starts_with("file://");
    Ok(if has_one_slash {
        format!("file:/{}", location.path())
    } else {
        location.as_str().to_owned()
    })
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
