//! Views that come to be: created, or registered from a file that is there.

use bytes::Bytes;
use merak_authz::operations::{CreateView, RegisterView};
use merak_authz::{Actor, Authorized, ResolvedNewTable};
use merak_metastore::{Change, Error as MetastoreError};
use merak_model::entity::{WRITE_METADATA_PATH, internal};
use merak_model::features::{
    ALLOW_TABLE_LOCATION_OVERLAP, CatalogFeatures, VALIDATE_VIEW_LOCATION_OVERLAP,
};
use merak_model::{Entity, EntityKind, EventSubject, Location, Properties, RealmId};
use merak_storage::CatalogStore;
use merak_table_metadata::{NewView, ViewMetadata, view_metadata_folder, view_wants_gzip};
use serde_json::Value;
use uuid::Uuid;

use crate::answers::Answer;
use crate::default_locations::default_table_location;
use crate::events::{Happening, VIEW_NAME};
use crate::external::check_internal;
use crate::foreign_files::malformed;
use crate::locations::{Homes, check_metadata_file, check_places, view_places};
use crate::new_tables::{NewFile, WrittenFile, check_table_properties};
use crate::outcome::{Left, Trace};
use crate::taken::{check_name, making_failed};
use crate::views::LoadedView;
use crate::{Error, Service, metadata};

/// A view that a client describes.
#[derive(Debug, Clone)]
pub struct ViewDraft {
    /// Where its metadata is to lie; below its namespace if nothing is said.
    pub location: Option<String>,
    /// Its columns, as Iceberg's JSON.
    pub schema: Value,
    /// Its first version, as Iceberg's JSON.
    pub view_version: Value,
    /// Its properties.
    pub properties: Properties,
}

impl Service {
    /// Makes a view.
    pub async fn create_view(
        &self,
        proof: Authorized<CreateView>,
        draft: ViewDraft,
    ) -> Result<LoadedView, Error> {
        let (realm, target) = (proof.realm(), proof.target());
        let catalog = &target.namespace.catalog;
        check_internal(&target.namespace.catalog, "create view")?;
        let features = self.features_of(realm);
        let features = features.within(&catalog.properties);
        check_name(EntityKind::View, target)?;
        let store = self.store(realm, catalog)?;
        let metadata = self.draft_view(target, draft, features)?;
        let places = view_places(&metadata)?;
        check_places(&target.ident, &places, &target.namespace, &store.config, features)?;
        let entity = self.new_view_entity(target, &metadata)?;
        self.check_view_is_apart(realm, &entity, features).await?;
        let file = self.write_view_file(&store, &metadata, None).await?;
        let who = (&proof.actor(), EventSubject::CreateView);
        if let Err(error) = self.make_view(who, target, entity, &file).await {
            let is_unknown = matches!(error, MetastoreError::OutcomeUnknown(_));
            if !is_unknown {
                self.metadata.discard(&store, &file.location).await;
            }
            return Err(making_failed(EntityKind::View, error, &target.ident));
        }
        self.keep(realm, target, &file).await;
        Ok(LoadedView::of(file))
    }

    /// The metadata of a view that a client describes. Its location stays spelled as the client
    /// does, who compares it.
    fn draft_view(
        &self,
        target: &ResolvedNewTable,
        draft: ViewDraft,
        features: CatalogFeatures<'_>,
    ) -> Result<ViewMetadata, Error> {
        check_table_properties(&draft.properties, draft.location.is_some(), features)?;
        let location = match draft.location {
            Some(location) => location,
            None => default_table_location(&target.namespace, &target.ident, features)?,
        };
        let new = NewView {
            schema: draft.schema,
            view_version: draft.view_version,
            location,
            properties: draft.properties,
            uuid: Uuid::new_v4(),
            now_ms: self.clock.now_ms(),
        };
        new.build().map_err(view_refused)
    }

    /// Makes a view of a metadata file that is there. The file stays as it is.
    pub async fn register_view(
        &self,
        proof: Authorized<RegisterView>,
        metadata_location: &str,
    ) -> Result<LoadedView, Error> {
        let (realm, target) = (proof.realm(), proof.target());
        let ident = &target.ident;
        check_name(EntityKind::View, target)?;
        let features = self.features_of(realm);
        let catalog = &target.namespace.catalog;
        let features = features.within(&catalog.properties);
        let store = self.store(realm, catalog)?;
        let (location, json) =
            self.read_at(&store, metadata_location, ident, &target.namespace, features).await?;
        let metadata = metadata::parse_view(location.as_str(), &json)?;
        // A commit would find what is wrong inside later, and could not mend it.
        metadata.validate().map_err(|error| malformed(&location, &error))?;
        let places = view_places(&metadata)?;
        check_places(ident, &places, &target.namespace, &store.config, features)?;
        check_metadata_file(&location, Homes::of_view(&metadata), features)?;
        let entity = self.new_view_entity(target, &metadata)?;
        self.check_view_is_apart(realm, &entity, features).await?;
        let file = WrittenFile::found(location, json);
        // The file is the client's: whatever comes of it, it is not ours to remove.
        self.make_view((&proof.actor(), EventSubject::RegisterView), target, entity, &file)
            .await
            .map_err(|error| making_failed(EntityKind::View, error, ident))?;
        self.keep(realm, target, &file).await;
        Ok(LoadedView::of(file))
    }

    async fn make_view(
        &self,
        (actor, subject): (&Actor, EventSubject),
        target: &ResolvedNewTable,
        mut entity: Entity,
        file: &WrittenFile,
    ) -> Result<(), MetastoreError> {
        entity.metadata_location = Some(file.pointer.clone());
        let left = Left::Pointer(&target.ident, entity.id, file.pointer.as_str());
        let catalog = &target.namespace.catalog;
        let trace = Trace { catalog, left };
        let happened = Happening::to_named(subject, catalog, VIEW_NAME, &target.ident);
        let happened = vec![happened.knowing(&entity)];
        let change = Change::Create {
            entity: Box::new(entity),
            metadata: self.metadata.beside(&file.json),
            keep_apart: false,
        };
        self.apply_surely(actor, vec![change], happened, || view_answer(file), trace).await
    }

    /// Writes a view's metadata to a new file, named after the one before.
    pub(crate) async fn write_view_file(
        &self,
        store: &CatalogStore,
        metadata: &ViewMetadata,
        previous: Option<&str>,
    ) -> Result<WrittenFile, Error> {
        let file = NewFile {
            folder: view_metadata_folder(metadata),
            json: Bytes::from(metadata.to_json()),
            as_gzip: view_wants_gzip(metadata)?,
        };
        self.write_new(store, file, previous).await
    }

    /// Judges where a view is to lie: not in the place of a table or namespace, as in Polaris. A view
    /// keeps nobody away in turn: no credentials are ever given out for its place.
    pub(crate) async fn check_view_is_apart(
        &self,
        realm: &RealmId,
        view: &Entity,
        features: CatalogFeatures<'_>,
    ) -> Result<(), Error> {
        let is_judged = features.is_on(&VALIDATE_VIEW_LOCATION_OVERLAP);
        if features.is_on(&ALLOW_TABLE_LOCATION_OVERLAP) || !is_judged {
            return Ok(());
        }
        Ok(self.metastore.check_apart(realm, &placed(view)?).await?)
    }

    fn new_view_entity(
        &self,
        target: &ResolvedNewTable,
        metadata: &ViewMetadata,
    ) -> Result<Entity, Error> {
        let mut entity = Entity::new(
            EntityKind::View,
            target.namespace.catalog.id,
            target.namespace.entity().id,
            &target.ident.name,
            self.clock.now_ms(),
        );
        describe_view(&mut entity, metadata)?;
        Ok(entity)
    }
}

/// The answer that tells of a view, as it is remembered.
pub(crate) fn view_answer(file: &WrittenFile) -> Answer {
    Answer::View { metadata_location: file.pointer.clone() }
}

/// Writes down on a view's entity what its metadata says: where it lies, for the check of the allowed
/// locations. Not as its place, which would keep tables away.
pub(crate) fn describe_view(entity: &mut Entity, metadata: &ViewMetadata) -> Result<(), Error> {
    let location = Location::parse(metadata.location())?;
    let folder = Location::parse(&view_metadata_folder(metadata))?;
    let pairs = [
        (internal::LOCATION, location.as_str().to_owned()),
        (internal::METADATA_FOLDER, folder.as_str().to_owned()),
        ("format-version", metadata.format_version().to_string()),
        ("view-uuid", metadata.uuid().to_owned()),
        ("current-version-id", metadata.current_version_id().to_string()),
        ("last-updated-ms", metadata.last_updated_ms().to_string()),
    ];
    entity.internal = pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    Ok(())
}

/// A view as if it had a place, to be judged by.
fn placed(view: &Entity) -> Result<Entity, Error> {
    let place = |key: &str| view.internal.get(key).map(|place| Location::parse(place)).transpose();
    let mut placed = view.clone();
    placed.location = place(internal::LOCATION)?.map(|location| location.comparable());
    if let Some(folder) = place(internal::METADATA_FOLDER)? {
        placed.internal.insert(WRITE_METADATA_PATH.to_owned(), folder.as_str().to_owned());
    }
    Ok(placed)
}

/// What a view's metadata cannot be. Java's clients expect the exception that its own catalogs raise,
/// which is another one than for tables.
pub(crate) fn view_refused(error: merak_table_metadata::Error) -> Error {
    match error {
        merak_table_metadata::Error::Invalid(text) => Error::IllegalArgument(text),
        other @ (merak_table_metadata::Error::RequirementFailed(_)
        | merak_table_metadata::Error::Stale(_)) => other.into(),
    }
}
