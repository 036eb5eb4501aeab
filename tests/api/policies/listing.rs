//! The policies of a namespace.

use merak_model::EntityKind;

use super::*;

async fn listed(who: &Identity<'_>, query: &str) -> Vec<String> {
    let answer = who.get(&format!("{}{query}", policies("sky"))).await.expect(200).json();
    let identifiers = answer["identifiers"].as_array().expect("a list").iter();
    identifiers.map(|one| one["name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn the_policies_of_a_namespace_are_listed_and_nothing_else_is() {
    let server = server().await;
    let root = server.root().await;
    server.create_table("lake", "sky", "table").await;
    for (namespace, name) in [("sky", "b"), ("sky", "a"), ("sky.deep", "c")] {
        make(&root, namespace, name, COMPACTION).await;
    }

    let answer = root.get(&policies("sky")).await.expect(200).json();

    let identifier = |name: &str| json!({"namespace": ["sky"], "name": name});
    assert_eq!(answer, json!({"identifiers": [identifier("a"), identifier("b")]}));
    let answer = root.get(&policies("sky.deep")).await.expect(200).json();
    let identifier = json!({"namespace": ["sky", "deep"], "name": "c"});
    assert_eq!(answer, json!({"identifiers": [identifier]}));
}

#[tokio::test]
async fn a_namespace_without_policies_has_an_empty_list() {
    let server = server().await;
    let root = server.root().await;

    assert_eq!(root.get(&policies("sky")).await.expect(200).json(), json!({"identifiers": []}));
    let missing = root.get(&policies("sea")).await;
    assert_eq!(missing.error(), "404 NoSuchNamespaceException: Namespace does not exist: sea");
}

#[tokio::test]
async fn policies_of_one_type_are_listed() {
    let server = server().await;
    let root = server.root().await;
    for (name, kind) in [("a", COMPACTION), ("b", EXPIRY), ("c", COMPACTION)] {
        make(&root, "sky", name, kind).await;
    }
    server.place(EntityKind::Policy, "lake", "sky", "of-no-type").await;

    assert_eq!(listed(&root, "?policyType=system.data-compaction").await, ["a", "c"]);
    assert_eq!(listed(&root, "?policyType=system.snapshot-expiry").await, ["b"]);
    assert!(listed(&root, "?policyType=system.orphan-file-removal").await.is_empty());
}

/// As in Polaris, whose clients may rely on it.
#[tokio::test]
async fn a_type_that_is_not_known_is_not_looked_at() {
    let server = server().await;
    let root = server.root().await;
    for (name, kind) in [("a", COMPACTION), ("b", EXPIRY)] {
        make(&root, "sky", name, kind).await;
    }

    for query in ["?policyType=unheard-of", "?policyType=", "?policyType", "?policyType=0"] {
        assert_eq!(listed(&root, query).await, ["a", "b"], "{query}");
    }
}

#[tokio::test]
async fn there_are_no_pages() {
    let server = server().await;
    let root = server.root().await;
    for name in ["a", "b", "c"] {
        make(&root, "sky", name, COMPACTION).await;
    }

    for query in ["?pageToken=&pageSize=1", "?pageSize=2", "?pageToken=x"] {
        let answer = root.get(&format!("{}{query}", policies("sky"))).await.expect(200).json();
        assert_eq!(answer["identifiers"].as_array().unwrap().len(), 3, "{query}");
        assert_eq!(answer.get("next-page-token"), None, "{query}");
    }
}
