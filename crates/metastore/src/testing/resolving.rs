//! What one look at a path shows.

use super::*;

/// A catalog with a namespace and a table in it, and the caller's role.
struct Path {
    world: World,
    catalog: Entity,
    parent: Entity,
    table: Entity,
    role: Entity,
}

impl Path {
    async fn new(store: Arc<dyn Metastore>) -> Self {
        let world = World::new(store).await;
        let catalog = world.make_catalog("lake").await;
        let parent = world.make_namespace(&catalog, &["ns"]).await;
        let table = world.make_table(&parent, "t").await;
        let role = world.make_role_of_caller("engineer").await;
        Self { world, catalog, parent, table, role }
    }

    async fn make_catalog_role(&self, catalog: &Entity, name: &str, grantee: &Entity) -> Entity {
        let role = self.world.make(EntityKind::CatalogRole, catalog, name).await;
        self.world.grant(Privilege::CatalogRoleUsage, &role, grantee).await;
        role
    }

    async fn resolve(&self) -> Resolution {
        self.world.resolve_table("lake", &["ns"], "t").await
    }
}

/// The privileges on the root, the catalog, the namespace and the table, each as a list.
fn held(found: &Resolution) -> [Vec<Privilege>; 4] {
    [
        found.root_privileges.iter().collect(),
        found.catalog.as_ref().unwrap().privileges.iter().collect(),
        found.namespaces[0].privileges.iter().collect(),
        found.tables[0].resolved.privileges.iter().collect(),
    ]
}

pub async fn a_missing_caller_is_absent_and_holds_nothing(store: Arc<dyn Metastore>) {
    let path = Path::new(store).await;
    let world = &path.world;
    world.grant(Privilege::ServiceManageAccess, &root(), &path.role).await;

    for principal in [EntityId::random(), path.role.id, path.table.id, EntityId::ROOT] {
        let caller = CallerRef { principal: principal.into(), roles: RoleSelection::All };
        let found = world.resolve(&ResolveRequest::of_catalog(caller, "lake")).await;
        assert_eq!(found.caller, None);
        assert!(found.root_privileges.is_empty());
        assert!(found.catalog.unwrap().privileges.is_empty());
    }
}

pub async fn roles_are_activated_as_the_token_says(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    world.make_role_of_caller("writer").await;
    world.make_role_of_caller("reader").await;
    world.make(EntityKind::PrincipalRole, &root(), "of nobody").await;
    let named =
        |names: &[&str]| RoleSelection::Named(names.iter().map(|&name| name.to_owned()).collect());
    let activated = async |roles| {
        let request = ResolveRequest::of_realm(CallerRef { principal: world.caller.into(), roles });
        let caller = world.resolve(&request).await.caller.unwrap();
        assert_eq!((caller.id, caller.name.as_str()), (world.caller, "alice"));
        caller.roles.into_iter().map(|role| role.name).collect::<Vec<_>>()
    };

    assert_eq!(activated(RoleSelection::All).await, ["reader", "writer"]);
    assert_eq!(activated(named(&["writer", "of nobody", "none", ""])).await, ["writer"]);
    assert!(activated(named(&[])).await.is_empty());
    assert!(activated(named(&["Writer", "writer\u{0}"])).await.is_empty());
}

pub async fn privileges_come_through_principal_roles_and_catalog_roles(store: Arc<dyn Metastore>) {
    let path = Path::new(store).await;
    let world = &path.world;
    let first = path.make_catalog_role(&path.catalog, "first", &path.role).await;
    let second = path.make_catalog_role(&path.catalog, "second", &path.role).await;

    world.grant(Privilege::CatalogCreate, &root(), &path.role).await;
    world.grant(Privilege::ServiceManageAccess, &root(), &path.role).await;
    world.grant(Privilege::CatalogList, &path.catalog, &path.role).await;
    world.grant(Privilege::CatalogManageContent, &path.catalog, &first).await;
    world.grant(Privilege::NamespaceList, &path.parent, &second).await;
    world.grant(Privilege::TableDrop, &path.table, &first).await;
    world.grant(Privilege::TableDrop, &path.table, &second).await;
    world.grant(Privilege::TableManageStructure, &path.table, &second).await;

    assert_eq!(
        held(&path.resolve().await),
        [
            vec![Privilege::ServiceManageAccess, Privilege::CatalogCreate],
            vec![Privilege::CatalogList, Privilege::CatalogManageContent],
            vec![Privilege::NamespaceList],
            vec![Privilege::TableDrop, Privilege::TableManageStructure],
        ]
    );
}

pub async fn a_role_of_another_catalog_does_not_count(store: Arc<dyn Metastore>) {
    let path = Path::new(store).await;
    let pond = path.world.make_catalog("pond").await;
    let role = path.make_catalog_role(&pond, "admin", &path.role).await;
    path.world.grant(Privilege::CatalogManageAccess, &pond, &role).await;

    // No API would grant it, and yet: it is of the other catalog.
    path.world.grant(Privilege::TableDrop, &path.table, &role).await;

    assert_eq!(held(&path.resolve().await), [const { Vec::new() }; 4]);
    let found = path.world.resolve(&path.world.of_catalog("pond")).await;
    assert!(found.catalog.unwrap().privileges.contains(Privilege::CatalogManageAccess));
}

pub async fn a_role_that_is_not_activated_does_not_count(store: Arc<dyn Metastore>) {
    let path = Path::new(store).await;
    let world = &path.world;
    world.make_role_of_caller("idle").await;
    let role = path.make_catalog_role(&path.catalog, "admin", &path.role).await;
    world.grant(Privilege::CatalogManageAccess, &path.catalog, &role).await;
    world.grant(Privilege::CatalogList, &root(), &path.role).await;

    let roles = RoleSelection::Named(vec!["idle".to_owned()]);
    let caller = CallerRef { principal: world.caller.into(), roles };
    let found = world.resolve(&ResolveRequest::of_catalog(caller, "lake")).await;

    assert!(found.root_privileges.is_empty());
    assert!(found.catalog.unwrap().privileges.is_empty());
}

pub async fn direct_grants_to_a_principal_do_not_count(store: Arc<dyn Metastore>) {
    let path = Path::new(store).await;
    let world = &path.world;
    let role = world.make(EntityKind::CatalogRole, &path.catalog, "admin").await;
    world.grant(Privilege::CatalogManageAccess, &path.catalog, &role).await;

    for (privilege, securable) in [
        (Privilege::ServiceManageAccess, &root()),
        (Privilege::TableDrop, &path.table),
        (Privilege::CatalogRoleUsage, &role),
    ] {
        let grant = GrantRecord { securable: securable.id, grantee: world.caller, privilege };
        world.apply(&[Change::Grant(grant)]).await.unwrap();
    }

    assert_eq!(held(&path.resolve().await), [const { Vec::new() }; 4]);
}

pub async fn a_deep_namespace_comes_with_all_above_it(store: Arc<dyn Metastore>) {
    let path = Path::new(store).await;
    let world = &path.world;
    let levels: Vec<_> = (0..16).map(|level| format!("l{level}")).collect();
    let levels: Vec<_> = levels.iter().map(String::as_str).collect();
    let mut parent = path.catalog.clone();
    for depth in 1..=16 {
        parent = world.make_namespace(&parent, &levels[..depth]).await;
    }
    let table = world.make_table(&parent, "deep").await;

    let found = world.resolve_table("lake", &levels, "deep").await;

    assert_eq!(found.namespaces.len(), 16);
    assert_eq!(
        found.namespace(&namespace(&levels[..3])).unwrap().entity.name,
        "l0\u{1f}l1\u{1f}l2"
    );
    let ident = lookup(&levels, "deep").ident;
    assert_eq!(found.table(&ident).unwrap().resolved.entity, table);
    let found = world.resolve_namespace("lake", &levels).await;
    assert_eq!(found.namespace(&namespace(&levels)).unwrap().entity, parent);
    assert_eq!(found.namespaces.len(), 16);
}

pub async fn what_is_not_there_is_absent(store: Arc<dyn Metastore>) {
    let path = Path::new(store).await;
    let world = &path.world;

    let found = world.resolve_table("pond", &["ns"], "t").await;
    assert!(found.catalog.is_none() && found.namespaces.is_empty() && found.tables.is_empty());

    let found = world.resolve_table("lake", &["ns", "x"], "t").await;
    assert_eq!(found.namespaces.len(), 1, "what is on the way is there");
    assert!(found.tables.is_empty());

    let found = world.resolve_table("lake", &["ns"], "T").await;
    assert!(found.namespaces.len() == 1 && found.tables.is_empty());

    let found = world.resolve_table("lake", &[], "t").await;
    assert!(found.namespaces.is_empty() && found.tables.is_empty());

    let found = world.resolve(&ResolveRequest::of_realm(world.caller())).await;
    assert!(found.catalog.is_none());

    let children = all_children(Some(&["x"]), EntityKind::Table);
    assert!(world.children(world.of_catalog("lake"), children).await.is_empty());
    let children = all_children(None, EntityKind::Namespace);
    assert!(world.children(world.of_catalog("pond"), children).await.is_empty());
}

pub async fn many_tables_are_found_at_once(store: Arc<dyn Metastore>) {
    let path = Path::new(store).await;
    let world = &path.world;
    let other = world.make_namespace(&path.catalog, &["other"]).await;
    world.make_table(&other, "t").await;
    let view = world.make(EntityKind::View, &other, "v").await;

    let mut known = lookup(&["other"], "v");
    known.known_metadata = Some("s3://b/v1.json".to_owned());
    let tables = vec![lookup(&["ns"], "t"), lookup(&["other"], "t"), known, lookup(&["ns"], "v")];
    let namespaces = vec![namespace(&["other"]), namespace(&["ns"]), namespace(&["nowhere"])];
    let request = ResolveRequest { namespaces, tables, ..world.of_catalog("lake") };
    let found = world.resolve(&request).await;

    assert_eq!((found.tables.len(), found.namespaces.len()), (3, 2));
    assert_eq!(found.table(&lookup(&["ns"], "t").ident).unwrap().resolved.entity, path.table);
    assert_eq!(found.table(&lookup(&["other"], "v").ident).unwrap().resolved.entity, view);
    assert!(found.table(&lookup(&["ns"], "v").ident).is_none());
}

pub async fn metadata_that_is_known_does_not_come_again(store: Arc<dyn Metastore>) {
    let path = Path::new(store).await;
    let world = &path.world;
    let mut table = entity(EntityKind::Table, &path.parent, "kept");
    table.metadata_location = Some("s3://b/v1.json".to_owned());
    let entity = Box::new(table.clone());
    let metadata = Some(b"{}".to_vec());
    world.apply(&[Change::Create { entity, metadata, keep_apart: false }]).await.unwrap();
    let metadata_given = async |known: Option<&str>| {
        let known_metadata = known.map(str::to_owned);
        let tables = vec![TableLookup { known_metadata, ..lookup(&["ns"], "kept") }];
        let request = ResolveRequest { tables, ..world.of_catalog("lake") };
        world.resolve(&request).await.tables.remove(0).metadata
    };

    assert_eq!(metadata_given(Some("s3://b/v1.json")).await, None);
    assert_eq!(metadata_given(Some("s3://b/v0.json")).await.as_deref(), Some(&b"{}"[..]));
    assert_eq!(metadata_given(None).await.as_deref(), Some(&b"{}"[..]));
}

pub async fn names_nothing_can_have_are_not_found(store: Arc<dyn Metastore>) {
    let path = Path::new(store).await;
    let world = &path.world;

    assert!(world.resolve(&world.of_catalog("la\u{0}ke")).await.catalog.is_none());
    assert!(world.resolve_table("lake", &["ns"], "t\u{0}").await.tables.is_empty());
    assert!(world.store.credentials(&world.realm, "\u{0}").await.unwrap().is_none());
    let nowhere = RealmId::new("\u{0}");
    assert!(!world.store.is_bootstrapped(&nowhere).await.unwrap());
    let page = Page { after: Some("n\u{0}".to_owned()), limit: None };
    let children = Children { of: None, kind: EntityKind::Namespace, page, names_only: false };
    assert_eq!(world.children(world.of_catalog("lake"), children).await, ["ns"]);
}

pub async fn children_of_the_root_of_a_catalog_and_of_a_namespace(store: Arc<dyn Metastore>) {
    let path = Path::new(store).await;
    let world = &path.world;
    world.make_catalog("bay").await;
    world.make_namespace(&path.catalog, &["a"]).await;
    world.make_namespace(&path.parent, &["ns", "below"]).await;
    let of_realm = ResolveRequest::of_realm(world.caller());
    let of_catalog = world.of_catalog("lake");

    let catalogs = world.children(of_realm.clone(), all_children(None, EntityKind::Catalog)).await;
    assert_eq!(catalogs, ["bay", "lake"]);
    let roles = all_children(None, EntityKind::PrincipalRole);
    assert_eq!(world.children(of_realm, roles).await, ["engineer"]);
    for of in [None, Some(&[][..])] {
        let namespaces = all_children(of, EntityKind::Namespace);
        assert_eq!(world.children(of_catalog.clone(), namespaces).await, ["a", "ns"]);
    }
    let below = all_children(Some(&["ns"]), EntityKind::Namespace);
    assert_eq!(world.children(of_catalog.clone(), below).await, ["ns\u{1f}below"]);
    let tables = all_children(Some(&["ns"]), EntityKind::Table);
    let request = ResolveRequest { children: Some(tables), ..of_catalog };
    assert_eq!(world.resolve(&request).await.children, [path.table]);
}

pub async fn children_of_a_kind_that_shares_names_are_only_of_that_kind(store: Arc<dyn Metastore>) {
    let path = Path::new(store).await;
    let world = &path.world;
    world.make(EntityKind::View, &path.parent, "a view").await;
    world.make(EntityKind::GenericTable, &path.parent, "a generic table").await;
    world.make_table(&path.parent, "z").await;

    for (kind, expected) in [
        (EntityKind::Table, &["t", "z"][..]),
        (EntityKind::View, &["a view"][..]),
        (EntityKind::GenericTable, &["a generic table"][..]),
    ] {
        let children = all_children(Some(&["ns"]), kind);
        assert_eq!(world.children(world.of_catalog("lake"), children).await, expected);
    }
}

pub async fn pages_follow_one_another_without_gaps(store: Arc<dyn Metastore>) {
    let path = Path::new(store).await;
    let world = &path.world;
    // In the order of their bytes, which is not that of any dictionary.
    let names = ["A", "B", "_", "a", "a b", "a-b", "a_b", "ab", "b", "t", "ä", "数", "\u{1f600}"];
    let changes: Vec<_> = names
        .iter()
        .rev()
        .filter(|&&name| name != "t")
        .map(|name| create(&entity(EntityKind::Table, &path.parent, name)))
        .collect();
    world.apply(&changes).await.unwrap();

    for limit in 1..=4 {
        let mut seen = Vec::new();
        loop {
            let page = Page { after: seen.last().cloned(), limit: Some(limit) };
            let of = Some(namespace(&["ns"]));
            let children = Children { of, kind: EntityKind::Table, page, names_only: false };
            let page = world.children(world.of_catalog("lake"), children).await;
            assert!(page.len() <= limit as usize);
            if page.is_empty() {
                break;
            }
            seen.extend(page);
        }
        assert_eq!(seen, names);
    }
    let page = Page { after: None, limit: Some(0) };
    let of = Some(namespace(&["ns"]));
    let children = Children { of, kind: EntityKind::Table, page, names_only: false };
    assert!(world.children(world.of_catalog("lake"), children).await.is_empty());
}

pub async fn names_of_children_come_alone_if_they_are_all_that_is_wanted(
    store: Arc<dyn Metastore>,
) {
    let path = Path::new(store).await;
    let world = &path.world;
    for name in ["z", "A", "ä"] {
        world.make_table(&path.parent, name).await;
    }
    world.make(EntityKind::View, &path.parent, "a view").await;
    world.make_namespace(&path.parent, &["ns", "below"]).await;
    let of = Some(namespace(&["ns"]));
    let names = async |kind, after: Option<&str>, limit| {
        let page = Page { after: after.map(str::to_owned), limit };
        let children = Children { of: of.clone(), kind, page, names_only: true };
        let request = ResolveRequest { children: Some(children), ..world.of_catalog("lake") };
        let found = world.resolve(&request).await;
        assert!(found.children.is_empty(), "more than names was read");
        assert_eq!(found.namespaces.len(), 1, "the path comes as with all else of the children");
        found.child_names
    };

    assert_eq!(names(EntityKind::Table, None, None).await, ["A", "t", "z", "ä"]);
    assert_eq!(names(EntityKind::Table, Some("A"), Some(2)).await, ["t", "z"]);
    assert_eq!(names(EntityKind::View, None, None).await, ["a view"]);
    assert_eq!(names(EntityKind::Namespace, None, None).await, ["ns\u{1f}below"]);
    assert!(names(EntityKind::Table, None, Some(0)).await.is_empty());
}
