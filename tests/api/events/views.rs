//! Events of views, and of notifications.

use super::*;
use crate::fixtures::{RENAME, foreign_metadata, load, route as table_route, text, write_metadata};
use crate::views::{REGISTER, VIEWS, draft, replacing, route};

const RENAME_VIEW: &str = "/api/catalog/v1/lake/views/rename";

#[tokio::test]
async fn a_view_leaves_an_event_of_each_change() {
    let server = lake().await;

    let made = left_by(&server, 200, post(VIEWS, draft("v"))).await;

    assert_eq!(lines(&made), ["AFTER_CREATE_VIEW VIEW lake sales.v"]);
    let replaced = left_by(&server, 200, post(&route("v"), replacing("select 2"))).await;
    assert_eq!(lines(&replaced), ["AFTER_REPLACE_VIEW VIEW lake sales.v"]);
    let (before, after) = (attributes(&made[0]), attributes(&replaced[0]));
    assert_eq!(after["previous_metadata_location"], before["metadata_location"]);
    assert_eq!(after["view_uuid"], before["view_uuid"]);
    assert_eq!(after["view_current_version_id"], "2");
    let renamed = json!({"source": ident("v"), "destination": ident("w")});
    let renamed = left_by(&server, 204, post(RENAME_VIEW, renamed)).await;
    assert_eq!(lines(&renamed), ["AFTER_RENAME_VIEW VIEW lake sales.w"]);
    assert_eq!(attributes(&renamed[0])["rename_source"], "sales.v");
    let expected = ["AFTER_DROP_VIEW VIEW lake sales.w"];
    assert_left(&server, 204, delete(&route("w")), &expected).await;
    let body = json!({"name": "again", "metadata-location": after["metadata_location"]});
    let expected = ["AFTER_REGISTER_VIEW VIEW lake sales.again"];
    assert_left(&server, 200, post(REGISTER, body), &expected).await;
    let taken = json!({"source": ident("again"), "destination": ident("again")});
    assert_left(&server, 409, post(RENAME_VIEW, taken), &[]).await;
    let none = json!({"source": ident("none"), "destination": ident("other")});
    assert_left(&server, 404, post(RENAME, none), &[]).await;
}

#[tokio::test]
async fn a_notification_leaves_its_event_and_those_of_what_it_makes() {
    let server = TestServer::start_with(&[KEPT]).await;
    server.create_catalog_of("EXTERNAL", "lake", &[]).await;
    let metadata = foreign_metadata(&server, "t");
    let file = |number: u32| {
        let name = format!("{number:05}-x.metadata.json");
        write_metadata(&server, "t", &name, &metadata.to_string())
    };
    let path = format!("{}/notifications", table_route("t"));
    let tell = |kind: &str, timestamp: i64, location: &str| {
        json!({"notification-type": kind, "payload": {
            "table-name": "t", "timestamp": timestamp, "metadata-location": location,
            "table-uuid": metadata["table-uuid"],
        }})
    };
    let (one, two) = (file(1), file(2));

    let made = left_by(&server, 204, post(&path, tell("CREATE", 1, &one))).await;
    let changed = left_by(&server, 204, post(&path, tell("UPDATE", 2, &two))).await;
    assert_left(&server, 409, post(&path, tell("UPDATE", 1, &one)), &[]).await;
    let there = load(&server.root().await, "t").await;
    let dropped = left_by(&server, 204, post(&path, tell("DROP", 3, &two))).await;
    assert_left(&server, 204, post(&path, tell("DROP", 4, &two)), &[]).await;

    let sent = "AFTER_SEND_NOTIFICATION REALM lake sales.t";
    assert_eq!(
        lines(&made),
        [
            "AFTER_CREATE_NAMESPACE NAMESPACE lake sales",
            "AFTER_CREATE_TABLE TABLE lake sales.t",
            sent,
        ]
    );
    assert_eq!(lines(&changed), ["AFTER_UPDATE_TABLE TABLE lake sales.t", sent]);
    assert_eq!(text(&there["metadata-location"]), two);
    assert_eq!(attributes(&changed[0])["metadata_location"], json!(two));
    assert_eq!(attributes(&changed[0])["previous_metadata_location"], json!(one));
    assert_eq!(lines(&dropped), ["AFTER_DROP_TABLE TABLE lake sales.t", sent]);
}
