//! Answers that show a table whose metadata is not where it was.

use merak_tests::schema;
use serde_json::json;

use super::{fresh_key, keyed, post, whole};
use crate::fixtures::{TABLES, disk, lake_with, load, route, set, text};

/// A memory in which nothing fits: metadata is always read.
const NO_MEMORY: (&str, &str) = ("merak.metadata.cache-max-bytes", "1");

#[tokio::test]
async fn metadata_that_is_not_at_hand_any_more_is_read_from_its_file() {
    let server = lake_with(&[NO_MEMORY], &[]).await;
    let root = server.root().await;
    let who = keyed(&root, &fresh_key());
    let request = post(TABLES, json!({"name": "t", "schema": schema()}));
    let first = request.send(&who).await.expect(200);
    let _ = root.post(&route("t"), set(json!({"a": "b"}))).await.expect(200);

    assert_eq!(whole(&request.send(&who).await), whole(&first));
}

#[tokio::test]
async fn where_the_file_is_gone_the_table_is_shown_as_it_is() {
    let server = lake_with(&[NO_MEMORY], &[]).await;
    let root = server.root().await;
    let create = post(TABLES, json!({"name": "t", "schema": schema()}));
    let who = keyed(&root, &fresh_key());
    let made = create.send(&who).await.expect(200).json();
    let committing = keyed(&root, &fresh_key());
    let commit = post(&route("t"), set(json!({"a": "b"})));
    let committed = commit.send(&committing).await.expect(200).json();
    let _ = root.post(&route("t"), set(json!({"a": "c"}))).await.expect(200);
    for gone in [&made, &committed] {
        std::fs::remove_file(disk(text(&gone["metadata-location"]))).unwrap();
    }

    let now = load(&root, "t").await;
    let created = create.send(&who).await.expect(200).json();
    assert_eq!(created, now);
    let committed = commit.send(&committing).await.expect(200).json();
    assert_eq!(committed["metadata"], now["metadata"]);
    assert_eq!(committed["metadata-location"], now["metadata-location"]);

    let _ = root.delete(&route("t")).await.expect(204);
    let _ = commit.send(&committing).await.expect(404);
}

#[tokio::test]
async fn what_is_no_longer_the_catalogs_is_not_read() {
    let server = lake_with(&[NO_MEMORY], &[]).await;
    let root = server.root().await;
    let create = post(TABLES, json!({"name": "t", "schema": schema()}));
    let who = keyed(&root, &fresh_key());
    let _ = create.send(&who).await.expect(200);
    let catalogs = "/api/management/v1/catalogs";
    for path in [route("t"), "/api/catalog/v1/lake/namespaces/sales".to_owned()] {
        let _ = root.delete(&path).await.expect(204);
    }
    let _ = root.delete(&format!("{catalogs}/lake")).await.expect(204);
    // Another catalog of that name, which lies elsewhere.
    let elsewhere = server.location("elsewhere");
    let body = json!({"catalog": {
        "name": "lake",
        "type": "INTERNAL",
        "properties": {"default-base-location": elsewhere},
        "storageConfigInfo": {"storageType": "FILE", "allowedLocations": [elsewhere]},
    }});
    let _ = root.post(catalogs, body).await.expect(201);

    let _ = create.send(&who).await.expect(404);
}
