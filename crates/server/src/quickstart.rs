//! `merak quickstart`: a catalog on the local disk, and settings that can be pasted.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use merak_authn::{NewCredentials, new_client_id, new_client_secret};
use merak_metastore::{Error as MetastoreError, Metastore as _};
use merak_model::Clock;
use merak_service::quickstart_changes;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use crate::Server;
use crate::config::{Config, Database, Sources};

/// The catalog, and the warehouse in the clients' settings.
const CATALOG: &str = "quickstart";
/// The engines' principal and its roles.
const ENGINE: &str = "quickstart-engine";
/// The engine's credentials, beside the database they are for.
const CREDENTIALS_FILE: &str = "quickstart-credentials.json";

/// Allows what a quickstart needs, unless the command line says otherwise: storage on the local
/// disk.
pub fn prepare(sources: &mut Sources) {
    let wanted = [
        ("polaris.features.\"SUPPORTED_CATALOG_STORAGE_TYPES\"", "[\"FILE\",\"S3\"]"),
        ("polaris.features.\"ALLOW_INSECURE_STORAGE_TYPES\"", "true"),
    ];
    // In front: of two flags for one key the last one counts.
    sources.flags.splice(0..0, wanted.map(|(key, value)| (key.to_owned(), value.to_owned())));
}

/// Makes the catalog and the engine's principal, if they are not there, and prints how to use them.
pub async fn make_and_print(
    config: &Config,
    server: &Server,
    clock: &dyn Clock,
) -> anyhow::Result<()> {
    let Database::Sqlite(sqlite) = &config.database else {
        bail!("quickstart keeps everything in the embedded database: leave out DATABASE_URL");
    };
    let data_dir = sqlite
        .data_dir
        .canonicalize()
        .with_context(|| format!("cannot resolve {}", sqlite.data_dir.display()))?;
    let warehouse = data_dir.join("warehouse");
    std::fs::create_dir_all(&warehouse)
        .with_context(|| format!("cannot make {}", warehouse.display()))?;
    let credentials = Credentials::find_or_make(&data_dir.join(CREDENTIALS_FILE))?;
    let realm = config.realms.default_realm();
    let known = server.metastore.credentials(realm, &credentials.client_id).await?;
    if known.is_none() {
        let location = format!("file://{}", warehouse.display());
        let secret = credentials.client_secret.clone();
        let new = NewCredentials::of(credentials.client_id.clone(), secret);
        let changes = quickstart_changes(CATALOG, &location, ENGINE, new.secrets, clock.now_ms())?;
        server.metastore.apply(realm, &changes).await.map_err(|error| {
            if let MetastoreError::AlreadyExists { kind, name } = error {
                return anyhow::anyhow!(
                    "{kind} {name} is there already, but its credentials are not in \
                     {CREDENTIALS_FILE}: remove the data directory {} to start afresh",
                    data_dir.display()
                );
            }
            error.into()
        })?;
    }
    print(&Settings {
        uri: format!("http://localhost:{}/api/catalog", server.api.port()),
        warehouse: warehouse.display().to_string(),
        credentials,
        data_dir: data_dir.display().to_string(),
    });
    Ok(())
}

/// What an engine proves itself with.
struct Credentials {
    client_id: String,
    client_secret: SecretString,
}

impl Credentials {
    /// Reads the file, or makes it: for its owner only.
    #[expect(clippy::disallowed_methods, reason = "the secret goes into the owner's file")]
    fn find_or_make(path: &Path) -> anyhow::Result<Self> {
        if path.exists() {
            return Self::read(path);
        }
        let made = Self { client_id: new_client_id(), client_secret: new_client_secret() };
        let text = json!({
            "clientId": made.client_id,
            "clientSecret": made.client_secret.expose_secret(),
        });
        let mut options = OpenOptions::new();
        options.create_new(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options
            .open(path)
            .and_then(|mut file| file.write_all(text.to_string().as_bytes()))
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(made)
    }

    fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let value: serde_json::Value = serde_json::from_str(&text)
            .with_context(|| format!("{} is not JSON", path.display()))?;
        let field = |name: &str| {
            let text = value.get(name).and_then(serde_json::Value::as_str);
            text.map(str::to_owned).with_context(|| format!("{} lacks {name}", path.display()))
        };
        Ok(Self { client_id: field("clientId")?, client_secret: field("clientSecret")?.into() })
    }
}

struct Settings {
    uri: String,
    warehouse: String,
    credentials: Credentials,
    data_dir: String,
}

/// Prints settings for clients. Each block can be pasted as it stands.
#[expect(clippy::print_stdout, reason = "this is what was asked for")]
#[expect(clippy::disallowed_methods, reason = "the engine's secret is to be pasted")]
fn print(settings: &Settings) {
    let Settings { uri, warehouse, credentials, data_dir } = settings;
    let id = &credentials.client_id;
    let secret = credentials.client_secret.expose_secret();
    println!(
        r#"
Merak serves the catalog `{CATALOG}`. Its tables are under {warehouse}.
Everything is kept in {data_dir}: stop with Ctrl-C, run again, and it is all there.

--- PyIceberg (pip install "pyiceberg[pyarrow]") ---
import pyarrow as pa
from pyiceberg.catalog import load_catalog

catalog = load_catalog(
    "{CATALOG}",
    type="rest",
    uri="{uri}",
    warehouse="{CATALOG}",
    credential="{id}:{secret}",
    scope="PRINCIPAL_ROLE:ALL",
)
catalog.create_namespace_if_not_exists("demo")
rows = pa.table({{"id": [1, 2], "name": ["Dubhe", "Merak"]}})
table = catalog.create_table_if_not_exists("demo.stars", schema=rows.schema)
table.append(rows)
print(table.scan().to_arrow())

--- Spark 3.5 (in a shell) ---
spark-sql \
  --packages org.apache.iceberg:iceberg-spark-runtime-3.5_2.12:1.10.1 \
  --conf spark.sql.extensions=org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions \
  --conf spark.sql.catalog.{CATALOG}=org.apache.iceberg.spark.SparkCatalog \
  --conf spark.sql.catalog.{CATALOG}.type=rest \
  --conf spark.sql.catalog.{CATALOG}.uri={uri} \
  --conf spark.sql.catalog.{CATALOG}.warehouse={CATALOG} \
  --conf spark.sql.catalog.{CATALOG}.credential={id}:{secret} \
  --conf spark.sql.catalog.{CATALOG}.scope=PRINCIPAL_ROLE:ALL

--- Trino (etc/catalog/{CATALOG}.properties) ---
connector.name=iceberg
iceberg.catalog.type=rest
iceberg.rest-catalog.uri={uri}
iceberg.rest-catalog.warehouse={CATALOG}
iceberg.rest-catalog.security=OAUTH2
iceberg.rest-catalog.oauth2.credential={id}:{secret}
iceberg.rest-catalog.oauth2.scope=PRINCIPAL_ROLE:ALL
iceberg.rest-catalog.oauth2.server-uri={uri}/v1/oauth/tokens
fs.hadoop.enabled=true

--- DuckDB (INSTALL iceberg; LOAD iceberg; first) ---
CREATE SECRET {CATALOG} (
    TYPE iceberg,
    CLIENT_ID '{id}',
    CLIENT_SECRET '{secret}',
    OAUTH2_SCOPE 'PRINCIPAL_ROLE:ALL',
    OAUTH2_SERVER_URI '{uri}/v1/oauth/tokens'
);
ATTACH '{CATALOG}' AS {CATALOG} (TYPE iceberg, ENDPOINT '{uri}', SECRET {CATALOG});
"#
    );
}
