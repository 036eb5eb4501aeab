//! Notifications that arrive late, or twice.

use merak_model::Privilege;
use serde_json::json;

use super::{facade, notification, tell, version};
use crate::fixtures::{foreign_metadata, load, route};

const TOO_LATE: &str = "409 AlreadyExistsException: A notification with a newer timestamp has been \
                        processed for table sales.t";

#[tokio::test]
async fn what_is_not_newer_is_refused() {
    let server = facade().await;
    let root = server.root().await;
    let metadata = foreign_metadata(&server, "t");
    let newest = version(&server, &metadata, 1);
    let _ = tell(&root, "t", notification("CREATE", 100, &newest)).await.expect(204);
    let before = load(&root, "t").await;
    let other = version(&server, &metadata, 2);

    for kind in ["CREATE", "UPDATE"] {
        for timestamp in [100, 99, 0, -1, i64::MIN] {
            let refused = tell(&root, "t", notification(kind, timestamp, &other)).await;
            assert_eq!(refused.error(), TOO_LATE, "{kind} at {timestamp}");
        }
    }
    assert_eq!(load(&root, "t").await, before);

    let _ = tell(&root, "t", notification("UPDATE", 101, &other)).await.expect(204);
    assert_eq!(load(&root, "t").await["metadata-location"], other);
    // The file that is there already is as good as another: it is newer that the table is so.
    let _ = tell(&root, "t", notification("UPDATE", 102, &other)).await.expect(204);
    assert_eq!(tell(&root, "t", notification("UPDATE", 102, &newest)).await.error(), TOO_LATE);
}

#[tokio::test]
async fn the_last_of_all_times_is_a_time() {
    let server = facade().await;
    let root = server.root().await;
    let location = version(&server, &foreign_metadata(&server, "t"), 1);
    for timestamp in [i64::MIN, i64::MAX] {
        let _ = tell(&root, "t", notification("UPDATE", timestamp, &location)).await.expect(204);
    }

    let refused = tell(&root, "t", notification("UPDATE", i64::MAX, &location)).await;

    assert_eq!(refused.error(), TOO_LATE);
}

#[tokio::test]
async fn one_that_failed_is_not_remembered() {
    let server = facade().await;
    let root = server.root().await;
    let metadata = foreign_metadata(&server, "t");
    let first = version(&server, &metadata, 1);
    let _ = tell(&root, "t", notification("CREATE", 1, &first)).await.expect(204);

    let missing = first.replace("00001-", "00009-");
    let _ = tell(&root, "t", notification("UPDATE", 9, &missing)).await.expect(404);

    let second = version(&server, &metadata, 2);
    let _ = tell(&root, "t", notification("UPDATE", 2, &second)).await.expect(204);
    assert_eq!(load(&root, "t").await["metadata-location"], second);
}

#[tokio::test]
async fn tables_have_times_of_their_own_and_forget_them_when_they_are_dropped() {
    let server = facade().await;
    let root = server.root().await;
    for table in ["t", "u"] {
        let location = version(&server, &foreign_metadata(&server, table), 1);
        let timestamp = if table == "t" { 100 } else { 1 };
        let _ = tell(&root, table, notification("CREATE", timestamp, &location)).await.expect(204);
    }
    let _ = tell(&root, "t", json!({"notification-type": "DROP"})).await.expect(204);

    let location = version(&server, &foreign_metadata(&server, "t"), 2);
    let _ = tell(&root, "t", notification("CREATE", 1, &location)).await.expect(204);

    assert_eq!(load(&root, "t").await["metadata-location"], location);
}

#[tokio::test]
async fn a_table_that_its_owner_made_anew_is_another_one_here_too() {
    let server = facade().await;
    let root = server.root().await;
    let first = version(&server, &foreign_metadata(&server, "t"), 1);
    let _ = tell(&root, "t", notification("CREATE", 5, &first)).await.expect(204);
    let ana = server.principal("ana").await;
    let privilege = Privilege::TableReadProperties;
    server.grant("ana", privilege, "lake", Some("sales"), Some("t")).await;
    let _ = ana.get(&route("t")).await.expect(200);

    // Another table's metadata, in the same place. Nobody said that the first one was dropped.
    let metadata = foreign_metadata(&server, "t");
    let second = version(&server, &metadata, 2);
    assert_eq!(tell(&root, "t", notification("UPDATE", 5, &second)).await.error(), TOO_LATE);
    let _ = ana.get(&route("t")).await.expect(200);
    let _ = tell(&root, "t", notification("UPDATE", 6, &second)).await.expect(204);

    let loaded = load(&root, "t").await;
    assert_eq!(loaded["metadata"]["table-uuid"], metadata["table-uuid"]);
    // What was granted on the first is not granted on the second.
    let _ = ana.get(&route("t")).await.expect(403);
    let third = version(&server, &metadata, 3);
    assert_eq!(tell(&root, "t", notification("UPDATE", 6, &third)).await.error(), TOO_LATE);
    let _ = tell(&root, "t", notification("UPDATE", 7, &third)).await.expect(204);
}
