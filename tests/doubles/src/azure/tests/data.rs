//! Blobs.

use super::*;

async fn put(double: &Running, path: &str, condition: Option<(&str, &str)>) -> Answer {
    let request = double.request(Verb::PUT, path).header("x-ms-blob-type", "BlockBlob");
    let request = match condition {
        Some((name, value)) => request.header(name, value),
        None => request,
    };
    sent(request.body("0123456789")).await
}

#[tokio::test]
async fn a_blob_goes_in_and_out() {
    let double = start().await;
    let sas = double.sas(FLAT, "c", "", "rcwdl").await;
    let path = format!("/merakflat/lake/db1/a%20b?{sas}");

    let created = put(&double, &path, Some(("if-none-match", "*"))).await;
    assert_eq!(created.status, 201, "{}", created.body);
    let again = put(&double, &path, Some(("if-none-match", "*"))).await;
    assert_eq!(again.outcome(), (409, "BlobAlreadyExists"));
    let etag = created.headers["etag"].to_str().unwrap().to_owned();
    let replaced = put(&double, &path, Some(("if-match", &etag))).await;
    assert_eq!(replaced.status, 201);
    let stale = put(&double, &path, Some(("if-match", &etag))).await;
    assert_eq!(stale.outcome(), (412, "ConditionNotMet"));
    let unknown = put(&double, &path, Some(("if-modified-since", "now"))).await;
    assert_eq!(unknown.status, 501);

    let got = sent(double.request(Verb::GET, &path)).await;
    assert_eq!((got.status, got.body.as_str()), (200, "0123456789"));
    assert_eq!(got.headers["x-ms-blob-type"], "BlockBlob");
    let part = sent(double.request(Verb::GET, &path).header("x-ms-range", "bytes=2-4")).await;
    assert_eq!((part.status, part.body.as_str()), (206, "234"));
    let suffix = sent(double.request(Verb::GET, &path).header("range", "bytes=-4")).await;
    assert_eq!(suffix.outcome(), (416, "InvalidRange"));
    let head = sent(double.request(Verb::HEAD, &path)).await;
    assert_eq!((head.status, &head.headers["content-length"]), (200, &"10".parse().unwrap()));
    assert_eq!(sent(double.request(Verb::DELETE, &path)).await.status, 202);
    assert_eq!(sent(double.request(Verb::DELETE, &path)).await.outcome(), (404, "BlobNotFound"));
    let no_type = sent(double.request(Verb::PUT, &path).body("data")).await;
    assert_eq!(no_type.outcome(), (400, "InvalidHeaderValue"));
}

#[tokio::test]
async fn each_letter_permits_its_own() {
    let double = start().await;
    double.put_blob(FLAT, CONTAINER, "a", "data");
    for (letters, permitted) in [
        ("r", "read"),
        ("l", "list"),
        ("w", "create write block"),
        ("c", "create"),
        ("d", "delete"),
        ("rl", "read list"),
        ("t", ""),
    ] {
        double.put_blob(FLAT, CONTAINER, "a", "data");
        let sas = double.sas(FLAT, "c", "", letters).await;
        let at = |path: &str| format!("/merakflat/lake{path}{sas}");
        let list = at("?restype=container&comp=list&");
        let new = at(&format!("/new-{letters}?"));
        let answers = [
            ("read", sent(double.request(Verb::GET, &at("/a?"))).await),
            ("list", sent(double.request(Verb::GET, &list)).await),
            ("create", put(&double, &new, None).await),
            ("write", put(&double, &at("/a?"), None).await),
            (
                "block",
                sent(double.request(Verb::PUT, &at("/b?comp=block&blockid=MQ%3D%3D&"))).await,
            ),
            ("delete", sent(double.request(Verb::DELETE, &at("/a?"))).await),
        ];
        for (name, answer) in answers {
            if permitted.split(' ').any(|it| it == name) {
                assert!(answer.status < 300, "{letters} {name}: {}", answer.body);
            } else {
                let mismatch = (403, "AuthorizationPermissionMismatch");
                assert_eq!(answer.outcome(), mismatch, "{letters} {name}");
            }
        }
        let properties = sent(double.request(Verb::GET, &at("?restype=container&"))).await;
        assert_eq!(properties.status, 403);
    }
}

#[tokio::test]
async fn a_blobs_signature_is_for_that_blob() {
    let double = start().await;
    for name in ["a", "b"] {
        double.put_blob(FLAT, CONTAINER, name, "data");
    }
    let sas = double.sas(FLAT, "b", "/a", "r").await;

    assert_eq!(
        sent(double.request(Verb::GET, &format!("/merakflat/lake/a?{sas}"))).await.status,
        200
    );
    for other in ["/merakflat/lake/b?", "/merakflat/lake/a/b?", "/merakhns/lake/a?"] {
        let answer = sent(double.request(Verb::GET, &format!("{other}{sas}"))).await;
        assert_eq!(answer.outcome(), (403, "AuthenticationFailed"), "{other}");
    }
}

#[tokio::test]
async fn blocks_become_a_blob_when_a_list_says_so() {
    let double = start().await;
    let sas = double.sas(FLAT, "c", "", "rw").await;
    let at = |more: &str| format!("/merakflat/lake/a?{more}&{sas}");
    let block = |id: &str, data: &'static str| {
        let request = double.request(Verb::PUT, &at(&format!("comp=block&blockid={id}")));
        sent(request.body(data))
    };
    let commit =
        |body: &'static str| sent(double.request(Verb::PUT, &at("comp=blocklist")).body(body));

    assert_eq!(block("MQ%3D%3D", "one").await.status, 201);
    assert_eq!(block("Mg%3D%3D", "two").await.status, 201);
    assert!(double.blob(FLAT, CONTAINER, "a").is_none());
    let missing = commit("<BlockList><Latest>Mw==</Latest></BlockList>").await;
    assert_eq!(missing.outcome(), (400, "InvalidBlockList"));
    let body = "<BlockList><Uncommitted>Mg==</Uncommitted><Latest>MQ==</Latest></BlockList>";
    assert_eq!(commit(body).await.status, 201);
    assert_eq!(double.blob(FLAT, CONTAINER, "a").unwrap(), "twoone");
}

#[tokio::test]
async fn a_copys_source_is_authorized_for_itself() {
    let double = start().await;
    double.put_blob(HIERARCHICAL, CONTAINER, "db1/t1/a", "inside");
    double.put_blob(HIERARCHICAL, CONTAINER, "db1/t2/a", "outside");
    let sas = double.sas(HIERARCHICAL, "d", "/db1/t1", "rcw").await;
    let other = double.sas(HIERARCHICAL, "d", "/db1/t2", "r").await;
    let no_read = double.sas(HIERARCHICAL, "d", "/db1/t2", "w").await;
    let copy = |source: String| {
        let source = format!("{}/merakhns/lake/{source}", double.endpoint);
        let path = format!("/merakhns/lake/db1/t1/copy?{sas}");
        sent(double.request(Verb::PUT, &path).header("x-ms-copy-source", source))
    };

    assert_eq!(copy(format!("db1/t1/a?{sas}")).await.status, 202);
    assert_eq!(double.blob(HIERARCHICAL, CONTAINER, "db1/t1/copy").unwrap(), "inside");
    assert_eq!(copy(format!("db1/t2/a?{sas}")).await.outcome(), (403, "AuthenticationFailed"));
    assert_eq!(copy("db1/t2/a".to_owned()).await.outcome(), (403, "CannotVerifyCopySource"));
    let mismatch = (403, "AuthorizationPermissionMismatch");
    assert_eq!(copy(format!("db1/t2/a?{no_read}")).await.outcome(), mismatch);
    assert_eq!(copy(format!("db1/t2/a?{other}")).await.status, 202);
}

#[tokio::test]
async fn lists_are_paged_and_rolled_up() {
    let double = start().await;
    for name in ["a/1", "a/x/1", "a/x/2", "a/z", "b/1"] {
        double.put_blob(FLAT, CONTAINER, name, "data");
    }
    let sas = double.sas(FLAT, "c", "", "l").await;
    let list = |more: &str| {
        let path = format!("/merakflat/lake?restype=container&comp=list&prefix=a/&{more}&{sas}");
        let request = double.request(Verb::GET, &path);
        async move { sent(request).await.body }
    };

    let all = list("").await;
    assert_eq!(xml_contents(&all, "Name"), ["a/1", "a/x/1", "a/x/2", "a/z"]);
    let rolled = list("delimiter=/&maxresults=2").await;
    assert_eq!(xml_contents(&rolled, "Name"), ["a/1", "a/x/"]);
    let marker = xml_contents(&rolled, "NextMarker").remove(0);
    let rest = list(&format!("delimiter=/&marker={marker}")).await;
    assert_eq!(xml_contents(&rest, "Name"), ["a/z"]);
    assert_eq!(xml_contents(&rest, "NextMarker"), [""]);
}

#[tokio::test]
async fn a_batch_deletes_what_each_of_its_parts_may() {
    let double = start().await;
    for name in ["a", "b"] {
        double.put_blob(FLAT, CONTAINER, name, "data");
    }
    let sas = double.sas(FLAT, "c", "", "d").await;
    let of_blob = double.sas(FLAT, "b", "/a", "d").await;
    let part = |id: usize, target: &str| {
        format!(
            "--x\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\
             Content-ID: {id}\r\n\r\nDELETE {target} HTTP/1.1\r\nContent-Length: 0\r\n\r\n\r\n"
        )
    };
    let body = [
        part(0, &format!("/merakflat/lake/a?{sas}")),
        part(1, "/merakflat/lake/b"),
        part(2, &format!("/merakflat/lake/none?{sas}")),
        "--x--\r\n".to_owned(),
    ]
    .concat();
    let batch = |sas: &str| {
        let path = format!("/merakflat/lake?restype=container&comp=batch&{sas}");
        let request = double.request(Verb::POST, &path).body(body.clone());
        sent(request.header("content-type", "multipart/mixed; boundary=x"))
    };

    assert_eq!(batch(&of_blob).await.status, 403);
    let answer = batch(&sas).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    let lines = answer.body.lines().filter(|line| line.starts_with("HTTP/1.1 "));
    let statuses: Vec<&str> = lines.filter_map(|line| line.split(' ').nth(1)).collect();
    assert_eq!(statuses, ["202", "401", "404"]);
    assert_eq!(double.paths(FLAT, CONTAINER), ["b"]);
}

#[tokio::test]
async fn a_token_reaches_data_as_far_as_its_roles_do() {
    let double = start().await;
    double.put_blob(FLAT, CONTAINER, "a", "data");
    double.configure(|settings| {
        let reader = Assignment::in_container("reader", FLAT, CONTAINER, Role::Reader);
        settings.assignments.push(reader);
    });
    let call = |verb: Verb, who: &str, path: &'static str| {
        let request = double.request(verb, path).bearer_auth(double.token_of(who, TENANT));
        let request = request.header("x-ms-blob-type", "BlockBlob");
        sent(request.header("x-ms-version", "2023-11-03").body("data"))
    };
    let mismatch = (403, "AuthorizationPermissionMismatch");

    assert_eq!(call(Verb::GET, "reader", "/merakflat/lake/a").await.status, 200);
    assert_eq!(call(Verb::PUT, "reader", "/merakflat/lake/a").await.outcome(), mismatch);
    assert_eq!(call(Verb::PUT, OBJECT_ID, "/merakflat/lake/a").await.status, 201);
    assert_eq!(call(Verb::GET, "nobody", "/merakflat/lake/a").await.outcome(), mismatch);
    let missing = call(Verb::GET, OBJECT_ID, "/merakflat/other/a").await;
    assert_eq!(missing.outcome(), (404, "ContainerNotFound"));
    let info = call(Verb::GET, OBJECT_ID, "/merakflat/?restype=account&comp=properties").await;
    assert_eq!(info.headers["x-ms-is-hns-enabled"], "false");
}
