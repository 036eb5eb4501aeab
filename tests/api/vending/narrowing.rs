//! What is vended, and how narrow it is.

use merak_model::Privilege;
use merak_tests::schema;
use serde_json::{Value, json};

use super::{AwsLake, access_key, credentials_of};
use crate::fixtures::{TABLES, route};

fn actions(policy: &Value) -> Vec<String> {
    let statements = policy["Statement"].as_array().expect("statements");
    let mut actions: Vec<_> = statements
        .iter()
        .flat_map(|statement| match &statement["Action"] {
            Value::String(one) => vec![one.clone()],
            Value::Array(many) => {
                many.iter().map(|one| one.as_str().expect("a text").to_owned()).collect()
            }
            other => panic!("{other}"),
        })
        .collect();
    actions.sort();
    actions.dedup();
    actions
}

#[tokio::test]
async fn a_table_comes_with_credentials_in_every_spelling_and_with_the_way_to_newer_ones() {
    let lake = AwsLake::start().await;
    lake.create_table("orders").await;
    let root = lake.engineer().await;

    let loaded = root.get(&route("orders")).await.expect(200);

    assert_eq!(loaded.header("cache-control"), Some("no-store"));
    let body = loaded.json();
    let [only] = body["storage-credentials"].as_array().unwrap().as_slice() else {
        panic!("{body}");
    };
    assert_eq!(only["prefix"], json!(format!("{}/sales/orders", lake.base("lake"))));
    let secret = only["config"].as_object().unwrap();
    let keys: Vec<_> = secret.keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "expiration-time",
            "s3.access-key-id",
            "s3.secret-access-key",
            "s3.session-token",
            "s3.session-token-expires-at-ms",
        ]
    );
    let config = body["config"].as_object().unwrap();
    for (key, value) in secret {
        assert_eq!(config[key], *value, "{key} is in both places");
    }
    assert_eq!(config["client.region"], json!(lake.cloud.region));
    assert_eq!(config["s3.endpoint"], json!(lake.cloud.endpoint));
    assert_eq!(config["s3.path-style-access"], "true");
    assert_eq!(
        config["client.refresh-credentials-endpoint"],
        "v1/lake/namespaces/sales/tables/orders/credentials"
    );
}

#[tokio::test]
async fn who_may_only_read_gets_credentials_that_only_read() {
    let lake = AwsLake::start().await;
    lake.create_table("orders").await;
    let reader = lake.principal("reader", &[Privilege::TableReadData]).await;
    let writer = lake.principal("writer", &[Privilege::TableWriteData]).await;

    let _ = credentials_of(&reader, "orders").await;
    let _ = credentials_of(&writer, "orders").await;

    let policies = lake.policies();
    let [read, write] = policies.as_slice() else { panic!("{policies:?}") };
    assert_eq!(
        actions(read),
        ["s3:GetBucketLocation", "s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"]
    );
    for action in ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"] {
        assert!(actions(write).contains(&action.to_owned()), "{action}: {write}");
    }
}

#[tokio::test]
async fn without_being_asked_nothing_is_vended_and_no_cloud_is_called_for_it() {
    let lake = AwsLake::start().await;
    lake.create_table("orders").await;
    lake.cloud.forget_calls();
    let root = lake.server.root().await;

    let loaded = root.get(&route("orders")).await.expect(200);

    let body = loaded.json();
    assert_eq!(body.get("storage-credentials"), None);
    assert_eq!(body["config"].as_object().unwrap().len(), 3, "{body}");
    assert_eq!(loaded.header("cache-control"), None);
    assert_eq!(lake.cloud.calls(), []);
}

#[tokio::test]
async fn a_table_that_writes_elsewhere_is_granted_there_too_and_nowhere_else() {
    let lake = AwsLake::start().await;
    let elsewhere = format!("{}/sales/elsewhere", lake.base("lake"));
    let body = json!({
        "name": "orders",
        "schema": schema(),
        "properties": {"write.data.path": elsewhere},
    });
    let root = lake.engineer().await;

    let _ = root.post(TABLES, body).await.expect(200);

    let policy = lake.policies().pop().unwrap().to_string();
    let bucket = &lake.cloud.bucket;
    for home in ["lake/sales/orders/*", "lake/sales/elsewhere/*"] {
        assert!(policy.contains(&format!("arn:aws:s3:::{bucket}/{home}")), "{policy}");
    }
    assert!(!policy.contains("lake/sales/*"), "{policy}");
}

#[tokio::test]
async fn names_that_mean_something_to_iam_are_only_names() {
    let lake = AwsLake::start().await;
    let root = lake.engineer().await;

    let location = format!("{}/sales/a*b?c$d", lake.base("lake"));
    let body = json!({"name": "orders", "location": location, "schema": schema()});
    let _ = root.post(TABLES, body).await.expect(200);

    let policy = lake.policies().pop().unwrap().to_string();
    assert!(policy.contains("lake/sales/a${*}b${?}c${$}d/*"), "{policy}");
    assert!(!policy.contains("a*b"), "{policy}");
}

#[tokio::test]
async fn a_staged_table_comes_with_credentials_for_where_it_is_to_lie() {
    let lake = AwsLake::start().await;
    let root = lake.engineer().await;

    let body = json!({"name": "orders", "schema": schema(), "stage-create": true});
    let staged = root.post(TABLES, body).await.expect(200).json();

    assert_eq!(staged["storage-credentials"].as_array().unwrap().len(), 1);
    let policy = lake.policies().pop().unwrap().to_string();
    assert!(policy.contains("lake/sales/orders/*"), "{policy}");
    let _ = root.head(&route("orders")).await.expect(404);
}

#[tokio::test]
async fn a_registered_table_comes_with_credentials_if_its_data_may_be_read() {
    let lake = AwsLake::start().await;
    let root = lake.server.root().await;
    let made = root.post(TABLES, json!({"name": "a", "schema": schema()})).await.expect(200);
    let file = made.json()["metadata-location"].clone();
    let _ = root.delete(&route("a")).await.expect(204);
    let body = json!({"name": "a", "metadata-location": file});
    let maker = lake.principal("maker", &[Privilege::TableCreate]).await;

    let told = maker.post(crate::fixtures::REGISTER, body.clone()).await.expect(200).json();
    assert_eq!(told.get("storage-credentials"), None);
    let _ = root.delete(&route("a")).await.expect(204);
    let engineer = lake.engineer().await;
    let told = engineer.post(crate::fixtures::REGISTER, body).await.expect(200).json();

    assert_eq!(told["storage-credentials"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn newer_credentials_are_asked_for_by_themselves() {
    let lake = AwsLake::start().await;
    lake.create_table("orders").await;
    let reader = lake.principal("reader", &[Privilege::TableReadData]).await;
    let nobody = lake.principal("nobody", &[Privilege::TableReadProperties]).await;
    let path = format!("{}/credentials", route("orders"));

    let answer = reader.get(&path).await.expect(200);

    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let body = answer.json();
    let [only] = body["storage-credentials"].as_array().unwrap().as_slice() else {
        panic!("{body}");
    };
    let loaded = credentials_of(&reader, "orders").await;
    assert_eq!(access_key(only), access_key(&loaded), "they are shared");
    let _ = nobody.get(&path).await.expect(403);
}

#[tokio::test]
async fn the_server_needs_no_rights_on_files_of_its_own() {
    let lake = AwsLake::start().await;

    lake.create_table("orders").await;

    let calls = lake.cloud.calls();
    let put = calls.iter().find(|call| call.operation == "PutObject").unwrap();
    let principal = put.principal.clone().unwrap();
    assert!(principal.contains(":assumed-role/"), "{principal}");
    let policy = lake.cloud.assumed()[0].policy.clone().unwrap();
    assert!(policy.contains(&format!("{}/lake/*", lake.cloud.bucket)), "{policy}");
}

#[tokio::test]
async fn the_cloud_is_told_who_they_are_for_if_a_flag_says_so() {
    let settings = [
        ("polaris.features.\"INCLUDE_PRINCIPAL_NAME_IN_SUBSCOPED_CREDENTIAL\"", "true"),
        ("polaris.features.\"SESSION_TAGS_IN_SUBSCOPED_CREDENTIAL\"", r#"["catalog","table"]"#),
        ("polaris.features.\"STORAGE_CREDENTIAL_DURATION_SECONDS\"", "1000"),
    ];
    let lake = AwsLake::start_with(&settings, json!({})).await;
    lake.create_table("orders").await;
    let reader = lake.principal("reader", &[Privilege::TableReadData]).await;
    let other = lake.principal("other", &[Privilege::TableReadData]).await;

    let first = access_key(&credentials_of(&reader, "orders").await);
    let second = access_key(&credentials_of(&other, "orders").await);

    assert_ne!(first, second, "what names a principal is that principal's");
    let assumed = lake.cloud.assumed();
    let call = assumed.iter().find(|call| call.session_name == "polaris-reader").unwrap();
    assert_eq!(call.duration_seconds.as_deref(), Some("1000"));
    assert_eq!(call.external_id.as_deref(), Some(lake.cloud.external_id.as_str()));
    let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(call.tags, [tag("polaris:catalog", "lake"), tag("polaris:table", "orders")]);
    assert_eq!(call.transitive_tag_keys, ["polaris:catalog", "polaris:table"]);
}
