//! Notifications that would reach what they must not.

use merak_model::entity::WRITE_PATHS;
use merak_tests::TestServer;
use serde_json::{Value, json};

use super::{NAMESPACES, facade, namespaces, notification, tell, version};
use crate::fixtures::{foreign_metadata, load, snapshot, text, write, write_metadata};

#[tokio::test]
async fn a_file_outside_the_catalog_is_refused_unread() {
    let server = facade().await;
    let root = server.root().await;
    let outside = server.folder().join("outside/00000-x.metadata.json");
    write(&outside, &foreign_metadata(&server, "t").to_string());

    let location = format!("file://{}", outside.display());
    let told = tell(&root, "t", notification("CREATE", 1, &location)).await.error();
    // Whether there is such a file is nobody's business.
    let missing = format!("file://{}/outside/missing.json", server.folder().display());
    let told_of_none = tell(&root, "t", notification("CREATE", 1, &missing)).await.error();

    for told in [&told, &told_of_none] {
        assert!(told.starts_with("403 ForbiddenException: Invalid locations '["), "{told}");
    }
    assert_eq!(told.replace(&location, ""), told_of_none.replace(&missing, ""));
    assert_eq!(namespaces(&root, "").await, json!([]));
}

#[tokio::test]
async fn what_is_no_place_is_refused() {
    let server = facade().await;
    let root = server.root().await;
    let base = server.location("lake");
    for location in [
        String::new(),
        "x".to_owned(),
        "/".to_owned(),
        "s3://".to_owned(),
        "s3://bucket/t/metadata/x.json".to_owned(),
        "http://127.0.0.1/x".to_owned(),
        format!("{base}/sales/../../outside/x.json"),
        format!("{base}/sales/%2e%2e/x.json"),
        format!("{base}-other/x.json"),
        format!("{base}//x.json"),
        format!("{base}/x\n.json"),
    ] {
        let answer = tell(&root, "t", notification("CREATE", 1, &location)).await;
        assert!([400, 403].contains(&answer.status.as_u16()), "{location:?} got {}", answer.text());
    }
    assert_eq!(namespaces(&root, "").await, json!([]));
}

#[tokio::test]
async fn metadata_that_names_places_outside_the_catalog_is_refused() {
    let server = facade().await;
    let root = server.root().await;
    let outside = format!("file://{}/outside", server.folder().display());
    let good = foreign_metadata(&server, "t");
    let mut elsewhere = good.clone();
    elsewhere["location"] = json!(outside);
    let mut with_snapshot = good.clone();
    with_snapshot["last-sequence-number"] = json!(1);
    with_snapshot["current-snapshot-id"] = json!(1);
    with_snapshot["snapshots"] = json!([snapshot(&outside, 1, None)]);
    let writing = WRITE_PATHS.map(|path| {
        let mut metadata = good.clone();
        metadata["properties"] = json!({path: outside});
        metadata
    });

    let all: Vec<_> = [elsewhere, with_snapshot].into_iter().chain(writing).collect();
    for (number, metadata) in all.iter().enumerate() {
        let name = format!("{number:05}-x.metadata.json");
        let location = write_metadata(&server, "t", &name, &metadata.to_string());
        let told = tell(&root, "t", notification("CREATE", 1, &location)).await.error();
        assert!(told.starts_with("403 ForbiddenException: Invalid locations '["), "{told}");
    }
    assert_eq!(namespaces(&root, "").await, json!([]));
}

#[tokio::test]
async fn a_file_that_is_missing_or_no_metadata_is_refused() {
    let server = facade().await;
    let root = server.root().await;
    let good = foreign_metadata(&server, "t");
    let without = |member: &str| {
        let mut metadata = good.clone();
        metadata.as_object_mut().unwrap().remove(member);
        metadata.to_string()
    };
    for (number, content) in [
        String::new(),
        "no json".to_owned(),
        "{}".to_owned(),
        good.to_string()[..200].to_owned(),
        without("location"),
        without("table-uuid"),
        without("schemas"),
    ]
    .iter()
    .enumerate()
    {
        let name = format!("{number:05}-x.metadata.json");
        let location = write_metadata(&server, "t", &name, content);
        let answer = tell(&root, "t", notification("CREATE", 1, &location)).await;
        assert!(answer.error().starts_with("400 "), "{content} got {}", answer.text());
    }
    let missing = format!("{}/sales/t/metadata/none.json", server.location("lake"));
    assert_eq!(
        tell(&root, "t", notification("CREATE", 1, &missing)).await.error(),
        format!("404 NotFoundException: Failed to open input stream for file: {missing}")
    );
    let folder = format!("{}/sales/t/metadata", server.location("lake"));
    let answer = tell(&root, "t", notification("CREATE", 1, &folder)).await;
    assert!(answer.status.is_client_error(), "{}", answer.text());
    assert_eq!(namespaces(&root, "").await, json!([]));
}

#[tokio::test]
async fn names_that_nothing_could_have_are_refused() {
    let server = facade().await;
    let root = server.root().await;
    let location = version(&server, &foreign_metadata(&server, "t"), 1);
    let deep = vec!["a"; 17].join("%1F");
    for (namespace, table) in [
        ("sales", "a%2Fb"),
        ("sales", ".."),
        ("sales", "%20t"),
        ("sales", "t%0A"),
        ("sales", "a%3Cb"),
        ("sales", "a%1Fb"),
        ("a%2Fb", "t"),
        ("sales%1F..", "t"),
        ("sales%1F%1Feu", "t"),
        (&deep, "t"),
        (&"n".repeat(257), "t"),
    ] {
        for kind in ["CREATE", "UPDATE", "VALIDATE"] {
            let path = format!("{NAMESPACES}/{namespace}/tables/{table}/notifications");
            let answer = root.post(&path, notification(kind, 1, &location)).await;
            assert_eq!(answer.status, 400, "{namespace} {table}: {}", answer.text());
        }
    }
    assert_eq!(namespaces(&root, "").await, json!([]));
}

/// A table of the server, told of at a time.
async fn told_of(server: &TestServer, table: &str) -> Value {
    let root = server.root().await;
    let metadata = foreign_metadata(server, table);
    let location = version(server, &metadata, 1);
    let _ = tell(&root, table, notification("CREATE", 1, &location)).await.expect(204);
    metadata
}

#[tokio::test]
async fn a_table_may_not_lie_in_another_and_leaves_no_namespace_behind() {
    let server = facade().await;
    let root = server.root().await;
    let first = told_of(&server, "first").await;
    let second = told_of(&server, "second").await;

    let mut inside = second.clone();
    inside["location"] = json!(format!("{}/inside", text(&first["location"])));
    let file = "first/inside/metadata/00002-x.metadata.json";
    let location = format!("{}/sales/{file}", server.location("lake"));
    write(&crate::fixtures::disk(&location), &inside.to_string());
    let elsewhere = format!("{NAMESPACES}/new/tables/t/notifications");
    for answer in [
        tell(&root, "second", notification("UPDATE", 2, &location)).await,
        tell(&root, "third", notification("CREATE", 2, &location)).await,
        root.post(&elsewhere, notification("CREATE", 2, &location)).await,
    ] {
        let told = answer.error();
        assert!(told.starts_with("403 ForbiddenException: "), "{told}");
        assert!(told.contains("conflicts with existing table or namespace"), "{told}");
    }

    assert_eq!(load(&root, "second").await["metadata"]["location"], second["location"]);
    assert_eq!(namespaces(&root, "").await, json!([["sales"]]));
}

#[tokio::test]
async fn the_file_must_be_the_tables_own_unless_that_is_switched_off() {
    let off = ("polaris.config.allow.external.metadata.file.location", "true");
    for (properties, status) in [(&[][..], 400), (&[off][..], 204)] {
        let server = TestServer::start().await;
        server.create_catalog_of("EXTERNAL", "lake", properties).await;
        let root = server.root().await;
        let content = foreign_metadata(&server, "t").to_string();
        let location = write_metadata(&server, "other", "00000-x.metadata.json", &content);

        let answer = tell(&root, "t", notification("CREATE", 1, &location)).await;

        assert_eq!(answer.status, status, "{}", answer.text());
        if status == 400 {
            let start = format!("400 BadRequestException: Metadata location {location} is not ");
            assert!(answer.error().starts_with(&start), "{}", answer.text());
        }
    }
}

#[tokio::test]
async fn a_catalog_that_is_missing_is_told_as_of_its_namespaces() {
    let server = facade().await;
    let root = server.root().await;
    let path = "/api/catalog/v1/nowhere/namespaces/sales/tables/t/notifications";

    let told = root.post(path, notification("CREATE", 1, "x")).await.error();

    assert_eq!(told, "404 NoSuchNamespaceException: Namespace does not exist: ''");
}
