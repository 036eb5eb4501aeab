//! Changes that are sent again under their idempotency keys.

use super::*;

/// A request that changes something, and what others do afterwards: carried out again, it would undo
/// that, or be refused.
struct Case {
    request: (Method, String, Value),
    others: Vec<(Method, String, Value)>,
}

fn case(request: (Method, String, Value), others: Vec<(Method, String, Value)>) -> Case {
    Case { request, others }
}

async fn send(who: &Identity<'_>, (method, path, body): &(Method, String, Value)) -> Response {
    if body.is_null() {
        return who.send_bytes(method.clone(), path, Vec::new()).await;
    }
    who.send_json(method.clone(), path, body).await
}

/// All that there is to see.
async fn state(root: &Identity<'_>) -> Vec<String> {
    let paths = [policies("sky"), policy("sky", "p"), policy("sky", "new")];
    let applicable = QUERIES.map(|query| format!("{LAKE}/applicable-policies{query}"));
    let mut state = Vec::new();
    for path in paths.iter().chain(&applicable) {
        state.push(root.get(path).await.text());
    }
    state
}

#[tokio::test]
async fn every_change_is_made_once_and_answered_alike() {
    let target = json!({"target": on_catalog()});
    let put = |version: i64, description: &str| {
        let body = json!({
            "content": ENABLED, "description": description, "current-policy-version": version,
        });
        (Method::PUT, policy("sky", "p"), body)
    };
    let create = |name: &str| {
        let body = json!({"name": name, "type": COMPACTION, "content": ENABLED});
        (Method::POST, policies("sky"), body)
    };
    let drop = |name: &str| (Method::DELETE, policy("sky", name), Value::Null);
    let attach = || (Method::PUT, mappings("sky", "p"), target.clone());
    let detach = || (Method::POST, mappings("sky", "p"), target.clone());
    let drop_all = (Method::DELETE, format!("{}?detach-all=true", policy("sky", "p")), Value::Null);
    for Case { request, others } in [
        case(create("new"), vec![drop("new")]),
        case(put(0, "a"), vec![put(1, "b"), put(2, "a"), put(3, "c")]),
        case(put(0, "a"), vec![detach(), drop("p")]),
        case(detach(), vec![attach()]),
        case(attach(), vec![detach()]),
        case(drop_all, vec![create("p"), attach()]),
    ] {
        let server = server().await;
        let root = server.root().await;
        make(&root, "sky", "p", COMPACTION).await;
        let _ = send(&root, &attach()).await.expect(204);
        let key = uuid::Uuid::new_v4().to_string();
        let who = root.with_header("Idempotency-Key", &key);

        let first = send(&who, &request).await;

        assert!(first.status.is_success(), "{request:?}: {}", first.text());
        let after = state(&root).await;
        let again = send(&who, &request).await;
        assert_eq!((again.status, again.text()), (first.status, first.text()), "{request:?}");
        assert_eq!(state(&root).await, after, "{request:?}");
        for other in &others {
            let answer = send(&root, other).await;
            assert!(answer.status.is_success(), "{other:?}: {}", answer.text());
        }
        let later = state(&root).await;
        let replayed = send(&who, &request).await;
        let replayed = (replayed.status, replayed.text());
        assert_eq!(replayed, (first.status, first.text()), "{request:?}, later");
        assert_eq!(state(&root).await, later, "{request:?}, later");
    }
}

#[tokio::test]
async fn a_refusal_is_given_again() {
    let server = server().await;
    let root = server.root().await;
    make(&root, "sky", "p", COMPACTION).await;
    let target = json!({"target": on_catalog()});
    for (request, mend) in [
        // Not attached, and then attached.
        (
            (Method::POST, mappings("sky", "p"), target.clone()),
            (Method::PUT, mappings("sky", "p"), target.clone()),
        ),
        // Attached, and then detached.
        (
            (Method::DELETE, policy("sky", "p"), Value::Null),
            (Method::POST, mappings("sky", "p"), target.clone()),
        ),
        (
            (Method::PUT, policy("sky", "p"), json!({"content": "?", "current-policy-version": 0})),
            (Method::DELETE, policy("sky", "p"), Value::Null),
        ),
    ] {
        let key = uuid::Uuid::new_v4().to_string();
        let who = root.with_header("Idempotency-Key", &key);
        let first = send(&who, &request).await;
        assert!(first.status.is_client_error(), "{request:?}: {}", first.text());
        let _ = send(&root, &mend).await.expect(204);

        let again = send(&who, &request).await;

        assert_eq!(again.error(), first.error(), "{request:?}");
    }
}

#[tokio::test]
async fn of_duplicates_at_once_one_is_carried_out() {
    let server = server().await;
    let root = server.root().await;
    make(&root, "sky", "p", COMPACTION).await;
    let key = uuid::Uuid::new_v4().to_string();
    let who = root.with_header("Idempotency-Key", &key);
    let body = json!({
        "content": ENABLED, "description": "a", "current-policy-version": 0,
    });

    let sent = (0..8).map(|_| {
        let (who, body) = (who.clone(), body.clone());
        async move { who.put(&policy("sky", "p"), body).await }
    });
    let answers = futures::future::join_all(sent).await;

    for answer in &answers {
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.text(), answers[0].text());
    }
    let loaded = root.get(&policy("sky", "p")).await.expect(200).json();
    assert_eq!(loaded["policy"]["version"], json!(1));
}
