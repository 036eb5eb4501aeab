//! What becomes of the secrets of connections.

use std::fs;
use std::path::{Path, PathBuf};

use merak_tests::{Entry, TestServer, scratch_dir};
use serde_json::json;

use super::log::Log;
use super::remote::Remote;
use super::{CATALOGS, KEY_A, KEYS, ON, bearer, body, create, oauth, start, update};

const KEY_B: &str = "b:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

/// A folder with a database, which is removed with its owner.
struct Disk(PathBuf);

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Disk {
    fn new() -> Self {
        Self(scratch_dir())
    }

    /// A server on it. The one before must have ended.
    async fn start(&self, more: &[(&str, &str)]) -> TestServer {
        let data = self.0.display().to_string();
        let mut settings =
            vec![ON, ("polaris.persistence.type", "sqlite"), ("merak.data-dir", &data)];
        settings.extend(more);
        TestServer::start_in("disk", &settings).await
    }

    fn key_file(&self) -> PathBuf {
        self.0.join("secrets.key")
    }
}

/// All bytes of the files in a folder.
fn bytes(folder: &Path) -> Vec<u8> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files.filter(|path| path.is_file()).flat_map(|path| fs::read(path).unwrap()).collect()
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// What the other catalog is shown, or why it is not asked.
async fn shown(server: &TestServer, remote: &Remote) -> Result<Vec<String>, String> {
    let catalog = server.entity(Entry::Catalog("lake")).await;
    let told = |error: &dyn std::fmt::Display| error.to_string();
    let reached = server.parts.federation.remote(&server.realm, &catalog).await;
    let reached = reached.map_err(|error| told(&error))?;
    reached.config().await.map_err(|error| told(&error))?;
    Ok(remote.shown())
}

async fn connect(server: &TestServer, remote: &Remote, token: &str) {
    let mut connection = bearer(token);
    connection["uri"] = json!(remote.url);
    let _ = create(server, "lake", &connection).await;
}

#[tokio::test]
async fn a_secret_is_in_no_answer_no_log_and_not_in_the_database_as_it_is() {
    let log = Log::start();
    let disk = Disk::new();
    let server = disk.start(&[(KEYS, KEY_A)]).await;
    let root = server.root().await;

    let _ = create(&server, "lake", &oauth()).await;
    let again = root.post(CATALOGS, body(&server, "lake", &oauth())).await.expect(409);
    let changed = json!({"connectionConfigInfo": bearer("hunter3")});
    let changed = update(&root, "lake", changed).await.expect(200);

    for text in [again.text(), changed.text(), log.text()] {
        assert!(!text.contains("hunter"), "{text}");
    }
    assert!(log.text().contains("/api/management/v1/catalogs"), "nothing was logged");
    let catalog = server.entity(Entry::Catalog("lake")).await;
    let stored = &catalog.internal["connection_configuration_info"];
    assert!(stored.contains("\"bearerToken\":\"v1:a:") && !stored.contains("hunter"), "{stored}");
    assert!(!format!("{:?}", server.parts).contains("hunter"));
    let bytes = bytes(&disk.0);
    assert!(contains(&bytes, "catalog.example.com"), "the database was not looked into");
    assert!(!contains(&bytes, "hunter"));
    assert!(!disk.key_file().exists());
}

#[tokio::test]
async fn an_embedded_database_has_a_key_beside_it_that_survives_a_restart() {
    let disk = Disk::new();
    let remote = Remote::start().await;
    let server = disk.start(&[]).await;
    assert!(!disk.key_file().exists());

    connect(&server, &remote, "hunter3").await;

    assert_eq!(shown(&server, &remote).await.unwrap(), ["Bearer hunter3"]);
    assert!(!contains(&bytes(&disk.0), "hunter"));
    drop(server);
    let server = disk.start(&[]).await;
    assert_eq!(shown(&server, &remote).await.unwrap(), ["Bearer hunter3"]);
    // A database alone opens nothing.
    drop(server);
    fs::remove_file(disk.key_file()).unwrap();
    let told = shown(&disk.start(&[]).await, &remote).await.unwrap_err();
    assert!(told.contains("which this server does not have"), "{told}");
}

#[tokio::test]
async fn keys_are_rotated_without_losing_a_secret() {
    let disk = Disk::new();
    let remote = Remote::start().await;
    let server = disk.start(&[(KEYS, KEY_A)]).await;
    connect(&server, &remote, "hunter3").await;
    drop(server);

    // The new key first: the old one still opens.
    let both = format!("{KEY_B},{KEY_A}");
    let server = disk.start(&[(KEYS, &both)]).await;
    assert_eq!(shown(&server, &remote).await.unwrap(), ["Bearer hunter3"]);
    let mut renewed = bearer("hunter4");
    renewed["uri"] = json!(remote.url);
    let root = server.root().await;
    let _ = update(&root, "lake", json!({"connectionConfigInfo": renewed})).await.expect(200);
    assert_eq!(shown(&server, &remote).await.unwrap(), ["Bearer hunter4"]);
    drop(server);

    // What was sealed with the new one does not need the old one any more.
    let server = disk.start(&[(KEYS, KEY_B)]).await;
    assert_eq!(shown(&server, &remote).await.unwrap(), ["Bearer hunter4"]);
    drop(server);

    let server = disk.start(&[(KEYS, KEY_A)]).await;
    let told = shown(&server, &remote).await.unwrap_err();
    assert_eq!(
        told,
        "A secret of the connection of catalog lake cannot be opened: it was encrypted with the key \
         `b`, which this server does not have: see merak.secrets.encryption-keys"
    );
    assert_eq!(remote.shown(), Vec::<String>::new());
}

#[tokio::test]
async fn keys_may_be_in_a_file_and_must_then_be_good() {
    let disk = Disk::new();
    let remote = Remote::start().await;
    let path = disk.0.join("keys");
    fs::write(&path, format!("{KEY_B}\n{KEY_A}\n")).unwrap();
    let path = path.display().to_string();
    let server = disk.start(&[("merak.secrets.encryption-keys-file", &path)]).await;

    connect(&server, &remote, "hunter3").await;

    assert_eq!(shown(&server, &remote).await.unwrap(), ["Bearer hunter3"]);
    let catalog = server.entity(Entry::Catalog("lake")).await;
    assert!(catalog.internal["connection_configuration_info"].contains("v1:b:"));
}

#[tokio::test]
async fn a_sealed_secret_is_of_no_use_in_another_catalog() {
    let server = start(&[]).await;
    let remote = Remote::start().await;
    connect(&server, &remote, "hunter3").await;
    let mut other = bearer("hunter4");
    other["uri"] = json!(remote.url);
    let _ = create(&server, "other", &other).await;
    let lake = server.entity(Entry::Catalog("lake")).await;
    let mut moved = server.entity(Entry::Catalog("other")).await;
    moved.internal = lake.internal;

    let reached = server.parts.federation.remote(&server.realm, &moved).await;

    let told = reached.unwrap_err().to_string();
    assert!(told.contains("another key of that name encrypted it, or it was changed"), "{told}");
    assert_eq!(remote.shown(), Vec::<String>::new());
}
