//! Where tables and views lie that say nothing, as the flags have it.

use merak_tests::{schema, view_version};
use serde_json::json;

use crate::fixtures::{
    TABLES, create, disk, foreign_metadata, lake_with, load, register, text, write_metadata,
};

const SPREAD: (&str, &str) =
    ("polaris.config.default-table-location-object-storage-prefix.enabled", "true");
const UNSTRUCTURED: (&str, &str) = ("polaris.config.allow.unstructured.table.location", "true");
const VIEWS: &str = "/api/catalog/v1/lake/namespaces/sales/views";

#[tokio::test]
async fn tables_are_spread_over_folders_named_after_a_hash() {
    let server = lake_with(&[], &[SPREAD, UNSTRUCTURED]).await;
    let root = server.root().await;

    let made = create(&root, json!({"name": "größe 1", "schema": schema()})).await;

    let location = text(&made["metadata"]["location"]);
    let base = format!("{}/", server.location("lake"));
    let path = location.strip_prefix(&base).expect("it is in the catalog");
    let (folders, name) = path.split_at(24);
    assert_eq!(name, "sales/gr%C3%B6%C3%9Fe+1");
    assert!(folders.chars().all(|c| matches!(c, '0' | '1' | '/')), "{folders}");
    assert!(disk(text(&made["metadata-location"])).exists());
    assert_eq!(load(&root, "größe%201").await, made);
    // Another name, another place.
    let other = create(&root, json!({"name": "t", "schema": schema()})).await;
    assert!(!text(&other["metadata"]["location"]).starts_with(&format!("{base}{folders}")));
}

#[tokio::test]
async fn tables_that_may_not_lie_outside_their_namespace_are_not_spread() {
    let server = lake_with(&[], &[SPREAD]).await;
    let root = server.root().await;

    let refused = root.post(TABLES, json!({"name": "t", "schema": schema()})).await.error();

    assert!(refused.starts_with("400 BadRequestException: "), "{refused}");
    assert!(refused.ends_with("needs ALLOW_UNSTRUCTURED_TABLE_LOCATION"), "{refused}");
    // One that says where it lies needs no default.
    let location = format!("{}/sales/t", server.location("lake"));
    let _ = create(&root, json!({"name": "t", "schema": schema(), "location": location})).await;
}

#[tokio::test]
async fn a_metadata_file_may_lie_elsewhere_under_either_name_of_the_flag() {
    for flag in [
        "polaris.config.allow.external.metadata.file.location",
        "polaris.config.allow.external.table.location",
        "allow.external.table.location",
    ] {
        for (value, status) in [("true", 200), ("false", 400)] {
            let server = lake_with(&[], &[(flag, value)]).await;
            let metadata = foreign_metadata(&server, "t").to_string();
            let file = write_metadata(&server, "elsewhere", "v1.metadata.json", &metadata);

            let answer = register(&server.root().await, "t", &file).await;

            assert_eq!(answer.status.as_u16(), status, "{flag}={value}: {}", answer.text());
        }
    }
}

#[tokio::test]
async fn views_may_lie_where_tables_do_only_if_nobody_is_to_look() {
    let flag = "polaris.behavior-changes.\"VALIDATE_VIEW_LOCATION_OVERLAP\"";
    for (value, status) in [("true", 403), ("false", 200)] {
        let server = lake_with(&[(flag, value)], &[]).await;
        let root = server.root().await;
        let made = create(&root, json!({"name": "t", "schema": schema()})).await;
        let view = json!({
            "name": "v", "schema": schema(), "view-version": view_version("select 1"),
            "properties": {}, "location": format!("{}/v", text(&made["metadata"]["location"])),
        });

        let answer = root.post(VIEWS, view).await;

        assert_eq!(answer.status.as_u16(), status, "{value}: {}", answer.text());
    }
}
