//! Asks for tokens of the server's own, each kind of credentials in its own way.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use google_cloud_auth::credentials::external_account;
use merak_model::Clock;
use reqwest::Url;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use super::credentials_file::{
    Credentials, CredentialsFile, Direct, External, Impersonated, Person, service_account_in,
};
use super::http::{GoogleHttp, Request};
use super::impersonation::Impersonation;
use super::no_identity;
use super::service_account_key::ServiceAccountKey;
use super::settings::{GoogleSettings, protected_url};
use super::token::{AccessToken, TokenAnswer};
use crate::ProviderMessage;
use crate::io::{google_words, tidy};
use crate::vend::VendError;

/// What the server's own tokens are good for: all that its account may do. They go to Google alone.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// Where tokens are got when a file does not say.
const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";
const LIFETIME: Duration = Duration::from_hours(1);

/// Asks for tokens.
#[derive(Debug)]
pub(super) struct Sources {
    pub(super) http: Arc<GoogleHttp>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) settings: GoogleSettings,
}

impl Sources {
    /// A new token of whom a file makes one. `who` is for errors.
    pub(super) async fn of_file(
        &self,
        file: &CredentialsFile,
        who: &str,
    ) -> Result<AccessToken, VendError> {
        let wrong = |why: String| {
            no_identity(&format!("the credentials file {} has {why}", file.path.display()))
        };
        match &file.credentials {
            Credentials::Direct(direct) => self.direct(direct, who, &wrong).await,
            Credentials::Impersonated(impersonated) => {
                self.impersonated(impersonated, who, &wrong).await
            }
        }
    }

    async fn direct(
        &self,
        direct: &Direct,
        who: &str,
        wrong: &(dyn Fn(String) -> VendError + Sync),
    ) -> Result<AccessToken, VendError> {
        match direct {
            Direct::ServiceAccount(key) => self.service_account(key, who, wrong).await,
            Direct::Person(person) => self.person(person, who, wrong).await,
            Direct::External(external) => self.external(external, who, wrong).await,
        }
    }

    /// By the key: what it signs is not a token that Google would exchange (RFC 7523).
    async fn service_account(
        &self,
        key: &ServiceAccountKey,
        who: &str,
        wrong: &(dyn Fn(String) -> VendError + Sync),
    ) -> Result<AccessToken, VendError> {
        let uri = key.token_uri.as_deref().unwrap_or(TOKEN_URI);
        let url = protected_url(uri).map_err(|why| wrong(format!("a token_uri: {why}")))?;
        let asked_at_ms = self.clock.now_ms();
        let assertion = key
            .assertion(SCOPE, uri, asked_at_ms / 1000)
            .map_err(|why| wrong(format!("a key that will not do: it {why}")))?;
        let grant_type = SecretString::from("urn:ietf:params:oauth:grant-type:jwt-bearer");
        let fields = [("grant_type", &grant_type), ("assertion", &assertion)];
        self.token(Request::form(step(who), url, &fields), asked_at_ms).await
    }

    async fn person(
        &self,
        person: &Person,
        who: &str,
        wrong: &(dyn Fn(String) -> VendError + Sync),
    ) -> Result<AccessToken, VendError> {
        let uri = person.token_uri.as_deref().unwrap_or(TOKEN_URI);
        let url = protected_url(uri).map_err(|why| wrong(format!("a token_uri: {why}")))?;
        let grant_type = SecretString::from("refresh_token");
        let fields = [
            ("grant_type", &grant_type),
            ("client_id", &person.client_id),
            ("client_secret", &person.client_secret),
            ("refresh_token", &person.refresh_token),
        ];
        let asked_at_ms = self.clock.now_ms();
        self.token(Request::form(step(who), url, &fields), asked_at_ms).await
    }

    async fn impersonated(
        &self,
        impersonated: &Impersonated,
        who: &str,
        wrong: &(dyn Fn(String) -> VendError + Sync),
    ) -> Result<AccessToken, VendError> {
        let Impersonated { url, delegates, source, .. } = impersonated;
        let callers = self.direct(source, &source.who(), wrong).await?;
        let impersonation = Impersonation {
            service_account: service_account_in(url),
            caller: who,
            quota_project: source.quota_project(),
            delegates,
            scope: SCOPE,
            lifetime: LIFETIME,
            url: protected_url(url)
                .map_err(|why| wrong(format!("a service_account_impersonation_url: {why}")))?,
        };
        impersonation.token(&self.http, &callers.value).await
    }

    /// By Google's library, which knows the many ways to prove who one is elsewhere. It keeps and
    /// renews tokens in a task of its own, and does not say when they end: it is made anew for each
    /// token, so that this is a fresh one.
    async fn external(
        &self,
        external: &External,
        who: &str,
        wrong: &(dyn Fn(String) -> VendError + Sync),
    ) -> Result<AccessToken, VendError> {
        let url = external.json.get("token_url").and_then(Value::as_str).unwrap_or_default();
        protected_url(url).map_err(|why| wrong(format!("a token_url: {why}")))?;
        let credentials = external_account::Builder::new(external.json.clone())
            .with_scopes([SCOPE])
            .build_access_token_credentials()
            .map_err(|_| wrong("a field that is missing, or of the wrong kind".to_owned()))?;
        let failed = |passes: bool, reason: &str| {
            let (step, reason) = (step(who), ProviderMessage(tidy(reason)));
            if passes {
                VendError::Unavailable { step, reason }
            } else {
                VendError::Denied { step, reason }
            }
        };
        let asked = tokio::time::timeout(self.http.deadline(), credentials.access_token());
        let token = match asked.await {
            Ok(Ok(token)) => token.token,
            Ok(Err(error)) => return Err(failed(error.is_transient(), &words(&error))),
            Err(_) => return Err(failed(true, "there was no answer in time")),
        };
        let token = AccessToken { value: token.into(), expires_at_ms: None };
        let Some(url) = &external.impersonation_url else { return Ok(token) };
        let impersonation = Impersonation {
            service_account: service_account_in(url),
            caller: who,
            quota_project: external.quota_project_id.as_deref(),
            delegates: &[],
            scope: SCOPE,
            lifetime: LIFETIME,
            url: protected_url(url)
                .map_err(|why| wrong(format!("a service_account_impersonation_url: {why}")))?,
        };
        impersonation.token(&self.http, &token.value).await
    }

    /// A token of the service account that the machine runs as.
    pub(super) async fn of_machine(&self, who: &str) -> Result<AccessToken, VendError> {
        let url = self.metadata_url(&format!("token?scopes={SCOPE}"))?;
        let asked_at_ms = self.clock.now_ms();
        self.token(Request::metadata(step(who), url), asked_at_ms).await
    }

    pub(super) async fn email_of_machine(&self) -> Result<String, VendError> {
        let step = "The address of the service account of this machine".to_owned();
        self.http.send_for_text(&Request::metadata(step, self.metadata_url("email")?)).await
    }

    /// The address of the person whose token that is, if Google tells.
    pub(super) async fn email_of_person(
        &self,
        person: &Person,
        token: &SecretString,
    ) -> Option<String> {
        #[derive(Deserialize)]
        struct Answer {
            email: Option<String>,
        }
        let uri = person.token_uri.as_deref().unwrap_or(TOKEN_URI);
        let url = protected_url(&format!("{uri}info")).ok()?;
        let step = "The address of a person".to_owned();
        let request = Request::form(step, url, &[("access_token", token)]);
        self.http.send::<Answer>(&request).await.ok()?.email
    }

    fn metadata_url(&self, what: &str) -> Result<Url, VendError> {
        let host = self.settings.metadata_host();
        let url =
            format!("http://{host}/computeMetadata/v1/instance/service-accounts/default/{what}");
        Url::parse(&url)
            .map_err(|_| no_identity(&format!("'{host}' is no host of a metadata server")))
    }

    async fn token(&self, request: Request, asked_at_ms: i64) -> Result<AccessToken, VendError> {
        let answer: TokenAnswer = self.http.send(&request).await?;
        Ok(answer.into_token(asked_at_ms))
    }
}

/// What the request for a token is called in errors.
fn step(who: &str) -> String {
    format!("An access token for {who}")
}

/// What Google says somewhere among the causes, else what the first cause says: those around it say
/// only that something failed.
fn words(error: &(dyn StdError + 'static)) -> String {
    let mut cause = error;
    loop {
        let text = cause.to_string();
        match (google_words(&text), cause.source()) {
            (Some(words), _) => return words,
            (None, Some(source)) => cause = source,
            (None, None) => return text,
        }
    }
}
