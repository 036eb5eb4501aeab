//! Whose tokens are exchanged.

use std::fs;
use std::time::Duration;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::*;

const KEYED: &str = "keyed@p.iam.gserviceaccount.com";

fn pem(key: &RsaKeyPair) -> String {
    let der = key.as_der().unwrap();
    let text = STANDARD.encode(der.as_ref());
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

impl Google {
    fn service_account(&self, key: &RsaKeyPair) -> Value {
        json!({
            "type": "service_account",
            "client_email": KEYED,
            "private_key": pem(key),
            "private_key_id": "key-1",
            "token_uri": format!("{}{OAUTH}", self.double.url),
        })
    }

    fn impersonated(&self, source: &Value) -> Value {
        json!({
            "type": "impersonated_service_account",
            "delegates": ["between@p.iam.gserviceaccount.com"],
            "service_account_impersonation_url": format!("{}{}", self.double.url, iam("server@p")),
            "source_credentials": source,
        })
    }
}

#[tokio::test]
async fn a_service_account_shows_itself_by_what_it_signs() {
    let mut google = Google::start().await;
    let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let file = google.write("g.json", &google.service_account(&key));
    google.settings.google.credentials_file = Some(file);

    let vended = google.vend(&request(None)).await.unwrap();

    let asked = &google.asked(OAUTH)[0];
    assert_eq!(field(asked, "grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let assertion = field(asked, "assertion");
    let (signed, signature) = assertion.rsplit_once('.').unwrap();
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref())
        .verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap())
        .unwrap();
    let parts: Vec<Value> = signed
        .split('.')
        .map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap())
        .collect();
    assert_eq!(parts[0], json!({ "alg": "RS256", "typ": "JWT", "kid": "key-1" }));
    assert_eq!(
        parts[1],
        json!({
            "iss": KEYED,
            "scope": "https://www.googleapis.com/auth/cloud-platform",
            "aud": format!("{}{OAUTH}", google.double.url),
            "iat": NOW_MS / 1000,
            "exp": NOW_MS / 1000 + 3600,
        })
    );
    assert_eq!(field(&google.asked(STS)[0], "subject_token"), "of-source");
    assert!(vended.id.starts_with(&format!("{KEYED}/")), "{}", vended.id);
}

#[tokio::test]
async fn a_person_is_known_by_what_gcloud_wrote() {
    let google = Google::with_person().await;

    google.vend(&request(None)).await.unwrap();

    let asked = &google.asked(OAUTH)[0];
    for (name, value) in [
        ("grant_type", "refresh_token"),
        ("client_id", "gcloud"),
        ("client_secret", "hunter2-client"),
        ("refresh_token", "hunter2"),
    ] {
        assert_eq!(field(asked, name), value);
    }
    assert_eq!(field(&google.asked(STS)[0], "subject_token"), "of-source");
}

#[tokio::test]
async fn a_service_account_can_be_impersonated_by_whom_its_file_names() {
    let mut google = Google::start().await;
    google.answer(&iam("server@p"), &iam_answer("of-server", "2026-01-01T01:00:00Z"));
    let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let mut person = google.person("hunter2");
    person["quota_project_id"] = "billed".into();

    for (source, project) in [(person, "billed"), (google.service_account(&key), "")] {
        let file = google.write("g.json", &google.impersonated(&source));
        google.settings.google.credentials_file = Some(file);

        let vended = google.vend(&request(None)).await.unwrap();

        let asked = google.asked(&iam("server@p")).pop().unwrap();
        assert_eq!(asked.header("authorization"), "Bearer of-source");
        assert_eq!(asked.header("x-goog-user-project"), project);
        assert_eq!(
            body(&asked),
            json!({
                "scope": ["https://www.googleapis.com/auth/cloud-platform"],
                "lifetime": "3600s",
                "delegates": ["projects/-/serviceAccounts/between@p.iam.gserviceaccount.com"],
            })
        );
        let exchanged = google.asked(STS).pop().unwrap();
        assert_eq!(field(&exchanged, "subject_token"), "of-server");
        assert!(vended.id.starts_with("server@p/"), "{}", vended.id);
    }
}

#[tokio::test]
async fn an_external_account_is_asked_for_by_googles_library() {
    let mut google = Google::start().await;
    google.answer(
        "/sts",
        &json!({
            "access_token": "federated",
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "token_type": "Bearer",
            "expires_in": 3600,
        }),
    );
    google.answer(&iam("pod@p"), &iam_answer("of-pod", "2026-01-01T00:30:00Z"));
    fs::write(google.folder.path().join("subject"), "of-pod-elsewhere").unwrap();
    let mut external = json!({
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": format!("{}/sts", google.double.url),
        "credential_source": { "file": google.folder.path().join("subject") },
    });
    google.settings.google.credentials_file = Some(google.write("g.json", &external));

    let alone = google.vend(&request(None)).await.unwrap();
    external["service_account_impersonation_url"] =
        format!("{}{}", google.double.url, iam("pod@p")).into();
    google.write("g.json", &external);
    let impersonated = google.vend(&request(None)).await.unwrap();

    assert_eq!(field(&google.asked("/sts")[0], "subject_token"), "of-pod-elsewhere");
    let exchanged = google.asked(STS);
    assert_eq!(field(&exchanged[0], "subject_token"), "federated");
    assert_eq!(alone.expires_at_ms, NOW_MS + 3_000_000);
    assert_eq!(google.asked(&iam("pod@p"))[0].header("authorization"), "Bearer federated");
    assert_eq!(field(&exchanged[1], "subject_token"), "of-pod");
    assert_eq!(impersonated.expires_at_ms, NOW_MS + 1_800_000);
    assert!(impersonated.id.starts_with("pod@p/"), "{}", impersonated.id);
}

#[tokio::test]
async fn the_machine_is_asked_last_and_says_who_it_is() {
    let mut google = Google::start().await;
    google.settings.google.metadata_server = true;
    let gcloud = google.folder.path().join("application_default_credentials.json");
    google.settings.google.gcloud_file = Some(gcloud);
    let vendor = google.vendor();

    vendor.vend(&request(None)).await.unwrap();
    let identity = vendor.source_identity().await.unwrap();

    let asked = &google.asked(METADATA_TOKEN)[0];
    assert_eq!(asked.method, "GET");
    assert_eq!(asked.header("metadata-flavor"), "Google");
    assert_eq!(field(&google.asked(STS)[0], "subject_token"), "of-machine");
    assert_eq!(identity.kind, "metadata");
    assert_eq!(identity.email.as_deref(), Some("vm@p.iam.gserviceaccount.com"));

    // The file that gcloud writes comes first, once it is there.
    google.write("application_default_credentials.json", &google.person("hunter2"));
    vendor.vend(&request(None)).await.unwrap();
    assert_eq!(field(&google.asked(STS)[1], "subject_token"), "of-source");
}

#[tokio::test]
async fn a_token_that_was_set_is_used_until_its_lifespan_ends() {
    let mut google = Google::with_person().await;
    google.settings.google.token = Some("set".into());
    google.settings.google.token_lifespan = Duration::from_mins(10);
    let vendor = google.vendor();

    google.pass(Duration::from_hours(5));
    let vended = vendor.vend(&request(None)).await.unwrap();
    google.pass(Duration::from_mins(10));
    let late = vendor.vend(&request(None)).await.unwrap_err();

    assert_eq!(vended.expires_at_ms, NOW_MS + 5 * 3_600_000 + 600_000);
    assert_eq!(field(&google.asked(STS)[0], "subject_token"), "set");
    assert!(google.asked(OAUTH).is_empty());
    assert!(late.to_string().contains("has reached its lifespan"), "{late}");
}

#[tokio::test]
async fn a_file_may_come_after_the_server_has_started() {
    let mut google = Google::start().await;
    let path = google.folder.path().join("late.json");
    google.settings.google.credentials_file = Some(path.clone());
    let vendor = google.vendor();

    let early = vendor.vend(&request(None)).await.unwrap_err();
    fs::write(&path, "{\"type\":\"authorized_").unwrap();
    let half = vendor.vend(&request(None)).await.unwrap_err();
    google.write("late.json", &google.person("hunter2"));
    vendor.vend(&request(None)).await.unwrap();

    assert_eq!(
        early.to_string(),
        format!(
            "The server has no Google Cloud credentials: the credentials file {} does not exist",
            path.display()
        )
    );
    assert!(half.to_string().contains("is no JSON: see line 1"), "{half}");
}

#[tokio::test]
async fn a_file_that_was_replaced_is_read_again() {
    let google = Google::with_person().await;
    let vendor = google.vendor();
    vendor.vend(&request(Some(LAKE))).await.unwrap();

    google.answer(OAUTH, &json!({ "access_token": "of-other", "expires_in": 3599 }));
    vendor.vend(&request(Some(LAKE))).await.unwrap();
    google.write("g.json", &google.person("hunter3"));
    vendor.vend(&request(Some(LAKE))).await.unwrap();

    let asked = google.asked(OAUTH);
    assert_eq!(asked.len(), 2);
    assert_eq!(field(&asked[1], "refresh_token"), "hunter3");
    let callers: Vec<_> = google
        .asked(&iam(LAKE))
        .iter()
        .map(|asked| asked.header("authorization").to_owned())
        .collect();
    assert_eq!(callers, ["Bearer of-source", "Bearer of-source", "Bearer of-other"]);
}

#[tokio::test]
async fn many_who_wait_ask_for_one_token_of_the_servers_own() {
    let google = Google::with_person().await;
    let vendor = google.vendor();
    assert!(google.double.requests().is_empty());

    let request = request(Some(LAKE));
    futures::future::try_join_all((0..8).map(|_| vendor.vend(&request))).await.unwrap();

    assert_eq!(google.asked(OAUTH).len(), 1);
    assert_eq!(google.asked(STS).len(), 8);
}

#[tokio::test]
async fn a_token_is_asked_for_again_before_it_ends() {
    let google = Google::with_person().await;
    let vendor = google.vendor();
    let asked_after = async |account: Option<&str>, minutes: u64| {
        google.pass(Duration::from_mins(minutes));
        vendor.vend(&request(account)).await.unwrap();
        google.asked(OAUTH).len()
    };
    google.answer(&iam(LAKE), &iam_answer("of-account", "2027-01-01T01:00:00Z"));

    assert_eq!(asked_after(Some(LAKE), 0).await, 1);
    assert_eq!(asked_after(None, 29).await, 1);
    // What is vended for nobody else ends with it, and is to last.
    assert_eq!(asked_after(None, 1).await, 2);
    assert_eq!(asked_after(Some(LAKE), 58).await, 2);
    assert_eq!(asked_after(Some(LAKE), 2).await, 3);
}

#[tokio::test]
async fn a_person_is_named_where_google_tells() {
    let google = Google::with_person().await;
    let vendor = google.vendor();

    let unnamed = vendor.source_identity().await.unwrap();
    google.answer("/tokeninfo", &json!({ "email": "ana@example.com" }));
    let named = vendor.source_identity().await.unwrap();

    assert_eq!(unnamed.kind, "authorized_user");
    assert_eq!(unnamed.email, None);
    assert!(unnamed.text.starts_with("a person (authorized_user), from the file "), "{unnamed}");
    assert_eq!(named.email.as_deref(), Some("ana@example.com"));
    assert!(named.text.starts_with("ana@example.com: a person"), "{named}");
}
