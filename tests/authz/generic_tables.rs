//! The rows of generic tables: they need what those of tables need.

use axum::http::Method;
use merak_model::Privilege::{
    TableCreate, TableDrop, TableList, TableReadData, TableReadProperties, TableWriteData,
};
use serde_json::json;

use super::World;
use super::operations::{Operation, ROW, Request, get, with, without};

const GENERIC_TABLE_ROW: Operation = Operation { needs_generic_table: true, ..ROW };

fn generic_tables(world: &World<'_>) -> String {
    format!("/api/catalog/polaris/v1/lake/namespaces/{}/generic-tables", world.namespace())
}

fn generic_table(world: &World<'_>) -> String {
    format!("{}/g", generic_tables(world))
}

fn create(world: &World<'_>) -> Request {
    let location = format!("{}/{}/made", world.server.location("lake"), world.namespace());
    let body = json!({"name": "made", "format": "delta", "base-location": location});
    with(Method::POST, generic_tables(world), body)
}

pub(crate) const GENERIC_TABLE_OPERATIONS: &[Operation] = &[
    Operation {
        id: "listGenericTables",
        needs: &[TableList],
        request: |world| get(generic_tables(world)),
        ..ROW
    },
    Operation { id: "createGenericTable", needs: &[TableCreate], request: create, ..ROW },
    Operation {
        id: "createGenericTable",
        variant: "with its data",
        needs: &[TableCreate, TableWriteData],
        is_delegated: true,
        request: create,
        ..ROW
    },
    Operation {
        id: "loadGenericTable",
        needs: &[TableReadProperties],
        request: |world| get(generic_table(world)),
        ..GENERIC_TABLE_ROW
    },
    Operation {
        id: "loadGenericTable",
        variant: "with its data",
        needs: &[TableReadData],
        is_delegated: true,
        request: |world| get(generic_table(world)),
        ..GENERIC_TABLE_ROW
    },
    Operation {
        id: "dropGenericTable",
        needs: &[TableDrop],
        success: 204,
        request: |world| without(Method::DELETE, generic_table(world)),
        ..GENERIC_TABLE_ROW
    },
];
