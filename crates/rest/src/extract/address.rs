//! Where requests come from.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use crate::app::{App, Forwarding};

/// The address of the client: of the connection, or as the proxy tells it. Unspecified where there
/// is no connection, as in tests.
pub(crate) struct ClientAddress(pub(crate) IpAddr);

impl FromRequestParts<App> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let told = told_by_proxy(&parts.headers, app.settings.forwarding);
        Ok(Self(told.or(peer).unwrap_or(Ipv4Addr::UNSPECIFIED.into())))
    }
}

/// The right-most entry, which the nearest proxy added. What is left of it came with the request,
/// and anyone can write it.
fn told_by_proxy(headers: &HeaderMap, forwarding: Forwarding) -> Option<IpAddr> {
    let name = match forwarding {
        Forwarding::Ignored => return None,
        Forwarding::XForwardedFor => "x-forwarded-for",
        Forwarding::Forwarded => header::FORWARDED.as_str(),
    };
    let value = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    let entry = value.rsplit(',').next()?.trim();
    if forwarding == Forwarding::XForwardedFor {
        return parse(entry);
    }
    let mut pairs = entry.split(';').filter_map(|pair| pair.trim().split_once('='));
    let (_, node) = pairs.find(|(name, _)| name.eq_ignore_ascii_case("for"))?;
    parse(node.trim_matches('"'))
}

/// An address as proxies write it: with a port or without, of IPv6 in brackets or not.
fn parse(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse().ok().map(|address: SocketAddr| address.ip());
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    text.parse().ok().or_else(with_port).or_else(in_brackets)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn told(forwarding: Forwarding, lines: &[(&'static str, &str)]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        told_by_proxy(&headers, forwarding).map(|address| address.to_string())
    }

    #[test]
    fn the_right_most_entry_of_the_last_line_counts() {
        let lines = [
            ("x-forwarded-for", "192.0.2.1, 192.0.2.2"),
            ("x-forwarded-for", "192.0.2.3,192.0.2.4"),
            ("forwarded", "for=192.0.2.5, for=192.0.2.6;proto=https"),
        ];

        let address = told(Forwarding::XForwardedFor, &lines);
        assert_eq!(address.as_deref(), Some("192.0.2.4"));
        let address = told(Forwarding::Forwarded, &lines);
        assert_eq!(address.as_deref(), Some("192.0.2.6"));
        assert_eq!(told(Forwarding::Ignored, &lines), None);
    }

    #[test]
    fn addresses_are_read_as_proxies_write_them() {
        for (text, expected) in [
            ("192.0.2.1", "192.0.2.1"),
            (" 192.0.2.1:4711 ", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
        ] {
            let address = told(Forwarding::XForwardedFor, &[("x-forwarded-for", text)]);
            assert_eq!(address.as_deref(), Some(expected), "{text}");
        }
        for text in ["For=\"[2001:db8::1]:4711\"", "proto=http; for=\"2001:db8::1\";by=x"] {
            let address = told(Forwarding::Forwarded, &[("forwarded", text)]);
            assert_eq!(address.as_deref(), Some("2001:db8::1"), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_none_even_if_there_is_one_further_left() {
        for text in ["", "unknown", "192.0.2.1, unknown", "192.0.2.1,", "192.0.2.1 192.0.2.2", "é"]
        {
            assert_eq!(
                told(Forwarding::XForwardedFor, &[("x-forwarded-for", text)]),
                None,
                "{text}"
            );
        }
        for text in ["", "for=unknown", "for=_hidden", "192.0.2.1", "for=192.0.2.1, proto=http"] {
            assert_eq!(told(Forwarding::Forwarded, &[("forwarded", text)]), None, "{text}");
        }
    }
}
