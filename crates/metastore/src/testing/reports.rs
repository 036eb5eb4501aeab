//! Reports of what engines did.

use super::*;
use crate::{FoundReport, MetricsReport, ReportKind, ReportsOf, ReportsQuery};

/// A realm with a table that reports are about.
struct Lake {
    world: World,
    catalog: Entity,
    table: Entity,
}

impl Lake {
    async fn new(store: Arc<dyn Metastore>) -> Self {
        Self::in_world(World::new(store).await).await
    }

    async fn in_world(world: World) -> Self {
        let catalog = world.make_catalog("lake").await;
        let parent = world.make_namespace(&catalog, &["a", "b"]).await;
        let table = world.make_table(&parent, "t").await;
        Self { world, catalog, table }
    }

    fn report(&self, id: i64, created_ms: i64, kind: ReportKind) -> MetricsReport {
        MetricsReport {
            id: EntityId(id),
            catalog_id: self.catalog.id,
            table_id: self.table.id,
            kind,
            created_ms,
            principal: "alice".to_owned(),
            request_id: format!("request-{id}"),
            snapshot_id: Some(i64::MAX - id),
            report: format!(r#"{{"number": {id}, "text": "größe \"x\""}}"#),
        }
    }

    async fn add(&self, report: &MetricsReport) {
        self.world.store.add_report(&self.world.realm, report).await.unwrap();
    }

    async fn found(&self, query: &ReportsQuery) -> Vec<FoundReport> {
        self.world.store.reports(&self.world.realm, query).await.unwrap()
    }

    async fn ids(&self, query: &ReportsQuery) -> Vec<i64> {
        self.found(query).await.into_iter().map(|found| found.report.id.0).collect()
    }

    fn all(&self) -> ReportsQuery {
        all_of(ReportsOf::Catalog(self.catalog.id))
    }
}

fn all_of(of: ReportsOf) -> ReportsQuery {
    ReportsQuery { of, kind: None, from_ms: None, to_ms: None, older_than: None, limit: 100 }
}

pub async fn reports_come_back_the_newest_first(store: Arc<dyn Metastore>) {
    let lake = Lake::new(store).await;
    let first = lake.report(7, 100, ReportKind::Scan);
    let mut second = lake.report(5, 101, ReportKind::Commit);
    second.snapshot_id = None;
    // Of the same moment: the greater id comes first.
    let third = lake.report(9, 101, ReportKind::Scan);
    let mut elsewhere = lake.report(8, 102, ReportKind::Scan);
    elsewhere.table_id = EntityId(4711);
    for report in [&first, &second, &third, &elsewhere] {
        lake.add(report).await;
    }

    let found = lake.found(&lake.all()).await;
    let reports: Vec<_> = found.iter().map(|found| &found.report).collect();
    assert_eq!(reports, [&elsewhere, &third, &second, &first]);
    let tables: Vec<_> = found.into_iter().map(|found| found.table).collect();
    let t = Some((namespace(&["a", "b"]), "t".to_owned()));
    assert_eq!(tables, [None, t.clone(), t.clone(), t]);
    assert_eq!(lake.ids(&all_of(ReportsOf::Table(lake.table.id))).await, [9, 5, 7]);
    assert_eq!(lake.ids(&all_of(ReportsOf::Table(EntityId(4711)))).await, [8]);
    assert!(lake.ids(&all_of(ReportsOf::Catalog(EntityId(4711)))).await.is_empty());
}

pub async fn reports_are_found_by_their_kind_and_their_time(store: Arc<dyn Metastore>) {
    let lake = Lake::new(store).await;
    for (id, created_ms, kind) in [
        (1, 100, ReportKind::Scan),
        (2, 200, ReportKind::Commit),
        (3, 300, ReportKind::Scan),
        (4, 400, ReportKind::Commit),
    ] {
        lake.add(&lake.report(id, created_ms, kind)).await;
    }

    for of in [ReportsOf::Catalog(lake.catalog.id), ReportsOf::Table(lake.table.id)] {
        let of_kind = |kind| ReportsQuery { kind: Some(kind), ..all_of(of) };
        assert_eq!(lake.ids(&of_kind(ReportKind::Scan)).await, [3, 1]);
        assert_eq!(lake.ids(&of_kind(ReportKind::Commit)).await, [4, 2]);
        let between = |from_ms, to_ms| ReportsQuery {
            from_ms: Some(from_ms),
            to_ms: Some(to_ms),
            ..all_of(of)
        };
        assert_eq!(lake.ids(&between(200, 400)).await, [3, 2]);
        assert_eq!(lake.ids(&between(201, 401)).await, [4, 3]);
        assert!(lake.ids(&between(401, i64::MAX)).await.is_empty());
        assert!(lake.ids(&between(300, 300)).await.is_empty());
        assert_eq!(lake.ids(&between(i64::MIN, i64::MAX)).await, [4, 3, 2, 1]);
        let commits = ReportsQuery { to_ms: Some(400), ..of_kind(ReportKind::Commit) };
        assert_eq!(lake.ids(&commits).await, [2]);
    }
}

pub async fn pages_of_reports_follow_one_another_without_gaps(store: Arc<dyn Metastore>) {
    let lake = Lake::new(store).await;
    let mut expected = Vec::new();
    for id in 1..=9 {
        // Three come in each millisecond.
        lake.add(&lake.report(id, 100 + id / 3, ReportKind::Scan)).await;
        expected.insert(0, id);
    }
    let mut next_id = 1000;

    for limit in 1..=4 {
        for of in [ReportsOf::Catalog(lake.catalog.id), ReportsOf::Table(lake.table.id)] {
            let mut seen = Vec::new();
            let mut older_than = None;
            loop {
                let page = lake.found(&ReportsQuery { older_than, limit, ..all_of(of) }).await;
                assert!(page.len() <= limit as usize);
                let Some(last) = page.last() else { break };
                older_than = Some((last.report.created_ms, last.report.id));
                seen.extend(page.into_iter().map(|found| found.report.id.0));
                // What comes meanwhile is newer, and disturbs no page.
                lake.add(&lake.report(next_id, next_id, ReportKind::Scan)).await;
                next_id += 1;
            }
            seen.retain(|id| *id < 1000);
            assert_eq!(seen, expected, "{limit}");
        }
    }
}

pub async fn reports_outlive_their_table_and_not_their_realm(store: Arc<dyn Metastore>) {
    let lake = Lake::new(Arc::clone(&store)).await;
    let other = Lake::in_world(World::in_realm(store, "other").await).await;
    let report = lake.report(1, 100, ReportKind::Scan);
    lake.add(&report).await;
    // The same ids in another realm are others' ids.
    let mut others = other.report(1, 100, ReportKind::Scan);
    (others.catalog_id, others.table_id) = (lake.catalog.id, lake.table.id);
    others.principal = "bob".to_owned();
    other.add(&others).await;

    lake.world.apply(&[drop_of(&lake.table)]).await.unwrap();
    let found = lake.found(&lake.all()).await;
    assert_eq!(found, [FoundReport { report, table: None }]);
    assert!(lake.world.store.purge(&lake.world.realm).await.unwrap());
    assert!(lake.found(&lake.all()).await.is_empty());
    let found = other.found(&lake.all()).await;
    assert_eq!(found, [FoundReport { report: others, table: None }]);
}

pub async fn a_report_in_a_realm_that_is_not_there_is_refused(store: Arc<dyn Metastore>) {
    let lake = Lake::new(store).await;
    let report = lake.report(1, 100, ReportKind::Scan);

    let result = lake.world.store.add_report(&RealmId::new("nowhere"), &report).await;

    assert!(matches!(result, Err(Error::ParentGone)), "{result:?}");
}

pub async fn reports_of_all_realms_are_forgotten_once_they_are_too_old(store: Arc<dyn Metastore>) {
    let lake = Lake::new(Arc::clone(&store)).await;
    let other = Lake::in_world(World::in_realm(Arc::clone(&store), "other").await).await;
    for (id, created_ms) in [(1, 100), (2, 200), (3, 300)] {
        lake.add(&lake.report(id, created_ms, ReportKind::Scan)).await;
        other.add(&other.report(id, created_ms, ReportKind::Commit)).await;
    }

    assert_eq!(store.forget_reports(100, 10).await.unwrap(), 0);
    assert_eq!(store.forget_reports(101, 10).await.unwrap(), 2);
    assert_eq!(lake.ids(&lake.all()).await, [3, 2]);
    assert_eq!(other.ids(&other.all()).await, [3, 2]);
    // The oldest go first, and no more than may.
    assert_eq!(store.forget_reports(301, 3).await.unwrap(), 3);
    let left = lake.ids(&lake.all()).await.len() + other.ids(&other.all()).await.len();
    assert_eq!(left, 1);
    assert_eq!(store.forget_reports(301, 3).await.unwrap(), 1);
    assert_eq!(store.forget_reports(301, 3).await.unwrap(), 0);
}
