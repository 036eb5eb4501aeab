//! What principals, principal roles and catalog roles have in common, and what tests of them need.

mod bodies;
mod names;
mod versions;

use std::fmt::Write as _;

use merak_tests::{Identity, Response, TestServer};
use serde_json::{Value, json};

use crate::fixtures::text;

/// The route of principals.
pub(crate) const PRINCIPALS: &str = "/api/management/v1/principals";
/// The route of principal roles.
pub(crate) const PRINCIPAL_ROLES: &str = "/api/management/v1/principal-roles";
/// The route of the roles of the catalog `lake`.
pub(crate) const CATALOG_ROLES: &str = "/api/management/v1/catalogs/lake/catalog-roles";
/// What revoking answers when there is nothing to revoke.
pub(crate) const NOT_GRANTED: &str = "400 GRANT_NOT_FOUND: Operation failed: GRANT_NOT_FOUND";

/// What is made, read, changed and removed in one and the same way.
struct Kind {
    /// What Polaris calls it.
    label: &'static str,
    /// Where it is made and listed.
    path: &'static str,
    /// The member that may wrap it in a body.
    wrapper: &'static str,
    /// The member that holds all of them in a list.
    list: &'static str,
    /// The one there is from the start.
    first: &'static str,
    /// What the body of its creation is called in messages.
    create: &'static str,
    /// What the body of its update is called in messages.
    update: &'static str,
    /// What is told of a name that nothing has, before the name.
    missing: &'static str,
    /// Where it is, in what is told of a name that is taken.
    place: &'static str,
}

const KINDS: [Kind; 3] = [
    Kind {
        label: "Principal",
        path: PRINCIPALS,
        wrapper: "principal",
        list: "principals",
        first: "root",
        create: "createPrincipal.arg0",
        update: "updatePrincipal.arg1",
        missing: "TopLevelEntity of type PRINCIPAL does not exist: ",
        place: "",
    },
    Kind {
        label: "PrincipalRole",
        path: PRINCIPAL_ROLES,
        wrapper: "principalRole",
        list: "roles",
        first: "service_admin",
        create: "createPrincipalRole.arg0",
        update: "updatePrincipalRole.arg1",
        missing: "TopLevelEntity of type PRINCIPAL_ROLE does not exist: ",
        place: "",
    },
    Kind {
        label: "CatalogRole",
        path: CATALOG_ROLES,
        wrapper: "catalogRole",
        list: "roles",
        first: "catalog_admin",
        create: "createCatalogRole.arg1",
        update: "updateCatalogRole.arg2",
        missing: "CatalogRole does not exist: ",
        place: " in lake",
    },
];

impl Kind {
    /// A body in its wrapper.
    fn wrapped(&self, entity: &Value) -> Value {
        let wrapper = self.wrapper;
        json!({wrapper: entity})
    }

    fn route(&self, name: &str) -> String {
        format!("{}/{}", self.path, encode(name))
    }

    /// Makes one, or tries to.
    async fn create(&self, who: &Identity<'_>, body: Value) -> Response {
        who.post(self.path, body).await
    }

    /// Makes one with that name, and answers it.
    async fn make(&self, who: &Identity<'_>, name: &str) -> Value {
        let answer = self.create(who, json!({"name": name})).await.expect(201);
        self.made(&answer)
    }

    /// The one that an answer says was made: a principal comes with its credentials.
    fn made(&self, answer: &Response) -> Value {
        let answer = answer.json();
        answer.get("principal").filter(|_| self.wrapper == "principal").unwrap_or(&answer).clone()
    }

    async fn get(&self, who: &Identity<'_>, name: &str) -> Value {
        who.get(&self.route(name)).await.expect(200).json()
    }

    async fn all(&self, who: &Identity<'_>) -> Vec<Value> {
        let list = who.get(self.path).await.expect(200).json();
        assert_eq!(list.as_object().map(|members| members.len()), Some(1), "{list}");
        list[self.list].as_array().unwrap_or_else(|| panic!("no list: {list}")).clone()
    }

    /// The names of all there are.
    async fn names(&self, who: &Identity<'_>) -> Vec<String> {
        self.all(who).await.iter().map(|one| text(&one["name"]).to_owned()).collect()
    }
}

/// A server with the catalog `lake`.
async fn with_lake() -> TestServer {
    let server = TestServer::start().await;
    server.create_catalog("lake").await;
    server
}

/// A name as a segment of a path, or as a value in a form.
pub(crate) fn encode(name: &str) -> String {
    name.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a String takes what is written to it");
        }
        encoded
    })
}

/// The names in a list of principals or roles.
pub(crate) fn names(list: &Response, member: &str) -> Vec<String> {
    let list = list.json();
    let entries = list[member].as_array().unwrap_or_else(|| panic!("no list: {list}"));
    entries.iter().map(|entry| text(&entry["name"]).to_owned()).collect()
}

/// What a principal asks for tokens with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl Credentials {
    pub(crate) fn new(id: &str, secret: &str) -> Self {
        Self { id: id.to_owned(), secret: secret.to_owned() }
    }

    /// Those that an answer shows.
    pub(crate) fn of(answer: &Response) -> Self {
        let shown = answer.json();
        let shown = &shown["credentials"];
        Self::new(text(&shown["clientId"]), text(&shown["clientSecret"]))
    }

    /// Asks for a token with them.
    pub(crate) async fn ask(&self, server: &TestServer, scope: &str) -> Response {
        let (id, secret, scope) = (encode(&self.id), encode(&self.secret), encode(scope));
        let form = format!(
            "grant_type=client_credentials&client_id={id}&client_secret={secret}&scope={scope}"
        );
        server.nobody().post_form(&form).await
    }

    /// Whether they get a token.
    pub(crate) async fn are_good(&self, server: &TestServer) -> bool {
        let answer = self.ask(server, "PRINCIPAL_ROLE:ALL").await;
        match answer.status.as_u16() {
            200 => true,
            401 => false,
            other => panic!("{other}: {}", answer.text()),
        }
    }

    /// Who has them, in these roles.
    pub(crate) async fn acting_in<'a>(&self, server: &'a TestServer, scope: &str) -> Identity<'a> {
        let token = self.ask(server, scope).await.expect(200).json();
        server.nobody().with_token(text(&token["access_token"]))
    }

    /// Who has them, in all its roles.
    pub(crate) async fn log_in<'a>(&self, server: &'a TestServer) -> Identity<'a> {
        self.acting_in(server, "PRINCIPAL_ROLE:ALL").await
    }
}

/// Makes a principal.
pub(crate) async fn create_principal(who: &Identity<'_>, name: &str) -> Credentials {
    Credentials::of(&who.post(PRINCIPALS, json!({"name": name})).await.expect(201))
}

/// Makes a principal role.
pub(crate) async fn create_principal_role(who: &Identity<'_>, name: &str) {
    let _ = who.post(PRINCIPAL_ROLES, json!({"name": name})).await.expect(201);
}

/// Makes a role of the catalog `lake`.
pub(crate) async fn create_catalog_role(who: &Identity<'_>, name: &str) {
    let _ = who.post(CATALOG_ROLES, json!({"name": name})).await.expect(201);
}

/// Gives a principal role to a principal.
pub(crate) async fn assign(who: &Identity<'_>, role: &str, principal: &str) {
    let path = format!("{PRINCIPALS}/{principal}/principal-roles");
    let _ = who.put(&path, json!({"name": role})).await.expect(201);
}

/// Gives a role of the catalog `lake` to a principal role.
pub(crate) async fn assign_catalog_role(who: &Identity<'_>, role: &str, principal_role: &str) {
    let path = format!("{PRINCIPAL_ROLES}/{principal_role}/catalog-roles/lake");
    let _ = who.put(&path, json!({"name": role})).await.expect(201);
}
