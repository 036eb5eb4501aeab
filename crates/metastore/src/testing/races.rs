//! What happens at once.

use merak_model::entity::WRITE_PATHS;
use secrecy::SecretBox;
use tokio::task::JoinSet;

use super::realms::bytes_of;
use super::*;
use crate::{AnswerRecord, Bootstrap};

pub(super) const RACERS: usize = 8;

/// Runs as many at once as there are racers, and gives back what came of each.
pub(super) async fn race<T, F>(mut runner: impl FnMut(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut racers = JoinSet::new();
    for number in 0..RACERS {
        racers.spawn(runner(number));
    }
    racers.join_all().await
}

/// Asserts that one succeeded and that each other failed in the way it should.
#[track_caller]
pub(super) fn assert_one_winner(results: &[Result<(), Error>], is_loss: fn(&Error) -> bool) {
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
    for error in results.iter().filter_map(|result| result.as_ref().err()) {
        assert!(is_loss(error), "{error:?}");
    }
}

pub async fn of_racing_updates_exactly_one_wins(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let mut catalog = world.make_catalog("lake").await;

    for _ in 0..5 {
        let results = race(|number| {
            let (_, change) = update(&catalog, |catalog| {
                catalog.properties.insert("winner".to_owned(), number.to_string());
            });
            let world = world.clone();
            async move { world.apply(&[change]).await }
        })
        .await;

        assert_one_winner(&results, |error| matches!(error, Error::Conflict { .. }));
        let found = world.resolve(&world.of_catalog("lake")).await.catalog.unwrap().entity;
        assert_eq!(found.version, catalog.version.next());
        catalog = found;
    }
}

pub async fn of_racing_creates_of_one_name_exactly_one_wins(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;

    let results = race(|_| {
        let catalog = at(entity(EntityKind::Catalog, &root(), "lake"), "s3://b/lake/");
        let world = world.clone();
        async move { world.apply(&[create(&catalog)]).await }
    })
    .await;

    assert_one_winner(&results, |error| matches!(error, Error::AlreadyExists { .. }));
}

pub async fn of_racing_creates_of_one_location_exactly_one_wins(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let catalog = world.make_catalog("lake").await;
    let parent = world.make_namespace(&catalog, &["ns"]).await;
    // One place and one below it, by turns.
    let places = ["s3://b/ns/t/", "s3://b/ns/t/x/"];

    let results = race(|number| {
        let name = format!("t{number}");
        let place = places[number % 2];
        let table = at(entity(EntityKind::Table, &parent, &name), place);
        let change = create_apart(table);
        let world = world.clone();
        async move { world.apply(&[change]).await }
    })
    .await;

    assert_one_winner(&results, |error| matches!(error, Error::LocationOverlap { .. }));
}

pub async fn of_racing_writers_to_one_place_exactly_one_wins(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let catalog = world.make_catalog("lake").await;
    let parent = world.make_namespace(&catalog, &["ns"]).await;
    let mut tables = Vec::new();
    for number in 0..RACERS {
        let name = format!("t{number}");
        let table = entity(EntityKind::Table, &parent, &name);
        let table = at(table, &format!("s3://b/ns/{name}/"));
        if number % 3 == 2 {
            world.apply(&[create(&table)]).await.unwrap();
        }
        tables.push(table);
    }

    let results = race(|number| {
        let table = tables[number].clone();
        let [data, metadata, ..] = WRITE_PATHS;
        // One lies there, one is made and one is changed to write there.
        let change = match number % 3 {
            0 => create_apart(at(table, "s3://b/data/x/")),
            1 => create_apart(writing_to(table, &[(data, "s3://b/data/x/y")])),
            _ => update_apart(&table, writing_to(table.clone(), &[(metadata, "s3://b/data")])),
        };
        let world = world.clone();
        async move { world.apply(&[change]).await }
    })
    .await;

    assert_one_winner(&results, |error| matches!(error, Error::LocationOverlap { .. }));
}

pub async fn of_tables_that_write_into_each_other_exactly_one_wins(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let catalog = world.make_catalog("lake").await;
    let parent = world.make_namespace(&catalog, &["ns"]).await;

    let results = race(|number| {
        let (own, other) = if number % 2 == 0 { ("one", "other") } else { ("other", "one") };
        let table = entity(EntityKind::Table, &parent, &format!("t{number}"));
        let table = at(table, &format!("s3://b/{own}/"));
        let path = format!("s3://b/{other}/x");
        let change = create_apart(writing_to(table, &[(WRITE_PATHS[0], &path)]));
        let world = world.clone();
        async move { world.apply(&[change]).await }
    })
    .await;

    assert_one_winner(&results, |error| matches!(error, Error::LocationOverlap { .. }));
}

pub async fn of_racing_signing_keys_one_wins_and_all_get_it(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;

    let keys = race(|number| {
        let candidate: SecretBox<[u8]> = SecretBox::new(number.to_be_bytes().into());
        let world = world.clone();
        async move { world.store.signing_key(&world.realm, "EdDSA", &candidate).await.unwrap() }
    })
    .await;

    let winner = world.store.find_signing_key(&world.realm, "EdDSA").await.unwrap().unwrap();
    for key in &keys {
        assert_eq!(bytes_of(key), bytes_of(&winner));
    }
}

pub async fn of_racing_bootstraps_one_makes_the_realm(store: Arc<dyn Metastore>) {
    let realm = RealmId::new("test");

    let results = race(|_| {
        let principal = entity(EntityKind::Principal, &root(), "root");
        let (store, realm) = (Arc::clone(&store), realm.clone());
        let changes = [create(&root()), create(&principal)];
        async move { store.bootstrap(&realm, &changes).await.unwrap() }
    })
    .await;

    let made = results.iter().filter(|&&bootstrap| bootstrap == Bootstrap::Made);
    assert_eq!(made.count(), 1, "{results:?}");
}

pub async fn a_create_and_the_drop_of_its_parent_do_not_both_succeed(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let catalog = world.make_catalog("lake").await;

    for attempt in 0..10 {
        let name = format!("ns{attempt}");
        let parent = world.make_namespace(&catalog, &[&name]).await;
        let table = entity(EntityKind::Table, &parent, "t");
        let (creating, dropping) = (world.clone(), world.clone());
        let (create, drop) = (create(&table), drop_of(&parent));

        let create = tokio::spawn(async move { creating.apply(&[create]).await });
        let drop = tokio::spawn(async move { dropping.apply(&[drop]).await });

        match (create.await.unwrap(), drop.await.unwrap()) {
            (Ok(()), Err(Error::NotEmpty { .. })) | (Err(Error::ParentGone), Ok(())) => {}
            both => panic!("{both:?}"),
        }
    }
}

pub async fn a_grant_and_the_drop_of_either_end_leave_nothing_behind(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let catalog = world.make_catalog("lake").await;
    let role = world.make_role_of_caller("engineer").await;
    let privilege = Privilege::NamespaceDrop;

    for attempt in 0..20 {
        let securable = world.make_namespace(&catalog, &["ns"]).await;
        let grantee = world.make(EntityKind::CatalogRole, &catalog, "dropper").await;
        world.grant(Privilege::CatalogRoleUsage, &grantee, &role).await;
        let (granting, dropping) = (world.clone(), world.clone());
        let grant = GrantRecord { securable: securable.id, grantee: grantee.id, privilege };
        let (gone, other) =
            if attempt % 2 == 0 { (securable, grantee) } else { (grantee, securable) };
        let drop = drop_of(&gone);

        let grant = tokio::spawn(async move { granting.apply(&[Change::Grant(grant)]).await });
        let drop = tokio::spawn(async move { dropping.apply(&[drop]).await });

        let outcome = grant.await.unwrap();
        drop.await.unwrap().unwrap();
        assert!(matches!(outcome, Ok(()) | Err(Error::ParentGone)), "{outcome:?}");
        // With the same id, so that a grant that was left behind would come to life again.
        world.apply(&[create(&gone)]).await.unwrap();
        if gone.kind == EntityKind::CatalogRole {
            world.grant(Privilege::CatalogRoleUsage, &gone, &role).await;
        }
        let found = world.resolve_namespace("lake", &["ns"]).await;
        assert!(found.namespaces[0].privileges.is_empty(), "{outcome:?} and {gone:?}");
        world.apply(&[drop_of(&gone), drop_of(&other)]).await.unwrap();
    }
}

pub async fn transactions_in_opposite_orders_both_succeed(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let role = world.make_role_of_caller("engineer").await;
    let one = world.make_catalog("one").await;
    let other = world.make_catalog("other").await;
    let privilege = Privilege::CatalogList;
    let granted = |securable: &Entity| {
        Change::Grant(GrantRecord { securable: securable.id, grantee: role.id, privilege })
    };

    let results = race(|number| {
        // They may come to wait for each other. Whichever the database then picks as the victim is
        // carried out again.
        let mut changes = vec![granted(&one), granted(&other)];
        if number % 2 == 0 {
            changes.reverse();
        }
        let world = world.clone();
        async move { world.apply(&changes).await }
    })
    .await;

    for result in results {
        result.unwrap();
    }
}

pub async fn writers_and_readers_do_not_get_in_each_others_way(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let catalog = world.make_catalog("lake").await;

    race(|number| {
        let (world, catalog) = (world.clone(), catalog.clone());
        async move {
            for turn in 0..10 {
                let name = format!("ns{number}-{turn}");
                let made = world.make_namespace(&catalog, &[&name]).await;
                let found = world.resolve_namespace("lake", &[&name]).await;
                assert_eq!(found.namespaces[0].entity, made, "a write is seen at once");
            }
        }
    })
    .await;

    let children = all_children(None, EntityKind::Namespace);
    let names = world.children(world.of_catalog("lake"), children).await;
    assert_eq!(names.len(), RACERS * 10);
}

pub async fn of_racing_duplicates_exactly_one_is_carried_out(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let catalog = world.make_catalog("lake").await;
    let parent = world.make_namespace(&catalog, &["ns"]).await;
    let record = |number: usize| AnswerRecord {
        principal: "id:1".to_owned(),
        key: "017f22e2-79b0-7cc3-98c4-dc0c0c07398f".to_owned(),
        fingerprint: "f".to_owned(),
        answer: format!(r#"{{"number":{number}}}"#),
        created_ms: 1_000,
        expires_ms: 2_000,
    };

    // Each makes another table, so that nothing but the key is in its way; by turns with one change
    // more.
    let results = race(|number| {
        let table = entity(EntityKind::Table, &parent, &format!("t{number}"));
        let view = entity(EntityKind::View, &parent, &format!("v{number}"));
        let mut changes = vec![create(&table)];
        changes.extend((number % 2 == 0).then(|| create(&view)));
        changes.push(Change::Answer(Box::new(record(number))));
        let world = world.clone();
        async move { world.apply(&changes).await }
    })
    .await;

    assert_one_winner(&results, |error| matches!(error, Error::AlreadyAnswered));
    let settled = race(|number| {
        let (world, record) = (world.clone(), record(100 + number));
        async move { world.store.settle_answer(&world.realm, &record).await.unwrap() }
    })
    .await;
    let tables = all_children(Some(&["ns"]), EntityKind::Table);
    let made = world.children(world.of_catalog("lake"), tables).await;
    assert_eq!(made.len(), 1, "{made:?}");
    let winner = made[0].trim_start_matches('t').parse().unwrap();
    for there in settled {
        assert_eq!(there, record(winner));
    }
}
