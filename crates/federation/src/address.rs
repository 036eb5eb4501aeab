//! Where connections may lead.
//!
//! Whoever makes catalogs names the addresses that the server then asks. Where machines of clouds
//! find their own credentials it never goes, whatever the settings say.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use url::{Host, Url};

use crate::Refused;

/// The hosts that connections may lead to; without any, all but those that are refused always.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedHosts(Vec<AllowedHost>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct AllowedHost {
    /// In small letters; of a whole domain what comes after `*`, with the dot.
    name: String,
    is_domain: bool,
    port: Option<u16>,
}

/// Why a text names no hosts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no host such as `catalog.example.com`, `*.example.com` or `10.0.0.7:8181`")]
pub struct InvalidHosts(String);

impl AllowedHosts {
    /// Reads hosts: names or addresses, each perhaps with a port, or `*.` and a domain.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidHosts> {
        texts.into_iter().map(AllowedHost::parse).collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn allows(&self, url: &Url) -> bool {
        self.0.is_empty() || self.0.iter().any(|allowed| allowed.allows(url))
    }
}

impl AllowedHost {
    fn parse(text: &str) -> Result<Self, InvalidHosts> {
        let invalid = || InvalidHosts(text.to_owned());
        let (is_domain, rest) = match text.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let is_plain = !rest.contains(['/', '@', '?', '#', '*', '\\']);
        let url = Url::parse(&format!("https://{rest}")).map_err(|_| invalid())?;
        let host =
            url.host_str().filter(|host| is_plain && !host.is_empty()).ok_or_else(invalid)?;
        if is_domain && !matches!(url.host(), Some(Host::Domain(_))) {
            return Err(invalid());
        }
        let name = if is_domain { format!(".{host}") } else { host.to_owned() };
        // The default port is not told apart from none.
        let port = url.port().or_else(|| rest.ends_with(":443").then_some(443));
        Ok(Self { name, is_domain, port })
    }

    fn allows(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default().trim_end_matches('.');
        let fits = if self.is_domain { host.ends_with(&self.name) } else { host == self.name };
        fits && self.port.is_none_or(|port| url.port_or_known_default() == Some(port))
    }
}

/// Reads the address of a catalog or of its token server.
pub(crate) fn read(what: &str, text: &str, allowed: &AllowedHosts) -> Result<Url, Refused> {
    // Not quoted: there may be a password in it.
    let refuse = |why: &str| Err(Refused(format!("The {what} of the connection {why}")));
    if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return refuse("has characters that no address has");
    }
    let Ok(url) = Url::parse(text) else {
        return refuse("is no address such as https://catalog.example.com/api/catalog");
    };
    if !matches!(url.scheme(), "http" | "https") {
        return refuse("must begin with http:// or https://");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("must not hold a user name or password");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("must have no query and no fragment");
    }
    judge(&url, allowed).map_err(|why| Refused(format!("The {what} of the connection {why}")))?;
    Ok(url)
}

/// Whether the server goes there, as far as the address itself tells; else why not.
pub(crate) fn judge(url: &Url, allowed: &AllowedHosts) -> Result<(), String> {
    let address = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            if METADATA_NAMES.contains(&name.as_str()) {
                return Err(format!("leads to {name}, where the server does not go"));
            }
            None
        }
        None => return Err("names no host".to_owned()),
    };
    if let Some(address) = address.filter(|address| is_refused(*address)) {
        return Err(format!("leads to {address}, where the server does not go"));
    }
    if allowed.allows(url) {
        return Ok(());
    }
    let host = shown(url);
    Err(format!("leads to {host}, which is not among merak.federation.allowed-hosts"))
}

/// The host and port, for messages.
pub(crate) fn shown(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Whether it is on this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Those of what a name leads to that the server goes to.
pub(crate) fn permitted(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    addresses.into_iter().filter(|address| !is_refused(address.ip())).collect()
}

/// Names of the services that tell machines their credentials. By their addresses they are refused
/// too, once looked up.
const METADATA_NAMES: [&str; 4] =
    ["metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"];

/// Addresses of such services that are not link-local: of Alibaba, Azure and Oracle.
const METADATA_V4: [Ipv4Addr; 3] = [
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(192, 0, 0, 192),
];

/// That of AWS in its own networks.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

fn is_refused(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_refused_v4(address),
        IpAddr::V6(address) => {
            address.is_unicast_link_local()
                || address.is_multicast()
                || address.is_unspecified()
                || address == METADATA_V6
                || embedded(address).is_some_and(is_refused_v4)
        }
    }
}

fn is_refused_v4(address: Ipv4Addr) -> bool {
    address.is_link_local()
        || address.is_broadcast()
        || address.is_multicast()
        || address.octets()[0] == 0
        || METADATA_V4.contains(&address)
}

/// The address of version 4 that one of version 6 leads to: mapped, compatible, or by a translator
/// or a relay.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x2002, high, low, _, _, _, _, _] => Some(of(high, low)),
        [0, 0, 0, 0, 0, 0, high, low] if !address.is_loopback() => Some(of(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_addresses_are_refused() {
        for text in [
            "",
            "catalog",
            "ftp://example.com",
            "file:///etc/passwd",
            "https://",
            "https://user@example.com",
            "https://user:password@example.com",
            "https://example.com/?a=b",
            "https://example.com/#a",
            "https://exam\tple.com/",
            " https://example.com/",
            "https:\\\\example.com",
            "http://169.254.169.254/latest",
            "http://169.254.170.2/",
            "http://0xa9fea9fe/",
            "http://2852039166/",
            "http://0251.0376.0251.0376/",
            "http://[fe80::1]/",
            "http://[::ffff:169.254.169.254]/",
            "http://[::169.254.169.254]/",
            "http://[64:ff9b::a9fe:a9fe]/",
            "http://[2002:a9fe:a9fe::1]/",
            "http://[fd00:ec2::254]/",
            "http://100.100.100.200/",
            "http://168.63.129.16/",
            "http://0.0.0.0:8181/",
            "http://[::]/",
            "http://255.255.255.255/",
            "http://224.0.0.1/",
            "http://METADATA.google.internal./computeMetadata/v1/",
        ] {
            assert!(read("uri", text, &AllowedHosts::default()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_password_is_not_repeated() {
        let text = "https://user:hunter2@example.com";
        let told = read("uri", text, &AllowedHosts::default()).unwrap_err().to_string();

        assert!(!told.contains("hunter2"), "{told}");
    }

    #[test]
    fn other_addresses_are_taken() {
        for text in [
            "https://catalog.example.com/api/catalog",
            "http://127.0.0.1:8181/api/catalog",
            "http://[::1]:8181/",
            "http://10.1.2.3/",
            "https://[2001:db8::1]/",
            "http://localhost",
        ] {
            assert!(read("uri", text, &AllowedHosts::default()).is_ok(), "{text}");
        }
    }

    #[test]
    fn only_the_hosts_that_are_named_are_allowed() {
        let hosts = [
            "a.example.com",
            "*.lake.example.com",
            "10.0.0.7:8181",
            "[::1]:9",
            "b.example.com:443",
        ];
        let hosts = AllowedHosts::parse(hosts).unwrap();
        for (text, is_allowed) in [
            ("https://a.example.com/x", true),
            ("https://A.example.com.:99/x", true),
            ("https://x.a.example.com/", false),
            ("https://a.example.com.evil.com/", false),
            ("https://x.y.lake.example.com/", true),
            ("https://lake.example.com/", false),
            ("https://evillake.example.com/", false),
            ("http://10.0.0.7:8181/", true),
            ("http://10.0.0.7:8182/", false),
            ("http://10.0.0.7/", false),
            ("http://[::1]:9/", true),
            ("http://[0:0:0:0:0:0:0:1]:9/", true),
            ("https://b.example.com/", true),
            ("http://b.example.com/", false),
        ] {
            assert_eq!(read("uri", text, &hosts).is_ok(), is_allowed, "{text}");
        }
    }

    #[test]
    fn what_is_named_does_not_open_where_the_server_never_goes() {
        let hosts = AllowedHosts::parse(["169.254.169.254"]).unwrap();

        assert!(read("uri", "http://169.254.169.254/", &hosts).is_err());
    }

    #[test]
    fn what_names_no_host_is_refused() {
        for text in ["", "*", "*.", "https://a", "a/b", "a@b", "*.10.0.0.1", "a b", "a:port"] {
            assert!(AllowedHosts::parse([text]).is_err(), "{text}");
        }
    }
}
