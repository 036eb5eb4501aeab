//! Tokens for keys, refresh tokens, machines and clusters.

use super::*;

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

async fn by_assertion(double: &Running, assertion: &str) -> Answer {
    double.form("/token", &[("grant_type", JWT_BEARER), ("assertion", assertion)]).await
}

#[tokio::test]
async fn a_key_is_exchanged_for_a_token_that_works() {
    let double = start().await;

    let answer = by_assertion(&double, &jwt::signed(&claims(&double, &json!({})))).await;

    assert_eq!(answer.status, 200, "{}", answer.body);
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(double.get(&token, "/storage/v1/b/lake/o").await, 200);
    assert_eq!(double.calls("token.service_account"), 1);
    double.advance(3599);
    assert_eq!(double.get(&token, "/storage/v1/b/lake/o").await, 401);
}

#[tokio::test]
async fn an_assertion_that_lies_in_any_claim_is_refused() {
    let double = start().await;
    let now = time::OffsetDateTime::now_utc().unix_timestamp();

    for (changes, error) in [
        (json!({"iss": LAKE}), "invalid_grant"),
        (json!({"aud": "https://oauth2.example.com/token"}), "invalid_grant"),
        (json!({"scope": ""}), "invalid_scope"),
        (json!({"scope": "everything"}), "invalid_scope"),
        (json!({"exp": now + 3700}), "invalid_grant"),
        (json!({"iat": now - 3700, "exp": now - 100}), "invalid_grant"),
        (json!({"iat": now + 600, "exp": now + 900}), "invalid_grant"),
        (json!({"iat": null}), "invalid_grant"),
        (json!({"sub": USER}), "unauthorized_client"),
    ] {
        let answer = by_assertion(&double, &jwt::signed(&claims(&double, &changes))).await;
        assert_eq!(answer.json()["error"], error, "{changes}: {}", answer.body);
    }
    let signed = jwt::signed(&claims(&double, &json!({})));
    let tampered = format!("{}AAAA", &signed[..signed.len() - 4]);
    assert_eq!(by_assertion(&double, &tampered).await.status, 400);
    double.configure(|settings| settings.disabled = [SERVER.to_owned()].into());
    assert_eq!(by_assertion(&double, &signed).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn a_refresh_token_is_exchanged_whole_or_not_at_all() {
    let double = start().await;
    let secret = double.state.client_secret.clone();
    let refresh = double.state.refresh_token.clone();
    let form = |client: &'static str, secret: String, refresh: String| {
        let double = &double;
        async move {
            let fields = [
                ("grant_type", "refresh_token"),
                ("client_id", client),
                ("client_secret", &secret),
                ("refresh_token", &refresh),
            ];
            double.form("/token", &fields).await
        }
    };
    let other = || "another".to_owned();

    let good = form(fixtures::CLIENT_ID, secret.clone(), refresh.clone()).await;
    assert_eq!(good.status, 200, "{}", good.body);
    let token = good.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(double.get(&token, "/storage/v1/b/lake/o").await, 200);
    for bad in [
        form("another", secret.clone(), refresh.clone()).await,
        form(fixtures::CLIENT_ID, other(), refresh.clone()).await,
    ] {
        assert_eq!((bad.status, &bad.json()["error"]), (401, &json!("invalid_client")));
    }
    let bad = form(fixtures::CLIENT_ID, secret.clone(), other()).await;
    assert_eq!((bad.status, &bad.json()["error"]), (400, &json!("invalid_grant")));
    let json = json!({
        "grant_type": "refresh_token",
        "client_id": fixtures::CLIENT_ID,
        "client_secret": secret,
        "refresh_token": refresh,
        "scopes": null,
    });
    let in_json = double.as_bearer("", Method::POST, "/token", &json.to_string()).await;
    assert_eq!(in_json.status, 200, "{}", in_json.body);
}

#[tokio::test]
async fn any_other_grant_is_refused() {
    let double = start().await;

    let answer = double.form("/token", &[("grant_type", "password")]).await;
    assert_eq!(answer.json()["error"], "unsupported_grant_type");
    assert_eq!(double.form("/token", &[]).await.json()["error"], "invalid_request");
}

#[tokio::test]
async fn the_metadata_server_wants_its_header() {
    let double = start().await;
    let path = "/computeMetadata/v1/instance/service-accounts/default/token";
    let asked = || double.request(Method::GET, path);

    let answer = sent(asked().header("metadata-flavor", "Google")).await;
    assert_eq!(answer.headers["metadata-flavor"], "Google");
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(double.get(&token, "/storage/v1/b/lake/o").await, 200);
    assert_eq!(sent(asked()).await.status, 403);
    let forwarded =
        asked().header("metadata-flavor", "Google").header("x-forwarded-for", "1.2.3.4");
    assert_eq!(sent(forwarded).await.status, 403);
    double.configure(|settings| settings.has_metadata_server = false);
    assert_eq!(sent(asked().header("metadata-flavor", "Google")).await.status, 404);
}

#[tokio::test]
async fn a_clusters_token_is_exchanged_if_the_pool_knows_it() {
    let double = start().await;
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    let subject = |issuer: &str, subject: &str, audience: &str, expires: i64| {
        let claims = json!({"iss": issuer, "sub": subject, "aud": audience, "exp": expires});
        jwt::signed(&claims)
    };
    let exchange = |token: String, audience: &'static str| {
        let double = &double;
        async move {
            let fields = [
                ("grant_type", TOKEN_EXCHANGE),
                ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
                ("requested_token_type", ACCESS_TOKEN),
                ("subject_token", &token),
                ("audience", audience),
                ("scope", state::CLOUD_PLATFORM),
            ];
            double.form("/v1/token", &fields).await
        }
    };
    let (issuer, audience) = (fixtures::FEDERATION_ISSUER, format!("https:{}", fixtures::AUDIENCE));
    let server = "system:serviceaccount:merak:server";

    let good = exchange(subject(issuer, server, &audience, now + 60), fixtures::AUDIENCE).await;
    assert_eq!(good.status, 200, "{}", good.body);
    assert_eq!(double.calls("federate"), 1);
    for bad in [
        subject("https://other.example.com", server, &audience, now + 60),
        subject(issuer, "system:serviceaccount:other:server", &audience, now + 60),
        subject(issuer, server, "https://other.example.com", now + 60),
        subject(issuer, server, &audience, now - 60),
        "eyJ.e.e".to_owned(),
    ] {
        assert_eq!(exchange(bad, fixtures::AUDIENCE).await.status, 401);
    }
    let elsewhere =
        exchange(subject(issuer, server, &audience, now + 60), "//iam.example.com").await;
    assert_eq!(elsewhere.json()["error"], "invalid_request");
}

#[tokio::test]
async fn credential_files_of_every_kind_point_at_the_double() {
    let double = start().await;
    let folder = std::env::temp_dir().join(format!("merak-doubles-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir_all(&folder).unwrap();

    let fixtures = double.write_fixtures(&folder).unwrap();

    let read =
        |path: &Path| -> Value { serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap() };
    let key = read(&fixtures.service_account);
    assert_eq!(key["token_uri"], format!("{}/token", double.endpoint));
    let pem = key["private_key"].as_str().unwrap();
    assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"), "{}", pem.len());
    assert_eq!(read(&fixtures.authorized_user)["type"], "authorized_user");
    let impersonated = read(&fixtures.impersonated_service_account);
    assert_eq!(impersonated["source_credentials"]["type"], "service_account");
    let by_user = read(&fixtures.impersonated_by_user);
    assert_eq!(by_user["source_credentials"]["type"], "authorized_user");
    assert_eq!(read(&fixtures.external_account)["type"], "external_account");
    std::fs::remove_dir_all(&folder).unwrap();
}
