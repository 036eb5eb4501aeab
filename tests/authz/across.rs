//! The rows of what may reach beyond one table.

use axum::http::Method;
use merak_model::Privilege::{
    NamespaceCreate, NamespaceDrop, TableCreate, TableDrop, TableList, TableWriteProperties,
};
use serde_json::json;

use super::operations::{Operation, ROW, with};

const LAKE: &str = "/api/catalog/v1/lake";

pub(crate) const ACROSS_OPERATIONS: &[Operation] = &[
    Operation {
        id: "renameTable",
        needs: &[TableDrop, TableList, TableCreate],
        needs_table: true,
        success: 204,
        request: |world| {
            let namespace = [world.namespace()];
            let body = json!({
                "source": {"namespace": namespace, "name": "t"},
                "destination": {"namespace": namespace, "name": "moved"},
            });
            with(Method::POST, format!("{LAKE}/tables/rename"), body)
        },
        ..ROW
    },
    // To a catalog that owns its tables: that is told only to whoever may send one.
    Operation {
        id: "sendNotification",
        needs: &[TableCreate, TableWriteProperties, TableDrop, NamespaceCreate, NamespaceDrop],
        success: 400,
        request: |world| {
            let body = json!({"notification-type": "UNKNOWN"});
            with(
                Method::POST,
                format!("{LAKE}/namespaces/{}/tables/t/notifications", world.namespace()),
                body,
            )
        },
        ..ROW
    },
    Operation {
        id: "commitTransaction",
        needs: &[TableWriteProperties, TableCreate],
        needs_table: true,
        success: 204,
        request: |world| {
            let body = json!({"table-changes": [{
                "identifier": {"namespace": [world.namespace()], "name": "t"},
                "requirements": [],
                "updates": [{"action": "set-properties", "updates": {"a": "b"}}],
            }]});
            with(Method::POST, format!("{LAKE}/transactions/commit"), body)
        },
        ..ROW
    },
];
