//! Events of what is done in another catalog.

use merak_tests::schema;
use serde_json::json;

use super::{Pair, TABLES, kind};
use crate::events::KEPT;

#[tokio::test]
async fn what_is_changed_in_the_other_catalog_is_told_once_it_is_done() {
    let pair = Pair::start_with(&[KEPT]).await;
    pair.front.create_namespace("mirror", "sales").await;
    let here = pair.front.root().await;
    let body = json!({"name": "orders", "schema": schema()});
    let _ = here.post(TABLES, body.clone()).await.expect(200);
    let again = here.with_header("X-Request-ID", "again").post(TABLES, body).await;
    assert_eq!(kind(&again), "409 AlreadyExistsException");
    let dropping = here.with_header("X-Request-ID", "dropping");
    let _ = dropping.delete(&format!("{TABLES}/orders")).await.expect(204);

    pair.front.parts.service.write_gathered().await.unwrap();
    let of = async |id: &str| {
        let path = format!("/api/management/v1/events?requestId={id}");
        let found = here.get(&path).await.expect(200).json();
        let events = found["events"].as_array().unwrap().iter().rev();
        events
            .map(|event| {
                let text = |key: &str| event[key].as_str().unwrap().to_owned();
                format!("{} {} {}", text("type"), text("catalog"), text("resource"))
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(
        of("dropping").await,
        ["BEFORE_DROP_TABLE mirror sales.orders", "AFTER_DROP_TABLE mirror sales.orders"]
    );
    assert_eq!(of("again").await, ["BEFORE_CREATE_TABLE mirror sales"]);
}
