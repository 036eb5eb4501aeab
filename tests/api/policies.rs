//! Policies: made, changed, attached, and found where they apply.

mod access;
mod applicable;
mod attaching;
mod costs;
mod dropping;
mod listing;
mod making;
mod replays;
mod switched_off;
mod updating;

use axum::http::Method;
use merak_tests::{Identity, Response, TestServer};
use serde_json::{Value, json};

/// What is asked of policies is below this.
pub(crate) const LAKE: &str = "/api/catalog/polaris/v1/lake";

pub(crate) const COMPACTION: &str = "system.data-compaction";
pub(crate) const EXPIRY: &str = "system.snapshot-expiry";

/// What a policy of any type may say.
pub(crate) const ENABLED: &str = r#"{"enable": true}"#;

/// The policies of a namespace, its levels separated by dots.
pub(crate) fn policies(namespace: &str) -> String {
    format!("{LAKE}/namespaces/{}/policies", namespace.replace('.', "%1F"))
}

pub(crate) fn policy(namespace: &str, name: &str) -> String {
    format!("{}/{name}", policies(namespace))
}

pub(crate) fn mappings(namespace: &str, name: &str) -> String {
    format!("{}/mappings", policy(namespace, name))
}

/// A server with the namespaces `sky` and, in it, `deep`, and the table `stars` in the latter.
async fn server() -> TestServer {
    let server = TestServer::start().await;
    server.create_catalog("lake").await;
    server.create_namespace("lake", "sky").await;
    server.create_namespace("lake", "sky.deep").await;
    server.create_table("lake", "sky.deep", "stars").await;
    server
}

/// Makes a policy, and answers what its maker was told.
pub(crate) async fn make(who: &Identity<'_>, namespace: &str, name: &str, kind: &str) -> Value {
    let body = json!({"name": name, "type": kind, "content": ENABLED});
    who.post(&policies(namespace), body).await.expect(200).json()["policy"].clone()
}

pub(crate) fn on_catalog() -> Value {
    json!({"type": "catalog"})
}

pub(crate) fn on_namespace(path: &[&str]) -> Value {
    json!({"type": "namespace", "path": path})
}

pub(crate) fn on_table(path: &[&str]) -> Value {
    json!({"type": "table-like", "path": path})
}

/// The places in [`server`], from the outermost inwards.
fn places() -> [Value; 4] {
    [
        on_catalog(),
        on_namespace(&["sky"]),
        on_namespace(&["sky", "deep"]),
        on_table(&["sky", "deep", "stars"]),
    ]
}

/// Attaches a policy of the namespace `sky`.
async fn attach(who: &Identity<'_>, name: &str, target: &Value) -> Response {
    who.put(&mappings("sky", name), json!({"target": target})).await
}

/// Detaches a policy of the namespace `sky`.
async fn detach(who: &Identity<'_>, name: &str, target: &Value) -> Response {
    who.post(&mappings("sky", name), json!({"target": target})).await
}

/// The names of the policies that apply to something, each with a mark if it is inherited.
async fn applied(who: &Identity<'_>, query: &str) -> Vec<String> {
    let answer = who.get(&format!("{LAKE}/applicable-policies{query}")).await.expect(200).json();
    let policies = answer["applicable-policies"].as_array().expect("a list").iter();
    policies
        .map(|policy| {
            let inherited = if policy["inherited"] == json!(true) { "^" } else { "" };
            format!("{inherited}{}", policy["name"].as_str().expect("a name"))
        })
        .collect()
}

/// The queries for what applies to the [`places`].
const QUERIES: [&str; 4] =
    ["", "?namespace=sky", "?namespace=sky%1Fdeep", "?namespace=sky%1Fdeep&target-name=stars"];

/// What is answered to a body that is sent to a path, which must be refused.
async fn refused(who: &Identity<'_>, method: Method, path: &str, body: Value) -> String {
    let answer = who.send_json(method, path, &body).await;
    assert!(answer.status.is_client_error(), "{body}: {}", answer.text());
    answer.error()
}

/// The policy that is not there, in the words of Polaris.
fn missing(namespace: &str, name: &str) -> String {
    format!(
        "404 NoSuchPolicyException: Policy does not exist: PolicyIdentifier[namespace={namespace}, \
         name={name}]"
    )
}
