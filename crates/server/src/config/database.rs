//! Where everything is kept.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::formats::{Format, not};
use super::problems::Notice;
use super::reader::Reader;
use super::registry as settings;

/// The database.
#[derive(Debug, Clone)]
pub enum Database {
    /// A SQLite file of this process.
    Sqlite(Sqlite),
    /// Memory: everything is forgotten at the end.
    InMemory,
    /// PostgreSQL.
    Postgres(Postgres),
}

/// The embedded database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sqlite {
    /// The directory that it lies in, and that is locked while the server runs.
    pub data_dir: PathBuf,
    /// What a commit waits for.
    pub synchronous: Synchronous,
}

/// What a commit to the embedded database waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Synchronous {
    /// For the disk: nothing that was answered is lost.
    Full,
    /// Not for the disk: a power failure may lose the last commits, but no more.
    Normal,
}

/// A PostgreSQL database.
#[derive(Debug, Clone)]
pub struct Postgres {
    /// `postgresql://...`, as libpq and sqlx read it; it may hold a user and a password.
    pub url: SecretString,
    /// The user, over one in the URL.
    pub username: Option<String>,
    /// The password, over one in the URL.
    pub password: Option<SecretString>,
    /// The most connections.
    pub max_connections: u32,
    /// How long to wait for a connection.
    pub acquire_timeout: Duration,
    /// How many prepared statements a connection keeps.
    pub statement_cache_capacity: usize,
}

impl Database {
    pub(super) fn read(reader: &mut Reader) -> Self {
        // All of them are read whatever the type is, so that none passes for unknown.
        let persistence = reader.get(&settings::PERSISTENCE_TYPE);
        let data_dir = reader.get(&settings::DATA_DIR);
        let data_dir = reader.resolve(&data_dir);
        let sqlite = Sqlite { data_dir, synchronous: reader.get(&settings::SYNCHRONOUS) };
        let postgres = read_postgres(reader);

        match (persistence, postgres) {
            (Some(Persistence::InMemory), _) => Self::InMemory,
            (Some(Persistence::Sqlite), _) | (None, None) => Self::Sqlite(sqlite),
            (Some(Persistence::RelationalJdbc) | None, Some(postgres)) => Self::Postgres(postgres),
            (Some(Persistence::RelationalJdbc), None) => {
                // A URL that was set but is malformed has been complained about already.
                let urls = [&settings::JDBC_URL.row, &settings::DATABASE_URL.row];
                if !urls.into_iter().any(|row| reader.is_set(row)) {
                    let why = "needs quarkus.datasource.jdbc.url or the environment variable \
                               DATABASE_URL, and neither is set";
                    reader.refuse(&settings::PERSISTENCE_TYPE.row, None, why);
                }
                Self::InMemory
            }
        }
    }

    /// The names in `polaris.persistence.auto-bootstrap-types` that mean this database. The
    /// embedded one stands where Polaris has its memory.
    pub(super) fn polaris_types(&self) -> &'static [&'static str] {
        match self {
            Self::Sqlite(_) => &["sqlite", "in-memory"],
            Self::InMemory => &["in-memory", "in-memory-atomic"],
            Self::Postgres(_) => &["relational-jdbc"],
        }
    }
}

fn read_postgres(reader: &mut Reader) -> Option<Postgres> {
    let jdbc = reader.get(&settings::JDBC_URL);
    let plain = reader.get(&settings::DATABASE_URL);
    let username = reader.get(&settings::DATABASE_USERNAME);
    let password = reader.get(&settings::DATABASE_PASSWORD);
    let max_connections = reader.get(&settings::POOL_MAX);
    let acquire_timeout = reader.get(&settings::POOL_ACQUIRE);
    let statement_cache_capacity = reader.get(&settings::STATEMENT_CACHE);
    if jdbc.is_some() && plain.is_some() {
        reader.notices.push(Notice::info(
            "DATABASE_URL is not used, since quarkus.datasource.jdbc.url is set",
        ));
    }
    let PostgresAddress { url, dropped } = jdbc.or(plain)?;
    if !dropped.is_empty() {
        reader.notices.push(Notice::info(format!(
            "parameters of the database URL that mean nothing here: {}",
            dropped.join(", ")
        )));
    }
    let max_connections = u32::try_from(max_connections).unwrap_or(u32::MAX);
    Some(Postgres {
        url,
        username,
        password,
        max_connections,
        acquire_timeout,
        statement_cache_capacity,
    })
}

/// The value of `polaris.persistence.type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Persistence {
    Sqlite,
    InMemory,
    RelationalJdbc,
}

impl Format for Persistence {
    type Value = Self;
    const EXPECTED: &'static str = "`relational-jdbc`, `sqlite` or `in-memory`";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "sqlite" => Ok(Self::Sqlite),
            "in-memory" | "in-memory-atomic" => Ok(Self::InMemory),
            "relational-jdbc" => Ok(Self::RelationalJdbc),
            _ => Err(not::<Self>()),
        }
    }
}

impl Format for Synchronous {
    type Value = Self;
    const EXPECTED: &'static str = "`full` or `normal`";

    fn parse(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "full" => Ok(Self::Full),
            "normal" => Ok(Self::Normal),
            _ => Err(not::<Self>()),
        }
    }
}

/// A PostgreSQL URL in one of its notations. Secret, since a password may be in it.
#[derive(Debug)]
pub(super) struct PostgresUrl;

/// What such a URL says.
#[derive(Debug)]
pub(super) struct PostgresAddress {
    url: SecretString,
    /// The names of the parameters that only Java's driver knows.
    dropped: Vec<String>,
}

impl Format for PostgresUrl {
    type Value = PostgresAddress;
    const EXPECTED: &'static str =
        "`jdbc:postgresql://host:port/database` or `postgresql://user:password@host:port/database`";
    const IS_SECRET: bool = true;

    fn parse(text: &str) -> Result<PostgresAddress, String> {
        let text = text.trim();
        if let Some(jdbc) = text.strip_prefix("jdbc:") {
            return from_jdbc(jdbc.strip_prefix("postgresql:").ok_or_else(not::<Self>)?);
        }
        let scheme = text.split_once("://").map(|(scheme, _)| scheme);
        if matches!(scheme, Some("postgres" | "postgresql")) {
            Ok(PostgresAddress { url: text.into(), dropped: Vec::new() })
        } else {
            Err(not::<Self>())
        }
    }
}

/// Says for libpq what the rest of a URL says to Java's driver.
fn from_jdbc(rest: &str) -> Result<PostgresAddress, String> {
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    // Without a host, Java's driver takes this one.
    let (host, database) = match address.strip_prefix("//") {
        Some(address) => address.split_once('/').unwrap_or((address, "")),
        None => ("localhost", address.trim_start_matches('/')),
    };
    if host.contains(',') {
        return Err("names several hosts, which this version cannot choose from".to_owned());
    }
    let mut parameters = Vec::new();
    let mut dropped = Vec::new();
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match name {
            "user" | "password" | "sslmode" | "sslrootcert" | "sslcert" | "sslkey" | "options" => {
                parameters.push(parameter.to_owned());
            }
            "ApplicationName" => parameters.push(format!("application_name={value}")),
            "currentSchema" => parameters.push(format!("options[search_path]={value}")),
            // Java's driver takes `ssl` without a mode for this mode.
            "ssl" if value.is_empty() || value == "true" => {
                if !query.contains("sslmode=") {
                    parameters.push("sslmode=verify-full".to_owned());
                }
            }
            _ => dropped.push(name.to_owned()),
        }
    }
    let separator = if parameters.is_empty() { "" } else { "?" };
    let url = format!("postgresql://{host}/{database}{separator}{}", parameters.join("&"));
    Ok(PostgresAddress { url: url.into(), dropped })
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[expect(clippy::disallowed_methods, reason = "the test looks at the URL")]
    fn url(text: &str) -> (String, Vec<String>) {
        let address = PostgresUrl::parse(text).unwrap();
        (address.url.expose_secret().to_owned(), address.dropped)
    }

    #[test]
    fn a_jdbc_url_is_said_in_the_words_of_libpq() {
        let cases = [
            ("jdbc:postgresql://db:5432/polaris", "postgresql://db:5432/polaris"),
            (" jdbc:postgresql://db/\n", "postgresql://db/"),
            ("jdbc:postgresql:polaris", "postgresql://localhost/polaris"),
            (
                "jdbc:postgresql://db/p?currentSchema=s&ApplicationName=a&user=u",
                "postgresql://db/p?options[search_path]=s&application_name=a&user=u",
            ),
            ("jdbc:postgresql://db/p?ssl=true", "postgresql://db/p?sslmode=verify-full"),
            ("jdbc:postgresql://db/p?ssl&sslmode=require", "postgresql://db/p?sslmode=require"),
            ("postgres://u:p@db/p?x=y", "postgres://u:p@db/p?x=y"),
        ];
        for (jdbc, expected) in cases {
            assert_eq!(url(jdbc), (expected.to_owned(), vec![]), "{jdbc}");
        }
    }

    #[test]
    fn parameters_of_javas_driver_alone_are_dropped_by_name() {
        let (url, dropped) =
            url("jdbc:postgresql://db/p?reWriteBatchedInserts=true&sslmode=prefer");

        assert_eq!(url, "postgresql://db/p?sslmode=prefer");
        assert_eq!(dropped, ["reWriteBatchedInserts"]);
    }

    #[test]
    fn other_databases_are_refused_without_showing_the_url() {
        for text in ["jdbc:h2:mem:x;PASSWORD=s3cr3t", "mysql://u:s3cr3t@db/p", "db.example.com"] {
            let why = PostgresUrl::parse(text).unwrap_err();

            assert!(
                why.starts_with("is not `jdbc:postgresql:") && !why.contains("s3cr3t"),
                "{why}"
            );
        }
        assert!(PostgresUrl::parse("jdbc:postgresql://a,b/p").is_err());
    }
}
