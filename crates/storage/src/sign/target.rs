//! Where a request goes: which bucket, and which key.

use merak_model::storage_config::S3Config;
use url::{Host, Url};

use super::{SignRefusal, path, unknown};
use crate::vend::LocationGrant;
use crate::vend::aws::is_of_aws;

/// A URI taken apart. No library that tidies URIs has seen it: they would take dots away.
#[derive(Debug)]
pub(super) struct Target {
    scheme: &'static str,
    /// Host and port, as written.
    pub(super) authority: String,
    /// What comes before the key in the path: the endpoint's own path, the bucket, and a slash.
    before_key: String,
    pub(super) bucket: String,
    /// Decoded; empty for the bucket itself.
    pub(super) key: String,
    /// As written.
    pub(super) query: String,
}

impl Target {
    pub(super) fn of(
        uri: &str,
        region: &str,
        config: &S3Config,
        grant: &LocationGrant,
    ) -> Result<Self, SignRefusal> {
        let parts = Parts::of(uri)?;
        let own = config.endpoint.as_deref().or(config.endpoint_internal.as_deref());
        let style = match own {
            Some(endpoint) => at_endpoint(&parts, endpoint, grant)?,
            None => at_aws(&parts, region, grant)?,
        };
        let (before_key, bucket, key) = match style {
            Style::InHost { bucket, base } => {
                (&parts.path[..=base.len()], bucket, parts.below(base)?)
            }
            Style::InPath { base } => {
                let below = parts.below(base)?;
                let (bucket, key) = below.split_once('/').unwrap_or((below, ""));
                if !grant.locations().iter().any(|one| one.authority() == bucket) {
                    let bucket = bucket.escape_debug();
                    return Err(SignRefusal::Outside(format!("the bucket '{bucket}'")));
                }
                // The bucket itself may be named without a slash.
                (&parts.path[..parts.path.len() - key.len()], bucket, key)
            }
        };
        if key.to_ascii_lowercase().contains("%2f") {
            return Err(unknown("a slash in its path is encoded"));
        }
        Ok(Self {
            scheme: parts.scheme,
            authority: parts.authority.to_owned(),
            before_key: before_key.to_owned(),
            bucket: bucket.to_owned(),
            key: path::decoded(key)?,
            query: parts.query.to_owned(),
        })
    }

    /// The URI in the form that signatures are computed over, which every store reads alike.
    pub(super) fn uri(&self) -> String {
        let Self { scheme, authority, before_key, key, query, .. } = self;
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{scheme}://{authority}{before_key}{}{mark}{query}", path::encoded(key))
    }
}

/// Where the bucket is named, and the path of the endpoint, without a slash at its end.
enum Style<'a> {
    InHost { bucket: &'a str, base: &'a str },
    InPath { base: &'a str },
}

struct Parts<'a> {
    scheme: &'static str,
    authority: &'a str,
    host: &'a str,
    port: u16,
    /// Begins with a slash.
    path: &'a str,
    query: &'a str,
}

impl<'a> Parts<'a> {
    fn of(uri: &'a str) -> Result<Self, SignRefusal> {
        if !uri.bytes().all(|b| b.is_ascii_graphic()) || uri.contains(['\\', '#', '"', '<', '>']) {
            return Err(unknown("its URI has a character that no URI has, or a fragment"));
        }
        let (scheme, rest, port) = if let Some(rest) = uri.strip_prefix("https://") {
            ("https", rest, 443)
        } else if let Some(rest) = uri.strip_prefix("http://") {
            ("http", rest, 80)
        } else {
            return Err(unknown("its URI begins with neither https:// nor http://"));
        };
        let (before_query, query) = rest.split_once('?').unwrap_or((rest, ""));
        let at = before_query.find('/').unwrap_or(before_query.len());
        let (authority, path) = before_query.split_at(at);
        let fits = |b: u8| {
            b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b':' | b'_')
        };
        let is_ipv6 = authority.starts_with('[');
        if authority.is_empty()
            || !authority.bytes().all(|b| fits(b) || (is_ipv6 && matches!(b, b'[' | b']')))
        {
            return Err(unknown("its host is none in lower case"));
        }
        let port_at =
            if is_ipv6 { authority.find("]:").map(|at| at + 1) } else { authority.find(':') };
        let (host, port) = match port_at {
            None => (authority, port),
            Some(at) => {
                let port = authority[at + 1..].parse().map_err(|_| unknown("its port is none"))?;
                (&authority[..at], port)
            }
        };
        Ok(Self {
            scheme,
            authority,
            host,
            port,
            path: if path.is_empty() { "/" } else { path },
            query,
        })
    }

    /// The path below that of an endpoint.
    fn below(&self, base: &str) -> Result<&'a str, SignRefusal> {
        let below = self.path.strip_prefix(base).and_then(|path| path.strip_prefix('/'));
        below.ok_or_else(|| wrong_host(self))
    }
}

/// At an endpoint of its own, the bucket may be named in the path or in the host.
fn at_endpoint<'a>(
    parts: &Parts<'a>,
    endpoint: &str,
    grant: &'a LocationGrant,
) -> Result<Style<'a>, SignRefusal> {
    let url = Url::parse(endpoint).map_err(|_| unknown("the catalog's endpoint is no URL"))?;
    let base = url.path().trim_end_matches('/');
    // What is judged is the bucket that follows: it must be the one that the store takes it for.
    if !base.is_empty() || names_bucket_at_aws(url.host_str().unwrap_or_default()) {
        return Err(unknown("the catalog's endpoint may name a bucket already"));
    }
    let Some(base) = parts.path.get(..base.len()).filter(|path| *path == base) else {
        return Err(wrong_host(parts));
    };
    if url.scheme() != parts.scheme || url.port_or_known_default() != Some(parts.port) {
        return Err(wrong_host(parts));
    }
    let host = url.host_str().unwrap_or_default();
    if host == parts.host {
        return Ok(Style::InPath { base });
    }
    if !matches!(url.host(), Some(Host::Domain(_))) {
        return Err(wrong_host(parts));
    }
    bucket_before(parts.host, grant, |rest| rest == host)
        .map(|bucket| Style::InHost { bucket, base })
        .ok_or_else(|| wrong_host(parts))
}

/// Whether a host at AWS is a bucket's, and not the service's.
fn names_bucket_at_aws(host: &str) -> bool {
    let is_of_service = host.starts_with("s3.") || host.starts_with("s3-");
    is_of_aws(&format!("https://{host}")) && !is_of_service && !host.contains(".vpce.")
}

/// At AWS, over TLS, by one of the names that S3 has in the region.
fn at_aws<'a>(
    parts: &Parts<'a>,
    region: &str,
    grant: &'a LocationGrant,
) -> Result<Style<'a>, SignRefusal> {
    let suffix = if region.starts_with("cn-") { ".amazonaws.com.cn" } else { ".amazonaws.com" };
    if parts.scheme != "https" || parts.port != 443 {
        return Err(wrong_host(parts));
    }
    let name = parts.host.strip_suffix(suffix).ok_or_else(|| wrong_host(parts))?;
    let is_s3 = |name: &str| {
        name == "s3"
            || name.strip_suffix(region).is_some_and(|service| {
                ["s3.", "s3-", "s3.dualstack.", "s3-fips.", "s3-fips.dualstack."].contains(&service)
            })
    };
    let is_accelerated = |name: &str| ["s3-accelerate", "s3-accelerate.dualstack"].contains(&name);
    if is_s3(name) {
        return Ok(Style::InPath { base: "" });
    }
    bucket_before(name, grant, |rest| is_s3(rest) || is_accelerated(rest))
        .map(|bucket| Style::InHost { bucket, base: "" })
        .ok_or_else(|| wrong_host(parts))
}

/// The granted bucket that a host begins with, if the rest of it is as it should be.
fn bucket_before<'a>(
    host: &str,
    grant: &'a LocationGrant,
    is_service: impl Fn(&str) -> bool,
) -> Option<&'a str> {
    let buckets = grant.locations().iter().map(merak_model::Location::authority);
    let mut fitting = buckets.filter(|bucket| {
        let rest = host.strip_prefix(bucket).and_then(|rest| rest.strip_prefix('.'));
        rest.is_some_and(&is_service)
    });
    fitting.next()
}

fn wrong_host(parts: &Parts<'_>) -> SignRefusal {
    let Parts { scheme, authority, .. } = parts;
    SignRefusal::WrongHost(format!("{scheme}://{authority} is not where the table's store is"))
}
