//! Catalogs in the management API.

mod storage;
mod update;

use axum::http::Method;
use merak_tests::{Identity, Response, TestServer};
use serde_json::{Value, json};

const CATALOGS: &str = "/api/management/v1/catalogs";

/// A catalog on the local disk, as a client describes it.
fn on_disk(server: &TestServer, name: &str) -> Value {
    json!({
        "name": name,
        "type": "INTERNAL",
        "properties": {"default-base-location": server.location(name)},
        "storageConfigInfo": {"storageType": "FILE", "allowedLocations": [server.location(name)]},
    })
}

/// A catalog in S3 with more about its storage.
fn in_s3(name: &str, more: Value) -> Value {
    let mut storage = json!({"storageType": "S3", "allowedLocations": []});
    for (key, value) in more.as_object().unwrap() {
        storage[key] = value.clone();
    }
    let location = format!("s3://bucket/{name}");
    json!({
        "name": name,
        "properties": {"default-base-location": location},
        "storageConfigInfo": storage,
    })
}

async fn create(root: &Identity<'_>, catalog: &Value) -> Response {
    root.post(CATALOGS, json!({"catalog": catalog})).await
}

async fn get(root: &Identity<'_>, name: &str) -> Value {
    root.get(&format!("{CATALOGS}/{name}")).await.expect(200).json()
}

async fn names(root: &Identity<'_>) -> Vec<String> {
    let list = root.get(CATALOGS).await.expect(200).json();
    let catalogs = list["catalogs"].as_array().unwrap().iter();
    catalogs.map(|catalog| catalog["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_catalog_is_shown_as_it_was_made() {
    let server = TestServer::start().await;
    let root = server.root().await;
    server.create_catalog("lake").await;

    let mut shown = get(&root, "lake").await;
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

#[tokio::test]
async fn creating_answers_201_with_the_catalog() {
    let server = TestServer::start().await;
    let root = server.root().await;

    let made = create(&root, &on_disk(&server, "lake")).await.expect(201);

    assert_eq!(made.header("content-type"), Some("application/json"));
    assert_eq!(made.json(), get(&root, "lake").await);
}

#[tokio::test]
async fn a_catalog_may_come_bare() {
    let server = TestServer::start().await;
    let root = server.root().await;

    let made = root.post(CATALOGS, on_disk(&server, "lake")).await.expect(201).json();

    assert_eq!(made, get(&root, "lake").await);
}

#[tokio::test]
async fn fields_that_are_unknown_are_ignored() {
    let server = TestServer::start().await;
    let root = server.root().await;

    let mut catalog = on_disk(&server, "lake");
    catalog["colour"] = json!({"deep": ["blue"]});
    catalog["storageConfigInfo"]["colour"] = json!(["blue"]);
    let made = root.post(CATALOGS, json!({"catalog": catalog, "colour": 1})).await.expect(201);

    assert!(!made.text().contains("blue"), "{}", made.text());
}

#[tokio::test]
async fn what_the_server_knows_itself_is_not_taken_from_the_client() {
    let server = TestServer::start().await;
    let root = server.root().await;

    let mut catalog = on_disk(&server, "lake");
    for key in ["createTimestamp", "lastUpdateTimestamp", "entityVersion"] {
        catalog[key] = json!(77);
    }
    let made = create(&root, &catalog).await.expect(201).json();

    assert_eq!(made["entityVersion"], 1);
    assert_ne!(made["createTimestamp"], 77);
}

#[tokio::test]
async fn what_is_null_is_as_if_it_were_not_there() {
    let server = TestServer::start().await;
    let root = server.root().await;
    let nulls = json!({
        "roleArn": null, "externalId": null, "userArn": null, "region": null, "endpoint": null,
        "endpointInternal": null, "stsEndpoint": null, "stsUnavailable": null,
        "pathStyleAccess": null, "currentKmsKey": null, "allowedKmsKeys": null,
        "kmsUnavailable": null, "storageName": null, "allowedLocations": null,
    });

    let mut catalog = in_s3("lake", nulls);
    for key in ["type", "createTimestamp", "entityVersion", "connectionConfigInfo"] {
        catalog[key] = json!(null);
    }
    let made = create(&root, &catalog).await.expect(201).json();

    assert_eq!(made["type"], "INTERNAL");
    assert_eq!(
        made["storageConfigInfo"],
        json!({"storageType": "S3", "allowedLocations": ["s3://bucket/lake"]})
    );
}

#[tokio::test]
async fn what_is_missing_is_told_in_polaris_words() {
    let server = TestServer::start().await;
    let root = server.root().await;

    for (key, message) in [
        ("properties", "Invalid value: createCatalog.arg0.catalog.properties: must not be null"),
        (
            "storageConfigInfo",
            "Invalid value: createCatalog.arg0.catalog.storageConfigInfo: must not be null",
        ),
        ("name", "Invalid value: createCatalog.arg0.catalog.name: must not be null"),
    ] {
        let mut catalog = on_disk(&server, "lake");
        catalog[key] = json!(null);
        let mut without = catalog.clone();
        without.as_object_mut().unwrap().remove(key);
        for body in [&catalog, &without, &json!({"catalog": catalog}), &json!({"catalog": without})]
        {
            let error = root.post(CATALOGS, body.clone()).await.expect(400).error();
            assert_eq!(error, format!("400 ConstraintViolationException: {message}"));
        }
    }
}

#[tokio::test]
async fn a_body_of_another_shape_is_refused() {
    let server = TestServer::start().await;
    let root = server.root().await;

    let change = |key: &str, value: Value| {
        let mut catalog = on_disk(&server, "lake");
        catalog[key] = value;
        catalog
    };
    for body in [
        json!(null),
        json!([]),
        json!("lake"),
        json!({}),
        json!({"catalog": null}),
        json!({"catalog": "lake"}),
        change("name", json!(7)),
        change("type", json!("FOREIGN")),
        change("type", json!(7)),
        change("properties", json!(["a"])),
        change("properties", json!({"a": 7})),
        change("storageConfigInfo", json!("FILE")),
        change("storageConfigInfo", json!({})),
        change("storageConfigInfo", json!({"storageType": "TAPE"})),
        change("storageConfigInfo", json!({"storageType": "FILE", "allowedLocations": "x"})),
        change("storageConfigInfo", json!({"storageType": "FILE", "allowedLocations": [1]})),
    ] {
        let error = root.post(CATALOGS, body.clone()).await.expect(400).error();
        assert!(error.contains("Exception: Invalid value: "), "{body}: {error}");
    }
    assert_eq!(names(&root).await, [""; 0]);
}

#[tokio::test]
async fn a_name_that_no_catalog_may_have_is_refused_wherever_it_stands() {
    let server = TestServer::start().await;
    let root = server.root().await;
    let long = "x".repeat(257);

    for (name, in_path) in [
        ("system$x", "system$x"),
        ("SyStEm$", "SyStEm%24"),
        ("  system$x", "%20%20system$x"),
        ("\tsystem$", "%09system$"),
        (long.as_str(), long.as_str()),
    ] {
        let start = "400 ConstraintViolationException: Invalid value: ";
        let mut catalog = on_disk(&server, "lake");
        catalog["name"] = json!(name);
        let error = create(&root, &catalog).await.expect(400).error();
        assert!(error.starts_with(start), "{name:?}: {error}");
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let path = format!("{CATALOGS}/{in_path}");
            let answer = root.send_json(method.clone(), &path, &json!({})).await.expect(400);
            assert!(answer.error().starts_with(start), "{method} {name:?}: {}", answer.text());
        }
    }
    let mut catalog = on_disk(&server, "lake");
    catalog["name"] = json!("");
    let error = create(&root, &catalog).await.expect(400).error();
    assert!(error.contains("size must be between 1 and 256"), "{error}");
}

#[tokio::test]
async fn a_name_may_be_anything_else() {
    let server = TestServer::start().await;
    let root = server.root().await;
    let long = "ö".repeat(256);
    let long_in_path = "%C3%B6".repeat(256);

    for (nth, (name, in_path)) in [
        ("a b", "a%20b"),
        ("a/b", "a%2Fb"),
        ("a+b", "a%2Bb"),
        ("100%", "100%25"),
        ("system", "system"),
        ("a.system$", "a.system$"),
        ("?#&", "%3F%23%26"),
        (long.as_str(), long_in_path.as_str()),
    ]
    .into_iter()
    .enumerate()
    {
        let mut catalog = on_disk(&server, &format!("c{nth}"));
        catalog["name"] = json!(name);
        let _ = create(&root, &catalog).await.expect(201);
        assert_eq!(get(&root, in_path).await["name"], name);
        let _ = root.get(&format!("/api/catalog/v1/{in_path}/namespaces")).await.expect(200);
        let _ = root.delete(&format!("{CATALOGS}/{in_path}")).await.expect(204);
    }
}

#[tokio::test]
async fn catalogs_are_listed_all_at_once() {
    let server = TestServer::start().await;
    let root = server.root().await;
    assert_eq!(root.get(CATALOGS).await.expect(200).json(), json!({"catalogs": []}));

    for name in ["b", "a", "B"] {
        server.create_catalog(name).await;
    }

    let list = root.get(CATALOGS).await.expect(200).json();
    let all = [get(&root, "B").await, get(&root, "a").await, get(&root, "b").await];
    assert_eq!(list, json!({"catalogs": all}));
}

#[tokio::test]
async fn a_name_is_taken_once() {
    let server = TestServer::start().await;
    let root = server.root().await;
    server.create_catalog("lake").await;

    // Elsewhere, so that only the name is in the way.
    let mut second = on_disk(&server, "second");
    second["name"] = json!("lake");

    assert_eq!(
        create(&root, &second).await.expect(409).error(),
        "409 AlreadyExistsException: Cannot create Catalog lake. Catalog already exists or \
         resolution failed"
    );
    let _ = create(&root, &on_disk(&server, "lake")).await.expect(409);
    let _ = create(&root, &on_disk(&server, "LAKE")).await.expect(201);
}

#[tokio::test]
async fn of_two_who_create_a_catalog_at_once_one_does() {
    let server = TestServer::start().await;
    let root = server.root().await;

    for round in 0..4 {
        let name = format!("c{round}");
        let catalog = on_disk(&server, &name);
        let (one, two) = tokio::join!(create(&root, &catalog), create(&root, &catalog));
        let mut statuses = [one.status.as_u16(), two.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409], "{} {}", one.text(), two.text());
    }
    assert_eq!(names(&root).await.len(), 4);
}

#[tokio::test]
async fn a_catalog_that_is_missing_is_told_by_its_name() {
    let server = TestServer::start().await;
    let root = server.root().await;
    server.create_catalog("lake").await;

    for (name, in_path) in [("LAKE", "LAKE"), ("a b", "a%20b")] {
        let path = format!("{CATALOGS}/{in_path}");
        let update = json!({"currentEntityVersion": 1, "properties": {}});
        for answer in
            [root.get(&path).await, root.put(&path, update).await, root.delete(&path).await]
        {
            assert_eq!(
                answer.expect(404).error(),
                format!(
                    "404 NotFoundException: TopLevelEntity of type CATALOG does not exist: {name}"
                )
            );
        }
    }
}

#[tokio::test]
async fn property_names_that_polaris_keeps_for_itself_are_refused() {
    let server = TestServer::start().await;
    let root = server.root().await;

    let mut catalog = on_disk(&server, "lake");
    catalog["properties"]["polaris.x"] = json!("1");
    assert_eq!(
        create(&root, &catalog).await.expect(400).error(),
        "400 IllegalArgumentException: Property 'polaris.x' matches reserved prefix 'polaris.'"
    );
    catalog["properties"].as_object_mut().unwrap().remove("polaris.x");
    for known in
        ["polaris.config.list-pagination-enabled", "polaris.config.cleanup.on.catalog.drop"]
    {
        catalog["properties"][known] = json!("true");
    }
    let made = create(&root, &catalog).await.expect(201).json();
    assert_eq!(made["properties"], catalog["properties"]);
}

#[tokio::test]
async fn an_empty_catalog_is_deleted_and_can_be_created_again() {
    let server = TestServer::start().await;
    let root = server.root().await;
    server.create_catalog_with("lake", &[("comment", "first")]).await;

    let deleted = root.delete(&format!("{CATALOGS}/lake")).await.expect(204);

    assert_eq!(deleted.text(), "");
    let _ = root.get(&format!("{CATALOGS}/lake")).await.expect(404);
    let _ = root.delete(&format!("{CATALOGS}/lake")).await.expect(404);
    let _ = root.get("/api/catalog/v1/config?warehouse=lake").await.expect(404);
    assert_eq!(names(&root).await, [""; 0]);
    // The name is free, and so is its place.
    server.create_catalog("lake").await;
    assert_eq!(get(&root, "lake").await["properties"].get("comment"), None);
    server.create_namespace("lake", "a").await;
}

#[tokio::test]
async fn a_catalog_that_holds_namespaces_is_not_deleted() {
    let server = TestServer::start().await;
    let root = server.root().await;
    server.create_catalog("lake").await;
    server.create_namespace("lake", "a").await;

    let error = root.delete(&format!("{CATALOGS}/lake")).await.expect(400).error();

    assert!(error.starts_with("400 BadRequestException: "), "{error}");
    assert!(error.contains("'lake' cannot be dropped, it is not empty"), "{error}");
    let _ = root.head("/api/catalog/v1/lake/namespaces/a").await.expect(204);
    let _ = root.delete("/api/catalog/v1/lake/namespaces/a").await.expect(204);
    let _ = root.delete(&format!("{CATALOGS}/lake")).await.expect(204);
}

#[tokio::test]
async fn a_catalog_with_a_role_of_its_own_is_not_deleted() {
    let server = TestServer::start().await;
    let root = server.root().await;
    server.create_catalog("lake").await;
    let ana = server.principal("ana").await;
    let reading = merak_model::Privilege::NamespaceList;
    server.grant("ana", reading, "lake", None, None).await;

    let error = root.delete(&format!("{CATALOGS}/lake")).await.expect(400).error();

    assert!(error.starts_with("400 BadRequestException: "), "{error}");
    let _ = ana.get("/api/catalog/v1/lake/namespaces").await.expect(200);
}
