//! How PostgreSQL carries the statements out.
#![expect(clippy::unwrap_used, reason = "these are tests, though no attribute says so")]

use std::sync::Arc;

use merak_metastore::{Metastore, testing};
use merak_metastore_sql::SqlMetastore;
use sqlx::{Executor, Row};

use crate::server::Database;

/// Runs cases of the conformance suite, each in a database of its own that was never analyzed, and
/// asserts that no table was passed over.
macro_rules! passes_over_no_table {
    ($($case:ident)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            let database = Database::create().await;
            let store = SqlMetastore::connect_postgres(&database.settings()).await.unwrap();
            store.migrate().await.unwrap();
            store.close().await;
            let before = table_scans(&database).await;

            let store = SqlMetastore::connect_postgres(&database.settings()).await.unwrap();
            let store = Arc::new(store);
            testing::$case(Arc::clone(&store) as Arc<dyn Metastore>).await;
            store.close().await;

            assert_eq!(table_scans(&database).await, before);
        }
    )+};
}

passes_over_no_table! {
    what_was_stored_comes_back
    drop_takes_its_grants_along
    dropped_principal_takes_its_secrets_along
    the_first_signing_key_stays
    an_update_is_kept_apart_from_others_but_not_from_itself
    namespaces_are_kept_apart_from_their_siblings_only
    an_update_must_not_write_where_another_lies_or_writes
    where_a_table_writes_is_free_again_after_it
    what_would_overlap_is_told_before_it_is_made
    roles_are_activated_as_the_token_says
    privileges_come_through_principal_roles_and_catalog_roles
    many_tables_are_found_at_once
    pages_follow_one_another_without_gaps
    names_of_children_come_alone_if_they_are_all_that_is_wanted
    policies_are_found_by_what_they_are_attached_to
    reports_come_back_the_newest_first
    reports_are_found_by_their_kind_and_their_time
    pages_of_reports_follow_one_another_without_gaps
    reports_of_all_realms_are_forgotten_once_they_are_too_old
}

/// How often tables were read from one end to the other: so far as sessions that ended have said.
async fn table_scans(database: &Database) -> i64 {
    let sessions = "select 1 from pg_stat_activity \
        where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'";
    // One session for each question: within a session, the answers stay as they first were.
    while !database.connect().await.fetch_all(sessions).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let scans = "select coalesce(sum(seq_scan), 0)::bigint from pg_stat_user_tables \
        where relname in ('entity', 'entity_place', 'grant_record', 'metrics_report', 'policy_mapping_record', \
        'principal_secret', 'signing_key')";
    database.connect().await.fetch_one(scans).await.unwrap().get(0)
}
