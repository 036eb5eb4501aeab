//! What clients send.

use super::{AWS, at_endpoint, grant, request, with, with_body, writing};
use crate::sign::{S3Operation, SignRefusal, judge};
use crate::vend::DataAccess;

#[test]
fn what_clients_do_is_recognised() {
    for (method, path, operation, object) in [
        ("GET", "/db/t/x", S3Operation::GetObject, "lake/db/t/x"),
        ("GET", "/db/t/x?versionId=3&x-id=GetObject", S3Operation::GetObject, "lake/db/t/x"),
        ("HEAD", "/db/t/x?partNumber=1", S3Operation::HeadObject, "lake/db/t/x"),
        ("GET", "/?list-type=2&prefix=db%2Ft%2F", S3Operation::ListObjects, "lake/db/t/"),
        ("GET", "?prefix=db/t/x&delimiter=/&max-keys=2", S3Operation::ListObjects, "lake/db/t/x"),
        ("PUT", "/db/t/x", S3Operation::PutObject, "lake/db/t/x"),
        ("PUT", "/db/t/", S3Operation::PutObject, "lake/db/t/"),
        ("DELETE", "/db/t/x", S3Operation::DeleteObject, "lake/db/t/x"),
        ("POST", "/db/t/x?uploads", S3Operation::CreateMultipartUpload, "lake/db/t/x"),
        ("POST", "/db/t/x?uploads=", S3Operation::CreateMultipartUpload, "lake/db/t/x"),
        ("PUT", "/db/t/x?partNumber=1&uploadId=u", S3Operation::UploadPart, "lake/db/t/x"),
        ("POST", "/db/t/x?uploadId=u", S3Operation::CompleteMultipartUpload, "lake/db/t/x"),
        ("DELETE", "/db/t/x?uploadId=u", S3Operation::AbortMultipartUpload, "lake/db/t/x"),
        ("GET", "/db/t/x?uploadId=u&max-parts=9", S3Operation::ListParts, "lake/db/t/x"),
        // Keys are decoded once: these have percent signs, blanks and dots of their own.
        ("GET", "/db/t/a%3Db%20c%253A/x", S3Operation::GetObject, "lake/db/t/a=b c%3A/x"),
        ("GET", "/db/t/v=a%252Fb/..x/x..", S3Operation::GetObject, "lake/db/t/v=a%2Fb/..x/x.."),
        ("GET", "/db/t/%E6%B9%96%2B", S3Operation::GetObject, "lake/db/t/湖+"),
    ] {
        let judged = writing(&request(method, &format!("{AWS}{path}")));

        let judged = judged.unwrap_or_else(|refusal| panic!("{method} {path}: {refusal}"));
        assert_eq!((judged.operation(), judged.objects()), (operation, &[object.to_owned()][..]));
    }
}

#[test]
fn aws_has_many_names() {
    for (region, start) in [
        ("eu-west-1", "https://lake.s3.eu-west-1.amazonaws.com"),
        ("eu-west-1", "https://lake.s3.eu-west-1.amazonaws.com:443"),
        ("us-east-1", "https://lake.s3.amazonaws.com"),
        ("us-west-2", "https://lake.s3-us-west-2.amazonaws.com"),
        ("eu-west-1", "https://lake.s3.dualstack.eu-west-1.amazonaws.com"),
        ("us-east-1", "https://lake.s3-fips.us-east-1.amazonaws.com"),
        ("us-east-1", "https://lake.s3-accelerate.amazonaws.com"),
        ("cn-north-1", "https://lake.s3.cn-north-1.amazonaws.com.cn"),
        ("eu-west-1", "https://s3.eu-west-1.amazonaws.com/lake"),
        ("us-east-1", "https://s3.amazonaws.com/lake"),
    ] {
        let mut get = request("GET", &format!("{start}/db/t/x"));
        region.clone_into(&mut get.region);

        assert_eq!(writing(&get).unwrap().objects(), ["lake/db/t/x"], "{start}");
    }
    let dotted = request("GET", "https://my.lake.s3.eu-west-1.amazonaws.com/x/y");
    assert_eq!(writing(&dotted).unwrap().objects(), ["my.lake/x/y"]);
    let dotted = request("GET", "https://s3.eu-west-1.amazonaws.com/my.lake/x/y");
    assert_eq!(writing(&dotted).unwrap().objects(), ["my.lake/x/y"]);
}

#[test]
fn an_endpoint_of_its_own_names_the_bucket_in_the_path_or_in_the_host() {
    for (endpoint, uri) in [
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000/lake/db/t/x"),
        ("http://[::1]:9000/", "http://[::1]:9000/lake/db/t/x"),
        ("https://store.example", "https://store.example/lake/db/t/x"),
        ("https://store.example", "https://store.example:443/lake/db/t/x"),
        ("https://store.example", "https://lake.store.example/db/t/x"),
    ] {
        let judged = at_endpoint(endpoint, &request("GET", uri));

        let judged = judged.unwrap_or_else(|refusal| panic!("{uri}: {refusal}"));
        assert_eq!(judged.objects(), ["lake/db/t/x"], "{uri}");
    }
    let list = request("GET", "http://127.0.0.1:9000/lake?prefix=db/t/");
    let judged = at_endpoint("http://127.0.0.1:9000", &list).unwrap();
    assert_eq!((judged.operation(), &*judged.uri), (S3Operation::ListObjects, &*list.uri));
}

#[test]
fn an_endpoint_that_may_name_a_bucket_already_is_signed_for_nowhere() {
    for (endpoint, uri) in [
        ("https://store.example/victim", "https://store.example/victim/lake/db/t/x"),
        ("https://store.example/victim", "https://lake.store.example/victim/db/t/x"),
        (
            "https://victim.s3.eu-west-1.amazonaws.com",
            "https://victim.s3.eu-west-1.amazonaws.com/lake/db/t/x",
        ),
    ] {
        let refused = at_endpoint(endpoint, &request("GET", uri));

        assert!(matches!(refused, Err(SignRefusal::Unknown(_))), "{uri}: {refused:?}");
    }
}

#[test]
fn a_uri_is_sent_as_signatures_are_computed_over_it() {
    let uri = |path: &str| writing(&request("GET", &format!("{AWS}{path}"))).unwrap().uri;

    assert_eq!(uri("/db/t/a%3Db%20c?versionId=1"), format!("{AWS}/db/t/a%3Db%20c?versionId=1"));
    assert_eq!(uri("/db/t/a=b%2dc%e6%b9%96"), format!("{AWS}/db/t/a%3Db-c%E6%B9%96"));
    assert_eq!(uri("?prefix=db/t/"), format!("{AWS}/?prefix=db/t/"));
}

#[test]
fn a_copy_touches_its_source_too() {
    for (source, object) in [
        ("lake/db/t/y", "lake/db/t/y"),
        ("/lake/db/t/y%20z?versionId=3", "lake/db/t/y z"),
        ("my.lake%2Fx%2Fy", "my.lake/x/y"),
    ] {
        let put = request("PUT", &format!("{AWS}/db/t/x"));
        let judged = writing(&with(("X-Amz-Copy-Source", source), put)).unwrap();
        assert_eq!(judged.operation(), S3Operation::CopyObject);
        assert_eq!(judged.objects(), ["lake/db/t/x", object]);

        let part = request("PUT", &format!("{AWS}/db/t/x?partNumber=1&uploadId=u"));
        let judged = writing(&with(("x-amz-copy-source", source), part)).unwrap();
        assert_eq!(judged.operation(), S3Operation::UploadPartCopy);
    }
}

#[test]
fn the_keys_of_many_are_read_from_the_body() {
    let post = request("POST", &format!("{AWS}/?delete"));
    let body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
        <Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>\n\
        <Object><Key>db/t/a &amp; b&#x2F;c</Key></Object><Object>\n <Key>db/t/&lt;&quot;&#39;</Key>\n\
        </Object></Delete>\n";

    let judged = writing(&with_body(body, post)).unwrap();

    assert_eq!(judged.operation(), S3Operation::DeleteObjects);
    assert_eq!(judged.objects(), ["lake/db/t/a & b/c", "lake/db/t/<\"'"]);
}

#[test]
fn a_whole_bucket_is_read_and_listed_from_its_root() {
    let grant = grant(DataAccess::Read, &["s3://lake"]);
    let judge = |request| judge(&request, &super::S3Config::default(), &grant);

    assert!(judge(request("GET", &format!("{AWS}/x"))).is_ok());
    assert!(judge(request("GET", &format!("{AWS}/?list-type=2"))).is_ok());
    assert!(judge(request("GET", "https://s3.eu-west-1.amazonaws.com/lake2/x")).is_err());
}

#[test]
fn who_may_only_read_gets_no_signature_to_write() {
    let grant = grant(DataAccess::Read, &["s3://lake/db/t"]);
    let judge = |request| judge(&request, &super::S3Config::default(), &grant);
    let at = |method: &str, path: &str| request(method, &format!("{AWS}/{path}"));

    for (method, path) in [("GET", "db/t/x"), ("HEAD", "db/t/x"), ("GET", "?prefix=db/t/")] {
        assert!(judge(at(method, path)).is_ok(), "{method} {path}");
    }
    for (method, path) in [
        ("PUT", "db/t/x"),
        ("DELETE", "db/t/x"),
        ("POST", "db/t/x?uploads"),
        ("PUT", "db/t/x?partNumber=1&uploadId=u"),
        ("POST", "db/t/x?uploadId=u"),
        ("DELETE", "db/t/x?uploadId=u"),
        ("GET", "db/t/x?uploadId=u"),
        ("POST", "?delete"),
    ] {
        let refusal = judge(at(method, path)).unwrap_err();
        assert!(matches!(refusal, SignRefusal::ReadOnly(_)), "{method} {path}: {refusal}");
    }
    let copy = with(("x-amz-copy-source", "lake/db/t/y"), at("PUT", "db/t/x"));
    assert_eq!(judge(copy).unwrap_err(), SignRefusal::ReadOnly(S3Operation::CopyObject));
}
