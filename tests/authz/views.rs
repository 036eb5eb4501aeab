//! The rows of views.

use axum::http::Method;
use merak_model::Privilege::{
    ViewCreate, ViewDrop, ViewList, ViewReadProperties, ViewWriteProperties,
};
use merak_tests::{schema, view_version};
use serde_json::json;

use super::World;
use super::operations::{Operation, ROW, get, with, without};

const LAKE: &str = "/api/catalog/v1/lake";
const VIEW_ROW: Operation = Operation { needs_view: true, ..ROW };

fn views(world: &World<'_>) -> String {
    format!("{LAKE}/namespaces/{}/views", world.namespace())
}

fn view(world: &World<'_>) -> String {
    format!("{}/v", views(world))
}

pub(crate) const VIEW_OPERATIONS: &[Operation] = &[
    Operation { id: "listViews", needs: &[ViewList], request: |world| get(views(world)), ..ROW },
    Operation {
        id: "createView",
        needs: &[ViewCreate],
        request: |world| {
            let version = view_version("select 1");
            let body = json!({"name": "made", "schema": schema(), "view-version": version});
            with(Method::POST, views(world), body)
        },
        ..ROW
    },
    Operation {
        id: "registerView",
        needs: &[ViewCreate],
        // Authorized, and then refused since there is no such file.
        success: 404,
        request: |world| {
            let namespace = world.namespace();
            let file = format!("{}/{namespace}/x/metadata/0.json", world.server.location("lake"));
            let body = json!({"name": "made", "metadata-location": file});
            with(Method::POST, format!("{LAKE}/namespaces/{namespace}/register-view"), body)
        },
        ..ROW
    },
    Operation {
        id: "loadView",
        needs: &[ViewReadProperties],
        request: |world| get(view(world)),
        ..VIEW_ROW
    },
    Operation {
        id: "viewExists",
        needs: &[ViewList],
        success: 204,
        request: |world| without(Method::HEAD, view(world)),
        ..VIEW_ROW
    },
    Operation {
        id: "replaceView",
        needs: &[ViewWriteProperties],
        request: |world| {
            let body = json!({"updates": [
                {"action": "add-view-version", "view-version": view_version("select 2")},
                {"action": "set-current-view-version", "view-version-id": -1},
            ]});
            with(Method::POST, view(world), body)
        },
        ..VIEW_ROW
    },
    Operation {
        id: "replaceView",
        variant: "without updates",
        needs: &[ViewWriteProperties],
        request: |world| with(Method::POST, view(world), json!({"updates": []})),
        ..VIEW_ROW
    },
    Operation {
        id: "dropView",
        needs: &[ViewDrop],
        success: 204,
        request: |world| without(Method::DELETE, view(world)),
        ..VIEW_ROW
    },
    Operation {
        id: "renameView",
        needs: &[ViewDrop, ViewList, ViewCreate],
        success: 204,
        request: |world| {
            let namespace = [world.namespace()];
            let body = json!({
                "source": {"namespace": namespace, "name": "v"},
                "destination": {"namespace": namespace, "name": "moved"},
            });
            with(Method::POST, format!("{LAKE}/views/rename"), body)
        },
        ..VIEW_ROW
    },
];
