//! How a server that listens ends.

use std::sync::Arc;
use std::time::Duration;

use merak_model::SystemClock;
use merak_server::Server;
use merak_server::config::{Config, Sources};
use merak_tests::scratch_dir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const BODY: &str = "grant_type=client_credentials&client_id=root&client_secret=s3cr3t\
                    &scope=PRINCIPAL_ROLE:ALL";

/// A server of its own, on free ports.
async fn start() -> Server {
    let flag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let sources = Sources {
        flags: vec![
            flag("polaris.persistence.type", "in-memory"),
            flag("polaris.bootstrap.credentials", "POLARIS,root,s3cr3t"),
            flag("quarkus.http.port", "0"),
            flag("quarkus.management.port", "0"),
        ],
        environment: Vec::new(),
        file: None,
        working_dir: scratch_dir(),
    };
    let config = Config::load(&sources).expect("the settings are good").config;
    Server::start(&config, Arc::new(SystemClock)).await.expect("the server starts")
}

/// Sends a token request, but for the last bytes of its body.
async fn begin(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(server.api).await.unwrap();
    let head = format!(
        "POST /api/catalog/v1/oauth/tokens HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{}",
        BODY.len(),
        &BODY[..10]
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_being_worked_on_ends_before_the_server_does() {
    let server = start().await;
    let address = server.api;
    let mut stream = begin(&server).await;
    // Answered, so that the listener has surely taken the connection before.
    let mut other = TcpStream::connect(address).await.unwrap();
    other
        .write_all(b"GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    other.read_to_end(&mut Vec::new()).await.unwrap();

    let stopping = tokio::spawn(server.stop());
    // New connections are refused once it is stopping.
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!stopping.is_finished(), "the server did not wait for the request");
    stream.write_all(&BODY.as_bytes()[10..]).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();

    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    tokio::time::timeout(Duration::from_secs(10), stopping).await.unwrap().unwrap();
}
