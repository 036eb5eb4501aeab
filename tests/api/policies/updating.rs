//! Policies that are changed.

use super::*;

fn change(content: Option<&str>, description: Option<&str>, version: Value) -> Value {
    json!({"content": content, "description": description, "current-policy-version": version})
}

#[tokio::test]
async fn each_change_raises_the_version() {
    let server = server().await;
    let root = server.root().await;
    make(&root, "sky", "p", COMPACTION).await;
    let path = policy("sky", "p");
    let other = r#"{"enable": false}"#;

    for (version, content, description) in [
        (0, other, Some("why")),
        (1, other, None),
        (2, ENABLED, None),
        (3, ENABLED, Some("")),
        (4, other, Some("why")),
    ] {
        let body = change(Some(content), description, json!(version));
        let changed = root.put(&path, body).await.expect(200);
        let mut expected = json!({
            "policy-type": COMPACTION, "inheritable": true, "name": "p", "content": content,
            "version": version + 1,
        });
        if let Some(description) = description {
            expected["description"] = json!(description);
        }
        assert_eq!(changed.json(), json!({"policy": expected}));
        assert_eq!(root.get(&path).await.expect(200).text(), changed.text());
    }
}

#[tokio::test]
async fn a_change_of_nothing_leaves_the_version() {
    let server = server().await;
    let root = server.root().await;
    let made = make(&root, "sky", "p", COMPACTION).await;

    for _ in 0..3 {
        let body = change(Some(ENABLED), None, json!(0));
        let answer = root.put(&policy("sky", "p"), body).await.expect(200);
        assert_eq!(answer.json()["policy"], made);
    }
    // White space is a change: the content is kept as it was written.
    let body = change(Some(r#"{ "enable": true }"#), None, json!(0));
    let answer = root.put(&policy("sky", "p"), body).await.expect(200);
    assert_eq!(answer.json()["policy"]["version"], json!(1));
}

#[tokio::test]
async fn a_version_that_is_not_the_current_one_is_refused() {
    let server = server().await;
    let root = server.root().await;
    make(&root, "sky", "p", COMPACTION).await;
    let path = policy("sky", "p");

    for version in [1, -1, i64::MAX] {
        // Whatever the change is, even if it is none.
        for content in [ENABLED, r#"{"enable": false}"#, "?"] {
            let body = change(Some(content), None, json!(version));
            assert_eq!(
                refused(&root, Method::PUT, &path, body).await,
                format!(
                    "409 PolicyVersionMismatchException: Policy version mismatch. Given version is \
                     {version}, current version is 0"
                )
            );
        }
    }
    for version in [json!(null), json!("0"), json!(0.5), json!([0])] {
        let told = refused(&root, Method::PUT, &path, change(Some(ENABLED), None, version)).await;
        assert!(told.starts_with("400 "), "{told}");
    }
    let told = refused(&root, Method::PUT, &path, json!({"content": ENABLED})).await;
    assert!(told.starts_with("400 BadRequestException: current-policy-version "), "{told}");
}

#[tokio::test]
async fn what_a_policy_of_the_type_cannot_say_is_refused() {
    let server = server().await;
    let root = server.root().await;
    make(&root, "sky", "p", COMPACTION).await;
    make(&root, "sky", "orphans", "system.orphan-file-removal").await;
    let aged = r#"{"enable": true, "max_orphan_file_age_in_days": 3}"#;

    for (content, expected) in [
        (None, "Policy is empty"),
        (Some(""), "Policy is empty"),
        (Some("?"), "Invalid policy: ?"),
        (Some(aged), "Invalid policy: unknown field"),
        (Some(r#"{"enable": true, "version": "1"}"#), "Invalid policy version: 1"),
    ] {
        let body = change(content, Some("changed"), json!(0));
        let told = refused(&root, Method::PUT, &policy("sky", "p"), body).await;
        let expected = format!("400 InvalidPolicyException: {expected}");
        assert!(told.starts_with(&expected), "{told}");
    }
    let loaded = root.get(&policy("sky", "p")).await.expect(200).json();
    assert_eq!(loaded["policy"]["version"], json!(0));
    let body = change(Some(aged), None, json!(0));
    let _ = root.put(&policy("sky", "orphans"), body).await.expect(200);
}

/// Published tests of Polaris send no version to a policy that is not there.
#[tokio::test]
async fn a_policy_that_is_not_there_is_missed_before_its_version() {
    let server = server().await;
    let root = server.root().await;

    let told = refused(&root, Method::PUT, &policy("sky", "p"), json!({"content": "?"})).await;

    assert_eq!(told, missing("sky", "p"));
}

#[tokio::test]
async fn of_many_changes_at_once_one_wins() {
    let server = server().await;
    let root = server.root().await;
    make(&root, "sky", "p", COMPACTION).await;
    let put = |number: usize| {
        let root = root.clone();
        async move {
            let body = change(Some(ENABLED), Some(&number.to_string()), json!(0));
            root.put(&policy("sky", "p"), body).await
        }
    };

    let answers = futures::future::join_all((0..8).map(put)).await;

    let (done, others): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!(done.len(), 1);
    for other in others {
        let told = other.error();
        let names = ["PolicyVersionMismatchException", "CommitConflictException"];
        assert!(names.iter().any(|name| told.starts_with(&format!("409 {name}: "))), "{told}");
    }
    assert_eq!(root.get(&policy("sky", "p")).await.expect(200).text(), done[0].text());
}

#[tokio::test]
async fn a_policy_that_was_changed_goes_on_applying() {
    let server = server().await;
    let root = server.root().await;
    make(&root, "sky", "p", COMPACTION).await;
    let _ = attach(&root, "p", &on_catalog()).await.expect(204);

    let body = change(Some(r#"{"enable": false}"#), None, json!(0));
    let _ = root.put(&policy("sky", "p"), body).await.expect(200);

    let answer = root.get(&format!("{LAKE}/applicable-policies")).await.expect(200).json();
    assert_eq!(answer["applicable-policies"][0]["content"], json!(r#"{"enable": false}"#));
    assert_eq!(answer["applicable-policies"][0]["version"], json!(1));
}
