//! Generic tables share their names with tables and views, and nothing else.

use merak_tests::{TestServer, schema};
use serde_json::{Value, json};

use super::{GENERIC_TABLES, draft, load, route};
use crate::fixtures::{self, RENAME, TABLES, create_commit, lake, set};

const VIEWS: &str = "/api/catalog/v1/lake/namespaces/sales/views";
const REGISTER_VIEW: &str = "/api/catalog/v1/lake/namespaces/sales/register-view";
const RENAME_VIEW: &str = "/api/catalog/v1/lake/views/rename";

async fn world() -> (TestServer, Value, Value, Value) {
    let server = lake().await;
    let table = server.create_table("lake", "sales", "t").await;
    let view = server.create_view("lake", "sales", "v").await;
    let generic = server.create_generic_table("lake", "sales", "g").await;
    (server, table, view, generic)
}

#[tokio::test]
async fn a_name_that_is_taken_is_told_with_what_has_it() {
    let (server, _, _, generic) = world().await;
    let root = server.root().await;
    for (name, told) in [
        ("t", "Table with same name already exists: sales.t"),
        ("v", "View with same name already exists: sales.v"),
        ("g", "Generic table already exists: sales.g"),
    ] {
        let refused = root.post(GENERIC_TABLES, draft(name)).await.error();
        assert_eq!(refused, format!("409 AlreadyExistsException: {told}"));
    }
    assert_eq!(load(&root, "g").await, generic);
}

#[tokio::test]
async fn its_name_is_taken_for_tables_and_views_however_they_come_to_be() {
    let (server, table, view, generic) = world().await;
    let root = server.root().await;
    let view_body = json!({
        "name": "g", "schema": schema(), "properties": {},
        "view-version": merak_tests::view_version("select 1"),
    });
    let commit = create_commit(
        "9c12d441-03fe-4693-9a96-a0705ddf69c1",
        &format!("{}/sales/other", server.location("lake")),
        schema(),
    );
    let registering =
        |of: &Value| json!({"name": "g", "metadata-location": of["metadata-location"]});
    let mut overwriting = registering(&table);
    overwriting["overwrite"] = json!(true);
    let taken = "409 AlreadyExistsException: Generic table with same name already exists: sales.g";
    for (path, body) in [
        (TABLES, json!({"name": "g", "schema": schema()})),
        (TABLES, json!({"name": "g", "schema": schema(), "stage-create": true})),
        (fixtures::REGISTER, registering(&table)),
        (fixtures::REGISTER, overwriting),
        (&fixtures::route("g"), commit),
        (VIEWS, view_body),
        (REGISTER_VIEW, registering(&view)),
    ] {
        assert_eq!(root.post(path, body.clone()).await.error(), taken, "{path} {body}");
    }
    let ident = |name: &str| json!({"namespace": ["sales"], "name": name});
    for (path, name) in [(RENAME, "t"), (RENAME_VIEW, "v")] {
        let body = json!({"source": ident(name), "destination": ident("g")});
        assert_eq!(
            root.post(path, body).await.error(),
            format!(
                "409 AlreadyExistsException: Cannot rename sales.{name} to sales.g. Generic table \
                 already exists"
            )
        );
    }
    assert_eq!(load(&root, "g").await, generic);
    assert_eq!(fixtures::load(&root, "t").await, table);
}

#[tokio::test]
async fn it_is_no_table_and_no_view_and_they_are_no_generic_tables() {
    let (server, table, view, generic) = world().await;
    let root = server.root().await;
    let ident = json!({"namespace": ["sales"], "name": "g"});
    let moving = json!({"source": ident, "destination": {"namespace": ["sales"], "name": "h"}});
    let no_table = "404 NoSuchTableException: Table does not exist: sales.g";
    let no_view = "404 NoSuchViewException: View does not exist: sales.g";
    let at = fixtures::route("g");

    assert_eq!(root.get(&at).await.error(), no_table);
    assert_eq!(root.post(&at, set(json!({"a": "b"}))).await.error(), no_table);
    assert_eq!(root.delete(&at).await.error(), no_table);
    assert_eq!(root.delete(&format!("{at}?purgeRequested=true")).await.error(), no_table);
    let _ = root.head(&at).await.expect(404);
    assert_eq!(root.get(&format!("{at}/credentials")).await.error(), no_table);
    assert_eq!(root.post(&format!("{at}/unregister"), json!({})).await.error(), no_table);
    let transaction = json!({"table-changes": [fixtures::change("g", json!([]), json!([]))]});
    assert_eq!(root.post(fixtures::TRANSACTIONS, transaction).await.error(), no_table);
    assert_eq!(root.post(RENAME, moving.clone()).await.error(), no_table);
    assert_eq!(root.post(RENAME_VIEW, moving).await.error(), no_view);
    let at = format!("{VIEWS}/g");
    assert_eq!(root.get(&at).await.error(), no_view);
    assert_eq!(root.delete(&at).await.error(), no_view);
    let _ = root.head(&at).await.expect(404);
    for name in ["t", "v"] {
        let told = format!("404 NoSuchTableException: Generic table does not exist: sales.{name}");
        assert_eq!(root.get(&route(name)).await.error(), told);
        assert_eq!(root.delete(&route(name)).await.error(), told);
    }
    assert_eq!(load(&root, "g").await, generic);
    assert_eq!(fixtures::load(&root, "t").await, table);
    assert_eq!(root.get(&format!("{VIEWS}/v")).await.expect(200).json(), view);
}

#[tokio::test]
async fn a_name_is_free_again_for_another_kind() {
    let (server, ..) = world().await;
    let root = server.root().await;
    let _ = root.delete(&route("g")).await.expect(204);
    let _ = root.delete(&fixtures::route("t")).await.expect(204);

    server.create_table("lake", "sales", "g").await;
    let _ = root.post(GENERIC_TABLES, draft("t")).await.expect(200);

    let _ = root.get(&route("g")).await.expect(404);
    let _ = root.get(&fixtures::route("t")).await.expect(404);
}

#[tokio::test]
async fn a_namespace_with_a_generic_table_in_it_is_not_empty() {
    let server = lake().await;
    let root = server.root().await;
    server.create_generic_table("lake", "sales", "g").await;
    let namespace = "/api/catalog/v1/lake/namespaces/sales";

    assert_eq!(
        root.delete(namespace).await.error(),
        "409 NamespaceNotEmptyException: Namespace sales is not empty"
    );
    let _ = root.delete(&route("g")).await.expect(204);
    let _ = root.delete(namespace).await.expect(204);
}

#[tokio::test]
async fn a_name_with_anything_in_it_reaches_its_generic_table() {
    let server = lake().await;
    let root = server.root().await;
    server.create_namespace("lake", "sales.größe").await;
    let path = "/api/catalog/polaris/v1/lake/namespaces/sales%1Fgr%C3%B6%C3%9Fe/generic-tables";

    let made = root.post(path, draft("a b.c%41ü")).await.expect(200).json();

    assert_eq!(made["table"]["name"], "a b.c%41ü");
    for spelled in ["a%20b.c%2541%C3%BC", "a+b.c%2541%C3%BC"] {
        assert_eq!(root.get(&format!("{path}/{spelled}")).await.expect(200).json(), made);
    }
}
