//! Tables that get another name.

use merak_tests::TestServer;
use serde_json::{Value, json};

use crate::fixtures::{RENAME, TABLES, commit_to, files, lake, load, route, set};

fn ident(name: &str) -> Value {
    let (namespace, name) = name.rsplit_once('.').expect("a namespace");
    json!({"namespace": namespace.split('.').collect::<Vec<_>>(), "name": name})
}

fn renaming(source: &str, destination: &str) -> Value {
    json!({"source": ident(source), "destination": ident(destination)})
}

async fn with_table() -> (TestServer, Value) {
    let server = lake().await;
    let made = server.create_table("lake", "sales", "a").await;
    (server, made)
}

#[tokio::test]
async fn a_table_is_the_same_under_its_new_name() {
    let (server, made) = with_table().await;
    let root = server.root().await;
    let before = files(&server);

    let answer = root.post(RENAME, renaming("sales.a", "sales.b")).await.expect(204);

    assert_eq!(answer.body, b"");
    assert_eq!(load(&root, "b").await, made);
    assert_eq!(
        root.get(&route("a")).await.error(),
        "404 NoSuchTableException: Table does not exist: sales.a"
    );
    let listed = root.get(TABLES).await.expect(200).json();
    assert_eq!(listed["identifiers"], json!([ident("sales.b")]));
    assert_eq!(files(&server), before);
}

#[tokio::test]
async fn a_table_moves_to_another_namespace_and_its_files_stay() {
    let (server, made) = with_table().await;
    server.create_namespace("lake", "archive").await;
    server.create_namespace("lake", "archive.old").await;
    let root = server.root().await;

    let _ = root.post(RENAME, renaming("sales.a", "archive.old.a")).await.expect(204);

    let path = "/api/catalog/v1/lake/namespaces/archive%1Fold/tables/a";
    assert_eq!(root.get(path).await.expect(200).json(), made);
    assert_eq!(root.get(TABLES).await.expect(200).json()["identifiers"], json!([]));
    // Its location is another namespace's, which is no reason to refuse commits from now on.
    let committed = root.post(path, set(json!({"x": "y"}))).await.expect(200).json();
    assert_eq!(committed["metadata"]["location"], made["metadata"]["location"]);
}

#[tokio::test]
async fn commits_go_on_under_the_new_name() {
    let (server, made) = with_table().await;
    let root = server.root().await;
    let before = commit_to(&root, "a", set(json!({"x": "1"}))).await;
    let _ = root.post(RENAME, renaming("sales.a", "sales.b")).await.expect(204);

    let after = commit_to(&root, "b", set(json!({"y": "2"}))).await;

    assert_eq!(after["metadata"]["table-uuid"], made["metadata"]["table-uuid"]);
    assert_eq!(after["metadata"]["properties"]["x"], "1");
    assert_eq!(after["metadata"]["metadata-log"][1]["metadata-file"], before["metadata-location"]);
    assert_eq!(
        root.post(&route("a"), set(json!({"x": "3"}))).await.error(),
        "404 NoSuchTableException: Table does not exist: sales.a"
    );
}

#[tokio::test]
async fn the_old_name_is_free_but_the_old_place_is_not() {
    let (server, made) = with_table().await;
    let root = server.root().await;
    let _ = root.post(RENAME, renaming("sales.a", "sales.b")).await.expect(204);

    let body = json!({"name": "a", "schema": merak_tests::schema()});
    let told = root.post(TABLES, body).await.error();
    assert!(told.contains("conflicts with existing table or namespace"), "{told}");

    let location = format!("{}/sales/a2", server.location("lake"));
    let body = json!({"name": "a", "schema": merak_tests::schema(), "location": location});
    let other = root.post(TABLES, body).await.expect(200).json();
    assert_ne!(other["metadata"]["table-uuid"], made["metadata"]["table-uuid"]);
    assert_eq!(load(&root, "b").await, made);
}

#[tokio::test]
async fn a_name_that_is_taken_is_refused() {
    let (server, made) = with_table().await;
    let other = server.create_table("lake", "sales", "b").await;
    let root = server.root().await;

    assert_eq!(
        root.post(RENAME, renaming("sales.a", "sales.b")).await.error(),
        "409 AlreadyExistsException: Cannot rename sales.a to sales.b. Table already exists"
    );
    assert_eq!((load(&root, "a").await, load(&root, "b").await), (made, other));
}

#[tokio::test]
async fn a_table_renamed_to_itself_is_in_its_own_way() {
    let (server, made) = with_table().await;
    let root = server.root().await;

    assert_eq!(
        root.post(RENAME, renaming("sales.a", "sales.a")).await.error(),
        "409 AlreadyExistsException: Cannot rename sales.a to sales.a. Table already exists"
    );
    assert_eq!(load(&root, "a").await, made);
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let (server, made) = with_table().await;
    let root = server.root().await;

    assert_eq!(
        root.post(RENAME, renaming("sales.nope", "sales.b")).await.error(),
        "404 NoSuchTableException: Table does not exist: sales.nope"
    );
    assert_eq!(
        root.post(RENAME, renaming("nope.a", "sales.b")).await.error(),
        "404 NoSuchTableException: Table does not exist: nope.a"
    );
    assert_eq!(
        root.post(RENAME, renaming("sales.a", "nope.deep.b")).await.error(),
        "404 NoSuchNamespaceException: Namespace does not exist: nope.deep"
    );
    assert_eq!(load(&root, "a").await, made);
}

#[tokio::test]
async fn a_name_that_no_table_can_have_is_refused() {
    let (server, made) = with_table().await;
    let root = server.root().await;

    for name in ["", "..", "x/y", "x\u{0}y", "x\u{1f}y"] {
        let mut body = renaming("sales.a", "sales.b");
        body["destination"]["name"] = json!(name);
        let refused = root.post(RENAME, body).await;
        assert!(refused.error().starts_with("400 "), "{name:?} got {}", refused.text());
    }
    for body in
        [json!({}), json!({"source": ident("sales.a")}), json!({"destination": ident("a.b")})]
    {
        let _ = root.post(RENAME, body).await.expect(400).error();
    }
    assert_eq!(load(&root, "a").await, made);
}
