//! Who the server is to Google, and where Google is.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;
use secrecy::SecretString;

use crate::vend::VendError;

/// Who the server is to Google, and where Google is.
///
/// Credentials are looked for in this order: the token, the credentials file, the file that
/// `gcloud` writes, the metadata server. One that is set and does not work is an error; the next is
/// not asked, since nobody would notice whose identity is used.
#[derive(Debug, Clone)]
pub struct GoogleSettings {
    /// `polaris.storage.gcp.token`: an access token, which nobody renews.
    pub token: Option<SecretString>,
    /// `polaris.storage.gcp.lifespan`: how long that token is good for, from its first use on.
    pub token_lifespan: Duration,
    /// `GOOGLE_APPLICATION_CREDENTIALS`. It is read when credentials are needed, and again when
    /// they are needed again: it may come later, and be replaced.
    pub credentials_file: Option<PathBuf>,
    /// The file that `gcloud auth application-default login` writes. It need not be there.
    pub gcloud_file: Option<PathBuf>,
    /// Whether the machine's metadata server may be asked, as the last resort.
    pub metadata_server: bool,
    /// `GCE_METADATA_HOST`: the metadata server, with its port if it has one.
    pub metadata_host: Option<String>,
    /// The Security Token Service, in place of Google's own.
    pub sts_endpoint: Option<String>,
    /// The IAM Credentials API, in place of Google's own.
    pub iam_endpoint: Option<String>,
    /// The storage service, in place of Google's own. Clients are told of it.
    pub storage_endpoint: Option<String>,
}

impl Default for GoogleSettings {
    fn default() -> Self {
        Self {
            token: None,
            token_lifespan: Duration::from_hours(1),
            credentials_file: None,
            gcloud_file: None,
            metadata_server: true,
            metadata_host: None,
            sts_endpoint: None,
            iam_endpoint: None,
            storage_endpoint: None,
        }
    }
}

impl GoogleSettings {
    /// Where tokens are exchanged.
    pub(crate) fn sts_url(&self) -> Result<Url, VendError> {
        below(self.sts_endpoint.as_deref().unwrap_or("https://sts.googleapis.com"), "v1/token")
    }

    /// Where tokens of a service account are made. The account has been validated.
    pub(crate) fn iam_url(&self, service_account: &str) -> Result<Url, VendError> {
        let endpoint =
            self.iam_endpoint.as_deref().unwrap_or("https://iamcredentials.googleapis.com");
        let path = format!("v1/projects/-/serviceAccounts/{service_account}:generateAccessToken");
        below(endpoint, &path)
    }

    pub(crate) fn metadata_host(&self) -> &str {
        self.metadata_host.as_deref().unwrap_or("metadata.google.internal")
    }
}

fn below(endpoint: &str, path: &str) -> Result<Url, VendError> {
    protected_url(&format!("{}/{path}", endpoint.trim_end_matches('/')))
        .map_err(VendError::Impossible)
}

/// A URL that nobody on the way can read: `https`, or on this machine.
pub(crate) fn protected_url(text: &str) -> Result<Url, String> {
    let shown = text.escape_debug();
    let url = Url::parse(text).map_err(|_| format!("'{shown}' is no URL"))?;
    if url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url)) {
        Ok(url)
    } else {
        Err(format!("'{shown}' is not protected: secrets are sent to https URLs only"))
    }
}

/// Whether a URL is on this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_sent_where_nobody_on_the_way_can_read_them() {
        for text in ["https://sts.googleapis.com", "http://127.0.0.1:1", "http://[::1]:1/a"] {
            protected_url(text).unwrap();
        }
        let bad = ["http://sts.googleapis.com", "http://localhost.example.com", "ftp://localhost"];
        for text in bad.into_iter().chain(["", "sts.googleapis.com", "http://10.0.0.1"]) {
            assert!(protected_url(text).is_err(), "{text:?} was taken");
        }
    }
}
