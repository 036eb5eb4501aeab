//! The authorization matrix: every operation of our API documents, and who may call it.
//!
//! For each operation a row says how to call it and what it needs. The tests call it as nobody, as a
//! principal with nothing, with each privilege alone, and with all privileges but those that would
//! do. An operation of the documents without a row fails.

mod access;
mod across;
mod generic_tables;
mod operations;
mod policies;
mod views;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use merak_authz::privileges::satisfying;
use merak_model::{EntityKind, Privilege, PrivilegeSet};
use merak_tests::{Identity, Response, TestServer};
use serde_json::{Value, json};

use access::ACCESS_OPERATIONS;
use across::ACROSS_OPERATIONS;
use generic_tables::GENERIC_TABLE_OPERATIONS;
use operations::{OPEN, OPERATIONS, Operation};
use policies::POLICY_OPERATIONS;
use views::VIEW_OPERATIONS;

use crate::access::{Credentials, PRINCIPALS, assign};

/// A server with what the calls act on. Each call that may succeed gets names of its own.
pub(crate) struct World<'a> {
    pub(crate) server: &'a TestServer,
    /// Rises with each call.
    pub(crate) number: u32,
}

impl World<'_> {
    /// Makes what an operation acts on, anew.
    pub(crate) async fn prepare(&mut self, operation: &Operation) {
        self.number += 1;
        if operation.on_root && !operation.needs_access {
            self.server.create_catalog(&self.catalog()).await;
            return;
        }
        let namespace = self.namespace();
        if !operation.on_root {
            self.server.create_namespace("lake", &namespace).await;
        }
        if operation.needs_table {
            self.server.create_table("lake", &namespace, "t").await;
        }
        if operation.needs_view {
            self.server.create_view("lake", &namespace, "v").await;
        }
        if operation.needs_generic_table {
            self.server.create_generic_table("lake", &namespace, "g").await;
        }
        if operation.needs_policy {
            self.prepare_policies().await;
        }
        if operation.needs_access {
            self.prepare_access(operation).await;
        }
    }

    /// Makes a policy, and sees to it that another of its type is attached to the catalog.
    async fn prepare_policies(&self) {
        let root = self.server.root().await;
        let path = policies::policies(self);
        for name in ["p", "other"] {
            let content = r#"{"enable": true}"#;
            let body = json!({"name": name, "type": "system.snapshot-expiry", "content": content});
            let _ = root.post(&path, body).await.expect(200);
        }
        let body = json!({"target": {"type": "catalog"}});
        let attached = root.put(&format!("{path}/other/mappings"), body).await;
        assert!([204, 409].contains(&attached.status.as_u16()), "{}", attached.text());
    }

    /// Makes a principal and roles that are given to one another and, where the operation is in the
    /// catalog, grants on every kind of securable.
    async fn prepare_access(&self, operation: &Operation) {
        let root = self.server.root().await;
        let management = "/api/management/v1";
        let (principal, role) = (self.principal(), self.principal_role());
        let catalog_role = self.catalog_role();
        let made = [
            ("principals", &principal),
            ("principal-roles", &role),
            ("catalogs/lake/catalog-roles", &catalog_role),
        ];
        for (path, name) in made {
            let body = json!({"name": name});
            let _ = root.post(&format!("{management}/{path}"), body).await.expect(201);
        }
        let path = format!("{management}/principals/{principal}/principal-roles");
        let _ = root.put(&path, json!({"name": role})).await.expect(201);
        let path = format!("{management}/principal-roles/{role}/catalog-roles/lake");
        let _ = root.put(&path, json!({"name": catalog_role})).await.expect(201);
        if operation.on_root {
            return;
        }
        let namespace = self.namespace();
        self.server.place(EntityKind::View, "lake", &namespace, "v").await;
        self.server.place(EntityKind::Policy, "lake", &namespace, "p").await;
        let path = format!("{management}/catalogs/lake/catalog-roles/{catalog_role}/grants");
        let on = |kind: &str, name: &str, privilege: &str| {
            let named = format!("{kind}Name");
            json!({"type": kind, "namespace": [namespace], named: name, "privilege": privilege})
        };
        for grant in [
            json!({"type": "catalog", "privilege": "TABLE_READ_DATA"}),
            on("namespace", "", "TABLE_READ_DATA"),
            on("table", "t", "TABLE_READ_DATA"),
            on("view", "v", "VIEW_DROP"),
            on("policy", "p", "POLICY_READ"),
        ] {
            let _ = root.put(&path, grant).await.expect(201);
        }
    }

    /// A principal that is there for this call alone.
    pub(crate) fn principal(&self) -> String {
        format!("principal{}", self.number)
    }

    /// A principal role that is there for this call alone; the principal has it.
    pub(crate) fn principal_role(&self) -> String {
        format!("role{}", self.number)
    }

    /// A role of the catalog `lake` that is there for this call alone; the principal role has it.
    pub(crate) fn catalog_role(&self) -> String {
        format!("catalog-role{}", self.number)
    }

    /// A namespace that is there for this call alone.
    pub(crate) fn namespace(&self) -> String {
        format!("ns{}", self.number)
    }

    /// A catalog that is there for this call alone, where the operation is on the realm's root.
    pub(crate) fn catalog(&self) -> String {
        format!("own{}", self.number)
    }
}

pub(crate) async fn call(operation: &Operation, world: &World<'_>, who: &Identity<'_>) -> Response {
    let request = (operation.request)(world);
    let mut who = who.clone();
    if operation.is_delegated {
        for header in ["X-Iceberg-Access-Delegation", "Polaris-Generic-Table-Access-Delegation"] {
            who = who.with_header(header, "vended-credentials");
        }
    }
    match request.body {
        Some(body) => who.send_json(request.method, &request.path, &body).await,
        None => who.send_bytes(request.method, &request.path, Vec::new()).await,
    }
}

/// Every operation id of our documents.
fn documented() -> BTreeSet<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi");
    let mut ids = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        for path in document["paths"].as_object().unwrap().values() {
            let operations = path.as_object().unwrap().values();
            ids.extend(operations.filter_map(|one| Some(one["operationId"].as_str()?.to_owned())));
        }
    }
    ids
}

pub(crate) fn all() -> impl Iterator<Item = &'static Operation> {
    OPERATIONS
        .iter()
        .chain(ACROSS_OPERATIONS)
        .chain(VIEW_OPERATIONS)
        .chain(GENERIC_TABLE_OPERATIONS)
        .chain(POLICY_OPERATIONS)
        .chain(ACCESS_OPERATIONS)
}

#[test]
fn every_documented_operation_has_a_row() {
    let rows: BTreeSet<String> = all().map(|row| row.id.to_owned()).collect();
    let open: BTreeSet<String> = OPEN.iter().map(|&id| id.to_owned()).collect();
    let known: BTreeSet<String> = rows.union(&open).cloned().collect();

    assert_eq!(documented(), known);
}

/// The method and path of every route, as `GET /a/{}/b`: each parameter without its name.
fn routes(text: &str) -> BTreeSet<String> {
    let without_names = |path: &str| {
        let parts = path.split('{').map(|part| match part.split_once('}') {
            Some((_, after)) => format!("}}{after}"),
            None => part.to_owned(),
        });
        parts.collect::<Vec<_>>().join("{")
    };
    let methods = ["get", "head", "post", "put", "delete"];
    let mut found = BTreeSet::new();
    for route in text.split(".route(").skip(1) {
        let path = without_names(route.split('"').nth(1).expect("a path"));
        for method in methods {
            let is_there = route.contains(&format!("{method}("));
            if is_there {
                found.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    found
}

#[test]
fn every_route_is_documented() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let code = std::fs::read_to_string(folder.join("../crates/rest/src/lib.rs")).unwrap();
    let mut documented = String::new();
    for entry in std::fs::read_dir(folder.join("../openapi")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        for (path, operations) in document["paths"].as_object().unwrap() {
            write!(documented, ".route(\"{path}\"").unwrap();
            for method in operations.as_object().unwrap().keys() {
                write!(documented, " {method}(").unwrap();
            }
        }
    }
    let mut routes_in_code = routes(&code);
    // The documents themselves.
    assert!(routes_in_code.remove("GET /api/openapi/{}"));

    assert!(routes_in_code.len() > 50, "the routes could not be read");
    assert_eq!(routes_in_code, routes(&documented));
}

#[tokio::test]
async fn nobody_may_call_anything() {
    let server = TestServer::start().await;
    server.create_catalog("lake").await;
    let mut world = World { server: &server, number: 0 };
    for operation in all() {
        world.prepare(operation).await;
        let answer = call(operation, &world, &server.nobody()).await;
        assert_eq!(answer.status, 401, "{}", operation.label());
    }
}

#[tokio::test]
async fn a_principal_without_grants_may_call_nothing_that_needs_one() {
    let server = TestServer::start().await;
    server.create_catalog("lake").await;
    let ana = server.principal("ana").await;
    let mut world = World { server: &server, number: 0 };
    for operation in all() {
        world.prepare(operation).await;
        let answer = call(operation, &world, &ana).await;
        let is_open = operation.needs.is_empty() && !operation.only_root;
        let expected = if is_open { operation.success } else { 403 };
        assert_eq!(answer.status, expected, "{}: {}", operation.label(), answer.text());
    }
}

#[tokio::test]
async fn a_principal_that_must_rotate_its_credentials_may_call_nothing_else() {
    let flag = "polaris.features.\"ENFORCE_PRINCIPAL_CREDENTIAL_ROTATION_REQUIRED_CHECKING\"";
    let server = TestServer::start_with(&[(flag, "true")]).await;
    server.create_catalog("lake").await;
    let root = server.root().await;
    let body = json!({"principal": {"name": "ana"}, "credentialRotationRequired": true});
    let made = root.post(PRINCIPALS, body).await.expect(201);
    assign(&root, "service_admin", "ana").await;
    let ana = Credentials::of(&made).log_in(&server).await;
    let mut world = World { server: &server, number: 0 };
    for operation in all() {
        world.prepare(operation).await;
        let answer = call(operation, &world, &ana).await;
        let label = operation.label();
        match operation.id {
            "getConfig" => assert_eq!(answer.status, operation.success, "{}", answer.text()),
            // Another's secret is not its own to rotate, which is another reason.
            "rotateCredentials" => {
                let error = answer.expect(403).error();
                assert!(error.ends_with("is not authorized for op ROTATE_CREDENTIALS"), "{error}");
            }
            "namespaceExists" | "tableExists" | "viewExists" => {
                assert_eq!(answer.status, 403, "{label}")
            }
            _ => {
                let error = answer.expect(403).error();
                let start = "403 ForbiddenException: Principal 'ana' is not authorized for op ";
                let end = " because it must rotate credentials first";
                assert!(error.starts_with(start) && error.ends_with(end), "{label}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn all_privileges_but_those_that_would_do_are_not_enough() {
    let server = TestServer::start().await;
    server.create_catalog("lake").await;
    let mut world = World { server: &server, number: 0 };
    for operation in all() {
        if operation.only_root {
            world.prepare(operation).await;
            let name = format!("all-{}", world.number);
            let who = server.principal(&name).await;
            let grantee = server.grantee(&name, operation.place()).await;
            server.grant_set(&grantee, Privilege::ALL.iter().copied().collect()).await;
            let answer = call(operation, &world, &who).await;
            assert_eq!(answer.status, 403, "{}: {}", operation.label(), answer.text());
        }
        for missing in operation.needs {
            world.prepare(operation).await;
            let name = format!("but-{}", world.number);
            let who = server.principal(&name).await;
            let enough = satisfying(*missing);
            let others: PrivilegeSet =
                Privilege::ALL.iter().copied().filter(|other| !enough.contains(*other)).collect();
            let grantee = server.grantee(&name, operation.place()).await;
            server.grant_set(&grantee, others).await;
            let answer = call(operation, &world, &who).await;
            assert_eq!(
                answer.status,
                403,
                "{} without {missing}: {}",
                operation.label(),
                answer.text()
            );
        }
    }
}

/// Which privileges open which operation, each alone; and where one alone does not, which together.
#[tokio::test]
async fn the_matrix_is_as_it_was_reviewed() {
    let server = TestServer::start().await;
    server.create_catalog("lake").await;
    let mut matrix = String::new();
    let mut world = World { server: &server, number: 0 };
    for operation in all() {
        let mut alone = Vec::new();
        world.prepare(operation).await;
        if operation.needs.is_empty() && !operation.only_root {
            writeln!(matrix, "{} (a token)", operation.label()).unwrap();
            continue;
        }
        if operation.only_root {
            let answer = call(operation, &world, &server.root().await).await;
            assert_eq!(answer.status, operation.success, "{}", answer.text());
            writeln!(matrix, "{} (the root principal)", operation.label()).unwrap();
            continue;
        }
        let name = format!("one-{}", operation.label());
        let who = server.principal(&name).await;
        let grantee = server.grantee(&name, operation.place()).await;
        for privilege in Privilege::ALL {
            let set = PrivilegeSet::of(&[*privilege]);
            server.grant_set(&grantee, set).await;
            let answer = call(operation, &world, &who).await;
            server.revoke_set(&grantee, set).await;
            if answer.status == 403 {
                continue;
            }
            assert_eq!(
                answer.status,
                operation.success,
                "{}: {}",
                operation.label(),
                answer.text()
            );
            alone.push(privilege.name());
            world.prepare(operation).await;
        }
        let together: Vec<_> = operation.needs.iter().map(|needed| needed.name()).collect();
        server.grant_set(&grantee, operation.needs.iter().copied().collect()).await;
        let answer = call(operation, &world, &who).await;
        assert_eq!(answer.status, operation.success, "{}: {}", operation.label(), answer.text());
        writeln!(matrix, "{} ({})", operation.label(), together.join(" + ")).unwrap();
        for chunk in alone.chunks(4) {
            writeln!(matrix, "    {}", chunk.join(", ")).unwrap();
        }
    }
    insta::assert_snapshot!(matrix);
}
