//! What a token activates: no more than it says, and never more than is held.

use merak_tests::{Identity, Response, TestServer};
use serde_json::json;

use super::{
    ALL, Credentials, MANAGEMENT, ask, assert_refused, assign, encode, give, grant,
    make_catalog_role, make_principal, make_principal_role, on_catalog, principal, roles_of, token,
};
use crate::fixtures::{lake, route, set, text};

/// Exchanges a token for one of that scope, or of the same.
pub(crate) async fn exchange(who: &Identity<'_>, token: &str, scope: Option<&str>) -> Response {
    let scope = scope.map(|scope| format!("&scope={}", encode(scope))).unwrap_or_default();
    let form = format!(
        "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token={token}\
         &subject_token_type=urn:ietf:params:oauth:token-type:access_token{scope}"
    );
    who.post_form(&form).await
}

/// The table `sales.t`, and ana, who reads it by the role `reader` and changes it by `writer`.
async fn reader_and_writer() -> (TestServer, Credentials) {
    let server = lake().await;
    server.create_table("lake", "sales", "t").await;
    let root = server.root().await;
    let ana = make_principal(&root, "ana").await;
    for (role, privilege) in
        [("reader", "TABLE_READ_PROPERTIES"), ("writer", "CATALOG_MANAGE_CONTENT")]
    {
        make_principal_role(&root, role).await;
        assign(&root, "ana", role).await;
        make_catalog_role(&root, "lake", role).await;
        give(&root, role, "lake", role).await;
        grant(&root, "lake", role, on_catalog(privilege)).await;
    }
    (server, ana)
}

async fn commits(who: &Identity<'_>) -> Response {
    who.post(&route("t"), set(json!({"a": "b"}))).await
}

#[tokio::test]
async fn a_token_of_one_role_does_nothing_that_takes_another() {
    let (server, ana) = reader_and_writer().await;
    let reader = ana.acting_in(&server, "PRINCIPAL_ROLE:reader").await;

    let _ = reader.get(&route("t")).await.expect(200);
    assert_refused(&commits(&reader).await);
    assert_refused(&reader.delete(&route("t")).await);
    assert!(!commits(&reader).await.text().contains("writer"));

    let both = ana.acting_in(&server, "PRINCIPAL_ROLE:reader PRINCIPAL_ROLE:writer").await;
    let _ = commits(&both).await.expect(200);
}

#[tokio::test]
async fn a_token_that_was_narrowed_is_never_exchanged_for_a_wider_one() {
    let (server, ana) = reader_and_writer().await;
    let nobody = server.nobody();
    let all = token(&nobody, &ana, ALL).await;
    let answer = exchange(&nobody.with_token(&all), &all, Some("PRINCIPAL_ROLE:reader")).await;
    let narrow = text(&answer.expect(200).json()["access_token"]).to_owned();
    let who = nobody.with_token(&narrow);

    for wanted in [
        ALL,
        "PRINCIPAL_ROLE:writer",
        "PRINCIPAL_ROLE:reader PRINCIPAL_ROLE:writer",
        "PRINCIPAL_ROLE:reader PRINCIPAL_ROLE:ALL",
        "PRINCIPAL_ROLE:READER",
        "PRINCIPAL_ROLE:reader\u{a0}PRINCIPAL_ROLE:writer",
    ] {
        let refused = exchange(&who, &narrow, Some(wanted)).await.expect(400).json();
        assert_eq!(refused["error"], "invalid_scope", "{wanted}");
    }
    let same = exchange(&who, &narrow, None).await.expect(200).json();
    assert_eq!(same["scope"], "PRINCIPAL_ROLE:reader");
    let renewed = nobody.with_token(text(&same["access_token"]));
    assert_refused(&commits(&renewed).await);
}

#[tokio::test]
async fn whose_token_was_narrowed_gets_no_secret_that_opens_the_other_roles() {
    let (server, ana) = reader_and_writer().await;
    let reader = ana.acting_in(&server, "PRINCIPAL_ROLE:reader").await;
    let rotate = format!("{}/rotate", principal("ana"));

    let refused = reader.post(&rotate, json!({})).await;
    assert_eq!(
        refused.error(),
        "403 ForbiddenException: Credentials are replaced with a token of all roles only: ask for \
         one with the scope PRINCIPAL_ROLE:ALL"
    );

    let _ = ana.log_in(&server).await.post(&rotate, json!({})).await.expect(200);
}

#[tokio::test]
async fn a_narrowed_token_of_root_resets_nobodys_credentials() {
    let (server, ana) = reader_and_writer().await;
    let root = server.root().await;
    assign(&root, "root", "reader").await;
    let narrowed =
        Identity::by_credentials(&server, "root", "s3cr3t", "PRINCIPAL_ROLE:reader").await;

    for who in ["ana", "root"] {
        let reset = format!("{}/reset", principal(who));
        assert_refused(&narrowed.post(&reset, json!({"clientSecret": "stolen"})).await);
    }
    assert_refused(&narrowed.post(&format!("{}/rotate", principal("root")), json!({})).await);
    assert_refused(&narrowed.get(&format!("{MANAGEMENT}/principals")).await);
    let _ = token(&server.nobody(), &ana, ALL).await;
}

#[tokio::test]
async fn why_credentials_are_not_replaced_is_explained() {
    let (server, _) = reader_and_writer().await;
    let root = server.root().await;
    let question = format!(
        "{MANAGEMENT}/explain?principal=ana&operation=ROTATE_CREDENTIALS&targetPrincipal=ana"
    );

    let of_all = root.get(&question).await.expect(200).json();
    assert_eq!(of_all["allowed"], true, "{of_all}");

    let scope = encode("PRINCIPAL_ROLE:reader");
    let narrowed = root.get(&format!("{question}&scope={scope}")).await.expect(200).json();
    assert_eq!(narrowed["allowed"], false, "{narrowed}");
    assert!(narrowed["steps"].to_string().contains("a token of all roles"), "{narrowed}");
}

#[tokio::test]
async fn a_role_that_is_taken_away_spoils_the_tokens_that_name_it() {
    let (server, ana) = reader_and_writer().await;
    let root = server.root().await;
    let writer = ana.acting_in(&server, "PRINCIPAL_ROLE:writer").await;
    let both = ana.acting_in(&server, "PRINCIPAL_ROLE:reader PRINCIPAL_ROLE:writer").await;
    let all = ana.log_in(&server).await;
    for who in [&writer, &both, &all] {
        let _ = commits(who).await.expect(200);
    }

    let _ = root.delete(&format!("{}/writer", roles_of("ana"))).await.expect(204);

    // Silently going on in fewer roles would be another answer than was asked for.
    for who in [&writer, &both] {
        let _ = commits(who).await.expect(401);
        let _ = who.get(&route("t")).await.expect(401);
        let _ = who.get("/api/catalog/v1/config?warehouse=lake").await.expect(401);
    }
    assert_refused(&commits(&all).await);
    let _ = all.get(&route("t")).await.expect(200);
}

#[tokio::test]
async fn a_token_of_all_roles_has_those_that_are_held_when_it_is_used() {
    let (server, ana) = reader_and_writer().await;
    let root = server.root().await;
    let early = make_principal(&root, "early").await.log_in(&server).await;
    let all = ana.log_in(&server).await;
    assert_refused(&early.get(&route("t")).await);

    assign(&root, "early", "reader").await;
    let _ = early.get(&route("t")).await.expect(200);
    assert_refused(&commits(&early).await);
    assign(&root, "early", "writer").await;
    let _ = commits(&early).await.expect(200);
    for role in ["writer", "reader"] {
        let _ = root.delete(&format!("{}/{role}", roles_of("early"))).await.expect(204);
    }
    assert_refused(&early.get(&route("t")).await);
    let _ = all.get(&route("t")).await.expect(200);
}

#[tokio::test]
async fn only_all_in_capitals_is_all() {
    let (server, ana) = reader_and_writer().await;
    let root = server.root().await;

    for name in ["all", "All", "ALl", "*", "ALL*", "\u{410}LL"] {
        let who = ana.acting_in(&server, &format!("PRINCIPAL_ROLE:{name}")).await;
        let _ = who.get(&route("t")).await.expect(401);
    }
    for scope in ["ALL", "principal_role:ALL", "PRINCIPAL_ROLE:", "PRINCIPAL_ROLE: ALL"] {
        let _ = ask(&server.nobody(), &ana, scope).await.expect(400);
    }

    // A role of that name is a role like any other.
    make_principal_role(&root, "all").await;
    assign(&root, "ana", "all").await;
    assert_refused(&ana.acting_in(&server, "PRINCIPAL_ROLE:all").await.get(&route("t")).await);
}

#[tokio::test]
async fn no_role_can_be_called_as_all_roles_are() {
    let (server, _) = reader_and_writer().await;
    let root = server.root().await;
    let list = format!("{MANAGEMENT}/principal-roles");

    for body in [json!({"name": "ALL"}), json!({"principalRole": {"name": "ALL"}})] {
        assert_eq!(
            root.post(&list, body).await.error(),
            "400 BadRequestException: A principal role cannot be called 'ALL': in the scope of a \
             token that stands for every role"
        );
    }
    let _ = root.get(&format!("{list}/ALL")).await.expect(404);
    // A catalog role can: no scope names it.
    make_catalog_role(&root, "lake", "ALL").await;
}

#[tokio::test]
async fn a_role_with_blanks_in_its_name_is_no_way_to_another() {
    let (server, ana) = reader_and_writer().await;
    let root = server.root().await;
    let eve = make_principal(&root, "eve").await;
    for role in ["x PRINCIPAL_ROLE:writer", "reader writer", "reader ", " reader"] {
        make_principal_role(&root, role).await;
        assign(&root, "eve", role).await;
    }

    // What a scope says is taken apart at its blanks: it names other roles then, or none.
    for scope in [
        "PRINCIPAL_ROLE:x PRINCIPAL_ROLE:writer",
        "PRINCIPAL_ROLE:writer",
        "PRINCIPAL_ROLE:reader",
        "PRINCIPAL_ROLE:reader ",
    ] {
        let _ = eve.acting_in(&server, scope).await.get(&route("t")).await.expect(401);
    }
    for scope in ["PRINCIPAL_ROLE:reader writer", "PRINCIPAL_ROLE: reader"] {
        let _ = ask(&server.nobody(), &eve, scope).await.expect(400);
    }
    assert_refused(&eve.log_in(&server).await.get(&route("t")).await);
    let _ =
        ana.acting_in(&server, "PRINCIPAL_ROLE:reader ").await.get(&route("t")).await.expect(200);
}

#[tokio::test]
async fn what_means_something_to_a_database_or_to_json_is_but_the_name_of_a_role() {
    let (server, ana) = reader_and_writer().await;

    for name in [
        "%",
        "_",
        "reade_",
        "read%",
        "reader','writer",
        "reader\",\"writer",
        "reader\"]",
        "[\"reader\"]",
        "{\"reader\":1}",
        "reader\\",
        "reader\0",
        "\0",
        "reader';--",
        "reader\twriter",
        "READER",
        "re\u{430}der",
        "reader\u{301}",
        "reader\u{200b}",
    ] {
        let who = ana.acting_in(&server, &format!("PRINCIPAL_ROLE:{name}")).await;
        let answer = who.get(&route("t")).await;
        assert_eq!(answer.status, 401, "{name:?}: {}", answer.text());
    }
}
