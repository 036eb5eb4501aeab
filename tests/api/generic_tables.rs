//! Generic tables: making, loading, listing, dropping.

mod keys;
mod names;
mod places;
mod races;
mod rights;

use merak_tests::{Identity, Response};
use serde_json::{Value, json};

use crate::fixtures::{TABLES, files, lake, lake_with};

pub(crate) const GENERIC_TABLES: &str =
    "/api/catalog/polaris/v1/lake/namespaces/sales/generic-tables";

pub(crate) fn route(table: &str) -> String {
    format!("{GENERIC_TABLES}/{table}")
}

/// The body that makes a generic table that says nothing of where it is.
pub(crate) fn draft(name: &str) -> Value {
    json!({"name": name, "format": "delta"})
}

/// The same at a location.
pub(crate) fn draft_at(name: &str, location: &str) -> Value {
    json!({"name": name, "format": "delta", "base-location": location})
}

async fn load(who: &Identity<'_>, table: &str) -> Value {
    who.get(&route(table)).await.expect(200).json()
}

fn names(listed: &Response) -> Vec<String> {
    let listed = listed.json();
    let identifiers = listed["identifiers"].as_array().expect("identifiers").iter();
    identifiers.map(|one| one["name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn a_generic_table_is_what_its_maker_said() {
    let server = lake().await;
    let root = server.root().await;
    let location = format!("{}/sales/events/", server.location("lake"));
    let table = json!({
        "name": "events",
        "format": "delta",
        "base-location": location,
        "doc": "what happened – 何が起きたか",
        "properties": {"owner": "ana", "": "empty", "nul": "\u{0}", "write.data.path": "s3://x/y"},
    });

    let made = root.post(GENERIC_TABLES, table.clone()).await.expect(200);

    assert_eq!(made.json(), json!({"table": table}));
    assert_eq!(made.header("cache-control"), None);
    assert_eq!(load(&root, "events").await, made.json());
    assert_eq!(files(&server), Vec::<std::path::PathBuf>::new(), "no file is made");
}

#[tokio::test]
async fn what_was_not_said_is_left_out() {
    let server = lake().await;
    let root = server.root().await;
    let absent = root.post(GENERIC_TABLES, draft("absent")).await.expect(200).json();
    let mut body = draft("null");
    for member in ["base-location", "doc", "properties"] {
        body[member] = Value::Null;
    }
    body["unknown"] = json!({"is": "ignored"});
    let null = root.post(GENERIC_TABLES, body).await.expect(200).json();

    for (name, made) in [("absent", absent), ("null", null)] {
        let table = json!({"name": name, "format": "delta", "properties": {}});
        assert_eq!(made, json!({"table": table}));
        assert_eq!(load(&root, name).await, made);
    }
}

#[tokio::test]
async fn any_word_is_a_format() {
    let server = lake().await;
    let root = server.root().await;

    for (number, format) in ["csv", "Delta Lake 4", "", "iceberg", "数据"].iter().enumerate() {
        let body = json!({"name": format!("t{number}"), "format": format});
        let made = root.post(GENERIC_TABLES, body).await.expect(200).json();
        assert_eq!(made["table"]["format"], json!(format));
    }
}

#[tokio::test]
async fn a_body_that_makes_no_generic_table_is_refused_and_leaves_nothing() {
    let server = lake().await;
    let root = server.root().await;
    for body in [
        json!({"format": "delta"}),
        json!({"name": "t"}),
        json!({"name": "t", "format": null}),
        json!({"name": "t", "format": 1}),
        json!({"name": "t", "format": "delta", "base-location": 1}),
        json!({"name": "t", "format": "delta", "doc": ["x"]}),
        json!({"name": "t", "format": "delta", "properties": {"a": 1}}),
        json!({"name": "t", "format": "delta", "properties": {"a": null}}),
        json!({"name": "t", "format": "delta", "properties": ["a"]}),
        json!(["t", "delta"]),
        json!("t"),
    ] {
        let refused = root.post(GENERIC_TABLES, body.clone()).await;
        let told = refused.error();
        assert!(told.starts_with("400 MismatchedInputException: "), "{body} got {told}");
    }
    let reserved = json!({"name": "t", "format": "delta", "properties": {"polaris.x": "y"}});
    assert_eq!(
        root.post(GENERIC_TABLES, reserved).await.error(),
        "400 IllegalArgumentException: Property 'polaris.x' matches reserved prefix 'polaris.'"
    );
    for name in ["", ".", "..", "x/y", "x\u{0}y", "x\u{1f}y", " x", "x+y", &"x".repeat(257)] {
        let refused = root.post(GENERIC_TABLES, draft(name)).await;
        let told = refused.error();
        assert!(told.starts_with("400 IllegalArgumentException: "), "{name:?} got {told}");
    }
    assert!(names(&root.get(GENERIC_TABLES).await.expect(200)).is_empty());
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_and_one_that_just_fits_is_kept() {
    let server = lake_with(&[("quarkus.http.limits.max-body-size", "100K")], &[]).await;
    let root = server.root().await;
    let body = |size: usize| json!({"name": "t", "format": "delta", "properties": {"a": "x".repeat(size)}});

    let refused = root.post(GENERIC_TABLES, body(200_000)).await;
    let made = root.post(GENERIC_TABLES, body(90_000)).await.expect(200).json();

    assert!(refused.error().starts_with("413 "), "{}", refused.text());
    assert_eq!(load(&root, "t").await, made);
    assert_eq!(made["table"]["properties"]["a"].as_str().map(str::len), Some(90_000));
}

#[tokio::test]
async fn a_generic_table_that_is_not_there_is_named() {
    let server = lake().await;
    let root = server.root().await;

    for (path, name) in [
        (route("g"), "sales.g"),
        ("/api/catalog/polaris/v1/lake/namespaces/nope/generic-tables/g".to_owned(), "nope.g"),
        ("/api/catalog/polaris/v1/nope/namespaces/sales/generic-tables/g".to_owned(), "sales.g"),
    ] {
        let told = format!("404 NoSuchTableException: Generic table does not exist: {name}");
        assert_eq!(root.get(&path).await.error(), told);
        assert_eq!(root.delete(&path).await.error(), told);
    }
    let told = "404 NoSuchNamespaceException: Namespace does not exist: nope";
    let nowhere = "/api/catalog/polaris/v1/lake/namespaces/nope/generic-tables";
    assert_eq!(root.get(nowhere).await.error(), told);
    assert_eq!(root.post(nowhere, draft("g")).await.error(), told);
}

#[tokio::test]
async fn a_dropped_generic_table_is_gone_and_its_files_are_not() {
    let server = lake().await;
    let root = server.root().await;
    server.create_generic_table("lake", "sales", "g").await;
    let file = server.folder().join("lake/sales/g/_delta_log/0.json");
    crate::fixtures::write(&file, "{}");

    let _ = root.delete(&route("g")).await.expect(204);

    let _ = root.get(&route("g")).await.expect(404);
    let _ = root.delete(&route("g")).await.expect(404);
    assert!(file.exists());
    // Neither its name nor its place is taken any more.
    server.create_generic_table("lake", "sales", "g").await;
}

#[tokio::test]
async fn generic_tables_are_listed_apart_from_tables_and_views() {
    let server = lake().await;
    let root = server.root().await;
    server.create_namespace("lake", "sales.eu").await;
    server.create_table("lake", "sales", "orders").await;
    server.create_view("lake", "sales", "recent").await;
    server.create_generic_table("lake", "sales.eu", "deep").await;
    for name in ["b", "a", "c"] {
        server.create_generic_table("lake", "sales", name).await;
    }

    let all = root.get(GENERIC_TABLES).await.expect(200);

    let identifier = |name: &str| json!({"namespace": ["sales"], "name": name});
    let identifiers = [identifier("a"), identifier("b"), identifier("c")];
    assert_eq!(all.json(), json!({"identifiers": identifiers}));
    assert_eq!(names(&root.get(TABLES).await.expect(200)), ["orders"]);
    let views = "/api/catalog/v1/lake/namespaces/sales/views";
    assert_eq!(names(&root.get(views).await.expect(200)), ["recent"]);
    let deep = "/api/catalog/polaris/v1/lake/namespaces/sales%1Feu/generic-tables";
    assert_eq!(names(&root.get(deep).await.expect(200)), ["deep"]);
}

#[tokio::test]
async fn generic_tables_come_in_pages_for_those_who_ask() {
    let off = ("polaris.config.list-pagination-enabled", "false");
    for (properties, is_paged) in [(&[][..], true), (&[off], false)] {
        let server = lake_with(&[], properties).await;
        let root = server.root().await;
        for name in ["b", "a", "c"] {
            let _ = root.post(GENERIC_TABLES, draft(name)).await.expect(200);
        }
        let page = async |query: &str| {
            let path = format!("{GENERIC_TABLES}?{query}");
            let answer = root.get(&path).await.expect(200);
            (names(&answer), answer.json().get("next-page-token").cloned())
        };

        assert_eq!(page("pageSize=1").await, (names_of("abc"), None));
        let (first, token) = page("pageToken=&pageSize=2").await;
        if !is_paged {
            assert_eq!((first, token), (names_of("abc"), None));
            assert_eq!(page("pageToken=x").await.0.len(), 3);
            continue;
        }
        assert_eq!(first, names_of("ab"));
        let token = token.expect("another page follows");
        let token = token.as_str().unwrap();
        assert_eq!(page(&format!("pageToken={token}&pageSize=2")).await, (names_of("c"), None));
        let refused = root.get(&format!("{GENERIC_TABLES}?pageToken=x")).await;
        assert!(refused.error().starts_with("400 BadRequestException: "), "{}", refused.text());
    }
}

fn names_of(letters: &str) -> Vec<String> {
    letters.chars().map(String::from).collect()
}

#[tokio::test]
async fn where_generic_tables_are_switched_off_that_comes_before_everything_else() {
    let off = [("polaris.features.\"ENABLE_GENERIC_TABLES\"", "false")];
    let server = lake_with(&off, &[]).await;
    let told = "406 UnsupportedOperationException: Feature not enabled: ENABLE_GENERIC_TABLES";
    let nowhere = "/api/catalog/polaris/v1/nope/namespaces/nope/generic-tables";

    for who in [server.root().await, server.principal("ana").await] {
        for path in [GENERIC_TABLES, nowhere] {
            assert_eq!(who.get(path).await.error(), told);
            assert_eq!(who.post(path, draft("g")).await.error(), told);
            let table = format!("{path}/g");
            assert_eq!(who.get(&table).await.error(), told);
            assert_eq!(who.delete(&table).await.error(), told);
        }
    }
    let _ = server.nobody().get(GENERIC_TABLES).await.expect(401);
    let config = "/api/catalog/v1/config?warehouse=lake";
    let config = server.root().await.get(config).await.expect(200).text();
    assert!(!config.contains("generic-tables"), "{config}");
}

#[tokio::test]
async fn a_catalog_of_anothers_tables_has_generic_tables_too() {
    let server = merak_tests::TestServer::start().await;
    server.create_catalog_of("EXTERNAL", "lake", &[]).await;
    server.create_namespace("lake", "sales").await;
    let root = server.root().await;

    server.create_generic_table("lake", "sales", "g").await;

    let _ = root.get(&route("g")).await.expect(200);
    let _ = root.delete(&route("g")).await.expect(204);
}
