//! Creating, changing, dropping.

use merak_model::EntityVersion;

use super::*;

pub async fn apply_is_all_or_nothing(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let catalog = entity(EntityKind::Catalog, &root(), "lake");
    let nobody = entity(EntityKind::Principal, &root(), "nobody");

    let result = world.apply(&[create(&catalog), drop_of(&nobody)]).await;

    assert!(matches!(result, Err(Error::Conflict { id, .. }) if id == nobody.id), "{result:?}");
    assert!(world.resolve(&world.of_catalog("lake")).await.catalog.is_none());
}

pub async fn changes_are_applied_in_their_order(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let catalog = entity(EntityKind::Catalog, &root(), "lake");
    let role = entity(EntityKind::CatalogRole, &catalog, "catalog_admin");
    let privilege = Privilege::CatalogManageAccess;
    let grant = GrantRecord { securable: catalog.id, grantee: role.id, privilege };

    world.apply(&[create(&catalog), create(&role), Change::Grant(grant)]).await.unwrap();
    world.apply(&[drop_of(&role), drop_of(&catalog)]).await.unwrap();

    assert!(world.resolve(&world.of_catalog("lake")).await.catalog.is_none());
}

pub async fn applying_nothing_is_fine(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;

    world.apply(&[]).await.unwrap();
}

pub async fn what_was_stored_comes_back(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let catalog = world.make_catalog("lake").await;
    let parent = world.make_namespace(&catalog, &["größe"]).await;
    let mut table = at(entity(EntityKind::Table, &parent, "数据 '\"; --"), "s3://b/größe/t/");
    table.properties.insert("k \u{1f}\u{0}".to_owned(), "{\"a\": 'ü'}\n\\".to_owned());
    table.internal.insert("i".to_owned(), String::new());
    table.metadata_location = Some("s3://b/größe/t/v1.json".to_owned());
    table.updated_ms = table.created_ms + 5;
    let metadata = vec![0, 255, b'{'];
    let entity = Box::new(table.clone());
    let metadata_sent = Some(metadata.clone());

    let create = Change::Create { entity, metadata: metadata_sent, keep_apart: true };
    world.apply(&[create]).await.unwrap();

    let found = world.resolve_table("lake", &["größe"], &table.name).await;
    assert_eq!(found.catalog.unwrap().entity, catalog);
    assert_eq!(found.namespaces[0].entity, parent);
    assert_eq!(found.tables[0].resolved.entity, table);
    assert_eq!(found.tables[0].namespace, namespace(&["größe"]));
    assert_eq!(found.tables[0].metadata, Some(metadata));
}

pub async fn update_replaces_everything_that_can_change(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let catalog = world.make_catalog("lake").await;
    let old_parent = world.make_namespace(&catalog, &["old"]).await;
    let new_parent = world.make_namespace(&catalog, &["new"]).await;
    let table = world.make_table(&old_parent, "t").await;

    let (updated, change) = update(&table, |table| {
        table.name = "renamed".to_owned();
        table.parent_id = new_parent.id;
        table.updated_ms += 7;
        table.properties.insert("a".to_owned(), "b".to_owned());
        table.internal.insert("c".to_owned(), "d".to_owned());
        table.location = Some("s3://b/new/".to_owned());
        table.metadata_location = Some("s3://b/new/v2.json".to_owned());
    });
    world.apply(&[change]).await.unwrap();

    let found = world.resolve_table("lake", &["new"], "renamed").await;
    assert_eq!(found.tables[0].resolved.entity, updated);
    assert!(world.resolve_table("lake", &["old"], "t").await.tables.is_empty());
}

pub async fn update_conflicts_once_the_version_has_moved(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let catalog = world.make_catalog("lake").await;
    let set = |value: &str| {
        let value = value.to_owned();
        update(&catalog, |catalog| drop(catalog.properties.insert("k".to_owned(), value))).1
    };
    world.apply(&[set("first")]).await.unwrap();

    let result = world.apply(&[set("second")]).await;

    let expected = EntityVersion::FIRST;
    assert!(
        matches!(result, Err(Error::Conflict { id, expected: at }) if id == catalog.id && at == expected),
        "{result:?}"
    );
    let found = world.resolve(&world.of_catalog("lake")).await.catalog.unwrap().entity;
    assert_eq!(found.properties["k"], "first");
    assert_eq!(found.version, expected.next());
}

pub async fn update_of_what_is_gone_conflicts(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let catalog = world.make_catalog("lake").await;
    world.apply(&[drop_of(&catalog)]).await.unwrap();

    let result = world.apply(&[update(&catalog, |_| {}).1]).await;

    assert!(matches!(result, Err(Error::Conflict { .. })), "{result:?}");
}

pub async fn create_fails_when_the_parent_is_gone(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let catalog = world.make_catalog("lake").await;
    let parent = world.make_namespace(&catalog, &["ns"]).await;
    world.apply(&[drop_of(&parent)]).await.unwrap();
    let table = entity(EntityKind::Table, &parent, "t");

    let alone = world.apply(&[create(&table)]).await;
    let in_transaction = world.apply(&[update(&catalog, |_| {}).1, create(&table)]).await;

    assert!(matches!(alone, Err(Error::ParentGone)), "{alone:?}");
    assert!(matches!(in_transaction, Err(Error::ParentGone)), "{in_transaction:?}");
}

pub async fn rename_fails_when_the_new_parent_is_gone(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let catalog = world.make_catalog("lake").await;
    let parent = world.make_namespace(&catalog, &["ns"]).await;
    let table = world.make_table(&parent, "t").await;
    let gone = entity(EntityKind::Namespace, &catalog, "gone");

    let result = world.apply(&[update(&table, |table| table.parent_id = gone.id).1]).await;

    assert!(matches!(result, Err(Error::ParentGone)), "{result:?}");
}

pub async fn drop_fails_while_children_remain(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let catalog = world.make_catalog("lake").await;
    let parent = world.make_namespace(&catalog, &["ns"]).await;
    let table = world.make_table(&parent, "t").await;

    let result = world.apply(&[drop_of(&parent)]).await;

    assert!(matches!(result, Err(Error::NotEmpty { id }) if id == parent.id), "{result:?}");
    world.apply(&[drop_of(&table), drop_of(&parent)]).await.unwrap();
    assert!(world.resolve_namespace("lake", &["ns"]).await.namespaces.is_empty());
}

pub async fn drop_conflicts_once_the_version_has_moved(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let catalog = world.make_catalog("lake").await;
    let (updated, change) = update(&catalog, |_| {});
    world.apply(&[change]).await.unwrap();

    let result = world.apply(&[drop_of(&catalog)]).await;

    assert!(matches!(result, Err(Error::Conflict { .. })), "{result:?}");
    world.apply(&[drop_of(&updated)]).await.unwrap();
}

pub async fn a_name_taken_by_a_view_is_taken_for_a_table(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let catalog = world.make_catalog("lake").await;
    let parent = world.make_namespace(&catalog, &["ns"]).await;
    world.make(EntityKind::View, &parent, "x").await;
    let table = entity(EntityKind::Table, &parent, "x");

    let alone = world.apply(&[create(&table)]).await;
    let in_transaction = world.apply(&[update(&catalog, |_| {}).1, create(&table)]).await;

    for result in [alone, in_transaction] {
        let Err(Error::AlreadyExists { kind, name }) = result else { panic!("{result:?}") };
        assert_eq!((kind, name.as_str()), (EntityKind::View, "x"));
    }
}

pub async fn rename_to_a_taken_name_fails(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let catalog = world.make_catalog("lake").await;
    let parent = world.make_namespace(&catalog, &["ns"]).await;
    let table = world.make_table(&parent, "a").await;
    world.make(EntityKind::GenericTable, &parent, "b").await;

    let result = world.apply(&[update(&table, |table| table.name = "b".to_owned()).1]).await;

    let Err(Error::AlreadyExists { kind, name }) = result else { panic!("{result:?}") };
    assert_eq!((kind, name.as_str()), (EntityKind::GenericTable, "b"));
}

pub async fn a_name_made_twice_in_one_transaction_is_taken(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let one = entity(EntityKind::Catalog, &root(), "lake");
    let other = entity(EntityKind::Catalog, &root(), "lake");

    let result = world.apply(&[create(&one), create(&other)]).await;

    assert!(
        matches!(result, Err(Error::AlreadyExists { kind: EntityKind::Catalog, .. })),
        "{result:?}"
    );
    assert!(world.resolve(&world.of_catalog("lake")).await.catalog.is_none());
}

pub async fn a_namespace_and_a_table_of_one_name_do_not_collide(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let catalog = world.make_catalog("lake").await;
    let parent = world.make_namespace(&catalog, &["ns"]).await;

    world.make_namespace(&parent, &["ns", "x"]).await;
    world.make_table(&parent, "x").await;

    assert_eq!(world.resolve_namespace("lake", &["ns", "x"]).await.namespaces.len(), 2);
    assert_eq!(world.resolve_table("lake", &["ns"], "x").await.tables.len(), 1);
}

pub async fn names_differ_by_case_and_by_accent(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;

    for name in ["lake", "Lake", "läke", "la\u{308}ke", "lake "] {
        world.make_catalog(name).await;
    }

    let children = all_children(None, EntityKind::Catalog);
    let names = world.children(ResolveRequest::of_realm(world.caller()), children).await;
    assert_eq!(names, ["Lake", "lake", "lake ", "la\u{308}ke", "läke"], "ordered by bytes");
}

pub async fn metadata_is_kept_replaced_and_removed(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let catalog = world.make_catalog("lake").await;
    let parent = world.make_namespace(&catalog, &["ns"]).await;
    let mut table = world.make_table(&parent, "t").await;
    let steps = [
        (MetadataBody::Keep, None),
        (MetadataBody::Set(Some(b"one".to_vec())), Some(b"one".to_vec())),
        (MetadataBody::Keep, Some(b"one".to_vec())),
        (MetadataBody::Set(Some(vec![7; 100_000])), Some(vec![7; 100_000])),
        (MetadataBody::Keep, Some(vec![7; 100_000])),
        (MetadataBody::Set(None), None),
    ];

    for (metadata, expected) in steps {
        let (updated, _) = update(&table, |_| {});
        let entity = Box::new(updated.clone());
        let change =
            Change::Update { entity, expected: table.version, metadata, keep_apart: false };
        world.apply(&[change]).await.unwrap();

        let found = world.resolve_table("lake", &["ns"], "t").await;
        assert_eq!(found.tables[0].metadata, expected);
        table = updated;
    }
}
