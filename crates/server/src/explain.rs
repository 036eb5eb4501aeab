//! `merak explain`: asks a server why somebody may do something, or may not.
//!
//! It asks over HTTP, with credentials of somebody who may manage grants, so that it works for a
//! server anywhere and is judged like any other request.

use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

use crate::cli::Explain;

/// What a refusal ends with.
const REFUSED: u8 = 1;
/// What a question that was not answered ends with.
const NOT_ANSWERED: u8 = 2;
/// What is shown of an answer that is not the server's own.
const SHOWN_CHARS: usize = 200;

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

/// Asks, prints the steps, and says by the exit status whether it is allowed: 0 if so, 1 if not, 2
/// if the question could not be answered.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command's answer")]
pub async fn explain(question: &Explain) -> ExitCode {
    match ask(question).await {
        Ok(answer) => {
            for step in answer["steps"].as_array().into_iter().flatten() {
                println!("{}", step.as_str().unwrap_or_default());
            }
            if answer["allowed"] == true { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) }
        }
        Err(error) => {
            eprintln!("merak: {error:#}");
            ExitCode::from(NOT_ANSWERED)
        }
    }
}

async fn ask(question: &Explain) -> anyhow::Result<Value> {
    let client = reqwest::Client::builder()
        // A proxy is for the world outside, and credentials follow no redirect.
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .context("cannot set up an HTTP client")?;
    let token = token(&client, question).await?;
    let mut url = address(&question.server, "api/management/v1/explain")?;
    url.query_pairs_mut().extend_pairs(question.parameters());
    let request = authorized(client.get(url), &token);
    send(in_realm(request, question)).await
}

/// The token that is asked with.
#[expect(clippy::disallowed_methods, reason = "the secret leaves for the server it is for")]
async fn token(client: &reqwest::Client, question: &Explain) -> anyhow::Result<SecretString> {
    let (id, secret) = match &question.credentials {
        Credentials::Token(token) => return Ok(token.clone()),
        Credentials::Client { id, secret } => (id, secret),
    };
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("client_id", id)
        .append_pair("client_secret", secret.expose_secret())
        .append_pair("scope", "PRINCIPAL_ROLE:ALL")
        .finish();
    let url = address(&question.server, "api/catalog/v1/oauth/tokens")?;
    let request =
        client.post(url).header("Content-Type", "application/x-www-form-urlencoded").body(form);
    let answer = send(in_realm(request, question)).await.context("no token was issued")?;
    let token = answer["access_token"].as_str().context("the server's answer has no token")?;
    Ok(token.to_owned().into())
}

#[expect(clippy::disallowed_methods, reason = "the token leaves for the server it is for")]
fn authorized(request: reqwest::RequestBuilder, token: &SecretString) -> reqwest::RequestBuilder {
    request.bearer_auth(token.expose_secret())
}

fn in_realm(request: reqwest::RequestBuilder, question: &Explain) -> reqwest::RequestBuilder {
    match &question.realm {
        Some(realm) => request.header(&question.realm_header, realm),
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
