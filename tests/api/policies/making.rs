//! Policies that are made.

use super::*;

#[tokio::test]
async fn a_policy_is_read_as_it_was_made() {
    let server = server().await;
    let root = server.root().await;
    let content = "{\"enable\" : true,\n \"config\": {\"größe\": \"1\"}}";
    let body = json!({
        "name": "Compact_1-x", "type": COMPACTION, "description": "for \"größe\"", "content": content,
    });

    let made = root.post(&policies("sky.deep"), body).await.expect(200);

    assert_eq!(
        made.json(),
        json!({"policy": {
            "policy-type": COMPACTION, "inheritable": true, "name": "Compact_1-x",
            "description": "for \"größe\"", "content": content, "version": 0,
        }})
    );
    let loaded = root.get(&policy("sky.deep", "Compact_1-x")).await.expect(200);
    assert_eq!(loaded.text(), made.text());
}

#[tokio::test]
async fn what_nobody_said_is_left_out() {
    let server = server().await;
    let root = server.root().await;

    let made = make(&root, "sky", "p", EXPIRY).await;

    let fields: Vec<_> = made.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["policy-type", "inheritable", "name", "content", "version"]);
}

#[tokio::test]
async fn there_are_four_types() {
    let server = server().await;
    let root = server.root().await;

    for (number, kind) in
        [COMPACTION, "system.metadata-compaction", "system.orphan-file-removal", EXPIRY]
            .iter()
            .enumerate()
    {
        let made = make(&root, "sky", &format!("p{number}"), kind).await;
        assert_eq!((&made["policy-type"], &made["inheritable"]), (&json!(kind), &json!(true)));
    }
    for kind in ["", "compaction", "system.data_compaction", "System.data-compaction"] {
        let body = json!({"name": "p", "type": kind, "content": ENABLED});
        let told = refused(&root, Method::POST, &policies("sky"), body).await;
        assert_eq!(told, format!("400 BadRequestException: Unknown policy type: {kind}"));
    }
}

#[tokio::test]
async fn a_name_has_letters_digits_hyphens_and_low_lines() {
    let server = server().await;
    let root = server.root().await;
    let expected = "400 ResteasyReactiveViolationException: Invalid value: createPolicy.arg2.name: \
                    must match \"^[A-Za-z0-9\\-_]+$\"";

    for name in [
        "", " p", "p ", "a b", "a@b", "a.b", "a/b", "a\\b", "a%b", "a\u{1f}b", "a\nb", "a\n",
        "größe", "a\u{0}b", "a[]b", "..", "*",
    ] {
        let body = json!({"name": name, "type": COMPACTION, "content": ENABLED});
        assert_eq!(
            refused(&root, Method::POST, &policies("sky"), body).await,
            expected,
            "{name:?}"
        );
    }
    let long = "p".repeat(256);
    make(&root, "sky", &long, COMPACTION).await;
    let body = json!({"name": format!("{long}p"), "type": COMPACTION, "content": ENABLED});
    let told = refused(&root, Method::POST, &policies("sky"), body).await;
    assert!(told.ends_with("createPolicy.arg2.name: size must be between 1 and 256"), "{told}");
}

#[tokio::test]
async fn what_is_needed_is_missed() {
    let server = server().await;
    let root = server.root().await;

    for (body, expected) in [
        (json!({}), "createPolicy.arg2.name: must not be null"),
        (json!({"name": null, "type": COMPACTION}), "createPolicy.arg2.name: must not be null"),
        (json!({"name": "p", "content": ENABLED}), "createPolicy.arg2.type: must not be null"),
        (json!({"name": "p", "type": COMPACTION}), "InvalidPolicyException: Policy is empty"),
        (
            json!({"name": "p", "type": COMPACTION, "content": ""}),
            "InvalidPolicyException: Policy is empty",
        ),
        (
            json!({"name": "p", "type": COMPACTION, "content": "{}"}),
            "InvalidPolicyException: Invalid policy: ",
        ),
        (
            json!({"name": "p", "type": COMPACTION, "content": {"enable": true}}),
            "MismatchedInputException: Invalid value: ",
        ),
        (json!([]), "MismatchedInputException: Invalid value: "),
    ] {
        let told = refused(&root, Method::POST, &policies("sky"), body).await;
        assert!(told.starts_with("400 ") && told.contains(expected), "{told}");
    }
    assert!(root.get(&policy("sky", "p")).await.error().starts_with("404 "));
}

#[tokio::test]
async fn a_name_is_taken_once_in_a_namespace() {
    let server = server().await;
    let root = server.root().await;
    make(&root, "sky", "stars", COMPACTION).await;

    // Whatever else is wrong with it.
    for body in [
        json!({"name": "stars", "type": COMPACTION, "content": ENABLED}),
        json!({"name": "stars", "type": "none", "content": "?"}),
    ] {
        assert_eq!(
            refused(&root, Method::POST, &policies("sky"), body).await,
            "409 AlreadyExistsException: Policy already exists \
             PolicyIdentifier[namespace=sky, name=stars]"
        );
    }
    // Tables and namespaces have names of their own, and so has each namespace.
    make(&root, "sky", "Stars", COMPACTION).await;
    make(&root, "sky", "deep", COMPACTION).await;
    make(&root, "sky.deep", "stars", COMPACTION).await;
}

#[tokio::test]
async fn of_many_that_make_one_name_at_once_one_does() {
    let server = server().await;
    let root = server.root().await;
    let make = |number: usize| {
        let (root, number) = (root.clone(), number.to_string());
        async move {
            let content = format!(r#"{{"enable": true, "config": {{"number": "{number}"}}}}"#);
            let body = json!({"name": "p", "type": COMPACTION, "content": content});
            root.post(&policies("sky"), body).await
        }
    };

    let answers = futures::future::join_all((0..8).map(make)).await;

    let (made, others): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!(made.len(), 1);
    for other in others {
        assert!(other.error().starts_with("409 AlreadyExistsException: "), "{}", other.text());
    }
    let loaded = root.get(&policy("sky", "p")).await.expect(200);
    assert_eq!(loaded.text(), made[0].text());
}

#[tokio::test]
async fn a_policy_that_is_not_there_is_not_found() {
    let server = server().await;
    let root = server.root().await;
    make(&root, "sky", "p", COMPACTION).await;

    for (namespace, name) in [("sky", "P"), ("sky.deep", "p"), ("sea", "p"), ("sky", "stars")] {
        let told = root.get(&policy(namespace, name)).await.expect(404).error();
        assert_eq!(told, missing(namespace, name));
    }
    let body = json!({"name": "p", "type": COMPACTION, "content": ENABLED});
    assert_eq!(
        refused(&root, Method::POST, &policies("sea"), body.clone()).await,
        "404 NoSuchNamespaceException: Namespace does not exist: sea"
    );
    let elsewhere = policies("sky").replace("lake", "pond");
    let told = refused(&root, Method::POST, &elsewhere, body).await;
    assert_eq!(told, "404 NoSuchNamespaceException: Namespace does not exist: sky");
    let told = root.get(&policy("sky", "p").replace("lake", "pond")).await.error();
    assert_eq!(told, missing("sky", "p"));
}
