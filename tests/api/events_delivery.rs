//! What becomes of events: who is told, in which order, and what happens when they cannot be.

mod receiver;

use std::sync::Arc;

use merak_tests::{TestClock, TestServer};
use serde_json::{Value, json};
use tokio::sync::watch;

use receiver::{Mood, Receiver};

const LISTENERS: &str = "polaris.event-listener.types";
const URL: &str = "merak.events.webhook.url";
const NAMESPACES: (&str, &str) =
    ("polaris.event-listener.webhook.enabled-event-types", "AFTER_CREATE_NAMESPACE");
const EVENTS: &str = "/api/management/v1/events";

/// A server that tells a receiver of namespaces that are made, and whose time stands still.
async fn server(receiver: &Receiver, settings: &[(&str, &str)]) -> (TestServer, TestClock) {
    let clock = TestClock::new();
    let realm = format!("realm-{}", uuid::Uuid::new_v4().simple());
    let mut all = vec![(LISTENERS, "database,webhook"), (URL, receiver.url.as_str()), NAMESPACES];
    all.extend(settings);
    let server = TestServer::start_at(&realm, &all, Arc::new(clock.clone())).await;
    server.create_catalog("lake").await;
    (server, clock)
}

async fn make(server: &TestServer, names: &[&str]) {
    for name in names {
        server.create_namespace("lake", name).await;
    }
}

/// Tells the sink of that name of all that is due. How many events that were, or why it failed.
async fn deliver(server: &TestServer, name: &str) -> Result<usize, String> {
    let sink = server.parts.sinks.iter().find(|sink| sink.name() == name).expect("such a sink");
    let delivered = server.parts.service.deliver_due_events(&**sink).await;
    delivered.map_err(|error| {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        format!("{error}: {}", source.unwrap_or_default())
    })
}

fn subjects(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["subject"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_webhook_is_told_in_batches_and_in_order() {
    let receiver = Receiver::start().await;
    let secret = ("merak.events.webhook.authorization", "Bearer s3cr3t");
    let batch = ("merak.events.webhook.batch-size", "2");
    let (server, _) = server(&receiver, &[secret, batch]).await;
    make(&server, &["a", "b", "c", "d", "e"]).await;

    assert_eq!(deliver(&server, "webhook").await, Ok(5));
    assert_eq!(deliver(&server, "webhook").await, Ok(0));

    let requests = receiver.requests();
    let sizes: Vec<_> = requests.iter().map(|request| request.events.len()).collect();
    assert_eq!(sizes, [2, 2, 1]);
    for request in &requests {
        assert_eq!(request.headers["content-type"], "application/cloudevents-batch+json");
        assert_eq!(request.headers["authorization"], "Bearer s3cr3t");
    }
    let events = receiver.taken();
    assert_eq!(subjects(&events), ["a", "b", "c", "d", "e"]);
    assert!(events.is_sorted_by_key(|event| event["id"].as_str().unwrap().to_owned()));
    let first = &events[0];
    assert_eq!(first["type"], "org.apache.polaris.AFTER_CREATE_NAMESPACE");
    assert_eq!(first["source"], json!(format!("/realms/{}/catalogs/lake", server.realm.as_str())));
    let data = &first["data"];
    assert_eq!(data["event_id"], first["id"]);
    assert_eq!(data["timestamp"], first["time"]);
    assert_eq!(data["catalog_name"], "lake");
    assert_eq!(data["principal"], "root");
    assert_eq!(data["activated_roles"], json!(["service_admin"]));
    assert_eq!(data["namespace"], json!(["a"]));
}

#[tokio::test]
async fn what_a_webhook_does_not_take_is_sent_again_after_a_pause_and_nothing_is_lost() {
    let receiver = Receiver::start().await;
    let delay = ("merak.events.retry-delay", "PT20S");
    let (server, clock) = server(&receiver, &[delay]).await;
    make(&server, &["a", "b"]).await;
    for status in [500, 404, 307, 303] {
        receiver.will([Mood::Status(status)]);
        let error = deliver(&server, "webhook").await.unwrap_err();
        assert!(error.contains(&format!("answers {status}")), "{error}");
        // It is not due yet.
        assert_eq!(deliver(&server, "webhook").await, Ok(0));
        clock.advance_s(20);
    }

    receiver.will([Mood::Status(204)]);
    assert_eq!(deliver(&server, "webhook").await, Ok(2));

    assert_eq!(receiver.requests().len(), 5, "no redirect was followed");
    assert_eq!(subjects(&receiver.taken()), ["a", "b"]);
}

#[tokio::test]
async fn a_webhook_that_says_nothing_in_time_is_told_again() {
    let receiver = Receiver::start().await;
    let (server, clock) = server(&receiver, &[("merak.events.webhook.timeout", "100ms")]).await;
    make(&server, &["a"]).await;
    receiver.will([Mood::Silent]);

    let error = deliver(&server, "webhook").await.unwrap_err();
    clock.advance_s(60);

    assert!(error.contains("does not answer"), "{error}");
    assert_eq!(deliver(&server, "webhook").await, Ok(1));
    assert_eq!(subjects(&receiver.taken()), ["a"]);
}

#[tokio::test]
async fn what_goes_wrong_is_told_without_the_secret_or_the_query_of_the_address() {
    let receiver = Receiver::start().await;
    let url = format!("{}?key=hidden", receiver.url);
    let settings = [(URL, url.as_str()), ("merak.events.webhook.authorization", "Basic s3cr3t")];
    let (server, _) = server(&receiver, &settings).await;
    make(&server, &["a"]).await;
    drop(receiver);

    let error = deliver(&server, "webhook").await.unwrap_err();
    let shown = format!("{error} {:?}", server.parts.sinks);

    assert!(error.contains("http://127.0.0.1"), "{error}");
    assert!(!shown.contains("s3cr3t") && !shown.contains("hidden"), "{shown}");
}

#[tokio::test]
async fn a_sink_that_fails_keeps_no_other_waiting() {
    let receiver = Receiver::start().await;
    let (server, _) = server(&receiver, &[(LISTENERS, "log,webhook")]).await;
    make(&server, &["a", "b"]).await;
    receiver.will([Mood::Status(500)]);

    assert!(deliver(&server, "webhook").await.is_err());
    // The log hears of the catalog and its roles, too.
    assert!(deliver(&server, "log").await.unwrap() >= 3);
    assert_eq!(deliver(&server, "log").await, Ok(0));
}

#[tokio::test]
async fn what_is_only_passed_on_is_kept_until_it_was_and_no_longer() {
    let receiver = Receiver::start().await;
    let (server, clock) = server(&receiver, &[(LISTENERS, "webhook")]).await;
    make(&server, &["a"]).await;
    let listed = async || {
        let answer = server.root().await.get(EVENTS).await.expect(200).json();
        answer["events"].as_array().unwrap().len()
    };
    clock.advance_s(1);

    server.parts.service.sweep().await.unwrap();
    assert_eq!(listed().await, 1, "it was not passed on yet");
    assert_eq!(deliver(&server, "webhook").await, Ok(1));
    server.parts.service.sweep().await.unwrap();

    assert_eq!(listed().await, 0);
}

#[tokio::test]
async fn events_are_kept_as_long_as_they_are_to_be_and_as_long_as_somebody_is_to_be_told() {
    let receiver = Receiver::start().await;
    let lives_long = ("polaris.authentication.token-broker.max-token-generation", "P1D");
    let settings = [("merak.events.retention", "PT1H"), lives_long];
    let (server, clock) = server(&receiver, &settings).await;
    let root = server.root().await;
    make(&server, &["a"]).await;
    let listed = async || {
        let path = format!("{EVENTS}?type=AFTER_CREATE_NAMESPACE");
        root.get(&path).await.expect(200).json()["events"].as_array().unwrap().len()
    };

    clock.advance_s(3601);
    server.parts.service.sweep().await.unwrap();
    assert_eq!(listed().await, 1, "the webhook was not told yet");
    assert_eq!(deliver(&server, "webhook").await, Ok(1));
    make(&server, &["b"]).await;
    assert_eq!(deliver(&server, "webhook").await, Ok(1));
    server.parts.service.sweep().await.unwrap();
    assert_eq!(listed().await, 1, "the second is young");
    clock.advance_s(3600);
    server.parts.service.sweep().await.unwrap();
    assert_eq!(listed().await, 1, "it is just old enough to be kept");
    clock.advance_s(1);
    server.parts.service.sweep().await.unwrap();
    assert_eq!(listed().await, 0);
}

#[tokio::test]
async fn what_a_server_left_is_delivered_after_its_restart() {
    let receiver = Receiver::start().await;
    let folder = merak_tests::scratch_dir();
    let realm = format!("realm-{}", uuid::Uuid::new_v4().simple());
    let settings = [
        ("polaris.persistence.type", "sqlite"),
        ("merak.data-dir", folder.to_str().unwrap()),
        (LISTENERS, "webhook"),
        (URL, receiver.url.as_str()),
        NAMESPACES,
    ];
    let first = TestServer::start_in(&realm, &settings).await;
    first.create_catalog("lake").await;
    make(&first, &["a", "b"]).await;
    first.parts.metastore.close().await;
    drop(first);

    let second = TestServer::start_in(&realm, &settings).await;

    assert_eq!(deliver(&second, "webhook").await, Ok(2));
    assert_eq!(subjects(&receiver.taken()), ["a", "b"]);
    drop(second);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn what_nobody_is_told_any_more_keeps_nothing() {
    let receiver = Receiver::start().await;
    let folder = merak_tests::scratch_dir();
    let realm = format!("realm-{}", uuid::Uuid::new_v4().simple());
    let sqlite = [
        ("polaris.persistence.type", "sqlite"),
        ("merak.data-dir", folder.to_str().unwrap()),
        (URL, receiver.url.as_str()),
    ];
    let with = |listeners| [sqlite.as_slice(), &[(LISTENERS, listeners)]].concat();
    let first = TestServer::start_in(&realm, &with("webhook")).await;
    first.create_catalog("lake").await;
    make(&first, &["a"]).await;
    first.parts.metastore.close().await;
    drop(first);

    let second = TestServer::start_in(&realm, &with("log")).await;
    second.parts.service.sweep().await.unwrap();

    assert_eq!(deliver(&second, "log").await, Ok(0));
    let events = second.root().await.get(EVENTS).await.expect(200).json();
    assert_eq!(events["events"], json!([]));
    drop(second);
    std::fs::remove_dir_all(folder).unwrap();
}

/// The worker of a server, until it is stopped.
struct Worker(watch::Sender<bool>, tokio::task::JoinHandle<()>);

impl Worker {
    fn of(server: &TestServer) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (service, sink) = (server.parts.service.clone(), Arc::clone(&server.parts.sinks[0]));
        let working = tokio::spawn(async move { service.deliver_events(sink, stopped).await });
        Self(stop, working)
    }

    async fn stop(self) {
        self.0.send(true).unwrap();
        self.1.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_delivers_what_happens_at_once_and_tries_again_by_itself() {
    let receiver = Receiver::start().await;
    let realm = format!("realm-{}", uuid::Uuid::new_v4().simple());
    // It would take longer than any test, if nothing woke the worker.
    let settings = [
        (LISTENERS, "webhook"),
        (URL, receiver.url.as_str()),
        NAMESPACES,
        ("merak.events.poll-interval", "PT1H"),
        ("merak.events.retry-delay", "20ms"),
    ];
    let server = TestServer::start_in(&realm, &settings).await;
    server.create_catalog("lake").await;
    let worker = Worker::of(&server);

    make(&server, &["a"]).await;
    receiver.wait_for(1).await;
    receiver.will([Mood::Status(500), Mood::Status(503)]);
    make(&server, &["b"]).await;
    receiver.wait_for(4).await;
    worker.stop().await;

    assert_eq!(subjects(&receiver.taken()), ["a", "b"]);
    make(&server, &["c"]).await;
    assert_eq!(deliver(&server, "webhook").await, Ok(1), "the worker has stopped");
}

/// On PostgreSQL these are two servers over one store; elsewhere one with two workers.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[expect(clippy::disallowed_methods, reason = "the harness takes the store from there too")]
async fn replicas_deliver_everything_together_and_nothing_twice() {
    let receiver = Receiver::start().await;
    let realm = format!("realm-{}", uuid::Uuid::new_v4().simple());
    let settings = [
        (LISTENERS, "webhook"),
        (URL, receiver.url.as_str()),
        NAMESPACES,
        ("merak.events.webhook.batch-size", "3"),
    ];
    let first = Arc::new(TestServer::start_in(&realm, &settings).await);
    first.create_catalog("lake").await;
    let second = match std::env::var("MERAK_TEST_STORE").as_deref() {
        Ok("postgres") => Arc::new(TestServer::start_in(&realm, &settings).await),
        _ => Arc::clone(&first),
    };
    let workers = [Worker::of(&first), Worker::of(&second)];

    let made = [&first, &second].map(|server| {
        let server = Arc::clone(server);
        tokio::spawn(async move {
            for _ in 0..20 {
                let name = uuid::Uuid::new_v4().simple().to_string();
                server.create_namespace("lake", &name).await;
            }
        })
    });
    for making in made {
        making.await.unwrap();
    }
    let mut requests = 0;
    while receiver.taken().len() < 40 {
        requests += 1;
        receiver.wait_for(requests).await;
    }
    for worker in workers {
        worker.stop().await;
    }

    let events = receiver.taken();
    let ids: std::collections::BTreeSet<_> =
        events.iter().map(|event| event["id"].as_str().unwrap()).collect();
    assert_eq!((events.len(), ids.len()), (40, 40));
    assert_eq!(deliver(&first, "webhook").await, Ok(0));
}
