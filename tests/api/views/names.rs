//! Tables and views share their names, and nothing else.

use merak_model::EntityKind;
use merak_tests::{TestServer, schema};
use serde_json::{Value, json};

use super::{REGISTER, VIEWS, draft, load, replacing, route};
use crate::fixtures::{self, TABLES, create_commit, disk, files, lake, set, text};

async fn world() -> (TestServer, Value, Value) {
    let server = lake().await;
    let table = server.create_table("lake", "sales", "t").await;
    let view = server.create_view("lake", "sales", "v").await;
    (server, table, view)
}

#[tokio::test]
async fn a_name_that_is_taken_is_told_with_what_has_it() {
    let (server, table, view) = world().await;
    let root = server.root().await;
    server.place(EntityKind::GenericTable, "lake", "sales", "g").await;
    let before = files(&server);
    let lake = server.location("lake");
    let registering = |name: &str, of: &Value| json!({"name": name, "metadata-location": of});
    let staged = json!({"name": "v", "schema": schema(), "stage-create": true});
    let of_view = &view["metadata-location"];
    let commit = create_commit(
        "9c12d441-03fe-4693-9a96-a0705ddf69c1",
        &format!("{lake}/sales/other"),
        schema(),
    );
    let view_taken = "View with same name already exists: sales.v";
    let table_taken = "Table with same name already exists: sales.t";
    let generic_taken = "Generic table with same name already exists: sales.g";
    for (path, body, told) in [
        (VIEWS, draft("v"), "View already exists: sales.v"),
        (VIEWS, draft("t"), table_taken),
        (VIEWS, draft("g"), generic_taken),
        (REGISTER, registering("v", of_view), "View already exists: sales.v"),
        (REGISTER, registering("t", of_view), table_taken),
        (REGISTER, registering("g", of_view), generic_taken),
        (TABLES, json!({"name": "v", "schema": schema()}), view_taken),
        (TABLES, staged, view_taken),
        (fixtures::REGISTER, registering("v", &table["metadata-location"]), view_taken),
        (&fixtures::route("v"), commit, view_taken),
    ] {
        let refused = root.post(path, body).await.error();
        assert_eq!(refused, format!("409 AlreadyExistsException: {told}"), "{path}");
    }
    let overwriting = json!({
        "name": "v", "metadata-location": table["metadata-location"], "overwrite": true,
    });
    let refused = root.post(fixtures::REGISTER, overwriting).await;
    assert_eq!(refused.status, 409, "{}", refused.text());
    assert_eq!((fixtures::load(&root, "t").await, load(&root, "v").await), (table, view));
    assert_eq!(files(&server), before);
}

#[tokio::test]
async fn a_view_is_no_table_and_a_table_no_view() {
    let (server, table, view) = world().await;
    let root = server.root().await;
    let no_table = "404 NoSuchTableException: Table does not exist: sales.v";
    let no_view = "404 NoSuchViewException: View does not exist: sales.t";

    assert_eq!(root.get(&fixtures::route("v")).await.error(), no_table);
    assert_eq!(root.post(&fixtures::route("v"), set(json!({"a": "b"}))).await.error(), no_table);
    assert_eq!(root.delete(&fixtures::route("v")).await.error(), no_table);
    let _ = root.head(&fixtures::route("v")).await.expect(404);
    let credentials = format!("{}/credentials", fixtures::route("v"));
    assert_eq!(root.get(&credentials).await.error(), no_table);
    let transaction = json!({"table-changes": [fixtures::change("v", json!([]), json!([]))]});
    assert_eq!(root.post(fixtures::TRANSACTIONS, transaction).await.error(), no_table);
    assert_eq!(root.get(&route("t")).await.error(), no_view);
    assert_eq!(root.post(&route("t"), replacing("x")).await.error(), no_view);
    assert_eq!(root.delete(&route("t")).await.error(), no_view);
    let _ = root.head(&route("t")).await.expect(404);
    assert_eq!((fixtures::load(&root, "t").await, load(&root, "v").await), (table, view));
}

#[tokio::test]
async fn a_name_is_free_again_for_the_other_kind() {
    let (server, table, view) = world().await;
    let root = server.root().await;
    let _ = root.delete(&fixtures::route("t")).await.expect(204);
    let _ = root.delete(&route("v")).await.expect(204);

    let made = root.post(VIEWS, draft("t")).await.expect(200).json();
    let other =
        root.post(TABLES, json!({"name": "v", "schema": schema()})).await.expect(200).json();

    assert_ne!(made["metadata"]["view-uuid"], view["metadata"]["view-uuid"]);
    assert_ne!(other["metadata"]["table-uuid"], table["metadata"]["table-uuid"]);
    assert_eq!((load(&root, "t").await, fixtures::load(&root, "v").await["metadata"].clone()), {
        (made, other["metadata"].clone())
    });
    assert!(disk(text(&view["metadata-location"])).exists());
}

#[tokio::test]
async fn a_name_with_anything_in_it_reaches_its_view() {
    let server = lake().await;
    let root = server.root().await;
    server.create_namespace("lake", "sales.größe").await;
    let path = "/api/catalog/v1/lake/namespaces/sales%1Fgr%C3%B6%C3%9Fe/views";

    let made = root.post(path, draft("a b.c%41ü")).await.expect(200).json();

    for spelled in ["a%20b.c%2541%C3%BC", "a+b.c%2541%C3%BC"] {
        assert_eq!(root.get(&format!("{path}/{spelled}")).await.expect(200).json(), made);
    }
}
