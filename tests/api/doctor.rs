//! What is wrong with a catalog's storage, and what would bound credentials for it.

mod aws;
mod azure;
mod google;

use std::os::unix::fs::PermissionsExt as _;

use merak_model::Privilege;
use merak_tests::{Identity, TestServer};
use serde_json::{Value, json};

const LAKE: &str = "/api/management/v1/catalogs/lake";

async fn diagnose(who: &Identity<'_>) -> Value {
    who.post(&format!("{LAKE}/diagnose"), json!({})).await.expect(200).json()
}

/// The steps, each as its name and outcome.
fn outcomes(diagnosis: &Value) -> Vec<(&str, &str)> {
    let steps = diagnosis["steps"].as_array().unwrap().iter();
    steps.map(|step| (step["name"].as_str().unwrap(), step["outcome"].as_str().unwrap())).collect()
}

/// A step that failed, and what is told of it.
pub(crate) struct Expected {
    pub(crate) step: &'static str,
    /// The provider's words.
    pub(crate) said: &'static str,
    pub(crate) cause: &'static str,
    /// Part of what mends it.
    pub(crate) remedy: &'static str,
}

/// Makes a catalog whose base location that is, and answers its name.
pub(crate) async fn make_catalog(server: &TestServer, base: &str, storage: Value) -> String {
    let name = format!("lake-{}", uuid::Uuid::new_v4().simple());
    let catalog = json!({"catalog": {
        "name": name,
        "type": "INTERNAL",
        "properties": {"default-base-location": base},
        "storageConfigInfo": storage,
    }});
    let root = server.root().await;
    let _ = root.post("/api/management/v1/catalogs", catalog).await.expect(201);
    name
}

pub(crate) async fn diagnose_catalog(server: &TestServer, name: &str) -> Value {
    let path = format!("/api/management/v1/catalogs/{name}/diagnose");
    server.root().await.post(&path, json!({})).await.expect(200).json()
}

/// Asserts that these are the steps, and that all passed but these.
pub(crate) fn all_passed_but(diagnosis: &Value, steps: &[&str], but: &[(&str, &str)]) {
    let expected: Vec<_> = steps
        .iter()
        .map(|step| *but.iter().find(|(name, _)| name == step).unwrap_or(&(*step, "passed")))
        .collect();
    assert_eq!(outcomes(diagnosis), expected, "{diagnosis:#}");
}

/// Asserts that this is the first step that failed.
pub(crate) fn assert_failed(diagnosis: &Value, expected: &Expected) {
    assert_eq!(diagnosis["healthy"], false, "{diagnosis:#}");
    let mut steps = diagnosis["steps"].as_array().unwrap().iter();
    let failed = steps.find(|step| step["outcome"] == "failed").unwrap();
    let text = |name: &str| failed[name].as_str().unwrap_or_default();
    assert_eq!(text("name"), expected.step, "{diagnosis:#}");
    assert!(text("detail").contains(expected.said), "{failed:#}");
    assert!(text("cause").contains(expected.cause), "{failed:#}");
    let remedies = failed["remedies"].as_array().unwrap().iter();
    let texts = remedies.flat_map(|remedy| [remedy["what"].as_str(), remedy["text"].as_str()]);
    let all = texts.flatten().collect::<Vec<_>>().join("\n");
    assert!(all.contains(expected.remedy), "{failed:#}");
}

#[tokio::test]
async fn a_folder_that_can_be_written_is_well_and_left_as_it_was() {
    let server = TestServer::start().await;
    server.create_catalog("lake").await;
    let root = server.root().await;

    let diagnosis = diagnose(&root).await;

    assert_eq!(diagnosis["healthy"], true, "{diagnosis:#}");
    assert_eq!(
        outcomes(&diagnosis),
        [
            ("configuration", "passed"),
            ("identity", "passed"),
            ("folder", "passed"),
            ("write", "passed"),
            ("read", "passed"),
            ("delete", "passed"),
            ("refused-outside", "not-applicable"),
        ]
    );
    let left = std::fs::read_dir(server.folder().join("lake")).unwrap().count();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn what_is_in_the_way_of_a_folder_is_told_with_what_mends_it() {
    let server = TestServer::start().await;
    server.create_catalog("lake").await;
    std::fs::write(server.folder().join("lake"), "").unwrap();

    let diagnosis = diagnose(&server.root().await).await;

    assert_eq!(diagnosis["healthy"], false);
    assert_eq!(
        outcomes(&diagnosis)[2..],
        [
            ("folder", "failed"),
            ("write", "not-applicable"),
            ("read", "not-applicable"),
            ("delete", "not-applicable"),
        ]
    );
    let step = &diagnosis["steps"][2];
    assert_eq!(step["cause"], "Something on the path is no folder", "{step:#}");
    let command = format!("namei -l {}", server.folder().join("lake").display());
    assert_eq!(step["remedies"][0]["text"], command);
}

#[tokio::test]
async fn a_folder_that_may_not_be_written_is_told_with_whose_it_is() {
    let server = TestServer::start().await;
    server.create_catalog("lake").await;
    let folder = server.folder().join("lake");
    std::fs::create_dir(&folder).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o555)).unwrap();
    let may_all_the_same = std::fs::write(folder.join("x"), "").is_ok();

    let diagnosis = diagnose(&server.root().await).await;

    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    if may_all_the_same {
        // The super-user lacks no permission.
        assert_eq!(diagnosis["healthy"], true, "{diagnosis:#}");
        return;
    }
    let step = &diagnosis["steps"][3];
    assert_eq!((&step["name"], &step["outcome"]), (&json!("write"), &json!("failed")));
    assert!(step["remedies"][0]["text"].as_str().unwrap().starts_with("sudo chown"), "{step:#}");
}

#[tokio::test]
async fn without_the_right_to_manage_metadata_nothing_is_examined() {
    let server = TestServer::start().await;
    server.create_catalog("lake").await;
    let ana = server.principal("ana").await;
    server.grant("ana", Privilege::CatalogManageAccess, "lake", None, None).await;

    let refused = ana.post(&format!("{LAKE}/diagnose"), json!({})).await;
    let missing = ana.post("/api/management/v1/catalogs/sea/diagnose", json!({})).await;

    assert_eq!((refused.status.as_u16(), missing.status.as_u16()), (403, 404));
    assert!(!server.folder().join("lake").exists());
}

async fn explain(who: &Identity<'_>, query: &str) -> Value {
    who.get(&format!("{LAKE}/explain-policy?{query}")).await.expect(200).json()
}

#[tokio::test]
async fn what_would_be_vended_follows_the_rights_of_whom_it_is_about() {
    let server = TestServer::start().await;
    server.create_catalog("lake").await;
    server.create_namespace("lake", "sky").await;
    server.create_table("lake", "sky", "stars").await;
    server.principal("ana").await;
    let root = server.root().await;
    let table = "namespace=sky&table=stars";

    let nothing = explain(&root, &format!("{table}&principal=ana")).await;
    server.grant("ana", Privilege::TableReadData, "lake", None, None).await;
    let reads = explain(&root, &format!("{table}&principal=ana")).await;
    server.grant("ana", Privilege::TableWriteData, "lake", None, None).await;
    let writes = explain(&root, &format!("{table}&principal=ana")).await;
    let own = explain(&root, table).await;

    assert_eq!(
        nothing,
        json!({
            "catalog": "lake", "namespace": ["sky"], "table": "stars", "principal": "ana",
            "access": "none", "storageType": "FILE",
            "locations": [format!("{}/sky/stars", server.location("lake"))],
            "lifetimeSeconds": 3600,
            "reason": "Principal ana may not read the data of sky.stars, so nothing would be \
             minted",
        })
    );
    assert_eq!((&reads["access"], &writes["access"]), (&json!("read"), &json!("write")));
    assert_eq!(reads["reason"], "Files of the server's own disk need no credentials");
    assert_eq!(own["principal"], "root");
}

#[tokio::test]
async fn what_is_not_there_is_not_explained() {
    let server = TestServer::start().await;
    server.create_catalog("lake").await;
    server.create_namespace("lake", "sky").await;
    server.create_table("lake", "sky", "stars").await;
    let root = server.root().await;
    for (query, error) in [
        ("table=stars", "400 BadRequestException: The parameter 'namespace' is needed"),
        ("namespace=sky", "400 BadRequestException: The parameter 'table' is needed"),
        ("namespace=sky&table=moon", "404 NoSuchTableException: Table does not exist: sky.moon"),
        (
            "namespace=sky&table=stars&principal=nobody",
            "404 NotFoundException: TopLevelEntity of type PRINCIPAL does not exist: nobody",
        ),
    ] {
        let answer = root.get(&format!("{LAKE}/explain-policy?{query}")).await;
        assert_eq!(answer.error(), error, "{query}");
    }
}

#[tokio::test]
async fn whoever_manages_metadata_alone_is_told_nothing_of_others_rights() {
    let server = TestServer::start().await;
    server.create_catalog("lake").await;
    server.create_namespace("lake", "sky").await;
    server.create_table("lake", "sky", "stars").await;
    let ana = server.principal("ana").await;
    server.grant("ana", Privilege::CatalogManageMetadata, "lake", None, None).await;

    let answer = ana.get(&format!("{LAKE}/explain-policy?namespace=sky&table=stars")).await;

    assert_eq!(answer.status, 403, "{}", answer.text());
}
