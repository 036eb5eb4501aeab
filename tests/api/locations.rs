//! Where tables may lie: what somebody tries who wants to reach what is not theirs.

mod defaults;
mod places;

use std::os::unix::fs::symlink;

use merak_model::entity::WRITE_PATHS;
use merak_tests::{Identity, Response, TestServer, schema};
use serde_json::{Value, json};

use crate::fixtures::{
    TABLES, commit, commit_to, create, create_commit, disk, files, foreign_metadata, lake,
    lake_with, load, register, route, set, snapshot, text, until_gone, write, write_metadata,
};

/// What a client gets that wants a table to lie there.
async fn create_at(who: &Identity<'_>, name: &str, location: &str) -> Response {
    let body = json!({"name": name, "schema": schema(), "location": location});
    who.post(TABLES, body).await
}

/// Refused by where it is (403), or since it is no location at all (400).
fn assert_refused(answer: &Response, what: &str) {
    let told = answer.error();
    let is_refused = told.starts_with("403 ForbiddenException: ")
        || told.starts_with("400 BadRequestException: ");
    assert!(is_refused, "{what:?} got {told}");
}

/// Places that no table of the catalog `lake` may use.
fn foreign_places(server: &TestServer) -> Vec<String> {
    let lake = server.location("lake");
    let folder = server.folder().display();
    vec![
        "file:///etc".to_owned(),
        format!("file://{folder}"),
        format!("file://{folder}/lakes"),
        format!("file://{folder}/lakex/sales/t"),
        lake.clone(),
        format!("{lake}/other/t"),
        format!("{lake}/salesx/t"),
        format!("{lake}/sales/../../outside"),
        format!("{lake}/sales/../other/t"),
        format!("{lake}/sales/./t"),
        format!("{lake}/sales/%2e%2e/other/t"),
        format!("{lake}/sales/%2E%2E/%2e./t"),
        format!("{lake}/sales//t"),
        format!("{lake}//sales/t"),
        format!("{lake}/sales/t\n"),
        format!("{lake}/sales/t\u{0}"),
        format!("{lake}/sales/t\u{7f}"),
        format!("{lake}/sales/..\\..\\t"),
        format!("file://elsewhere{folder}/lake/sales/t"),
        format!("s3://lake{folder}/lake/sales/t"),
        format!("http://localhost{folder}/lake/sales/t"),
        format!("gs://lake{folder}"),
        "sales/t".to_owned(),
        "file:".to_owned(),
        "*".to_owned(),
    ]
}

#[tokio::test]
async fn a_table_may_not_be_made_outside_its_namespace() {
    let server = lake().await;
    let root = server.root().await;
    for place in foreign_places(&server) {
        for staged in [false, true] {
            let body =
                json!({"name": "t", "schema": schema(), "location": place, "stage-create": staged});
            assert_refused(&root.post(TABLES, body).await, &place);
        }
        for path in WRITE_PATHS {
            let mut body = json!({"name": "t", "schema": schema()});
            body["properties"] = json!({path: place});
            assert_refused(&root.post(TABLES, body).await, &place);
        }
    }
    assert_eq!(files(&server).len(), 0);
}

#[tokio::test]
async fn the_refusal_names_the_place_and_the_table() {
    let server = lake().await;
    let root = server.root().await;

    let told = create_at(&root, "t", "file:///etc/t").await.error();

    let begin =
        "403 ForbiddenException: Invalid locations '[file:///etc/t]' for identifier 'sales.t': ";
    assert!(told.starts_with(begin), "{told}");
}

#[tokio::test]
async fn a_commit_may_not_move_a_table_outside_its_namespace() {
    let server = lake().await;
    let made = server.create_table("lake", "sales", "t").await;
    let root = server.root().await;
    for place in foreign_places(&server) {
        let moved = commit(json!([]), json!([{"action": "set-location", "location": place}]));
        assert_refused(&root.post(&route("t"), moved).await, &place);
        for path in WRITE_PATHS {
            let body = set(json!({path: place}));
            assert_refused(&root.post(&route("t"), body).await, &place);
        }
        // Also not on the way to somewhere else, and not where a slash is cut off.
        let slashed = set(json!({"write.metadata.path": format!("{place}/")}));
        assert_refused(&root.post(&route("t"), slashed).await, &place);
    }
    assert_eq!(files(&server).len(), 1);
    assert_eq!(load(&root, "t").await, made);
}

#[tokio::test]
async fn the_commit_that_makes_a_staged_table_is_judged_anew() {
    let server = lake().await;
    let root = server.root().await;
    let good = format!("{}/sales/t", server.location("lake"));
    let uuid = uuid::Uuid::new_v4().to_string();
    for place in foreign_places(&server) {
        let body = create_commit(&uuid, &place, schema());
        assert_refused(&root.post(&route("t"), body).await, &place);
        for path in WRITE_PATHS {
            let mut body = create_commit(&uuid, &good, schema());
            body["updates"][9]["updates"] = json!({path: place});
            assert_refused(&root.post(&route("t"), body).await, &place);
        }
    }
    let mut body = create_commit(&uuid, &good, schema());
    let foreign = snapshot("file:///etc", 1, None);
    body["updates"]
        .as_array_mut()
        .unwrap()
        .push(json!({"action": "add-snapshot", "snapshot": foreign}));
    assert_refused(&root.post(&route("t"), body).await, "a foreign snapshot");
    let _ = root.head(&route("t")).await.expect(404);
    assert_eq!(files(&server).len(), 0);
}

#[tokio::test]
async fn an_unstructured_catalog_allows_any_place_within_its_own() {
    let unstructured = ("polaris.config.allow.unstructured.table.location", "true");
    let server = lake_with(&[], &[unstructured]).await;
    let root = server.root().await;
    let lake = server.location("lake");

    let _ = create_at(&root, "a", &format!("{lake}/elsewhere/a")).await.expect(200);
    for place in [format!("{lake}x/a"), format!("{lake}/../lakex"), "file:///etc/a".to_owned()] {
        assert_refused(&create_at(&root, "b", &place).await, &place);
    }
}

#[tokio::test]
async fn a_table_may_lie_neither_above_nor_below_nor_in_the_place_of_another() {
    let server = lake().await;
    let root = server.root().await;
    let sales = format!("{}/sales", server.location("lake"));
    let first = create_at(&root, "first", &format!("{sales}/x/t1")).await.expect(200).json();
    let before = files(&server);

    for place in ["x/t1", "x/t1/", "x/t1/inside", "x/t1/data/deep", "x"] {
        let location = format!("{sales}/{place}");
        let told = create_at(&root, "second", &location).await.error();
        assert!(told.starts_with("403 ForbiddenException: "), "{place} got {told}");
        assert!(told.contains("conflicts with existing table or namespace"), "{told}");
    }
    assert_eq!(files(&server), before);
    // What only begins alike is another place.
    for (number, place) in ["x/t1x", "x/t", "x/t1.d", "x/T1"].iter().enumerate() {
        let name = format!("other{number}");
        let _ = create_at(&root, &name, &format!("{sales}/{place}")).await.expect(200);
    }
    // Nor may one get there by a commit, staged or not.
    let inside = format!("{sales}/x/t1/inside");
    let uuid = uuid::Uuid::new_v4().to_string();
    let staged = root.post(&route("second"), create_commit(&uuid, &inside, schema())).await;
    assert!(staged.error().starts_with("403 "), "{}", staged.text());
    let moved = commit(json!([]), json!([{"action": "set-location", "location": inside}]));
    let moved = root.post(&route("other0"), moved).await;
    assert!(moved.error().starts_with("403 "), "{}", moved.text());
    assert_eq!(load(&root, "first").await, first);
}

#[tokio::test]
async fn a_table_may_not_overlap_one_of_another_namespace() {
    let unstructured = ("polaris.config.allow.unstructured.table.location", "true");
    let server = lake_with(&[], &[unstructured]).await;
    server.create_namespace("lake", "other").await;
    server.create_table("lake", "other", "t").await;
    let root = server.root().await;

    let location = format!("{}/other/t/inside", server.location("lake"));
    let told = create_at(&root, "t", &location).await.error();

    assert!(told.contains("conflicts with existing table or namespace"), "{told}");
}

#[tokio::test]
async fn tables_overlap_where_the_catalog_lets_them() {
    for property in
        ["polaris.config.allow.overlapping.table.location", "allow.overlapping.table.location"]
    {
        let server = lake_with(&[], &[(property, "true")]).await;
        let root = server.root().await;
        let place = format!("{}/sales/t", server.location("lake"));

        let _ = create_at(&root, "a", &place).await.expect(200);
        let _ = create_at(&root, "b", &place).await.expect(200);
        let _ = create_at(&root, "c", &format!("{place}/inside")).await.expect(200);
    }
}

#[tokio::test]
async fn a_table_may_not_write_into_the_place_of_another() {
    let server = lake().await;
    let victim = server.create_table("lake", "sales", "victim").await;
    server.create_table("lake", "sales", "t").await;
    let root = server.root().await;
    let place = text(&victim["metadata"]["location"]);

    // Credentials for these paths would reach the other table's files.
    for path in WRITE_PATHS {
        for place in [place.to_owned(), format!("{place}/metadata")] {
            let body = json!({"name": "new", "schema": schema(), "properties": {path: place}});
            let told = root.post(TABLES, body).await;
            assert_eq!(told.status.as_u16(), 403, "{path} {place}: {}", told.text());
            let told = root.post(&route("t"), set(json!({path: place}))).await;
            assert_eq!(told.status.as_u16(), 403, "{path} {place}: {}", told.text());
        }
    }
}

#[tokio::test]
async fn a_table_may_not_remove_the_metadata_of_another() {
    let server = lake().await;
    let victim = server.create_table("lake", "sales", "victim").await;
    let root = server.root().await;
    let cleaning = json!({
        "write.metadata.previous-versions-max": "1",
        "write.metadata.delete-after-commit.enabled": "true",
    });
    // The victim's folder as its own, the victim's file in its log, and a wish to clean up.
    let folder = format!("{}/metadata", text(&victim["metadata"]["location"]));
    let file = &victim["metadata-location"];
    let mut metadata = foreign_metadata(&server, "greedy");
    metadata["metadata-log"] =
        json!([{"metadata-file": file, "timestamp-ms": 1_755_000_000_000_i64}]);
    metadata["properties"] = cleaning.clone();
    metadata["properties"]["write.metadata.path"] = json!(folder);
    let file = write_metadata(&server, "greedy", "00001-x.metadata.json", &metadata.to_string());

    if register(&root, "greedy", &file).await.status.is_success() {
        commit_to(&root, "greedy", set(json!({"a": "b"}))).await;
    }

    // What another table cleans up after it is removed after it.
    let body = json!({"name": "tidy", "schema": schema(), "properties": cleaning});
    let tidy = create(&root, body).await;
    for value in ["1", "2"] {
        commit_to(&root, "tidy", set(json!({"a": value}))).await;
    }
    until_gone(&disk(text(&tidy["metadata-location"]))).await;
    assert!(disk(text(&victim["metadata-location"])).exists());
}

#[tokio::test]
async fn no_commit_brings_in_a_file_from_outside() {
    let server = lake().await;
    let made = server.create_table("lake", "sales", "t").await;
    let root = server.root().await;
    let own = text(&made["metadata"]["location"]);
    let statistics = |action: &str, member: &str, place: &str| {
        json!({"action": action, "snapshot-id": 1, member: {
            "snapshot-id": 1,
            "statistics-path": format!("{place}/stats.puffin"),
            "file-size-in-bytes": 1,
            "file-footer-size-in-bytes": 1,
            "blob-metadata": [],
        }})
    };
    let mut manifests = snapshot(own, 1, None);
    manifests.as_object_mut().unwrap().remove("manifest-list");
    manifests["manifests"] = json!([format!("{own}/m.avro"), "file:///etc/passwd"]);
    let lake = server.location("lake");
    for place in [
        "file:///etc".to_owned(),
        format!("{lake}x"),
        format!("{own}/../../.."),
        "s3://b/x".to_owned(),
    ] {
        for update in [
            json!({"action": "add-snapshot", "snapshot": snapshot(&place, 1, None)}),
            statistics("set-statistics", "statistics", &place),
            statistics("set-partition-statistics", "partition-statistics", &place),
        ] {
            let refused = root.post(&route("t"), commit(json!([]), json!([update]))).await;
            assert!(refused.error().starts_with("403 "), "{update} got {}", refused.text());
        }
    }
    let updates = json!([{"action": "add-snapshot", "snapshot": manifests}]);
    let refused = root.post(&route("t"), commit(json!([]), updates)).await;
    assert!(refused.status.is_client_error(), "{}", refused.text());
    let good = json!([{"action": "add-snapshot", "snapshot": snapshot(own, 1, None)}]);
    commit_to(&root, "t", commit(json!([]), good)).await;
}

/// Lets the catalog `lake` use only this folder of it from now on.
async fn tighten(server: &TestServer, folder: &str) {
    let root = server.root().await;
    let path = "/api/management/v1/catalogs/lake";
    let catalog = root.get(path).await.expect(200).json();
    let location = format!("{}/{folder}", server.location("lake"));
    let body = json!({
        "currentEntityVersion": catalog["entityVersion"],
        "properties": {"default-base-location": location},
        "storageConfigInfo": {"storageType": "FILE", "allowedLocations": [location]},
    });
    let _ = root.put(path, body).await.expect(200);
}

#[tokio::test]
async fn a_table_that_lies_where_its_catalog_may_not_reach_any_more_is_out_of_reach() {
    let server = lake().await;
    server.create_namespace("lake", "eu").await;
    let made = server.create_table("lake", "sales", "t").await;
    let tag = {
        let root = server.root().await;
        root.get(&route("t")).await.expect(200).header("ETag").expect("a tag").to_owned()
    };
    let before = files(&server);
    tighten(&server, "eu").await;
    let root = server.root().await;

    let told = format!(
        "403 ForbiddenException: Table 'sales.t' has locations outside the catalog's current \
         allowed locations: {}",
        text(&made["metadata"]["location"])
    );
    let transaction =
        json!({"table-changes": [crate::fixtures::change("t", json!([]), json!([]))]});
    for answer in [
        root.get(&route("t")).await,
        root.with_header("If-None-Match", &tag).get(&route("t")).await,
        root.post(&route("t"), set(json!({"a": "b"}))).await,
        root.post(crate::fixtures::TRANSACTIONS, transaction).await,
    ] {
        assert!(answer.error().starts_with(&told), "{}", answer.text());
    }
    assert_refused(&create_at(&root, "new", text(&made["metadata"]["location"])).await, "again");
    assert_eq!(files(&server), before);
    // It can still be dropped.
    let _ = root.delete(&route("t")).await.expect(204);
}

#[tokio::test]
async fn the_tables_of_another_catalog_cannot_be_registered() {
    let server = lake().await;
    server.create_catalog("vault").await;
    server.create_namespace("vault", "secret").await;
    let theirs = server.create_table("vault", "secret", "t").await;
    let root = server.root().await;

    let refused = register(&root, "t", text(&theirs["metadata-location"])).await;

    assert!(refused.error().starts_with("403 ForbiddenException: "), "{}", refused.text());
    let mut metadata = foreign_metadata(&server, "t");
    metadata["location"] = theirs["metadata"]["location"].clone();
    let location = write_metadata(&server, "t", "00000-x.metadata.json", &metadata.to_string());
    let refused = register(&root, "t", &location).await;
    assert!(refused.error().starts_with("403 ForbiddenException: "), "{}", refused.text());
}

#[tokio::test]
async fn a_link_in_the_warehouse_leads_nowhere() {
    let server = lake().await;
    let root = server.root().await;
    let sales = disk(&format!("{}/sales", server.location("lake")));
    let outside = server.folder().join("outside");
    let metadata = foreign_metadata(&server, "link");
    write(&outside.join("metadata/00000-x.metadata.json"), &metadata.to_string());
    std::fs::create_dir_all(&sales).unwrap();
    symlink(&outside, sales.join("link")).unwrap();
    let before = files(&server);

    let location = format!("{}/metadata/00000-x.metadata.json", text(&metadata["location"]));
    let read = register(&root, "read", &location).await;
    assert!(read.error().starts_with("403 "), "{}", read.text());
    let written = create_at(&root, "written", text(&metadata["location"])).await;
    assert!(written.error().starts_with("403 "), "{}", written.text());

    assert_eq!(files(&server), before);
    let listed: Value = root.get(TABLES).await.expect(200).json();
    assert_eq!(listed["identifiers"], json!([]));
}

#[tokio::test]
async fn a_link_put_in_place_later_leads_nowhere_either() {
    let server = lake().await;
    let made = server.create_table("lake", "sales", "t").await;
    let root = server.root().await;
    let outside = server.folder().join("outside");
    std::fs::create_dir_all(&outside).unwrap();
    let folder = disk(text(&made["metadata"]["location"])).join("metadata");
    std::fs::rename(&folder, outside.join("metadata")).unwrap();
    symlink(outside.join("metadata"), &folder).unwrap();
    let before = files(&server);

    let refused = root.post(&route("t"), set(json!({"a": "b"}))).await;

    assert!(refused.error().starts_with("403 "), "{}", refused.text());
    assert_eq!(files(&server), before);
}
