//! Events of what several want at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use merak_tests::schema;

use super::*;
use crate::fixtures::{TABLES, TRANSACTIONS, change, load, route, set, text};
use crate::races::{at_once, statuses};

/// The places of a table's metadata, the oldest first.
async fn versions(server: &TestServer, table: &str) -> Vec<String> {
    let table = load(&server.root().await, table).await;
    let log = table["metadata"]["metadata-log"].as_array().expect("a log").iter();
    let mut files: Vec<_> = log.map(|entry| text(&entry["metadata-file"]).to_owned()).collect();
    files.push(text(&table["metadata-location"]).to_owned());
    files
}

/// What the events of a table say of its versions, in their order: each before, and each after.
async fn told(server: &TestServer, name: &str) -> Vec<(Option<String>, String)> {
    let events = events_after(server, None).await;
    let of_table = events.iter().filter(|event| event.resource == format!("sales.{name}"));
    let said = |event: &EventRecord| {
        let said = attributes(event);
        let before = said["previous_metadata_location"].as_str().map(str::to_owned);
        (before, text(&said["metadata_location"]).to_owned())
    };
    of_table.map(said).collect()
}

/// Each version as the events have to tell it.
fn expected(versions: &[String]) -> Vec<(Option<String>, String)> {
    let before = std::iter::once(None).chain(versions.iter().cloned().map(Some));
    before.zip(versions.iter().cloned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_commits_at_once_each_version_has_one_event_in_its_turn() {
    let server = Arc::new(lake().await);
    server.create_table("lake", "sales", "t").await;
    let commits = (0..16).map(|n| (route("t"), set(json!({format!("k{n}"): "v"}))));

    let answers = at_once(&[Arc::clone(&server)], commits.collect()).await;

    assert_eq!(statuses(&answers), [200; 16]);
    let versions = versions(&server, "t").await;
    assert_eq!(versions.len(), 17);
    assert_eq!(told(&server, "t").await, expected(&versions));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_commits_and_transactions_at_once_each_version_has_one_event() {
    let server = Arc::new(lake().await);
    for name in ["t", "u"] {
        server.create_table("lake", "sales", name).await;
    }
    let property =
        |n: usize| json!([{"action": "set-properties", "updates": {format!("k{n}"): "v"}}]);
    let requests = (0..12).map(|n| match n % 3 {
        0 => (route("t"), set(json!({format!("k{n}"): "v"}))),
        1 => (route("u"), set(json!({format!("k{n}"): "v"}))),
        _ => {
            let changes = ["t", "u"].map(|name| change(name, json!([]), property(n)));
            (TRANSACTIONS.to_owned(), json!({"table-changes": changes}))
        }
    });

    let answers = at_once(&[Arc::clone(&server)], requests.collect()).await;

    let done = |answer: &&Response| answer.status.is_success();
    assert_eq!(answers.iter().filter(done).count(), 12, "{:?}", statuses(&answers));
    for name in ["t", "u"] {
        let versions = versions(&server, name).await;
        assert_eq!(versions.len(), 9);
        assert_eq!(told(&server, name).await, expected(&versions));
    }
    let events = events_after(&server, None).await;
    let transactions = events.iter().filter(|event| event.resource == "lake");
    let transactions = transactions.filter(|event| line(event).contains("TRANSACTION"));
    assert_eq!(transactions.count(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_those_that_make_one_table_one_leaves_an_event() {
    let server = Arc::new(lake().await);
    let body = json!({"name": "t", "schema": schema()});

    let answers = at_once(&[Arc::clone(&server)], vec![(TABLES.to_owned(), body); 8]).await;

    assert_eq!(statuses(&answers)[..2], [200, 409]);
    assert_eq!(told(&server, "t").await, expected(&versions(&server, "t").await));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_changes_of_properties_at_once_each_that_is_done_has_one_event() {
    let server = Arc::new(lake().await);
    let path = "/api/catalog/v1/lake/namespaces/sales/properties".to_owned();
    let changes = (0..8).map(|n| (path.clone(), json!({"updates": {format!("k{n}"): "v"}})));

    let answers = at_once(&[Arc::clone(&server)], changes.collect()).await;

    let done = answers.iter().filter(|answer| answer.status.as_u16() == 200).count();
    let events = events_after(&server, None).await;
    let changed = events.iter().filter(|event| line(event).contains("PROPERTIES"));
    let versions: BTreeSet<_> =
        changed.clone().map(|event| attributes(event)["entity_version"].as_i64()).collect();
    assert!(done > 0);
    assert_eq!((changed.count(), versions.len()), (done, done));
}
