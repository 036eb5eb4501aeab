//! Generic tables that are made and dropped at once.

use merak_tests::schema;
use serde_json::json;

use super::{GENERIC_TABLES, draft, draft_at, names, route};
use crate::fixtures::{TABLES, lake};

#[tokio::test]
async fn of_those_that_want_one_name_one_gets_it() {
    let server = lake().await;
    let root = server.root().await;
    for number in 0..8 {
        let name = format!("n{number}");
        let table = json!({"name": name, "schema": schema()});

        let (one, other, third) = tokio::join!(
            root.post(GENERIC_TABLES, draft(&name)),
            root.post(TABLES, table),
            root.post(GENERIC_TABLES, draft(&name)),
        );

        let mut statuses = [one, other, third].map(|answer| answer.status.as_u16());
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409, 409]);
    }
}

#[tokio::test]
async fn of_those_that_want_one_place_one_gets_it() {
    let server = lake().await;
    let root = server.root().await;
    for number in 0..8 {
        let place = format!("{}/sales/p{number}", server.location("lake"));
        let inside = format!("{place}/inside");
        let (a, b, c) = (format!("a{number}"), format!("b{number}"), format!("c{number}"));
        let table = json!({"name": c, "schema": schema(), "location": place});

        let (one, other, third) = tokio::join!(
            root.post(GENERIC_TABLES, draft_at(&a, &place)),
            root.post(GENERIC_TABLES, draft_at(&b, &inside)),
            root.post(TABLES, table),
        );

        let mut statuses = [one, other, third].map(|answer| answer.status.as_u16());
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 403, 403]);
    }
}

#[tokio::test]
async fn of_two_drops_one_finds_it() {
    let server = lake().await;
    let root = server.root().await;
    for _ in 0..8 {
        let _ = root.post(GENERIC_TABLES, draft("g")).await.expect(200);
        let path = route("g");

        let (one, other) = tokio::join!(root.delete(&path), root.delete(&path));

        let mut statuses = [one, other].map(|answer| answer.status.as_u16());
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 404]);
    }
    assert!(names(&root.get(GENERIC_TABLES).await.expect(200)).is_empty());
}
