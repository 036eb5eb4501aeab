//! Policies, as far as they can be listed.

use merak_model::EntityKind;
use merak_tests::TestServer;
use serde_json::json;

const POLICIES: &str = "/api/catalog/polaris/v1/lake/namespaces/sky/policies";

async fn server() -> TestServer {
    let server = TestServer::start().await;
    server.create_catalog("lake").await;
    server.create_namespace("lake", "sky").await;
    server
}

#[tokio::test]
async fn the_policies_of_a_namespace_are_listed_and_nothing_else_is() {
    let server = server().await;
    server.create_namespace("lake", "sky.deep").await;
    server.create_table("lake", "sky", "table").await;
    for (namespace, name) in [("sky", "b"), ("sky", "a"), ("sky.deep", "c")] {
        server.place(EntityKind::Policy, "lake", namespace, name).await;
    }

    let answer = server.root().await.get(POLICIES).await.expect(200).json();

    let identifier = |name: &str| json!({"namespace": ["sky"], "name": name});
    assert_eq!(answer, json!({"identifiers": [identifier("a"), identifier("b")]}));
}

#[tokio::test]
async fn a_namespace_without_policies_has_an_empty_list() {
    let server = server().await;
    let root = server.root().await;

    assert_eq!(root.get(POLICIES).await.expect(200).json(), json!({"identifiers": []}));
    let missing = root.get("/api/catalog/polaris/v1/lake/namespaces/sea/policies").await;
    assert_eq!(missing.error(), "404 NoSuchNamespaceException: Namespace does not exist: sea");
}

#[tokio::test]
async fn a_policy_type_that_no_policy_has_lists_none() {
    let server = server().await;
    server.place(EntityKind::Policy, "lake", "sky", "of no type").await;
    let root = server.root().await;

    for policy_type in ["system.data-compaction", "unheard-of"] {
        let answer = root.get(&format!("{POLICIES}?policyType={policy_type}")).await;
        assert_eq!(answer.expect(200).json(), json!({"identifiers": []}), "{policy_type}");
    }
}

#[tokio::test]
async fn where_policies_are_switched_off_the_answer_says_by_what() {
    let off = [("polaris.features.\"ENABLE_POLICY_STORE\"", "false")];
    let server = TestServer::start_with(&off).await;
    server.create_catalog("lake").await;
    server.create_namespace("lake", "sky").await;

    assert_eq!(
        server.root().await.get(POLICIES).await.error(),
        "406 UnsupportedOperationException: Feature not enabled: ENABLE_POLICY_STORE"
    );
}
