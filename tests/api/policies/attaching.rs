//! Policies that are attached, and detached.

use merak_model::EntityKind;

use super::*;

#[tokio::test]
async fn a_policy_is_attached_to_each_kind_of_place_and_detached() {
    let server = server().await;
    let root = server.root().await;
    make(&root, "sky", "p", COMPACTION).await;

    for (place, query) in places().iter().zip(QUERIES) {
        let answer = attach(&root, "p", place).await.expect(204);
        assert_eq!(answer.text(), "");
        assert_eq!(applied(&root, query).await, ["p"]);
        let answer = detach(&root, "p", place).await.expect(204);
        assert_eq!(answer.text(), "");
        assert!(applied(&root, query).await.is_empty());
    }
}

#[tokio::test]
async fn one_policy_of_a_type_is_attached_to_a_place() {
    let server = server().await;
    let root = server.root().await;
    make(&root, "sky", "p", COMPACTION).await;
    make(&root, "sky", "other", COMPACTION).await;
    make(&root, "sky", "expiry", EXPIRY).await;
    let names = ["lake", "lake.sky", "lake.sky.deep", "lake.sky.deep.stars"];

    for (place, name) in places().iter().zip(names) {
        let _ = attach(&root, "p", place).await.expect(204);
        let _ = attach(&root, "expiry", place).await.expect(204);
        let told = attach(&root, "other", place).await.error();
        assert_eq!(
            told,
            format!(
                "409 PolicyMappingAlreadyExistsException: The policy mapping of same type \
                 (system.data-compaction) for {name} already exists"
            )
        );
    }
    for query in QUERIES {
        assert_eq!(applied(&root, query).await, ["p", "expiry"]);
    }
    // Once it is gone, the other one may.
    let _ = detach(&root, "p", &on_catalog()).await.expect(204);
    let _ = attach(&root, "other", &on_catalog()).await.expect(204);
}

#[tokio::test]
async fn a_policy_may_be_attached_again_with_other_parameters() {
    let server = server().await;
    let root = server.root().await;
    make(&root, "sky", "p", COMPACTION).await;
    let path = mappings("sky", "p");

    for parameters in
        [json!({}), json!({"a": "b"}), json!({"ö\"\u{0}": "c"}), json!(null), json!({"a": ""})]
    {
        let body = json!({"target": on_namespace(&["sky"]), "parameters": parameters});
        let _ = root.put(&path, body).await.expect(204);
    }

    assert_eq!(applied(&root, "?namespace=sky").await, ["p"]);
    let _ = detach(&root, "p", &on_namespace(&["sky"])).await.expect(204);
    for parameters in [json!([]), json!({"a": 1}), json!({"a": null}), json!("a")] {
        let body = json!({"target": on_catalog(), "parameters": parameters});
        let told = refused(&root, Method::PUT, &path, body).await;
        assert!(told.starts_with("400 MismatchedInputException: "), "{told}");
    }
}

/// Polaris fails with 500, where its document says 404.
#[tokio::test]
async fn what_is_not_attached_is_not_detached() {
    let server = server().await;
    let root = server.root().await;
    make(&root, "sky", "p", COMPACTION).await;
    make(&root, "sky", "other", COMPACTION).await;
    let _ = attach(&root, "p", &on_namespace(&["sky"])).await.expect(204);

    for (name, place, shown) in [
        ("p", on_catalog(), "lake"),
        ("p", on_namespace(&["sky", "deep"]), "lake.sky.deep"),
        // It inherits it, which is something else.
        ("p", on_table(&["sky", "deep", "stars"]), "lake.sky.deep.stars"),
        ("other", on_namespace(&["sky"]), "lake.sky"),
    ] {
        assert_eq!(
            detach(&root, name, &place).await.error(),
            format!(
                "404 NoSuchMappingException: Policy PolicyIdentifier[namespace=sky, name={name}] is \
                 not attached to {shown}"
            )
        );
    }
    assert_eq!(applied(&root, "?namespace=sky").await, ["p"]);
}

#[tokio::test]
async fn what_is_not_there_is_told_in_polaris_order() {
    let server = server().await;
    let root = server.root().await;
    make(&root, "sky", "p", COMPACTION).await;
    let table = "404 NoSuchTableException: Table or view does not exist: ";
    let namespace = "404 NoSuchNamespaceException: Namespace does not exist: ";

    for (name, place, expected) in [
        ("p", on_namespace(&["sea"]), format!("{namespace}sea")),
        ("p", on_namespace(&["sky", "sea"]), format!("{namespace}sky.sea")),
        ("p", on_namespace(&["Sky"]), format!("{namespace}Sky")),
        ("p", on_table(&["sky", "stars"]), format!("{table}sky.stars")),
        ("p", on_table(&["sea", "stars"]), format!("{table}sea.stars")),
        ("p", on_table(&["stars"]), format!("{table}stars")),
        // A target that is not there is missed before the policy.
        ("none", on_namespace(&["sea"]), format!("{namespace}sea")),
        ("none", on_table(&["sky", "stars"]), format!("{table}sky.stars")),
        ("none", on_catalog(), missing("sky", "none")),
        ("none", on_namespace(&["sky"]), missing("sky", "none")),
    ] {
        for method in [Method::PUT, Method::POST] {
            let body = json!({"target": place});
            let told = refused(&root, method, &mappings("sky", name), body).await;
            assert_eq!(told, expected);
        }
    }
}

#[tokio::test]
async fn views_and_tables_of_other_formats_are_no_places() {
    let server = server().await;
    let root = server.root().await;
    make(&root, "sky", "p", COMPACTION).await;
    server.create_view("lake", "sky", "view").await;
    server.place(EntityKind::GenericTable, "lake", "sky", "generic").await;

    for name in ["view", "generic"] {
        for method in [Method::PUT, Method::POST] {
            let body = json!({"target": on_table(&["sky", name])});
            assert_eq!(
                refused(&root, method, &mappings("sky", "p"), body).await,
                format!("404 NoSuchTableException: Table does not exist: sky.{name}")
            );
        }
        let path = format!("{LAKE}/applicable-policies?namespace=sky&target-name={name}");
        let told = root.get(&path).await.expect(404).error();
        assert_eq!(told, format!("404 NoSuchTableException: Table does not exist: sky.{name}"));
    }
}

#[tokio::test]
async fn a_place_that_is_none_is_refused() {
    let server = server().await;
    let root = server.root().await;
    make(&root, "sky", "p", COMPACTION).await;

    for (body, expected) in [
        (json!({}), "Invalid value: attachPolicy.arg3.target: must not be null"),
        (json!({"target": null}), "Invalid value: attachPolicy.arg3.target: must not be null"),
        (json!({"target": {}}), "attachPolicy.arg3.target.type: must not be null"),
        (json!({"target": {"type": "table"}}), "MismatchedInputException"),
        (json!({"target": {"type": "CATALOG"}}), "MismatchedInputException"),
        (json!({"target": "catalog"}), "MismatchedInputException"),
        (json!({"target": on_namespace(&[])}), "IllegalArgumentException: The path"),
        (json!({"target": {"type": "namespace"}}), "IllegalArgumentException: The path"),
        (json!({"target": {"type": "table-like"}}), "IllegalArgumentException: The path"),
        (json!({"target": on_namespace(&[""])}), "IllegalArgumentException: Invalid namespace"),
        (json!({"target": on_namespace(&["a\u{1f}b"])}), "IllegalArgumentException: Invalid"),
        (json!({"target": {"type": "namespace", "path": "sky"}}), "MismatchedInputException"),
        (json!({"target": {"type": "namespace", "path": [1]}}), "MismatchedInputException"),
    ] {
        let told = refused(&root, Method::PUT, &mappings("sky", "p"), body).await;
        assert!(told.starts_with("400 ") && told.contains(expected), "{told}");
    }
    // The path of a catalog is not looked at.
    let body = json!({"target": {"type": "catalog", "path": ["sea"]}});
    let _ = root.put(&mappings("sky", "p"), body).await.expect(204);
    assert_eq!(applied(&root, "").await, ["p"]);
}

#[tokio::test]
async fn a_table_that_moves_keeps_its_policies() {
    let server = server().await;
    let root = server.root().await;
    make(&root, "sky", "p", COMPACTION).await;
    let _ = attach(&root, "p", &on_table(&["sky", "deep", "stars"])).await.expect(204);

    let ident = |namespace: Value, name: &str| json!({"namespace": namespace, "name": name});
    let body = json!({
        "source": ident(json!(["sky", "deep"]), "stars"), "destination": ident(json!(["sky"]), "suns"),
    });
    let _ = root.post("/api/catalog/v1/lake/tables/rename", body).await.expect(204);

    assert_eq!(applied(&root, "?namespace=sky&target-name=suns").await, ["p"]);
    let _ = detach(&root, "p", &on_table(&["sky", "suns"])).await.expect(204);
}

#[tokio::test]
async fn of_many_policies_that_are_attached_at_once_one_is() {
    let server = server().await;
    let root = server.root().await;
    for number in 0..8 {
        make(&root, "sky", &format!("p{number}"), COMPACTION).await;
    }
    let put = |number: usize| {
        let root = root.clone();
        async move { attach(&root, &format!("p{number}"), &on_catalog()).await }
    };

    let answers = futures::future::join_all((0..8).map(put)).await;

    let winner = answers.iter().position(|answer| answer.status == 204).expect("one");
    for (number, answer) in answers.iter().enumerate().filter(|(number, _)| *number != winner) {
        let told = answer.error();
        assert!(told.starts_with("409 PolicyMappingAlreadyExistsException: "), "{number}: {told}");
    }
    assert_eq!(applied(&root, "").await, [format!("p{winner}")]);
}
