//! Writes.

use std::time::Duration;

use merak_metastore::{AnswerRecord, Bootstrap, Change, Error, Recorded};
use merak_model::RealmId;

use crate::change::{make, record};
use crate::connection::{Failure, Param, Row};
use crate::events;
use crate::explain::{Stop, Trouble, When, explain};
use crate::pool::{Lease, Pool};
use crate::statement::{self as sql, Statement};

/// How often something is tried that the database undoes for the sake of other transactions.
const ATTEMPTS: u32 = 6;

/// Applies all changes or none.
pub(crate) async fn apply(pool: &Pool, realm: &RealmId, changes: &[Change]) -> Result<(), Error> {
    let mut attempts = Attempts::default();
    loop {
        match try_apply(pool, realm, changes).await {
            Ok(()) => return Ok(()),
            Err(stop) => attempts.another(stop).await?,
        }
    }
}

async fn try_apply(pool: &Pool, realm: &RealmId, changes: &[Change]) -> Result<(), Stop> {
    if changes.is_empty() {
        return Ok(());
    }
    let mut lease = pool.lease_to_write().await?;
    if let Some((change, answer)) = alone(changes) {
        let Err(trouble) = make(&mut lease, realm, change, answer).await else { return Ok(()) };
        return Err(explain(&mut lease, realm, change, trouble, When::Alone).await);
    }
    begin(&mut lease).await?;
    make_all(&mut lease, realm, changes).await?;
    commit(&mut lease).await
}

/// The change that is all there is to be done in one statement, and the answer that goes along with
/// it: a commit with a key is one statement too.
fn alone(changes: &[Change]) -> Option<(&Change, Option<&AnswerRecord>)> {
    match changes {
        [change] => Some((change, None)),
        [change @ (Change::Create { .. } | Change::Update { .. }), Change::Answer(record)] => {
            Some((change, Some(&**record)))
        }
        _ => None,
    }
}

/// Makes a realm with all that is in it, unless it is there.
pub(crate) async fn bootstrap(
    pool: &Pool,
    realm: &RealmId,
    changes: &[Change],
) -> Result<Bootstrap, Error> {
    let mut attempts = Attempts::default();
    loop {
        match try_bootstrap(pool, realm, changes).await {
            Ok(bootstrap) => return Ok(bootstrap),
            Err(stop) => attempts.another(stop).await?,
        }
    }
}

async fn try_bootstrap(
    pool: &Pool,
    realm: &RealmId,
    changes: &[Change],
) -> Result<Bootstrap, Stop> {
    let mut lease = pool.lease_to_write().await?;
    begin(&mut lease).await?;
    let params = [Param::Text(realm.as_str()), Param::Int(created_ms(changes))];
    match lease.run(&sql::MAKE_REALM, &params).await {
        Ok(rows) if rows.is_empty() => {
            roll_back(&mut lease).await;
            return Ok(Bootstrap::AlreadyThere);
        }
        Ok(_) => {}
        Err(failure) => {
            roll_back(&mut lease).await;
            return Err(Stop::before_commit(failure));
        }
    }
    make_all(&mut lease, realm, changes).await?;
    commit(&mut lease).await?;
    Ok(Bootstrap::Made)
}

/// Removes a realm. A large one takes its time, which is why no time-out of the usual kind applies.
pub(crate) async fn purge(pool: &Pool, realm: &RealmId) -> Result<bool, Error> {
    let mut attempts = Attempts::default();
    loop {
        match try_purge(pool, realm).await {
            Ok(was_there) => return Ok(was_there),
            Err(stop) => attempts.another(stop).await?,
        }
    }
}

async fn try_purge(pool: &Pool, realm: &RealmId) -> Result<bool, Stop> {
    let mut lease = pool.lease_to_write().await?;
    begin(&mut lease).await?;
    lease.lift_timeout().await.map_err(Stop::before_commit)?;
    let params = [Param::realm(realm)];
    lease.run(&sql::PURGE_ENTITIES, &params).await.map_err(Stop::before_commit)?;
    lease.run(&sql::PURGE_ANSWERS, &params).await.map_err(Stop::before_commit)?;
    let rows = lease.run(&sql::PURGE_REALM, &params).await.map_err(Stop::before_commit)?;
    commit(&mut lease).await?;
    Ok(!rows.is_empty())
}

/// Runs a write that is one statement, and gives back its first row.
pub(crate) async fn run(
    pool: &Pool,
    statement: &'static Statement,
    params: &[Param<'_>],
) -> Result<Option<Row>, Error> {
    Ok(run_all(pool, statement, params).await?.into_iter().next())
}

/// Runs a write that is one statement, and gives back its rows.
pub(crate) async fn run_all(
    pool: &Pool,
    statement: &'static Statement,
    params: &[Param<'_>],
) -> Result<Vec<Row>, Error> {
    let mut lease = pool.lease_to_write().await?;
    lease.run(statement, params).await.map_err(Failure::into_write_error)
}

/// Runs a write that gives back a row if it did something, and keeps events of it if it did: both or
/// neither. Whether it did.
pub(crate) async fn run_recorded(
    pool: &Pool,
    statement: &'static Statement,
    params: &[Param<'_>],
    realm: &RealmId,
    events: &[Recorded],
) -> Result<bool, Error> {
    let mut attempts = Attempts::default();
    loop {
        match try_recorded(pool, statement, params, realm, events).await {
            Ok(did_something) => return Ok(did_something),
            Err(stop) => attempts.another(stop).await?,
        }
    }
}

async fn try_recorded(
    pool: &Pool,
    statement: &'static Statement,
    params: &[Param<'_>],
    realm: &RealmId,
    events: &[Recorded],
) -> Result<bool, Stop> {
    let mut lease = pool.lease_to_write().await?;
    begin(&mut lease).await?;
    let events = events::to_json(events);
    let written = async {
        let did_something = !lease.run(statement, params).await?.is_empty();
        if did_something {
            lease.run(&sql::RECORD_EVENTS, &events::params(realm, &events)).await?;
        }
        Ok(did_something)
    };
    match written.await {
        Ok(true) => commit(&mut lease).await.map(|()| true),
        Ok(false) => {
            roll_back(&mut lease).await;
            Ok(false)
        }
        Err(failure) => {
            roll_back(&mut lease).await;
            Err(Stop::before_commit(failure))
        }
    }
}

/// Counts attempts, and waits somewhat longer before each.
#[derive(Debug, Default)]
struct Attempts(u32);

impl Attempts {
    /// Waits for the next attempt, if there is to be one.
    async fn another(&mut self, stop: Stop) -> Result<(), Error> {
        let source = match stop {
            Stop::With(error) => return Err(error),
            Stop::Again(source) => source,
        };
        self.0 += 1;
        if self.0 == ATTEMPTS {
            return Err(Error::Unavailable(source));
        }
        tracing::debug!(error = source, attempts = self.0, "a transaction is tried again");
        tokio::time::sleep(Duration::from_millis(1 << self.0)).await;
        Ok(())
    }
}

async fn begin(lease: &mut Lease<'_>) -> Result<(), Stop> {
    lease.begin().await.map_err(|failure| {
        if failure.is_lost() && lease.was_idle() {
            // Nothing was asked of it yet: another connection does as well.
            return Stop::Again(failure.into_source());
        }
        Stop::before_commit(failure)
    })
}

async fn commit(lease: &mut Lease<'_>) -> Result<(), Stop> {
    lease.commit().await.map_err(Stop::at_commit)
}

/// Ends a transaction that failed. If that fails too, the connection is given up, and the database
/// does it.
async fn roll_back(lease: &mut Lease<'_>) {
    if let Err(failure) = lease.rollback().await {
        tracing::debug!(error = failure.into_source(), "could not roll back");
    }
}

/// Makes changes within a transaction, which is rolled back if one of them fails.
async fn make_all(lease: &mut Lease<'_>, realm: &RealmId, changes: &[Change]) -> Result<(), Stop> {
    let (changes, recorded) = events::split(changes);
    let mut has_changed = changes.is_empty();
    if let Some((change, answer)) = alone(changes) {
        let made = make(lease, realm, change, answer).await;
        has_changed |= succeed(lease, realm, change, made).await?;
    } else {
        for change in changes {
            let made = make(lease, realm, change, None).await;
            has_changed |= succeed(lease, realm, change, made).await?;
        }
    }
    if let Some(first) = recorded.first()
        && has_changed
    {
        let made = record(lease, realm, recorded).await;
        succeed(lease, realm, first, made).await?;
    }
    Ok(())
}

/// Goes on with what came of a change if it was made. Else ends the transaction, and says why it was
/// not.
async fn succeed<T>(
    lease: &mut Lease<'_>,
    realm: &RealmId,
    change: &Change,
    made: Result<T, Trouble>,
) -> Result<T, Stop> {
    let trouble = match made {
        Ok(made) => return Ok(made),
        Err(trouble) => trouble,
    };
    // After a failure PostgreSQL answers nothing more in the transaction. Where a statement merely hit
    // nothing, the reason may lie in what the transaction itself did before.
    Err(match trouble {
        Trouble::Failed(_) => {
            roll_back(lease).await;
            explain(lease, realm, change, trouble, When::InTransaction).await
        }
        Trouble::Missed => {
            let stop = explain(lease, realm, change, trouble, When::InTransaction).await;
            roll_back(lease).await;
            stop
        }
    })
}

/// When a realm is made: when the first of its entities is.
fn created_ms(changes: &[Change]) -> i64 {
    changes
        .iter()
        .find_map(|change| match change {
            Change::Create { entity, .. } => Some(entity.created_ms),
            Change::Update { .. }
            | Change::Drop { .. }
            | Change::Grant(_)
            | Change::Revoke(_)
            | Change::AttachPolicy(_)
            | Change::DetachPolicy { .. }
            | Change::DetachPolicyFromAll(_)
            | Change::SetSecrets(..)
            | Change::RotateSecrets { .. }
            | Change::Answer(_)
            | Change::AddTask(_)
            | Change::Record(_) => None,
        })
        .unwrap_or_default()
}
