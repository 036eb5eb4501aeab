//! Who the server itself is to Google.
//!
//! Nothing is looked up before it is needed, and a file is read again each time: it may come after
//! the server has started, and be replaced at any time. Tokens are kept while they are good and the
//! file is what it was. One look-up serves all who wait, and a failure is taken to last a while.

use std::fmt;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use merak_model::Clock;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::credentials_file::{Credentials, CredentialsFile, Direct, service_account_in};
use super::http::GoogleHttp;
use super::no_identity;
use super::settings::GoogleSettings;
use super::source::Sources;
use super::token::AccessToken;
use crate::vend::VendError;

/// For how long a failure to get a token is taken to last.
const FAILURE_LASTS: Duration = Duration::from_secs(5);
/// For how long a token is kept of which nobody said when it ends.
const UNKNOWN_LIFETIME_MS: i64 = 60_000;

/// Who the server is to Google.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SourceIdentity {
    /// The kind of credentials, in the words of Google's files; `token` for one that was set,
    /// `metadata` for those of the machine.
    pub(crate) kind: &'static str,
    /// The email address, if it is known.
    pub(crate) email: Option<String>,
    /// All of it, for people.
    pub(crate) text: String,
    /// The project whose quota requests count against.
    pub(crate) quota_project: Option<String>,
}

impl fmt::Display for SourceIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A token of the server's own, and whose it is.
#[derive(Debug, Clone)]
pub(crate) struct SourceToken {
    pub(crate) token: AccessToken,
    pub(crate) identity: SourceIdentity,
}

/// Gets the server's own tokens. Making it looks nothing up.
#[derive(Debug)]
pub(super) struct GoogleIdentity {
    settings: GoogleSettings,
    sources: Sources,
    clock: Arc<dyn Clock>,
    /// When the token that was set ends.
    set_token_ends: OnceLock<i64>,
    /// Held while a token is asked for, so that many waiters ask once.
    state: Mutex<State>,
}

/// What is remembered, of the source that it came from.
#[derive(Debug, Default)]
struct State {
    source: Option<Fingerprint>,
    token: Option<(AccessToken, i64)>,
    failure: Option<(Instant, VendError)>,
}

type Fingerprint = [u8; 32];

/// Where credentials are.
enum Source {
    Set(SecretString),
    File(Box<CredentialsFile>, Fingerprint),
    Machine,
}

impl GoogleIdentity {
    pub(super) fn new(
        settings: GoogleSettings,
        http: Arc<GoogleHttp>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            sources: Sources { http, clock: Arc::clone(&clock), settings: settings.clone() },
            settings,
            clock,
            set_token_ends: OnceLock::new(),
            state: Mutex::default(),
        }
    }

    /// A token of the server's own that is good for that long, if one can be had, and else for as
    /// long as can be had.
    pub(super) async fn token(&self, lives: Duration) -> Result<SourceToken, VendError> {
        let mut state = self.state.lock().await;
        let source = self.source().await?;
        let identity = source.identity();
        let fingerprint = match &source {
            Source::Set(token) => {
                let token = self.set_token(token)?;
                return Ok(SourceToken { token, identity });
            }
            Source::File(_, fingerprint) => Some(*fingerprint),
            Source::Machine => None,
        };
        if state.source != fingerprint {
            *state = State { source: fingerprint, ..State::default() };
        }
        if let Some(token) = state.kept(self.clock.now_ms(), lives) {
            return Ok(SourceToken { token, identity });
        }
        if let Some((since, error)) = &state.failure
            && since.elapsed() < FAILURE_LASTS
        {
            return Err(error.clone());
        }
        let asked_at_ms = self.clock.now_ms();
        let asked = match &source {
            Source::File(file, _) => self.sources.of_file(file, &identity.text).await,
            Source::Set(_) | Source::Machine => self.of_machine(&identity.text).await,
        };
        match asked {
            Ok(token) => {
                state.token = Some((token.clone(), asked_at_ms));
                state.failure = None;
                Ok(SourceToken { token, identity })
            }
            Err(error) => {
                state.failure = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// Who the server is, with an email address that only Google knows, if it tells.
    pub(super) async fn identity(&self) -> Result<SourceIdentity, VendError> {
        let source = self.source().await?;
        let mut identity = source.identity();
        if identity.email.is_none() {
            identity.email = match &source {
                Source::Machine => self.sources.email_of_machine().await.ok(),
                Source::File(file, _) => match &file.credentials {
                    Credentials::Direct(Direct::Person(person)) => {
                        let token = self.token(Duration::ZERO).await?.token;
                        self.sources.email_of_person(person, &token.value).await
                    }
                    Credentials::Direct(Direct::ServiceAccount(_) | Direct::External(_))
                    | Credentials::Impersonated(_) => None,
                },
                Source::Set(_) => None,
            };
            if let Some(email) = &identity.email {
                identity.text = format!("{email}: {}", identity.text);
            }
        }
        Ok(identity)
    }

    async fn source(&self) -> Result<Source, VendError> {
        if let Some(token) = &self.settings.token {
            return Ok(Source::Set(token.clone()));
        }
        if let Some(path) = &self.settings.credentials_file {
            return read(path).await?.ok_or_else(|| {
                no_identity(&format!("the credentials file {} does not exist", path.display()))
            });
        }
        if let Some(path) = &self.settings.gcloud_file
            && let Some(source) = read(path).await?
        {
            return Ok(source);
        }
        if self.settings.metadata_server {
            return Ok(Source::Machine);
        }
        Err(no_identity(&format!("{}, and the metadata server is switched off", self.tried())))
    }

    /// What was tried before the metadata server.
    fn tried(&self) -> String {
        let gcloud =
            self.settings.gcloud_file.as_ref().map_or(String::new(), |path| {
                format!(", there is no {} of gcloud's", path.display())
            });
        format!(
            "no token is set (polaris.storage.gcp.token), no credentials file is named \
             (GOOGLE_APPLICATION_CREDENTIALS){gcloud}"
        )
    }

    async fn of_machine(&self, who: &str) -> Result<AccessToken, VendError> {
        self.sources.of_machine(who).await.map_err(|error| {
            let (VendError::Denied { reason, .. } | VendError::Unavailable { reason, .. }) = &error
            else {
                return error;
            };
            let host = self.settings.metadata_host();
            let tried = self.tried();
            no_identity(&format!("{tried}, and the metadata server {host} has none: {reason}"))
        })
    }

    /// The token that was set, while it is good by what was set with it.
    fn set_token(&self, token: &SecretString) -> Result<AccessToken, VendError> {
        let now_ms = self.clock.now_ms();
        let lifespan_ms =
            i64::try_from(self.settings.token_lifespan.as_millis()).unwrap_or(i64::MAX);
        let ends = *self.set_token_ends.get_or_init(|| now_ms.saturating_add(lifespan_ms));
        if ends <= now_ms {
            return Err(no_identity(
                "the token that is set (polaris.storage.gcp.token) has reached its lifespan \
                 (polaris.storage.gcp.lifespan)",
            ));
        }
        Ok(AccessToken { value: token.clone(), expires_at_ms: Some(ends) })
    }
}

impl State {
    /// The token that is kept, if it is good for that long.
    fn kept(&self, now_ms: i64, lives: Duration) -> Option<AccessToken> {
        let (token, asked_at_ms) = self.token.as_ref()?;
        let ends = token.expires_at_ms.unwrap_or(asked_at_ms + UNKNOWN_LIFETIME_MS);
        let lives_ms = i64::try_from(lives.as_millis()).unwrap_or(i64::MAX);
        // Never one that ends while it is on its way.
        let until = now_ms.saturating_add(lives_ms.max(10_000));
        (ends >= until).then(|| token.clone())
    }
}

impl Source {
    fn identity(&self) -> SourceIdentity {
        match self {
            Self::Set(_) => SourceIdentity {
                kind: "token",
                email: None,
                text: "the holder of the token that is set (polaris.storage.gcp.token)".to_owned(),
                quota_project: None,
            },
            Self::Machine => SourceIdentity {
                kind: "metadata",
                email: None,
                text: "the service account of this machine".to_owned(),
                quota_project: None,
            },
            Self::File(file, _) => of_file(file),
        }
    }
}

fn of_file(file: &CredentialsFile) -> SourceIdentity {
    let (kind, email, who) = match &file.credentials {
        Credentials::Direct(direct) => (direct.kind(), direct.email(), direct.who()),
        Credentials::Impersonated(impersonated) => {
            let email = service_account_in(&impersonated.url);
            let who = format!("the service account {email}, by {}", impersonated.source.who());
            ("impersonated_service_account", Some(email), who)
        }
    };
    SourceIdentity {
        kind,
        email: email.map(str::to_owned),
        text: format!("{who}, from the file {}", file.path.display()),
        quota_project: file.quota_project().map(str::to_owned),
    }
}

/// The source that a file is, if there is such a file.
async fn read(path: &Path) -> Result<Option<Source>, VendError> {
    match tokio::fs::read(path).await {
        Ok(content) => {
            let file = CredentialsFile::parse(path, &content).map_err(|why| no_identity(&why))?;
            Ok(Some(Source::File(Box::new(file), Sha256::digest(&content).into())))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let path = path.display();
            Err(no_identity(&format!("the credentials file {path} cannot be read: {error}")))
        }
    }
}
