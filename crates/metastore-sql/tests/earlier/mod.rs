//! Databases as earlier versions left them.
#![expect(clippy::unwrap_used, reason = "these are tests, though no attribute says so")]

use merak_metastore::{Error, Metastore};
use merak_metastore_sql::SqlMetastore;
use merak_model::{Entity, EntityId, EntityKind, RealmId};
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migrate, Migration, MigrationType};

/// Applies the first migration, as the first version did.
pub(crate) async fn make_schema<C: Migrate>(connection: &mut C, init: &'static str) {
    let table = "schema_migration";
    let kind = MigrationType::Simple;
    let migration = Migration::new(1, "init".into(), kind, init.into_sql_str(), false);
    connection.ensure_migrations_table(table).await.unwrap();
    connection.apply(table, &migration).await.unwrap();
}

/// Tables of the first version that write beside their location, in all spellings there are.
pub(crate) const TABLES: &str = r#"
    insert into realm (name, created_ms) values ('test', 1);
    insert into entity (
        realm, id, catalog_id, parent_id, type_code, sub_type_code, name, version, created_ms,
        updated_ms, properties, internal, location
    ) values
    ('test', 0, 0, 0, 1, 0, 'root_container', 1, 1, 1, '{}', '{}', null),
    ('test', 1, 0, 0, 4, 0, 'lake', 1, 1, 1, '{}', '{}', null),
    ('test', 2, 1, 1, 6, 0, 'ns', 1, 1, 1, '{}', '{"write.data.path": "s3://b/no/table"}', 's3://b/ns/'),
    ('test', 10, 1, 2, 7, 2, 'none', 1, 1, 1, '{}', '{}', 's3://b/ns/none/'),
    ('test', 11, 1, 2, 7, 2, 's3', 1, 1, 1, '{}',
        '{"write.data.path": "s3a://b/data/x//", "write.metadata.path": "s3://b/ns/s3/meta"}', 's3://b/ns/s3/'),
    ('test', 12, 1, 2, 7, 2, 'azure', 1, 1, 1, '{}',
        '{"write.data.path": "abfss://c@acct.dfs.core.windows.net/p/q", "write.metadata.path": "wasbs://d@acct.blob.core.windows.net/"}',
        'abfs://e@acct/t/'),
    ('test', 13, 1, 2, 7, 2, 'files', 1, 1, 1, '{}',
        '{"write.data.path": "/tmp/a", "write.metadata.path": "FILE:/tmp/b/"}', 'file:///t1/'),
    ('test', 14, 1, 2, 7, 2, 'more files', 1, 1, 1, '{}',
        '{"write.data.path": "file://localhost/tmp/c", "write.metadata.path": "file:///tmp/d"}', 'file:///t2/'),
    ('test', 15, 1, 2, 7, 2, 'google', 1, 1, 1, '{}',
        '{"write.data.path": "gs://b/größe", "write.metadata.path": "gs://b/größe/"}', 'gs://b/t/')
"#;

/// Asserts that the places that [`TABLES`] write to are found, each in the one way it is compared by.
pub(crate) async fn assert_places_are_known(store: &SqlMetastore) {
    let realm = RealmId::new("test");
    let overlapped = async |place: &str| {
        let mut table = Entity::new(EntityKind::Table, EntityId(1), EntityId(2), "t", 1);
        table.location = Some(format!("{place}x/"));
        match store.check_apart(&realm, &table).await {
            Ok(()) => None,
            Err(Error::LocationOverlap { other, .. }) => Some(other),
            Err(error) => panic!("{error}"),
        }
    };
    for place in [
        "s3://b/data/x/",
        "abfs://c@acct/p/q/",
        "abfs://d@acct/",
        "file:///tmp/a/",
        "file:///tmp/b/",
        "file:///tmp/c/",
        "file:///tmp/d/",
        "gs://b/größe/",
    ] {
        assert_eq!(overlapped(place).await.as_deref(), Some(place));
    }
    // What is within the table's location is not kept again, and namespaces write nothing.
    assert_eq!(overlapped("s3://b/ns/s3/meta/").await.as_deref(), Some("s3://b/ns/s3/"));
    assert_eq!(overlapped("s3://b/no/table/").await, None);
}
