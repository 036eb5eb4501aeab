//! The server under test.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, header};
use http_body_util::BodyExt as _;
use merak_model::{Clock, RealmId, SystemClock};
use merak_server::config::{Config, Sources};
use merak_server::{Interposer, Metastore, Parts, wire_up_interposed};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::{Identity, Response};

/// The root principal's credentials.
pub(crate) const ROOT: (&str, &str) = ("root", "s3cr3t");

/// A server, in this process, with a realm and a folder of its own.
#[derive(Debug)]
pub struct TestServer {
    /// The parts: tests count statements and requests there.
    pub parts: Parts,
    /// The realm, which is the default one.
    pub realm: RealmId,
    folder: Folder,
}

/// A server's API on a port of loopback, for other servers, until it is dropped.
#[derive(Debug)]
pub struct Listening {
    /// The address that paths are appended to.
    pub uri: String,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A folder that is removed with its owner.
#[derive(Debug)]
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A new, empty folder for files that a test leaves behind.
///
/// # Panics
///
/// If it cannot be made.
pub fn scratch_dir() -> PathBuf {
    let path = std::env::temp_dir().join(format!("merak-test-{}", uuid::Uuid::new_v4().simple()));
    std::fs::create_dir_all(&path).expect("a folder can be made");
    path
}

impl TestServer {
    /// Starts one with the settings that most tests want: storage on the local disk is allowed.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts one with more settings, each a property and its value.
    ///
    /// # Panics
    ///
    /// If it does not start: the reason is then shown.
    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        let realm = format!("realm-{}", uuid::Uuid::new_v4().simple());
        Self::start_in(&realm, settings).await
    }

    /// Starts one for a realm that others may serve too: replicas, where the store is shared.
    ///
    /// # Panics
    ///
    /// If it does not start: the reason is then shown.
    pub async fn start_in(realm: &str, settings: &[(&str, &str)]) -> Self {
        Self::start_at(realm, settings, Arc::new(SystemClock)).await
    }

    /// Starts one whose time a test sets.
    ///
    /// # Panics
    ///
    /// If it does not start: the reason is then shown.
    pub async fn start_at(realm: &str, settings: &[(&str, &str)], clock: Arc<dyn Clock>) -> Self {
        Self::start_interposed(realm, settings, clock, |metastore| metastore, None).await
    }

    /// Starts one with something between it and what it stands on.
    ///
    /// # Panics
    ///
    /// If it does not start: the reason is then shown.
    pub async fn start_interposed(
        realm: &str,
        settings: &[(&str, &str)],
        clock: Arc<dyn Clock>,
        metastore_between: impl FnOnce(Arc<dyn Metastore>) -> Arc<dyn Metastore>,
        files_between: Option<Arc<dyn Interposer>>,
    ) -> Self {
        let (id, secret) = ROOT;
        let mut flags = vec![
            ("polaris.realm-context.realms".to_owned(), realm.to_owned()),
            ("polaris.bootstrap.credentials".to_owned(), format!("{realm},{id},{secret}")),
            (
                "polaris.features.\"SUPPORTED_CATALOG_STORAGE_TYPES\"".to_owned(),
                "[\"FILE\",\"S3\"]".to_owned(),
            ),
            ("polaris.features.\"ALLOW_INSECURE_STORAGE_TYPES\"".to_owned(), "true".to_owned()),
            ("quarkus.datasource.jdbc.max-size".to_owned(), "4".to_owned()),
        ];
        flags.extend(store());
        flags.extend(settings.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())));
        let folder = Folder(scratch_dir());
        let sources =
            Sources { flags, environment: Vec::new(), file: None, working_dir: folder.0.clone() };
        let config = Config::load(&sources).expect("the settings are good").config;
        let parts = wire_up_interposed(&config, clock, metastore_between, files_between)
            .await
            .expect("the server starts");
        Self { parts, realm: RealmId::new(realm), folder }
    }

    /// Serves its API over HTTP, too.
    ///
    /// # Panics
    ///
    /// If there is no free port.
    pub async fn listen(&self) -> Listening {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let uri = format!("http://{}", listener.local_addr().expect("it is bound"));
        let router = self.parts.api.clone();
        let serving = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("it serves until it is dropped");
        });
        Listening { uri, serving }
    }

    /// The folder that catalogs on the local disk are made in.
    pub fn folder(&self) -> &Path {
        &self.folder.0
    }

    /// The location of a catalog on the local disk.
    pub fn location(&self, catalog: &str) -> String {
        format!("file://{}/{catalog}", self.folder.0.display())
    }

    /// Nobody: requests without a token.
    pub fn nobody(&self) -> Identity<'_> {
        Identity::nobody(self)
    }

    /// The root principal, in all its roles.
    pub async fn root(&self) -> Identity<'_> {
        Identity::by_credentials(self, ROOT.0, ROOT.1, "PRINCIPAL_ROLE:ALL").await
    }

    /// Makes a catalog on the local disk.
    pub async fn create_catalog(&self, name: &str) {
        self.create_catalog_with(name, &[]).await;
    }

    /// Makes a catalog on the local disk with properties of its own.
    pub async fn create_catalog_with(&self, name: &str, properties: &[(&str, &str)]) {
        self.create_catalog_of("INTERNAL", name, properties).await;
    }

    /// Makes a catalog on the local disk, of that type.
    pub async fn create_catalog_of(&self, kind: &str, name: &str, properties: &[(&str, &str)]) {
        let mut all = json!({"default-base-location": self.location(name)});
        for (key, value) in properties {
            all[*key] = json!(value);
        }
        let body = json!({"catalog": {
            "name": name,
            "type": kind,
            "properties": all,
            "storageConfigInfo": {"storageType": "FILE", "allowedLocations": [self.location(name)]},
        }});
        let root = self.root().await;
        let _ = root.post("/api/management/v1/catalogs", body).await.expect(201);
    }

    /// Makes a namespace, its levels separated by dots.
    pub async fn create_namespace(&self, catalog: &str, namespace: &str) {
        let levels: Vec<_> = namespace.split('.').collect();
        let path = format!("/api/catalog/v1/{catalog}/namespaces");
        let root = self.root().await;
        let _ = root.post(&path, json!({"namespace": levels})).await.expect(200);
    }

    /// Makes a table with two columns, and answers what the client got.
    pub async fn create_table(&self, catalog: &str, namespace: &str, table: &str) -> Value {
        let path = format!(
            "/api/catalog/v1/{catalog}/namespaces/{}/tables",
            namespace.replace('.', "%1F")
        );
        let root = self.root().await;
        root.post(&path, json!({"name": table, "schema": schema()})).await.expect(200).json()
    }

    /// Makes a view of a table's columns, and answers what the client got.
    pub async fn create_view(&self, catalog: &str, namespace: &str, view: &str) -> Value {
        let path =
            format!("/api/catalog/v1/{catalog}/namespaces/{}/views", namespace.replace('.', "%1F"));
        let body = json!({
            "name": view,
            "schema": schema(),
            "view-version": view_version("select id, name from orders"),
            "properties": {},
        });
        let root = self.root().await;
        root.post(&path, body).await.expect(200).json()
    }

    /// Makes a generic table below its namespace's location, and answers what the client got.
    pub async fn create_generic_table(&self, catalog: &str, namespace: &str, table: &str) -> Value {
        let path = format!(
            "/api/catalog/polaris/v1/{catalog}/namespaces/{}/generic-tables",
            namespace.replace('.', "%1F")
        );
        let location =
            format!("{}/{}/{table}", self.location(catalog), namespace.replace('.', "/"));
        let body = json!({"name": table, "format": "delta", "base-location": location});
        let root = self.root().await;
        root.post(&path, body).await.expect(200).json()
    }

    /// Sends a request to the API, and reads the whole answer.
    ///
    /// # Panics
    ///
    /// If the request cannot be built.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(String, String)],
        body: Vec<u8>,
    ) -> Response {
        Self::send_to(self.parts.api.clone(), method, path, headers, body).await
    }

    /// Sends a request to the management port.
    pub async fn send_to_management(&self, path: &str) -> Response {
        Self::send_to(self.parts.management.clone(), Method::GET, path, &[], Vec::new()).await
    }

    async fn send_to(
        router: Router,
        method: Method,
        path: &str,
        headers: &[(String, String)],
        body: Vec<u8>,
    ) -> Response {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(Body::from(body)).expect("a good request");
        let response = router.oneshot(request).await.expect("the router always answers");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("the body ends").to_bytes().to_vec();
        Response { status: parts.status, headers: parts.headers, body }
    }
}

/// Where the store is, as settings.
#[expect(clippy::disallowed_methods, reason = "tests are told by whoever runs them")]
fn store() -> Vec<(String, String)> {
    let persistence = "polaris.persistence.type".to_owned();
    match std::env::var("MERAK_TEST_STORE").as_deref() {
        Ok("postgres") => {
            let url = std::env::var("MERAK_TEST_POSTGRES_URL")
                .expect("MERAK_TEST_STORE=postgres needs MERAK_TEST_POSTGRES_URL");
            vec![
                (persistence, "relational-jdbc".to_owned()),
                ("quarkus.datasource.jdbc.url".to_owned(), url),
            ]
        }
        Ok("sqlite") | Err(_) => vec![(persistence, "in-memory".to_owned())],
        Ok(other) => panic!("MERAK_TEST_STORE is sqlite or postgres, not {other}"),
    }
}

/// A schema of two columns, as clients send it.
pub fn schema() -> Value {
    json!({
        "type": "struct",
        "schema-id": 0,
        "fields": [
            {"id": 1, "name": "id", "required": true, "type": "long"},
            {"id": 2, "name": "name", "required": false, "type": "string"},
        ],
    })
}

/// A version of a view of [`schema`], in Spark's dialect, as clients send it.
pub fn view_version(sql: &str) -> Value {
    json!({
        "version-id": 1,
        "timestamp-ms": 1_755_000_000_000_i64,
        "schema-id": 0,
        "summary": {"engine-name": "a test"},
        "representations": [{"type": "sql", "sql": sql, "dialect": "spark"}],
        "default-namespace": ["sales"],
    })
}

/// The headers of a JSON request.
pub(crate) fn json_headers() -> Vec<(String, String)> {
    vec![(header::CONTENT_TYPE.to_string(), "application/json".to_owned())]
}
