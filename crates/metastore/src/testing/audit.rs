//! Who asked for what.

use super::*;
use crate::{AuditQuery, AuditRecord};
use merak_model::EventIds;

const AT_MS: i64 = 1_700_000_000_000;

/// A record of a request that began so many milliseconds after a certain time.
fn record(ids: &EventIds, after_ms: i64) -> AuditRecord {
    AuditRecord {
        id: ids.next(AT_MS + after_ms),
        request_id: format!("request-{after_ms}"),
        principal: Some("alice".to_owned()),
        roles: vec!["a, b".to_owned(), "größe".to_owned()],
        operation: Some("LOAD_TABLE".to_owned()),
        catalog: Some("lake".to_owned()),
        securable: Some("table \"lake\".t".to_owned()),
        status: 200,
        missing: None,
        credential: Some("ASIA1".to_owned()),
        method: "GET".to_owned(),
        path: "/api/catalog/v1/lake".to_owned(),
        duration_ms: 7,
    }
}

async fn found(world: &World, query: &AuditQuery) -> Vec<AuditRecord> {
    world.store.audit_records(&world.realm, query).await.unwrap()
}

async fn add(world: &World, records: &[AuditRecord]) {
    world.store.add_audit_records(&world.realm, records).await.unwrap();
}

pub async fn audit_records_come_back_the_newest_first(store: Arc<dyn Metastore>) {
    let (world, ids) = (World::new(store).await, EventIds::default());
    let full = record(&ids, 1);
    let bare = AuditRecord {
        principal: None,
        roles: Vec::new(),
        operation: None,
        catalog: None,
        securable: None,
        status: 401,
        missing: Some("CATALOG_LIST on the realm".to_owned()),
        credential: None,
        ..record(&ids, 2)
    };

    add(&world, &[bare.clone(), full.clone()]).await;
    // What may have been kept is kept again.
    add(&world, std::slice::from_ref(&full)).await;
    add(&world, &[]).await;

    assert_eq!(found(&world, &AuditQuery::newest(10)).await, [bare.clone(), full.clone()]);
    assert_eq!(found(&world, &AuditQuery::newest(1)).await, std::slice::from_ref(&bare));
    let older = AuditQuery { before: Some(bare.id), ..AuditQuery::newest(10) };
    assert_eq!(found(&world, &older).await, std::slice::from_ref(&full));
    let oldest = AuditQuery { before: Some(full.id), ..AuditQuery::newest(10) };
    assert!(found(&world, &oldest).await.is_empty());
}

pub async fn audit_records_are_found_by_what_they_say(store: Arc<dyn Metastore>) {
    let (world, ids) = (World::new(store).await, EventIds::default());
    let text = |text: &str| Some(text.to_owned());
    let first = record(&ids, 0);
    let operation = AuditRecord { operation: text("DROP"), ..record(&ids, 1) };
    let catalog = AuditRecord { catalog: text("sea"), ..record(&ids, 2) };
    let securable = AuditRecord { securable: text("x"), ..record(&ids, 3) };
    let principal = AuditRecord { principal: text("bob"), ..record(&ids, 4) };
    let all = [first, operation, catalog, securable, principal];
    add(&world, &all).await;

    let none = AuditQuery::newest(10);
    for (number, query) in [
        (1, AuditQuery { operation: text("DROP"), ..none.clone() }),
        (2, AuditQuery { catalog: text("sea"), ..none.clone() }),
        (3, AuditQuery { securable: text("x"), ..none.clone() }),
        (4, AuditQuery { principal: text("bob"), ..none.clone() }),
        (0, AuditQuery { request_id: text("request-0"), ..none.clone() }),
        (0, AuditQuery { until_ms: Some(AT_MS + 1), ..none.clone() }),
        (4, AuditQuery { since_ms: Some(AT_MS + 4), ..none.clone() }),
        (2, AuditQuery { since_ms: Some(AT_MS + 2), until_ms: Some(AT_MS + 3), ..none.clone() }),
        (0, AuditQuery { until_ms: Some(AT_MS + 9), before: Some(all[1].id), ..none.clone() }),
    ] {
        assert_eq!(found(&world, &query).await, [all[number].clone()], "{query:?}");
    }
    let nothing = AuditQuery { principal: text("bob"), catalog: text("sea"), ..none.clone() };
    assert!(found(&world, &nothing).await.is_empty());
    let unknown = AuditQuery { principal: text("al\0ice"), ..none };
    assert!(found(&world, &unknown).await.is_empty());
}

pub async fn audit_records_go_with_their_realm_and_once_they_are_too_old(
    store: Arc<dyn Metastore>,
) {
    let (world, ids) = (World::new(Arc::clone(&store)).await, EventIds::default());
    let other = World::in_realm(Arc::clone(&store), "other").await;
    let all: Vec<_> = (0..4).map(|after_ms| record(&ids, after_ms)).collect();
    add(&world, &all).await;
    add(&other, &all).await;
    let count = async |of: &World| found(of, &AuditQuery::newest(10)).await.len();

    let realms = [world.realm.clone(), other.realm.clone()];
    let forget = async |realms: &[RealmId], after_ms: i64, limit: u32| {
        store.forget_audit_records(realms, AT_MS + after_ms, limit).await.unwrap()
    };

    assert_eq!(forget(&realms, 0, 10).await, 0);
    assert_eq!(forget(&realms, 1, 10).await, 2);
    assert_eq!(forget(&realms[1..], 4, 2).await, 2);
    assert_eq!((count(&world).await, count(&other).await), (3, 1));
    assert!(store.purge(&other.realm).await.unwrap());

    assert_eq!((count(&world).await, count(&other).await), (3, 0));
    let result = store.add_audit_records(&RealmId::new("nowhere"), &all).await;
    assert!(matches!(result, Err(Error::ParentGone)), "{result:?}");
}
