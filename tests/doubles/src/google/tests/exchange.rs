//! Narrowed tokens.

use super::*;

#[tokio::test]
async fn a_narrowed_token_reaches_what_its_boundary_says() {
    let double = start().await;
    for name in ["db1/t1/a", "db1/t1x", "db1/t2/a"] {
        double.put_object(BUCKET, name, "data");
    }
    let token = double.token_of(LAKE);
    let narrowed = |writes| {
        let (double, token) = (&double, &token);
        async move {
            let answer = double.narrowed(token, &rules_for("db1/t1/", writes)).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            let answer = answer.json();
            assert_eq!(answer["issued_token_type"], ACCESS_TOKEN);
            assert_eq!(answer["token_type"], "Bearer");
            assert!(answer["expires_in"].as_i64().unwrap() <= 3599);
            answer["access_token"].as_str().unwrap().to_owned()
        }
    };
    let (read_only, read_write) = (narrowed(false).await, narrowed(true).await);

    for (token, writes) in [(&read_only, 403), (&read_write, 200)] {
        assert_eq!(double.get(token, "/lake/db1/t1/a").await, 200);
        assert_eq!(double.get(token, "/storage/v1/b/lake/o/db1%2Ft1%2Fa?alt=media").await, 200);
        assert_eq!(double.get(token, "/lake/db1/t1x").await, 403);
        assert_eq!(double.get(token, "/storage/v1/b/lake/o/db1%2Ft2%2Fa").await, 403);
        assert_eq!(double.get(token, "/storage/v1/b/lake/o?prefix=db1/t1/").await, 200);
        assert_eq!(double.get(token, "/lake?list-type=2&prefix=db1/t1/data/").await, 200);
        assert_eq!(double.get(token, "/lake?list-type=2&prefix=db1/t1").await, 403);
        assert_eq!(double.get(token, "/storage/v1/b/lake/o").await, 403);
        assert_eq!(double.get(token, "/storage/v1/b/lake").await, 403);
        assert_eq!(double.put(token, "/lake/db1/t1/b").await, writes);
        assert_eq!(double.put(token, "/lake/db1/t1x").await, 403);
        assert_eq!(double.put(token, "/lake/db1/t2/b").await, 403);
    }
    assert_eq!(double.delete(&read_only, "/lake/db1/t1/b").await, 403);
    assert_eq!(double.delete(&read_write, "/lake/db1/t1/b").await, 204);
    assert_eq!(double.delete(&read_write, "/lake/db1/t2/a").await, 403);
    assert_eq!(double.object_names(BUCKET), ["db1/t1/a", "db1/t1x", "db1/t2/a"]);
}

#[tokio::test]
async fn a_boundary_never_gives_what_the_account_has_not() {
    let double = start().await;
    let role = "roles/storage.objectViewer";
    double.configure(|settings| settings.grants = vec![Grant::below(LAKE, BUCKET, "db1/", role)]);
    double.put_object(BUCKET, "db1/a", "data");
    double.put_object(BUCKET, "db2/a", "data");
    let answer = double.narrowed(&double.token_of(LAKE), &rules_for("db", true)).await;
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();

    assert_eq!(double.get(&token, "/lake/db1/a").await, 200);
    assert_eq!(double.get(&token, "/lake/db2/a").await, 403);
    assert_eq!(double.put(&token, "/lake/db1/b").await, 403);
}

#[tokio::test]
async fn a_narrowed_token_ends_with_the_one_it_came_from() {
    let double = start().await;
    let token = double.token_of(LAKE);
    double.advance(3000);

    let answer = double.narrowed(&token, &rules_for("a/", false)).await.json();

    let seconds = answer["expires_in"].as_i64().unwrap();
    assert!((590..=599).contains(&seconds), "{seconds}");
    let narrowed = answer["access_token"].as_str().unwrap().to_owned();
    assert_eq!(double.get(&narrowed, "/lake?list-type=2&prefix=a/").await, 200);
    double.advance(600);
    assert_eq!(double.get(&narrowed, "/lake?list-type=2&prefix=a/").await, 401);
    assert_eq!(double.narrowed(&token, &rules_for("a/", false)).await.status, 400);
}

#[tokio::test]
async fn the_lifetime_may_be_left_out() {
    let double = start().await;
    double.configure(|settings| settings.omits_expires_in = true);

    let answer = double.narrowed(&double.token_of(LAKE), &rules_for("a/", false)).await;

    assert_eq!(answer.status, 200);
    assert!(answer.json().get("expires_in").is_none());
}

#[tokio::test]
async fn each_field_of_the_exchange_is_checked() {
    let double = start().await;
    let token = double.token_of(LAKE);
    let options = json!({"accessBoundary": {"accessBoundaryRules": rules_for("a/", true)}});
    let options = options.to_string();
    let good = exchange_form(&token, &options);
    let narrowed = double.narrowed(&token, &rules_for("a/", false)).await;
    let narrowed = narrowed.json()["access_token"].as_str().unwrap().to_owned();
    let self_signed = jwt::signed(&claims(&double, &json!({"aud": null, "sub": SERVER})));
    let for_storage = "https://www.googleapis.com/auth/devstorage.read_only";
    let too_little = double.state.issue(LAKE, &[for_storage]).0;
    let for_another = options.replace("storage.objectViewer", "viewer");

    assert_eq!(double.form("/v1/token", &good).await.status, 200);
    for (nth, value) in [
        (0, "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        (1, "urn:ietf:params:oauth:token-type:id_token"),
        (2, "urn:ietf:params:oauth:token-type:jwt"),
        (3, "ya29.unknown"),
        (3, &narrowed),
        (3, &self_signed),
        (3, &too_little),
        (4, "{}"),
        (4, &for_another),
    ] {
        let mut form = good.clone();
        form[nth].1 = value;
        let answer = double.form("/v1/token", &form).await;
        assert_eq!(answer.status, 400, "{}: {value}", form[nth].0);
        assert_eq!(answer.json()["error"], "invalid_request");
    }
    for nth in 0..good.len() {
        let mut form = good.clone();
        let (name, _) = form.remove(nth);
        assert_eq!(double.form("/v1/token", &form).await.status, 400, "without {name}");
    }
    let mut more = good.clone();
    more.push(("access_boundary", &options));
    assert_eq!(double.form("/v1/token", &more).await.status, 400);
}

#[tokio::test]
async fn a_fault_has_the_form_of_the_service() {
    let double = start().await;
    let token = double.token_of(LAKE);
    double.fail(Fault::new("downscope", 503, "backend_error", "later").times(1));
    double.fail(Fault::new("storage.get", 429, "rateLimitExceeded", "slow down"));

    let answer = double.narrowed(&token, &rules_for("a/", true)).await;
    assert_eq!((answer.status, &answer.json()["error"]), (503, &json!("backend_error")));
    assert_eq!(double.narrowed(&token, &rules_for("a/", true)).await.status, 200);
    assert_eq!(double.get(&token, "/lake/a").await, 429);
    double.mend();
    assert_eq!(double.get(&token, "/lake/a").await, 404);
    assert_eq!(double.all_calls()["downscope"], 2);
    double.forget_calls();
    assert_eq!(double.calls("downscope"), 0);
}

#[tokio::test]
async fn others_change_it_over_http() {
    let double = start().await;
    let token = double.token_of(LAKE);
    let post = |path: &'static str, body: Value| {
        let double = &double;
        async move { double.as_bearer("", Method::POST, path, &body.to_string()).await.status }
    };

    let grant = json!({"account": LAKE, "bucket": BUCKET, "role": "roles/storage.objectAdmin"});
    assert_eq!(post("/_double/revoke", grant.clone()).await, 200);
    assert_eq!(double.get(&token, "/lake?list-type=2").await, 403);
    assert_eq!(post("/_double/grant", grant).await, 200);
    assert_eq!(double.get(&token, "/lake?list-type=2").await, 200);
    let fault = json!({"kind": "storage.", "status": 500, "times": 1});
    assert_eq!(post("/_double/fault", fault).await, 200);
    assert_eq!(double.get(&token, "/lake?list-type=2").await, 500);
    let account = json!({"account": LAKE, "disabled": true});
    assert_eq!(post("/_double/account", account).await, 200);
    assert_eq!(double.get(&token, "/lake?list-type=2").await, 401);
    assert_eq!(post("/_double/mode", json!({"omits_expires_in": true})).await, 200);
    assert_eq!(post("/_double/mode", json!({"omit_expires_in": true})).await, 400);
    assert_eq!(post("/_double/anything", json!({})).await, 400);
    let calls = double.as_bearer("", Method::GET, "/_double/calls", "").await;
    assert_eq!(calls.json()["storage.list"], 4);
}
