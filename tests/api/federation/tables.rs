//! Tables of another server, through this one.

use merak_tests::schema;
use serde_json::{Value, json};

use super::{MIRROR, Pair, SALES, TABLES, kind};
use crate::fixtures::{create_commit, point, set, snapshot, text};

/// The same tables at the other server.
const THERE: &str = "/api/catalog/v1/lake/namespaces/sales/tables";

fn named(name: &str) -> Value {
    json!({"name": name, "schema": schema()})
}

#[tokio::test]
async fn tables_are_made_read_changed_moved_and_dropped_in_the_other_catalog() {
    let pair = Pair::with_sales().await;
    let (here, there) = (pair.front.root().await, pair.owner.root().await);

    let made = here.post(TABLES, named("t")).await.expect(200);
    let tag = made.header("etag").expect("a tag").to_owned();
    let made = made.json();
    let loaded = there.get(&format!("{THERE}/t")).await.expect(200).json();
    assert_eq!(made["metadata"], loaded["metadata"]);
    assert_eq!(made["metadata-location"], loaded["metadata-location"]);
    let table = format!("{TABLES}/t");
    assert_eq!(here.get(&table).await.expect(200).json()["metadata"], made["metadata"]);
    let unchanged = here.with_header("If-None-Match", &tag).get(&table).await;
    assert_eq!(unchanged.status, 304);

    let changed = here.post(&table, set(json!({"owner": "ann"}))).await.expect(200);
    assert_ne!(changed.header("etag"), Some(tag.as_str()));
    let loaded = there.get(&format!("{THERE}/t")).await.expect(200).json();
    assert_eq!(loaded["metadata"]["properties"]["owner"], "ann");
    assert_eq!(changed.json()["metadata"], loaded["metadata"]);
    let changed = here.with_header("If-None-Match", &tag).get(&table).await.expect(200).json();
    assert_eq!(changed["metadata"], loaded["metadata"]);

    let list = here.get(TABLES).await.expect(200).json();
    assert_eq!(list, json!({"identifiers": [{"namespace": ["sales"], "name": "t"}]}));
    let _ = here.head(&table).await.expect(204);
    let body = json!({
        "source": {"namespace": ["sales"], "name": "t"},
        "destination": {"namespace": ["sales"], "name": "u"},
    });
    let _ = here.post(&format!("{MIRROR}/tables/rename"), body).await.expect(204);
    let _ = here.head(&table).await.expect(404);
    assert_eq!(kind(&here.get(&table).await), "404 NoSuchTableException");
    let _ = here.delete(&format!("{TABLES}/u")).await.expect(204);
    let _ = there.head(&format!("{THERE}/u")).await.expect(404);
    assert_eq!(kind(&here.delete(&format!("{TABLES}/u")).await), "404 NoSuchTableException");
}

#[tokio::test]
async fn a_staged_table_comes_to_be_with_its_first_commit() {
    let pair = Pair::with_sales().await;
    let here = pair.front.root().await;

    let mut body = named("t");
    body["stage-create"] = json!(true);
    let staged = here.post(TABLES, body).await.expect(200).json();
    assert_eq!(staged.get("metadata-location"), None);
    let table = format!("{TABLES}/t");
    let _ = here.head(&table).await.expect(404);
    let metadata = &staged["metadata"];
    let commit =
        create_commit(text(&metadata["table-uuid"]), text(&metadata["location"]), schema());
    let _ = here.post(&table, commit).await.expect(200);

    let loaded = pair.owner.root().await.get(&format!("{THERE}/t")).await.expect(200).json();
    assert_eq!(loaded["metadata"]["table-uuid"], metadata["table-uuid"]);
}

#[tokio::test]
async fn snapshots_are_those_that_were_asked_for() {
    let pair = Pair::with_sales().await;
    let here = pair.front.root().await;
    let made = here.post(TABLES, named("t")).await.expect(200).json();
    let location = text(&made["metadata"]["location"]);
    let add =
        |id, parent| json!({"action": "add-snapshot", "snapshot": snapshot(location, id, parent)});
    let table = format!("{TABLES}/t");
    for updates in [
        json!([add(1, None), point("main", "branch", 1)]),
        json!([add(2, Some(1)), point("main", "branch", 2)]),
    ] {
        let body = json!({"requirements": [], "updates": updates});
        let _ = here.post(&table, body).await.expect(200);
    }

    let count = |answer: Value| answer["metadata"]["snapshots"].as_array().map(Vec::len);
    let all = here.get(&table).await.expect(200);
    let refs = here.get(&format!("{table}?snapshots=refs")).await.expect(200);
    assert_ne!(all.header("etag"), refs.header("etag"));
    assert_eq!(count(all.json()), Some(2));
    assert_eq!(count(refs.json()), Some(1));
}

#[tokio::test]
async fn a_table_is_registered_given_up_and_never_overwritten() {
    let pair = Pair::with_sales().await;
    let here = pair.front.root().await;
    let made = here.post(TABLES, named("t")).await.expect(200).json();

    let given_up = here.post(&format!("{TABLES}/t/unregister"), json!({})).await.expect(200).json();
    assert_eq!(given_up["metadata-location"], made["metadata-location"]);
    let _ = here.head(&format!("{TABLES}/t")).await.expect(404);
    let mut body = json!({"name": "u", "metadata-location": made["metadata-location"]});
    let register = format!("{SALES}/register");
    let registered = here.post(&register, body.clone()).await.expect(200).json();
    assert_eq!(registered["metadata"]["table-uuid"], made["metadata"]["table-uuid"]);
    body["overwrite"] = json!(true);
    let refused = here.post(&register, body).await;
    assert_eq!(
        refused.error(),
        "400 BadRequestException: Register table overwrite is only supported for internal Polaris \
         catalogs"
    );
}

#[tokio::test]
async fn a_transaction_is_all_or_nothing_there() {
    let pair = Pair::with_sales().await;
    let here = pair.front.root().await;
    for name in ["t", "u"] {
        let _ = here.post(TABLES, named(name)).await.expect(200);
    }
    let change = |name: &str, requirements: Value| {
        json!({
            "identifier": {"namespace": ["sales"], "name": name},
            "requirements": requirements,
            "updates": [{"action": "set-properties", "updates": {"a": name}}],
        })
    };
    let transaction = format!("{MIRROR}/transactions/commit");
    let wrong = json!([{"type": "assert-table-uuid", "uuid": uuid::Uuid::nil().to_string()}]);
    let body = json!({"table-changes": [change("t", json!([])), change("u", wrong)]});
    assert_eq!(kind(&here.post(&transaction, body).await), "409 CommitFailedException");
    let body = json!({"table-changes": [change("t", json!([])), change("u", json!([]))]});
    let _ = here.post(&transaction, body).await.expect(204);

    for name in ["t", "u"] {
        let loaded = here.get(&format!("{TABLES}/{name}")).await.expect(200).json();
        assert_eq!(loaded["metadata"]["properties"]["a"], name);
    }
}

#[tokio::test]
async fn a_purge_is_the_other_catalogs_to_allow() {
    let pair = Pair::with_sales().await;
    let here = pair.front.root().await;
    let _ = here.post(TABLES, named("t")).await.expect(200);

    let refused = here.delete(&format!("{TABLES}/t?purgeRequested=true")).await;

    assert_eq!(kind(&refused), "403 ForbiddenException");
    assert!(refused.text().contains("DROP_WITH_PURGE_ENABLED"), "{}", refused.text());
    let _ = here.head(&format!("{TABLES}/t")).await.expect(204);
}
