//! Why was I refused? For those who may manage grants.

use axum::extract::State;
use axum::response::Response;
use merak_authn::parse_scope;
use merak_authz::{Answer, HeldGrant, Need, Question, RoleSelection};
use merak_model::{EntityKind, TableIdent};
use merak_wire::management::{
    AccessExplanation, AccessRemedy, AccessRequirement, ExplainedCatalogRole, ExplainedGrant,
    ExplainedSecurable, SecurableReference, SufficientGrant,
};

use crate::app::App;
use crate::error::{ApiError, ErrorKind};
use crate::extract::{Authenticated, QueryMap, namespace_of};

/// `GET /explain`
pub(crate) async fn explain_access(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    query: QueryMap,
) -> Result<Response, ApiError> {
    let answer = app.authorizer.explain(&caller, &question(&query)?).await?;
    Ok(crate::json(&show(&answer)))
}

fn question(query: &QueryMap) -> Result<Question, ApiError> {
    let text = |name: &str| query.get(name).filter(|text| !text.is_empty()).map(str::to_owned);
    let required = |name: &str| {
        text(name).ok_or_else(|| {
            ApiError::new(ErrorKind::BadRequest, format!("The parameter '{name}' is needed"))
        })
    };
    let scope = match text("scope") {
        None => RoleSelection::All,
        Some(scope) => parse_scope(&scope).ok_or_else(|| {
            ApiError::new(
                ErrorKind::BadRequest,
                "The parameter 'scope' must name roles, as in PRINCIPAL_ROLE:analyst",
            )
        })?,
    };
    let updates = text("update").unwrap_or_default();
    Ok(Question {
        principal: required("principal")?,
        scope,
        operation: required("operation")?.to_ascii_uppercase(),
        catalog: text("catalog"),
        namespace: text("namespace").map(|joined| namespace_of(&joined)).transpose()?,
        table: text("table"),
        policy: text("policy").map(|name| policy(&name)).transpose()?,
        target_principal: text("targetPrincipal"),
        principal_role: text("principalRole"),
        catalog_role: text("catalogRole"),
        updates: updates
            .split(',')
            .map(str::trim)
            .filter(|kind| !kind.is_empty())
            .map(str::to_owned)
            .collect(),
    })
}

/// A policy by its namespace and name. No policy has a dot in its name; what is before the last one is
/// the namespace, its levels joined as everywhere.
fn policy(name: &str) -> Result<TableIdent, ApiError> {
    let (namespace, name) = name.rsplit_once('.').ok_or_else(|| {
        ApiError::new(ErrorKind::BadRequest, "The parameter 'policy' must be as in namespace.name")
    })?;
    Ok(TableIdent { namespace: namespace_of(namespace)?, name: name.to_owned() })
}

fn show(answer: &Answer) -> AccessExplanation<'_> {
    let catalog_roles = answer
        .catalog_roles
        .iter()
        .map(|(name, through)| ExplainedCatalogRole { name, granted_to: through });
    let path = answer.path.iter().map(|step| ExplainedSecurable {
        securable: reference(step.kind, &step.name),
        grants: step.grants.iter().map(grant).collect(),
    });
    let requirements = answer.requirements.iter().filter_map(|judged| {
        let Need::Privilege(privilege) = judged.need else { return None };
        let met_by = judged.met_by.iter().map(|(held, kind, name)| SufficientGrant {
            grant: grant(held),
            on: reference(*kind, name),
        });
        Some(AccessRequirement {
            privilege: privilege.name(),
            on: reference(judged.on_kind, &judged.on_name),
            met: judged.is_met,
            met_by: met_by.collect(),
            sufficient: judged.sufficient.iter().map(|privilege| privilege.name()).collect(),
        })
    });
    let remedies = answer.remedies.iter().map(|remedy| AccessRemedy {
        privilege: remedy.privilege.name(),
        on: reference(remedy.on_kind, &remedy.on_name),
        catalog_role: remedy.catalog_role.as_deref(),
        text: &remedy.text,
    });
    AccessExplanation {
        principal: &answer.principal,
        operation: answer.operation,
        allowed: answer.is_allowed,
        decided_by: answer.decision.map(|decision| decision.by),
        active_roles: &answer.active_roles,
        catalog_roles: catalog_roles.collect(),
        path: path.collect(),
        requirements: requirements.collect(),
        remedies: remedies.collect(),
        steps: &answer.sentences,
    }
}

fn grant(held: &HeldGrant) -> ExplainedGrant<'_> {
    ExplainedGrant {
        privilege: held.privilege.name(),
        grantee: &held.grantee,
        grantee_type: type_name(held.grantee_kind),
    }
}

fn reference(kind: EntityKind, name: &str) -> SecurableReference<'_> {
    SecurableReference { r#type: type_name(kind), name }
}

const fn type_name(kind: EntityKind) -> &'static str {
    match kind {
        EntityKind::Root => "root",
        EntityKind::Principal => "principal",
        EntityKind::PrincipalRole => "principal-role",
        EntityKind::Catalog => "catalog",
        EntityKind::CatalogRole => "catalog-role",
        EntityKind::Namespace => "namespace",
        EntityKind::Table => "table",
        EntityKind::View => "view",
        EntityKind::GenericTable => "generic-table",
        EntityKind::Policy => "policy",
    }
}
