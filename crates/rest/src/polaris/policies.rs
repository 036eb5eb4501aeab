//! Policies in Polaris' catalog API.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use merak_authz::operations::{
    AttachPolicy, CreatePolicy, DetachPolicy, DropPolicy, GetApplicablePolicies, ListPolicies,
    LoadPolicy, UpdatePolicy,
};
use merak_authz::{
    ApplicablePoliciesPath, Caller, Children, NamespacePath, NewTablePath, Page, PolicyMappingPath,
    PolicyPath, PolicyTarget,
};
use merak_model::names::check_policy_name;
use merak_model::{EntityKind, Namespace, TableIdent};
use merak_service::{PolicyChange, PolicyDraft, PolicyView};
use merak_wire::iceberg::TableIdentifier;
use merak_wire::policies::{
    ApplicablePolicy, CreatePolicyRequest, GetApplicablePoliciesResponse, ListPoliciesResponse,
    LoadPolicyResponse, Policy, PolicyAttachmentTarget, PolicyMappingRequest, PolicyTargetType,
    UpdatePolicyRequest,
};

use crate::app::App;
use crate::error::{ApiError, ErrorKind};
use crate::extract::{
    Authenticated, JsonBody, Keyed, NamespaceInPath, NoBody, PolicyInPath, Prefix, QueryMap,
    namespace_of,
};
use crate::iceberg::answers::{Told, answered};
use crate::middleware::to_the_end;

/// `GET /polaris/v1/{prefix}/namespaces/{namespace}/policies`
///
/// It answers everything at once, as Polaris does.
pub(crate) async fn list_policies(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    NamespaceInPath { catalog, namespace }: NamespaceInPath,
    query: QueryMap,
) -> Result<Response, ApiError> {
    let policies = app.service.policies(&caller.realm)?;
    let children = Some(Children {
        of: Some(namespace.clone()),
        kind: EntityKind::Policy,
        page: Page::default(),
        names_only: false,
    });
    let path = NamespacePath { catalog, namespace: namespace.clone(), children };
    let proof = app.authorizer.authorize(&caller, ListPolicies, &path).await?;
    let names = policies.list(proof, query.get("policyType")).await?;
    let identifier = |name| TableIdentifier { namespace: namespace.levels(), name };
    let identifiers = names.into_iter().map(identifier).collect();
    Ok(crate::json(&ListPoliciesResponse { identifiers }))
}

/// `POST /polaris/v1/{prefix}/namespaces/{namespace}/policies`
pub(crate) async fn create_policy(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    NamespaceInPath { catalog, namespace }: NamespaceInPath,
    Keyed(key, JsonBody(body)): Keyed<JsonBody<CreatePolicyRequest>>,
) -> Result<Response, ApiError> {
    let caller = &caller;
    answered(app, caller, key, Told::of(&catalog), |app| async move {
        let name = required(body.name, "createPolicy.arg2.name")?;
        check_policy_name(&name)
            .map_err(|reason| violation(&format!("createPolicy.arg2.name: {reason}")))?;
        let policy_type = required(body.r#type, "createPolicy.arg2.type")?;
        let policies = app.service.policies(&caller.realm)?;
        let path = NewTablePath { catalog, ident: TableIdent { namespace, name } };
        let proof = app.authorizer.authorize(caller, CreatePolicy, &path).await?;
        let (description, content) = (body.description, body.content);
        let draft = PolicyDraft { policy_type, description, content };
        let made = to_the_end(async move { policies.create(proof, draft).await }).await?;
        Ok(show(&made))
    })
    .await
}

/// `GET /polaris/v1/{prefix}/namespaces/{namespace}/policies/{policy-name}`
pub(crate) async fn load_policy(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    path: PolicyInPath,
) -> Result<Response, ApiError> {
    let policies = app.service.policies(&caller.realm)?;
    let proof = app.authorizer.authorize(&caller, LoadPolicy, &path.into()).await?;
    Ok(show(&policies.load(proof).await?))
}

/// `PUT /polaris/v1/{prefix}/namespaces/{namespace}/policies/{policy-name}`
///
/// A policy that is not there is missed before the version is: published tests send none.
pub(crate) async fn update_policy(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    path: PolicyInPath,
    Keyed(key, JsonBody(body)): Keyed<JsonBody<UpdatePolicyRequest>>,
) -> Result<Response, ApiError> {
    let caller = &caller;
    answered(app, caller, key, Told::of(&path.catalog), |app| async move {
        let policies = app.service.policies(&caller.realm)?;
        let proof = app.authorizer.authorize(caller, UpdatePolicy, &path.into()).await?;
        let change = PolicyChange {
            description: body.description,
            content: body.content,
            current_version: body.current_policy_version,
        };
        let changed = to_the_end(async move { policies.update(proof, change).await }).await?;
        Ok(show(&changed))
    })
    .await
}

/// `DELETE /polaris/v1/{prefix}/namespaces/{namespace}/policies/{policy-name}`
pub(crate) async fn drop_policy(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    path: PolicyInPath,
    query: QueryMap,
    Keyed(key, NoBody): Keyed<NoBody>,
) -> Result<Response, ApiError> {
    let all = query.get("detach-all").is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let caller = &caller;
    answered(app, caller, key, Told::of(&path.catalog), |app| async move {
        let policies = app.service.policies(&caller.realm)?;
        let proof = app.authorizer.authorize(caller, DropPolicy, &path.into()).await?;
        to_the_end(async move { policies.drop(proof, all).await }).await?;
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}

/// `PUT /polaris/v1/{prefix}/namespaces/{namespace}/policies/{policy-name}/mappings`
pub(crate) async fn attach_policy(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    path: PolicyInPath,
    Keyed(key, JsonBody(body)): Keyed<JsonBody<PolicyMappingRequest>>,
) -> Result<Response, ApiError> {
    let caller = &caller;
    answered(app, caller, key, Told::of(&path.catalog), |app| async move {
        let policies = app.service.policies(&caller.realm)?;
        let path = mapping(&app, caller, path, body.target, "attachPolicy.arg3").await?;
        let operation = AttachPolicy::to(&path.target);
        let proof = app.authorizer.authorize(caller, operation, &path).await?;
        let parameters = body.parameters.unwrap_or_default();
        to_the_end(async move { policies.attach(proof, parameters).await }).await?;
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}

/// `POST /polaris/v1/{prefix}/namespaces/{namespace}/policies/{policy-name}/mappings`
pub(crate) async fn detach_policy(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    path: PolicyInPath,
    Keyed(key, JsonBody(body)): Keyed<JsonBody<PolicyMappingRequest>>,
) -> Result<Response, ApiError> {
    let caller = &caller;
    answered(app, caller, key, Told::of(&path.catalog), |app| async move {
        let policies = app.service.policies(&caller.realm)?;
        let path = mapping(&app, caller, path, body.target, "detachPolicy.arg3").await?;
        let operation = DetachPolicy::from(&path.target);
        let proof = app.authorizer.authorize(caller, operation, &path).await?;
        to_the_end(async move { policies.detach(proof).await }).await?;
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}

/// `GET /polaris/v1/{prefix}/applicable-policies`
///
/// There are no pages: of each type one policy applies at most. A table without its namespace is
/// refused, where Polaris answers with the policies of the catalog.
pub(crate) async fn get_applicable_policies(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Prefix(catalog): Prefix,
    query: QueryMap,
) -> Result<Response, ApiError> {
    let policies = app.service.policies(&caller.realm)?;
    let text = |name: &str| query.get(name).filter(|text| !text.is_empty());
    let target = match (text("namespace"), text("target-name")) {
        (None, None) => PolicyTarget::Catalog,
        (Some(namespace), None) => PolicyTarget::Namespace(namespace_of(namespace)?),
        (Some(namespace), Some(name)) => {
            let ident = TableIdent { namespace: namespace_of(namespace)?, name: name.to_owned() };
            table(&app, &caller, &catalog, ident).await
        }
        (None, Some(_)) => {
            return Err(ApiError::new(
                ErrorKind::BadRequest,
                "The parameter 'target-name' needs the parameter 'namespace'",
            ));
        }
    };
    let path = ApplicablePoliciesPath { catalog, target };
    let operation = GetApplicablePolicies::on(&path.target);
    let proof = app.authorizer.authorize(&caller, operation, &path).await?;
    let found = policies.applicable(proof, query.get("policyType")).await?;
    let applicable_policies = found
        .iter()
        .map(|found| ApplicablePolicy {
            policy: policy(&found.policy),
            inherited: found.inherited,
            namespace: found.namespace.levels(),
        })
        .collect();
    Ok(crate::json(&GetApplicablePoliciesResponse { applicable_policies }))
}

impl From<PolicyInPath> for PolicyPath {
    fn from(PolicyInPath { catalog, ident }: PolicyInPath) -> Self {
        Self { catalog, ident }
    }
}

/// A policy and what a body says it is attached to. `parameter` is what Polaris calls the body.
async fn mapping(
    app: &App,
    caller: &Caller,
    PolicyInPath { catalog, ident: policy }: PolicyInPath,
    target: Option<PolicyAttachmentTarget>,
    parameter: &str,
) -> Result<PolicyMappingPath, ApiError> {
    let target = required(target, &format!("{parameter}.target"))?;
    let kind = required(target.r#type, &format!("{parameter}.target.type"))?;
    let mut names = target.path.unwrap_or_default();
    let too_short = |what: &str| {
        ApiError::new(ErrorKind::IllegalArgument, format!("The path of the target has no {what}"))
    };
    let target = match kind {
        // Whatever its path is: Polaris does not look at it.
        PolicyTargetType::Catalog => PolicyTarget::Catalog,
        PolicyTargetType::Namespace if names.is_empty() => return Err(too_short("namespace")),
        PolicyTargetType::Namespace => PolicyTarget::Namespace(Namespace::lookup(names)?),
        PolicyTargetType::TableLike => {
            let name = names.pop().ok_or_else(|| too_short("name"))?;
            let ident = TableIdent { namespace: Namespace::lookup(names)?, name };
            table(app, caller, &catalog, ident).await
        }
    };
    Ok(PolicyMappingPath { catalog, policy, target })
}

/// A table, and which of its metadata is at hand: it need not be read then.
async fn table(app: &App, caller: &Caller, catalog: &str, ident: TableIdent) -> PolicyTarget {
    PolicyTarget::table(app.service.table_path(&caller.realm, catalog, ident).await)
}

/// What a body has to have, or the words of Polaris for its absence.
fn required<T>(value: Option<T>, name: &str) -> Result<T, ApiError> {
    value.ok_or_else(|| violation(&format!("{name}: must not be null")))
}

fn violation(what: &str) -> ApiError {
    ApiError::new(ErrorKind::ReactiveViolation, format!("Invalid value: {what}"))
}

/// A policy, as it is loaded.
pub(crate) fn show(view: &PolicyView) -> Response {
    crate::json(&LoadPolicyResponse { policy: policy(view) })
}

fn policy(view: &PolicyView) -> Policy<'_> {
    Policy {
        policy_type: &view.policy_type,
        inheritable: view.inheritable,
        name: &view.name,
        description: view.description.as_deref(),
        content: view.content.as_deref(),
        version: view.version,
    }
}
