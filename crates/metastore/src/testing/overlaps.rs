//! Locations that must not overlap.

use super::*;

pub(super) struct Lake {
    pub(super) world: World,
    pub(super) catalog: Entity,
    pub(super) parent: Entity,
}

impl Lake {
    pub(super) async fn new(store: Arc<dyn Metastore>) -> Self {
        let world = World::new(store).await;
        let catalog = world.make_catalog("lake").await;
        let parent = world.make_namespace(&catalog, &["ns"]).await;
        Self { world, catalog, parent }
    }

    /// Creates a table unless something is in the way.
    pub(super) async fn try_table(&self, name: &str, location: &str) -> Result<(), Error> {
        self.try_make(EntityKind::Table, &self.parent, name, location).await
    }

    pub(super) async fn try_make(
        &self,
        kind: EntityKind,
        parent: &Entity,
        name: &str,
        location: &str,
    ) -> Result<(), Error> {
        let entity = at(entity(kind, parent, name), location);
        self.world.apply(&[create_apart(entity)]).await
    }
}

#[track_caller]
pub(super) fn assert_overlap(result: &Result<(), Error>, with: &str) {
    match result {
        Err(Error::LocationOverlap { other, .. }) => assert_eq!(other, with),
        other => panic!("expected an overlap with {with}, got {other:?}"),
    }
}

pub async fn a_table_must_not_lie_where_another_does(store: Arc<dyn Metastore>) {
    let lake = Lake::new(store).await;
    lake.try_table("a", "s3://b/ns/t/").await.unwrap();

    assert_overlap(&lake.try_table("b", "s3://b/ns/t/").await, "s3://b/ns/t/");
    let view = lake.try_make(EntityKind::View, &lake.parent, "v", "s3://b/ns/t/").await;
    assert_overlap(&view, "s3://b/ns/t/");
    let found = lake.world.resolve_table("lake", &["ns"], "b").await;
    assert!(found.tables.is_empty());
}

pub async fn a_table_must_not_lie_above_or_below_another(store: Arc<dyn Metastore>) {
    let lake = Lake::new(store).await;
    lake.try_table("a", "s3://b/ns/t/").await.unwrap();

    assert_overlap(&lake.try_table("below", "s3://b/ns/t/x/y/").await, "s3://b/ns/t/");
    assert_overlap(&lake.try_table("above", "s3://b/").await, "s3://b/ns/t/");
    let other = update(&lake.parent, |_| {}).1;
    let table = at(entity(EntityKind::Table, &lake.parent, "c"), "s3://b/ns/");
    let in_transaction = lake.world.apply(&[other, create_apart(table)]).await;
    assert_overlap(&in_transaction, "s3://b/ns/t/");
}

pub async fn locations_that_merely_begin_alike_do_not_overlap(store: Arc<dyn Metastore>) {
    let lake = Lake::new(store).await;

    for location in ["s3://b/ns/t1/", "s3://b/ns/t1x/", "s3://b/ns/t1-/", "s3://b/ns/t/", "s3://c/"]
    {
        lake.try_table(location, location).await.unwrap();
    }
    lake.try_table("files", "file:///b/ns/t1/").await.unwrap();
    assert_overlap(&lake.try_table("root", "file:///").await, "file:///b/ns/t1/");
}

pub async fn tables_of_different_namespaces_are_kept_apart(store: Arc<dyn Metastore>) {
    let lake = Lake::new(store).await;
    let elsewhere = lake.world.make_namespace(&lake.catalog, &["elsewhere"]).await;
    lake.try_table("a", "s3://b/ns/t/").await.unwrap();

    let result = lake.try_make(EntityKind::GenericTable, &elsewhere, "b", "s3://b/ns/t/x/").await;

    assert_overlap(&result, "s3://b/ns/t/");
}

pub async fn other_catalogs_do_not_matter_for_overlaps(store: Arc<dyn Metastore>) {
    let lake = Lake::new(store).await;
    lake.try_table("a", "s3://b/ns/t/").await.unwrap();
    let pond = lake.world.make_catalog("pond").await;
    let parent = lake.world.make_namespace(&pond, &["ns"]).await;

    lake.try_make(EntityKind::Table, &parent, "a", "s3://b/ns/t/").await.unwrap();
}

pub async fn namespaces_are_kept_apart_from_their_siblings_only(store: Arc<dyn Metastore>) {
    let lake = Lake::new(store).await;
    let kind = EntityKind::Namespace;
    let make = async |parent: &Entity, name: &str, location: &str| {
        lake.try_make(kind, parent, name, location).await
    };
    make(&lake.catalog, "one", "s3://b/one/").await.unwrap();

    assert_overlap(&make(&lake.catalog, "two", "s3://b/one/").await, "s3://b/one/");
    assert_overlap(&make(&lake.catalog, "two", "s3://b/one/two/").await, "s3://b/one/");
    // Of another parent, below which it may lie as it likes.
    make(&lake.parent, "ns\u{1f}one", "s3://b/one/").await.unwrap();
    // A table is kept apart from the namespaces beside it.
    assert_overlap(&lake.try_table("t", "s3://b/one/t/").await, "s3://b/one/");
    lake.try_table("t", "s3://b/t/").await.unwrap();
    // And a namespace from the tables beside it, but from no others.
    assert_overlap(&make(&lake.parent, "ns\u{1f}t", "s3://b/t/").await, "s3://b/t/");
    make(&lake.catalog, "three", "s3://b/t/").await.unwrap();
}

pub async fn overlaps_are_allowed_where_they_are_not_to_be_kept_apart(store: Arc<dyn Metastore>) {
    let lake = Lake::new(store).await;
    lake.try_table("a", "s3://b/ns/t/").await.unwrap();

    let table = at(entity(EntityKind::Table, &lake.parent, "b"), "s3://b/ns/t/");
    lake.world.apply(&[create(&table)]).await.unwrap();

    let nowhere = entity(EntityKind::Table, &lake.parent, "c");
    lake.world.apply(&[create_apart(nowhere)]).await.unwrap();
}

pub async fn an_update_is_kept_apart_from_others_but_not_from_itself(store: Arc<dyn Metastore>) {
    let lake = Lake::new(store).await;
    lake.try_table("a", "s3://b/ns/a/").await.unwrap();
    lake.try_table("b", "s3://b/ns/b/").await.unwrap();
    let found = lake.world.resolve_table("lake", &["ns"], "a").await;
    let table = found.tables[0].resolved.entity.clone();
    let moved = |table: &Entity, location: &str| {
        let (updated, _) = update(table, |table| table.location = Some(location.to_owned()));
        let change = Change::Update {
            entity: Box::new(updated.clone()),
            expected: table.version,
            metadata: MetadataBody::Keep,
            keep_apart: true,
        };
        (updated, change)
    };

    let result = lake.world.apply(&[moved(&table, "s3://b/ns/b/x/").1]).await;
    assert_overlap(&result, "s3://b/ns/b/");

    let (deeper, change) = moved(&table, "s3://b/ns/a/deeper/");
    lake.world.apply(&[change]).await.unwrap();
    let (higher, change) = moved(&deeper, "s3://b/ns/a/");
    lake.world.apply(&[change]).await.unwrap();

    let stale = lake.world.apply(&[moved(&table, "s3://b/ns/b/").1]).await;
    assert!(matches!(stale, Err(Error::Conflict { .. })), "the version goes first: {stale:?}");
    lake.world.apply(&[moved(&higher, "s3://b/ns/a/").1]).await.unwrap();
}

pub async fn catalogs_are_kept_apart(store: Arc<dyn Metastore>) {
    let lake = Lake::new(store).await;
    let kind = EntityKind::Catalog;
    lake.try_make(kind, &root(), "one", "s3://b/one/").await.unwrap();

    let result = lake.try_make(kind, &root(), "two", "s3://b/").await;

    assert_overlap(&result, "s3://b/one/");
    lake.try_make(kind, &root(), "two", "s3://b/two/").await.unwrap();
}

pub async fn a_taken_name_is_told_before_a_taken_location(store: Arc<dyn Metastore>) {
    let lake = Lake::new(store).await;
    lake.try_table("a", "s3://b/ns/t/").await.unwrap();

    let again = lake.try_table("a", "s3://b/ns/t/").await;

    assert!(matches!(again, Err(Error::AlreadyExists { .. })), "{again:?}");
}
