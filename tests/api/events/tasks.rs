//! Events of work in the background.

use super::*;
use crate::fixtures::{disk, route, text};

#[tokio::test]
async fn a_purge_leaves_the_event_of_its_drop_and_one_of_each_attempt() {
    let server = lake_with(&[("polaris.features.\"DROP_WITH_PURGE_ENABLED\"", "true")]).await;
    let t = server.create_table("lake", "sales", "t").await;
    // Whoever has files removed must be one who may write them.
    let root = server.root().await;
    let path = "/api/management/v1/catalogs/lake/catalog-roles/catalog_admin/grants";
    let grant = json!({"type": "catalog", "privilege": "CATALOG_MANAGE_CONTENT"});
    let _ = root.put(path, grant).await.expect(201);
    let path = format!("{}?purgeRequested=true", route("t"));

    let dropped = left_by(&server, 204, delete(&path)).await;

    assert_eq!(lines(&dropped), ["AFTER_DROP_TABLE TABLE lake sales.t"]);
    assert_eq!(attributes(&dropped[0])["purge_requested"], true);
    let before = newest(&server).await;
    assert_eq!(server.parts.service.run_due_tasks().await.unwrap(), 1);
    assert!(!disk(text(&t["metadata-location"])).exists());
    let attempts = events_after(&server, before).await;
    assert_eq!(lines(&attempts), ["AFTER_ATTEMPT_TASK REALM lake sales.t"]);
    assert_eq!((&attempts[0].principal, &attempts[0].request_id), (&None, &None));
    let said = attributes(&attempts[0]);
    assert_eq!(
        (&said["task_kind"], &said["task_attempt"], &said["task_success"]),
        (&json!("purge-table"), &json!(1), &json!(true))
    );
}
