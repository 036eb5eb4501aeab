//! Answers to requests that carried an idempotency key.

use super::*;
use crate::AnswerRecord;

const KEY: &str = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";
const MINUTE_MS: i64 = 60_000;

/// The record of an answer, given at `created_ms` and good for a minute.
fn record(answer: &str, created_ms: i64) -> AnswerRecord {
    AnswerRecord {
        principal: "id:1".to_owned(),
        key: KEY.to_owned(),
        fingerprint: "f1".to_owned(),
        answer: format!(r#"{{"answer":"{answer}"}}"#),
        created_ms,
        expires_ms: created_ms + MINUTE_MS,
    }
}

fn answer(record: &AnswerRecord) -> Change {
    Change::Answer(Box::new(record.clone()))
}

/// What the key of `of` has, if that is not expired at its time.
async fn found(world: &World, of: &AnswerRecord) -> Option<AnswerRecord> {
    let probe = AnswerRecord { fingerprint: "probe".to_owned(), ..of.clone() };
    let there = world.store.settle_answer(&world.realm, &probe).await.unwrap();
    (there != probe).then_some(there)
}

fn is_answered(result: &Result<(), Error>) -> bool {
    matches!(result, Err(Error::AlreadyAnswered))
}

/// One of each kind of change that requests with a key make, and those it goes together with.
async fn changes(world: &World) -> Vec<(&'static str, Vec<Change>)> {
    let catalog = world.make_catalog("lake").await;
    let parent = world.make_namespace(&catalog, &["ns"]).await;
    let changed = world.make_table(&parent, "changed").await;
    let first = world.make_table(&parent, "first").await;
    let second = world.make_table(&parent, "second").await;
    let dropped = world.make_table(&parent, "dropped").await;
    let role = world.make_role_of_caller("engineer").await;
    let rename = |table: &Entity| update(table, |table| table.name += " renamed").1;
    let made = entity(EntityKind::Table, &parent, "made");
    let apart = at(entity(EntityKind::Table, &parent, "apart"), "s3://b/apart/");
    let privilege = Privilege::TableDrop;
    let grant = GrantRecord { securable: changed.id, grantee: role.id, privilege };
    vec![
        ("create", vec![create(&made)]),
        ("create apart", vec![create_apart(apart)]),
        ("update", vec![rename(&changed)]),
        ("updates", vec![rename(&first), rename(&second)]),
        ("drop", vec![drop_of(&dropped)]),
        ("grant", vec![Change::Grant(grant)]),
        ("nothing", vec![]),
    ]
}

pub async fn an_answer_is_remembered_with_what_was_done(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    for (number, (what, mut changes)) in (1..).zip(changes(&world).await) {
        let key = format!("{number:0>36}");
        let given = AnswerRecord { key, ..record(what, 1_000) };
        changes.push(answer(&given));

        world.apply(&changes).await.unwrap();

        assert_eq!(found(&world, &given).await, Some(given), "{what}");
    }
}

pub async fn nothing_is_done_where_the_key_has_an_answer(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let changes = changes(&world).await;
    let first = record("first", 1_000);
    world.apply(&[answer(&first)]).await.unwrap();

    for (what, changes) in &changes {
        let mut with_answer = changes.clone();
        with_answer.push(answer(&record("second", 1_000 + MINUTE_MS - 1)));

        let result = world.apply(&with_answer).await;

        assert!(is_answered(&result), "{what}: {result:?}");
        // Whatever it was is still to be done, and can be.
        world.apply(changes).await.unwrap();
    }
    assert_eq!(found(&world, &first).await, Some(first));
}

pub async fn nothing_is_remembered_of_what_failed(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let catalog = world.make_catalog("lake").await;
    let parent = world.make_namespace(&catalog, &["ns"]).await;
    let table = world.make_table(&parent, "t").await;
    let other = world.make_table(&parent, "other").await;
    let mut stale = table.clone();
    stale.version = stale.version.next();
    let (_, good) = update(&other, |other| other.name += " renamed");
    let (_, lost) = update(&stale, |stale| stale.name += " renamed");
    let taken = entity(EntityKind::Table, &parent, "t");
    let given = record("never", 1_000);
    for changes in [
        vec![create(&taken)],
        vec![lost.clone()],
        vec![good, lost],
        vec![drop_of(&parent)],
        vec![drop_of(&stale)],
    ] {
        let mut with_answer = changes.clone();
        with_answer.push(answer(&given));

        let result = world.apply(&with_answer).await;

        assert!(result.is_err() && !is_answered(&result), "{changes:?}: {result:?}");
    }
    let probe = record("probe", 1_000);
    let there = world.store.settle_answer(&world.realm, &probe).await.unwrap();
    assert_eq!(there, probe, "something was remembered");
}

pub async fn an_expired_answer_makes_room(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let mut now_ms = 1_000;
    world.apply(&[answer(&record("first", now_ms))]).await.unwrap();
    for (what, mut changes) in changes(&world).await {
        now_ms += MINUTE_MS;
        let next = record(what, now_ms);
        changes.push(answer(&next));

        world.apply(&changes).await.unwrap();

        assert_eq!(found(&world, &next).await, Some(next), "{what}");
    }
    let last = AnswerRecord { fingerprint: "f2".to_owned(), ..record("l", now_ms + MINUTE_MS) };
    let there = world.store.settle_answer(&world.realm, &last).await.unwrap();
    assert_eq!(there, last);
}

pub async fn an_answer_that_is_settled_stays(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let first = record("first", 1_000);
    let second = AnswerRecord { fingerprint: "f2".to_owned(), ..record("second", 1_001) };

    assert_eq!(world.store.settle_answer(&world.realm, &first).await.unwrap(), first);
    assert_eq!(world.store.settle_answer(&world.realm, &second).await.unwrap(), first);

    let catalog = entity(EntityKind::Catalog, &root(), "lake");
    let result = world.apply(&[create(&catalog), answer(&second)]).await;
    assert!(is_answered(&result), "{result:?}");
    assert!(world.resolve(&world.of_catalog("lake")).await.catalog.is_none());
}

pub async fn keys_belong_to_a_principal_and_a_realm(store: Arc<dyn Metastore>) {
    let world = World::new(Arc::clone(&store)).await;
    let elsewhere = World::in_realm(store, "other").await;
    let mine = record("mine", 1_000);
    let yours = AnswerRecord { principal: "id:2".to_owned(), ..record("yours", 1_000) };
    let theirs = record("theirs", 1_000);

    world.apply(&[answer(&mine)]).await.unwrap();
    world.apply(&[answer(&yours)]).await.unwrap();
    elsewhere.apply(&[answer(&theirs)]).await.unwrap();

    assert_eq!(found(&world, &mine).await, Some(mine.clone()));
    assert_eq!(found(&world, &yours).await, Some(yours));
    assert_eq!(found(&elsewhere, &theirs).await, Some(theirs.clone()));

    assert!(world.store.purge(&world.realm).await.unwrap());
    let probe = record("probe", 1_000);
    assert_eq!(world.store.settle_answer(&world.realm, &probe).await.unwrap(), probe);
    assert_eq!(found(&elsewhere, &theirs).await, Some(theirs));
}

pub async fn expired_answers_are_forgotten_in_bounded_numbers(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let records: Vec<_> = (0..5)
        .map(|number| AnswerRecord {
            key: format!("{number:0>36}"),
            ..record("old", 1_000 + number)
        })
        .collect();
    for record in &records {
        world.apply(&[answer(record)]).await.unwrap();
    }
    let now_ms = records[3].expires_ms;

    assert_eq!(world.store.forget_answers(now_ms, 3).await.unwrap(), 3);
    assert_eq!(world.store.forget_answers(now_ms, 3).await.unwrap(), 1);
    assert_eq!(world.store.forget_answers(now_ms, 3).await.unwrap(), 0);

    assert_eq!(found(&world, &records[4]).await, Some(records[4].clone()));
    let probe = AnswerRecord { fingerprint: "probe".to_owned(), ..records[3].clone() };
    assert_eq!(world.store.settle_answer(&world.realm, &probe).await.unwrap(), probe);
}
