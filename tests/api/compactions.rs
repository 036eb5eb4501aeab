//! Compactions that are in the way of other commits.

use serde_json::json;

use crate::fixtures::{append, commit_to, lake_with, load, route};

#[tokio::test]
async fn a_compaction_that_allows_it_is_rolled_back_where_the_flag_is_on() {
    let flag = "polaris.config.rollback.compaction.on-conflicts.enabled";
    for (properties, status) in [(&[][..], 409), (&[(flag, "true")][..], 200)] {
        let server = lake_with(&[], properties).await;
        let made = server.create_table("lake", "sales", "orders").await;
        let root = server.root().await;
        commit_to(&root, "orders", append(&made, 1, None)).await;
        let mut compaction = append(&made, 2, Some(1));
        compaction["updates"][0]["snapshot"]["summary"] = json!({
            "operation": "replace",
            "polaris.internal.conflict-resolution.by-operation-type.replace": "rollback",
        });
        commit_to(&root, "orders", compaction).await;

        // A writer that began before the compaction.
        let answer = root.post(&route("orders"), append(&made, 3, Some(1))).await.expect(status);

        let table = load(&root, "orders").await;
        let current = table["metadata"]["current-snapshot-id"].as_i64();
        assert_eq!(current, Some(if status == 200 { 3 } else { 2 }));
        let snapshots = table["metadata"]["snapshots"].as_array().unwrap();
        assert_eq!(snapshots.len(), 2, "{snapshots:?}");
        if status == 409 {
            let told = answer.error();
            assert_eq!(
                told,
                "409 CommitFailedException: Requirement failed: branch main has changed: expected id 1 != 2",
            );
        }
    }
}
