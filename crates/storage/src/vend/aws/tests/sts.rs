//! What STS is asked, and what is made of its answers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use insta::assert_json_snapshot;
use merak_model::{RealmId, StorageConfig};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::{ROLE, grant};
use crate::aws_identity::{AwsEnvironment, AwsIdentities};
use crate::io::tests::http_double::{Fault, HttpDouble};
use crate::vend::{CloudSecret, CredentialVendor, DataAccess, Session, VendError, VendRequest};
use crate::{AwsKeys, AwsVendor, CallerIdentity, StorageSettings};

const MINTED: &str = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
    <AssumeRoleResult><Credentials><AccessKeyId>ASIAMINTED</AccessKeyId>\
    <SecretAccessKey>hunter8</SecretAccessKey><SessionToken>token-hunter8</SessionToken>\
    <Expiration>2030-01-02T03:04:05Z</Expiration></Credentials></AssumeRoleResult>\
    </AssumeRoleResponse>";

macro_rules! refusal {
    ($code:literal, $message:literal) => {
        concat!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>",
            $code,
            "</Code><Message>",
            $message,
            "</Message></Error><RequestId>r</RequestId></ErrorResponse>"
        )
    };
}

fn settings() -> StorageSettings {
    StorageSettings {
        aws_access_key: Some("AKIDTEST".into()),
        aws_secret_key: Some("hunter2".into()),
        request_timeout: Duration::from_secs(1),
        connect_timeout: Duration::from_secs(1),
        retry_timeout: Duration::from_secs(4),
        ..StorageSettings::default()
    }
}

fn vendor(settings: &StorageSettings) -> AwsVendor {
    let nothing = AwsEnvironment::of([("AWS_EC2_METADATA_DISABLED", "true")]);
    let identities = Arc::new(AwsIdentities::new(settings, &nothing));
    AwsVendor::new(settings, &nothing, &identities)
}

fn config(more: &serde_json::Value) -> StorageConfig {
    let mut config = json!({"storageType": "S3", "allowedLocations": ["s3://lake"]});
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    StorageConfig::from_json(&config.to_string()).unwrap()
}

fn request(config: StorageConfig) -> VendRequest {
    VendRequest {
        realm: RealmId::new("POLARIS"),
        config,
        grant: grant(DataAccess::Read, &["s3://lake/db/t"]),
        session: Session::default(),
        lifetime: Duration::from_hours(1),
    }
}

fn at(double: &HttpDouble) -> VendRequest {
    request(config(&json!({"roleArn": ROLE, "stsEndpoint": double.url, "region": "eu-west-1"})))
}

#[expect(clippy::disallowed_methods, reason = "to compare it")]
fn shown(secret: &SecretString) -> &str {
    secret.expose_secret()
}

fn form(body: &[u8]) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(body).into_owned().collect()
}

#[tokio::test]
async fn a_session_of_the_role_is_asked_for_and_told_as_it_is() {
    let double = HttpDouble::start().await;
    double.fail([Fault::Answer(200, MINTED)]);
    let mut request = at(&double);
    request.config = config(&json!({
        "roleArn": ROLE, "externalId": "e", "stsEndpoint": double.url, "region": "eu-west-1",
    }));
    request.session = Session {
        name: Some("polaris-jäger@x y".to_owned()),
        tags: vec![
            ("polaris:realm".to_owned(), "r".to_owned()),
            ("polaris:table".to_owned(), "t".repeat(300)),
        ],
        ..Session::default()
    };
    let vendor = vendor(&settings());

    let minted = vendor.vend(&request).await.unwrap();

    assert_eq!((&*minted.id, minted.expires_at_ms), ("ASIAMINTED", 1_893_553_445_000));
    let CloudSecret::Aws { access_key, secret_key, session_token } = &minted.secret else {
        panic!("{minted:?}")
    };
    assert_eq!(access_key, "ASIAMINTED");
    assert_eq!(shown(secret_key), "hunter8");
    assert_eq!(shown(session_token), "token-hunter8");
    assert!(!format!("{minted:?}{vendor:?}").contains("hunter"));
    let asked = double.requests().pop().unwrap();
    let signature = asked.header("authorization");
    assert!(signature.contains("Credential=AKIDTEST/"), "{signature}");
    assert!(signature.contains("/eu-west-1/sts/aws4_request"), "{signature}");
    let mut form = form(&asked.body);
    let explained = vendor.explain(&request).unwrap();
    assert_eq!(explained["policy"].to_string(), form["Policy"]);
    assert_eq!(explained["policyLength"], form["Policy"].len());
    assert_eq!(explained["tags"]["polaris:table"], "t".repeat(256));
    assert_eq!(form.remove("Tags.member.2.Value"), Some("t".repeat(256)));
    form.remove("Policy");
    assert_json_snapshot!(form, @r#"
    {
      "Action": "AssumeRole",
      "DurationSeconds": "3600",
      "ExternalId": "e",
      "RoleArn": "arn:aws:iam::123456789012:role/lake",
      "RoleSessionName": "polaris-j_ger@x_y",
      "Tags.member.1.Key": "polaris:realm",
      "Tags.member.1.Value": "r",
      "Tags.member.2.Key": "polaris:table",
      "TransitiveTagKeys.member.1": "polaris:realm",
      "TransitiveTagKeys.member.2": "polaris:table",
      "Version": "2011-06-15"
    }
    "#);
}

#[test]
fn what_would_be_asked_is_explained_without_asking() {
    let request = request(config(&json!({"roleArn": ROLE, "externalId": "e"})));

    assert_json_snapshot!(vendor(&settings()).explain(&request).unwrap(), @r#"
    {
      "roleArn": "arn:aws:iam::123456789012:role/lake",
      "externalId": "e",
      "roleSessionName": "PolarisAwsCredentialsStorageIntegration",
      "durationSeconds": 3600,
      "tags": {},
      "policy": {
        "Version": "2012-10-17",
        "Statement": [
          {
            "Effect": "Allow",
            "Action": [
              "s3:GetObject",
              "s3:GetObjectVersion"
            ],
            "Resource": [
              "arn:aws:s3:::lake/db/t/*"
            ]
          },
          {
            "Effect": "Allow",
            "Action": [
              "s3:ListBucket"
            ],
            "Resource": [
              "arn:aws:s3:::lake"
            ],
            "Condition": {
              "StringLike": {
                "s3:prefix": [
                  "db/t",
                  "db/t/*"
                ]
              }
            }
          },
          {
            "Effect": "Allow",
            "Action": [
              "s3:GetBucketLocation"
            ],
            "Resource": [
              "arn:aws:s3:::lake"
            ]
          }
        ]
      },
      "policyLength": 369
    }
    "#);
}

#[test]
fn sessions_are_named_as_sts_takes_it() {
    let double = "http://127.0.0.1:9";
    let name = |name: &str| {
        let mut request = request(config(&json!({"roleArn": ROLE, "stsEndpoint": double})));
        request.session.name = Some(name.to_owned());
        vendor(&settings()).explain(&request).unwrap()["roleSessionName"]
            .as_str()
            .unwrap()
            .to_owned()
    };

    assert_eq!(name(""), "PolarisAwsCredentialsStorageIntegration");
    assert_eq!(name("a"), "a_");
    assert_eq!(name("a b/é:c_+=,.@-Z9"), "a_b___c_+=,.@-Z9");
    assert_eq!(name(&"é".repeat(70)), "_".repeat(64));
}

#[tokio::test]
async fn who_the_server_is_can_be_asked() {
    let double = HttpDouble::start().await;
    double.fail([Fault::Answer(
        200,
        "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::1:user/cat</Arn>\
         <UserId>AIDA</UserId><Account>1</Account></GetCallerIdentityResult>\
         </GetCallerIdentityResponse>",
    )]);

    let found = vendor(&settings()).caller_identity(&at(&double).config).await.unwrap();

    let expected = CallerIdentity {
        account: "1".to_owned(),
        arn: "arn:aws:iam::1:user/cat".to_owned(),
        user_id: "AIDA".to_owned(),
    };
    assert_eq!(found, expected);
    assert_eq!(form(&double.requests()[0].body)["Action"], "GetCallerIdentity");
}

#[tokio::test]
async fn a_catalogs_own_keys_ask_for_its_sessions_and_clients_are_shared() {
    let double = HttpDouble::start().await;
    double.fail(std::iter::repeat_n(Fault::Answer(200, MINTED), 4));
    let gold = AwsKeys {
        access_key: "AKIDGOLD".into(),
        secret_key: "hunter3".into(),
        session_token: Some("token-hunter3".into()),
    };
    let named = [("gold".to_owned(), gold)].into();
    let vendor = vendor(&StorageSettings { aws_named_keys: named, max_clients: 1, ..settings() });
    let mut named = at(&double);
    named.config.storage_name = Some("gold".to_owned());

    for request in [&named, &at(&double), &at(&double), &named] {
        vendor.vend(request).await.unwrap();
    }

    let requests = double.requests();
    for (asked, id) in requests.iter().zip(["AKIDGOLD", "AKIDTEST", "AKIDTEST", "AKIDGOLD"]) {
        let signature = asked.header("authorization");
        assert!(signature.contains(&format!("{id}/")), "{signature} is not of {id}");
    }
    assert_eq!(requests[0].header("x-amz-security-token"), "token-hunter3");
    let keys = vendor.own_keys(&named.config).await.unwrap();
    assert_eq!(shown(&keys.access_key), "AKIDGOLD");
    vendor.run_pending().await;
    assert_eq!(vendor.clients_kept(), 1);
}

#[tokio::test]
async fn a_store_may_know_no_roles_but_aws_does() {
    let double = HttpDouble::start().await;
    double.fail([Fault::Answer(200, MINTED)]);
    let vendor = vendor(&settings());

    vendor.vend(&request(config(&json!({"endpoint": double.url})))).await.unwrap();
    assert!(!form(&double.requests()[0].body).contains_key("RoleArn"));

    for (more, told) in [
        (json!({}), "has no roleArn"),
        (json!({"endpoint": "https://s3.eu-west-1.amazonaws.com"}), "has no roleArn"),
        (json!({"endpoint": double.url, "stsUnavailable": true}), "no STS (stsUnavailable)"),
        (json!({"roleArn": "arn:aws-us-gov:iam::1:role/r"}), "has no region"),
        (json!({"roleArn": ROLE, "stsEndpoint": "sts"}), "is no URL"),
    ] {
        let error = vendor.vend(&request(config(&more))).await.unwrap_err();
        assert!(matches!(&error, VendError::Impossible(_)), "{error:?}");
        assert!(error.to_string().contains(told), "{error}");
    }
    assert_eq!(double.requests().len(), 1);
}

#[tokio::test]
async fn a_refusal_is_told_in_the_words_of_sts() {
    let double = HttpDouble::start().await;
    let vendor = vendor(&settings());

    for (answer, told) in [
        (
            Fault::Answer(403, refusal!("AccessDenied", "User: cat is not authorized.")),
            "AssumeRole of arn:aws:iam::123456789012:role/lake was refused: AccessDenied: User: cat \
             is not authorized.",
        ),
        (
            Fault::Answer(403, refusal!("InvalidClientTokenId", "The token is invalid.")),
            "The server's own access key AKIDTEST for AssumeRole of \
             arn:aws:iam::123456789012:role/lake was refused: InvalidClientTokenId: The token is \
             invalid.",
        ),
        (
            Fault::Answer(400, refusal!("ExpiredTokenException", "The token has expired.")),
            "The server's own access key AKIDTEST for AssumeRole of \
             arn:aws:iam::123456789012:role/lake was refused: ExpiredTokenException: The token has \
             expired.",
        ),
        (
            Fault::Answer(400, refusal!("MalformedPolicyDocument", "kms:Decrypt is not known")),
            "AssumeRole of arn:aws:iam::123456789012:role/lake was refused: \
             MalformedPolicyDocument: kms:Decrypt is not known",
        ),
        (
            Fault::Answer(404, "<html>hunter9</html>"),
            "AssumeRole of arn:aws:iam::123456789012:role/lake was refused: it answered HTTP 404 \
             without an error of STS; is this endpoint one?",
        ),
    ] {
        double.fail([answer]);
        let error = vendor.vend(&at(&double)).await.unwrap_err();
        assert!(matches!(&error, VendError::Denied { .. }), "{error:?}");
        assert_eq!(error.to_string(), told);
        assert!(!format!("{error:?}").contains("hunter"));
    }
    // Nothing is asked twice that was refused.
    assert_eq!(double.requests().len(), 5);

    double.fail([Fault::Answer(400, refusal!("PackedPolicyTooLarge", "120% of the size"))]);
    let error = vendor.vend(&at(&double)).await.unwrap_err();
    assert!(matches!(&error, VendError::Impossible(_)), "{error:?}");
    assert!(error.to_string().ends_with("PackedPolicyTooLarge: 120% of the size"), "{error}");
}

#[tokio::test]
async fn what_may_pass_is_tried_thrice_and_told_as_such() {
    for answer in [
        Fault::Answer(503, refusal!("ServiceUnavailable", "Later.")),
        Fault::Answer(400, refusal!("Throttling", "Rate exceeded")),
        Fault::Answer(500, "out of order"),
        Fault::LoseAnswer,
    ] {
        let double = HttpDouble::start().await;
        let vendor = vendor(&settings());
        double.fail(std::iter::repeat_n(answer.clone(), 3));

        let error = vendor.vend(&at(&double)).await.unwrap_err();

        assert!(matches!(&error, VendError::Unavailable { .. }), "{error:?}");
        assert!(error.to_string().starts_with("AssumeRole of arn:aws:iam::"), "{error}");
        assert_eq!(double.requests().len(), 3, "{answer:?}");

        double.fail([answer, Fault::Answer(200, MINTED)]);
        vendor.vend(&at(&double)).await.unwrap();
    }
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_not_waited_for() {
    let double = HttpDouble::start().await;
    double.fail(std::iter::repeat_n(Fault::Hang, 9));
    let quick = StorageSettings {
        request_timeout: Duration::from_millis(50),
        retry_timeout: Duration::from_secs(1),
        ..settings()
    };

    let error = vendor(&quick).vend(&at(&double)).await.unwrap_err();

    assert!(matches!(&error, VendError::Unavailable { .. }), "{error:?}");
    assert!(
        error.to_string().contains("timed out") || error.to_string().contains("timeout"),
        "{error}"
    );
}

#[tokio::test]
async fn without_an_identity_nobody_is_asked() {
    let double = HttpDouble::start().await;
    let nothing = StorageSettings { aws_access_key: None, aws_secret_key: None, ..settings() };
    let half = StorageSettings { aws_access_key: None, ..settings() };

    for (settings, told) in [(nothing, "no keys are set"), (half, "but no access key")] {
        let vendor = vendor(&settings);
        let error = vendor.vend(&at(&double)).await.unwrap_err();
        assert!(matches!(&error, VendError::NoIdentity { cloud: "AWS", .. }), "{error:?}");
        assert!(error.to_string().contains(told), "{error}");
        assert!(vendor.caller_identity(&at(&double).config).await.is_err());
    }
    assert!(double.requests().is_empty());
}
