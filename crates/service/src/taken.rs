//! Names that are taken and races that are lost: what clients are told, of tables of all kinds and of
//! views.

use merak_authz::ResolvedNewTable;
use merak_metastore::Error as MetastoreError;
use merak_model::{EntityKind, EntityName, TableIdent};

use crate::Error;

/// What it is called in the middle of a sentence.
pub(crate) fn noun(kind: EntityKind) -> &'static str {
    match kind {
        EntityKind::View => "view",
        EntityKind::GenericTable => "generic table",
        EntityKind::Root
        | EntityKind::Principal
        | EntityKind::PrincipalRole
        | EntityKind::Catalog
        | EntityKind::CatalogRole
        | EntityKind::Namespace
        | EntityKind::Table
        | EntityKind::Policy => "table",
    }
}

/// Refuses a name that no table or view can have, or that something has.
pub(crate) fn check_name(kind: EntityKind, target: &ResolvedNewTable) -> Result<(), Error> {
    EntityName::parse(&target.ident.name)?;
    match &target.existing {
        None => Ok(()),
        Some(existing) => Err(name_taken(kind, existing.table.kind, &target.ident)),
    }
}

/// What Iceberg's clients read when the name of something new is taken: tables and views share names.
pub(crate) fn name_taken(new: EntityKind, there: EntityKind, ident: &TableIdent) -> Error {
    let same = if new == there { "" } else { " with same name" };
    Error::AlreadyExists(format!("{there}{same} already exists: {ident}"))
}

pub(crate) fn cannot_rename(
    source: &TableIdent,
    destination: &TableIdent,
    there: EntityKind,
) -> Error {
    Error::AlreadyExists(format!("Cannot rename {source} to {destination}. {there} already exists"))
}

pub(crate) fn changed_meanwhile(kind: EntityKind, ident: &TableIdent) -> Error {
    Error::CommitFailed(format!("{kind} {ident} is changed too often by others; retry later"))
}

/// What the metastore's refusal of something new means to a client.
pub(crate) fn making_failed(kind: EntityKind, error: MetastoreError, ident: &TableIdent) -> Error {
    if let MetastoreError::AlreadyExists { kind: there, .. } = error {
        return name_taken(kind, there, ident);
    }
    if matches!(error, MetastoreError::ParentGone) {
        return Error::NoSuchNamespace(format!("Namespace does not exist: {}", ident.namespace));
    }
    if matches!(error, MetastoreError::Conflict { .. }) {
        return Error::CommitFailed(format!("{kind} {ident} was changed at the same time"));
    }
    if let MetastoreError::OutcomeUnknown(source) = error {
        return Error::CommitStateUnknown { what: format!("{} {ident}", noun(kind)), source };
    }
    error.into()
}

/// What the metastore's refusal of a commit means to a client.
pub(crate) fn commit_failed(kind: EntityKind, error: MetastoreError, ident: &TableIdent) -> Error {
    match error {
        MetastoreError::OutcomeUnknown(source) => {
            Error::CommitStateUnknown { what: format!("{} {ident}", noun(kind)), source }
        }
        MetastoreError::Conflict { .. } | MetastoreError::ParentGone => {
            changed_meanwhile(kind, ident)
        }
        other @ (MetastoreError::AlreadyExists { .. }
        | MetastoreError::NotEmpty { .. }
        | MetastoreError::LocationOverlap { .. }
        | MetastoreError::ClientIdTaken(_)
        | MetastoreError::NotGranted
        | MetastoreError::TypeAttached { .. }
        | MetastoreError::NotAttached
        | MetastoreError::AlreadyAnswered
        | MetastoreError::AlreadyRecorded
        | MetastoreError::SecretsMoved(_)
        | MetastoreError::Unavailable(_)
        | MetastoreError::Corrupt(_)) => other.into(),
    }
}
