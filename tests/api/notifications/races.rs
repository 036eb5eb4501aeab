//! Notifications that arrive at once.

use std::sync::Arc;

use merak_tests::{Response, TestServer};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{NAMESPACES, facade, namespaces, notification, tell, version};
use crate::fixtures::{foreign_metadata, route};

/// Sends all at once, each from a task of its own, and answers in the order of the requests.
async fn at_once(server: &Arc<TestServer>, requests: Vec<(String, Value)>) -> Vec<Response> {
    let mut tasks = JoinSet::new();
    for (number, (path, body)) in requests.into_iter().enumerate() {
        let server = Arc::clone(server);
        tasks.spawn(async move {
            let root = server.root().await;
            (number, root.post(&format!("{path}/notifications"), body).await)
        });
    }
    let mut answers = tasks.join_all().await;
    answers.sort_unstable_by_key(|(number, _)| *number);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// The last is taken, and each of the others is taken or told that a newer one was.
fn assert_the_newest_wins(answers: &[Response]) {
    let (newest, older) = answers.split_last().unwrap();
    assert_eq!(newest.status, 204, "{}", newest.text());
    for answer in older.iter().filter(|answer| answer.status != 204) {
        let told = answer.error();
        let start = "409 AlreadyExistsException: A notification with a newer timestamp";
        assert!(told.starts_with(start), "{told}");
    }
}

/// Eight versions of a table, to be told of at eight times.
fn versions(server: &TestServer, path: &str) -> Vec<(String, Value)> {
    let metadata = foreign_metadata(server, "t");
    let told = |number: u32| {
        let location = version(server, &metadata, number);
        (path.to_owned(), notification("UPDATE", number.into(), &location))
    };
    (1..=8).map(told).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_notifications_that_make_a_table_the_newest_wins() {
    let server = Arc::new(facade().await);
    let path = format!("{NAMESPACES}/a%1Fb%1Fc/tables/t");

    let answers = at_once(&server, versions(&server, &path)).await;

    assert_the_newest_wins(&answers);
    let root = server.root().await;
    let loaded = root.get(&path).await.expect(200).json();
    assert_eq!(loaded["metadata"]["properties"]["version"], "8");
    assert_eq!(namespaces(&root, "?parent=a").await, json!([["a", "b"]]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_notifications_that_change_a_table_the_newest_wins() {
    let server = Arc::new(facade().await);
    let requests = versions(&server, &route("t"));
    let root = server.root().await;
    let mut first = requests[0].1.clone();
    first["payload"]["timestamp"] = json!(0);
    let _ = tell(&root, "t", first).await.expect(204);

    let answers = at_once(&server, requests).await;

    assert_the_newest_wins(&answers);
    let loaded = root.get(&route("t")).await.expect(200).json();
    assert_eq!(loaded["metadata"]["properties"]["version"], "8");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tables_that_need_one_namespace_are_all_made() {
    let server = Arc::new(facade().await);
    let told = |number: u32| {
        let table = format!("t{number}");
        let location = version(&server, &foreign_metadata(&server, &table), 1);
        (route(&table), notification("CREATE", 1, &location))
    };

    let answers = at_once(&server, (0..8).map(told).collect()).await;

    for answer in &answers {
        assert_eq!(answer.status, 204, "{}", answer.text());
    }
    let root = server.root().await;
    let listed = root.get(&format!("{NAMESPACES}/sales/tables")).await.expect(200).json();
    assert_eq!(listed["identifiers"].as_array().map(Vec::len), Some(8));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_drop_amid_changes_is_lost_to_none_and_loses_none() {
    let server = Arc::new(facade().await);
    let requests = versions(&server, &route("t"));
    let root = server.root().await;
    let mut first = requests[0].1.clone();
    first["payload"]["timestamp"] = json!(0);
    let _ = tell(&root, "t", first).await.expect(204);
    let drop = (route("t"), json!({"notification-type": "DROP"}));

    let answers = at_once(&server, requests.into_iter().chain([drop]).collect()).await;

    let (dropped, changes) = answers.split_last().unwrap();
    assert_eq!(dropped.status, 204, "{}", dropped.text());
    for answer in changes {
        assert!([204, 409].contains(&answer.status.as_u16()), "{}", answer.text());
    }
    // Either it came last, or the table is as something that came after it says.
    let status = root.head(&route("t")).await.status;
    assert!([204, 404].contains(&status.as_u16()), "{status}");
}
