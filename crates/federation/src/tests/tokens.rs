//! Tokens of an OAuth2 server.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::response::Response;

use super::double::{Double, Seen, json};
use super::{World, draft, get, hasty, post};
use crate::{AuthenticationDraft, ConnectionDraft, Error, FederationSettings};

const TOKENS: &str = "/v1/oauth/tokens";

/// A catalog with a token server, which gives `token-1`, `token-2` and so on, each for ten minutes;
/// and what it answers to other requests.
async fn catalog(answer: impl Fn(&Seen) -> Response + Send + Sync + 'static) -> Double {
    let count = AtomicU32::new(0);
    Double::start(move |seen| {
        if seen.path() == TOKENS {
            let nth = count.fetch_add(1, Ordering::SeqCst) + 1;
            let token =
                serde_json::json!({"access_token": format!("token-{nth}"), "expires_in": 600});
            return json(200, &token.to_string());
        }
        if seen.path() == "/v1/config" { json(200, "{}") } else { answer(seen) }
    })
    .await
}

fn oauth(uri: &str) -> ConnectionDraft {
    draft(
        uri,
        AuthenticationDraft::OAuth {
            token_uri: None,
            client_id: Some("us & them".to_owned()),
            client_secret: Some("hunter4".into()),
            scopes: None,
        },
    )
}

fn count(double: &Double, path: &str) -> usize {
    double.seen().iter().filter(|seen| seen.path() == path).count()
}

#[tokio::test]
async fn a_token_is_asked_for_once_as_iceberg_asks_and_shown_with_each_request() {
    let double = catalog(|_| json(200, "{}")).await;
    let world = World::new(FederationSettings::default());
    let remote = world.remote(oauth(&double.url)).await;

    let calls = (0..20).map(|_| {
        let remote = Arc::clone(&remote);
        tokio::spawn(async move { remote.call(get(["namespaces"])).await.unwrap().status })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap(), 200);
    }

    assert_eq!((count(&double, TOKENS), count(&double, "/v1/config")), (1, 1));
    let seen = double.seen();
    let form: BTreeMap<_, _> =
        url::form_urlencoded::parse(seen[0].body.as_bytes()).into_owned().collect();
    let expected = [
        ("client_id", "us & them"),
        ("client_secret", "hunter4"),
        ("grant_type", "client_credentials"),
        ("scope", "catalog"),
    ];
    assert_eq!(form, expected.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
    assert_eq!(seen[0].header("content-type"), "application/x-www-form-urlencoded");
    assert_eq!(seen[0].header("authorization"), "");
    assert!(seen[1..].iter().all(|seen| seen.header("authorization") == "Bearer token-1"));
}

#[tokio::test]
async fn tokens_are_asked_for_where_the_connection_says_and_with_its_scopes() {
    let tokens = catalog(|_| json(200, r#"{"access_token": "elsewhere"}"#)).await;
    let double = catalog(|_| json(200, "{}")).await;
    let mut connection = oauth(&double.url);
    connection.authentication = Some(AuthenticationDraft::OAuth {
        token_uri: Some(format!("{}/token", tokens.url)),
        client_id: Some("us".to_owned()),
        client_secret: Some("hunter4".into()),
        scopes: Some(vec!["a".to_owned(), "b:c".to_owned()]),
    });
    let remote = World::new(FederationSettings::default()).remote(connection).await;

    let _ = remote.call(get(["namespaces"])).await.unwrap();

    assert_eq!(tokens.targets(), ["POST /token"]);
    assert!(tokens.seen()[0].body.contains("scope=a+b%3Ac"));
    assert!(double.seen().iter().all(|seen| seen.header("authorization") == "Bearer elsewhere"));
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends() {
    let double = catalog(|_| json(200, "{}")).await;
    let world = World::new(FederationSettings::default());
    let remote = world.remote(oauth(&double.url)).await;
    let shown = async || {
        let _ = remote.call(get(["namespaces"])).await.unwrap();
        double.seen().last().unwrap().header("authorization").to_owned()
    };

    assert_eq!(shown().await, "Bearer token-1");
    world.clock.advance(Duration::from_secs(539));
    assert_eq!(shown().await, "Bearer token-1");
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(shown().await, "Bearer token-2");
}

#[tokio::test]
async fn a_token_that_is_good_serves_on_where_no_other_can_be_had() {
    let count = AtomicU32::new(0);
    let double = Double::start(move |seen| match seen.path() {
        TOKENS if count.fetch_add(1, Ordering::SeqCst) == 0 => {
            json(200, r#"{"access_token": "token-1", "expires_in": 600}"#)
        }
        TOKENS => json(503, ""),
        _ => json(200, "{}"),
    })
    .await;
    let world = World::new(FederationSettings::default());
    let remote = world.remote(oauth(&double.url)).await;
    let _ = remote.call(get(["namespaces"])).await.unwrap();

    world.clock.advance(Duration::from_secs(590));
    let _ = remote.call(get(["namespaces"])).await.unwrap();
    world.clock.advance(Duration::from_secs(10));
    let error = remote.call(get(["namespaces"])).await.unwrap_err();

    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_request_whose_token_was_refused_is_made_once_again_with_another() {
    let double = catalog(|seen| match seen.header("authorization") {
        "Bearer token-1" => json(401, "{}"),
        _ => json(200, "{}"),
    })
    .await;
    let remote = World::new(FederationSettings::default()).remote(oauth(&double.url)).await;

    assert_eq!(remote.call(post(["namespaces"])).await.unwrap().status, 200);
    assert_eq!(count(&double, "/v1/namespaces"), 2);
    assert_eq!(remote.call(post(["namespaces"])).await.unwrap().status, 200);
    assert_eq!((count(&double, "/v1/namespaces"), count(&double, TOKENS)), (3, 2));
}

#[tokio::test]
async fn a_request_that_is_refused_again_is_not_made_a_third_time() {
    let double = catalog(|_| json(401, "{}")).await;
    let remote = World::new(FederationSettings::default()).remote(oauth(&double.url)).await;

    let error = remote.call(post(["namespaces"])).await.unwrap_err();

    assert!(matches!(error, Error::Unauthorized { .. }), "{error:?}");
    assert_eq!((count(&double, "/v1/namespaces"), count(&double, TOKENS)), (2, 2));
}

#[tokio::test]
async fn a_token_server_that_gives_none_is_told_of_without_secrets() {
    for (status, body, kind, why) in [
        (401, r#"{"error": "invalid_client"}"#, "Unauthorized", ": invalid_client"),
        (400, r#"{"error": "bad hunter4"}"#, "Unauthorized", ": it answers 400"),
        (403, "", "Unauthorized", ": it answers 403"),
        (500, "hunter4", "Unreachable", ": it gives no token, and answers 500"),
        (302, "", "Unreachable", ": it gives no token, and answers 302"),
        (200, "hunter4", "Nonsense", ": its token cannot be read"),
        (200, r#"{"access_token": "hunter\n4"}"#, "NoCredentials", "no header may have"),
    ] {
        let double = Double::start(move |_| json(status, body)).await;
        let remote = World::new(hasty()).remote(oauth(&double.url)).await;

        let error = remote.call(post(["namespaces"])).await.unwrap_err();

        let (shown, text) = (format!("{error:?}"), error.to_string());
        assert!(shown.starts_with(kind) && text.ends_with(why), "{shown}");
        assert!(!shown.contains("hunter") && !text.contains("hunter"), "{shown}");
        assert!(double.seen().iter().all(|seen| seen.path() == TOKENS));
    }
}

#[tokio::test]
async fn those_who_wait_for_a_token_that_is_not_had_ask_no_more() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let accepted = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&accepted);
    // It takes connections, and never answers.
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            held.push(stream);
        }
    });
    let remote = World::new(hasty()).remote(oauth(&url)).await;

    let calls = (0..10).map(|_| {
        let remote = Arc::clone(&remote);
        tokio::spawn(async move { remote.call(get(["namespaces"])).await.unwrap_err() })
    });
    for call in calls.collect::<Vec<_>>() {
        let error = call.await.unwrap();
        assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    }

    assert_eq!(accepted.load(Ordering::SeqCst), 1);
}
