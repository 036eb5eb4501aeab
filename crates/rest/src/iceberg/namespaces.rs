//! Namespaces in the Iceberg REST API.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use merak_authz::operations::{
    CreateNamespace, DropNamespace, ListNamespaces, LoadNamespaceMetadata, NamespaceExists,
    UpdateNamespaceProperties,
};
use merak_authz::{Children, Error as AuthzError, NamespacePath};
use merak_model::{EntityKind, Namespace};
use merak_service::{NamespaceView, PropertiesUpdated};
use merak_wire::iceberg::{
    CreateNamespaceRequest, ListNamespacesResponse, NamespaceResponse,
    UpdateNamespacePropertiesRequest, UpdateNamespacePropertiesResponse,
};

use crate::app::App;
use crate::error::{ApiError, ErrorKind};
use crate::extract::{
    Authenticated, JsonBody, Keyed, NamespaceInPath, NoBody, PageRequest, Prefix, QueryMap,
    namespace_of, next_page_token,
};
use crate::iceberg::answers::{Told, answered};
use crate::iceberg::federated::{self, here};
use crate::middleware::to_the_end;

/// `GET /v1/{prefix}/namespaces`
pub(crate) async fn list_namespaces(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Prefix(catalog): Prefix,
    query: QueryMap,
) -> Result<Response, ApiError> {
    let parent = parent_of(&query)?;
    let PageRequest { page, size, refusal } = PageRequest::of(&query, &app.settings)?;
    let of = Some(parent.clone()).filter(|parent| !parent.is_root());
    let children = Some(Children { of, kind: EntityKind::Namespace, page, names_only: true });
    let path = NamespacePath { catalog, namespace: parent, children };
    let judged = app.authorizer.authorize(&caller, ListNamespaces, &path).await;
    let Some(proof) = here(judged)? else {
        return Box::pin(federated::namespaces::list(&app, &caller, &path, &query)).await;
    };
    let found = app.service.list_namespaces(proof, size).await?;
    if let Some(error) = refusal.filter(|_| found.is_page) {
        return Err(error);
    }
    let namespaces =
        found.names.iter().map(|name| Namespace::decode(name).levels().to_vec()).collect();
    let next_page_token = found.next.as_deref().map(next_page_token);
    Ok(crate::json(&ListNamespacesResponse { next_page_token, namespaces }))
}

/// `POST /v1/{prefix}/namespaces`
pub(crate) async fn create_namespace(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Prefix(catalog): Prefix,
    Keyed(key, JsonBody(body)): Keyed<JsonBody<CreateNamespaceRequest>>,
) -> Result<Response, ApiError> {
    let caller = &caller;
    answered(app, caller, key, Told::of(&catalog), |app| async move {
        let namespace = Namespace::create(body.namespace)?;
        let parent = namespace.parent().ok_or_else(|| {
            ApiError::new(
                ErrorKind::AlreadyExists,
                "Cannot create root namespace, as it already exists implicitly.",
            )
        })?;
        let path = NamespacePath { catalog, namespace: parent, children: None };
        let properties = body.properties.unwrap_or_default();
        let judged = here(app.authorizer.authorize(caller, CreateNamespace, &path).await);
        let judged = judged.map_err(|error| parent_missing(error, &namespace))?;
        let Some(proof) = judged else {
            return Box::pin(federated::namespaces::create(
                app, caller, &path, namespace, properties,
            ))
            .await;
        };
        let made =
            to_the_end(
                async move { app.service.create_namespace(proof, namespace, properties).await },
            )
            .await?;
        Ok(show(&made))
    })
    .await
}

/// `GET /v1/{prefix}/namespaces/{namespace}`
pub(crate) async fn load_namespace_metadata(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    path: NamespaceInPath,
) -> Result<Response, ApiError> {
    let path = path.into();
    let judged = app.authorizer.authorize(&caller, LoadNamespaceMetadata, &path).await;
    let Some(proof) = here(judged)? else {
        return Box::pin(federated::namespaces::load(&app, &caller, &path)).await;
    };
    Ok(show(&app.service.load_namespace_metadata(proof).await?))
}

/// `HEAD /v1/{prefix}/namespaces/{namespace}`
pub(crate) async fn namespace_exists(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    path: NamespaceInPath,
) -> Result<StatusCode, ApiError> {
    let path = path.into();
    let judged = app.authorizer.authorize(&caller, NamespaceExists, &path).await;
    let Some(proof) = here(judged)? else {
        return Box::pin(federated::namespaces::exists(&app, &caller, &path)).await;
    };
    app.service.namespace_exists(proof).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /v1/{prefix}/namespaces/{namespace}/properties`
pub(crate) async fn update_properties(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    path: NamespaceInPath,
    Keyed(key, JsonBody(body)): Keyed<JsonBody<UpdateNamespacePropertiesRequest>>,
) -> Result<Response, ApiError> {
    let caller = &caller;
    answered(app, caller, key, Told::of(&path.catalog), |app| async move {
        let path = path.into();
        let updates = body.updates.unwrap_or_default();
        let removals = body.removals.unwrap_or_default();
        let judged = app.authorizer.authorize(caller, UpdateNamespaceProperties, &path).await;
        let Some(proof) = here(judged)? else {
            return Box::pin(federated::namespaces::update(app, caller, &path, updates, removals))
                .await;
        };
        let outcome = to_the_end(async move {
            app.service.update_namespace_properties(proof, updates, removals).await
        })
        .await?;
        Ok(show_updated(outcome))
    })
    .await
}

/// `DELETE /v1/{prefix}/namespaces/{namespace}`
pub(crate) async fn drop_namespace(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    path: NamespaceInPath,
    Keyed(key, NoBody): Keyed<NoBody>,
) -> Result<Response, ApiError> {
    let caller = &caller;
    answered(app, caller, key, Told::of(&path.catalog), |app| async move {
        let path = path.into();
        let Some(proof) = here(app.authorizer.authorize(caller, DropNamespace, &path).await)?
        else {
            return Box::pin(federated::namespaces::drop(app, caller, &path)).await;
        };
        to_the_end(async move { app.service.drop_namespace(proof).await }).await?;
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}

impl From<NamespaceInPath> for NamespacePath {
    fn from(path: NamespaceInPath) -> Self {
        Self { catalog: path.catalog, namespace: path.namespace, children: None }
    }
}

/// The namespace whose children are wanted. PyIceberg encodes it twice when it has several levels,
/// so that the separator arrives as `%1F`.
fn parent_of(query: &QueryMap) -> Result<Namespace, ApiError> {
    match query.get("parent") {
        None | Some("") => Ok(Namespace::default()),
        Some(parent) => namespace_of(&parent.replace("%1F", "\u{1f}").replace("%1f", "\u{1f}")),
    }
}

/// Polaris tells a missing parent in words of its own.
fn parent_missing(error: AuthzError, namespace: &Namespace) -> ApiError {
    if matches!(error, AuthzError::NotFound { .. }) {
        return ApiError::new(
            ErrorKind::NoSuchNamespace,
            format!("Cannot create namespace {namespace}. Parent namespace does not exist."),
        );
    }
    error.into()
}

/// What became of a namespace's properties.
pub(crate) fn show_updated(outcome: PropertiesUpdated) -> Response {
    crate::json(&UpdateNamespacePropertiesResponse {
        updated: outcome.updated,
        removed: outcome.removed,
        missing: outcome.missing,
    })
}

/// A namespace.
pub(crate) fn show(view: &NamespaceView) -> Response {
    crate::json(&NamespaceResponse {
        namespace: view.namespace.levels(),
        properties: &view.properties,
    })
}
