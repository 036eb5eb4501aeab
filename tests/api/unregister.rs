//! Tables that are given up for another catalog to take over.

use merak_model::Privilege;
use serde_json::json;

use crate::fixtures::{files, lake, load, route};

#[tokio::test]
async fn an_unregistered_table_is_gone_and_its_last_state_is_told() {
    let server = lake().await;
    server.create_table("lake", "sales", "t").await;
    let root = server.root().await;
    let put = json!({"requirements": [], "updates": [
        {"action": "set-properties", "updates": {"last": "commit"}},
    ]});
    let _ = root.post(&route("t"), put.clone()).await.expect(200);
    let before = load(&root, "t").await;
    let kept = files(&server);

    let last = root.post(&format!("{}/unregister", route("t")), json!({})).await.expect(200).json();

    let fields: Vec<_> = last.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["metadata-location", "metadata"]);
    assert_eq!(last["metadata-location"], before["metadata-location"]);
    assert_eq!(last["metadata"], before["metadata"]);
    assert_eq!(last["metadata"]["properties"]["last"], "commit");
    assert_eq!(files(&server), kept, "files are the next catalog's");
    let _ = root.head(&route("t")).await.expect(404);
    let error = root.post(&route("t"), put).await.expect(404).error();
    assert!(error.starts_with("404 NoSuchTableException: "), "{error}");
    let error = root.post(&format!("{}/unregister", route("t")), json!({})).await.error();
    assert!(error.starts_with("404 NoSuchTableException: "), "{error}");
}

#[tokio::test]
async fn an_unregistered_table_can_be_registered_again() {
    let server = lake().await;
    server.create_table("lake", "sales", "t").await;
    let root = server.root().await;
    let path = format!("{}/unregister", route("t"));

    let last =
        root.send_bytes(axum::http::Method::POST, &path, Vec::new()).await.expect(200).json();
    let body = json!({"name": "again", "metadata-location": last["metadata-location"]});
    let _ = root.post("/api/catalog/v1/lake/namespaces/sales/register", body).await.expect(200);

    assert_eq!(load(&root, "again").await["metadata"], last["metadata"]);
}

#[tokio::test]
async fn to_drop_a_table_is_not_to_be_shown_it() {
    let server = lake().await;
    server.create_table("lake", "sales", "t").await;
    let ana = server.principal("ana").await;
    server.grant("ana", Privilege::TableDrop, "lake", Some("sales"), Some("t")).await;

    let _ = ana.post(&format!("{}/unregister", route("t")), json!({})).await.expect(403);

    let _ = server.root().await.head(&route("t")).await.expect(204);
}

#[tokio::test]
async fn of_an_unregistration_and_commits_at_once_no_acknowledged_commit_is_missing() {
    let server = lake().await;
    server.create_table("lake", "sales", "t").await;
    let root = server.root().await;
    let path = route("t");
    let commit = |number: usize| {
        let (root, path) = (root.clone(), path.clone());
        async move {
            let body = json!({"requirements": [], "updates": [
                {"action": "set-properties", "updates": {format!("p{number}"): "x"}},
            ]});
            (number, root.post(&path, body).await.status.as_u16())
        }
    };
    let unregister = async {
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        root.post(&format!("{path}/unregister"), json!({})).await.expect(200).json()
    };

    let commits = futures::future::join_all((0..5).map(commit));
    let (outcomes, last) = tokio::join!(commits, unregister);

    for (number, status) in outcomes {
        let is_there = last["metadata"]["properties"].get(format!("p{number}")).is_some();
        assert!(matches!(status, 200 | 404), "{status}");
        assert_eq!(is_there, status == 200, "commit {number} was answered {status}");
    }
}
