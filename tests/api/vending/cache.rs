//! How often the cloud is called.

use std::sync::Arc;

use merak_model::{Clock, Privilege};
use merak_tests::TestClock;
use serde_json::json;

use super::{AwsLake, access_key, credentials_of};
use crate::fixtures::route;

#[tokio::test]
async fn a_thousand_loads_of_a_hundred_tables_call_the_cloud_a_hundred_times() {
    let lake = AwsLake::start().await;
    for n in 0..100 {
        lake.create_table(&format!("t{n}")).await;
    }
    lake.cloud.forget_calls();
    let reader = lake.principal("reader", &[Privilege::TableReadData]).await;
    let other = lake.principal("other", &[Privilege::TableReadData]).await;

    for round in 0..10 {
        let caller = if round % 2 == 0 { &reader } else { &other };
        for n in 0..100 {
            let _ = caller.get(&route(&format!("t{n}"))).await.expect(200);
        }
    }

    assert_eq!(lake.cloud.count("AssumeRole"), 100);
}

#[tokio::test]
async fn many_who_ask_at_once_wait_for_one_call() {
    let lake = AwsLake::start().await;
    lake.create_table("orders").await;
    lake.cloud.forget_calls();
    let root = lake.engineer().await;

    let loads = (0..32).map(|_| credentials_of(&root, "orders"));
    let all = futures::future::join_all(loads).await;

    let first = access_key(&all[0]);
    assert!(all.iter().all(|one| access_key(one) == first));
    assert_eq!(lake.cloud.count("AssumeRole"), 1);
}

#[tokio::test]
async fn they_are_minted_again_ahead_and_the_tag_changes_with_them() {
    let clock = TestClock::new();
    let dyn_clock: Arc<dyn Clock> = Arc::new(clock.clone());
    let lake = AwsLake::start_at(&[], json!({}), dyn_clock).await;
    lake.create_table("orders").await;
    let root = lake.engineer().await;
    let first = root.get(&route("orders")).await.expect(200);
    let tag = first.header("etag").unwrap().to_owned();
    let known = root.with_header("If-None-Match", &tag);
    let _ = known.get(&route("orders")).await.expect(304);
    let key = access_key(&first.json()["storage-credentials"][0]);

    clock.advance_s(1800);
    // Still good: it is answered at once, and the newer ones are minted meanwhile.
    assert_eq!(access_key(&credentials_of(&root, "orders").await), key);
    while access_key(&credentials_of(&root, "orders").await) == key {
        tokio::task::yield_now().await;
    }

    let again = known.get(&route("orders")).await.expect(200);
    assert_ne!(again.header("etag").unwrap(), tag);
}

#[tokio::test]
async fn each_access_has_credentials_of_its_own() {
    let lake = AwsLake::start().await;
    lake.create_table("orders").await;
    let reader = lake.principal("reader", &[Privilege::TableReadData]).await;
    let writer = lake.principal("writer", &[Privilege::TableWriteData]).await;

    let read = access_key(&credentials_of(&reader, "orders").await);
    let write = access_key(&credentials_of(&writer, "orders").await);

    assert_ne!(read, write);
}
