//! An authority and an account of our own: what they are sent is recorded, what they answer is set.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::super::delegation_key::tests::ANSWER;
use super::super::keys::rfc3339;

/// A request as it came.
#[derive(Debug, Clone)]
pub(super) struct Recorded {
    /// Method, path and query.
    pub(super) line: String,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: String,
}

/// An answer: status, more header lines, body.
pub(super) type Answer = (u16, &'static str, String);

#[derive(Debug, Default)]
struct State {
    requests: Vec<Recorded>,
    answers: VecDeque<Answer>,
    /// How long its keys live, whatever is asked, in seconds since 1970.
    key_ends_s: Option<i64>,
}

/// Whoever is asked; it ends with the test's runtime.
#[derive(Debug, Clone)]
pub(super) struct Double {
    state: Arc<Mutex<State>>,
    pub(super) url: String,
}

impl Double {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let double = Self { state: Arc::default(), url };
        let served = double.clone();
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let double = served.clone();
                tokio::spawn(async move { double.serve(connection).await });
            }
        });
        double
    }

    /// The next requests are answered so, one each; those after them as Azure would.
    pub(super) fn answer(&self, answers: impl IntoIterator<Item = Answer>) {
        self.state.lock().unwrap().answers.extend(answers);
    }

    pub(super) fn end_keys_at(&self, seconds: i64) {
        self.state.lock().unwrap().key_ends_s = Some(seconds);
    }

    pub(super) fn requests(&self) -> Vec<Recorded> {
        self.state.lock().unwrap().requests.clone()
    }

    /// The requests for which it has handed out tokens or keys.
    pub(super) fn count(&self, part: &str) -> usize {
        self.requests().iter().filter(|request| request.line.contains(part)).count()
    }

    async fn serve(&self, mut connection: TcpStream) {
        let Some(request) = receive(&mut connection).await else { return };
        let (set, key_ends_s) = {
            let mut state = self.state.lock().unwrap();
            state.requests.push(request.clone());
            (state.answers.pop_front(), state.key_ends_s)
        };
        let (status, headers, body) = set.unwrap_or_else(|| usual(&request, key_ends_s));
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status} Status\r\n{headers}content-length: {length}\r\nconnection: close\
             \r\n\r\n{body}"
        );
        _ = connection.write_all(answer.as_bytes()).await;
        _ = connection.shutdown().await;
    }
}

fn usual(request: &Recorded, key_ends_s: Option<i64>) -> Answer {
    if request.line.contains("/oauth2/v2.0/token") {
        return (200, "", token_answer());
    }
    if !request.line.ends_with("/acct/?restype=service&comp=userdelegationkey") {
        return (404, "", String::new());
    }
    let asked = |name: &str| {
        let (_, after) = request.body.split_once(&format!("<{name}>")).unwrap();
        after.split_once('<').unwrap().0.to_owned()
    };
    let expiry = key_ends_s.map_or_else(|| asked("Expiry"), rfc3339);
    let answer = ANSWER
        .replace("2026-01-01T00:00:00Z", &asked("Start"))
        .replace("2026-01-02T00:00:00Z", &expiry);
    (200, "", answer)
}

/// A token that lives for an hour.
pub(super) fn token_answer() -> String {
    let claims = r#"{"aud":"https://storage.azure.com","oid":"o-1","tid":"t-1","appid":"app-1"}"#;
    let token = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims));
    format!(r#"{{"access_token":"{token}","expires_in":3600,"token_type":"Bearer"}}"#)
}

async fn receive(connection: &mut TcpStream) -> Option<Recorded> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if connection.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let line = lines.next()?.trim_end_matches(" HTTP/1.1").to_owned();
    let headers: BTreeMap<_, _> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length: usize = headers.get("content-length").map_or(0, |text| text.parse().unwrap());
    let mut body = bytes.split_off(head_end + 4);
    while body.len() < length {
        if connection.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Recorded { line, headers, body: String::from_utf8(body).unwrap() })
}
