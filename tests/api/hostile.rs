//! Whatever comes in as a body, the answer is never a 500, and nothing panics.

use axum::http::Method;
use merak_tests::{Identity, TestServer, schema, view_version};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::access::{
    CATALOG_ROLES, PRINCIPAL_ROLES, PRINCIPALS, create_catalog_role, create_principal,
    create_principal_role,
};

/// Any JSON, a few levels deep, with words in it that mean something to Iceberg.
fn any_json() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "struct",
        "list",
        "map",
        "type",
        "fields",
        "id",
        "name",
        "action",
        "add-schema",
        "-1",
        "",
        "identity",
        "bucket[0]",
        "decimal(99,9)",
        "main",
        "\u{1f}",
        "..",
        "polaris.x",
        "location",
        "s3://b/../x",
        "file:///etc/passwd",
        "unknown",
        "assert-create",
        "long",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        words.clone().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((words.clone().prop_map(str::to_owned), inner), 0..5)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// The endpoints that take a body, with one that they accept.
fn endpoints(server: &TestServer) -> Vec<(Method, String, Value)> {
    let lake = "/api/catalog/v1/lake";
    let tables = format!("{lake}/namespaces/sales/tables");
    let snapshot = json!({
        "snapshot-id": 1, "sequence-number": 1, "timestamp-ms": 1_700_000_000_000_i64,
        "manifest-list": format!("{}/sales/orders/metadata/snap-1.avro", server.location("lake")),
        "summary": {"operation": "append"}, "schema-id": 0,
    });
    let commit = json!({
        "identifier": {"namespace": ["sales"], "name": "orders"},
        "requirements": [
            {"type": "assert-ref-snapshot-id", "ref": "x", "snapshot-id": null},
            {"type": "assert-current-schema-id", "current-schema-id": 0},
        ],
        "updates": [
            {"action": "add-schema", "schema": schema()},
            {"action": "add-spec", "spec": {"fields": [
                {"source-id": 1, "transform": "bucket[4]", "name": "b"},
            ]}},
            {"action": "add-sort-order", "sort-order": {"order-id": 1, "fields": [
                {"source-id": 1, "transform": "identity", "direction": "asc", "null-order": "nulls-first"},
            ]}},
            {"action": "add-snapshot", "snapshot": snapshot},
            {"action": "set-snapshot-ref", "ref-name": "y", "type": "branch", "snapshot-id": 1},
            {"action": "set-properties", "updates": {"a": "b"}},
            {"action": "remove-properties", "removals": ["a"]},
            {"action": "set-location", "location": server.location("lake")},
        ],
    });
    let location = server.location("other");
    vec![
        (
            Method::POST,
            "/api/management/v1/catalogs".to_owned(),
            json!({"catalog": {
                "name": "other", "type": "INTERNAL", "properties": {"default-base-location": location},
                "storageConfigInfo": {"storageType": "S3", "roleArn": "arn:aws:iam::1:role/r",
                    "allowedLocations": ["s3://b/x"]},
            }}),
        ),
        (
            Method::PUT,
            "/api/management/v1/catalogs/lake".to_owned(),
            json!({"currentEntityVersion": 1, "properties": {"a": "b"},
                "storageConfigInfo": {"storageType": "FILE"}}),
        ),
        (
            Method::POST,
            format!("{lake}/namespaces"),
            json!({"namespace": ["a", "b"], "properties": {"location": location}}),
        ),
        (
            Method::POST,
            format!("{lake}/namespaces/sales/properties"),
            json!({"updates": {"a": "b"}, "removals": ["c"]}),
        ),
        (
            Method::POST,
            tables.clone(),
            json!({"name": "made", "schema": schema(), "stage-create": true,
                "partition-spec": {"fields": [{"source-id": 1, "transform": "identity", "name": "p"}]},
                "write-order": {"order-id": 1, "fields": []}, "properties": {"format-version": "3"}}),
        ),
        (
            Method::POST,
            format!("{lake}/namespaces/sales/register"),
            json!({"name": "r", "metadata-location": location, "overwrite": true}),
        ),
        (Method::POST, format!("{tables}/orders"), commit.clone()),
        (Method::POST, format!("{lake}/transactions/commit"), json!({"table-changes": [commit]})),
        (
            Method::POST,
            format!("{lake}/tables/rename"),
            json!({"source": {"namespace": ["sales"], "name": "nothing"},
                "destination": {"namespace": ["sales"], "name": "moved"}}),
        ),
    ]
}

/// Those of views.
fn view_endpoints(server: &TestServer) -> Vec<(Method, String, Value)> {
    let lake = "/api/catalog/v1/lake";
    let views = format!("{lake}/namespaces/sales/views");
    let location = format!("{}/sales/made", server.location("lake"));
    vec![
        (
            Method::POST,
            views.clone(),
            json!({"name": "made", "schema": schema(), "view-version": view_version("select 1"),
                "location": location, "properties": {"a": "b"}}),
        ),
        (
            Method::POST,
            format!("{lake}/namespaces/sales/register-view"),
            json!({"name": "r", "metadata-location": location}),
        ),
        (
            Method::POST,
            format!("{views}/recent"),
            json!({
                "identifier": {"namespace": ["sales"], "name": "recent"},
                "requirements": [{"type": "assert-view-uuid", "uuid": "x"}],
                "updates": [
                    {"action": "add-schema", "schema": schema()},
                    {"action": "add-view-version", "view-version": view_version("select 2")},
                    {"action": "set-current-view-version", "view-version-id": -1},
                    {"action": "set-properties", "updates": {"a": "b"}},
                    {"action": "remove-properties", "removals": ["a"]},
                    {"action": "set-location", "location": location},
                ],
            }),
        ),
        (
            Method::POST,
            format!("{lake}/views/rename"),
            json!({"source": {"namespace": ["sales"], "name": "nothing"},
                "destination": {"namespace": ["sales"], "name": "moved"}}),
        ),
    ]
}

/// Those of principals, roles and grants.
fn access_endpoints() -> Vec<(Method, String, Value)> {
    let (principal, role) = (format!("{PRINCIPALS}/ana"), format!("{PRINCIPAL_ROLES}/analyst"));
    let (catalog_role, grants) =
        (format!("{CATALOG_ROLES}/reader"), format!("{CATALOG_ROLES}/reader/grants"));
    let update = json!({"currentEntityVersion": 1, "properties": {"a": "b"}});
    let grant = json!({"grant": {"type": "table", "namespace": ["sales"], "tableName": "orders",
        "privilege": "TABLE_LIST"}});
    let named = |wrapper: &str, name: &str| json!({wrapper: {"name": name}});
    vec![
        (
            Method::POST,
            PRINCIPALS.to_owned(),
            json!({"principal": {"name": "bob", "clientId": "x", "properties": {"a": "b"}},
                "credentialRotationRequired": false}),
        ),
        (
            Method::POST,
            PRINCIPAL_ROLES.to_owned(),
            json!({"principalRole": {"name": "x", "federated": true, "properties": {"a": "b"}}}),
        ),
        (
            Method::POST,
            CATALOG_ROLES.to_owned(),
            json!({"catalogRole": {"name": "x", "properties": {"a": "b"}}}),
        ),
        (Method::PUT, principal.clone(), update.clone()),
        (Method::PUT, role.clone(), update.clone()),
        (Method::PUT, catalog_role, update),
        (
            Method::POST,
            format!("{principal}/reset"),
            json!({"clientId": "ana", "clientSecret": "chosen"}),
        ),
        (Method::POST, format!("{principal}/rotate"), json!({})),
        (Method::PUT, format!("{principal}/principal-roles"), named("principalRole", "analyst")),
        (Method::PUT, format!("{role}/catalog-roles/lake"), named("catalogRole", "reader")),
        (Method::PUT, grants.clone(), grant.clone()),
        (Method::POST, grants, grant),
    ]
}

/// Puts `other` in the place of one of the value's parts.
fn replace_part(value: &mut Value, mut choice: usize, other: Value) {
    fn count(value: &Value) -> usize {
        1 + match value {
            Value::Array(items) => items.iter().map(count).sum(),
            Value::Object(fields) => fields.values().map(count).sum(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
        }
    }
    fn replace(value: &mut Value, left: &mut usize, other: &mut Option<Value>) {
        if *left == 0 {
            if let Some(other) = other.take() {
                *value = other;
            }
            return;
        }
        *left -= 1;
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| replace(item, left, other)),
            Value::Object(fields) => {
                fields.values_mut().for_each(|field| replace(field, left, other));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    choice %= count(value);
    replace(value, &mut choice, &mut Some(other));
}

async fn must_be_answered(
    root: &Identity<'_>,
    (method, path, _): &(Method, String, Value),
    body: Value,
) -> Result<(), TestCaseError> {
    let answer = root.send_json(method.clone(), path, &body).await;
    let status = answer.status.as_u16();
    prop_assert!(status < 500, "{method} {path} with {body}: {status} {}", answer.text());
    if status >= 400 {
        let _ = answer.error();
    }
    Ok(())
}

#[test]
fn no_body_brings_the_server_down() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(async {
        let server = TestServer::start().await;
        server.create_catalog("lake").await;
        server.create_namespace("lake", "sales").await;
        server.create_table("lake", "sales", "orders").await;
        server.create_view("lake", "sales", "recent").await;
        let root = server.root().await;
        let _ = create_principal(&root, "ana").await;
        create_principal_role(&root, "analyst").await;
        create_catalog_role(&root, "reader").await;
        server
    });
    let root = runtime.block_on(server.root());
    let mut endpoints = endpoints(&server);
    endpoints.extend(view_endpoints(&server));
    endpoints.extend(access_endpoints());
    let mut runner = TestRunner::new(Config { cases: 800, ..Config::default() });
    let cases = (any::<prop::sample::Index>(), any::<usize>(), any_json());

    runner
        .run(&cases, |(which, part, json)| {
            let endpoint = which.get(&endpoints);
            let mut damaged = endpoint.2.clone();
            replace_part(&mut damaged, part, json.clone());
            runtime.block_on(async {
                must_be_answered(&root, endpoint, damaged).await?;
                must_be_answered(&root, endpoint, json).await
            })
        })
        .unwrap();
}

#[tokio::test]
async fn json_that_is_nested_too_deep_is_refused() {
    let server = TestServer::start().await;
    server.create_catalog("lake").await;
    let root = server.root().await;
    let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    let path = "/api/catalog/v1/lake/namespaces";

    let answer = root.send_bytes(Method::POST, path, deep.into_bytes()).await;

    assert_eq!(answer.status, 400);
}
