//! Names of principals and roles.

use axum::http::Method;
use serde_json::{Value, json};

use super::{CATALOG_ROLES, KINDS, Kind, PRINCIPAL_ROLES, PRINCIPALS, encode, with_lake};

/// Every route with a name in it, with two braces where a bad one is put. The others are there.
fn routes_with_names() -> Vec<(Method, String)> {
    let catalogs = "/api/management/v1/catalogs";
    let admin = "service_admin";
    let everything = vec![Method::GET, Method::PUT, Method::POST];
    let entity = vec![Method::GET, Method::PUT, Method::DELETE];
    let assigned = vec![Method::GET, Method::PUT];
    let (get, post, delete) = (vec![Method::GET], vec![Method::POST], vec![Method::DELETE]);
    let rows = [
        (entity.clone(), format!("{PRINCIPALS}/{{}}")),
        (post.clone(), format!("{PRINCIPALS}/{{}}/rotate")),
        (post, format!("{PRINCIPALS}/{{}}/reset")),
        (assigned.clone(), format!("{PRINCIPALS}/{{}}/principal-roles")),
        (delete.clone(), format!("{PRINCIPALS}/{{}}/principal-roles/{admin}")),
        (delete.clone(), format!("{PRINCIPALS}/root/principal-roles/{{}}")),
        (entity.clone(), format!("{PRINCIPAL_ROLES}/{{}}")),
        (get.clone(), format!("{PRINCIPAL_ROLES}/{{}}/principals")),
        (assigned.clone(), format!("{PRINCIPAL_ROLES}/{{}}/catalog-roles/lake")),
        (assigned, format!("{PRINCIPAL_ROLES}/{admin}/catalog-roles/{{}}")),
        (delete.clone(), format!("{PRINCIPAL_ROLES}/{{}}/catalog-roles/lake/catalog_admin")),
        (delete.clone(), format!("{PRINCIPAL_ROLES}/{admin}/catalog-roles/{{}}/catalog_admin")),
        (delete, format!("{PRINCIPAL_ROLES}/{admin}/catalog-roles/lake/{{}}")),
        (vec![Method::GET, Method::POST], format!("{catalogs}/{{}}/catalog-roles")),
        (entity.clone(), format!("{catalogs}/{{}}/catalog-roles/catalog_admin")),
        (entity, format!("{CATALOG_ROLES}/{{}}")),
        (get.clone(), format!("{catalogs}/{{}}/catalog-roles/catalog_admin/principal-roles")),
        (get, format!("{CATALOG_ROLES}/{{}}/principal-roles")),
        (everything.clone(), format!("{catalogs}/{{}}/catalog-roles/catalog_admin/grants")),
        (everything, format!("{CATALOG_ROLES}/{{}}/grants")),
    ];
    let each = rows
        .into_iter()
        .flat_map(|(methods, path)| methods.into_iter().map(move |method| (method, path.clone())));
    each.collect()
}

/// A body that is good wherever one is wanted.
fn any_body() -> Value {
    json!({
        "name": "x", "currentEntityVersion": 1, "properties": {}, "type": "catalog",
        "privilege": "TABLE_DROP",
    })
}

#[tokio::test]
async fn a_name_in_a_path_that_nothing_may_have_is_refused_before_it_is_looked_up() {
    let server = with_lake().await;
    let root = server.root().await;
    let long = "x".repeat(257);
    let system = "must match \"^(?!\\s*[sS][yY][sS][tT][eE][mM]\\$).*$\"";

    for (name, why) in [
        ("system$x", system),
        ("SyStEm$", system),
        ("  system$x", system),
        ("\tsystem$", system),
        (long.as_str(), "size must be between 1 and 256"),
        ("a\u{7}b", "must not contain control characters"),
        ("a\u{85}b", "must not contain control characters"),
    ] {
        for (method, path) in routes_with_names() {
            let path = path.replace("{}", &encode(name));
            let error =
                root.send_json(method.clone(), &path, &any_body()).await.expect(400).error();
            assert_eq!(
                error,
                format!("400 ConstraintViolationException: Invalid value: name: {why}"),
                "{method} {path}"
            );
        }
    }
}

#[tokio::test]
async fn a_name_in_a_path_holds_no_null_character() {
    let server = with_lake().await;
    let root = server.root().await;

    for (method, path) in routes_with_names() {
        let path = path.replace("{}", "a%00");
        let error = root.send_json(method.clone(), &path, &any_body()).await.expect(400).error();
        assert!(error.starts_with("400 BadRequestException: "), "{method} {path}: {error}");
    }
}

#[tokio::test]
async fn a_name_in_a_body_that_nothing_may_have_is_refused() {
    let server = with_lake().await;
    let root = server.root().await;
    let long = "ö".repeat(257);
    let system = "must match \"^(?!\\s*[sS][yY][sS][tT][eE][mM]\\$).*$\"";
    let assignments = [
        format!("{PRINCIPALS}/root/principal-roles"),
        format!("{PRINCIPAL_ROLES}/service_admin/catalog-roles/lake"),
    ];

    for (name, why) in [
        ("", "size must be between 1 and 256"),
        (long.as_str(), "size must be between 1 and 256"),
        ("system$x", system),
        ("SyStEm$", system),
        ("  system$x", system),
        ("\tsystem$", system),
        ("a\nb", "must not contain control characters"),
        ("a\u{85}b", "must not contain control characters"),
        ("a\0b", "must not contain control characters"),
    ] {
        let told = format!("400 ConstraintViolationException: Invalid value: name: {why}");
        let body = json!({"name": name});
        for kind in &KINDS {
            let error = kind.create(&root, body.clone()).await.expect(400).error();
            assert_eq!(error, told, "{name:?}");
            assert_eq!(kind.names(&root).await, [kind.first]);
        }
        for path in &assignments {
            assert_eq!(root.put(path, body.clone()).await.expect(400).error(), told, "{name:?}");
        }
    }
}

#[tokio::test]
async fn a_name_may_be_anything_else() {
    let server = with_lake().await;
    let root = server.root().await;
    let long = "ö".repeat(256);

    for kind in &KINDS {
        for name in [
            "x",
            long.as_str(),
            "a b",
            " a ",
            "a/b",
            "a%2Fb",
            "a+b",
            "100%",
            "system",
            "a.system$",
            "?#&=;",
            "größe",
            "数据",
            "\u{1f9ca}",
            ".",
            "..",
            "'; drop table entity; --",
            "{}",
            "\"\\",
        ] {
            let made = kind.make(&root, name).await;
            assert_eq!(made["name"], name);
            assert_eq!(kind.get(&root, name).await, made);
            assert!(kind.names(&root).await.iter().any(|listed| listed == name), "{name}");
            let update = json!({"currentEntityVersion": 1, "properties": {"a": "b"}});
            let updated = root.put(&kind.route(name), update).await.expect(200).json();
            assert_eq!(updated["name"], name);
            let _ = root.delete(&kind.route(name)).await.expect(204);
            let _ = root.get(&kind.route(name)).await.expect(404);
        }
        assert_eq!(kind.names(&root).await, [kind.first]);
    }
}

#[tokio::test]
async fn names_that_differ_in_case_are_two() {
    let server = with_lake().await;
    let root = server.root().await;
    for kind in &KINDS {
        for name in ["ana", "Ana"] {
            let _ = kind.make(&root, name).await;
        }
        assert_eq!(kind.get(&root, "Ana").await["name"], "Ana");
        assert_eq!(kind.get(&root, "ana").await["name"], "ana");
        let _ = root.get(&kind.route("ANA")).await.expect(404);
    }
}

#[tokio::test]
async fn one_name_may_be_that_of_a_principal_and_of_roles() {
    let server = with_lake().await;
    let root = server.root().await;
    for kind in &KINDS {
        let _ = kind.make(&root, "ana").await;
    }
    for kind in &KINDS {
        let _ = root.delete(&kind.route("ana")).await.expect(204);
    }
}

#[tokio::test]
async fn a_name_is_taken_once() {
    let server = with_lake().await;
    let root = server.root().await;
    for kind in &KINDS {
        let Kind { label, place, .. } = kind;
        let made = kind.make(&root, "x").await;

        let body = json!({"name": "x", "properties": {"a": "b"}});
        let error = kind.create(&root, body).await.expect(409).error();

        assert_eq!(
            error,
            format!(
                "409 AlreadyExistsException: Cannot create {label} x{place}. {label} already exists \
                 or resolution failed"
            )
        );
        assert_eq!(kind.get(&root, "x").await, made);
        let again = kind.create(&root, json!({"name": kind.first})).await;
        assert_eq!(again.status, 409, "{}", again.text());
    }
}

#[tokio::test]
async fn of_two_who_want_one_name_at_once_one_gets_it() {
    let server = with_lake().await;
    let root = server.root().await;
    for kind in &KINDS {
        for round in 0..4 {
            let body = json!({"name": format!("x{round}")});
            let (one, two) =
                tokio::join!(kind.create(&root, body.clone()), kind.create(&root, body.clone()));
            let mut statuses = [one.status.as_u16(), two.status.as_u16()];
            statuses.sort_unstable();
            assert_eq!(statuses, [201, 409], "{} {}", one.text(), two.text());
        }
        assert_eq!(kind.names(&root).await.len(), 5);
    }
}

#[tokio::test]
async fn what_is_missing_is_told_by_its_name() {
    let server = with_lake().await;
    let root = server.root().await;
    let update = json!({"currentEntityVersion": 1, "properties": {}});
    for kind in &KINDS {
        for name in ["nobody", "a b/c", "ROOT"] {
            let path = kind.route(name);
            for answer in [
                root.get(&path).await,
                root.put(&path, update.clone()).await,
                root.delete(&path).await,
            ] {
                let told = format!("404 NotFoundException: {}{name}", kind.missing);
                assert_eq!(answer.expect(404).error(), told);
            }
        }
    }
}

#[tokio::test]
async fn what_is_missing_is_missing_for_those_too_who_may_do_nothing() {
    let server = with_lake().await;
    let ana = server.principal("ana").await;
    for kind in &KINDS {
        let _ = ana.get(&kind.route("nobody")).await.expect(404);
        let _ = ana.get(&kind.route(kind.first)).await.expect(403);
    }
}
