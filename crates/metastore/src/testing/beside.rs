//! What is looked up beside a path: principals, roles, policies, and the grants between them.

use super::*;

use crate::{ActivatedCatalogRole, RelatedGrant};

pub async fn a_caller_is_found_by_its_name_too(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let role = world.make_role_of_caller("engineer").await;
    world.grant(Privilege::ServiceManageAccess, &root(), &role).await;
    let by_name = async |name: &str| {
        let principal = PrincipalRef::Name(name.to_owned());
        let caller = CallerRef { principal, roles: RoleSelection::All };
        world.resolve(&ResolveRequest::of_realm(caller)).await
    };

    let found = by_name("alice").await;

    let caller = found.caller.unwrap();
    assert_eq!((caller.id, caller.name.as_str()), (world.caller, "alice"));
    assert_eq!(caller.roles[0].name, "engineer");
    assert!(found.root_privileges.contains(Privilege::ServiceManageAccess));
    for nobody in ["Alice", "engineer", "", "root_container"] {
        let found = by_name(nobody).await;
        assert_eq!(found.caller, None, "{nobody}");
        assert!(found.root_privileges.is_empty(), "{nobody}");
    }
}

pub async fn a_caller_that_must_rotate_its_credentials_is_marked(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let marked = async |internal: &[(&str, &str)]| {
        let name = EntityId::random().to_string();
        let mut principal = entity(EntityKind::Principal, &root(), &name);
        principal.internal =
            internal.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        world.apply(&[create(&principal)]).await.unwrap();
        let caller = CallerRef { principal: principal.id.into(), roles: RoleSelection::All };
        world.resolve(&ResolveRequest::of_realm(caller)).await.caller.unwrap().must_rotate
    };

    assert!(marked(&[("client_id", "a"), ("CREDENTIAL_ROTATION_REQUIRED", "true")]).await);
    assert!(!marked(&[]).await);
    assert!(!marked(&[("client_id", "CREDENTIAL_ROTATION_REQUIRED")]).await);
}

/// A catalog with a role in it that the caller's principal role has.
struct Lake {
    world: World,
    catalog: Entity,
    principal_role: Entity,
    catalog_role: Entity,
}

impl Lake {
    async fn new(store: Arc<dyn Metastore>) -> Self {
        let world = World::new(store).await;
        let catalog = world.make_catalog("lake").await;
        let catalog_role = world.make(EntityKind::CatalogRole, &catalog, "reader").await;
        let principal_role = world.make_role_of_caller("engineer").await;
        world.grant(Privilege::CatalogRoleUsage, &catalog_role, &principal_role).await;
        Self { world, catalog, principal_role, catalog_role }
    }

    /// What is found beside the catalog.
    async fn beside(&self, named: Vec<NamedLookup>) -> Resolution {
        let request = ResolveRequest { named, ..self.world.of_catalog("lake") };
        self.world.resolve(&request).await
    }

    async fn related(&self, of: NamedLookup, relation: Relation) -> Vec<RelatedGrant> {
        let request = ResolveRequest {
            named: vec![of],
            related: Some(relation),
            ..self.world.of_catalog("lake")
        };
        self.world.resolve(&request).await.related
    }
}

fn role(name: &str) -> NamedLookup {
    NamedLookup::new(EntityKind::CatalogRole, name)
}

pub async fn principals_and_roles_are_found_beside_the_path(store: Arc<dyn Metastore>) {
    let lake = Lake::new(store).await;
    let world = &lake.world;
    let other = world.make_catalog("pond").await;
    world.make(EntityKind::CatalogRole, &other, "elsewhere").await;
    world.grant(Privilege::CatalogRoleDrop, &lake.catalog_role, &lake.catalog_role).await;
    world.grant(Privilege::PrincipalRoleDrop, &lake.principal_role, &lake.principal_role).await;

    let found = lake
        .beside(vec![
            role("reader"),
            role("elsewhere"),
            NamedLookup::new(EntityKind::PrincipalRole, "engineer"),
            NamedLookup::new(EntityKind::Principal, "alice"),
            NamedLookup::new(EntityKind::Principal, "engineer"),
            NamedLookup::new(EntityKind::Principal, "nul\0"),
        ])
        .await;

    assert_eq!(found.named.len(), 3);
    let reader = found.named(EntityKind::CatalogRole, "reader").unwrap();
    assert_eq!(reader.entity, lake.catalog_role);
    assert!(reader.privileges.contains(Privilege::CatalogRoleDrop));
    let engineer = found.named(EntityKind::PrincipalRole, "engineer").unwrap();
    assert!(engineer.privileges.contains(Privilege::PrincipalRoleDrop));
    let alice = found.named(EntityKind::Principal, "alice").unwrap();
    assert_eq!(alice.entity.id, world.caller);
    assert!(alice.privileges.is_empty());
    assert_eq!(found.catalog.unwrap().entity, lake.catalog);
}

pub async fn a_policy_is_found_in_its_namespace(store: Arc<dyn Metastore>) {
    let lake = Lake::new(store).await;
    let world = &lake.world;
    let outer = world.make_namespace(&lake.catalog, &["a"]).await;
    let inner = world.make_namespace(&outer, &["a", "b"]).await;
    let policy = world.make(EntityKind::Policy, &inner, "p").await;
    world.make(EntityKind::Policy, &outer, "q").await;
    world.grant(Privilege::PolicyRead, &policy, &lake.catalog_role).await;
    let in_inner = |name: &str| NamedLookup {
        kind: EntityKind::Policy,
        namespace: Some(namespace(&["a", "b"])),
        name: name.to_owned(),
    };

    let found = lake.beside(vec![in_inner("p"), in_inner("q")]).await;

    assert_eq!(found.named.len(), 1);
    assert_eq!(found.named[0].entity, policy);
    assert!(found.named[0].privileges.contains(Privilege::PolicyRead));
    assert_eq!(found.namespaces.len(), 2, "its namespaces come along");
}

pub async fn what_a_role_holds_is_listed_with_its_place(store: Arc<dyn Metastore>) {
    let lake = Lake::new(store).await;
    let world = &lake.world;
    let outer = world.make_namespace(&lake.catalog, &["a"]).await;
    let inner = world.make_namespace(&outer, &["a", "b"]).await;
    let table = world.make_table(&inner, "t").await;
    for (privilege, securable) in [
        (Privilege::CatalogManageContent, &lake.catalog),
        (Privilege::TableList, &inner),
        (Privilege::TableDrop, &table),
        (Privilege::TableReadData, &table),
    ] {
        world.grant(privilege, securable, &lake.catalog_role).await;
    }
    let other = world.make(EntityKind::CatalogRole, &lake.catalog, "other").await;
    world.grant(Privilege::ViewDrop, &table, &other).await;

    let all = Relation::Held { privilege: None, in_catalog: false };
    let held = lake.related(role("reader"), all).await;

    let mut shown: Vec<_> = held
        .iter()
        .map(|grant| {
            let place = grant.namespace.as_ref().map(ToString::to_string);
            (grant.privilege.name(), grant.entity.name.as_str(), place)
        })
        .collect();
    shown.sort_unstable();
    let in_inner = Some("a.b".to_owned());
    assert_eq!(
        shown,
        [
            ("CATALOG_MANAGE_CONTENT", "lake", None),
            ("TABLE_DROP", "t", in_inner.clone()),
            ("TABLE_LIST", "a\u{1f}b", Some("a".to_owned())),
            ("TABLE_READ_DATA", "t", in_inner),
        ]
    );
    assert!(held.iter().all(|grant| grant.entity.metadata_location.is_none()));
    assert!(lake.related(role("nobody"), all).await.is_empty());
}

pub async fn the_roles_of_one_catalog_are_listed_without_those_of_others(
    store: Arc<dyn Metastore>,
) {
    let lake = Lake::new(store).await;
    let world = &lake.world;
    let pond = world.make_catalog("pond").await;
    let elsewhere = world.make(EntityKind::CatalogRole, &pond, "elsewhere").await;
    world.grant(Privilege::CatalogRoleUsage, &elsewhere, &lake.principal_role).await;
    let usage = Some(Privilege::CatalogRoleUsage);
    let names = async |in_catalog| {
        let of = NamedLookup::new(EntityKind::PrincipalRole, "engineer");
        let held = lake.related(of, Relation::Held { privilege: usage, in_catalog }).await;
        held.into_iter().map(|grant| grant.entity.name).collect::<Vec<_>>()
    };

    assert_eq!(names(true).await, ["reader"]);
    assert_eq!(names(false).await, ["elsewhere", "reader"]);
}

pub async fn who_has_a_role_is_listed(store: Arc<dyn Metastore>) {
    let lake = Lake::new(store).await;
    let world = &lake.world;
    let bob = world.make(EntityKind::Principal, &root(), "bob").await;
    world.make(EntityKind::Principal, &root(), "carol").await;
    world.grant(Privilege::PrincipalRoleUsage, &lake.principal_role, &bob).await;
    world.grant(Privilege::PrincipalRoleDrop, &lake.principal_role, &lake.catalog_role).await;
    let names = |grants: Vec<RelatedGrant>| {
        grants.into_iter().map(|grant| grant.entity.name).collect::<Vec<_>>()
    };

    let of = NamedLookup::new(EntityKind::PrincipalRole, "engineer");
    let principals = lake.related(of, Relation::Holders(Privilege::PrincipalRoleUsage)).await;
    let usage = Relation::Holders(Privilege::CatalogRoleUsage);
    let roles = lake.related(role("reader"), usage).await;

    assert_eq!(names(principals), ["alice", "bob"]);
    assert_eq!(names(roles), ["engineer"]);
}

pub async fn how_a_privilege_comes_about_is_told(store: Arc<dyn Metastore>) {
    let lake = Lake::new(store).await;
    let world = &lake.world;
    let second = world.make_role_of_caller("second").await;
    world.grant(Privilege::CatalogRoleUsage, &lake.catalog_role, &second).await;
    let parent = world.make_namespace(&lake.catalog, &["ns"]).await;
    let stranger = world.make(EntityKind::CatalogRole, &lake.catalog, "stranger").await;
    let principal = world.make(EntityKind::Principal, &root(), "bob").await;
    let grants = [
        (Privilege::ServiceManageAccess, root().id, lake.principal_role.id),
        (Privilege::TableList, parent.id, lake.catalog_role.id),
        (Privilege::PrincipalDrop, principal.id, second.id),
    ]
    .map(|(privilege, securable, grantee)| GrantRecord { securable, grantee, privilege });
    world.apply(&grants.map(Change::Grant)).await.unwrap();
    world.grant(Privilege::TableDrop, &parent, &stranger).await;

    let request = ResolveRequest {
        namespaces: vec![namespace(&["ns"])],
        named: vec![NamedLookup::new(EntityKind::Principal, "bob")],
        explain: true,
        ..world.of_catalog("lake")
    };
    let found = world.resolve(&request).await.explanation;

    let through = |principal_role: &str| ActivatedCatalogRole {
        name: "reader".to_owned(),
        id: lake.catalog_role.id,
        principal_role: principal_role.to_owned(),
    };
    assert_eq!(found.catalog_roles, [through("engineer"), through("second")]);
    assert_eq!(found.grants.len(), 3);
    assert!(grants.iter().all(|grant| found.grants.contains(grant)), "{:?}", found.grants);
}
