//! What a request is about, by its route: for the events that Polaris tells of requests.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::http::Method;
use merak_model::EventSubject;
use merak_model::names::LEVEL_SEPARATOR;
use merak_service::RequestSubject;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

/// The operation that a request is for, and what its path names.
///
/// What is in a body is not looked at: a request that makes something names the place where, and one
/// that renames something the catalog.
pub(crate) fn subject_of(method: &Method, route: &str, path: &str) -> Option<RequestSubject> {
    static BY_ROUTE: LazyLock<HashMap<(&str, &str), EventSubject>> = LazyLock::new(|| {
        SUBJECTS.iter().map(|(method, route, subject)| ((*method, *route), *subject)).collect()
    });
    let subject = *BY_ROUTE.get(&(method.as_str(), route))?;
    let changes_nothing = matches!(*method, Method::GET | Method::HEAD);
    let mut named = Named::default();
    for (name, text) in parameters(route, path) {
        named.set(name, text);
    }
    let resource = named.resource();
    Some(RequestSubject {
        subject,
        changes_nothing,
        catalog: named.catalog,
        resource,
        attributes: named.attributes,
    })
}

/// The catalog that a request names in its path, whether it is there or not.
pub(crate) fn catalog_of(route: &str, path: &str) -> Option<String> {
    let mut named = parameters(route, path);
    named.find(|(name, _)| matches!(*name, "prefix" | "catalogName")).map(|(_, text)| text)
}

/// What a path has in the places of a route's parameters. A text with a NUL could not be kept.
fn parameters<'a>(route: &'a str, path: &'a str) -> impl Iterator<Item = (&'a str, String)> {
    route.split('/').zip(path.split('/')).filter_map(|(pattern, given)| {
        let name = pattern.strip_prefix('{')?.strip_suffix('}')?;
        let text = percent_decode_str(given).decode_utf8_lossy();
        Some((name, text.replace('\0', "\u{fffd}")))
    })
}

/// What a path names.
#[derive(Default)]
struct Named {
    catalog: Option<String>,
    namespace: Option<Vec<String>>,
    /// What is in the namespace, or a principal or role: the one that gets something, if there are two.
    leaf: Option<String>,
    attributes: Map<String, Value>,
}

impl Named {
    fn set(&mut self, name: &str, text: String) {
        let key = match name {
            "prefix" | "catalogName" => {
                self.catalog = Some(text);
                return;
            }
            "namespace" => {
                let levels = text.split(LEVEL_SEPARATOR).map(str::to_owned).collect::<Vec<_>>();
                self.attributes.insert("namespace".to_owned(), levels.clone().into());
                self.namespace = Some(levels);
                return;
            }
            "table" => "table_name",
            "view" => "view_name",
            "generic-table" => "generic_table_name",
            "policy-name" => "policy_name",
            "principalName" => "principal_name",
            "principalRoleName" => "principal_role_name",
            "catalogRoleName" => "catalog_role_name",
            _ => return,
        };
        self.leaf.get_or_insert_with(|| text.clone());
        self.attributes.insert(key.to_owned(), text.into());
    }

    /// The dotted name of the namespace or of what is in it, or the name of something else, if it names
    /// any.
    fn resource(&self) -> Option<String> {
        let levels = self.namespace.iter().flatten().chain(&self.leaf);
        let levels: Vec<_> = levels.map(String::as_str).collect();
        (!levels.is_empty()).then(|| levels.join("."))
    }
}

/// The operations that Polaris has events of.
const SUBJECTS: &[(&str, &str, EventSubject)] = {
    use EventSubject as S;
    &[
        ("GET", "/api/catalog/v1/config", S::GetConfig),
        ("GET", "/api/catalog/v1/{prefix}/namespaces", S::ListNamespaces),
        ("POST", "/api/catalog/v1/{prefix}/namespaces", S::CreateNamespace),
        ("GET", "/api/catalog/v1/{prefix}/namespaces/{namespace}", S::LoadNamespaceMetadata),
        ("HEAD", "/api/catalog/v1/{prefix}/namespaces/{namespace}", S::CheckExistsNamespace),
        ("DELETE", "/api/catalog/v1/{prefix}/namespaces/{namespace}", S::DropNamespace),
        (
            "POST",
            "/api/catalog/v1/{prefix}/namespaces/{namespace}/properties",
            S::UpdateNamespaceProperties,
        ),
        ("GET", "/api/catalog/v1/{prefix}/namespaces/{namespace}/tables", S::ListTables),
        ("POST", "/api/catalog/v1/{prefix}/namespaces/{namespace}/tables", S::CreateTable),
        ("POST", "/api/catalog/v1/{prefix}/namespaces/{namespace}/register", S::RegisterTable),
        ("GET", "/api/catalog/v1/{prefix}/namespaces/{namespace}/tables/{table}", S::LoadTable),
        (
            "HEAD",
            "/api/catalog/v1/{prefix}/namespaces/{namespace}/tables/{table}",
            S::CheckExistsTable,
        ),
        ("POST", "/api/catalog/v1/{prefix}/namespaces/{namespace}/tables/{table}", S::UpdateTable),
        ("DELETE", "/api/catalog/v1/{prefix}/namespaces/{namespace}/tables/{table}", S::DropTable),
        (
            "GET",
            "/api/catalog/v1/{prefix}/namespaces/{namespace}/tables/{table}/credentials",
            S::LoadCredentials,
        ),
        (
            "POST",
            "/api/catalog/v1/{prefix}/namespaces/{namespace}/tables/{table}/notifications",
            S::SendNotification,
        ),
        ("POST", "/api/catalog/v1/{prefix}/tables/rename", S::RenameTable),
        ("POST", "/api/catalog/v1/{prefix}/transactions/commit", S::CommitTransaction),
        ("GET", "/api/catalog/v1/{prefix}/namespaces/{namespace}/views", S::ListViews),
        ("POST", "/api/catalog/v1/{prefix}/namespaces/{namespace}/views", S::CreateView),
        ("POST", "/api/catalog/v1/{prefix}/namespaces/{namespace}/register-view", S::RegisterView),
        ("GET", "/api/catalog/v1/{prefix}/namespaces/{namespace}/views/{view}", S::LoadView),
        (
            "HEAD",
            "/api/catalog/v1/{prefix}/namespaces/{namespace}/views/{view}",
            S::CheckExistsView,
        ),
        ("POST", "/api/catalog/v1/{prefix}/namespaces/{namespace}/views/{view}", S::ReplaceView),
        ("DELETE", "/api/catalog/v1/{prefix}/namespaces/{namespace}/views/{view}", S::DropView),
        ("POST", "/api/catalog/v1/{prefix}/views/rename", S::RenameView),
        ("GET", GENERIC_TABLES, S::ListGenericTables),
        ("POST", GENERIC_TABLES, S::CreateGenericTable),
        ("GET", GENERIC_TABLE, S::LoadGenericTable),
        ("DELETE", GENERIC_TABLE, S::DropGenericTable),
        ("GET", POLICIES, S::ListPolicies),
        ("POST", POLICIES, S::CreatePolicy),
        ("GET", POLICY, S::LoadPolicy),
        ("PUT", POLICY, S::UpdatePolicy),
        ("DELETE", POLICY, S::DropPolicy),
        ("PUT", MAPPINGS, S::AttachPolicy),
        ("POST", MAPPINGS, S::DetachPolicy),
        ("GET", "/api/catalog/polaris/v1/{prefix}/applicable-policies", S::GetApplicablePolicies),
        ("GET", "/api/management/v1/catalogs", S::ListCatalogs),
        ("POST", "/api/management/v1/catalogs", S::CreateCatalog),
        ("GET", "/api/management/v1/catalogs/{catalogName}", S::GetCatalog),
        ("PUT", "/api/management/v1/catalogs/{catalogName}", S::UpdateCatalog),
        ("DELETE", "/api/management/v1/catalogs/{catalogName}", S::DeleteCatalog),
        ("GET", "/api/management/v1/principals", S::ListPrincipals),
        ("POST", "/api/management/v1/principals", S::CreatePrincipal),
        ("GET", "/api/management/v1/principals/{principalName}", S::GetPrincipal),
        ("PUT", "/api/management/v1/principals/{principalName}", S::UpdatePrincipal),
        ("DELETE", "/api/management/v1/principals/{principalName}", S::DeletePrincipal),
        ("POST", "/api/management/v1/principals/{principalName}/rotate", S::RotateCredentials),
        ("POST", "/api/management/v1/principals/{principalName}/reset", S::ResetCredentials),
        ("GET", ROLES_OF_PRINCIPAL, S::ListAssignedPrincipalRoles),
        ("PUT", ROLES_OF_PRINCIPAL, S::AssignPrincipalRole),
        (
            "DELETE",
            "/api/management/v1/principals/{principalName}/principal-roles/{principalRoleName}",
            S::RevokePrincipalRole,
        ),
        ("GET", "/api/management/v1/principal-roles", S::ListPrincipalRoles),
        ("POST", "/api/management/v1/principal-roles", S::CreatePrincipalRole),
        ("GET", PRINCIPAL_ROLE, S::GetPrincipalRole),
        ("PUT", PRINCIPAL_ROLE, S::UpdatePrincipalRole),
        ("DELETE", PRINCIPAL_ROLE, S::DeletePrincipalRole),
        (
            "GET",
            "/api/management/v1/principal-roles/{principalRoleName}/principals",
            S::ListAssigneePrincipalsForPrincipalRole,
        ),
        ("GET", CATALOG_ROLES_OF_ROLE, S::ListCatalogRolesForPrincipalRole),
        ("PUT", CATALOG_ROLES_OF_ROLE, S::AssignCatalogRoleToPrincipalRole),
        (
            "DELETE",
            "/api/management/v1/principal-roles/{principalRoleName}/catalog-roles/{catalogName}/{catalogRoleName}",
            S::RevokeCatalogRoleFromPrincipalRole,
        ),
        ("GET", CATALOG_ROLES, S::ListCatalogRoles),
        ("POST", CATALOG_ROLES, S::CreateCatalogRole),
        ("GET", CATALOG_ROLE, S::GetCatalogRole),
        ("PUT", CATALOG_ROLE, S::UpdateCatalogRole),
        ("DELETE", CATALOG_ROLE, S::DeleteCatalogRole),
        (
            "GET",
            "/api/management/v1/catalogs/{catalogName}/catalog-roles/{catalogRoleName}/principal-roles",
            S::ListAssigneePrincipalRolesForCatalogRole,
        ),
        ("GET", GRANTS, S::ListGrantsForCatalogRole),
        ("PUT", GRANTS, S::AddGrantToCatalogRole),
        ("POST", GRANTS, S::RevokeGrantFromCatalogRole),
    ]
};

const GENERIC_TABLES: &str =
    "/api/catalog/polaris/v1/{prefix}/namespaces/{namespace}/generic-tables";
const GENERIC_TABLE: &str =
    "/api/catalog/polaris/v1/{prefix}/namespaces/{namespace}/generic-tables/{generic-table}";
const POLICIES: &str = "/api/catalog/polaris/v1/{prefix}/namespaces/{namespace}/policies";
const POLICY: &str =
    "/api/catalog/polaris/v1/{prefix}/namespaces/{namespace}/policies/{policy-name}";
const MAPPINGS: &str =
    "/api/catalog/polaris/v1/{prefix}/namespaces/{namespace}/policies/{policy-name}/mappings";
const ROLES_OF_PRINCIPAL: &str = "/api/management/v1/principals/{principalName}/principal-roles";
const PRINCIPAL_ROLE: &str = "/api/management/v1/principal-roles/{principalRoleName}";
const CATALOG_ROLES_OF_ROLE: &str =
    "/api/management/v1/principal-roles/{principalRoleName}/catalog-roles/{catalogName}";
const CATALOG_ROLES: &str = "/api/management/v1/catalogs/{catalogName}/catalog-roles";
const CATALOG_ROLE: &str =
    "/api/management/v1/catalogs/{catalogName}/catalog-roles/{catalogRoleName}";
const GRANTS: &str =
    "/api/management/v1/catalogs/{catalogName}/catalog-roles/{catalogRoleName}/grants";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::openapi;

    /// The operations of the API documents that are Iceberg's or Merak's own, and that Polaris has no
    /// events of.
    const WITHOUT: &[&str] = &[
        "diagnoseCatalog",
        "explainAccess",
        "explainPolicy",
        "getTask",
        "getToken",
        "listAuditRecords",
        "listCatalogEvents",
        "listEvents",
        "listMetricsReports",
        "listTasks",
        "reportMetrics",
        "retryTask",
        "signRequest",
        "unregisterTable",
    ];

    #[test]
    fn every_operation_of_the_api_has_its_event_or_is_known_to_have_none() {
        let mut seen = BTreeSet::new();
        for document in openapi::DOCUMENTS {
            let document: Value = serde_json::from_str(document.1).unwrap();
            for (path, item) in document["paths"].as_object().unwrap() {
                for (method, operation) in item.as_object().unwrap() {
                    let Some(id) = operation["operationId"].as_str() else { continue };
                    let method = method.to_ascii_uppercase();
                    let row = SUBJECTS.iter().find(|row| (row.0, row.1) == (&*method, &**path));
                    assert_eq!(row.is_none(), WITHOUT.contains(&id), "{id}: {method} {path}");
                    if let Some(row) = row {
                        assert!(seen.insert(row.2), "{id}");
                    }
                }
            }
        }
        assert_eq!(seen.len(), SUBJECTS.len(), "a row is of no operation");
    }

    fn subject(method: &Method, route: &str, path: &str) -> RequestSubject {
        subject_of(method, route, path).unwrap()
    }

    #[test]
    fn a_request_is_about_what_its_path_names() {
        let route = "/api/catalog/v1/{prefix}/namespaces/{namespace}/tables/{table}";
        let path = "/api/catalog/v1/my%20lake/namespaces/a%1Fb/tables/t%2E1";

        let found = subject(&Method::GET, route, path);

        assert_eq!((found.subject, found.changes_nothing), (EventSubject::LoadTable, true));
        assert_eq!(found.catalog.as_deref(), Some("my lake"));
        assert_eq!(found.resource.as_deref(), Some("a.b.t.1"));
        let attributes = serde_json::json!({"namespace": ["a", "b"], "table_name": "t.1"});
        assert_eq!(Value::Object(found.attributes), attributes);
        assert_eq!(catalog_of(route, path).as_deref(), Some("my lake"));
    }

    #[test]
    fn of_a_role_and_whoever_gets_it_the_latter_is_named() {
        let route =
            "/api/management/v1/principals/{principalName}/principal-roles/{principalRoleName}";

        let found =
            subject(&Method::DELETE, route, "/api/management/v1/principals/ana/principal-roles/r");

        assert_eq!(found.resource.as_deref(), Some("ana"));
        let attributes = serde_json::json!({"principal_name": "ana", "principal_role_name": "r"});
        assert_eq!(Value::Object(found.attributes), attributes);
    }

    #[test]
    fn what_is_not_in_the_path_is_not_named() {
        let found =
            subject(&Method::POST, "/api/management/v1/catalogs", "/api/management/v1/catalogs");

        assert!(!found.changes_nothing);
        assert_eq!((found.catalog, found.resource), (None, None));
        let token = "/api/catalog/v1/oauth/tokens";
        assert!(subject_of(&Method::POST, token, token).is_none());
    }

    #[test]
    fn what_could_not_be_kept_is_replaced() {
        let route = "/api/catalog/v1/{prefix}/namespaces";

        let found = subject(&Method::GET, route, "/api/catalog/v1/a%00b%FF/namespaces");

        assert_eq!(found.catalog.as_deref(), Some("a\u{fffd}b\u{fffd}"));
    }
}
