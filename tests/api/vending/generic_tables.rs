//! Credentials for generic tables.

use merak_model::Privilege;
use merak_tests::Identity;
use serde_json::{Value, json};

use super::AwsLake;
use crate::fixtures::text;
use crate::generic_tables::{GENERIC_TABLES, draft, draft_at, route};

const HEADER: &str = "Polaris-Generic-Table-Access-Delegation";

async fn make(lake: &AwsLake, name: &str) -> String {
    let location = format!("{}/sales/{name}", lake.base("lake"));
    let root = lake.server.root().await;
    let _ = root.post(GENERIC_TABLES, draft_at(name, &location)).await.expect(200);
    location
}

/// A principal with privileges on the catalog, asking for credentials.
async fn asking<'a>(lake: &'a AwsLake, name: &str, privileges: &[Privilege]) -> Identity<'a> {
    lake.principal(name, privileges).await.with_header(HEADER, "vended-credentials")
}

fn only(answer: &Value) -> &Value {
    let [only] = answer["storage-access-configs"].as_array().expect("configs").as_slice() else {
        panic!("{answer}");
    };
    only
}

fn actions(policy: &Value) -> String {
    policy["Statement"].to_string()
}

#[tokio::test]
async fn it_comes_with_all_that_a_client_needs_for_its_place() {
    let lake = AwsLake::start().await;
    let location = make(&lake, "g").await;
    let who = asking(&lake, "ana", &[Privilege::CatalogManageContent]).await;

    let loaded = who.get(&route("g")).await.expect(200);

    assert_eq!(loaded.header("cache-control"), Some("no-store"));
    let body = loaded.json();
    let only = only(&body);
    assert_eq!(only["prefix"], json!(location));
    let config = only["config"].as_object().unwrap();
    let keys: Vec<_> = config.keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "client.region",
            "expiration-time",
            "s3.access-key-id",
            "s3.client.region",
            "s3.endpoint",
            "s3.path-style-access",
            "s3.secret-access-key",
            "s3.session-token",
            "s3.session-token-expires-at-ms",
        ]
    );
    assert_eq!(config["s3.client.region"], json!(lake.cloud.region));
    let policies = lake.policies();
    let [policy] = policies.as_slice() else { panic!("{policies:?}") };
    assert!(policy.to_string().contains("/lake/sales/g/*"), "{policy}");
}

#[tokio::test]
async fn who_may_only_read_gets_credentials_that_only_read() {
    let lake = AwsLake::start().await;
    make(&lake, "g").await;
    let reader = asking(&lake, "reader", &[Privilege::TableReadData]).await;
    let writer = asking(&lake, "writer", &[Privilege::TableWriteData]).await;
    let lister = asking(&lake, "lister", &[Privilege::TableReadProperties]).await;

    let _ = only(&reader.get(&route("g")).await.expect(200).json());
    let _ = only(&writer.get(&route("g")).await.expect(200).json());
    let _ = lister.get(&route("g")).await.expect(403);

    let policies = lake.policies();
    let [read, write] = policies.as_slice() else { panic!("{policies:?}") };
    assert!(!actions(read).contains("s3:PutObject") && !actions(read).contains("s3:DeleteObject"));
    assert!(actions(read).contains("s3:GetObject"), "{read}");
    assert!(actions(write).contains("s3:PutObject"), "{write}");
}

#[tokio::test]
async fn without_being_asked_nothing_is_vended() {
    let lake = AwsLake::start().await;
    make(&lake, "g").await;
    let who = lake.engineer().await;
    lake.cloud.forget_calls();

    // This header is another API's, and an empty one asks for nothing.
    for who in [who.clone(), who.with_header(HEADER, "")] {
        let loaded = who.get(&route("g")).await.expect(200);
        assert_eq!(loaded.json().get("storage-access-configs"), None);
        assert_eq!(loaded.header("cache-control"), None);
    }
    assert_eq!(lake.cloud.calls(), []);
}

#[tokio::test]
async fn who_asks_for_something_else_is_told_so() {
    let lake = AwsLake::start().await;
    make(&lake, "g").await;
    let who = lake.engineer().await;

    for word in ["remote-signing", "true", "vended-credentials,remote-signing"] {
        let asking = who.with_header(HEADER, word);
        let told = format!(
            "400 IllegalArgumentException: Unsupported access delegation mode: {word}: of a \
             generic table it must be vended-credentials"
        );
        assert_eq!(asking.get(&route("g")).await.error(), told);
        assert_eq!(asking.post(GENERIC_TABLES, draft("new")).await.error(), told);
    }
}

#[tokio::test]
async fn a_new_one_comes_with_credentials_that_write_and_again_under_its_key() {
    let lake = AwsLake::start().await;
    let who = asking(&lake, "ana", &[Privilege::TableCreate, Privilege::TableWriteData]).await;
    let who = who.with_header("Idempotency-Key", &uuid::Uuid::new_v4().to_string());
    let body = draft_at("g", &format!("{}/sales/g", lake.base("lake")));

    let made = who.post(GENERIC_TABLES, body.clone()).await.expect(200);
    let again = who.post(GENERIC_TABLES, body.clone()).await.expect(200).json();

    assert_eq!(made.header("cache-control"), Some("no-store"));
    let key = |answer: &Value| text(&only(answer)["config"]["s3.access-key-id"]).to_owned();
    let made = made.json();
    assert_eq!(again["table"], made["table"]);
    assert_eq!(key(&again), key(&made), "they are still good");
    let policies = lake.policies();
    assert!(actions(&policies[0]).contains("s3:PutObject"), "{policies:?}");
    // Another one under the name is not what was asked for.
    let root = lake.server.root().await;
    let _ = root.delete(&route("g")).await.expect(204);
    make(&lake, "g").await;
    let later = who.post(GENERIC_TABLES, body).await.expect(200).json();
    assert_eq!(later, json!({"table": made["table"]}));
}

#[tokio::test]
async fn one_without_a_place_comes_without_credentials() {
    let lake = AwsLake::start().await;
    let who = asking(&lake, "ana", &[Privilege::CatalogManageContent]).await;
    lake.cloud.forget_calls();

    let made = who.post(GENERIC_TABLES, draft("g")).await.expect(200).json();
    let loaded = who.get(&route("g")).await.expect(200).json();

    assert_eq!(made.get("storage-access-configs"), None);
    assert_eq!(loaded, made);
    assert_eq!(lake.cloud.calls(), []);
}

#[tokio::test]
async fn where_the_cloud_refuses_nothing_is_made() {
    let lake = AwsLake::start_with(&[], json!({"externalId": "another"})).await;
    let who = asking(&lake, "ana", &[Privilege::CatalogManageContent]).await;
    let body = draft_at("g", &format!("{}/sales/g", lake.base("lake")));

    let told = who.post(GENERIC_TABLES, body).await.error();

    assert!(told.starts_with("403 ForbiddenException: "), "{told}");
    let _ = lake.server.root().await.get(&route("g")).await.expect(404);
}

#[tokio::test]
async fn where_there_is_no_sts_that_is_said() {
    let storage = json!({"stsUnavailable": true, "roleArn": null, "externalId": null});
    let lake = AwsLake::start_with(&[], storage).await;
    make(&lake, "g").await;
    let who = asking(&lake, "ana", &[Privilege::CatalogManageContent]).await;

    assert_eq!(
        who.get(&route("g")).await.error(),
        "400 IllegalArgumentException: Credential vending was requested for table sales.g, but no \
         credentials are available: the storage of catalog lake has stsUnavailable set; leave out \
         the header Polaris-Generic-Table-Access-Delegation and give the client credentials of its \
         own"
    );
}

#[tokio::test]
async fn a_place_that_is_in_use_or_outside_is_refused_before_anything_is_minted() {
    let lake = AwsLake::start().await;
    let location = make(&lake, "g").await;
    let who = asking(&lake, "ana", &[Privilege::CatalogManageContent]).await;
    lake.cloud.forget_calls();

    for place in [format!("{location}/inside"), format!("s3://{}/other/t", lake.cloud.bucket)] {
        let refused = who.post(GENERIC_TABLES, draft_at("new", &place)).await;
        assert_eq!(refused.status, 403, "{}", refused.text());
    }
    assert_eq!(lake.cloud.calls(), []);
}
