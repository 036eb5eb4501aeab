//! Why a change was not made.

use merak_metastore::{BoxError, Change, Error};
use merak_model::{Entity, EntityId, EntityKind, EntityVersion, RealmId};

use crate::connection::{Failure, Param, Row};
use crate::entity;
use crate::overlap::Places;
use crate::pool::Lease;
use crate::statement as sql;

/// Why an attempt ended.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It is to be tried again: nothing happened, and the reason passes.
    Again(BoxError),
    With(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::With(error)
    }
}

impl Stop {
    /// What a failure means as long as nothing is committed.
    pub(crate) fn before_commit(failure: Failure) -> Self {
        match failure {
            Failure::Again(source) => Self::Again(source),
            Failure::Unique(_)
            | Failure::ForeignKey(_)
            | Failure::Answered(_)
            | Failure::Refused(_)
            | Failure::Lost(_) => Self::With(failure.into_unavailable()),
        }
    }

    /// What a failure means when it may have been committed.
    pub(crate) fn at_commit(failure: Failure) -> Self {
        match failure {
            Failure::Again(source) => Self::Again(source),
            Failure::Unique(_)
            | Failure::ForeignKey(_)
            | Failure::Answered(_)
            | Failure::Refused(_)
            | Failure::Lost(_) => Self::With(failure.into_write_error()),
        }
    }
}

/// What went wrong with a change.
#[derive(Debug)]
pub(crate) enum Trouble {
    Failed(Failure),
    /// The statement was carried out, and hit no row.
    Missed,
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// When a change was made: whether it was its own commit.
#[derive(Debug, Clone, Copy)]
pub(crate) enum When {
    Alone,
    InTransaction,
}

/// Says why a change was not made, asking the database again where it takes that.
pub(crate) async fn explain(
    lease: &mut Lease<'_>,
    realm: &RealmId,
    change: &Change,
    trouble: Trouble,
    when: When,
) -> Stop {
    let explained = match (trouble, change) {
        (Trouble::Failed(Failure::Unique(source)), change) => match change {
            Change::Create { entity, .. } | Change::Update { entity, .. } => {
                name_taken(lease, realm, entity).await
            }
            Change::SetSecrets(_, secrets) | Change::RotateSecrets { secrets, .. } => {
                Err(Error::ClientIdTaken(secrets.client_id.clone()).into())
            }
            Change::Drop { .. }
            | Change::Grant(_)
            | Change::Revoke(_)
            | Change::AttachPolicy(_)
            | Change::DetachPolicy { .. }
            | Change::DetachPolicyFromAll(_)
            | Change::Answer(_)
            | Change::AddTask(_)
            | Change::Record(_) => Err(Error::Unavailable(source).into()),
        },
        (Trouble::Failed(Failure::Answered(_)), _) | (Trouble::Missed, Change::Answer(_)) => {
            Err(Error::AlreadyAnswered.into())
        }
        (Trouble::Failed(Failure::ForeignKey(_)), Change::Drop { id, .. }) => {
            Err(Error::NotEmpty { id: *id }.into())
        }
        (Trouble::Failed(Failure::ForeignKey(_)), _) => Err(Error::ParentGone.into()),
        (Trouble::Failed(failure), _) => Err(match when {
            When::Alone => Stop::at_commit(failure),
            When::InTransaction => Stop::before_commit(failure),
        }),
        (Trouble::Missed, Change::Create { entity, .. }) => {
            missed_create(lease, realm, entity).await
        }
        (Trouble::Missed, Change::Update { entity, expected, keep_apart, .. }) => {
            missed_update(lease, realm, entity, *expected, *keep_apart).await
        }
        (Trouble::Missed, Change::Drop { id, expected }) => Err(conflict(*id, *expected)),
        (Trouble::Missed, Change::Revoke(_)) => Err(Error::NotGranted.into()),
        (Trouble::Missed, Change::AttachPolicy(mapping)) => {
            Err(Error::TypeAttached { target: mapping.target }.into())
        }
        (Trouble::Missed, Change::DetachPolicy { .. }) => Err(Error::NotAttached.into()),
        (Trouble::Missed, Change::Record(_)) => Err(Error::AlreadyRecorded.into()),
        (Trouble::Missed, Change::RotateSecrets { principal, .. }) => {
            Err(Error::SecretsMoved(*principal).into())
        }
        (
            Trouble::Missed,
            Change::Grant(_)
            | Change::DetachPolicyFromAll(_)
            | Change::SetSecrets(..)
            | Change::AddTask(_),
        ) => Ok(()),
    };
    // What was in the way is gone again, so that it is worth another try.
    explained.err().unwrap_or_else(|| Stop::Again("what was in the way is gone again".into()))
}

fn conflict(id: EntityId, expected: EntityVersion) -> Stop {
    Error::Conflict { id, expected }.into()
}

/// Finds what has the name that was wanted. If nothing has it, it was made by the same transaction,
/// or is gone again: then it was of this kind, as far as anybody can tell.
async fn name_taken(lease: &mut Lease<'_>, realm: &RealmId, entity: &Entity) -> Result<(), Stop> {
    let kind = kind_of_name(lease, realm, entity).await?.unwrap_or(entity.kind);
    Err(Error::AlreadyExists { kind, name: entity.name.clone() }.into())
}

async fn kind_of_name(
    lease: &mut Lease<'_>,
    realm: &RealmId,
    entity: &Entity,
) -> Result<Option<EntityKind>, Stop> {
    let params = [
        Param::realm(realm),
        Param::Int(entity.parent_id.0),
        Param::Int(entity.kind.code().into()),
        Param::Text(&entity.name),
    ];
    let rows = lease.run(&sql::FIND_NAME, &params).await.map_err(Stop::before_commit)?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(entity::kind(row.code(0)?, row.code(1)?)?))
}

/// Says why nothing was made. That the name is taken goes first: who has the name mostly has the
/// location too, and clients expect to hear of the name.
async fn missed_create(
    lease: &mut Lease<'_>,
    realm: &RealmId,
    entity: &Entity,
) -> Result<(), Stop> {
    if let Some(kind) = kind_of_name(lease, realm, entity).await? {
        return Err(Error::AlreadyExists { kind, name: entity.name.clone() }.into());
    }
    overlap(lease, realm, entity).await
}

/// Says why an update hit nothing. That the version moved goes first: who tries again on the new
/// version learns of an overlap then, if there still is one.
async fn missed_update(
    lease: &mut Lease<'_>,
    realm: &RealmId,
    entity: &Entity,
    expected: EntityVersion,
    keep_apart: bool,
) -> Result<(), Stop> {
    if keep_apart {
        let params = [Param::realm(realm), Param::Int(entity.id.0)];
        let rows = lease.run(&sql::FIND_VERSION, &params).await.map_err(Stop::before_commit)?;
        if let Some(row) = rows.first()
            && row.int(0)? == expected.0
        {
            return overlap(lease, realm, entity).await;
        }
    }
    Err(conflict(entity.id, expected))
}

/// Finds what overlaps an entity's places.
async fn overlap(lease: &mut Lease<'_>, realm: &RealmId, entity: &Entity) -> Result<(), Stop> {
    let Some(places) = Places::of(entity) else { return Ok(()) };
    let params = overlap_params(realm, entity, &places);
    let rows = lease.run(&sql::FIND_OVERLAP, &params).await.map_err(Stop::before_commit)?;
    Ok(refuse_overlap(&rows, &places)?)
}

/// What the look-up of an overlap is asked with.
pub(crate) fn overlap_params<'a>(
    realm: &'a RealmId,
    entity: &Entity,
    places: &'a Places,
) -> [Param<'a>; 7] {
    [
        Param::realm(realm),
        Param::Int(entity.id.0),
        Param::Int(entity.catalog_id.0),
        Param::Int(entity.parent_id.0),
        Param::Int(entity.kind.code().into()),
        Param::Text(&places.above),
        Param::Text(&places.ends),
    ]
}

/// Fails if the look-up found something.
pub(crate) fn refuse_overlap(rows: &[Row], places: &Places) -> Result<(), Error> {
    let Some(row) = rows.first() else { return Ok(()) };
    let other = row.text(0)?.to_owned();
    let location = places.overlapped_by(&other).unwrap_or_default().to_owned();
    Err(Error::LocationOverlap { location, other })
}
