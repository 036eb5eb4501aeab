//! The `merak` command.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use merak_metastore::Metastore as _;
use merak_model::{RealmId, SystemClock};
use merak_server::cli::{self, Command};
use merak_server::config::{Config, Loaded, Sources};
use merak_server::doctor::doctor;
use merak_server::explain::explain;
use merak_server::records::records;
use merak_server::{
    BootstrapOutcome, Server, bootstrap_realm, open_metastore, print_credentials, quickstart,
    telemetry,
};
use tokio::signal::unix::{SignalKind, signal};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Before the first TLS handshake, whichever crate makes it.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let invocation = match cli::parse(std::env::args_os()) {
        Ok(invocation) => invocation,
        Err(error) => error.exit(),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    match runtime.block_on(run(invocation)) {
        Ok(code) => code,
        Err(error) => fail(&error),
    }
}

#[expect(clippy::print_stderr, reason = "the log may not have started")]
fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("merak: {error:#}");
    ExitCode::FAILURE
}

async fn run(invocation: cli::Invocation) -> anyhow::Result<ExitCode> {
    let cli::Invocation { command, options } = invocation;
    // Those that ask a server need no configuration of their own.
    if let Command::Explain(question) = &command {
        return Ok(explain(question).await);
    }
    if let Command::Doctor(question) = &command {
        return Ok(doctor(question).await);
    }
    if let Command::Events(question) | Command::Audit(question) = &command {
        return Ok(records(question).await);
    }
    let mut sources = options.into_sources();
    if matches!(command, Command::Quickstart) {
        quickstart::prepare(&mut sources);
    }
    let config = load(&sources)?;
    match command {
        Command::Serve => serve(&config).await,
        Command::Quickstart => serve_quickstart(&config).await,
        Command::Migrate => migrate(&config).await,
        Command::Bootstrap(wanted) => bootstrap(&config, &wanted).await,
        Command::Purge(wanted) => purge(&config, &wanted).await,
        Command::Explain(question) => Ok(explain(&question).await),
        Command::Doctor(question) => Ok(doctor(&question).await),
        Command::Events(question) | Command::Audit(question) => Ok(records(&question).await),
    }
}

fn load(sources: &Sources) -> anyhow::Result<Config> {
    let Loaded { config, notices } = Config::load(sources)?;
    telemetry::start(&config.telemetry)?;
    for notice in notices {
        notice.log();
    }
    Ok(config)
}

async fn serve(config: &Config) -> anyhow::Result<ExitCode> {
    let server = Server::start(config, Arc::new(SystemClock)).await?;
    until_told_to_stop().await?;
    server.stop().await;
    Ok(ExitCode::SUCCESS)
}

async fn serve_quickstart(config: &Config) -> anyhow::Result<ExitCode> {
    let server = Server::start(config, Arc::new(SystemClock)).await?;
    quickstart::make_and_print(config, &server, &SystemClock).await?;
    until_told_to_stop().await?;
    server.stop().await;
    Ok(ExitCode::SUCCESS)
}

async fn until_told_to_stop() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for signals")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    tracing::info!("stopping: requests that are being worked on may end");
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a command's answer")]
async fn migrate(config: &Config) -> anyhow::Result<ExitCode> {
    let (metastore, _data_dir) = open_metastore(&config.database).await?;
    let report = metastore.migrate().await.context("cannot bring the schema up to date")?;
    if report.before == report.after {
        println!("The schema is at version {}; nothing was to do.", report.after);
    } else {
        println!("The schema was brought from version {} to {}.", report.before, report.after);
    }
    metastore.close().await;
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command's answer")]
async fn bootstrap(config: &Config, wanted: &cli::Bootstrap) -> anyhow::Result<ExitCode> {
    let mut realms: Vec<RealmId> = wanted.realms.iter().map(|name| RealmId::new(&**name)).collect();
    if realms.is_empty() {
        realms.extend(wanted.credentials.iter().map(|credentials| credentials.realm.clone()));
    }
    if realms.is_empty() {
        realms.clone_from(&config.realms.all);
    }
    let given = |realm: &RealmId| {
        let of_command = wanted.credentials.iter().find(|given| given.realm == *realm);
        of_command.or_else(|| config.bootstrap.credentials_of(realm))
    };
    let unknown = realms.iter().find(|realm| given(realm).is_none());
    if let (Some(realm), false) = (unknown, wanted.print_credentials) {
        eprintln!(
            "merak: no credentials are given for realm {realm}: name them with --credential, or \
             have them made up and printed with --print-credentials"
        );
        return Ok(ExitCode::from(3));
    }
    let (metastore, _data_dir) = open_metastore(&config.database).await?;
    metastore.migrate().await.context("cannot bring the schema up to date")?;
    for realm in &realms {
        match bootstrap_realm(&metastore, &SystemClock, realm, given(realm)).await? {
            BootstrapOutcome::AlreadyThere => {
                println!("Realm '{realm}' is already bootstrapped; skipping.");
            }
            BootstrapOutcome::MadeWithGiven => println!("Realm '{realm}' is bootstrapped."),
            BootstrapOutcome::MadeWithRandom { client_id, client_secret } => {
                println!("Realm '{realm}' is bootstrapped.");
                print_credentials(realm, &client_id, &client_secret);
            }
        }
    }
    metastore.close().await;
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "a command's answer")]
async fn purge(config: &Config, wanted: &cli::Purge) -> anyhow::Result<ExitCode> {
    let (metastore, _data_dir) = open_metastore(&config.database).await?;
    metastore.migrate().await.context("cannot bring the schema up to date")?;
    let mut code = ExitCode::SUCCESS;
    for name in &wanted.realms {
        if metastore.purge(&RealmId::new(&**name)).await? {
            println!("Realm '{name}' and everything in it was removed.");
        } else {
            println!("Realm '{name}' is not there.");
            code = ExitCode::from(4);
        }
    }
    metastore.close().await;
    Ok(code)
}
