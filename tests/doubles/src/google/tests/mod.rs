//! What the double refuses, and why.

mod exchange;
mod impersonation;
mod objects;
mod tokens;

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use super::*;
use crate::jwt;

/// An answer, read to its end.
struct Answer {
    status: u16,
    headers: reqwest::header::HeaderMap,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }
}

async fn sent(request: RequestBuilder) -> Answer {
    let answer = request.send().await.expect("an answer");
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    Answer { status, headers, body: answer.text().await.expect("a text") }
}

impl Running {
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build();
        client.expect("a client").request(method, format!("{}{path}", self.endpoint))
    }

    async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.request(Method::POST, path).body(body);
        sent(request.header("content-type", "application/x-www-form-urlencoded")).await
    }

    async fn as_bearer(&self, token: &str, method: Method, path: &str, body: &str) -> Answer {
        let request = self.request(method, path).bearer_auth(token).body(body.to_owned());
        sent(request.header("content-type", "application/json")).await
    }

    async fn get(&self, token: &str, path: &str) -> u16 {
        self.as_bearer(token, Method::GET, path, "").await.status
    }

    async fn put(&self, token: &str, path: &str) -> u16 {
        self.as_bearer(token, Method::PUT, path, "data").await.status
    }

    async fn delete(&self, token: &str, path: &str) -> u16 {
        self.as_bearer(token, Method::DELETE, path, "").await.status
    }

    /// The token, narrowed to what the rules permit.
    async fn narrowed(&self, token: &str, rules: &[Value]) -> Answer {
        let options = json!({"accessBoundary": {"accessBoundaryRules": rules}}).to_string();
        self.form("/v1/token", &exchange_form(token, &options)).await
    }
}

const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

fn exchange_form<'a>(token: &'a str, options: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("grant_type", TOKEN_EXCHANGE),
        ("subject_token_type", ACCESS_TOKEN),
        ("requested_token_type", ACCESS_TOKEN),
        ("subject_token", token),
        ("options", options),
    ]
}

fn rule(role: &str, expression: &str) -> Value {
    json!({
        "availableResource": "//storage.googleapis.com/projects/_/buckets/lake",
        "availablePermissions": [format!("inRole:roles/storage.{role}")],
        "availabilityCondition": {"expression": expression},
    })
}

/// What reads, lists and, if wanted, writes below a prefix.
fn rules_for(prefix: &str, writes: bool) -> Vec<Value> {
    let name = format!("resource.name.startsWith('projects/_/buckets/lake/objects/{prefix}')");
    let list = format!(
        "api.getAttribute('storage.googleapis.com/objectListPrefix', '').startsWith('{prefix}')"
    );
    let mut rules = vec![rule("objectViewer", &format!("{name} || {list}"))];
    if writes {
        rules.push(rule("legacyBucketWriter", &name));
    }
    rules
}

/// What the key's owner claims, and a part of it replaced.
fn claims(double: &Running, changes: &Value) -> Value {
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    let mut claims = json!({
        "iss": SERVER,
        "aud": format!("{}/token", double.endpoint),
        "scope": state::CLOUD_PLATFORM,
        "iat": now,
        "exp": now + 3600,
    });
    for (name, value) in changes.as_object().expect("changes") {
        claims[name] = value.clone();
    }
    claims
}
