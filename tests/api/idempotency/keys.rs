//! Keys: whose they are, what they are for, and for how long.

use std::sync::Arc;

use merak_metastore::Answers as _;
use merak_model::{Clock as _, Privilege};
use merak_tests::{Identity, TestClock, TestServer, schema};
use serde_json::{Value, json};

use super::{Request, delete, fresh_key, keyed, post, whole};
use crate::fixtures::{TABLES, lake, lake_with, route, set};

const CONFIG: &str = "/api/catalog/v1/config?warehouse=lake";

fn create(name: &str) -> Request {
    post(TABLES, json!({"name": name, "schema": schema()}))
}

fn assert_used(answer: &merak_tests::Response, key: &str) {
    let expected = format!(
        "422 UnprocessableEntityException: The Idempotency-Key {key} was used for another request, \
         and nothing was done: send each request with a key of its own"
    );
    assert_eq!(answer.error(), expected);
}

#[tokio::test]
async fn clients_are_told_how_long_answers_are_remembered() {
    let long = [("polaris.idempotency.ttl", "P2D")];
    let off = [("polaris.idempotency.enabled", "false")];
    for (settings, told) in
        [(&[][..], json!("PT30M")), (&long, json!("PT48H")), (&off, Value::Null)]
    {
        let server = lake_with(settings, &[]).await;
        let root = server.root().await;

        let config = root.get(CONFIG).await.expect(200).json();

        assert_eq!(config["idempotency-key-lifetime"], told);
        assert_eq!(config.as_object().unwrap().len(), if told.is_null() { 3 } else { 4 });
    }
}

#[tokio::test]
async fn a_key_is_for_one_request() {
    let server = lake().await;
    let root = server.root().await;
    for table in ["t", "u"] {
        server.create_table("lake", "sales", table).await;
    }
    let commit = |value: &str| post(&route("t"), set(json!({"a": value})));
    let key = fresh_key();
    let who = keyed(&root, &key);
    let first = commit("b").send(&who).await.expect(200);

    for other in [
        commit("c"),
        // This one would change nothing, and that one would be refused.
        post(&route("t"), crate::fixtures::commit(json!([]), json!([]))),
        delete(&route("missing")),
        delete(&route("u")),
        delete(&format!("{}?purgeRequested=false", route("u"))),
        post(&route("u"), set(json!({"a": "b"}))),
        create("new"),
        create("t"),
    ] {
        assert_used(&other.send(&who).await, &key);
    }
    assert_eq!(whole(&commit("b").send(&who).await), whole(&first));
    assert_eq!(crate::fixtures::load(&root, "t").await["metadata"]["properties"]["a"], "b");
    let _ = root.get(&route("u")).await.expect(200);
    let _ = root.get(&route("new")).await.expect(404);
}

#[tokio::test]
async fn a_refused_request_has_its_key_for_itself_too() {
    let server = lake().await;
    server.create_table("lake", "sales", "t").await;
    let root = server.root().await;
    let key = fresh_key();
    let who = keyed(&root, &key);

    let _ = delete(&route("missing")).send(&who).await.expect(404);

    assert_used(&delete(&route("t")).send(&who).await, &key);
    let _ = root.get(&route("t")).await.expect(200);
}

#[tokio::test]
async fn what_is_asked_for_to_reach_the_files_belongs_to_the_request() {
    let server = lake().await;
    let ana = server.principal("ana").await;
    server.grant("ana", Privilege::CatalogManageContent, "lake", None, None).await;
    let key = fresh_key();
    let who = keyed(&ana, &key);
    let _ = create("t").send(&who).await.expect(200);

    let asking = who.with_header("X-Iceberg-Access-Delegation", "vended-credentials");
    assert_used(&create("t").send(&asking).await, &key);
}

#[tokio::test]
async fn keys_belong_to_their_principal() {
    let server = lake().await;
    let root = server.root().await;
    let ana = server.principal("ana").await;
    server.grant("ana", Privilege::CatalogManageContent, "lake", None, None).await;
    let key = fresh_key();

    let made = create("t").send(&keyed(&root, &key)).await.expect(200);
    let refused = create("t").send(&keyed(&ana, &key)).await;
    assert_eq!(refused.error(), "409 AlreadyExistsException: Table already exists: sales.t");

    let _ = root.delete(&route("t")).await.expect(204);
    assert_eq!(whole(&create("t").send(&keyed(&ana, &key)).await), whole(&refused));
    assert_eq!(whole(&create("t").send(&keyed(&root, &key)).await), whole(&made));
    // Who may do nothing is told nothing.
    let eve = server.principal("eve").await;
    let _ = create("t").send(&keyed(&eve, &key)).await.expect(403);
}

#[tokio::test]
async fn the_roles_that_a_token_activates_belong_to_the_request() {
    let server = lake().await;
    let root = server.root().await;
    let admin =
        Identity::by_credentials(&server, "root", "s3cr3t", "PRINCIPAL_ROLE:service_admin").await;
    let key = fresh_key();

    let _ = create("t").send(&keyed(&root, &key)).await.expect(200);

    assert_used(&create("t").send(&keyed(&admin, &key)).await, &key);
}

#[tokio::test]
async fn an_answer_is_forgotten_when_its_time_is_over() {
    let clock = TestClock::new();
    let realm = format!("realm-{}", fresh_key());
    let server = TestServer::start_at(&realm, &[], Arc::new(clock.clone())).await;
    server.create_catalog("lake").await;
    server.create_namespace("lake", "sales").await;
    server.create_table("lake", "sales", "t").await;
    let root = server.root().await;
    let who = keyed(&root, &fresh_key());
    let _ = delete(&route("t")).send(&who).await.expect(204);
    server.create_table("lake", "sales", "t").await;

    clock.advance_s(30 * 60 - 1);
    let _ = delete(&route("t")).send(&who).await.expect(204);
    let _ = root.get(&route("t")).await.expect(200);

    clock.advance_s(1);
    let _ = delete(&route("t")).send(&who).await.expect(204);
    let _ = root.get(&route("t")).await.expect(404);
    // That is the first answer now.
    let _ = delete(&route("t")).send(&who).await.expect(204);
}

#[tokio::test]
async fn answers_whose_time_is_over_are_swept_up() {
    let clock = TestClock::new();
    let realm = format!("realm-{}", fresh_key());
    let server = TestServer::start_at(&realm, &[], Arc::new(clock.clone())).await;
    server.create_catalog("lake").await;
    server.create_namespace("lake", "sales").await;
    let root = server.root().await;
    for number in 0..3 {
        let _ = create(&format!("t{number}")).send(&keyed(&root, &fresh_key())).await.expect(200);
    }
    let last = keyed(&root, &fresh_key());
    clock.advance_s(60);
    let _ = create("last").send(&last).await.expect(200);
    clock.advance_s(30 * 60 - 1);

    server.parts.service.sweep().await.unwrap();

    assert_eq!(server.parts.metastore.forget_answers(clock.now_ms(), 10).await.unwrap(), 0);
    let _ = root.delete(&route("last")).await.expect(204);
    let _ = create("last").send(&last).await.expect(200);
    let _ = root.get(&route("last")).await.expect(404);
}

#[tokio::test]
async fn without_the_setting_keys_are_not_looked_at() {
    let server = lake_with(&[("polaris.idempotency.enabled", "false")], &[]).await;
    server.create_table("lake", "sales", "t").await;
    let root = server.root().await;
    let who = keyed(&root, &fresh_key());

    let _ = delete(&route("t")).send(&who).await.expect(204);
    let _ = delete(&route("t")).send(&who).await.expect(404);
    let _ = create("t").send(&keyed(&root, "not a key")).await.expect(200);
}

#[tokio::test]
async fn what_is_no_uuid_is_no_key() {
    let server = lake().await;
    server.create_table("lake", "sales", "t").await;
    let root = server.root().await;
    let two = format!("{}, {}", fresh_key(), fresh_key());
    let simple = fresh_key().replace('-', "");
    let braced = format!("{{{}}}", fresh_key());
    for key in [
        "",
        "1",
        &two,
        &simple,
        &braced,
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
        "017f22e279b0-7cc3-98c4-dc0c-0c07398f",
        "ä",
    ] {
        let who = keyed(&root, key);
        for request in [
            delete(&route("t")),
            create("u"),
            post(&route("t"), set(json!({"a": "b"}))),
            post("/api/catalog/v1/lake/namespaces", json!({"namespace": ["x"]})),
        ] {
            let answer = request.send(&who).await.expect(400);
            assert_eq!(
                answer.error(),
                "400 InvalidIdempotencyKey: Invalid Idempotency-Key header; expected a UUID",
                "{key:?}"
            );
        }
        // Reads have none.
        let _ = who.get(&route("t")).await.expect(200);
        let _ = who.head(&route("t")).await.expect(204);
    }
    let form = "grant_type=client_credentials&client_id=root&client_secret=s3cr3t\
                &scope=PRINCIPAL_ROLE:ALL";
    let token = server.nobody().post_form(form).await.expect(200).json();
    let token = format!("Bearer {}", token["access_token"].as_str().unwrap());
    let [one, other] = [fresh_key(), fresh_key()].map(|key| ("Idempotency-Key".to_owned(), key));
    let twice = [("Authorization".to_owned(), token), one, other];
    let answer = server.send(axum::http::Method::DELETE, &route("t"), &twice, Vec::new()).await;
    assert!(answer.error().starts_with("400 InvalidIdempotencyKey: "), "{}", answer.text());
    let _ = root.get(&route("u")).await.expect(404);
}

#[tokio::test]
async fn a_uuid_of_any_version_in_any_case_is_a_key() {
    let server = lake().await;
    let root = server.root().await;
    for (number, key) in [
        "017F22E2-79B0-7CC3-98C4-DC0C0C07398F",
        "919108f7-52d1-4320-9bac-f847db4148a8",
        "2ed6657d-e927-568b-95e1-2665a8aea6a2",
        "00000000-0000-0000-0000-000000000000",
    ]
    .iter()
    .enumerate()
    {
        let request = create(&format!("t{number}"));
        let first = request.send(&keyed(&root, key)).await.expect(200);
        let swapped = if key.contains('F') { key.to_lowercase() } else { key.to_uppercase() };
        assert_eq!(whole(&request.send(&keyed(&root, &swapped)).await), whole(&first));
    }
}
