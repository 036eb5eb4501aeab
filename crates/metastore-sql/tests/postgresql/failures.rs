//! What a server can do to a client: go away, hang, refuse. What is known of a write then decides
//! whether the file it points to may be deleted.
#![expect(clippy::unwrap_used, reason = "these are tests, though no attribute says so")]

use std::future::Future;
use std::time::Duration;

use merak_metastore::{CallerRef, Change, Error, Metastore, ResolveRequest, RoleSelection};
use merak_metastore_sql::{PostgresSettings, SqlMetastore};
use merak_model::{Entity, EntityId, EntityKind, RealmId};
use sqlx::{Connection, Executor, Row};

use crate::server::Database;

struct World {
    database: Database,
    store: SqlMetastore,
    realm: RealmId,
    catalog: Entity,
}

impl World {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(set: impl FnOnce(&mut PostgresSettings)) -> Self {
        let database = Database::create().await;
        let mut settings = database.settings();
        set(&mut settings);
        let store = SqlMetastore::connect_postgres(&settings).await.unwrap();
        store.migrate().await.unwrap();
        let realm = RealmId::new("test");
        let mut root =
            Entity::new(EntityKind::Root, EntityId::ROOT, EntityId::ROOT, "root_container", 1);
        root.id = EntityId::ROOT;
        let catalog = new_catalog("lake");
        store.bootstrap(&realm, &[create(&root), create(&catalog)]).await.unwrap();
        Self { database, store, realm, catalog }
    }

    async fn apply(&self, changes: &[Change]) -> Result<(), Error> {
        self.store.apply(&self.realm, changes).await
    }

    fn update(&self) -> Change {
        let mut entity = Box::new(self.catalog.clone());
        entity.version = entity.version.next();
        let metadata = merak_metastore::MetadataBody::Keep;
        Change::Update { entity, expected: self.catalog.version, metadata, keep_apart: false }
    }

    async fn has_catalog(&self, name: &str) -> bool {
        let caller = CallerRef { principal: EntityId(1).into(), roles: RoleSelection::All };
        let request = ResolveRequest::of_catalog(caller, name);
        self.store.resolve(&self.realm, &request).await.unwrap().catalog.is_some()
    }

    /// Does something while another holds a lock on the catalog, and ends the metastore's session
    /// as soon as that waits for it.
    async fn killed_while_waiting<T>(&self, work: impl Future<Output = T>) -> T {
        let mut other = self.database.connect().await;
        let mut lock = other.begin().await.unwrap();
        lock.execute("select 1 from entity where name = 'lake' for update").await.unwrap();
        let kill = self.kill_when("wait_event_type = 'Lock'");
        let (result, ()) = tokio::join!(work, kill);
        lock.rollback().await.unwrap();
        result
    }

    /// Ends the metastore's session once it is in that state.
    async fn kill_when(&self, state: &'static str) {
        let mut other = self.database.connect().await;
        let kill = match state {
            "wait_event_type = 'Lock'" => KILL_WAITING,
            "wait_event = 'PgSleep'" => KILL_SLEEPING,
            _ => KILL_ALL,
        };
        for _ in 0..5_000 {
            if !other.fetch_all(kill).await.unwrap().is_empty() {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("the metastore was never in the state {state}");
    }
}

const KILL_ALL: &str = "select pg_terminate_backend(pid, 5000) from pg_stat_activity \
    where datname = current_database() and application_name = 'merak'";
const KILL_WAITING: &str = "select pg_terminate_backend(pid, 5000) from pg_stat_activity \
    where datname = current_database() and application_name = 'merak' and wait_event_type = 'Lock'";
const KILL_SLEEPING: &str = "select pg_terminate_backend(pid, 5000) from pg_stat_activity \
    where datname = current_database() and application_name = 'merak' and wait_event = 'PgSleep'";

fn new_catalog(name: &str) -> Entity {
    Entity::new(EntityKind::Catalog, EntityId::ROOT, EntityId::ROOT, name, 1)
}

fn create(entity: &Entity) -> Change {
    Change::Create { entity: Box::new(entity.clone()), metadata: None, keep_apart: false }
}

#[tokio::test]
async fn a_write_that_loses_its_connection_may_have_happened() {
    let world = World::new().await;

    let result = world.killed_while_waiting(world.apply(&[world.update()])).await;

    assert!(matches!(result, Err(Error::OutcomeUnknown(_))), "{result:?}");
}

#[tokio::test]
async fn a_transaction_that_loses_its_connection_before_its_commit_did_not_happen() {
    let world = World::new().await;
    let changes = [create(&new_catalog("pond")), world.update()];

    let result = world.killed_while_waiting(world.apply(&changes)).await;

    assert!(matches!(result, Err(Error::Unavailable(_))), "{result:?}");
    assert!(!world.has_catalog("pond").await);
}

#[tokio::test]
async fn a_transaction_that_loses_its_connection_in_its_commit_may_have_happened() {
    let world = World::new().await;
    let slow = "create function slow() returns trigger language plpgsql as \
        $$ begin perform pg_sleep(600); return null; end $$; \
        create constraint trigger slow after insert on entity deferrable initially deferred \
        for each row execute function slow()";
    world.database.connect().await.execute(slow).await.unwrap();

    let changes = [create(&new_catalog("pond")), create(&new_catalog("puddle"))];
    let kill = world.kill_when("wait_event = 'PgSleep'");
    let (result, ()) = tokio::join!(world.apply(&changes), kill);

    assert!(matches!(result, Err(Error::OutcomeUnknown(_))), "{result:?}");
}

#[tokio::test]
async fn a_commit_that_the_database_refuses_did_not_happen() {
    let world = World::new().await;
    let strict = "create function strict() returns trigger language plpgsql as \
        $$ begin raise exception 'no'; end $$; \
        create constraint trigger strict after insert on entity deferrable initially deferred \
        for each row execute function strict()";
    world.database.connect().await.execute(strict).await.unwrap();

    let alone = world.apply(&[create(&new_catalog("pond"))]).await;
    let together =
        world.apply(&[create(&new_catalog("pond")), create(&new_catalog("puddle"))]).await;

    assert!(matches!(alone, Err(Error::Unavailable(_))), "{alone:?}");
    assert!(matches!(together, Err(Error::Unavailable(_))), "{together:?}");
    assert!(!world.has_catalog("pond").await);
}

#[tokio::test]
async fn a_write_that_takes_too_long_did_not_happen() {
    let world = World::with(|settings| settings.statement_timeout_ms = 50).await;
    let mut other = world.database.connect().await;
    let mut lock = other.begin().await.unwrap();
    lock.execute("select 1 from entity where name = 'lake' for update").await.unwrap();

    let result = world.apply(&[world.update()]).await;

    lock.rollback().await.unwrap();
    assert!(matches!(result, Err(Error::Unavailable(_))), "{result:?}");
    world.apply(&[world.update()]).await.unwrap();
}

#[tokio::test]
async fn reads_and_transactions_survive_the_end_of_idle_connections() {
    let world = World::new().await;

    world.kill_when("any").await;
    assert!(world.has_catalog("lake").await);

    world.kill_when("any").await;
    let changes = [create(&new_catalog("pond")), create(&new_catalog("puddle"))];
    world.apply(&changes).await.unwrap();
    assert!(world.has_catalog("pond").await);
}

#[tokio::test]
async fn a_connection_that_was_abandoned_in_a_transaction_is_not_used_again() {
    let world = World::with(|settings| settings.max_connections = 1).await;
    let mut other = world.database.connect().await;
    let mut lock = other.begin().await.unwrap();
    lock.execute("select 1 from entity where name = 'lake' for update").await.unwrap();

    let changes = [create(&new_catalog("pond")), world.update()];
    let waiting = world.apply(&changes);
    let cancelled = tokio::time::timeout(Duration::from_millis(50), waiting).await;
    lock.rollback().await.unwrap();

    assert!(cancelled.is_err());
    assert!(!world.has_catalog("pond").await);
    world.apply(&[world.update()]).await.unwrap();
}

#[tokio::test]
async fn a_victim_of_a_deadlock_is_carried_out_again() {
    let world = World::new().await;
    let (one, two) = (new_catalog("one"), new_catalog("two"));
    world.apply(&[create(&one), create(&two)]).await.unwrap();
    let drop_of = |entity: &Entity| Change::Drop { id: entity.id, expected: entity.version };
    let mut other = world.database.connect().await;
    let mut transaction = other.begin().await.unwrap();
    transaction.execute("select 1 from entity where name = 'two' for update").await.unwrap();

    let changes = [drop_of(&one), drop_of(&two)];
    let cross = async {
        let mut observer = world.database.connect().await;
        let waiting = "select 1 from pg_stat_activity where datname = current_database() \
            and application_name = 'merak' and wait_event_type = 'Lock'";
        while observer.fetch_all(waiting).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        transaction.execute("select 1 from entity where name = 'one' for update").await.unwrap();
        transaction.rollback().await.unwrap();
    };
    let (result, ()) = tokio::join!(world.apply(&changes), cross);

    result.unwrap();
    assert!(!world.has_catalog("one").await && !world.has_catalog("two").await);
}

#[tokio::test]
async fn a_second_connection_is_never_needed() {
    let world = World::with(|settings| settings.max_connections = 1).await;

    let taken = world.apply(&[create(&new_catalog("lake"))]).await;
    assert!(matches!(taken, Err(Error::AlreadyExists { .. })), "{taken:?}");
    let taken = world.apply(&[create(&new_catalog("pond")), create(&new_catalog("lake"))]).await;
    assert!(matches!(taken, Err(Error::AlreadyExists { .. })), "{taken:?}");
    world.store.migrate().await.unwrap();
    world.store.purge(&world.realm).await.unwrap();

    let mut other = world.database.connect().await;
    let count = "select count(*) from pg_stat_activity \
        where datname = current_database() and application_name = 'merak'";
    let count: i64 = other.fetch_one(count).await.unwrap().get(0);
    assert_eq!(count, 1);
}
