//! One change, as the statement that makes it.

use merak_metastore::{AnswerRecord, Change, MetadataBody, NewTask};
use merak_model::{Entity, EntityVersion, GrantRecord, RealmId};

use crate::connection::Param;
use crate::explain::Trouble;
use crate::overlap::Places;
use crate::pool::Lease;
use crate::statement::{self as sql, Statement};
use crate::{answers, entity, events};

/// Keeps events, in one statement.
pub(crate) async fn record(
    lease: &mut Lease<'_>,
    realm: &RealmId,
    recorded: &[Change],
) -> Result<(), Trouble> {
    let events = events::recorded(recorded);
    let rows = lease.run(&sql::RECORD_EVENTS, &events::params(realm, &events)).await?;
    if rows.len() == recorded.len() { Ok(()) } else { Err(Trouble::Missed) }
}

/// Makes one change, in one statement. With one of an entity goes the answer to its request. Whether
/// anything was changed: what is granted already is granted again without a change.
pub(crate) async fn make(
    lease: &mut Lease<'_>,
    realm: &RealmId,
    change: &Change,
    answer: Option<&AnswerRecord>,
) -> Result<bool, Trouble> {
    if let Change::Grant(grant) = change {
        return Ok(!lease.run(&sql::GRANT, &grant_params(realm, grant)).await?.is_empty());
    }
    make_other(lease, realm, change, answer).await.map(|()| true)
}

/// Makes a change that always changes something, or fails.
async fn make_other(
    lease: &mut Lease<'_>,
    realm: &RealmId,
    change: &Change,
    answer: Option<&AnswerRecord>,
) -> Result<(), Trouble> {
    let answered = answer.map(answers::to_json);
    let answered = answered.as_deref();
    match change {
        Change::Create { entity, metadata, keep_apart } => {
            create(lease, realm, entity, metadata.as_deref(), *keep_apart, answered).await
        }
        Change::Update { entity, expected, metadata, keep_apart } => {
            update(lease, realm, entity, *expected, metadata, *keep_apart, answered).await
        }
        Change::Answer(record) => {
            hit(lease, &sql::ADD_ANSWER, &answers::params(realm, record)).await
        }
        Change::AddTask(task) => {
            lease.run(&sql::ADD_TASK, &task_params(realm, task)).await?;
            Ok(())
        }
        Change::Record(_) => record(lease, realm, std::slice::from_ref(change)).await,
        Change::Drop { id, expected } => {
            let params = [Param::realm(realm), Param::Int(id.0), Param::Int(expected.0)];
            hit(lease, &sql::DROP_ENTITY, &params).await
        }
        Change::Grant(grant) => {
            lease.run(&sql::GRANT, &grant_params(realm, grant)).await?;
            Ok(())
        }
        Change::Revoke(grant) => hit(lease, &sql::REVOKE, &grant_params(realm, grant)).await,
        Change::AttachPolicy(mapping) => {
            let parameters = entity::to_json(&mapping.parameters);
            let params = [
                Param::realm(realm),
                Param::Int(mapping.target.0),
                Param::Int(mapping.policy_type.into()),
                Param::Int(mapping.policy.0),
                Param::Text(&parameters),
            ];
            hit(lease, &sql::ATTACH_POLICY, &params).await
        }
        Change::DetachPolicy { policy, target } => {
            let params = [Param::realm(realm), Param::Int(target.0), Param::Int(policy.0)];
            hit(lease, &sql::DETACH_POLICY, &params).await
        }
        Change::DetachPolicyFromAll(policy) => {
            let params = [Param::realm(realm), Param::Int(policy.0)];
            lease.run(&sql::DETACH_POLICY_FROM_ALL, &params).await?;
            Ok(())
        }
        Change::SetSecrets(principal, secrets) => {
            let params = [
                Param::realm(realm),
                Param::Int(principal.0),
                Param::Text(&secrets.client_id),
                Param::Text(&secrets.main_hash),
                Param::Text(&secrets.secondary_hash),
                Param::Text(&secrets.salt),
            ];
            lease.run(&sql::SET_SECRETS, &params).await?;
            Ok(())
        }
        Change::RotateSecrets { principal, expected, secrets } => {
            let params = [
                Param::realm(realm),
                Param::Int(principal.0),
                Param::Text(&secrets.client_id),
                Param::Text(&secrets.main_hash),
                Param::Text(&secrets.secondary_hash),
                Param::Text(&secrets.salt),
                Param::Text(expected),
            ];
            hit(lease, &sql::ROTATE_SECRETS, &params).await
        }
    }
}

fn task_params<'a>(realm: &'a RealmId, task: &'a NewTask) -> [Param<'a>; 7] {
    [
        Param::realm(realm),
        Param::Int(task.id.0),
        Param::Text(&task.kind),
        Param::Int(task.catalog_id.0),
        Param::Text(&task.subject),
        Param::Text(&task.details),
        Param::Int(task.created_ms),
    ]
}

fn grant_params<'a>(realm: &'a RealmId, grant: &GrantRecord) -> [Param<'a>; 4] {
    [
        Param::realm(realm),
        Param::Int(grant.securable.0),
        Param::Int(grant.grantee.0),
        Param::Int(grant.privilege.code().into()),
    ]
}

async fn create(
    lease: &mut Lease<'_>,
    realm: &RealmId,
    entity: &Entity,
    metadata: Option<&[u8]>,
    keep_apart: bool,
    answered: Option<&str>,
) -> Result<(), Trouble> {
    let properties = entity::to_json(&entity.properties);
    let internal = entity::to_json(&entity.internal);
    let extra_places = entity::extra_places(entity);
    let mut params = vec![
        Param::realm(realm),
        Param::Int(entity.id.0),
        Param::Int(entity.catalog_id.0),
        Param::Int(entity.parent_id.0),
        Param::Int(entity.kind.code().into()),
        Param::Int(entity.kind.sub_code().into()),
        Param::Text(&entity.name),
        Param::Int(entity.version.0),
        Param::Int(entity.created_ms),
        Param::Int(entity.updated_ms),
        Param::Text(&properties),
        Param::Text(&internal),
        Param::OptText(entity.location.as_deref()),
        Param::OptText(entity.metadata_location.as_deref()),
        Param::OptBytes(metadata),
        Param::OptText(extra_places.as_deref()),
        Param::OptText(answered),
    ];
    let Some(places) = places_to_keep_free(entity, keep_apart) else {
        return hit(lease, &sql::CREATE_ENTITY, &params).await;
    };
    params.extend([Param::Text(&places.above), Param::Text(&places.ends)]);
    hit(lease, &sql::CREATE_ENTITY_APART, &params).await
}

async fn update(
    lease: &mut Lease<'_>,
    realm: &RealmId,
    entity: &Entity,
    expected: EntityVersion,
    metadata: &MetadataBody,
    keep_apart: bool,
    answered: Option<&str>,
) -> Result<(), Trouble> {
    let properties = entity::to_json(&entity.properties);
    let internal = entity::to_json(&entity.internal);
    let extra_places = entity::extra_places(entity);
    let (keep_metadata, metadata) = match metadata {
        MetadataBody::Keep => (true, None),
        MetadataBody::Set(metadata) => (false, metadata.as_deref()),
    };
    let mut params = vec![
        Param::realm(realm),
        Param::Int(entity.id.0),
        Param::Int(expected.0),
        Param::Int(entity.parent_id.0),
        Param::Text(&entity.name),
        Param::Int(entity.version.0),
        Param::Int(entity.updated_ms),
        Param::Text(&properties),
        Param::Text(&internal),
        Param::OptText(entity.location.as_deref()),
        Param::OptText(entity.metadata_location.as_deref()),
        Param::Bool(keep_metadata),
        Param::OptBytes(metadata),
        Param::OptText(extra_places.as_deref()),
        Param::OptText(answered),
    ];
    let Some(places) = places_to_keep_free(entity, keep_apart) else {
        return hit(lease, &sql::UPDATE_ENTITY, &params).await;
    };
    params.extend([
        Param::Int(entity.kind.code().into()),
        Param::Int(entity.catalog_id.0),
        Param::Text(&places.above),
        Param::Text(&places.ends),
    ]);
    hit(lease, &sql::UPDATE_ENTITY_APART, &params).await
}

fn places_to_keep_free(entity: &Entity, keep_apart: bool) -> Option<Places> {
    if keep_apart { Places::of(entity) } else { None }
}

/// Runs a statement that gives back a row if it did something.
async fn hit(
    lease: &mut Lease<'_>,
    statement: &'static Statement,
    params: &[Param<'_>],
) -> Result<(), Trouble> {
    if lease.run(statement, params).await?.is_empty() { Err(Trouble::Missed) } else { Ok(()) }
}
