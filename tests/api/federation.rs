//! Federated catalogs: another catalog owns what is in them, and is asked for it.

mod events;
mod grants;
mod hostile;
mod keys;
mod namespaces;
mod owner;
mod refusals;
mod rights;
mod tables;
mod vending;
mod views;

use merak_model::Privilege;
use merak_tests::{Identity, Listening, Response, TestServer};
use serde_json::{Value, json};

use owner::Owner;

const CATALOGS: &str = "/api/management/v1/catalogs";
/// The federated catalog.
const MIRROR: &str = "/api/catalog/v1/mirror";
/// A namespace in it.
const SALES: &str = "/api/catalog/v1/mirror/namespaces/sales";
/// Its tables.
const TABLES: &str = "/api/catalog/v1/mirror/namespaces/sales/tables";
/// What the owner takes for this server's token.
const TOKEN: &str = "the-owners-own-token";

/// The settings of a server that reaches other catalogs.
const SETTINGS: [(&str, &str); 2] = [
    ("polaris.features.\"ENABLE_CATALOG_FEDERATION\"", "true"),
    ("merak.secrets.encryption-keys", "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="),
];

async fn start(settings: &[(&str, &str)]) -> TestServer {
    let settings: Vec<_> = SETTINGS.into_iter().chain(settings.iter().copied()).collect();
    TestServer::start_with(&settings).await
}

/// The catalog `mirror`, with that connection.
fn mirror(base: &str, storage: Value, connection: Value, properties: &[(&str, &str)]) -> Value {
    let mut all = json!({"default-base-location": base});
    for (key, value) in properties {
        all[*key] = json!(value);
    }
    json!({"catalog": {
        "name": "mirror",
        "type": "EXTERNAL",
        "properties": all,
        "storageConfigInfo": storage,
        "connectionConfigInfo": connection,
    }})
}

fn file_storage(base: &str) -> Value {
    json!({"storageType": "FILE", "allowedLocations": [base]})
}

/// Lets root work with a catalog's data, too.
async fn open(server: &TestServer, catalog: &str) {
    server.grant("service_admin", Privilege::CatalogManageContent, catalog, None, None).await;
}

/// Two servers: the catalog `lake` of one is `mirror` in the other.
struct Pair {
    owner: TestServer,
    front: TestServer,
    _listening: Listening,
}

impl Pair {
    async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same, with more settings of the one in front.
    async fn start_with(settings: &[(&str, &str)]) -> Self {
        let owner = TestServer::start().await;
        owner.create_catalog("lake").await;
        let listening = owner.listen().await;
        let front = start(settings).await;
        let base = owner.location("lake");
        let connection = json!({
            "connectionType": "ICEBERG_REST",
            "uri": format!("{}/api/catalog", listening.uri),
            "remoteCatalogName": "lake",
            "authenticationParameters": {
                "authenticationType": "OAUTH",
                "clientId": "root",
                "clientSecret": "s3cr3t",
                "scopes": ["PRINCIPAL_ROLE:ALL"],
            },
        });
        let body = mirror(&base, file_storage(&base), connection, &[]);
        let _ = front.root().await.post(CATALOGS, body).await.expect(201);
        open(&owner, "lake").await;
        open(&front, "mirror").await;
        Self { owner, front, _listening: listening }
    }

    /// The same, with the namespace `sales`, made through the front.
    async fn with_sales() -> Self {
        let pair = Self::start().await;
        pair.front.create_namespace("mirror", "sales").await;
        pair
    }
}

/// A server whose catalog `mirror` is that of an owner that answers what it is told to.
struct Told {
    owner: Owner,
    front: TestServer,
}

impl Told {
    async fn start() -> Self {
        Self::start_with(&[], &[]).await
    }

    async fn start_with(settings: &[(&str, &str)], properties: &[(&str, &str)]) -> Self {
        let owner = Owner::start().await;
        let front = start(settings).await;
        let base = front.location("lake");
        let body = mirror(&base, file_storage(&base), owner.connection(), properties);
        let _ = front.root().await.post(CATALOGS, body).await.expect(201);
        Self { owner, front }
    }
}

/// A table as an owner tells of it, with secrets that are for whoever it talks to.
fn told_table(location: &str) -> Value {
    json!({
        "metadata-location": format!("{location}/metadata/00001.metadata.json"),
        "metadata": {"format-version": 2, "table-uuid": "u", "location": location, "properties": {}},
        "config": {"token": "REMOTE", "s3.secret-access-key": "REMOTE", "x": "REMOTE"},
        "storage-credentials": [{"prefix": location, "config": {"s3.access-key-id": "REMOTE"}}],
        "more": "REMOTE",
    })
}

fn asking<'a>(identity: &Identity<'a>) -> Identity<'a> {
    identity.with_header("X-Iceberg-Access-Delegation", "vended-credentials")
}

/// The error's status and exception.
fn kind(answer: &Response) -> String {
    let text = answer.error();
    text.split(':').next().unwrap_or_default().to_owned()
}
