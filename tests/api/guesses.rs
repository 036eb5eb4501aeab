//! What becomes of those who guess client secrets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use merak_tests::{Identity, Response, TestServer};

const FORWARDING: (&str, &str) = ("quarkus.http.proxy.proxy-address-forwarding", "true");
/// So long that no attempt comes back while a test runs.
const WINDOW: (&str, &str) = ("merak.token.guess-window", "PT1H");
const HOME: &str = "192.0.2.1";
const AWAY: &str = "198.51.100.1";

/// Somebody whom the proxy says to be at that address.
fn at<'a>(server: &'a TestServer, address: &str) -> Identity<'a> {
    server.nobody().with_header("X-Forwarded-For", address)
}

async fn show(who: &Identity<'_>, client_id: &str, secret: &str) -> Response {
    let credentials = format!("client_id={client_id}&client_secret={secret}");
    let form = format!("grant_type=client_credentials&scope=PRINCIPAL_ROLE:ALL&{credentials}");
    who.post_form(&form).await
}

#[tokio::test]
async fn after_ten_wrong_secrets_the_client_is_told_when_to_come_again() {
    let server = TestServer::start_with(&[FORWARDING, WINDOW]).await;
    let _ = show(&at(&server, HOME), "root", "s3cr3t").await.expect(200);
    let stranger = at(&server, AWAY);

    for _ in 0..10 {
        let _ = show(&stranger, "root", "wrong").await.expect(401);
    }

    for secret in ["wrong", "s3cr3t"] {
        let answer = show(&stranger, "root", secret).await.expect(429);
        let wait_s = answer.header("retry-after").unwrap().to_owned();
        // A tenth of an hour, less what has passed.
        assert!((1..=360).contains(&wait_s.parse::<u32>().unwrap()), "{wait_s}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let told = format!("Too many attempts have failed; try again in {wait_s} s");
        let body = serde_json::json!({
            "error": "temporarily_unavailable",
            "error_description": told,
        });
        assert_eq!(answer.json(), body);
    }
    let _ = show(&at(&server, HOME), "root", "s3cr3t").await.expect(200);
    let _ = show(&stranger, "somebody-else", "wrong").await.expect(401);
}

#[tokio::test]
async fn secrets_in_basic_headers_count_like_those_in_forms() {
    let server = TestServer::start_with(&[WINDOW]).await;
    let header = format!("Basic {}", STANDARD.encode("root:wrong"));
    let basic = server.nobody().with_header("Authorization", &header);
    let credentials = "grant_type=client_credentials&scope=PRINCIPAL_ROLE:ALL";
    let exchange = "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token=x\
                    &scope=PRINCIPAL_ROLE:ALL";

    for _ in 0..5 {
        let _ = basic.post_form(credentials).await.expect(401);
        let _ = basic.post_form(exchange).await.expect(401);
    }

    let _ = basic.post_form(credentials).await.expect(429);
    let _ = basic.post_form(exchange).await.expect(429);
    let _ = show(&server.nobody(), "root", "s3cr3t").await.expect(429);
}

#[tokio::test]
async fn the_limits_are_settings() {
    let limits =
        [("merak.token.guesses-per-client", "2"), ("merak.token.guesses-per-address", "3")];
    let server = TestServer::start_with(&[limits[0], limits[1], FORWARDING, WINDOW]).await;
    let stranger = at(&server, AWAY);

    for (client_id, status) in [("a", 401), ("a", 401), ("a", 429), ("b", 401), ("c", 429)] {
        let _ = show(&stranger, client_id, "wrong").await.expect(status);
    }
    let _ = show(&at(&server, HOME), "c", "wrong").await.expect(401);
}

#[tokio::test]
async fn without_the_setting_nobody_chooses_the_address_that_counts() {
    let limit = ("merak.token.guesses-per-address", "3");
    let server = TestServer::start_with(&[limit, WINDOW]).await;

    for nth in 1..=4 {
        let who = at(&server, &format!("192.0.2.{nth}"))
            .with_header("Forwarded", &format!("for=192.0.2.{nth}"));
        let status = if nth <= 3 { 401 } else { 429 };
        let _ = show(&who, &format!("client-{nth}"), "wrong").await.expect(status);
    }
}

#[tokio::test]
async fn with_the_setting_the_entry_of_the_nearest_proxy_counts() {
    let limit = ("merak.token.guesses-per-address", "3");
    let server = TestServer::start_with(&[limit, FORWARDING, WINDOW]).await;

    for nth in 1..=4 {
        let made_up = format!("192.0.2.{nth}, {AWAY}");
        let status = if nth <= 3 { 401 } else { 429 };
        let who = at(&server, &made_up);
        let _ = show(&who, &format!("client-{nth}"), "wrong").await.expect(status);
    }
}
