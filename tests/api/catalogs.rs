//! Catalogs in the management API.

use merak_tests::TestServer;
use serde_json::json;

const CATALOGS: &str = "/api/management/v1/catalogs";

#[tokio::test]
async fn a_catalog_is_shown_as_it_was_made() {
    let server = TestServer::start().await;
    let root = server.root().await;
    server.create_catalog("lake").await;

    let mut shown = root.get(&format!("{CATALOGS}/lake")).await.expect(200).json();
    let location = server.location("lake");
    for key in ["createTimestamp", "lastUpdateTimestamp"] {
        assert!(shown[key].take().as_i64().is_some_and(|ms| ms > 1_700_000_000_000));
    }

    assert_eq!(
        shown,
        json!({
            "type": "INTERNAL",
            "name": "lake",
            "properties": {"default-base-location": location},
            "createTimestamp": null,
            "lastUpdateTimestamp": null,
            "entityVersion": 1,
            "storageConfigInfo": {"allowedLocations": [location], "storageType": "FILE"},
        })
    );
}

#[tokio::test]
async fn a_table_is_created_and_loaded() {
    let server = TestServer::start().await;
    server.create_catalog("lake").await;
    server.create_namespace("lake", "sales").await;
    let made = server.create_table("lake", "sales", "orders").await;
    let root = server.root().await;

    let loaded =
        root.get("/api/catalog/v1/lake/namespaces/sales/tables/orders").await.expect(200).json();

    assert_eq!(loaded, made);
}
