//! What is PostgreSQL's own.

use std::time::{Duration, Instant};

use merak_metastore::Error;
use secrecy::{ExposeSecret, SecretString};
use sqlx::error::ErrorKind;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection as _, Executor, SqlSafeStr};

use crate::connection::{self, Failure, Param, Row};

/// How to reach PostgreSQL, and what to ask of it.
#[derive(Debug, Clone)]
pub struct PostgresSettings {
    /// `postgres://user:password@host:port/database?sslmode=..`, or the form that Java programs
    /// use: `jdbc:postgresql://host:port/database?user=..&password=..`. It may hold a password, and
    /// is a secret for that.
    pub url: SecretString,
    /// Goes before a user in the URL.
    pub username: Option<String>,
    /// Goes before a password in the URL.
    pub password: Option<SecretString>,
    /// How many connections this process opens at most.
    pub max_connections: u32,
    /// How long something waits for a connection to become free.
    pub acquire_timeout_ms: u64,
    /// How long the start waits for a database that does not take connections yet.
    pub connect_timeout_ms: u64,
    /// How long a statement may take.
    pub statement_timeout_ms: u64,
    /// How many prepared statements are kept with each connection. 0 prepares none and sets nothing
    /// for the session either, as a pooler between here and the database needs it when it hands its
    /// connections out by the transaction: time-outs are then the database's and the role's own.
    pub statement_cache_capacity: usize,
}

impl PostgresSettings {
    /// The settings to reach a database, with everything else as it usually is.
    pub fn new(url: SecretString) -> Self {
        Self {
            url,
            username: None,
            password: None,
            max_connections: 16,
            acquire_timeout_ms: 5_000,
            connect_timeout_ms: 30_000,
            statement_timeout_ms: 30_000,
            statement_cache_capacity: 256,
        }
    }

    pub(crate) fn acquire_timeout(&self) -> Duration {
        Duration::from_millis(self.acquire_timeout_ms)
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    #[expect(clippy::disallowed_methods, reason = "the driver is told the URL and the password")]
    fn options(&self) -> Result<PgConnectOptions, Error> {
        let mut options = parse_url(self.url.expose_secret())?;
        if let Some(username) = &self.username {
            options = options.username(username);
        }
        if let Some(password) = &self.password {
            options = options.password(password.expose_secret());
        }
        options = options
            .application_name("merak")
            .statement_cache_capacity(self.statement_cache_capacity)
            .disable_statement_logging();
        if self.statement_cache_capacity > 0 {
            let statement_timeout = self.statement_timeout_ms.to_string();
            options = options.options([
                ("statement_timeout", statement_timeout.as_str()),
                ("lock_timeout", statement_timeout.as_str()),
                ("idle_in_transaction_session_timeout", "60000"),
                // All statements are look-ups by whole keys, whose best plan depends on no value:
                // to plan them anew for each set of values costs more than to carry them out.
                ("plan_cache_mode", "force_generic_plan"),
                // Nor is any so long that it would pay to compile it, or to share it among processes.
                // Wrong estimates on a database that was never analyzed make PostgreSQL try.
                ("jit", "off"),
                ("max_parallel_workers_per_gather", "0"),
                // A table that was small when a statement was planned may have grown since.
                ("enable_seqscan", "off"),
                // A look-up finds one row; without statistics PostgreSQL expects dozens.
                ("enable_bitmapscan", "off"),
            ]);
        }
        Ok(options)
    }
}

/// Reads either form of URL. Its errors do not repeat it.
fn parse_url(text: &str) -> Result<PgConnectOptions, Error> {
    let invalid = |reason: &str| {
        let text = format!(
            "the URL of the PostgreSQL database is not valid: {reason} (expected \
             postgres://host:port/database or jdbc:postgresql://host:port/database)"
        );
        Error::Unavailable(text.into())
    };
    let is_jdbc = text.starts_with("jdbc:");
    let text = text.strip_prefix("jdbc:").unwrap_or(text);
    let mut url = url::Url::parse(text).map_err(|error| invalid(&error.to_string()))?;
    if !matches!(url.scheme(), "postgres" | "postgresql") {
        return Err(invalid("it begins with neither postgres:// nor jdbc:postgresql://"));
    }
    if url.cannot_be_a_base() {
        return Err(invalid("two slashes must follow its scheme"));
    }
    if is_jdbc {
        keep_what_the_driver_knows(&mut url);
    }
    PgConnectOptions::from_url(&url).map_err(|error| invalid(&error.to_string()))
}

/// Brings the query of a JDBC URL to what our driver reads: it has other names for some, and most of
/// the rest (buffer sizes, pool settings of Java) mean nothing here.
fn keep_what_the_driver_knows(url: &mut url::Url) {
    let pairs: Vec<_> = url.query_pairs().into_owned().collect();
    url.set_query(None);
    for (name, value) in pairs {
        match name.as_str() {
            "user" | "password" | "sslmode" | "sslrootcert" | "sslcert" | "sslkey" | "options" => {
                url.query_pairs_mut().append_pair(&name, &value);
            }
            "currentSchema" => {
                url.query_pairs_mut().append_pair("options[search_path]", &value);
            }
            "ssl" if matches!(value.as_str(), "" | "true") => {
                url.query_pairs_mut().append_pair("sslmode", "verify-full");
            }
            _ => tracing::debug!(parameter = name, "ignored a parameter of the database's URL"),
        }
    }
}

/// The server, and how to connect to it.
#[derive(Debug)]
pub(crate) struct Server {
    options: PgConnectOptions,
    is_persistent: bool,
    answer_timeout: Duration,
}

impl Server {
    pub(crate) fn new(settings: &PostgresSettings) -> Result<Self, Error> {
        Ok(Self {
            options: settings.options()?,
            is_persistent: settings.statement_cache_capacity > 0,
            // Somewhat later than the server's own: whose answer is then the better one.
            answer_timeout: Duration::from_millis(settings.statement_timeout_ms)
                + Duration::from_secs(5),
        })
    }

    pub(crate) async fn connect(&self) -> Result<connection::Connection, Error> {
        match self.options.connect().await {
            Ok(connection) => Ok(self.connection(connection)),
            Err(error) => Err(self.unavailable(&error)),
        }
    }

    /// Connects, trying again for so long while the server is not there yet. What will not pass,
    /// such as a wrong password, fails at once.
    pub(crate) async fn connect_patiently(
        &self,
        patience: Duration,
    ) -> Result<connection::Connection, Error> {
        let deadline = Instant::now() + patience;
        let mut pause = Duration::from_millis(50);
        loop {
            let remaining = deadline.saturating_duration_since(Instant::now());
            let attempt = tokio::time::timeout(remaining, self.options.clone().connect()).await;
            let error = match attempt {
                Ok(Ok(connection)) => return Ok(self.connection(connection)),
                Ok(Err(error)) => error,
                Err(_) => sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()),
            };
            if !may_pass(&error) || Instant::now() + pause >= deadline {
                return Err(self.unavailable(&error));
            }
            tracing::info!(%error, "PostgreSQL takes no connections yet");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    fn connection(&self, driver: PgConnection) -> connection::Connection {
        connection::Connection::Postgres(Connection {
            driver,
            is_persistent: self.is_persistent,
            answer_timeout: self.answer_timeout,
            is_unhurried: false,
        })
    }

    /// Options for work that takes as long as it takes.
    pub(crate) fn patient_options(&self) -> PgConnectOptions {
        let options = self.options.clone();
        if self.is_persistent {
            options.options([("statement_timeout", "0"), ("lock_timeout", "0")])
        } else {
            options
        }
    }

    pub(crate) fn unavailable(&self, error: &sqlx::Error) -> Error {
        let options = &self.options;
        let place = match options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => format!("{}:{}", options.get_host(), options.get_port()),
        };
        let database = options.get_database().unwrap_or(options.get_username());
        let user = options.get_username();
        let text = format!(
            "cannot connect to PostgreSQL at {place}, database '{database}', as '{user}': {error}"
        );
        Error::Unavailable(text.into())
    }
}

/// Whether a failure to connect is of the kind that passes when the server has started.
fn may_pass(error: &sqlx::Error) -> bool {
    match error.as_database_error() {
        // Too many connections; starting, or stopping.
        Some(answer) => matches!(answer.code().as_deref(), Some("53300" | "57P03" | "57P01")),
        None => matches!(error, sqlx::Error::Io(_)),
    }
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Connection {
    driver: PgConnection,
    is_persistent: bool,
    answer_timeout: Duration,
    /// Whether the transaction may take as long as it needs.
    is_unhurried: bool,
}

impl Connection {
    pub(crate) async fn run(
        &mut self,
        text: &'static str,
        params: &[Param<'_>],
    ) -> Result<Vec<Row>, Failure> {
        let arguments = Param::to_postgres(params).map_err(failure)?;
        let query = sqlx::query_with(text, arguments).persistent(self.is_persistent);
        let timeout = self.timeout();
        let rows = within(timeout, self.driver.fetch_all(query)).await?;
        Ok(rows.into_iter().map(Row::Postgres).collect())
    }

    pub(crate) async fn prepare(&mut self, text: &'static str) -> Result<(), Failure> {
        let timeout = self.timeout();
        within(timeout, self.driver.prepare(text.into_sql_str())).await?;
        Ok(())
    }

    /// Runs what has neither parameters nor rows, without preparing it.
    pub(crate) async fn control(&mut self, text: &'static str) -> Result<(), Failure> {
        let timeout = self.timeout();
        within(timeout, self.driver.execute(sqlx::raw_sql(text))).await?;
        Ok(())
    }

    /// Ends the transaction.
    pub(crate) async fn end(&mut self, text: &'static str) -> Result<(), Failure> {
        let result = self.control(text).await;
        self.is_unhurried = false;
        result
    }

    /// Lets the transaction take as long as it needs, and pass over whole tables.
    pub(crate) async fn lift_timeout(&mut self) -> Result<(), Failure> {
        self.control(
            "set local statement_timeout = 0; set local lock_timeout = 0; \
             set local enable_seqscan = on",
        )
        .await?;
        self.is_unhurried = true;
        Ok(())
    }

    fn timeout(&self) -> Duration {
        if self.is_unhurried { Duration::from_hours(24) } else { self.answer_timeout }
    }

    pub(crate) async fn is_alive(&mut self) -> bool {
        tokio::time::timeout(Duration::from_secs(2), self.driver.ping())
            .await
            .is_ok_and(|answer| answer.is_ok())
    }

    pub(crate) async fn close(self) {
        if let Err(error) = self.driver.close().await {
            tracing::debug!(%error, "a connection to PostgreSQL did not close cleanly");
        }
    }
}

/// Waits for an answer, but not for ever: a peer that vanished without a word is noticed so.
async fn within<T>(
    timeout: Duration,
    answer: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, Failure> {
    match tokio::time::timeout(timeout, answer).await {
        Ok(answer) => answer.map_err(failure),
        Err(elapsed) => Err(Failure::Lost(elapsed.into())),
    }
}

/// What an error of the driver means.
fn failure(error: sqlx::Error) -> Failure {
    let Some(answer) = error.as_database_error() else {
        // These are found before anything is sent.
        let is_ours = matches!(error, sqlx::Error::Encode(_) | sqlx::Error::InvalidArgument(_));
        return if is_ours { Failure::Refused(error.into()) } else { Failure::Lost(error.into()) };
    };
    #[expect(clippy::wildcard_enum_match_arm, reason = "the driver may add kinds")]
    match answer.kind() {
        ErrorKind::UniqueViolation => Failure::Unique(error.into()),
        ErrorKind::ForeignKeyViolation => Failure::ForeignKey(error.into()),
        _ => match answer.code().as_deref() {
            // What our own trigger says.
            Some("MK001") => Failure::Answered(error.into()),
            // Serialization failure, deadlock.
            Some("40001" | "40P01") => Failure::Again(error.into()),
            // The connection broke, or the server is going down, and took the session with it. When
            // in the course of a commit it did so, such an answer does not say.
            Some(code) if code.starts_with("08") || code.starts_with("57P") => {
                Failure::Lost(error.into())
            }
            _ => Failure::Refused(error.into()),
        },
    }
}
