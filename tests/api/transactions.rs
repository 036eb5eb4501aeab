//! Commits of many tables at once.

use merak_tests::{TestServer, schema};
use serde_json::{Value, json};

use crate::fixtures::{
    TRANSACTIONS, change, create_commit, files, lake, load, route, snapshot, text,
};

/// A server with the tables `a` and `b`, and both as they were made.
async fn two_tables() -> (TestServer, Value, Value) {
    let server = lake().await;
    let a = server.create_table("lake", "sales", "a").await;
    let b = server.create_table("lake", "sales", "b").await;
    (server, a, b)
}

fn put(key: &str, value: &str) -> Value {
    json!([{"action": "set-properties", "updates": {key: value}}])
}

fn transaction(changes: &[Value]) -> Value {
    json!({"table-changes": changes})
}

#[tokio::test]
async fn two_tables_change_at_once() {
    let (server, a, b) = two_tables().await;
    let root = server.root().await;
    let is = |table: &Value| json!([{"type": "assert-table-uuid", "uuid": table["metadata"]["table-uuid"]}]);

    let body =
        transaction(&[change("a", is(&a), put("x", "1")), change("b", is(&b), put("x", "2"))]);
    let answer = root.post(TRANSACTIONS, body).await.expect(204);

    assert_eq!(answer.body, b"");
    for (name, before, value) in [("a", &a, "1"), ("b", &b, "2")] {
        let after = load(&root, name).await;
        assert_eq!(after["metadata"]["properties"]["x"], value);
        assert_ne!(after["metadata-location"], before["metadata-location"]);
        assert_eq!(
            after["metadata"]["metadata-log"][0]["metadata-file"],
            before["metadata-location"]
        );
    }
    assert_eq!(files(&server).len(), 4);
}

#[tokio::test]
async fn one_requirement_that_fails_leaves_everything_as_it_was() {
    let (server, a, b) = two_tables().await;
    let root = server.root().await;
    let before = files(&server);
    let fails = json!([{"type": "assert-current-schema-id", "current-schema-id": 7}]);

    let body =
        transaction(&[change("a", json!([]), put("x", "1")), change("b", fails, put("x", "2"))]);
    let refused = root.post(TRANSACTIONS, body).await;

    assert_eq!(
        refused.error(),
        "409 CommitFailedException: Requirement failed: current schema changed: expected id 7 != 0"
    );
    assert_eq!((load(&root, "a").await, load(&root, "b").await), (a, b));
    assert_eq!(files(&server), before);
}

#[tokio::test]
async fn one_table_that_may_not_lie_where_it_wants_leaves_everything_as_it_was() {
    let (server, a, b) = two_tables().await;
    let root = server.root().await;
    let before = files(&server);
    let inside = format!("{}/inside", text(&a["metadata"]["location"]));

    // The metastore says no, when all files are written.
    let body = transaction(&[
        change("a", json!([]), put("x", "1")),
        change("b", json!([]), json!([{"action": "set-location", "location": inside}])),
    ]);
    let refused = root.post(TRANSACTIONS, body).await;

    assert!(refused.error().starts_with("403 ForbiddenException: "), "{}", refused.text());
    assert_eq!((load(&root, "a").await, load(&root, "b").await), (a, b));
    assert_eq!(files(&server), before);
}

#[tokio::test]
async fn a_table_that_is_missing_leaves_everything_as_it_was() {
    let (server, a, _) = two_tables().await;
    let root = server.root().await;
    let before = files(&server);

    let body = transaction(&[
        change("a", json!([]), put("x", "1")),
        change("nope", json!([]), put("x", "2")),
    ]);
    let refused = root.post(TRANSACTIONS, body).await;

    assert_eq!(refused.error(), "404 NoSuchTableException: Table does not exist: sales.nope");
    assert_eq!(load(&root, "a").await, a);
    assert_eq!(files(&server), before);
}

#[tokio::test]
async fn several_changes_of_one_table_build_on_each_other_and_make_one_version() {
    let (server, a, _) = two_tables().await;
    let root = server.root().await;
    let mut wider = schema();
    wider["fields"]
        .as_array_mut()
        .unwrap()
        .push(json!({"id": 3, "name": "city", "required": false, "type": "string"}));
    let current = |id| json!([{"type": "assert-current-schema-id", "current-schema-id": id}]);

    let body = transaction(&[
        change(
            "a",
            current(0),
            json!([
                {"action": "add-schema", "schema": wider},
                {"action": "set-current-schema", "schema-id": -1},
            ]),
        ),
        change("b", json!([]), put("x", "1")),
        change(
            "a",
            current(1),
            json!([
                {"action": "add-spec", "spec": {"fields": [
                    {"source-id": 3, "transform": "identity", "name": "city"}]}},
                {"action": "set-default-spec", "spec-id": -1},
            ]),
        ),
    ]);
    let _ = root.post(TRANSACTIONS, body).await.expect(204);

    let after = load(&root, "a").await;
    assert_eq!(after["metadata"]["current-schema-id"], 1);
    assert_eq!(after["metadata"]["default-spec-id"], 1);
    let log = after["metadata"]["metadata-log"].as_array().unwrap();
    assert_eq!(log.len(), 1);
    assert_eq!(log[0]["metadata-file"], a["metadata-location"]);
    assert!(text(&after["metadata-location"]).contains("/metadata/00001-"));
    assert_eq!(files(&server).len(), 4);
}

#[tokio::test]
async fn the_second_change_of_a_table_is_judged_by_what_the_first_made() {
    let (server, a, _) = two_tables().await;
    let root = server.root().await;
    let location = text(&a["metadata"]["location"]);
    let main_is =
        |id: Value| json!([{"type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": id}]);
    let add = |id, parent| {
        json!([
            {"action": "add-snapshot", "snapshot": snapshot(location, id, parent)},
            crate::fixtures::point("main", "branch", id),
        ])
    };

    let twice = transaction(&[
        change("a", main_is(json!(null)), add(1, None)),
        change("a", main_is(json!(null)), add(2, None)),
    ]);
    assert_eq!(
        root.post(TRANSACTIONS, twice).await.error(),
        "409 CommitFailedException: Requirement failed: branch main was created concurrently"
    );
    let in_turn = transaction(&[
        change("a", main_is(json!(null)), add(1, None)),
        change("a", main_is(json!(1)), add(2, Some(1))),
    ]);
    let _ = root.post(TRANSACTIONS, in_turn).await.expect(204);
    assert_eq!(load(&root, "a").await["metadata"]["current-snapshot-id"], 2);
}

/// The change that makes a table, below the namespace or where it is told.
fn creation(server: &TestServer, name: &str, folder: &str) -> Value {
    let location = format!("{}/sales/{folder}", server.location("lake"));
    let uuid = uuid::Uuid::new_v4().to_string();
    let mut body = create_commit(&uuid, &location, schema());
    body["identifier"] = json!({"namespace": ["sales"], "name": name});
    body
}

#[tokio::test]
async fn a_table_is_made_together_with_the_change_of_another() {
    let (server, _, _) = two_tables().await;
    let root = server.root().await;

    let body = transaction(&[
        creation(&server, "new", "new"),
        change("a", json!([]), put("x", "1")),
        change("new", json!([]), put("y", "2")),
    ]);
    let _ = root.post(TRANSACTIONS, body).await.expect(204);

    let made = load(&root, "new").await;
    assert_eq!(made["metadata"]["properties"], json!({"made-by": "a test", "y": "2"}));
    assert_eq!(made["metadata"]["metadata-log"], json!([]));
    assert_eq!(load(&root, "a").await["metadata"]["properties"]["x"], "1");
    assert_eq!(files(&server).len(), 4);
}

#[tokio::test]
async fn a_table_that_is_there_already_cannot_be_made_in_a_transaction() {
    let (server, a, b) = two_tables().await;
    let root = server.root().await;
    let before = files(&server);

    let body =
        transaction(&[change("a", json!([]), put("x", "1")), creation(&server, "b", "other")]);
    let refused = root.post(TRANSACTIONS, body).await;

    assert_eq!(
        refused.error(),
        "409 CommitFailedException: Requirement failed: table already exists"
    );
    assert_eq!((load(&root, "a").await, load(&root, "b").await), (a, b));
    assert_eq!(files(&server), before);
}

#[tokio::test]
async fn two_tables_of_one_transaction_may_not_overlap() {
    let (server, _, _) = two_tables().await;
    let root = server.root().await;
    let before = files(&server);

    let body =
        transaction(&[creation(&server, "new", "new"), creation(&server, "newer", "new/inside")]);
    let refused = root.post(TRANSACTIONS, body).await;

    assert!(refused.error().starts_with("403 ForbiddenException: "), "{}", refused.text());
    for name in ["new", "newer"] {
        let _ = root.head(&route(name)).await.expect(404);
    }
    assert_eq!(files(&server), before);
}

#[tokio::test]
async fn a_transaction_that_changes_nothing_writes_nothing() {
    let (server, a, b) = two_tables().await;
    let root = server.root().await;
    let uuid =
        |table: &Value| json!([{"action": "assign-uuid", "uuid": table["metadata"]["table-uuid"]}]);

    let body = transaction(&[change("a", json!([]), uuid(&a)), change("b", json!([]), uuid(&b))]);
    let _ = root.post(TRANSACTIONS, body).await.expect(204);

    assert_eq!((load(&root, "a").await, load(&root, "b").await), (a, b));
    assert_eq!(files(&server).len(), 2);
}

#[tokio::test]
async fn a_transaction_must_name_what_it_changes() {
    let (server, _, _) = two_tables().await;
    let root = server.root().await;

    for body in [
        json!({}),
        transaction(&[]),
        transaction(&[json!({"requirements": [], "updates": []})]),
        transaction(&[json!({"identifier": {"namespace": ["sales"]}, "updates": []})]),
        transaction(&[change("a", json!([{"type": "assert-mood"}]), json!([]))]),
        transaction(&[change("a", json!([]), json!([{"action": "dance"}]))]),
    ] {
        let refused = root.post(TRANSACTIONS, body.clone()).await;
        assert!(refused.error().starts_with("400 "), "{body} got {}", refused.text());
    }
}
