//! Principals and their credentials in the management API.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use merak_authn::{NewCredentials, new_client_secret};
use merak_authz::operations::{
    AssignPrincipalRole, CreatePrincipal, DeletePrincipal, GetPrincipal,
    ListPrincipalRolesAssigned, ListPrincipals, ResetCredentials, RevokePrincipalRole,
    RotateCredentials, UpdatePrincipal,
};
use merak_authz::{Children, Page, PrincipalPath, PrincipalRoleAssignmentPath, RealmPath};
use merak_model::entity::internal;
use merak_model::{Entity, EntityKind};
use merak_service::PrincipalDraft;
use merak_wire::management::{Credentials, Principal, PrincipalWithCredentials, Principals, Roles};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Authenticated, ManagementNames, OptionalValueBody, ValueBody};
use crate::management::body::{Fields, replacement};
use crate::management::principal_roles;
use crate::middleware::to_the_end;

/// The most characters that a client id or secret of one's own may have.
const MAX_CREDENTIAL_CHARS: usize = 256;

/// `GET /principals`
pub(crate) async fn list_principals(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
) -> Result<Response, ApiError> {
    let all = Children {
        of: None,
        kind: EntityKind::Principal,
        page: Page::default(),
        names_only: false,
    };
    let path = RealmPath { children: Some(all) };
    let proof = app.authorizer.authorize(&caller, ListPrincipals, &path).await?;
    let principals = app.service.list_principals(proof).await?;
    Ok(show_all(&principals))
}

/// `POST /principals`
pub(crate) async fn create_principal(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    ValueBody(body): ValueBody,
) -> Result<Response, ApiError> {
    let draft = draft(body)?;
    let path = RealmPath::default();
    let proof = app.authorizer.authorize(&caller, CreatePrincipal, &path).await?;
    let credentials = NewCredentials::generate();
    let secrets = credentials.secrets.clone();
    let made = to_the_end(async move { app.service.create_principal(proof, draft, secrets).await });
    let principal = made.await?;
    Ok((StatusCode::CREATED, show_with(&principal, &credentials)).into_response())
}

/// `GET /principals/{principalName}`
pub(crate) async fn get_principal(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    names: ManagementNames,
) -> Result<Response, ApiError> {
    let path = path(names.principal()?);
    let proof = app.authorizer.authorize(&caller, GetPrincipal, &path).await?;
    let principal = app.service.get_principal(proof).await?;
    Ok(crate::json(&show(&principal)))
}

/// `PUT /principals/{principalName}`
pub(crate) async fn update_principal(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    names: ManagementNames,
    ValueBody(body): ValueBody,
) -> Result<Response, ApiError> {
    let update = replacement(body, "updatePrincipal.arg1")?;
    let path = path(names.principal()?);
    let proof = app.authorizer.authorize(&caller, UpdatePrincipal, &path).await?;
    let updated = to_the_end(async move { app.service.update_principal(proof, update).await });
    Ok(crate::json(&show(&updated.await?)))
}

/// `DELETE /principals/{principalName}`
pub(crate) async fn delete_principal(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    names: ManagementNames,
) -> Result<StatusCode, ApiError> {
    let path = path(names.principal()?);
    let proof = app.authorizer.authorize(&caller, DeletePrincipal, &path).await?;
    to_the_end(async move { app.service.delete_principal(proof).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /principals/{principalName}/rotate`
///
/// The secret before stays good until the next rotation, unless the principal was told to replace it.
pub(crate) async fn rotate_credentials(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    names: ManagementNames,
) -> Result<Response, ApiError> {
    let path = path(names.principal()?);
    let proof = app.authorizer.authorize(&caller, RotateCredentials, &path).await?;
    let change = app.service.begin_rotation(proof).await?;
    let credentials = match change.secrets() {
        Some(before) if change.ends_old_secret() => NewCredentials::renewed(before),
        Some(before) => NewCredentials::rotated(before),
        None => NewCredentials::generate(),
    };
    let secrets = credentials.secrets.clone();
    let done = to_the_end(async move { app.service.finish_rotation(change, secrets).await });
    Ok(show_with(&done.await?, &credentials))
}

/// `POST /principals/{principalName}/reset`
///
/// Both secrets before end at once.
pub(crate) async fn reset_credentials(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    names: ManagementNames,
    OptionalValueBody(body): OptionalValueBody,
) -> Result<Response, ApiError> {
    let (client_id, client_secret) = wanted_credentials(body)?;
    let path = path(names.principal()?);
    let proof = app.authorizer.authorize(&caller, ResetCredentials, &path).await?;
    let change = app.service.begin_reset(proof).await?;
    let client_id = client_id
        .or_else(|| change.secrets().map(|before| before.client_id.clone()))
        .unwrap_or_else(merak_authn::new_client_id);
    let client_secret = client_secret.unwrap_or_else(new_client_secret);
    let credentials = NewCredentials::of(client_id, client_secret);
    let secrets = credentials.secrets.clone();
    let done = to_the_end(async move { app.service.finish_reset(change, secrets).await });
    Ok(show_with(&done.await?, &credentials))
}

/// `GET /principals/{principalName}/principal-roles`
pub(crate) async fn list_principal_roles_assigned(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    names: ManagementNames,
) -> Result<Response, ApiError> {
    let path = PrincipalPath { name: names.principal()?, with_roles: true };
    let proof = app.authorizer.authorize(&caller, ListPrincipalRolesAssigned, &path).await?;
    let roles = app.service.list_principal_roles_assigned(proof).await?;
    let roles = roles.iter().map(principal_roles::show).collect();
    Ok(crate::json(&Roles { roles }))
}

/// `PUT /principals/{principalName}/principal-roles`
pub(crate) async fn assign_principal_role(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    names: ManagementNames,
    ValueBody(body): ValueBody,
) -> Result<StatusCode, ApiError> {
    let fields = Fields::of(body, "assignPrincipalRole.arg1")?;
    let role = fields.unwrap("principalRole")?.name()?;
    let path = PrincipalRoleAssignmentPath { role, principal: names.principal()? };
    let proof = app.authorizer.authorize(&caller, AssignPrincipalRole, &path).await?;
    to_the_end(async move { app.service.assign_principal_role(proof).await }).await?;
    Ok(StatusCode::CREATED)
}

/// `DELETE /principals/{principalName}/principal-roles/{principalRoleName}`
pub(crate) async fn revoke_principal_role(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    names: ManagementNames,
) -> Result<StatusCode, ApiError> {
    let (principal, role) = (names.principal()?, names.principal_role()?);
    let path = PrincipalRoleAssignmentPath { role, principal };
    let proof = app.authorizer.authorize(&caller, RevokePrincipalRole, &path).await?;
    to_the_end(async move { app.service.revoke_principal_role(proof).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn path(name: String) -> PrincipalPath {
    PrincipalPath { name, with_roles: false }
}

fn draft(body: Value) -> Result<PrincipalDraft, ApiError> {
    let mut request = Fields::of(body, "createPrincipal.arg0")?;
    let must_rotate = request.flag("credentialRotationRequired")?.unwrap_or(false);
    let mut principal = request.unwrap("principal")?;
    let name = principal.name()?;
    let properties = principal.properties()?.unwrap_or_default();
    Ok(PrincipalDraft { name, properties, must_rotate })
}

/// The client id and the secret that a reset asks for, each of which may be left to us.
fn wanted_credentials(
    body: Option<Value>,
) -> Result<(Option<String>, Option<SecretString>), ApiError> {
    let Some(body) = body else { return Ok((None, None)) };
    let mut fields = Fields::of(body, "resetCredentials.arg1")?;
    let mut text = |name: &str| {
        let text = fields.text(name)?;
        let is_good = text.as_ref().is_none_or(|text| {
            let chars = text.chars().count();
            (1..=MAX_CREDENTIAL_CHARS).contains(&chars) && !text.chars().any(char::is_control)
        });
        if is_good {
            return Ok(text);
        }
        Err(fields.wrong(
            name,
            &format!(
                "must have between 1 and {MAX_CREDENTIAL_CHARS} characters, and no control \
                 characters"
            ),
        ))
    };
    let client_id = text("clientId")?;
    let client_secret = text("clientSecret")?.map(SecretString::from);
    Ok((client_id, client_secret))
}

pub(crate) fn show_all(principals: &[Entity]) -> Response {
    crate::json(&Principals { principals: principals.iter().map(show).collect() })
}

fn show(principal: &Entity) -> Principal<'_> {
    Principal {
        name: &principal.name,
        client_id: principal.internal.get(internal::CLIENT_ID).map(String::as_str),
        properties: &principal.properties,
        create_timestamp: principal.created_ms,
        last_update_timestamp: principal.updated_ms,
        entity_version: principal.version.0,
    }
}

/// Not to be kept by anybody on the way: a secret is in it.
#[expect(clippy::disallowed_methods, reason = "the secret leaves for whoever asked for it, once")]
fn show_with(principal: &Entity, credentials: &NewCredentials) -> Response {
    let body = crate::json(&PrincipalWithCredentials {
        principal: show(principal),
        credentials: Credentials {
            client_id: &credentials.client_id,
            client_secret: credentials.client_secret.expose_secret(),
        },
    });
    ([(header::CACHE_CONTROL, "no-store")], body).into_response()
}
