//! Two replicas over one store, with faults between them and it, and a third that sees the store as
//! it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use merak_metastore::Metastore;
use merak_model::SystemClock;
use merak_tests::{Identity, Response, TestServer};
use serde_json::{Value, json};

use super::files::BetweenFiles;
use super::metastore::Between;
use super::model::{Call, Name, Table};
use super::plan::Plan;

/// The servers of a test, or of many seeded runs one after the other.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) replicas: [TestServer; 2],
    /// It takes part in nothing, and has nothing in memory.
    pub(crate) reader: TestServer,
    token: String,
    /// Whether the servers know idempotency keys.
    pub(crate) knows_keys: bool,
}

/// How many names a run has: three in each of two namespaces.
pub(crate) const NAMES: usize = 6;

impl World {
    /// Starts the servers, with the catalog `lake`.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same, with more settings.
    pub(crate) async fn start_with(more: &[(&str, &str)]) -> Self {
        let plan = Plan::default();
        let realm = format!("realm-{}", uuid::Uuid::new_v4().simple());
        // Names are used again, and tables keep their places when they are renamed.
        let unique = "polaris.features.\"DEFAULT_UNIQUE_TABLE_LOCATION_ENABLED\"";
        let settings = [&[(unique, "true")], more].concat();
        let mut shared: Option<Arc<dyn Metastore>> = None;
        let mut servers = Vec::new();
        for replica in 0..3 {
            let files = (replica < 2).then(|| Arc::new(BetweenFiles::new(&plan)) as Arc<_>);
            let between = |own| {
                let inner = Arc::clone(shared.get_or_insert(own));
                if replica == 2 {
                    return inner;
                }
                let plan = plan.clone();
                Arc::new(Between { inner, plan, replica }) as Arc<dyn Metastore>
            };
            let clock = Arc::new(SystemClock);
            let server = TestServer::start_interposed(&realm, &settings, clock, between, files);
            servers.push(Box::pin(server).await);
        }
        let [one, two, reader] = <[TestServer; 3]>::try_from(servers).expect("three");
        one.create_catalog("lake").await;
        let form = "grant_type=client_credentials&client_id=root&client_secret=s3cr3t\
                    &scope=PRINCIPAL_ROLE:ALL";
        let answer = one.nobody().post_form(form).await.expect(200).json();
        let token = answer["access_token"].as_str().expect("a token").to_owned();
        let root = one.nobody().with_token(&token);
        let config = root.get("/api/catalog/v1/config?warehouse=lake").await.expect(200).json();
        let knows_keys = ["defaults", "overrides"]
            .iter()
            .any(|part| config[part].get("idempotency-key-lifetime").is_some())
            || config.get("idempotency-key-lifetime").is_some();
        Self { plan, replicas: [one, two], reader, token, knows_keys }
    }

    /// Root at one of the replicas.
    pub(crate) fn at(&self, replica: usize) -> Identity<'_> {
        self.replicas[replica].nobody().with_token(&self.token)
    }

    /// Root at the server that nothing is between.
    pub(crate) fn reader(&self) -> Identity<'_> {
        self.reader.nobody().with_token(&self.token)
    }

    /// Where a namespace's tables lie.
    pub(crate) fn place(&self, namespace: &str) -> String {
        format!("{}/{namespace}", self.replicas[0].location("lake"))
    }
}

/// The names of a run.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    pub(crate) namespaces: [String; 2],
}

impl Names {
    /// Makes the namespaces of a run.
    pub(crate) async fn make(world: &World, run: &str) -> Self {
        let namespaces = [format!("{run}x"), format!("{run}y")];
        let reader = world.reader();
        for namespace in &namespaces {
            let body = json!({"namespace": [namespace]});
            let _ = reader.post("/api/catalog/v1/lake/namespaces", body).await.expect(200);
        }
        Self { namespaces }
    }

    pub(crate) fn namespace(&self, name: Name) -> &str {
        &self.namespaces[name / 3]
    }

    pub(crate) fn ident(&self, name: Name) -> Value {
        json!({"namespace": [self.namespace(name)], "name": format!("t{}", name % 3)})
    }

    pub(crate) fn tables(&self, name: Name) -> String {
        format!("/api/catalog/v1/lake/namespaces/{}/tables", self.namespace(name))
    }

    pub(crate) fn route(&self, name: Name) -> String {
        format!("{}/t{}", self.tables(name), name % 3)
    }
}

/// What is there, as the server sees it that nothing is between.
pub(crate) async fn look(
    world: &World,
    names: &Names,
) -> Result<BTreeMap<Name, (Table, Response)>, String> {
    let reader = world.reader();
    let mut found = BTreeMap::new();
    for half in 0..2 {
        let list = reader.get(&names.tables(half * 3)).await.expect(200).json();
        let listed = list["identifiers"].as_array().cloned().unwrap_or_default();
        for ident in &listed {
            let name = (half * 3..half * 3 + 3).find(|name| names.ident(*name) == *ident);
            let name = name.ok_or_else(|| format!("{ident} is listed, and nobody made it"))?;
            let answer: Response = reader.get(&names.route(name)).await;
            if answer.status.as_u16() != 200 {
                return Err(format!("{ident} is listed and not there: {}", answer.text()));
            }
            if found.insert(name, (Table::read(&answer.json()), answer)).is_some() {
                return Err(format!("{ident} is listed twice"));
            }
        }
    }
    Ok(found)
}

/// What a run left to be checked.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) names: Names,
    pub(crate) calls: Vec<Call>,
    /// What is wrong already.
    pub(crate) violations: Vec<String>,
}
