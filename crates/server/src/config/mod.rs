//! The configuration: Polaris' property names, from flags, environment, file and defaults.
//!
//! Nothing else reads the environment. [`registry`] has every setting there is; each concern has a
//! file that makes a typed struct of its settings. All problems are found before any is reported.

mod authorization;
mod background;
mod bind;
mod bootstrap;
mod cors;
mod database;
#[cfg(test)]
mod docs;
mod features;
mod federation;
mod formats;
mod guesses;
mod idempotency;
mod inert;
mod keys;
mod limits;
mod oidc;
mod problems;
mod properties;
mod proxy;
mod rates;
mod reader;
mod realms;
mod registry;
mod reports;
mod sources;
mod storage;
mod telemetry;
#[cfg(test)]
mod tests;
mod tokens;
mod unread;

pub use authorization::Authorization;
pub use background::Background;
pub use bind::Bind;
pub use bootstrap::{Bootstrap, RootCredentials};
pub use cors::{AllowList, Cors};
pub use database::{Database, Postgres, Sqlite, Synchronous};
pub use features::RealmFeatures;
pub use federation::{EncryptionKeys, Federation};
pub use guesses::Guesses;
pub use idempotency::Idempotency;
pub use limits::Limits;
pub use problems::{ConfigErrors, Notice, Origin, Problem, Severity};
pub use proxy::Forwarding;
pub use rates::Rates;
pub use realms::Realms;
pub use reports::{MetricsReports, ReportSink};
pub use sources::Sources;
pub use storage::{AwsKeys, Storage};
pub use telemetry::{LogFormat, Telemetry};
pub use tokens::{AcceptedTokens, RealmTokens, RsaFiles, SymmetricKey, TokenBroker, Tokens};

use reader::Reader;

/// The configuration of a server. It can be shown: its secrets do not show themselves.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the server listens.
    pub bind: Bind,
    /// What the proxy before it is believed.
    pub forwarding: Forwarding,
    /// Where everything is kept.
    pub database: Database,
    /// The realms there are.
    pub realms: Realms,
    /// What a new realm begins with.
    pub bootstrap: Bootstrap,
    /// How tokens are signed.
    pub tokens: Tokens,
    /// Who decides on requests.
    pub authorization: Authorization,
    /// How many wrong client secrets are borne.
    pub guesses: Guesses,
    /// How many requests there may be.
    pub rates: Rates,
    /// How object stores are reached.
    pub storage: Storage,
    /// How other catalogs are reached.
    pub federation: Federation,
    /// What is logged and measured.
    pub telemetry: Telemetry,
    /// What browsers may do.
    pub cors: Cors,
    /// How much of anything there may be.
    pub limits: Limits,
    /// What is remembered of requests with an idempotency key.
    pub idempotency: Idempotency,
    /// What is done in the background.
    pub background: Background,
    /// What becomes of engines' reports.
    pub metrics_reports: MetricsReports,
    /// The feature flags of each realm.
    pub features: RealmFeatures,
}

/// A configuration, and what its owner should know about it.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// To be logged, once there is a log.
    pub notices: Vec<Notice>,
}

impl Config {
    /// Reads the configuration, or says all that is wrong with it.
    pub fn load(sources: &Sources) -> Result<Loaded, ConfigErrors> {
        let mut reader = Reader::new(sources);
        let config = Self::read(&mut reader);
        unread::note(&mut reader, &config.realms);
        let Reader { problems, mut notices, .. } = reader;
        notices.sort_by_key(|notice| notice.severity);
        if problems.is_empty() {
            Ok(Loaded { config, notices })
        } else {
            Err(ConfigErrors { problems, notices })
        }
    }

    fn read(reader: &mut Reader) -> Self {
        let bind = Bind::read(reader);
        let forwarding = Forwarding::read(reader);
        let database = Database::read(reader);
        let realms = Realms::read(reader);
        let bootstrap = Bootstrap::read(reader, &realms, &database);
        let tokens = Tokens::read(reader, &realms);
        let authorization = Authorization::read(reader);
        let guesses = Guesses::read(reader);
        let rates = Rates::read(reader);
        let features = features::read(reader, &realms);
        let storage = Storage::read(reader, &features);
        let federation = Federation::read(reader, &realms);
        let telemetry = Telemetry::read(reader);
        let cors = Cors::read(reader);
        let limits = Limits::read(reader);
        let idempotency = Idempotency::read(reader);
        let background = Background::read(reader);
        let metrics_reports = MetricsReports::read(reader);
        Self {
            bind,
            forwarding,
            database,
            realms,
            bootstrap,
            tokens,
            authorization,
            guesses,
            rates,
            storage,
            federation,
            telemetry,
            cors,
            limits,
            idempotency,
            background,
            metrics_reports,
            features,
        }
    }
}
