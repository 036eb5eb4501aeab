//! Views: making, loading, listing.

mod drop;
mod faults;
mod names;
mod places;
mod races;
mod register;
mod rename;
mod replace;

use merak_tests::{Identity, Response, schema, view_version};
use serde_json::{Value, json};

use crate::fixtures::{disk, files, lake, lake_with, text};

pub(crate) const VIEWS: &str = "/api/catalog/v1/lake/namespaces/sales/views";
const RENAME: &str = "/api/catalog/v1/lake/views/rename";
pub(crate) const REGISTER: &str = "/api/catalog/v1/lake/namespaces/sales/register-view";

pub(crate) fn route(view: &str) -> String {
    format!("{VIEWS}/{view}")
}

/// The body that makes a view.
pub(crate) fn draft(name: &str) -> Value {
    json!({
        "name": name,
        "schema": schema(),
        "view-version": view_version("select id, name from orders"),
        "properties": {"comment": "a view"},
    })
}

/// The same at a location.
fn draft_at(name: &str, location: &str) -> Value {
    let mut body = draft(name);
    body["location"] = json!(location);
    body
}

async fn load(who: &Identity<'_>, view: &str) -> Value {
    who.get(&route(view)).await.expect(200).json()
}

/// The commit that gives a view another query.
pub(crate) fn replacing(sql: &str) -> Value {
    json!({"updates": [
        {"action": "add-view-version", "view-version": view_version(sql)},
        {"action": "set-current-view-version", "view-version-id": -1},
    ]})
}

fn current_sql(view: &Value) -> &str {
    let metadata = &view["metadata"];
    let versions = metadata["versions"].as_array().expect("versions");
    let current = versions.iter().find(|one| one["version-id"] == metadata["current-version-id"]);
    text(&current.expect("a current version")["representations"][0]["sql"])
}

fn names(listed: &Response) -> Vec<String> {
    let identifiers = listed.json()["identifiers"].as_array().expect("identifiers").clone();
    identifiers.iter().map(|view| text(&view["name"]).to_owned()).collect()
}

#[tokio::test]
async fn a_view_is_what_its_client_said_and_what_the_server_adds() {
    let server = lake().await;
    let root = server.root().await;

    let made = root.post(VIEWS, draft("v")).await.expect(200).json();

    let location = format!("{}/sales/v", server.location("lake"));
    let metadata = &made["metadata"];
    assert_eq!(metadata["location"], location);
    assert_eq!(metadata["format-version"], 1);
    assert_eq!(metadata["current-version-id"], 1);
    assert_eq!(metadata["properties"], json!({"comment": "a view"}));
    assert_eq!(metadata["schemas"][0]["fields"], schema()["fields"]);
    let version = &metadata["versions"][0];
    assert_eq!(version["version-id"], 1);
    // The time is the server's, the rest the client's.
    assert_ne!(version["timestamp-ms"], view_version("x")["timestamp-ms"]);
    assert_eq!(version["summary"], json!({"engine-name": "a test"}));
    assert_eq!(version["default-namespace"], json!(["sales"]));
    assert_eq!(current_sql(&made), "select id, name from orders");
    let fields: Vec<_> = made.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["metadata-location", "metadata"]);
    assert_eq!(load(&root, "v").await, made);
}

#[tokio::test]
async fn the_metadata_file_is_compressed_unless_the_view_says_otherwise() {
    use std::io::Read as _;

    let server = lake().await;
    let root = server.root().await;
    let mut plain = draft("plain");
    plain["properties"] = json!({"write.metadata.compression-codec": "none"});

    let zipped = root.post(VIEWS, draft("v")).await.expect(200).json();
    let plain = root.post(VIEWS, plain).await.expect(200).json();

    let location = text(&zipped["metadata-location"]);
    assert!(location.contains("/sales/v/metadata/00000-"), "{location}");
    assert!(location.ends_with(".gz.metadata.json"), "{location}");
    let mut content = String::new();
    let file = std::fs::File::open(disk(location)).unwrap();
    flate2::read::GzDecoder::new(file).read_to_string(&mut content).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&content).unwrap(), zipped["metadata"]);
    let location = text(&plain["metadata-location"]);
    assert!(!location.contains(".gz"), "{location}");
    let content = std::fs::read_to_string(disk(location)).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&content).unwrap(), plain["metadata"]);
}

#[tokio::test]
async fn a_view_may_say_where_it_lies_and_stays_spelled_as_it_did() {
    let server = lake().await;
    let root = server.root().await;
    let spelled = format!("file:{}/lake/sales/elsewhere", server.folder().display());

    let made = root.post(VIEWS, draft_at("v", &format!("{spelled}/"))).await.expect(200).json();

    assert_eq!(made["metadata"]["location"], spelled);
    let folder = format!("{spelled}/metadata/");
    assert!(text(&made["metadata-location"]).starts_with(&folder), "{made}");
    assert_eq!(load(&root, "v").await, made);
}

#[tokio::test]
async fn a_view_that_is_not_there_is_named() {
    let server = lake().await;
    let root = server.root().await;

    for (path, name) in [
        (route("v"), "sales.v"),
        ("/api/catalog/v1/lake/namespaces/nope/views/v".to_owned(), "nope.v"),
    ] {
        let told = format!("404 NoSuchViewException: View does not exist: {name}");
        assert_eq!(root.get(&path).await.error(), told);
        assert_eq!(root.post(&path, replacing("x")).await.error(), told);
        assert_eq!(root.delete(&path).await.error(), told);
        let _ = root.head(&path).await.expect(404);
    }
    let told = "404 NoSuchNamespaceException: Namespace does not exist: nope";
    let nowhere = "/api/catalog/v1/lake/namespaces/nope/views";
    assert_eq!(root.get(nowhere).await.error(), told);
    assert_eq!(root.post(nowhere, draft("v")).await.error(), told);
    assert_eq!(files(&server), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn whether_a_view_is_there_is_told_without_looking_at_its_file() {
    let server = lake_with(&[("merak.metadata.cache-max-bytes", "1")], &[]).await;
    let root = server.root().await;
    let made = root.post(VIEWS, draft("v")).await.expect(200).json();
    std::fs::remove_file(disk(text(&made["metadata-location"]))).unwrap();

    let _ = root.head(&route("v")).await.expect(204);
    // Its metadata is kept beside the pointer, too.
    assert_eq!(load(&root, "v").await, made);
}

#[tokio::test]
async fn a_view_whose_file_is_lost_says_which() {
    let settings =
        [("merak.metadata.cache-max-bytes", "1"), ("merak.metadata.inline-max-bytes", "0")];
    let server = lake_with(&settings, &[]).await;
    let root = server.root().await;
    let made = root.post(VIEWS, draft("v")).await.expect(200).json();
    let location = text(&made["metadata-location"]);
    assert_eq!(load(&root, "v").await, made);
    std::fs::remove_file(disk(location)).unwrap();

    assert_eq!(
        root.get(&route("v")).await.error(),
        format!("404 NotFoundException: Failed to open input stream for file: {location}")
    );
}

#[tokio::test]
async fn through_which_views_a_view_is_read_does_not_matter() {
    let server = lake().await;
    let root = server.root().await;
    let made = root.post(VIEWS, draft("v")).await.expect(200).json();

    for query in ["referenced-by=sales%1Fouter", "referenced-by=", "referenced-by=a%2Cb,%00"] {
        let loaded = root.get(&format!("{}?{query}", route("v"))).await.expect(200).json();
        assert_eq!(loaded, made);
    }
}

#[tokio::test]
async fn views_are_listed_apart_from_tables_in_pages_for_those_who_ask() {
    let server = lake().await;
    let root = server.root().await;
    server.create_table("lake", "sales", "orders").await;
    for name in ["b", "a", "c"] {
        let _ = root.post(VIEWS, draft(name)).await.expect(200);
    }

    let all = root.get(VIEWS).await.expect(200);
    assert_eq!(names(&all), ["a", "b", "c"]);
    assert_eq!(all.json()["identifiers"][0], json!({"namespace": ["sales"], "name": "a"}));
    assert_eq!(all.json().get("next-page-token"), None);
    assert_eq!(names(&root.get(&format!("{VIEWS}?pageSize=1")).await.expect(200)).len(), 3);
    let first = root.get(&format!("{VIEWS}?pageToken=&pageSize=2")).await.expect(200);
    assert_eq!(names(&first), ["a", "b"]);
    let token = text(&first.json()["next-page-token"]).to_owned();
    let last = root.get(&format!("{VIEWS}?pageToken={token}&pageSize=2")).await.expect(200);
    assert_eq!(names(&last), ["c"]);
    assert_eq!(last.json().get("next-page-token"), None);
    let refused = root.get(&format!("{VIEWS}?pageToken=x")).await.expect(400);
    assert!(refused.error().starts_with("400 BadRequestException: "), "{}", refused.text());
    let tables = root.get(crate::fixtures::TABLES).await.expect(200);
    assert_eq!(names(&tables), ["orders"]);
}

#[tokio::test]
async fn a_body_that_makes_no_view_is_refused_and_leaves_nothing() {
    let server = lake().await;
    let root = server.root().await;
    let but = |member: &str, value: Value| {
        let mut body = draft("v");
        body[member] = value;
        body
    };
    let version_but = |member: &str, value: Value| {
        let mut version = view_version("select 1");
        version[member] = value;
        but("view-version", version)
    };
    let without = |member: &str| {
        let mut body = draft("v");
        body.as_object_mut().unwrap().remove(member);
        body
    };
    let spark = json!({"type": "sql", "sql": "select 1", "dialect": "spark"});
    let other = json!({"type": "sql", "sql": "select 2", "dialect": "SPARK"});
    for body in [
        without("name"),
        without("schema"),
        without("view-version"),
        but("schema", json!({})),
        but("view-version", json!({})),
        but("properties", json!({"a": 1})),
        but("properties", json!({"write.metadata.compression-codec": "lzo"})),
        but("properties", json!({"polaris.x": "y"})),
        but("properties", json!({"io-impl": "x"})),
        version_but("representations", json!([])),
        version_but("representations", json!([spark, other])),
        version_but("representations", json!([{"type": "other"}])),
        version_but("default-namespace", json!("sales")),
    ] {
        let refused = root.post(VIEWS, body.clone()).await;
        assert!(refused.error().starts_with("400 "), "{body} got {}", refused.text());
    }
    for name in ["", ".", "..", "x/y", "x\u{0}y", "x\u{1f}y", " x", "x+y"] {
        let refused = root.post(VIEWS, draft(name)).await;
        assert!(
            refused.error().starts_with("400 IllegalArgumentException: "),
            "{name:?} got {}",
            refused.text()
        );
    }
    assert_eq!(files(&server), Vec::<std::path::PathBuf>::new());
    assert!(names(&root.get(VIEWS).await.expect(200)).is_empty());
}

#[tokio::test]
async fn of_two_queries_in_one_dialect_clients_read_which() {
    let server = lake().await;
    let root = server.root().await;
    let mut body = draft("v");
    let query = json!({"type": "sql", "sql": "select 1", "dialect": "trino"});
    body["view-version"]["representations"] = json!([query, query]);

    let told = root.post(VIEWS, body).await.error();

    let text = "Invalid view version: Cannot add multiple queries for dialect trino";
    assert!(told.starts_with("400 ") && told.contains(text), "{told}");
}

#[tokio::test]
async fn a_namespace_with_a_view_in_it_is_not_empty() {
    let server = lake().await;
    let root = server.root().await;
    let _ = root.post(VIEWS, draft("v")).await.expect(200);
    let namespace = "/api/catalog/v1/lake/namespaces/sales";

    assert_eq!(
        root.delete(namespace).await.error(),
        "409 NamespaceNotEmptyException: Namespace sales is not empty"
    );
    let _ = root.delete(&route("v")).await.expect(204);
    let _ = root.delete(namespace).await.expect(204);
}
