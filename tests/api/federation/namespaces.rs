//! Namespaces of another server, through this one, and what clients are told of the catalog.

use serde_json::json;

use super::{MIRROR, Pair, SALES, TABLES, Told, kind, open};

const NAMESPACES: &str = "/api/catalog/v1/mirror/namespaces";

#[tokio::test]
async fn namespaces_are_made_listed_changed_and_dropped_in_the_other_catalog() {
    let pair = Pair::with_sales().await;
    let (here, there) = (pair.front.root().await, pair.owner.root().await);

    let body = json!({"namespace": ["sales", "eu"], "properties": {"owner": "ann"}});
    let made = here.post(NAMESPACES, body).await.expect(200).json();
    assert_eq!(made["namespace"], json!(["sales", "eu"]));
    assert_eq!(made["properties"]["owner"], "ann");
    let path = format!("{NAMESPACES}/sales%1Feu");
    let loaded = there.get("/api/catalog/v1/lake/namespaces/sales%1Feu").await.expect(200).json();
    assert_eq!(here.get(&path).await.expect(200).json(), loaded);
    let list = here.get(NAMESPACES).await.expect(200).json();
    assert_eq!(list, json!({"namespaces": [["sales"]]}));
    let list = here.get(&format!("{NAMESPACES}?parent=sales")).await.expect(200).json();
    assert_eq!(list, json!({"namespaces": [["sales", "eu"]]}));

    let body = json!({"updates": {"a": "b"}, "removals": ["owner", "none"]});
    let updated = here.post(&format!("{path}/properties"), body).await.expect(200).json();
    assert_eq!(updated, json!({"updated": ["a"], "removed": ["owner"], "missing": ["none"]}));
    let _ = here.head(&path).await.expect(204);
    assert_eq!(kind(&here.delete(SALES).await), "409 NamespaceNotEmptyException");
    let _ = here.delete(&path).await.expect(204);
    let _ = here.head(&path).await.expect(404);
    assert_eq!(kind(&here.get(&path).await), "404 NoSuchNamespaceException");
    let again = here.post(NAMESPACES, json!({"namespace": ["sales"]})).await;
    assert_eq!(kind(&again), "409 AlreadyExistsException");
    let reserved = json!({"namespace": ["x"], "properties": {"polaris.a": "b"}});
    assert_eq!(kind(&here.post(NAMESPACES, reserved).await), "400 IllegalArgumentException");
}

#[tokio::test]
async fn lists_come_in_the_pages_of_the_other_catalog() {
    let pair = Pair::with_sales().await;
    let here = pair.front.root().await;
    for name in ["a", "b"] {
        let body = json!({"name": name, "schema": merak_tests::schema()});
        let _ = here.post(TABLES, body).await.expect(200);
    }

    let first = here.get(&format!("{TABLES}?pageToken=&pageSize=1")).await.expect(200).json();
    let token = first["next-page-token"].as_str().expect("a token");
    assert_eq!(first["identifiers"], json!([{"namespace": ["sales"], "name": "a"}]));
    let path = format!("{TABLES}?pageSize=1&pageToken={token}");
    let second = here.get(&path).await.expect(200).json();
    assert_eq!(second, json!({"identifiers": [{"namespace": ["sales"], "name": "b"}]}));
    assert_eq!(kind(&here.get(&format!("{TABLES}?pageToken=x")).await), "400 BadRequestException");
}

#[tokio::test]
async fn a_catalog_without_pages_is_asked_for_none() {
    let told = Told::start_with(&[], &[("polaris.config.list-pagination-enabled", "false")]).await;
    told.owner.answers("GET namespaces", json!({"namespaces": [["a"]], "token": "REMOTE"}));
    let here = told.front.root().await;

    let list = here.get(&format!("{NAMESPACES}?pageToken=&pageSize=1")).await.expect(200).json();

    assert_eq!(list, json!({"namespaces": [["a"]]}));
    assert_eq!(told.owner.asked_once().what, "GET namespaces");
}

#[tokio::test]
async fn clients_are_told_what_works_there() {
    let told = Told::start().await;
    let path = "/api/catalog/v1/config?warehouse=mirror";
    let config = told.front.root().await.get(path).await.expect(200).json();

    assert_eq!(config["overrides"]["prefix"], "mirror");
    assert_eq!(config.get("idempotency-key-lifetime"), None);
    let endpoints = config["endpoints"].as_array().expect("a list");
    let has = |text: &str| endpoints.iter().any(|one| one.as_str() == Some(text));
    assert!(has("GET /v1/{prefix}/namespaces/{namespace}/tables/{table}/credentials"));
    assert!(!has("POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/sign"));
    assert!(!endpoints.iter().any(|one| one.to_string().contains("generic-tables")));
    assert!(told.owner.asked().is_empty());
}

#[tokio::test]
async fn what_is_not_done_there_is_said_so() {
    let told = Told::start().await;
    open(&told.front, "mirror").await;
    let here = told.front.root().await;
    let generic = "/api/catalog/polaris/v1/mirror/namespaces/sales/generic-tables";
    assert_eq!(kind(&here.get(generic).await), "406 UnsupportedOperationException");
    let sign = json!({"region": "r", "uri": "https://b/", "method": "GET", "headers": {}});
    let refused = here.post(&format!("{TABLES}/t/sign"), sign).await;
    assert_eq!(kind(&refused), "406 UnsupportedOperationException");
    let policies = "/api/catalog/polaris/v1/mirror/namespaces/sales/policies";
    assert_eq!(kind(&here.get(policies).await), "404 NoSuchNamespaceException");
    let notification = json!({"notification-type": "DROP", "payload": {"timestamp": 1}});
    let path = format!("{TABLES}/t/notifications");
    let _ = here.post(&path, notification).await.expect(204);
    let report = json!({"report-type": "scan-report", "table-name": "t", "snapshot-id": 1,
        "filter": true, "schema-id": 0, "projected-field-ids": [], "projected-field-names": [],
        "metrics": {}});
    let _ = here.post(&format!("{TABLES}/t/metrics"), report).await.expect(204);
    let root = json!({"namespace": []});
    let refused = here.post(&format!("{MIRROR}/namespaces"), root).await;
    assert_eq!(kind(&refused), "409 AlreadyExistsException");
    assert!(told.owner.asked().is_empty());
}
