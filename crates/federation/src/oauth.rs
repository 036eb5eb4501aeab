//! Tokens of an OAuth server, for a client's secret.

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

use crate::Error;
use crate::address::shown;
use crate::http::{Http, Request};
use crate::kept::Fresh;

/// What tokens are asked for, where nothing is said: as Iceberg's clients do.
const DEFAULT_SCOPE: &str = "catalog";
/// How long a token is taken to be good of which nobody says how long it is.
const UNKNOWN_LIFETIME_S: u64 = 3600;
/// No token is kept longer, whatever is said.
const MAX_LIFETIME_S: u64 = 7 * 24 * 3600;

/// A client of an OAuth server.
pub(crate) struct TokenClient {
    pub(crate) url: Url,
    pub(crate) client_id: String,
    pub(crate) client_secret: SecretString,
    pub(crate) scopes: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Answer {
    access_token: SecretString,
    #[serde(default)]
    expires_in: Option<u64>,
}

/// RFC 6749, section 5.2.
#[derive(Deserialize)]
struct Refusal {
    error: String,
}

impl TokenClient {
    /// Asks for a token, at that time in milliseconds since 1970.
    pub(crate) async fn ask(&self, http: &Http, now_ms: i64) -> Result<Fresh<SecretString>, Error> {
        let host = shown(&self.url);
        let mut headers = HeaderMap::new();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, form);
        let body = Some(self.form());
        let request = Request { method: Method::POST, url: &self.url, headers, body };
        let answer = http.send(request).await.map_err(|failure| failure.of_question(&host))?;
        match answer.status {
            200 => {}
            400 | 401 | 403 => {
                let refusal = serde_json::from_slice::<Refusal>(&answer.body);
                let code = refusal.ok().map(|refusal| refusal.error).filter(|code| is_code(code));
                let reason = code.unwrap_or_else(|| format!("it answers {}", answer.status));
                return Err(Error::Unauthorized { host, reason });
            }
            status => {
                let reason = format!("it gives no token, and answers {status}");
                return Err(Error::Unreachable { host, reason, source: None });
            }
        }
        let Ok(answer) = serde_json::from_slice::<Answer>(&answer.body) else {
            return Err(Error::Nonsense { host, reason: "its token cannot be read".to_owned() });
        };
        let lives_s = answer.expires_in.unwrap_or(UNKNOWN_LIFETIME_S).min(MAX_LIFETIME_S);
        let lifetime_ms = i64::try_from(lives_s * 1000).unwrap_or(i64::MAX);
        Ok(Fresh::until(answer.access_token, now_ms, now_ms.saturating_add(lifetime_ms)))
    }

    #[expect(clippy::disallowed_methods, reason = "the secret leaves for the token server")]
    fn form(&self) -> Bytes {
        let scope = self.scopes.as_deref().map(|scopes| scopes.join(" "));
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        form.append_pair("scope", scope.as_deref().unwrap_or(DEFAULT_SCOPE));
        form.append_pair("client_id", &self.client_id);
        form.append_pair("client_secret", self.client_secret.expose_secret());
        form.finish().into()
    }
}

/// Whether it is an error's code, and not something that nobody should repeat.
fn is_code(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}
