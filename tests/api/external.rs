//! Catalogs whose tables another catalog owns.

use merak_model::Privilege;
use merak_tests::{Identity, Response, TestServer, schema};
use serde_json::{Value, json};

use crate::fixtures::{
    REGISTER, RENAME, TABLES, TRANSACTIONS, change, create_commit, foreign_metadata, load,
    register, route, set, text, write_metadata,
};

const CATALOGS: &str = "/api/management/v1/catalogs";

/// A server with the EXTERNAL catalog `lake` and the namespace `sales` in it.
async fn external_lake(settings: &[(&str, &str)], properties: &[(&str, &str)]) -> TestServer {
    let server = TestServer::start_with(settings).await;
    server.create_catalog_of("EXTERNAL", "lake", properties).await;
    server.create_namespace("lake", "sales").await;
    server
}

/// Registers a table that another catalog wrote.
async fn registered(server: &TestServer, table: &str) -> Value {
    let content = foreign_metadata(server, table).to_string();
    let location = write_metadata(server, table, "00001-x.metadata.json", &content);
    register(&server.root().await, table, &location).await.expect(200).json()
}

#[tokio::test]
async fn an_external_catalog_is_shown_as_it_was_made_and_stays_one() {
    let server = TestServer::start().await;
    let root = server.root().await;
    let base = server.location("lake");
    let body = json!({"catalog": {
        "name": "lake",
        "type": "EXTERNAL",
        "connectionConfigInfo": null,
        "properties": {"default-base-location": base},
        "storageConfigInfo": {"storageType": "FILE", "allowedLocations": [base]},
    }});

    let made = root.post(CATALOGS, body).await.expect(201).json();

    assert_eq!(made["type"], "EXTERNAL");
    assert_eq!(made.get("connectionConfigInfo"), None);
    assert_eq!(root.get(&format!("{CATALOGS}/lake")).await.expect(200).json(), made);
    assert_eq!(root.get(CATALOGS).await.expect(200).json()["catalogs"], json!([made]));
    let update = json!({
        "currentEntityVersion": 1,
        "type": "INTERNAL",
        "properties": {"default-base-location": base, "owner": "ana"},
    });
    let updated = root.put(&format!("{CATALOGS}/lake"), update).await.expect(200).json();
    assert_eq!(updated["type"], "EXTERNAL");
    assert_eq!(updated["properties"]["owner"], "ana");
    let config = root.get("/api/catalog/v1/config?warehouse=lake").await.expect(200).json();
    assert_eq!(config["overrides"]["prefix"], "lake");
    let _ = root.delete(&format!("{CATALOGS}/lake")).await.expect(204);
}

#[tokio::test]
async fn its_locations_are_judged_as_of_any_catalog() {
    let server = TestServer::start().await;
    server.create_catalog("lake").await;
    let root = server.root().await;
    let base = format!("{}/inner", server.location("lake"));
    let body = json!({
        "name": "facade",
        "type": "EXTERNAL",
        "properties": {"default-base-location": base},
        "storageConfigInfo": {"storageType": "FILE", "allowedLocations": [base]},
    });

    let told = root.post(CATALOGS, body).await.error();

    assert_eq!(
        told,
        "400 ValidationException: Cannot create Catalog facade. One or more of its locations \
         overlaps with an existing catalog"
    );
}

#[tokio::test]
async fn a_connection_is_refused_and_not_passed_over() {
    let server = TestServer::start().await;
    let root = server.root().await;
    let body = |kind: &str, name: &str| {
        json!({"catalog": {
            "name": name,
            "type": kind,
            "connectionConfigInfo": {"connectionType": "ICEBERG_REST", "uri": "http://127.0.0.1:1"},
            "properties": {"default-base-location": server.location(name)},
            "storageConfigInfo": {"storageType": "FILE"},
        }})
    };

    let told = root.post(CATALOGS, body("EXTERNAL", "lake")).await.error();

    let start = "406 UnsupportedOperationException: Feature not enabled: ENABLE_CATALOG_FEDERATION";
    assert!(told.starts_with(start), "{told}");
    let _ = root.get(&format!("{CATALOGS}/lake")).await.expect(404);
    // An INTERNAL one has no such member, and unknown members are passed over.
    let made = root.post(CATALOGS, body("INTERNAL", "own")).await.expect(201).json();
    assert_eq!(made.get("connectionConfigInfo"), None);
    // Who may make no catalog is not told what could be made.
    let ana = server.principal("ana").await;
    let _ = ana.post(CATALOGS, body("EXTERNAL", "lake")).await.expect(403);
}

#[tokio::test]
async fn namespaces_and_tables_are_read_and_dropped_as_anywhere() {
    let server = external_lake(&[], &[]).await;
    let root = server.root().await;
    let made = registered(&server, "t").await;

    assert_eq!(load(&root, "t").await, made);
    let _ = root.head(&route("t")).await.expect(204);
    let listed = root.get(TABLES).await.expect(200).json();
    assert_eq!(listed["identifiers"], json!([{"namespace": ["sales"], "name": "t"}]));
    let sales = "/api/catalog/v1/lake/namespaces/sales";
    let update = json!({"updates": {"owner": "ana"}, "removals": []});
    let _ = root.post(&format!("{sales}/properties"), update).await.expect(200);
    let _ = root.delete(sales).await.expect(409);
    let _ = root.delete(&route("t")).await.expect(204);
    let _ = root.delete(sales).await.expect(204);
}

/// What only the owner of a table may do, and how it is refused.
async fn writes(who: &Identity<'_>, server: &TestServer) -> Vec<(&'static str, Response)> {
    let ident = |name: &str| json!({"namespace": ["sales"], "name": name});
    let location = format!("{}/sales/made", server.location("lake"));
    let uuid = uuid::Uuid::new_v4().to_string();
    let new = |staged: bool| json!({"name": "made", "schema": schema(), "stage-create": staged});
    let put = json!([{"action": "set-properties", "updates": {"a": "b"}}]);
    let transaction = json!({"table-changes": [change("t", json!([]), put)]});
    let moving = json!({"source": ident("t"), "destination": ident("moved")});
    let taking = json!({"name": "t", "metadata-location": location, "overwrite": true});
    vec![
        ("Cannot create table on", who.post(TABLES, new(false)).await),
        ("Cannot create table on", who.post(TABLES, new(true)).await),
        ("Cannot update table on", who.post(&route("t"), set(json!({"a": "b"}))).await),
        (
            "Cannot update table on",
            who.post(&route("made"), create_commit(&uuid, &location, schema())).await,
        ),
        ("Cannot update table on", who.post(TRANSACTIONS, transaction).await),
        ("Cannot rename table on", who.post(RENAME, moving).await),
        ("Cannot drop table on", who.delete(&format!("{}?purgeRequested=true", route("t"))).await),
        ("Register table overwrite", who.post(REGISTER, taking).await),
    ]
}

#[tokio::test]
async fn what_only_its_owner_may_do_is_refused() {
    let server = external_lake(&[], &[("polaris.config.drop-with-purge.enabled", "true")]).await;
    let made = registered(&server, "t").await;
    let root = engineer(&server).await;

    for (told, refused) in writes(&root, &server).await {
        let expected = if told.starts_with("Cannot") {
            format!("400 BadRequestException: {told} static-facade external catalogs.")
        } else {
            "400 BadRequestException: Register table overwrite is only supported for internal \
             Polaris catalogs"
                .to_owned()
        };
        assert_eq!(refused.error(), expected);
    }

    assert_eq!(load(&root, "t").await, made);
    let listed = root.get(TABLES).await.expect(200).json();
    assert_eq!(listed["identifiers"], json!([{"namespace": ["sales"], "name": "t"}]));
}

#[tokio::test]
async fn who_may_not_write_is_told_that_first() {
    let server = external_lake(&[], &[]).await;
    let _ = registered(&server, "t").await;
    let ana = server.principal("ana").await;

    for (what, refused) in writes(&ana, &server).await {
        assert_eq!(refused.status, 403, "{what}: {}", refused.text());
    }
}

#[tokio::test]
async fn its_owner_says_where_a_table_lies() {
    for (kind, status) in [("EXTERNAL", 200), ("INTERNAL", 403)] {
        let server = TestServer::start().await;
        server.create_catalog_of(kind, "lake", &[]).await;
        server.create_namespace("lake", "eu").await;
        let root = server.root().await;
        let content = foreign_metadata(&server, "t").to_string();
        // Within the catalog, and not within the namespace.
        let location = write_metadata(&server, "t", "00001-x.metadata.json", &content);
        let body = json!({"name": "t", "metadata-location": location});

        let answer = root.post("/api/catalog/v1/lake/namespaces/eu/register", body).await;

        assert_eq!(answer.status, status, "{kind}: {}", answer.text());
    }
}

/// Somebody who may do everything with the tables of `lake` and their data.
async fn engineer(server: &TestServer) -> Identity<'_> {
    let engineer = server.principal("engineer").await;
    server.grant("engineer", Privilege::CatalogManageContent, "lake", None, None).await;
    engineer
}

const NO_DELEGATION: &str = "400 IllegalArgumentException: Credential vending is not enabled for \
                             this external catalog. Please consult applicable documentation for the catalog \
                             config property 'polaris.config.enable.credential.vending' to enable \
                             this feature";

#[tokio::test]
async fn a_catalog_or_its_realm_can_switch_vending_off() {
    let flag = "polaris.features.\"ALLOW_EXTERNAL_CATALOG_CREDENTIAL_VENDING\"";
    let (property, legacy) =
        ("polaris.config.enable.credential.vending", "enable.credential.vending");
    for (settings, properties, is_off) in [
        (&[][..], &[][..], false),
        (&[][..], &[(property, "false")][..], true),
        (&[][..], &[(legacy, "false")][..], true),
        (&[(flag, "false")][..], &[][..], true),
        (&[(flag, "false")][..], &[(property, "true")][..], false),
    ] {
        let server = external_lake(settings, properties).await;
        let made = registered(&server, "t").await;
        let engineer = engineer(&server).await;
        assert_eq!(load(&engineer, "t").await, made);
        for mode in ["vended-credentials", "remote-signing"] {
            let asking = engineer.with_header("X-Iceberg-Access-Delegation", mode);
            let answer = asking.get(&route("t")).await;
            if is_off {
                assert_eq!(answer.error(), NO_DELEGATION);
            } else if mode == "vended-credentials" {
                let _ = answer.expect(200);
            }
        }
        let answer = engineer.get(&format!("{}/credentials", route("t"))).await;
        let body = json!({"region": "r", "method": "GET", "uri": "http://h/b/k", "headers": {}});
        let signed = engineer.post(&format!("{}/sign", route("t")), body).await;
        if is_off {
            assert_eq!(answer.error(), NO_DELEGATION);
            assert_eq!(signed.error(), NO_DELEGATION);
        } else {
            let _ = answer.expect(200);
            assert!(signed.error().contains("FILE storage are not signed"), "{}", signed.text());
        }
    }
}

#[tokio::test]
async fn nothing_is_registered_by_who_asks_for_credentials_that_are_switched_off() {
    let server = external_lake(&[], &[("polaris.config.enable.credential.vending", "false")]).await;
    let content = foreign_metadata(&server, "t").to_string();
    let location = write_metadata(&server, "t", "00001-x.metadata.json", &content);
    let engineer = engineer(&server).await;
    let asking = engineer.with_header("X-Iceberg-Access-Delegation", "vended-credentials");

    assert_eq!(register(&asking, "t", &location).await.error(), NO_DELEGATION);

    let _ = engineer.get(&route("t")).await.expect(404);
    let _ = register(&engineer, "t", &location).await.expect(200);
}

#[tokio::test]
async fn an_internal_catalog_does_not_mind_that_flag() {
    let off = [("polaris.config.enable.credential.vending", "false")];
    let server = TestServer::start().await;
    server.create_catalog_with("lake", &off).await;
    server.create_namespace("lake", "sales").await;
    let made = server.create_table("lake", "sales", "t").await;
    let engineer = engineer(&server).await;

    let asking = engineer.with_header("X-Iceberg-Access-Delegation", "vended-credentials");

    let loaded = asking.get(&route("t")).await.expect(200).json();
    assert_eq!(loaded["metadata-location"], text(&made["metadata-location"]));
}
