//! `generateAccessToken`.

use super::*;

fn path(account: &str) -> String {
    format!("/v1/projects/-/serviceAccounts/{account}:generateAccessToken")
}

fn body() -> Value {
    json!({"scope": ["https://www.googleapis.com/auth/devstorage.read_write"], "lifetime": "3600s"})
}

async fn asked(double: &Running, token: &str, account: &str, body: &Value) -> Answer {
    double.as_bearer(token, Method::POST, &path(account), &body.to_string()).await
}

#[tokio::test]
async fn who_may_impersonate_gets_a_token_of_the_other() {
    let double = start().await;
    double.configure(|settings| settings.grants.retain(|grant| grant.account == LAKE));
    let server = double.token_of(SERVER);

    let answer = asked(&double, &server, LAKE, &body()).await;

    assert_eq!(answer.status, 200, "{}", answer.body);
    let token = answer.json()["accessToken"].as_str().unwrap().to_owned();
    assert!(answer.json()["expireTime"].as_str().unwrap().ends_with('Z'));
    assert_eq!(double.get(&server, "/storage/v1/b/lake/o").await, 403);
    assert_eq!(double.get(&token, "/storage/v1/b/lake/o").await, 200);
    assert_eq!(double.calls("impersonate"), 1);
    // Its scope is for storage alone.
    assert_eq!(asked(&double, &token, LAKE, &body()).await.status, 403);
}

#[tokio::test]
async fn a_self_signed_token_will_do() {
    let double = start().await;
    let self_signed = jwt::signed(&claims(&double, &json!({"aud": null, "sub": SERVER})));

    assert_eq!(asked(&double, &self_signed, LAKE, &body()).await.status, 200);
    let for_another = json!({"aud": "https://storage.example.com/", "scope": null, "sub": SERVER});
    let for_another = jwt::signed(&claims(&double, &for_another));
    assert_eq!(asked(&double, &for_another, LAKE, &body()).await.status, 401);
}

#[tokio::test]
async fn who_may_not_is_told_which_permission_is_missing() {
    let double = start().await;

    for (caller, target) in [(SERVER, STRANGER), (LAKE, SERVER), (SERVER, "nobody@example.com")] {
        let answer = asked(&double, &double.token_of(caller), target, &body()).await;
        assert_eq!(answer.status, 403);
        let error = &answer.json()["error"];
        assert_eq!(error["status"], "PERMISSION_DENIED");
        assert_eq!(
            error["message"],
            "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not \
             exist)."
        );
    }
    assert_eq!(asked(&double, "ya29.unknown", LAKE, &body()).await.status, 401);
}

#[tokio::test]
async fn delegates_are_a_chain_without_a_gap() {
    let double = start().await;
    let pair = |caller: &str, target: &str| (caller.to_owned(), target.to_owned());
    double.configure(|settings| {
        settings.token_creators = [pair(SERVER, STRANGER), pair(STRANGER, LAKE)].into();
    });
    let server = double.token_of(SERVER);
    let mut with_delegate = body();
    with_delegate["delegates"] = json!([format!("projects/-/serviceAccounts/{STRANGER}")]);
    let mut misspelled = body();
    misspelled["delegates"] = json!([STRANGER]);

    assert_eq!(asked(&double, &server, LAKE, &with_delegate).await.status, 200);
    assert_eq!(asked(&double, &server, LAKE, &body()).await.status, 403);
    assert_eq!(asked(&double, &server, LAKE, &misspelled).await.status, 403);
}

#[tokio::test]
async fn each_field_of_the_request_is_checked() {
    let double = start().await;
    let server = double.token_of(SERVER);

    for (name, value) in [
        ("scope", json!([])),
        ("scope", json!(null)),
        ("scope", json!("https://www.googleapis.com/auth/cloud-platform")),
        ("scope", json!(["cloud-platform"])),
        ("lifetime", json!("3601s")),
        ("lifetime", json!("0s")),
        ("lifetime", json!("1h")),
        ("lifetime", json!(3600)),
        ("delegates", json!("projects/-/serviceAccounts/a")),
        ("subject", json!("a")),
    ] {
        let mut body = body();
        body[name] = value.clone();
        let answer = asked(&double, &server, LAKE, &body).await;
        assert_eq!(answer.status, 400, "{name}: {value}");
        assert_eq!(answer.json()["error"]["status"], "INVALID_ARGUMENT");
    }
}

#[tokio::test]
async fn the_project_has_its_say() {
    let double = start().await;
    let server = double.token_of(SERVER);
    let reason = |answer: &Answer| answer.json()["error"]["details"][0]["reason"].clone();

    double.configure(|settings| settings.is_iam_credentials_off = true);
    let answer = asked(&double, &server, LAKE, &body()).await;
    assert_eq!((answer.status, reason(&answer)), (403, json!("SERVICE_DISABLED")));
    double.configure(|settings| settings.is_iam_credentials_off = false);

    let foreign = double.request(Method::POST, &path(LAKE)).bearer_auth(&server);
    let answer =
        sent(foreign.header("x-goog-user-project", "other").body(body().to_string())).await;
    assert_eq!((answer.status, reason(&answer)), (403, json!("USER_PROJECT_DENIED")));

    double.configure(|settings| settings.without_service_usage = [LAKE.to_owned()].into());
    let lake = double.token_of(LAKE);
    let answer = double.as_bearer(&lake, Method::GET, "/storage/v1/b/lake/o", "").await;
    assert_eq!(answer.status, 403);
    let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("does not have serviceusage.services.use access"), "{message}");
    assert!(message.starts_with(LAKE), "{message}");
}
