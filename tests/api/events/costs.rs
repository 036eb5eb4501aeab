//! What events cost: one statement more in the transaction of their change, and nothing where nobody
//! is told.

use merak_tests::schema;

use super::*;
use crate::counts::{Cost, READ, cost};
use crate::fixtures::{TABLES, TRANSACTIONS, change, route, set};

/// A write in one statement with its event in a second, in one transaction.
const TOLD: Cost = Cost { statements: 3, transactions: 1, ..READ };

#[tokio::test]
async fn a_change_and_its_events_are_one_statement_more() {
    let server = lake().await;
    let root = server.root().await;
    let create = json!({"name": "t", "schema": schema()});
    let one_put = Cost { puts: 1, ..TOLD };

    assert_eq!(cost(&server, 200, root.post(TABLES, create)).await, one_put);
    let orders = route("t");
    let commit = root.post(&orders, set(json!({"k": "v"})));
    assert_eq!(cost(&server, 200, commit).await, one_put);
    let nothing = root.post(&orders, set(json!({"k": "v"})));
    let after = cost(&server, 200, nothing).await;
    assert_eq!((after.statements, after.transactions), (1, 0), "nothing is told of");
    assert_eq!(cost(&server, 200, root.get(&route("t"))).await, READ);
    assert_eq!(cost(&server, 204, root.delete(&route("t"))).await, TOLD);
    let deep = json!({"namespace": ["deep"]});
    let made = root.post("/api/catalog/v1/lake/namespaces", deep);
    assert_eq!(cost(&server, 200, made).await, TOLD);
}

#[tokio::test]
async fn a_commit_with_a_key_and_its_event_are_two_statements() {
    let server = lake().await;
    server.create_table("lake", "sales", "t").await;
    let key = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";
    let root = server.root().await.with_header("Idempotency-Key", key);

    let orders = route("t");
    let commit = root.post(&orders, set(json!({"k": "v"})));

    assert_eq!(cost(&server, 200, commit).await, Cost { puts: 1, ..TOLD });
}

#[tokio::test]
async fn all_events_of_a_transaction_are_one_statement() {
    let server = lake().await;
    for name in ["a", "b", "c"] {
        server.create_table("lake", "sales", name).await;
    }
    let root = server.root().await;
    let property = json!([{"action": "set-properties", "updates": {"k": "v"}}]);
    let changes = ["a", "b", "c"].map(|name| change(name, json!([]), property.clone()));

    let sent = root.post(TRANSACTIONS, json!({"table-changes": changes}));

    let expected = Cost { statements: 1 + 3 + 1, transactions: 1, puts: 3, ..READ };
    assert_eq!(cost(&server, 204, sent).await, expected);
}
