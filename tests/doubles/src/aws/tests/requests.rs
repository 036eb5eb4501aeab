//! What a test says to the double, and what the double says of its requests.

use std::time::{Duration, Instant};

use super::*;
use crate::aws::Fault;

#[tokio::test]
async fn the_next_calls_go_wrong_as_they_are_told_to() {
    let (double, cat) = started().await;
    double.fail(Fault::throttling("sts", 2));
    double.fail(Fault::failing("sts", 1, 503, "ServiceUnavailable").only("GetCallerIdentity"));
    let throttled = (400, "Throttling".to_owned());

    assert_eq!(cat.sts(assume(&double)).await.error(), throttled);
    assert_eq!(cat.sts(assume(&double)).await.error(), throttled);
    let session = of_role(&double, &cat).await;
    let codes: Vec<_> = double.assumed().into_iter().map(|one| one.code).collect();
    assert_eq!(codes, [Some("Throttling".to_owned()), Some("Throttling".to_owned()), None]);

    double.fail(Fault::throttling("s3", 1));
    double.fail(Fault::failing("s3", 1, 500, "InternalError").only("GetObject"));
    assert_eq!(session.error(put("/warehouse/a")).await, (503, "SlowDown".to_owned()));
    assert_eq!(session.status(put("/warehouse/a")).await, 200);
    assert_eq!(session.error(get("/warehouse/a")).await, (500, "InternalError".to_owned()));
    assert_eq!(session.status(get("/warehouse/a")).await, 200);
    assert_eq!(double.counts()["PutObject"], 2);
    let last = double.calls().pop().unwrap();
    assert_eq!((last.bucket.as_str(), last.key.as_str()), ("warehouse", "a"));
    double.forget_calls();
    assert_eq!(double.calls(), []);
}

#[tokio::test]
async fn an_answer_may_be_late() {
    let (double, cat) = started().await;
    let delay = Duration::from_millis(80);
    double.fail(Fault::late("sts", 1, delay));

    let begun = Instant::now();
    assert_eq!(cat.sts(assume(&double)).await.status, 200);
    assert!(begun.elapsed() >= delay);
}

#[tokio::test]
async fn all_of_it_can_be_said_over_http() {
    let (double, cat) = started().await;
    let http = reqwest::Client::new();
    let say = async |what: &str, said: Value| {
        let url = format!("{}/_double/{what}", double.endpoint);
        let answer = http.post(url).body(said.to_string()).send().await.unwrap();
        let status = answer.status().as_u16();
        let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        (status, body)
    };

    let fault = json!({"service": "sts", "times": 1, "status": 403, "code": "AccessDenied"});
    assert_eq!(say("faults", fault).await, (200, json!({"faults": 1})));
    assert_eq!(cat.sts(assume(&double)).await.status, 403);
    assert_eq!(say("users", json!({"name": "cat", "policy": null})).await.0, 200);
    assert_eq!(cat.sts(assume(&double)).await.status, 403);
    assert_eq!(say("objects", json!({"key": "a", "body": "x"})).await.0, 200);
    assert_eq!(double.object("a").unwrap(), "x");
    let url = format!("{}/_double/calls", double.endpoint);
    let calls: Value =
        serde_json::from_str(&reqwest::get(url).await.unwrap().text().await.unwrap()).unwrap();
    assert_eq!(calls["counts"], json!({"AssumeRole": 2}));
    assert_eq!(calls["assume_role"][1]["session_name"], "merak-test");
    assert_eq!(calls["calls"][1]["principal"], double.user_arn.as_str());

    for (what, said) in [
        ("roles", json!({"name": "new"})),
        ("roles", json!({"name": "lake", "trust": {}})),
        ("users", json!({"name": "cat", "polciy": null})),
        ("users", json!({})),
        ("faults", json!({"service": "sqs", "code": "x", "status": 400})),
        ("faults", json!({"service": "s3", "code": "x", "status": 200})),
        ("faults", json!({"service": "s3"})),
        ("clock", json!({"sessions_ahead": "soon"})),
        ("settings", json!({"min_duration": -1})),
        ("nothing", json!({})),
    ] {
        let shown = format!("{what} {said}");
        assert_eq!(say(what, said).await.0, 400, "{shown}");
    }
    assert_eq!(say("forget", json!({})).await.0, 200);
    assert_eq!(double.counts().len(), 0);
}

#[tokio::test]
async fn a_double_ends_when_it_is_dropped() {
    let double = start().await;
    let address = double.endpoint.trim_start_matches("http://").to_owned();
    tokio::net::TcpStream::connect(&address).await.unwrap();

    drop(double);

    // The listener is closed by its own task, which must have its turn.
    let mut turns = 0;
    while tokio::net::TcpStream::connect(&address).await.is_ok() {
        turns += 1;
        assert!(turns < 10_000, "it still listens");
        tokio::task::yield_now().await;
    }
}
