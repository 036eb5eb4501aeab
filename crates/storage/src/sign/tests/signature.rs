//! Signatures, checked as a store would check them.

use std::collections::BTreeMap;

use aws_lc_rs::{digest, hmac};
use merak_model::storage_config::S3Config;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::{AWS, grant, request, with, with_body, writing};
use crate::AwsKeys;
use crate::sign::{S3RequestToSign, SignedS3Request, judge};
use crate::vend::{CloudSecret, DataAccess, VendedCredentials};

/// 2013-05-24T00:00:00Z, the time of the examples in AWS' documentation.
const NOW_MS: i64 = 1_369_353_600_000;
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn keys(session_token: Option<&str>) -> AwsKeys {
    AwsKeys {
        access_key: "AKIAIOSFODNN7EXAMPLE".into(),
        secret_key: SECRET.into(),
        session_token: session_token.map(Into::into),
    }
}

fn signed(request: &S3RequestToSign, session_token: Option<&str>) -> SignedS3Request {
    writing(request).unwrap().sign(&keys(session_token), NOW_MS).unwrap()
}

fn headers(signed: &SignedS3Request) -> BTreeMap<String, String> {
    let lower = |(name, values): &(String, Vec<String>)| (name.to_lowercase(), values.join(","));
    let headers: BTreeMap<_, _> = signed.headers.iter().map(lower).collect();
    assert_eq!(headers.len(), signed.headers.len(), "a header is there twice");
    headers
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

/// Computes the signature of a request as it arrives, by AWS' description of version 4.
fn verify(method: &str, signed: &SignedS3Request, region: &str) -> BTreeMap<String, String> {
    let headers = headers(signed);
    let rest = signed.uri.split_once("://").unwrap().1;
    let (host_and_path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (host, path) = host_and_path.split_at(host_and_path.find('/').unwrap());
    let again = |text: &str| {
        let text = percent_decode_str(text).decode_utf8().unwrap();
        utf8_percent_encode(&text, UNRESERVED).to_string()
    };
    let mut pairs: Vec<_> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| format!("{}={}", again(name), again(value)))
        .collect();
    pairs.sort();
    let authorization = &headers["authorization"];
    let names = authorization.split_once("SignedHeaders=").unwrap().1.split(',').next().unwrap();
    let mut canonical: String = names
        .split(';')
        .map(|name| match name {
            "host" => format!("host:{host}\n"),
            name => format!("{name}:{}\n", headers[name]),
        })
        .collect();
    canonical = format!(
        "{method}\n{}\n{}\n{canonical}\n{names}\n{}",
        path.split('/').map(again).collect::<Vec<_>>().join("/"),
        pairs.join("&"),
        headers["x-amz-content-sha256"],
    );
    let date = &headers["x-amz-date"];
    let scope = format!("{}/{region}/s3/aws4_request", &date[..8]);
    let hash = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{hash}");
    let mut key = mac(format!("AWS4{SECRET}").as_bytes(), &date[..8]);
    for part in [region, "s3", "aws4_request"] {
        key = mac(&key, part);
    }
    assert_eq!(
        *authorization,
        format!(
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/{scope}, SignedHeaders={names}, \
             Signature={}",
            hex(&mac(&key, &text))
        ),
        "{canonical}"
    );
    // What has a meaning for S3 and is not signed, S3 refuses.
    let names: Vec<_> = names.split(';').collect();
    assert!(headers.keys().all(|name| !name.starts_with("x-amz-") || names.contains(&&**name)));
    headers
}

#[test]
fn the_example_of_aws_has_the_signature_that_aws_gives() {
    let uri = "https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J";
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let mut list = with(("x-amz-content-sha256", empty), request("GET", uri));
    "us-east-1".clone_into(&mut list.region);
    let grant = grant(DataAccess::Read, &["s3://examplebucket"]);

    let judged = judge(&list, &S3Config::default(), &grant).unwrap();
    let signed = judged.sign(&keys(None), NOW_MS).unwrap();

    assert_eq!(
        headers(&signed)["authorization"],
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
         SignedHeaders=host;x-amz-content-sha256;x-amz-date, \
         Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
    );
    verify("GET", &signed, "us-east-1");
}

#[test]
fn a_store_computes_the_same_signature() {
    for (method, path) in [
        ("GET", "/db/t/x"),
        ("GET", "/db/t/a%3Db%20c%253A/%E6%B9%96?versionId=a%2Fb%3D"),
        ("GET", "/db/t/a=b:c,d@e!f$g&h'i(j)k*l;m~n?versionId=1"),
        ("GET", "?list-type=2&prefix=db%2Ft%2F%20x&delimiter=/&continuation-token=a%2Bb%3D%3D"),
        ("PUT", "/db/t/x?uploadId=u-%C3%A4&partNumber=10"),
        ("POST", "/db/t/x?uploads"),
        ("DELETE", "/db/t/x"),
    ] {
        for token in [None, Some("token-hunter2")] {
            let signed = signed(&request(method, &format!("{AWS}{path}")), token);

            let headers = verify(method, &signed, "eu-west-1");
            assert_eq!(headers["x-amz-date"], "20130524T000000Z");
            assert_eq!(headers["x-amz-content-sha256"], "UNSIGNED-PAYLOAD");
            assert_eq!(headers.get("x-amz-security-token").map(String::as_str), token);
            assert_eq!(signed.is_repeatable, method == "GET");
            assert!(!format!("{signed:?}").contains("hunter2"));
        }
    }
}

#[test]
fn headers_are_kept_and_those_with_a_meaning_signed() {
    let mut put = request("PUT", &format!("{AWS}/db/t/x"));
    for header in [
        ("Host", "lake.s3.eu-west-1.amazonaws.com"),
        ("Content-Type", "application/octet-stream"),
        ("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg=="),
        ("X-Amz-Meta-A", "  b   c "),
        ("x-amz-server-side-encryption", "AES256"),
        ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
        ("x-amz-trailer", "x-amz-checksum-crc32"),
        ("User-Agent", "iceberg"),
        ("amz-sdk-invocation-id", "1"),
        ("x-amzn-trace-id", "2"),
        ("If-None-Match", "*"),
        ("Authorization", "AWS4-HMAC-SHA256 old"),
        ("X-Amz-Date", "20000101T000000Z"),
        ("X-Amz-Security-Token", "old"),
    ] {
        put = with(header, put);
    }
    put.headers.push(("Accept".to_owned(), vec!["a".to_owned(), "b".to_owned()]));

    let signed = signed(&put, None);

    let headers = headers(&signed);
    assert_eq!(headers["user-agent"], "iceberg");
    assert_eq!(headers["accept"], "a,b");
    assert_eq!(headers["x-amz-content-sha256"], "STREAMING-UNSIGNED-PAYLOAD-TRAILER");
    assert_eq!(headers["x-amz-date"], "20130524T000000Z");
    assert!(!headers.contains_key("x-amz-security-token"));
    let names = headers["authorization"].split_once("SignedHeaders=").unwrap().1;
    assert_eq!(
        names.split(',').next().unwrap(),
        "content-md5;content-type;host;x-amz-content-sha256;x-amz-date;x-amz-meta-a;\
         x-amz-server-side-encryption;x-amz-trailer"
    );
}

#[test]
fn the_list_of_what_is_removed_is_signed_as_it_was_judged() {
    let body = "<Delete><Object><Key>db/t/x</Key></Object></Delete>";
    let post = with_body(body, request("POST", &format!("{AWS}/?delete")));

    for post in [post.clone(), with(("x-amz-content-sha256", "UNSIGNED-PAYLOAD"), post)] {
        let signed = signed(&post, None);

        let headers = verify("POST", &signed, "eu-west-1");
        let hash = hex(digest::digest(&digest::SHA256, body.as_bytes()).as_ref());
        assert_eq!(headers["x-amz-content-sha256"], hash);
        assert!(!signed.is_repeatable);
    }
}

#[test]
fn the_source_of_a_copy_is_signed() {
    let put = request("PUT", &format!("{AWS}/db/t/x"));
    let signed = signed(&with(("x-amz-copy-source", "lake/db/t/y"), put), None);

    verify("PUT", &signed, "eu-west-1");
}

#[test]
fn vended_credentials_can_sign() {
    let vended = |secret| VendedCredentials { secret, expires_at_ms: 0, id: "id".to_owned() };
    let aws = vended(CloudSecret::Aws {
        access_key: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        secret_key: SECRET.into(),
        session_token: "token-hunter2".into(),
    });
    let judged = writing(&request("GET", &format!("{AWS}/db/t/x"))).unwrap();

    let signed = judged.sign(&aws.aws_keys().unwrap(), NOW_MS).unwrap();

    let headers = verify("GET", &signed, "eu-west-1");
    assert_eq!(headers["x-amz-security-token"], "token-hunter2");
    assert!(vended(CloudSecret::Google { token: "t".into() }).aws_keys().is_none());
}
