//! What becomes of those who ask too often.

use std::sync::Arc;

use merak_model::Privilege;
use merak_tests::{Identity, Response, TestClock, TestServer};
use serde_json::json;

const FORWARDING: (&str, &str) = ("quarkus.http.proxy.proxy-address-forwarding", "true");
const ON: (&str, &str) = ("polaris.rate-limiter.filter.type", "default");
const PER_SECOND: &str = "polaris.rate-limiter.token-bucket.requests-per-second";
const PER_PRINCIPAL: &str = "merak.rate-limiter.requests-per-principal";
const PER_ADDRESS: &str = "merak.rate-limiter.requests-per-address";
const WINDOW: &str = "merak.rate-limiter.window";
const NAMESPACES: &str = "/api/catalog/v1/lake/namespaces";
const CATALOGS: &str = "/api/management/v1/catalogs";

/// A server whose time stands still.
async fn server(settings: &[(&str, &str)]) -> (TestServer, TestClock) {
    let clock = TestClock::new();
    let realm = format!("realm-{}", uuid::Uuid::new_v4().simple());
    let server = TestServer::start_at(&realm, settings, Arc::new(clock.clone())).await;
    (server, clock)
}

/// Somebody whom the proxy says to be at that address.
fn at<'a>(who: &Identity<'a>, address: &str) -> Identity<'a> {
    who.with_header("X-Forwarded-For", address)
}

fn refusal(answer: &Response) -> (String, Option<&str>) {
    (answer.error(), answer.header("retry-after"))
}

#[tokio::test]
async fn over_its_limit_a_realm_answers_429_in_polaris_words_until_a_second_has_passed() {
    let (server, clock) = server(&[ON, (PER_SECOND, "3")]).await;
    // The token counts, too.
    let root = server.root().await;
    for _ in 0..2 {
        let _ = root.get(CATALOGS).await.expect(200);
    }

    for path in [CATALOGS, NAMESPACES, "/api/catalog/v1/config?warehouse=lake"] {
        let answer = root.get(path).await.expect(429);
        let told = ("429 TooManyRequestsException: Rate exceeded".to_owned(), Some("1"));
        assert_eq!(refusal(&answer), told, "{path}");
    }
    let _ = root.post(CATALOGS, json!({"catalog": {}})).await.expect(429);
    let _ = server.send_to_management("/q/health/live").await.expect(200);
    let _ = server.send_to_management("/q/health/ready").await.expect(200);

    clock.advance_s(1);
    for status in [200, 200, 200, 429] {
        let _ = root.get(CATALOGS).await.expect(status);
    }
}

#[tokio::test]
async fn a_request_for_a_token_is_refused_in_the_form_of_oauth() {
    let settings = [ON, (PER_SECOND, "1"), (PER_ADDRESS, "2"), (WINDOW, "PT20S"), FORWARDING];
    let (server, clock) = server(&settings).await;
    let stranger = at(&server.nobody(), "192.0.2.1");
    let form = "grant_type=password";
    let _ = stranger.post_form(form).await.expect(400);

    for (description, wait_s) in [("Rate exceeded", "1"), ("Rate exceeded for this address", "10")]
    {
        let answer = stranger.post_form(form).await.expect(429);
        assert_eq!(answer.header("retry-after"), Some(wait_s));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let body = json!({"error": "temporarily_unavailable", "error_description": description});
        assert_eq!(answer.json(), body);
    }

    clock.advance_s(10);
    let _ = stranger.post_form(form).await.expect(400);
}

#[tokio::test]
async fn the_flood_of_one_principal_limits_nobody_else() {
    let settings = [ON, (PER_SECOND, "20"), (PER_PRINCIPAL, "4"), (WINDOW, "PT10S")];
    let (server, clock) = server(&settings).await;
    server.create_catalog("lake").await;
    let (ana, bo) = (server.principal("ana").await, server.principal("bo").await);
    for name in ["ana", "bo"] {
        server.grant(name, Privilege::NamespaceList, "lake", None, None).await;
    }
    clock.advance_s(10);

    for _ in 0..4 {
        let _ = ana.get(NAMESPACES).await.expect(200);
    }
    for _ in 0..30 {
        let answer = ana.get(NAMESPACES).await.expect(429);
        let told = "429 TooManyRequestsException: Rate exceeded for this principal".to_owned();
        assert_eq!(refusal(&answer), (told, Some("3")));
    }
    for _ in 0..4 {
        let _ = bo.get(NAMESPACES).await.expect(200);
    }

    clock.advance_s(2);
    let _ = ana.get(NAMESPACES).await.expect(429);
    clock.advance_s(1);
    let _ = ana.get(NAMESPACES).await.expect(200);
}

#[tokio::test]
async fn all_tokens_of_a_principal_count_together_wherever_they_are_used() {
    let settings = [(PER_PRINCIPAL, "2"), (WINDOW, "PT1H"), FORWARDING];
    let (server, _) = server(&settings).await;
    let (first, second) = (server.root().await, server.root().await);

    let _ = at(&first, "192.0.2.1").get(CATALOGS).await.expect(200);
    let _ = at(&second, "192.0.2.2").get(CATALOGS).await.expect(200);
    let _ = at(&first, "192.0.2.3").get(CATALOGS).await.expect(429);
    let _ = server.root().await.get(CATALOGS).await.expect(429);
}

#[tokio::test]
async fn an_address_over_its_limit_is_refused_whatever_it_asks_for() {
    let settings = [(PER_ADDRESS, "3"), (WINDOW, "PT30S"), FORWARDING];
    let (server, clock) = server(&settings).await;
    let stranger = at(&server.nobody(), "2001:db8::1");
    let neighbour = at(&server.nobody(), "2001:db8::ffff");

    let _ = stranger.get(CATALOGS).await.expect(401);
    let _ = stranger.get("/api/nothing/here").await.expect(404);
    let _ = neighbour.with_header("Polaris-Realm", "nowhere").get(CATALOGS).await.expect(404);
    for path in [CATALOGS, "/api/nothing/here", "/api/openapi/iceberg.json"] {
        let answer = stranger.get(path).await.expect(429);
        let told = "429 TooManyRequestsException: Rate exceeded for this address".to_owned();
        assert_eq!(refusal(&answer), (told, Some("10")), "{path}");
        let _ = neighbour.get(path).await.expect(429);
    }
    let _ = at(&server.nobody(), "2001:db8:0:1::1").get(CATALOGS).await.expect(401);

    clock.advance_s(10);
    let _ = stranger.get(CATALOGS).await.expect(401);
}

#[tokio::test]
async fn an_address_that_a_client_makes_up_does_not_count() {
    let (server, _) = server(&[(PER_ADDRESS, "2"), (WINDOW, "PT1H")]).await;

    for (nth, status) in [(1, 401), (2, 401), (3, 429)] {
        let stranger = at(&server.nobody(), &format!("192.0.2.{nth}"));
        let _ = stranger.get(CATALOGS).await.expect(status);
    }
}

#[tokio::test]
async fn requests_without_a_good_token_take_nothing_from_the_realm() {
    let (server, _) = server(&[ON, (PER_SECOND, "2")]).await;
    let root = server.root().await;

    for _ in 0..20 {
        let _ = server.nobody().get(CATALOGS).await.expect(401);
        let _ = server.nobody().with_token("forged").get(CATALOGS).await.expect(401);
    }

    let _ = root.get(CATALOGS).await.expect(200);
    let _ = root.get(CATALOGS).await.expect(429);
}

#[tokio::test]
async fn realms_have_limits_of_their_own() {
    let realms = format!("a-{0},b-{0}", uuid::Uuid::new_v4().simple());
    let names: Vec<_> = realms.split(',').collect();
    let credentials = format!("{},root,s3cr3t;{},root,s3cr3t", names[0], names[1]);
    let settings = [
        ON,
        (PER_SECOND, "2"),
        ("polaris.realm-context.realms", &*realms),
        ("polaris.bootstrap.credentials", &*credentials),
    ];
    let (server, _) = server(&settings).await;
    let form = "grant_type=password";
    let [first, second] =
        [0, 1].map(|nth| server.nobody().with_header("Polaris-Realm", names[nth]));

    for status in [400, 400, 429] {
        let _ = first.post_form(form).await.expect(status);
    }
    for status in [400, 400, 429] {
        let _ = second.post_form(form).await.expect(status);
    }
}

#[tokio::test]
async fn unless_it_is_asked_for_nothing_is_limited() {
    let (server, _) = server(&[(PER_SECOND, "1"), (WINDOW, "PT1H")]).await;
    let root = server.root().await;

    for _ in 0..20 {
        let _ = root.get(CATALOGS).await.expect(200);
    }
}
