//! An identity provider on loopback: a real one, as far as its keys, its documents and its tokens
//! go. The tests of the API have it too.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PSS_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

pub(crate) const DOCUMENT: &str = "/.well-known/openid-configuration";
pub(crate) const KEYS: &str = "/keys";

/// An identity provider, until it is dropped.
pub(crate) struct TestIssuer {
    /// Its address, which is its name too.
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
    serving: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct State {
    answers: BTreeMap<String, Answer>,
    asked: BTreeMap<String, usize>,
}

/// What it does when it is asked for something.
#[derive(Clone)]
pub(crate) enum Answer {
    /// Answers this.
    Json(Value),
    /// Sends these bytes, which need not be HTTP.
    Raw(String),
    /// Hangs up.
    Nothing,
    /// Keeps the connection open, and says nothing.
    Silence,
}

impl TestIssuer {
    /// One that publishes no keys yet.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let state = Arc::new(Mutex::new(State::default()));
        let serving = tokio::spawn(serve(listener, Arc::clone(&state)));
        let issuer = Self { url, state, serving };
        issuer.publish(&[]);
        issuer.answer(DOCUMENT, Answer::Json(issuer.document()));
        issuer
    }

    /// What it says of itself.
    pub(crate) fn document(&self) -> Value {
        json!({"issuer": self.url, "jwks_uri": format!("{}{KEYS}", self.url), "more": [1]})
    }

    /// Publishes these keys, and no others.
    pub(crate) fn publish(&self, keys: &[&TestKey]) {
        let keys: Vec<Value> = keys.iter().map(|key| key.jwk()).collect();
        self.answer(KEYS, Answer::Json(json!({"keys": keys})));
    }

    /// Answers so from now on, when it is asked for that path.
    pub(crate) fn answer(&self, path: &str, answer: Answer) {
        self.state.lock().unwrap().answers.insert(path.to_owned(), answer);
    }

    /// Whether it answers at all.
    pub(crate) fn set_down(&self, is_down: bool) {
        let document = if is_down { Answer::Nothing } else { Answer::Json(self.document()) };
        self.answer(DOCUMENT, document);
    }

    /// How often it was asked for that path.
    pub(crate) fn asked(&self, path: &str) -> usize {
        self.state.lock().unwrap().asked.get(path).copied().unwrap_or_default()
    }

    /// The claims of a token that is good for an hour, for `audience`.
    pub(crate) fn claims(&self, now_s: i64, audience: &str) -> Value {
        json!({"iss": self.url, "aud": audience, "iat": now_s, "exp": now_s + 3600})
    }
}

impl Drop for TestIssuer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        tokio::spawn(async move { serve_one(stream, &state).await });
    }
}

async fn serve_one(mut stream: TcpStream, state: &Mutex<State>) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let path = head.split(' ').nth(1)?.to_owned();
    let answer = {
        let mut state = state.lock().unwrap();
        *state.asked.entry(path.clone()).or_default() += 1;
        state.answers.get(&path).cloned()
    };
    let text = match answer {
        Some(Answer::Json(body)) => response("200 OK", &body.to_string()),
        Some(Answer::Raw(text)) => text,
        Some(Answer::Nothing) => return None,
        Some(Answer::Silence) => std::future::pending().await,
        None => response("404 Not Found", ""),
    };
    stream.write_all(text.as_bytes()).await.ok()
}

/// An answer as it is sent.
pub(crate) fn response(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}

/// A key of an identity provider.
pub(crate) struct TestKey {
    kid: Option<&'static str>,
    pair: Pair,
}

enum Pair {
    Rsa(&'static RsaKeyPair),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl TestKey {
    /// An RSA key: one of two, since they take long to make.
    pub(crate) fn rsa(kid: &'static str) -> Self {
        static KEYS: LazyLock<[RsaKeyPair; 2]> = LazyLock::new(|| {
            [(); 2].map(|()| RsaKeyPair::generate(KeySize::Rsa2048).expect("a key is made"))
        });
        let nth = usize::from(kid.ends_with('2'));
        Self { kid: Some(kid), pair: Pair::Rsa(&KEYS[nth]) }
    }

    pub(crate) fn p256(kid: &'static str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
        Self { kid: Some(kid), pair: Pair::P256(pair.expect("a key is made")) }
    }

    pub(crate) fn p384(kid: &'static str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING);
        Self { kid: Some(kid), pair: Pair::P384(pair.expect("a key is made")) }
    }

    pub(crate) fn ed25519(kid: &'static str) -> Self {
        let pair = Ed25519KeyPair::generate();
        Self { kid: Some(kid), pair: Pair::Ed25519(pair.expect("a key is made")) }
    }

    /// The same key without a name.
    pub(crate) fn unnamed(self) -> Self {
        Self { kid: None, ..self }
    }

    /// What it signs with, unless a test says otherwise.
    pub(crate) fn algorithm(&self) -> &'static str {
        match self.pair {
            Pair::Rsa(_) => "RS256",
            Pair::P256(_) => "ES256",
            Pair::P384(_) => "ES384",
            Pair::Ed25519(_) => "EdDSA",
        }
    }

    /// The key as it is published.
    pub(crate) fn jwk(&self) -> Value {
        let of = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let ec = |curve: &str, point: &[u8]| {
            let (x, y) = point[1..].split_at(point.len() / 2);
            json!({"kty": "EC", "crv": curve, "x": of(x), "y": of(y)})
        };
        let mut jwk = match &self.pair {
            Pair::Rsa(pair) => {
                let public = pair.public_key();
                let n = of(public.modulus().big_endian_without_leading_zero());
                let e = of(public.exponent().big_endian_without_leading_zero());
                json!({"kty": "RSA", "n": n, "e": e})
            }
            Pair::P256(pair) => ec("P-256", pair.public_key().as_ref()),
            Pair::P384(pair) => ec("P-384", pair.public_key().as_ref()),
            Pair::Ed25519(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": of(pair.public_key().as_ref())})
            }
        };
        jwk["use"] = json!("sig");
        if let Some(kid) = self.kid {
            jwk["kid"] = json!(kid);
        }
        jwk
    }

    /// A token of this key with those claims.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        let mut head = json!({"typ": "JWT", "alg": self.algorithm()});
        if let Some(kid) = self.kid {
            head["kid"] = json!(kid);
        }
        self.sign_with(&head, claims)
    }

    /// A token of this key with that head, whatever it says.
    pub(crate) fn sign_with(&self, head: &Value, claims: &Value) -> String {
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let message = format!("{}.{}", part(head), part(claims));
        let signature =
            self.signature(head["alg"].as_str().unwrap_or_default(), message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn signature(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let padding: &dyn aws_lc_rs::signature::RsaEncoding = match algorithm {
                    "PS256" => &RSA_PSS_SHA256,
                    "RS384" => &RSA_PKCS1_SHA384,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &random, message, &mut signature).expect("it signs");
                signature
            }
            Pair::P256(pair) | Pair::P384(pair) => {
                pair.sign(&random, message).expect("it signs").as_ref().to_vec()
            }
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }
}
