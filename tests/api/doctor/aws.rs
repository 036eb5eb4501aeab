//! Catalogs in the double of AWS.

use std::time::Duration;

use merak_doubles::aws::{self, Fault};
use merak_model::Privilege;
use merak_tests::TestServer;
use serde_json::{Value, json};

use super::{Expected, all_passed_but, assert_failed, diagnose_catalog, make_catalog};

const STEPS: [&str; 10] = [
    "configuration",
    "endpoint",
    "identity",
    "assume-role",
    "list",
    "write",
    "read",
    "delete",
    "refused-outside",
    "server-access",
];

struct Cloud {
    cloud: aws::Running,
    server: TestServer,
}

impl Cloud {
    async fn start() -> Self {
        Self::start_with(&[]).await
    }

    async fn start_with(settings: &[(&str, &str)]) -> Self {
        let cloud = aws::start().await;
        let (key, secret) = (cloud.access_key_id.clone(), cloud.secret_access_key.clone());
        Self::with_keys(cloud, &key, &secret, settings).await
    }

    async fn with_keys(
        cloud: aws::Running,
        key: &str,
        secret: &str,
        settings: &[(&str, &str)],
    ) -> Self {
        let keys =
            [("polaris.storage.aws.access-key", key), ("polaris.storage.aws.secret-key", secret)];
        let settings: Vec<_> = keys.into_iter().chain(settings.iter().copied()).collect();
        let server = TestServer::start_with(&settings).await;
        Self { cloud, server }
    }

    fn base(&self, folder: &str) -> String {
        format!("s3://{}/{folder}", self.cloud.bucket)
    }

    /// The storage of a catalog in a folder of the bucket.
    fn storage(&self, folder: &str) -> Value {
        json!({
            "storageType": "S3",
            "allowedLocations": [self.base(folder)],
            "roleArn": self.cloud.role_arn,
            "externalId": self.cloud.external_id,
            "region": self.cloud.region,
            "endpoint": self.cloud.endpoint,
            "pathStyleAccess": true,
            "kmsUnavailable": true,
        })
    }

    /// The diagnosis of a catalog with these parts of its storage.
    async fn diagnose(&self, storage: Value) -> Value {
        let folder = uuid::Uuid::new_v4().simple().to_string();
        let bucket = storage["bucket"].as_str().unwrap_or(&self.cloud.bucket);
        let base = format!("s3://{bucket}/{folder}");
        let mut config = self.storage(&folder);
        config["allowedLocations"] = json!([base]);
        for (key, value) in storage.as_object().expect("an object") {
            if key != "bucket" {
                config[key] = value.clone();
            }
        }
        let name = make_catalog(&self.server, &base, config).await;
        diagnose_catalog(&self.server, &name).await
    }

    /// Changes the policy of the role, whose actions these are.
    fn let_the_role(&self, actions: &Value) {
        let bucket = format!("arn:aws:s3:::{}", self.cloud.bucket);
        let policy = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": actions, "Resource": [bucket, format!("{bucket}/*")],
        }]});
        let role = json!({"name": "lake", "policy": policy});
        self.cloud.set("roles", &role).unwrap();
    }
}

#[tokio::test]
async fn what_is_set_up_well_passes_and_leaves_nothing_behind() {
    let cloud = Cloud::start().await;

    let diagnosis = cloud.diagnose(json!({})).await;

    all_passed_but(&diagnosis, &STEPS, &[]);
    assert_eq!(cloud.cloud.keys(), Vec::<String>::new());
    let identity = diagnosis["steps"][2]["detail"].as_str().unwrap();
    assert!(identity.contains(&cloud.cloud.user_arn), "{identity}");
    let text = diagnosis.to_string();
    assert!(!text.contains(&cloud.cloud.secret_access_key), "{text}");
}

#[tokio::test]
async fn a_trust_that_misses_a_half_is_told_with_both() {
    let cloud = Cloud::start().await;
    let trust = |principal: &str| {
        json!({"name": "lake", "trust": {"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole",
        }]}})
    };
    cloud.cloud.set("roles", &trust("arn:aws:iam::111122223333:user/dog")).unwrap();
    let expected = Expected {
        step: "assume-role",
        said: "is not authorized to perform: sts:AssumeRole",
        cause: "does not name arn:aws:iam::111122223333:user/cat",
        remedy: "aws iam update-assume-role-policy --role-name lake",
    };

    assert_failed(&cloud.diagnose(json!({})).await, &expected);

    // The other half.
    cloud.cloud.set("roles", &trust(&cloud.cloud.user_arn)).unwrap();
    assert_eq!(cloud.diagnose(json!({})).await["healthy"], true);
    cloud.cloud.set("users", &json!({"name": "cat", "policy": null})).unwrap();
    let expected = Expected {
        cause: "lets it assume",
        remedy: "aws iam put-user-policy --user-name cat",
        ..expected
    };
    assert_failed(&cloud.diagnose(json!({})).await, &expected);
}

#[tokio::test]
async fn a_role_that_is_another_is_told() {
    let cloud = Cloud::start().await;
    for (storage, cause, remedy) in [
        (
            json!({"externalId": "another"}),
            "wants another external id than 'another'",
            "\"sts:ExternalId\": \"another\"",
        ),
        (
            json!({"externalId": null}),
            "wants an external id, and the catalog has none",
            "get-role --role-name lake",
        ),
        (
            json!({"roleArn": "arn:aws:iam::444455556666:role/nobody"}),
            "there is no such role",
            "aws iam get-role --role-name nobody",
        ),
    ] {
        let diagnosis = cloud.diagnose(storage).await;

        let said = "sts:AssumeRole";
        assert_failed(&diagnosis, &Expected { step: "assume-role", said, cause, remedy });
    }
}

#[tokio::test]
async fn the_server_s_own_keys_are_told_apart_from_the_role() {
    for (key, secret, said, cause) in [
        (None, Some("wrong"), "SignatureDoesNotMatch", "The server's secret key does not belong"),
        (Some("AKIAUNKNOWN000000000"), None, "InvalidClientTokenId", "does not know the server's"),
    ] {
        let cloud = aws::start().await;
        let (own, own_secret) = (cloud.access_key_id.clone(), cloud.secret_access_key.clone());
        let cloud =
            Cloud::with_keys(cloud, key.unwrap_or(&own), secret.unwrap_or(&own_secret), &[]).await;

        let diagnosis = cloud.diagnose(json!({})).await;

        let remedy = "AWS_SECRET_ACCESS_KEY";
        assert_failed(&diagnosis, &Expected { step: "identity", said, cause, remedy });
    }
}

#[tokio::test]
async fn a_wrong_region_is_told_with_the_right_one() {
    let cloud = Cloud::start().await;
    cloud.cloud.configure(|settings| settings.sts_region = None);

    let diagnosis = cloud.diagnose(json!({"region": "us-east-2"})).await;

    assert_failed(
        &diagnosis,
        &Expected {
            step: "list",
            said: "AuthorizationHeaderMalformed",
            cause: "is in eu-central-1, and the catalog says us-east-2",
            remedy: "{\"storageConfigInfo\":{\"region\":\"eu-central-1\"}}",
        },
    );
}

#[tokio::test]
async fn what_the_role_may_not_do_is_told_with_its_policy() {
    let cloud = Cloud::start().await;
    let expected = Expected {
        step: "list",
        said: "s3:ListBucket",
        cause: "The role arn:aws:iam::444455556666:role/lake may not list the bucket",
        remedy: "aws iam put-role-policy --role-name lake",
    };
    cloud.let_the_role(&json!(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]));
    assert_failed(&cloud.diagnose(json!({})).await, &expected);

    cloud.let_the_role(&json!(["s3:ListBucket", "s3:GetObject", "s3:DeleteObject"]));
    let expected = Expected {
        step: "write",
        said: "s3:PutObject",
        cause: "may not write objects",
        ..expected
    };
    assert_failed(&cloud.diagnose(json!({})).await, &expected);

    cloud.let_the_role(&json!(["s3:ListBucket", "s3:GetObject", "s3:PutObject"]));
    let expected = Expected {
        step: "delete",
        said: "s3:DeleteObject",
        cause: "may not delete objects",
        ..expected
    };
    assert_failed(&cloud.diagnose(json!({})).await, &expected);
}

#[tokio::test]
async fn a_bucket_or_store_that_is_not_there_is_told() {
    let cloud = Cloud::start().await;

    let no_bucket = cloud.diagnose(json!({"bucket": "nowhere"})).await;
    let no_store = cloud.diagnose(json!({"endpoint": "http://127.0.0.1:1"})).await;

    assert_failed(
        &no_bucket,
        &Expected {
            step: "list",
            said: "NoSuchBucket",
            cause: "There is no bucket nowhere",
            remedy: "aws s3 mb s3://nowhere",
        },
    );
    assert_failed(
        &no_store,
        &Expected {
            step: "endpoint",
            said: "refused",
            cause: "Nobody answers at http://127.0.0.1:1",
            remedy: "curl -sv http://127.0.0.1:1",
        },
    );
}

#[tokio::test]
async fn credentials_that_live_longer_than_the_role_allows_are_told() {
    let lifetime = [("polaris.features.\"STORAGE_CREDENTIAL_DURATION_SECONDS\"", "7200")];
    let cloud = Cloud::start_with(&lifetime).await;

    let diagnosis = cloud.diagnose(json!({})).await;

    assert_failed(
        &diagnosis,
        &Expected {
            step: "assume-role",
            said: "MaxSessionDuration",
            cause: "longer than the role allows",
            remedy: "--max-session-duration 7200",
        },
    );
}

#[tokio::test]
async fn a_catalog_is_diagnosed_by_one_at_a_time() {
    let cloud = Cloud::start().await;
    let name = make_catalog(&cloud.server, &cloud.base("lake"), cloud.storage("lake")).await;
    let path = format!("/api/management/v1/catalogs/{name}/diagnose");
    let root = cloud.server.root().await;
    cloud.cloud.fail(Fault::late("sts", 1, Duration::from_millis(500)));

    let (first, second) = tokio::join!(root.post(&path, json!({})), root.post(&path, json!({})));

    let mut answers = [first, second];
    answers.sort_by_key(|answer| answer.status);
    assert_eq!(answers[0].status, 200, "{}", answers[0].text());
    let error = answers[1].error();
    assert!(error.starts_with("409 ") && error.contains("being diagnosed already"), "{error}");
    let _ = root.post(&path, json!({})).await.expect(200);
}

#[tokio::test]
async fn a_cloud_that_is_silent_is_not_waited_for_longer_than_it_was_said() {
    let cloud = Cloud::start_with(&[("merak.doctor.timeout", "300ms")]).await;
    cloud.cloud.fail(Fault::late("sts", 100, Duration::from_secs(20)).only("AssumeRole"));
    let begun = std::time::Instant::now();

    let diagnosis = cloud.diagnose(json!({})).await;

    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let said = "no answer in time (merak.doctor.timeout)";
    let failed = &diagnosis["steps"][3];
    assert_eq!(failed["name"], "assume-role", "{diagnosis:#}");
    assert!(failed["detail"].as_str().unwrap().contains(said), "{diagnosis:#}");
}

#[tokio::test]
async fn where_nothing_is_vended_the_server_s_own_way_is_tried() {
    let cloud = Cloud::start().await;
    let own = json!({"stsUnavailable": true, "roleArn": null, "externalId": null});

    let diagnosis = cloud.diagnose(own).await;

    // The user is of another account than the bucket.
    assert_failed(
        &diagnosis,
        &Expected {
            step: "server-access",
            said: "AccessDenied",
            cause: "has no role to act in",
            remedy: "s3:PutObject",
        },
    );
    assert_eq!(diagnosis["steps"][3]["outcome"], "not-applicable");
    assert_eq!(cloud.cloud.count("AssumeRole"), 0);
}

#[tokio::test]
async fn what_would_be_vended_is_told_and_no_cloud_is_asked() {
    let cloud = Cloud::start().await;
    let name = make_catalog(&cloud.server, &cloud.base("lake"), cloud.storage("lake")).await;
    cloud.server.create_namespace(&name, "sky").await;
    let _ = cloud.server.create_table(&name, "sky", "stars").await;
    let _ = cloud.server.principal("ana").await;
    cloud.server.grant("ana", Privilege::TableReadData, &name, None, None).await;
    cloud.cloud.forget_calls();

    let path = format!(
        "/api/management/v1/catalogs/{name}/explain-policy?namespace=sky&table=stars&principal=ana"
    );
    let told = cloud.server.root().await.get(&path).await.expect(200).json();

    assert_eq!(told["access"], "read", "{told:#}");
    assert_eq!(told["policy"]["roleArn"], cloud.cloud.role_arn);
    let policy = told["policy"]["policy"].to_string();
    assert!(policy.contains("lake/sky/stars") && policy.contains("s3:GetObject"), "{policy}");
    assert!(!policy.contains("s3:PutObject"), "{policy}");
    assert_eq!(cloud.cloud.calls().len(), 0);
}
