//! What the double refuses, and why.

mod data;
mod lake;
mod login;
mod signing;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Client, Method as Verb, RequestBuilder};
use serde_json::Value;

use super::*;
use crate::http_text::{iso_date, xml_contents};

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

    /// The error's code.
    fn code(&self) -> &str {
        self.headers.get("x-ms-error-code").map_or("", |code| code.to_str().expect("a code"))
    }

    fn outcome(&self) -> (u16, &str) {
        (self.status, self.code())
    }
}

async fn sent(request: RequestBuilder) -> Answer {
    let answer = request.send().await.expect("an answer");
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    Answer { status, headers, body: answer.text().await.expect("a text") }
}

/// A key, as the service gave it.
struct Key {
    fields: Vec<String>,
    value: Vec<u8>,
}

impl Running {
    fn request(&self, verb: Verb, path: &str) -> RequestBuilder {
        Client::new().request(verb, format!("{}{path}", self.endpoint))
    }

    fn dfs(&self, verb: Verb, path: &str) -> RequestBuilder {
        Client::new().request(verb, format!("{}{path}", self.dfs_endpoint))
    }

    async fn ask_key(&self, account: &str, token: &str, from: i64, seconds: i64) -> Answer {
        let time = |at: i64| iso_date(self.state.traffic.now() + time::Duration::seconds(at));
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><KeyInfo><Start>{}</Start>\
             <Expiry>{}</Expiry></KeyInfo>",
            time(from),
            time(seconds),
        );
        let path = format!("/{account}/?restype=service&comp=userdelegationkey");
        let request = self.request(Verb::POST, &path).bearer_auth(token);
        sent(request.header("x-ms-version", "2025-07-05").body(body)).await
    }

    async fn key(&self, account: &str) -> Key {
        let token = self.token_of(OBJECT_ID, TENANT);
        let answer = self.ask_key(account, &token, 0, 3600).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let field = |name: &str| xml_contents(&answer.body, name).remove(0);
        let names = [
            "SignedOid",
            "SignedTid",
            "SignedStart",
            "SignedExpiry",
            "SignedService",
            "SignedVersion",
        ];
        let value = STANDARD.decode(field("Value")).expect("base64");
        Key { fields: names.iter().map(|name| field(name)).collect(), value }
    }

    /// A signature for a container or, below a depth, for a directory, or for a blob.
    async fn sas(&self, account: &str, resource: &str, path: &str, letters: &str) -> String {
        let key = self.key(account).await;
        let expiry = iso_date(self.state.traffic.now() + time::Duration::seconds(1800));
        let canonical = format!("/blob/{account}/{CONTAINER}{path}");
        let fields = key.fields.join("\n");
        let text = format!(
            "{letters}\n\n{expiry}\n{canonical}\n{fields}\n\n\n\n\n\n\n\n2025-07-05\n{resource}\
             \n\n\n\n\n\n\n"
        );
        let signing = hmac::Key::new(hmac::HMAC_SHA256, &key.value);
        let signature = STANDARD.encode(hmac::sign(&signing, text.as_bytes()));
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs([
            ("sv", "2025-07-05"),
            ("sr", resource),
            ("sp", letters),
            ("se", &expiry),
        ]);
        if resource == "d" {
            query.append_pair("sdd", &path.matches('/').count().to_string());
        }
        let names = ["skoid", "sktid", "skt", "ske", "sks", "skv"];
        query.extend_pairs(names.iter().zip(&key.fields));
        query.append_pair("sig", &signature).finish()
    }
}
