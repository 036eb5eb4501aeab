//! Catalogs in the double of Google Cloud.

use std::path::{Path, PathBuf};

use merak_doubles::Fault;
use merak_doubles::google::{self, BUCKET, Fixtures, Grant, LAKE, SERVER, STRANGER};
use merak_tests::{TestServer, scratch_dir};
use serde_json::{Value, json};

use super::{Expected, all_passed_but, assert_failed, diagnose_catalog, make_catalog};

const STEPS: [&str; 10] = [
    "configuration",
    "identity",
    "impersonate",
    "downscope",
    "list",
    "write",
    "read",
    "delete",
    "refused-outside",
    "server-access",
];

struct Cloud {
    cloud: google::Running,
    server: TestServer,
    folder: PathBuf,
}

impl Drop for Cloud {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Cloud {
    async fn start() -> Self {
        Self::start_with(|fixtures, _| fixtures.service_account.clone()).await
    }

    /// One with the file that is chosen, of those that there are or in that folder.
    async fn start_with(file: impl FnOnce(&Fixtures, &Path) -> PathBuf) -> Self {
        Self::start_in(file, &[]).await
    }

    async fn start_in(
        file: impl FnOnce(&Fixtures, &Path) -> PathBuf,
        more: &[(&str, &str)],
    ) -> Self {
        let cloud = google::start().await;
        let folder = scratch_dir();
        let fixtures = cloud.write_fixtures(&folder).unwrap();
        let file = file(&fixtures, &folder);
        let file = file.display().to_string();
        let settings = [
            ("polaris.features.\"SUPPORTED_CATALOG_STORAGE_TYPES\"", "[\"GCS\"]"),
            ("merak.storage.gcp.credentials-file", &file),
            ("merak.storage.gcp.sts-endpoint", &cloud.endpoint),
            ("merak.storage.gcp.iam-endpoint", &cloud.endpoint),
            ("merak.storage.gcp.endpoint", &cloud.endpoint),
            ("merak.storage.gcp.metadata-server", "false"),
        ];
        let settings: Vec<_> = settings.into_iter().chain(more.iter().copied()).collect();
        let server = TestServer::start_with(&settings).await;
        Self { cloud, server, folder }
    }

    async fn diagnose_with(&self, bucket: &str, account: Option<&str>) -> Value {
        let base = format!("gs://{bucket}/{}", uuid::Uuid::new_v4().simple());
        let mut config = json!({"storageType": "GCS", "allowedLocations": [base]});
        if let Some(account) = account {
            config["gcsServiceAccount"] = json!(account);
        }
        let name = make_catalog(&self.server, &base, config).await;
        diagnose_catalog(&self.server, &name).await
    }

    async fn diagnose(&self) -> Value {
        self.diagnose_with(BUCKET, Some(LAKE)).await
    }

    /// Leaves the service account that role in the bucket, and no other.
    fn let_lake(&self, role: &str) {
        self.cloud.configure(|settings| {
            settings.grants.retain(|grant| grant.account != LAKE);
            settings.grants.push(Grant::new(LAKE, BUCKET, role));
        });
    }
}

#[tokio::test]
async fn what_is_set_up_well_passes_and_leaves_nothing_behind() {
    let cloud = Cloud::start().await;

    let impersonated = cloud.diagnose().await;
    let own = cloud.diagnose_with(BUCKET, None).await;

    all_passed_but(&impersonated, &STEPS, &[]);
    all_passed_but(&own, &STEPS, &[("impersonate", "not-applicable")]);
    assert_eq!(cloud.cloud.object_names(BUCKET), Vec::<String>::new());
    let identity = impersonated["steps"][1]["detail"].as_str().unwrap();
    assert!(identity.contains(SERVER), "{identity}");
}

#[tokio::test]
async fn where_nothing_is_narrowed_the_server_s_own_way_is_tried() {
    let flag = "polaris.features.\"SKIP_CREDENTIAL_SUBSCOPING_INDIRECTION\"";
    let first = |fixtures: &Fixtures, _: &Path| fixtures.service_account.clone();
    let cloud = Cloud::start_in(first, &[(flag, "true")]).await;

    let diagnosis = cloud.diagnose().await;

    let skipped = ["downscope", "list", "write", "read", "delete", "refused-outside"];
    all_passed_but(&diagnosis, &STEPS, &skipped.map(|step| (step, "not-applicable")));
    assert_eq!(cloud.cloud.calls("downscope"), 0);
}

#[tokio::test]
async fn a_service_account_that_cannot_be_acted_in_is_told() {
    let cloud = Cloud::start().await;
    let impersonate = |said, cause, remedy| Expected { step: "impersonate", said, cause, remedy };
    let denied = impersonate(
        "iam.serviceAccounts.getAccessToken",
        "may not make tokens of",
        "--role=roles/iam.serviceAccountTokenCreator",
    );

    assert_failed(&cloud.diagnose_with(BUCKET, Some(STRANGER)).await, &denied);
    cloud.cloud.configure(|settings| settings.token_creators.clear());
    let told = cloud.diagnose().await;
    assert_failed(&told, &denied);
    let command = format!("add-iam-policy-binding {LAKE} --member=serviceAccount:{SERVER}");
    assert!(told.to_string().contains(&command), "{told:#}");

    let cloud = Cloud::start().await;
    cloud.cloud.configure(|settings| {
        settings.disabled.insert(LAKE.to_owned());
    });
    let disabled = impersonate("disabled", "is disabled", "gcloud iam service-accounts enable");
    assert_failed(&cloud.diagnose().await, &disabled);

    let cloud = Cloud::start().await;
    cloud.cloud.configure(|settings| settings.is_iam_credentials_off = true);
    let off = impersonate(
        "has not been used in project",
        "iamcredentials.googleapis.com is switched off in the project merak-test",
        "gcloud services enable iamcredentials.googleapis.com --project=merak-test",
    );
    assert_failed(&cloud.diagnose().await, &off);
}

#[tokio::test]
async fn a_project_whose_services_may_not_be_used_is_told() {
    let cloud = Cloud::start().await;
    cloud.cloud.configure(|settings| {
        settings.without_service_usage.insert(SERVER.to_owned());
    });

    let diagnosis = cloud.diagnose().await;

    assert_failed(
        &diagnosis,
        &Expected {
            step: "impersonate",
            said: "permission to use project",
            cause: "may not use services of the project merak-test",
            remedy: "roles/serviceusage.serviceUsageConsumer",
        },
    );
}

#[tokio::test]
async fn a_credentials_file_that_will_not_do_is_told() {
    let identity = |said, cause, remedy| Expected { step: "identity", said, cause, remedy };

    let missing = Cloud::start_with(|_, folder| folder.join("none.json")).await;
    let malformed = Cloud::start_with(|_, folder| {
        std::fs::write(folder.join("bad.json"), "{\"type\": \"robot\"}").unwrap();
        folder.join("bad.json")
    })
    .await;
    let ended = Cloud::start_with(|fixtures, _| fixtures.authorized_user.clone()).await;
    let revoked = "Token has been expired or revoked.";
    ended.cloud.fail(Fault::new("token.authorized_user", 400, "invalid_grant", revoked));

    assert_failed(
        &missing.diagnose().await,
        &identity("does not exist", "there is no such file where the server runs", "ls -l"),
    );
    assert_failed(
        &malformed.diagnose().await,
        &identity("bad.json", "is not a credentials file that can be used", "jq .type"),
    );
    assert_failed(
        &ended.diagnose().await,
        &identity("invalid_grant", "has ended or was revoked", "application-default login"),
    );
}

#[tokio::test]
async fn what_the_service_account_may_not_do_is_told() {
    let cloud = Cloud::start().await;
    let remedy = "gcloud storage buckets add-iam-policy-binding gs://lake";
    let expected = Expected { step: "list", said: "", cause: "may not list the bucket", remedy };

    cloud.let_lake("roles/storage.objectCreator");
    assert_failed(&cloud.diagnose().await, &expected);
    cloud.let_lake("roles/storage.objectViewer");
    let expected = Expected { step: "write", cause: "may not write objects", ..expected };
    assert_failed(&cloud.diagnose().await, &expected);

    cloud.cloud.configure(|settings| {
        settings.grants.push(Grant::new(LAKE, "nowhere", "roles/storage.objectAdmin"));
    });
    let no_bucket = cloud.diagnose_with("nowhere", Some(LAKE)).await;
    assert_failed(
        &no_bucket,
        &Expected {
            step: "list",
            said: "",
            cause: "There is no bucket nowhere",
            remedy: "gcloud storage buckets create gs://nowhere",
        },
    );
}
