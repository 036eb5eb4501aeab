//! Connections: bounded in number and in patience, and seen to their end when the server stops.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::Service as _;

use crate::spelling::Spelling;

/// What a listener bears.
#[derive(Debug, Clone)]
pub(crate) struct Patience {
    /// The most connections at a time; more wait to be accepted.
    pub(crate) max_connections: usize,
    /// The largest request head, in bytes.
    pub(crate) max_header_bytes: usize,
    /// How long the head of a request may take to arrive, and a connection may be idle.
    pub(crate) header_read_timeout: Duration,
    /// How long requests may take to end when the server stops.
    pub(crate) shutdown_timeout: Duration,
}

/// hyper's smallest buffer for a request's head.
const MIN_HEADER_BYTES: usize = 8192;

/// Serves until told to stop, then lets requests that are being worked on end.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    patience: Patience,
    mut stop: watch::Receiver<bool>,
) {
    let connections =
        Arc::new(Semaphore::new(patience.max_connections.min(Semaphore::MAX_PERMITS)));
    let graceful = GracefulShutdown::new();
    let builder = builder(&patience);
    let spelling = Arc::new(Spelling::learn().await);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &connections) => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let Some((stream, peer, permit)) = accepted else { continue };
        let (service, spelling) = (router.clone(), Arc::clone(&spelling));
        let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            let answer = service.clone().call(request);
            let spelling = Arc::clone(&spelling);
            async move {
                let mut response = answer.await?;
                spelling.apply(&mut response);
                Ok::<_, Infallible>(response)
            }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // A client that hangs up is no event.
            if let Err(error) = connection.await {
                tracing::debug!(error, "a connection ended with an error");
            }
            drop(permit);
        });
    }
    drop(listener);
    if tokio::time::timeout(patience.shutdown_timeout, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests that were still running when the server stopped were cut off");
    }
}

async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = Arc::clone(connections).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            // Answers are small and awaited: waiting to fill a packet only delays them.
            let _ = stream.set_nodelay(true);
            Some((stream, peer, permit))
        }
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "cannot accept a connection");
            // Out of file descriptors, say: at once it would be no better.
            tokio::time::sleep(Duration::from_millis(100)).await;
            None
        }
    }
}

fn builder(patience: &Patience) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.header_read_timeout)
        .max_buf_size(patience.max_header_bytes.max(MIN_HEADER_BYTES));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(patience.max_header_bytes).unwrap_or(u32::MAX));
    builder
}

#[cfg(test)]
mod tests {
    use axum::http::{StatusCode, header};
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// What comes back, byte by byte, with the address the request came from.
    async fn answer_of(router: Router) -> (String, SocketAddr) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let patience = Patience {
            max_connections: 1,
            max_header_bytes: MIN_HEADER_BYTES,
            header_read_timeout: Duration::from_mins(1),
            shutdown_timeout: Duration::from_mins(1),
        };
        let (stop, stopped) = watch::channel(false);
        let serving = tokio::spawn(serve(listener, router, patience, stopped));

        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();

        let asked_from = stream.local_addr().unwrap();
        stop.send(true).unwrap();
        serving.await.unwrap();
        (answer, asked_from)
    }

    #[tokio::test]
    async fn a_request_knows_the_address_that_its_connection_comes_from() {
        let asked = |ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() };

        let (answer, asked_from) = answer_of(Router::new().route("/", get(asked))).await;

        assert!(answer.ends_with(&format!("\r\n\r\n{asked_from}")), "{answer}");
    }

    #[tokio::test]
    async fn headers_are_spelled_as_java_looks_for_them() {
        for status in [StatusCode::OK, StatusCode::NOT_MODIFIED] {
            let tagged = move || async move {
                let headers = [
                    (header::ETAG, "W/\"1\""),
                    (header::CACHE_CONTROL, "no-store"),
                    (header::WWW_AUTHENTICATE, "Bearer"),
                ];
                (status, headers)
            };

            let (answer, _) = answer_of(Router::new().route("/", get(tagged))).await;

            let head = answer.split("\r\n\r\n").next().unwrap();
            let lines: Vec<_> = head.split("\r\n").collect();
            assert!(lines[0].starts_with(&format!("HTTP/1.1 {}", status.as_u16())), "{head}");
            assert!(lines.contains(&"ETag: W/\"1\""), "{head}");
            assert!(lines.contains(&"Cache-Control: no-store"), "{head}");
            assert!(lines.contains(&"www-authenticate: Bearer"), "{head}");
        }
    }
}
