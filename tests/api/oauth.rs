//! The token endpoint, and what a token is good for.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use merak_metastore::{Change, Metastore as _};
use merak_model::EntityVersion;
use merak_tests::{Identity, Response, TestServer};
use serde_json::{Value, json};

use crate::realms::two_realms;

const EXCHANGE: &str = "grant_type=urn:ietf:params:oauth:grant-type:token-exchange";
const TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";
const CREDENTIALS: &str = "grant_type=client_credentials";
const ROOT: &str = "client_id=root&client_secret=s3cr3t";
const ALL: &str = "scope=PRINCIPAL_ROLE:ALL";
const CATALOGS: &str = "/api/management/v1/catalogs";

/// The refusal as `status error: description`. It must have OAuth's form, and no other.
fn refusal(answer: &Response) -> String {
    let body = answer.json();
    let fields: Vec<_> = body.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["error", "error_description"], "not OAuth's form: {body}");
    let text = |field: &str| body[field].as_str().unwrap().to_owned();
    format!("{} {}: {}", answer.status.as_u16(), text("error"), text("error_description"))
}

fn basic(text: &str) -> String {
    format!("Basic {}", STANDARD.encode(text))
}

/// The form that exchanges a token.
fn exchange(token: &str) -> String {
    format!("{EXCHANGE}&subject_token={token}&subject_token_type={TOKEN_TYPE}")
}

async fn token(who: &Identity<'_>, form: &str) -> String {
    let answer = who.post_form(form).await.expect(200).json();
    answer["access_token"].as_str().unwrap().to_owned()
}

async fn root_token(server: &TestServer, scope: &str) -> String {
    token(&server.nobody(), &format!("{CREDENTIALS}&{ROOT}&scope={scope}")).await
}

/// What a token says.
fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn credentials_in_the_form_get_a_token() {
    let server = TestServer::start().await;

    let answer =
        server.nobody().post_form(&format!("{CREDENTIALS}&{ROOT}&{ALL}")).await.expect(200);

    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let mut body = answer.json();
    let token = body["access_token"].take();
    assert_eq!(
        body,
        json!({
            "access_token": null,
            "token_type": "bearer",
            "issued_token_type": TOKEN_TYPE,
            "expires_in": 3600,
            "scope": "PRINCIPAL_ROLE:ALL",
        })
    );
    let root = server.nobody().with_token(token.as_str().unwrap());
    let _ = root.get(CATALOGS).await.expect(200);
}

#[tokio::test]
async fn a_token_says_what_polaris_tokens_say() {
    let server = TestServer::start().await;

    let claims = claims(&root_token(&server, "PRINCIPAL_ROLE:ALL").await);

    assert_eq!(claims["iss"], "polaris");
    assert_eq!(claims["sub"], "root");
    assert_eq!(claims["client_id"], "root");
    assert_eq!(claims["active"], true);
    assert_eq!(claims["scope"], "PRINCIPAL_ROLE:ALL");
    assert!(claims["principalId"].as_i64().unwrap() > 0);
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
    assert_eq!(claims["jti"].as_str().unwrap().len(), 36);
}

#[tokio::test]
async fn the_life_of_a_token_is_a_setting() {
    let lifetime = ("polaris.authentication.token-broker.max-token-generation", "PT5M");
    let server = TestServer::start_with(&[lifetime]).await;

    let answer =
        server.nobody().post_form(&format!("{CREDENTIALS}&{ROOT}&{ALL}")).await.expect(200);

    assert_eq!(answer.json()["expires_in"], 300);
}

#[tokio::test]
async fn credentials_in_a_basic_header_get_a_token() {
    let server = TestServer::start().await;

    for scheme in ["Basic", "basic", "BASIC"] {
        let header = basic("root:s3cr3t").replace("Basic", scheme);
        let client = server.nobody().with_header("Authorization", &header);
        let token = token(&client, &format!("{CREDENTIALS}&{ALL}")).await;
        let _ = server.nobody().with_token(&token).get(CATALOGS).await.expect(200);
    }
}

#[tokio::test]
async fn a_secret_may_contain_colons() {
    let realm = format!("colons-{}", uuid::Uuid::new_v4());
    let credentials = format!("{realm},root,a:b:c");
    let settings = [("polaris.bootstrap.credentials", credentials.as_str())];
    let server = TestServer::start_in(&realm, &settings).await;

    let client = server.nobody().with_header("Authorization", &basic("root:a:b:c"));

    let _ = client.post_form(&format!("{CREDENTIALS}&{ALL}")).await.expect(200);
}

#[tokio::test]
async fn a_secret_in_the_form_wins_over_a_basic_header() {
    let server = TestServer::start().await;
    let form = format!("{CREDENTIALS}&{ROOT}&{ALL}");

    let wrong = server.nobody().with_header("Authorization", &basic("root:wrong"));
    let _ = wrong.post_form(&form).await.expect(200);

    let right = server.nobody().with_header("Authorization", &basic("root:s3cr3t"));
    let answer = right.post_form(&form.replace("s3cr3t", "wrong")).await;
    assert_eq!(refusal(&answer), "401 unauthorized_client: The client is not authorized");
}

#[tokio::test]
async fn a_malformed_basic_header_is_refused() {
    let server = TestServer::start().await;
    let form = format!("{CREDENTIALS}&{ALL}");
    let ask = async |header: &str| {
        server.nobody().with_header("Authorization", header).post_form(&form).await
    };

    let answer = ask(&basic("no colon")).await;
    assert_eq!(refusal(&answer), "400 invalid_request: The request is invalid");

    // As in Polaris, this one alone comes in the envelope of the other APIs.
    for bad in ["Basic !!!", "Basic cm9vdA=", &format!("Basic {}", STANDARD.encode(b"\xff:\xff"))] {
        let answer = ask(bad).await.expect(400);
        assert!(answer.error().starts_with("400 IllegalArgumentException: "), "{bad}");
    }
}

#[tokio::test]
async fn a_client_that_does_not_say_who_it_is_is_invalid() {
    let server = TestServer::start().await;
    let nobody = server.nobody();
    let bearer = nobody.with_token("whatever");
    let invalid = "400 invalid_client: The Client is invalid";

    for form in ["client_id=root", "client_id=root&client_secret=", "client_secret=s3cr3t", ""] {
        let form = format!("{CREDENTIALS}&{ALL}&{form}");
        assert_eq!(refusal(&nobody.post_form(&form).await), invalid, "{form}");
    }
    let no_header = format!("{EXCHANGE}&subject_token=x&subject_token_type={TOKEN_TYPE}");
    assert_eq!(refusal(&nobody.post_form(&no_header).await), invalid);
    for empty in [":", "root:", ":s3cr3t"] {
        let client = nobody.with_header("Authorization", &basic(empty));
        let answer = client.post_form(&format!("{CREDENTIALS}&{ALL}")).await;
        assert_eq!(refusal(&answer), invalid, "{empty}");
    }
    let answer = bearer.post_form(&format!("{CREDENTIALS}&{ALL}")).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
}

#[tokio::test]
async fn wrong_credentials_are_told_in_oauths_form() {
    let server = TestServer::start().await;

    for wrong in [
        "client_id=root&client_secret=wrong",
        "client_id=Root&client_secret=s3cr3t",
        "client_id=nobody&client_secret=s3cr3t",
        "client_id=root%00&client_secret=s3cr3t",
        "client_id=root&client_secret=s3cr3t%20",
    ] {
        let answer = server.nobody().post_form(&format!("{CREDENTIALS}&{ALL}&{wrong}")).await;
        let told = "401 unauthorized_client: The client is not authorized";
        assert_eq!(refusal(&answer), told, "{wrong}");
    }
}

#[tokio::test]
async fn the_scope_must_name_roles_and_nothing_else() {
    let server = TestServer::start().await;

    for scope in [
        "",
        "&scope=",
        "&scope=+",
        "&scope=catalog",
        "&scope=PRINCIPAL_ROLE:",
        "&scope=principal_role:ALL",
        "&scope=PRINCIPAL_ROLE:ALL+catalog",
    ] {
        let answer = server.nobody().post_form(&format!("{CREDENTIALS}&{ROOT}{scope}")).await;
        assert_eq!(refusal(&answer), "400 invalid_scope: The scope is invalid", "{scope:?}");
    }
}

#[tokio::test]
async fn other_grant_types_are_not_supported() {
    let server = TestServer::start().await;

    for grant in ["", "grant_type=", "grant_type=password", "grant_type=CLIENT_CREDENTIALS"] {
        let told = "400 unsupported_grant_type: The grant type is invalid";
        let answer = server.nobody().post_form(&format!("{ROOT}&{ALL}&{grant}")).await;
        assert_eq!(refusal(&answer), told, "{grant:?}");
        // Of several mistakes, Polaris tells of this one first.
        let answer = server.nobody().post_form(&format!("{ALL}&{grant}")).await;
        assert_eq!(refusal(&answer), told, "{grant:?} without credentials");
    }
}

#[tokio::test]
async fn only_access_tokens_can_be_asked_for() {
    let server = TestServer::start().await;
    let form = format!("{CREDENTIALS}&{ROOT}&{ALL}&requested_token_type=");

    let _ = server.nobody().post_form(&format!("{form}{TOKEN_TYPE}")).await.expect(200);
    let answer = server
        .nobody()
        .post_form(&format!("{form}urn:ietf:params:oauth:token-type:refresh_token"))
        .await;
    assert_eq!(refusal(&answer), "400 invalid_request: The request is invalid");
}

#[tokio::test]
async fn a_token_is_exchanged_for_a_new_one() {
    let server = TestServer::start().await;
    let first = root_token(&server, "PRINCIPAL_ROLE:service_admin").await;

    let answer = server.nobody().with_token(&first).post_form(&exchange(&first)).await.expect(200);

    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let body = answer.json();
    assert_eq!(body["issued_token_type"], TOKEN_TYPE);
    assert_eq!(body["scope"], "PRINCIPAL_ROLE:service_admin");
    let second = body["access_token"].as_str().unwrap();
    assert_ne!(second, first);
    assert_eq!(claims(second)["sub"], "root");
    let _ = server.nobody().with_token(second).get(CATALOGS).await.expect(200);
}

#[tokio::test]
async fn an_exchange_may_narrow_the_roles_and_never_widen_them() {
    let server = TestServer::start().await;
    let all = root_token(&server, "PRINCIPAL_ROLE:ALL").await;
    let two = root_token(&server, "PRINCIPAL_ROLE:a+PRINCIPAL_ROLE:b").await;
    let ask = async |token: &str, scope: &str| {
        let form = format!("{}&scope={scope}", exchange(token));
        server.nobody().with_token(token).post_form(&form).await
    };

    for (token, scope) in [
        (&all, "PRINCIPAL_ROLE:service_admin"),
        (&all, "PRINCIPAL_ROLE:ALL"),
        (&two, "PRINCIPAL_ROLE:b"),
        (&two, "PRINCIPAL_ROLE:b+PRINCIPAL_ROLE:a"),
    ] {
        let body = ask(token, scope).await.expect(200).json();
        assert_eq!(body["scope"], scope.replace('+', " "));
    }
    for (token, scope) in [
        (&two, "PRINCIPAL_ROLE:ALL"),
        (&two, "PRINCIPAL_ROLE:c"),
        (&two, "PRINCIPAL_ROLE:a+PRINCIPAL_ROLE:c"),
        (&all, "catalog"),
    ] {
        let answer = ask(token, scope).await;
        assert_eq!(refusal(&answer), "400 invalid_scope: The scope is invalid", "{scope}");
    }
}

#[tokio::test]
async fn a_bad_subject_token_makes_the_client_invalid() {
    let (server, _, second) = two_realms(&[]).await;
    let elsewhere = server.nobody().with_header("Polaris-Realm", &second);
    let of_another_realm = token(&elsewhere, &format!("{CREDENTIALS}&{ROOT}&{ALL}")).await;
    let good = root_token(&server, "PRINCIPAL_ROLE:ALL").await;
    let cut = &good[..good.len() - 4];

    for bad in ["garbage", "a.b.c", cut, of_another_realm.as_str()] {
        let answer = server.nobody().with_token("x").post_form(&exchange(bad)).await;
        assert_eq!(refusal(&answer), "400 invalid_client: The Client is invalid", "{bad:?}");
    }
}

#[tokio::test]
async fn an_expired_subject_token_makes_the_client_invalid() {
    let lifetime = ("polaris.authentication.token-broker.max-token-generation", "PT0.001S");
    let server = TestServer::start_with(&[lifetime]).await;
    let expired = root_token(&server, "PRINCIPAL_ROLE:ALL").await;

    let answer = server.nobody().with_token(&expired).post_form(&exchange(&expired)).await;

    assert_eq!(refusal(&answer), "400 invalid_client: The Client is invalid");
    let _ = server.nobody().with_token(&expired).get(CATALOGS).await.expect(401);
}

#[tokio::test]
async fn a_subject_token_and_its_type_are_needed() {
    let server = TestServer::start().await;
    let good = root_token(&server, "PRINCIPAL_ROLE:ALL").await;
    let client = server.nobody().with_token(&good);

    for form in [
        format!("{EXCHANGE}&subject_token={good}"),
        format!("{EXCHANGE}&subject_token={good}&subject_token_type=urn:x"),
        format!("{EXCHANGE}&subject_token_type={TOKEN_TYPE}"),
        format!("{EXCHANGE}&subject_token_type={TOKEN_TYPE}&subject_token="),
        EXCHANGE.to_owned(),
    ] {
        let answer = client.post_form(&form).await;
        assert_eq!(refusal(&answer), "400 invalid_request: The request is invalid", "{form}");
    }
}

#[tokio::test]
async fn a_basic_header_makes_an_exchange_a_request_by_credentials() {
    let server = TestServer::start().await;
    let client = server.nobody().with_header("Authorization", &basic("root:s3cr3t"));

    // What Iceberg's Java client sends when its token has ended.
    let form = format!("{}&{ALL}", exchange("expired"));
    let renewed = token(&client, &form).await;

    let _ = server.nobody().with_token(&renewed).get(CATALOGS).await.expect(200);
    let wrong = server.nobody().with_header("Authorization", &basic("root:wrong"));
    let _ = wrong.post_form(&form).await.expect(401);
}

#[tokio::test]
async fn the_token_of_a_principal_that_is_gone_is_worth_nothing() {
    let server = TestServer::start().await;
    let token = root_token(&server, "PRINCIPAL_ROLE:ALL").await;
    let root = server.nobody().with_token(&token);
    let store = &server.parts.metastore;
    let id = store.credentials(&server.realm, "root").await.unwrap().unwrap().principal;
    let drop = Change::Drop { id, expected: EntityVersion(1) };
    store.apply(&server.realm, &[drop]).await.unwrap();

    assert!(root.get(CATALOGS).await.expect(401).error().starts_with("401 NotAuthorizedException"));
    let answer = root.post_form(&exchange(&token)).await;
    assert_eq!(refusal(&answer), "401 unauthorized_client: The client is not authorized");
    let answer = server.nobody().post_form(&format!("{CREDENTIALS}&{ROOT}&{ALL}")).await;
    assert_eq!(refusal(&answer), "401 unauthorized_client: The client is not authorized");
}

#[tokio::test]
async fn without_a_good_bearer_token_there_is_no_answer() {
    let (server, _, second) = two_realms(&[]).await;
    let elsewhere = server.nobody().with_header("Polaris-Realm", &second);
    let of_another_realm = token(&elsewhere, &format!("{CREDENTIALS}&{ROOT}&{ALL}")).await;
    let good = root_token(&server, "PRINCIPAL_ROLE:ALL").await;
    let [_, payload, signature] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let forge = |header: &str, payload: &str, signature: &str| {
        format!("Bearer {}.{payload}.{signature}", URL_SAFE_NO_PAD.encode(header))
    };
    let mut admin = claims(&good);
    admin["principalId"] = json!(1);
    let admin = URL_SAFE_NO_PAD.encode(admin.to_string());
    let kept_header = good.split('.').next().unwrap();
    let _ = server.nobody().with_token(&good).get(CATALOGS).await.expect(200);

    for bad in [
        "Bearer",
        "Bearer ",
        "Bearer None",
        "Bearer null",
        "Bearer garbage",
        "Bearer a.b.c",
        &format!("Bearer {good}x"),
        &format!("Bearer {good} {good}"),
        &good,
        &format!("Token {good}"),
        &basic("root:s3cr3t"),
        &format!("Bearer {of_another_realm}"),
        &forge(r#"{"alg":"HS256","typ":"JWT"}"#, payload, signature),
        &forge(r#"{"alg":"none"}"#, payload, ""),
        &forge(r#"{"alg":"none"}"#, payload, signature),
        &format!("Bearer {kept_header}.{admin}.{signature}"),
    ] {
        let stranger = server.nobody().with_header("Authorization", bad);
        refused(&stranger.get(CATALOGS).await, bad);
    }
    refused(&server.nobody().get(CATALOGS).await, "no header");
    refused(&server.nobody().get("/api/catalog/v1/x/namespaces").await, "no header");
    refused(&server.nobody().post(CATALOGS, json!("nonsense")).await, "no header");
}

fn refused(answer: &Response, why: &str) {
    assert_eq!(answer.status, 401, "{why}: {}", answer.text());
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{why}");
    assert!(answer.error().starts_with("401 NotAuthorizedException: "), "{why}");
}

#[tokio::test]
async fn the_scheme_of_a_bearer_token_is_read_in_any_case() {
    let server = TestServer::start().await;
    let token = root_token(&server, "PRINCIPAL_ROLE:ALL").await;

    for scheme in ["Bearer", "bearer", "BEARER"] {
        let root = server.nobody().with_header("Authorization", &format!("{scheme} {token}"));
        let _ = root.get(CATALOGS).await.expect(200);
    }
}

#[tokio::test]
async fn a_role_that_is_not_held_spoils_the_token_when_it_is_used() {
    let server = TestServer::start().await;

    let good = root_token(&server, "PRINCIPAL_ROLE:service_admin").await;
    let _ = server.nobody().with_token(&good).get(CATALOGS).await.expect(200);
    for scope in ["PRINCIPAL_ROLE:other", "PRINCIPAL_ROLE:service_admin+PRINCIPAL_ROLE:other"] {
        let spoilt = root_token(&server, scope).await;
        refused(&server.nobody().with_token(&spoilt).get(CATALOGS).await, scope);
    }
}

#[tokio::test]
async fn tokens_are_asked_for_with_a_form() {
    let server = TestServer::start().await;
    let path = "/api/catalog/v1/oauth/tokens";
    let form = format!("{CREDENTIALS}&{ROOT}&{ALL}");

    let json = json!({"grant_type": "client_credentials", "client_id": "root"});
    let answer = server.nobody().post(path, json).await.expect(415);
    assert!(answer.error().starts_with("415 "));
    let with_charset = server
        .nobody()
        .with_header("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8");
    let _ = with_charset
        .send_bytes(axum::http::Method::POST, path, form.into_bytes())
        .await
        .expect(200);
    let _ = server.nobody().get(path).await.expect(405);
}
