//! Signatures that are not right, at both services.

use time::Duration;

use super::client::{read, sha256};
use super::*;
use crate::aws::request::Request;
use crate::aws::sigv4::{PathEncoding, Signature};

fn identity() -> Vec<(String, String)> {
    let pairs = [("Action", "GetCallerIdentity"), ("Version", "2011-06-15")];
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

fn ask() -> Sending {
    Sending::new("POST", "/").service("sts").body("Action=GetCallerIdentity&Version=2011-06-15")
}

#[test]
fn the_example_of_the_documentation_is_signed_as_it_says() {
    // https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
    let (parts, ()) = http::Request::get("/test.txt")
        .header("Host", "examplebucket.s3.amazonaws.com")
        .header("Range", "bytes=0-9")
        .header("x-amz-date", "20130524T000000Z")
        .header("x-amz-content-sha256", sha256(b""))
        .header(
            "Authorization",
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
             SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,\
             Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        )
        .body(())
        .unwrap()
        .into_parts();
    let request = Request::new(parts, bytes::Bytes::new());

    let signature = Signature::read(&request).unwrap().unwrap();
    let is_by = |secret: &str| signature.is_by(secret, &request, &sha256(b""), PathEncoding::Once);
    assert!(is_by("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"));
    assert!(!is_by("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEX"));
}

#[tokio::test]
async fn sts_refuses_what_is_not_signed_right() {
    let (double, cat) = started().await;
    let session = of_role(&double, &cat).await;
    let error =
        |client: Client, sending: Sending| async move { client.send(sending).await.error().1 };
    let mismatch = "SignatureDoesNotMatch";

    let wrong_secret = Client { secret: "another".to_owned(), ..cat.clone() };
    assert_eq!(error(wrong_secret, ask()).await, mismatch);
    let unknown = Client { id: "AKIAUNKNOWN".to_owned(), ..cat.clone() };
    assert_eq!(error(unknown, ask()).await, "InvalidClientTokenId");
    let elsewhere = Client { region: "us-east-1".to_owned(), ..cat.clone() };
    let answer = elsewhere.sts(identity()).await;
    assert_eq!(answer.error(), (403, mismatch.to_owned()));
    assert!(answer.text("Message").unwrap().contains("valid region"));
    assert_eq!(error(cat.clone(), ask().service("s3")).await, mismatch);
    assert_eq!(error(cat.clone(), ask().ahead(Duration::minutes(16))).await, mismatch);
    let answer = cat.send(ask().ahead(Duration::minutes(-16))).await;
    assert!(answer.text("Message").unwrap().starts_with("Signature expired: "));
    assert_eq!(cat.status(ask().ahead(Duration::minutes(-14))).await, 200);
    let other_body = ask().hash(&sha256(b"another"));
    assert_eq!(error(cat.clone(), other_body).await, mismatch);
    let no_token = Client { token: None, ..session.clone() };
    assert_eq!(error(no_token, ask()).await, "InvalidClientTokenId");
    let wrong_token = Client { token: Some("another".to_owned()), ..session.clone() };
    assert_eq!(error(wrong_token, ask()).await, "InvalidClientTokenId");
    let token_of_user = Client { token: session.token.clone(), ..cat.clone() };
    assert_eq!(error(token_of_user, ask()).await, "InvalidClientTokenId");
    let body = "Action=GetCallerIdentity&Version=2011-06-15";
    let bare = reqwest::Client::new().post(&double.endpoint).body(body).send().await.unwrap();
    let answer = read(bare).await;
    assert_eq!(answer.error(), (403, "MissingAuthenticationToken".to_owned()));

    assert_eq!(session.sts(identity()).await.status, 200);
    double.advance(std::time::Duration::from_secs(3601));
    assert_eq!(session.sts(identity()).await.error(), (403, "ExpiredToken".to_owned()));

    double.configure(|settings| settings.sts_region = None);
    assert_eq!(elsewhere.sts(identity()).await.status, 200);
}

#[tokio::test]
async fn s3_refuses_what_is_not_signed_right() {
    let (double, cat) = started().await;
    let session = of_role(&double, &cat).await;
    double.put_object("a", "x");
    let get = || get("/warehouse/a");
    let refused = |status: u16, code: &str| (status, code.to_owned());

    assert_eq!(session.status(get()).await, 200);
    let wrong_secret = Client { secret: "another".to_owned(), ..session.clone() };
    let answer = wrong_secret.send(get()).await;
    assert_eq!(answer.error(), refused(403, "SignatureDoesNotMatch"));
    assert!(answer.text("CanonicalRequest").unwrap().starts_with("GET\n/warehouse/a\n"));
    let unknown = Client { id: "AKIAUNKNOWN".to_owned(), ..session.clone() };
    assert_eq!(unknown.error(get()).await, refused(403, "InvalidAccessKeyId"));
    let no_token = Client { token: None, ..session.clone() };
    assert_eq!(no_token.error(get()).await, refused(403, "InvalidAccessKeyId"));
    let wrong_token = Client { token: Some("another".to_owned()), ..session.clone() };
    assert_eq!(wrong_token.error(get()).await, refused(400, "InvalidToken"));
    let bare = reqwest::get(format!("{}/warehouse/a", double.endpoint)).await.unwrap();
    assert_eq!(read(bare).await.error(), refused(403, "AccessDenied"));
    for (sending, expected) in [
        (get().ahead(Duration::minutes(16)), refused(403, "RequestTimeTooSkewed")),
        (get().ahead(Duration::minutes(-16)), refused(403, "RequestTimeTooSkewed")),
        (get().service("sts"), refused(400, "AuthorizationHeaderMalformed")),
        (get().unsigned_header("x-amz-meta-a", "b"), refused(403, "AccessDenied")),
        (get().hash(""), refused(400, "InvalidRequest")),
        (get().hash("unsigned"), refused(400, "InvalidArgument")),
        (put("/warehouse/b").hash(&sha256(b"y")), refused(400, "XAmzContentSHA256Mismatch")),
        (put("/warehouse/b").header("content-md5", "AAAA"), refused(400, "BadDigest")),
        (put("/warehouse/b").header("x-amz-checksum-crc32", "AAAAAA=="), refused(400, "BadDigest")),
        (
            put("/warehouse/b").header("x-amz-sdk-checksum-algorithm", "CRC32"),
            refused(400, "InvalidRequest"),
        ),
    ] {
        let shown = format!("{sending:?}");
        assert_eq!(session.error(sending).await, expected, "{shown}");
    }
    assert_eq!(double.keys(), ["a"]);
    assert_eq!(session.status(put("/warehouse/b").hash("UNSIGNED-PAYLOAD")).await, 200);

    double.set("clock", &json!({"requests_ahead": 1000})).unwrap();
    assert_eq!(session.error(get()).await, refused(403, "RequestTimeTooSkewed"));
    double.set("clock", &json!({"requests_ahead": 0, "sessions_ahead": 3601})).unwrap();
    assert_eq!(session.error(get()).await, refused(400, "ExpiredToken"));
}

#[tokio::test]
async fn s3_says_which_region_it_is() {
    let (double, cat) = started().await;
    let session = of_role(&double, &cat).await;
    let elsewhere = Client { region: "us-east-1".to_owned(), ..session.clone() };
    let list = || get("/warehouse").query("list-type", "2");

    let answer = elsewhere.send(list()).await;
    assert_eq!(answer.error(), (400, "AuthorizationHeaderMalformed".to_owned()));
    assert_eq!(answer.text("Region").unwrap(), "eu-central-1");
    assert_eq!(
        answer.text("Message").unwrap(),
        "The authorization header is malformed; the region 'us-east-1' is wrong; expecting \
         'eu-central-1'"
    );
    let head = elsewhere.send(Sending::new("HEAD", "/warehouse")).await;
    assert_eq!((head.status, head.header("x-amz-bucket-region")), (400, "eu-central-1"));

    double.set("settings", &json!({"s3_region": "us-east-1"})).unwrap();
    let answer = elsewhere.send(list()).await;
    assert_eq!(answer.error(), (301, "PermanentRedirect".to_owned()));
    assert_eq!(answer.header("x-amz-bucket-region"), "eu-central-1");
    let location = elsewhere.send(get("/warehouse").query("location", "")).await;
    assert_eq!(location.text("LocationConstraint").unwrap(), "eu-central-1");
}

#[tokio::test]
async fn a_presigned_url_is_as_good_as_its_signature() {
    let (double, cat) = started().await;
    let session = of_table(&double, &cat).await;
    double.put_object("db/t/a b", "x");
    double.put_object("db/t2/a", "x");
    let fetch = async |url: String| read(reqwest::get(url).await.unwrap()).await;
    let path = "/warehouse/db/t/a%20b";

    let url = session.presign("GET", path, 60, Duration::ZERO);
    assert_eq!(fetch(url.clone()).await.body, "x");
    let denied = (403, "AccessDenied".to_owned());
    let outside = session.presign("GET", "/warehouse/db/t2/a", 60, Duration::ZERO);
    assert_eq!(fetch(outside).await.error(), denied);
    let old = session.presign("GET", path, 60, Duration::seconds(-61));
    assert_eq!(fetch(old).await.error(), denied);
    let mismatch = (403, "SignatureDoesNotMatch".to_owned());
    assert_eq!(fetch(url.replace("a%20b", "a%20c")).await.error(), mismatch);
    assert_eq!(fetch(url.replace("Expires=60", "Expires=61")).await.error(), mismatch);
    let too_long = session.presign("GET", path, 604_801, Duration::ZERO);
    let malformed = (400, "AuthorizationQueryParametersError".to_owned());
    assert_eq!(fetch(too_long).await.error(), malformed);
}
