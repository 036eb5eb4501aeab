//! Objects: what is put is got back.

use std::fmt::Write as _;

use super::client::sha256;
use super::*;
use crate::aws::checksum::checksum;

/// A double, and a session that may do everything with its bucket.
async fn wide() -> (Running, Client) {
    let (double, cat) = started().await;
    let session = of_role(&double, &cat).await;
    (double, session)
}

#[tokio::test]
async fn an_object_is_got_as_it_was_put() {
    let (double, session) = wide().await;
    let path = "/warehouse/a%20b/%C3%A9%2B%3D";

    let put = Sending::new("PUT", path)
        .header("content-type", "text/plain")
        .header("x-amz-meta-a", "b")
        .body("0123456789");
    assert_eq!(session.status(put).await, 200);

    assert_eq!(double.keys(), ["a b/\u{e9}+="]);
    let answer = session.send(get(path)).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "0123456789"));
    assert_eq!(answer.header("etag"), "\"781e5e245d69b566979b86e28d23f2c7\"");
    assert_eq!(answer.header("content-type"), "text/plain");
    assert_eq!(answer.header("x-amz-meta-a"), "b");
    let head = session.send(Sending::new("HEAD", path)).await;
    assert_eq!((head.status, head.header("content-length")), (200, "10"));
    for (range, status, body, content_range) in [
        ("bytes=0-0", 206, "0", "bytes 0-0/10"),
        ("bytes=2-4", 206, "234", "bytes 2-4/10"),
        ("bytes=8-", 206, "89", "bytes 8-9/10"),
        ("bytes=8-99", 206, "89", "bytes 8-9/10"),
        ("bytes=-3", 206, "789", "bytes 7-9/10"),
        ("bytes=-99", 206, "0123456789", "bytes 0-9/10"),
        ("bytes=4-2", 200, "0123456789", ""),
    ] {
        let answer = session.send(get(path).header("range", range)).await;
        let seen = (answer.status, answer.body.as_str(), answer.header("content-range"));
        assert_eq!(seen, (status, body, content_range), "{range}");
    }
    let beyond = session.send(get(path).header("range", "bytes=10-")).await;
    assert_eq!(beyond.error(), (416, "InvalidRange".to_owned()));
}

#[tokio::test]
async fn writes_and_reads_may_be_conditional() {
    let (double, session) = wide().await;
    let path = "/warehouse/a";
    let failed = (412, "PreconditionFailed".to_owned());
    let create = || put(path).header("if-none-match", "*");
    assert_eq!(session.error(put(path).header("if-match", "\"a\"")).await.0, 404);
    assert_eq!(session.status(create()).await, 200);
    assert_eq!(session.error(create()).await, failed);
    assert_eq!(session.error(put(path).header("if-match", "\"a\"")).await, failed);
    let etag = session.send(get(path)).await.header("etag").to_owned();
    assert_eq!(session.status(put(path).header("if-match", &etag)).await, 200);
    assert_eq!(session.status(get(path).header("if-none-match", &etag)).await, 304);
    assert_eq!(session.error(get(path).header("if-match", "\"a\"")).await, failed);
    assert_eq!(session.status(put(path).header("if-none-match", &etag)).await, 501);
    assert_eq!(double.count("PutObject"), 6);
}

#[tokio::test]
async fn lists_are_cut_into_pages_and_folded_at_delimiters() {
    let (double, session) = wide().await;
    for key in ["a/1", "a/2", "a&b", "b/1", "c", "d/e/f"] {
        double.put_object(key, "x");
    }
    let list = |prefix: &str| get("/warehouse").query("list-type", "2").query("prefix", prefix);

    let folded = session.send(list("").query("delimiter", "/")).await;
    assert_eq!(folded.texts("Contents", "Key"), ["a&b", "c"]);
    assert_eq!(folded.texts("CommonPrefixes", "Prefix"), ["a/", "b/", "d/"]);
    assert_eq!(folded.text("KeyCount").unwrap(), "5");

    let mut seen = Vec::new();
    let mut next = list("").query("delimiter", "/").query("max-keys", "2");
    loop {
        let page = session.send(next).await;
        seen.extend(page.texts("Contents", "Key"));
        seen.extend(page.texts("CommonPrefixes", "Prefix"));
        let Some(token) = page.text("NextContinuationToken") else {
            assert_eq!(page.text("IsTruncated").unwrap(), "false");
            break;
        };
        next = list("").query("delimiter", "/").query("max-keys", "2");
        next = next.query("continuation-token", &token);
    }
    assert_eq!(seen, ["a&b", "a/", "c", "b/", "d/"]);

    let after = session.send(list("a").query("start-after", "a/1")).await;
    assert_eq!(after.texts("Contents", "Key"), ["a/2"]);
    let encoded = session.send(list("a&").query("encoding-type", "url")).await;
    assert_eq!(encoded.texts("Contents", "Key"), ["a%26b"]);
    let first = get("/warehouse").query("prefix", "a/").query("max-keys", "1");
    let first = session.send(first).await;
    assert_eq!(first.texts("Contents", "Key"), ["a/1"]);
    assert_eq!(first.text("IsTruncated").unwrap(), "true");
    let second = session.send(get("/warehouse").query("prefix", "a/").query("marker", "a/1")).await;
    assert_eq!(second.texts("Contents", "Key"), ["a/2"]);
    let wrong = session.send(list("").query("continuation-token", "%%")).await;
    assert_eq!(wrong.error(), (400, "InvalidArgument".to_owned()));
}

#[tokio::test]
async fn an_upload_in_parts_is_joined_in_order() {
    let (double, session) = wide().await;
    let path = "/warehouse/big";
    double.configure(|settings| settings.min_part_size = 3);
    let created = session.send(Sending::new("POST", path).query("uploads", "")).await;
    let id = created.text("UploadId").unwrap();
    let mut etags = Vec::new();
    for (number, body) in [("1", "abc"), ("2", "d"), ("3", "e")] {
        let part = Sending::new("PUT", path).query("partNumber", number).query("uploadId", &id);
        etags.push(session.send(part.body(body)).await.header("etag").to_owned());
    }
    let complete = |numbers: &[usize], etag: Option<&str>| {
        let parts: Vec<_> = numbers
            .iter()
            .map(|number| {
                let etag = etag.unwrap_or_else(|| &etags[number - 1]);
                format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>")
            })
            .collect();
        let body = crate::aws::xml::wrap("CompleteMultipartUpload", &parts);
        Sending::new("POST", path).query("uploadId", &id).body(body)
    };
    for (numbers, etag, code) in [
        (&[2, 1][..], None, "InvalidPartOrder"),
        (&[1, 2, 3], None, "EntityTooSmall"),
        (&[1], Some("\"another\""), "InvalidPart"),
        (&[4], Some("\"another\""), "InvalidPart"),
        (&[], None, "MalformedXML"),
    ] {
        let error = session.error(complete(numbers, etag)).await;
        assert_eq!(error, (400, code.to_owned()), "{numbers:?}");
    }
    double.put_object("big", "old");
    let create = complete(&[1, 2], None).header("if-none-match", "*");
    assert_eq!(session.error(create).await.0, 412);
    let answer = session.send(complete(&[1, 2], None)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.text("ETag").unwrap().ends_with("-2\""));
    assert_eq!(double.object("big").unwrap(), "abcd");
    assert_eq!(session.error(complete(&[1, 2], None)).await, (404, "NoSuchUpload".to_owned()));
}

#[tokio::test]
async fn a_body_in_chunks_is_put_together() {
    let (double, session) = wide().await;
    let crc = checksum("crc32", b"hello world").unwrap();
    let chunks =
        |crc: &str| format!("6\r\nhello \r\n5\r\nworld\r\n0\r\nx-amz-checksum-crc32:{crc}\r\n\r\n");
    let send = |body: String, length: &str, trailer: &str| {
        let sending = Sending::new("PUT", "/warehouse/a")
            .hash("STREAMING-UNSIGNED-PAYLOAD-TRAILER")
            .header("content-encoding", "aws-chunked")
            .header("x-amz-decoded-content-length", length)
            .header("x-amz-sdk-checksum-algorithm", "CRC32")
            .header("x-amz-trailer", trailer)
            .body(body);
        session.send(sending)
    };
    let name = "x-amz-checksum-crc32";

    let answer = send(chunks(&crc), "11", name).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header(name), crc);
    assert_eq!(double.object("a").unwrap(), "hello world");
    let got = session.send(get("/warehouse/a").header("x-amz-checksum-mode", "ENABLED")).await;
    assert_eq!((got.header(name), got.header("content-encoding")), (crc.as_str(), ""));

    let code = |answer: client::Answer| answer.error().1;
    assert_eq!(code(send(chunks("AAAAAA=="), "11", name).await), "BadDigest");
    assert_eq!(code(send(chunks(&crc), "12", name).await), "IncompleteBody");
    let other = "x-amz-checksum-sha1";
    assert_eq!(code(send(chunks(&crc), "11", other).await), "MalformedTrailerError");
    let cut = chunks(&crc)[..9].to_owned();
    assert_eq!(code(send(cut, "11", name).await), "IncompleteBody");
}

/// Chunks with a signature each, chained to that of the request; the last signature is given too.
fn signed_chunks(session: &Client, signed: &client::Signed, data: &[&str]) -> (String, String) {
    let mut previous = signed.signature.clone();
    let mut body = String::new();
    for chunk in data {
        let text = format!(
            "AWS4-HMAC-SHA256-PAYLOAD\n{}\n{}\n{previous}\n{}\n{}",
            signed.stamp,
            signed.scope,
            sha256(b""),
            sha256(chunk.as_bytes())
        );
        previous = session.signature(&signed.scope, &text);
        let size = chunk.len();
        let _ = write!(body, "{size:x};chunk-signature={previous}\r\n{chunk}");
        body += if size == 0 { "" } else { "\r\n" };
    }
    (body, previous)
}

fn chunked(hash: &str) -> Sending {
    Sending::new("PUT", "/warehouse/a")
        .hash(hash)
        .header("content-encoding", "aws-chunked")
        .header("x-amz-decoded-content-length", "11")
}

#[tokio::test]
async fn chunks_may_be_signed_one_by_one() {
    let (double, session) = wide().await;
    let sending = chunked("STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
    let signed = session.sign(&sending, time::Duration::ZERO);
    let (body, _) = signed_chunks(&session, &signed, &["hello ", "world", ""]);
    let body = body + "\r\n";

    let forged = body.replace("world", "earth");
    let answer = session.send_signed(sending.clone().body(forged), &signed).await;
    assert_eq!(answer.error(), (403, "SignatureDoesNotMatch".to_owned()));
    assert_eq!(double.object("a"), None);
    let answer = session.send_signed(sending.body(body), &signed).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(double.object("a").unwrap(), "hello world");
}

#[tokio::test]
async fn trailers_may_be_signed_too() {
    let (double, session) = wide().await;
    let name = "x-amz-checksum-crc32";
    let sending =
        chunked("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER").header("x-amz-trailer", name);
    let signed = session.sign(&sending, time::Duration::ZERO);
    let (chunks, last) = signed_chunks(&session, &signed, &["hello ", "world", ""]);
    let crc = checksum("crc32", b"hello world").unwrap();
    let text = format!(
        "AWS4-HMAC-SHA256-TRAILER\n{}\n{}\n{last}\n{}",
        signed.stamp,
        signed.scope,
        sha256(format!("{name}:{crc}\n").as_bytes())
    );
    let trailer = session.signature(&signed.scope, &text);
    let body = |crc: &str, trailer: &str| {
        format!("{chunks}{name}:{crc}\r\nx-amz-trailer-signature:{trailer}\r\n\r\n")
    };

    for forged in [body("AAAAAA==", &trailer), body(&crc, &signed.signature)] {
        let answer = session.send_signed(sending.clone().body(forged), &signed).await;
        assert_eq!(answer.error(), (403, "SignatureDoesNotMatch".to_owned()));
    }
    let answer = session.send_signed(sending.body(body(&crc, &trailer)), &signed).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(double.object("a").unwrap(), "hello world");
}

#[tokio::test]
async fn buckets_are_made_by_users_of_their_account() {
    let (double, session) = wide().await;
    let all = document(json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}]));
    let user = json!({"name": "cow", "account": "444455556666", "policy": all});
    let keys = double.set("users", &user).unwrap();
    let id = keys["access_key_id"].as_str().unwrap();
    let cow = Client::new(&double, id, keys["secret_access_key"].as_str().unwrap());

    assert_eq!(session.error(Sending::new("PUT", "/new-bucket")).await.0, 403);
    assert_eq!(cow.status(Sending::new("PUT", "/new-bucket")).await, 200);
    assert_eq!(cow.error(Sending::new("PUT", "/Bad")).await, (400, "InvalidBucketName".to_owned()));
    let again = cow.error(Sending::new("PUT", "/new-bucket")).await;
    assert_eq!(again, (409, "BucketAlreadyOwnedByYou".to_owned()));
    let listed = cow.send(get("/")).await;
    assert!(listed.body.contains("<Name>new-bucket</Name>"), "{}", listed.body);
    let acl = put("/new-bucket/a").header("x-amz-acl", "public-read");
    assert_eq!(cow.error(acl).await, (400, "AccessControlListNotSupported".to_owned()));
    let versions = get("/new-bucket").query("versions", "");
    assert_eq!(cow.error(versions).await, (501, "NotImplemented".to_owned()));
}
