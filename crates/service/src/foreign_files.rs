//! Metadata files that another catalog wrote, and tables that are pointed at them.

use bytes::Bytes;
use merak_authz::ResolvedNamespace;
use merak_metastore::{Change, MetadataBody};
use merak_model::features::{ALLOW_TABLE_LOCATION_OVERLAP, CatalogFeatures};
use merak_model::{Entity, Location, TableIdent};
use merak_storage::CatalogStore;
use merak_table_metadata::TableMetadata;

use crate::locations::{Homes, check_files, check_metadata_file, check_places, places};
use crate::new_tables::{WrittenFile, describe};
use crate::{Error, Service, metadata};

/// A metadata file that was there, read and judged.
#[derive(Debug)]
pub(crate) struct ForeignFile {
    pub(crate) file: WrittenFile,
    pub(crate) metadata: TableMetadata,
}

impl Service {
    /// Reads a metadata file that another catalog wrote: judges where it is before it is read, and
    /// then what is inside, and where all that it names lies.
    pub(crate) async fn read_foreign(
        &self,
        store: &CatalogStore,
        location: &str,
        ident: &TableIdent,
        namespace: &ResolvedNamespace,
        features: CatalogFeatures<'_>,
    ) -> Result<ForeignFile, Error> {
        let (location, json) = self.read_at(store, location, ident, namespace, features).await?;
        let metadata = metadata::parse(location.as_str(), &json)?;
        // A commit would find what is wrong inside later, and could not mend it.
        metadata.validate().map_err(|error| malformed(&location, &error))?;
        check_places(ident, &places(&metadata)?, namespace, &store.config, features)?;
        check_metadata_file(&location, Homes::of(&metadata), features)?;
        check_files(ident, metadata.file_locations(), &store.config)?;
        Ok(ForeignFile { file: WrittenFile::found(location, json), metadata })
    }

    /// Reads a metadata file of a table or view that another catalog wrote, if it is where that may
    /// be. What is inside is not judged.
    pub(crate) async fn read_at(
        &self,
        store: &CatalogStore,
        location: &str,
        ident: &TableIdent,
        namespace: &ResolvedNamespace,
        features: CatalogFeatures<'_>,
    ) -> Result<(Location, Bytes), Error> {
        let location = Location::parse(location)?;
        let place = std::slice::from_ref(&location);
        check_places(ident, place, namespace, &store.config, features)?;
        let json = self.metadata.read(store, &location).await?;
        Ok((location, json))
    }

    /// A table as it is once it points at another file.
    pub(crate) fn repointed(
        &self,
        table: &Entity,
        metadata: &TableMetadata,
        file: &WrittenFile,
    ) -> Result<Entity, Error> {
        let mut after = table.clone();
        describe(&mut after, metadata)?;
        after.metadata_location = Some(file.pointer.clone());
        after.version = table.version.next();
        after.updated_ms = self.clock.now_ms();
        Ok(after)
    }

    /// The change that makes a table, the file of which is there.
    pub(crate) fn making(
        &self,
        mut table: Entity,
        file: &WrittenFile,
        features: CatalogFeatures<'_>,
    ) -> Change {
        table.metadata_location = Some(file.pointer.clone());
        Change::Create {
            entity: Box::new(table),
            metadata: self.metadata.beside(&file.json),
            keep_apart: !features.is_on(&ALLOW_TABLE_LOCATION_OVERLAP),
        }
    }

    /// The change that points a table at another file, if it is still as it was.
    pub(crate) fn pointing(
        &self,
        before: &Entity,
        after: Entity,
        file: &WrittenFile,
        features: CatalogFeatures<'_>,
    ) -> Change {
        Change::Update {
            entity: Box::new(after),
            expected: before.version,
            metadata: MetadataBody::Set(self.metadata.beside(&file.json)),
            keep_apart: !features.is_on(&ALLOW_TABLE_LOCATION_OVERLAP),
        }
    }
}

/// What is wrong with a metadata file that can be read.
pub(crate) fn malformed(location: &Location, error: &merak_table_metadata::Error) -> Error {
    Error::BadRequest(format!("The metadata file {location} is malformed: {error}"))
}

/// Whether metadata is of another table than the one that is there: whoever has that open would take
/// the one for the other.
pub(crate) fn is_of_another(metadata: &TableMetadata, table: &Entity) -> bool {
    let uuid = table.internal.get("table-uuid");
    uuid.is_some_and(|uuid| !uuid.eq_ignore_ascii_case(metadata.uuid()))
}
