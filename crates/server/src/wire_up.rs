//! Putting the parts together.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use merak_authn::{
    Authentication, Authn, AuthnSettings, GuessSettings, RateLimiter, RateSettings, RsaKeyFiles,
    TokenBroker, TokenSettings,
};
use merak_authz::Authorizer;
use merak_federation::{Federation, KeyRing};
use merak_metastore::Metastore;
use merak_metastore_sql::{PostgresSettings, SqlMetastore, SqliteSettings, Synchronous};
use merak_model::Clock;
use merak_opa::Opa;
use merak_rest::{Allowed, ApiSettings, App, Cors, Forwarding, Health};
use merak_service::{ReportSettings, Service, ServiceSettings};
use merak_storage::{Interposer, Storage, StorageSettings};
use secrecy::{ExposeSecret as _, SecretBox};

use crate::config::{
    self, AcceptedTokens, AllowList, Config, Database, EncryptionKeys, SymmetricKey,
};
use crate::data_dir::DataDir;

/// A server's parts, which share their state.
#[derive(Debug)]
pub struct Parts {
    /// What is remembered.
    pub metastore: Arc<SqlMetastore>,
    /// The object stores.
    pub storage: Arc<Storage>,
    /// The catalogs that connections lead to.
    pub federation: Arc<Federation>,
    /// What is done, for what is done in the background.
    pub service: Service,
    /// The API.
    pub api: Router,
    /// The management port's routes.
    pub management: Router,
    pub(crate) metrics: metrics_exporter_prometheus::PrometheusHandle,
    pub(crate) _data_dir: Option<DataDir>,
}

/// Opens the database. It is not migrated.
pub async fn open_metastore(
    database: &Database,
) -> anyhow::Result<(SqlMetastore, Option<DataDir>)> {
    match database {
        Database::InMemory => Ok((SqlMetastore::in_memory().await?, None)),
        Database::Sqlite(sqlite) => {
            let data_dir = DataDir::open(&sqlite.data_dir)?;
            let synchronous = match sqlite.synchronous {
                config::Synchronous::Full => Synchronous::Full,
                config::Synchronous::Normal => Synchronous::Normal,
            };
            let settings = SqliteSettings { synchronous, ..SqliteSettings::default() };
            let path = data_dir.path().join("merak.db");
            let metastore = SqlMetastore::open_sqlite(&path, settings)
                .await
                .with_context(|| format!("cannot open the database {}", path.display()))?;
            Ok((metastore, Some(data_dir)))
        }
        Database::Postgres(postgres) => {
            let mut settings = PostgresSettings::new(postgres.url.clone());
            settings.username.clone_from(&postgres.username);
            settings.password.clone_from(&postgres.password);
            settings.max_connections = postgres.max_connections;
            settings.acquire_timeout_ms = millis(postgres.acquire_timeout);
            settings.statement_cache_capacity = postgres.statement_cache_capacity;
            let metastore = SqlMetastore::connect_postgres(&settings)
                .await
                .context("cannot connect to PostgreSQL")?;
            Ok((metastore, None))
        }
    }
}

/// Opens and migrates the database, makes the realms that are missing, and puts the parts together.
pub async fn wire_up(config: &Config, clock: Arc<dyn Clock>) -> anyhow::Result<Parts> {
    wire_up_interposed(config, clock, |metastore| metastore, None).await
}

/// The same with something between the server and what it stands on: tests let things go wrong
/// there. Making the realms does not meet it.
pub async fn wire_up_interposed(
    config: &Config,
    clock: Arc<dyn Clock>,
    metastore_between: impl FnOnce(Arc<dyn Metastore>) -> Arc<dyn Metastore>,
    files_between: Option<Arc<dyn Interposer>>,
) -> anyhow::Result<Parts> {
    let (metastore, data_dir) = open_metastore(&config.database).await?;
    let report = metastore.migrate().await.context("cannot bring the schema up to date")?;
    if report.before != report.after {
        tracing::info!(before = report.before, after = report.after, "schema migrated");
    }
    let metastore = Arc::new(metastore);
    crate::realms::bootstrap_configured(&*metastore, &*clock, config).await?;
    let dyn_metastore = metastore_between(Arc::<SqlMetastore>::clone(&metastore));
    let mut storage = Storage::new(storage_settings(config), Arc::clone(&clock));
    if let Some(between) = files_between {
        storage = storage.interposed(between);
    }
    let storage = Arc::new(storage);
    let features = Arc::new(config.features.clone());
    let limits = &config.limits;
    let federation = Arc::new(federation(config, data_dir.as_ref(), &storage, &clock)?);
    let service = Service::new(
        Arc::clone(&dyn_metastore),
        Arc::clone(&storage),
        Arc::clone(&federation),
        Arc::clone(&clock),
        Arc::clone(&features),
        &ServiceSettings {
            inline_max_bytes: limits.metadata_inline_max_bytes,
            cache_max_bytes: limits.metadata_cache_max_bytes as u64,
            max_metadata_bytes: limits.metadata_max_bytes as u64,
            doctor_timeout: doctor_timeout(limits),
            reports: report_settings(&config.metrics_reports),
            tasks: config.background.tasks.clone(),
        },
    );
    let authorizer = Authorizer::new(Arc::clone(&dyn_metastore), features);
    let authorizer = match &config.authorization {
        config::Authorization::Internal => authorizer,
        config::Authorization::Opa(settings) => {
            let opa = Opa::new((**settings).clone(), Arc::clone(&clock));
            authorizer.decided_by(Arc::new(opa.context("the policy service cannot be asked")?))
        }
    };
    let rates = RateLimiter::new(&rate_settings(&config.rates), Arc::clone(&clock));
    let authn = Authn::new(Arc::clone(&dyn_metastore), clock, authn_settings(config)?);
    let app = App {
        rates: Arc::new(rates),
        authn: Arc::new(authn),
        authorizer,
        service: service.clone(),
        settings: Arc::new(api_settings(config)),
    };
    let metrics = crate::metrics::install(&config.telemetry.metric_labels)?;
    let management = merak_rest::management_router(health(dyn_metastore, metrics.clone()));
    Ok(Parts {
        metastore,
        storage,
        federation,
        service,
        api: merak_rest::router(app),
        management,
        metrics,
        _data_dir: data_dir,
    })
}

fn federation(
    config: &Config,
    data_dir: Option<&DataDir>,
    storage: &Storage,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Federation> {
    let keys = match &config.federation.keys {
        EncryptionKeys::Given(keys) => KeyRing::given(keys)?,
        EncryptionKeys::File(path) => {
            let whose = || format!("the encryption keys in {}", path.display());
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read {}", whose()))?;
            KeyRing::given(&text.into()).with_context(|| format!("cannot use {}", whose()))?
        }
        EncryptionKeys::Unset => match config.database {
            Database::InMemory => KeyRing::for_this_process()?,
            Database::Sqlite(_) | Database::Postgres(_) => KeyRing::none(),
        },
    };
    let keys = match data_dir {
        // What was encrypted before there was a setting is still decrypted.
        Some(data_dir) => keys.with_own_file(data_dir.path().join("secrets.key")),
        None => keys,
    };
    let settings = config.federation.settings.clone();
    Federation::new(settings, keys, storage.request_signer(), Arc::clone(clock)).context(
        "the HTTP client for other catalogs cannot be made: are there certificates of authorities \
         on this machine?",
    )
}

fn health(
    metastore: Arc<dyn Metastore>,
    metrics: metrics_exporter_prometheus::PrometheusHandle,
) -> Health {
    Health {
        database: Arc::new(move || {
            let metastore = Arc::clone(&metastore);
            Box::pin(async move {
                metastore
                    .ping()
                    .await
                    .inspect_err(|error| {
                        let error = error as &dyn std::error::Error;
                        tracing::warn!(error, "the database does not answer");
                    })
                    .is_ok()
            })
        }),
        metrics: Arc::new(move || metrics.render()),
    }
}

fn report_settings(reports: &config::MetricsReports) -> ReportSettings {
    let (are_logged, are_stored) = match reports.sink {
        config::ReportSink::LogAndDatabase => (true, true),
        config::ReportSink::Database => (false, true),
        config::ReportSink::Nowhere => (false, false),
    };
    ReportSettings { are_logged, are_stored, retention: reports.retention }
}

/// So long that there is time left to tidy up and to answer.
fn doctor_timeout(limits: &config::Limits) -> Duration {
    let at_most = limits.request_timeout.saturating_sub(Duration::from_secs(10));
    limits.doctor_timeout.min(at_most.max(limits.request_timeout / 2))
}

fn storage_settings(config: &Config) -> StorageSettings {
    let storage = &config.storage;
    let mut settings = StorageSettings {
        request_timeout: storage.read_timeout,
        connect_timeout: storage.connect_timeout,
        max_metadata_bytes: config.limits.metadata_max_bytes as u64,
        max_clients: storage.max_clients,
        credential_cache: storage.credential_cache,
        sign_with_own_keys: storage.sign_with_own_keys,
        google: storage.google.clone(),
        azure: storage.azure.clone(),
        // Whether a catalog may have it is a feature, judged when it is made.
        allow_file_type: true,
        ..StorageSettings::default()
    };
    if let Some(keys) = &storage.aws {
        settings.aws_access_key = Some(keys.access_key.clone().into());
        settings.aws_secret_key = Some(keys.secret_key.clone());
    }
    settings.aws_named_keys = storage
        .aws_by_name
        .iter()
        .map(|(name, keys)| {
            let keys = merak_storage::AwsKeys {
                access_key: keys.access_key.clone().into(),
                secret_key: keys.secret_key.clone(),
                session_token: None,
            };
            (name.clone(), keys)
        })
        .collect();
    settings
}

fn authn_settings(config: &Config) -> anyhow::Result<AuthnSettings> {
    let mut realms = BTreeMap::new();
    for (realm, tokens) in &config.tokens.by_realm {
        let broker = broker(&tokens.broker)
            .with_context(|| format!("the token keys of realm {realm} cannot be used"))?;
        let authentication = match &tokens.accepted {
            AcceptedTokens::Internal => Authentication::Internal,
            AcceptedTokens::External(oidc) => Authentication::External(oidc.clone()),
            AcceptedTokens::Mixed(oidc) => Authentication::Mixed(oidc.clone()),
        };
        let lifetime_s = tokens.lifetime.as_secs();
        realms.insert(realm.clone(), TokenSettings { authentication, broker, lifetime_s });
    }
    let guesses = guess_settings(&config.guesses);
    Ok(AuthnSettings { realms, guesses, ..AuthnSettings::default() })
}

fn guess_settings(guesses: &config::Guesses) -> GuessSettings {
    GuessSettings {
        per_client: u32::try_from(guesses.per_client).unwrap_or(u32::MAX),
        per_address: u32::try_from(guesses.per_address).unwrap_or(u32::MAX),
        window_ms: millis(guesses.window),
        max_entries: guesses.max_entries as u64,
    }
}

fn rate_settings(rates: &config::Rates) -> RateSettings {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    RateSettings {
        per_realm_and_second: rates.per_realm_and_second.map_or(0, count),
        per_principal: count(rates.per_principal),
        per_address: count(rates.per_address),
        window_ms: millis(rates.window),
        max_entries: rates.max_entries as u64,
    }
}

#[expect(clippy::disallowed_methods, reason = "the secret goes on to the signer as bytes")]
fn broker(broker: &config::TokenBroker) -> anyhow::Result<TokenBroker> {
    Ok(match broker {
        config::TokenBroker::Ed25519 => TokenBroker::Ed25519,
        config::TokenBroker::Rsa(None) => TokenBroker::Rsa { files: None },
        config::TokenBroker::Rsa(Some(files)) => {
            TokenBroker::Rsa { files: Some(RsaKeyFiles::read(&files.private, &files.public)?) }
        }
        config::TokenBroker::Symmetric(SymmetricKey::Secret(secret)) => {
            let bytes = secret.expose_secret().as_bytes().to_vec();
            TokenBroker::Symmetric { secret: SecretBox::new(bytes.into_boxed_slice()) }
        }
        config::TokenBroker::Symmetric(SymmetricKey::File(path)) => {
            let bytes = std::fs::read(path)
                .with_context(|| format!("cannot read the key file {}", path.display()))?;
            TokenBroker::Symmetric { secret: SecretBox::new(bytes.into_boxed_slice()) }
        }
    })
}

fn api_settings(config: &Config) -> ApiSettings {
    let limits = &config.limits;
    ApiSettings {
        realms: config.realms.all.clone(),
        realm_header: config.realms.header.clone(),
        require_realm_header: config.realms.is_header_required,
        request_id_header: config.telemetry.request_id_header.clone(),
        max_body_bytes: limits.max_body_bytes,
        max_report_bytes: config.metrics_reports.max_bytes,
        request_timeout: limits.request_timeout,
        max_concurrent_requests: limits.max_concurrent_requests,
        page_size: u32::try_from(limits.page_size).unwrap_or(u32::MAX),
        max_page_size: u32::try_from(limits.max_page_size).unwrap_or(u32::MAX),
        idempotency_lifetime: config.idempotency.lifetime,
        logs_requests: config.telemetry.has_access_log,
        forwarding: match config.forwarding {
            config::Forwarding::Ignored => Forwarding::Ignored,
            config::Forwarding::XForwardedFor => Forwarding::XForwardedFor,
            config::Forwarding::Forwarded => Forwarding::Forwarded,
        },
        cors: config.cors.is_enabled.then(|| cors(&config.cors)),
    }
}

fn cors(cors: &config::Cors) -> Cors {
    fn allowed<T: Clone>(list: &AllowList<T>) -> Allowed<T> {
        match list {
            AllowList::Any => Allowed::Any,
            AllowList::These(these) => Allowed::These(these.clone()),
        }
    }
    Cors {
        origins: allowed(&cors.origins),
        methods: allowed(&cors.methods),
        headers: allowed(&cors.headers),
        exposed_headers: allowed(&cors.exposed_headers),
        max_age: cors.max_age,
        allow_credentials: cors.allow_credentials,
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
