//! Realms without policies.

use super::*;

#[tokio::test]
async fn where_policies_are_switched_off_the_answer_says_by_what() {
    let off = [("polaris.features.\"ENABLE_POLICY_STORE\"", "false")];
    let server = TestServer::start_with(&off).await;
    server.create_catalog("lake").await;
    server.create_namespace("lake", "sky").await;
    let root = server.root().await;
    let nobody = server.principal("ana").await;
    let target = json!({"target": on_catalog()});
    let made = json!({"name": "p", "type": COMPACTION, "content": ENABLED});
    let none = Value::Null;

    for (method, path, body) in [
        (Method::GET, policies("sky"), &none),
        (Method::POST, policies("sky"), &made),
        (Method::GET, policy("sky", "p"), &none),
        (Method::PUT, policy("sky", "p"), &made),
        (Method::DELETE, policy("sky", "p"), &none),
        (Method::PUT, mappings("sky", "p"), &target),
        (Method::POST, mappings("sky", "p"), &target),
        (Method::GET, format!("{LAKE}/applicable-policies"), &none),
    ] {
        // Before it is asked who may know, and what is there.
        for who in [&root, &nobody] {
            assert_eq!(
                refused(who, method.clone(), &path, body.clone()).await,
                "406 UnsupportedOperationException: Feature not enabled: ENABLE_POLICY_STORE",
                "{method} {path}"
            );
        }
    }
    let config = root.get("/api/catalog/v1/config?warehouse=lake").await.expect(200).json();
    let endpoints = config["endpoints"].as_array().unwrap();
    assert!(endpoints.iter().all(|one| !one.as_str().unwrap().contains("polic")));
}
