//! Duplicates that are in flight at once, at one server or, over PostgreSQL, at two.

use std::sync::Arc;

use merak_tests::{Response, TestServer, schema};
use serde_json::json;
use tokio::task::JoinSet;

use super::{Request, delete, fresh_key, keyed, post, whole};
use crate::fixtures::{RENAME, TABLES, append, disk, files, lake, load, route, set, text};

/// How often each request is sent at once.
const DUPLICATES: usize = 32;

/// The server, and where its store is shared, a replica.
#[expect(clippy::disallowed_methods, reason = "tests are told by whoever runs them")]
async fn replicas() -> Vec<Arc<TestServer>> {
    let first = Arc::new(lake().await);
    match std::env::var("MERAK_TEST_STORE").as_deref() {
        Ok("postgres") => {
            let second = TestServer::start_in(first.realm.as_str(), &[]).await;
            vec![first, Arc::new(second)]
        }
        Ok(_) | Err(_) => vec![first],
    }
}

/// Sends a request so often at once, under one key, to servers in turn.
async fn duplicates(servers: &[Arc<TestServer>], request: &Request) -> Vec<Response> {
    let mut tasks = JoinSet::new();
    let key = fresh_key();
    for number in 0..DUPLICATES {
        let server = Arc::clone(&servers[number % servers.len()]);
        let (request, key) = (request.clone(), key.clone());
        tasks.spawn(async move { request.send(&keyed(&server.root().await, &key)).await });
    }
    tasks.join_all().await
}

/// All were answered alike, with this.
fn assert_alike(answers: &[Response], status: u16) {
    for answer in answers {
        assert_eq!(whole(answer), whole(&answers[0]));
        assert_eq!(answer.status, status, "{}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_duplicates_of_an_append_one_is_carried_out() {
    let servers = replicas().await;
    let server = &servers[0];
    let table = server.create_table("lake", "sales", "t").await;

    let answers = duplicates(&servers, &post(&route("t"), append(&table, 1, None))).await;

    assert_alike(&answers, 200);
    let now = load(&server.root().await, "t").await;
    assert_eq!(now["metadata"]["snapshots"].as_array().map(Vec::len), Some(1));
    assert_eq!(now["metadata-location"], answers[0].json()["metadata-location"]);
    let expected = [&table, &now].map(|table| disk(text(&table["metadata-location"])));
    assert_eq!(files(server), expected, "a file was left behind");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_duplicates_without_requirements_one_is_carried_out() {
    let servers = replicas().await;
    let server = &servers[0];
    server.create_table("lake", "sales", "t").await;

    let answers = duplicates(&servers, &post(&route("t"), set(json!({"a": "b"})))).await;

    assert_alike(&answers, 200);
    let now = load(&server.root().await, "t").await;
    assert!(text(&now["metadata-location"]).contains("/00001-"), "{now}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn duplicates_of_other_changes_are_answered_alike() {
    let servers = replicas().await;
    let server = &servers[0];
    server.create_table("lake", "sales", "dropped").await;
    server.create_table("lake", "sales", "renamed").await;
    let [from, to] = ["renamed", "to"].map(|name| json!({"namespace": ["sales"], "name": name}));
    for (request, status) in [
        (post(TABLES, json!({"name": "made", "schema": schema()})), 200),
        (delete(&route("dropped")), 204),
        (post(RENAME, json!({"source": from, "destination": to})), 204),
        (post("/api/catalog/v1/lake/namespaces", json!({"namespace": ["other"]})), 200),
        (delete(&route("missing")), 404),
    ] {
        assert_alike(&duplicates(&servers, &request).await, status);
    }
}
