//! What migrations make of what earlier versions wrote.

use merak_metastore_sql::SqlMetastore;
use sqlx::{Connection as _, Executor as _};

use crate::earlier;
use crate::server::Database;

#[tokio::test]
async fn where_tables_of_the_version_before_write_is_known_after_the_migration() {
    let database = Database::create().await;
    let mut connection = database.connect().await;
    let init = include_str!("../../../../migrations/postgres/0001_init.sql");
    earlier::make_schema(&mut connection, init).await;
    connection.execute(earlier::TABLES).await.unwrap();

    let store = SqlMetastore::connect_postgres(&database.settings()).await.unwrap();
    store.migrate().await.unwrap();

    earlier::assert_places_are_known(&store).await;
    // The version before asks this way, and hears of them too.
    let taken = "select location_is_taken('test', 1, 30, 2, 7, 's3://b/data/x/', \
        '[\"s3://b/\", \"s3://b/data/\", \"s3://b/data/x/\"]', 's3://b/data/x0')";
    let row = connection.fetch_one(taken).await.unwrap();
    assert!(sqlx::Row::get::<bool, _>(&row, 0));
    connection.close().await.unwrap();
}
