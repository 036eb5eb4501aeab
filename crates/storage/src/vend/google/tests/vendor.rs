//! What is vended, and for how long.

use std::time::Duration;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use insta::assert_json_snapshot;
use serde_json::json;

use super::*;

#[tokio::test]
async fn a_token_of_the_catalogs_account_is_downscoped() {
    let google = Google::with_person().await;

    let vended = google.vend(&request(Some(LAKE))).await.unwrap();

    assert_eq!(token(&vended), "downscoped");
    assert_eq!(vended.expires_at_ms, NOW_MS + 3_000_000);
    assert_eq!(vended.id, "lake@p.iam.gserviceaccount.com/c5012d231eef");
    let made = &google.asked(&iam(LAKE))[0];
    assert_eq!(made.header("authorization"), "Bearer of-source");
    assert_eq!(
        body(made),
        json!({
            "scope": ["https://www.googleapis.com/auth/cloud-platform"],
            "lifetime": "3600s",
        })
    );
    let exchanged = &google.asked(STS)[0];
    assert_eq!(exchanged.method, "POST");
    assert_eq!(exchanged.header("content-type"), "application/x-www-form-urlencoded");
    // Google refuses a request that names a caller.
    assert_eq!(exchanged.header("authorization"), "");
    for (name, value) in [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("subject_token", "of-account"),
    ] {
        assert_eq!(field(exchanged, name), value);
    }
    let options: Value = serde_json::from_str(&field(exchanged, "options")).unwrap();
    let explained = google.vendor().explain(&request(Some(LAKE))).unwrap();
    assert_eq!(options, json!({ "accessBoundary": explained["accessBoundary"] }));
}

#[tokio::test]
async fn the_lifetime_is_asked_for_and_has_an_end() {
    let google = Google::with_person().await;
    for (asked, told) in [(900, "900s"), (3600, "3600s"), (43_200, "3600s")] {
        let lifetime = Duration::from_secs(asked);
        let request = VendRequest { lifetime, ..request(Some(LAKE)) };

        google.vend(&request).await.unwrap();

        assert_eq!(body(&google.asked(&iam(LAKE)).pop().unwrap())["lifetime"], told);
    }
}

#[tokio::test]
async fn what_is_vended_ends_when_google_says_and_no_later_than_its_source() {
    let google = Google::with_person().await;
    google.answer(&iam(LAKE), &iam_answer("of-account", "2026-01-01T00:15:00.5Z"));
    for (account, expires_in, ends_after_ms) in [
        (None, Some(60), 60_000),
        (None, None, 3_599_000),
        (None, Some(7200), 3_599_000),
        (Some(LAKE), Some(60), 60_000),
        (Some(LAKE), None, 900_500),
        (Some(LAKE), Some(3600), 900_500),
    ] {
        let mut answer = json!({ "access_token": "downscoped" });
        if let Some(seconds) = expires_in {
            answer["expires_in"] = seconds.into();
        }
        google.answer(STS, &answer);

        let vended = google.vend(&request(account)).await.unwrap();

        assert_eq!(vended.expires_at_ms, NOW_MS + ends_after_ms, "{account:?} {expires_in:?}");
    }
}

#[tokio::test]
async fn what_has_ended_is_not_vended() {
    let google = Google::with_person().await;
    google.answer(STS, &json!({ "access_token": "downscoped", "expires_in": 0 }));

    let error = google.vend(&request(None)).await.unwrap_err();

    assert!(matches!(error, VendError::Unavailable { .. }), "{error:?}");
    assert!(error.to_string().contains("has ended already"), "{error}");
}

#[tokio::test]
async fn what_is_explained_is_asked_of_nobody() {
    let google = Google::start().await;
    let vendor = google.vendor();

    assert_json_snapshot!(vendor.explain(&request(Some(LAKE))).unwrap(), @r#"
    {
      "serviceAccount": "lake@p.iam.gserviceaccount.com",
      "accessBoundary": {
        "accessBoundaryRules": [
          {
            "availableResource": "//storage.googleapis.com/projects/_/buckets/lake",
            "availablePermissions": [
              "inRole:roles/storage.legacyObjectReader",
              "inRole:roles/storage.objectViewer"
            ],
            "availabilityCondition": {
              "expression": "resource.name.startsWith('projects/_/buckets/lake/objects/db/t/') || api.getAttribute('storage.googleapis.com/objectListPrefix', '').startsWith('db/t/')"
            }
          }
        ]
      }
    }
    "#);
    assert_eq!(vendor.explain(&request(None)).unwrap()["serviceAccount"], Value::Null);
    assert!(google.double.requests().is_empty());
}

#[tokio::test]
async fn what_cannot_be_vended_is_asked_of_nobody() {
    let google = Google::with_person().await;
    let injected = request(Some("lake@p:generateIdToken?"));
    let mut of_another = request(None);
    of_another.config = StorageConfig::from_json(r#"{"storageType":"S3"}"#).unwrap();
    let mut elsewhere = request(None);
    let s3 = Location::parse("s3://lake/t").unwrap();
    elsewhere.grant = LocationGrant::new(vec![s3], DataAccess::Read).unwrap();

    for (request, told) in [
        (injected, "is no service account"),
        (of_another, "cannot vend for S3"),
        (elsewhere, "not in Google Cloud Storage"),
    ] {
        let explained = google.vendor().explain(&request).unwrap_err();
        let error = google.vend(&request).await.unwrap_err();

        assert!(matches!(error, VendError::Impossible(_)), "{error:?}");
        assert!(error.to_string().contains(told), "{error}");
        assert_eq!(explained.to_string(), error.to_string());
    }
    assert!(google.double.requests().is_empty());
}

#[tokio::test]
async fn no_secret_shows_itself() {
    let mut google = Google::with_person().await;
    google.settings.google.token = Some("hunter2".into());
    let vendor = google.vendor();

    let vended = vendor.vend(&request(Some(LAKE))).await.unwrap();
    let source = vendor.source_token(&request(None).config, Duration::ZERO).await.unwrap();

    let shown = format!("{vendor:?}{vended:?}{source:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("\"downscoped"), "{shown}");
}

#[tokio::test]
async fn a_principal_acts_in_the_account_in_the_stead_of_the_server() {
    let google = Google::start().await;
    google.answer(STS, &json!({ "access_token": "of-principal", "expires_in": 3000 }));
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n", STANDARD.encode(der.as_ref()));
    let key_file = google.folder.path().join("key.pem");
    fs::write(&key_file, pem).unwrap();
    let mut request = request(Some(LAKE));
    request.session.attribution = Some(Attribution {
        issuer: "https://merak.example.com".to_owned(),
        audience: "//iam.googleapis.com/a".to_owned(),
        key_file,
        key_id: Some("k1".to_owned()),
        principal: "alice".to_owned(),
    });

    google.vend(&request).await.unwrap();

    let [federated, downscoped] = &google.asked(STS)[..] else { panic!("two exchanges") };
    for (name, value) in [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("audience", "//iam.googleapis.com/a"),
        ("scope", "https://www.googleapis.com/auth/cloud-platform"),
        ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
    ] {
        assert_eq!(field(federated, name), value);
    }
    let signed = field(federated, "subject_token");
    let part = |index: usize| -> Value {
        let part = URL_SAFE_NO_PAD.decode(signed.split('.').nth(index).unwrap()).unwrap();
        serde_json::from_slice(&part).unwrap()
    };
    assert_eq!(part(0), json!({ "alg": "RS256", "typ": "JWT", "kid": "k1" }));
    let mut claims = part(1);
    assert!(claims["jti"].take().is_string());
    assert_eq!(
        claims,
        json!({
            "iss": "https://merak.example.com",
            "sub": "POLARIS/alice",
            "aud": "//iam.googleapis.com/a",
            "realm": "POLARIS",
            "iat": NOW_MS / 1000,
            "exp": NOW_MS / 1000 + 300,
            "jti": null,
        })
    );
    assert_eq!(google.asked(&iam(LAKE))[0].header("authorization"), "Bearer of-principal");
    assert_eq!(field(downscoped, "subject_token"), "of-account");
    assert!(google.asked(OAUTH).is_empty(), "nothing is asked in the server's own name");
}

#[tokio::test]
async fn nothing_is_vended_in_the_name_of_nobody_where_the_key_is_no_key() {
    let google = Google::with_person().await;
    for content in [None, Some("no key")] {
        let key_file = google.folder.path().join("key.pem");
        if let Some(content) = content {
            fs::write(&key_file, content).unwrap();
        }
        let mut request = request(Some(LAKE));
        request.session.attribution = Some(Attribution {
            issuer: "i".to_owned(),
            audience: "a".to_owned(),
            key_file,
            key_id: None,
            principal: "alice".to_owned(),
        });

        let error = google.vend(&request).await.unwrap_err();

        assert!(matches!(error, VendError::NoIdentity { .. }), "{error:?}");
        assert!(error.to_string().contains("key.pem"), "{error}");
        assert!(google.double.requests().is_empty());
    }
}
