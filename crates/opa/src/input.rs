//! The document that a policy is given: Polaris'.

use merak_authz::{PolicyQuestion, Spot};
use merak_model::EntityKind;
use serde::Serialize;

/// What is sent.
#[derive(Debug, Serialize)]
pub(crate) struct Request<'a> {
    input: Input<'a>,
}

#[derive(Debug, Serialize)]
struct Input<'a> {
    actor: Actor<'a>,
    action: &'a str,
    resource: Resource,
    context: Context<'a>,
}

#[derive(Debug, Serialize)]
struct Actor<'a> {
    principal: &'a str,
    roles: &'a [&'a str],
}

#[derive(Debug, Serialize)]
struct Resource {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    targets: Vec<Entity>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    secondaries: Vec<Entity>,
}

#[derive(Debug, Serialize)]
struct Entity {
    r#type: &'static str,
    name: String,
    parents: Vec<Self>,
}

#[derive(Debug, Serialize)]
struct Context<'a> {
    request_id: &'a str,
    realm: &'a str,
}

impl<'a> Request<'a> {
    pub(crate) fn new(question: &PolicyQuestion<'a>) -> Self {
        let resources = &question.asked.resources;
        let resource = Resource {
            targets: resources.targets.iter().map(entity).collect(),
            secondaries: resources.secondaries.iter().map(entity).collect(),
        };
        let actor = Actor { principal: question.principal, roles: question.roles };
        let context = Context { request_id: question.request_id, realm: question.realm.as_str() };
        Self { input: Input { actor, action: question.asked.action, resource, context } }
    }

    /// The same for all requests that ask the same.
    pub(crate) fn without_its_id(mut self) -> Self {
        self.input.context.request_id = "";
        self
    }

    pub(crate) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("names have a JSON form")
    }
}

fn entity(spot: &Spot<'_>) -> Entity {
    let mut path: Vec<_> = spot
        .segments()
        .into_iter()
        .map(|(kind, name)| Entity { r#type: type_name(kind), name, parents: Vec::new() })
        .collect();
    let leaf = path.pop().expect("the root is part of each path");
    Entity { parents: path, ..leaf }
}

/// Polaris' names of its types.
const fn type_name(kind: EntityKind) -> &'static str {
    match kind {
        EntityKind::Root => "ROOT",
        EntityKind::Principal => "PRINCIPAL",
        EntityKind::PrincipalRole => "PRINCIPAL_ROLE",
        EntityKind::Catalog => "CATALOG",
        EntityKind::CatalogRole => "CATALOG_ROLE",
        EntityKind::Namespace => "NAMESPACE",
        EntityKind::Table | EntityKind::View | EntityKind::GenericTable => "TABLE_LIKE",
        EntityKind::Policy => "POLICY",
    }
}

#[cfg(test)]
mod tests {
    use merak_authz::{Asked, Resources};
    use merak_model::{EntityId, RealmId};
    use serde_json::{Value, json};

    use super::*;

    fn model(kind: EntityKind, name: &str) -> merak_model::Entity {
        merak_model::Entity::new(kind, EntityId::ROOT, EntityId::ROOT, name, 0)
    }

    fn sent(action: &'static str, resources: Resources<'_>) -> Value {
        let asked = Asked { action, resources };
        let question = PolicyQuestion {
            realm: &RealmId::new("POLARIS"),
            request_id: "id-1",
            principal: "ana",
            roles: &["analysts", "engineers"],
            asked: &asked,
        };
        serde_json::from_slice(&Request::new(&question).to_json()).unwrap()
    }

    #[test]
    fn a_policy_is_told_who_does_what_to_what_as_polaris_tells_it() {
        let lake = model(EntityKind::Catalog, "lake");
        let outer = model(EntityKind::Namespace, "a");
        let inner = model(EntityKind::Namespace, "a\u{1f}b");
        let table = model(EntityKind::Table, "t");
        let moved = Resources {
            targets: vec![Spot::of([&lake, &outer, &inner, &table])],
            secondaries: vec![Spot::of([&lake, &outer])],
        };

        let parent = |kind: &str, name: &str| json!({"type": kind, "name": name, "parents": []});
        let root = parent("ROOT", "root_container");
        let expected = json!({"input": {
            "actor": {"principal": "ana", "roles": ["analysts", "engineers"]},
            "action": "RENAME_TABLE",
            "resource": {
                "targets": [{"type": "TABLE_LIKE", "name": "t", "parents": [
                    root,
                    parent("CATALOG", "lake"),
                    parent("NAMESPACE", "a"),
                    parent("NAMESPACE", "b"),
                ]}],
                "secondaries": [{"type": "NAMESPACE", "name": "a", "parents": [
                    root,
                    parent("CATALOG", "lake"),
                ]}],
            },
            "context": {"request_id": "id-1", "realm": "POLARIS"},
        }});
        assert_eq!(sent("RENAME_TABLE", moved), expected);
    }

    #[test]
    fn what_there_is_nothing_of_is_left_out() {
        let in_realm = sent("LIST_CATALOGS", Resources::one(Spot::root()));

        let root = json!({"type": "ROOT", "name": "root_container", "parents": []});
        assert_eq!(in_realm["input"]["resource"], json!({"targets": [root]}));
        let nothing = sent("LIST_CATALOGS", Resources::many(Vec::new()));
        assert_eq!(nothing["input"]["resource"], json!({}));
    }

    #[test]
    fn requests_that_ask_the_same_are_the_same_without_their_ids() {
        let asked = Asked { action: "LIST_CATALOGS", resources: Resources::one(Spot::root()) };
        let of = |realm: &str, request_id| {
            let realm = RealmId::new(realm);
            let question = PolicyQuestion {
                realm: &realm,
                request_id,
                principal: "ana",
                roles: &[],
                asked: &asked,
            };
            Request::new(&question).without_its_id().to_json()
        };

        assert_eq!(of("a", "1"), of("a", "2"));
        assert_ne!(of("a", "1"), of("b", "1"));
    }
}
