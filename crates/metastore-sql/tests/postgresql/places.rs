//! Places that are wanted by transactions at once, neither of which sees what the other has done yet.
#![expect(clippy::unwrap_used, reason = "these are tests, though no attribute says so")]

use std::sync::Arc;

use merak_metastore::{Change, Error, MetadataBody, Metastore};
use merak_metastore_sql::SqlMetastore;
use merak_model::entity::WRITE_PATHS;
use merak_model::{Entity, EntityId, EntityKind, RealmId};
use sqlx::{Connection, Executor, Row};

use crate::server::Database;

struct World {
    database: Database,
    store: Arc<SqlMetastore>,
    catalog: Entity,
    parent: Entity,
}

fn create(entity: &Entity, keep_apart: bool) -> Change {
    Change::Create { entity: Box::new(entity.clone()), metadata: None, keep_apart }
}

impl World {
    async fn new() -> Self {
        let database = Database::create().await;
        let store = SqlMetastore::connect_postgres(&database.settings()).await.unwrap();
        store.migrate().await.unwrap();
        let new = |kind, catalog, parent, name| Entity::new(kind, catalog, parent, name, 1);
        let mut root = new(EntityKind::Root, EntityId::ROOT, EntityId::ROOT, "root_container");
        root.id = EntityId::ROOT;
        let catalog = new(EntityKind::Catalog, EntityId::ROOT, EntityId::ROOT, "lake");
        let parent = new(EntityKind::Namespace, catalog.id, catalog.id, "ns");
        let changes = [&root, &catalog, &parent].map(|entity| create(entity, false));
        store.bootstrap(&RealmId::new("test"), &changes).await.unwrap();
        Self { database, store: Arc::new(store), catalog, parent }
    }

    /// The creation of a table that lies and writes there.
    fn table(&self, name: &str, location: &str, path: Option<&str>) -> Change {
        let (catalog, parent) = (self.catalog.id, self.parent.id);
        let mut table = Entity::new(EntityKind::Table, catalog, parent, name, 1);
        table.location = Some(location.to_owned());
        table.internal =
            path.map(|path| (WRITE_PATHS[0].to_owned(), path.to_owned())).into_iter().collect();
        create(&table, true)
    }

    fn update_of_the_catalog(&self) -> Change {
        let mut entity = Box::new(self.catalog.clone());
        entity.version = entity.version.next();
        let expected = self.catalog.version;
        Change::Update { entity, expected, metadata: MetadataBody::Keep, keep_apart: false }
    }

    /// How many sessions of the metastore wait for a lock.
    async fn waiting(&self) -> i64 {
        let waiting = "select count(*) from pg_stat_activity where datname = current_database() \
            and application_name = 'merak' and wait_event_type = 'Lock'";
        self.database.connect().await.fetch_one(waiting).await.unwrap().get(0)
    }

    fn spawn(&self, changes: Vec<Change>) -> tokio::task::JoinHandle<Result<(), Error>> {
        let store = Arc::clone(&self.store);
        tokio::spawn(async move { store.apply(&RealmId::new("test"), &changes).await })
    }
}

/// Makes the second table after the first was made and before that is committed: it waits for the
/// first, which is held up by a lock on the catalog, and then sees it.
async fn assert_second_sees_first(first: (&str, Option<&str>), second: (&str, Option<&str>)) {
    let world = World::new().await;
    let mut other = world.database.connect().await;
    let mut transaction = other.begin().await.unwrap();
    transaction.execute("select 1 from entity where name = 'lake' for update").await.unwrap();

    let first =
        world.spawn(vec![world.table("one", first.0, first.1), world.update_of_the_catalog()]);
    while world.waiting().await < 1 {
        tokio::task::yield_now().await;
    }
    let second = world.spawn(vec![world.table("two", second.0, second.1)]);
    while world.waiting().await < 2 && !second.is_finished() {
        tokio::task::yield_now().await;
    }
    transaction.rollback().await.unwrap();

    first.await.unwrap().unwrap();
    let second = second.await.unwrap();
    assert!(matches!(second, Err(Error::LocationOverlap { .. })), "{second:?}");
}

#[tokio::test]
async fn a_table_sees_another_that_is_about_to_lie_there() {
    assert_second_sees_first(("s3://b/x/", None), ("s3://b/x/y/", None)).await;
    assert_second_sees_first(("s3://b/x/y/", None), ("s3://b/x/", None)).await;
}

#[tokio::test]
async fn a_table_sees_another_that_is_about_to_write_there() {
    let writer = ("s3://b/ns/one/", Some("s3://b/x"));
    assert_second_sees_first(writer, ("s3://b/x/", None)).await;
    assert_second_sees_first(writer, ("s3://b/x/y/", None)).await;
    assert_second_sees_first(writer, ("s3://b/", None)).await;
}

#[tokio::test]
async fn a_table_that_is_to_write_sees_another_that_is_about_to_be_there() {
    let writer = ("s3://b/ns/two/", Some("s3://b/x"));
    assert_second_sees_first(("s3://b/x/y/", None), writer).await;
    assert_second_sees_first(("s3://b/ns/one/", Some("s3://b/x")), writer).await;
    assert_second_sees_first(("s3://b/ns/one/", Some("s3://b/x/y")), writer).await;
}
