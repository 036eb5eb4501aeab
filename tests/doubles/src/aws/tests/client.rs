//! A client that signs by itself, and can be made to do it wrong.

use std::fmt::Write as _;

use aws_lc_rs::{digest, hmac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use time::{Duration, OffsetDateTime};

use crate::aws::Running;
use crate::aws::xml::Element;

const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Keys, and where they are used.
#[derive(Debug, Clone)]
pub(super) struct Client {
    pub(super) endpoint: String,
    pub(super) region: String,
    pub(super) id: String,
    pub(super) secret: String,
    pub(super) token: Option<String>,
    pub(super) http: reqwest::Client,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: reqwest::header::HeaderMap,
    pub(super) body: String,
}

impl Answer {
    /// The text of the first element of a name, wherever it is.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        fn find(element: &Element, name: &str) -> Option<String> {
            if element.name == name {
                return Some(element.text.clone());
            }
            element.children.iter().find_map(|child| find(child, name))
        }
        find(&Element::parse(self.body.as_bytes())?, name)
    }

    /// The texts of all elements of a name at the second level below the root.
    pub(super) fn texts(&self, parent: &str, name: &str) -> Vec<String> {
        let root = Element::parse(self.body.as_bytes()).unwrap();
        root.all(parent).map(|one| one.child(name).unwrap_or_default().to_owned()).collect()
    }

    /// Status and code of an error.
    pub(super) fn error(&self) -> (u16, String) {
        (self.status, self.text("Code").unwrap_or_default())
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A request before it is signed.
#[derive(Debug, Clone)]
pub(super) struct Sending {
    method: String,
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    late_headers: Vec<(String, String)>,
    body: Vec<u8>,
    hash: Option<String>,
    service: String,
    ahead: Duration,
}

impl Sending {
    /// A path is sent as it is: escaped already.
    pub(super) fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: Vec::new(),
            headers: Vec::new(),
            late_headers: Vec::new(),
            body: Vec::new(),
            hash: None,
            service: "s3".to_owned(),
            ahead: Duration::ZERO,
        }
    }

    pub(super) fn query(mut self, name: &str, value: &str) -> Self {
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A header that comes after the signature.
    pub(super) fn unsigned_header(mut self, name: &str, value: &str) -> Self {
        self.late_headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// What is said to be the hash of the body.
    pub(super) fn hash(mut self, hash: &str) -> Self {
        self.hash = Some(hash.to_owned());
        self
    }

    pub(super) fn service(mut self, service: &str) -> Self {
        service.clone_into(&mut self.service);
        self
    }

    /// Is dated this much later than now.
    pub(super) fn ahead(mut self, ahead: Duration) -> Self {
        self.ahead = ahead;
        self
    }

    fn query_text(&self) -> String {
        let mut pairs: Vec<_> = self
            .query
            .iter()
            .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)))
            .collect();
        pairs.sort();
        pairs.join("&")
    }
}

/// What was signed, for those who go on signing: chunks.
pub(super) struct Signed {
    pub(super) signature: String,
    pub(super) stamp: String,
    pub(super) scope: String,
    authorization: String,
}

impl Client {
    pub(super) fn new(double: &Running, id: &str, secret: &str) -> Self {
        Self {
            endpoint: double.endpoint.clone(),
            region: double.region.clone(),
            id: id.to_owned(),
            secret: secret.to_owned(),
            token: None,
            http: reqwest::Client::new(),
        }
    }

    /// Signs and sends.
    pub(super) async fn send(&self, sending: Sending) -> Answer {
        let signed = self.sign(&sending, sending.ahead);
        self.send_signed(sending, &signed).await
    }

    /// Sends what was signed before, perhaps with another body.
    pub(super) async fn send_signed(&self, sending: Sending, signed: &Signed) -> Answer {
        let query = sending.query_text();
        let separator = if query.is_empty() { "" } else { "?" };
        let url = format!("{}{}{separator}{query}", self.endpoint, sending.path);
        let method = sending.method.parse().unwrap();
        let mut request = self.http.request(method, url).body(sending.body.clone());
        for (name, value) in self.headers(&sending, &signed.stamp) {
            request = request.header(name, value);
        }
        for (name, value) in &sending.late_headers {
            request = request.header(name, value);
        }
        request = request.header("authorization", &signed.authorization);
        read(request.send().await.unwrap()).await
    }

    /// The headers that are signed, in their order.
    fn headers(&self, sending: &Sending, stamp: &str) -> Vec<(String, String)> {
        let mut headers = sending.headers.clone();
        headers.push(("host".to_owned(), self.endpoint.trim_start_matches("http://").to_owned()));
        headers.push(("x-amz-date".to_owned(), stamp.to_owned()));
        if let Some(token) = &self.token {
            headers.push(("x-amz-security-token".to_owned(), token.clone()));
        }
        if sending.service == "s3" && sending.hash.as_deref() != Some("") {
            let hash = sending.hash.clone().unwrap_or_else(|| sha256(&sending.body));
            headers.push(("x-amz-content-sha256".to_owned(), hash));
        }
        headers.sort();
        headers
    }

    pub(super) fn sign(&self, sending: &Sending, ahead: Duration) -> Signed {
        let now = OffsetDateTime::now_utc() + ahead;
        let stamp = crate::aws::sigv4::stamp(now);
        let headers = self.headers(sending, &stamp);
        let names: Vec<_> = headers.iter().map(|(name, _)| name.as_str()).collect();
        let names = names.join(";");
        let mut canonical =
            format!("{}\n{}\n{}\n", sending.method, sending.path, sending.query_text());
        for (name, value) in &headers {
            let _ = writeln!(canonical, "{name}:{}", value.trim());
        }
        let hash = sending.hash.clone().unwrap_or_else(|| sha256(&sending.body));
        let _ = write!(canonical, "\n{names}\n{hash}");
        let scope = format!("{}/{}/{}/aws4_request", &stamp[..8], self.region, sending.service);
        let text = format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{}", sha256(canonical.as_bytes()));
        let signature = self.signature(&scope, &text);
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            self.id
        );
        Signed { signature, stamp, scope, authorization }
    }

    /// A URL that carries its signature.
    pub(super) fn presign(
        &self,
        method: &str,
        path: &str,
        expires: u32,
        ahead: Duration,
    ) -> String {
        let stamp = crate::aws::sigv4::stamp(OffsetDateTime::now_utc() + ahead);
        let scope = format!("{}/{}/s3/aws4_request", &stamp[..8], self.region);
        let mut sending = Sending::new(method, path)
            .query("X-Amz-Algorithm", "AWS4-HMAC-SHA256")
            .query("X-Amz-Credential", &format!("{}/{scope}", self.id))
            .query("X-Amz-Date", &stamp)
            .query("X-Amz-Expires", &expires.to_string())
            .query("X-Amz-SignedHeaders", "host");
        if let Some(token) = &self.token {
            sending = sending.query("X-Amz-Security-Token", token);
        }
        let query = sending.query_text();
        let host = self.endpoint.trim_start_matches("http://");
        let canonical = format!("{method}\n{path}\n{query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD");
        let text = format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{}", sha256(canonical.as_bytes()));
        let signature = self.signature(&scope, &text);
        format!("{}{path}?{query}&X-Amz-Signature={signature}", self.endpoint)
    }

    /// Signs a text with the key of a scope.
    pub(super) fn signature(&self, scope: &str, text: &str) -> String {
        let mut key = format!("AWS4{}", self.secret).into_bytes();
        for part in scope.split('/').chain([text]) {
            let by = hmac::Key::new(hmac::HMAC_SHA256, &key);
            key = hmac::sign(&by, part.as_bytes()).as_ref().to_vec();
        }
        hex(&key)
    }

    /// Calls STS.
    pub(super) async fn sts(&self, form: Vec<(String, String)>) -> Answer {
        let form = Sending { query: form, ..Sending::new("POST", "/") }.query_text();
        let sending = Sending::new("POST", "/")
            .service("sts")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        self.send(sending).await
    }

    /// Assumes a role, and gives the client that has its keys.
    pub(super) async fn session(&self, form: Vec<(String, String)>) -> Self {
        let answer = self.sts(form).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        Self {
            id: answer.text("AccessKeyId").unwrap(),
            secret: answer.text("SecretAccessKey").unwrap(),
            token: answer.text("SessionToken"),
            ..self.clone()
        }
    }

    /// Status and code of what comes of a request.
    pub(super) async fn error(&self, sending: Sending) -> (u16, String) {
        self.send(sending).await.error()
    }

    /// The status of what comes of a request.
    pub(super) async fn status(&self, sending: Sending) -> u16 {
        self.send(sending).await.status
    }
}

pub(super) async fn read(response: reqwest::Response) -> Answer {
    Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        body: response.text().await.unwrap(),
    }
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}
