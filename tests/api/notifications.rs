//! Notifications: what another catalog says of its tables, and what becomes of them here.

mod hostile;
mod ordering;
mod races;

use merak_model::EntityKind;
use merak_tests::{Identity, Response, TestServer};
use serde_json::{Value, json};

use crate::fixtures::{
    TABLES, disk, files, foreign_metadata, load, register, route, text, write_metadata,
};

const NAMESPACES: &str = "/api/catalog/v1/lake/namespaces";

/// A server with the EXTERNAL catalog `lake`, in which there is nothing yet.
async fn facade() -> TestServer {
    let server = TestServer::start().await;
    server.create_catalog_of("EXTERNAL", "lake", &[]).await;
    server
}

/// A notification of that type.
fn notification(kind: &str, timestamp: i64, location: &str) -> Value {
    json!({
        "notification-type": kind,
        "payload": {
            "table-name": "t",
            "timestamp": timestamp,
            // Not that of the file: nobody looks at it.
            "table-uuid": uuid::Uuid::new_v4().to_string(),
            "metadata-location": location,
        },
    })
}

/// Sends a notification of a table in `sales`.
async fn tell(who: &Identity<'_>, table: &str, body: Value) -> Response {
    who.post(&format!("{}/notifications", route(table)), body).await
}

/// Writes a version of a table's metadata, as the catalog that owns it would, and answers where.
fn version(server: &TestServer, metadata: &Value, number: u32) -> String {
    let mut metadata = metadata.clone();
    metadata["properties"] = json!({"version": number.to_string()});
    let table = text(&metadata["location"]).rsplit('/').next().expect("a folder").to_owned();
    write_metadata(server, &table, &format!("{number:05}-x.metadata.json"), &metadata.to_string())
}

/// The levels of all namespaces in another, or at the top.
async fn namespaces(who: &Identity<'_>, parent: &str) -> Value {
    who.get(&format!("{NAMESPACES}{parent}")).await.expect(200).json()["namespaces"].clone()
}

#[tokio::test]
async fn a_table_that_was_told_of_is_there_with_its_namespaces() {
    let server = facade().await;
    let root = server.root().await;
    let metadata = foreign_metadata(&server, "t");
    let location = version(&server, &metadata, 1);

    let path = format!("{NAMESPACES}/sales%1Feu%1Fnorth/tables/t");
    let body = notification("CREATE", 10, &location);
    let answer = root.post(&format!("{path}/notifications"), body).await.expect(204);

    assert_eq!(answer.body, b"");
    let loaded = root.get(&path).await.expect(200).json();
    assert_eq!(loaded["metadata-location"], location);
    assert_eq!(loaded["metadata"]["properties"]["version"], "1");
    assert_eq!(loaded["metadata"]["table-uuid"], metadata["table-uuid"]);
    assert_eq!(namespaces(&root, "").await, json!([["sales"]]));
    assert_eq!(namespaces(&root, "?parent=sales%1Feu").await, json!([["sales", "eu", "north"]]));
    let made = root.get(&format!("{NAMESPACES}/sales%1Feu%1Fnorth")).await.expect(200).json();
    let expected = format!("{}/sales/eu/north/", server.location("lake"));
    assert_eq!(made["properties"], json!({"location": expected}));
    assert_eq!(files(&server), [disk(&location)]);
}

#[tokio::test]
async fn namespaces_that_are_there_stay_as_they_are() {
    let server = facade().await;
    let root = server.root().await;
    let body = json!({"namespace": ["sales"], "properties": {"owner": "ana"}});
    let _ = root.post(NAMESPACES, body).await.expect(200);
    let before = root.get(&format!("{NAMESPACES}/sales")).await.expect(200).json();
    let location = version(&server, &foreign_metadata(&server, "t"), 1);

    for path in [route("t"), format!("{NAMESPACES}/sales%1Feu/tables/u")] {
        let body = notification("CREATE", 1, &location);
        let answer = root.post(&format!("{path}/notifications"), body).await;
        if path == route("t") {
            let _ = answer.expect(204);
        } else {
            // Two tables in one place: credentials for the one would reach the other.
            assert!(answer.error().contains("conflicts with existing table"), "{}", answer.text());
        }
    }

    assert_eq!(root.get(&format!("{NAMESPACES}/sales")).await.expect(200).json(), before);
    assert_eq!(namespaces(&root, "?parent=sales").await, json!([]));
}

#[tokio::test]
async fn that_a_table_was_made_or_changed_means_the_same() {
    let server = facade().await;
    let root = server.root().await;
    for (table, kinds) in [("a", ["CREATE", "UPDATE"]), ("b", ["UPDATE", "CREATE"])] {
        let metadata = foreign_metadata(&server, table);
        for (number, kind) in (1..).zip(kinds) {
            let location = version(&server, &metadata, number);
            let body = notification(kind, number.into(), &location);
            let _ = tell(&root, table, body).await.expect(204);

            let loaded = load(&root, table).await;
            assert_eq!(loaded["metadata-location"], location);
            assert_eq!(loaded["metadata"]["properties"]["version"], number.to_string());
        }
    }
}

#[tokio::test]
async fn a_table_that_is_gone_is_removed_and_its_files_stay() {
    let server = facade().await;
    let root = server.root().await;
    let location = version(&server, &foreign_metadata(&server, "t"), 1);
    let _ = tell(&root, "t", notification("CREATE", 5, &location)).await.expect(204);

    // Nothing is needed but that it is gone, and it is no matter that it was.
    for body in [notification("DROP", 1, "nowhere"), json!({"notification-type": "DROP"})] {
        let _ = tell(&root, "t", body).await.expect(204);
        let _ = root.head(&route("t")).await.expect(404);
    }

    assert_eq!(files(&server), [disk(&location)]);
    assert_eq!(namespaces(&root, "").await, json!([["sales"]]));
    let path = format!("{NAMESPACES}/nowhere/tables/t/notifications");
    let _ = root.post(&path, notification("DROP", 1, &location)).await.expect(204);
    assert_eq!(namespaces(&root, "").await, json!([["sales"]]));
}

#[tokio::test]
async fn a_name_that_something_else_has_is_left_alone() {
    let server = facade().await;
    let root = server.root().await;
    server.create_namespace("lake", "sales").await;
    server.place(EntityKind::View, "lake", "sales", "t").await;
    let location = version(&server, &foreign_metadata(&server, "t"), 1);

    for kind in ["CREATE", "UPDATE"] {
        assert_eq!(
            tell(&root, "t", notification(kind, 1, &location)).await.error(),
            "409 AlreadyExistsException: View with same name already exists: sales.t"
        );
    }
    let _ = tell(&root, "t", notification("DROP", 1, &location)).await.expect(204);

    // It is there still.
    let told = tell(&root, "t", notification("CREATE", 1, &location)).await.error();
    assert!(told.starts_with("409 "), "{told}");
}

#[tokio::test]
async fn asking_whether_a_table_would_be_taken_changes_nothing() {
    let server = facade().await;
    let root = server.root().await;
    let base = server.location("lake");
    // There is no such file, and the last two are folders.
    for location in [
        format!("{base}/sales/t/metadata/00001-x.metadata.json"),
        format!("{base}/sales/t/"),
        base.clone(),
    ] {
        let _ = tell(&root, "t", notification("VALIDATE", 1, &location)).await.expect(204);
    }
    // Only where it would lie is asked.
    let body =
        json!({"notification-type": "VALIDATE", "payload": {"metadata-location": base.clone()}});
    let _ = tell(&root, "t", body).await.expect(204);

    for location in [server.location("other"), "s3://elsewhere/t".to_owned()] {
        let told = tell(&root, "t", notification("VALIDATE", 1, &location)).await.error();
        assert!(told.starts_with("403 ForbiddenException: Invalid locations '["), "{told}");
    }
    for location in [format!("{base}/../other"), "x".to_owned(), String::new()] {
        let told = tell(&root, "t", notification("VALIDATE", 1, &location)).await.error();
        assert!(told.starts_with("400 "), "{told}");
    }
    let bad = format!("{NAMESPACES}/a%2Fb/tables/t/notifications");
    let told = root.post(&bad, notification("VALIDATE", 1, &base)).await.error();
    assert_eq!(told, "400 IllegalArgumentException: Entity name must not contain '/': a/b");
    assert_eq!(namespaces(&root, "").await, json!([]));
    assert!(files(&server).is_empty());
}

#[tokio::test]
async fn what_is_not_known_does_nothing() {
    let server = facade().await;
    let root = server.root().await;
    let location = version(&server, &foreign_metadata(&server, "t"), 1);

    for body in [notification("UNKNOWN", 1, &location), json!({"notification-type": "UNKNOWN"})] {
        let _ = tell(&root, "t", body).await.expect(204);
    }

    assert_eq!(namespaces(&root, "").await, json!([]));
}

#[tokio::test]
async fn a_catalog_that_owns_its_tables_takes_none() {
    let server = TestServer::start().await;
    server.create_catalog("lake").await;
    server.create_namespace("lake", "sales").await;
    let root = server.root().await;
    let table = server.create_table("lake", "sales", "t").await;
    let location = text(&table["metadata-location"]);
    let told = "400 BadRequestException: Cannot update internal catalog via notifications";

    for kind in ["UNKNOWN", "CREATE", "UPDATE", "DROP", "VALIDATE"] {
        for table in ["t", "new"] {
            assert_eq!(tell(&root, table, notification(kind, 1, location)).await.error(), told);
        }
    }
    // That is told before what else is wrong, as published tests have it.
    let payload = json!({"table-name": "t", "timestamps": "1", "table-uuid": "x"});
    let body = json!({"notification-type": "CREATE", "payload": payload});
    assert_eq!(tell(&root, "t", body).await.error(), told);
    assert_eq!(load(&root, "t").await, table);
}

#[tokio::test]
async fn what_a_notification_lacks_is_named() {
    let server = facade().await;
    let root = server.root().await;
    let location = version(&server, &foreign_metadata(&server, "t"), 1);
    for (kind, missing) in [
        ("CREATE", "timestamp"),
        ("UPDATE", "timestamp"),
        ("CREATE", "metadata-location"),
        ("UPDATE", "metadata-location"),
        ("VALIDATE", "metadata-location"),
    ] {
        let without = {
            let mut body = notification(kind, 1, &location);
            body["payload"].as_object_mut().unwrap().remove(missing);
            body
        };
        let mut null = notification(kind, 1, &location);
        null["payload"][missing] = Value::Null;
        for body in [without, null] {
            let told = tell(&root, "t", body).await.error();
            let expected =
                format!("400 BadRequestException: The notification needs payload.{missing}");
            assert_eq!(told, expected, "{kind}");
        }
    }
    for body in [
        json!({}),
        json!([]),
        json!({"notification-type": "create"}),
        json!({"notification-type": "RENAME"}),
        json!({"notification-type": 1}),
        json!({"notification-type": "CREATE", "payload": "x"}),
        json!({"notification-type": "CREATE", "payload": {"timestamp": 1.5}}),
        json!({"notification-type": "CREATE", "payload": {"timestamp": 9_223_372_036_854_775_808_u64}}),
    ] {
        let answer = tell(&root, "t", body.clone()).await;
        assert!(answer.error().starts_with("400 "), "{body} got {}", answer.text());
    }
    assert_eq!(namespaces(&root, "").await, json!([]));
}

#[tokio::test]
async fn metadata_in_a_notification_is_not_looked_at() {
    let server = facade().await;
    let root = server.root().await;
    let metadata = foreign_metadata(&server, "t");
    let location = version(&server, &metadata, 1);
    let mut body = notification("CREATE", 1, &location);
    body["payload"]["metadata"] = json!({"location": "s3://elsewhere"});

    let _ = tell(&root, "t", body).await.expect(204);

    assert_eq!(load(&root, "t").await["metadata"]["location"], metadata["location"]);
}

#[tokio::test]
async fn a_notification_is_one_statement_and_one_change() {
    let server = facade().await;
    let root = server.root().await;
    let metadata = foreign_metadata(&server, "t");
    let cost = || {
        let requests = server.parts.storage.requests();
        let store = &server.parts.metastore;
        (store.statements(), store.transactions(), requests.gets, requests.puts)
    };
    let since = |before: (u64, u64, u64, u64)| {
        let after = cost();
        (after.0 - before.0, after.1 - before.1, after.2 - before.2, after.3 - before.3)
    };

    // The table and its namespace, both or neither, with a mark by which they are known if the
    // answer of the database is lost.
    let body = notification("CREATE", 1, &version(&server, &metadata, 1));
    let before = cost();
    let _ = tell(&root, "t", body).await.expect(204);
    assert_eq!(since(before), (4, 1, 1, 0));

    for number in 2..4 {
        let body = notification("UPDATE", number.into(), &version(&server, &metadata, number));
        let before = cost();
        let _ = tell(&root, "t", body).await.expect(204);
        assert_eq!(since(before), (2, 0, 1, 0));
    }
    // What is known already is refused unread.
    let body = notification("UPDATE", 2, &version(&server, &metadata, 9));
    let before = cost();
    let _ = tell(&root, "t", body).await.expect(409);
    assert_eq!(since(before), (1, 0, 0, 0));

    // Whoever loads it next need not read the file again.
    let before = cost();
    let _ = root.get(&route("t")).await.expect(200);
    assert_eq!(since(before), (1, 0, 0, 0));

    let before = cost();
    let _ = tell(&root, "t", notification("DROP", 9, "")).await.expect(204);
    assert_eq!(since(before), (2, 0, 0, 0));
}

#[tokio::test]
async fn a_table_that_was_registered_follows_its_first_notification() {
    let server = facade().await;
    server.create_namespace("lake", "sales").await;
    let root = server.root().await;
    let metadata = foreign_metadata(&server, "t");
    let _ = register(&root, "t", &version(&server, &metadata, 1)).await.expect(200);

    let location = version(&server, &metadata, 2);
    let _ = tell(&root, "t", notification("UPDATE", -7, &location)).await.expect(204);

    assert_eq!(load(&root, "t").await["metadata-location"], location);
    let listed = root.get(TABLES).await.expect(200).json();
    assert_eq!(listed["identifiers"], json!([{"namespace": ["sales"], "name": "t"}]));
}
