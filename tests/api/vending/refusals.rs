//! What is not vended, and what the client is told.

use merak_doubles::aws::Fault;
use merak_model::Privilege;
use merak_tests::schema;
use serde_json::json;

use super::AwsLake;
use crate::fixtures::{TABLES, route};

#[tokio::test]
async fn where_there_is_no_sts_that_is_said_and_signing_is_offered() {
    let storage = json!({"stsUnavailable": true, "roleArn": null, "externalId": null});
    let lake = AwsLake::start_with(&[], storage).await;
    let root = lake.engineer().await;
    let body = json!({"name": "orders", "schema": schema(), "stage-create": true});

    let told = root.post(TABLES, body.clone()).await.error();
    let both = root.with_header("X-Iceberg-Access-Delegation", "vended-credentials,remote-signing");
    let offered = both.post(TABLES, body).await.expect(200).json();

    assert_eq!(
        told,
        "400 IllegalArgumentException: Credential vending was requested for table sales.orders, \
         but no credentials are available: the storage of catalog lake has stsUnavailable set; ask \
         for remote-signing, or leave out the header X-Iceberg-Access-Delegation and give the \
         client credentials of its own"
    );
    assert_eq!(offered["config"]["s3.remote-signing-enabled"], "true");
    assert_eq!(
        offered["config"]["s3.signer.endpoint"],
        "v1/lake/namespaces/sales/tables/orders/sign"
    );
    assert_eq!(offered.get("storage-credentials"), None);
    assert_eq!(lake.cloud.count("AssumeRole"), 0);
}

#[tokio::test]
async fn what_the_cloud_refuses_is_told_in_its_own_words_and_nothing_is_done() {
    let lake = AwsLake::start_with(&[], json!({"externalId": "another"})).await;
    let root = lake.engineer().await;

    let told = root.post(TABLES, json!({"name": "orders", "schema": schema()})).await.error();

    assert!(told.starts_with("403 ForbiddenException: "), "{told}");
    assert!(told.contains("AccessDenied") && told.contains("sts:AssumeRole"), "{told}");
    let _ = root.head(&route("orders")).await.expect(404);
    assert_eq!(lake.cloud.keys(), Vec::<String>::new(), "no file is left");
}

#[tokio::test]
async fn a_cloud_that_fails_is_unavailable_and_may_be_asked_again() {
    let lake = AwsLake::start().await;
    lake.create_table("orders").await;
    let root = lake.engineer().await;
    lake.cloud.fail(Fault::failing("sts", 100, 503, "ServiceUnavailable"));

    let told = root.get(&route("orders")).await.error();

    assert!(told.starts_with("503 ServiceUnavailableException: "), "{told}");
}

#[tokio::test]
async fn locations_that_are_no_longer_allowed_are_not_vended() {
    let lake = AwsLake::start().await;
    lake.create_table("orders").await;
    let root = lake.server.root().await;
    let path = "/api/management/v1/catalogs/lake";
    let catalog = root.get(path).await.expect(200).json();
    let mut storage = catalog["storageConfigInfo"].clone();
    storage["allowedLocations"] = json!([format!("{}/sales/or", lake.base("lake"))]);
    let update = json!({
        "currentEntityVersion": catalog["entityVersion"],
        "properties": {"default-base-location": format!("{}/sales/or", lake.base("lake"))},
        "storageConfigInfo": storage,
    });
    let _ = root.put(path, update).await.expect(200);
    lake.cloud.forget_calls();

    let engineer = lake.engineer().await;
    for target in [route("orders"), format!("{}/credentials", route("orders"))] {
        let told = engineer.get(&target).await.error();
        assert!(told.starts_with("403 ForbiddenException: Table 'sales.orders' has loc"), "{told}");
    }
    assert_eq!(lake.cloud.calls(), []);
}

#[tokio::test]
async fn a_foreign_location_is_refused_before_anything_is_minted_or_written() {
    let lake = AwsLake::start().await;
    lake.create_table("orders").await;
    lake.cloud.forget_calls();
    let root = lake.engineer().await;
    let base = lake.base("lake");
    let foreign = [
        json!({"location": "s3://other-bucket/x"}),
        json!({"location": format!("{base}x/sales/t")}),
        json!({"location": format!("{base}/../other")}),
        json!({"location": format!("{base}/%2e%2e/other")}),
        json!({"location": format!("{base}\\..\\other")}),
        json!({"location": format!("{base}/sales/orders")}),
        json!({"location": format!("{base}/sales/orders/data")}),
        json!({"properties": {"write.data.path": "s3://other-bucket/x"}}),
        json!({"properties": {"write.metadata.path": "s3://other-bucket/x"}}),
        json!({"properties": {"write.object-storage.path": "s3://other-bucket/x"}}),
        json!({"properties": {"write.folder-storage.path": "s3://other-bucket/x"}}),
        json!({"properties": {"write.data.path": format!("{base}/sales/orders/data")}}),
    ];
    for said in foreign {
        for staged in [true, false] {
            let mut body = json!({"name": "t", "schema": schema(), "stage-create": staged});
            for (key, value) in said.as_object().unwrap() {
                body[key] = value.clone();
            }

            let told = root.post(TABLES, body).await;

            assert!((400..=403).contains(&told.status.as_u16()), "{said}: {}", told.text());
            let made: Vec<_> =
                lake.cloud.keys().into_iter().filter(|key| !key.contains("orders")).collect();
            assert_eq!(made, Vec::<String>::new(), "{said}");
        }
    }
    let minted = lake.policies();
    for policy in minted {
        let text = policy.to_string();
        assert!(!text.contains("other") && !text.contains("orders"), "{text}");
    }
}

#[tokio::test]
async fn who_may_not_reach_the_data_is_given_nothing() {
    let lake = AwsLake::start().await;
    lake.create_table("orders").await;
    lake.cloud.forget_calls();
    let nobody = lake.principal("nobody", &[Privilege::TableReadProperties]).await;

    let told = nobody.get(&route("orders")).await.error();

    assert!(told.starts_with("403 ForbiddenException: "), "{told}");
    assert_eq!(lake.cloud.calls(), []);
}
