//! Where generic tables may lie: where tables may.

use merak_model::Privilege;
use merak_tests::{Identity, TestServer, schema};
use serde_json::{Value, json};

use super::{GENERIC_TABLES, draft_at, load, names, route};
use crate::fixtures::{self, TABLES, lake, lake_with, set, text};

const OVERLAPS: &str = "conflicts with existing table or namespace";

async fn refuse(server: &TestServer, location: &str) -> String {
    server.root().await.post(GENERIC_TABLES, draft_at("made", location)).await.error()
}

#[tokio::test]
async fn a_place_that_is_not_the_namespaces_is_refused() {
    let server = lake().await;
    server.create_namespace("lake", "other").await;
    let lake = server.location("lake");
    for place in [
        format!("file://{}/outside", server.folder().display()),
        format!("{lake}x/sales/g"),
        format!("{lake}/other/g"),
        format!("{lake}/salesx"),
        lake.clone(),
        "s3://bucket/g".to_owned(),
        "file:///etc".to_owned(),
        "file:///".to_owned(),
    ] {
        let told = refuse(&server, &place).await;
        assert!(told.starts_with("403 ForbiddenException: Invalid locations '["), "{told}");
        assert!(told.contains("for identifier 'sales.made'"), "{told}");
    }
    let root = server.root().await;
    assert!(names(&root.get(GENERIC_TABLES).await.expect(200)).is_empty());
}

#[tokio::test]
async fn a_place_that_is_none_is_refused() {
    let server = lake().await;
    let sales = format!("{}/sales", server.location("lake"));
    for place in [
        format!("{sales}/../other/g"),
        format!("{sales}/./g"),
        format!("{sales}/%2e%2e/g"),
        format!("{sales}//g"),
        format!("{sales}/g\u{0}"),
        format!("{sales}\\g"),
        "http://host/g".to_owned(),
        "g".to_owned(),
        String::new(),
        " ".to_owned(),
    ] {
        let told = refuse(&server, &place).await;
        assert!(told.starts_with("400 "), "{place:?} got {told}");
    }
}

#[tokio::test]
async fn a_catalog_may_let_generic_tables_lie_anywhere_within_it() {
    let on = ("polaris.config.allow.unstructured.table.location", "true");
    let server = lake_with(&[], &[on]).await;
    let root = server.root().await;
    let outside = format!("file://{}/outside", server.folder().display());

    let told = refuse(&server, &outside).await;
    assert!(told.starts_with("403 ForbiddenException: Invalid locations"), "{told}");
    let place = format!("{}/anywhere", server.location("lake"));
    let _ = root.post(GENERIC_TABLES, draft_at("g", &place)).await.expect(200);
}

#[tokio::test]
async fn where_clients_may_not_choose_a_place_they_have_none() {
    let off = ("polaris.features.\"ALLOW_CLIENT_SPECIFIED_TABLE_LOCATION\"", "false");
    let server = lake_with(&[off], &[]).await;
    let root = server.root().await;
    let place = format!("{}/sales/g", server.location("lake"));

    assert_eq!(
        refuse(&server, &place).await,
        "400 BadRequestException: Specifying a table or view location using base-location is not \
         allowed."
    );
    let _ = root.post(GENERIC_TABLES, super::draft("g")).await.expect(200);
}

/// A principal that may do everything with tables, asking for credentials.
async fn engineer(server: &TestServer) -> Identity<'_> {
    let engineer = server.principal("ana").await;
    server.grant("ana", Privilege::CatalogManageContent, "lake", None, None).await;
    engineer.with_header("Polaris-Generic-Table-Access-Delegation", "vended-credentials")
}

#[tokio::test]
async fn a_generic_table_does_not_lie_in_the_place_of_a_table_or_another() {
    let server = lake().await;
    server.create_namespace("lake", "sales.eu").await;
    let root = server.root().await;
    let sales = format!("{}/sales", server.location("lake"));
    let elsewhere = format!("{sales}/elsewhere/data");
    let body = json!({
        "name": "t", "schema": schema(), "properties": {"write.data.path": elsewhere},
    });
    let table = root.post(TABLES, body).await.expect(200).json();
    let table = text(&table["metadata"]["location"]);
    server.create_generic_table("lake", "sales", "g").await;
    let asking = engineer(&server).await;

    for place in [
        table.to_owned(),
        format!("{table}/"),
        format!("{table}/inside"),
        elsewhere.clone(),
        format!("{elsewhere}/inside"),
        format!("{sales}/elsewhere"),
        format!("{sales}/g"),
        format!("{sales}/g/inside"),
        format!("{sales}/eu"),
        format!("{sales}/eu/inside"),
        sales.clone(),
    ] {
        for who in [&root, &asking] {
            let told = who.post(GENERIC_TABLES, draft_at("made", &place)).await.error();
            assert!(told.starts_with("403 ForbiddenException: "), "{place}: {told}");
            assert!(told.contains(OVERLAPS), "{place}: {told}");
        }
    }
    // What merely begins alike is somewhere else.
    let _ = root.post(GENERIC_TABLES, draft_at("gg", &format!("{sales}/gg"))).await.expect(200);
}

#[tokio::test]
async fn tables_views_and_namespaces_keep_out_of_the_place_of_a_generic_table() {
    let server = lake().await;
    let root = server.root().await;
    let place = format!("{}/sales/g", server.location("lake"));
    server.create_generic_table("lake", "sales", "g").await;
    server.create_table("lake", "sales", "t").await;
    let table =
        |properties: Value| json!({"name": "new", "schema": schema(), "properties": properties});
    let mut at = table(json!({}));
    at["location"] = json!(format!("{place}/inside"));
    let mut staged = at.clone();
    staged["stage-create"] = json!(true);
    let view = json!({
        "name": "v", "schema": schema(), "location": place, "properties": {},
        "view-version": merak_tests::view_version("select 1"),
    });
    let moving =
        fixtures::commit(json!([]), json!([{"action": "set-location", "location": place}]));
    for (path, body) in [
        (TABLES, at),
        (TABLES, staged),
        (TABLES, table(json!({"write.metadata.path": place}))),
        (&fixtures::route("t"), moving),
        (&fixtures::route("t"), set(json!({"write.data.path": place}))),
        ("/api/catalog/v1/lake/namespaces/sales/views", view),
        ("/api/catalog/v1/lake/namespaces", json!({"namespace": ["sales", "g"]})),
    ] {
        let told = root.post(path, body.clone()).await.error();
        assert!(told.starts_with("403 ForbiddenException: "), "{path} {body}: {told}");
    }
    // Once it is gone, nobody is kept away.
    let _ = root.delete(&route("g")).await.expect(204);
    server.create_namespace("lake", "sales.g").await;
}

#[tokio::test]
async fn one_without_a_place_keeps_nobody_away() {
    let server = lake().await;
    let root = server.root().await;
    let _ = root.post(GENERIC_TABLES, super::draft("g")).await.expect(200);
    let place = format!("{}/sales/g", server.location("lake"));

    let body = json!({"name": "t", "schema": schema(), "location": place});
    let _ = root.post(TABLES, body).await.expect(200);
}

#[tokio::test]
async fn overlaps_may_be_switched_off() {
    let on = ("polaris.config.allow.overlapping.table.location", "true");
    let server = lake_with(&[], &[on]).await;
    let root = server.root().await;
    let made = server.create_table("lake", "sales", "t").await;
    let place = text(&made["metadata"]["location"]);

    let _ = root.post(GENERIC_TABLES, draft_at("g", place)).await.expect(200);

    assert_eq!(load(&root, "g").await["table"]["base-location"], place);
}

#[tokio::test]
async fn what_is_known_of_one_is_shown_wherever_its_catalog_may_reach_now() {
    let server = lake().await;
    let root = server.root().await;
    let made = server.create_generic_table("lake", "sales", "g").await;
    let catalog = "/api/management/v1/catalogs/lake";
    let version = root.get(catalog).await.expect(200).json()["entityVersion"].clone();
    let elsewhere = server.location("lake") + "/elsewhere";
    let body = json!({
        "currentEntityVersion": version,
        "properties": {"default-base-location": elsewhere},
        "storageConfigInfo": {"storageType": "FILE", "allowedLocations": [elsewhere]},
    });
    let _ = root.put(catalog, body).await.expect(200);

    assert_eq!(load(&root, "g").await, made);
    let asking = engineer(&server).await;
    let told = asking.get(&route("g")).await.error();
    let start = "403 ForbiddenException: Generic table 'sales.g' has locations outside the \
                 catalog's current allowed locations: file:";
    assert!(told.starts_with(start), "{told}");
    let _ = root.delete(&route("g")).await.expect(204);
}
