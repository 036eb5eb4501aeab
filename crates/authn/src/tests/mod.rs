//! The crate as its callers see it.
#![expect(clippy::disallowed_methods, reason = "tests look at the tokens and secrets they make")]

mod fake;
mod forged;
mod guesses;
mod issue;
mod issuer;
mod oidc;
mod replicas;
mod verify;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use merak_metastore::Metastore;
use merak_model::{Clock, RealmId};
use secrecy::{ExposeSecret as _, SecretBox, SecretString};

use crate::keys::StoredKind;
use crate::tokens::MAX_TOKEN_BYTES;
use crate::{
    ACCESS_TOKEN_TYPE, Authn, AuthnSettings, IssuedToken, RsaKeyFiles, TokenBroker, TokenError,
    TokenRequest, TokenSettings,
};
use fake::FakeMetastore;

const ALL_ROLES: &str = "PRINCIPAL_ROLE:ALL";
const START_S: i64 = 1_700_000_000;
const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// A clock that stands still until it is told to move.
#[derive(Debug)]
struct TestClock(AtomicI64);

impl TestClock {
    fn advance_ms(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }

    fn advance_s(&self, s: i64) {
        self.advance_ms(s * 1000);
    }
}

impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// One server over a metastore in which principal 7, `anna`, is known by `anna-id` and
/// `anna-secret`.
struct Server {
    authn: Authn,
    metastore: Arc<FakeMetastore>,
    clock: Arc<TestClock>,
}

impl Server {
    fn new(broker: TokenBroker) -> Self {
        let keeps_rsa_key = matches!(broker, TokenBroker::Rsa { files: None });
        let server =
            Self::with(AuthnSettings { default: signed_by(broker), ..AuthnSettings::default() });
        if keeps_rsa_key {
            server.metastore.add_key(&realm(), "RS256", an_rsa_key());
        }
        server
    }

    fn with(settings: AuthnSettings) -> Self {
        let metastore = Arc::new(FakeMetastore::default());
        metastore.add_principal(&realm(), 7, "anna", "anna-id", "anna-secret");
        let clock = Arc::new(TestClock(AtomicI64::new(START_S * 1000)));
        Self { authn: authn(&metastore, &clock, settings), metastore, clock }
    }

    /// Another server over the same metastore.
    fn replica(&self, broker: TokenBroker) -> Authn {
        let settings = AuthnSettings { default: signed_by(broker), ..AuthnSettings::default() };
        authn(&self.metastore, &self.clock, settings)
    }

    /// A token for `anna`.
    async fn token(&self) -> String {
        text(&self.authn.issue_token(&realm(), by_secret("anna-secret", ALL_ROLES)).await.unwrap())
    }
}

fn authn(metastore: &Arc<FakeMetastore>, clock: &Arc<TestClock>, settings: AuthnSettings) -> Authn {
    let metastore: Arc<dyn Metastore> = Arc::<FakeMetastore>::clone(metastore);
    let clock: Arc<dyn Clock> = Arc::<TestClock>::clone(clock);
    Authn::new(metastore, clock, settings)
}

fn signed_by(broker: TokenBroker) -> TokenSettings {
    TokenSettings { broker, ..TokenSettings::default() }
}

fn realm() -> RealmId {
    RealmId::new("POLARIS")
}

fn symmetric(secret: &str) -> TokenBroker {
    TokenBroker::Symmetric { secret: SecretBox::from(secret.as_bytes().to_vec()) }
}

/// An RSA key as the metastore keeps it: one for all tests, since it takes long to make.
fn an_rsa_key() -> &'static SecretBox<[u8]> {
    static KEY: LazyLock<SecretBox<[u8]>> = LazyLock::new(|| StoredKind::Rsa.generate().unwrap());
    &KEY
}

/// Every way to sign.
fn brokers() -> [TokenBroker; 4] {
    static FILES: LazyLock<RsaKeyFiles> = LazyLock::new(|| {
        let (private, public) = rsa_pems();
        RsaKeyFiles::from_pem(&private, &public).unwrap()
    });
    let files = FILES.clone();
    [
        TokenBroker::Ed25519,
        TokenBroker::Rsa { files: None },
        TokenBroker::Rsa { files: Some(files) },
        symmetric("a secret of the server's"),
    ]
}

fn by_secret(secret: &str, scope: &str) -> TokenRequest {
    TokenRequest::ClientCredentials {
        client_id: "anna-id".into(),
        client_secret: secret.into(),
        address: ADDRESS,
        scope: Some(scope.into()),
    }
}

fn by_token(token: &str, scope: Option<&str>) -> TokenRequest {
    TokenRequest::Exchange {
        subject_token: token.into(),
        subject_token_type: Some(ACCESS_TOKEN_TYPE.into()),
        scope: scope.map(str::to_owned),
    }
}

fn text(issued: &IssuedToken) -> String {
    issued.access_token.expose_secret().to_owned()
}

/// What a client reads of a refusal.
fn refusal(result: Result<IssuedToken, TokenError>) -> (&'static str, String) {
    let error = result.unwrap_err();
    (error.code(), error.to_string())
}

/// The claims of a token, unchecked.
fn claims(token: &str) -> BTreeMap<String, serde_json::Value> {
    part(token, 1)
}

fn header(token: &str) -> BTreeMap<String, serde_json::Value> {
    part(token, 0)
}

fn part(token: &str, nth: usize) -> BTreeMap<String, serde_json::Value> {
    let part = token.split('.').nth(nth).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// The PEM files of a new RSA key pair.
pub(crate) fn rsa_pems() -> (SecretString, String) {
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    (pem("PRIVATE KEY", private.as_ref()).into(), pem("PUBLIC KEY", public.as_ref()))
}

fn pem(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let lines: Vec<&str> =
        body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
