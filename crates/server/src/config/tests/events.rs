//! Who is told of events, and of which.

use std::collections::BTreeSet;
use std::time::Duration;

use merak_model::EventType;

use super::*;
use crate::config::Events;

const LISTENERS: &str = "polaris.event-listener.types";
const URL: (&str, &str) = ("merak.events.webhook.url", "https://events.example.com/");

fn events(variables: &[(&str, &str)]) -> Events {
    loaded(&environment(variables)).config.events
}

fn names(events: &Events) -> Vec<&str> {
    events.wanted.keys().copied().collect()
}

fn types(events: &Events, sink: &str) -> BTreeSet<&'static str> {
    events.wanted[sink].iter().map(|kind| kind.name()).collect()
}

#[test]
fn nobody_is_told_unless_somebody_is_named() {
    let events = events(&[]);

    assert!(events.wanted.is_empty());
    assert!(events.webhook.is_none());
    assert!(!events.requests.are_audited);
    assert_eq!(events.deliveries.retention, Duration::ZERO);
}

#[test]
fn listeners_have_the_names_of_polaris_and_our_own() {
    for (listeners, expected) in [
        ("persistence-in-memory-buffer", vec!["database"]),
        ("database, log", vec!["database", "log"]),
        ("webhook,log,log", vec!["log", "webhook"]),
        ("database,persistence-in-memory-buffer", vec!["database"]),
    ] {
        assert_eq!(names(&events(&[(LISTENERS, listeners), URL])), expected, "{listeners}");
    }
    assert!(events(&[(LISTENERS, "no-op")]).wanted.is_empty());
    let old = ("polaris.event-listener.type", "log");
    assert_eq!(names(&events(&[old])), ["log"]);
    assert_eq!(names(&events(&[old, (LISTENERS, "database")])), ["database"]);
}

#[test]
fn a_listener_of_polaris_that_is_not_here_is_told_and_does_not_keep_the_server_from_starting() {
    let loaded = loaded(&environment(&[(LISTENERS, "kafka,log,aws-cloudwatch")]));

    assert_eq!(names(&loaded.config.events), ["log"]);
    let warnings = texts(&loaded.notices, Severity::Warning);
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].starts_with("events do not go to kafka, which polaris.event-listener."));
}

#[test]
fn a_listener_hears_of_all_types_or_of_those_that_are_named() {
    let all = events(&[(LISTENERS, "log")]);
    assert_eq!(all.wanted["log"].len(), EventType::all().count());

    let some = events(&[
        (LISTENERS, "log,database"),
        ("polaris.event-listener.log.enabled-event-types", "AFTER_CREATE_TABLE, after-drop-view"),
        ("polaris.event-listener.log.enabled-event-categories", "transaction"),
        ("POLARIS_EVENT_LISTENER_PERSISTENCE_IN_MEMORY_BUFFER_ENABLED_EVENT_CATEGORIES", "CONFIG"),
    ]);

    let expected =
        ["AFTER_COMMIT_TRANSACTION", "AFTER_CREATE_TABLE", "AFTER_DROP_VIEW"].into_iter();
    let expected = expected.chain(["BEFORE_COMMIT_TRANSACTION"]);
    assert_eq!(types(&some, "log"), expected.collect());
    assert_eq!(types(&some, "database"), ["AFTER_GET_CONFIG", "BEFORE_GET_CONFIG"].into());
}

#[test]
fn events_are_kept_where_the_database_is_told_and_only_there() {
    let retention = ("merak.events.retention", "PT2H");

    let kept = events(&[(LISTENERS, "database"), retention]);
    let passed_on = events(&[(LISTENERS, "log"), retention]);

    assert_eq!(kept.deliveries.retention, Duration::from_hours(2));
    assert_eq!(passed_on.deliveries.retention, Duration::ZERO);
}

#[test]
fn the_webhook_is_as_it_is_set_and_shows_no_secret() {
    let events = events(&[
        (LISTENERS, "webhook"),
        URL,
        ("merak.events.webhook.authorization", "Bearer s3cr3t"),
        ("merak.events.webhook.timeout", "1500ms"),
        ("merak.events.webhook.batch-size", "1"),
    ]);

    let webhook = events.webhook.as_ref().unwrap();
    assert_eq!(webhook.timeout, Duration::from_millis(1500));
    assert_eq!(webhook.batch_size, 1);
    assert!(!format!("{events:?}").contains("s3cr3t"));
}

#[test]
fn what_cannot_be_is_refused() {
    for (key, value) in [
        (LISTENERS, "nothing"),
        (LISTENERS, "log;webhook"),
        ("polaris.event-listener.type", "file"),
        ("polaris.event-listener.log.enabled-event-types", "AFTER_LUNCH"),
        ("polaris.event-listener.log.enabled-event-categories", "LUNCH"),
        ("polaris.event-listener.persistence-in-memory-buffer.buffer-time", "0"),
        ("polaris.event-listener.persistence-in-memory-buffer.max-buffer-size", "0"),
        ("merak.events.webhook.url", "ftp://example.com"),
        ("merak.events.webhook.timeout", "0s"),
        ("merak.events.webhook.batch-size", "0"),
        ("merak.events.queue-size", "0"),
        ("merak.events.retry-delay", "0s"),
        ("merak.events.max-retry-delay", "0s"),
        ("merak.events.poll-interval", "0s"),
        ("merak.audit.database", "perhaps"),
        ("merak.audit.retention", "-1"),
    ] {
        let errors = Config::load(&environment(&[(key, value)])).unwrap_err();
        assert_eq!(errors.problems.len(), 1, "{key}: {:?}", errors.problems);
        assert_eq!(errors.problems[0].key, key);
    }
    let errors = Config::load(&environment(&[(LISTENERS, "webhook")])).unwrap_err();
    assert_eq!(errors.problems[0].key, "merak.events.webhook.url");
}
