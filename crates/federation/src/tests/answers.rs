//! What is sent, and what is made of what comes back.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use merak_model::EntityVersion;

use super::double::{Double, json};
use super::{World, bearer, catalog, draft, get, hasty, post};
use crate::{AllowedHosts, AuthenticationDraft, Error, FederationSettings, Method, RemoteRequest};

/// A server that answers its configuration as it should, and all else so.
async fn answering(answer: impl Fn() -> Response + Send + Sync + 'static) -> Double {
    Double::start(
        move |seen| {
            if seen.path().ends_with("/v1/config") { json(200, "{}") } else { answer() }
        },
    )
    .await
}

async fn asked(answer: impl Fn() -> Response + Send + Sync + 'static) -> [Result<u16, Error>; 2] {
    let double = answering(answer).await;
    let remote = World::new(hasty()).remote(bearer(&double.url)).await;
    let status = |answer: crate::RemoteAnswer| answer.status;
    [
        remote.call(get(["namespaces"])).await.map(status),
        remote.call(post(["namespaces"])).await.map(status),
    ]
}

fn told(asked: [Result<u16, Error>; 2]) -> [String; 2] {
    asked.map(|answer| match answer {
        Ok(status) => status.to_string(),
        Err(error) => {
            let text = format!("{error:?}");
            assert!(!text.contains("hunter"), "{text}");
            let kind = text.split([' ', '(']).next().unwrap_or_default();
            let why = error.to_string();
            format!("{kind}: {}", why.split_once(": ").map_or(&*why, |(_, why)| why))
        }
    })
}

#[tokio::test]
async fn a_request_goes_below_the_prefix_with_all_it_is_given_and_nothing_else() {
    let double = catalog().await;
    let mut draft = bearer(&format!("{}/api/", double.url));
    draft.properties.insert("header.x-team".to_owned(), "lake".to_owned());
    let remote = World::new(FederationSettings::default()).remote(draft).await;
    let namespace = remote.namespace(&["a b", "c/d"]).await.unwrap();
    let request = RemoteRequest {
        query: vec![("snapshots".to_owned(), "r&d=1+ä".to_owned())],
        headers: vec![("if-none-match", "\"1\"".to_owned())],
        ..get(["namespaces", &namespace, "tables", "../t?x#y%2F"])
    };

    let answer = remote.call(request).await.unwrap();
    let _ = remote.call(post(["tables", "rename"])).await.unwrap();

    assert_eq!((answer.status, &answer.body[..]), (200, &b"{}"[..]));
    assert_eq!(
        double.targets(),
        [
            "GET /api/v1/config?warehouse=sales%20%26%20more",
            "GET /api/v1/p/q/namespaces/a%20b%1Fc%2Fd/tables/..%2Ft%3Fx%23y%252F\
             ?snapshots=r%26d%3D1%2B%C3%A4",
            "POST /api/v1/p/q/tables/rename",
        ]
    );
    let seen = double.seen();
    for seen in &seen {
        assert_eq!(seen.header("authorization"), "Bearer hunter3");
        assert_eq!(seen.header("x-team"), "lake");
        assert_eq!(seen.header("accept"), "application/json");
        assert!(seen.header("user-agent").starts_with("merak/"));
    }
    assert_eq!(seen[1].header("if-none-match"), "\"1\"");
    assert_eq!(seen[2].header("content-type"), "application/json");
    assert_eq!(seen[2].body, "{}");
}

#[tokio::test]
async fn names_that_would_be_steps_of_a_path_are_not_sent() {
    let double = catalog().await;
    let uri = format!("{}/api", double.url);
    let remote = World::new(FederationSettings::default()).remote(bearer(&uri)).await;

    for name in ["", ".", ".."] {
        let error = remote.call(get(["namespaces", name, "tables"])).await.unwrap_err();
        assert!(matches!(error, Error::Unaddressable(_)), "{error:?}");
    }

    assert_eq!(double.targets().len(), 1, "only the configuration was asked for");
}

#[tokio::test]
async fn the_separator_of_namespaces_is_that_of_the_other_catalog() {
    let double = Double::start(|_| {
        json(200, r#"{"defaults": {"namespace-separator": "%2E"}, "overrides": {}}"#)
    })
    .await;
    let remote = World::new(FederationSettings::default()).remote(bearer(&double.url)).await;

    assert_eq!(remote.namespace(&["a", "b"]).await.unwrap(), "a.b");
}

#[tokio::test]
async fn an_implicit_connection_shows_nothing() {
    let double = catalog().await;
    let draft = draft(&format!("{}/api", double.url), AuthenticationDraft::Implicit);
    let remote = World::new(FederationSettings::default()).remote(draft).await;

    let _ = remote.call(get(["namespaces"])).await.unwrap();

    assert!(double.seen().iter().all(|seen| seen.header("authorization").is_empty()));
}

#[tokio::test]
async fn answers_pass_and_so_do_errors() {
    for status in [200, 204, 304, 400, 403, 404, 409, 429, 500, 503] {
        let body = if matches!(status, 204 | 304) { "" } else { r#"{"error": {}}"# };
        let asked = asked(move || json(status, body)).await;
        assert_eq!(told(asked), [status.to_string(), status.to_string()]);
    }
    let nothing = asked(|| json(200, "")).await;
    assert_eq!(told(nothing), ["200", "200"]);
}

#[tokio::test]
async fn the_version_of_what_is_shown_comes_along() {
    let double = answering(|| {
        let answer = Response::builder().header("ETag", "\"v1\"");
        answer.body(Body::from("{}")).unwrap()
    })
    .await;
    let remote = World::new(hasty()).remote(bearer(&double.url)).await;

    let answer = remote.call(get(["namespaces"])).await.unwrap();

    assert_eq!(answer.etag.as_deref(), Some("\"v1\""));
}

#[tokio::test]
async fn refused_credentials_are_told_apart_and_not_shown_again() {
    let asked = asked(|| json(401, r#"{"error": {"message": "hunter3 is not good"}}"#)).await;

    assert_eq!(told(asked), ["Unauthorized: it answers 401", "Unauthorized: it answers 401"]);
}

#[tokio::test]
async fn a_redirection_is_not_followed() {
    let elsewhere = Double::start(|_| json(200, "{}")).await;
    let target = format!("{}/v1/namespaces", elsewhere.url);
    let asked = asked(move || {
        let answer = Response::builder().status(307).header("location", &target);
        answer.body(Body::empty()).unwrap()
    })
    .await;

    let why = "it sends one elsewhere (status 307), where credentials do not follow";
    assert_eq!(told(asked), [format!("Nonsense: {why}"), format!("Nonsense: {why}")]);
    assert_eq!(elsewhere.targets(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_no_json_is_nonsense_and_after_a_change_an_unknown_outcome() {
    let asked = asked(|| json(200, "<html>Please log in</html>")).await;

    let why = "its answer is no JSON";
    assert_eq!(told(asked), [format!("Nonsense: {why}"), format!("OutcomeUnknown: {why}")]);
}

#[tokio::test]
async fn an_answer_may_be_so_long_and_no_longer() {
    let of = |length: usize| move || json(200, &format!("\"{}\"", "x".repeat(length - 2)));

    assert_eq!(told(asked(of(1000)).await), ["200", "200"]);
    let why = "its answer is longer than 1000 bytes: see merak.federation.max-answer-size";
    let too_long = told(asked(of(1001)).await);
    assert_eq!(too_long, [format!("Unreachable: {why}"), format!("OutcomeUnknown: {why}")]);
}

#[tokio::test]
async fn who_does_not_answer_in_time_leaves_the_outcome_of_a_change_unknown() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // It answers its configuration, and nothing else.
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = [0; 4096];
                let mut answered = false;
                while stream.read(&mut head).await.is_ok_and(|read| read > 0) {
                    if !answered {
                        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
                        stream.write_all(answer).await.unwrap();
                        answered = true;
                    }
                }
            });
        }
    });
    let world = World::new(hasty());
    let remote = world.remote(bearer(&url)).await;
    let _ = remote.config().await.unwrap();

    let change = remote.call(post(["namespaces"])).await.map(|answer| answer.status);

    let why = "it does not answer in time";
    assert_eq!(told([change, Ok(0)])[0], format!("OutcomeUnknown: {why}"));
}

#[tokio::test]
async fn who_takes_no_connection_was_sent_nothing() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let remote = World::new(hasty()).remote(bearer(&url)).await;

    let error = remote.call(post(["namespaces"])).await.unwrap_err();

    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    let host = url.trim_start_matches("http://");
    assert_eq!(error.to_string(), format!("{host} cannot be reached: it takes no connection"));
}

#[tokio::test]
async fn a_configuration_that_cannot_be_had_changes_nothing() {
    for (status, body, told) in [
        (401, "", "Unauthorized"),
        (403, "", "Unauthorized"),
        (500, "", "Unreachable"),
        (429, "", "Unreachable"),
        (404, r#"{"error": {"message": "no such\nwarehouse"}}"#, "Nonsense"),
        (200, "<html>", "Nonsense"),
        (200, r#"{"overrides": {"prefix": ".."}}"#, "Nonsense"),
        (302, "", "Nonsense"),
    ] {
        let double = Double::start(move |_| json(status, body)).await;
        let remote = World::new(hasty()).remote(bearer(&double.url)).await;

        let error = remote.call(post(["namespaces"])).await.unwrap_err();

        assert!(format!("{error:?}").starts_with(told), "{status} {body}: {error:?}");
        assert_eq!(double.targets().len(), 1);
        if status == 404 {
            assert!(error.to_string().ends_with("configuration: no suchwarehouse"), "{error}");
        }
    }
}

#[tokio::test]
async fn the_configuration_is_asked_for_again_after_its_time_and_after_a_404() {
    let double = answering(|| json(404, "{}")).await;
    let world = World::new(FederationSettings::default());
    let remote = world.remote(bearer(&double.url)).await;
    let configs = || double.targets().iter().filter(|target| target.contains("/config")).count();

    let _ = remote.config().await.unwrap();
    world.clock.advance(Duration::from_secs(299));
    let _ = remote.config().await.unwrap();
    assert_eq!(configs(), 1);
    world.clock.advance(Duration::from_secs(1));
    let _ = remote.config().await.unwrap();
    assert_eq!(configs(), 2);

    // Most of what is not there is simply not there.
    let _ = remote.call(get(["namespaces", "a"])).await.unwrap();
    let _ = remote.call(get(["namespaces", "a"])).await.unwrap();
    assert_eq!(configs(), 2);
    world.clock.advance(Duration::from_secs(10));
    let _ = remote.call(get(["namespaces", "a"])).await.unwrap();
    let _ = remote.call(get(["namespaces", "a"])).await.unwrap();
    assert_eq!(configs(), 3);
}

#[tokio::test]
async fn a_catalog_is_remembered_until_it_is_changed() {
    let world = World::new(FederationSettings::default());
    let mut entity = world.catalog(bearer("http://127.0.0.1:1"));
    let first = world.federation.remote(&world.realm, &entity).await.unwrap();
    let again = world.federation.remote(&world.realm, &entity).await.unwrap();
    entity.version = EntityVersion(2);
    let changed = world.federation.remote(&world.realm, &entity).await.unwrap();

    assert!(std::sync::Arc::ptr_eq(&first, &again));
    assert!(!std::sync::Arc::ptr_eq(&first, &changed));
    assert!(!format!("{first:?}{:?}", world.federation).contains("hunter"));
}

#[tokio::test]
async fn hosts_that_are_allowed_no_more_are_not_asked() {
    let world = World::new(FederationSettings::default());
    let entity = world.catalog(bearer("http://127.0.0.1:1"));
    let allowed_hosts = AllowedHosts::parse(["catalog.example.com"]).unwrap();
    let world = World::new(FederationSettings { allowed_hosts, ..FederationSettings::default() });

    let error = world.federation.remote(&world.realm, &entity).await.unwrap_err();

    assert!(matches!(error, Error::NotAllowed(_)), "{error:?}");
}

#[tokio::test]
async fn a_head_has_no_body() {
    let double = catalog().await;
    let uri = format!("{}/api", double.url);
    let remote = World::new(FederationSettings::default()).remote(bearer(&uri)).await;

    let request = RemoteRequest { method: Method::Head, ..get(["namespaces", "a"]) };
    let answer = remote.call(request).await.unwrap();

    assert_eq!((answer.status, answer.body.len()), (200, 0));
}
