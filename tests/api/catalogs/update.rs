//! Changing catalogs.

use merak_tests::{Identity, Response, TestServer};
use serde_json::{Value, json};

use super::{CATALOGS, create, get, in_s3, on_disk};

const ROLE: &str = "arn:aws:iam::123456789012:role/one";

async fn update(root: &Identity<'_>, name: &str, body: Value) -> Response {
    root.put(&format!("{CATALOGS}/{name}"), body).await
}

/// Makes the catalog `lake` in S3, and answers its storage.
async fn create_in_s3(root: &Identity<'_>, more: Value) -> Value {
    let made = create(root, &in_s3("lake", more)).await.expect(201).json();
    made["storageConfigInfo"].clone()
}

#[tokio::test]
async fn the_properties_are_replaced_and_the_base_stays() {
    let server = TestServer::start().await;
    let root = server.root().await;
    server.create_catalog_with("lake", &[("old", "1")]).await;
    let before = get(&root, "lake").await;
    let base = server.location("lake");

    let body = json!({"currentEntityVersion": 1, "properties": {"new": "2"}});
    let told = update(&root, "lake", body).await.expect(200).json();

    assert_eq!(told["entityVersion"], 2);
    assert_eq!(told["properties"], json!({"default-base-location": base, "new": "2"}));
    assert_eq!(told["storageConfigInfo"], before["storageConfigInfo"]);
    assert_eq!(told["createTimestamp"], before["createTimestamp"]);
    assert!(told["lastUpdateTimestamp"].as_i64() >= before["lastUpdateTimestamp"].as_i64());
    assert_eq!(get(&root, "lake").await, told);

    let empty = json!({"currentEntityVersion": 2, "properties": {"default-base-location": ""}});
    let told = update(&root, "lake", empty).await.expect(200).json();
    assert_eq!(told["properties"], json!({"default-base-location": base}));
}

#[tokio::test]
async fn what_is_not_mentioned_stays() {
    let server = TestServer::start().await;
    let root = server.root().await;
    server.create_catalog_with("lake", &[("old", "1")]).await;
    let before = get(&root, "lake").await;

    for (version, body) in [
        (1, json!({"currentEntityVersion": 1, "colour": "blue"})),
        (2, json!({"currentEntityVersion": 2, "properties": null, "storageConfigInfo": null})),
    ] {
        let told = update(&root, "lake", body).await.expect(200).json();
        assert!(told["entityVersion"].as_i64().unwrap() >= version);
        for key in ["properties", "storageConfigInfo", "type", "name"] {
            assert_eq!(told[key], before[key]);
        }
    }
}

#[tokio::test]
async fn an_update_of_another_version_is_a_conflict() {
    let server = TestServer::start().await;
    let root = server.root().await;
    server.create_catalog("lake").await;

    for given in [0, 2, -1, i64::MAX] {
        let body = json!({"currentEntityVersion": given, "properties": {"new": "2"}});
        assert_eq!(
            update(&root, "lake", body).await.expect(409).error(),
            format!(
                "409 CommitConflictException: Failed to update Catalog; currentEntityVersion \
                 '{given}', expected '1'"
            )
        );
    }
    assert_eq!(get(&root, "lake").await["entityVersion"], 1);
}

#[tokio::test]
async fn of_two_updates_of_one_version_one_succeeds() {
    let server = TestServer::start().await;
    let root = server.root().await;
    server.create_catalog("lake").await;

    for version in 1..5 {
        let body = |by: &str| json!({"currentEntityVersion": version, "properties": {"by": by}});
        let (one, two) =
            tokio::join!(update(&root, "lake", body("one")), update(&root, "lake", body("two")));
        let (won, lost) = if one.status == 200 { (one, two) } else { (two, one) };
        let won = won.expect(200).json();
        assert!(lost.expect(409).error().starts_with("409 CommitConflictException: "));
        assert_eq!(get(&root, "lake").await, won);
    }
}

#[tokio::test]
async fn the_version_is_needed() {
    let server = TestServer::start().await;
    let root = server.root().await;
    server.create_catalog("lake").await;

    for body in [
        json!({"properties": {"new": "2"}}),
        json!({"currentEntityVersion": null, "properties": {"new": "2"}}),
        json!({"currentEntityVersion": "1", "properties": {"new": "2"}}),
        json!({}),
        json!([]),
    ] {
        let error = update(&root, "lake", body.clone()).await.expect(400).error();
        assert!(error.starts_with("400 ConstraintViolationException: Invalid value: "), "{body}");
    }
    assert_eq!(get(&root, "lake").await["entityVersion"], 1);
}

#[tokio::test]
async fn property_names_that_polaris_keeps_for_itself_are_refused() {
    let server = TestServer::start().await;
    let root = server.root().await;
    server.create_catalog("lake").await;

    let body = json!({"currentEntityVersion": 1, "properties": {"polaris.x": "1"}});
    assert_eq!(
        update(&root, "lake", body).await.expect(400).error(),
        "400 IllegalArgumentException: Property 'polaris.x' matches reserved prefix 'polaris.'"
    );
    let known = json!({"polaris.config.list-pagination-enabled": "true"});
    let body = json!({"currentEntityVersion": 1, "properties": known});
    let _ = update(&root, "lake", body).await.expect(200);
}

#[tokio::test]
async fn the_storage_type_cannot_be_changed() {
    let server = TestServer::start().await;
    let root = server.root().await;
    server.create_catalog("lake").await;

    let body = json!({
        "currentEntityVersion": 1,
        "properties": {"default-base-location": "s3://bucket/lake"},
        "storageConfigInfo": {"storageType": "S3", "allowedLocations": ["s3://bucket/lake"]},
    });
    let error = update(&root, "lake", body).await.expect(400).error();

    assert!(error.starts_with("400 BadRequestException: Cannot modify storage type"), "{error}");
}

#[tokio::test]
async fn the_account_of_a_role_and_its_external_id_cannot_be_changed() {
    let server = TestServer::start().await;
    let root = server.root().await;
    let before = create_in_s3(&root, json!({"roleArn": ROLE, "externalId": "x"})).await;

    for (key, value, what) in [
        ("roleArn", json!("arn:aws:iam::999999999999:role/one"), "AWS account ID"),
        ("roleArn", json!(null), "AWS account ID"),
        ("externalId", json!("y"), "ExternalId"),
        ("externalId", json!(null), "ExternalId"),
    ] {
        let mut storage = before.clone();
        storage[key] = value;
        let body = json!({"currentEntityVersion": 1, "storageConfigInfo": storage});
        let error = update(&root, "lake", body).await.expect(400).error();
        let refused =
            format!("400 BadRequestException: Cannot modify {what} in storage config from ");
        assert!(error.starts_with(&refused), "{error}");
    }
    assert_eq!(get(&root, "lake").await["storageConfigInfo"], before);
}

#[tokio::test]
async fn the_tenant_of_an_account_cannot_be_changed() {
    let azure = ("polaris.features.\"SUPPORTED_CATALOG_STORAGE_TYPES\"", "[\"AZURE\"]");
    let server = TestServer::start_with(&[azure]).await;
    let root = server.root().await;
    let base = "abfss://c@acct.dfs.core.windows.net/lake";
    let catalog = json!({
        "name": "lake",
        "type": "INTERNAL",
        "properties": {"default-base-location": base},
        "storageConfigInfo": {"storageType": "AZURE", "tenantId": "one", "allowedLocations": [base]},
    });
    let mut storage = create(&root, &catalog).await.expect(201).json()["storageConfigInfo"].clone();

    storage["tenantId"] = json!("two");
    let body = json!({"currentEntityVersion": 1, "storageConfigInfo": storage});

    assert_eq!(
        update(&root, "lake", body).await.expect(400).error(),
        "400 BadRequestException: Cannot modify TenantId in storage config from one to two"
    );
}

#[tokio::test]
async fn the_role_may_change_within_its_account_and_the_rest_freely() {
    let server = TestServer::start().await;
    let root = server.root().await;
    let before = create_in_s3(&root, json!({"roleArn": ROLE, "externalId": "x"})).await;

    let mut storage = before;
    storage["roleArn"] = json!("arn:aws:iam::123456789012:role/two");
    storage["region"] = json!("eu-central-1");
    storage["endpoint"] = json!("https://s3.example.com");
    storage["allowedLocations"] = json!(["s3://bucket/lake", "s3://bucket/more"]);
    let body = json!({"currentEntityVersion": 1, "storageConfigInfo": storage});
    let told = update(&root, "lake", body).await.expect(200).json();

    let expected: Value = storage;
    assert_eq!(told["storageConfigInfo"]["roleArn"], expected["roleArn"]);
    assert_eq!(
        told["storageConfigInfo"]["allowedLocations"],
        json!(["s3://bucket/lake", "s3://bucket/more"])
    );
    assert_eq!(told["storageConfigInfo"]["region"], "eu-central-1");
}

#[tokio::test]
async fn a_role_may_be_given_to_a_catalog_without() {
    let server = TestServer::start().await;
    let root = server.root().await;
    let mut storage = create_in_s3(&root, json!({})).await;

    storage["roleArn"] = json!(ROLE);
    let body = json!({"currentEntityVersion": 1, "storageConfigInfo": storage});

    let _ = update(&root, "lake", body).await.expect(200);
}

#[tokio::test]
async fn changes_of_the_account_may_be_allowed() {
    let on = ("polaris.features.\"ALLOW_UNRESTRICTED_STORAGE_CONFIG_ROLE_CHANGES\"", "true");
    let server = TestServer::start_with(&[on]).await;
    let root = server.root().await;
    let mut storage = create_in_s3(&root, json!({"roleArn": ROLE, "externalId": "x"})).await;

    storage["roleArn"] = json!("arn:aws:iam::999999999999:role/one");
    storage["externalId"] = json!("y");
    let body = json!({"currentEntityVersion": 1, "storageConfigInfo": storage});

    let told = update(&root, "lake", body).await.expect(200).json();
    assert_eq!(told["storageConfigInfo"], storage);
}

#[tokio::test]
async fn the_storage_is_judged_as_at_the_beginning() {
    let server = TestServer::start().await;
    let root = server.root().await;
    let before = create_in_s3(&root, json!({})).await;
    let with = |key: &str, value: Value| {
        let mut storage = before.clone();
        storage[key] = value;
        json!({"currentEntityVersion": 1, "storageConfigInfo": storage})
    };

    for body in [
        with("allowedLocations", json!(["s3://bucket/elsewhere"])),
        with("allowedLocations", json!(["gs://bucket/lake", "s3://bucket/lake"])),
        with("allowedLocations", json!(["*"])),
        with("roleArn", json!("nonsense")),
        with("endpoint", json!("nonsense")),
        with("region", json!("eu\u{200b}")),
        with("storageType", json!("TAPE")),
        json!({
            "currentEntityVersion": 1,
            "properties": {"default-base-location": "s3://bucket/elsewhere"},
        }),
    ] {
        let error = update(&root, "lake", body.clone()).await.expect(400).error();
        assert!(error.starts_with("400 "), "{body}: {error}");
    }
    assert_eq!(get(&root, "lake").await["entityVersion"], 1);
}

#[tokio::test]
async fn the_base_may_move_within_the_allowed_locations() {
    let server = TestServer::start().await;
    let root = server.root().await;
    server.create_catalog("lake").await;
    let moved = format!("{}/below", server.location("lake"));

    let body = json!({"currentEntityVersion": 1, "properties": {"default-base-location": moved}});
    let told = update(&root, "lake", body).await.expect(200).json();

    assert_eq!(told["properties"], json!({"default-base-location": moved}));
}

#[tokio::test]
async fn an_update_does_not_make_catalogs_overlap() {
    let server = TestServer::start().await;
    let root = server.root().await;
    server.create_catalog("one").await;
    server.create_catalog("two").await;

    let both = [server.location("one"), server.location("two")];
    let storage = json!({"storageType": "FILE", "allowedLocations": both});
    let body = json!({"currentEntityVersion": 1, "storageConfigInfo": storage});
    let error = update(&root, "one", body).await.expect(400).error();

    assert!(error.starts_with("400 ValidationException: "), "{error}");
    assert!(error.contains("overlaps with an existing catalog"), "{error}");
    // Its own locations are not in its way.
    let same = on_disk(&server, "one")["storageConfigInfo"].clone();
    let body = json!({"currentEntityVersion": 1, "storageConfigInfo": same});
    let _ = update(&root, "one", body).await.expect(200);
}
