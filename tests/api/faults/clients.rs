//! Clients that do what engines do: they look, commit on what they saw, and ask again when they hear
//! nothing.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use axum::http::Method;
use merak_tests::schema;
use serde_json::{Value, json};

use super::chance::Chance;
use super::judge::judge;
use super::model::{Call, Change, Name, Refusal, Saw, Table, What};
use super::truth::Happened;
use super::world::{NAMES, Names, World};
use crate::fixtures::{commit, create_commit, disk, foreign_metadata, point, snapshot, write};

/// What the clients of a run share.
#[derive(Debug)]
pub(crate) struct Shared<'a> {
    pub(crate) world: &'a World,
    pub(crate) names: Names,
    pub(crate) calls: RefCell<Vec<Call>>,
    pub(crate) violations: RefCell<Vec<String>>,
    numbers: Cell<i64>,
}

impl<'a> Shared<'a> {
    pub(crate) fn new(world: &'a World, names: Names) -> Self {
        Self {
            world,
            names,
            calls: RefCell::default(),
            violations: RefCell::default(),
            numbers: Cell::new(0),
        }
    }

    fn number(&self) -> i64 {
        self.numbers.set(self.numbers.get() + 1);
        self.numbers.get()
    }
}

/// A table as a client saw it last.
#[derive(Debug, Clone)]
struct View {
    table: Table,
    uuid: Value,
    place: String,
    sequence: i64,
}

/// One client.
#[derive(Debug)]
pub(crate) struct Client<'a> {
    number: usize,
    shared: &'a Shared<'a>,
    chance: Chance,
    views: HashMap<Name, View>,
}

/// A request that can be sent again as it is.
struct Request {
    what: What,
    method: Method,
    path: String,
    body: Value,
    key: Option<String>,
}

impl<'a> Client<'a> {
    pub(crate) fn new(number: usize, shared: &'a Shared<'a>, seed: u64) -> Self {
        let chance = Chance::new(seed ^ ((number as u64 + 1) << 40));
        Self { number, shared, chance, views: HashMap::new() }
    }

    /// Makes the table that most others then want.
    pub(crate) async fn make_first(mut self) -> Self {
        self.create(0).await;
        self
    }

    /// Another client that has seen the same.
    pub(crate) fn another(&self, number: usize, seed: u64) -> Self {
        Self { views: self.views.clone(), ..Self::new(number, self.shared, seed) }
    }

    /// Does a number of things, each of which may take some requests.
    pub(crate) async fn work(mut self, things: usize) {
        for _ in 0..things {
            // Most want the same.
            let name = if self.chance.percent(45) { 0 } else { self.chance.index(NAMES) };
            match self.views.get(&name).cloned() {
                Some(view) => self.change(name, view).await,
                None => self.begin(name).await,
            }
        }
    }

    /// Does something with a name that it knows nothing of.
    async fn begin(&mut self, name: Name) {
        let born = format!("b{}", self.shared.number());
        match self.chance.below(100) {
            0..40 => self.load(name).await,
            40..60 => self.create(name).await,
            60..85 => {
                if let Some(body) = self.stage(name, &born).await {
                    let what = What::Commit(name, Change::Make { born });
                    self.post(what, self.shared.names.route(name), body).await;
                }
            }
            _ => {
                let location = self.write_foreign(name, &born);
                let namespace = self.shared.names.namespace(name);
                let path = format!("/api/catalog/v1/lake/namespaces/{namespace}/register");
                let body = json!({"name": self.shared.names.ident(name)["name"],
                    "metadata-location": location});
                self.post(What::Register(name, born), path, body).await;
            }
        }
    }

    /// Does something with a table that it saw.
    async fn change(&mut self, name: Name, view: View) {
        let route = self.shared.names.route(name);
        match self.chance.below(100) {
            0..50 => {
                let (change, body) = self.commit_on(&view);
                let saw = self.post(What::Commit(name, change), route, body).await;
                if saw == Saw::Refused(Refusal::Failed) {
                    self.load(name).await;
                    if let Some(view) = self.views.get(&name).cloned() {
                        let (change, body) = self.commit_on(&view);
                        let route = self.shared.names.route(name);
                        self.post(What::Commit(name, change), route, body).await;
                    }
                }
            }
            50..60 => {
                let (what, method) = (What::Drop(name), Method::DELETE);
                self.ask(what, method, route, Value::Null).await;
                self.views.remove(&name);
            }
            60..72 => {
                let to = (name + 1 + self.chance.index(NAMES - 1)) % NAMES;
                let names = &self.shared.names;
                let body = json!({"source": names.ident(name), "destination": names.ident(to)});
                let path = "/api/catalog/v1/lake/tables/rename".to_owned();
                let saw = self.post(What::Rename(name, to), path, body).await;
                self.views.remove(&name);
                if saw == Saw::Done(None) {
                    self.views.insert(to, view);
                }
            }
            72..92 => self.transact(name, &view).await,
            _ => self.load(name).await,
        }
    }

    async fn create(&mut self, name: Name) {
        let born = format!("b{}", self.shared.number());
        let body = json!({"name": self.shared.names.ident(name)["name"], "schema": schema(),
            "properties": {"born": born}});
        let path = self.shared.names.tables(name);
        self.post(What::Create(name, born), path, body).await;
    }

    async fn load(&mut self, name: Name) {
        let route = self.shared.names.route(name);
        self.ask(What::Load(name), Method::GET, route, Value::Null).await;
    }

    /// A transaction of a table and another one, or one that it makes.
    async fn transact(&mut self, name: Name, view: &View) {
        let (change, body) = self.commit_on(view);
        let mut changes = vec![(name, change)];
        let mut bodies = vec![body];
        let other = (name + 1 + self.chance.index(NAMES - 1)) % NAMES;
        if let Some(view) = self.views.get(&other).cloned() {
            let (change, body) = self.commit_on(&view);
            changes.push((other, change));
            bodies.push(body);
        } else {
            let born = format!("b{}", self.shared.number());
            if let Some(body) = self.stage(other, &born).await {
                changes.push((other, Change::Make { born }));
                bodies.push(body);
            }
        }
        for ((name, _), body) in changes.iter().zip(&mut bodies) {
            body["identifier"] = self.shared.names.ident(*name);
        }
        let involved: Vec<Name> = changes.iter().map(|(name, _)| *name).collect();
        let body = json!({"table-changes": bodies});
        let path = "/api/catalog/v1/lake/transactions/commit".to_owned();
        self.post(What::Transaction(changes), path, body).await;
        // It is not told what they are like now.
        for name in involved {
            self.views.remove(&name);
        }
    }

    /// A commit on what it saw.
    fn commit_on(&mut self, view: &View) -> (Change, Value) {
        let number = self.shared.number();
        let born = view.table.born.clone();
        let is_same = json!({"type": "assert-table-uuid", "uuid": view.uuid});
        match self.chance.below(100) {
            0..60 => {
                let parent = view.table.head;
                let mut added = snapshot(&view.place, number, parent);
                added["sequence-number"] = json!(view.sequence + 1);
                let at = json!({"type": "assert-ref-snapshot-id", "ref": "main",
                    "snapshot-id": parent});
                let updates = json!([{"action": "add-snapshot", "snapshot": added},
                    point("main", "branch", number)]);
                let change = Change::Append { born, parent, id: number };
                (change, commit(json!([is_same, at]), updates))
            }
            60..80 => {
                let key = format!("key-{number}");
                let updates = json!([{"action": "set-properties", "updates": {&key: "v"}}]);
                (Change::Set { born, key }, commit(json!([is_same]), updates))
            }
            _ => {
                let columns = view.table.columns.len();
                let name = format!("c{number}");
                let mut wider = schema();
                let fields = wider["fields"].as_array_mut().expect("fields");
                for (at, name) in view.table.columns.iter().chain([&name]).enumerate().skip(2) {
                    fields.push(
                        json!({"id": at + 1, "name": name, "required": false, "type": "string"}),
                    );
                }
                let last = json!({"type": "assert-last-assigned-field-id",
                    "last-assigned-field-id": columns});
                let updates = json!([{"action": "add-schema", "schema": wider},
                    {"action": "set-current-schema", "schema-id": -1}]);
                (Change::Widen { born, columns, name }, commit(json!([is_same, last]), updates))
            }
        }
    }

    /// Stages a table; answers the commit that makes it.
    async fn stage(&mut self, name: Name, born: &str) -> Option<Value> {
        let body = json!({"name": self.shared.names.ident(name)["name"], "schema": schema(),
            "stage-create": true});
        let path = self.shared.names.tables(name);
        let (saw, answer) = self
            .send(&Request { what: What::Stage(name), method: Method::POST, path, body, key: None })
            .await;
        if !matches!(saw, Saw::Done(_)) {
            return None;
        }
        let metadata = &answer["metadata"];
        let (uuid, place) = (metadata["table-uuid"].as_str()?, metadata["location"].as_str()?);
        let mut commit = create_commit(uuid, place, schema());
        let updates = commit["updates"].as_array_mut().expect("updates");
        updates.push(json!({"action": "set-properties", "updates": {"born": born}}));
        Some(commit)
    }

    /// Writes a metadata file as another catalog would.
    fn write_foreign(&self, name: Name, born: &str) -> String {
        let place = format!(
            "{}/{born}-foreign",
            self.shared.world.place(self.shared.names.namespace(name))
        );
        let mut metadata = foreign_metadata(&self.shared.world.replicas[0], born);
        metadata["location"] = json!(place);
        metadata["properties"] = json!({"born": born});
        let location = format!("{place}/metadata/00000-{born}.metadata.json");
        write(&disk(&location), &metadata.to_string());
        location
    }

    async fn post(&mut self, what: What, path: String, body: Value) -> Saw {
        self.ask(what, Method::POST, path, body).await
    }

    /// Sends a request, and again or looks if it hears nothing of what became of it.
    async fn ask(&mut self, what: What, method: Method, path: String, body: Value) -> Saw {
        let wants_key = self.shared.world.knows_keys && self.chance.percent(50);
        let is_write = !matches!(what, What::Load(_));
        let key = (wants_key && is_write).then(|| uuid::Uuid::new_v4().to_string());
        let request = Request { what, method, path, body, key };
        let mut saw = self.send(&request).await.0;
        // A creation that is asked for again makes another table; with a key, the same.
        let may_repeat = !matches!(request.what, What::Create(..)) || request.key.is_some();
        let heard_nothing = matches!(saw, Saw::Nothing | Saw::Unknown);
        if heard_nothing && is_write && may_repeat && self.chance.percent(60) {
            saw = self.send(&request).await.0;
        }
        saw
    }

    async fn send(&mut self, request: &Request) -> (Saw, Value) {
        let plan = &self.shared.world.plan;
        let mut who = self.shared.world.at(self.chance.index(2));
        if let Some(key) = &request.key {
            who = who.with_header("Idempotency-Key", key);
        }
        let start = plan.tick();
        let answer = if request.method == Method::POST {
            who.post(&request.path, request.body.clone()).await
        } else if request.method == Method::DELETE {
            who.delete(&request.path).await
        } else {
            who.get(&request.path).await
        };
        let time = (start, plan.tick());
        let body = if answer.body.is_empty() { Value::Null } else { answer.json() };
        let what = (&request.what, request.key.is_some());
        let saw = judge(plan, what, time, &answer, &body).unwrap_or_else(|violation| {
            self.shared.violations.borrow_mut().push(violation);
            Saw::Unknown
        });
        self.take_in(&request.what, &saw, &body);
        self.shared.calls.borrow_mut().push(Call {
            client: self.number,
            what: request.what.clone(),
            time,
            had_loss: plan.truth(|truth| truth.count(Happened::Lost, time)) > 0,
            key: request.key.clone(),
            saw: saw.clone(),
        });
        (saw, body)
    }

    /// Learns what an answer tells.
    fn take_in(&mut self, what: &What, saw: &Saw, body: &Value) {
        let (What::Commit(name, _)
        | What::Create(name, _)
        | What::Register(name, _)
        | What::Load(name)) = what
        else {
            return;
        };
        match saw {
            Saw::Done(Some(table)) => {
                let metadata = &body["metadata"];
                let view = View {
                    table: table.clone(),
                    uuid: metadata["table-uuid"].clone(),
                    place: metadata["location"].as_str().unwrap_or_default().to_owned(),
                    sequence: metadata["last-sequence-number"].as_i64().unwrap_or_default(),
                };
                self.views.insert(*name, view);
            }
            Saw::Refused(Refusal::Missing) => {
                self.views.remove(name);
            }
            Saw::Done(None) | Saw::Refused(_) | Saw::Nothing | Saw::Unknown => {}
        }
    }
}
