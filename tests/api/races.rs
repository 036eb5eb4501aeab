//! What happens when several want the same at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use merak_tests::{Response, TestServer, schema};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::fixtures::{
    RENAME, TABLES, TRANSACTIONS, change, commit, create_commit, disk, files, lake, load, route,
    set, text,
};

/// Sends all requests at once, each from a task of its own, to servers in turn.
pub(crate) async fn at_once(
    servers: &[Arc<TestServer>],
    requests: Vec<(String, Value)>,
) -> Vec<Response> {
    let mut tasks = JoinSet::new();
    for (number, (path, body)) in requests.into_iter().enumerate() {
        let server = Arc::clone(&servers[number % servers.len()]);
        tasks.spawn(async move { server.root().await.post(&path, body).await });
    }
    tasks.join_all().await
}

pub(crate) fn statuses(answers: &[Response]) -> Vec<u16> {
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    statuses
}

/// One 200, and the others lost in a way that the client understands.
fn assert_one_wins(answers: &[Response], exception: &str) {
    let mut expected = vec![409; answers.len() - 1];
    expected.insert(0, 200);
    assert_eq!(statuses(answers), expected);
    for lost in answers.iter().filter(|answer| answer.status.as_u16() == 409) {
        assert!(lost.error().starts_with(&format!("409 {exception}: ")), "{}", lost.text());
    }
}

fn setters(count: usize) -> Vec<(String, Value)> {
    (0..count).map(|number| (route("t"), set(json!({format!("k{number}"): "v"})))).collect()
}

async fn assert_all_are_set(server: &TestServer, count: usize) {
    let root = server.root().await;
    let table = load(&root, "t").await;
    for number in 0..count {
        let key = format!("k{number}");
        assert_eq!(table["metadata"]["properties"][&key], "v", "{key} is lost");
    }
    let log = table["metadata"]["metadata-log"].as_array().unwrap();
    let logged: BTreeSet<_> = log.iter().map(|entry| text(&entry["metadata-file"])).collect();
    assert_eq!(logged.len(), count, "every version was made from the one before");
    let last = text(&table["metadata-location"]);
    assert!(last.contains(&format!("/metadata/{count:05}-")), "{last}");
}

async fn table() -> Arc<TestServer> {
    let server = lake().await;
    server.create_table("lake", "sales", "t").await;
    Arc::new(server)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn commits_that_do_not_contradict_each_other_all_succeed() {
    let server = table().await;

    let answers = at_once(&[Arc::clone(&server)], setters(16)).await;

    assert_eq!(statuses(&answers), [200; 16]);
    assert_all_are_set(&server, 16).await;
    assert_eq!(files(&server).len(), 17);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_changes_to_one_base_one_wins() {
    let server = table().await;
    let adding = |number: usize| {
        let mut wider = schema();
        wider["fields"].as_array_mut().unwrap().push(
            json!({"id": 3, "name": format!("c{number}"), "required": false, "type": "string"}),
        );
        let body = commit(
            json!([{"type": "assert-last-assigned-field-id", "last-assigned-field-id": 2},
                   {"type": "assert-current-schema-id", "current-schema-id": 0}]),
            json!([{"action": "add-schema", "schema": wider},
                   {"action": "set-current-schema", "schema-id": -1}]),
        );
        (route("t"), body)
    };

    let answers = at_once(&[Arc::clone(&server)], (0..6).map(adding).collect()).await;

    assert_one_wins(&answers, "CommitFailedException");
    for lost in answers.iter().filter(|answer| answer.status.as_u16() == 409) {
        assert!(lost.error().contains("Requirement failed: last assigned field id changed"));
    }
    let root = server.root().await;
    let schemas = load(&root, "t").await["metadata"]["schemas"].clone();
    assert_eq!(schemas.as_array().map(Vec::len), Some(2));
    assert_eq!(files(&server).len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_those_that_create_one_name_one_wins() {
    let server = Arc::new(lake().await);
    let body = json!({"name": "t", "schema": schema()});

    let answers = at_once(&[Arc::clone(&server)], vec![(TABLES.to_owned(), body); 8]).await;

    assert_one_wins(&answers, "AlreadyExistsException");
    for lost in answers.iter().filter(|answer| answer.status.as_u16() == 409) {
        assert_eq!(lost.error(), "409 AlreadyExistsException: Table already exists: sales.t");
    }
    let won = answers.iter().find(|answer| answer.status.as_u16() == 200).unwrap().json();
    let root = server.root().await;
    assert_eq!(load(&root, "t").await, won);
    assert_eq!(files(&server), [disk(text(&won["metadata-location"]))]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_commits_that_make_one_table_one_wins() {
    let server = Arc::new(lake().await);
    let location = format!("{}/sales/t", server.location("lake"));
    let making = |_| {
        let uuid = uuid::Uuid::new_v4().to_string();
        (route("t"), create_commit(&uuid, &location, schema()))
    };

    let answers = at_once(&[Arc::clone(&server)], (0..6).map(making).collect()).await;

    assert_one_wins(&answers, "CommitFailedException");
    assert_eq!(files(&server).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_those_that_take_one_place_one_wins() {
    let server = Arc::new(lake().await);
    let location = format!("{}/sales/place", server.location("lake"));
    let creating = |number| {
        let location =
            if number % 2 == 0 { location.clone() } else { format!("{location}/inside") };
        let name = format!("t{number}");
        (TABLES.to_owned(), json!({"name": name, "schema": schema(), "location": location}))
    };

    let answers = at_once(&[Arc::clone(&server)], (0..6).map(creating).collect()).await;

    // Two may lie beside each other only if none lies above: all those inside are in one place.
    let mut expected = vec![403; 5];
    expected.insert(0, 200);
    assert_eq!(statuses(&answers), expected);
    assert_eq!(files(&server).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_table_dropped_amid_commits_is_gone() {
    let server = table().await;
    let dropping = {
        let server = Arc::clone(&server);
        tokio::spawn(async move { server.root().await.delete(&route("t")).await })
    };

    let answers = at_once(&[Arc::clone(&server)], setters(12)).await;

    let _ = dropping.await.unwrap().expect(204);
    for answer in &answers {
        match answer.status.as_u16() {
            200 => {}
            404 => assert_eq!(
                answer.error(),
                "404 NoSuchTableException: Table does not exist: sales.t"
            ),
            409 => assert!(answer.error().starts_with("409 CommitFailedException: ")),
            other => panic!("{other}: {}", answer.text()),
        }
    }
    let root = server.root().await;
    let _ = root.head(&route("t")).await.expect(404);
    // Files of commits that failed are gone, those of the table stay.
    let succeeded = answers.iter().filter(|answer| answer.status.as_u16() == 200).count();
    assert_eq!(files(&server).len(), 1 + succeeded);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_table_renamed_amid_commits_loses_none_of_them() {
    let server = table().await;
    let renaming = {
        let server = Arc::clone(&server);
        let ident = |name| json!({"namespace": ["sales"], "name": name});
        let body = json!({"source": ident("t"), "destination": ident("renamed")});
        tokio::spawn(async move { server.root().await.post(RENAME, body).await })
    };

    let answers = at_once(&[Arc::clone(&server)], setters(12)).await;

    let _ = renaming.await.unwrap().expect(204);
    let root = server.root().await;
    let table = load(&root, "renamed").await;
    let _ = root.head(&route("t")).await.expect(404);
    let mut succeeded = 0;
    for answer in &answers {
        match answer.status.as_u16() {
            200 => {
                succeeded += 1;
                let properties = answer.json()["metadata"]["properties"].clone();
                for key in properties.as_object().unwrap().keys() {
                    assert!(table["metadata"]["properties"].get(key).is_some(), "{key} is lost");
                }
            }
            404 => assert!(answer.error().starts_with("404 NoSuchTableException: ")),
            409 => assert!(answer.error().starts_with("409 CommitFailedException: ")),
            other => panic!("{other}: {}", answer.text()),
        }
    }
    assert_eq!(files(&server).len(), 1 + succeeded);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn transactions_over_the_same_tables_do_not_wait_for_each_other_forever() {
    let server = table().await;
    server.create_table("lake", "sales", "u").await;
    let both = |number: usize| {
        let put = json!([{"action": "set-properties", "updates": {format!("k{number}"): "v"}}]);
        let mut changes = vec![change("t", json!([]), put.clone()), change("u", json!([]), put)];
        if number % 2 == 1 {
            changes.reverse();
        }
        (TRANSACTIONS.to_owned(), json!({"table-changes": changes}))
    };

    let answers = at_once(&[Arc::clone(&server)], (0..10).map(both).collect()).await;

    assert_eq!(statuses(&answers), [204; 10]);
    assert_all_are_set(&server, 10).await;
    let root = server.root().await;
    let (t, u) = (load(&root, "t").await, load(&root, "u").await);
    for key in (0..10).map(|number| format!("k{number}")) {
        let of = |table: &Value| table["metadata"]["properties"].get(&key).cloned();
        assert_eq!(of(&t), of(&u), "{key}");
    }
}

/// Two servers of one realm where the store is shared; where it is not, one that is asked twice.
#[expect(clippy::disallowed_methods, reason = "the harness takes the store from there too")]
pub(crate) async fn replicas() -> Vec<Arc<TestServer>> {
    let first = table().await;
    let second = match std::env::var("MERAK_TEST_STORE").as_deref() {
        Ok("postgres") => Arc::new(TestServer::start_in(first.realm.as_str(), &[]).await),
        _ => Arc::clone(&first),
    };
    vec![first, second]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn replicas_lose_no_commit_and_agree_at_once() {
    let servers = replicas().await;

    // One commit to each at a time: where they meet, the loser looks again and retries.
    for round in 0..8 {
        let requests = (0..2)
            .map(|which| (route("t"), set(json!({format!("k{}", round * 2 + which): "v"}))))
            .collect();
        let answers = at_once(&servers, requests).await;
        assert_eq!(statuses(&answers), [200, 200]);
        let (one, other) = (servers[0].root().await, servers[1].root().await);
        assert_eq!(load(&one, "t").await, load(&other, "t").await);
    }
    for server in &servers {
        assert_all_are_set(server, 16).await;
    }
    assert_eq!(files(&servers[0]).len(), 17);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn transactions_of_replicas_lose_nothing() {
    let servers = replicas().await;
    servers[0].create_table("lake", "sales", "u").await;
    for round in 0..4 {
        let requests = (0..2)
            .map(|which| {
                let key = format!("k{}", round * 2 + which);
                let put = json!([{"action": "set-properties", "updates": {key: "v"}}]);
                let changes = ["t", "u"].map(|name| change(name, json!([]), put.clone()));
                (TRANSACTIONS.to_owned(), json!({"table-changes": changes}))
            })
            .collect();
        let answers = at_once(&servers, requests).await;
        assert_eq!(statuses(&answers), [204, 204]);
    }
    for server in &servers {
        assert_all_are_set(server, 8).await;
    }
    assert_eq!(files(&servers[0]).len(), 18);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_one_replica_changes_no_other_serves_from_memory() {
    let servers = replicas().await;
    let (one, other) = (servers[0].root().await, servers[1].root().await);
    let tag = other.get(&route("t")).await.expect(200).header("ETag").expect("a tag").to_owned();

    let committed = one.post(&route("t"), set(json!({"a": "b"}))).await.expect(200).json();
    let since = other.with_header("If-None-Match", &tag).get(&route("t")).await.expect(200).json();
    assert_eq!(since["metadata"], committed["metadata"]);

    let _ = one.delete(&route("t")).await.expect(204);
    assert_eq!(
        other.get(&route("t")).await.error(),
        "404 NoSuchTableException: Table does not exist: sales.t"
    );
    assert_eq!(
        other.post(&route("t"), set(json!({"a": "c"}))).await.error(),
        "404 NoSuchTableException: Table does not exist: sales.t"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_replicas_that_create_one_name_one_wins() {
    let servers = replicas().await;
    let body = json!({"name": "new", "schema": schema()});

    let answers = at_once(&servers, vec![(TABLES.to_owned(), body); 6]).await;

    assert_one_wins(&answers, "AlreadyExistsException");
    assert_eq!(files(&servers[0]).len(), 2);
}
