//! Credentials for clients, against doubles of the clouds that refuse what the clouds would.

mod again;
mod cache;
mod clouds;
mod external;
mod generic_tables;
mod narrowing;
mod refusals;
mod signing;

use std::sync::Arc;

use merak_doubles::aws;
use merak_model::{Clock, Privilege, SystemClock};
use merak_tests::{Identity, TestServer, schema};
use serde_json::{Value, json};

use crate::fixtures::{TABLES, route};

/// A server whose catalog `lake` is in the double of AWS, with the namespace `sales`.
struct AwsLake {
    cloud: aws::Running,
    server: TestServer,
}

impl AwsLake {
    async fn start() -> Self {
        Self::start_with(&[], json!({})).await
    }

    /// One with more settings, and more in the catalog's storage configuration.
    async fn start_with(settings: &[(&str, &str)], storage: Value) -> Self {
        Self::start_at(settings, storage, Arc::new(SystemClock)).await
    }

    async fn start_at(settings: &[(&str, &str)], storage: Value, clock: Arc<dyn Clock>) -> Self {
        let cloud = aws::start().await;
        let keys = [
            ("polaris.storage.aws.access-key", cloud.access_key_id.as_str()),
            ("polaris.storage.aws.secret-key", cloud.secret_access_key.as_str()),
        ];
        let settings: Vec<_> = keys.into_iter().chain(settings.iter().copied()).collect();
        let realm = format!("realm-{}", uuid::Uuid::new_v4().simple());
        let server = TestServer::start_at(&realm, &settings, clock).await;
        let lake = Self { cloud, server };
        lake.create_catalog("lake", storage).await;
        lake.server.create_namespace("lake", "sales").await;
        lake
    }

    /// The location of a catalog.
    fn base(&self, catalog: &str) -> String {
        format!("s3://{}/{catalog}", self.cloud.bucket)
    }

    async fn create_catalog(&self, name: &str, storage: Value) {
        let mut config = json!({
            "storageType": "S3",
            "allowedLocations": [self.base(name)],
            "roleArn": self.cloud.role_arn,
            "externalId": self.cloud.external_id,
            "region": self.cloud.region,
            "endpoint": self.cloud.endpoint,
            "pathStyleAccess": true,
            "kmsUnavailable": true,
        });
        for (key, value) in storage.as_object().expect("an object") {
            config[key] = value.clone();
        }
        let catalog = json!({"catalog": {
            "name": name,
            "type": "INTERNAL",
            "properties": {"default-base-location": self.base(name)},
            "storageConfigInfo": config,
        }});
        let root = self.server.root().await;
        let _ = root.post("/api/management/v1/catalogs", catalog).await.expect(201);
    }

    async fn create_table(&self, name: &str) {
        let body = json!({"name": name, "schema": schema()});
        let _ = self.server.root().await.post(TABLES, body).await.expect(200);
    }

    /// The principal `name`, with privileges on the catalog, asking for credentials.
    async fn principal(&self, name: &str, privileges: &[Privilege]) -> Identity<'_> {
        let principal = self.server.principal(name).await;
        for privilege in privileges {
            self.server.grant(name, *privilege, "lake", None, None).await;
        }
        asking(&principal)
    }

    /// A principal that may do everything with the tables of the catalog, asking for credentials.
    async fn engineer(&self) -> Identity<'_> {
        self.principal("engineer", &[Privilege::CatalogManageContent]).await
    }

    /// The session policies of tables so far: the server's own are for the catalog.
    fn policies(&self) -> Vec<Value> {
        let own = format!("{}/lake/*", self.cloud.bucket);
        let assumed = self.cloud.assumed();
        let texts = assumed.iter().filter_map(|call| call.policy.as_deref());
        texts
            .filter(|text| !text.contains(&own))
            .map(|text| serde_json::from_str(text).expect("a policy is JSON"))
            .collect()
    }
}

/// The same caller, asking for vended credentials.
fn asking<'a>(identity: &Identity<'a>) -> Identity<'a> {
    identity.with_header("X-Iceberg-Access-Delegation", "vended-credentials")
}

/// The credentials of a table as a caller is given them.
async fn credentials_of(caller: &Identity<'_>, table: &str) -> Value {
    let loaded = caller.get(&route(table)).await.expect(200).json();
    let [only] = loaded["storage-credentials"].as_array().expect("credentials").as_slice() else {
        panic!("{loaded}");
    };
    only.clone()
}

fn access_key(credentials: &Value) -> String {
    credentials["config"]["s3.access-key-id"].as_str().expect("an access key").to_owned()
}
