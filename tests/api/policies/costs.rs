//! What is done with policies costs few statements.

use super::*;
use crate::counts::{Cost, READ, cost};

/// A write without a file.
const WRITE: Cost = Cost { statements: 2, ..READ };

/// Two changes at once.
const TWO_WRITES: Cost = Cost { statements: 3, transactions: 1, ..READ };

#[tokio::test]
async fn a_read_is_one_statement() {
    let server = server().await;
    let root = server.root().await;
    make(&root, "sky", "p", COMPACTION).await;
    let _ = attach(&root, "p", &on_catalog()).await.expect(204);

    for path in [policies("sky"), policy("sky", "p")] {
        assert_eq!(cost(&server, 200, root.get(&path)).await, READ, "{path}");
    }
    for query in QUERIES {
        let path = format!("{LAKE}/applicable-policies{query}");
        assert_eq!(cost(&server, 200, root.get(&path)).await, READ, "{path}");
    }
}

#[tokio::test]
async fn a_write_is_one_statement_more() {
    let server = server().await;
    let root = server.root().await;
    let path = policy("sky", "p");
    let body = json!({"name": "p", "type": COMPACTION, "content": ENABLED});
    let changed = json!({"content": r#"{"enable": false}"#, "current-policy-version": 0});
    let same = json!({"content": r#"{"enable": false}"#, "current-policy-version": 1});

    assert_eq!(cost(&server, 200, root.post(&policies("sky"), body)).await, WRITE);
    assert_eq!(cost(&server, 200, root.put(&path, changed)).await, WRITE);
    assert_eq!(cost(&server, 200, root.put(&path, same)).await, READ);
    // With a mark by which it is known again, should its answer be lost.
    assert_eq!(cost(&server, 204, attach(&root, "p", &on_catalog())).await, TWO_WRITES);
    assert_eq!(cost(&server, 204, detach(&root, "p", &on_catalog())).await, TWO_WRITES);
    assert_eq!(cost(&server, 204, root.delete(&path)).await, WRITE);
    make(&root, "sky", "p", COMPACTION).await;
    let all = format!("{path}?detach-all=true");
    assert_eq!(cost(&server, 204, root.delete(&all)).await, TWO_WRITES);
}
