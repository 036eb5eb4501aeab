//! Who the server itself is to Azure.
//!
//! In this order: the application of `AZURE_CLIENT_ID` with its secret; the same with the token of a
//! workload; the machine's managed identity; who is logged in to `az` or `azd`. One that is set up
//! and fails ends the search: nobody would notice whose identity is used instead. Of the managed
//! identity the SDK itself reads where it is, from variables that Azure sets (`IDENTITY_ENDPOINT`).
//!
//! Tokens are asked for in the tenant that the catalog names, which may be another than the
//! application's own; a managed identity has tokens of its own tenant only.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::{AccessToken, Secret, TokenCredential};
use azure_core::http::{ClientOptions, ExponentialRetryOptions, RetryOptions, Transport};
use azure_identity::{
    AzureCliCredential, AzureCliCredentialOptions, AzureDeveloperCliCredential,
    AzureDeveloperCliCredentialOptions, ClientAssertionCredentialOptions, ClientSecretCredential,
    ClientSecretCredentialOptions, ManagedIdentityCredential, ManagedIdentityCredentialOptions,
    UserAssignedId, WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use merak_model::Clock;
use moka::future::Cache;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::Value;

use super::remembered::Remembered;
use super::settings::AzureSettings;
use super::transport::TokenTransport;
use crate::io::tidy;
use crate::{ProviderMessage, VendError};

/// What tokens are asked for: all storage accounts, in every cloud.
const SCOPE: &str = "https://storage.azure.com/.default";
/// How long before its end a token is no longer used, in milliseconds.
const MARGIN_MS: i64 = 5 * 60 * 1000;
/// How many tenants' tokens are kept.
const MOST_TENANTS: u64 = 1000;

/// A token for storage accounts.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) secret: SecretString,
    expires_at_ms: i64,
    /// Which of the identities it is of.
    source: &'static str,
}

/// What a token says of whom it is of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AzureTokenClaims {
    /// Which of the server's identities it is of, such as `client secret`.
    pub source: &'static str,
    /// The object id: whom roles are assigned to.
    pub oid: Option<String>,
    /// The tenant.
    pub tid: Option<String>,
    /// The application.
    pub appid: Option<String>,
    /// Whom it is for.
    pub aud: Option<String>,
}

/// The server's identity in Azure. Making it looks nothing up.
pub(super) struct AzureIdentity {
    settings: Arc<AzureSettings>,
    clock: Arc<dyn Clock>,
    tokens: Cache<String, Arc<Remembered<Token>>>,
}

impl fmt::Debug for AzureIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AzureIdentity").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Why a source gave no token.
struct Failure {
    /// The status of an answer that was a refusal.
    status: Option<u16>,
    text: String,
}

impl AzureIdentity {
    pub(super) fn new(settings: Arc<AzureSettings>, clock: Arc<dyn Clock>) -> Self {
        Self { settings, clock, tokens: Cache::new(MOST_TENANTS) }
    }

    /// The tenant that a catalog's tokens are asked in: the one it names, else `AZURE_TENANT_ID`.
    pub(super) fn tenant(&self, named: &str) -> Result<String, VendError> {
        let tenant = match named.trim() {
            "" => self.settings.tenant_id.as_deref().unwrap_or_default(),
            named => named,
        };
        // It becomes part of a URL, and of a command line of `az`.
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        if tenant.is_empty() || !tenant.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return Err(VendError::Impossible("The catalog has no tenantId".to_owned()));
        }
        if !tenant.chars().all(is_name) {
            let shown = tenant.escape_debug();
            return Err(VendError::Impossible(format!("'{shown}' is not a tenant of Azure")));
        }
        Ok(tenant.to_owned())
    }

    /// A token in a tenant.
    pub(super) async fn token(&self, tenant: &str) -> Result<Token, VendError> {
        let fresh = async { Arc::new(Remembered::new()) };
        let remembered = self.tokens.get_with_by_ref(tenant, fresh).await;
        let is_good = |token: &Token| token.expires_at_ms - MARGIN_MS > self.clock.now_ms();
        remembered.get(is_good, self.find(tenant)).await
    }

    /// Whose token it is.
    #[expect(clippy::disallowed_methods, reason = "what it says of its owner is no secret")]
    pub(super) async fn claims(&self, tenant: &str) -> Result<AzureTokenClaims, VendError> {
        let token = self.token(tenant).await?;
        let claims = claims(token.secret.expose_secret());
        let get = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
        Ok(AzureTokenClaims {
            source: token.source,
            oid: get("oid"),
            tid: get("tid"),
            appid: get("appid").or_else(|| get("azp")),
            aud: get("aud"),
        })
    }

    async fn find(&self, tenant: &str) -> Result<Token, VendError> {
        let settings = &self.settings;
        let set_up = match (&settings.client_secret, &settings.federated_token_file) {
            (Some(secret), _) => Some(("client secret", self.client_secret(tenant, secret).await)),
            (None, Some(file)) => Some(("workload identity", self.workload(tenant, file).await)),
            (None, None) => None,
        };
        if let Some((source, result)) = set_up {
            return result
                .map(|token| token_of(source, &token))
                .map_err(|failure| self.refused(tenant, source, failure));
        }
        let mut tried = vec![
            "client secret: AZURE_CLIENT_SECRET is not set".to_owned(),
            "workload identity: AZURE_FEDERATED_TOKEN_FILE is not set".to_owned(),
        ];
        if settings.managed_identity {
            match self.managed().await {
                Ok(token) => return Ok(token_of("managed identity", &token)),
                Err(failure) => tried.push(format!("managed identity: {}", failure.text)),
            }
        }
        if settings.developer_tools {
            for (source, made) in [("az", az(tenant)), ("azd", azd(tenant))] {
                match self.tool(made).await {
                    Ok(token) => return Ok(token_of(source, &token)),
                    Err(failure) => tried.push(format!("{source}: {}", failure.text)),
                }
            }
        }
        Err(VendError::NoIdentity { cloud: "Azure", reason: tried.join("; ") })
    }

    #[expect(clippy::disallowed_methods, reason = "to the SDK, which sends it to the authority")]
    async fn client_secret(
        &self,
        tenant: &str,
        secret: &SecretString,
    ) -> Result<AccessToken, Failure> {
        let transport = self.transport()?;
        let options = ClientSecretCredentialOptions { client_options: self.options(&transport) };
        let secret = secret.expose_secret();
        let credential = ClientSecretCredential::new(
            tenant,
            self.client_id()?,
            Secret::new(secret.to_owned()),
            Some(options),
        );
        let result = ask(credential.map(|credential| credential as Arc<_>), Some(&transport)).await;
        // Azure does not quote it; were it to begin with that, it would be in every log.
        result.map_err(|Failure { status, text }| Failure {
            status,
            text: text.replace(secret, "***"),
        })
    }

    async fn workload(&self, tenant: &str, file: &std::path::Path) -> Result<AccessToken, Failure> {
        let transport = self.transport()?;
        let options = WorkloadIdentityCredentialOptions {
            credential_options: ClientAssertionCredentialOptions {
                client_options: self.options(&transport),
            },
            client_id: Some(self.client_id()?),
            tenant_id: Some(tenant.to_owned()),
            token_file_path: Some(file.to_owned()),
        };
        let credential = WorkloadIdentityCredential::new(Some(options));
        ask(credential.map(|credential| credential as Arc<_>), Some(&transport)).await
    }

    async fn managed(&self) -> Result<AccessToken, Failure> {
        let transport = TokenTransport::to_machine(self.settings.token_timeout)
            .map_err(|error| failure(&error))?;
        let options = ManagedIdentityCredentialOptions {
            user_assigned_id: self.settings.client_id.clone().map(UserAssignedId::ClientId),
            client_options: self.options(&transport),
        };
        let credential = ManagedIdentityCredential::new(Some(options));
        // The SDK would go on for more than a minute.
        self.in_time(ask(credential.map(|credential| credential as Arc<_>), Some(&transport))).await
    }

    async fn tool(
        &self,
        credential: azure_core::Result<Arc<dyn TokenCredential>>,
    ) -> Result<AccessToken, Failure> {
        self.in_time(ask(credential, None)).await
    }

    async fn in_time(
        &self,
        work: impl Future<Output = Result<AccessToken, Failure>>,
    ) -> Result<AccessToken, Failure> {
        let waited = self.settings.token_timeout;
        tokio::time::timeout(waited, work).await.unwrap_or_else(|_| {
            Err(Failure { status: None, text: format!("no answer within {waited:?}") })
        })
    }

    fn client_id(&self) -> Result<String, Failure> {
        self.settings
            .client_id
            .clone()
            .ok_or_else(|| Failure { status: None, text: "AZURE_CLIENT_ID is not set".to_owned() })
    }

    fn transport(&self) -> Result<Arc<TokenTransport>, Failure> {
        let AzureSettings { authority_host, token_timeout, connect_timeout, .. } = &*self.settings;
        TokenTransport::to_authority(authority_host.as_ref(), *token_timeout, *connect_timeout)
            .map_err(|error| failure(&error))
    }

    fn options(&self, transport: &Arc<TokenTransport>) -> ClientOptions {
        let settings = &self.settings;
        let long = |duration| time::Duration::try_from(duration).unwrap_or(time::Duration::MAX);
        let retry = RetryOptions::exponential(ExponentialRetryOptions {
            initial_delay: long(settings.token_retry_delay),
            max_retries: settings.token_retries,
            max_total_elapsed: long(settings.token_timeout),
            ..ExponentialRetryOptions::default()
        });
        // Without a cloud, the SDK would read AZURE_AUTHORITY_HOST itself.
        let cloud = match &settings.authority_host {
            None => CloudConfiguration::AzurePublic,
            Some(host) => {
                let mut custom = CustomConfiguration::default();
                custom.authority_host = encrypted(host.as_str());
                custom.into()
            }
        };
        let client = Arc::<TokenTransport>::clone(transport);
        ClientOptions {
            retry,
            transport: Some(Transport::new(client)),
            cloud: Some(Arc::new(cloud)),
            ..ClientOptions::default()
        }
    }

    fn refused(&self, tenant: &str, source: &str, failure: Failure) -> VendError {
        let client = self.settings.client_id.as_deref().unwrap_or("?");
        let step = format!("A token of the client {client} in the tenant {tenant}, by {source},");
        let Failure { status, text } = failure;
        match status {
            Some(408 | 429 | 500..) => {
                VendError::Unavailable { step, reason: ProviderMessage(text) }
            }
            Some(_) => VendError::Denied { step, reason: ProviderMessage(text) },
            None if self.settings.client_id.is_none() => {
                VendError::NoIdentity { cloud: "Azure", reason: format!("{source}: {text}") }
            }
            None => VendError::Unavailable { step, reason: ProviderMessage(text) },
        }
    }
}

/// The authority's URL as the SDK takes it. The transport turns it back.
fn encrypted(url: &str) -> String {
    let Some(rest) = url.strip_prefix("http://") else { return url.to_owned() };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
    let port = if has_port { "" } else { ":80" };
    format!("https://{host}{port}/{path}")
}

fn az(tenant: &str) -> azure_core::Result<Arc<dyn TokenCredential>> {
    let tenant_id = Some(tenant.to_owned());
    let options = AzureCliCredentialOptions { tenant_id, ..AzureCliCredentialOptions::default() };
    Ok(AzureCliCredential::new(Some(options))?)
}

fn azd(tenant: &str) -> azure_core::Result<Arc<dyn TokenCredential>> {
    let options = AzureDeveloperCliCredentialOptions {
        tenant_id: Some(tenant.to_owned()),
        ..AzureDeveloperCliCredentialOptions::default()
    };
    Ok(AzureDeveloperCliCredential::new(Some(options))?)
}

async fn ask(
    credential: azure_core::Result<Arc<dyn TokenCredential>>,
    transport: Option<&Arc<TokenTransport>>,
) -> Result<AccessToken, Failure> {
    let credential = credential.map_err(|error| failure(&error))?;
    credential.get_token(&[SCOPE], None).await.map_err(|error| {
        match transport.and_then(|transport| transport.refusal()) {
            Some(refusal) => Failure { status: Some(refusal.status), text: tidy(&refusal.text) },
            None => failure(&error),
        }
    })
}

fn token_of(source: &'static str, token: &AccessToken) -> Token {
    Token {
        secret: SecretString::from(token.token.secret()),
        expires_at_ms: token.expires_on.unix_timestamp().saturating_mul(1000),
        source,
    }
}

/// The causes of an error, from the outermost to the first, each said once.
fn failure(error: &(dyn StdError + 'static)) -> Failure {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let cause = error.to_string();
        // The SDK adds where to read on, on a line of its own.
        let cause = cause.split("\nTo troubleshoot").next().unwrap_or_default().trim();
        if !text.contains(cause) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(cause);
        }
        next = error.source();
    }
    Failure { status: None, text: tidy(&text) }
}

/// The claims of a token, which is not verified: it is Azure's, and for Azure.
fn claims(token: &str) -> BTreeMap<String, Value> {
    let payload = token.split('.').nth(1).unwrap_or_default();
    let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}
