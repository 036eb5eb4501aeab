//! User delegation keys, and what is signed with them.

use serde_json::json;

use super::*;

const DAY: i64 = 86_400;

#[tokio::test]
async fn a_key_is_given_to_who_has_a_role_on_the_account() {
    let double = start().await;
    let ours = double.token_of(OBJECT_ID, TENANT);
    let stranger = double.token_of("somebody", TENANT);
    let in_container = double.token_of("contained", TENANT);
    let delegator = double.token_of("delegator", TENANT);
    double.configure(|settings| {
        settings.assignments.extend([
            Assignment::in_container("contained", FLAT, CONTAINER, Role::Contributor),
            Assignment::new("delegator", FLAT, Role::Delegator),
        ]);
    });
    let code = |token: String, account: &'static str| {
        let double = &double;
        async move {
            let answer = double.ask_key(account, &token, 0, 3600).await;
            (answer.status, answer.code().to_owned())
        }
    };
    let refused = (403, "AuthorizationPermissionMismatch".to_owned());

    assert_eq!(code(ours.clone(), FLAT).await.0, 200);
    assert_eq!(code(delegator, FLAT).await.0, 200);
    assert_eq!(code(stranger, FLAT).await, refused);
    assert_eq!(code(in_container, FLAT).await, refused);
    assert_eq!(code(ours, "nobodys").await.0, 404);
    let foreign = double.token_of(OBJECT_ID, OTHER_TENANT);
    assert_eq!(code(foreign, FLAT).await, (401, "InvalidAuthenticationInfo".to_owned()));
    assert_eq!(code("junk".to_owned(), FLAT).await.0, 401);
    let elsewhere = double.state.issue(OBJECT_ID, TENANT, "https://management.azure.com").0;
    assert_eq!(code(elsewhere, FLAT).await.0, 401);
}

#[tokio::test]
async fn a_key_lives_for_seven_days_at_most() {
    let double = start().await;
    let token = double.token_of(OBJECT_ID, TENANT);

    for (from, seconds, status) in [
        (0, 7 * DAY - 60, 200),
        (-60, 3600, 200),
        (0, 7 * DAY + 60, 400),
        (0, 8 * DAY, 400),
        (-3600, 7 * DAY - 60, 400),
        (60, 60, 400),
        (0, -60, 400),
    ] {
        let answer = double.ask_key(FLAT, &token, from, seconds).await;
        assert_eq!(answer.status, status, "{from} to {seconds}");
    }
    let path = "/merakflat/?restype=service&comp=userdelegationkey";
    let request = || double.request(Verb::POST, path).bearer_auth(&token);
    let body = "<KeyInfo><Start>2026-01-02</Start><Expiry>2026-01-03</Expiry></KeyInfo>";
    let imprecise = sent(request().header("x-ms-version", "2025-07-05").body(body)).await;
    assert_eq!(imprecise.outcome(), (400, "InvalidXmlNodeValue"));
    assert_eq!(sent(request().body(body)).await.outcome(), (400, "InvalidHeaderValue"));
    let unknown = request().header("x-ms-version", "2031-01-01").body(body);
    assert_eq!(sent(unknown).await.outcome(), (400, "InvalidHeaderValue"));
}

#[tokio::test]
async fn a_revoked_key_signs_nothing() {
    let double = start().await;
    double.put_blob(FLAT, CONTAINER, "a", "data");
    let sas = double.sas(FLAT, "c", "", "r").await;
    let path = format!("/merakflat/lake/a?{sas}");

    assert_eq!(sent(double.request(Verb::GET, &path)).await.status, 200);
    double.configure(|settings| {
        settings.accounts.get_mut(FLAT).unwrap().keys_revoked += 1;
    });
    let refused = sent(double.request(Verb::GET, &path)).await;
    assert_eq!(refused.outcome(), (403, "AuthenticationFailed"));
    assert!(refused.body.contains("<AuthenticationErrorDetail>"), "{}", refused.body);
}

#[tokio::test]
async fn a_signature_ends() {
    let double = start().await;
    double.put_blob(FLAT, CONTAINER, "a", "data");
    let sas = double.sas(FLAT, "c", "", "r").await;
    let path = format!("/merakflat/lake/a?{sas}");

    double.advance(1700);
    assert_eq!(sent(double.request(Verb::GET, &path)).await.status, 200);
    double.advance(200);
    let late = sent(double.request(Verb::GET, &path)).await;
    assert_eq!(late.outcome(), (403, "AuthenticationFailed"));
}

#[tokio::test]
async fn a_signature_permits_no_more_than_the_roles_of_who_made_it() {
    let double = start().await;
    double.put_blob(FLAT, CONTAINER, "a", "data");
    let sas = double.sas(FLAT, "c", "", "rw").await;
    let path = format!("/merakflat/lake/a?{sas}");
    let put = || {
        let request = double.request(Verb::PUT, &path).header("x-ms-blob-type", "BlockBlob");
        sent(request.body("data"))
    };
    let become_ = |role: Role| {
        double.configure(|settings| {
            settings.assignments = vec![Assignment::new(OBJECT_ID, FLAT, role)];
        });
    };
    let mismatch = (403, "AuthorizationPermissionMismatch");

    assert_eq!(put().await.status, 201);
    become_(Role::Reader);
    assert_eq!(put().await.outcome(), mismatch);
    assert_eq!(sent(double.request(Verb::GET, &path)).await.status, 200);
    become_(Role::Delegator);
    assert_eq!(sent(double.request(Verb::GET, &path)).await.outcome(), mismatch);
}

#[tokio::test]
async fn a_directory_is_signed_where_there_are_directories() {
    let double = start().await;
    for account in [FLAT, HIERARCHICAL] {
        double.put_blob(account, CONTAINER, "db1/t1/a", "data");
    }
    let read = |account: &'static str| {
        let double = &double;
        async move {
            let sas = double.sas(account, "d", "/db1/t1", "r").await;
            sent(double.request(Verb::GET, &format!("/{account}/lake/db1/t1/a?{sas}"))).await
        }
    };

    assert_eq!(read(HIERARCHICAL).await.status, 200);
    assert_eq!(read(FLAT).await.outcome(), (403, "AuthenticationFailed"));
}

#[tokio::test]
async fn a_signature_and_a_token_are_one_too_many() {
    let double = start().await;
    let sas = double.sas(FLAT, "c", "", "r").await;
    let request = double.request(Verb::GET, &format!("/merakflat/lake/a?{sas}"));
    let request = request.bearer_auth(double.token_of(OBJECT_ID, TENANT));

    assert_eq!(sent(request).await.outcome(), (403, "AuthenticationFailed"));
    let by_key = double.request(Verb::GET, "/merakflat/lake/a");
    let by_key = by_key.header("authorization", "SharedKey merakflat:c2lnbmF0dXJl");
    assert_eq!(sent(by_key).await.outcome(), (403, "AuthenticationFailed"));
}

#[tokio::test]
async fn others_change_it_over_http() {
    let double = start().await;
    let token = double.token_of(OBJECT_ID, TENANT);
    let post = |path: &'static str, body: Value| {
        let request = double.request(Verb::POST, path).body(body.to_string());
        async move { sent(request).await.status }
    };
    let role = json!({
        "object_id": OBJECT_ID,
        "account": FLAT,
        "role": "Storage Blob Data Contributor",
    });

    assert_eq!(post("/_double/unassign", role.clone()).await, 200);
    assert_eq!(double.ask_key(FLAT, &token, 0, 60).await.status, 403);
    assert_eq!(post("/_double/assign", role).await, 200);
    assert_eq!(double.ask_key(FLAT, &token, 0, 60).await.status, 200);
    let fault = json!({"kind": "delegation_key", "status": 503, "code": "ServerBusy", "times": 1});
    assert_eq!(post("/_double/fault", fault).await, 200);
    assert_eq!(double.ask_key(FLAT, &token, 0, 60).await.outcome(), (503, "ServerBusy"));
    assert_eq!(post("/_double/mode", json!({"counts_as_https": true})).await, 200);
    assert_eq!(post("/_double/mode", json!({"https": true})).await, 400);
    assert_eq!(post("/_double/anything", json!({})).await, 400);
    let calls = sent(double.request(Verb::GET, "/_double/calls")).await;
    assert_eq!(calls.json()["delegation_key"], 3);
}
