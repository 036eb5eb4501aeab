//! An owner that is away, slow, elsewhere, or does not answer as a catalog does.

use std::time::Duration;

use merak_tests::schema;
use serde_json::json;

use super::owner::{Mood, Owner, error};
use super::{TABLES, TOKEN, Told, kind};
use crate::fixtures::set;

const UNAVAILABLE: &str = "503 ServiceUnavailableException";
const UNKNOWN: &str = "500 CommitStateUnknownException";

/// How a question and a change are answered, which must not tell what is secret.
async fn answered(told: &Told) -> (String, String) {
    let root = told.front.root().await;
    let read = root.get(&format!("{TABLES}/t")).await;
    let change = root.post(&format!("{TABLES}/t"), set(json!({"a": "b"}))).await;
    for answer in [&read, &change] {
        assert!(!answer.text().contains(TOKEN), "{}", answer.text());
    }
    (kind(&read), kind(&change))
}

#[tokio::test]
async fn errors_of_the_protocol_pass_as_they_are() {
    let told = Told::start().await;
    for (status, exception) in [
        (400, "BadRequestException"),
        (403, "ForbiddenException"),
        (404, "NoSuchTableException"),
        (406, "UnsupportedOperationException"),
        (409, "CommitFailedException"),
        (418, "TeapotException"),
        (422, "UnprocessableEntityException"),
        (429, "TooManyRequestsException"),
        (500, "InternalServerError"),
        (503, "SlowDownException"),
    ] {
        told.owner.is(error(status, exception, "because"));
        let root = told.front.root().await;
        let refused = root.get(&format!("{TABLES}/t")).await;
        assert_eq!(refused.error(), format!("{status} {exception}: because"));
        let refused = root.delete(&format!("{TABLES}/t")).await;
        assert_eq!(refused.error(), format!("{status} {exception}: because"));
    }
}

#[tokio::test]
async fn the_end_of_the_servers_credentials_is_not_that_of_the_clients() {
    let told = Told::start().await;
    told.owner.is(error(401, "NotAuthorizedException", "expired"));
    let forbidden = "403 ForbiddenException".to_owned();
    assert_eq!(answered(&told).await, (forbidden.clone(), forbidden));
}

#[tokio::test]
async fn what_is_no_answer_is_not_passed_on() {
    let told = Told::start_with(&[("merak.federation.max-answer-size", "100000")], &[]).await;
    let unavailable = UNAVAILABLE.to_owned();
    let unknown = UNKNOWN.to_owned();
    for (mood, is_unknown) in [
        (Mood::Says(200, "<html>secret</html>".to_owned()), true),
        (Mood::Says(200, "{}".to_owned()), true),
        (Mood::Says(200, r#"{"metadata": 7}"#.to_owned()), true),
        (Mood::Says(200, format!("\"{}\"", "x".repeat(200_000))), true),
        (Mood::Says(404, "<html>secret</html>".to_owned()), false),
        (Mood::Says(502, "<html>secret</html>".to_owned()), true),
        (Mood::Says(503, "secret".to_owned()), false),
    ] {
        told.owner.is(mood.clone());
        let expected = if is_unknown { unknown.clone() } else { unavailable.clone() };
        assert_eq!(answered(&told).await, (unavailable.clone(), expected), "{mood:?}");
        let root = told.front.root().await;
        let text = root.get(&format!("{TABLES}/t")).await.text();
        assert!(!text.contains("secret"), "{text}");
    }
}

#[tokio::test]
async fn credentials_do_not_follow_elsewhere() {
    let (told, other) = (Told::start().await, Owner::start().await);
    told.owner.is(Mood::Redirects(format!("{}/base/v1/own/namespaces", other.uri())));
    let unavailable = UNAVAILABLE.to_owned();
    assert_eq!(answered(&told).await, (unavailable.clone(), unavailable));
    assert!(other.asked().is_empty());
}

#[tokio::test]
async fn an_owner_that_says_nothing_is_not_waited_for() {
    let told = Told::start_with(&[("merak.federation.request-timeout", "PT1S")], &[]).await;
    told.owner.is(Mood::Silent);
    let both = tokio::time::timeout(Duration::from_secs(20), answered(&told)).await;
    assert_eq!(both.expect("it ends"), (UNAVAILABLE.to_owned(), UNKNOWN.to_owned()));
}

#[tokio::test]
async fn an_owner_that_is_away_changes_nothing() {
    let told = Told::start().await;
    let Told { owner, front } = told;
    drop(owner);
    let root = front.root().await;
    let refused = root.get(&format!("{TABLES}/t")).await;
    assert_eq!(kind(&refused), UNAVAILABLE);
    let refused = root.post(TABLES, json!({"name": "t", "schema": schema()})).await;
    assert_eq!(kind(&refused), UNAVAILABLE, "it was not even asked for its configuration");
}
