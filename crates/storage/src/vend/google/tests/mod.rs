//! Behaviour of the whole, against a Google of our own.

mod boundary;
mod failures;
mod sources;
mod vendor;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use merak_model::{Clock, Location, RealmId, StorageConfig};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{Attribution, GoogleSettings, GoogleVendor};
use crate::StorageSettings;
use crate::io::tests::http_double::{HttpDouble, Recorded};
use crate::io::tests::temp_dir::TempDir;
use crate::vend::{
    CloudSecret, CredentialVendor, DataAccess, LocationGrant, Session, VendError, VendRequest,
    VendedCredentials,
};

/// When the tests take place: 2026-01-01.
const NOW_MS: i64 = 1_767_225_600_000;
const OAUTH: &str = "/token";
const STS: &str = "/v1/token";
const LAKE: &str = "lake@p.iam.gserviceaccount.com";
const METADATA: &str = "/computeMetadata/v1/instance/service-accounts/default";
const METADATA_TOKEN: &str = "/computeMetadata/v1/instance/service-accounts/default/token\
                              ?scopes=https://www.googleapis.com/auth/cloud-platform";

/// Time that stands still until it is told to go on.
#[derive(Debug)]
struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A Google that knows the service account `lake`, and a folder for files.
struct Google {
    double: HttpDouble,
    clock: Arc<TestClock>,
    folder: TempDir,
    settings: StorageSettings,
}

impl Google {
    /// Answers of all its services, and settings that name no source of credentials.
    async fn start() -> Self {
        let double = HttpDouble::start().await;
        let settings = StorageSettings {
            google: GoogleSettings {
                metadata_server: false,
                metadata_host: Some(double.url.trim_start_matches("http://").to_owned()),
                sts_endpoint: Some(double.url.clone()),
                iam_endpoint: Some(format!("{}/", double.url)),
                ..GoogleSettings::default()
            },
            request_timeout: Duration::from_millis(300),
            connect_timeout: Duration::from_millis(300),
            max_retries: 2,
            ..StorageSettings::default()
        };
        let clock = Arc::new(TestClock(AtomicI64::new(NOW_MS)));
        let google = Self { double, clock, folder: TempDir::new(), settings };
        google.answer(OAUTH, &json!({ "access_token": "of-source", "expires_in": 3599 }));
        google.answer(&iam(LAKE), &iam_answer("of-account", "2026-01-01T01:00:00Z"));
        google.answer(STS, &json!({ "access_token": "downscoped", "expires_in": 3000 }));
        google.answer(METADATA_TOKEN, &json!({ "access_token": "of-machine", "expires_in": 3000 }));
        google.double.put_object(&format!("{METADATA}/email"), b"vm@p.iam.gserviceaccount.com\n");
        google
    }

    /// The same, with a file of a person's credentials.
    async fn with_person() -> Self {
        let mut google = Self::start().await;
        let person = google.person("hunter2");
        google.settings.google.credentials_file = Some(google.write("g.json", &person));
        google
    }

    fn answer(&self, target: &str, answer: &Value) {
        self.double.put_object(target, answer.to_string().as_bytes());
    }

    fn write(&self, name: &str, content: &Value) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content.to_string()).unwrap();
        path
    }

    /// What `gcloud auth application-default login` writes.
    fn person(&self, refresh_token: &str) -> Value {
        json!({
            "account": "",
            "client_id": "gcloud",
            "client_secret": "hunter2-client",
            "refresh_token": refresh_token,
            "token_uri": format!("{}{OAUTH}", self.double.url),
            "type": "authorized_user",
        })
    }

    fn vendor(&self) -> GoogleVendor {
        GoogleVendor::new(&self.settings, Arc::<TestClock>::clone(&self.clock))
    }

    /// Vends once, with a vendor that has not vended before.
    async fn vend(&self, request: &VendRequest) -> Result<VendedCredentials, VendError> {
        self.vendor().vend(request).await
    }

    fn pass(&self, time: Duration) {
        self.clock.0.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::Relaxed);
    }

    /// The requests to one of its services.
    fn asked(&self, target: &str) -> Vec<Recorded> {
        let requests = self.double.requests();
        requests.into_iter().filter(|request| request.target == target).collect()
    }
}

fn iam(account: &str) -> String {
    format!("/v1/projects/-/serviceAccounts/{account}:generateAccessToken")
}

fn iam_answer(token: &str, ends: &str) -> Value {
    json!({ "accessToken": token, "expireTime": ends })
}

/// A request for the table `t`, of a catalog with this service account.
fn request(service_account: Option<&str>) -> VendRequest {
    let mut config = json!({ "storageType": "GCS", "allowedLocations": ["gs://lake"] });
    if let Some(name) = service_account {
        config["gcsServiceAccount"] = name.into();
    }
    let table = Location::parse("gs://lake/db/t").unwrap();
    VendRequest {
        realm: RealmId::new("POLARIS"),
        config: StorageConfig::from_json(&config.to_string()).unwrap(),
        grant: LocationGrant::new(vec![table], DataAccess::Read).unwrap(),
        session: Session::default(),
        lifetime: Duration::from_hours(1),
    }
}

fn token(vended: &VendedCredentials) -> &str {
    let CloudSecret::Google { token } = &vended.secret else { panic!("{vended:?}") };
    shown(token)
}

#[expect(clippy::disallowed_methods, reason = "compared with what was to come")]
fn shown(secret: &SecretString) -> &str {
    secret.expose_secret()
}

/// A field of a form that was sent.
fn field(request: &Recorded, name: &str) -> String {
    let mut fields = form_urlencoded::parse(&request.body);
    fields.find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

fn body(request: &Recorded) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}
