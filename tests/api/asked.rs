//! What the client of a new table says itself, and then compares with what it gets.

use serde_json::json;

use merak_tests::schema;

use crate::fixtures::{TABLES, create, lake};

#[tokio::test]
async fn a_creation_time_that_the_client_says_is_kept() {
    let server = lake().await;
    let root = server.root().await;
    let said = "2022-02-25T00:38:19";

    for stage in [true, false] {
        let properties = json!({"created-at": said});
        let body = json!({"name": "orders", "schema": schema(), "stage-create": stage, "properties": properties});
        let made = create(&root, body).await;

        assert_eq!(made["metadata"]["properties"]["created-at"], said);
    }
}

#[tokio::test]
async fn a_location_is_spelled_as_it_was_asked_for() {
    let server = lake().await;
    let root = server.root().await;
    let place = format!("{}/sales/orders", server.location("lake"));
    let asked = place.replace("file:///", "file:/");

    let made =
        create(&root, json!({"name": "orders", "schema": schema(), "location": asked})).await;

    assert_eq!(made["metadata"]["location"], asked);
    let same = json!({"name": "other", "schema": schema(), "location": place});
    let _ = root.post(TABLES, same).await.expect(403);
}
