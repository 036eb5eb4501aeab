//! Tables that are there: loading, listing, dropping.

use merak_tests::{Identity, TestServer, schema};
use serde_json::{Value, json};

use crate::fixtures::{
    TABLES, append, commit, commit_to, disk, files, foreign_metadata, lake, lake_with, load, point,
    register, route, set, snapshot, text, write_metadata,
};

async fn with_table() -> TestServer {
    let server = lake().await;
    server.create_table("lake", "sales", "orders").await;
    server
}

/// A server that reads every metadata file anew.
async fn forgetful() -> TestServer {
    let settings =
        [("merak.metadata.inline-max-bytes", "0"), ("merak.metadata.cache-max-bytes", "1")];
    lake_with(&settings, &[]).await
}

#[tokio::test]
async fn a_table_is_loaded_with_its_metadata_and_nothing_else() {
    let server = with_table().await;
    let root = server.root().await;

    let answer = root.get(&route("orders")).await.expect(200);

    assert_eq!(answer.header("Content-Type"), Some("application/json"));
    let loaded = answer.json();
    let members: Vec<_> = loaded.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["metadata-location", "metadata", "config"]);
    assert_eq!(loaded["metadata"]["schemas"], json!([schema()]));
}

#[tokio::test]
async fn metadata_is_served_byte_for_byte() {
    for server in [lake().await, forgetful().await] {
        let root = server.root().await;
        let mut metadata = foreign_metadata(&server, "odd");
        metadata["future"] = json!({"z": 1.50, "a": [1e2, "\u{7f}", "ü"]});
        // The order and the blanks are the writer's own.
        let content = serde_json::to_string_pretty(&metadata).unwrap().replace("1.5", "1.50");
        let location = write_metadata(&server, "odd", "00000-x.metadata.json", &content);

        let registered = register(&root, "odd", &location).await.expect(200);
        let loaded = root.get(&route("odd")).await.expect(200);

        for answer in [registered, loaded] {
            assert!(answer.text().contains(&content), "{}", answer.text());
        }
    }
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let server = with_table().await;
    let root = server.root().await;
    let deep = "/api/catalog/v1/lake/namespaces/sales%1Forders/tables/branch_main";
    let nowhere = "/api/catalog/v1/lake/namespaces/nope/tables";

    for (path, told) in [
        (route("nope"), "Table does not exist: sales.nope"),
        (deep.to_owned(), "Table does not exist: sales.orders.branch_main"),
        (format!("{nowhere}/orders"), "Table does not exist: nope.orders"),
    ] {
        let expected = format!("404 NoSuchTableException: {told}");
        assert_eq!(root.get(&path).await.error(), expected);
        assert_eq!(root.delete(&path).await.error(), expected);
        assert_eq!(root.post(&path, set(json!({"a": "b"}))).await.error(), expected);
        let absent = root.head(&path).await.expect(404);
        assert_eq!(absent.body, b"");
    }
    assert_eq!(
        root.get(nowhere).await.error(),
        "404 NoSuchNamespaceException: Namespace does not exist: nope"
    );
}

#[tokio::test]
async fn a_table_that_is_there_is_told_without_a_body() {
    let server = with_table().await;
    let root = server.root().await;

    let there = root.head(&route("orders")).await.expect(204);

    assert_eq!(there.body, b"");
}

/// A table with two snapshots on main and one that only a tag holds; and one that nothing holds.
async fn with_snapshots(server: &TestServer) -> Value {
    let root = server.root().await;
    let made = server.create_table("lake", "sales", "orders").await;
    let location = text(&made["metadata"]["location"]);
    commit_to(&root, "orders", append(&made, 1, None)).await;
    commit_to(&root, "orders", append(&made, 2, Some(1))).await;
    let more = commit(
        json!([]),
        json!([
            {"action": "add-snapshot", "snapshot": snapshot(location, 3, Some(2))},
            {"action": "add-snapshot", "snapshot": snapshot(location, 4, Some(2))},
            point("kept", "tag", 3),
        ]),
    );
    commit_to(&root, "orders", more).await
}

fn snapshot_ids(table: &Value) -> Vec<i64> {
    let snapshots = table["metadata"]["snapshots"].as_array().unwrap();
    snapshots.iter().map(|snapshot| snapshot["snapshot-id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn a_client_may_want_only_the_snapshots_that_something_points_to() {
    let server = lake().await;
    let committed = with_snapshots(&server).await;
    let root = server.root().await;
    let path = route("orders");

    for all in [path.clone(), format!("{path}?snapshots=all")] {
        let loaded = root.get(&all).await.expect(200).json();
        assert_eq!(loaded["metadata"], committed["metadata"]);
    }
    let mut refs = root.get(&format!("{path}?snapshots=refs")).await.expect(200).json();
    assert_eq!(snapshot_ids(&committed), [1, 2, 3, 4]);
    assert_eq!(snapshot_ids(&refs), [2, 3]);
    assert_eq!(refs["metadata-location"], committed["metadata-location"]);
    refs["metadata"]["snapshots"] = committed["metadata"]["snapshots"].clone();
    assert_eq!(refs["metadata"], committed["metadata"]);
    assert_eq!(
        root.get(&format!("{path}?snapshots=some")).await.error(),
        "400 IllegalArgumentException: Unrecognized snapshots: some"
    );
}

async fn load_unless(who: &Identity<'_>, path: &str, tags: &str) -> merak_tests::Response {
    who.with_header("If-None-Match", tags).get(path).await
}

#[tokio::test]
async fn a_client_that_has_the_table_gets_nothing() {
    let server = with_table().await;
    let root = server.root().await;
    let path = route("orders");
    let tag = root.get(&path).await.expect(200).header("ETag").expect("a tag").to_owned();

    for tags in [tag.clone(), format!("\"x\", {tag}"), format!("W/\"y\",{tag},\"z\"")] {
        let same = load_unless(&root, &path, &tags).await.expect(304);
        assert_eq!(same.body, b"");
        assert_eq!(same.header("ETag"), Some(tag.as_str()));
    }
    let _ = load_unless(&root, &path, "W/\"x\", \"y\"").await.expect(200);

    commit_to(&root, "orders", set(json!({"a": "b"}))).await;
    let newer = load_unless(&root, &path, &tag).await.expect(200);
    assert_ne!(newer.header("ETag"), Some(tag.as_str()));
}

#[tokio::test]
async fn tags_that_are_none_are_refused() {
    let server = with_table().await;
    let root = server.root().await;
    let path = route("orders");

    assert_eq!(
        load_unless(&root, &path, "*").await.error(),
        "400 IllegalArgumentException: If-None-Match may not take the value of '*'"
    );
    for malformed in ["abc", "\"abc", "W/abc", "\"a\"b\"", "\"a\", b"] {
        let answer = load_unless(&root, &path, malformed).await;
        assert!(answer.error().starts_with("400 "), "{malformed}");
    }
}

#[tokio::test]
async fn a_tag_does_not_hide_that_a_table_is_gone() {
    let server = with_table().await;
    let root = server.root().await;
    let path = route("orders");
    let tag = root.get(&path).await.expect(200).header("ETag").expect("a tag").to_owned();
    let _ = root.delete(&path).await.expect(204);

    assert_eq!(
        load_unless(&root, &path, &tag).await.error(),
        "404 NoSuchTableException: Table does not exist: sales.orders"
    );
}

#[tokio::test]
async fn another_choice_of_snapshots_has_another_tag() {
    let server = lake().await;
    with_snapshots(&server).await;
    let root = server.root().await;
    let (all, refs) = (route("orders"), format!("{}?snapshots=refs", route("orders")));
    let tag_of = async |path: &str| {
        root.get(path).await.expect(200).header("ETag").expect("a tag").to_owned()
    };
    let (all_tag, refs_tag) = (tag_of(&all).await, tag_of(&refs).await);

    assert_ne!(all_tag, refs_tag);
    let _ = load_unless(&root, &all, &refs_tag).await.expect(200);
    let _ = load_unless(&root, &refs, &all_tag).await.expect(200);
    let _ = load_unless(&root, &refs, &refs_tag).await.expect(304);
}

#[tokio::test]
async fn tables_are_listed_without_those_of_other_namespaces() {
    let server = with_table().await;
    server.create_namespace("lake", "sales.eu").await;
    server.create_table("lake", "sales.eu", "hidden").await;
    server.create_table("lake", "sales", "Bills").await;
    let root = server.root().await;

    let listed = root.get(TABLES).await.expect(200).json();

    let ident = |name| json!({"namespace": ["sales"], "name": name});
    assert_eq!(listed, json!({"identifiers": [ident("Bills"), ident("orders")]}));
}

#[tokio::test]
async fn a_list_comes_in_pages_to_those_who_ask() {
    let server = lake().await;
    for name in ["a", "b", "c"] {
        server.create_table("lake", "sales", name).await;
    }
    let root = server.root().await;
    let mut names = Vec::new();
    let mut token = String::new();
    loop {
        let path = format!("{TABLES}?pageSize=2&pageToken={token}");
        let page = root.get(&path).await.expect(200).json();
        let found = page["identifiers"].as_array().unwrap();
        assert!(found.len() <= 2, "{page}");
        names.extend(found.iter().map(|ident| text(&ident["name"]).to_owned()));
        match page["next-page-token"].as_str() {
            Some(next) => next.clone_into(&mut token),
            None => break,
        }
    }

    assert_eq!(names, ["a", "b", "c"]);
    let all = root.get(&format!("{TABLES}?pageSize=2")).await.expect(200).json();
    assert_eq!(all["identifiers"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn a_dropped_table_is_gone_and_its_files_stay() {
    let server = with_table().await;
    let root = server.root().await;
    let before = files(&server);

    let dropped = root.delete(&route("orders")).await.expect(204);

    assert_eq!(dropped.body, b"");
    let gone = "404 NoSuchTableException: Table does not exist: sales.orders";
    assert_eq!(root.get(&route("orders")).await.error(), gone);
    assert_eq!(root.delete(&route("orders")).await.error(), gone);
    let _ = root.head(&route("orders")).await.expect(404);
    assert_eq!(root.get(TABLES).await.expect(200).json()["identifiers"], json!([]));
    assert_eq!(files(&server), before);
}

#[tokio::test]
async fn the_name_of_a_dropped_table_is_free_for_another() {
    let server = with_table().await;
    let root = server.root().await;
    let before = load(&root, "orders").await;
    let _ = root.delete(&format!("{}?purgeRequested=False", route("orders"))).await.expect(204);

    let after = server.create_table("lake", "sales", "orders").await;

    assert_ne!(after["metadata"]["table-uuid"], before["metadata"]["table-uuid"]);
    assert_eq!(load(&root, "orders").await, after);
}

#[tokio::test]
async fn a_purge_is_refused_unless_it_is_switched_on() {
    let server = with_table().await;
    // The principal may drop and write: that it is switched off is all that is in the way.
    let admin = server.principal("ana").await;
    server.grant("ana", merak_model::Privilege::CatalogManageContent, "lake", None, None).await;
    for value in ["true", "True", "TRUE"] {
        let refused = admin.delete(&format!("{}?purgeRequested={value}", route("orders"))).await;
        assert_eq!(
            refused.error(),
            "403 ForbiddenException: Unable to purge entity: orders. To enable this feature, set \
             the Polaris configuration DROP_WITH_PURGE_ENABLED or the catalog configuration \
             polaris.config.drop-with-purge.enabled"
        );
    }
    let bad = admin.delete(&format!("{}?purgeRequested=perhaps", route("orders"))).await;
    assert!(bad.error().starts_with("400 "));
    let _ = admin.head(&route("orders")).await.expect(204);
}

#[tokio::test]
async fn a_load_does_not_need_the_file_while_the_store_has_its_content() {
    let server = with_table().await;
    let root = server.root().await;
    let before = load(&root, "orders").await;
    std::fs::remove_file(disk(text(&before["metadata-location"]))).unwrap();

    assert_eq!(load(&root, "orders").await, before);
}

#[tokio::test]
async fn a_missing_metadata_file_is_told_from_a_missing_table() {
    let server = forgetful().await;
    let made = server.create_table("lake", "sales", "orders").await;
    let root = server.root().await;
    assert_eq!(load(&root, "orders").await, made);
    let location = text(&made["metadata-location"]);
    std::fs::remove_file(disk(location)).unwrap();

    let told = format!("404 NotFoundException: Failed to open input stream for file: {location}");
    assert_eq!(root.get(&route("orders")).await.error(), told);
    assert_eq!(root.post(&route("orders"), set(json!({"a": "b"}))).await.error(), told);
    let _ = root.delete(&route("orders")).await.expect(204);
}
