//! Objects, by both of the storage service's APIs.

use super::*;

#[tokio::test]
async fn nobody_is_let_in_without_a_live_token() {
    let double = start().await;

    for path in ["/lake/a", "/storage/v1/b/lake/o/a", "/lake?list-type=2", "/storage/v1/b/lake/o"] {
        assert_eq!(sent(double.request(Method::GET, path)).await.status, 401, "{path}");
        assert_eq!(double.get("ya29.junk", path).await, 401, "{path}");
        let basic = double.request(Method::GET, path).basic_auth("a", Some("b"));
        assert_eq!(sent(basic).await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn an_object_goes_in_and_out_by_xml() {
    let double = start().await;
    let token = double.token_of(SERVER);
    let path = "/lake/db1/a%20b";

    let put = double.as_bearer(&token, Method::PUT, path, "0123456789").await;
    assert_eq!(put.status, 200, "{}", put.body);
    let etag = put.headers["etag"].clone();
    let got = double.as_bearer(&token, Method::GET, path, "").await;
    assert_eq!((got.body.as_str(), &got.headers["etag"]), ("0123456789", &etag));
    assert!(got.headers["x-goog-hash"].to_str().unwrap().starts_with("crc32c="));
    let head = double.as_bearer(&token, Method::HEAD, path, "").await;
    assert_eq!(head.headers["content-length"], "10");
    let part = double.request(Method::GET, path).bearer_auth(&token).header("range", "bytes=2-4");
    let part = sent(part).await;
    assert_eq!((part.status, part.body.as_str()), (206, "234"));
    assert_eq!(part.headers["content-range"], "bytes 2-4/10");
    let outside =
        double.request(Method::GET, path).bearer_auth(&token).header("range", "bytes=10-");
    assert_eq!(sent(outside).await.status, 416);
    let list = double.as_bearer(&token, Method::GET, "/lake?list-type=2&prefix=db1/", "").await;
    assert!(list.body.contains("<Key>db1/a b</Key>"), "{}", list.body);
    assert_eq!(double.delete(&token, path).await, 204);
    assert_eq!(double.delete(&token, path).await, 404);
    assert_eq!(double.get(&token, path).await, 404);
}

#[tokio::test]
async fn a_conditional_create_is_done_once() {
    let double = start().await;
    let token = double.token_of(SERVER);
    let xml = |generation: String| {
        let request = double.request(Method::PUT, "/lake/a").bearer_auth(&token).body("data");
        sent(request.header("x-goog-if-generation-match", generation))
    };
    let json = "/upload/storage/v1/b/lake/o?uploadType=media&name=a&ifGenerationMatch=0";

    let first = xml("0".to_owned()).await;
    assert_eq!(first.status, 200);
    assert_eq!(xml("0".to_owned()).await.status, 412);
    assert_eq!(double.as_bearer(&token, Method::POST, json, "data").await.status, 412);
    let generation = first.headers["x-goog-generation"].to_str().unwrap().to_owned();
    assert_eq!(xml(generation.clone()).await.status, 200);
    assert_eq!(xml(generation).await.status, 412);
    let unknown = double.request(Method::PUT, "/lake/b").bearer_auth(&token).body("data");
    assert_eq!(sent(unknown.header("if-none-match", "*")).await.status, 501);
}

#[tokio::test]
async fn whoever_may_only_create_replaces_nothing() {
    let double = start().await;
    let role = "roles/storage.objectCreator";
    double.configure(|settings| settings.grants = vec![Grant::new(LAKE, BUCKET, role)]);
    let token = double.token_of(LAKE);

    assert_eq!(double.put(&token, "/lake/a").await, 200);
    assert_eq!(double.put(&token, "/lake/a").await, 403);
    assert_eq!(double.get(&token, "/lake/a").await, 403);
}

#[tokio::test]
async fn a_copy_needs_rights_on_both_names() {
    let double = start().await;
    double.put_object(BUCKET, "db1/t1/a", "inside");
    double.put_object(BUCKET, "db1/t2/a", "outside");
    let narrowed = double.narrowed(&double.token_of(LAKE), &rules_for("db1/t1/", true)).await;
    let token = narrowed.json()["access_token"].as_str().unwrap().to_owned();
    let xml = |from: &'static str, to: &str| {
        let request = double.request(Method::PUT, to).bearer_auth(&token);
        sent(request.header("x-goog-copy-source", from))
    };
    let json = |from: &str, to: &str| {
        let path = format!("/storage/v1/b/lake/o/{from}/rewriteTo/b/lake/o/{to}");
        let (double, token) = (&double, &token);
        async move { double.as_bearer(token, Method::POST, &path, "{}").await }
    };

    assert_eq!(xml("lake/db1%2Ft1%2Fa", "/lake/db1/t1/b").await.status, 200);
    assert_eq!(xml("lake/db1%2Ft2%2Fa", "/lake/db1/t1/c").await.status, 403);
    assert_eq!(xml("lake/db1%2Ft1%2Fa", "/lake/db1/t2/c").await.status, 403);
    assert_eq!(json("db1%2Ft1%2Fa", "db1%2Ft1%2Fd").await.json()["done"], true);
    assert_eq!(json("db1%2Ft2%2Fa", "db1%2Ft1%2Fe").await.status, 403);
    assert_eq!(double.object(BUCKET, "db1/t1/b").unwrap(), "inside");
    assert_eq!(double.object(BUCKET, "db1/t1/d").unwrap(), "inside");
    assert!(double.object(BUCKET, "db1/t1/c").is_none());
}

#[tokio::test]
async fn scopes_bind_too() {
    let double = start().await;
    let scope = |name: &str| format!("https://www.googleapis.com/auth/{name}");
    let read_only = double.state.issue(LAKE, &[&scope("devstorage.read_only")]).0;
    let other = double.state.issue(LAKE, &[&scope("bigquery")]).0;

    assert_eq!(double.get(&read_only, "/lake?list-type=2").await, 200);
    assert_eq!(double.put(&read_only, "/lake/a").await, 403);
    assert_eq!(double.get(&other, "/lake?list-type=2").await, 403);
}

#[tokio::test]
async fn multipart_and_resumable_uploads_by_json() {
    let double = start().await;
    let token = double.token_of(SERVER);
    let body = "--x\r\nContent-Type: application/json\r\n\r\n{\"name\":\"db1/m\"}\r\n\
                --x\r\nContent-Type: text/plain\r\n\r\nline\r\nline\r\n--x--\r\n";
    let path = "/upload/storage/v1/b/lake/o?uploadType=multipart";
    let request = double.request(Method::POST, path).bearer_auth(&token).body(body);
    let answer = sent(request.header("content-type", "multipart/related; boundary=x")).await;
    assert_eq!(answer.json()["contentType"], "text/plain", "{}", answer.body);
    assert_eq!(double.object(BUCKET, "db1/m").unwrap(), "line\r\nline");

    let path = "/upload/storage/v1/b/lake/o?uploadType=resumable&name=db1/r";
    let started = double.as_bearer(&token, Method::POST, path, "{}").await;
    let location = started.headers["location"].to_str().unwrap().to_owned();
    let session = location.strip_prefix(&double.endpoint).unwrap().to_owned();
    let chunk = |range: &'static str, body: Vec<u8>| {
        sent(double.request(Method::PUT, &session).header("content-range", range).body(body))
    };
    let half = vec![7; 256 << 10];
    assert_eq!(chunk("bytes 0-99/*", vec![7; 100]).await.status, 400);
    let first = chunk("bytes 0-262143/*", half.clone()).await;
    assert_eq!((first.status, &first.headers["range"]), (308, &"bytes=0-262143".parse().unwrap()));
    assert_eq!(chunk("bytes */*", Vec::new()).await.status, 308);
    assert_eq!(chunk("bytes 0-262143/262244", half).await.status, 400);
    let last = chunk("bytes 262144-262243/262244", vec![7; 100]).await;
    assert_eq!((last.status, &last.json()["size"]), (200, &json!("262244")));
    assert_eq!(chunk("bytes */*", Vec::new()).await.status, 404);
    let stranger = double.token_of(STRANGER);
    let refused = double.as_bearer(&stranger, Method::POST, path, "{}").await;
    assert_eq!(refused.status, 403);
}

#[tokio::test]
async fn an_upload_in_parts_by_xml() {
    let double = start().await;
    let token = double.token_of(SERVER);
    let started = double.as_bearer(&token, Method::POST, "/lake/a?uploads", "").await;
    let id = crate::http_text::xml_contents(&started.body, "UploadId").remove(0);
    let part = |number: u32, body: &'static str| {
        let path = format!("/lake/a?partNumber={number}&uploadId={id}");
        let (double, token) = (&double, &token);
        async move {
            let answer = double.as_bearer(token, Method::PUT, &path, body).await;
            answer.headers["etag"].to_str().unwrap().to_owned()
        }
    };
    let (one, two) = (part(1, "one").await, part(2, "two").await);
    let complete = |first: &str| {
        let body = format!(
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{first}</ETag></Part>\
             <Part><PartNumber>2</PartNumber><ETag>{two}</ETag></Part></CompleteMultipartUpload>"
        );
        let (double, token, path) = (&double, &token, format!("/lake/a?uploadId={id}"));
        async move { double.as_bearer(token, Method::POST, &path, &body).await.status }
    };

    assert_eq!(complete(&two).await, 400);
    assert_eq!(complete(&one).await, 200);
    assert_eq!(double.object(BUCKET, "a").unwrap(), "onetwo");
    assert_eq!(complete(&one).await, 404);
}

#[tokio::test]
async fn another_service_keeps_the_objects_and_conditions_hold_all_the_same() {
    let data = start().await;
    let open = Bound::bind(0).await.unwrap();
    let url = open.endpoint();
    // It lets everybody in, and looks at no condition.
    let state = Arc::clone(&data.state);
    let router = Router::new().fallback(move |request: Request<Body>| {
        let state = Arc::clone(&state);
        async move {
            let mut asked = Asked::read(request).await;
            assert!(asked.bearer().is_none(), "it is not to see the token");
            let token = format!("Bearer {}", state.issue(SERVER, &[state::CLOUD_PLATFORM]).0);
            asked.headers.insert("authorization", token.parse().unwrap());
            asked.headers.remove("x-goog-if-generation-match");
            storage::answer(&state, asked).await
        }
    });
    let _serving = open.serve(router);
    let double = start_with(Options { data: Some(url), ..Options::default() }).await.unwrap();
    let token = double.token_of(SERVER);
    let create = || {
        let request = double.request(Method::PUT, "/lake/a").bearer_auth(&token).body("data");
        sent(request.header("x-goog-if-generation-match", "0"))
    };

    assert_eq!(create().await.status, 200);
    assert_eq!(create().await.status, 412);
    assert_eq!(data.object(BUCKET, "a").unwrap(), "data");
    assert!(double.object(BUCKET, "a").is_none());
    let got = double.as_bearer(&token, Method::GET, "/lake/a", "").await;
    assert_eq!((got.status, got.body.as_str()), (200, "data"));
    assert_eq!(double.get(&double.token_of(STRANGER), "/lake/a").await, 403);
}
