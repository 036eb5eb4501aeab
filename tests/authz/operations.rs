//! The rows: how to call each operation, and what it needs.

use axum::http::Method;
use merak_model::Privilege;
use merak_tests::schema;
use serde_json::{Value, json};

use super::World;
use crate::metrics_reports::{commit_report, scan_report};

/// Operations that anybody may call.
pub(crate) const OPEN: &[&str] = &["getToken"];

/// A row.
pub(crate) struct Operation {
    /// Its name in our documents.
    pub(crate) id: &'static str,
    /// What tells it from other rows of the same name.
    pub(crate) variant: &'static str,
    /// The privileges that together are enough.
    pub(crate) needs: &'static [Privilege],
    /// Whether they are held on the realm's root, and not on the catalog.
    pub(crate) on_root: bool,
    /// Whether nobody but the root principal may do it, whatever they hold.
    pub(crate) only_root: bool,
    /// Whether a principal, roles and grants must be there.
    pub(crate) needs_access: bool,
    /// Whether a table must be there.
    pub(crate) needs_table: bool,
    /// Whether a view must be there.
    pub(crate) needs_view: bool,
    /// Whether a generic table must be there.
    pub(crate) needs_generic_table: bool,
    /// Whether a policy must be there.
    pub(crate) needs_policy: bool,
    /// Whether the table's data is asked for.
    pub(crate) is_delegated: bool,
    /// The status when it is allowed.
    pub(crate) success: u16,
    /// The call.
    pub(crate) request: fn(&World<'_>) -> Request,
}

/// A call.
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
}

impl Operation {
    pub(crate) fn label(&self) -> String {
        if self.variant.is_empty() {
            return self.id.to_owned();
        }
        format!("{} {}", self.id, self.variant)
    }

    /// The catalog that privileges are granted on, or none for the root.
    pub(crate) fn place(&self) -> Option<&'static str> {
        (!self.on_root).then_some("lake")
    }
}

pub(crate) const ROW: Operation = Operation {
    id: "",
    variant: "",
    needs: &[],
    on_root: false,
    only_root: false,
    needs_access: false,
    needs_table: false,
    needs_view: false,
    needs_generic_table: false,
    needs_policy: false,
    is_delegated: false,
    success: 200,
    request: |_| get(String::new()),
};

const CATALOGS: &str = "/api/management/v1/catalogs";
const LAKE: &str = "/api/catalog/v1/lake";

pub(crate) fn get(path: String) -> Request {
    Request { method: Method::GET, path, body: None }
}

pub(crate) fn with(method: Method, path: String, body: Value) -> Request {
    Request { method, path, body: Some(body) }
}

pub(crate) fn without(method: Method, path: String) -> Request {
    Request { method, path, body: None }
}

fn namespace(world: &World<'_>) -> String {
    format!("{LAKE}/namespaces/{}", world.namespace())
}

fn table(world: &World<'_>) -> String {
    format!("{}/tables/t", namespace(world))
}

fn commit(updates: Value) -> Value {
    json!({"requirements": [], "updates": updates})
}

fn create(world: &World<'_>, is_staged: bool) -> Request {
    let body = json!({"name": "made", "schema": schema(), "stage-create": is_staged});
    with(Method::POST, format!("{}/tables", namespace(world)), body)
}

use Privilege::{
    CatalogCreate, CatalogDrop, CatalogList, CatalogManageAccess, CatalogManageGrantsOnSecurable,
    CatalogManageMetadata, CatalogReadProperties, CatalogWriteProperties, NamespaceCreate,
    NamespaceDrop, NamespaceList, NamespaceReadProperties, NamespaceWriteProperties,
    TableAddSchema, TableCreate, TableDrop, TableFullMetadata, TableList, TableReadData,
    TableReadProperties, TableSetProperties, TableWriteData, TableWriteProperties,
};

pub(crate) const OPERATIONS: &[Operation] = &[
    Operation {
        id: "listCatalogs",
        needs: &[CatalogList],
        on_root: true,
        request: |_| get(CATALOGS.to_owned()),
        ..ROW
    },
    Operation {
        id: "createCatalog",
        needs: &[CatalogCreate],
        on_root: true,
        success: 201,
        request: |world| {
            let name = format!("{}-new", world.catalog());
            let location = world.server.location(&name);
            let body = json!({
                "name": name,
                "properties": {"default-base-location": location},
                "storageConfigInfo": {"storageType": "FILE"},
            });
            with(Method::POST, CATALOGS.to_owned(), body)
        },
        ..ROW
    },
    Operation {
        id: "getCatalog",
        needs: &[CatalogReadProperties],
        on_root: true,
        request: |world| get(format!("{CATALOGS}/{}", world.catalog())),
        ..ROW
    },
    Operation {
        id: "updateCatalog",
        needs: &[CatalogWriteProperties],
        on_root: true,
        request: |world| {
            let body = json!({"currentEntityVersion": 1, "properties": {"a": "b"}});
            with(Method::PUT, format!("{CATALOGS}/{}", world.catalog()), body)
        },
        ..ROW
    },
    Operation {
        id: "deleteCatalog",
        needs: &[CatalogDrop],
        on_root: true,
        success: 204,
        request: |world| without(Method::DELETE, format!("{CATALOGS}/{}", world.catalog())),
        ..ROW
    },
    Operation {
        id: "diagnoseCatalog",
        needs: &[CatalogManageMetadata],
        request: |_| without(Method::POST, format!("{CATALOGS}/lake/diagnose")),
        ..ROW
    },
    Operation {
        id: "listTasks",
        needs: &[CatalogManageMetadata],
        request: |_| get(format!("{CATALOGS}/lake/tasks")),
        ..ROW
    },
    Operation {
        id: "getTask",
        needs: &[CatalogManageMetadata],
        // Whoever may see it is told that it is not there.
        success: 404,
        request: |_| get(format!("{CATALOGS}/lake/tasks/7")),
        ..ROW
    },
    Operation {
        id: "retryTask",
        needs: &[CatalogManageMetadata],
        success: 404,
        request: |_| without(Method::POST, format!("{CATALOGS}/lake/tasks/7/retry")),
        ..ROW
    },
    Operation {
        id: "explainPolicy",
        needs: &[CatalogManageGrantsOnSecurable],
        needs_table: true,
        request: |world| {
            let namespace = world.namespace();
            let query = format!("namespace={namespace}&table=t&principal=root");
            get(format!("{CATALOGS}/lake/explain-policy?{query}"))
        },
        ..ROW
    },
    Operation {
        id: "listMetricsReports",
        needs: &[CatalogManageMetadata],
        request: |_| get(format!("{CATALOGS}/lake/metrics-reports")),
        ..ROW
    },
    Operation {
        id: "listMetricsReports",
        variant: "of a table",
        needs: &[CatalogManageMetadata],
        needs_table: true,
        request: |world| {
            let namespace = world.namespace();
            get(format!("{CATALOGS}/lake/metrics-reports?namespace={namespace}&table=t"))
        },
        ..ROW
    },
    Operation {
        id: "listCatalogEvents",
        needs: &[CatalogManageAccess],
        request: |_| get(format!("{CATALOGS}/lake/events")),
        ..ROW
    },
    Operation {
        id: "getConfig",
        request: |_| get("/api/catalog/v1/config?warehouse=lake".to_owned()),
        ..ROW
    },
    Operation {
        id: "listNamespaces",
        needs: &[NamespaceList],
        request: |_| get(format!("{LAKE}/namespaces")),
        ..ROW
    },
    Operation {
        id: "createNamespace",
        needs: &[NamespaceCreate],
        request: |world| {
            let body = json!({"namespace": [world.namespace(), "made"]});
            with(Method::POST, format!("{LAKE}/namespaces"), body)
        },
        ..ROW
    },
    Operation {
        id: "loadNamespaceMetadata",
        needs: &[NamespaceReadProperties],
        request: |world| get(namespace(world)),
        ..ROW
    },
    Operation {
        id: "namespaceExists",
        needs: &[NamespaceList],
        success: 204,
        request: |world| without(Method::HEAD, namespace(world)),
        ..ROW
    },
    Operation {
        id: "updateProperties",
        needs: &[NamespaceWriteProperties],
        request: |world| {
            let path = format!("{}/properties", namespace(world));
            with(Method::POST, path, json!({"updates": {"a": "b"}}))
        },
        ..ROW
    },
    Operation {
        id: "dropNamespace",
        needs: &[NamespaceDrop],
        success: 204,
        request: |world| without(Method::DELETE, namespace(world)),
        ..ROW
    },
    Operation {
        id: "listTables",
        needs: &[TableList],
        request: |world| get(format!("{}/tables", namespace(world))),
        ..ROW
    },
    Operation {
        id: "createTable",
        needs: &[TableCreate],
        request: |world| create(world, false),
        ..ROW
    },
    Operation {
        id: "createTable",
        variant: "with its data",
        needs: &[TableCreate, TableWriteData],
        is_delegated: true,
        request: |world| create(world, false),
        ..ROW
    },
    Operation {
        id: "createTable",
        variant: "staged",
        needs: &[TableCreate],
        request: |world| create(world, true),
        ..ROW
    },
    Operation {
        id: "createTable",
        variant: "staged with its data",
        needs: &[TableCreate, TableWriteData],
        is_delegated: true,
        request: |world| create(world, true),
        ..ROW
    },
    Operation {
        id: "registerTable",
        needs: &[TableCreate],
        // Authorized, and then refused since there is no such file.
        success: 404,
        request: |world| {
            let file = format!(
                "{}/{}/x/metadata/0.json",
                world.server.location("lake"),
                world.namespace()
            );
            let body = json!({"name": "made", "metadata-location": file});
            with(Method::POST, format!("{}/register", namespace(world)), body)
        },
        ..ROW
    },
    Operation {
        id: "registerTable",
        variant: "over another",
        needs: &[TableFullMetadata],
        needs_table: true,
        success: 404,
        request: |world| {
            let file = format!(
                "{}/{}/x/metadata/0.json",
                world.server.location("lake"),
                world.namespace()
            );
            let body = json!({"name": "t", "metadata-location": file, "overwrite": true});
            with(Method::POST, format!("{}/register", namespace(world)), body)
        },
        ..ROW
    },
    Operation {
        id: "loadTable",
        needs: &[TableReadProperties],
        needs_table: true,
        request: |world| get(table(world)),
        ..ROW
    },
    Operation {
        id: "loadTable",
        variant: "with its data",
        needs: &[TableReadData],
        needs_table: true,
        is_delegated: true,
        request: |world| get(table(world)),
        ..ROW
    },
    Operation {
        id: "loadCredentials",
        needs: &[TableReadData],
        needs_table: true,
        request: |world| get(format!("{}/credentials", table(world))),
        ..ROW
    },
    // Files of the local disk are not signed for, and that is said only to whoever may read them.
    Operation {
        id: "signRequest",
        needs: &[TableReadData],
        needs_table: true,
        success: 400,
        request: |world| {
            let body =
                json!({"region": "r", "method": "GET", "uri": "http://h/b/k", "headers": {}});
            with(Method::POST, format!("{}/sign", table(world)), body)
        },
        ..ROW
    },
    Operation {
        id: "tableExists",
        needs: &[TableList],
        needs_table: true,
        success: 204,
        request: |world| without(Method::HEAD, table(world)),
        ..ROW
    },
    Operation {
        id: "updateTable",
        variant: "set-properties",
        needs: &[TableSetProperties],
        needs_table: true,
        request: |world| {
            let body = commit(json!([{"action": "set-properties", "updates": {"a": "b"}}]));
            with(Method::POST, table(world), body)
        },
        ..ROW
    },
    Operation {
        id: "updateTable",
        variant: "set-properties and add-schema",
        needs: &[TableSetProperties, TableAddSchema],
        needs_table: true,
        request: |world| {
            let body = commit(json!([
                {"action": "set-properties", "updates": {"a": "b"}},
                {"action": "add-schema", "schema": schema()},
            ]));
            with(Method::POST, table(world), body)
        },
        ..ROW
    },
    Operation {
        id: "updateTable",
        variant: "without updates",
        needs: &[TableWriteProperties],
        needs_table: true,
        request: |world| with(Method::POST, table(world), commit(json!([]))),
        ..ROW
    },
    Operation {
        id: "updateTable",
        variant: "that makes the table",
        needs: &[TableCreate],
        request: |world| {
            let location = format!("{}/{}/made", world.server.location("lake"), world.namespace());
            let body = json!({
                "requirements": [{"type": "assert-create"}],
                "updates": [
                    {"action": "add-schema", "schema": schema()},
                    {"action": "set-current-schema", "schema-id": -1},
                    {"action": "set-location", "location": location},
                ],
            });
            with(Method::POST, format!("{}/tables/made", namespace(world)), body)
        },
        ..ROW
    },
    Operation {
        id: "dropTable",
        needs: &[TableDrop],
        needs_table: true,
        success: 204,
        request: |world| without(Method::DELETE, table(world)),
        ..ROW
    },
    Operation {
        id: "unregisterTable",
        needs: &[TableDrop, TableReadProperties],
        needs_table: true,
        request: |world| without(Method::POST, format!("{}/unregister", table(world))),
        ..ROW
    },
    Operation {
        id: "reportMetrics",
        variant: "of a scan",
        needs: &[TableReadData],
        needs_table: true,
        success: 204,
        request: |world| with(Method::POST, format!("{}/metrics", table(world)), scan_report()),
        ..ROW
    },
    Operation {
        id: "reportMetrics",
        variant: "of a commit",
        needs: &[TableWriteData],
        needs_table: true,
        success: 204,
        request: |world| with(Method::POST, format!("{}/metrics", table(world)), commit_report()),
        ..ROW
    },
    Operation {
        id: "reportMetrics",
        variant: "of an unknown type",
        needs: &[TableReadData],
        needs_table: true,
        success: 204,
        request: |world| {
            let body = json!({"report-type": "maintenance-report"});
            with(Method::POST, format!("{}/metrics", table(world)), body)
        },
        ..ROW
    },
];
