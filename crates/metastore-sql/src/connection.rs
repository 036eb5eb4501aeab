//! The seam: one connection to either database, what is bound, what is read, what can fail.

use merak_metastore::{BoxError, Error};
use merak_model::RealmId;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteRow};
use sqlx::{Arguments, ConnectOptions, Row as _};

use crate::statement::Statement;
use crate::{postgres, sqlite};

/// What a database can be connected to with.
#[derive(Debug)]
pub(crate) enum Connector {
    Postgres(postgres::Server),
    Sqlite(SqliteConnectOptions),
}

impl Connector {
    pub(crate) async fn connect(&self) -> Result<Connection, Error> {
        match self {
            Self::Postgres(server) => server.connect().await,
            Self::Sqlite(options) => match options.connect().await {
                Ok(connection) => Ok(Connection::Sqlite(sqlite::Connection::new(connection))),
                Err(error) => Err(Error::Unavailable(error.into())),
            },
        }
    }
}

/// A connection to either database.
#[derive(Debug)]
pub(crate) enum Connection {
    Postgres(postgres::Connection),
    Sqlite(sqlite::Connection),
}

impl Connection {
    pub(crate) async fn run(
        &mut self,
        statement: &Statement,
        params: &[Param<'_>],
    ) -> Result<Vec<Row>, Failure> {
        match self {
            Self::Postgres(connection) => connection.run(statement.postgres, params).await,
            Self::Sqlite(connection) => connection.run(statement.sqlite, params).await,
        }
    }

    pub(crate) async fn prepare(&mut self, statement: &Statement) -> Result<(), Failure> {
        match self {
            Self::Postgres(connection) => connection.prepare(statement.postgres).await,
            Self::Sqlite(connection) => connection.prepare(statement.sqlite).await,
        }
    }

    /// Begins a transaction that will write.
    pub(crate) async fn begin(&mut self) -> Result<(), Failure> {
        match self {
            Self::Postgres(connection) => connection.control("begin").await,
            // It takes the lock now: a transaction that reads first and then asks to write can be
            // refused, and no waiting helps.
            Self::Sqlite(connection) => connection.control("begin immediate").await,
        }
    }

    /// Lets the transaction take as long as it needs.
    pub(crate) async fn lift_timeout(&mut self) -> Result<(), Failure> {
        match self {
            Self::Postgres(connection) => connection.lift_timeout().await,
            Self::Sqlite(_) => Ok(()),
        }
    }

    pub(crate) async fn commit(&mut self) -> Result<(), Failure> {
        match self {
            Self::Postgres(connection) => connection.end("commit").await,
            Self::Sqlite(connection) => connection.control("commit").await,
        }
    }

    pub(crate) async fn rollback(&mut self) -> Result<(), Failure> {
        match self {
            Self::Postgres(connection) => connection.end("rollback").await,
            Self::Sqlite(connection) => connection.control("rollback").await,
        }
    }

    /// Whether the other end still answers.
    pub(crate) async fn is_alive(&mut self) -> bool {
        match self {
            Self::Postgres(connection) => connection.is_alive().await,
            Self::Sqlite(_) => true,
        }
    }

    /// Whether a connection can be used again after it was abandoned in the midst of something: a
    /// task that waited for it was cancelled, say.
    ///
    /// PostgreSQL might go on with what was asked for as long as that takes: then a new connection
    /// is better. With SQLite the connection may *be* the database.
    pub(crate) fn outlives_abandonment(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    pub(crate) async fn close(self) {
        match self {
            Self::Postgres(connection) => connection.close().await,
            Self::Sqlite(connection) => connection.close().await,
        }
    }
}

/// A value to bind. Lists are bound as one text, a JSON array: so there are few kinds of values, and
/// a statement's text never depends on how many there are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Param<'a> {
    Text(&'a str),
    OptText(Option<&'a str>),
    Int(i64),
    OptInt(Option<i64>),
    Bool(bool),
    Bytes(&'a [u8]),
    OptBytes(Option<&'a [u8]>),
}

impl<'a> Param<'a> {
    pub(crate) fn realm(realm: &'a RealmId) -> Self {
        Self::lookup(realm.as_str())
    }

    /// A name to look something up by.
    pub(crate) fn lookup(name: &'a str) -> Self {
        Self::Text(findable(name))
    }

    pub(crate) fn to_postgres(params: &[Self]) -> Result<PgArguments, sqlx::Error> {
        let mut arguments = PgArguments::default();
        for param in params {
            match *param {
                Self::Text(value) => arguments.add(value),
                Self::OptText(value) => arguments.add(value),
                Self::Int(value) => arguments.add(value),
                Self::OptInt(value) => arguments.add(value),
                Self::Bool(value) => arguments.add(value),
                Self::Bytes(value) => arguments.add(value),
                Self::OptBytes(value) => arguments.add(value),
            }
            .map_err(sqlx::Error::Encode)?;
        }
        Ok(arguments)
    }

    pub(crate) fn to_sqlite(params: &[Self]) -> Result<SqliteArguments, sqlx::Error> {
        let mut arguments = SqliteArguments::default();
        for param in params {
            match *param {
                Self::Text(value) => Arguments::add(&mut arguments, value),
                Self::OptText(value) => Arguments::add(&mut arguments, value),
                Self::Int(value) => Arguments::add(&mut arguments, value),
                Self::OptInt(value) => Arguments::add(&mut arguments, value),
                Self::Bool(value) => Arguments::add(&mut arguments, value),
                Self::Bytes(value) => Arguments::add(&mut arguments, value),
                Self::OptBytes(value) => Arguments::add(&mut arguments, value),
            }
            .map_err(sqlx::Error::Encode)?;
        }
        Ok(arguments)
    }
}

/// A name as it can be looked up. PostgreSQL refuses texts with a NUL, so no name has one: such a
/// name becomes the empty one, which nothing has either.
pub(crate) fn findable(name: &str) -> &str {
    if name.contains('\0') { "" } else { name }
}

/// A row that came back.
#[derive(Debug)]
pub(crate) enum Row {
    Postgres(PgRow),
    Sqlite(SqliteRow),
}

/// Reads a column of a row of either kind.
macro_rules! column {
    ($row:expr, $column:expr) => {
        match $row {
            Row::Postgres(row) => row.try_get($column),
            Row::Sqlite(row) => row.try_get($column),
        }
        .map_err(|error| Error::Corrupt(format!("column {}: {error}", $column)))
    };
}

impl Row {
    pub(crate) fn text(&self, column: usize) -> Result<&str, Error> {
        column!(self, column)
    }

    pub(crate) fn opt_text(&self, column: usize) -> Result<Option<&str>, Error> {
        column!(self, column)
    }

    pub(crate) fn int(&self, column: usize) -> Result<i64, Error> {
        column!(self, column)
    }

    pub(crate) fn opt_int(&self, column: usize) -> Result<Option<i64>, Error> {
        column!(self, column)
    }

    /// One of the columns that hold codes, which are narrower.
    pub(crate) fn code(&self, column: usize) -> Result<i32, Error> {
        column!(self, column)
    }

    pub(crate) fn opt_bytes(&self, column: usize) -> Result<Option<&[u8]>, Error> {
        column!(self, column)
    }
}

/// Why a statement did not succeed, as far as it matters to what is done about it.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something has that name, id or client id already.
    Unique(BoxError),
    /// What is referred to is not there, or what is to go is still referred to.
    ForeignKey(BoxError),
    /// The request was answered before, under the same idempotency key.
    Answered(BoxError),
    /// The database undid it for the sake of another transaction: to be tried again.
    Again(BoxError),
    /// The database answered, and the answer is that nothing happened.
    Refused(BoxError),
    /// The answer did not come: it may have happened.
    Lost(BoxError),
}

impl Failure {
    pub(crate) fn is_lost(&self) -> bool {
        matches!(self, Self::Lost(_))
    }

    pub(crate) fn into_source(self) -> BoxError {
        match self {
            Self::Unique(source)
            | Self::ForeignKey(source)
            | Self::Answered(source)
            | Self::Again(source)
            | Self::Refused(source)
            | Self::Lost(source) => source,
        }
    }

    /// The error where nothing can have been changed: of a read, or before the commit.
    pub(crate) fn into_unavailable(self) -> Error {
        Error::Unavailable(self.into_source())
    }

    /// The error where it may have been changed: of a commit, or of a write that is one by itself.
    pub(crate) fn into_write_error(self) -> Error {
        match self {
            Self::Lost(source) => Error::OutcomeUnknown(source),
            Self::Unique(source)
            | Self::ForeignKey(source)
            | Self::Answered(source)
            | Self::Again(source)
            | Self::Refused(source) => Error::Unavailable(source),
        }
    }
}
