//! Shared access signatures that were made with a user delegation key.
//!
//! <https://learn.microsoft.com/rest/api/storageservices/create-user-delegation-sas>

use std::net::Ipv4Addr;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::{Duration, OffsetDateTime};

use super::answer::Refusal;
use super::place::Place;
use crate::http_text::parsed_date;

/// All letters, in the order that they must have.
const LETTERS: &str = "racwdxyltfmeopi";

/// Every parameter of a signature.
const PARAMETERS: [&str; 28] = [
    "sv", "sr", "sp", "st", "se", "sig", "spr", "sip", "sdd", "skoid", "sktid", "skt", "ske",
    "sks", "skv", "saoid", "suoid", "scid", "skdutid", "sduoid", "ses", "rscc", "rscd", "rsce",
    "rscl", "rsct", "srh", "srq",
];

/// What is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Container,
    /// The directory of so many segments, and what is in it.
    Directory(usize),
    Blob,
}

/// A signature, as it came.
#[derive(Debug, Clone)]
pub(crate) struct Sas {
    parameters: Vec<(String, String)>,
    pub(crate) scope: Scope,
}

impl Sas {
    /// The one in a query, if there is any.
    pub(crate) fn find(query: &[(String, String)]) -> Option<Result<Self, Refusal>> {
        let parameters: Vec<_> =
            query.iter().filter(|(name, _)| PARAMETERS.contains(&name.as_str())).cloned().collect();
        let is_there = parameters.iter().any(|(name, _)| name == "sig");
        is_there.then(|| Self::parse(parameters))
    }

    fn parse(parameters: Vec<(String, String)>) -> Result<Self, Refusal> {
        let mut sas = Self { parameters, scope: Scope::Container };
        for (nth, (name, _)) in sas.parameters.iter().enumerate() {
            if sas.parameters[..nth].iter().any(|(known, _)| known == name) {
                return Err(Refusal::signature(format!("{name} is there twice")));
            }
        }
        // Without these it is not the signature of a user delegation key.
        for name in ["sv", "sr", "sp", "se", "skoid", "sktid", "skt", "ske", "sks", "skv"] {
            if sas.value(name).is_empty() {
                return Err(Refusal::signature(format!("{name} is mandatory. Cannot be empty")));
            }
        }
        // They bind the signature to one more person, or to headers.
        for name in ["suoid", "skdutid", "sduoid", "srh", "srq"] {
            if !sas.value(name).is_empty() {
                return Err(Refusal::not_played(name));
            }
        }
        let depth = sas.value("sdd");
        sas.scope = match (sas.value("sr"), depth.is_empty()) {
            ("c", true) => Scope::Container,
            ("b", true) => Scope::Blob,
            ("d", false) => {
                let depth = depth.parse().ok().filter(|depth| *depth > 0);
                Scope::Directory(depth.ok_or_else(|| Refusal::signature("sdd is invalid"))?)
            }
            (_, _) => return Err(Refusal::signature("sr or sdd is invalid")),
        };
        if !is_in_order(sas.value("sp"), sas.scope) {
            return Err(Refusal::signature("sp is invalid"));
        }
        Ok(sas)
    }

    fn value(&self, name: &str) -> &str {
        let found = self.parameters.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// Whose key signed it.
    pub(crate) fn object_id(&self) -> &str {
        self.value("skoid")
    }

    pub(crate) fn tenant(&self) -> &str {
        self.value("sktid")
    }

    /// What the key was made for: whoever has the seed can make it again.
    pub(crate) fn key_fields(&self) -> [&str; 6] {
        ["skoid", "sktid", "skt", "ske", "sks", "skv"].map(|name| self.value(name))
    }

    /// Whether it permits one of these letters.
    pub(crate) fn permits(&self, letters: &str) -> bool {
        self.value("sp").contains(|letter| letters.contains(letter))
    }

    /// Whether the key signed it, for the place that is asked for.
    pub(crate) fn check_signature(&self, key: &[u8], place: &Place) -> Result<(), Refusal> {
        let text = self.string_to_sign(place)?;
        let signature = STANDARD.decode(self.value("sig"));
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        // It compares in constant time.
        let is_signed = signature
            .is_ok_and(|signature| hmac::verify(&key, text.as_bytes(), &signature).is_ok());
        if is_signed {
            return Ok(());
        }
        Err(Refusal::signature(format!("Signature did not match. String to sign used was {text}")))
    }

    /// What is signed, line by line, in the form of its version.
    fn string_to_sign(&self, place: &Place) -> Result<String, Refusal> {
        let headers: &[&str] = match self.value("sv") {
            "2025-07-05" | "2025-11-05" | "2026-02-06" => &[],
            "2026-04-06" | "2026-06-06" | "2026-10-06" => &["srh", "srq"],
            other => return Err(Refusal::signature(format!("the version {other} is not known"))),
        };
        let resource = self.resource(place)?;
        let mut lines = ["sp", "st", "se"].map(|name| self.value(name)).to_vec();
        lines.push(&resource);
        lines.extend(self.key_fields());
        let rest = ["saoid", "suoid", "scid", "skdutid", "sduoid", "sip", "spr", "sv", "sr"];
        lines.extend(rest.map(|name| self.value(name)));
        // The snapshot, which the double has none of.
        lines.push("");
        lines.push(self.value("ses"));
        lines.extend(headers.iter().map(|name| self.value(name)));
        lines.extend(["rscc", "rscd", "rsce", "rscl", "rsct"].map(|name| self.value(name)));
        Ok(lines.join("\n"))
    }

    /// The canonical name of what is signed, of which a request names but a part of.
    fn resource(&self, place: &Place) -> Result<String, Refusal> {
        let container = format!("/blob/{}/{}", place.account, place.container);
        match self.scope {
            Scope::Container => Ok(container),
            Scope::Blob => Ok(format!("{container}/{}", place.path)),
            Scope::Directory(depth) => {
                let segments: Vec<&str> = place.path.split('/').collect();
                let directory = segments
                    .get(..depth)
                    .ok_or_else(|| Refusal::signature("the directory depth is invalid"))?;
                Ok(format!("{container}/{}", directory.join("/")))
            }
        }
    }

    /// Whether it is in force, for a call that is made in this way.
    pub(crate) fn check_circumstances(
        &self,
        now: OffsetDateTime,
        is_https: bool,
    ) -> Result<(), Refusal> {
        let time = |name: &str| {
            let invalid = || Refusal::signature(format!("{name} is not in the correct format"));
            parsed_date(self.value(name)).ok_or_else(invalid)
        };
        let start = if self.value("st").is_empty() { time("skt")? } else { time("st")? };
        let (expiry, key_start, key_expiry) = (time("se")?, time("skt")?, time("ske")?);
        // Clocks differ by this much, as far as starts are concerned.
        let soon = now + Duration::seconds(5);
        if start > soon || key_start > soon || expiry <= now || key_expiry <= now {
            return Err(Refusal::signature(format!(
                "Signature not valid in the specified time frame: Start [{start}] - Expiry \
                 [{expiry}] - Current [{now}]"
            )));
        }
        if key_expiry - key_start > Duration::days(7) || self.value("sks") != "b" {
            return Err(Refusal::signature("the user delegation key is invalid"));
        }
        match self.value("spr") {
            "" | "https,http" => {}
            "https" if is_https => {}
            "https" => return Err(Refusal::protocol()),
            _ => return Err(Refusal::signature("spr is invalid")),
        }
        // All calls come from this machine.
        match self.value("sip") {
            "" => Ok(()),
            addresses if includes(addresses, Ipv4Addr::LOCALHOST) => Ok(()),
            _ => Err(Refusal::source_address()),
        }
    }
}

fn is_in_order(letters: &str, scope: Scope) -> bool {
    let positions: Option<Vec<usize>> = letters.chars().map(|it| LETTERS.find(it)).collect();
    let is_sorted = positions.is_some_and(|all| all.is_sorted_by(|a, b| a < b));
    is_sorted && (scope != Scope::Blob || !letters.contains('l'))
}

fn includes(addresses: &str, address: Ipv4Addr) -> bool {
    let (first, last) = addresses.split_once('-').unwrap_or((addresses, addresses));
    let range = (first.parse::<Ipv4Addr>(), last.parse::<Ipv4Addr>());
    matches!(range, (Ok(first), Ok(last)) if first <= address && address <= last)
}

#[cfg(test)]
#[path = "tests/vectors.rs"]
mod vectors;
