//! Events of namespaces, and of tables of both kinds.

use merak_tests::schema;

use super::*;
use crate::fixtures::{
    REGISTER, RENAME, TABLES, TRANSACTIONS, append, change, commit, create_commit, load, route,
    set, text, write_metadata,
};
use crate::generic_tables::{GENERIC_TABLES, draft};

const NAMESPACES: &str = "/api/catalog/v1/lake/namespaces";

#[tokio::test]
async fn a_namespace_leaves_an_event_of_each_change() {
    let server = lake().await;
    let deep = format!("{NAMESPACES}/sales%1Feu");
    let properties = format!("{deep}/properties");
    let body = json!({"namespace": ["sales", "eu"], "properties": {"k": "hidden"}});

    let made = left_by(&server, 200, post(NAMESPACES, body)).await;

    assert_eq!(lines(&made), ["AFTER_CREATE_NAMESPACE NAMESPACE lake sales.eu"]);
    assert_eq!(attributes(&made[0]), json!({"namespace": ["sales", "eu"], "entity_version": 1}));
    let body = json!({"updates": {"k": "hidden too", "n": "1"}, "removals": ["none"]});
    let changed = left_by(&server, 200, post(&properties, body.clone())).await;
    assert_eq!(lines(&changed), ["AFTER_UPDATE_NAMESPACE_PROPERTIES NAMESPACE lake sales.eu"]);
    assert_eq!(
        attributes(&changed[0]),
        json!({
            "namespace": ["sales", "eu"], "entity_version": 2, "updated": ["k", "n"],
            "removed": [],
        })
    );
    assert_left(&server, 200, post(&properties, body), &[]).await;
    let expected = ["AFTER_DROP_NAMESPACE NAMESPACE lake sales.eu"];
    assert_left(&server, 204, delete(&deep), &expected).await;
}

#[tokio::test]
async fn a_table_leaves_an_event_of_each_change() {
    let server = lake().await;
    let root = server.root().await;
    let body = json!({"name": "t", "schema": schema(), "properties": {"k": "hidden"}});

    let made = left_by(&server, 200, post(TABLES, body)).await;

    assert_eq!(lines(&made), ["AFTER_CREATE_TABLE TABLE lake sales.t"]);
    let first = load(&root, "t").await;
    let said = attributes(&made[0]);
    assert_eq!(said["metadata_location"], first["metadata-location"]);
    assert_eq!(said["table_uuid"], first["metadata"]["table-uuid"]);
    assert_eq!(said["table_location"], first["metadata"]["location"]);
    assert_eq!(
        (&said["namespace"], &said["table_name"], &said["table_format_version"]),
        (&json!(["sales"]), &json!("t"), &json!("2"))
    );
    let committed = left_by(&server, 200, post(&route("t"), append(&first, 1, None))).await;
    assert_eq!(lines(&committed), ["AFTER_UPDATE_TABLE TABLE lake sales.t"]);
    let second = load(&root, "t").await;
    let said = attributes(&committed[0]);
    assert_eq!(said["metadata_location"], second["metadata-location"]);
    assert_eq!(said["previous_metadata_location"], first["metadata-location"]);
    assert_eq!(said["table_current_snapshot_id"], "1");
    assert_eq!(said["entity_version"], 2);
    let to_table = route("t");
    let again = post(&to_table, append(&first, 1, None));
    assert_left(&server, 200, again, &[]).await;
    let nothing = post(&to_table, commit(json!([]), json!([])));
    assert_left(&server, 200, nothing, &[]).await;
    let renamed = json!({"source": ident("t"), "destination": ident("moved")});
    let renamed = left_by(&server, 204, post(RENAME, renamed)).await;
    assert_eq!(lines(&renamed), ["AFTER_RENAME_TABLE TABLE lake sales.moved"]);
    let said = attributes(&renamed[0]);
    assert_eq!(said["rename_source"], "sales.t");
    assert_eq!(said["rename_destination"], "sales.moved");
    assert_eq!(said["source"], json!(["sales", "t"]));
    let dropped = left_by(&server, 204, delete(&route("moved"))).await;
    assert_eq!(lines(&dropped), ["AFTER_DROP_TABLE TABLE lake sales.moved"]);
    assert_eq!(attributes(&dropped[0])["purge_requested"], false);
}

#[tokio::test]
async fn a_table_that_is_registered_or_given_up_leaves_an_event() {
    let server = lake().await;
    let metadata = crate::fixtures::foreign_metadata(&server, "t");
    let write = |number: u32| {
        let file = format!("{number:05}-x.metadata.json");
        write_metadata(&server, "t", &file, &metadata.to_string())
    };
    let (one, two) = (write(1), write(2));

    let body = json!({"name": "t", "metadata-location": one});
    let registered = left_by(&server, 200, post(REGISTER, body)).await;
    let body = json!({"name": "t", "metadata-location": two, "overwrite": true});
    let replaced = left_by(&server, 200, post(REGISTER, body)).await;
    let given_up = format!("{}/unregister", route("t"));
    let given_up = left_by(&server, 200, post(&given_up, json!({}))).await;

    assert_eq!(lines(&registered), ["AFTER_REGISTER_TABLE TABLE lake sales.t"]);
    assert_eq!(lines(&replaced), ["AFTER_REGISTER_TABLE TABLE lake sales.t"]);
    let said = attributes(&replaced[0]);
    assert_eq!(
        (said["metadata_location"].as_str(), said["previous_metadata_location"].as_str()),
        (Some(two.as_str()), Some(one.as_str()))
    );
    assert_eq!(lines(&given_up), ["AFTER_DROP_TABLE TABLE lake sales.t"]);
    assert_eq!(attributes(&given_up[0])["unregistered"], true);
}

#[tokio::test]
async fn a_staged_table_leaves_its_events_with_its_first_commit() {
    let server = lake().await;
    let body = json!({"name": "t", "schema": schema(), "stage-create": true});
    let root = server.root().await;
    let before = newest(&server).await;
    let staged = root.post(TABLES, body).await.expect(200).json();
    assert!(events_after(&server, before).await.is_empty());
    let (uuid, location) =
        (text(&staged["metadata"]["table-uuid"]), text(&staged["metadata"]["location"]));

    let made =
        left_by(&server, 200, post(&route("t"), create_commit(uuid, location, schema()))).await;

    assert_eq!(
        lines(&made),
        ["AFTER_CREATE_TABLE TABLE lake sales.t", "AFTER_UPDATE_TABLE TABLE lake sales.t"]
    );
    let there = load(&root, "t").await;
    for event in &made {
        assert_eq!(attributes(event)["metadata_location"], there["metadata-location"]);
    }
}

#[tokio::test]
async fn a_transaction_leaves_an_event_of_each_table_and_one_of_its_own() {
    let server = lake().await;
    let [t, u] = [
        server.create_table("lake", "sales", "t").await,
        server.create_table("lake", "sales", "u").await,
    ];
    let location = format!("{}/sales/new", server.location("lake"));
    let uuid = uuid::Uuid::new_v4().to_string();
    let part = |name: &str, body: Value| {
        change(name, body["requirements"].clone(), body["updates"].clone())
    };
    let only_asks = json!([{"type": "assert-table-uuid", "uuid": u["metadata"]["table-uuid"]}]);
    let body = json!({"table-changes": [
        part("t", append(&t, 1, None)),
        change("u", only_asks, json!([])),
        part("new", create_commit(&uuid, &location, schema())),
    ]});

    let left = left_by(&server, 204, post(TRANSACTIONS, body.clone())).await;

    assert_eq!(
        lines(&left),
        [
            "AFTER_UPDATE_TABLE TABLE lake sales.t",
            "AFTER_CREATE_TABLE TABLE lake sales.new",
            "AFTER_UPDATE_TABLE TABLE lake sales.new",
            "AFTER_COMMIT_TRANSACTION REALM lake lake",
        ]
    );
    assert_eq!(attributes(&left[3])["tables"], json!(["sales.t", "sales.new"]));
    let t_now = load(&server.root().await, "t").await;
    assert_eq!(attributes(&left[0])["metadata_location"], t_now["metadata-location"]);
    assert_eq!(attributes(&left[0])["previous_metadata_location"], t["metadata-location"]);
    assert_left(&server, 204, post(TRANSACTIONS, body), &[]).await;
}

#[tokio::test]
async fn a_generic_table_leaves_an_event_of_each_change() {
    let server = lake().await;
    let made = left_by(&server, 200, post(GENERIC_TABLES, draft("g"))).await;

    assert_eq!(lines(&made), ["AFTER_CREATE_GENERIC_TABLE TABLE lake sales.g"]);
    let said = attributes(&made[0]);
    assert_eq!((&said["generic_table_name"], &said["format"]), (&json!("g"), &json!("delta")));
    let expected = ["AFTER_DROP_GENERIC_TABLE TABLE lake sales.g"];
    let path = crate::generic_tables::route("g");
    assert_left(&server, 204, delete(&path), &expected).await;
}

#[tokio::test]
async fn only_the_types_that_somebody_wants_are_kept() {
    let only = "polaris.event-listener.persistence-in-memory-buffer.enabled-event-types";
    let server = lake_with(&[(only, "AFTER_DROP_TABLE")]).await;

    let body = json!({"name": "t", "schema": schema()});
    assert_left(&server, 200, post(TABLES, body), &[]).await;
    assert_left(&server, 200, post(&route("t"), set(json!({"k": "v"}))), &[]).await;
    let expected = ["AFTER_DROP_TABLE TABLE lake sales.t"];
    assert_left(&server, 204, delete(&route("t")), &expected).await;
}

#[tokio::test]
async fn without_anybody_to_tell_nothing_is_kept() {
    let server = crate::fixtures::lake().await;
    server.create_table("lake", "sales", "t").await;

    assert!(events_after(&server, None).await.is_empty());
}
