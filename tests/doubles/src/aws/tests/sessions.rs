//! How far a session reaches: the role's policy and the session's, both.

use super::*;

const BATCH: &str = "<Delete><Object><Key>db/t/a</Key></Object><Object><Key>db/t2/a</Key></Object>\
                     </Delete>";

fn batch() -> Sending {
    let md5 = base64::Engine::encode(
        &base64::prelude::BASE64_STANDARD,
        crate::aws::checksum::md5(BATCH.as_bytes()),
    );
    Sending::new("POST", "/warehouse").query("delete", "").header("content-md5", &md5).body(BATCH)
}

fn list(prefix: &str) -> Sending {
    get("/warehouse").query("list-type", "2").query("prefix", prefix)
}

fn copy(from: &str) -> Sending {
    Sending::new("PUT", "/warehouse/db/t/copy").header("x-amz-copy-source", from)
}

#[tokio::test]
async fn a_session_of_a_table_reaches_its_files_and_nothing_else() {
    let (double, cat) = started().await;
    for key in ["db/t/a", "db/t2/a", "db/tx", "other"] {
        double.put_object(key, "x");
    }
    let session = of_table(&double, &cat).await;
    for (sending, status) in [
        (get("/warehouse/db/t/a"), 200),
        (Sending::new("HEAD", "/warehouse/db/t/a"), 200),
        (put("/warehouse/db/t/b"), 200),
        (copy("/warehouse/db/t/a"), 200),
        (Sending::new("DELETE", "/warehouse/db/t/b"), 204),
        (list("db/t/"), 200),
        (list("db/t"), 200),
        (list("db/t/data/"), 200),
        (get("/warehouse").query("prefix", "db/t/"), 200),
        (get("/warehouse/db/t2/a"), 403),
        (Sending::new("HEAD", "/warehouse/db/t2/a"), 403),
        (get("/warehouse/db/tx"), 403),
        (get("/warehouse/db/t"), 403),
        (get("/warehouse/other"), 403),
        (put("/warehouse/db/t2/b"), 403),
        (put("/warehouse/b"), 403),
        (Sending::new("DELETE", "/warehouse/db/t2/a"), 403),
        (copy("/warehouse/db/t2/a"), 403),
        (copy("/warehouse/other"), 403),
        (list("db/t2/"), 403),
        (list("db/"), 403),
        (list(""), 403),
        (get("/warehouse").query("list-type", "2"), 403),
        (get("/warehouse"), 403),
        (Sending::new("HEAD", "/warehouse"), 403),
        (get("/warehouse").query("location", ""), 403),
        (get("/warehouse").query("uploads", ""), 403),
        (get("/"), 403),
        (Sending::new("PUT", "/new-bucket"), 403),
        (put("/warehouse/db/t/b").header("x-amz-tagging", "a=b"), 403),
        (get("/absent/db/t/a"), 404),
    ] {
        let shown = format!("{sending:?}");
        assert_eq!(session.status(sending).await, status, "{shown}");
    }
    assert_eq!(double.object("db/t/copy").unwrap(), "x");
    assert_eq!(double.keys(), ["db/t/a", "db/t/copy", "db/t2/a", "db/tx", "other"]);
}

#[tokio::test]
async fn a_refusal_says_which_policy_is_silent() {
    let (double, cat) = started().await;
    let session = of_table(&double, &cat).await;
    let message = |answer: client::Answer| answer.text("Message").unwrap();
    let who = "User: arn:aws:sts::444455556666:assumed-role/lake/merak-test is not authorized to \
               perform: s3:GetObject on resource: \"arn:aws:s3:::warehouse/x\" ";

    assert_eq!(
        message(session.send(get("/warehouse/x")).await),
        format!("{who}because no session policy allows the s3:GetObject action")
    );
    double.set("roles", &json!({"name": "lake", "policy": null})).unwrap();
    assert_eq!(
        message(session.send(get("/warehouse/x")).await),
        format!("{who}because no identity-based policy allows the s3:GetObject action")
    );
    let deny = document(json!([{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]));
    double.set("roles", &json!({"name": "lake", "policy": deny})).unwrap();
    assert_eq!(
        message(session.send(get("/warehouse/x")).await),
        format!("{who}with an explicit deny in an identity-based policy")
    );
}

#[tokio::test]
async fn a_session_policy_cannot_give_what_the_role_has_not() {
    let (double, cat) = started().await;
    double.put_object("a", "x");
    let read = document(json!([
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::warehouse/*"}
    ]));
    double.set("roles", &json!({"name": "lake", "policy": read})).unwrap();
    let all = document(json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}])).to_string();
    let session = cat.session(with(assume(&double), "Policy", Some(&all))).await;

    assert_eq!(session.status(get("/warehouse/a")).await, 200);
    assert_eq!(session.status(put("/warehouse/a")).await, 403);
    // The keys of another account, and a bucket that no policy of its own opens to them.
    assert_eq!(cat.status(get("/warehouse/a")).await, 403);
    let all = document(json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}]));
    double.set("users", &json!({"name": "cat", "policy": all})).unwrap();
    assert_eq!(cat.status(get("/warehouse/a")).await, 403);
    double.set("users", &json!({"name": "cow", "account": "444455556666", "policy": all})).unwrap();
}

#[tokio::test]
async fn a_batch_is_deleted_key_by_key() {
    let (double, cat) = started().await;
    double.put_object("db/t/a", "x");
    double.put_object("db/t2/a", "x");
    let session = of_table(&double, &cat).await;

    let answer = session.send(batch()).await;

    assert_eq!(answer.status, 200);
    assert_eq!(answer.texts("Deleted", "Key"), ["db/t/a"]);
    assert_eq!(answer.texts("Error", "Key"), ["db/t2/a"]);
    assert_eq!(answer.texts("Error", "Code"), ["AccessDenied"]);
    assert_eq!(double.keys(), ["db/t2/a"]);
    let bare = Sending::new("POST", "/warehouse").query("delete", "").body(BATCH);
    assert_eq!(session.error(bare).await, (400, "InvalidRequest".to_owned()));
}

#[tokio::test]
async fn what_is_missing_is_hidden_from_those_who_may_not_list() {
    let (double, cat) = started().await;
    let narrow = of_table(&double, &cat).await;
    let wide = of_role(&double, &cat).await;
    let absent = || get("/warehouse/db/t/absent");

    assert_eq!(wide.error(absent()).await, (404, "NoSuchKey".to_owned()));
    assert_eq!(narrow.error(absent()).await, (403, "AccessDenied".to_owned()));
    double.configure(|settings| settings.hide_missing = false);
    assert_eq!(narrow.error(absent()).await, (404, "NoSuchKey".to_owned()));
}

#[tokio::test]
async fn a_location_with_wildcards_in_its_name_is_one_location() {
    let (double, cat) = started().await;
    for key in ["a*b/x", "aab/x", "a$b/x"] {
        double.put_object(key, "x");
    }
    let policy = document(json!([{
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": ["arn:aws:s3:::warehouse/a${*}b/*", "arn:aws:s3:::warehouse/a${$}b/*"],
    }]));
    let session = cat.session(with(assume(&double), "Policy", Some(&policy.to_string()))).await;

    assert_eq!(session.status(get("/warehouse/a%2Ab/x")).await, 200);
    assert_eq!(session.status(get("/warehouse/a%24b/x")).await, 200);
    assert_eq!(session.status(get("/warehouse/aab/x")).await, 403);
}

#[tokio::test]
async fn the_parts_of_an_upload_need_permissions_of_their_own() {
    let (double, cat) = started().await;
    let path = "/warehouse/db/t/big";
    let full = of_table(&double, &cat).await;
    let write = document(json!([
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::warehouse/db/t/*"}
    ]));
    let write = with(assume(&double), "Policy", Some(&write.to_string()));
    let write = cat.session(write).await;
    let answer = write.send(Sending::new("POST", path).query("uploads", "")).await;
    let id = answer.text("UploadId").unwrap();
    let of_upload = |method: &str| Sending::new(method, path).query("uploadId", &id);

    assert_eq!(write.status(of_upload("PUT").query("partNumber", "1").body("x")).await, 200);
    assert_eq!(write.status(of_upload("GET")).await, 403);
    assert_eq!(write.status(of_upload("DELETE")).await, 403);
    assert_eq!(full.send(of_upload("GET")).await.texts("Part", "PartNumber"), ["1"]);
    assert_eq!(full.status(of_upload("DELETE")).await, 204);
    assert_eq!(full.error(of_upload("GET")).await, (404, "NoSuchUpload".to_owned()));
}
