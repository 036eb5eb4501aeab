//! Attempts to get at more than was given: each is refused, at once and for good.
//!
//! Attackers go through the API. What they could not make there is placed straight in the metastore,
//! and must not count either.

mod admins;
mod at_once;
mod explain;
mod grants;
mod names;
mod paths;
mod placed;
mod realms;
mod recreated;
mod refusals;
mod revoked;
mod roles;
mod scopes;

use merak_tests::{Identity, Response, TestServer};
use serde_json::{Value, json};

use crate::access::{Credentials, encode};
use crate::fixtures::text;

pub(crate) const MANAGEMENT: &str = "/api/management/v1";
pub(crate) const NAMESPACES: &str = "/api/catalog/v1/lake/namespaces";
/// The scope of all roles.
pub(crate) const ALL: &str = "PRINCIPAL_ROLE:ALL";

/// Asks for a token: of the realm, and through the replica, that `who` is a client of.
pub(crate) async fn ask(who: &Identity<'_>, credentials: &Credentials, scope: &str) -> Response {
    let (id, secret) = (encode(&credentials.id), encode(&credentials.secret));
    let scope = encode(scope);
    let form = format!(
        "grant_type=client_credentials&client_id={id}&client_secret={secret}&scope={scope}"
    );
    who.post_form(&form).await
}

/// Gets a token.
pub(crate) async fn token(who: &Identity<'_>, credentials: &Credentials, scope: &str) -> String {
    let answer = ask(who, credentials, scope).await.expect(200).json();
    text(&answer["access_token"]).to_owned()
}

pub(crate) fn principal(name: &str) -> String {
    format!("{MANAGEMENT}/principals/{}", encode(name))
}

pub(crate) fn principal_role(name: &str) -> String {
    format!("{MANAGEMENT}/principal-roles/{}", encode(name))
}

pub(crate) fn catalog(name: &str) -> String {
    format!("{MANAGEMENT}/catalogs/{}", encode(name))
}

pub(crate) fn catalog_role(catalog_name: &str, role: &str) -> String {
    format!("{}/catalog-roles/{}", catalog(catalog_name), encode(role))
}

/// Where grants to a catalog role are made, listed and revoked.
pub(crate) fn grants_of(catalog_name: &str, role: &str) -> String {
    format!("{}/grants", catalog_role(catalog_name, role))
}

/// Where a principal gets principal roles.
pub(crate) fn roles_of(principal_name: &str) -> String {
    format!("{}/principal-roles", principal(principal_name))
}

/// Where a principal role gets roles of a catalog.
pub(crate) fn catalog_roles_of(role: &str, catalog_name: &str) -> String {
    format!("{}/catalog-roles/{}", principal_role(role), encode(catalog_name))
}

/// A namespace of a catalog, its levels separated by dots.
pub(crate) fn namespace(catalog_name: &str, levels: &str) -> String {
    let levels: Vec<_> = levels.split('.').map(encode).collect();
    format!("/api/catalog/v1/{}/namespaces/{}", encode(catalog_name), levels.join("%1F"))
}

pub(crate) fn table(catalog_name: &str, levels: &str, name: &str) -> String {
    format!("{}/tables/{}", namespace(catalog_name, levels), encode(name))
}

pub(crate) fn on_catalog(privilege: &str) -> Value {
    json!({"type": "catalog", "privilege": privilege})
}

pub(crate) fn on_namespace(levels: &str, privilege: &str) -> Value {
    let levels: Vec<_> = levels.split('.').collect();
    json!({"type": "namespace", "namespace": levels, "privilege": privilege})
}

pub(crate) fn on_table(levels: &str, name: &str, privilege: &str) -> Value {
    let levels: Vec<_> = levels.split('.').collect();
    json!({"type": "table", "namespace": levels, "tableName": name, "privilege": privilege})
}

pub(crate) async fn make_principal(root: &Identity<'_>, name: &str) -> Credentials {
    let path = format!("{MANAGEMENT}/principals");
    Credentials::of(&root.post(&path, json!({"name": name})).await.expect(201))
}

pub(crate) async fn make_principal_role(root: &Identity<'_>, name: &str) {
    let path = format!("{MANAGEMENT}/principal-roles");
    let _ = root.post(&path, json!({"name": name})).await.expect(201);
}

pub(crate) async fn make_catalog_role(root: &Identity<'_>, catalog_name: &str, name: &str) {
    let path = format!("{}/catalog-roles", catalog(catalog_name));
    let _ = root.post(&path, json!({"name": name})).await.expect(201);
}

/// Gives a principal role to a principal.
pub(crate) async fn assign(root: &Identity<'_>, principal_name: &str, role: &str) {
    let _ = root.put(&roles_of(principal_name), json!({"name": role})).await.expect(201);
}

/// Gives a role of a catalog to a principal role.
pub(crate) async fn give(root: &Identity<'_>, role: &str, catalog_name: &str, catalog_role: &str) {
    let path = catalog_roles_of(role, catalog_name);
    let _ = root.put(&path, json!({"name": catalog_role})).await.expect(201);
}

pub(crate) async fn grant(root: &Identity<'_>, catalog_name: &str, role: &str, what: Value) {
    let _ = root.put(&grants_of(catalog_name, role), what).await.expect(201);
}

pub(crate) async fn revoke(root: &Identity<'_>, catalog_name: &str, role: &str, what: Value) {
    let _ = root.post(&grants_of(catalog_name, role), what).await.expect(201);
}

/// Makes a principal, a principal role and a role of the catalog `lake`, all three of that name, each
/// given to the one before; the last holds `grants`.
pub(crate) async fn enroll(root: &Identity<'_>, name: &str, grants: &[Value]) -> Credentials {
    let credentials = make_principal(root, name).await;
    make_principal_role(root, name).await;
    assign(root, name, name).await;
    make_catalog_role(root, "lake", name).await;
    give(root, name, "lake", name).await;
    for what in grants {
        grant(root, "lake", name, what.clone()).await;
    }
    credentials
}

/// The same, with a token of all its roles.
pub(crate) async fn somebody<'a>(
    server: &'a TestServer,
    name: &str,
    grants: &[Value],
) -> Identity<'a> {
    let root = server.root().await;
    enroll(&root, name, grants).await.log_in(server).await
}

/// What a role of the catalog `lake` holds.
pub(crate) async fn held_by(root: &Identity<'_>, role: &str) -> Value {
    root.get(&grants_of("lake", role)).await.expect(200).json()["grants"].take()
}

#[track_caller]
pub(crate) fn assert_refused(answer: &Response) {
    let text = answer.text();
    assert_eq!(answer.status, 403, "{text}");
    assert!(answer.error().starts_with("403 ForbiddenException: "), "{text}");
}
