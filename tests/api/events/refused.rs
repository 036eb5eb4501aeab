//! Requests that are refused or fail leave no event.

use merak_tests::schema;

use super::*;
use crate::fixtures::{RENAME, TABLES, TRANSACTIONS, change, commit, create, route, set};

#[tokio::test]
async fn what_fails_leaves_no_event() {
    let server = lake().await;
    server.create_table("lake", "sales", "t").await;
    let namespaces = "/api/catalog/v1/lake/namespaces";
    let no_such = json!([{"type": "assert-table-uuid", "uuid": uuid::Uuid::new_v4()}]);
    let property = json!([{"action": "set-properties", "updates": {"k": "v"}}]);
    let both = json!({"table-changes": [
        change("t", json!([]), property.clone()),
        change("t", no_such.clone(), property.clone()),
    ]});
    let rename = json!({"source": ident("t"), "destination": ident("t")});
    for (status, sent) in [
        (409, post(namespaces, json!({"namespace": ["sales"]}))),
        (404, post(namespaces, json!({"namespace": ["none", "deep"]}))),
        (409, delete("/api/catalog/v1/lake/namespaces/sales")),
        (409, post(TABLES, json!({"name": "t", "schema": schema()}))),
        (409, post(&route("t"), commit(no_such, property))),
        (404, post(&route("none"), set(json!({"k": "v"})))),
        (404, delete(&route("none"))),
        (409, post(RENAME, rename)),
        (409, post(TRANSACTIONS, both)),
    ] {
        assert_left(&server, status, sent, &[]).await;
    }
}

#[tokio::test]
async fn who_may_not_leaves_no_event() {
    let server = lake().await;
    server.create_table("lake", "sales", "t").await;
    let ana = server.principal("ana").await;
    let before = newest(&server).await;
    for sent in [
        post(TABLES, json!({"name": "u", "schema": schema()})),
        post(&route("t"), set(json!({"k": "v"}))),
        delete(&route("t")),
        post("/api/management/v1/principals", json!({"name": "bob"})),
    ] {
        let _ = send(&ana, sent).await.expect(403);
    }
    let _ = send(&server.nobody(), delete(&route("t"))).await.expect(401);

    assert!(events_after(&server, before).await.is_empty());
}

#[tokio::test]
async fn a_request_that_is_sent_again_leaves_its_event_once() {
    let server = lake().await;
    let before = newest(&server).await;
    let key = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";
    let root = server.root().await.with_header("Idempotency-Key", key);

    let first = create(&root, json!({"name": "t", "schema": schema()})).await;
    let again = create(&root, json!({"name": "t", "schema": schema()})).await;

    assert_eq!(first["metadata-location"], again["metadata-location"]);
    let expected = ["AFTER_CREATE_TABLE TABLE lake sales.t"];
    assert_eq!(lines(&events_after(&server, before).await), expected);
}
