//! Directories.

use super::*;

const READ_WRITE: &str = "rcwdl";

#[tokio::test]
async fn a_directorys_signature_ends_at_a_slash() {
    let double = start().await;
    for name in ["db1/t1/a", "db1/t1x", "db1/t1y/a", "db1/t2/a"] {
        double.put_blob(HIERARCHICAL, CONTAINER, name, "data");
    }
    let sas = double.sas(HIERARCHICAL, "d", "/db1/t1", READ_WRITE).await;
    let get = |path: &str| {
        let request = double.request(Verb::GET, &format!("/merakhns/lake/{path}?{sas}"));
        async move { sent(request).await.status }
    };
    let list = |prefix: &str| {
        let path = format!("/merakhns/lake?restype=container&comp=list&prefix={prefix}&{sas}");
        let request = double.request(Verb::GET, &path);
        async move { sent(request).await }
    };
    let paths = |directory: &str| {
        let path = format!(
            "/merakhns/lake?resource=filesystem&recursive=true&directory={directory}&{sas}"
        );
        let request = double.dfs(Verb::GET, &path);
        async move { sent(request).await }
    };

    assert_eq!(get("db1/t1/a").await, 200);
    for outside in ["db1/t1x", "db1/t1y/a", "db1/t2/a", "db1", "a"] {
        assert_eq!(get(outside).await, 403, "{outside}");
    }
    let inside = list("db1/t1/").await;
    assert_eq!(xml_contents(&inside.body, "Name"), ["db1/t1/a"]);
    for outside in ["db1/t1", "db1/", "", "db1/t1x", "db1/t1y/", "/db1/t1/"] {
        assert_eq!(list(outside).await.status, 403, "{outside}");
    }
    let inside = paths("db1/t1").await;
    assert_eq!(inside.json()["paths"][0]["name"], "db1/t1/a", "{}", inside.body);
    for outside in ["db1", "", "db1/t1y", "db1/t2"] {
        assert_eq!(paths(outside).await.status, 403, "{outside}");
    }
}

#[tokio::test]
async fn a_file_is_created_appended_flushed_read_and_deleted() {
    let double = start().await;
    let sas = double.sas(HIERARCHICAL, "d", "/db1/t1", READ_WRITE).await;
    let at = |more: &str| format!("/merakhns/lake/db1/t1/a?{more}{sas}");

    let create = || double.dfs(Verb::PUT, &at("resource=file&")).header("if-none-match", "*");
    assert_eq!(sent(create()).await.status, 201);
    assert_eq!(sent(create()).await.outcome(), (409, "PathAlreadyExists"));
    let append = double.dfs(Verb::PATCH, &at("action=append&position=0&")).body("data");
    assert_eq!(sent(append).await.status, 202);
    let gap = double.dfs(Verb::PATCH, &at("action=append&position=9&")).body("data");
    assert_eq!(sent(gap).await.status, 400);
    assert_eq!(double.blob(HIERARCHICAL, CONTAINER, "db1/t1/a").unwrap(), "");
    let flush = double.dfs(Verb::PATCH, &at("action=flush&position=4&"));
    assert_eq!(sent(flush).await.status, 200);
    let got = sent(double.dfs(Verb::GET, &at(""))).await;
    assert_eq!((got.status, got.body.as_str()), (200, "data"));
    let head = sent(double.dfs(Verb::HEAD, &at("action=getStatus&"))).await;
    assert_eq!(head.headers["x-ms-resource-type"], "file");
    assert_eq!(sent(double.dfs(Verb::DELETE, &at(""))).await.status, 200);
    let missing = sent(double.dfs(Verb::GET, &at(""))).await;
    assert_eq!(missing.outcome(), (404, "PathNotFound"));
    assert_eq!(missing.json()["error"]["code"], "PathNotFound");
    let outside = double.dfs(Verb::PUT, &format!("/merakhns/lake/db1/t1x?resource=file&{sas}"));
    assert_eq!(sent(outside).await.outcome(), (403, "AuthenticationFailed"));
}

#[tokio::test]
async fn a_directory_is_deleted_whole_or_when_it_is_empty() {
    let double = start().await;
    double.put_blob(HIERARCHICAL, CONTAINER, "db1/t1/data/a", "data");
    let sas = double.sas(HIERARCHICAL, "d", "/db1/t1", READ_WRITE).await;
    let at = |more: &str| format!("/merakhns/lake/db1/t1/data?{more}{sas}");

    let made =
        double.dfs(Verb::PUT, &format!("/merakhns/lake/db1/t1/new?resource=directory&{sas}"));
    assert_eq!(sent(made).await.status, 201);
    let full = (409, "DirectoryIsNotEmpty");
    assert_eq!(sent(double.dfs(Verb::DELETE, &at("recursive=false&"))).await.outcome(), full);
    assert_eq!(sent(double.request(Verb::DELETE, &at(""))).await.outcome(), full);
    assert_eq!(sent(double.dfs(Verb::DELETE, &at("recursive=true&"))).await.status, 200);
    assert_eq!(double.paths(HIERARCHICAL, CONTAINER), ["db1", "db1/t1", "db1/t1/new"]);
}

#[tokio::test]
async fn an_account_without_directories_is_no_lake() {
    let double = start().await;
    double.put_blob(FLAT, CONTAINER, "a", "data");
    let sas = double.sas(FLAT, "c", "", READ_WRITE).await;

    let answer = sent(double.dfs(Verb::GET, &format!("/merakflat/lake/a?{sas}"))).await;
    assert_eq!(answer.outcome(), (400, "HierarchicalNamespaceNotEnabled"));
    assert_eq!(double.paths(FLAT, CONTAINER), ["a"]);
}
