//! The rows of policies.

use axum::http::Method;
use merak_model::Privilege::{
    CatalogAttachPolicy, CatalogDetachPolicy, CatalogReadProperties, NamespaceAttachPolicy,
    NamespaceDetachPolicy, NamespaceReadProperties, PolicyAttach, PolicyCreate, PolicyDetach,
    PolicyDrop, PolicyList, PolicyRead, PolicyWrite, TableAttachPolicy, TableDetachPolicy,
    TableReadProperties,
};
use serde_json::{Value, json};

use super::World;
use super::operations::{Operation, ROW, Request, get, with, without};

const POLARIS: &str = "/api/catalog/polaris/v1/lake";
const POLICY_ROW: Operation = Operation { needs_policy: true, ..ROW };

pub(crate) fn policies(world: &World<'_>) -> String {
    format!("{POLARIS}/namespaces/{}/policies", world.namespace())
}

fn policy(world: &World<'_>) -> String {
    format!("{}/p", policies(world))
}

fn applicable(query: &str) -> Request {
    get(format!("{POLARIS}/applicable-policies{query}"))
}

/// Attaches the policy, or with `POST` detaches it.
fn mapping(method: Method, world: &World<'_>, target: Value) -> Request {
    with(method, format!("{}/mappings", policy(world)), json!({"target": target}))
}

fn on_catalog() -> Value {
    json!({"type": "catalog"})
}

fn on_namespace(world: &World<'_>) -> Value {
    json!({"type": "namespace", "path": [world.namespace()]})
}

fn on_table(world: &World<'_>) -> Value {
    json!({"type": "table-like", "path": [world.namespace(), "t"]})
}

pub(crate) const POLICY_OPERATIONS: &[Operation] = &[
    Operation {
        id: "listPolicies",
        needs: &[PolicyList],
        request: |world| get(policies(world)),
        ..ROW
    },
    Operation {
        id: "createPolicy",
        needs: &[PolicyCreate],
        request: |world| {
            let content = r#"{"enable": true}"#;
            let body =
                json!({"name": "made", "type": "system.snapshot-expiry", "content": content});
            with(Method::POST, policies(world), body)
        },
        ..ROW
    },
    Operation {
        id: "loadPolicy",
        needs: &[PolicyRead],
        request: |world| get(policy(world)),
        ..POLICY_ROW
    },
    Operation {
        id: "updatePolicy",
        needs: &[PolicyWrite],
        request: |world| {
            let content = r#"{"enable": false}"#;
            let body = json!({"content": content, "current-policy-version": 0});
            with(Method::PUT, policy(world), body)
        },
        ..POLICY_ROW
    },
    Operation {
        id: "dropPolicy",
        needs: &[PolicyDrop],
        success: 204,
        request: |world| without(Method::DELETE, policy(world)),
        ..POLICY_ROW
    },
    Operation {
        id: "dropPolicy",
        variant: "from all",
        needs: &[PolicyDrop],
        success: 204,
        request: |world| without(Method::DELETE, format!("{}?detach-all=true", policy(world))),
        ..POLICY_ROW
    },
    // The catalog has a policy of the type, which only those are told who may attach one.
    Operation {
        id: "attachPolicy",
        variant: "to a catalog",
        needs: &[PolicyAttach, CatalogAttachPolicy],
        success: 409,
        request: |world| mapping(Method::PUT, world, on_catalog()),
        ..POLICY_ROW
    },
    Operation {
        id: "attachPolicy",
        variant: "to a namespace",
        needs: &[PolicyAttach, NamespaceAttachPolicy],
        success: 204,
        request: |world| mapping(Method::PUT, world, on_namespace(world)),
        ..POLICY_ROW
    },
    Operation {
        id: "attachPolicy",
        variant: "to a table",
        needs: &[PolicyAttach, TableAttachPolicy],
        needs_table: true,
        success: 204,
        request: |world| mapping(Method::PUT, world, on_table(world)),
        ..POLICY_ROW
    },
    // It is not attached, which only those are told who may detach it.
    Operation {
        id: "detachPolicy",
        variant: "from a catalog",
        needs: &[PolicyDetach, CatalogDetachPolicy],
        success: 404,
        request: |world| mapping(Method::POST, world, on_catalog()),
        ..POLICY_ROW
    },
    Operation {
        id: "detachPolicy",
        variant: "from a namespace",
        needs: &[PolicyDetach, NamespaceDetachPolicy],
        success: 404,
        request: |world| mapping(Method::POST, world, on_namespace(world)),
        ..POLICY_ROW
    },
    Operation {
        id: "detachPolicy",
        variant: "from a table",
        needs: &[PolicyDetach, TableDetachPolicy],
        needs_table: true,
        success: 404,
        request: |world| mapping(Method::POST, world, on_table(world)),
        ..POLICY_ROW
    },
    Operation {
        id: "getApplicablePolicies",
        variant: "of a catalog",
        needs: &[CatalogReadProperties],
        request: |_| applicable(""),
        ..ROW
    },
    Operation {
        id: "getApplicablePolicies",
        variant: "of a namespace",
        needs: &[NamespaceReadProperties],
        request: |world| applicable(&format!("?namespace={}", world.namespace())),
        ..ROW
    },
    Operation {
        id: "getApplicablePolicies",
        variant: "of a table",
        needs: &[TableReadProperties],
        needs_table: true,
        request: |world| applicable(&format!("?namespace={}&target-name=t", world.namespace())),
        ..ROW
    },
];
