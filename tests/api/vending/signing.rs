//! Requests that the server signs, sent to a store that checks the signature.

use merak_model::Privilege;
use merak_tests::{Identity, Response};
use serde_json::{Value, json};

use super::AwsLake;
use crate::fixtures::route;

/// A lake with a table `orders`, and the address of its folder in the store.
async fn lake() -> (AwsLake, String) {
    let lake = AwsLake::start().await;
    lake.create_table("orders").await;
    let folder = format!("{}/{}/lake/sales/orders", lake.cloud.endpoint, lake.cloud.bucket);
    (lake, folder)
}

fn request(lake: &AwsLake, method: &str, uri: &str) -> Value {
    json!({"region": lake.cloud.region, "method": method, "uri": uri, "headers": {}})
}

async fn ask(who: &Identity<'_>, body: Value) -> Response {
    who.post(&format!("{}/sign", route("orders")), body).await
}

/// Sends what was signed, and answers the store's status and text.
async fn send(method: &str, signed: &Value, body: &'static str) -> (u16, String) {
    let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
    let mut request =
        reqwest::Client::new().request(method, signed["uri"].as_str().unwrap()).body(body);
    for (name, values) in signed["headers"].as_object().unwrap() {
        for value in values.as_array().unwrap() {
            request = request.header(name, value.as_str().unwrap());
        }
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn what_is_signed_the_store_takes() {
    let (lake, folder) = lake().await;
    let writer = lake.engineer().await;
    let file = format!("{folder}/data/a%20b.parquet");

    let put = ask(&writer, request(&lake, "PUT", &file)).await.expect(200);
    assert_eq!(send("PUT", &put.json(), "rows").await.0, 200);
    let get = ask(&writer, request(&lake, "GET", &file)).await.expect(200);
    assert_eq!(send("GET", &get.json(), "").await, (200, "rows".to_owned()));
    let bucket = folder.strip_suffix("/lake/sales/orders").unwrap();
    let listing = format!("{bucket}?list-type=2&prefix=lake%2Fsales%2Forders%2Fdata%2F");
    let list = ask(&writer, request(&lake, "GET", &listing)).await.expect(200);
    let (status, text) = send("GET", &list.json(), "").await;
    let delete = ask(&writer, request(&lake, "DELETE", &file)).await.expect(200);
    assert_eq!(send("DELETE", &delete.json(), "").await.0, 204);

    assert!(status == 200 && text.contains("lake/sales/orders/data/a b.parquet"), "{text}");
    assert_eq!(get.header("cache-control"), Some("private"));
    assert_eq!(put.header("cache-control"), Some("no-cache"));
    assert!(lake.cloud.keys().iter().all(|key| !key.ends_with("parquet")));
}

#[tokio::test]
async fn who_may_only_read_gets_no_signature_that_writes() {
    let (lake, folder) = lake().await;
    let reader = lake.principal("reader", &[Privilege::TableReadData]).await;
    let nobody = lake.principal("nobody", &[Privilege::TableReadProperties]).await;
    let file = format!("{folder}/data/a.parquet");

    let _ = ask(&reader, request(&lake, "GET", &file)).await.expect(200);
    for method in ["PUT", "DELETE"] {
        let told = ask(&reader, request(&lake, method, &file)).await.error();
        assert!(told.starts_with("403 ForbiddenException: ") && told.contains("read"), "{told}");
    }
    let _ = ask(&nobody, request(&lake, "GET", &file)).await.expect(403);
}

#[tokio::test]
async fn nothing_outside_the_table_is_signed_for() {
    let (lake, folder) = lake().await;
    let writer = lake.engineer().await;
    let bucket = folder.strip_suffix("/lake/sales/orders").unwrap();
    lake.cloud.forget_calls();

    for (method, uri) in [
        ("GET", format!("{folder}x/data/a.parquet")),
        ("GET", format!("{bucket}/lake/sales/other/a.parquet")),
        ("GET", format!("{folder}/../other/a.parquet")),
        ("GET", format!("{folder}/%2e%2e/other/a.parquet")),
        ("GET", format!("{folder}/..%2Fother/a.parquet")),
        ("GET", format!("{folder}/%252e%252e/other/a.parquet")),
        ("GET", format!("{bucket}?list-type=2")),
        ("GET", format!("{bucket}?list-type=2&prefix=lake%2Fsales%2Forders")),
        ("GET", format!("{bucket}?list-type=2&prefix=lake%2Fsales%2F")),
        ("GET", bucket.to_owned()),
        ("GET", format!("{folder}/data/a.parquet?acl")),
        ("PUT", format!("{folder}/data/a.parquet?tagging")),
        ("PUT", bucket.to_owned()),
        ("DELETE", bucket.to_owned()),
        ("GET", "http://127.0.0.1:1/warehouse/lake/sales/orders/a".to_owned()),
        ("GET", "http://169.254.169.254/latest/meta-data".to_owned()),
        ("PATCH", format!("{folder}/data/a.parquet")),
    ] {
        let told = ask(&writer, request(&lake, method, &uri)).await.error();
        assert!(told.starts_with("403 ForbiddenException: "), "{method} {uri}: {told}");
    }
    let mut copy = request(&lake, "PUT", &format!("{folder}/data/a.parquet"));
    copy["headers"] =
        json!({"x-amz-copy-source": [format!("{}/lake/sales/other/a", lake.cloud.bucket)]});
    let _ = ask(&writer, copy).await.expect(403);
    let mut batch = request(&lake, "POST", &format!("{bucket}?delete"));
    batch["body"] = json!(
        "<Delete><Object><Key>lake/sales/orders/a</Key></Object><Object><Key>lake/sales/other/a\
         </Key></Object></Delete>"
    );
    let _ = ask(&writer, batch).await.expect(403);
    assert_eq!(lake.cloud.calls(), []);
}

#[tokio::test]
async fn a_request_that_is_none_is_told_to_be() {
    let (lake, folder) = lake().await;
    let writer = lake.engineer().await;

    let told = ask(&writer, json!({"region": "r", "method": "GET", "headers": {}})).await.error();
    assert!(told.starts_with("400 "), "{told}");
    let mut other = request(&lake, "GET", &format!("{folder}/a"));
    other["provider"] = json!("gcs");
    let told = ask(&writer, other).await.error();
    assert!(told.starts_with("400 BadRequestException: ") && told.contains("s3"), "{told}");
}
