//! The policies that apply to something.

use super::*;

#[tokio::test]
async fn a_policy_applies_to_all_that_is_in_what_it_is_attached_to() {
    let server = server().await;
    let root = server.root().await;
    server.create_namespace("lake", "sea").await;
    for (name, kind) in [("p", COMPACTION), ("q", EXPIRY)] {
        make(&root, "sky", name, kind).await;
    }
    let _ = attach(&root, "p", &on_catalog()).await.expect(204);
    let _ = attach(&root, "q", &on_namespace(&["sky"])).await.expect(204);

    assert_eq!(applied(&root, "").await, ["p"]);
    assert_eq!(applied(&root, "?namespace=sea").await, ["^p"]);
    assert_eq!(applied(&root, "?namespace=sky").await, ["^p", "q"]);
    assert_eq!(applied(&root, "?namespace=sky%1Fdeep").await, ["^p", "^q"]);
    assert_eq!(applied(&root, QUERIES[3]).await, ["^p", "^q"]);
    assert_eq!(applied(&root, "?namespace=&target-name=").await, ["p"]);
}

#[tokio::test]
async fn the_nearest_policy_of_a_type_applies() {
    let server = server().await;
    let root = server.root().await;
    for (place, name) in places().iter().zip(["a", "b", "c", "d"]) {
        make(&root, "sky", name, COMPACTION).await;
        let _ = attach(&root, name, place).await.expect(204);
    }

    for (query, expected) in QUERIES.iter().zip(["a", "b", "c", "d"]) {
        assert_eq!(applied(&root, query).await, [expected]);
    }
    let places = places();
    for (place, name, left) in
        [(&places[3], "d", "^c"), (&places[1], "b", "^c"), (&places[2], "c", "^a")]
    {
        let _ = detach(&root, name, place).await.expect(204);
        assert_eq!(applied(&root, QUERIES[3]).await, [left]);
    }
}

#[tokio::test]
async fn a_policy_that_is_attached_here_and_above_is_not_inherited() {
    let server = server().await;
    let root = server.root().await;
    make(&root, "sky", "p", COMPACTION).await;
    for place in places().iter().take(3) {
        let _ = attach(&root, "p", place).await.expect(204);
    }

    for query in &QUERIES[..3] {
        assert_eq!(applied(&root, query).await, ["p"], "{query}");
    }
    assert_eq!(applied(&root, QUERIES[3]).await, ["^p"]);
}

#[tokio::test]
async fn a_policy_is_told_with_its_namespace_and_all_it_says() {
    let server = server().await;
    let root = server.root().await;
    let body = json!({
        "name": "p", "type": COMPACTION, "description": "why", "content": ENABLED,
    });
    let mut expected =
        root.post(&policies("sky.deep"), body).await.expect(200).json()["policy"].clone();
    let body = json!({"target": on_namespace(&["sky"])});
    let _ = root.put(&mappings("sky.deep", "p"), body).await.expect(204);

    for (query, inherited) in [(QUERIES[1], false), (QUERIES[3], true)] {
        let answer = root.get(&format!("{LAKE}/applicable-policies{query}")).await.expect(200);
        expected["inherited"] = json!(inherited);
        expected["namespace"] = json!(["sky", "deep"]);
        assert_eq!(answer.json(), json!({"applicable-policies": [expected]}));
    }
    // Each namespace is somewhere else: that its policy lies further in does not matter.
    assert!(applied(&root, "").await.is_empty());
}

#[tokio::test]
async fn policies_of_one_type_are_asked_for() {
    let server = server().await;
    let root = server.root().await;
    for (name, kind) in [("p", COMPACTION), ("q", EXPIRY)] {
        make(&root, "sky", name, kind).await;
        let _ = attach(&root, name, &on_catalog()).await.expect(204);
    }

    for (kind, expected) in [
        (COMPACTION, vec!["p"]),
        (EXPIRY, vec!["q"]),
        ("system.orphan-file-removal", vec![]),
        // As in Polaris, it is not looked at.
        ("unheard-of", vec!["p", "q"]),
        ("", vec!["p", "q"]),
    ] {
        assert_eq!(applied(&root, &format!("?policyType={kind}")).await, expected, "{kind}");
    }
}

#[tokio::test]
async fn what_is_not_there_has_no_policies() {
    let server = server().await;
    let root = server.root().await;

    for (query, expected) in [
        ("?namespace=sea", "404 NoSuchNamespaceException: Namespace does not exist: sea"),
        ("?namespace=sky%1Fsea", "404 NoSuchNamespaceException: Namespace does not exist: sky.sea"),
        (
            "?namespace=sky&target-name=stars",
            "404 NoSuchTableException: Table does not exist: sky.stars",
        ),
        (
            "?namespace=sea&target-name=stars",
            "404 NoSuchTableException: Table does not exist: sea.stars",
        ),
        (
            "?target-name=stars",
            "400 BadRequestException: The parameter 'target-name' needs the parameter 'namespace'",
        ),
    ] {
        let told = root.get(&format!("{LAKE}/applicable-policies{query}")).await.error();
        assert_eq!(told, expected);
    }
    let pond = LAKE.replace("lake", "pond");
    let told = root.get(&format!("{pond}/applicable-policies")).await.error();
    assert_eq!(told, "404 NoSuchNamespaceException: Namespace does not exist: ''");
}

#[tokio::test]
async fn the_policies_of_another_catalog_are_its_own() {
    let server = server().await;
    let root = server.root().await;
    server.create_catalog("pond").await;
    server.create_namespace("pond", "sky").await;
    make(&root, "sky", "p", COMPACTION).await;
    let _ = attach(&root, "p", &on_namespace(&["sky"])).await.expect(204);

    let pond = LAKE.replace("lake", "pond");
    let path = format!("{pond}/applicable-policies?namespace=sky");
    let answer = root.get(&path).await.expect(200).json();
    assert_eq!(answer, json!({"applicable-policies": []}));
    let path = mappings("sky", "p").replace("lake", "pond");
    let told = refused(&root, Method::PUT, &path, json!({"target": on_catalog()})).await;
    assert_eq!(told, missing("sky", "p"));
}
