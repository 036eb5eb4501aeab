//! Events of changes: what each operation leaves, and that nothing else leaves any.

mod costs;
mod faults;
mod management;
mod policies;
mod races;
mod refused;
mod secrets;
mod tables;
mod tasks;
mod views;

use axum::http::Method;
use merak_metastore::{EventOrder, EventRecord, Events as _, EventsQuery};
use merak_model::{EventId, Moment};
use merak_tests::{Identity, Response, TestServer};
use serde_json::{Value, json};

/// The settings of a server that keeps events.
pub(crate) const KEPT: (&str, &str) =
    ("polaris.event-listener.types", "persistence-in-memory-buffer");

/// A server that keeps events, with the catalog `lake` and the namespace `sales` in it.
async fn lake() -> TestServer {
    lake_with(&[]).await
}

/// The same, with more settings.
async fn lake_with(settings: &[(&str, &str)]) -> TestServer {
    crate::fixtures::lake_with(&[settings, &[KEPT]].concat(), &[]).await
}

/// The events of changes that happened after one, the oldest first.
pub(crate) async fn events_after(server: &TestServer, after: Option<EventId>) -> Vec<EventRecord> {
    let order = EventOrder::OldestFirst;
    let query = EventsQuery { after, order, ..EventsQuery::newest(1000) };
    let mut events = server.parts.metastore.events(&server.realm, &query).await.expect("events");
    events.retain(|event| event.kind.moment() == Moment::After);
    events
}

/// The newest event there is.
async fn newest(server: &TestServer) -> Option<EventId> {
    events_after(server, None).await.last().map(|event| event.id)
}

/// An event in a line: its type, what kind of thing it names, its catalog and the thing.
fn line(event: &EventRecord) -> String {
    let catalog = event.catalog.as_deref().unwrap_or("-");
    format!("{} {} {catalog} {}", event.kind, event.resource_type(), event.resource)
}

fn lines(events: &[EventRecord]) -> Vec<String> {
    events.iter().map(line).collect()
}

fn attributes(event: &EventRecord) -> Value {
    serde_json::from_str(&event.attributes).expect("JSON")
}

/// A request.
struct Sent<'a>(Method, &'a str, Value);

fn post(path: &str, body: Value) -> Sent<'_> {
    Sent(Method::POST, path, body)
}

fn put(path: &str, body: Value) -> Sent<'_> {
    Sent(Method::PUT, path, body)
}

fn delete(path: &str) -> Sent<'_> {
    Sent(Method::DELETE, path, Value::Null)
}

async fn send(who: &Identity<'_>, Sent(method, path, body): Sent<'_>) -> Response {
    if body.is_null() {
        who.send_bytes(method, path, Vec::new()).await
    } else {
        who.send_json(method, path, &body).await
    }
}

/// The events that a request of root's leaves, which must be answered by that status. All of them say
/// who it was, and in which request.
async fn left_by(server: &TestServer, status: u16, sent: Sent<'_>) -> Vec<EventRecord> {
    let before = newest(server).await;
    let root = server.root().await.with_header("X-Request-ID", "the-request");
    let _ = send(&root, sent).await.expect(status);
    let events = events_after(server, before).await;
    for event in &events {
        assert_eq!(event.principal.as_deref(), Some("root"), "{}", line(event));
        assert_eq!(event.roles, ["service_admin"], "{}", line(event));
        assert_eq!(event.request_id.as_deref(), Some("the-request"), "{}", line(event));
    }
    events
}

/// Asserts that a request leaves exactly these events.
async fn assert_left(server: &TestServer, status: u16, sent: Sent<'_>, expected: &[&str]) {
    let what = format!("{} {}", sent.0, sent.1);
    assert_eq!(lines(&left_by(server, status, sent).await), expected, "{what}");
}

/// An identifier, as clients send it.
fn ident(name: &str) -> Value {
    json!({"namespace": ["sales"], "name": name})
}
