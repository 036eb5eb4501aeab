//! Credentials for tables of another catalog: this server's own, as far as the catalog may reach.

use merak_doubles::aws;
use merak_model::Privilege;
use merak_tests::{TestServer, schema};
use serde_json::{Value, json};

use super::owner::Owner;
use super::{CATALOGS, SALES, TABLES, asking, kind, mirror, open, start, told_table};

const GATE: &str = "polaris.config.allow-federated-catalogs-credential-vending";

/// A server whose catalog `mirror` keeps its files in the double of AWS.
struct AwsMirror {
    cloud: aws::Running,
    owner: Owner,
    front: TestServer,
}

impl AwsMirror {
    async fn start(properties: &[(&str, &str)]) -> Self {
        let (cloud, owner) = (aws::start().await, Owner::start().await);
        let keys = [
            ("polaris.storage.aws.access-key", cloud.access_key_id.as_str()),
            ("polaris.storage.aws.secret-key", cloud.secret_access_key.as_str()),
        ];
        let front = start(&keys).await;
        let base = format!("s3://{}/lake", cloud.bucket);
        let storage = json!({
            "storageType": "S3",
            "allowedLocations": [base],
            "roleArn": cloud.role_arn,
            "externalId": cloud.external_id,
            "region": cloud.region,
            "endpoint": cloud.endpoint,
            "pathStyleAccess": true,
            "kmsUnavailable": true,
        });
        let body = mirror(&base, storage, owner.connection(), properties);
        let _ = front.root().await.post(CATALOGS, body).await.expect(201);
        open(&front, "mirror").await;
        let made = Self { cloud, owner, front };
        made.table_lies_at("lake/sales/t");
        made
    }

    fn at(&self, place: &str) -> String {
        format!("s3://{}/{place}", self.cloud.bucket)
    }

    /// Has the owner tell of the table `t`, there.
    fn table_lies_at(&self, place: &str) {
        let table = told_table(&self.at(place));
        self.owner.answers("GET namespaces/sales/tables/t", table.clone());
        self.owner.answers("POST namespaces/sales/tables", table.clone());
        self.owner.answers("POST namespaces/sales/register", table);
    }

    /// The session policies so far.
    fn policies(&self) -> Vec<String> {
        self.cloud.assumed().iter().filter_map(|call| call.policy.clone()).collect()
    }
}

fn key(answer: &Value) -> Option<&str> {
    answer["storage-credentials"][0]["config"]["s3.access-key-id"].as_str()
}

#[tokio::test]
async fn credentials_are_minted_here_for_where_the_owner_says_the_table_is() {
    let world = AwsMirror::start(&[]).await;
    let plain = world.front.root().await;
    let root = asking(&plain);
    let table = format!("{TABLES}/t");

    let loaded = root.get(&table).await.expect(200);
    let tag = loaded.header("etag").expect("a tag").to_owned();
    assert_eq!(loaded.header("cache-control"), Some("no-store"));
    assert!(!loaded.text().contains("REMOTE"), "{}", loaded.text());
    let loaded = loaded.json();
    assert!(key(&loaded).is_some(), "{loaded}");
    assert_eq!(loaded["storage-credentials"][0]["prefix"], world.at("lake/sales/t"));
    assert_eq!(loaded["config"]["s3.endpoint"], world.cloud.endpoint);
    let endpoint = "v1/mirror/namespaces/sales/tables/t/credentials";
    assert_eq!(loaded["config"]["client.refresh-credentials-endpoint"], endpoint);
    let policies = world.policies();
    assert!(policies.iter().all(|policy| policy.contains("lake/sales/t")), "{policies:?}");
    assert!(policies.iter().any(|policy| policy.contains("PutObject")), "{policies:?}");
    let more = plain.get(&format!("{table}/credentials")).await.expect(200).json();
    assert!(key(&more).is_some(), "{more}");

    let plain = plain.get(&table).await.expect(200);
    assert_ne!(plain.header("etag"), Some(tag.as_str()));
    assert!(!plain.text().contains("REMOTE"), "{}", plain.text());
    assert_eq!(key(&plain.json()), None);
}

#[tokio::test]
async fn readers_get_what_reads() {
    let world = AwsMirror::start(&[]).await;
    let ana = asking(&world.front.principal("ana").await);
    world.front.grant("ana", Privilege::TableReadData, "mirror", None, None).await;

    let loaded = ana.get(&format!("{TABLES}/t")).await.expect(200).json();

    assert!(key(&loaded).is_some(), "{loaded}");
    let policies = world.policies();
    assert_eq!(policies.len(), 1);
    assert!(
        !policies[0].contains("PutObject") && policies[0].contains("GetObject"),
        "{policies:?}"
    );
}

#[tokio::test]
async fn a_table_outside_the_allowed_locations_is_not_shown() {
    let world = AwsMirror::start(&[]).await;
    let plain = world.front.root().await;
    let root = asking(&plain);
    for place in ["elsewhere/t", "lakeside/t"] {
        world.table_lies_at(place);
        for answer in [
            root.get(&format!("{TABLES}/t")).await,
            plain.get(&format!("{TABLES}/t")).await,
            plain.get(&format!("{TABLES}/t/credentials")).await,
        ] {
            let expected = format!(
                "403 ForbiddenException: Table 'sales.t' has locations outside the catalog's \
                 current allowed locations: {}",
                world.at(place)
            );
            assert_eq!(answer.error(), expected);
        }
    }
    assert_eq!(world.policies(), Vec::<String>::new());
    let mut table = told_table(&world.at("lake/sales/t"));
    table["metadata"]["properties"]["write.data.path"] = json!(world.at("elsewhere"));
    world.owner.answers("GET namespaces/sales/tables/t", table);
    assert_eq!(kind(&root.get(&format!("{TABLES}/t")).await), "403 ForbiddenException");
    assert_eq!(world.policies(), Vec::<String>::new());
}

#[tokio::test]
async fn where_a_client_wants_a_table_is_judged_before_it_is_there() {
    let world = AwsMirror::start(&[]).await;
    let root = world.front.root().await;
    let elsewhere = world.at("elsewhere/t");
    let body = json!({"name": "t", "schema": schema(), "location": elsewhere});
    assert_eq!(kind(&root.post(TABLES, body).await), "403 ForbiddenException");
    let path = json!({"write.data.path": elsewhere});
    let body = json!({"name": "t", "schema": schema(), "properties": path});
    assert_eq!(kind(&root.post(TABLES, body).await), "403 ForbiddenException");
    for update in [
        json!({"action": "set-location", "location": elsewhere}),
        json!({"action": "set-properties", "updates": path}),
    ] {
        let body = json!({"requirements": [], "updates": [update]});
        assert_eq!(kind(&root.post(&format!("{TABLES}/t"), body).await), "403 ForbiddenException");
    }
    assert!(world.owner.asked().is_empty());
}

#[tokio::test]
async fn new_tables_come_with_credentials_if_they_lie_well() {
    let world = AwsMirror::start(&[]).await;
    let root = asking(&world.front.root().await);
    let body = json!({"name": "t", "schema": schema()});
    let mut staged = body.clone();
    staged["stage-create"] = json!(true);
    let file = json!({"name": "t", "metadata-location": world.at("lake/x.json")});
    let register = format!("{SALES}/register");

    assert!(key(&root.post(TABLES, body.clone()).await.expect(200).json()).is_some());
    assert!(key(&root.post(TABLES, staged.clone()).await.expect(200).json()).is_some());
    assert!(key(&root.post(&register, file.clone()).await.expect(200).json()).is_some());

    world.table_lies_at("elsewhere/t");
    // It is there already, whatever is told of it.
    for (path, body) in [(TABLES, body), (register.as_str(), file)] {
        let made = root.post(path, body).await.expect(200);
        assert!(!made.text().contains("REMOTE"), "{}", made.text());
        assert_eq!(key(&made.json()), None);
    }
    assert_eq!(kind(&root.post(TABLES, staged).await), "403 ForbiddenException");
}

#[tokio::test]
async fn a_catalog_that_vends_nothing_says_so() {
    let world = AwsMirror::start(&[(GATE, "false")]).await;
    let plain = world.front.root().await;
    let table = format!("{TABLES}/t");
    let expected = format!(
        "400 IllegalArgumentException: Credential vending is not enabled for this federated catalog. \
         Please consult applicable documentation for the catalog config property '{GATE}' to enable \
         this feature"
    );
    assert_eq!(asking(&plain).get(&table).await.error(), expected);
    assert_eq!(plain.get(&format!("{table}/credentials")).await.error(), expected);
    let both = plain
        .with_header("X-Iceberg-Access-Delegation", "vended-credentials,remote-signing")
        .get(&table)
        .await;
    let unsupported =
        "400 IllegalArgumentException: Unsupported access delegation mode: REMOTE_SIGNING";
    assert_eq!(both.error(), unsupported);
    assert!(world.owner.asked().is_empty());

    world.table_lies_at("elsewhere/t");
    let loaded = plain.get(&table).await.expect(200).json();
    assert_eq!(loaded["config"], json!({}));
    assert_eq!(world.policies(), Vec::<String>::new());
}
