//! Catalogs in the double of Azure.

use merak_doubles::azure::{
    self, Assignment, CLIENT_ID, CONTAINER, FLAT, HIERARCHICAL, OBJECT_ID, OTHER_TENANT, Role,
    TENANT,
};
use merak_tests::TestServer;
use serde_json::{Value, json};

use super::{Expected, all_passed_but, assert_failed, diagnose_catalog, make_catalog};

const STEPS: [&str; 11] = [
    "configuration",
    "identity",
    "delegation-key",
    "hierarchical",
    "sign",
    "list",
    "write",
    "read",
    "delete",
    "refused-outside",
    "server-access",
];

struct Cloud {
    cloud: azure::Running,
    server: TestServer,
}

impl Cloud {
    async fn start() -> Self {
        Self::start_with(None).await
    }

    /// One with another secret than the application's.
    async fn start_with(secret: Option<&str>) -> Self {
        let cloud = azure::start().await;
        let secret = secret.unwrap_or(&cloud.secret);
        let server = TestServer::start_with(&[
            ("polaris.features.\"SUPPORTED_CATALOG_STORAGE_TYPES\"", "[\"AZURE\"]"),
            ("merak.storage.azure.endpoint", &cloud.endpoint),
            ("merak.storage.azure.authority-host", &cloud.endpoint),
            ("merak.storage.azure.client-id", CLIENT_ID),
            ("merak.storage.azure.client-secret", secret),
        ])
        .await;
        Self { cloud, server }
    }

    async fn diagnose(&self, account: &str, container: &str, storage: Value) -> Value {
        let base = format!(
            "abfss://{container}@{account}.dfs.core.windows.net/{}",
            uuid::Uuid::new_v4().simple()
        );
        let mut config = json!({
            "storageType": "AZURE", "allowedLocations": [base], "tenantId": TENANT,
        });
        for (key, value) in storage.as_object().expect("an object") {
            config[key] = value.clone();
        }
        let name = make_catalog(&self.server, &base, config).await;
        diagnose_catalog(&self.server, &name).await
    }

    async fn hierarchical(&self) -> Value {
        self.diagnose(HIERARCHICAL, CONTAINER, json!({"hierarchical": true})).await
    }
}

#[tokio::test]
async fn a_hierarchical_account_that_is_set_up_well_passes() {
    let cloud = Cloud::start().await;

    let diagnosis = cloud.hierarchical().await;

    let untold = [("hierarchical", "not-applicable")];
    all_passed_but(&diagnosis, &STEPS, &untold);
    let identity = diagnosis["steps"][1]["detail"].as_str().unwrap();
    assert!(identity.contains(OBJECT_ID) && identity.contains(CLIENT_ID), "{identity}");
    assert!(!diagnosis.to_string().contains(&cloud.cloud.secret));
}

#[tokio::test]
async fn a_signature_that_reaches_the_whole_container_deserves_attention() {
    let cloud = Cloud::start().await;

    let diagnosis = cloud.diagnose(FLAT, CONTAINER, json!({})).await;

    let but = [("hierarchical", "not-applicable"), ("refused-outside", "warning")];
    all_passed_but(&diagnosis, &STEPS, &but);
    assert_eq!(diagnosis["healthy"], true);
    let cause = diagnosis["steps"][9]["cause"].as_str().unwrap();
    assert!(cause.contains("the whole container lake"), "{cause}");
}

#[tokio::test]
async fn what_microsoft_s_login_refuses_is_told() {
    let cloud = Cloud::start().await;
    let of_tenant = async |tenant: &str| {
        cloud.diagnose(HIERARCHICAL, CONTAINER, json!({"tenantId": tenant})).await
    };

    let unknown = of_tenant("99999999-9999-4999-8999-999999999999").await;
    let without_consent = of_tenant(OTHER_TENANT).await;
    cloud.cloud.configure(|settings| settings.is_secret_expired = true);
    let expired = cloud.hierarchical().await;
    let wrong = Cloud::start_with(Some("hunter2")).await.hierarchical().await;

    let identity = |said, cause, remedy| Expected { step: "identity", said, cause, remedy };
    assert_failed(&unknown, &identity("AADSTS90002", "There is no tenant 9999", "az account show"));
    assert_failed(
        &without_consent,
        &identity("AADSTS700016", "not in the tenant 3333", "adminconsent?client_id=1111"),
    );
    assert_failed(
        &expired,
        &identity("AADSTS7000222", "has expired", "az ad app credential reset --id 1111"),
    );
    assert_failed(
        &wrong,
        &identity("AADSTS7000215", "not a secret of the application", "az ad app credential reset"),
    );
    assert!(!wrong.to_string().contains("hunter2"), "{wrong:#}");
}

#[tokio::test]
async fn what_the_server_s_identity_lacks_on_the_account_is_told() {
    let cloud = Cloud::start().await;
    let assign = |role: Option<Role>| {
        cloud.cloud.configure(|settings| {
            let assignment = role.map(|role| Assignment::new(OBJECT_ID, HIERARCHICAL, role));
            settings.assignments = assignment.into_iter().collect();
        });
    };

    assign(None);
    let nothing = cloud.hierarchical().await;
    assign(Some(Role::Reader));
    let reader = cloud.hierarchical().await;
    assign(Some(Role::Delegator));
    let delegator = cloud.hierarchical().await;

    let remedy = "az role assignment create --assignee 44444444-4444-4444-8444-444444444444 --role \
                  'Storage Blob Data Contributor'";
    let expected = Expected {
        step: "delegation-key",
        said: "Authorization",
        cause: "has no role on the account merakhns",
        remedy,
    };
    assert_failed(&nothing, &expected);
    let expected = Expected { step: "write", cause: "may not write blobs in lake", ..expected };
    assert_failed(&reader, &expected);
    let expected = Expected { step: "list", cause: "may not list the container", ..expected };
    assert_failed(&delegator, &expected);
}

#[tokio::test]
async fn what_is_another_account_than_the_catalog_says_is_told() {
    let cloud = Cloud::start().await;

    let no_container = cloud.diagnose(FLAT, "nowhere", json!({})).await;
    let flat = cloud.diagnose(FLAT, CONTAINER, json!({"hierarchical": true})).await;
    cloud.cloud.configure(|settings| {
        let account = settings.accounts.get_mut(HIERARCHICAL).unwrap();
        account.tenant = OTHER_TENANT.to_owned();
    });
    let other_tenant = cloud.hierarchical().await;

    assert_failed(
        &no_container,
        &Expected {
            step: "list",
            said: "ContainerNotFound",
            cause: "has no container nowhere",
            remedy: "az storage container create",
        },
    );
    assert_failed(
        &flat,
        &Expected {
            step: "list",
            said: "AuthenticationFailed",
            cause: "has no hierarchical namespace",
            remedy: "isHnsEnabled",
        },
    );
    assert_failed(
        &other_tenant,
        &Expected {
            step: "delegation-key",
            said: "InvalidAuthenticationInfo",
            cause: "in another tenant than the catalog's tenantId",
            remedy: "tenantId",
        },
    );
}
