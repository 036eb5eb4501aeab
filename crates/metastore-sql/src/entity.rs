//! Entities as rows.

use merak_metastore::Error;
use merak_model::{Entity, EntityId, EntityKind, EntityVersion, Properties};

use crate::connection::Row;

/// Reads an entity from the columns of `resolve.postgres.sql`, of which `first` is its id.
pub(crate) fn read(row: &Row, first: usize) -> Result<Entity, Error> {
    let (code, sub_code) = (row.code(first + 3)?, row.code(first + 4)?);
    let kind = kind(code, sub_code)?;
    Ok(Entity {
        id: EntityId(row.int(first)?),
        catalog_id: EntityId(row.int(first + 1)?),
        parent_id: EntityId(row.int(first + 2)?),
        kind,
        name: row.text(first + 5)?.to_owned(),
        version: EntityVersion(row.int(first + 6)?),
        created_ms: row.int(first + 7)?,
        updated_ms: row.int(first + 8)?,
        properties: properties(row.text(first + 9)?)?,
        internal: properties(row.text(first + 10)?)?,
        location: row.opt_text(first + 11)?.map(str::to_owned),
        metadata_location: row.opt_text(first + 12)?.map(str::to_owned),
    })
}

/// The kind stored as those codes.
pub(crate) fn kind(code: i32, sub_code: i32) -> Result<EntityKind, Error> {
    EntityKind::from_codes(code, sub_code)
        .ok_or_else(|| Error::Corrupt(format!("there is no kind of entity {code}.{sub_code}")))
}

/// Properties, as they are stored.
pub(crate) fn properties(json: &str) -> Result<Properties, Error> {
    if json == "{}" {
        return Ok(Properties::new());
    }
    serde_json::from_str(json).map_err(|error| Error::Corrupt(format!("properties: {error}")))
}

/// Properties as they are stored.
pub(crate) fn to_json(properties: &Properties) -> String {
    serde_json::to_string(properties).expect("a map of texts is JSON")
}

/// The places an entity uses beside its location as they are stored, if there are any. From there
/// the database keeps its list of such places, by which they are found.
pub(crate) fn extra_places(entity: &Entity) -> Option<String> {
    let places = entity.extra_places();
    if places.is_empty() {
        return None;
    }
    Some(serde_json::to_string(&places).expect("a list of texts is JSON"))
}
