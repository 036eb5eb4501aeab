//! Where tables, views and namespaces may lie. Every location is judged here before anything is written
//! to it: against the catalog's allowed locations as they are now, at path boundaries.

use merak_authz::ResolvedNamespace;
use merak_model::entity::{WRITE_METADATA_PATH, WRITE_PATHS, internal};
use merak_model::features::{
    ADD_TRAILING_SLASH_TO_LOCATION, ALLOW_EXTERNAL_METADATA_FILE_LOCATION,
    ALLOW_EXTERNAL_TABLE_LOCATION, ALLOW_UNSTRUCTURED_TABLE_LOCATION, CatalogFeatures,
};
use merak_model::{Entity, Location, Namespace, StorageConfig, TableIdent};
use merak_table_metadata::{TableMetadata, ViewMetadata};

use crate::Error;
use crate::external::is_external;

/// The user property that holds a namespace's location.
pub(crate) const LOCATION: &str = "location";
/// The user property that holds a catalog's location.
pub(crate) const DEFAULT_BASE_LOCATION: &str = "default-base-location";

/// The storage configuration of a catalog.
pub(crate) fn storage_config(catalog: &Entity) -> Result<StorageConfig, Error> {
    let stored = catalog.internal.get(internal::STORAGE_CONFIG).ok_or_else(|| {
        Error::BadRequest(format!("Catalog {} has no storage configuration", catalog.name))
    })?;
    StorageConfig::from_json(stored).map_err(|error| {
        Error::Internal(format!(
            "The storage configuration of catalog {} cannot be read: {error}",
            catalog.name
        ))
    })
}

/// Where the tables of a namespace lie unless they say otherwise: below its own location, or the
/// nearest above it that has one.
pub(crate) fn base_location(namespace: &ResolvedNamespace) -> Result<String, Error> {
    let of_namespaces =
        namespace.namespaces.iter().rev().find_map(|entity| entity.properties.get(LOCATION));
    match of_namespaces {
        Some(location) => Ok(location.trim_end_matches('/').to_owned()),
        None => catalog_location(&namespace.catalog),
    }
}

/// Where a catalog lies.
pub(crate) fn catalog_location(catalog: &Entity) -> Result<String, Error> {
    let location = catalog.properties.get(DEFAULT_BASE_LOCATION).ok_or_else(|| {
        Error::BadRequest(format!("Catalog {} has no default-base-location", catalog.name))
    })?;
    Ok(location.trim_end_matches('/').to_owned())
}

/// The location of a namespace that says none: below its parent's.
pub(crate) fn default_namespace_location(
    parent: &ResolvedNamespace,
    namespace: &Namespace,
    features: CatalogFeatures<'_>,
) -> Result<String, Error> {
    let name = namespace.last().unwrap_or_default();
    let end = if features.is_on(&ADD_TRAILING_SLASH_TO_LOCATION) { "/" } else { "" };
    Ok(format!("{}/{name}{end}", base_location(parent)?))
}

/// The places a table uses: its location, and where it writes if not below that.
pub(crate) fn places(metadata: &TableMetadata) -> Result<Vec<Location>, Error> {
    places_of(metadata.location(), |key| metadata.property(key))
}

/// The places a view names: likewise, though it has no data to write.
pub(crate) fn view_places(metadata: &ViewMetadata) -> Result<Vec<Location>, Error> {
    places_of(metadata.location(), |key| metadata.property(key))
}

pub(crate) fn places_of<'a>(
    location: &'a str,
    property: impl Fn(&str) -> Option<&'a str>,
) -> Result<Vec<Location>, Error> {
    let paths = WRITE_PATHS.iter().filter_map(|key| property(key));
    std::iter::once(location)
        .chain(paths)
        .map(|text| Location::parse(text).map_err(Error::from))
        .collect()
}

/// The places of a table that is there, which credentials for it may reach: as [`places`], in the
/// same order and each once. They were kept apart from those of all other tables.
pub(crate) fn granted_places(table: &Entity) -> Result<Vec<Location>, Error> {
    let unreadable =
        |what: String| Error::Internal(format!("The places of table {}: {what}", table.name));
    let location = table.internal.get(internal::LOCATION);
    let location = location.ok_or_else(|| unreadable("it has no location".to_owned()))?;
    let paths = WRITE_PATHS.iter().filter_map(|key| table.internal.get(*key));
    let mut places = Vec::new();
    for text in std::iter::once(location).chain(paths) {
        let place = Location::parse(text).map_err(|error| unreadable(error.to_string()))?;
        if !places.contains(&place) {
            places.push(place);
        }
    }
    Ok(places)
}

/// Judges the places a table or view is to use.
///
/// They must be within the allowed locations and, unless the catalog is unstructured or another one
/// says where its tables lie, within the namespace's own.
pub(crate) fn check_places(
    ident: &TableIdent,
    places: &[Location],
    namespace: &ResolvedNamespace,
    config: &StorageConfig,
    features: CatalogFeatures<'_>,
) -> Result<(), Error> {
    let refused: Vec<_> =
        places.iter().filter(|place| !config.allows(place)).map(Location::as_str).collect();
    if !refused.is_empty() {
        return Err(invalid(
            &refused,
            ident,
            &format!("they must be within [{}]", config.allowed_locations.join(", ")),
        ));
    }
    if features.is_on(&ALLOW_UNSTRUCTURED_TABLE_LOCATION) || is_external(&namespace.catalog) {
        return Ok(());
    }
    let base = Location::parse(&base_location(namespace)?)?;
    let outside: Vec<_> =
        places.iter().filter(|place| !base.contains(place)).map(Location::as_str).collect();
    if outside.is_empty() {
        return Ok(());
    }
    Err(invalid(
        &outside,
        ident,
        &format!("they must be within the location of the namespace, {base}"),
    ))
}

fn invalid(locations: &[&str], ident: &TableIdent, reason: &str) -> Error {
    Error::Forbidden(format!(
        "Invalid locations '[{}]' for identifier '{ident}': {reason}",
        locations.join(", ")
    ))
}

/// Judges the files that a commit brings into a table's metadata: none may lie outside the allowed
/// locations, or the server would later read or delete what is not the catalog's.
pub(crate) fn check_files<'a>(
    ident: &TableIdent,
    files: impl IntoIterator<Item = &'a str>,
    config: &StorageConfig,
) -> Result<(), Error> {
    for file in files {
        let is_allowed = Location::parse(file).is_ok_and(|location| config.allows(&location));
        if !is_allowed {
            return Err(invalid(
                &[file],
                ident,
                &format!("they must be within [{}]", config.allowed_locations.join(", ")),
            ));
        }
    }
    Ok(())
}

/// Where the metadata files of a table or view may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Homes<'a> {
    what: &'static str,
    location: &'a str,
    metadata_path: Option<&'a str>,
}

impl<'a> Homes<'a> {
    pub(crate) fn of(metadata: &'a TableMetadata) -> Self {
        let metadata_path = metadata.property(WRITE_METADATA_PATH);
        Self { what: "table", location: metadata.location(), metadata_path }
    }

    pub(crate) fn of_view(metadata: &'a ViewMetadata) -> Self {
        let metadata_path = metadata.property(WRITE_METADATA_PATH);
        Self { what: "view", location: metadata.location(), metadata_path }
    }
}

/// Judges where the metadata file of a table or view is: below its location or its metadata path.
pub(crate) fn check_metadata_file(
    file: &Location,
    homes: Homes<'_>,
    features: CatalogFeatures<'_>,
) -> Result<(), Error> {
    let allowing = [&ALLOW_EXTERNAL_METADATA_FILE_LOCATION, &ALLOW_EXTERNAL_TABLE_LOCATION];
    if allowing.iter().any(|flag| features.is_on(flag)) {
        return Ok(());
    }
    let is_home = [Some(homes.location), homes.metadata_path]
        .into_iter()
        .flatten()
        .any(|home| Location::parse(home).is_ok_and(|home| home.contains(file)));
    if is_home {
        return Ok(());
    }
    Err(Error::BadRequest(format!(
        "Metadata location {file} is not allowed outside of {} location {}",
        homes.what, homes.location
    )))
}

/// Judges a table or view that is there, before it is read: its catalog's allowed locations may have been
/// tightened since it was made.
pub(crate) fn check_still_allowed(
    ident: &TableIdent,
    table: &Entity,
    config: &StorageConfig,
) -> Result<(), Error> {
    let outside: Vec<_> = [internal::LOCATION, internal::METADATA_FOLDER]
        .into_iter()
        .chain(WRITE_PATHS)
        .filter_map(|key| table.internal.get(key))
        .chain(&table.metadata_location)
        .filter(|place| !Location::parse(place).is_ok_and(|place| config.allows(&place)))
        .map(String::as_str)
        .collect();
    if outside.is_empty() {
        return Ok(());
    }
    Err(Error::Forbidden(format!(
        "{} '{ident}' has locations outside the catalog's current allowed locations: {}",
        table.kind,
        outside.join(", ")
    )))
}

#[cfg(test)]
mod tests {
    use merak_model::{EntityId, EntityKind};

    use super::*;

    fn table(internal: &[(&str, &str)]) -> Entity {
        let mut table = Entity::new(EntityKind::Table, EntityId(1), EntityId(2), "t", 1);
        table.internal =
            internal.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        table
    }

    fn granted(internal: &[(&str, &str)]) -> Vec<String> {
        let places = granted_places(&table(internal)).unwrap();
        places.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_table_is_granted_its_location_and_wherever_it_writes() {
        assert_eq!(granted(&[("location", "s3://b/t/"), ("table-uuid", "x")]), ["s3://b/t"]);
        let paths = [
            ("write.folder-storage.path", "s3://b/folder/"),
            ("write.object-storage.path", "s3://b/object"),
            ("write.metadata.path", "s3://b/meta"),
            ("write.data.path", "s3://b/t"),
            ("location", "s3://b/t"),
        ];

        assert_eq!(granted(&paths), ["s3://b/t", "s3://b/meta", "s3://b/object", "s3://b/folder"]);
    }

    #[test]
    fn nothing_is_granted_where_a_place_cannot_be_read() {
        for internal in [
            &[("write.data.path", "s3://b/t")][..],
            &[("location", "s3://b/t"), ("write.data.path", "s3://b/t/../u")],
            &[("location", "*")],
        ] {
            let refused = granted_places(&table(internal));
            assert!(matches!(refused, Err(Error::Internal(_))), "{refused:?}");
        }
    }
}
