//! Attempts that fail, are cut off, or meet another.

use std::sync::Arc;
use std::time::Duration;

use merak_metastore::{Change, Metastore as _, NewTask, TaskEnd, Tasks as _};
use merak_model::EntityId;
use serde_json::json;

use super::fixtures::{
    TASKS, data_file, lake, manifest, names_below, only_task, purge, run, snapshot, table,
};
use crate::fixtures::{disk, load, route, text, write};

/// Makes a table of one file that cannot be deleted, and another one that can.
async fn table_with_a_stubborn_file(
    who: &merak_tests::Identity<'_>,
) -> (String, std::path::PathBuf) {
    let location = table(who, "t").await;
    let stubborn = format!("{location}/data/stubborn.parquet");
    // A folder of that name, which is not empty.
    write(&disk(&stubborn).join("in-the-way"), "");
    let entries = [data_file(&location, "a"), (false, stubborn.clone())];
    let one = manifest(&location, "one", &entries);
    snapshot(who, "t", 1, &[one]).await;
    (location, disk(&stubborn))
}

#[tokio::test]
async fn an_attempt_that_failed_is_made_again_later_and_finds_all_that_is_left() {
    let (server, clock) = lake(&[("merak.tasks.retry-delay", "PT10S")]).await;
    let root = server.root().await;
    let (location, stubborn) = table_with_a_stubborn_file(&root).await;
    let named = names_below(&location).len();

    purge(&root, "t").await;
    run(&server, 1).await;
    run(&server, 0).await;

    let task = only_task(&root).await;
    assert_eq!((task["state"].as_str(), task["attempts"].as_u64()), (Some("waiting"), Some(1)));
    assert!(text(&task["error"]).contains("stubborn.parquet"), "{task}");
    let wait_ms =
        task["dueTimestamp"].as_i64().unwrap() - task["lastUpdateTimestamp"].as_i64().unwrap();
    assert!((5_000..=10_001).contains(&wait_ms), "{wait_ms}");
    // One file is gone; what names the other is there.
    assert_eq!(names_below(&location).len(), named - 1);

    clock.advance_s(11);
    run(&server, 1).await;
    let task = only_task(&root).await;
    assert_eq!(task["attempts"], 2);
    let wait_ms =
        task["dueTimestamp"].as_i64().unwrap() - task["lastUpdateTimestamp"].as_i64().unwrap();
    assert!((10_000..=20_001).contains(&wait_ms), "{wait_ms}");

    std::fs::remove_dir_all(stubborn).unwrap();
    clock.advance_s(21);
    run(&server, 1).await;
    let task = only_task(&root).await;
    assert_eq!((task["state"].as_str(), &task["error"]), (Some("done"), &json!(null)));
    assert_eq!(names_below(&location), Vec::<String>::new());
}

#[tokio::test]
async fn a_task_is_given_up_after_so_many_attempts_and_can_be_retried() {
    let (server, clock) =
        lake(&[("merak.tasks.max-attempts", "2"), ("merak.tasks.max-retry-delay", "PT1S")]).await;
    let root = server.root().await;
    let (location, stubborn) = table_with_a_stubborn_file(&root).await;
    purge(&root, "t").await;
    let id = text(&only_task(&root).await["id"]).to_owned();
    let retry = format!("{TASKS}/{id}/retry");
    let refused = root.post(&retry, json!({})).await.expect(409).error();
    assert!(refused.contains("is waiting: only a task that failed is retried"), "{refused}");

    run(&server, 1).await;
    clock.advance_s(2);
    run(&server, 1).await;
    clock.advance_s(1000);
    run(&server, 0).await;

    let failed = root.get(&format!("{TASKS}/{id}")).await.expect(200).json();
    assert_eq!((failed["state"].as_str(), failed["attempts"].as_u64()), (Some("failed"), Some(2)));
    assert!(text(&failed["error"]).starts_with("1 files could not be deleted; the first: "));
    assert_eq!(failed["progress"]["failures"], 1);

    std::fs::remove_dir_all(stubborn).unwrap();
    let waiting = root.post(&retry, json!({})).await.expect(200).json();
    assert_eq!(
        (waiting["state"].as_str(), waiting["attempts"].as_u64()),
        (Some("waiting"), Some(0))
    );
    run(&server, 1).await;
    assert_eq!(only_task(&root).await["state"], "done");
    assert_eq!(names_below(&location), Vec::<String>::new());
}

#[tokio::test]
async fn what_an_attempt_before_deleted_does_not_stop_the_next() {
    let (server, _) = lake(&[]).await;
    let root = server.root().await;
    let location = table(&root, "t").await;
    let first = manifest(&location, "first", &[data_file(&location, "a")]);
    snapshot(&root, "t", 1, std::slice::from_ref(&first)).await;
    let second = manifest(&location, "second", &[data_file(&location, "b")]);
    snapshot(&root, "t", 2, &[first.clone(), second]).await;
    purge(&root, "t").await;
    // As it was cut off: after the first snapshot's list, and within the second's.
    for gone in [&first, &format!("{location}/metadata/snap-1.avro")] {
        std::fs::remove_file(disk(gone)).unwrap();
    }
    std::fs::remove_file(disk(&location).join("data/a.parquet")).unwrap();

    run(&server, 1).await;

    let task = only_task(&root).await;
    assert_eq!(
        (task["state"].as_str(), task["progress"]["gone-already"].as_u64()),
        (Some("done"), Some(2))
    );
    assert_eq!(names_below(&location), Vec::<String>::new());
}

#[tokio::test]
async fn where_the_metadata_file_is_gone_there_is_nothing_left_to_do() {
    let (server, _) = lake(&[]).await;
    let root = server.root().await;
    let location = table(&root, "t").await;
    let metadata = load(&root, "t").await;
    purge(&root, "t").await;
    std::fs::remove_file(disk(text(&metadata["metadata-location"]))).unwrap();

    run(&server, 1).await;

    assert_eq!(only_task(&root).await["state"], "done");
    assert!(!disk(&location).exists());
}

#[tokio::test]
async fn a_damaged_manifest_fails_the_task_at_once_and_is_kept() {
    let (server, _) = lake(&[]).await;
    let root = server.root().await;
    let location = table(&root, "t").await;
    let broken = format!("{location}/metadata/broken.avro");
    write(&disk(&broken), "no avro");
    snapshot(&root, "t", 1, &[broken]).await;

    purge(&root, "t").await;
    run(&server, 1).await;

    let task = only_task(&root).await;
    assert_eq!(task["state"], "failed");
    assert!(text(&task["error"]).contains("broken.avro cannot be read: it is no Avro file"));
    assert!(names_below(&location).contains(&"broken.avro".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_workers_that_look_at_once_one_does_the_task() {
    let (server, _) = lake(&[]).await;
    let root = server.root().await;
    let location = table(&root, "t").await;
    purge(&root, "t").await;

    let workers = (0..6).map(|_| {
        let service = server.parts.service.clone();
        tokio::spawn(async move { service.run_due_tasks().await.unwrap() })
    });
    let mut attempts = 0;
    for worker in workers.collect::<Vec<_>>() {
        attempts += worker.await.unwrap();
    }

    assert_eq!(attempts, 1);
    assert!(!disk(&location).exists());
}

#[tokio::test]
async fn a_task_of_a_worker_that_died_is_taken_over_when_its_lease_ends() {
    let lease = ("polaris.features.\"POLARIS_TASK_TIMEOUT_MILLIS\"", "60000");
    let (server, clock) = lake(&[lease]).await;
    let root = server.root().await;
    let location = table(&root, "t").await;
    purge(&root, "t").await;
    let now_ms = merak_model::Clock::now_ms(&clock);
    let realms = [server.realm.clone()];
    let metastore = &server.parts.metastore;
    let dead = metastore.claim_task(&realms, "dead", now_ms, now_ms + 60_000).await.unwrap();
    assert!(dead.is_some());

    clock.advance_s(59);
    run(&server, 0).await;
    assert_eq!(only_task(&root).await["state"], "running");
    clock.advance_s(1);
    run(&server, 1).await;

    assert_eq!(only_task(&root).await["state"], "done");
    assert!(!disk(&location).exists());
}

/// A store that takes connections and never says anything.
async fn silent_store() -> (tokio::net::TcpListener, String) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    (listener, endpoint)
}

/// A task whose store is this one.
fn task_at(endpoint: &str, created_ms: i64) -> NewTask {
    let storage = json!({
        "storageType": "S3", "allowedLocations": ["s3://b/lake"], "region": "us-east-1",
        "endpoint": endpoint, "pathStyleAccess": true, "stsUnavailable": true,
    });
    let details = json!({
        "catalog": "gone", "storage": storage.to_string(), "properties": {}, "table": "a.t",
        "table-uuid": null, "metadata-location": "s3://b/lake/t/metadata/m.metadata.json",
        "places": ["s3://b/lake/t"],
    });
    NewTask {
        id: EntityId::random(),
        kind: "purge-table".to_owned(),
        catalog_id: EntityId(77),
        subject: "a.t".to_owned(),
        details: details.to_string(),
        created_ms,
    }
}

/// Has a task taken that does not come to its end.
async fn busy_server()
-> (Arc<merak_tests::TestServer>, merak_tests::TestClock, EntityId, tokio::net::TcpListener) {
    let (silent, endpoint) = silent_store().await;
    let settings = [
        ("polaris.features.\"POLARIS_TASK_TIMEOUT_MILLIS\"", "300"),
        ("polaris.storage.aws.access-key", "a"),
        ("polaris.storage.aws.secret-key", "b"),
    ];
    let (server, clock) = lake(&settings).await;
    let task = task_at(&endpoint, merak_model::Clock::now_ms(&clock));
    let id = task.id;
    let changes = [Change::AddTask(Box::new(task))];
    server.parts.metastore.apply(&server.realm, &changes).await.unwrap();
    (Arc::new(server), clock, id, silent)
}

#[tokio::test]
async fn a_worker_whose_task_was_taken_over_stops_at_once() {
    let (server, clock, id, silent) = busy_server().await;
    let service = server.parts.service.clone();
    let working = tokio::spawn(async move { service.run_due_tasks().await.unwrap() });
    let _connection = silent.accept().await.unwrap();
    // This worker's process was stopped for a while, and another's was not.
    let (realms, metastore) = ([server.realm.clone()], &server.parts.metastore);
    let now_ms = loop {
        clock.advance_s(1);
        let now_ms = merak_model::Clock::now_ms(&clock);
        let due_ms = now_ms + 3_600_000;
        // It may have said in this moment that it lives.
        if metastore.claim_task(&realms, "another", now_ms, due_ms).await.unwrap().is_some() {
            break now_ms;
        }
    };

    let attempts = tokio::time::timeout(Duration::from_secs(20), working).await.unwrap().unwrap();

    assert_eq!(attempts, 1);
    let task = metastore.task(&server.realm, EntityId(77), id).await.unwrap().unwrap();
    assert_eq!(task.state.as_str(), "running", "it is the other's");
    let hold = merak_metastore::Hold {
        realm: server.realm.clone(),
        task: id,
        owner: "another".to_owned(),
    };
    assert!(metastore.settle_task(&hold, "{}", &TaskEnd::Done, now_ms, &[]).await.unwrap());
}

#[tokio::test]
async fn a_server_that_stops_gives_its_tasks_back() {
    let (server, _, id, silent) = busy_server().await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let service = server.parts.service.clone();
    let working = tokio::spawn(async move { service.run_tasks(stopped).await });
    let _connection = silent.accept().await.unwrap();
    let metastore = &server.parts.metastore;
    let find = async || metastore.task(&server.realm, EntityId(77), id).await.unwrap().unwrap();
    assert_eq!(find().await.state.as_str(), "running");

    stop.send(true).unwrap();
    tokio::time::timeout(Duration::from_secs(20), working).await.unwrap().unwrap();

    let task = find().await;
    assert_eq!((task.state.as_str(), task.attempts, task.error), ("waiting", 0, None));
}

#[tokio::test]
async fn a_running_server_begins_at_once_what_it_queues() {
    let (server, _) = lake(&[("merak.tasks.poll-interval", "PT1H")]).await;
    let root = server.root().await;
    let location = table(&root, "t").await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let service = server.parts.service.clone();
    let working = tokio::spawn(async move { service.run_tasks(stopped).await });

    purge(&root, "t").await;

    let gone = async {
        while disk(&location).exists() || only_task(&root).await["state"] != "done" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone).await.expect("it is purged");
    stop.send(true).unwrap();
    working.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_drops_at_once_one_leaves_a_task() {
    let (server, _) = lake(&[]).await;
    let server = Arc::new(server);
    let root = server.root().await;
    table(&root, "t").await;

    let drops = (0..6).map(|_| {
        let server = Arc::clone(&server);
        tokio::spawn(async move {
            let root = server.root().await;
            root.delete(&format!("{}?purgeRequested=true", route("t"))).await.status.as_u16()
        })
    });
    let mut statuses = Vec::new();
    for drop in drops.collect::<Vec<_>>() {
        statuses.push(drop.await.unwrap());
    }

    statuses.sort_unstable();
    assert_eq!(statuses, [204, 404, 404, 404, 404, 404]);
    assert_eq!(only_task(&root).await["state"], "waiting");
}
