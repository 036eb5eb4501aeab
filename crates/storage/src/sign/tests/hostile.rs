//! What nobody gets a signature for.

use merak_model::storage_config::S3Config;

use super::{AWS, at_endpoint, grant, request, with, with_body, writing};
use crate::sign::{S3RequestToSign, SignRefusal, judge};
use crate::vend::DataAccess;

fn refused(request: &S3RequestToSign) -> String {
    match writing(request) {
        Ok(judged) => panic!("{} {} was judged {judged:?}", request.method, request.uri),
        Err(refusal) => refusal.to_string(),
    }
}

#[test]
fn objects_outside_are_out_of_reach() {
    for path in [
        "/db/t",
        "/db/t2/x",
        "/db/tx",
        "/db/",
        "/db/t%2/x",
        "/x",
        "/DB/T/x",
        "/db/t%00/x",
        "/db/t%20/x",
        "/x/db/t/x",
    ] {
        refused(&request("GET", &format!("{AWS}{path}")));
        refused(&request("PUT", &format!("{AWS}{path}")));
        refused(&request("DELETE", &format!("{AWS}{path}")));
    }
    let outside = writing(&request("GET", &format!("{AWS}/db/t2/x"))).unwrap_err();
    assert_eq!(
        outside.to_string(),
        "The request is not signed: 's3://lake/db/t2/x' is outside the locations of the table"
    );
}

#[test]
fn paths_that_another_could_read_otherwise_are_refused() {
    for path in [
        "/db/t/../t2/x",
        "/db/t/./x",
        "/db/t/..",
        "/db/t/%2e%2e/t2/x",
        "/db/t/%2E./t2/x",
        "/db/t/..%2ft2/x",
        "/db/t/..%2Ft2%2Fx",
        "/db/t/%252e%252e/t2/x",
        "/db/t/..%252ft2/x",
        "/db/t/%25252e%25252e/t2",
        "/db/t/..%5ct2",
        "/db/t/..%255ct2",
        "/db/t/..\\t2",
        "/db/t//x",
        "//db/t/x",
        "/db//t/x",
        "/db%2Ft/x",
        "/db/t/%",
        "/db/t/%4",
        "/db/t/%zz",
        "/db/t/%+41",
        "/db/t/%ff",
        "/db/t/%c0%ae%c0%ae/t2",
        "/db/t/%0a",
        "/db/t/x#y",
        "/db/t/x y",
        "/db/t/x\ny",
        "/db/t/ä",
    ] {
        let refusal = refused(&request("GET", &format!("{AWS}{path}")));
        assert!(refusal.starts_with("The request is not signed: "), "{path}: {refusal}");
    }
}

#[test]
fn other_hosts_get_no_signature() {
    for uri in [
        "https://evil.example/lake/db/t/x",
        "https://lake.s3.eu-west-1.amazonaws.com.evil.example/db/t/x",
        "https://lake.s3.eu-west-1.amazonaws.com@evil.example/db/t/x",
        "https://evil.example@lake.s3.eu-west-1.amazonaws.com/db/t/x",
        "https://lake.s3.eu-west-1.amazonaws.com:8443/db/t/x",
        "https://lake.s3.eu-west-1.amazonaws.com:/db/t/x",
        "http://lake.s3.eu-west-1.amazonaws.com/db/t/x",
        "HTTPS://lake.s3.eu-west-1.amazonaws.com/db/t/x",
        "//lake.s3.eu-west-1.amazonaws.com/db/t/x",
        "/db/t/x",
        "",
        "https:///db/t/x",
        "https://lake.s3.us-east-1.amazonaws.com/db/t/x",
        "https://lake.s3.eu-west-1.amazonaws.com.cn/db/t/x",
        "https://lake2.s3.eu-west-1.amazonaws.com/db/t/x",
        "https://x.lake.s3.eu-west-1.amazonaws.com/db/t/x",
        "https://lake.s3-control.eu-west-1.amazonaws.com/db/t/x",
        "https://lake.sts.eu-west-1.amazonaws.com/db/t/x",
        "https://sts.amazonaws.com/lake/db/t/x",
        "https://s3-accelerate.amazonaws.com/lake/db/t/x",
        "https://lakes3.eu-west-1.amazonaws.com/db/t/x",
        "https://s3.eu-west-1.amazonaws.com/lake2/db/t/x",
        "https://s3.eu-west-1.amazonaws.com/l%61ke/db/t/x",
        "https://s3.eu-west-1.amazonaws.com//lake/db/t/x",
        "https://s3.eu-west-1.amazonaws.com/./lake/db/t/x",
        "https://lake.s3.eu-west-1.amazonaws.com./db/t/x",
        "https://LAKE.s3.eu-west-1.amazonaws.com/db/t/x",
        "https://[::1]/lake/db/t/x",
    ] {
        refused(&request("GET", uri));
    }
    for (endpoint, uri) in [
        ("http://127.0.0.1:9000", "http://127.0.0.1:9001/lake/db/t/x"),
        ("http://127.0.0.1:9000", "https://127.0.0.1:9000/lake/db/t/x"),
        ("http://127.0.0.1:9000", "http://lake.127.0.0.1:9000/db/t/x"),
        ("http://127.0.0.1:9000", "https://lake.s3.eu-west-1.amazonaws.com/db/t/x"),
        ("https://store.example", "https://lake.store.example.evil/db/t/x"),
        ("https://store.example", "https://evil.store.example/lake/db/t/x"),
        ("https://store.example", "http://store.example/lake/db/t/x"),
        ("https://store.example/s3", "https://store.example/lake/db/t/x"),
        ("https://store.example/s3", "https://store.example/s3x/lake/db/t/x"),
        ("https://store.example/s3", "https://store.example/s3/../lake/db/t/x"),
    ] {
        let judged = at_endpoint(endpoint, &request("GET", uri));
        assert!(judged.is_err(), "{uri} at {endpoint}");
    }
    for region in ["", "eu west", "EU", "eu-west-1.amazonaws.com/x", "eu/../x"] {
        let mut get = request("GET", &format!("{AWS}/db/t/x"));
        region.clone_into(&mut get.region);
        assert!(refused(&get).contains("is no region"));
    }
}

#[test]
fn an_internal_endpoint_is_not_aws() {
    let config =
        S3Config { endpoint_internal: Some("http://minio:9000".to_owned()), ..S3Config::default() };
    let grant = grant(DataAccess::Read, &["s3://lake/db/t"]);

    assert!(judge(&request("GET", &format!("{AWS}/db/t/x")), &config, &grant).is_err());
    assert!(judge(&request("GET", "http://minio:9000/lake/db/t/x"), &config, &grant).is_ok());
}

#[test]
fn what_is_not_known_is_not_signed() {
    for (method, path) in [
        ("GET", "/db/t/x?acl"),
        ("PUT", "/db/t/x?acl"),
        ("GET", "/db/t/x?tagging"),
        ("PUT", "/db/t/x?tagging"),
        ("PUT", "/db/t/x?retention"),
        ("PUT", "/db/t/x?legal-hold"),
        ("PUT", "/db/t/x?renameObject"),
        ("POST", "/db/t/x?restore"),
        ("POST", "/db/t/x?select&select-type=2"),
        ("GET", "/db/t/x?attributes"),
        ("GET", "/db/t/x?torrent"),
        ("GET", "/db/t/x?response-content-type=text/html"),
        ("GET", "/db/t/x?X-Amz-Signature=a"),
        ("GET", "/db/t/x?versionid=1"),
        ("GET", "/db/t/x?%61cl"),
        ("GET", "/db/t/x?unknown=1"),
        ("GET", "/db/t/x?=1"),
        ("GET", "/db/t/x?&"),
        ("GET", "/db/t/x?versionId=1&versionId=2"),
        ("GET", "/db/t/x?versionId=1&%76ersionId=2"),
        ("GET", "/db/t/x?versionId=1;acl"),
        ("GET", "/db/t/x?uploads"),
        ("DELETE", "/db/t/x?versionId=1"),
        ("PUT", "/db/t/x?uploadId=u"),
        ("PUT", "/db/t/x?partNumber=1"),
        ("POST", "/db/t/x?uploads=1"),
        ("POST", "/db/t/x?uploads&uploadId=u"),
        ("POST", "/db/t/x"),
        ("PATCH", "/db/t/x"),
        ("OPTIONS", "/db/t/x"),
        ("get", "/db/t/x"),
        ("GET /db/t2/x HTTP/1.1\r\nx:", "/db/t/x"),
        ("GET", "/?acl"),
        ("GET", "/?policy"),
        ("GET", "/?uploads&prefix=db/t/"),
        ("GET", "/?versions&prefix=db/t/"),
        ("GET", "/?versioning"),
        ("GET", "/?location"),
        ("PUT", "/?cors"),
        ("PUT", "/?website"),
        ("PUT", "/?lifecycle"),
        ("PUT", "/?object-lock"),
        ("PUT", "/"),
        ("DELETE", "/"),
        ("DELETE", "/?policy"),
        ("HEAD", "/"),
        ("POST", "/"),
    ] {
        let refusal = refused(&request(method, &format!("{AWS}{path}")));
        assert!(!refusal.contains(['\r', '\n']), "{refusal}");
    }
}

#[test]
fn lists_stay_below_the_location() {
    for query in [
        "",
        "?list-type=2",
        "?list-type=1&prefix=db/t/",
        "?prefix=",
        "?prefix=db",
        "?prefix=db/",
        "?prefix=db/t",
        "?prefix=db/t2/",
        "?prefix=db/t%2",
        "?prefix=db/t/&prefix=db/",
        "?prefix=db/t/&Prefix=",
        "?prefix=db/t/../",
        "?prefix=db/t/..",
        "?prefix=db%2Ft%2F..%2Ft2",
        "?prefix=db/t/%2e%2e/",
        "?prefix=db/t/%252e%252e/",
        "?prefix=db/t//",
        "?prefix=/db/t/",
        "?prefix=db/t/+x",
        "?delimiter=/&prefix=/",
    ] {
        refused(&request("GET", &format!("{AWS}/{query}")));
    }
}

#[test]
fn copies_take_nothing_from_elsewhere() {
    for source in [
        "",
        "lake",
        "lake/",
        "lake/db/t",
        "lake/db/t2/x",
        "other/db/t/x",
        "//lake/db/t/x",
        "lake/db/t/../t2/x",
        "lake/db/t/%2e%2e/t2/x",
        "lake/db/t/%252e%252e/t2/x",
        "lake/db/t/a+b",
        "lake/db/t/x?versionId=1&acl",
        "lake/db/t/x?acl",
        "lake/db/t/x?versionId=1?versionId=2",
        "arn:aws:s3:eu-west-1:1:accesspoint/p/object/db/t/x",
        "lake/db/t/%ff",
        "lake/db/t/\u{e4}",
    ] {
        let put = request("PUT", &format!("{AWS}/db/t/x"));
        refused(&with(("x-amz-copy-source", source), put));
    }
    let twice =
        with(("x-amz-copy-source", "lake/db/t/y"), request("PUT", &format!("{AWS}/db/t/x")));
    refused(&with(("X-Amz-Copy-Source", "lake/db/t/y"), twice.clone()));
    let mut two_values = twice;
    two_values.headers[0].1.push("lake/db/t2/x".to_owned());
    refused(&two_values);
    let get = request("GET", &format!("{AWS}/db/t/x"));
    refused(&with(("x-amz-copy-source", "lake/db/t/y"), get));
}

#[test]
fn headers_that_give_more_than_the_object_are_not_signed() {
    for header in [
        ("x-amz-acl", "public-read"),
        ("X-Amz-Acl", "public-read"),
        ("x-amz-grant-full-control", "id=1"),
        ("x-amz-tagging", "a=b"),
        ("x-amz-tagging-directive", "COPY"),
        ("x-amz-website-redirect-location", "https://evil.example"),
        ("x-amz-object-lock-mode", "COMPLIANCE"),
        ("x-amz-bypass-governance-retention", "true"),
        ("x-amz-mfa", "1"),
        ("x-amz-request-payer", "requester"),
        ("x-amz-rename-source", "lake/db/t2/x"),
        ("x-amz-unknown", "1"),
        ("x-amz_acl", "public-read"),
        ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
        ("x-amz-content-sha256", "x"),
        ("host", "other.s3.eu-west-1.amazonaws.com"),
        ("Host", "lake.s3.eu-west-1.amazonaws.com:8443"),
        ("x-amz-meta-a", "b\nx-amz-acl: public-read"),
        ("content-type", "a\r\nb"),
    ] {
        let refusal = refused(&with(header, request("PUT", &format!("{AWS}/db/t/x"))));
        assert!(!refusal.contains("evil"), "{refusal}");
    }
}

#[test]
fn a_key_that_the_catalog_does_not_name_encrypts_nothing() {
    let config = S3Config { current_kms_key: Some("key-one".to_owned()), ..S3Config::default() };
    let grant = grant(DataAccess::Write, &["s3://lake/db/t"]);
    let put = |key: &str| {
        let put = request("PUT", &format!("{AWS}/db/t/x"));
        with(("x-amz-server-side-encryption-aws-kms-key-id", key), put)
    };

    assert!(judge(&put("key-one"), &config, &grant).is_ok());
    assert!(judge(&put("key-two"), &config, &grant).is_err());
    assert!(judge(&put("key-two"), &S3Config::default(), &grant).is_ok());
}

#[test]
fn many_are_removed_only_if_all_may_be() {
    let one = |key: &str| format!("<Object><Key>{key}</Key></Object>");
    let all = |objects: &str| format!("<Delete>{objects}</Delete>");
    let inside = one("db/t/x");
    let many = inside.repeat(1001);
    for body in [
        String::new(),
        all(""),
        all(&many),
        all(&(one("db/t2/x") + &inside)),
        all(&(inside.clone() + &one("db/t"))),
        all(&one("db/t/../t2/x")),
        all(&one("db/t/&#46;&#46;/t2/x")),
        all(&one("db/t/%2e%2e/t2/x")),
        all(&one("db&#x2F;t2/x")),
        all(&one("")),
        all(&one(" db/t/x")),
        all(&one("db/t/x\n")),
        all(&one("db/t/&#10;")),
        all(&one("db/t/&evil;")),
        all(&one("db/t/&#x110000;")),
        all(&one("db/t/&#+46;")),
        all(&one("db/t/<![CDATA[x]]>")),
        all(&one("db/t/<!-- -->x")),
        all("<Object><Key>db/t/x</Key><VersionId>1</VersionId></Object>"),
        all("<Object><VersionId>1</VersionId><Key>db/t/x</Key></Object>"),
        all("<Object><Key>db/t/x</Key><Key>db/t2/x</Key></Object>"),
        all("<Object><Key a=\"b\">db/t/x</Key></Object>"),
        all("<object><key>db/t/x</key></object>"),
        all("<s:Object><Key>db/t/x</Key></s:Object>"),
        all(&("<!-- -->".to_owned() + &inside)),
        format!("<!DOCTYPE d [<!ENTITY e \"x\">]>{}", all(&inside)),
        format!("<?xml version=\"1.0\" encoding=\"UTF-16\"?>{}", all(&inside)),
        format!("<?xml version=\"1.0\"?><?x y?>{}", all(&inside)),
        format!("<Delete xmlns=\"x\">{inside}</Delete>"),
        format!("<Delete>{inside}"),
        all(&inside) + &all(&one("db/t2/x")),
        all(&(inside.clone() + "<Quiet>x</Quiet>")),
    ] {
        let post = request("POST", &format!("{AWS}/?delete"));
        refused(&with_body(&body, post));
    }
    refused(&request("POST", &format!("{AWS}/?delete")));
    refused(&with_body(&all(&inside), request("POST", &format!("{AWS}/db/t/?delete"))));
    let whole = all(&inside.repeat(1000));
    assert!(writing(&with_body(&whole, request("POST", &format!("{AWS}/?delete")))).is_ok());
}

#[test]
fn refusals_have_kinds() {
    let kind = |request: S3RequestToSign| writing(&request).unwrap_err();

    assert!(matches!(kind(request("GET", "https://h/x")), SignRefusal::WrongHost(_)));
    assert!(matches!(kind(request("GET", &format!("{AWS}/x"))), SignRefusal::Outside(_)));
    assert!(matches!(kind(request("GET", &format!("{AWS}/?acl"))), SignRefusal::Unknown(_)));
}
