//! Where tables write beside their location: nobody else's table may be there, whoever came first.
//! Credentials for the one would reach the files of the other.

use merak_model::entity::WRITE_PATHS;
use merak_tests::{Identity, Response, TestServer, schema};
use serde_json::{Value, json};

use super::create_at;
use crate::fixtures::{
    RENAME, TABLES, TRANSACTIONS, change, commit, commit_to, create, create_commit, files,
    foreign_metadata, lake, lake_with, load, register, route, set, write_metadata,
};

const OVERLAP: (&str, &str) = ("polaris.config.allow.overlapping.table.location", "true");

/// A place in the namespace `sales`.
fn place(server: &TestServer, name: &str) -> String {
    format!("{}/sales/{name}", server.location("lake"))
}

/// A table that lies in its usual place and writes to `x/w`, too.
async fn writer(server: &TestServer, path: &str) -> Value {
    let root = server.root().await;
    let properties = json!({path: place(server, "x/w")});
    create(&root, json!({"name": "writer", "schema": schema(), "properties": properties})).await
}

#[track_caller]
fn assert_in_the_way(answer: &Response, wanted: &str, other: &str) {
    assert_eq!(
        answer.error(),
        format!(
            "403 ForbiddenException: Unable to create entity at location '{wanted}/' because it \
             conflicts with existing table or namespace at location '{other}/'"
        )
    );
}

/// A metadata file that is there and says where its table lies and writes.
fn foreign_file(server: &TestServer, table: &str, location: &str, properties: Value) -> String {
    let mut metadata = foreign_metadata(server, table);
    metadata["location"] = json!(location);
    metadata["properties"] = properties;
    let text = metadata.to_string();
    let folder = location.strip_prefix(&place(server, "")).expect("a place in the namespace");
    write_metadata(server, folder, "00000-x.metadata.json", &text)
}

fn body_at(location: &str, is_staged: bool) -> Value {
    json!({"name": "t", "schema": schema(), "location": location, "stage-create": is_staged})
}

fn body_writing(path: &str, to: &str, is_staged: bool) -> Value {
    let properties = json!({path: to});
    json!({"name": "t", "schema": schema(), "properties": properties, "stage-create": is_staged})
}

#[tokio::test]
async fn no_table_may_lie_where_another_writes() {
    for path in WRITE_PATHS {
        let server = lake().await;
        let made = writer(&server, path).await;
        server.create_table("lake", "sales", "mine").await;
        let root = server.root().await;
        let written = place(&server, "x/w");
        let uuid = uuid::Uuid::new_v4().to_string();

        for wanted in ["x/w", "x/w/inside", "x/w/data/deep", "x"] {
            let wanted = place(&server, wanted);
            for staged in [false, true] {
                let answer = root.post(TABLES, body_at(&wanted, staged)).await;
                assert_in_the_way(&answer, &wanted, &written);
            }
            let answer = root.post(&route("t"), create_commit(&uuid, &wanted, schema())).await;
            assert_in_the_way(&answer, &wanted, &written);
            let moving = json!([{"action": "set-location", "location": wanted}]);
            let answer = root.post(&route("mine"), commit(json!([]), moving.clone())).await;
            assert_in_the_way(&answer, &wanted, &written);
            let body = json!({"table-changes": [change("mine", json!([]), moving)]});
            assert_in_the_way(&root.post(TRANSACTIONS, body).await, &wanted, &written);
        }
        let inside = place(&server, "x/w/inside");
        let file = foreign_file(&server, "t", &inside, json!({}));
        assert_in_the_way(&register(&root, "t", &file).await, &inside, &written);
        // What only begins alike is another place.
        for (number, sibling) in ["x/w1", "x/wx/w", "x/w-"].iter().enumerate() {
            let name = format!("t{number}");
            let _ = create_at(&root, &name, &place(&server, sibling)).await.expect(200);
        }
        assert_eq!(load(&root, "writer").await, made);
    }
}

#[tokio::test]
async fn no_table_may_write_where_another_writes() {
    for path in WRITE_PATHS {
        let server = lake().await;
        writer(&server, "write.data.path").await;
        server.create_table("lake", "sales", "mine").await;
        let root = server.root().await;
        let written = place(&server, "x/w");
        let before = files(&server);
        let uuid = uuid::Uuid::new_v4().to_string();

        for wanted in ["x/w", "x/w/inside", "x"] {
            let wanted = place(&server, wanted);
            for staged in [false, true] {
                let answer = root.post(TABLES, body_writing(path, &wanted, staged)).await;
                assert_in_the_way(&answer, &wanted, &written);
            }
            let mut staged = create_commit(&uuid, &place(&server, "t"), schema());
            staged["updates"][9]["updates"] = json!({path: wanted});
            let answer = root.post(&route("t"), staged).await;
            assert_in_the_way(&answer, &wanted, &written);
            let answer = root.post(&route("mine"), set(json!({path: wanted}))).await;
            assert_in_the_way(&answer, &wanted, &written);
        }
        assert_eq!(files(&server), before);
        let body = body_writing(path, &place(&server, "x/w1"), false);
        let _ = root.post(TABLES, body).await.expect(200);
    }
}

#[tokio::test]
async fn a_registered_table_writes_where_it_says() {
    let server = lake().await;
    let root = server.root().await;
    let properties = json!({"write.object-storage.path": place(&server, "x/w")});
    let file = foreign_file(&server, "t", &place(&server, "t"), properties.clone());

    let _ = register(&root, "t", &file).await.expect(200);

    let answer = create_at(&root, "u", &place(&server, "x/w/u")).await;
    assert_in_the_way(&answer, &place(&server, "x/w/u"), &place(&server, "x/w"));
    let file = foreign_file(&server, "u", &place(&server, "u"), properties);
    let answer = register(&root, "u", &file).await;
    assert_in_the_way(&answer, &place(&server, "x/w"), &place(&server, "x/w"));
}

#[tokio::test]
async fn two_tables_of_one_transaction_may_not_write_to_one_place() {
    let server = lake().await;
    let root = server.root().await;
    for name in ["a", "b"] {
        server.create_table("lake", "sales", name).await;
    }
    let writing = |name: &str, to: &str| {
        let properties = json!({"write.data.path": place(&server, to)});
        let update = json!([{"action": "set-properties", "updates": properties}]);
        change(name, json!([]), update)
    };
    let before = files(&server);

    let body = json!({"table-changes": [writing("a", "x"), writing("b", "x/inside")]});
    let answer = root.post(TRANSACTIONS, body).await;

    assert_in_the_way(&answer, &place(&server, "x/inside"), &place(&server, "x"));
    assert_eq!(files(&server), before);
    let body = json!({"table-changes": [writing("a", "x"), writing("b", "y")]});
    let _ = root.post(TRANSACTIONS, body).await.expect(204);
}

#[tokio::test]
async fn a_place_is_free_again_once_its_table_writes_elsewhere_or_is_gone() {
    let server = lake().await;
    let root = server.root().await;
    writer(&server, "write.data.path").await;
    let at = async |name: &str, location: &str| create_at(&root, name, location).await;
    let written = place(&server, "x/w");

    // Under another name it is the same table.
    let renaming = json!({
        "source": {"namespace": ["sales"], "name": "writer"},
        "destination": {"namespace": ["sales"], "name": "renamed"},
    });
    let _ = root.post(RENAME, renaming).await.expect(204);
    assert_in_the_way(&at("t", &written).await, &written, &written);
    // And other commits of it change nothing about that.
    commit_to(&root, "renamed", set(json!({"a": "b"}))).await;
    assert_in_the_way(&at("t", &written).await, &written, &written);

    let elsewhere = place(&server, "x/elsewhere");
    commit_to(&root, "renamed", set(json!({"write.data.path": elsewhere}))).await;
    let _ = at("first", &written).await.expect(200);
    assert_in_the_way(&at("t", &elsewhere).await, &elsewhere, &elsewhere);
    let remove = json!([{"action": "remove-properties", "removals": ["write.data.path"]}]);
    commit_to(&root, "renamed", commit(json!([]), remove)).await;
    let _ = at("second", &elsewhere).await.expect(200);

    let last = place(&server, "x/last");
    commit_to(&root, "renamed", set(json!({"write.metadata.path": last}))).await;
    assert_in_the_way(&at("t", &last).await, &last, &last);
    let _ = root.delete(&route("renamed")).await.expect(204);
    let _ = at("third", &last).await.expect(200);
}

#[tokio::test]
async fn a_table_may_write_within_and_around_its_own_location() {
    let server = lake().await;
    let root = server.root().await;
    let location = place(&server, "x/t");
    let properties = json!({
        "write.data.path": format!("{location}/elsewhere"),
        "write.metadata.path": place(&server, "x"),
    });
    let body = json!({
        "name": "t", "schema": schema(), "location": location, "properties": properties,
    });

    create(&root, body).await;

    for _ in 0..2 {
        commit_to(&root, "t", set(json!({"write.folder-storage.path": place(&server, "x/y")})))
            .await;
        commit_to(&root, "t", set(json!({"a": "b"}))).await;
    }
}

/// Asks for a place, at once or staged.
async fn ask(root: &Identity<'_>, location: &str, is_staged: bool) -> Response {
    root.post(TABLES, body_at(location, is_staged)).await
}

#[tokio::test]
async fn nobody_stages_a_table_in_the_place_of_another() {
    let server = lake().await;
    server.create_table("lake", "sales", "victim").await;
    let root = server.root().await;
    let taken = place(&server, "victim");
    let before = files(&server);

    for wanted in ["victim", "victim/data", "victim/metadata/x"] {
        let wanted = place(&server, wanted);
        assert_in_the_way(&ask(&root, &wanted, true).await, &wanted, &taken);
        assert_in_the_way(&ask(&root, &wanted, false).await, &wanted, &taken);
        let body = body_writing("write.data.path", &wanted, true);
        assert_in_the_way(&root.post(TABLES, body).await, &wanted, &taken);
    }
    assert_eq!(files(&server), before);
    let _ = ask(&root, &place(&server, "victim1"), true).await.expect(200);
}

#[tokio::test]
async fn tables_write_and_are_staged_wherever_they_like_where_the_catalog_lets_them() {
    let server = lake_with(&[], &[OVERLAP]).await;
    let root = server.root().await;
    let written = place(&server, "x/w");
    writer(&server, "write.data.path").await;

    let _ = ask(&root, &written, true).await.expect(200);
    let _ = create_at(&root, "a", &written).await.expect(200);
    for (number, path) in WRITE_PATHS.into_iter().enumerate() {
        let mut body = body_writing(path, &format!("{written}/inside"), true);
        let _ = root.post(TABLES, body.clone()).await.expect(200);
        body["stage-create"] = json!(false);
        body["name"] = json!(format!("b{number}"));
        let _ = root.post(TABLES, body).await.expect(200);
        commit_to(&root, "a", set(json!({path: written}))).await;
    }
}

#[tokio::test]
async fn a_place_it_writes_to_keeps_a_table_out_of_reach_too() {
    for path in WRITE_PATHS {
        let server = lake().await;
        server.create_namespace("lake", "eu").await;
        let eu = format!("{}/eu", server.location("lake"));
        let root = server.root().await;
        let unstructured = json!({"polaris.config.allow.unstructured.table.location": "true"});
        let catalog = "/api/management/v1/catalogs/lake";
        let with = async |properties: &Value, locations: &[&str]| {
            let version = root.get(catalog).await.expect(200).json()["entityVersion"].clone();
            let mut properties = properties.clone();
            properties["default-base-location"] = json!(locations[0]);
            let body = json!({
                "currentEntityVersion": version,
                "properties": properties,
                "storageConfigInfo": {"storageType": "FILE", "allowedLocations": locations},
            });
            let _ = root.put(catalog, body).await.expect(200);
        };
        let sales = place(&server, "");
        with(&unstructured, &[&eu, sales.trim_end_matches('/')]).await;
        let properties = json!({path: place(&server, "x")});
        let body = json!({"name": "t", "schema": schema(), "location": format!("{eu}/t"),
            "properties": properties});
        let tables = "/api/catalog/v1/lake/namespaces/eu/tables";
        let _ = root.post(tables, body).await.expect(200);
        let _ = root.get(&format!("{tables}/t")).await.expect(200);

        with(&unstructured, &[&eu]).await;

        let told = root.get(&format!("{tables}/t")).await.error();
        let begin = "403 ForbiddenException: Table 'eu.t' has locations outside the catalog's";
        assert!(told.starts_with(begin) && told.contains(&place(&server, "x")), "{path}: {told}");
    }
}
