//! A pool of connections.
//!
//! The driver's own asks the database, after each use, whether the connection is still good: a round
//! trip more for each that does work. This one asks only before a write on a connection that lay
//! idle, which may be gone for reasons that have nothing to do with the write; a read is simply
//! asked again.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use merak_metastore::Error;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::connection::{Connection, Connector, Failure, Param, Row};
use crate::statement::Statement;

/// A connection that lay idle so long is asked whether it is still good before it writes.
const TRUSTED_FOR: Duration = Duration::from_secs(1);
/// Firewalls forget connections that lie idle. They seldom do within this time.
const IDLE_FOR_AT_MOST: Duration = Duration::from_mins(5);
/// A connection keeps memory on the server for all it has ever done.
const USED_FOR_AT_MOST: Duration = Duration::from_mins(30);

/// All statements are look-ups by keys: one that takes so long waits for something.
const SLOW: Duration = Duration::from_secs(1);

/// What was done, for tests and metrics.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    statements: AtomicU64,
    transactions: AtomicU64,
}

impl Counters {
    pub(crate) fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    pub(crate) fn transactions(&self) -> u64 {
        self.transactions.load(Ordering::Relaxed)
    }
}

/// Connections to one database: as many as are needed at a time, up to a limit.
#[derive(Debug)]
pub(crate) struct Pool {
    connector: Connector,
    permits: Semaphore,
    acquire_timeout: Duration,
    /// The last one used is the next one to be used: those that are not needed grow old.
    idle: Mutex<Vec<Idle>>,
    is_closed: AtomicBool,
    counters: Arc<Counters>,
}

#[derive(Debug)]
struct Idle {
    connection: Connection,
    born: Instant,
    since: Instant,
    /// It was left in the midst of a transaction.
    is_abandoned: bool,
}

impl Pool {
    pub(crate) fn new(
        connector: Connector,
        max_connections: u32,
        acquire_timeout: Duration,
        counters: Arc<Counters>,
    ) -> Self {
        Self {
            connector,
            permits: Semaphore::new(usize::try_from(max_connections).unwrap_or(usize::MAX)),
            acquire_timeout,
            idle: Mutex::default(),
            is_closed: AtomicBool::new(false),
            counters,
        }
    }

    pub(crate) fn connector(&self) -> &Connector {
        &self.connector
    }

    /// Adds a connection.
    pub(crate) fn put(&self, connection: Connection) {
        let now = Instant::now();
        self.give_back(Idle { connection, born: now, since: now, is_abandoned: false });
    }

    /// A connection to read with.
    pub(crate) async fn lease(&self) -> Result<Lease<'_>, Error> {
        let waiting = tokio::time::timeout(self.acquire_timeout, self.permits.acquire());
        let permit = match waiting.await {
            Ok(Ok(permit)) => permit,
            Ok(Err(closed)) => return Err(Error::Unavailable(closed.into())),
            Err(_) => {
                let waited = self.acquire_timeout.as_millis();
                let text = format!("no connection to the database became free within {waited} ms");
                return Err(Error::Unavailable(text.into()));
            }
        };
        if let Some(idle) = self.take_idle() {
            let mut lease = Lease::new(self, permit, idle.connection, idle.born);
            lease.idle_for = Some(idle.since.elapsed());
            if idle.is_abandoned {
                // Where there is no transaction to roll back, that is an error and as good.
                let _ = lease.rollback().await;
            }
            return Ok(lease);
        }
        let connection = tokio::time::timeout(self.acquire_timeout, self.connector.connect());
        let connection =
            connection.await.map_err(|elapsed| Error::Unavailable(elapsed.into()))??;
        Ok(Lease::new(self, permit, connection, Instant::now()))
    }

    /// A connection to write with: one that was lately seen to be alive. Were it dead, nobody could
    /// say whether the write had still reached the database.
    pub(crate) async fn lease_to_write(&self) -> Result<Lease<'_>, Error> {
        loop {
            let mut lease = self.lease().await?;
            if lease.idle_for.is_none_or(|idle_for| idle_for < TRUSTED_FOR)
                || lease.is_alive().await
            {
                return Ok(lease);
            }
            drop(lease);
            self.forget_idle();
        }
    }

    /// Drops the connections that are not in use: one was found dead, and the others lie there as
    /// long.
    pub(crate) fn forget_idle(&self) {
        self.lock_idle().retain(|idle| idle.connection.outlives_abandonment());
    }

    pub(crate) async fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
        self.permits.close();
        let idle = std::mem::take(&mut *self.lock_idle());
        for idle in idle {
            idle.connection.close().await;
        }
    }

    fn take_idle(&self) -> Option<Idle> {
        let mut idle = self.lock_idle();
        while let Some(candidate) = idle.pop() {
            if candidate.connection.outlives_abandonment()
                || candidate.since.elapsed() < IDLE_FOR_AT_MOST
                    && candidate.born.elapsed() < USED_FOR_AT_MOST
            {
                return Some(candidate);
            }
        }
        None
    }

    fn give_back(&self, connection: Idle) {
        if self.is_closed.load(Ordering::Relaxed) {
            return;
        }
        self.lock_idle().push(connection);
    }

    fn lock_idle(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection, until it is dropped. It then goes back, unless it was dropped in the midst of
/// something or found dead.
#[derive(Debug)]
pub(crate) struct Lease<'p> {
    pool: &'p Pool,
    /// Nothing once it was found dead.
    connection: Option<Connection>,
    born: Instant,
    idle_for: Option<Duration>,
    is_in_transaction: bool,
    is_busy: bool,
    /// Given back after the connection: who gets it next shall find that one idle.
    _permit: SemaphorePermit<'p>,
}

/// Does something with the connection, and marks it busy meanwhile.
macro_rules! with_connection {
    ($lease:ident, $connection:ident => $future:expr) => {{
        let Some($connection) = $lease.connection.as_mut() else {
            return Err(Failure::Refused("the connection to the database is gone".into()));
        };
        $lease.is_busy = true;
        let result = $future.await;
        $lease.is_busy = false;
        if let Err(failure) = &result
            && failure.is_lost()
        {
            $lease.connection = None;
        }
        result
    }};
}

impl<'p> Lease<'p> {
    fn new(
        pool: &'p Pool,
        permit: SemaphorePermit<'p>,
        connection: Connection,
        born: Instant,
    ) -> Self {
        Self {
            pool,
            connection: Some(connection),
            born,
            idle_for: None,
            is_in_transaction: false,
            is_busy: false,
            _permit: permit,
        }
    }

    /// Whether the connection was used before, and may have died since.
    pub(crate) fn was_idle(&self) -> bool {
        self.idle_for.is_some()
    }

    /// The connection itself, for what is neither a statement nor a transaction.
    pub(crate) fn connection(&mut self) -> Option<&mut Connection> {
        self.connection.as_mut()
    }

    /// Runs a statement. Every statement of this crate is run, and counted, here.
    pub(crate) async fn run(
        &mut self,
        statement: &'static Statement,
        params: &[Param<'_>],
    ) -> Result<Vec<Row>, Failure> {
        self.pool.counters.statements.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("merak_metastore_statements_total", "statement" => statement.name)
            .increment(1);
        let start = Instant::now();
        let result = with_connection!(self, connection => connection.run(statement, params));
        let elapsed = start.elapsed();
        if elapsed > SLOW {
            let elapsed_ms = elapsed.as_millis();
            tracing::warn!(statement = statement.name, elapsed_ms, "a statement was slow");
        }
        result
    }

    /// Begins a transaction that will write.
    pub(crate) async fn begin(&mut self) -> Result<(), Failure> {
        self.pool.counters.transactions.fetch_add(1, Ordering::Relaxed);
        self.is_in_transaction = true;
        with_connection!(self, connection => connection.begin())
    }

    pub(crate) async fn lift_timeout(&mut self) -> Result<(), Failure> {
        with_connection!(self, connection => connection.lift_timeout())
    }

    pub(crate) async fn commit(&mut self) -> Result<(), Failure> {
        let result = with_connection!(self, connection => connection.commit());
        self.is_in_transaction = result.is_err();
        result
    }

    pub(crate) async fn rollback(&mut self) -> Result<(), Failure> {
        let result = with_connection!(self, connection => connection.rollback());
        self.is_in_transaction = false;
        result
    }

    async fn is_alive(&mut self) -> bool {
        let Some(connection) = self.connection.as_mut() else { return false };
        self.is_busy = true;
        let is_alive = connection.is_alive().await;
        self.is_busy = false;
        if !is_alive {
            self.connection = None;
        }
        is_alive
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let is_abandoned = self.is_busy || self.is_in_transaction;
        if is_abandoned && !connection.outlives_abandonment() {
            return;
        }
        let (born, since) = (self.born, Instant::now());
        self.pool.give_back(Idle { connection, born, since, is_abandoned });
    }
}
