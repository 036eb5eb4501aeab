//! Updates that say which version they are based on, as the management API makes them.

use merak_metastore::{Change, Error as MetastoreError, MetadataBody};
use merak_model::{Entity, EntityVersion, Properties};

use crate::Error;
use crate::properties::refuse_reserved;

/// What is to change about a principal or a role.
#[derive(Debug, Clone)]
pub struct PropertiesReplacement {
    /// The version the caller saw.
    pub current_version: EntityVersion,
    /// All properties as they are to be, or nothing to leave them.
    pub properties: Option<Properties>,
}

/// The entity as it is to be, if the caller saw it as it is.
pub(crate) fn replace_properties(
    before: &Entity,
    replacement: PropertiesReplacement,
    now_ms: i64,
) -> Result<Entity, Error> {
    if replacement.current_version != before.version {
        return Err(stale(before, replacement.current_version));
    }
    let mut after = before.clone();
    if let Some(properties) = replacement.properties {
        refuse_reserved(properties.keys().map(String::as_str))?;
        after.properties = properties;
    }
    after.version = before.version.next();
    after.updated_ms = now_ms;
    Ok(after)
}

/// The caller saw an older version, or made one up.
pub(crate) fn stale(before: &Entity, seen: EntityVersion) -> Error {
    Error::ConcurrentModification(format!(
        "Failed to update {}; currentEntityVersion '{seen}', expected '{}'",
        before.kind, before.version
    ))
}

/// The change that makes `after` of `before`.
pub(crate) fn update(before: &Entity, after: &Entity) -> Change {
    Change::Update {
        entity: Box::new(after.clone()),
        expected: before.version,
        metadata: MetadataBody::Keep,
        keep_apart: false,
    }
}

/// What the metastore's refusal of such a change means to a client.
pub(crate) fn update_failed(error: MetastoreError, entity: &Entity) -> Error {
    if matches!(error, MetastoreError::Conflict { .. } | MetastoreError::SecretsMoved(_)) {
        return Error::ConcurrentModification(format!(
            "Concurrent modification on {} '{}'; retry later",
            entity.kind, entity.name
        ));
    }
    error.into()
}

/// What the metastore's refusal of a drop means to a client. `label` is what Polaris calls it.
pub(crate) fn drop_failed(error: MetastoreError, label: &str) -> Error {
    if matches!(error, MetastoreError::Conflict { .. }) {
        return Error::BadRequest(format!(
            "{label} cannot be dropped, concurrent modification detected. Please try again"
        ));
    }
    error.into()
}
