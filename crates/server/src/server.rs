//! A running server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use merak_metastore_sql::SqlMetastore;
use merak_model::Clock;
use merak_storage::Storage;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::listen::{Patience, serve};
use crate::wire_up::{Parts, wire_up};

/// How long it may take to give back the tasks that are being worked on: a statement each.
const GIVE_BACK_WITHIN: Duration = Duration::from_secs(10);

/// How long it may take to write what was gathered of the last requests.
const WRITE_WITHIN: Duration = Duration::from_secs(10);

/// A server that listens. It goes on until it is stopped.
#[derive(Debug)]
pub struct Server {
    /// Where the API is.
    pub api: SocketAddr,
    /// Where the management port is.
    pub management: SocketAddr,
    /// What is remembered, for tests that count statements.
    pub metastore: Arc<SqlMetastore>,
    /// The object stores, for tests that count requests.
    pub storage: Arc<Storage>,
    stop: watch::Sender<bool>,
    listeners: Vec<JoinHandle<()>>,
    background: Vec<JoinHandle<()>>,
    /// Stops by itself, when it has given back what it was at.
    worker: JoinHandle<()>,
    /// Those stop by themselves, when what they are delivering was delivered or was not.
    deliverers: Vec<JoinHandle<()>>,
    /// Says that the last request has ended.
    end: watch::Sender<bool>,
    /// Stops by itself, when all that was gathered is written.
    writer: JoinHandle<()>,
    parts: Box<Parts>,
}

impl Server {
    /// Puts the parts together and listens.
    pub async fn start(config: &Config, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        // The ports first: a second server by mistake is to fail before it changes anything.
        let bind = &config.bind;
        let api = listen(&bind.host, bind.port).await?;
        let management = listen(&bind.management_host, bind.management_port).await?;
        let parts = Box::new(wire_up(config, clock).await?);
        let (api_address, management_address) = (api.local_addr()?, management.local_addr()?);
        let (stop, stopped) = watch::channel(false);
        let patience = Patience {
            max_connections: config.limits.max_connections,
            max_header_bytes: config.limits.max_header_bytes,
            header_read_timeout: config.limits.header_read_timeout,
            shutdown_timeout: config.limits.shutdown_timeout,
        };
        let listeners = vec![
            tokio::spawn(serve(api, parts.api.clone(), patience.clone(), stopped.clone())),
            tokio::spawn(serve(management, parts.management.clone(), patience, stopped.clone())),
        ];
        let deliverers = parts.sinks.iter().map(|sink| {
            let (service, sink) = (parts.service.clone(), Arc::clone(sink));
            tokio::spawn(crate::background::deliver(service, sink, stopped.clone()))
        });
        let deliverers = deliverers.collect();
        let (end, ended) = watch::channel(false);
        let writer = tokio::spawn(crate::background::write_gathered(parts.service.clone(), ended));
        let worker = tokio::spawn(crate::background::work(parts.service.clone(), stopped));
        let sweep_interval = config.background.sweep_interval;
        let background = vec![
            tokio::spawn(crate::metrics::keep_up(parts.metrics.clone())),
            tokio::spawn(crate::background::sweep(parts.service.clone(), sweep_interval)),
        ];
        tracing::info!(api = %api_address, management = %management_address, "merak is serving");
        Ok(Self {
            api: api_address,
            management: management_address,
            metastore: Arc::clone(&parts.metastore),
            storage: Arc::clone(&parts.storage),
            stop,
            listeners,
            background,
            worker,
            deliverers,
            end,
            writer,
            parts,
        })
    }

    /// Stops accepting requests, lets those that are being worked on end, and closes the database.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        for listener in self.listeners {
            let _ = listener.await;
        }
        if tokio::time::timeout(GIVE_BACK_WITHIN, self.worker).await.is_err() {
            tracing::warn!("tasks could not be given back: others take them when their lease ends");
        }
        let _ = self.end.send(true);
        if tokio::time::timeout(WRITE_WITHIN, self.writer).await.is_err() {
            tracing::error!("audit records and events of the last requests are lost");
        }
        for (deliverer, sink) in self.deliverers.into_iter().zip(&self.parts.sinks) {
            if tokio::time::timeout(sink.patience(), deliverer).await.is_err() {
                tracing::warn!("events were being delivered: they are delivered again");
            }
        }
        for task in self.background {
            task.abort();
        }
        self.parts.metastore.close().await;
        tracing::info!("merak has stopped");
    }
}

async fn listen(host: &str, port: u16) -> anyhow::Result<TcpListener> {
    TcpListener::bind((host, port))
        .await
        .with_context(|| format!("cannot listen on {host}:{port}: is another server there?"))
}
