//! Views that get another name.

use serde_json::{Value, json};

use super::{RENAME, VIEWS, current_sql, draft, load, replacing, route};
use crate::fixtures::{self, files, lake};

fn ident(name: &str) -> Value {
    let (namespace, name) = name.rsplit_once('.').expect("a namespace");
    json!({"namespace": namespace.split('.').collect::<Vec<_>>(), "name": name})
}

fn renaming(source: &str, destination: &str) -> Value {
    json!({"source": ident(source), "destination": ident(destination)})
}

#[tokio::test]
async fn a_view_is_the_same_under_its_new_name() {
    let server = lake().await;
    let root = server.root().await;
    let made = root.post(VIEWS, draft("a")).await.expect(200).json();
    let before = files(&server);

    let answer = root.post(RENAME, renaming("sales.a", "sales.b")).await.expect(204);

    assert_eq!(answer.body, b"");
    assert_eq!(load(&root, "b").await, made);
    assert_eq!(
        root.get(&route("a")).await.error(),
        "404 NoSuchViewException: View does not exist: sales.a"
    );
    assert_eq!(files(&server), before);
    let replaced = root.post(&route("b"), replacing("select 2")).await.expect(200).json();
    assert_eq!(current_sql(&replaced), "select 2");
}

#[tokio::test]
async fn a_view_moves_to_another_namespace_and_its_files_stay() {
    let server = lake().await;
    server.create_namespace("lake", "archive").await;
    server.create_namespace("lake", "archive.old").await;
    let root = server.root().await;
    let made = root.post(VIEWS, draft("a")).await.expect(200).json();

    let _ = root.post(RENAME, renaming("sales.a", "archive.old.a")).await.expect(204);

    let path = "/api/catalog/v1/lake/namespaces/archive%1Fold/views/a";
    assert_eq!(root.get(path).await.expect(200).json(), made);
    // Its location is another namespace's, which is no reason to refuse commits from now on.
    let replaced = root.post(path, replacing("select 2")).await.expect(200).json();
    assert_eq!(replaced["metadata"]["location"], made["metadata"]["location"]);
}

#[tokio::test]
async fn a_name_that_is_taken_is_told_with_what_has_it() {
    let server = lake().await;
    let root = server.root().await;
    server.create_table("lake", "sales", "t").await;
    for view in ["a", "b"] {
        let _ = root.post(VIEWS, draft(view)).await.expect(200);
    }
    let taken = |from: &str, to: &str, what: &str| {
        format!(
            "409 AlreadyExistsException: Cannot rename sales.{from} to sales.{to}. {what} already \
             exists"
        )
    };

    for (to, what) in [("b", "View"), ("a", "View"), ("t", "Table")] {
        let refused = root.post(RENAME, renaming("sales.a", &format!("sales.{to}"))).await;
        assert_eq!(refused.error(), taken("a", to, what));
    }
    let refused = root.post(fixtures::RENAME, renaming("sales.t", "sales.a")).await;
    assert_eq!(refused.error(), taken("t", "a", "View"));
}

#[tokio::test]
async fn what_is_missing_is_named_and_a_table_is_no_view() {
    let server = lake().await;
    let root = server.root().await;
    server.create_table("lake", "sales", "t").await;
    let made = root.post(VIEWS, draft("a")).await.expect(200).json();

    for name in ["sales.nope", "nope.a", "sales.t"] {
        assert_eq!(
            root.post(RENAME, renaming(name, "sales.b")).await.error(),
            format!("404 NoSuchViewException: View does not exist: {name}")
        );
    }
    assert_eq!(
        root.post(fixtures::RENAME, renaming("sales.a", "sales.b")).await.error(),
        "404 NoSuchTableException: Table does not exist: sales.a"
    );
    assert_eq!(
        root.post(RENAME, renaming("sales.a", "nope.deep.b")).await.error(),
        "404 NoSuchNamespaceException: Namespace does not exist: nope.deep"
    );
    for name in ["", "..", "x/y", "x\u{0}y", "x\u{1f}y"] {
        let mut body = renaming("sales.a", "sales.b");
        body["destination"]["name"] = json!(name);
        let refused = root.post(RENAME, body).await;
        assert!(refused.error().starts_with("400 "), "{name:?} got {}", refused.text());
    }
    for body in [json!({}), json!({"source": ident("sales.a")})] {
        let _ = root.post(RENAME, body).await.expect(400).error();
    }
    assert_eq!(load(&root, "a").await, made);
}
