//! Work in the background, as rows.

use async_trait::async_trait;
use merak_metastore::{Error, Hold, Recorded, TablesAfter, Task, TaskEnd, TaskState, Tasks};
use merak_model::{Entity, EntityId, RealmId};

use crate::connection::{Failure, Param, Row};
use crate::statement as sql;
use crate::{SqlMetastore, apply, entity};

#[async_trait]
impl Tasks for SqlMetastore {
    async fn claim_task(
        &self,
        realms: &[RealmId],
        owner: &str,
        now_ms: i64,
        due_ms: i64,
    ) -> Result<Option<(RealmId, Task)>, Error> {
        let realms = names(realms);
        let params =
            [Param::Text(&realms), Param::Text(owner), Param::Int(now_ms), Param::Int(due_ms)];
        let Some(row) = apply::run(&self.writes, &sql::CLAIM_TASK, &params).await? else {
            return Ok(None);
        };
        Ok(Some((RealmId::new(row.text(12)?), read(&row)?)))
    }

    async fn report_task(
        &self,
        hold: &Hold,
        progress: &str,
        now_ms: i64,
        due_ms: i64,
    ) -> Result<bool, Error> {
        let params = [
            Param::realm(&hold.realm),
            Param::Int(hold.task.0),
            Param::Text(&hold.owner),
            Param::Text(progress),
            Param::Int(now_ms),
            Param::Int(due_ms),
        ];
        Ok(apply::run(&self.writes, &sql::REPORT_TASK, &params).await?.is_some())
    }

    async fn settle_task(
        &self,
        hold: &Hold,
        progress: &str,
        end: &TaskEnd,
        now_ms: i64,
        events: &[Recorded],
    ) -> Result<bool, Error> {
        let (state, due_ms, error, uncounted) = match end {
            TaskEnd::Done => (TaskState::Done, now_ms, None, 0),
            TaskEnd::TryAgain { due_ms, error } => (TaskState::Waiting, *due_ms, Some(error), 0),
            TaskEnd::Failed { error } => (TaskState::Failed, now_ms, Some(error), 0),
            TaskEnd::GivenBack => (TaskState::Waiting, now_ms, None, 1),
        };
        let error = error.map(|error| storable(error));
        let params = [
            Param::realm(&hold.realm),
            Param::Int(hold.task.0),
            Param::Text(&hold.owner),
            Param::Text(progress),
            Param::Int(now_ms),
            Param::Text(state.as_str()),
            Param::Int(due_ms),
            Param::OptText(error.as_deref()),
            Param::Int(uncounted),
            Param::Bool(!matches!(end, TaskEnd::GivenBack)),
        ];
        if events.is_empty() {
            return Ok(apply::run(&self.writes, &sql::SETTLE_TASK, &params).await?.is_some());
        }
        let realm = &hold.realm;
        apply::run_recorded(&self.writes, &sql::SETTLE_TASK, &params, realm, events).await
    }

    async fn tasks(
        &self,
        realm: &RealmId,
        catalog: EntityId,
        after: Option<EntityId>,
        limit: u32,
    ) -> Result<Vec<Task>, Error> {
        let params = [
            Param::realm(realm),
            Param::Int(catalog.0),
            Param::Int(after.map_or(-1, |id| id.0)),
            Param::Int(limit.into()),
        ];
        self.read(&sql::LIST_TASKS, &params).await?.iter().map(read).collect()
    }

    async fn task(
        &self,
        realm: &RealmId,
        catalog: EntityId,
        id: EntityId,
    ) -> Result<Option<Task>, Error> {
        let params = [Param::realm(realm), Param::Int(catalog.0), Param::Int(id.0)];
        self.read_one(&sql::FIND_TASK, &params).await?.as_ref().map(read).transpose()
    }

    async fn retry_task(
        &self,
        realm: &RealmId,
        catalog: EntityId,
        id: EntityId,
        now_ms: i64,
    ) -> Result<bool, Error> {
        let params =
            [Param::realm(realm), Param::Int(catalog.0), Param::Int(id.0), Param::Int(now_ms)];
        Ok(apply::run(&self.writes, &sql::RETRY_TASK, &params).await?.is_some())
    }

    async fn forget_tasks(
        &self,
        realms: &[RealmId],
        before_ms: i64,
        limit: u32,
    ) -> Result<usize, Error> {
        let realms = names(realms);
        let params = [Param::Text(&realms), Param::Int(before_ms), Param::Int(limit.into())];
        let mut lease = self.writes.lease_to_write().await?;
        let rows = lease.run(&sql::FORGET_TASKS, &params).await;
        Ok(rows.map_err(Failure::into_write_error)?.len())
    }

    async fn tables(
        &self,
        realm: &RealmId,
        catalog: EntityId,
        after: &TablesAfter,
        limit: u32,
    ) -> Result<Vec<Entity>, Error> {
        let params = [
            Param::realm(realm),
            Param::Int(catalog.0),
            Param::lookup(&after.location),
            Param::Int(after.id),
            Param::Int(limit.into()),
        ];
        let rows = self.read(&sql::LIST_TABLES, &params).await?;
        rows.iter().map(|row| entity::read(row, 0)).collect()
    }
}

/// Realms as a JSON array.
pub(crate) fn names(realms: &[RealmId]) -> String {
    let names: Vec<_> = realms.iter().map(RealmId::as_str).collect();
    serde_json::to_string(&names).expect("a list of texts is JSON")
}

/// A message of whatever went wrong, without what PostgreSQL keeps in no text.
fn storable(message: &str) -> String {
    message.replace('\0', "\u{fffd}")
}

/// Reads the columns of `find_task.sql`.
fn read(row: &Row) -> Result<Task, Error> {
    let state = row.text(5)?;
    Ok(Task {
        id: EntityId(row.int(0)?),
        kind: row.text(1)?.to_owned(),
        catalog_id: EntityId(row.int(2)?),
        subject: row.text(3)?.to_owned(),
        details: row.text(4)?.to_owned(),
        state: TaskState::parse(state)
            .ok_or_else(|| Error::Corrupt(format!("there is no state of a task '{state}'")))?,
        progress: row.text(6)?.to_owned(),
        attempts: u32::try_from(row.code(7)?).unwrap_or_default(),
        error: row.opt_text(8)?.map(str::to_owned),
        due_ms: row.int(9)?,
        created_ms: row.int(10)?,
        updated_ms: row.int(11)?,
    })
}
