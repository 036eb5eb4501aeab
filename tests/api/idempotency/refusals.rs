//! Refusals: those for good are remembered too, others are not.

use merak_model::Privilege;
use merak_tests::schema;
use serde_json::{Value, json};

use super::{Request, delete, fresh_key, keyed, post, whole};
use crate::fixtures::{
    REGISTER, RENAME, TABLES, TRANSACTIONS, commit, disk, foreign_metadata, lake, point, route,
    snapshot, write,
};

fn create(name: &str) -> Request {
    post(TABLES, json!({"name": name, "schema": schema()}))
}

fn ident(name: &str) -> Value {
    json!({"namespace": ["sales"], "name": name})
}

#[tokio::test]
async fn what_was_refused_stays_refused_under_its_key() {
    let server = lake().await;
    let root = server.root().await;
    for table in ["t", "u", "taken"] {
        server.create_table("lake", "sales", table).await;
    }
    let namespaces = "/api/catalog/v1/lake/namespaces";
    let first = json!({
        "action": "add-snapshot",
        "snapshot": snapshot(&format!("{}/sales/t", server.location("lake")), 1, None),
    });
    let on_first = commit(
        json!([{"type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": 1}]),
        json!([{"action": "set-properties", "updates": {"a": "b"}}]),
    );
    let mut change = on_first.clone();
    change["identifier"] = ident("t");
    let make_first =
        post(&route("t"), commit(json!([]), json!([first, point("main", "branch", 1)])));
    let drop_first = post(
        &route("t"),
        commit(
            json!([]),
            json!([{"action": "remove-snapshot-ref", "ref-name": "main"},
                   {"action": "remove-snapshots", "snapshot-ids": [1]}]),
        ),
    );
    let file = foreign_metadata(&server, "registered");
    let place = format!("{}/sales/registered/metadata/v1.json", server.location("lake"));
    let registration = post(REGISTER, json!({"name": "registered", "metadata-location": place}));
    let cases: Vec<(&str, Request, u16, Vec<Request>)> = vec![
        (
            "create in no namespace",
            post(&format!("{namespaces}/later/tables"), json!({"name": "t", "schema": schema()})),
            404,
            vec![post(namespaces, json!({"namespace": ["later"]}))],
        ),
        ("drop", delete(&route("new")), 404, vec![create("new")]),
        ("create", create("u"), 409, vec![delete(&route("u"))]),
        (
            "namespace",
            post(namespaces, json!({"namespace": ["a", "b"]})),
            404,
            vec![post(namespaces, json!({"namespace": ["a"]}))],
        ),
        (
            "commit",
            post(&route("t"), on_first),
            409,
            vec![make_first.clone(), drop_first.clone(), make_first.clone()],
        ),
        (
            "transaction",
            post(TRANSACTIONS, json!({"table-changes": [change]})),
            409,
            vec![make_first],
        ),
        (
            "rename",
            post(RENAME, json!({"source": ident("t"), "destination": ident("taken")})),
            409,
            vec![delete(&route("taken"))],
        ),
    ];
    for (name, request, status, mending) in cases {
        if name == "transaction" {
            drop_first.succeed(&root).await;
        }
        let who = keyed(&root, &fresh_key());

        let refused = request.send(&who).await;

        assert_eq!(refused.status, status, "{name}: {}", refused.text());
        for mend in mending {
            mend.succeed(&root).await;
        }
        assert_eq!(whole(&request.send(&who).await), whole(&refused), "{name}");
        // It would be possible now, and is under another key.
        request.succeed(&keyed(&root, &fresh_key())).await;
    }
    let who = keyed(&root, &fresh_key());
    write(&disk(&place), "{}");
    let refused = registration.send(&who).await.expect(400);
    write(&disk(&place), &file.to_string());
    assert_eq!(whole(&registration.send(&who).await), whole(&refused));
    registration.succeed(&root).await;
}

#[tokio::test]
async fn a_lack_of_rights_is_not_remembered() {
    let server = lake().await;
    let ana = server.principal("ana").await;
    let who = keyed(&ana, &fresh_key());

    let _ = create("t").send(&who).await.expect(403);
    server.grant("ana", Privilege::TableCreate, "lake", None, None).await;
    let _ = create("t").send(&who).await.expect(200);
}

#[tokio::test]
async fn rights_that_were_taken_away_open_no_answer() {
    let server = lake().await;
    server.create_table("lake", "sales", "t").await;
    let ana = server.principal("ana").await;
    let grantee = server.grantee("ana", Some("lake")).await;
    let privileges = || [Privilege::TableWriteProperties].into_iter().collect();
    server.grant_set(&grantee, privileges()).await;
    let who = keyed(&ana, &fresh_key());
    let request = post(&route("t"), crate::fixtures::set(json!({"a": "b"})));

    let _ = request.send(&who).await.expect(200);
    server.revoke_set(&grantee, privileges()).await;

    let _ = request.send(&who).await.expect(403);
}

#[tokio::test]
async fn what_the_store_refuses_is_not_remembered() {
    let server = lake().await;
    let root = server.root().await;
    let who = keyed(&root, &fresh_key());
    // No folder can be made where a file is.
    let folder = format!("{}/sales/t", server.location("lake"));
    write(&disk(&folder), "in the way");

    let _ = create("t").send(&who).await.expect(403);
    std::fs::remove_file(disk(&folder)).unwrap();
    let made = create("t").send(&who).await.expect(200);

    assert_eq!(whole(&create("t").send(&who).await), whole(&made));
}

#[tokio::test]
async fn the_text_of_a_refusal_is_bounded_and_the_same_each_time() {
    let server = lake().await;
    let root = server.root().await;
    let who = keyed(&root, &fresh_key());
    let missing = post(
        &format!("/api/catalog/v1/lake/namespaces/{}/tables", "n".repeat(5_000)),
        json!({"name": "t", "schema": schema()}),
    );
    let first = missing.send(&who).await;
    assert!(first.status.is_client_error() && first.text().len() < 5_000, "{}", first.text());
    assert_eq!(whole(&missing.send(&who).await), whole(&first));
}
