//! What happened, and what is still to be told of it.

use merak_model::{EventId, EventIds, EventSubject, EventType};

use super::*;
use crate::{Delivery, EventOrder, EventRecord, EventsQuery, Recorded, ResourceFilter};

const START_MS: i64 = 1_700_000_000_000;
const LEASE_MS: i64 = 1_000;
const CREATED: EventType = EventType::after(EventSubject::CreateTable);
const UPDATED: EventType = EventType::after(EventSubject::UpdateTable);

/// An event of a table that somebody made at that time.
fn event(ids: &EventIds, at_ms: i64, resource: &str) -> EventRecord {
    EventRecord {
        id: ids.next(at_ms),
        kind: CREATED,
        request_id: Some("r1".to_owned()),
        principal: Some("alice".to_owned()),
        roles: vec!["engineer".to_owned(), "café \"x\"".to_owned()],
        catalog: Some("lake".to_owned()),
        resource: resource.to_owned(),
        attributes: format!(r#"{{"length":{}}}"#, resource.len()),
    }
}

fn to(event: &EventRecord, sinks: &[&str]) -> Recorded {
    let sinks = sinks.iter().map(|&sink| sink.to_owned()).collect();
    Recorded { event: event.clone(), sinks }
}

fn record(event: &EventRecord, sinks: &[&str]) -> Change {
    Change::Record(Box::new(to(event, sinks)))
}

fn all() -> EventsQuery {
    EventsQuery { order: EventOrder::OldestFirst, ..EventsQuery::newest(100) }
}

impl World {
    async fn events(&self, query: &EventsQuery) -> Vec<EventRecord> {
        self.store.events(&self.realm, query).await.unwrap()
    }

    /// The names of what events that match happened to.
    async fn resources(&self, query: EventsQuery) -> Vec<String> {
        self.events(&query).await.into_iter().map(|event| event.resource).collect()
    }

    /// Keeps so many events, a millisecond apart, each to be told to these sinks.
    async fn record_many(&self, count: i64, sinks: &[&str]) -> Vec<EventRecord> {
        let ids = EventIds::default();
        let events: Vec<_> =
            (0..count).map(|n| event(&ids, START_MS + n, &format!("ns.t{n}"))).collect();
        let recorded: Vec<_> = events.iter().map(|event| to(event, sinks)).collect();
        self.store.record_events(&self.realm, &recorded).await.unwrap();
        events
    }

    async fn take(&self, sink: &str, owner: &str, now_ms: i64, limit: u32) -> Vec<Delivery> {
        let realms = [self.realm.clone()];
        let until_ms = now_ms + LEASE_MS;
        let claimed =
            self.store.claim_deliveries(&realms, sink, owner, now_ms, until_ms, limit).await;
        claimed.unwrap()
    }

    async fn deliver(&self, sink: &str, owner: &str, deliveries: &[Delivery]) -> usize {
        self.store.settle_deliveries(owner, sink, &keys(deliveries)).await.unwrap()
    }

    async fn forget_events(&self, before_ms: i64, limit: u32) -> usize {
        self.store.forget_events(std::slice::from_ref(&self.realm), before_ms, limit).await.unwrap()
    }

    async fn pending(&self, sink: &str) -> (u64, Option<i64>) {
        self.store.pending_deliveries(std::slice::from_ref(&self.realm), sink).await.unwrap()
    }
}

fn keys(deliveries: &[Delivery]) -> Vec<(RealmId, EventId)> {
    deliveries.iter().map(|one| (one.realm.clone(), one.event.id)).collect()
}

fn told(deliveries: &[Delivery]) -> Vec<EventRecord> {
    deliveries.iter().map(|one| one.event.clone()).collect()
}

pub async fn an_event_is_there_if_its_change_is(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let ids = EventIds::default();
    let catalog = entity(EntityKind::Catalog, &root(), "lake");
    let made = event(&ids, START_MS, "lake");
    let committed = EventRecord { kind: UPDATED, ..event(&ids, START_MS, "other") };
    let changes = [create(&catalog), record(&made, &["log"]), record(&committed, &[])];

    world.apply(&changes).await.unwrap();

    assert_eq!(world.events(&all()).await, [made, committed]);
    assert_eq!(world.pending("log").await, (1, Some(START_MS)));

    let (_, good) = update(&catalog, |catalog| catalog.name += " renamed");
    let taken = entity(EntityKind::Catalog, &root(), "lake");
    let lost = record(&event(&ids, START_MS, "lost"), &["log"]);
    let mut stale = catalog.clone();
    stale.version = stale.version.next().next();
    for changes in [
        vec![create(&taken), lost.clone()],
        vec![good.clone(), drop_of(&stale), lost.clone()],
        vec![lost.clone(), drop_of(&stale)],
    ] {
        assert!(world.apply(&changes).await.is_err(), "{changes:?}");
    }
    assert_eq!(world.events(&all()).await.len(), 2);
    assert_eq!(world.pending("log").await, (1, Some(START_MS)));
}

pub async fn an_event_goes_along_with_an_answer(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let ids = EventIds::default();
    let answer = Change::Answer(Box::new(crate::AnswerRecord {
        principal: "id:1".to_owned(),
        key: "017f22e2-79b0-7cc3-98c4-dc0c0c07398f".to_owned(),
        fingerprint: "f1".to_owned(),
        answer: "{}".to_owned(),
        created_ms: START_MS,
        expires_ms: START_MS + 1,
    }));
    let catalog = entity(EntityKind::Catalog, &root(), "lake");
    let made = event(&ids, START_MS, "lake");
    let changes = [create(&catalog), answer.clone(), record(&made, &[])];
    world.apply(&changes).await.unwrap();

    let other = entity(EntityKind::Catalog, &root(), "other");
    let again = [create(&other), answer, record(&event(&ids, START_MS, "other"), &[])];
    let result = world.apply(&again).await;

    assert!(matches!(result, Err(Error::AlreadyAnswered)), "{result:?}");
    assert_eq!(world.events(&all()).await, [made]);
}

pub async fn what_is_granted_again_is_no_event(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let ids = EventIds::default();
    let catalog = world.make_catalog("lake").await;
    let role = world.make_role_of_caller("engineer").await;
    let privilege = Privilege::TableDrop;
    let grant = GrantRecord { securable: catalog.id, grantee: role.id, privilege };
    let granted = [Change::Grant(grant), record(&event(&ids, START_MS, "first"), &["log"])];
    world.apply(&granted).await.unwrap();

    let again = [Change::Grant(grant), record(&event(&ids, START_MS, "again"), &["log"])];
    world.apply(&again).await.unwrap();
    let revoked = [Change::Revoke(grant), record(&event(&ids, START_MS, "revoked"), &[])];
    world.apply(&revoked).await.unwrap();

    assert_eq!(world.resources(all()).await, ["first", "revoked"]);
    assert_eq!(world.pending("log").await.0, 1);
}

pub async fn changes_whose_event_is_there_are_not_made_again(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let ids = EventIds::default();
    let catalog = entity(EntityKind::Catalog, &root(), "lake");
    let made = event(&ids, START_MS, "lake");
    let changes = [create(&catalog), record(&made, &["log"])];
    world.apply(&changes).await.unwrap();
    // Somebody removes it, and the same changes are sent again: they could be made once more.
    world.apply(&[drop_of(&catalog)]).await.unwrap();

    let result = world.apply(&changes).await;

    assert!(matches!(result, Err(Error::AlreadyRecorded)), "{result:?}");
    assert!(world.resolve(&world.of_catalog("lake")).await.catalog.is_none());
    let another = EventRecord { resource: "changed".to_owned(), ..made.clone() };
    world.store.record_events(&world.realm, &[to(&another, &["log", "more"])]).await.unwrap();
    assert_eq!(world.events(&all()).await, [made]);
    assert_eq!(world.pending("log").await.0, 1);
    assert_eq!(world.pending("more").await, (0, None));
}

pub async fn the_event_of_an_attempt_is_there_if_the_attempt_was_settled(
    store: Arc<dyn Metastore>,
) {
    let world = World::new(store).await;
    let task = crate::NewTask {
        id: EntityId(7),
        kind: "work".to_owned(),
        catalog_id: EntityId(1),
        subject: "t".to_owned(),
        details: "{}".to_owned(),
        created_ms: 1,
    };
    world.apply(&[Change::AddTask(Box::new(task))]).await.unwrap();
    let realms = [world.realm.clone()];
    let claimed = world.store.claim_task(&realms, "w1", 10, 20).await.unwrap();
    let hold = |owner: &str| crate::Hold {
        realm: world.realm.clone(),
        task: claimed.clone().unwrap().1.id,
        owner: owner.to_owned(),
    };
    let attempted = event(&EventIds::default(), START_MS, "t");
    let events = [to(&attempted, &["log"])];
    let settle = async |owner: &str| {
        let (hold, end) = (hold(owner), crate::TaskEnd::Done);
        world.store.settle_task(&hold, "{}", &end, 15, &events).await.unwrap()
    };

    assert!(!settle("w2").await, "it is not this one's");
    assert!(world.events(&all()).await.is_empty());
    assert!(settle("w1").await);
    assert!(!settle("w1").await, "it is settled");

    assert_eq!(world.events(&all()).await, std::slice::from_ref(&attempted));
    assert_eq!(world.pending("log").await.0, 1);
}

pub async fn an_event_in_a_realm_that_is_not_there_is_refused(store: Arc<dyn Metastore>) {
    let realm = RealmId::new("nowhere");
    let made = to(&event(&EventIds::default(), START_MS, "lake"), &[]);

    let result = store.record_events(&realm, std::slice::from_ref(&made)).await;
    assert!(matches!(result, Err(Error::ParentGone)), "{result:?}");
    let result = store.apply(&realm, &[Change::Record(Box::new(made))]).await;
    assert!(matches!(result, Err(Error::ParentGone)), "{result:?}");
    store.record_events(&realm, &[]).await.unwrap();
}

pub async fn what_happened_comes_back_as_it_was(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let ids = EventIds::default();
    let full = event(&ids, START_MS, "ns.a table's \"name\" \u{1f}");
    let bare = EventRecord {
        id: ids.next(START_MS),
        kind: EventType::before(EventSubject::LimitRequestRate),
        request_id: None,
        principal: None,
        roles: Vec::new(),
        catalog: None,
        resource: String::new(),
        attributes: r#"{"z":1,"a":{"b":[2]},"nul":"\u0000"}"#.to_owned(),
    };
    let recorded = [to(&full, &["log"]), to(&bare, &["log"])];

    world.store.record_events(&world.realm, &recorded).await.unwrap();

    assert_eq!(world.events(&all()).await, [full.clone(), bare.clone()]);
    assert_eq!(told(&world.take("log", "w1", START_MS, 10).await), [full, bare]);
}

pub async fn events_are_found_by_what_is_known_of_them(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let ids = EventIds::default();
    let plain = event(&ids, START_MS, "ns.plain");
    let events = [
        plain.clone(),
        EventRecord { kind: UPDATED, ..event(&ids, START_MS + 1, "ns.updated") },
        EventRecord { catalog: Some("sea".to_owned()), ..event(&ids, START_MS + 2, "ns.sea") },
        EventRecord { principal: Some("bob".to_owned()), ..event(&ids, START_MS + 3, "bobs") },
        EventRecord { request_id: Some("r2".to_owned()), ..event(&ids, START_MS + 4, "%") },
        EventRecord { catalog: None, ..event(&ids, START_MS + 5, "Ns.else") },
    ];
    let recorded: Vec<_> = events.iter().map(|event| to(event, &[])).collect();
    world.store.record_events(&world.realm, &recorded).await.unwrap();
    let equal = |name: &str| Some(ResourceFilter::Equal(name.to_owned()));
    let prefix = |name: &str| Some(ResourceFilter::Prefix(name.to_owned()));
    let text = |text: &str| Some(text.to_owned());

    for (query, expected) in [
        (EventsQuery { types: vec![UPDATED], ..all() }, vec!["ns.updated"]),
        (EventsQuery { catalog: text("sea"), ..all() }, vec!["ns.sea"]),
        (EventsQuery { principal: text("bob"), ..all() }, vec!["bobs"]),
        (EventsQuery { request_id: text("r2"), ..all() }, vec!["%"]),
        (EventsQuery { resource: equal("ns.plain"), ..all() }, vec!["ns.plain"]),
        (EventsQuery { resource: equal("ns"), ..all() }, vec![]),
        (EventsQuery { resource: prefix("%"), ..all() }, vec!["%"]),
        (
            EventsQuery { resource: prefix("ns."), ..all() },
            vec!["ns.plain", "ns.updated", "ns.sea"],
        ),
        (EventsQuery { since_ms: Some(START_MS + 4), ..all() }, vec!["%", "Ns.else"]),
        (EventsQuery { until_ms: Some(START_MS + 1), ..all() }, vec!["ns.plain"]),
        (
            EventsQuery {
                types: vec![UPDATED, CREATED],
                catalog: text("lake"),
                principal: text("alice"),
                request_id: text("r1"),
                resource: prefix("n"),
                since_ms: Some(START_MS),
                until_ms: Some(START_MS + 2),
                order: EventOrder::NewestFirst,
                ..all()
            },
            vec!["ns.updated", "ns.plain"],
        ),
        (EventsQuery { catalog: text("a\0b"), ..all() }, vec![]),
    ] {
        assert_eq!(world.resources(query.clone()).await, expected, "{query:?}");
    }
    let elsewhere = World::in_realm(world.store, "other").await;
    assert!(elsewhere.events(&all()).await.is_empty());
}

pub async fn pages_of_events_follow_one_another_in_either_order(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let mut expected: Vec<_> =
        world.record_many(7, &[]).await.into_iter().map(|event| event.id).collect();
    for order in [EventOrder::OldestFirst, EventOrder::NewestFirst] {
        let mut found = Vec::new();
        let mut query = EventsQuery { order, limit: 3, ..all() };
        loop {
            let page = world.events(&query).await;
            assert!(page.len() <= 3);
            found.extend(page.iter().map(|event| event.id));
            query.after = found.last().copied();
            if page.len() < 3 {
                break;
            }
        }
        assert_eq!(found, expected, "{order:?}");
        expected.reverse();
    }
    // The place on a page and the times bound it together.
    let events = world.events(&all()).await;
    let bounded = EventsQuery {
        since_ms: Some(START_MS + 2),
        until_ms: Some(START_MS + 5),
        after: Some(events[1].id),
        ..all()
    };
    assert_eq!(world.resources(bounded).await, ["ns.t2", "ns.t3", "ns.t4"]);
}

pub async fn deliveries_are_taken_by_one_of_those_who_ask(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let events = world.record_many(20, &["log", "webhook"]).await;
    let claims = (0..5).map(|number| {
        let world = world.clone();
        tokio::spawn(async move {
            let owner = format!("w{number}");
            world.take("log", &owner, START_MS, 4).await
        })
    });

    let mut taken = Vec::new();
    for claim in claims.collect::<Vec<_>>() {
        let claimed = claim.await.unwrap();
        assert!(claimed.len() <= 4 && claimed.is_sorted_by_key(|one| one.event.id));
        taken.extend(claimed);
    }

    // Who finds another at it may go away with less than there was.
    taken.extend(world.take("log", "last", START_MS, 100).await);
    taken.sort_by_key(|one| one.event.id);
    assert_eq!(told(&taken), events);
    assert!(taken.iter().all(|one| one.attempts == 1 && one.realm == world.realm));
    assert_eq!(told(&world.take("webhook", "w1", START_MS, 3).await), events[..3]);
    assert!(world.take("nothing", "w1", START_MS, 3).await.is_empty());
}

pub async fn a_delivery_that_is_settled_is_pending_no_more(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let events = world.record_many(3, &["log", "webhook"]).await;
    let claimed = world.take("log", "w1", START_MS, 2).await;
    assert_eq!(world.pending("log").await, (3, Some(START_MS)));

    assert_eq!(world.deliver("webhook", "w1", &claimed).await, 0);
    assert_eq!(world.deliver("log", "w2", &claimed).await, 0);
    assert_eq!(world.deliver("log", "w1", &claimed).await, 2);
    assert_eq!(world.deliver("log", "w1", &claimed).await, 0);

    assert_eq!(world.pending("log").await, (1, Some(START_MS + 2)));
    assert_eq!(told(&world.take("log", "w1", i64::MAX - LEASE_MS, 9).await), events[2..]);
    assert_eq!(world.pending("webhook").await, (3, Some(START_MS)));
}

pub async fn deliveries_are_taken_from_a_worker_that_died(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let events = world.record_many(2, &["log"]).await;
    let first = world.take("log", "w1", START_MS, 9).await;
    let later_ms = START_MS + LEASE_MS;
    assert!(world.take("log", "w2", later_ms - 1, 9).await.is_empty());

    let second = world.take("log", "w2", later_ms, 1).await;

    assert_eq!(told(&second), events[..1]);
    assert_eq!(second[0].attempts, 2);
    // What was not taken from it is still its own.
    let first_keys = keys(&first);
    let postponed = world.store.postpone_deliveries("w1", "log", &first_keys, later_ms + 5).await;
    assert_eq!(postponed.unwrap(), 1);
    assert_eq!(world.deliver("log", "w1", &first).await, 0);
    assert_eq!(world.deliver("log", "w2", &second).await, 1);
    assert!(world.take("log", "w2", later_ms + 4, 9).await.is_empty());
    assert_eq!(told(&world.take("log", "w2", later_ms + 5, 9).await), events[1..]);
}

pub async fn deliveries_of_other_realms_are_not_taken(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let elsewhere = World::in_realm(Arc::clone(&world.store), "other").await;
    // The ids may be the same.
    let events = world.record_many(2, &["log"]).await;
    let recorded: Vec<_> = events.iter().map(|event| to(event, &["log"])).collect();
    world.store.record_events(&elsewhere.realm, &recorded).await.unwrap();

    let mine = world.take("log", "w1", START_MS, 9).await;

    assert_eq!(mine.len(), 2);
    assert_eq!(world.deliver("log", "w1", &mine).await, 2);
    let both = [world.realm.clone(), elsewhere.realm.clone()];
    let theirs =
        world.store.claim_deliveries(&both, "log", "w2", START_MS, START_MS + 1, 9).await.unwrap();
    assert_eq!(told(&theirs), events);
    assert!(theirs.iter().all(|one| one.realm == elsewhere.realm));
}

pub async fn events_are_forgotten_once_nobody_is_to_be_told(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let events = world.record_many(6, &[]).await;
    let ids = EventIds::default();
    let pending = event(&ids, START_MS - 5, "pending");
    world.store.record_events(&world.realm, &[to(&pending, &["log"])]).await.unwrap();
    let before_ms = START_MS + 4;

    assert_eq!(world.forget_events(before_ms, 3).await, 3);
    assert_eq!(world.forget_events(before_ms, 3).await, 1);
    assert_eq!(world.forget_events(before_ms, 3).await, 0);

    let left = [std::slice::from_ref(&pending), &events[4..]].concat();
    assert_eq!(world.events(&all()).await, left);
    let claimed = world.take("log", "w1", START_MS, 9).await;
    assert_eq!(world.forget_events(before_ms, 3).await, 0, "somebody is at it");
    world.deliver("log", "w1", &claimed).await;
    assert_eq!(world.forget_events(before_ms, 3).await, 1);
    assert_eq!(world.events(&all()).await, events[4..]);
}

pub async fn what_is_pending_to_a_sink_that_is_gone_is_forgotten(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    world.record_many(4, &["a", "gone", "z"]).await;
    world.take("gone", "w1", START_MS, 1).await;
    let realms = [world.realm.clone()];
    let sinks = ["a".to_owned(), "z".to_owned(), "new".to_owned()];

    let forget = || world.store.forget_deliveries(&realms, &sinks, 3);
    assert_eq!(forget().await.unwrap(), 3);
    assert_eq!(forget().await.unwrap(), 1);
    assert_eq!(forget().await.unwrap(), 0);

    assert_eq!(world.pending("gone").await, (0, None));
    assert_eq!(world.pending("a").await.0, 4);
    assert_eq!(world.pending("z").await.0, 4);
    assert_eq!(world.store.forget_deliveries(&realms, &[], 100).await.unwrap(), 8);
    assert_eq!(world.forget_events(i64::MAX, 100).await, 4);
}

pub async fn a_realm_goes_with_its_events(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    world.record_many(3, &["log"]).await;
    world.take("log", "w1", START_MS, 1).await;

    assert!(world.store.purge(&world.realm).await.unwrap());

    assert!(world.events(&all()).await.is_empty());
    assert_eq!(world.pending("log").await, (0, None));
}

pub async fn of_racing_updates_only_the_winner_leaves_its_event(store: Arc<dyn Metastore>) {
    let world = World::new(store).await;
    let catalog = world.make_catalog("lake").await;
    let ids = Arc::new(EventIds::default());
    let racers = (0..8).map(|number| {
        let (world, ids, catalog) = (world.clone(), Arc::clone(&ids), catalog.clone());
        tokio::spawn(async move {
            let name = format!("lake {number}");
            let (_, change) = update(&catalog, |catalog| catalog.name = name.clone());
            let happened = event(&ids, START_MS, &name);
            world.apply(&[change, record(&happened, &["log"])]).await.map(|()| happened)
        })
    });

    let mut winners = Vec::new();
    for racer in racers.collect::<Vec<_>>() {
        winners.extend(racer.await.unwrap().ok());
    }

    assert_eq!(winners.len(), 1);
    assert_eq!(world.events(&all()).await, winners);
    assert_eq!(world.pending("log").await.0, 1);
}
