//! What is told when Google refuses, fails or is silent.

use std::time::Instant;

use super::*;
use crate::io::tests::http_double::Fault;

const REVOKED: &str =
    r#"{"error":"invalid_grant","error_description":"Token has been expired or revoked."}"#;
const NO_USE: &str = r#"{"error":{"code":403,"status":"PERMISSION_DENIED","message":
    "Caller does not have serviceusage.services.use access to the project p."}}"#;

fn is_denied(error: &VendError) -> bool {
    matches!(error, VendError::Denied { .. })
}

fn is_unavailable(error: &VendError) -> bool {
    matches!(error, VendError::Unavailable { .. })
}

#[tokio::test]
async fn a_login_that_has_ended_is_told_remembered_and_mended_by_a_new_file() {
    let google = Google::with_person().await;
    google.double.fail([Fault::Answer(400, REVOKED)]);
    let vendor = google.vendor();

    let request = request(None);
    let results = futures::future::join_all((0..4).map(|_| vendor.vend(&request))).await;
    let asked = google.double.requests().len();
    google.write("g.json", &google.person("hunter3"));
    vendor.vend(&request).await.unwrap();

    for result in results {
        let error = result.unwrap_err();
        assert!(is_denied(&error), "{error:?}");
        let text = error.to_string();
        assert!(text.starts_with("An access token for a person (authorized_user), from"), "{text}");
        assert!(text.ends_with("invalid_grant: Token has been expired or revoked."), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
    assert_eq!(asked, 1);
}

#[tokio::test]
async fn who_may_not_make_tokens_of_an_account_is_named() {
    let google = Google::with_person().await;
    let vendor = google.vendor();
    vendor.source_token(&request(Some(LAKE)).config, Duration::ZERO).await.unwrap();
    google.double.fail([Fault::Answer(403, NO_USE)]);

    let error = vendor.vend(&request(Some(LAKE))).await.unwrap_err();

    assert!(is_denied(&error), "{error:?}");
    let text = error.to_string();
    assert!(text.starts_with(&format!("generateAccessToken of {LAKE} by a person")), "{text}");
    assert!(
        text.ends_with(
            "PERMISSION_DENIED: Caller does not have serviceusage.services.use access to the \
             project p."
        ),
        "{text}"
    );
    assert!(google.asked(STS).is_empty());
}

#[tokio::test]
async fn a_refusal_to_downscope_is_told() {
    let mut google = Google::start().await;
    google.settings.google.token = Some("hunter2".into());
    let refusal = r#"{"error":"invalid_request","error_description":"Invalid options."}"#;
    google.double.fail([Fault::Answer(400, refusal)]);

    let error = google.vend(&request(None)).await.unwrap_err();

    assert_eq!(
        error.to_string(),
        "The exchange of an access token for a downscoped one was refused: invalid_request: \
         Invalid options."
    );
}

#[tokio::test]
async fn an_answer_that_is_none_is_told_without_it() {
    let google = Google::with_person().await;
    for (target, answer) in [
        (OAUTH, "{\"access_token\":\"hunter2"),
        (OAUTH, r#"{"access_token":"hunter2"}"#),
        (OAUTH, r#"{"access_token":["hunter2"],"expires_in":1}"#),
        (&*iam(LAKE), r#"{"accessToken":"hunter2","expireTime":"hunter2"}"#),
        (STS, r#"{"token":"hunter2"}"#),
        (STS, "<html>hunter2</html>"),
    ] {
        let good = google.double.object(target).unwrap();
        google.double.put_object(target, answer.as_bytes());

        let error = google.vend(&request(Some(LAKE))).await.unwrap_err();

        assert!(is_unavailable(&error), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        google.double.put_object(target, &good);
    }
}

#[tokio::test]
async fn a_failure_that_passes_is_not_noticed() {
    let google = Google::with_person().await;
    google.double.fail([Fault::Answer(503, ""), Fault::LoseAnswer]);

    google.vend(&request(None)).await.unwrap();

    assert_eq!(google.asked(OAUTH).len(), 3);
}

#[tokio::test]
async fn a_google_that_fails_or_is_silent_is_asked_for_a_bounded_time() {
    let google = Google::with_person().await;
    google.double.fail(vec![Fault::Answer(503, "{}"); 3]);
    let begun = Instant::now();

    let failing = google.vend(&request(None)).await.unwrap_err();
    google.double.fail([Fault::Hang]);
    let silent = google.vend(&request(None)).await.unwrap_err();

    assert!(is_unavailable(&failing) && is_unavailable(&silent), "{failing:?} {silent:?}");
    assert!(failing.to_string().ends_with("HTTP status 503 Service Unavailable"), "{failing}");
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert_eq!(google.asked(OAUTH).len(), 4);
}

#[tokio::test]
async fn a_secret_follows_no_redirect() {
    let google = Google::with_person().await;
    google.double.fail([Fault::Answer(307, "")]);

    let error = google.vend(&request(None)).await.unwrap_err();

    assert!(is_denied(&error), "{error:?}");
    assert_eq!(google.double.requests().len(), 1);
}

#[tokio::test]
async fn a_secret_is_not_sent_in_the_clear() {
    let mut google = Google::with_person().await;
    let mut person = google.person("hunter2");
    person["token_uri"] = "http://oauth2.example.com/token".into();
    google.write("g.json", &person);
    let of_file = google.vend(&request(None)).await.unwrap_err();
    google.write("g.json", &google.person("hunter2"));
    google.settings.google.sts_endpoint = Some("http://sts.example.com".to_owned());
    let of_settings = google.vend(&request(None)).await.unwrap_err();

    assert!(of_file.to_string().contains("https URLs only"), "{of_file}");
    assert!(of_settings.to_string().contains("https URLs only"), "{of_settings}");
    assert_eq!(google.double.requests().len(), 1);
}

#[tokio::test]
async fn where_there_are_no_credentials_all_that_was_tried_is_told() {
    let mut google = Google::start().await;
    google.settings.google.gcloud_file = Some("/nowhere/adc.json".into());
    let switched_off = google.vend(&request(None)).await.unwrap_err().to_string();
    google.settings.google.metadata_server = true;
    google.double.fail([Fault::Answer(404, "")]);
    let none = google.vend(&request(None)).await.unwrap_err().to_string();
    google.settings.google.metadata_host = Some("127.0.0.1:1".to_owned());
    let absent = google.vend(&request(None)).await.unwrap_err().to_string();

    for text in [&switched_off, &none, &absent] {
        assert!(text.starts_with("The server has no Google Cloud credentials: no token"), "{text}");
        assert!(text.contains("GOOGLE_APPLICATION_CREDENTIALS"), "{text}");
        assert!(text.contains("there is no /nowhere/adc.json"), "{text}");
    }
    assert!(switched_off.ends_with("switched off"), "{switched_off}");
    assert!(none.ends_with("has none: HTTP status 404 Not Found"), "{none}");
    assert!(absent.contains("Connection refused"), "{absent}");
}

#[tokio::test]
async fn a_key_that_is_none_is_told_without_it() {
    let mut google = Google::start().await;
    let file = json!({
        "type": "service_account",
        "client_email": "keyed@p",
        "private_key": "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n",
    });
    google.settings.google.credentials_file = Some(google.write("g.json", &file));

    let error = google.vend(&request(None)).await.unwrap_err();

    assert!(matches!(error, VendError::NoIdentity { .. }), "{error:?}");
    assert!(
        error.to_string().contains("no private key of RSA in the form of a PEM file"),
        "{error}"
    );
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn what_an_external_accounts_library_says_is_told() {
    let mut google = Google::start().await;
    let file = json!({
        "type": "external_account",
        "audience": "//iam.googleapis.com/p",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": format!("{}/sts", google.double.url),
        "credential_source": { "file": google.folder.path().join("subject") },
    });
    google.settings.google.credentials_file = Some(google.write("g.json", &file));
    let missing = google.vend(&request(None)).await.unwrap_err();
    fs::write(google.folder.path().join("subject"), "hunter2").unwrap();
    google.double.fail([Fault::Answer(400, REVOKED)]);
    let refused = google.vend(&request(None)).await.unwrap_err();

    assert!(missing.to_string().contains("No such file"), "{missing}");
    assert!(is_denied(&refused), "{refused:?}");
    let text = refused.to_string();
    assert!(text.contains("an external account of //iam.googleapis.com/p"), "{text}");
    assert!(text.contains("Token has been expired or revoked."), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}
