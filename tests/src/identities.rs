//! Who asks.

use axum::http::Method;
use merak_metastore::{
    CallerRef, Change, Metastore as _, ResolveRequest, RoleSelection, TableLookup,
};
use merak_model::entity::internal;
use merak_model::{
    Entity, EntityId, EntityKind, GrantRecord, Namespace, Privilege, PrivilegeSet, TableIdent,
};
use merak_server::NewCredentials;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use crate::server::{ROOT, json_headers};
use crate::{Response, TestServer};

/// Somebody who asks, with what they send along.
#[derive(Debug, Clone)]
pub struct Identity<'a> {
    server: &'a TestServer,
    headers: Vec<(String, String)>,
}

impl<'a> Identity<'a> {
    pub(crate) fn nobody(server: &'a TestServer) -> Self {
        Self { server, headers: Vec::new() }
    }

    /// A principal that got a token by its credentials.
    ///
    /// # Panics
    ///
    /// If it gets none.
    pub async fn by_credentials(
        server: &'a TestServer,
        id: &str,
        secret: &str,
        scope: &str,
    ) -> Self {
        let form = format!(
            "grant_type=client_credentials&client_id={id}&client_secret={secret}&scope={scope}"
        );
        let answer = server.nobody().post_form(&form).await.expect(200).json();
        let token = answer["access_token"].as_str().expect("a token");
        server.nobody().with_token(token)
    }

    /// The same, with a token instead of what it had.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        self.with_header("Authorization", &format!("Bearer {token}"))
    }

    /// The same, sending one more header.
    #[must_use]
    pub fn with_header(&self, name: &str, value: &str) -> Self {
        let mut headers = self.headers.clone();
        headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        headers.push((name.to_owned(), value.to_owned()));
        Self { server: self.server, headers }
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> Response {
        self.server.send(Method::GET, path, &self.headers, Vec::new()).await
    }

    /// `HEAD`.
    pub async fn head(&self, path: &str) -> Response {
        self.server.send(Method::HEAD, path, &self.headers, Vec::new()).await
    }

    /// `DELETE`.
    pub async fn delete(&self, path: &str) -> Response {
        self.server.send(Method::DELETE, path, &self.headers, Vec::new()).await
    }

    /// `POST` with a JSON body.
    pub async fn post(&self, path: &str, body: Value) -> Response {
        self.send_json(Method::POST, path, &body).await
    }

    /// `PUT` with a JSON body.
    pub async fn put(&self, path: &str, body: Value) -> Response {
        self.send_json(Method::PUT, path, &body).await
    }

    /// Any method, with a JSON body.
    pub async fn send_json(&self, method: Method, path: &str, body: &Value) -> Response {
        self.send_bytes(method, path, body.to_string().into_bytes()).await
    }

    /// Any method, with a body that claims to be JSON, unless a header says otherwise.
    pub async fn send_bytes(&self, method: Method, path: &str, body: Vec<u8>) -> Response {
        let mut headers = json_headers();
        for (name, value) in &self.headers {
            headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
            headers.push((name.clone(), value.clone()));
        }
        self.server.send(method, path, &headers, body).await
    }

    /// Asks the token endpoint.
    pub async fn post_form(&self, form: &str) -> Response {
        let mut headers = self.headers.clone();
        let form_type = "application/x-www-form-urlencoded";
        headers.push(("Content-Type".to_owned(), form_type.to_owned()));
        let path = "/api/catalog/v1/oauth/tokens";
        self.server.send(Method::POST, path, &headers, form.as_bytes().to_vec()).await
    }
}

/// Principals with privileges, made straight in the metastore: these tests are about what the
/// privileges do, and not about how they are granted.
impl TestServer {
    /// A new principal with a role of its own, which holds nothing.
    pub async fn principal(&self, name: &str) -> Identity<'_> {
        self.place_principal(top_level(EntityKind::Principal, name)).await
    }

    /// The same, but one that an identity provider manages. No API makes such a principal.
    pub async fn federated_principal(&self, name: &str) -> Identity<'_> {
        let mut principal = top_level(EntityKind::Principal, name);
        principal.internal.insert(internal::FEDERATED.to_owned(), "true".to_owned());
        self.place_principal(principal).await
    }

    #[expect(clippy::disallowed_methods, reason = "the principal asks for its token with it")]
    async fn place_principal(&self, principal: Entity) -> Identity<'_> {
        let credentials = NewCredentials::generate();
        let role = top_level(EntityKind::PrincipalRole, &principal.name);
        let usage = GrantRecord {
            securable: role.id,
            grantee: principal.id,
            privilege: Privilege::PrincipalRoleUsage,
        };
        let id = principal.id;
        let secret: SecretString = credentials.client_secret;
        self.apply(vec![
            create(principal),
            create(role),
            Change::SetSecrets(id, credentials.secrets),
            Change::Grant(usage),
        ])
        .await;
        let client_id = credentials.client_id;
        Identity::by_credentials(self, &client_id, secret.expose_secret(), "PRINCIPAL_ROLE:ALL")
            .await
    }

    /// Grants a privilege to a principal's role through a catalog role: on the catalog, or on a
    /// namespace (its levels separated by dots), or on a table in it.
    ///
    /// # Panics
    ///
    /// If what it is to be granted on is not there.
    pub async fn grant(
        &self,
        principal: &str,
        privilege: Privilege,
        catalog: &str,
        namespace: Option<&str>,
        table: Option<&str>,
    ) {
        let principal_role = self.principal_role(principal).await;
        let namespace =
            namespace.map(|text| Namespace::lookup(text.split('.').map(str::to_owned).collect()));
        let namespace = namespace.transpose().expect("a namespace").unwrap_or_default();
        let ident =
            table.map(|name| TableIdent { namespace: namespace.clone(), name: name.to_owned() });
        let mut request = ResolveRequest::of_catalog(self.root_reference().await, catalog);
        if !namespace.is_root() {
            request.namespaces = vec![namespace.clone()];
        }
        request.tables = ident
            .iter()
            .map(|ident| TableLookup { ident: ident.clone(), known_metadata: None })
            .collect();
        let found =
            self.parts.metastore.resolve(&self.realm, &request).await.expect("the store answers");
        let catalog_id = found.catalog.as_ref().expect("the catalog is there").entity.id;
        let securable = match &ident {
            Some(ident) => found.table(ident).expect("the table is there").resolved.entity.id,
            None if namespace.is_root() => catalog_id,
            None => found.namespace(&namespace).expect("the namespace is there").entity.id,
        };
        let name = format!("role-{}", uuid::Uuid::new_v4().simple());
        let role = Entity::new(EntityKind::CatalogRole, catalog_id, catalog_id, name, 0);
        let grants = [
            (role.id, principal_role, Privilege::CatalogRoleUsage),
            (securable, role.id, privilege),
        ];
        let mut changes = vec![create(role)];
        changes.extend(grants.map(|(securable, grantee, privilege)| {
            Change::Grant(GrantRecord { securable, grantee, privilege })
        }));
        self.apply(changes).await;
    }

    /// Where a principal's privileges are granted: on a catalog through a new catalog role that its
    /// role is given, or on the realm's root to its role itself.
    ///
    /// # Panics
    ///
    /// If the principal or the catalog is not there.
    pub async fn grantee(&self, principal: &str, catalog: Option<&str>) -> Grantee {
        let principal_role = self.principal_role(principal).await;
        let Some(catalog) = catalog else {
            return Grantee { securable: EntityId::ROOT, role: principal_role };
        };
        let request = ResolveRequest::of_catalog(self.root_reference().await, catalog);
        let found = self.parts.metastore.resolve(&self.realm, &request).await;
        let catalog = found.expect("the store answers").catalog.expect("the catalog is there");
        let id = catalog.entity.id;
        let name = format!("role-{}", uuid::Uuid::new_v4().simple());
        let role = Entity::new(EntityKind::CatalogRole, id, id, name, 0);
        let grantee = Grantee { securable: id, role: role.id };
        let usage = GrantRecord {
            securable: role.id,
            grantee: principal_role,
            privilege: Privilege::CatalogRoleUsage,
        };
        self.apply(vec![create(role), Change::Grant(usage)]).await;
        grantee
    }

    /// Grants a set of privileges.
    pub async fn grant_set(&self, grantee: &Grantee, privileges: PrivilegeSet) {
        self.apply(grantee.records(privileges).map(Change::Grant).collect()).await;
    }

    /// Takes a set of privileges away again.
    pub async fn revoke_set(&self, grantee: &Grantee, privileges: PrivilegeSet) {
        self.apply(grantee.records(privileges).map(Change::Revoke).collect()).await;
    }

    /// Puts something into a namespace that the server has no API for yet.
    ///
    /// # Panics
    ///
    /// If the namespace is not there.
    pub async fn place(&self, kind: EntityKind, catalog: &str, namespace: &str, name: &str) {
        let levels = namespace.split('.').map(str::to_owned).collect();
        let namespace = Namespace::lookup(levels).expect("a namespace");
        let mut request = ResolveRequest::of_catalog(self.root_reference().await, catalog);
        request.namespaces = vec![namespace.clone()];
        let found = self.parts.metastore.resolve(&self.realm, &request).await;
        let found = found.expect("the store answers");
        let parent = &found.namespace(&namespace).expect("the namespace is there").entity;
        self.apply(vec![create(Entity::new(kind, parent.catalog_id, parent.id, name, 0))]).await;
    }

    pub(crate) async fn root_reference(&self) -> CallerRef {
        let root = self.parts.metastore.credentials(&self.realm, ROOT.0).await;
        let root = root.expect("the store answers").expect("root is there");
        CallerRef { principal: root.principal.into(), roles: RoleSelection::All }
    }

    async fn principal_role(&self, name: &str) -> EntityId {
        let request = ResolveRequest {
            children: Some(merak_metastore::Children {
                of: None,
                kind: EntityKind::PrincipalRole,
                page: merak_metastore::Page::default(),
                names_only: false,
            }),
            ..ResolveRequest::of_realm(self.root_reference().await)
        };
        let found = self.parts.metastore.resolve(&self.realm, &request).await;
        let roles = found.expect("the store answers").children;
        roles.into_iter().find(|role| role.name == name).expect("the role is there").id
    }

    pub(crate) async fn apply(&self, changes: Vec<Change>) {
        self.parts.metastore.apply(&self.realm, &changes).await.expect("the changes fit");
    }
}

/// A role that privileges are granted to, and what they are granted on.
#[derive(Debug, Clone, Copy)]
pub struct Grantee {
    securable: EntityId,
    role: EntityId,
}

impl Grantee {
    fn records(self, privileges: PrivilegeSet) -> impl Iterator<Item = GrantRecord> {
        privileges.iter().map(move |privilege| GrantRecord {
            securable: self.securable,
            grantee: self.role,
            privilege,
        })
    }
}

fn top_level(kind: EntityKind, name: &str) -> Entity {
    Entity::new(kind, EntityId::ROOT, EntityId::ROOT, name, 0)
}

pub(crate) fn create(entity: Entity) -> Change {
    Change::Create { entity: Box::new(entity), metadata: None, keep_apart: false }
}
