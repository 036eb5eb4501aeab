//! Principal roles in the management API, and who has them. What they have in common with
//! principals is in `access`.

use merak_tests::{Identity, Response, TestServer};
use serde_json::json;

use crate::access::{
    NOT_GRANTED, PRINCIPAL_ROLES, PRINCIPALS, assign, create_principal, create_principal_role,
    encode, names,
};

fn route(role: &str) -> String {
    format!("{PRINCIPAL_ROLES}/{}", encode(role))
}

/// Where a principal's roles are listed and given.
fn roles_of(principal: &str) -> String {
    format!("{PRINCIPALS}/{}/principal-roles", encode(principal))
}

async fn revoke(who: &Identity<'_>, role: &str, principal: &str) -> Response {
    who.delete(&format!("{}/{}", roles_of(principal), encode(role))).await
}

async fn roles(who: &Identity<'_>, principal: &str) -> Vec<String> {
    names(&who.get(&roles_of(principal)).await.expect(200), "roles")
}

async fn principals(who: &Identity<'_>, role: &str) -> Vec<String> {
    names(&who.get(&format!("{}/principals", route(role))).await.expect(200), "principals")
}

/// A server with the principal `ana` and the role `analyst`.
async fn with_ana_and_analyst() -> TestServer {
    let server = TestServer::start().await;
    let root = server.root().await;
    let _ = create_principal(&root, "ana").await;
    create_principal_role(&root, "analyst").await;
    server
}

#[tokio::test]
async fn a_role_may_be_federated() {
    let server = TestServer::start().await;
    let root = server.root().await;
    for (name, federated, shown) in
        [("a", json!(true), true), ("b", json!(false), false), ("c", json!(null), false)]
    {
        let body = json!({"principalRole": {"name": name, "federated": federated}});
        let made = root.post(PRINCIPAL_ROLES, body).await.expect(201).json();
        assert_eq!(made["federated"], shown);
        assert_eq!(root.get(&route(name)).await.expect(200).json(), made);
    }
}

#[tokio::test]
async fn an_update_does_not_make_a_role_federated_or_not() {
    let server = TestServer::start().await;
    let root = server.root().await;
    for federated in [true, false] {
        let body = json!({"name": format!("{federated}"), "federated": federated});
        let _ = root.post(PRINCIPAL_ROLES, body).await.expect(201);
        let update = json!({"currentEntityVersion": 1, "properties": {}, "federated": !federated});
        let path = route(&format!("{federated}"));
        assert_eq!(root.put(&path, update).await.expect(200).json()["federated"], federated);
    }
}

#[tokio::test]
async fn whether_a_role_is_federated_is_true_or_false() {
    let server = TestServer::start().await;
    let root = server.root().await;
    for other in [json!("true"), json!(1), json!([]), json!({})] {
        let body = json!({"principalRole": {"name": "a", "federated": other}});
        assert_eq!(
            root.post(PRINCIPAL_ROLES, body).await.expect(400).error(),
            "400 ConstraintViolationException: Invalid value: \
             createPrincipalRole.arg0.principalRole.federated: must be true or false"
        );
    }
    let _ = root.get(&route("a")).await.expect(404);
}

#[tokio::test]
async fn a_federated_role_is_neither_given_nor_taken_here() {
    let server = TestServer::start().await;
    let root = server.root().await;
    let _ = create_principal(&root, "ana").await;
    let body = json!({"name": "analyst", "federated": true});
    let _ = root.post(PRINCIPAL_ROLES, body).await.expect(201);

    let given = root.put(&roles_of("ana"), json!({"name": "analyst"})).await;
    assert_eq!(
        given.expect(400).error(),
        "400 ValidationException: Cannot assign a federated role to a principal"
    );
    assert_eq!(
        revoke(&root, "analyst", "ana").await.expect(400).error(),
        "400 ValidationException: Cannot revoke a federated role from a principal"
    );
    assert_eq!(roles(&root, "ana").await, [""; 0]);
}

#[tokio::test]
async fn a_role_is_given_wrapped_or_bare_and_without_a_body_in_the_answer() {
    let server = with_ana_and_analyst().await;
    let root = server.root().await;
    for body in [
        json!({"principalRole": {"name": "analyst"}}),
        json!({"name": "analyst"}),
        json!({"name": "analyst", "properties": {"a": 1}, "federated": "x", "entityVersion": 9}),
    ] {
        let answer = root.put(&roles_of("ana"), body).await.expect(201);
        assert_eq!(answer.text(), "");
        assert_eq!(roles(&root, "ana").await, ["analyst"]);
        assert_eq!(revoke(&root, "analyst", "ana").await.expect(204).text(), "");
        assert_eq!(roles(&root, "ana").await, [""; 0]);
    }
}

#[tokio::test]
async fn a_role_that_is_to_be_given_must_be_named() {
    let server = with_ana_and_analyst().await;
    let root = server.root().await;
    let start = "400 ConstraintViolationException: Invalid value: assignPrincipalRole.arg1";
    let null = "principalRole.name: must not be null";
    for (body, told) in [
        (json!(null), ": must be an object"),
        (json!(["analyst"]), ": must be an object"),
        (json!("analyst"), ": must be an object"),
        (json!({"principalRole": null}), ".principalRole: must not be null"),
        (json!({"principalRole": "analyst"}), ".principalRole: must be an object"),
        (json!({}), &format!(".{null}")),
        (json!({"principalRole": {}}), &format!(".{null}")),
        (json!({"name": null}), &format!(".{null}")),
        (json!({"name": 7}), ".principalRole.name: must be a text"),
    ] {
        let error = root.put(&roles_of("ana"), body).await.expect(400).error();
        assert_eq!(error, format!("{start}{told}"));
    }
    assert_eq!(roles(&root, "ana").await, [""; 0]);
}

#[tokio::test]
async fn giving_a_role_again_changes_nothing() {
    let server = with_ana_and_analyst().await;
    let root = server.root().await;
    let before = root.get(&format!("{PRINCIPALS}/ana")).await.expect(200).json();
    for _ in 0..3 {
        assign(&root, "analyst", "ana").await;
    }

    assert_eq!(roles(&root, "ana").await, ["analyst"]);
    assert_eq!(principals(&root, "analyst").await, ["ana"]);
    // Neither the principal nor the role is another for it.
    let after = root.get(&format!("{PRINCIPALS}/ana")).await.expect(200).json();
    assert_eq!(after, before);
    let _ = revoke(&root, "analyst", "ana").await.expect(204);
    assert_eq!(roles(&root, "ana").await, [""; 0]);
}

#[tokio::test]
async fn a_role_that_is_not_there_to_take_is_told() {
    let server = with_ana_and_analyst().await;
    let root = server.root().await;
    assert_eq!(revoke(&root, "analyst", "ana").await.expect(400).error(), NOT_GRANTED);

    assign(&root, "analyst", "ana").await;
    let _ = revoke(&root, "analyst", "ana").await.expect(204);

    assert_eq!(revoke(&root, "analyst", "ana").await.expect(400).error(), NOT_GRANTED);
}

#[tokio::test]
async fn who_or_what_is_missing_is_told_by_its_name() {
    let server = with_ana_and_analyst().await;
    let root = server.root().await;
    for (role, principal, missing) in [
        ("nothing", "ana", "nothing"),
        ("analyst", "nobody", "nobody"),
        ("nothing", "nobody", "nothing"),
    ] {
        let told = format!(
            "404 NotFoundException: Entity {missing} not found when trying to assign {role} to \
             {principal}"
        );
        let given = root.put(&roles_of(principal), json!({"name": role})).await;
        assert_eq!(given.expect(404).error(), told);
        assert_eq!(revoke(&root, role, principal).await.expect(404).error(), told);
    }
    assert_eq!(
        root.get(&roles_of("nobody")).await.expect(404).error(),
        "404 NotFoundException: TopLevelEntity of type PRINCIPAL does not exist: nobody"
    );
    assert_eq!(
        root.get(&format!("{}/principals", route("nothing"))).await.expect(404).error(),
        "404 NotFoundException: TopLevelEntity of type PRINCIPAL_ROLE does not exist: nothing"
    );
}

#[tokio::test]
async fn who_has_which_role_is_listed_both_ways_and_in_name_order() {
    let server = TestServer::start().await;
    let root = server.root().await;
    for name in ["b", "C", "a"] {
        let _ = create_principal(&root, name).await;
        create_principal_role(&root, name).await;
    }
    for (role, principal) in [("b", "a"), ("a", "a"), ("C", "a"), ("b", "C"), ("b", "b")] {
        assign(&root, role, principal).await;
    }

    assert_eq!(roles(&root, "a").await, ["C", "a", "b"]);
    assert_eq!(roles(&root, "b").await, ["b"]);
    assert_eq!(principals(&root, "b").await, ["C", "a", "b"]);
    assert_eq!(principals(&root, "C").await, ["a"]);
    assert_eq!(principals(&root, "service_admin").await, ["root"]);
    assert_eq!(roles(&root, "root").await, ["service_admin"]);
}

#[tokio::test]
async fn lists_show_each_as_it_is_shown_by_itself() {
    let server = with_ana_and_analyst().await;
    let root = server.root().await;
    assign(&root, "analyst", "ana").await;

    let listed = root.get(&roles_of("ana")).await.expect(200).json();
    let role = root.get(&route("analyst")).await.expect(200).json();
    assert_eq!(listed, json!({"roles": [role]}));
    let listed = root.get(&format!("{}/principals", route("analyst"))).await.expect(200).json();
    let ana = root.get(&format!("{PRINCIPALS}/ana")).await.expect(200).json();
    assert_eq!(listed, json!({"principals": [ana]}));
}

#[tokio::test]
async fn service_admin_is_not_deleted() {
    let server = TestServer::start().await;
    let root = server.root().await;

    assert_eq!(
        root.delete(&route("service_admin")).await.expect(400).error(),
        "400 BadRequestException: Polaris service admin principal role cannot be dropped"
    );
    assert_eq!(principals(&root, "service_admin").await, ["root"]);
}

#[tokio::test]
async fn a_role_that_is_deleted_is_taken_from_those_who_had_it() {
    let server = TestServer::start().await;
    server.create_catalog("lake").await;
    let root = server.root().await;
    let credentials = create_principal(&root, "ana").await;
    create_principal_role(&root, "admins").await;
    assign(&root, "admins", "ana").await;
    let path = format!("{}/catalog-roles/lake", route("admins"));
    let _ = root.put(&path, json!({"name": "catalog_admin"})).await.expect(201);
    let ana = credentials.log_in(&server).await;
    let acting = credentials.acting_in(&server, "PRINCIPAL_ROLE:admins").await;
    let catalog = "/api/management/v1/catalogs/lake";
    for who in [&ana, &acting] {
        let _ = who.get(catalog).await.expect(200);
    }

    let _ = root.delete(&route("admins")).await.expect(204);

    let _ = ana.get(catalog).await.expect(403);
    assert_eq!(
        acting.get(catalog).await.expect(401).error(),
        "401 NotAuthorizedException: The principal role 'admins' that this token asks for is not \
         granted to the principal"
    );
    assert_eq!(roles(&root, "ana").await, [""; 0]);
    let path = format!("{catalog}/catalog-roles/catalog_admin/principal-roles");
    assert_eq!(names(&root.get(&path).await.expect(200), "roles"), ["service_admin"]);
    // Made anew, it is another.
    create_principal_role(&root, "admins").await;
    assert_eq!(principals(&root, "admins").await, [""; 0]);
    let _ = ana.get(catalog).await.expect(403);
}

#[tokio::test]
async fn a_role_that_is_taken_away_spoils_the_tokens_that_name_it() {
    let server = with_ana_and_analyst().await;
    let root = server.root().await;
    let _ = root.delete(&format!("{PRINCIPALS}/ana")).await.expect(204);
    let credentials = create_principal(&root, "ana").await;
    let acting = credentials.acting_in(&server, "PRINCIPAL_ROLE:analyst").await;
    let told = "401 NotAuthorizedException: The principal role 'analyst' that this token asks for \
                is not granted to the principal";
    assert_eq!(acting.get(PRINCIPALS).await.expect(401).error(), told);

    assign(&root, "analyst", "ana").await;
    let _ = acting.get(PRINCIPALS).await.expect(403);

    let _ = revoke(&root, "analyst", "ana").await.expect(204);
    assert_eq!(acting.get(PRINCIPALS).await.expect(401).error(), told);
}

#[tokio::test]
async fn of_all_who_give_a_role_at_once_each_succeeds() {
    let server = with_ana_and_analyst().await;
    let root = server.root().await;
    let path = roles_of("ana");
    let body = || json!({"name": "analyst"});

    let (one, two, three) =
        tokio::join!(root.put(&path, body()), root.put(&path, body()), root.put(&path, body()));

    for answer in [one, two, three] {
        let _ = answer.expect(201);
    }
    let (one, two) = tokio::join!(revoke(&root, "analyst", "ana"), revoke(&root, "analyst", "ana"));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 400]);
}

#[tokio::test]
async fn a_role_that_is_given_while_it_is_deleted_is_nobodys() {
    let server = with_ana_and_analyst().await;
    let root = server.root().await;
    for _ in 0..8 {
        let (ana, analyst) = (roles_of("ana"), route("analyst"));
        let (given, deleted) =
            tokio::join!(root.put(&ana, json!({"name": "analyst"})), root.delete(&analyst));

        let _ = deleted.expect(204);
        let missing = "404 NotFoundException: Entity analyst not found when trying to assign \
                       analyst to ana";
        let gone = "409 CommitConflictException: What it belongs to was removed at the same time";
        let is_told = given.status == 201 || [missing, gone].contains(&given.error().as_str());
        assert!(is_told, "{}", given.text());
        assert_eq!(roles(&root, "ana").await, [""; 0]);
        create_principal_role(&root, "analyst").await;
        assert_eq!(principals(&root, "analyst").await, [""; 0]);
    }
}

#[tokio::test]
async fn a_role_may_not_be_given_as_another_kind_of_thing() {
    let server = with_ana_and_analyst().await;
    let root = server.root().await;
    // The path names a principal, and the body a principal role: neither is the other.
    let told = |missing: &str, role: &str, principal: &str| {
        format!(
            "404 NotFoundException: Entity {missing} not found when trying to assign {role} to \
             {principal}"
        )
    };
    let body = json!({"name": "ana"});
    let answer = root.put(&roles_of("ana"), body).await.expect(404);
    assert_eq!(answer.error(), told("ana", "ana", "ana"));
    let body = json!({"name": "analyst"});
    let answer = root.put(&roles_of("analyst"), body).await.expect(404);
    assert_eq!(answer.error(), told("analyst", "analyst", "analyst"));
}
