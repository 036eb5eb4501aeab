//! JSON web tokens, signed and checked with the one key that the fixtures have.

use std::sync::LazyLock;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// The name of the key, in the key file and in the header of what it signs.
pub(crate) const KEY_ID: &str = "0123456789abcdef0123456789abcdef01234567";

/// One for the process: to make it takes long without optimization.
static KEY: LazyLock<KeyPair> =
    LazyLock::new(|| KeyPair::generate(KeySize::Rsa2048).expect("a key can be made"));

/// The private key, as key files hold it.
pub(crate) fn private_pem() -> String {
    let der: Pkcs8V1Der<'_> = KEY.as_der().expect("a key of ours can be written");
    let encoded = STANDARD.encode(der.as_ref());
    let lines: Vec<&str> =
        encoded.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

/// A token with these claims.
pub(crate) fn signed(claims: &Value) -> String {
    signed_with(&json!({"alg": "RS256", "typ": "JWT", "kid": KEY_ID}), claims)
}

/// A token with these claims, whose header may lie.
pub(crate) fn signed_with(header: &Value, claims: &Value) -> String {
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let message = format!("{}.{}", encode(header), encode(claims));
    let mut signature = vec![0; KEY.public_modulus_len()];
    let random = SystemRandom::new();
    KEY.sign(&RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signature)
        .expect("a signature can be made");
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Whether a text has the form of such a token, and may be one.
pub(crate) fn looks_like(token: &str) -> bool {
    token.starts_with("eyJ") && token.split('.').count() == 3
}

/// The claims of a token that the key signed.
pub(crate) fn verified(token: &str) -> Option<Value> {
    let (message, signature) = token.rsplit_once('.')?;
    let (header, claims) = message.split_once('.')?;
    let header = parsed(header)?;
    let is_named = header["kid"].is_null() || header["kid"] == KEY_ID;
    if header["alg"] != "RS256" || !is_named {
        return None;
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, KEY.public_key().as_ref())
        .verify(message.as_bytes(), &signature)
        .ok()?;
    parsed(claims)
}

fn parsed(part: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_key_signed_is_believed() {
        let token = signed(&json!({"iss": "a"}));
        let (message, signature) = token.rsplit_once('.').unwrap();
        let (header, _) = message.split_once('.').unwrap();
        let other = URL_SAFE_NO_PAD.encode(r#"{"iss":"b"}"#);

        assert_eq!(verified(&token).unwrap()["iss"], "a");
        assert!(verified(&format!("{header}.{other}.{signature}")).is_none());
        let unsigned = json!({"alg": "none"});
        assert!(verified(&signed_with(&unsigned, &json!({"iss": "a"}))).is_none());
        let foreign = json!({"alg": "RS256", "kid": "another"});
        assert!(verified(&signed_with(&foreign, &json!({"iss": "a"}))).is_none());
    }
}
