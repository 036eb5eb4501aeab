//! The key that a SAS is signed with, as the account hands it out.

use std::collections::BTreeMap;
use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A user delegation key: what it signs can do no more than the identity that asked for it.
pub(super) struct UserDelegationKey {
    /// The object id of that identity.
    pub(super) oid: String,
    /// The tenant that it asked in.
    pub(super) tid: String,
    /// From when on it is good, as the account wrote it: it is signed so.
    pub(super) start: String,
    /// Until when it is good, as the account wrote it.
    pub(super) expiry: String,
    pub(super) service: String,
    pub(super) version: String,
    pub(super) value: hmac::Key,
    /// When it ends, in milliseconds since 1970.
    pub(super) expires_at_ms: i64,
}

impl fmt::Debug for UserDelegationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserDelegationKey")
            .field("oid", &self.oid)
            .field("tid", &self.tid)
            .field("start", &self.start)
            .field("expiry", &self.expiry)
            .finish_non_exhaustive()
    }
}

impl UserDelegationKey {
    /// Reads the account's answer. What is wrong with one never quotes it.
    pub(super) fn read(document: &str) -> Result<Self, String> {
        let mut fields = fields(document, "UserDelegationKey")?;
        let mut take = |name: &str| fields.remove(name).ok_or_else(|| format!("it has no {name}"));
        let (oid, tid) = (take("SignedOid")?, take("SignedTid")?);
        let (start, expiry) = (take("SignedStart")?, take("SignedExpiry")?);
        let (service, version) = (take("SignedService")?, take("SignedVersion")?);
        let value = take("Value")?;
        // All but the value become parts of a query and of a text that is signed.
        let is_name = |text: &str| {
            (1..=64).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-:.".contains(&byte))
        };
        if ![&oid, &tid, &start, &expiry, &service, &version].into_iter().all(|text| is_name(text))
        {
            return Err("a field of it is not what Azure writes".to_owned());
        }
        let ends = OffsetDateTime::parse(&expiry, &Rfc3339)
            .map_err(|_| "its SignedExpiry is no time".to_owned())?;
        let value = STANDARD
            .decode(&value)
            .ok()
            .filter(|bytes| bytes.len() >= 16)
            .ok_or_else(|| "its Value is no key".to_owned())?;
        let value = hmac::Key::new(hmac::HMAC_SHA256, &value);
        let expires_at_ms = ends.unix_timestamp() * 1000;
        Ok(Self { oid, tid, start, expiry, service, version, value, expires_at_ms })
    }
}

/// The texts of the elements in the root element, which may hold nothing else: no attributes, no
/// comments, no markup of other kinds, no element twice. An account sends no such things, and each
/// is read differently by some parser.
fn fields(document: &str, root: &str) -> Result<BTreeMap<String, String>, String> {
    let fail = |what: &str| Err(format!("it is not the XML it should be: {what}"));
    let mut rest = document.trim_start_matches('\u{feff}').trim_start();
    if let Some(declared) = rest.strip_prefix("<?xml ") {
        let Some((declaration, after)) = declared.split_once("?>") else {
            return fail("its declaration does not end");
        };
        if declaration.contains(['<', '>']) {
            return fail("its declaration does not end");
        }
        rest = after.trim_start();
    }
    let Some(mut rest) = rest.strip_prefix(&format!("<{root}>")) else {
        return fail("it has another root");
    };
    let mut fields = BTreeMap::new();
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix(&format!("</{root}>")) {
            if !after.trim().is_empty() {
                return fail("something follows it");
            }
            return Ok(fields);
        }
        let Some((name, after)) = rest.strip_prefix('<').and_then(|tag| tag.split_once('>')) else {
            return fail("there is text between its elements, or it does not end");
        };
        let (name, is_empty) = match name.strip_suffix('/') {
            Some(name) => (name.trim_end(), true),
            None => (name, false),
        };
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return fail("it has markup that does not belong there");
        }
        let text = if is_empty {
            rest = after;
            String::new()
        } else {
            let Some((text, after)) = after.split_once('<') else {
                return fail("an element does not end");
            };
            let Some(after) = after.strip_prefix(&format!("/{name}>")) else {
                return fail("an element has elements in it");
            };
            rest = after;
            let Some(text) = unescaped(text) else {
                return fail("it has an entity that is not known");
            };
            text
        };
        if fields.insert(name.to_owned(), text).is_some() {
            return fail("an element is there twice");
        }
    }
}

/// The text that a text of XML means.
fn unescaped(text: &str) -> Option<String> {
    let mut parts = text.split('&');
    let mut meant = parts.next()?.to_owned();
    for part in parts {
        let (entity, after) = part.split_once(';')?;
        meant.push(match entity {
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            "amp" => '&',
            _ => return None,
        });
        meant.push_str(after);
    }
    Some(meant.trim().to_owned())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An answer of an account, with the bytes from 0 to 31 as the key.
    pub(in crate::vend::azure) const ANSWER: &str = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>\
        <UserDelegationKey><SignedOid>11111111-2222-3333-4444-555555555555</SignedOid>\
        <SignedTid>66666666-7777-8888-9999-aaaaaaaaaaaa</SignedTid>\
        <SignedStart>2026-01-01T00:00:00Z</SignedStart>\
        <SignedExpiry>2026-01-02T00:00:00Z</SignedExpiry><SignedService>b</SignedService>\
        <SignedVersion>2025-07-05</SignedVersion>\
        <Value>AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=</Value></UserDelegationKey>";

    #[test]
    fn an_answer_is_read_and_its_key_is_not_shown() {
        let key = UserDelegationKey::read(ANSWER).unwrap();

        assert_eq!(key.oid, "11111111-2222-3333-4444-555555555555");
        assert_eq!(key.expires_at_ms, 1_767_312_000_000);
        let shown = format!("{key:?}");
        assert!(!shown.contains("AAEC") && !shown.contains("value"), "{shown}");
    }

    #[test]
    fn fields_that_are_not_known_are_passed_over() {
        let with_more = ANSWER.replace("<Value>", "<SignedDelegatedUserTid/>\n<New>x</New><Value>");

        assert!(UserDelegationKey::read(&with_more).is_ok());
    }

    #[test]
    fn an_answer_that_could_be_read_in_two_ways_is_refused() {
        let oid = "<SignedOid>11111111-2222-3333-4444-555555555555</SignedOid>";
        for (from, to) in [
            ("<SignedService>b</SignedService>", ""),
            ("<SignedService>b</SignedService>", "<SignedService>b&sp=racwdl</SignedService>"),
            ("<SignedService>b</SignedService>", "<SignedService>b&amp;sp=w</SignedService>"),
            ("<SignedService>b</SignedService>", "<SignedService>b\nb</SignedService>"),
            ("<SignedService>b</SignedService>", "<SignedService a=\"b\">b</SignedService>"),
            ("<SignedService>b</SignedService>", "<SignedService><a>b</a></SignedService>"),
            ("<SignedService>b</SignedService>", "<SignedService><![CDATA[b]]></SignedService>"),
            ("<SignedService>b</SignedService>", "<SignedService>b</SignedTid>"),
            (oid, "<SignedOid>another</SignedOid><!-- --><SignedOid>x</SignedOid>"),
            (oid, "<SignedOid>another</SignedOid><SignedOid>x</SignedOid>"),
            ("<UserDelegationKey>", "<!DOCTYPE a [<!ENTITY b \"c\">]><UserDelegationKey>"),
            ("</UserDelegationKey>", "</UserDelegationKey><UserDelegationKey/>"),
            ("</UserDelegationKey>", ""),
            ("UserDelegationKey>", "Error>"),
            ("2026-01-02T00:00:00Z", "tomorrow"),
            ("AAEC", "*"),
            ("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", ""),
        ] {
            assert!(ANSWER.contains(from), "{from}");
            let answer = ANSWER.replace(from, to);
            let error = UserDelegationKey::read(&answer).unwrap_err();
            assert!(!error.contains("AAEC"), "{error}");
        }
    }
}
