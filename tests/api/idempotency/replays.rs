//! What was done is done once, and answered as it was.

use merak_tests::{Identity, TestServer, schema};
use serde_json::{Value, json};

use super::{Request, delete, fresh_key, keyed, post, whole};
use crate::fixtures::{append, commit, create_commit, point, set, snapshot, text};

const NAMESPACES: &str = "/api/catalog/v1/lake/namespaces";
const RENAME: &str = "/api/catalog/v1/lake/tables/rename";
const TRANSACTIONS: &str = "/api/catalog/v1/lake/transactions/commit";

/// A request that changes something.
struct Case {
    name: &'static str,
    request: Request,
    status: u16,
    /// What others do afterwards: carried out again, the request would undo it, or be refused.
    others: Vec<Request>,
}

/// A namespace that is there for one case alone.
struct Place {
    name: String,
    path: String,
    tables: String,
    location: String,
}

impl Place {
    async fn new(server: &TestServer, number: usize) -> Self {
        let name = format!("ns{number}");
        server.create_namespace("lake", &name).await;
        let path = format!("{NAMESPACES}/{name}");
        let location = format!("{}/{name}", server.location("lake"));
        Self { tables: format!("{path}/tables"), name, path, location }
    }

    fn table(&self, name: &str) -> String {
        format!("{}/{name}", self.tables)
    }

    fn create(&self, name: &str) -> Request {
        post(&self.tables, json!({"name": name, "schema": schema()}))
    }

    fn set(&self, name: &str, value: &str) -> Request {
        post(&self.table(name), set(json!({"a": value})))
    }

    fn ident(&self, name: &str) -> Value {
        json!({"namespace": [self.name], "name": name})
    }

    fn rename(&self, from: &str, to: &str) -> Request {
        post(RENAME, json!({"source": self.ident(from), "destination": self.ident(to)}))
    }

    fn properties(&self, updates: Value, removals: Value) -> Request {
        let body = json!({"updates": updates, "removals": removals});
        post(&format!("{}/properties", self.path), body)
    }

    fn transaction(&self, tables: &[&str], value: &str) -> Request {
        let changes: Vec<_> = tables
            .iter()
            .map(|table| {
                let mut change = set(json!({"a": value}));
                change["identifier"] = self.ident(table);
                change
            })
            .collect();
        post(TRANSACTIONS, json!({"table-changes": changes}))
    }

    fn register(&self, name: &str, metadata_location: &Value, overwrite: bool) -> Request {
        let body = json!({
            "name": name, "metadata-location": metadata_location, "overwrite": overwrite,
        });
        post(&format!("{}/register", self.path), body)
    }
}

fn case(name: &'static str, request: Request, status: u16, others: Vec<Request>) -> Case {
    Case { name, request, status, others }
}

/// A case of each kind of request that changes something.
async fn cases(server: &TestServer, root: &Identity<'_>) -> Vec<(Place, Case)> {
    let mut cases = Vec::new();
    let mut places = Vec::new();
    for number in 0..18 {
        let place = Place::new(server, number).await;
        for table in ["t", "u"] {
            place.create(table).succeed(root).await;
        }
        places.push(place);
    }
    let mut places = places.into_iter();
    let mut add = |make: &dyn Fn(&Place) -> Case| {
        let place = places.next().expect("there are enough");
        let case = make(&place);
        cases.push((place, case));
    };
    add(&|at| {
        let body = json!({"namespace": [at.name, "new"], "properties": {"a": "b"}});
        let others = vec![delete(&format!("{}%1Fnew", at.path))];
        case("create namespace", post(NAMESPACES, body), 200, others)
    });
    add(&|at| {
        let request = at.properties(json!({"a": "b"}), json!(["gone"]));
        let others = vec![at.properties(json!({"a": "c", "gone": "d"}), json!([]))];
        case("namespace properties", request, 200, others)
    });
    add(&|at| {
        let request = at.properties(json!({}), json!(["gone"]));
        let others = vec![at.properties(json!({"gone": "d"}), json!([]))];
        case("namespace properties without effect", request, 200, others)
    });
    add(&|at| {
        let others = vec![at.rename("t", "u2"), delete(&at.table("u"))];
        case("create table", at.create("new"), 200, others)
    });
    add(&|at| case("create table, dropped", at.create("new"), 200, vec![delete(&at.table("new"))]));
    add(&|at| {
        let updates = json!([
            {"action": "add-snapshot", "snapshot": snapshot(&format!("{}/t", at.location), 1, None)},
            point("main", "branch", 1),
        ]);
        let requirements =
            json!([{"type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": null}]);
        let request = post(&at.table("t"), commit(requirements, updates));
        case("append", request, 200, vec![at.set("t", "b")])
    });
    add(&|at| case("commit, others commit", at.set("t", "b"), 200, vec![at.set("t", "c")]));
    add(&|at| case("commit, dropped", at.set("t", "b"), 200, vec![delete(&at.table("t"))]));
    add(&|at| case("commit, renamed", at.set("t", "b"), 200, vec![at.rename("t", "v")]));
    add(&|at| {
        let others = vec![delete(&at.table("t")), at.create("t")];
        case("commit, made anew", at.set("t", "b"), 200, others)
    });
    add(&|at| {
        let removal = json!([{"action": "remove-properties", "removals": ["a"]}]);
        let request = post(&at.table("t"), commit(json!([]), removal));
        case("commit without effect", request, 200, vec![at.set("t", "c")])
    });
    add(&|at| {
        let uuid = uuid::Uuid::new_v4().to_string();
        let body = create_commit(&uuid, &format!("{}/new", at.location), schema());
        let request = post(&at.table("new"), body);
        case("commit that creates", request, 200, vec![delete(&at.table("new"))])
    });
    add(&|at| case("drop table", delete(&at.table("t")), 204, vec![at.create("t")]));
    add(&|at| {
        let others = vec![at.rename("v", "w"), at.rename("u", "t")];
        case("rename table", at.rename("t", "v"), 204, others)
    });
    add(&|at| {
        let others = vec![at.set("t", "c")];
        case("transaction", at.transaction(&["t", "u"], "b"), 204, others)
    });
    add(&|at| {
        let removal = json!([{"action": "remove-properties", "removals": ["a"]}]);
        let mut change = commit(json!([]), removal);
        change["identifier"] = at.ident("t");
        let request = post(TRANSACTIONS, json!({"table-changes": [change]}));
        case("transaction without effect", request, 204, vec![at.set("t", "c")])
    });
    for overwrite in [false, true] {
        let at = places.next().expect("there are enough");
        let before = root.get(&at.table("t")).await.expect(200).json();
        at.set("t", "b").succeed(root).await;
        let (name, others) = if overwrite {
            ("register, overwriting", vec![at.set("t", "d")])
        } else {
            delete(&at.table("t")).succeed(root).await;
            ("register", vec![delete(&at.table("t")), at.create("t")])
        };
        let request = at.register("t", &before["metadata-location"], overwrite);
        cases.push((at, case(name, request, 200, others)));
    }
    cases
}

/// All there is in a place.
async fn state(root: &Identity<'_>, place: &Place) -> Vec<String> {
    let mut state = Vec::new();
    for path in [
        place.path.clone(),
        format!("{NAMESPACES}?parent={}", place.name),
        place.tables.clone(),
        place.table("t"),
        place.table("u"),
        place.table("v"),
        place.table("new"),
    ] {
        state.push(root.get(&path).await.text());
    }
    state
}

#[tokio::test]
async fn every_change_is_made_once_and_answered_alike_whatever_became_of_the_world() {
    let server = TestServer::start().await;
    server.create_catalog("lake").await;
    let root = server.root().await;
    for (place, Case { name, request, status, others }) in cases(&server, &root).await {
        let who = keyed(&root, &fresh_key());

        let first = request.send(&who).await;

        assert_eq!(first.status, status, "{name}: {}", first.text());
        let after = state(&root, &place).await;
        let again = request.send(&who).await;
        assert_eq!(whole(&again), whole(&first), "{name}");
        assert_eq!(state(&root, &place).await, after, "{name}");
        for other in others {
            other.succeed(&root).await;
        }
        let later = state(&root, &place).await;
        assert_ne!(later, after, "{name}: the world changed");
        let replayed = request.send(&who).await;
        assert_eq!(whole(&replayed), whole(&first), "{name}, later");
        assert_eq!(state(&root, &place).await, later, "{name}, later");
    }
}

#[tokio::test]
async fn a_namespace_that_was_dropped_and_made_anew_stays() {
    let server = TestServer::start().await;
    server.create_catalog("lake").await;
    let root = server.root().await;
    server.create_namespace("lake", "ns").await;
    let who = keyed(&root, &fresh_key());
    let request = delete(&format!("{NAMESPACES}/ns"));

    let _ = request.send(&who).await.expect(204);
    let _ = request.send(&who).await.expect(204);
    server.create_namespace("lake", "ns").await;
    let _ = request.send(&who).await.expect(204);

    let _ = root.get(&format!("{NAMESPACES}/ns")).await.expect(200);
}

#[tokio::test]
async fn an_appended_snapshot_is_appended_once() {
    let server = TestServer::start().await;
    server.create_catalog("lake").await;
    let place = Place::new(&server, 0).await;
    let root = server.root().await;
    let table = place.create("t").succeed(&root).await.json();
    let who = keyed(&root, &fresh_key());
    let request = post(&place.table("t"), append(&table, 1, None));

    let first = request.send(&who).await.expect(200);
    // Without the key the table shows it.
    let _ = request.send(&root).await.expect(200);
    let again = request.send(&who).await.expect(200);

    assert_eq!(whole(&again), whole(&first));
    let now = root.get(&place.table("t")).await.expect(200).json();
    assert_eq!(now["metadata-location"], again.json()["metadata-location"]);
    assert_eq!(now["metadata"]["snapshots"].as_array().map(Vec::len), Some(1));
    assert!(text(&now["metadata-location"]).contains("/00001-"));
}

#[tokio::test]
async fn a_staged_create_stores_nothing_and_is_staged_again() {
    let server = TestServer::start().await;
    server.create_catalog("lake").await;
    let place = Place::new(&server, 0).await;
    let root = server.root().await;
    let who = keyed(&root, &fresh_key());
    let body = json!({"name": "t", "schema": schema(), "stage-create": true});
    let request = post(&place.tables, body);

    let first = request.send(&who).await.expect(200).json();
    let again = request.send(&who).await.expect(200).json();

    assert_eq!(first["metadata"]["location"], again["metadata"]["location"]);
    let _ = root.get(&place.table("t")).await.expect(404);
}
