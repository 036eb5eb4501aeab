//! What a catalog's storage may be.

use merak_tests::TestServer;
use serde_json::{Value, json};

use super::{create, get, in_s3, on_disk};

#[tokio::test]
async fn everything_about_the_storage_is_shown_as_it_was_given() {
    let server = TestServer::start().await;
    let root = server.root().await;
    let all = json!({
        "storageType": "S3",
        "allowedLocations": ["s3://bucket/lake", "s3a://other"],
        "storageName": "primary",
        "roleArn": "arn:aws:iam::123456789012:role/my-role",
        "externalId": "external",
        "userArn": "arn:aws:iam::123456789012:user/me",
        "region": "eu-central-1",
        "endpoint": "https://s3.example.com:9000",
        "endpointInternal": "http://minio:9000",
        "stsEndpoint": "http://minio:9000",
        "stsUnavailable": false,
        "pathStyleAccess": true,
        "currentKmsKey": "arn:aws:kms:eu-central-1:123456789012:key/1",
        "allowedKmsKeys": ["arn:aws:kms:eu-central-1:123456789012:key/2"],
        "encryptionKeys": ["arn:aws:kms:eu-central-1:123456789012:key/3"],
        "decryptionKeys": ["arn:aws:kms:eu-central-1:123456789012:key/4"],
        "kmsUnavailable": false,
    });

    let made = create(&root, &in_s3("lake", all.clone())).await.expect(201).json();

    assert_eq!(made["storageConfigInfo"], all);
    assert_eq!(get(&root, "lake").await["storageConfigInfo"], all);
}

#[tokio::test]
async fn a_catalog_cannot_support_a_storage_type_by_itself() {
    let only_s3 = ("polaris.features.\"SUPPORTED_CATALOG_STORAGE_TYPES\"", "[\"S3\"]");
    let server = TestServer::start_with(&[only_s3]).await;
    let root = server.root().await;

    for name in ["polaris.config.supported.storage.types", "supported.storage.types"] {
        let mut catalog = on_disk(&server, "lake");
        catalog["properties"][name] = json!("[\"FILE\"]");
        let error = create(&root, &catalog).await.expect(400).error();
        assert_eq!(error, "400 IllegalArgumentException: Unsupported storage type: FILE");
    }
}

#[tokio::test]
async fn a_storage_type_must_be_among_the_supported() {
    let only_s3 = ("polaris.features.\"SUPPORTED_CATALOG_STORAGE_TYPES\"", "[\"S3\"]");
    let server = TestServer::start_with(&[only_s3]).await;
    let root = server.root().await;

    assert_eq!(
        create(&root, &on_disk(&server, "lake")).await.expect(400).error(),
        "400 IllegalArgumentException: Unsupported storage type: FILE"
    );
    let _ = create(&root, &in_s3("lake", json!({}))).await.expect(201);
}

#[tokio::test]
async fn without_allowed_locations_the_base_is_the_one() {
    let server = TestServer::start().await;
    let root = server.root().await;

    let made = create(&root, &in_s3("a", json!({"allowedLocations": []}))).await.expect(201).json();
    assert_eq!(made["storageConfigInfo"]["allowedLocations"], json!(["s3://bucket/a"]));
    let mut without = in_s3("b", json!({}));
    without["storageConfigInfo"].as_object_mut().unwrap().remove("allowedLocations");
    let made = create(&root, &without).await.expect(201).json();
    assert_eq!(made["storageConfigInfo"]["allowedLocations"], json!(["s3://bucket/b"]));
}

#[tokio::test]
async fn a_base_location_is_needed() {
    let server = TestServer::start().await;
    let root = server.root().await;

    for properties in
        [json!({}), json!({"default-base-location": ""}), json!({"default-base-location": " "})]
    {
        let mut catalog = on_disk(&server, "lake");
        catalog["properties"] = properties;
        assert_eq!(
            create(&root, &catalog).await.expect(400).error(),
            "400 BadRequestException: Must specify default base location"
        );
    }
}

/// A catalog in S3 with that base and those allowed locations.
fn with_locations(base: &str, allowed: &[&str]) -> Value {
    let mut catalog = in_s3("lake", json!({"allowedLocations": allowed}));
    catalog["properties"]["default-base-location"] = json!(base);
    catalog
}

#[tokio::test]
async fn the_base_must_be_within_the_allowed_locations() {
    let server = TestServer::start().await;
    let root = server.root().await;

    for (base, allowed) in [
        ("s3://bucket/lakes", &["s3://bucket/lake"][..]),
        ("s3://bucket", &["s3://bucket/lake"]),
        ("s3://bucke/lake", &["s3://bucket/lake"]),
        ("s3://bucket/lake", &["s3://other", "s3://bucket/lake/inner"]),
    ] {
        let error = create(&root, &with_locations(base, allowed)).await.expect(400).error();
        assert!(error.starts_with("400 BadRequestException: "), "{base}: {error}");
        assert!(error.contains("is not within the allowed locations"), "{base}: {error}");
    }
}

#[tokio::test]
async fn the_base_is_judged_at_the_boundaries_of_its_path() {
    let server = TestServer::start().await;
    let root = server.root().await;

    for (base, allowed) in [
        ("s3://bucket/lake", &["s3://bucket/lake/"][..]),
        ("s3://bucket/lake/", &["s3://bucket/lake"]),
        ("s3a://bucket/lake/a", &["s3://bucket/lake"]),
        ("s3://bucket/lake/a/b", &["s3://other", "s3a://bucket"]),
    ] {
        let made = create(&root, &with_locations(base, allowed)).await.expect(201).json();
        assert_eq!(made["properties"]["default-base-location"], base);
        assert_eq!(made["storageConfigInfo"]["allowedLocations"], json!(allowed));
        let _ = root.delete("/api/management/v1/catalogs/lake").await.expect(204);
    }
}

#[tokio::test]
async fn a_location_in_another_kind_of_store_is_refused() {
    let server = TestServer::start().await;
    let root = server.root().await;
    let wrong = "400 BadRequestException: Location prefix not allowed: '";

    for (base, allowed) in [
        ("file:///tmp/lake", &[][..]),
        ("gs://bucket/lake", &[]),
        ("s3://bucket/lake", &["s3://bucket/lake", "gs://bucket"]),
        ("s3://bucket/lake", &["/tmp", "s3://bucket/lake"]),
    ] {
        let error = create(&root, &with_locations(base, allowed)).await.expect(400).error();
        assert!(error.starts_with(wrong), "{base} {allowed:?}: {error}");
    }
    let mut on_disk = on_disk(&server, "lake");
    on_disk["storageConfigInfo"]["allowedLocations"] = json!(["s3://bucket"]);
    assert!(create(&root, &on_disk).await.expect(400).error().starts_with(wrong));
}

#[tokio::test]
async fn a_location_that_is_none_is_refused() {
    let server = TestServer::start().await;
    let root = server.root().await;

    for bad in [
        "lake",
        "http://bucket/lake",
        "s3:/bucket",
        "s3://",
        "s3:///lake",
        "s3://bucket/a/../lake",
        "s3://bucket/%2e%2e/lake",
        "s3://bucket//lake",
        "s3://bucket/la\nke",
        "s3://user@bucket/lake",
        "s3://bucket:80/lake",
        "s3://*/lake",
    ] {
        for (base, allowed) in [(bad, "s3://bucket/lake"), ("s3://bucket/lake", bad)] {
            let catalog = with_locations(base, &["s3://bucket/lake", allowed]);
            let error = create(&root, &catalog).await.expect(400).error();
            assert!(error.starts_with("400 BadRequestException: Invalid location"), "{error}");
        }
    }
}

#[tokio::test]
async fn files_may_be_given_in_any_of_their_spellings() {
    let server = TestServer::start().await;
    let root = server.root().await;
    let folder = server.folder().to_str().unwrap().to_owned();

    for base in [format!("file://{folder}/a"), format!("file:{folder}/a"), format!("{folder}/a")] {
        let mut catalog = on_disk(&server, "a");
        catalog["properties"]["default-base-location"] = json!(base);
        let _ = create(&root, &catalog).await.expect(201);
        let _ = root.delete("/api/management/v1/catalogs/a").await.expect(204);
    }
}

#[tokio::test]
async fn the_root_of_the_disk_may_be_given_without_its_path() {
    let server = TestServer::start().await;
    let root = server.root().await;
    let mut catalog = on_disk(&server, "lake");
    catalog["storageConfigInfo"]["allowedLocations"] = json!(["file://"]);

    let made = create(&root, &catalog).await.expect(201).json();

    assert_eq!(made["storageConfigInfo"]["allowedLocations"], json!(["file://"]));
    let _ = root
        .post("/api/catalog/v1/lake/namespaces", json!({"namespace": ["db"]}))
        .await
        .expect(200);
}

#[tokio::test]
async fn who_an_azure_tenant_and_a_google_account_are_shows_when_they_are_asked() {
    let types = ("polaris.features.\"SUPPORTED_CATALOG_STORAGE_TYPES\"", "[\"AZURE\",\"GCS\"]");
    let server = TestServer::start_with(&[types]).await;
    let root = server.root().await;
    let catalog = |name: &str, base: &str, storage: Value| {
        let properties = json!({"default-base-location": base});
        json!({"name": name, "type": "INTERNAL", "properties": properties, "storageConfigInfo": storage})
    };
    let azure = "abfss://c@acct.dfs.core.windows.net/lake";
    let google = "gs://bucket/lake";

    for (name, base, storage) in [
        ("azure", azure, json!({"storageType": "AZURE", "tenantId": "azure:tenantid:1"})),
        ("google", google, json!({"storageType": "GCS", "gcsServiceAccount": "me"})),
    ] {
        let made = create(&root, &catalog(name, base, storage.clone())).await.expect(201).json();
        for (key, value) in storage.as_object().unwrap() {
            assert_eq!(&made["storageConfigInfo"][key], value);
        }
    }
    // They become a part of addresses.
    for (base, storage) in [
        (azure, json!({"storageType": "AZURE", "tenantId": "a/../b"})),
        (azure, json!({"storageType": "AZURE", "tenantId": "a?b"})),
        (google, json!({"storageType": "GCS", "gcsServiceAccount": "me/../you"})),
        (google, json!({"storageType": "GCS", "gcsServiceAccount": ""})),
    ] {
        let _ = create(&root, &catalog("other", base, storage)).await.expect(400);
    }
}

#[tokio::test]
async fn the_wildcard_must_be_allowed() {
    let wild = with_locations("s3://bucket/lake", &["*"]);
    let server = TestServer::start().await;
    let error = create(&server.root().await, &wild).await.expect(400).error();
    assert!(error.contains("ALLOW_WILDCARD_LOCATION"), "{error}");

    let allowed = ("polaris.features.\"ALLOW_WILDCARD_LOCATION\"", "true");
    let server = TestServer::start_with(&[allowed]).await;
    let root = server.root().await;
    let _ = create(&root, &wild).await.expect(201);
    let mut elsewhere = wild;
    elsewhere["name"] = json!("elsewhere");
    elsewhere["properties"]["default-base-location"] = json!("gs://bucket");
    let _ = create(&root, &elsewhere).await.expect(400);
}

#[tokio::test]
async fn a_catalog_has_as_many_locations_as_the_server_allows() {
    let at_most_two = ("polaris.behavior-changes.\"STORAGE_CONFIGURATION_MAX_LOCATIONS\"", "2");
    let server = TestServer::start_with(&[at_most_two]).await;
    let root = server.root().await;
    let three = with_locations("s3://a/x", &["s3://a", "s3://b", "s3://c"]);

    let error = create(&root, &three).await.expect(400).error();

    assert!(error.contains("(3) exceeds the limit of 2"), "{error}");
    let two = with_locations("s3://a/x", &["s3://a", "s3://b"]);
    let _ = create(&root, &two).await.expect(201);
}

#[tokio::test]
async fn a_role_is_one_of_aws_or_of_what_imitates_it() {
    let server = TestServer::start().await;
    let root = server.root().await;

    for good in [
        "arn:aws:iam::123456789012:role/my-role",
        "arn:aws-us-gov:iam::123456789012:role/path/my-role",
        "arn:aws-cn:iam::123456789012:role/my-role",
        "urn:ecs:iam::namespace:role/my-role",
        "arn:minio:iam:::role/my-role",
    ] {
        let made = create(&root, &in_s3("lake", json!({"roleArn": good}))).await.expect(201).json();
        assert_eq!(made["storageConfigInfo"]["roleArn"], good);
        let _ = root.delete("/api/management/v1/catalogs/lake").await.expect(204);
    }
    for bad in [
        "",
        " ",
        "my-role",
        "arn:aws:iam",
        "arn:aws:iam::123456789012",
        ":aws:iam::123456789012:role/x",
        "arn:aws::: :",
        "arn:aws:iam::123456789012:",
        "arn:aws:::123456789012:role/x",
    ] {
        let error =
            create(&root, &in_s3("lake", json!({"roleArn": bad}))).await.expect(400).error();
        assert!(error.starts_with("400 "), "{bad:?}: {error}");
        assert!(error.to_lowercase().contains("arn"), "{bad:?}: {error}");
    }
}

#[tokio::test]
async fn what_cannot_be_seen_is_pointed_out() {
    let server = TestServer::start().await;
    let root = server.root().await;

    for (key, text, shown) in [
        ("roleArn", "arn:aws:iam::1:role/x\u{200b}", "U+200B"),
        ("roleArn", "arn:aws:iam::1:role/x\n", "U+000A"),
        ("externalId", "a\u{a0}b", "U+00A0"),
        ("userArn", "\u{feff}arn:aws:iam::1:user/x", "U+FEFF"),
        ("region", "eu-central-1\r", "U+000D"),
        ("endpoint", "https://s3\u{2060}.example.com", "U+2060"),
        ("endpointInternal", "https://s3.example.com\t", "U+0009"),
        ("stsEndpoint", "https://sts\u{202e}.example.com", "U+202E"),
        ("currentKmsKey", "key\u{0}", "U+0000"),
    ] {
        let error = create(&root, &in_s3("lake", json!({key: text}))).await.expect(400).error();
        assert!(error.contains(key) && error.contains(shown), "{key}: {error}");
    }
    let keys = json!({"allowedKmsKeys": ["good", "bad\u{200b}"]});
    let error = create(&root, &in_s3("lake", keys)).await.expect(400).error();
    assert!(error.contains("allowedKmsKeys") && error.contains("U+200B"), "{error}");
}

#[tokio::test]
async fn an_endpoint_is_an_address() {
    let server = TestServer::start().await;
    let root = server.root().await;

    for key in ["endpoint", "endpointInternal", "stsEndpoint"] {
        for bad in
            ["", "s3.example.com", "s3.example.com:9000", "ftp://s3", "file:///etc", "http://"]
        {
            let error = create(&root, &in_s3("lake", json!({key: bad}))).await.expect(400).error();
            assert!(error.starts_with("400 ") && error.contains(key), "{key} {bad:?}: {error}");
        }
    }
}

#[tokio::test]
async fn setting_endpoints_may_be_forbidden() {
    let off = ("polaris.features.\"ALLOW_SETTING_S3_ENDPOINTS\"", "false");
    let server = TestServer::start_with(&[off]).await;
    let root = server.root().await;

    for key in ["endpoint", "endpointInternal", "stsEndpoint"] {
        let set = in_s3("lake", json!({key: "https://s3.example.com"}));
        let error = create(&root, &set).await.expect(400).error();
        assert!(error.ends_with(": Explicitly setting S3 endpoints is not allowed."), "{error}");
    }
    let no_sts = in_s3("lake", json!({"stsUnavailable": true}));
    let error = create(&root, &no_sts).await.expect(400).error();
    assert!(error.ends_with(": Explicitly disabling STS is not allowed."), "{error}");
    let _ = create(&root, &in_s3("lake", json!({"stsUnavailable": false}))).await.expect(201);
}

#[tokio::test]
async fn catalogs_do_not_overlap() {
    let server = TestServer::start().await;
    let root = server.root().await;
    let first = with_locations("s3://bucket/lake/base", &["s3://bucket/lake", "s3://more/x"]);
    let _ = create(&root, &first).await.expect(201);

    for (base, allowed) in [
        ("s3://bucket/lake", &[][..]),
        ("s3a://bucket/lake/", &[]),
        ("s3://bucket/lake/below", &[]),
        ("s3://bucket", &[]),
        ("s3://new", &["s3://new", "s3://more/x/y"]),
        ("s3://new", &["s3://new", "s3://more"]),
    ] {
        let mut second = with_locations(base, allowed);
        second["name"] = json!("second");
        assert_eq!(
            create(&root, &second).await.expect(400).error(),
            "400 ValidationException: Cannot create Catalog second. One or more of its locations \
             overlaps with an existing catalog",
            "{base} {allowed:?}"
        );
    }
    let mut second = with_locations("s3://bucket/lakes", &["s3://bucket/lakes", "s3://more/xy"]);
    second["name"] = json!("second");
    let _ = create(&root, &second).await.expect(201);
}

#[tokio::test]
async fn catalogs_may_be_allowed_to_overlap() {
    let on = ("polaris.features.\"ALLOW_OVERLAPPING_CATALOG_URLS\"", "true");
    let server = TestServer::start_with(&[on]).await;
    let root = server.root().await;
    for name in ["a", "b"] {
        let mut catalog = with_locations("s3://bucket/lake", &[]);
        catalog["name"] = json!(name);
        let _ = create(&root, &catalog).await.expect(201);
    }
}

#[tokio::test]
async fn an_endpoint_is_not_where_machines_find_their_own_credentials() {
    let server = TestServer::start().await;
    let root = server.root().await;

    for endpoint in [
        "http://169.254.169.254/latest",
        "http://2852039166",
        "http://[fe80::1]:9000",
        "http://[::ffff:169.254.169.254]",
        "http://metadata.google.internal",
    ] {
        for name in ["endpoint", "endpointInternal", "stsEndpoint"] {
            let catalog = in_s3("lake", json!({name: endpoint}));
            let error = create(&root, &catalog).await.expect(400).error();
            assert!(error.contains("link-local"), "{name} {endpoint}: {error}");
        }
    }
}
