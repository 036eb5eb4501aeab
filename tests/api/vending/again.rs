//! Credentials in answers that are given again under an idempotency key.

use std::sync::Arc;

use merak_doubles::aws::Fault;
use merak_model::Privilege;
use merak_tests::{TestClock, schema};
use serde_json::{Value, json};

use super::{AwsLake, access_key, asking};
use crate::fixtures::{TABLES, route};

const KEY: &str = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";

fn credentials(answer: &Value) -> &Value {
    &answer["storage-credentials"][0]
}

#[tokio::test]
async fn an_answer_that_is_given_again_has_credentials_of_now() {
    let clock = TestClock::new();
    let lake = AwsLake::start_at(&[], json!({}), Arc::new(clock.clone())).await;
    let engineer = lake.engineer().await.with_header("Idempotency-Key", KEY);
    let body = json!({"name": "t", "schema": schema()});

    let first = engineer.post(TABLES, body.clone()).await.expect(200).json();
    let again = engineer.post(TABLES, body.clone()).await.expect(200).json();
    assert_eq!(again["metadata"], first["metadata"]);
    assert!(credentials(&again)["config"]["s3.secret-access-key"].is_string(), "{again}");

    // Those of the first answer would end soon; nobody keeps them for the second.
    clock.advance_s(29 * 60);
    let later = engineer.post(TABLES, body.clone()).await.expect(200).json();
    assert_eq!(later["metadata"], first["metadata"]);
    assert_eq!(later["config"], first["config"]);
    let _ = access_key(credentials(&later));
}

#[tokio::test]
async fn credentials_are_for_the_table_of_the_answer_and_for_who_may_have_them_now() {
    let lake = AwsLake::start().await;
    let root = lake.server.root().await;
    let engineer = lake.engineer().await.with_header("Idempotency-Key", KEY);
    let body = json!({"name": "t", "schema": schema()});
    let first = engineer.post(TABLES, body.clone()).await.expect(200).json();

    // The table is gone, and then there is another of its name.
    let _ = root.delete(&route("t")).await.expect(204);
    let again = engineer.post(TABLES, body.clone()).await.expect(200).json();
    assert_eq!(again["metadata"], first["metadata"]);
    assert!(again.get("storage-credentials").is_none(), "{again}");
    lake.create_table("t").await;
    let again = engineer.post(TABLES, body.clone()).await.expect(200).json();
    assert_eq!(again["metadata"], first["metadata"]);
    assert!(again.get("storage-credentials").is_none(), "{again}");

    // Somebody who may register, and may not read.
    let ana = lake.server.principal("ana").await;
    for privilege in [Privilege::TableCreate, Privilege::TableReadProperties] {
        lake.server.grant("ana", privilege, "lake", None, None).await;
    }
    let _ = root.delete(&route("t")).await.expect(204);
    let body = json!({"name": "t", "metadata-location": first["metadata-location"]});
    let register = TABLES.replace("/tables", "/register");
    let ana = asking(&ana).with_header("Idempotency-Key", KEY);
    for _ in 0..2 {
        let told = ana.post(&register, body.clone()).await.expect(200).json();
        assert_eq!(told["metadata"], first["metadata"]);
        assert!(told.get("storage-credentials").is_none(), "{told}");
    }
}

#[tokio::test]
async fn a_failure_of_the_cloud_is_not_remembered() {
    let lake = AwsLake::start().await;
    let engineer = lake.engineer().await.with_header("Idempotency-Key", KEY);
    let body = json!({"name": "t", "schema": schema()});
    lake.cloud.fail(Fault::failing("sts", 8, 503, "ServiceUnavailable"));

    let mut failures = 0;
    let made = loop {
        let answer = engineer.post(TABLES, body.clone()).await;
        if answer.status != 503 {
            break answer.expect(200);
        }
        failures += 1;
        assert!(failures <= 8, "{}", answer.text());
    };

    assert!(failures > 0);
    let again = engineer.post(TABLES, body.clone()).await.expect(200);
    assert_eq!(again.json()["metadata"], made.json()["metadata"]);
}
