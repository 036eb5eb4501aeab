//! Requests that are sent again under one idempotency key.

use merak_model::Privilege;
use merak_tests::{Identity, Response, TestServer};
use serde_json::json;

use super::{GENERIC_TABLES, draft, load, route};
use crate::fixtures::lake;

fn keyed<'a>(who: &Identity<'a>) -> Identity<'a> {
    who.with_header("Idempotency-Key", &uuid::Uuid::new_v4().to_string())
}

fn whole(answer: &Response) -> (u16, String) {
    (answer.status.as_u16(), answer.text())
}

fn location(server: &TestServer) -> String {
    format!("{}/sales/g", server.location("lake"))
}

#[tokio::test]
async fn a_generic_table_is_made_once_and_shown_as_it_was_made() {
    let server = lake().await;
    let root = server.root().await;
    let who = keyed(&root);
    let body = json!({
        "name": "g", "format": "delta", "base-location": location(&server), "doc": "first",
        "properties": {"a": "b"},
    });

    let first = who.post(GENERIC_TABLES, body.clone()).await.expect(200);
    let again = who.post(GENERIC_TABLES, body.clone()).await;
    assert_eq!(whole(&again), whole(&first));
    // Others go on.
    let _ = root.delete(&route("g")).await.expect(204);
    assert_eq!(whole(&who.post(GENERIC_TABLES, body.clone()).await), whole(&first));
    let _ = root.get(&route("g")).await.expect(404);
    let other = root.post(GENERIC_TABLES, draft("g")).await.expect(200);
    assert_eq!(whole(&who.post(GENERIC_TABLES, body).await), whole(&first));
    assert_eq!(load(&root, "g").await, other.json());
}

#[tokio::test]
async fn a_drop_is_made_once() {
    let server = lake().await;
    let root = server.root().await;
    server.create_generic_table("lake", "sales", "g").await;
    let who = keyed(&root);

    let _ = who.delete(&route("g")).await.expect(204);
    let _ = who.delete(&route("g")).await.expect(204);
    server.create_generic_table("lake", "sales", "g").await;
    let _ = who.delete(&route("g")).await.expect(204);

    let _ = root.get(&route("g")).await.expect(200);
}

#[tokio::test]
async fn a_refusal_is_remembered() {
    let server = lake().await;
    let root = server.root().await;
    let first = server.create_generic_table("lake", "sales", "g").await;
    let who = keyed(&root);

    let refused = who.post(GENERIC_TABLES, draft("g")).await.expect(409);
    let _ = root.delete(&route("g")).await.expect(204);

    assert_eq!(whole(&who.post(GENERIC_TABLES, draft("g")).await), whole(&refused));
    let _ = root.get(&route("g")).await.expect(404);
    assert_eq!(first["table"]["name"], "g");
}

#[tokio::test]
async fn what_is_asked_for_to_reach_the_files_belongs_to_the_request() {
    let server = lake().await;
    let ana = server.principal("ana").await;
    server.grant("ana", Privilege::CatalogManageContent, "lake", None, None).await;
    let who = keyed(&ana);
    let asking = who.with_header("Polaris-Generic-Table-Access-Delegation", "vended-credentials");

    let made = who.post(GENERIC_TABLES, draft("g")).await.expect(200);

    let told = asking.post(GENERIC_TABLES, draft("g")).await.error();
    assert!(told.starts_with("422 UnprocessableEntityException: The Idempotency-Key "), "{told}");
    assert_eq!(whole(&who.post(GENERIC_TABLES, draft("g")).await), whole(&made));
}
