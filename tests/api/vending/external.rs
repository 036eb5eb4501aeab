//! Credentials for tables that another catalog owns.

use merak_model::Privilege;
use serde_json::{Value, json};

use super::{AwsLake, asking};
use crate::fixtures::{load, text};

const TABLE: &str = "/api/catalog/v1/facade/namespaces/sales/tables/t";

/// A catalog that owns the table `t`, and the EXTERNAL catalog `facade` that was told of it, in the
/// same place.
async fn facade(properties: Value) -> AwsLake {
    let overlapping = ("polaris.features.\"ALLOW_OVERLAPPING_CATALOG_URLS\"", "true");
    let lake = AwsLake::start_with(&[overlapping], json!({})).await;
    lake.create_table("t").await;
    let root = lake.server.root().await;
    let made = root.get("/api/management/v1/catalogs/lake").await.expect(200).json();
    let mut all = made["properties"].clone();
    all.as_object_mut().unwrap().extend(properties.as_object().unwrap().clone());
    let catalog = json!({
        "name": "facade",
        "type": "EXTERNAL",
        "properties": all,
        "storageConfigInfo": made["storageConfigInfo"],
    });
    let _ = root.post("/api/management/v1/catalogs", catalog).await.expect(201);
    let owned = load(&root, "t").await;
    let location = text(&owned["metadata-location"]);
    for kind in ["VALIDATE", "CREATE"] {
        let payload = json!({"timestamp": 1, "metadata-location": location});
        let body = json!({"notification-type": kind, "payload": payload});
        let _ = root.post(&format!("{TABLE}/notifications"), body).await.expect(204);
    }
    lake
}

#[tokio::test]
async fn they_reach_the_table_and_no_more() {
    let lake = facade(json!({})).await;
    let reader = lake.server.principal("reader").await;
    lake.server.grant("reader", Privilege::TableReadData, "facade", None, None).await;

    let loaded = asking(&reader).get(TABLE).await.expect(200).json();

    let place = format!("{}/sales/t", lake.base("lake"));
    assert_eq!(loaded["storage-credentials"][0]["prefix"], place);
    let policies = lake.policies();
    let [policy] = policies.as_slice() else { panic!("{policies:?}") };
    let text = policy.to_string();
    assert!(text.contains("/lake/sales/t/*") && !text.contains("PutObject"), "{text}");
}

#[tokio::test]
async fn where_they_are_switched_off_that_is_explained() {
    let lake = facade(json!({"polaris.config.enable.credential.vending": "false"})).await;
    let reader = lake.server.principal("reader").await;
    lake.server.grant("reader", Privilege::TableReadData, "facade", None, None).await;

    let told = asking(&reader).get(TABLE).await.error();

    let start = "400 IllegalArgumentException: Credential vending is not enabled for this external";
    assert!(told.starts_with(start), "{told}");
    assert_eq!(lake.policies(), Vec::<Value>::new());
    let asked = "/api/management/v1/catalogs/facade/explain-policy\
                 ?principal=reader&namespace=sales&table=t";
    let root = lake.server.root().await;
    let explained = root.get(asked).await.expect(200).json();
    assert!(text(&explained["reason"]).starts_with("Credential vending is not enabled"));
    assert_eq!(explained.get("policy"), None);
}
