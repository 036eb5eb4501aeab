//! What the management API costs.

use merak_model::EntityKind;
use merak_tests::{Identity, TestServer};
use serde_json::{Value, json};

use super::{Cost, READ, cost, world};
use crate::access::{CATALOG_ROLES, PRINCIPAL_ROLES, PRINCIPALS, create_principal};

const CATALOG: &str = "/api/management/v1/catalogs/lake";

/// Looking at it and changing it. One statement is its own transaction.
const WRITE: Cost = Cost { statements: 2, ..READ };

/// So many statements, all but the first in one transaction.
fn together(statements: u64) -> Cost {
    Cost { statements, transactions: 1, ..READ }
}

/// A server where principal `ana` has the role `analyst`, which has the role `reader`.
async fn with_ana() -> TestServer {
    let server = world().await;
    let root = server.root().await;
    for (path, name) in
        [(PRINCIPALS, "ana"), (PRINCIPAL_ROLES, "analyst"), (CATALOG_ROLES, "reader")]
    {
        let _ = root.post(path, json!({"name": name})).await.expect(201);
    }
    let path = format!("{PRINCIPALS}/ana/principal-roles");
    let _ = root.put(&path, json!({"name": "analyst"})).await.expect(201);
    let path = format!("{PRINCIPAL_ROLES}/analyst/catalog-roles/lake");
    let _ = root.put(&path, json!({"name": "reader"})).await.expect(201);
    server
}

fn update(version: i64) -> Value {
    json!({"currentEntityVersion": version, "properties": {"a": "b"}})
}

#[tokio::test]
async fn reading_is_one_statement() {
    let server = with_ana().await;
    let root = server.root().await;
    for path in [
        PRINCIPALS.to_owned(),
        format!("{PRINCIPALS}/ana"),
        format!("{PRINCIPALS}/ana/principal-roles"),
        PRINCIPAL_ROLES.to_owned(),
        format!("{PRINCIPAL_ROLES}/analyst"),
        format!("{PRINCIPAL_ROLES}/analyst/principals"),
        format!("{PRINCIPAL_ROLES}/analyst/catalog-roles/lake"),
        CATALOG_ROLES.to_owned(),
        format!("{CATALOG_ROLES}/reader"),
        format!("{CATALOG_ROLES}/reader/principal-roles"),
        format!("{CATALOG_ROLES}/reader/grants"),
    ] {
        assert_eq!(cost(&server, 200, root.get(&path)).await, READ, "{path}");
    }
}

#[tokio::test]
async fn explaining_is_one_statement_about_who_asks_and_one_about_whom() {
    let server = with_ana().await;
    let root = server.root().await;
    let path = "/api/management/v1/explain?principal=ana&operation=LOAD_TABLE&catalog=lake\
                &namespace=sales&table=orders";

    assert_eq!(cost(&server, 200, root.get(path)).await, WRITE);
}

#[tokio::test]
async fn a_diagnosis_is_one_statement_and_what_would_be_vended_two() {
    let server = with_ana().await;
    let root = server.root().await;
    let lake = "/api/management/v1/catalogs/lake";
    let policy = format!("{lake}/explain-policy?namespace=sales&table=orders&principal=ana");

    let diagnosis = format!("{lake}/diagnose");

    let diagnosed = cost(&server, 200, root.post(&diagnosis, json!({}))).await;
    assert_eq!(diagnosed, Cost { puts: 1, gets: 1, deletes: 2, ..READ });
    assert_eq!(cost(&server, 200, root.get(&policy)).await, WRITE);
}

#[tokio::test]
async fn changing_or_removing_one_thing_is_two_statements() {
    let server = with_ana().await;
    let root = server.root().await;
    for (path, name) in
        [(PRINCIPALS, "ana"), (PRINCIPAL_ROLES, "analyst"), (CATALOG_ROLES, "reader")]
    {
        let one = format!("{path}/{name}");
        assert_eq!(cost(&server, 200, root.put(&one, update(1))).await, WRITE, "{one}");
        assert_eq!(cost(&server, 204, root.delete(&one)).await, WRITE, "{one}");
    }
}

#[tokio::test]
async fn making_a_role_is_two_statements() {
    let server = world().await;
    let root = server.root().await;
    for path in [PRINCIPAL_ROLES, CATALOG_ROLES] {
        assert_eq!(
            cost(&server, 201, root.post(path, json!({"name": "x"}))).await,
            WRITE,
            "{path}"
        );
    }
}

#[tokio::test]
async fn making_a_principal_is_one_transaction_with_its_secrets() {
    let server = world().await;
    let root = server.root().await;

    assert_eq!(cost(&server, 201, root.post(PRINCIPALS, json!({"name": "x"}))).await, together(3));
}

#[tokio::test]
async fn making_a_catalog_is_one_transaction_with_its_admin() {
    let server = world().await;
    let root = server.root().await;
    let location = server.location("sea");
    let body = json!({
        "name": "sea",
        "properties": {"default-base-location": location},
        "storageConfigInfo": {"storageType": "FILE", "allowedLocations": [location]},
    });

    // The catalog, its role, what that may do (two), and who has it.
    let path = "/api/management/v1/catalogs";
    assert_eq!(cost(&server, 201, root.post(path, body)).await, together(6));
}

#[tokio::test]
async fn a_catalog_is_updated_with_a_look_at_all_others() {
    let server = world().await;
    let root = server.root().await;

    let three = Cost { statements: 3, ..READ };
    assert_eq!(cost(&server, 200, root.put(CATALOG, update(1))).await, three);
}

#[tokio::test]
async fn removing_a_catalog_is_one_transaction_with_its_admin() {
    let server = TestServer::start().await;
    server.create_catalog("lake").await;
    let root = server.root().await;

    assert_eq!(cost(&server, 204, root.delete(CATALOG)).await, together(3));
}

#[tokio::test]
async fn giving_and_taking_roles_is_two_statements() {
    let server = with_ana().await;
    let root = server.root().await;
    for (path, role) in [
        (format!("{PRINCIPALS}/ana/principal-roles"), "analyst"),
        (format!("{PRINCIPAL_ROLES}/analyst/catalog-roles/lake"), "reader"),
    ] {
        let one = format!("{path}/{role}");
        assert_eq!(cost(&server, 204, root.delete(&one)).await, WRITE, "{one}");
        assert_eq!(cost(&server, 400, root.delete(&one)).await, WRITE, "{one}");
        for _ in 0..2 {
            let body = json!({"name": role});
            assert_eq!(cost(&server, 201, root.put(&path, body)).await, WRITE, "{path}");
        }
    }
}

#[tokio::test]
async fn granting_and_revoking_is_two_statements_whatever_it_is_on() {
    let server = with_ana().await;
    let root = server.root().await;
    for (kind, name) in [(EntityKind::View, "v"), (EntityKind::Policy, "p")] {
        server.place(kind, "lake", "sales", name).await;
    }
    let path = format!("{CATALOG_ROLES}/reader/grants");
    let on = |kind: &str, name: &str| {
        let member = format!("{kind}Name");
        let privilege = "CATALOG_MANAGE_ACCESS";
        json!({"type": kind, "namespace": ["sales"], member: name, "privilege": privilege})
    };
    for grant in [
        on("catalog", ""),
        on("namespace", ""),
        on("table", "orders"),
        on("view", "v"),
        on("policy", "p"),
    ] {
        for _ in 0..2 {
            assert_eq!(cost(&server, 201, root.put(&path, grant.clone())).await, WRITE, "{grant}");
        }
        assert_eq!(cost(&server, 201, root.post(&path, grant.clone())).await, WRITE, "{grant}");
        assert_eq!(cost(&server, 400, root.post(&path, grant.clone())).await, WRITE, "{grant}");
    }
}

/// Makes a principal that is to rotate its credentials, and answers who it is.
async fn flagged<'a>(server: &'a TestServer, name: &str) -> Identity<'a> {
    let root = server.root().await;
    let body = json!({"principal": {"name": name}, "credentialRotationRequired": true});
    let made = root.post(PRINCIPALS, body).await.expect(201);
    crate::access::Credentials::of(&made).log_in(server).await
}

#[tokio::test]
async fn new_secrets_are_three_statements_and_more_only_if_the_principal_changes_too() {
    let server = world().await;
    let root = server.root().await;
    let ana = create_principal(&root, "ana").await.log_in(&server).await;
    let bob = flagged(&server, "bob").await;
    // The principal, its secrets as they are, and the new ones.
    let secrets = Cost { statements: 3, ..READ };

    let (rotation, reset) = (format!("{PRINCIPALS}/ana/rotate"), format!("{PRINCIPALS}/ana/reset"));
    assert_eq!(cost(&server, 200, ana.post(&rotation, json!({}))).await, secrets);
    assert_eq!(cost(&server, 200, root.post(&reset, json!({}))).await, secrets);
    let body = json!({"clientSecret": "chosen"});
    assert_eq!(cost(&server, 200, root.post(&reset, body)).await, secrets);
    let body = json!({"clientId": "chosen"});
    assert_eq!(cost(&server, 200, root.post(&reset, body)).await, together(4));
    let rotation = format!("{PRINCIPALS}/bob/rotate");
    assert_eq!(cost(&server, 200, bob.post(&rotation, json!({}))).await, together(4));
    assert_eq!(cost(&server, 200, bob.post(&rotation, json!({}))).await, secrets);
}

#[tokio::test]
async fn what_is_refused_is_one_statement() {
    let server = with_ana().await;
    let root = server.root().await;
    let bob = create_principal(&root, "bob").await.log_in(&server).await;
    let (ana, grants) = (format!("{PRINCIPALS}/ana"), format!("{CATALOG_ROLES}/reader/grants"));
    let grant = json!({"type": "catalog", "privilege": "TABLE_LIST"});

    assert_eq!(cost(&server, 403, bob.get(PRINCIPALS)).await, READ);
    assert_eq!(cost(&server, 403, bob.put(&ana, update(1))).await, READ);
    assert_eq!(cost(&server, 403, bob.post(&format!("{ana}/reset"), json!({}))).await, READ);
    assert_eq!(cost(&server, 403, root.post(&format!("{ana}/rotate"), json!({}))).await, READ);
    assert_eq!(cost(&server, 403, bob.put(&grants, grant.clone())).await, READ);
    assert_eq!(cost(&server, 404, root.delete(&format!("{PRINCIPALS}/nobody"))).await, READ);
    assert_eq!(cost(&server, 409, root.put(&ana, update(7))).await, READ);
    let root_principal = format!("{PRINCIPALS}/root");
    assert_eq!(cost(&server, 400, root.delete(&root_principal)).await, READ);
}

#[tokio::test]
async fn what_is_malformed_costs_no_statement() {
    let server = with_ana().await;
    let root = server.root().await;
    let none = Cost { statements: 0, ..READ };
    let grants = format!("{CATALOG_ROLES}/reader/grants");

    assert_eq!(cost(&server, 400, root.post(PRINCIPALS, json!({}))).await, none);
    assert_eq!(cost(&server, 400, root.get(&format!("{PRINCIPALS}/system$"))).await, none);
    let grant = json!({"type": "catalog", "privilege": "SERVICE_MANAGE_ACCESS"});
    assert_eq!(cost(&server, 400, root.put(&grants, grant)).await, none);
    let cascade = format!("{grants}?cascade=true");
    assert_eq!(cost(&server, 501, root.post(&cascade, json!({}))).await, none);
}
