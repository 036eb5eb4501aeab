//! Azure and Google Cloud: what is vended there, and that the server works with it itself.

use std::path::PathBuf;

use merak_doubles::{azure, google};
use merak_model::Privilege;
use merak_tests::{Identity, TestServer, schema, scratch_dir};
use serde_json::{Value, json};

use super::{asking, credentials_of};
use crate::fixtures::{TABLES, route};

async fn make_lake(server: &TestServer, base: &str, storage: Value) {
    let catalog = json!({"catalog": {
        "name": "lake",
        "type": "INTERNAL",
        "properties": {"default-base-location": base},
        "storageConfigInfo": storage,
    }});
    let root = server.root().await;
    let made = root.post("/api/management/v1/catalogs", catalog).await.expect(201).json();
    for (key, value) in storage.as_object().unwrap() {
        assert_eq!(made["storageConfigInfo"][key], *value, "{key} is kept");
    }
    server.create_namespace("lake", "sales").await;
    let body = json!({"name": "orders", "schema": schema()});
    let _ = root.post(TABLES, body).await.expect(200);
}

async fn caller<'a>(server: &'a TestServer, name: &str, privilege: Privilege) -> Identity<'a> {
    let principal = server.principal(name).await;
    server.grant(name, privilege, "lake", None, None).await;
    asking(&principal)
}

fn keys(of: &Value) -> Vec<&str> {
    of.as_object().unwrap().keys().map(String::as_str).collect()
}

async fn azure_lake(settings: &[(&str, &str)], hierarchical: bool) -> (azure::Running, TestServer) {
    let cloud = azure::start().await;
    let own = [
        ("polaris.features.\"SUPPORTED_CATALOG_STORAGE_TYPES\"", "[\"AZURE\"]"),
        ("merak.storage.azure.endpoint", cloud.endpoint.as_str()),
        ("merak.storage.azure.authority-host", &cloud.endpoint),
        ("merak.storage.azure.client-id", azure::CLIENT_ID),
        ("merak.storage.azure.client-secret", &cloud.secret),
    ];
    let settings: Vec<_> = own.into_iter().chain(settings.iter().copied()).collect();
    let server = TestServer::start_with(&settings).await;
    let account = if hierarchical { azure::HIERARCHICAL } else { azure::FLAT };
    let base = format!("abfss://{}@{account}.dfs.core.windows.net/lake", azure::CONTAINER);
    let mut storage = json!({
        "storageType": "AZURE",
        "allowedLocations": [base],
        "tenantId": azure::TENANT,
        "multiTenantAppName": "app",
        "consentUrl": "https://consent.example/x?y=z",
    });
    if hierarchical {
        storage["hierarchical"] = json!(true);
    }
    make_lake(&server, &base, storage).await;
    (cloud, server)
}

#[tokio::test]
async fn a_table_in_azure_comes_with_a_signature_in_every_spelling() {
    let (_cloud, server) = azure_lake(&[], true).await;
    let reader = caller(&server, "reader", Privilege::TableReadData).await;

    let loaded = reader.get(&route("orders")).await.expect(200).json();

    let only = &loaded["storage-credentials"][0];
    let host = format!("{}.dfs.core.windows.net", azure::HIERARCHICAL);
    let account = azure::HIERARCHICAL;
    let mut expected = vec![
        "adls.account-name".to_owned(),
        "adls.sas-token".to_owned(),
        "adls.sas-token-expires-at-ms".to_owned(),
        format!("adls.sas-token-expires-at-ms.{account}"),
        format!("adls.sas-token-expires-at-ms.{host}"),
        format!("adls.sas-token.{account}"),
        format!("adls.sas-token.{host}"),
        "expiration-time".to_owned(),
    ];
    expected.sort();
    assert_eq!(keys(&only["config"]), expected);
    let sas = only["config"]["adls.sas-token"].as_str().unwrap();
    assert!(sas.contains("sr=d") && sas.contains("sdd=3") && sas.contains("sp=rl&"), "{sas}");
    assert!(only["prefix"].as_str().unwrap().contains(&host), "{only}");
    assert_eq!(
        loaded["config"]["adls.refresh-credentials-endpoint"],
        "v1/lake/namespaces/sales/tables/orders/credentials"
    );
}

#[tokio::test]
async fn where_the_account_has_no_folders_the_signature_is_for_the_container() {
    let (_cloud, server) = azure_lake(&[], false).await;
    let writer = caller(&server, "writer", Privilege::TableWriteData).await;

    let credentials = credentials_of(&writer, "orders").await;

    let sas = credentials["config"]["adls.sas-token"].as_str().unwrap();
    assert!(sas.contains("sr=c") && sas.contains("sp=racwdl&"), "{sas}");
}

#[tokio::test]
async fn the_server_writes_to_azure_as_its_clients_do_or_as_itself() {
    for skips in ["false", "true"] {
        let flag = "polaris.features.\"SKIP_CREDENTIAL_SUBSCOPING_INDIRECTION\"";
        let (cloud, _server) = azure_lake(&[(flag, skips)], true).await;

        let written = cloud.paths(azure::HIERARCHICAL, azure::CONTAINER);

        assert!(written.iter().any(|path| path.ends_with(".metadata.json")), "{written:?}");
        let asked_for_keys = cloud.calls("delegation_key") > 0;
        assert_eq!(asked_for_keys, skips == "false", "{:?}", cloud.all_calls());
    }
}

/// A folder that is removed with its owner.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn new_realm() -> String {
    format!("realm-{}", uuid::Uuid::new_v4().simple())
}

async fn google_lake() -> (google::Running, TestServer, Folder) {
    google_lake_with(&new_realm(), Folder(scratch_dir()), &[]).await
}

async fn google_lake_with(
    realm: &str,
    folder: Folder,
    settings: &[(&str, &str)],
) -> (google::Running, TestServer, Folder) {
    let cloud = google::start().await;
    let file = folder.0.join("later.json").display().to_string();
    let own = [
        ("polaris.features.\"SUPPORTED_CATALOG_STORAGE_TYPES\"", "[\"GCS\"]"),
        ("merak.storage.gcp.credentials-file", file.as_str()),
        ("merak.storage.gcp.sts-endpoint", &cloud.endpoint),
        ("merak.storage.gcp.iam-endpoint", &cloud.endpoint),
        ("merak.storage.gcp.endpoint", &cloud.endpoint),
        ("merak.storage.gcp.metadata-server", "false"),
    ];
    let settings: Vec<_> = own.into_iter().chain(settings.iter().copied()).collect();
    let server = TestServer::start_in(realm, &settings).await;
    // The file comes after the server: test suites copy it into a container that runs.
    let fixtures = cloud.write_fixtures(&folder.0).unwrap();
    std::fs::copy(&fixtures.service_account, &file).unwrap();
    let base = format!("gs://{}/lake", google::BUCKET);
    let storage = json!({
        "storageType": "GCS",
        "allowedLocations": [base],
        "gcsServiceAccount": google::LAKE,
    });
    make_lake(&server, &base, storage).await;
    (cloud, server, folder)
}

#[tokio::test]
async fn a_table_in_google_cloud_comes_with_a_token() {
    let (cloud, server, _folder) = google_lake().await;
    let reader = caller(&server, "reader", Privilege::TableReadData).await;

    let loaded = reader.get(&route("orders")).await.expect(200).json();

    let only = &loaded["storage-credentials"][0];
    assert_eq!(
        keys(&only["config"]),
        ["expiration-time", "gcs.oauth2.token", "gcs.oauth2.token-expires-at"]
    );
    assert_eq!(loaded["config"]["gcs.service.host"], json!(cloud.endpoint));
    assert_eq!(
        loaded["config"]["gcs.oauth2.refresh-credentials-endpoint"],
        "v1/lake/namespaces/sales/tables/orders/credentials"
    );
    let written = cloud.object_names(google::BUCKET);
    assert!(written.iter().any(|name| name.ends_with(".metadata.json")), "{written:?}");
}

#[tokio::test]
async fn a_token_opens_the_table_and_nothing_beside_it() {
    let (cloud, server, _folder) = google_lake().await;
    for name in ["lake/sales/orders/data/a", "lake/sales/ordersx/a", "lake/sales/other/a"] {
        cloud.put_object(google::BUCKET, name, "rows");
    }
    let reader = caller(&server, "reader", Privilege::TableReadData).await;
    let credentials = credentials_of(&reader, "orders").await;
    let token = credentials["config"]["gcs.oauth2.token"].as_str().unwrap();
    let http = reqwest::Client::new();
    let bucket = format!("{}/storage/v1/b/{}", cloud.endpoint, google::BUCKET);
    let get = async |path: &str| {
        let answer = http.get(format!("{bucket}{path}")).bearer_auth(token).send().await;
        answer.unwrap().status().as_u16()
    };

    assert_eq!(get("/o/lake%2Fsales%2Forders%2Fdata%2Fa?alt=media").await, 200);
    assert_eq!(get("/o?prefix=lake/sales/orders/").await, 200);
    assert_eq!(get("/o/lake%2Fsales%2Fordersx%2Fa?alt=media").await, 403);
    assert_eq!(get("/o/lake%2Fsales%2Fother%2Fa?alt=media").await, 403);
    assert_eq!(get("/o?prefix=lake/sales/").await, 403);
    assert_eq!(get("/o").await, 403);
    let delete = http.delete(format!("{bucket}/o/lake%2Fsales%2Forders%2Fdata%2Fa"));
    assert_eq!(delete.bearer_auth(token).send().await.unwrap().status().as_u16(), 403);
}

#[tokio::test]
async fn google_is_told_who_a_token_is_for_where_a_flag_says_so() {
    let folder = Folder(scratch_dir());
    let key = folder.0.join("attribution.pem").display().to_string();
    let realm = new_realm();
    let (cloud, server, folder) = google_lake_with(
        &realm,
        folder,
        &[
            ("polaris.features.\"GCS_PRINCIPAL_ATTRIBUTION_ENABLED\"", "true"),
            (
                "polaris.features.\"GCS_PRINCIPAL_ATTRIBUTION_TOKEN_ISSUER\"",
                google::ATTRIBUTION_ISSUER,
            ),
            ("polaris.features.\"GCS_PRINCIPAL_ATTRIBUTION_WIF_AUDIENCE\"", google::POOL_AUDIENCE),
            ("polaris.features.\"GCS_PRINCIPAL_ATTRIBUTION_SIGNING_KEY_FILE\"", &key),
        ],
    )
    .await;
    let alice = caller(&server, "alice", Privilege::TableReadData).await;
    let bob = caller(&server, "bob", Privilege::TableReadData).await;
    // Nobody but alice may act in the lake's account now, not even the server.
    let of_alice = google::attributed(&format!("{realm}/alice"));
    cloud.configure(|settings| {
        settings.accounts.insert(of_alice.clone());
        settings.token_creators = [(of_alice, google::LAKE.to_owned())].into();
    });

    let without_key = alice.get(&route("orders")).await;
    let told = without_key.error();
    assert!(told.contains("GCS_PRINCIPAL_ATTRIBUTION_SIGNING_KEY_FILE"), "{told}");
    let file = std::fs::read_to_string(folder.0.join("service-account.json")).unwrap();
    let file: Value = serde_json::from_str(&file).unwrap();
    std::fs::write(&key, file["private_key"].as_str().unwrap()).unwrap();
    credentials_of(&alice, "orders").await;
    credentials_of(&alice, "orders").await;
    assert_eq!(cloud.calls("federate"), 1, "what alice was given once serves her again");
    let refused = bob.get(&route("orders")).await;

    assert!((400..600).contains(&refused.status.as_u16()), "{refused:?}");
    assert_eq!(cloud.calls("federate"), 2, "bob is given nothing of alice's");
}
