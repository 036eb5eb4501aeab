//! Commands that ask a server over HTTP, with somebody's credentials: so they work for a server
//! anywhere, and are judged like any other request.

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

use crate::cli::refused;

/// What is shown of an answer that is not the server's own.
const SHOWN_CHARS: usize = 200;

/// Whom to ask, and as whom.
#[derive(Debug)]
pub struct Asking {
    /// The server's address, without the path of an API.
    pub server: String,
    /// The realm, unless it is the server's default one.
    pub realm: Option<String>,
    /// The header that names the realm.
    pub realm_header: String,
    /// Who asks.
    pub credentials: Credentials,
}

/// Who asks.
#[derive(Debug)]
pub enum Credentials {
    /// With a token.
    Token(SecretString),
    /// With a client id and secret, which get a token.
    Client {
        /// The id.
        id: String,
        /// The secret.
        secret: SecretString,
    },
}

/// The options of such commands.
#[derive(Args)]
pub(crate) struct AskingArgs {
    /// Where the server is
    #[arg(long, value_name = "URL", default_value = "http://localhost:8181")]
    server: String,
    /// The realm; without it, the server's default one
    #[arg(long, env = "REALM")]
    realm: Option<String>,
    /// The header that names the realm
    #[arg(long, value_name = "NAME", default_value = "Polaris-Realm")]
    realm_header: String,
    /// The client id to ask with; its secret is taken from `CLIENT_SECRET`
    #[arg(long, env = "CLIENT_ID", value_name = "ID")]
    client_id: Option<String>,
    // From the environment alone: a command line is seen by every user of the machine.
    #[arg(long, env = "CLIENT_SECRET", hide = true, hide_env_values = true)]
    client_secret: Option<String>,
    #[arg(long, env = "ACCESS_TOKEN", hide = true, hide_env_values = true)]
    access_token: Option<String>,
}

impl AskingArgs {
    /// Whom to ask; an error if nothing says as whom. `who` is what the command asks as.
    pub(crate) fn checked(self, who: &str) -> Result<Asking, clap::Error> {
        let credentials = match (self.access_token, self.client_id, self.client_secret) {
            (Some(token), ..) => Credentials::Token(token.into()),
            (None, Some(id), Some(secret)) => Credentials::Client { id, secret: secret.into() },
            (None, ..) => {
                return Err(refused(format!(
                    "{who}: set CLIENT_ID and CLIENT_SECRET, or ACCESS_TOKEN"
                )));
            }
        };
        Ok(Asking {
            server: self.server,
            realm: self.realm,
            realm_header: self.realm_header,
            credentials,
        })
    }
}

impl Asking {
    /// The answer to a asking.
    pub(crate) async fn get(
        &self,
        path: &str,
        parameters: impl Iterator<Item = (&str, &str)>,
    ) -> anyhow::Result<Value> {
        let mut url = address(&self.server, path)?;
        url.query_pairs_mut().extend_pairs(parameters);
        self.send(reqwest::Method::GET, url).await
    }

    /// The answer to a request that does something.
    pub(crate) async fn post(&self, path: &str) -> anyhow::Result<Value> {
        self.send(reqwest::Method::POST, address(&self.server, path)?).await
    }

    async fn send(&self, method: reqwest::Method, url: Url) -> anyhow::Result<Value> {
        let client = reqwest::Client::builder()
            // A proxy is for the world outside, and credentials follow no redirect.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .context("cannot set up an HTTP client")?;
        let token = token(&client, self).await?;
        let request = authorized(client.request(method, url), &token);
        send(in_realm(request, self)).await
    }
}

/// The token that is asked with.
#[expect(clippy::disallowed_methods, reason = "the secret leaves for the server it is for")]
async fn token(client: &reqwest::Client, asking: &Asking) -> anyhow::Result<SecretString> {
    let (id, secret) = match &asking.credentials {
        Credentials::Token(token) => return Ok(token.clone()),
        Credentials::Client { id, secret } => (id, secret),
    };
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("client_id", id)
        .append_pair("client_secret", secret.expose_secret())
        .append_pair("scope", "PRINCIPAL_ROLE:ALL")
        .finish();
    let url = address(&asking.server, "api/catalog/v1/oauth/tokens")?;
    let request =
        client.post(url).header("Content-Type", "application/x-www-form-urlencoded").body(form);
    let answer = send(in_realm(request, asking)).await.context("no token was issued")?;
    let token = answer["access_token"].as_str().context("the server's answer has no token")?;
    Ok(token.to_owned().into())
}

#[expect(clippy::disallowed_methods, reason = "the token leaves for the server it is for")]
fn authorized(request: reqwest::RequestBuilder, token: &SecretString) -> reqwest::RequestBuilder {
    request.bearer_auth(token.expose_secret())
}

fn in_realm(request: reqwest::RequestBuilder, asking: &Asking) -> reqwest::RequestBuilder {
    match &asking.realm {
        Some(realm) => request.header(&asking.realm_header, realm),
        None => request,
    }
}

/// An address below the server's, which may end in a slash or not.
fn address(server: &str, path: &str) -> anyhow::Result<Url> {
    let text = format!("{}/{path}", server.trim_end_matches('/'));
    let url = Url::parse(&text).with_context(|| {
        format!("--server is not an address such as http://host:8181: {server}")
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        bail!("--server must begin with http:// or https://: {server}");
    }
    Ok(url)
}

/// Sends a request, and reads the answer or what the server says is wrong.
async fn send(request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
    let response = request.send().await.context("the server does not answer")?;
    let status = response.status();
    let text = response.text().await.context("the server's answer broke off")?;
    let answer: Option<Value> = serde_json::from_str(&text).ok();
    if status.is_success() {
        return answer.ok_or_else(|| anyhow!("the answer is no JSON: is this a Merak server?"));
    }
    let message = answer.as_ref().and_then(|answer| {
        let iceberg = answer["error"]["message"].as_str();
        iceberg.or_else(|| answer["error_description"].as_str()).map(str::to_owned)
    });
    let shown = message.unwrap_or_else(|| text.chars().take(SHOWN_CHARS).collect());
    bail!("{status}: {shown}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_server_may_end_in_a_slash() {
        for server in ["http://localhost:8181", "http://localhost:8181/"] {
            let url = address(server, "api/x").unwrap();
            assert_eq!(url.as_str(), "http://localhost:8181/api/x");
        }
        assert_eq!(
            address("https://merak.example/below/", "api/x").unwrap().as_str(),
            "https://merak.example/below/api/x"
        );
    }

    #[test]
    fn what_is_no_address_of_a_server_is_refused() {
        for server in ["", "localhost:8181", "ftp://localhost", "file:///etc"] {
            assert!(address(server, "api/x").is_err(), "{server}");
        }
    }
}
