//! No event tells a secret, nor what may be one.

use merak_tests::schema;

use super::management::RESETS;
use super::*;
use crate::access::{Credentials, PRINCIPALS};
use crate::fixtures::{TABLES, route, set};
use crate::views::VIEWS;

#[tokio::test]
async fn credentials_are_in_no_event() {
    let server = TestServer::start_with(&[KEPT, RESETS]).await;
    let root = server.root().await;
    let made = root.post(PRINCIPALS, json!({"name": "ana"})).await.expect(201);
    let first = Credentials::of(&made);
    let ana = first.log_in(&server).await;
    let rotated = ana.post(&format!("{PRINCIPALS}/ana/rotate"), json!({})).await.expect(200);
    let second = Credentials::of(&rotated);
    let chosen = json!({"clientId": "chosen-id", "clientSecret": "chosen-secret-of-ana"});
    let _ = root.post(&format!("{PRINCIPALS}/ana/reset"), chosen).await.expect(200);

    let events = events_after(&server, None).await;

    let rotation = "AFTER_ROTATE_CREDENTIALS REALM - ana";
    let rotation = events.iter().find(|event| line(event) == rotation).expect("a rotation");
    assert_eq!(rotation.principal.as_deref(), Some("ana"));
    assert_eq!(events.len(), 3, "{:?}", lines(&events));
    let told = format!("{events:?}");
    for secret in [&*first.secret, &*second.secret, "chosen-secret-of-ana"] {
        assert!(!told.contains(secret), "{told}");
    }
}

#[tokio::test]
async fn properties_are_in_no_event() {
    let server = lake().await;
    let root = server.root().await;
    let hidden = json!({"password": "hunter2"});
    let mut view = crate::views::draft("v");
    view["properties"] = hidden.clone();
    for (path, body) in [
        (TABLES, json!({"name": "t", "schema": schema(), "properties": hidden})),
        (&*route("t"), set(json!({"other-password": "hunter2"}))),
        (VIEWS, view),
        ("/api/catalog/v1/lake/namespaces", json!({"namespace": ["x"], "properties": hidden})),
        ("/api/catalog/v1/lake/namespaces/x/properties", json!({"updates": {"p": "hunter2 too"}})),
        (
            crate::generic_tables::GENERIC_TABLES,
            json!({"name": "g", "format": "delta", "doc": "hunter2", "properties": hidden}),
        ),
    ] {
        let _ = root.post(path, body).await.expect(200);
    }
    let update = json!({"currentEntityVersion": 1, "properties": hidden});
    let _ = root.put("/api/management/v1/catalogs/lake", update).await.expect(200);

    let events = events_after(&server, None).await;

    assert!(events.len() >= 9, "{:?}", lines(&events));
    let told = format!("{events:?}");
    assert!(!told.contains("hunter2"), "{told}");
}

#[tokio::test]
async fn attributes_that_are_denied_are_not_kept() {
    let denied = ("polaris.event-listener.denylisted-attributes", "table_location,table_name");
    let server = lake_with(&[denied]).await;

    let body = json!({"name": "t", "schema": schema()});
    let made = left_by(&server, 200, post(TABLES, body)).await;

    let said = attributes(&made[0]);
    assert!(said.get("table_location").is_none() && said.get("table_name").is_none(), "{said}");
    assert_eq!(said["namespace"], json!(["sales"]));
}
