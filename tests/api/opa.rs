//! What becomes of requests that a policy decides on.

mod service;

use std::sync::Arc;

use merak_model::Privilege;
use merak_tests::{Identity, TestClock, TestServer, scratch_dir};
use serde_json::{Value, json};

use service::{Mood, PolicyService};

const MANAGEMENT: &str = "/api/management/v1";
const NAMESPACES: &str = "/api/catalog/v1/lake/namespaces";
const STARS: &str = "/api/catalog/v1/lake/namespaces/sky/tables/stars";
const DENIED: &str = "403 ForbiddenException: OPA denied authorization";
const AWAY: &str = "503 ServiceUnavailableException: OPA decides on requests, and cannot be asked at \
                    the moment: nothing was changed";
const TOKEN: &str = "polaris.authorization.opa.auth.bearer.static-token.value";
const TOKEN_FILE: &str = "polaris.authorization.opa.auth.bearer.file-based.path";
const BEARER: (&str, &str) = ("polaris.authorization.opa.auth.type", "bearer");
const TIMEOUT: &str = "polaris.authorization.opa.http.timeout";
const CACHE: &str = "merak.authorization.opa.decision-cache-ttl";

/// A server with a catalog `lake` and a table `sky.stars` in it, on which a policy decides.
struct World {
    policy: PolicyService,
    clock: TestClock,
    server: TestServer,
}

impl World {
    async fn new(more: &[(&str, &str)]) -> Self {
        let world = Self::empty("realm", more).await;
        world.server.create_catalog("lake").await;
        world.server.create_namespace("lake", "sky").await;
        world.server.create_table("lake", "sky", "stars").await;
        world.policy.asked();
        world
    }

    /// One with nothing in it, whose realm's name ends so.
    async fn empty(realm: &str, more: &[(&str, &str)]) -> Self {
        let policy = PolicyService::start().await;
        policy.expects("right");
        let realm = format!("{}-{realm}", uuid::Uuid::new_v4().simple());
        let mut settings = vec![
            ("polaris.authorization.type", "opa"),
            ("polaris.authorization.opa.policy-uri", &*policy.url),
            BEARER,
        ];
        if more.iter().all(|(key, _)| *key != TOKEN_FILE) {
            settings.push((TOKEN, "right"));
        }
        settings.extend(more);
        let clock = TestClock::new();
        let server = TestServer::start_at(&realm, &settings, Arc::new(clock.clone())).await;
        Self { policy, clock, server }
    }
}

/// What a request to load the table is answered, if it is refused.
async fn refusal(who: &Identity<'_>) -> String {
    let answer = who.get(STARS).await;
    if answer.status.is_success() { String::new() } else { answer.error() }
}

#[tokio::test]
async fn a_policy_decides_and_what_is_granted_does_not() {
    let world = World::new(&[]).await;
    let (ana, bo) = (world.server.principal("ana").await, world.server.principal("bo").await);
    world.server.grant("bo", Privilege::CatalogManageContent, "lake", None, None).await;

    let _ = ana.get(STARS).await.expect(200);
    let _ = ana.get(NAMESPACES).await.expect(200);
    assert_eq!(ana.delete(STARS).await.error(), DENIED);
    assert_eq!(ana.get(&format!("{MANAGEMENT}/catalogs")).await.error(), DENIED);
    assert_eq!(bo.get(STARS).await.error(), DENIED);

    let wes = world.server.principal("wes").await;
    let _ = wes.delete(STARS).await.expect(204);
    assert_eq!(wes.delete(&format!("{NAMESPACES}/land")).await.status, 404, "nothing is there");
}

#[tokio::test]
async fn a_policy_is_told_who_does_what_to_what() {
    let world = World::new(&[]).await;
    let ana = world.server.principal("ana").await.with_header("X-Request-ID", "the-first");

    let _ = ana.get(STARS).await.expect(200);

    let parent = |kind: &str, name: &str| json!({"type": kind, "name": name, "parents": []});
    let root = parent("ROOT", "root_container");
    let lake = parent("CATALOG", "lake");
    let sky = parent("NAMESPACE", "sky");
    let expected = json!({"input": {
        "actor": {"principal": "ana", "roles": ["ana"]},
        "action": "LOAD_TABLE",
        "resource": {"targets": [
            {"type": "TABLE_LIKE", "name": "stars", "parents": [root, lake, sky]},
        ]},
        "context": {"request_id": "the-first", "realm": world.server.realm.as_str()},
    }});
    assert_eq!(world.policy.asked(), [expected]);
}

/// What was asked, a line each: the action, what it is done to, and what it concerns besides.
fn lines(asked: &[Value]) -> String {
    let name = |entity: &Value| {
        let parents = entity["parents"].as_array().unwrap().iter();
        let path: Vec<_> = parents
            .map(|parent| parent["name"].as_str().unwrap())
            .filter(|name| *name != "root_container")
            .chain(entity["name"].as_str())
            .collect();
        format!("{} {}", entity["type"].as_str().unwrap(), path.join("."))
    };
    let names = |entities: &Value| {
        let names: Vec<_> = entities.as_array().into_iter().flatten().map(name).collect();
        names.join(", ")
    };
    let line = |body: &Value| {
        let (action, resource) = (&body["input"]["action"], &body["input"]["resource"]);
        let (targets, secondaries) = (names(&resource["targets"]), names(&resource["secondaries"]));
        let besides =
            if secondaries.is_empty() { String::new() } else { format!(" / {secondaries}") };
        format!("{}: {targets}{besides}", action.as_str().unwrap())
    };
    asked.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn each_operation_is_asked_about_as_polaris_asks() {
    let world = World::new(&[]).await;
    world.server.create_namespace("lake", "sky.deep").await;
    world.server.create_view("lake", "sky.deep", "recent").await;
    let root = world.server.root().await;
    world.policy.asked();

    let commit = json!({"requirements": [], "updates": [
        {"action": "set-properties", "updates": {"a": "b"}},
        {"action": "set-properties", "updates": {"c": "d"}},
        {"action": "remove-properties", "removals": ["e"]},
    ]});
    let _ = root.post(STARS, commit).await.expect(200);
    let nothing = json!({"requirements": [], "updates": []});
    let _ = root.post(STARS, nothing.clone()).await.expect(200);
    let moved = json!({
        "source": {"namespace": ["sky"], "name": "stars"},
        "destination": {"namespace": ["sky", "deep"], "name": "suns"},
    });
    let _ = root.post("/api/catalog/v1/lake/tables/rename", moved).await.expect(204);
    let _ = root.head(&format!("{NAMESPACES}/sky%1Fdeep/views/recent")).await.expect(204);
    let change = json!({
        "identifier": {"namespace": ["sky", "deep"], "name": "suns"},
        "requirements": [],
        "updates": [{"action": "set-properties", "updates": {"a": "c"}}],
    });
    let transaction = json!({"table-changes": [change]});
    let _ = root.post("/api/catalog/v1/lake/transactions/commit", transaction).await.expect(204);
    let _ = root.get(NAMESPACES).await.expect(200);
    let _ = root.get(&format!("{MANAGEMENT}/principals")).await.expect(200);
    let _ = root.post(&format!("{MANAGEMENT}/principal-roles"), json!({"name": "team"})).await;
    let roles = format!("{MANAGEMENT}/catalogs/lake/catalog-roles");
    let _ = root.post(&roles, json!({"name": "reader"})).await.expect(201);
    let grant =
        json!({"type": "namespace", "namespace": ["sky", "deep"], "privilege": "TABLE_LIST"});
    let _ = root.put(&format!("{roles}/reader/grants"), grant).await.expect(201);
    let assigned = format!("{MANAGEMENT}/principal-roles/team/catalog-roles/lake");
    let _ = root.put(&assigned, json!({"name": "reader"})).await.expect(201);
    let _ = root.get(&format!("{MANAGEMENT}/principals/root")).await.expect(200);

    insta::assert_snapshot!(lines(&world.policy.asked()), @r"
    REMOVE_TABLE_PROPERTIES: TABLE_LIKE lake.sky.stars
    SET_TABLE_PROPERTIES: TABLE_LIKE lake.sky.stars
    UPDATE_TABLE: TABLE_LIKE lake.sky.stars
    RENAME_TABLE: TABLE_LIKE lake.sky.stars / NAMESPACE lake.sky.deep
    VIEW_EXISTS: TABLE_LIKE lake.sky.deep.recent
    COMMIT_TRANSACTION: TABLE_LIKE lake.sky.deep.suns
    LIST_NAMESPACES: CATALOG lake
    LIST_PRINCIPALS: ROOT root_container
    CREATE_PRINCIPAL_ROLE: ROOT root_container
    CREATE_CATALOG_ROLE: CATALOG lake
    ADD_NAMESPACE_GRANT_TO_CATALOG_ROLE: NAMESPACE lake.sky.deep / CATALOG_ROLE lake.reader
    ASSIGN_CATALOG_ROLE_TO_PRINCIPAL_ROLE: CATALOG_ROLE lake.reader / PRINCIPAL_ROLE team
    GET_PRINCIPAL: PRINCIPAL root
    ");
}

#[tokio::test]
async fn a_table_that_is_to_be_made_is_asked_about_by_its_namespace_and_one_that_is_there_by_itself()
 {
    let world = World::new(&[]).await;
    let root = world.server.root().await;
    let loaded = root.get(STARS).await.expect(200).json();
    let register = |name: &str| json!({"name": name, "metadata-location": loaded["metadata-location"], "overwrite": true});
    world.policy.asked();

    let _ = root.post(&format!("{NAMESPACES}/sky/register"), register("stars")).await.expect(200);
    let _ = root.delete(STARS).await.expect(204);
    let _ = root.post(&format!("{NAMESPACES}/sky/register"), register("suns")).await.expect(200);
    let table = json!({"name": "moons", "schema": merak_tests::schema()});
    let _ = root.post(&format!("{NAMESPACES}/sky/tables"), table.clone()).await.expect(200);
    let _ = root.post(&format!("{NAMESPACES}/sky/tables"), table).await.expect(409);

    insta::assert_snapshot!(lines(&world.policy.asked()), @r"
    REGISTER_TABLE_OVERWRITE: TABLE_LIKE lake.sky.stars
    DROP_TABLE_WITHOUT_PURGE: TABLE_LIKE lake.sky.stars
    REGISTER_TABLE: NAMESPACE lake.sky
    CREATE_TABLE_DIRECT: NAMESPACE lake.sky
    CREATE_TABLE_DIRECT: NAMESPACE lake.sky
    ");
}

#[tokio::test]
async fn a_load_with_access_to_the_data_is_first_asked_about_as_one_that_writes() {
    let world = World::new(&[]).await;
    let delegation = ("X-Iceberg-Access-Delegation", "vended-credentials");
    for (name, expected) in [
        ("wes", vec!["LOAD_TABLE_WITH_WRITE_DELEGATION"]),
        ("ana", vec!["LOAD_TABLE_WITH_WRITE_DELEGATION", "LOAD_TABLE_WITH_READ_DELEGATION"]),
        ("bo", vec!["LOAD_TABLE_WITH_WRITE_DELEGATION", "LOAD_TABLE_WITH_READ_DELEGATION"]),
    ] {
        let who = world.server.principal(name).await.with_header(delegation.0, delegation.1);
        let answer = who.get(STARS).await;
        assert_eq!(answer.status == 403, name == "bo", "{name}: {}", answer.text());
        assert_eq!(world.policy.actions(), expected, "{name}");
    }
}

#[tokio::test]
async fn what_everybody_may_is_not_asked_about_and_rules_hold_whatever_the_policy_says() {
    let flag = "polaris.features.\"ENFORCE_PRINCIPAL_CREDENTIAL_ROTATION_REQUIRED_CHECKING\"";
    let world = World::new(&[(flag, "true")]).await;
    let root = world.server.root().await;
    let ana = world.server.principal("ana").await;
    let new = json!({"principal": {"name": "new"}, "credentialRotationRequired": true});
    let made = root.post(&format!("{MANAGEMENT}/principals"), new).await.expect(201).json();
    let id = made["principal"]["clientId"].as_str().unwrap();
    let secret = made["credentials"]["clientSecret"].as_str().unwrap();
    let new = Identity::by_credentials(&world.server, id, secret, "PRINCIPAL_ROLE:ALL").await;
    world.policy.asked();

    let _ = ana.get("/api/catalog/v1/config?warehouse=lake").await.expect(200);
    let rotate = |name: &str| format!("{MANAGEMENT}/principals/{name}/rotate");
    let _ = ana.post(&rotate("ana"), json!({})).await.expect(200);
    let error = new.get(NAMESPACES).await.expect(403).error();
    assert!(error.ends_with("because it must rotate credentials first"), "{error}");
    let reset = format!("{MANAGEMENT}/principals/new/reset");
    let error = ana.post(&reset, json!({})).await.expect(403).error();
    assert!(error.ends_with("Only Root principal(service-admin) can perform RESET_CREDENTIALS"));
    assert_eq!(world.policy.actions(), Vec::<String>::new());

    assert_eq!(ana.post(&rotate("new"), json!({})).await.error(), DENIED);
    let _ = root.post(&reset, json!({})).await.expect(200);
    assert_eq!(world.policy.actions(), ["ROTATE_CREDENTIALS", "RESET_CREDENTIALS"]);
}

#[tokio::test]
async fn what_is_no_yes_is_a_no() {
    let world = World::new(&[]).await;
    let root = world.server.root().await;
    let elsewhere = PolicyService::start().await;
    let says = |body: &str| Mood::Says(body.to_owned());

    for mood in [
        Mood::Status(500),
        Mood::Status(503),
        Mood::Status(401),
        Mood::Status(201),
        Mood::Redirects(elsewhere.url.clone()),
        says("{}"),
        says(r#"{"result": {}}"#),
        says(r#"{"result": true}"#),
        says(r#"{"allow": true}"#),
        says(r#"{"result": {"allow": false}}"#),
        says(r#"{"result": {"allow": "true"}}"#),
        says(r#"{"result": {"allow": 1}}"#),
        says(r#"{"result": [{"allow": true}]}"#),
    ] {
        world.policy.is(mood);
        assert_eq!(refusal(&root).await, DENIED);
    }

    assert_eq!(elsewhere.actions(), Vec::<String>::new());
    world.policy.is(says(r#"{"result": {"allow": true}, "more": 1}"#));
    assert_eq!(refusal(&root).await, "");
}

#[tokio::test]
async fn what_cannot_be_found_out_is_503_and_nothing_is_done() {
    let world =
        World::new(&[(TIMEOUT, "PT1S"), ("merak.authorization.opa.max-answer-size", "64")]).await;
    let root = world.server.root().await;
    let long = format!(r#"{{"result": {{"allow": true}}, "more": "{}"}}"#, "x".repeat(64));

    for mood in [
        Mood::Silent,
        Mood::Says(String::new()),
        Mood::Says("garbage".to_owned()),
        Mood::Says("[true]".to_owned()),
        Mood::Says("{\"result\": {\"allow\": true}".to_owned()),
        Mood::Says(long),
    ] {
        world.policy.is(mood);
        assert_eq!(root.delete(STARS).await.expect(503).error(), AWAY);
    }
    let delegating = root.with_header("X-Iceberg-Access-Delegation", "vended-credentials");
    world.policy.asked();
    assert_eq!(refusal(&delegating).await, AWAY);
    let actions = world.policy.actions();
    assert_eq!(actions, ["LOAD_TABLE_WITH_WRITE_DELEGATION"], "not a no, so nothing less is tried");

    world.policy.is(Mood::Well);
    assert_eq!(refusal(&root).await, "");
}

#[tokio::test]
async fn without_its_policy_service_a_server_starts_and_allows_nothing() {
    let url = PolicyService::start().await.url.clone();
    let world = World::empty("realm", &[("polaris.authorization.opa.policy-uri", &url)]).await;

    let root = world.server.root().await;
    let answer = root.get(&format!("{MANAGEMENT}/catalogs")).await;

    assert_eq!(answer.error(), AWAY);
    let _ = world.server.send_to_management("/q/health/ready").await.expect(200);
}

#[tokio::test]
async fn a_wrong_token_is_a_no_and_no_token_is_503() {
    let wrong = World::empty("realm", &[(TOKEN, "wrong")]).await;
    let root = wrong.server.root().await;
    assert_eq!(root.get(&format!("{MANAGEMENT}/catalogs")).await.error(), DENIED);

    let none = World::empty("realm", &[(TOKEN_FILE, "/nowhere/token")]).await;
    let root = none.server.root().await;
    assert_eq!(root.get(&format!("{MANAGEMENT}/catalogs")).await.error(), AWAY);
    assert_eq!(none.policy.actions(), Vec::<String>::new());
}

#[tokio::test]
async fn a_token_in_a_file_may_be_replaced() {
    let folder = scratch_dir();
    let file = folder.join("token");
    std::fs::write(&file, "right\n").unwrap();
    let world = World::new(&[(TOKEN_FILE, file.to_str().unwrap())]).await;
    let root = world.server.root().await;
    assert_eq!(refusal(&root).await, "");

    world.policy.expects("newer");
    std::fs::write(&file, "newer\n").unwrap();
    assert_eq!(refusal(&root).await, DENIED);
    world.clock.advance_s(5 * 60);
    assert_eq!(refusal(&root).await, "");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn each_request_is_asked_about_unless_decisions_are_to_count_longer() {
    let forgetful = World::new(&[]).await;
    let root = forgetful.server.root().await;
    for _ in 0..3 {
        assert_eq!(refusal(&root).await, "");
    }
    assert_eq!(forgetful.policy.actions().len(), 3);

    let world = World::new(&[(CACHE, "PT10S")]).await;
    let (root, bo) = (world.server.root().await, world.server.principal("bo").await);
    for _ in 0..3 {
        assert_eq!(refusal(&root).await, "");
        assert_eq!(refusal(&bo).await, DENIED);
    }
    assert_eq!(world.policy.actions(), ["LOAD_TABLE", "LOAD_TABLE"]);
    let _ = root.get(NAMESPACES).await.expect(200);
    assert_eq!(world.policy.actions(), ["LIST_NAMESPACES"]);

    world.policy.is(Mood::Status(500));
    world.clock.advance_s(9);
    assert_eq!(refusal(&root).await, "");
    world.clock.advance_s(1);
    assert_eq!(refusal(&root).await, DENIED);
    world.policy.is(Mood::Well);
    assert_eq!(refusal(&root).await, "", "what the policy did not say is not remembered");
}

#[tokio::test]
async fn a_policy_can_tell_realms_apart() {
    let open = World::empty("open", &[]).await;
    let closed = World::empty("closed", &[]).await;
    let catalogs = format!("{MANAGEMENT}/catalogs");

    let _ = open.server.root().await.get(&catalogs).await.expect(200);
    assert_eq!(closed.server.root().await.get(&catalogs).await.error(), DENIED);
}

#[tokio::test]
async fn an_explanation_says_that_a_policy_decides_and_what() {
    let world = World::new(&[]).await;
    let root = world.server.root().await;
    let ana = world.server.principal("ana").await;
    world.server.grant("ana", Privilege::TableDrop, "lake", None, None).await;
    let explain = async |operation: &str| {
        let query = "catalog=lake&namespace=sky&table=stars";
        let path = format!("{MANAGEMENT}/explain?principal=ana&operation={operation}&{query}");
        root.get(&path).await.expect(200).json()
    };
    let steps = |answer: &Value| {
        let steps = answer["steps"].as_array().unwrap().iter();
        steps.map(|step| step.as_str().unwrap()).collect::<Vec<_>>().join("\n")
    };

    let (load, drop) = (explain("LOAD_TABLE").await, explain("DROP_TABLE_WITHOUT_PURGE").await);
    let config = explain("GET_CONFIG").await;

    for (answer, is_allowed) in [(&load, true), (&drop, false), (&config, true)] {
        assert_eq!(answer["allowed"], is_allowed, "{answer}");
        assert_eq!(answer["decidedBy"], "OPA");
        assert_eq!(answer["requirements"], json!([]));
        assert_eq!(answer["remedies"], json!([]));
    }
    insta::assert_snapshot!(steps(&load), @r"
    Principal ana acts in the principal roles ana.
    OPA decides, and not what is granted here: it allows LOAD_TABLE.
    So LOAD_TABLE is allowed.
    ");
    insta::assert_snapshot!(steps(&drop), @r"
    Principal ana acts in the principal roles ana.
    OPA decides, and not what is granted here: it denies DROP_TABLE_WITHOUT_PURGE.
    So DROP_TABLE_WITHOUT_PURGE is refused.
    ");
    insta::assert_snapshot!(steps(&config), @r"
    Principal ana acts in the principal roles ana.
    OPA decides, and not what is granted here: it is not asked about GET_CONFIG.
    So GET_CONFIG is allowed.
    ");

    let path = format!("{MANAGEMENT}/explain?principal=root&operation=LIST_CATALOGS");
    assert_eq!(ana.get(&path).await.error(), DENIED);
}
