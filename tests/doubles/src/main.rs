//! Starts the doubles as a process, for tests that are not written in Rust.
//!
//! `merak-doubles google [--port N] [--data URL] [--fixtures DIR]`, `merak-doubles azure [--port N]
//! [--dfs-port N] [--fixtures DIR]`, `merak-doubles aws [--port N]`. Prints one line of JSON when it is ready, and
//! runs until it is killed.

use std::collections::BTreeMap;
use std::io::{Error, Write as _};
use std::path::Path;

use merak_doubles::{aws, azure, google};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let double = arguments.next().unwrap_or_default();
    let options = Options::parse(arguments)?;
    match double.as_str() {
        "google" => run_google(&options).await,
        "azure" => run_azure(&options).await,
        "aws" => run_aws(&options).await,
        _ => Err(Error::other(format!("there is no double \"{double}\": aws, azure, google"))),
    }
}

/// `--name value`, as often as wanted.
struct Options(BTreeMap<String, String>);

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, Error> {
        let mut options = BTreeMap::new();
        while let Some(name) = arguments.next() {
            let (Some(name), Some(value)) = (name.strip_prefix("--"), arguments.next()) else {
                return Err(Error::other(format!("{name} is not --name value")));
            };
            options.insert(name.to_owned(), value);
        }
        Ok(Self(options))
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn port(&self, name: &str) -> Result<u16, Error> {
        let number = self.text(name).unwrap_or("0");
        number.parse().map_err(|_| Error::other(format!("--{name} {number} is no port")))
    }
}

async fn run_google(options: &Options) -> Result<(), Error> {
    let data = options.text("data").map(str::to_owned);
    let port = options.port("port")?;
    let running = google::start_with(google::Options { port, data }).await?;
    let fixtures = match options.text("fixtures") {
        Some(folder) => running.write_fixtures(Path::new(folder))?.to_json(),
        None => json!({}),
    };
    ready(&json!({
        "endpoint": running.endpoint,
        "bucket": google::BUCKET,
        "project": google::PROJECT,
        "accounts": {
            "server": google::SERVER,
            "lake": google::LAKE,
            "stranger": google::STRANGER,
            "user": google::USER,
            "federated": google::FEDERATED,
        },
        "fixtures": fixtures,
    }))?;
    std::future::pending().await
}

async fn run_aws(options: &Options) -> Result<(), Error> {
    let running = aws::start_on(options.port("port")?).await.map_err(Error::other)?;
    ready(&running.announcement())?;
    std::future::pending().await
}

async fn run_azure(options: &Options) -> Result<(), Error> {
    let (port, dfs_port) = (options.port("port")?, options.port("dfs-port")?);
    let running = azure::start_with(azure::Options { port, dfs_port }).await?;
    let fixtures = match options.text("fixtures") {
        Some(folder) => {
            json!({"federated_token": running.write_federated_token(Path::new(folder))?})
        }
        None => json!({}),
    };
    let (identity_client, identity_object) = azure::IDENTITY;
    ready(&json!({
        "endpoint": running.endpoint,
        "dfs_endpoint": running.dfs_endpoint,
        "tenant": azure::TENANT,
        "other_tenant": azure::OTHER_TENANT,
        "client_id": azure::CLIENT_ID,
        "client_secret": running.secret,
        "object_id": azure::OBJECT_ID,
        "identity": {"client_id": identity_client, "object_id": identity_object},
        "accounts": {"hierarchical": azure::HIERARCHICAL, "flat": azure::FLAT},
        "container": azure::CONTAINER,
        "fixtures": fixtures,
    }))?;
    std::future::pending().await
}

/// Says that the double listens, and where.
fn ready(what: &Value) -> Result<(), Error> {
    let mut output = std::io::stdout();
    writeln!(output, "{what}")?;
    output.flush()
}
