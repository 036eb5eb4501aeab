//! Where views may lie.

use merak_tests::{Response, TestServer, schema};
use serde_json::json;

use super::{REGISTER, VIEWS, draft, draft_at, load, replacing, route};
use crate::fixtures::{TABLES, files, lake, lake_with, text};

const OVERLAPS: &str = "conflicts with existing table or namespace";

/// Tries to make a view there, and to move one there.
async fn both_ways(server: &TestServer, location: &str) -> [Response; 2] {
    let root = server.root().await;
    let made = root.post(VIEWS, draft_at("made", location)).await;
    let moving = json!({"updates": [{"action": "set-location", "location": location}]});
    [made, root.post(&route("v"), moving).await]
}

/// The same with the place that the metadata files go to.
async fn by_property(server: &TestServer, key: &str, place: &str) -> [Response; 2] {
    let root = server.root().await;
    let mut body = draft("made");
    body["properties"] = json!({key: place});
    let made = root.post(VIEWS, body).await;
    let setting = json!({"updates": [{"action": "set-properties", "updates": {key: place}}]});
    [made, root.post(&route("v"), setting).await]
}

async fn world() -> TestServer {
    let server = lake().await;
    server.create_namespace("lake", "other").await;
    server.create_view("lake", "sales", "v").await;
    server
}

#[tokio::test]
async fn a_place_that_is_not_the_namespaces_is_refused() {
    let server = world().await;
    let root = server.root().await;
    let before = load(&root, "v").await;
    let lake = server.location("lake");
    for place in [
        format!("file://{}/outside", server.folder().display()),
        format!("{lake}x/sales/v"),
        format!("{lake}/other/v"),
        format!("{lake}/salesx"),
        "s3://bucket/v".to_owned(),
        "file:///etc".to_owned(),
    ] {
        let mut answers = both_ways(&server, &place).await.to_vec();
        for key in ["write.metadata.path", "write.data.path"] {
            answers.extend(by_property(&server, key, &place).await);
        }
        for answer in answers {
            let told = answer.error();
            assert!(told.starts_with("403 ForbiddenException: Invalid locations '["), "{told}");
        }
    }
    assert_eq!(load(&root, "v").await, before);
    assert_eq!(files(&server).len(), 1);
}

#[tokio::test]
async fn a_place_that_is_none_is_refused() {
    let server = world().await;
    let root = server.root().await;
    let before = load(&root, "v").await;
    let sales = format!("{}/sales", server.location("lake"));
    for place in [
        format!("{sales}/../other/v"),
        format!("{sales}/./v"),
        format!("{sales}/%2e%2e/v"),
        format!("{sales}//v"),
        format!("{sales}/v\u{0}"),
        format!("{sales}\\v"),
        "http://host/v".to_owned(),
        "v".to_owned(),
        String::new(),
    ] {
        for answer in both_ways(&server, &place).await {
            assert!(answer.error().starts_with("400 "), "{place:?} got {}", answer.text());
        }
    }
    assert_eq!(load(&root, "v").await, before);
    assert_eq!(files(&server).len(), 1);
}

#[tokio::test]
async fn a_catalog_may_let_views_lie_anywhere_within_it() {
    let on = ("polaris.config.allow.unstructured.table.location", "true");
    let server = lake_with(&[], &[on]).await;
    server.create_view("lake", "sales", "v").await;
    let place = format!("{}/anywhere", server.location("lake"));

    let outside = format!("file://{}/outside", server.folder().display());
    for answer in both_ways(&server, &outside).await {
        assert_eq!(answer.status, 403, "{}", answer.text());
    }
    for answer in both_ways(&server, &place).await {
        assert_eq!(answer.expect(200).json()["metadata"]["location"], place);
    }
}

#[tokio::test]
async fn a_view_does_not_lie_in_a_tables_place() {
    let server = world().await;
    let root = server.root().await;
    let made = server.create_table("lake", "sales", "t").await;
    let table = text(&made["metadata"]["location"]);

    let inside = format!("{table}/inside");
    let mut refused = both_ways(&server, table).await.to_vec();
    refused.extend(both_ways(&server, &inside).await);
    refused.extend(by_property(&server, "write.metadata.path", &inside).await);

    for answer in refused {
        let told = answer.error();
        assert!(told.starts_with("403 ForbiddenException: "), "{told}");
        assert!(told.contains(OVERLAPS), "{told}");
    }
    let _ = root.post(VIEWS, draft("fine")).await.expect(200);
}

#[tokio::test]
async fn a_registered_view_does_not_lie_in_a_tables_place() {
    let server = world().await;
    let root = server.root().await;
    let view = load(&root, "v").await;
    let _ = root.delete(&route("v")).await.expect(204);
    let body = json!({
        "name": "t",
        "schema": schema(),
        "location": format!("{}/sales/v", server.location("lake")),
    });
    let _ = root.post(TABLES, body).await.expect(200);

    let body = json!({"name": "back", "metadata-location": view["metadata-location"]});
    let told = root.post(REGISTER, body).await.error();

    assert!(told.starts_with("403 ForbiddenException: ") && told.contains(OVERLAPS), "{told}");
}

#[tokio::test]
async fn overlaps_may_be_switched_off() {
    let on = ("polaris.config.allow.overlapping.table.location", "true");
    let server = lake_with(&[], &[on]).await;
    server.create_view("lake", "sales", "v").await;
    let made = server.create_table("lake", "sales", "t").await;

    for answer in both_ways(&server, text(&made["metadata"]["location"])).await {
        let _ = answer.expect(200);
    }
}

#[tokio::test]
async fn a_view_keeps_nobody_away() {
    let server = lake().await;
    let root = server.root().await;
    let made = root.post(VIEWS, draft("v")).await.expect(200).json();
    let place = text(&made["metadata"]["location"]);

    // Another view at its place, a namespace of its name with a table in it, a table at its place.
    let _ = root.post(VIEWS, draft_at("w", place)).await.expect(200);
    server.create_namespace("lake", "sales.v").await;
    server.create_table("lake", "sales.v", "t").await;
    let _ = root.post(VIEWS, draft("x")).await.expect(200);
    let at_x = format!("{}/sales/x", server.location("lake"));
    let body = json!({"name": "t", "schema": schema(), "location": at_x});
    let _ = root.post(TABLES, body).await.expect(200);

    for view in ["v", "w", "x"] {
        let replaced = root.post(&route(view), replacing("select 2")).await.expect(200).json();
        assert_eq!(replaced["metadata"]["current-version-id"], 2);
    }
}

#[tokio::test]
async fn a_view_whose_place_is_no_longer_allowed_is_neither_shown_nor_changed() {
    let server = lake().await;
    let root = server.root().await;
    let _ = root.post(VIEWS, draft("v")).await.expect(200);
    let catalog = "/api/management/v1/catalogs/lake";
    let version = root.get(catalog).await.expect(200).json()["entityVersion"].clone();
    let elsewhere = server.location("lake") + "/elsewhere";
    let body = json!({
        "currentEntityVersion": version,
        "properties": {"default-base-location": elsewhere},
        "storageConfigInfo": {"storageType": "FILE", "allowedLocations": [elsewhere]},
    });
    let _ = root.put(catalog, body).await.expect(200);

    for answer in [root.get(&route("v")).await, root.post(&route("v"), replacing("select 2")).await]
    {
        let told = answer.error();
        let start = "403 ForbiddenException: View 'sales.v' has locations outside the catalog's";
        assert!(told.starts_with(start), "{told}");
    }
    // To drop it takes no file.
    let _ = root.delete(&route("v")).await.expect(204);
}
