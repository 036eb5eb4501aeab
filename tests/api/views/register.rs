//! Views made of metadata files that are there.

use merak_tests::{Identity, Response, TestServer};
use serde_json::{Value, json};

use super::{REGISTER, VIEWS, draft, load, names, replacing, route};
use crate::fixtures::{
    disk, files, foreign_metadata, lake, lake_with, text, write, write_metadata,
};

async fn register(who: &Identity<'_>, view: &str, location: &str) -> Response {
    who.post(REGISTER, json!({"name": view, "metadata-location": location})).await
}

/// The metadata of a view that another catalog could have written.
async fn foreign_view(server: &TestServer, view: &str) -> Value {
    let root = server.root().await;
    let made = root.post(VIEWS, draft(view)).await.expect(200).json();
    let _ = root.delete(&route(view)).await.expect(204);
    std::fs::remove_file(disk(text(&made["metadata-location"]))).unwrap();
    made["metadata"].clone()
}

#[tokio::test]
async fn a_registered_file_becomes_a_view_and_stays_as_it_is() {
    let server = lake().await;
    let root = server.root().await;
    let metadata = foreign_view(&server, "v").await;
    let content = metadata.to_string();
    let location = write_metadata(&server, "v", "00041-x.metadata.json", &content);

    let answer = register(&root, "v", &location).await.expect(200).json();

    assert_eq!(answer, json!({"metadata-location": location, "metadata": metadata}));
    assert_eq!(load(&root, "v").await, answer);
    assert_eq!(std::fs::read_to_string(disk(&location)).unwrap(), content);
    assert_eq!(files(&server), [disk(&location)]);
    let replaced = root.post(&route("v"), replacing("select 2")).await.expect(200).json();
    assert!(text(&replaced["metadata-location"]).contains("/00042-"), "{replaced}");
}

#[tokio::test]
async fn a_dropped_view_is_registered_again_with_its_history() {
    let server = lake().await;
    let root = server.root().await;
    let _ = root.post(VIEWS, draft("v")).await.expect(200);
    let last = root.post(&route("v"), replacing("select 2")).await.expect(200).json();
    let _ = root.delete(&route("v")).await.expect(204);

    let again = register(&root, "back", text(&last["metadata-location"])).await.expect(200).json();

    assert_eq!(again, last);
    assert_eq!(load(&root, "back").await, last);
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let server = lake().await;
    let root = server.root().await;
    let location = format!("{}/sales/v/metadata/x.metadata.json", server.location("lake"));

    assert_eq!(
        register(&root, "v", &location).await.error(),
        format!("404 NotFoundException: Failed to open input stream for file: {location}")
    );
    let body = json!({"name": "v", "metadata-location": location});
    assert_eq!(
        root.post("/api/catalog/v1/lake/namespaces/nope/register-view", body).await.error(),
        "404 NoSuchNamespaceException: Namespace does not exist: nope"
    );
}

#[tokio::test]
async fn a_file_that_is_no_view_metadata_is_refused() {
    let server = lake().await;
    let root = server.root().await;
    let good = foreign_view(&server, "v").await;
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
        foreign_metadata(&server, "v").to_string(),
        but("format-version", json!(9)),
        but("location", json!(7)),
        but("current-version-id", json!(7)),
        but("schemas", json!([])),
        but("schemas", json!([{"type": "struct", "schema-id": 0, "fields": [{"name": "x"}]}])),
        but("versions", json!([])),
        without("location"),
        without("view-uuid"),
        without("versions"),
    ]
    .into_iter()
    .enumerate()
    {
        let location =
            write_metadata(&server, "v", &format!("{number:05}-x.metadata.json"), &content);
        let refused = register(&root, "v", &location).await;
        assert!(refused.error().starts_with("400 "), "{content} got {}", refused.text());
    }
    for location in ["", "x", "s3://", "/"] {
        let refused = register(&root, "v", location).await;
        assert!(refused.status.is_client_error(), "{location:?} got {}", refused.text());
    }
    assert!(names(&root.get(VIEWS).await.expect(200)).is_empty());
}

#[tokio::test]
async fn a_file_outside_the_catalog_is_refused_unread() {
    let server = lake().await;
    let root = server.root().await;
    let metadata = foreign_view(&server, "v").await;
    let outside = server.folder().join("outside/00000-x.metadata.json");
    write(&outside, &metadata.to_string());

    let location = format!("file://{}", outside.display());
    let told = register(&root, "v", &location).await.error();
    // Whether there is such a file is nobody's business.
    let missing = format!("file://{}/outside/missing.json", server.folder().display());
    let told_of_none = register(&root, "v", &missing).await.error();

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
    let good = foreign_view(&server, "v").await;
    for (number, (member, value)) in [
        ("location", json!(outside)),
        ("properties", json!({"write.metadata.path": outside})),
        ("properties", json!({"write.data.path": outside})),
    ]
    .into_iter()
    .enumerate()
    {
        let mut metadata = good.clone();
        metadata[member] = value;
        let name = format!("{number:05}-x.metadata.json");
        let location = write_metadata(&server, "v", &name, &metadata.to_string());
        let told = register(&root, "v", &location).await.error();
        assert!(told.starts_with("403 ForbiddenException: Invalid locations '["), "{told}");
    }
}

#[tokio::test]
async fn a_file_must_be_the_views_own_unless_that_is_switched_off() {
    let off = ("polaris.config.allow.external.metadata.file.location", "true");
    for (properties, allowed) in [(&[][..], false), (&[off][..], true)] {
        let server = lake_with(&[], properties).await;
        let root = server.root().await;
        let metadata = foreign_view(&server, "v").await;
        let location =
            write_metadata(&server, "other", "00000-x.metadata.json", &metadata.to_string());

        let answer = register(&root, "v", &location).await;

        if allowed {
            let _ = answer.expect(200);
        } else {
            assert_eq!(
                answer.error(),
                format!(
                    "400 BadRequestException: Metadata location {location} is not allowed outside \
                     of view location {}",
                    text(&metadata["location"])
                )
            );
        }
    }
}
