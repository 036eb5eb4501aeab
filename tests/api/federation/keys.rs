//! Idempotency keys: the owner is told of them, and answers by them, or does not.

use axum::http::HeaderValue;
use serde_json::json;

use super::owner::error;
use super::{TABLES, Told, kind};

const KEY: &str = "0197b3c0-1111-7abc-8def-0123456789ab";

#[tokio::test]
async fn keys_go_along_as_others_that_are_a_principals_own() {
    let told = Told::start().await;
    let root = told.front.root().await.with_header("Idempotency-Key", KEY);
    let ana = told.front.principal("ana").await.with_header("Idempotency-Key", KEY);
    let all = merak_model::Privilege::CatalogManageContent;
    told.front.grant("ana", all, "mirror", None, None).await;
    let path = format!("{TABLES}/t");
    let mut keys = Vec::new();
    for who in [&root, &root, &ana] {
        assert_eq!(kind(&who.delete(&path).await), "404 NoSuchTableException");
        let asked = told.owner.asked_once();
        let key = asked.headers.get("idempotency-key").and_then(|key| key.to_str().ok());
        keys.push(key.expect("a key").to_owned());
    }
    assert_eq!(keys[0], keys[1]);
    assert_ne!(keys[0], keys[2]);
    assert!(keys.iter().all(|key| key != KEY && uuid::Uuid::try_parse(key).is_ok()), "{keys:?}");

    let _ = root.get(&path).await;
    assert_eq!(told.owner.asked_once().headers.get("idempotency-key"), None);
}

#[tokio::test]
async fn what_the_owner_answers_is_not_answered_again_without_it() {
    let told = Told::start().await;
    let root = told.front.root().await.with_header("Idempotency-Key", KEY);
    let path = format!("{TABLES}/t");
    told.owner.is(error(409, "CommitFailedException", "first"));
    assert!(root.delete(&path).await.error().ends_with("first"));
    told.owner.is(error(404, "NoSuchTableException", "second"));
    assert!(root.delete(&path).await.error().ends_with("second"));
    assert_eq!(told.owner.asked().len(), 2);
    told.owner.is(super::owner::Mood::Says(204, String::new()));
    let _ = root.delete(&path).await.expect(204);
    let json = HeaderValue::from_static("application/json");
    let asked = told.owner.asked_once();
    assert_eq!(asked.headers.get("accept"), Some(&json));
    assert_eq!(asked.what, "DELETE namespaces/sales/tables/t?purgeRequested=false");
    assert_eq!(json!(asked.body), json!(""));
}
