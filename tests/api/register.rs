//! Tables made of metadata files that are there.

use merak_model::entity::WRITE_PATHS;
use merak_tests::schema;
use serde_json::{Value, json};

use crate::fixtures::{
    REGISTER, TABLES, commit_to, disk, files, foreign_metadata, lake, lake_with, load, register,
    route, set, snapshot, text, write, write_metadata,
};

#[tokio::test]
async fn a_registered_file_becomes_a_table_and_stays_as_it_is() {
    let server = lake().await;
    let root = server.root().await;
    let metadata = foreign_metadata(&server, "t");
    let content = metadata.to_string();
    let location = write_metadata(&server, "t", "00041-x.metadata.json", &content);

    let answer = register(&root, "t", &location).await.expect(200);

    assert_eq!(answer.json()["metadata-location"], location);
    assert_eq!(answer.json()["metadata"], metadata);
    let loaded = root.get(&route("t")).await.expect(200);
    assert_eq!(answer.header("ETag"), loaded.header("ETag"));
    assert_eq!(loaded.body, answer.body);
    assert_eq!(std::fs::read_to_string(disk(&location)).unwrap(), content);
    assert_eq!(files(&server), [disk(&location)]);

    let committed = commit_to(&root, "t", set(json!({"a": "b"}))).await;
    assert!(text(&committed["metadata-location"]).contains("/00042-"), "{committed}");
}

#[tokio::test]
async fn a_dropped_table_is_registered_again_with_its_history() {
    let server = lake().await;
    let root = server.root().await;
    server.create_table("lake", "sales", "t").await;
    let last = commit_to(&root, "t", set(json!({"a": "b"}))).await;
    let _ = root.delete(&route("t")).await.expect(204);

    let again = register(&root, "back", text(&last["metadata-location"])).await.expect(200).json();

    assert_eq!(again["metadata"], last["metadata"]);
    assert_eq!(load(&root, "back").await, again);
}

#[tokio::test]
async fn compressed_files_are_registered_under_either_name() {
    use std::io::Write as _;

    let server = lake().await;
    let root = server.root().await;
    for (table, name) in [("a", "00000-x.gz.metadata.json"), ("b", "00000-x.metadata.json.gz")] {
        let metadata = foreign_metadata(&server, table);
        let location = write_metadata(&server, table, name, "");
        let mut file = flate2::write::GzEncoder::new(
            std::fs::File::create(disk(&location)).unwrap(),
            flate2::Compression::default(),
        );
        file.write_all(metadata.to_string().as_bytes()).unwrap();
        file.finish().unwrap();

        let made = register(&root, table, &location).await.expect(200).json();
        assert_eq!(made["metadata"], metadata);
    }
}

#[tokio::test]
async fn a_name_that_is_taken_is_refused_unless_it_is_to_be_replaced() {
    let server = lake().await;
    let root = server.root().await;
    let made = server.create_table("lake", "sales", "t").await;
    let newest = commit_to(&root, "t", set(json!({"a": "b"}))).await;
    let first = text(&made["metadata-location"]);

    assert_eq!(
        register(&root, "t", first).await.error(),
        "409 AlreadyExistsException: Table already exists: sales.t"
    );
    assert_eq!(load(&root, "t").await["metadata"], newest["metadata"]);

    let body = json!({"name": "t", "metadata-location": first, "overwrite": true});
    let replaced = root.post(REGISTER, body).await.expect(200).json();
    assert_eq!(replaced, made);
    assert_eq!(load(&root, "t").await, made);
    let committed = commit_to(&root, "t", set(json!({"c": "d"}))).await;
    assert_eq!(committed["metadata"]["properties"].get("a"), None);
}

#[tokio::test]
async fn replacing_works_where_there_is_nothing_to_replace() {
    let server = lake().await;
    let root = server.root().await;
    let content = foreign_metadata(&server, "t").to_string();
    let location = write_metadata(&server, "t", "00000-x.metadata.json", &content);

    let body = json!({"name": "t", "metadata-location": location, "overwrite": true});
    let _ = root.post(REGISTER, body).await.expect(200);

    assert_eq!(load(&root, "t").await["metadata-location"], location);
}

#[tokio::test]
async fn a_table_keeps_its_uuid_when_its_metadata_is_replaced() {
    let server = lake().await;
    let root = server.root().await;
    let made = server.create_table("lake", "sales", "t").await;
    // Another table's metadata: whoever holds the table open would refuse to read it.
    let content = foreign_metadata(&server, "t").to_string();
    let location = write_metadata(&server, "t", "00007-x.metadata.json", &content);

    let body = json!({"name": "t", "metadata-location": location, "overwrite": true});
    let refused = root.post(REGISTER, body).await;

    assert!(refused.status.is_client_error(), "{}", refused.text());
    assert_eq!(load(&root, "t").await, made);
}

#[tokio::test]
async fn a_namespace_that_is_missing_is_named() {
    let server = lake().await;
    let root = server.root().await;
    let location = format!("{}/nope/t/metadata/x.metadata.json", server.location("lake"));

    let body = json!({"name": "t", "metadata-location": location});
    let refused = root.post("/api/catalog/v1/lake/namespaces/nope/register", body).await;

    assert_eq!(refused.error(), "404 NoSuchNamespaceException: Namespace does not exist: nope");
}

#[tokio::test]
async fn a_file_that_is_missing_is_named() {
    let server = lake().await;
    let root = server.root().await;
    let location = format!("{}/sales/t/metadata/x.metadata.json", server.location("lake"));

    assert_eq!(
        register(&root, "t", &location).await.error(),
        format!("404 NotFoundException: Failed to open input stream for file: {location}")
    );
}

#[tokio::test]
async fn a_file_that_is_no_metadata_is_refused() {
    let server = lake().await;
    let root = server.root().await;
    let good = foreign_metadata(&server, "t");
    let but = |member: &str, value: Value| {
        let mut metadata = good.clone();
        metadata[member] = value;
        metadata.to_string()
    };
    let without = |member: &str| {
        let mut metadata = good.clone();
        metadata.as_object_mut().unwrap().remove(member);
        metadata.to_string()
    };
    for (number, content) in [
        String::new(),
        "no json".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        good.to_string()[..200].to_owned(),
        but("format-version", json!(9)),
        but("location", json!(7)),
        but("current-schema-id", json!(7)),
        but("default-spec-id", json!(7)),
        but("current-snapshot-id", json!(7)),
        but("refs", json!({"main": {"type": "branch", "snapshot-id": 7}})),
        but("schemas", json!([{"type": "struct", "schema-id": 0, "fields": [{"name": "x"}]}])),
        without("location"),
        without("table-uuid"),
        without("schemas"),
        without("last-updated-ms"),
    ]
    .into_iter()
    .enumerate()
    {
        let location =
            write_metadata(&server, "t", &format!("{number:05}-x.metadata.json"), &content);
        let refused = register(&root, "t", &location).await;
        assert!(refused.error().starts_with("400 "), "{content} got {}", refused.text());
    }
    for location in ["", "x", "s3://", "/"] {
        let refused = register(&root, "t", location).await;
        assert!(refused.status.is_client_error(), "{location:?} got {}", refused.text());
    }
    assert_eq!(root.get(TABLES).await.expect(200).json()["identifiers"], json!([]));
}

#[tokio::test]
async fn a_file_outside_the_catalog_is_refused_unread() {
    let server = lake().await;
    let root = server.root().await;
    let outside = server.folder().join("outside/00000-x.metadata.json");
    write(&outside, &foreign_metadata(&server, "t").to_string());

    let location = format!("file://{}", outside.display());
    let told = register(&root, "t", &location).await.error();
    // Whether there is such a file is nobody's business.
    let missing = format!("file://{}/outside/missing.json", server.folder().display());
    let told_of_none = register(&root, "t", &missing).await.error();

    for told in [&told, &told_of_none] {
        assert!(told.starts_with("403 ForbiddenException: Invalid locations '["), "{told}");
    }
    assert_eq!(told.replace(&location, ""), told_of_none.replace(&missing, ""));
}

#[tokio::test]
async fn metadata_that_names_places_outside_the_catalog_is_refused() {
    let server = lake().await;
    let root = server.root().await;
    let outside = format!("file://{}/outside", server.folder().display());
    let good = foreign_metadata(&server, "t");
    let with_snapshot = |snapshot: Value| {
        let mut metadata = good.clone();
        metadata["last-sequence-number"] = json!(1);
        metadata["current-snapshot-id"] = json!(1);
        metadata["snapshots"] = json!([snapshot]);
        metadata
    };
    let statistics = |member: &str| {
        let location = text(&good["location"]);
        let mut metadata = with_snapshot(snapshot(location, 1, None));
        metadata[member] = json!([{
            "snapshot-id": 1,
            "statistics-path": format!("{outside}/stats.puffin"),
            "file-size-in-bytes": 1,
            "file-footer-size-in-bytes": 1,
            "blob-metadata": [],
        }]);
        metadata
    };
    let mut elsewhere = good.clone();
    elsewhere["location"] = json!(outside);
    let writing = WRITE_PATHS.map(|path| {
        let mut metadata = good.clone();
        metadata["properties"] = json!({path: outside});
        metadata
    });
    for (number, metadata) in [
        elsewhere,
        with_snapshot(snapshot(&outside, 1, None)),
        statistics("statistics"),
        statistics("partition-statistics"),
    ]
    .iter()
    .chain(&writing)
    .enumerate()
    {
        let name = format!("{number:05}-x.metadata.json");
        let location = write_metadata(&server, "t", &name, &metadata.to_string());
        let told = register(&root, "t", &location).await.error();
        assert!(told.starts_with("403 ForbiddenException: Invalid locations '["), "{told}");
    }
}

#[tokio::test]
async fn a_file_must_be_the_tables_own_unless_that_is_switched_off() {
    let off = ("polaris.config.allow.external.metadata.file.location", "true");
    for (properties, allowed) in [(&[][..], false), (&[off][..], true)] {
        let server = lake_with(&[], properties).await;
        let root = server.root().await;
        let metadata = foreign_metadata(&server, "t");
        let location =
            write_metadata(&server, "other", "00000-x.metadata.json", &metadata.to_string());

        let answer = register(&root, "t", &location).await;

        if allowed {
            let _ = answer.expect(200);
        } else {
            assert_eq!(
                answer.error(),
                format!(
                    "400 BadRequestException: Metadata location {location} is not allowed outside \
                     of table location {}",
                    text(&metadata["location"])
                )
            );
        }
    }
}

#[tokio::test]
async fn a_registered_table_may_not_lie_in_another() {
    let server = lake().await;
    let root = server.root().await;
    let body = json!({
        "name": "first",
        "schema": schema(),
        "location": format!("{}/sales/t", server.location("lake")),
    });
    let _ = root.post(TABLES, body).await.expect(200);
    let content = foreign_metadata(&server, "t").to_string();
    let location = write_metadata(&server, "t", "00000-x.metadata.json", &content);

    let told = register(&root, "second", &location).await.error();

    assert!(told.starts_with("403 ForbiddenException: "), "{told}");
    assert!(told.contains("conflicts with existing table or namespace"), "{told}");
    assert!(disk(&location).exists());
}
