//! What happens when several want the same view at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::{VIEWS, draft, load, replacing, route};
use crate::fixtures::{disk, files, lake, text};
use crate::races::{at_once, replicas, statuses};

fn replacers(count: usize) -> Vec<(String, Value)> {
    (0..count).map(|number| (route("v"), replacing(&format!("select {number}")))).collect()
}

fn version_ids(view: &Value) -> BTreeSet<i64> {
    let versions = view["metadata"]["versions"].as_array().unwrap();
    versions.iter().map(|version| version["version-id"].as_i64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn replacements_at_once_all_succeed_with_versions_of_their_own() {
    let server = Arc::new(lake().await);
    let root = server.root().await;
    let _ = root.post(VIEWS, draft("v")).await.expect(200);

    let answers = at_once(&[Arc::clone(&server)], replacers(6)).await;

    assert_eq!(statuses(&answers), [200; 6]);
    let current = |answer: Value| answer["metadata"]["current-version-id"].as_i64().unwrap();
    let given: BTreeSet<i64> = answers.iter().map(|answer| current(answer.json())).collect();
    assert_eq!(given, (2..=7).collect());
    assert_eq!(version_ids(&load(&root, "v").await), (1..=7).collect());
    assert_eq!(files(&server).len(), 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn replicas_lose_no_replacement() {
    let servers = replicas().await;
    let root = servers[0].root().await;
    let _ = root.post(VIEWS, draft("v")).await.expect(200);
    let before = files(&servers[0]).len();

    for round in 0_i64..3 {
        let requests = (0..2)
            .map(|which| (route("v"), replacing(&format!("select {}", round * 2 + which))))
            .collect();
        let answers = at_once(&servers, requests).await;
        assert_eq!(statuses(&answers), [200, 200]);
        let other = servers[1].root().await;
        let view = load(&root, "v").await;
        assert_eq!(view, load(&other, "v").await);
        assert_eq!(version_ids(&view), (1..=3 + round * 2).collect());
    }
    assert_eq!(files(&servers[0]).len(), before + 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_those_that_create_one_name_one_wins() {
    let server = Arc::new(lake().await);

    let answers = at_once(&[Arc::clone(&server)], vec![(VIEWS.to_owned(), draft("v")); 6]).await;

    assert_eq!(statuses(&answers), [200, 409, 409, 409, 409, 409]);
    for lost in answers.iter().filter(|answer| answer.status == 409) {
        assert_eq!(lost.error(), "409 AlreadyExistsException: View already exists: sales.v");
    }
    let won = answers.iter().find(|answer| answer.status == 200).unwrap().json();
    assert_eq!(load(&server.root().await, "v").await, won);
    assert_eq!(files(&server), [disk(text(&won["metadata-location"]))]);
}
