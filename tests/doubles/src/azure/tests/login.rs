//! Tokens.

use serde_json::json;

use super::*;

async fn asked(double: &Running, tenant: &str, fields: &[(&str, &str)]) -> Answer {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = double.request(Verb::POST, &format!("/{tenant}/oauth2/v2.0/token")).body(body);
    sent(request.header("content-type", "application/x-www-form-urlencoded")).await
}

fn by_secret(double: &Running) -> Vec<(&'static str, String)> {
    vec![
        ("grant_type", "client_credentials".to_owned()),
        ("client_id", CLIENT_ID.to_owned()),
        ("client_secret", double.secret.clone()),
        ("scope", "https://storage.azure.com/.default".to_owned()),
    ]
}

async fn with(double: &Running, tenant: &str, name: &'static str, value: &str) -> Answer {
    let mut fields = by_secret(double);
    fields.retain(|(known, _)| *known != name);
    fields.push((name, value.to_owned()));
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    asked(double, tenant, &fields).await
}

#[tokio::test]
async fn a_secret_is_exchanged_for_a_token_that_works() {
    let double = start().await;

    let answer = with(&double, TENANT, "grant_type", "client_credentials").await;

    assert_eq!(answer.status, 200, "{}", answer.body);
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(double.ask_key(HIERARCHICAL, &token, 0, 60).await.status, 200);
    assert_eq!(double.calls("token.secret"), 1);
    assert_eq!(double.calls("delegation_key"), 1);
    double.advance(3600);
    let late = double.ask_key(HIERARCHICAL, &token, 0, 60).await;
    assert_eq!(late.outcome(), (401, "InvalidAuthenticationInfo"));
}

#[tokio::test]
async fn each_field_of_the_request_is_checked() {
    let double = start().await;
    let storage = "https://storage.azure.com";

    for (tenant, name, value, status, number) in [
        ("a-tenant", "client_id", CLIENT_ID, 400, 90_002),
        (TENANT, "grant_type", "password", 400, 70_003),
        (TENANT, "client_id", IDENTITY.0, 400, 700_016),
        (OTHER_TENANT, "client_id", CLIENT_ID, 400, 700_016),
        (TENANT, "client_secret", "wrong", 401, 7_000_215),
        (TENANT, "scope", storage, 400, 1_002_012),
        (TENANT, "scope", "https://storage.azure.com/.default openid", 400, 1_002_012),
        (TENANT, "scope", "https://other.example.com/.default", 400, 500_011),
    ] {
        let answer = with(&double, tenant, name, value).await;
        assert_eq!(answer.status, status, "{name}: {value}");
        let answer = answer.json();
        assert_eq!(answer["error_codes"], json!([number]));
        let description = answer["error_description"].as_str().unwrap();
        assert!(description.starts_with(&format!("AADSTS{number}: ")), "{description}");
    }
    double.configure(|settings| settings.is_secret_expired = true);
    let answer = with(&double, TENANT, "client_secret", &double.secret).await;
    assert_eq!(answer.json()["error_codes"], json!([7_000_222]));
}

#[tokio::test]
async fn an_assertion_stands_for_the_secret() {
    let double = start().await;
    let ask = |assertion: String| {
        let double = &double;
        async move {
            let fields = [
                ("grant_type", "client_credentials"),
                ("client_id", CLIENT_ID),
                ("client_assertion", &assertion),
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                ("scope", "https://storage.azure.com/.default"),
            ];
            asked(double, TENANT, &fields).await
        }
    };
    let good = json!({
        "iss": FEDERATION_ISSUER,
        "sub": FEDERATION_SUBJECT,
        "aud": "api://AzureADTokenExchange",
        "exp": time::OffsetDateTime::now_utc().unix_timestamp() + 60,
    });

    assert_eq!(ask(double.federated_assertion()).await.status, 200);
    assert_eq!(ask(jwt::signed(&good)).await.status, 200);
    assert_eq!(double.calls("token.assertion"), 2);
    for (name, value, number) in [
        ("iss", json!("https://other.example.com"), 700_211),
        ("aud", json!("https://other.example.com"), 700_212),
        ("sub", json!("system:serviceaccount:other:server"), 700_213),
        ("exp", json!(1_767_323_045), 700_024),
    ] {
        let mut claims = good.clone();
        claims[name] = value;
        let answer = ask(jwt::signed(&claims)).await;
        assert_eq!((answer.status, &answer.json()["error_codes"]), (401, &json!([number])));
    }
    assert_eq!(ask("e.e.e".to_owned()).await.json()["error_codes"], json!([700_027]));
}

#[tokio::test]
async fn a_managed_identity_needs_no_secret_but_a_header() {
    let double = start().await;
    let path = "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=";
    let asked = |resource: &str, more: &str| {
        double.request(Verb::GET, &format!("{path}{resource}{more}")).header("metadata", "true")
    };
    let storage = "https://storage.azure.com/";

    let answer = sent(asked(storage, &format!("&client_id={}", IDENTITY.0))).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.json()["expires_on"].is_string());
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(double.ask_key(HIERARCHICAL, &token, 0, 60).await.status, 200);
    let without = double.request(Verb::GET, &format!("{path}{storage}"));
    assert_eq!(sent(without).await.status, 400);
    assert_eq!(sent(asked("https://other.example.com", "")).await.status, 400);
    let other = sent(asked(storage, "&client_id=other")).await;
    assert_eq!(other.json()["error_description"], "Identity not found");
    double.configure(|settings| settings.has_managed_identity = false);
    assert_eq!(sent(asked(storage, "")).await.status, 404);
}

#[tokio::test]
async fn a_fault_has_the_form_of_the_service() {
    let double = start().await;
    let message = "AADSTS50196: The server terminated an operation.";
    double.fail(Fault::new("token.secret", 400, "invalid_grant", message).times(1));
    double.fail(Fault::new("blob.", 503, "ServerBusy", "The server is busy.").times(1));

    let answer = with(&double, TENANT, "grant_type", "client_credentials").await;
    assert_eq!(answer.json()["error_codes"], json!([50_196]));
    let busy = sent(double.request(Verb::GET, "/merakhns/lake/a")).await;
    assert_eq!(busy.outcome(), (503, "ServerBusy"));
    let anonymous = sent(double.request(Verb::GET, "/merakhns/lake/a")).await;
    assert_eq!(anonymous.outcome(), (401, "NoAuthenticationInformation"));
    assert_eq!(double.all_calls()["blob.get"], 2);
}
