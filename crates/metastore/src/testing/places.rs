//! Places that tables write to beside their location, which must not overlap either.

use merak_model::entity::WRITE_PATHS;

use super::overlaps::{Lake, assert_overlap};
use super::*;

const DATA: &str = WRITE_PATHS[0];
const METADATA: &str = WRITE_PATHS[1];

impl Lake {
    /// A table that is not stored yet, and where it lies and writes.
    fn table(&self, name: &str, location: &str, paths: &[(&str, &str)]) -> Entity {
        writing_to(at(entity(EntityKind::Table, &self.parent, name), location), paths)
    }

    async fn apply(&self, change: Change) -> Result<(), Error> {
        self.world.apply(&[change]).await
    }

    /// Makes a table that lies in one place and writes to another.
    async fn make_writer(&self) -> Entity {
        let table = self.table("writer", "s3://b/ns/w/", &[(DATA, "s3a://b/data/w")]);
        self.apply(create_apart(table.clone())).await.unwrap();
        table
    }
}

/// Where [`Lake::make_writer`] writes.
const WRITTEN: &str = "s3://b/data/w/";

pub async fn a_table_must_not_lie_where_another_writes(store: Arc<dyn Metastore>) {
    let lake = Lake::new(store).await;
    lake.make_writer().await;

    for place in ["s3://b/data/w/", "s3://b/data/w/x/y/", "s3://b/data/", "s3://b/"] {
        let alone = lake.try_table("t", place).await;
        let table = lake.table("t", place, &[]);
        let changes = [update(&lake.parent, |_| {}).1, create_apart(table)];
        let in_transaction = lake.world.apply(&changes).await;
        for result in [alone, in_transaction] {
            let Err(Error::LocationOverlap { location, other }) = result else {
                panic!("{place}: {result:?}");
            };
            assert_eq!(location, place);
            // The bucket is above both places of the writer.
            assert!(other == WRITTEN || place == "s3://b/", "{place}: {other}");
        }
    }
    for place in ["s3://b/data/w1/", "s3://b/data/v/", "s3://c/", "s3://b/data-/"] {
        lake.try_table(place, place).await.unwrap();
    }
}

pub async fn a_table_must_not_write_where_another_lies_or_writes(store: Arc<dyn Metastore>) {
    let lake = Lake::new(store).await;
    lake.make_writer().await;
    let make = async |path: &str| {
        lake.apply(create_apart(lake.table("t", "s3://b/ns/t/", &[(METADATA, path)]))).await
    };

    for (path, other) in [
        ("s3://b/ns/w", "s3://b/ns/w/"),
        ("s3a://b/ns/w/metadata", "s3://b/ns/w/"),
        ("s3://b/data/w", WRITTEN),
        ("s3://b/data/w/x/", WRITTEN),
        ("s3://b/data", WRITTEN),
    ] {
        let result = make(path).await;
        assert_overlap(&result, other);
        let Err(Error::LocationOverlap { location, .. }) = result else { unreachable!() };
        assert_eq!(location, format!("{}/", path.replace("s3a", "s3").trim_end_matches('/')));
    }
    make("s3://b/data/w1").await.unwrap();
    assert_overlap(&lake.try_table("u", "s3://b/data/w1/").await, "s3://b/data/w1/");
}

pub async fn all_paths_a_table_writes_to_count(store: Arc<dyn Metastore>) {
    let lake = Lake::new(store).await;
    let paths = ["s3://b/1", "s3://b/2", "s3://b/3", "s3://b/4"];
    let paths: Vec<_> = WRITE_PATHS.into_iter().zip(paths).collect();

    lake.apply(create_apart(lake.table("t", "s3://b/ns/t/", &paths))).await.unwrap();

    for (key, path) in paths {
        let place = format!("{path}/");
        assert_overlap(&lake.try_table("u", &place).await, &place);
        let writer = lake.table("u", "s3://b/ns/u/", &[(key, path)]);
        assert_overlap(&lake.apply(create_apart(writer)).await, &place);
    }
    lake.try_table("u", "s3://b/5/").await.unwrap();
}

pub async fn a_table_may_write_within_and_around_its_own_location(store: Arc<dyn Metastore>) {
    let lake = Lake::new(store).await;
    let paths = [(DATA, "s3://b/ns/t/data"), (METADATA, "s3://b/ns/t")];
    let table = lake.table("t", "s3://b/ns/t/", &paths);
    lake.apply(create_apart(table.clone())).await.unwrap();

    let around = [(DATA, "s3://b/ns"), (METADATA, "s3://b/ns")];
    lake.apply(update_apart(&table, writing_to(table.clone(), &around))).await.unwrap();

    assert_overlap(&lake.try_table("u", "s3://b/ns/u/").await, "s3://b/ns/");
}

pub async fn an_update_must_not_write_where_another_lies_or_writes(store: Arc<dyn Metastore>) {
    let lake = Lake::new(store).await;
    lake.make_writer().await;
    let table = lake.table("t", "s3://b/ns/t/", &[(METADATA, "s3://b/meta/t")]);
    lake.apply(create_apart(table.clone())).await.unwrap();

    for path in ["s3://b/data", "s3://b/data/w/", "s3://b/data/w/x"] {
        let result = lake.apply(update_apart(&table, writing_to(table.clone(), &[(DATA, path)])));
        assert_overlap(&result.await, WRITTEN);
        let moved = at(table.clone(), &format!("{}/", path.trim_end_matches('/')));
        assert_overlap(&lake.apply(update_apart(&table, moved)).await, WRITTEN);
    }
    let onto_location = writing_to(table.clone(), &[(DATA, "s3://b/ns/w/data")]);
    assert_overlap(&lake.apply(update_apart(&table, onto_location)).await, "s3://b/ns/w/");

    // Where it writes itself is not in its way.
    let mut moved = at(table.clone(), "s3://b/meta/t/");
    moved.version = table.version.next();
    lake.apply(update_apart(&table, moved.clone())).await.unwrap();
    let stale = lake.apply(update_apart(&table, table.clone())).await;
    assert!(matches!(stale, Err(Error::Conflict { .. })), "the version goes first: {stale:?}");
    let paths = [(DATA, "s3://b/meta")];
    lake.apply(update_apart(&moved, writing_to(moved.clone(), &paths))).await.unwrap();
}

pub async fn where_a_table_writes_is_free_again_after_it(store: Arc<dyn Metastore>) {
    let lake = Lake::new(store).await;
    let writer = lake.make_writer().await;

    let (elsewhere, change) = update(&writer, |table| {
        table.internal.insert(DATA.to_owned(), "s3://b/data/elsewhere".to_owned());
    });
    lake.apply(change).await.unwrap();
    lake.try_table("first", WRITTEN).await.unwrap();
    let result = lake.try_table("second", "s3://b/data/elsewhere/").await;
    assert_overlap(&result, "s3://b/data/elsewhere/");

    lake.apply(drop_of(&elsewhere)).await.unwrap();
    lake.try_table("second", "s3://b/data/elsewhere/").await.unwrap();
}

pub async fn a_renamed_table_keeps_where_it_writes(store: Arc<dyn Metastore>) {
    let lake = Lake::new(store).await;
    let writer = lake.make_writer().await;
    let elsewhere = lake.world.make_namespace(&lake.catalog, &["elsewhere"]).await;

    let (_, change) = update(&writer, |table| {
        table.name = "renamed".to_owned();
        table.parent_id = elsewhere.id;
    });
    lake.apply(change).await.unwrap();

    assert_overlap(&lake.try_table("t", WRITTEN).await, WRITTEN);
}

pub async fn namespaces_are_kept_apart_from_where_tables_beside_them_write(
    store: Arc<dyn Metastore>,
) {
    let lake = Lake::new(store).await;
    lake.make_writer().await;
    let kind = EntityKind::Namespace;

    let beside = lake.try_make(kind, &lake.parent, "ns\u{1f}one", "s3://b/data/w/x/").await;
    assert_overlap(&beside, WRITTEN);
    // As for locations: of another parent, it may lie as it likes.
    lake.try_make(kind, &lake.catalog, "one", WRITTEN).await.unwrap();
}

pub async fn other_catalogs_do_not_matter_for_where_a_table_writes(store: Arc<dyn Metastore>) {
    let lake = Lake::new(store).await;
    lake.make_writer().await;
    let pond = lake.world.make_catalog("pond").await;
    let parent = lake.world.make_namespace(&pond, &["ns"]).await;

    lake.try_make(EntityKind::Table, &parent, "t", WRITTEN).await.unwrap();
}

pub async fn where_a_table_writes_is_known_even_if_it_was_not_kept_apart(
    store: Arc<dyn Metastore>,
) {
    let lake = Lake::new(store).await;
    lake.make_writer().await;
    let also = lake.table("also", "s3://b/ns/also/", &[(METADATA, "s3://b/data/w")]);
    lake.apply(create(&also)).await.unwrap();
    let free = lake.table("free", "s3://b/ns/free/", &[(METADATA, "s3://b/free")]);
    lake.apply(create(&free)).await.unwrap();

    assert_overlap(&lake.try_table("t", "s3://b/free/").await, "s3://b/free/");
    lake.apply(create(&lake.table("t", "s3://b/free/", &[]))).await.unwrap();
}

pub async fn what_would_overlap_is_told_before_it_is_made(store: Arc<dyn Metastore>) {
    let lake = Lake::new(store).await;
    let writer = lake.make_writer().await;
    let check = async |table: &Entity| lake.world.store.check_apart(&lake.world.realm, table).await;

    for location in ["s3://b/ns/w/x/", "s3://b/ns/"] {
        assert_overlap(&check(&lake.table("t", location, &[])).await, "s3://b/ns/w/");
    }
    for location in [WRITTEN, "s3://b/data/w/x/", "s3://b/data/"] {
        assert_overlap(&check(&lake.table("t", location, &[])).await, WRITTEN);
        let paths = [(METADATA, location)];
        assert_overlap(&check(&lake.table("t", "s3://b/ns/t/", &paths)).await, WRITTEN);
    }
    let paths = [(METADATA, "s3://b/data/w1")];
    check(&lake.table("t", "s3://b/ns/t/", &paths)).await.unwrap();
    check(&writer).await.unwrap();
    check(&entity(EntityKind::Table, &lake.parent, "nowhere")).await.unwrap();
    assert!(lake.world.resolve_table("lake", &["ns"], "t").await.tables.is_empty());
}
