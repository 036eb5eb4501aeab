//! What Azure says when it refuses, and what is made of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use merak_model::{Location, StorageConfig, SystemClock};

use super::double::{Answer, Double};
use super::vendor::settings;
use crate::{AzureSettings, AzureVendor, VendError};

fn vendor(settings: AzureSettings) -> AzureVendor {
    AzureVendor::new(settings, Arc::new(SystemClock))
}

async fn key(vendor: &AzureVendor) -> Result<(), VendError> {
    let json = r#"{"storageType":"AZURE","tenantId":"tenant-7","allowedLocations":["*"]}"#;
    let config = StorageConfig::from_json(json).unwrap();
    let location = Location::parse("abfss://lake@acct.dfs.core.windows.net/t").unwrap();
    vendor.delegation_key(&config, &location).await.map(drop)
}

const XML: &str = "content-type: application/xml\r\n";

fn refusal(status: u16, code: &str) -> Answer {
    let body = format!(
        "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{code}</Code><Message>No.\
         \nRequestId:r-1</Message></Error>"
    );
    (status, XML, body)
}

#[tokio::test]
async fn a_wrong_secret_is_told_in_azures_words_without_it() {
    let double = Double::start().await;
    let body = r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided for \"app-1\", not hunter2.\r\nTrace ID: t-1","error_codes":[7000215]}"#;
    double.answer(vec![(401, "", body.to_owned()); 3]);
    let vendor = vendor(settings(&double));

    let asks = (0..8).map(|_| vendor.access_token("tenant-7"));
    let results = futures::future::join_all(asks).await;

    for result in results {
        let error = result.unwrap_err();
        assert!(matches!(error, VendError::Denied { .. }), "{error:?}");
        assert_eq!(
            error.to_string(),
            "A token of the client app-1 in the tenant tenant-7, by client secret, was refused: \
             AADSTS7000215: Invalid client secret provided for \"app-1\", not ***. Trace ID: t-1"
        );
    }
    // All who waited were told of the one failure.
    assert_eq!(double.requests().len(), 1);
}

#[tokio::test]
async fn an_authority_that_fails_is_asked_again_and_then_unavailable() {
    let double = Double::start().await;
    double.answer([(503, "", String::new()), (500, "", String::new())]);
    assert!(vendor(settings(&double)).access_token("tenant-7").await.is_ok());
    assert_eq!(double.requests().len(), 3);

    double.answer(vec![(503, "", r#"{"error":"temporarily_unavailable"}"#.to_owned()); 9]);
    let settings = AzureSettings { token_retries: 1, ..settings(&double) };
    let error = vendor(settings).access_token("tenant-7").await.unwrap_err();
    assert!(matches!(error, VendError::Unavailable { .. }), "{error:?}");
    assert!(error.to_string().ends_with("temporarily_unavailable"), "{error}");
    assert_eq!(double.requests().len(), 5);
}

#[tokio::test]
async fn an_authority_that_is_not_there_is_unavailable_and_named() {
    let double = Double::start().await;
    let settings = AzureSettings {
        authority_host: Some(crate::AzureUrl::parse("http://127.0.0.1:1").unwrap()),
        token_retries: 1,
        ..settings(&double)
    };

    let error = vendor(settings).access_token("tenant-7").await.unwrap_err();

    assert!(matches!(error, VendError::Unavailable { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("127.0.0.1:1") && text.contains("refused"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn a_half_set_identity_is_not_replaced_by_another() {
    let double = Double::start().await;
    let secret_only = AzureSettings { client_id: None, ..settings(&double) };

    let error = vendor(secret_only).access_token("tenant-7").await.unwrap_err();

    assert!(matches!(error, VendError::NoIdentity { .. }), "{error:?}");
    assert!(error.to_string().contains("AZURE_CLIENT_ID is not set"), "{error}");
    assert!(double.requests().is_empty());
}

#[tokio::test]
async fn without_an_identity_it_is_said_what_was_looked_for() {
    let double = Double::start().await;
    let nothing = AzureSettings { client_secret: None, ..settings(&double) };

    let error = vendor(nothing).access_token("tenant-7").await.unwrap_err();

    assert_eq!(
        error.to_string(),
        "The server has no Azure credentials: client secret: AZURE_CLIENT_SECRET is not set; \
         workload identity: AZURE_FEDERATED_TOKEN_FILE is not set"
    );
}

#[tokio::test]
async fn a_workloads_token_is_read_and_exchanged() {
    let double = Double::start().await;
    let file = std::env::temp_dir().join(format!("merak-{}", uuid::Uuid::new_v4()));
    std::fs::write(&file, "workload-token").unwrap();
    let of = |path: PathBuf| AzureSettings {
        client_secret: None,
        federated_token_file: Some(path),
        ..settings(&double)
    };

    let claims = vendor(of(file.clone())).access_token("tenant-7").await.unwrap();

    assert_eq!(claims.source, "workload identity");
    let body = &double.requests()[0].body;
    assert!(body.contains("client_assertion=workload-token"), "{body}");
    std::fs::remove_file(&file).unwrap();
    let error = vendor(of(file.clone())).access_token("tenant-7").await.unwrap_err();
    assert!(error.to_string().contains(&file.display().to_string()), "{error}");
}

#[tokio::test]
async fn an_accounts_refusal_is_told_in_its_words() {
    let double = Double::start().await;
    let vendor = vendor(settings(&double));
    vendor.access_token("tenant-7").await.unwrap();
    double.answer([refusal(403, "AuthorizationPermissionMismatch")]);

    let error = key(&vendor).await.unwrap_err();

    assert!(matches!(error, VendError::Denied { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "A user delegation key of the account acct was refused: AuthorizationPermissionMismatch: \
         No. RequestId:r-1"
    );
    assert_eq!(double.count("userdelegationkey"), 1);
}

#[tokio::test]
async fn an_account_of_another_tenant_says_of_which() {
    let double = Double::start().await;
    let vendor = vendor(settings(&double));
    vendor.access_token("tenant-7").await.unwrap();
    let challenge = "www-authenticate: Bearer authorization_uri=https://login.example/tenant-8/\
                     oauth2/authorize resource_id=https://storage.azure.com\r\n";
    let (status, _, body) = refusal(401, "InvalidAuthenticationInfo");
    let detail = "<AuthenticationErrorDetail>Issuer validation failed.\
                  </AuthenticationErrorDetail></Error>";
    double.answer([(status, challenge, body.replace("</Error>", detail))]);

    let error = key(&vendor).await.unwrap_err();

    assert!(
        error.to_string().ends_with(
            "Issuer validation failed. (the account takes tokens of the tenant tenant-8)"
        ),
        "{error}"
    );
}

#[tokio::test]
async fn an_account_that_fails_is_asked_again_a_bounded_number_of_times() {
    let double = Double::start().await;
    let first = vendor(settings(&double));
    first.access_token("tenant-7").await.unwrap();
    double.answer([refusal(503, "ServerBusy"), refusal(500, "InternalError")]);
    assert!(key(&first).await.is_ok());
    assert_eq!(double.count("userdelegationkey"), 3);

    let second = vendor(settings(&double));
    second.access_token("tenant-7").await.unwrap();
    double.answer(vec![refusal(503, "ServerBusy"); 9]);
    let error = key(&second).await.unwrap_err();
    assert!(matches!(error, VendError::Unavailable { .. }), "{error:?}");
    assert_eq!(double.count("userdelegationkey"), 7);
}

#[tokio::test]
async fn an_answer_that_is_no_key_is_not_shown() {
    for body in ["hunter3".to_owned(), "x".repeat(100_000), String::new()] {
        let double = Double::start().await;
        let settings = AzureSettings { token_retries: 0, ..settings(&double) };
        let vendor = vendor(settings);
        vendor.access_token("tenant-7").await.unwrap();
        double.answer([(200, XML, body)]);

        let error = key(&vendor).await.unwrap_err();

        assert!(matches!(error, VendError::Unavailable { .. }), "{error:?}");
        assert!(error.to_string().len() < 300 && !error.to_string().contains("hunter3"));
    }
}

#[tokio::test]
async fn a_silent_account_is_not_waited_for() {
    let double = Double::start().await;
    let vendor = vendor(AzureSettings {
        endpoint: Some(crate::AzureUrl::parse(&silent().await).unwrap()),
        request_timeout: Duration::from_millis(100),
        token_retries: 1,
        ..settings(&double)
    });

    let error = key(&vendor).await.unwrap_err();

    assert!(matches!(error, VendError::Unavailable { .. }), "{error:?}");
}

/// Whoever listens, and never answers.
async fn silent() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((connection, _)) = listener.accept().await {
            kept.push(connection);
        }
    });
    url
}
