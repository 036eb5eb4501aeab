//! What tests of tables have in common: a catalog to make them in, the halves of commits, and a look
//! at the disk.

use std::path::{Path, PathBuf};

use merak_model::Privilege;
use merak_tests::{Identity, Response, TestServer};
use serde_json::{Value, json};

/// The route of the tables that most tests work with.
pub(crate) const TABLES: &str = "/api/catalog/v1/lake/namespaces/sales/tables";
/// The route that registers one of them.
pub(crate) const REGISTER: &str = "/api/catalog/v1/lake/namespaces/sales/register";
/// The route of transactions.
pub(crate) const TRANSACTIONS: &str = "/api/catalog/v1/lake/transactions/commit";
/// The route that renames.
pub(crate) const RENAME: &str = "/api/catalog/v1/lake/tables/rename";

/// A server with the catalog `lake` and the namespace `sales` in it.
pub(crate) async fn lake() -> TestServer {
    lake_with(&[], &[]).await
}

/// The same, with settings of the server and properties of the catalog.
pub(crate) async fn lake_with(
    settings: &[(&str, &str)],
    properties: &[(&str, &str)],
) -> TestServer {
    let server = TestServer::start_with(settings).await;
    server.create_catalog_with("lake", properties).await;
    server.create_namespace("lake", "sales").await;
    server
}

/// The route of a table.
pub(crate) fn route(table: &str) -> String {
    format!("{TABLES}/{table}")
}

/// A commit's body.
pub(crate) fn commit(requirements: Value, updates: Value) -> Value {
    json!({"requirements": requirements, "updates": updates})
}

/// A commit that sets properties, whatever the table is like.
pub(crate) fn set(properties: Value) -> Value {
    commit(json!([]), json!([{"action": "set-properties", "updates": properties}]))
}

/// A commit within a transaction.
pub(crate) fn change(table: &str, requirements: Value, updates: Value) -> Value {
    json!({
        "identifier": {"namespace": ["sales"], "name": table},
        "requirements": requirements,
        "updates": updates,
    })
}

/// A snapshot of a table that lies there. Its sequence number is its id.
pub(crate) fn snapshot(location: &str, id: i64, parent: Option<i64>) -> Value {
    let mut snapshot = json!({
        "snapshot-id": id,
        "sequence-number": id,
        "timestamp-ms": 1_755_000_000_000_i64 + id,
        "manifest-list": format!("{location}/metadata/snap-{id}.avro"),
        "summary": {"operation": "append"},
        "schema-id": 0,
    });
    if let Some(parent) = parent {
        snapshot["parent-snapshot-id"] = json!(parent);
    }
    snapshot
}

/// The update that points a branch or tag to a snapshot.
pub(crate) fn point(name: &str, kind: &str, id: i64) -> Value {
    json!({"action": "set-snapshot-ref", "ref-name": name, "type": kind, "snapshot-id": id})
}

/// The commit that appends a snapshot to `main`, as engines send it.
pub(crate) fn append(table: &Value, id: i64, parent: Option<i64>) -> Value {
    let snapshot = snapshot(text(&table["metadata"]["location"]), id, parent);
    commit(
        json!([
            {"type": "assert-table-uuid", "uuid": table["metadata"]["table-uuid"]},
            {"type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": parent},
        ]),
        json!([{"action": "add-snapshot", "snapshot": snapshot}, point("main", "branch", id)]),
    )
}

/// The commit that makes a table as a staged create left it, but with this schema.
pub(crate) fn create_commit(uuid: &str, location: &str, schema: Value) -> Value {
    commit(
        json!([{"type": "assert-create"}]),
        json!([
            {"action": "assign-uuid", "uuid": uuid},
            {"action": "upgrade-format-version", "format-version": 2},
            {"action": "add-schema", "schema": schema},
            {"action": "set-current-schema", "schema-id": -1},
            {"action": "add-spec", "spec": {"spec-id": 0, "fields": []}},
            {"action": "set-default-spec", "spec-id": -1},
            {"action": "add-sort-order", "sort-order": {"order-id": 0, "fields": []}},
            {"action": "set-default-sort-order", "sort-order-id": -1},
            {"action": "set-location", "location": location},
            {"action": "set-properties", "updates": {"made-by": "a test"}},
        ]),
    )
}

/// Makes a table of a body that must be good.
pub(crate) async fn create(who: &Identity<'_>, body: Value) -> Value {
    who.post(TABLES, body).await.expect(200).json()
}

/// A table as a client loads it.
pub(crate) async fn load(who: &Identity<'_>, table: &str) -> Value {
    who.get(&route(table)).await.expect(200).json()
}

/// Commits what must succeed.
pub(crate) async fn commit_to(who: &Identity<'_>, table: &str, body: Value) -> Value {
    who.post(&route(table), body).await.expect(200).json()
}

/// Registers a metadata file under a name.
pub(crate) async fn register(who: &Identity<'_>, table: &str, location: &str) -> Response {
    who.post(REGISTER, json!({"name": table, "metadata-location": location})).await
}

/// A principal that may create tables in the catalog `lake` and write their data.
pub(crate) async fn writer(server: &TestServer) -> Identity<'_> {
    let writer = server.principal("ana").await;
    for privilege in [Privilege::TableCreate, Privilege::TableWriteData] {
        server.grant("ana", privilege, "lake", None, None).await;
    }
    writer
}

/// A JSON value that is a text.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// Where a table or a file of a catalog on the local disk is.
pub(crate) fn disk(location: &str) -> PathBuf {
    PathBuf::from(location.strip_prefix("file://").expect("a location on the local disk"))
}

/// Writes a metadata file into the folder of a table of the catalog `lake`, as another catalog
/// would, and answers its location.
pub(crate) fn write_metadata(
    server: &TestServer,
    table: &str,
    file: &str,
    content: &str,
) -> String {
    let location = format!("{}/sales/{table}/metadata/{file}", server.location("lake"));
    write(&disk(&location), content);
    location
}

/// Writes a file, and makes the folders above it.
pub(crate) fn write(path: &Path, content: &str) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders can be made");
    std::fs::write(path, content).expect("the file can be written");
}

/// The names of all files below the server's folder, sorted.
pub(crate) fn files(server: &TestServer) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![server.folder().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the folder can be read") {
            let entry = entry.expect("an entry");
            if entry.file_type().expect("a type").is_dir() {
                folders.push(entry.path());
            } else {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

/// The metadata of a table with two columns that another catalog could have written.
pub(crate) fn foreign_metadata(server: &TestServer, table: &str) -> Value {
    json!({
        "format-version": 2,
        "table-uuid": uuid::Uuid::new_v4().to_string(),
        "location": format!("{}/sales/{table}", server.location("lake")),
        "last-sequence-number": 0,
        "last-updated-ms": 1_755_000_000_000_i64,
        "last-column-id": 2,
        "current-schema-id": 0,
        "schemas": [merak_tests::schema()],
        "default-spec-id": 0,
        "partition-specs": [{"spec-id": 0, "fields": []}],
        "last-partition-id": 999,
        "default-sort-order-id": 0,
        "sort-orders": [{"order-id": 0, "fields": []}],
        "properties": {"owner": "another"},
        "current-snapshot-id": -1,
        "refs": {},
        "snapshots": [],
        "snapshot-log": [],
        "metadata-log": [],
    })
}

/// Waits until a file is gone, which happens after the answer.
pub(crate) async fn until_gone(path: &Path) {
    let gone = async {
        while path.exists() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), gone).await.expect("it is removed");
}
