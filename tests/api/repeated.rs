//! Commits that come again because their answer was lost.

use merak_tests::schema;
use serde_json::json;

use crate::fixtures::{
    REGISTER, TABLES, TRANSACTIONS, append, change, commit_to, create_commit, files, lake, load,
    route, set, text,
};

#[tokio::test]
async fn an_append_that_comes_again_is_answered_and_not_repeated() {
    let server = lake().await;
    let root = server.root().await;
    let table = server.create_table("lake", "sales", "t").await;
    let body = append(&table, 1, None);
    let first = commit_to(&root, "t", body.clone()).await;

    let again = root.post(&route("t"), body.clone()).await.expect(200);

    assert_eq!(again.json(), first);
    assert!(again.headers.contains_key("etag"));
    assert_eq!(files(&server).len(), 2);

    // Others went on meanwhile.
    commit_to(&root, "t", append(&table, 2, Some(1))).await;
    commit_to(&root, "t", set(json!({"x": "y"}))).await;
    let late = root.post(&route("t"), body).await.expect(200).json();

    assert_eq!(late["metadata"], load(&root, "t").await["metadata"]);
    assert_eq!(files(&server).len(), 4);
}

#[tokio::test]
async fn an_append_of_other_content_under_a_known_id_is_a_conflict() {
    let server = lake().await;
    let root = server.root().await;
    let table = server.create_table("lake", "sales", "t").await;
    let mut body = append(&table, 1, None);
    commit_to(&root, "t", body.clone()).await;
    body["updates"][0]["snapshot"]["timestamp-ms"] = json!(1_755_000_000_999_i64);

    let refused = root.post(&route("t"), body).await;

    assert!(refused.error().starts_with("409 CommitFailedException: Requirement failed"));
    assert_eq!(files(&server).len(), 2);
}

#[tokio::test]
async fn a_table_made_anew_does_not_answer_for_the_one_before() {
    let server = lake().await;
    let root = server.root().await;
    let table = server.create_table("lake", "sales", "t").await;
    let body = append(&table, 1, None);
    commit_to(&root, "t", body.clone()).await;
    let _ = root.delete(&route("t")).await.expect(204);
    server.create_table("lake", "sales", "t").await;

    let refused = root.post(&route("t"), body).await;

    assert!(
        refused.error().contains("Requirement failed: UUID does not match"),
        "{}",
        refused.text()
    );
}

#[tokio::test]
async fn the_commit_that_made_a_table_is_answered_again() {
    let server = lake().await;
    let root = server.root().await;
    let body = json!({"name": "t", "schema": schema(), "stage-create": true});
    let staged = root.post(TABLES, body).await.expect(200).json();
    let location = text(&staged["metadata"]["location"]);
    let create = create_commit(text(&staged["metadata"]["table-uuid"]), location, schema());
    let made = commit_to(&root, "t", create.clone()).await;

    assert_eq!(root.post(&route("t"), create).await.expect(200).json(), made);

    let other = create_commit("00000000-0000-4000-8000-000000000000", location, schema());
    let refused = root.post(&route("t"), other).await;
    assert_eq!(
        refused.error(),
        "409 CommitFailedException: Requirement failed: table already exists"
    );
    assert_eq!(files(&server).len(), 1);
}

#[tokio::test]
async fn a_transaction_that_comes_again_is_answered_as_a_whole() {
    let server = lake().await;
    let root = server.root().await;
    let a = server.create_table("lake", "sales", "a").await;
    server.create_table("lake", "sales", "b").await;
    let appended = append(&a, 1, None);
    let put = json!([{"action": "set-properties", "updates": {"x": "1"}}]);
    let body = json!({"table-changes": [
        change("a", appended["requirements"].clone(), appended["updates"].clone()),
        change("b", json!([]), put),
    ]});
    let _ = root.post(TRANSACTIONS, body.clone()).await.expect(204);
    // What leaves no trace is not done once more, or it would undo what came after it.
    commit_to(&root, "b", set(json!({"x": "2"}))).await;

    let _ = root.post(TRANSACTIONS, body).await.expect(204);

    assert_eq!(load(&root, "b").await["metadata"]["properties"]["x"], "2");
    assert_eq!(load(&root, "a").await["metadata"]["snapshots"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_transaction_of_which_only_a_part_is_known_is_a_conflict() {
    let server = lake().await;
    let root = server.root().await;
    let a = server.create_table("lake", "sales", "a").await;
    let b = server.create_table("lake", "sales", "b").await;
    let (of_a, of_b) = (append(&a, 1, None), append(&b, 2, None));
    commit_to(&root, "a", of_a.clone()).await;
    let body = json!({"table-changes": [
        change("a", of_a["requirements"].clone(), of_a["updates"].clone()),
        change("b", of_b["requirements"].clone(), of_b["updates"].clone()),
    ]});

    let refused = root.post(TRANSACTIONS, body).await;

    assert!(refused.error().starts_with("409 CommitFailedException"), "{}", refused.text());
    assert_eq!(load(&root, "b").await["metadata"]["snapshots"], json!([]));
}

/// A table of 5,000 snapshots and 2,000 columns is still loaded and committed to, and a client that
/// asks for what its branches name gets little.
#[tokio::test]
async fn a_large_table_is_served_and_its_references_are_small() {
    const SNAPSHOTS: i64 = 5_000;
    let server = lake().await;
    let root = server.root().await;
    let fields: Vec<_> = (1..=2_000)
        .map(|id| json!({"id": id, "name": format!("column_{id}"), "required": false, "type": "string"}))
        .collect();
    let body = json!({"name": "seed", "schema": {"type": "struct", "fields": fields}});
    let seed = root.post(TABLES, body).await.expect(200).json();
    let home = text(&seed["metadata"]["location"]).to_owned();
    let mut metadata = seed["metadata"].clone();
    metadata["snapshots"] = (1..=SNAPSHOTS)
        .map(|id| crate::fixtures::snapshot(&home, id, (id > 1).then_some(id - 1)))
        .collect();
    metadata["snapshot-log"] = (1..=SNAPSHOTS)
        .map(|id| json!({"snapshot-id": id, "timestamp-ms": 1_755_000_000_000_i64 + id}))
        .collect();
    metadata["current-snapshot-id"] = json!(SNAPSHOTS);
    metadata["last-sequence-number"] = json!(SNAPSHOTS);
    metadata["refs"] = json!({"main": {"snapshot-id": SNAPSHOTS, "type": "branch"}});
    let file = format!("{home}/metadata/00001-large.metadata.json");
    std::fs::write(crate::fixtures::disk(&file), metadata.to_string()).unwrap();
    let _ = root.delete(&route("seed")).await.expect(204);
    let _ =
        root.post(REGISTER, json!({"name": "large", "metadata-location": file})).await.expect(200);

    let all = root.get(&route("large")).await.expect(200);
    let refs = root.get(&format!("{}?snapshots=refs", route("large"))).await.expect(200);

    assert_eq!(all.json()["metadata"], metadata);
    assert_eq!(refs.json()["metadata"]["snapshots"].as_array().map(Vec::len), Some(1));
    assert_eq!(refs.json()["metadata"]["schemas"], metadata["schemas"]);
    let snapshots = metadata["snapshots"].to_string().len();
    assert!(all.body.len() - refs.body.len() > snapshots * 9 / 10, "{}", refs.body.len());

    let next = append(&json!({"metadata": metadata}), SNAPSHOTS + 1, Some(SNAPSHOTS));
    let committed = commit_to(&root, "large", next).await;
    assert_eq!(committed["metadata"]["current-snapshot-id"], SNAPSHOTS + 1);
    assert_eq!(
        committed["metadata"]["snapshots"].as_array().map(Vec::len),
        usize::try_from(SNAPSHOTS + 1).ok()
    );
}
