//! What the server is told about Azure.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use url::{Host, Url};

use super::sas::SasVersion;

/// The server's identity in Azure, and where Azure is. Nothing of it is looked up before it is
/// needed.
#[derive(Debug, Clone)]
pub struct AzureSettings {
    /// `merak.storage.azure.endpoint`: where all accounts are, each by its name as the first
    /// segment of the path. Without it, each is at the host that locations name.
    pub endpoint: Option<AzureUrl>,
    /// `merak.storage.azure.host-suffixes`: what hosts may have after `blob.` or `dfs.`, beside
    /// what Azure's own clouds have.
    pub host_suffixes: Vec<String>,
    /// `merak.storage.azure.sas-version`: the version that signatures are made in.
    pub sas_version: SasVersion,
    /// `AZURE_AUTHORITY_HOST`: who issues tokens. Without it, Azure's public cloud.
    pub authority_host: Option<AzureUrl>,
    /// `AZURE_TENANT_ID`: the tenant that tokens are asked in where a catalog names none.
    pub tenant_id: Option<String>,
    /// `AZURE_CLIENT_ID`: the application, or the user-assigned managed identity.
    pub client_id: Option<String>,
    /// `AZURE_CLIENT_SECRET`: the application's secret.
    pub client_secret: Option<SecretString>,
    /// `AZURE_FEDERATED_TOKEN_FILE`: the token of a workload, exchanged for one of the application.
    pub federated_token_file: Option<PathBuf>,
    /// Whether the machine's managed identity may be asked for.
    pub managed_identity: bool,
    /// Whether `az` and `azd` may be asked for the identity that is logged in to them.
    pub developer_tools: bool,
    /// How long one request for a token may take, and after how long no other is begun.
    pub token_timeout: Duration,
    /// How often a request for a token, or for a delegation key, is repeated that failed for no
    /// fault of its own.
    pub token_retries: u32,
    /// How long it is waited before the first repetition; before each other one, twice as long.
    pub token_retry_delay: Duration,
    /// How long an account may take to hand out a delegation key.
    pub request_timeout: Duration,
    /// How long making a connection may take.
    pub connect_timeout: Duration,
}

impl Default for AzureSettings {
    fn default() -> Self {
        Self {
            endpoint: None,
            host_suffixes: Vec::new(),
            sas_version: SasVersion::default(),
            authority_host: None,
            tenant_id: None,
            client_id: None,
            client_secret: None,
            federated_token_file: None,
            managed_identity: true,
            developer_tools: true,
            token_timeout: Duration::from_secs(15),
            token_retries: 3,
            token_retry_delay: Duration::from_secs(2),
            request_timeout: Duration::from_secs(15),
            connect_timeout: Duration::from_secs(5),
        }
    }
}

/// The base of a service: an `https` URL, or an `http` URL of this machine. Tokens and keys are
/// sent there. It has no user, query, fragment, and no slash at the end.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AzureUrl(String);

impl AzureUrl {
    /// The URL, or what is wrong with it in words that go on after it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let url = Url::parse(text).map_err(|_| "is not a URL")?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => return Err("must be https, but for a server on this machine"),
            _ => return Err("must begin with https://"),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not name a user");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("must have no query and no fragment");
        }
        Ok(Self(url.as_str().trim_end_matches('/').to_owned()))
    }

    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether what is sent there is not encrypted, because it does not leave the machine.
    pub(super) fn is_plain_http(&self) -> bool {
        self.0.starts_with("http:")
    }
}

impl fmt::Display for AzureUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_reached_without_encryption() {
        for (text, url) in [
            ("https://blob.example:8443/base/", "https://blob.example:8443/base"),
            ("http://127.0.0.1:10000", "http://127.0.0.1:10000"),
            ("http://[::1]:10000/", "http://[::1]:10000"),
            ("http://localhost:10000", "http://localhost:10000"),
        ] {
            assert_eq!(AzureUrl::parse(text).unwrap().as_str(), url);
        }
        for text in [
            "http://azurite:10000",
            "http://localhost.example",
            "http://127.0.0.1.example",
            "http://127.0.0.1@example",
            "https://user@example",
            "https://example?a=b",
            "https://example#a",
            "ftp://localhost",
            "localhost:10000",
            "",
        ] {
            assert!(AzureUrl::parse(text).is_err(), "{text}");
        }
    }
}
