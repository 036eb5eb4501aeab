//! Tables with files: manifests as engines write them, and files of nothing that they name.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use apache_avro::types::Value as Avro;
use apache_avro::{Schema, Writer};
use merak_tests::{Identity, TestClock, TestServer};
use serde_json::{Value, json};

use crate::fixtures::{append, commit_to, create, disk, load, text, write};

/// The switch that lets a catalog purge.
pub(super) const ENABLED: (&str, &str) = ("polaris.config.drop-with-purge.enabled", "true");
/// The route of the tasks of the catalog `lake`.
pub(super) const TASKS: &str = "/api/management/v1/catalogs/lake/tasks";

/// A file that a manifest names: whether its entry says that it was removed, and where it is.
pub(super) type Entry = (bool, String);

/// A server whose clock stands still, with the catalog `lake`, in which tables can be purged, and
/// the namespace `sales`.
pub(super) async fn lake(settings: &[(&str, &str)]) -> (TestServer, TestClock) {
    lake_with(settings, &[]).await
}

/// The same, with properties of the catalog.
pub(super) async fn lake_with(
    settings: &[(&str, &str)],
    properties: &[(&str, &str)],
) -> (TestServer, TestClock) {
    let clock = TestClock::new();
    let realm = format!("realm-{}", uuid::Uuid::new_v4().simple());
    let server = TestServer::start_at(&realm, settings, Arc::new(clock.clone())).await;
    fill(&server, properties).await;
    (server, clock)
}

/// Makes the catalog `lake`, in which tables can be purged, and the namespace `sales`.
pub(super) async fn fill(server: &TestServer, properties: &[(&str, &str)]) {
    let properties: Vec<_> = [ENABLED].into_iter().chain(properties.iter().copied()).collect();
    server.create_catalog_with("lake", &properties).await;
    server.create_namespace("lake", "sales").await;
    let root = server.root().await;
    let path = "/api/management/v1/catalogs/lake/catalog-roles/catalog_admin/grants";
    let grant = json!({"type": "catalog", "privilege": "CATALOG_MANAGE_CONTENT"});
    let _ = root.put(path, grant).await.expect(201);
}

/// Makes a table, and answers where it lies.
pub(super) async fn table(who: &Identity<'_>, name: &str) -> String {
    table_with(who, name, json!({})).await
}

/// The same, with properties.
pub(super) async fn table_with(who: &Identity<'_>, name: &str, properties: Value) -> String {
    let schema = merak_tests::schema();
    let made = create(who, json!({"name": name, "schema": schema, "properties": properties})).await;
    text(&made["metadata"]["location"]).to_owned()
}

/// Commits a snapshot of these manifests, which are there already.
pub(super) async fn snapshot(who: &Identity<'_>, table: &str, id: i64, manifests: &[String]) {
    let current = load(who, table).await;
    let location = text(&current["metadata"]["location"]);
    write_list(&format!("{location}/metadata/snap-{id}.avro"), manifests);
    let parent = current["metadata"]["current-snapshot-id"].as_i64().filter(|id| *id >= 0);
    commit_to(who, table, append(&current, id, parent)).await;
}

/// Makes a file in a table, and the entry that a manifest has of it.
pub(super) fn data_file(location: &str, name: &str) -> Entry {
    let path = format!("{location}/data/{name}.parquet");
    write(&disk(&path), "rows");
    (false, path)
}

/// The entry of a file that was removed from the table.
pub(super) fn removed((_, path): Entry) -> Entry {
    (true, path)
}

/// Writes a manifest, and answers where it is.
pub(super) fn manifest(location: &str, name: &str, entries: &[Entry]) -> String {
    let path = format!("{location}/metadata/{name}-m0.avro");
    let file = json!({"type": "record", "name": "r2", "fields": [
        {"name": "content", "type": "int", "field-id": 134},
        {"name": "file_path", "type": "string", "field-id": 100},
    ]});
    let schema = json!({"type": "record", "name": "manifest_entry", "fields": [
        {"name": "status", "type": "int", "field-id": 0},
        {"name": "data_file", "type": file, "field-id": 2},
    ]});
    let values = entries.iter().map(|(is_removed, path)| {
        let status = if *is_removed { 2 } else { 1 };
        let path = ("file_path".to_owned(), Avro::String(path.clone()));
        let file = Avro::Record(vec![("content".to_owned(), Avro::Int(0)), path]);
        Avro::Record(vec![("status".to_owned(), Avro::Int(status)), ("data_file".to_owned(), file)])
    });
    write_avro(&path, &schema, values);
    path
}

fn write_list(path: &str, manifests: &[String]) {
    let schema = json!({"type": "record", "name": "manifest_file", "fields": [
        {"name": "manifest_path", "type": "string", "field-id": 500},
        {"name": "manifest_length", "type": "long", "field-id": 501},
    ]});
    let values = manifests.iter().map(|path| {
        let length = ("manifest_length".to_owned(), Avro::Long(1));
        let path = ("manifest_path".to_owned(), Avro::String(path.clone()));
        Avro::Record(vec![path, length])
    });
    write_avro(path, &schema, values);
}

fn write_avro(path: &str, schema: &Value, values: impl Iterator<Item = Avro>) {
    let schema = Schema::parse(schema).expect("a schema");
    let mut writer = Writer::new(&schema, Vec::new()).expect("a writer");
    for value in values {
        writer.append_value(value).expect("it can be written");
    }
    let path = disk(path);
    write(&path, "");
    std::fs::write(path, writer.into_inner().expect("a file")).expect("it can be written");
}

/// Drops a table of `sales` with purge.
pub(super) async fn purge(who: &Identity<'_>, table: &str) {
    let route = format!("{}?purgeRequested=true", crate::fixtures::route(table));
    let _ = who.delete(&route).await.expect(204);
}

/// Does what is due; as many attempts as are expected.
pub(super) async fn run(server: &TestServer, attempts: usize) {
    assert_eq!(server.parts.service.run_due_tasks().await.expect("the store answers"), attempts);
}

/// The catalog's only task.
pub(super) async fn only_task(who: &Identity<'_>) -> Value {
    let listed = who.get(TASKS).await.expect(200).json();
    let [task] = listed["tasks"].as_array().expect("a list").as_slice() else {
        panic!("not one task: {listed}")
    };
    task.clone()
}

/// The names of all files below a location on the local disk, sorted; none if it is gone.
pub(super) fn names_below(location: &str) -> Vec<String> {
    fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
        let Ok(entries) = std::fs::read_dir(folder) else { return };
        for entry in entries {
            let path = entry.expect("an entry").path();
            if path.is_dir() { collect(&path, found) } else { found.push(path) }
        }
    }
    let mut found = Vec::new();
    collect(&disk(location), &mut found);
    let name = |path: &PathBuf| path.file_name().expect("a name").to_string_lossy().into_owned();
    let mut names: Vec<_> = found.iter().map(name).collect();
    names.sort();
    names
}
