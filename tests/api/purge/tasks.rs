//! Tasks as administrators see them.

use serde_json::json;

use super::fixtures::{TASKS, lake, only_task, purge, run, table};
use crate::fixtures::{route, text};

#[tokio::test]
async fn a_purge_is_refused_and_leaves_no_task_where_it_is_not_switched_on() {
    let switched_off = (super::fixtures::ENABLED.0, "false");
    let (server, _) = super::fixtures::lake_with(&[], &[switched_off]).await;
    let root = server.root().await;
    table(&root, "t").await;

    let refused = root.delete(&format!("{}?purgeRequested=true", route("t"))).await;

    assert!(refused.expect(403).error().contains("Unable to purge entity: t"));
    let listed = root.get(TASKS).await.expect(200).json();
    assert_eq!(listed, json!({"tasks": []}));
    let _ = root.head(&route("t")).await.expect(204);
}

#[tokio::test]
async fn tasks_are_listed_in_pages() {
    let (server, _) = lake(&[]).await;
    let root = server.root().await;
    for name in ["a", "b", "c"] {
        table(&root, name).await;
        purge(&root, name).await;
    }

    let first = root.get(&format!("{TASKS}?pageSize=2&pageToken=")).await.expect(200).json();
    let token = text(&first["nextPageToken"]);
    let rest = root.get(&format!("{TASKS}?pageSize=2&pageToken={token}")).await.expect(200).json();

    assert!(rest.get("nextPageToken").is_none());
    let tasks = [&first, &rest].into_iter().flat_map(|page| page["tasks"].as_array().unwrap());
    let mut subjects: Vec<_> = tasks.map(|task| text(&task["subject"])).collect();
    subjects.sort_unstable();
    assert_eq!(subjects, ["sales.a", "sales.b", "sales.c"]);
    let bad = root.get(&format!("{TASKS}?pageToken=nonsense")).await.expect(400).error();
    assert!(bad.contains("Invalid page token"), "{bad}");
}

#[tokio::test]
async fn a_task_is_shown_in_its_own_catalog_only() {
    let (server, _) = lake(&[]).await;
    let root = server.root().await;
    server.create_catalog("other").await;
    table(&root, "t").await;
    purge(&root, "t").await;
    let task = only_task(&root).await;
    let id = text(&task["id"]);

    assert_eq!(root.get(&format!("{TASKS}/{id}")).await.expect(200).json(), task);
    let fields: Vec<_> = task.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "id",
        "kind",
        "subject",
        "state",
        "progress",
        "attempts",
        "dueTimestamp",
        "createTimestamp",
        "lastUpdateTimestamp",
    ];
    assert_eq!(fields, expected);
    for path in [
        format!("/api/management/v1/catalogs/other/tasks/{id}"),
        format!("{TASKS}/1"),
        format!("/api/management/v1/catalogs/nowhere/tasks/{id}"),
    ] {
        let missing = root.get(&path).await.expect(404).error();
        assert!(missing.starts_with("404 NotFoundException"), "{missing}");
    }
    let _ = root.post(&format!("{TASKS}/1/retry"), json!({})).await.expect(404);
    let _ = root.get(&format!("{TASKS}/x")).await.expect(400);
}

#[tokio::test]
async fn ended_tasks_are_forgotten_after_a_while() {
    let (server, clock) = lake(&[("merak.tasks.retention", "PT1H")]).await;
    let root = server.root().await;
    table(&root, "t").await;
    purge(&root, "t").await;
    clock.advance_s(30);
    run(&server, 1).await;
    table(&root, "u").await;
    purge(&root, "u").await;

    server.parts.service.sweep().await.unwrap();
    let both = root.get(TASKS).await.expect(200).json();
    assert_eq!(both["tasks"].as_array().map(Vec::len), Some(2));
    clock.advance_s(3601);
    server.parts.service.sweep().await.unwrap();

    let root = server.root().await;
    assert_eq!(only_task(&root).await["subject"], "sales.u", "what is not done stays");
}
