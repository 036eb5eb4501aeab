//! Requests that are signed in a role of AWS.

use std::time::Duration;

use axum::response::Response;
use merak_model::RealmId;
use merak_model::connection::SigV4Role;
use merak_storage::AwsKeys;

use super::double::{Double, Seen, json};
use super::{World, draft, get, post};
use crate::{AuthenticationDraft, AwsServiceIdentity, Error, FederationSettings};

const ROLE: &str = "arn:aws:iam::123456789012:role/lake";

fn minted(_: &Seen) -> Response {
    // An hour from now.
    json(
        200,
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
         <AssumeRoleResult><Credentials><AccessKeyId>ASIAMINTED</AccessKeyId>\
         <SecretAccessKey>hunter8</SecretAccessKey><SessionToken>token-8</SessionToken>\
         <Expiration>2023-11-14T23:13:20Z</Expiration></Credentials></AssumeRoleResult>\
         </AssumeRoleResponse>",
    )
}

fn role() -> SigV4Role {
    SigV4Role {
        role_arn: ROLE.to_owned(),
        role_session_name: None,
        external_id: Some("e-1".to_owned()),
        signing_region: "eu-central-1".to_owned(),
        signing_name: Some("glue".to_owned()),
        session_policy: Some("{\"Version\":\"2012-10-17\"}".to_owned()),
    }
}

fn settings(sts: &Double) -> FederationSettings {
    FederationSettings { sts_endpoint: Some(sts.url.clone()), ..FederationSettings::default() }
}

#[tokio::test]
async fn requests_are_signed_in_a_session_of_the_role_that_is_renewed_before_it_ends() {
    let sts = Double::start(minted).await;
    let double = Double::start(|_| json(200, "{}")).await;
    let world = World::new(settings(&sts));
    let remote = world.remote(draft(&double.url, AuthenticationDraft::SigV4(role()))).await;

    let _ = remote.call(post(["namespaces"])).await.unwrap();
    let _ = remote.call(get(["namespaces", "a b"])).await.unwrap();

    let asked = sts.seen();
    assert_eq!(asked.len(), 1);
    let signature = asked[0].header("authorization");
    assert!(signature.contains("Credential=AKIDTEST/"), "{signature}");
    assert!(signature.contains("/eu-central-1/sts/aws4_request"), "{signature}");
    for part in ["RoleSessionName=polaris", "ExternalId=e-1", "Policy=%7B%22Version"] {
        assert!(asked[0].body.contains(part), "{part}: {}", asked[0].body);
    }
    for seen in double.seen() {
        let authorization = seen.header("authorization");
        let start =
            "AWS4-HMAC-SHA256 Credential=ASIAMINTED/20231114/eu-central-1/glue/aws4_request";
        assert!(authorization.starts_with(start), "{authorization}");
        assert_eq!(seen.header("x-amz-security-token"), "token-8");
        assert_eq!(seen.header("x-amz-content-sha256").len(), 64);
    }
    world.clock.advance(Duration::from_mins(59));
    let _ = remote.call(get(["namespaces"])).await.unwrap();
    assert_eq!(sts.seen().len(), 2);
}

#[tokio::test]
async fn a_realm_with_an_identity_of_its_own_assumes_roles_with_that() {
    let sts = Double::start(minted).await;
    let double = Double::start(|_| json(200, "{}")).await;
    let mut settings = settings(&sts);
    let keys =
        AwsKeys { access_key: "AKIDOWN".into(), secret_key: "hunter9".into(), session_token: None };
    let identity =
        AwsServiceIdentity { iam_arn: "arn:aws:iam::1:user/m".to_owned(), keys: Some(keys) };
    settings.service_identities.insert(RealmId::new("POLARIS"), identity);
    let remote = World::new(settings);
    let remote = remote.remote(draft(&double.url, AuthenticationDraft::SigV4(role()))).await;

    let _ = remote.call(get(["namespaces"])).await.unwrap();

    assert!(sts.seen()[0].header("authorization").contains("Credential=AKIDOWN/"));
}

#[tokio::test]
async fn a_role_that_cannot_be_assumed_is_told_of_without_secrets() {
    let sts = Double::start(|_| {
        json(
            403,
            "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>\
             <Message>not authorized</Message></Error></ErrorResponse>",
        )
    })
    .await;
    let double = Double::start(|_| json(200, "{}")).await;
    let world = World::new(settings(&sts));
    let remote = world.remote(draft(&double.url, AuthenticationDraft::SigV4(role()))).await;

    let error = remote.call(get(["namespaces"])).await.unwrap_err();

    assert!(matches!(error, Error::NoCredentials { .. }), "{error:?}");
    assert!(error.to_string().contains(&format!("AssumeRole of {ROLE}")), "{error}");
    assert!(!format!("{error:?}").contains("hunter"));
    assert_eq!(double.targets(), Vec::<String>::new());
}
