//! Which account, container and URL a location means.

use merak_model::storage_config::WILDCARD;
use merak_model::{Location, StorageConfig};

use super::settings::AzureSettings;

/// What hosts have after `blob.` or `dfs.`. The server's token opens every account that it may
/// enter, so it is sent to Azure only: a location is named by whoever makes a table.
const SUFFIXES: [&str; 4] =
    ["core.windows.net", "core.chinacloudapi.cn", "core.usgovcloudapi.net", "storage.azure.net"];

/// A container of an account, and where the two are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct AzureAddress {
    /// The account, such as `acct`.
    pub(crate) account: String,
    /// The container.
    pub(crate) container: String,
    /// The host that the location names, such as `acct.dfs.core.windows.net`.
    pub(crate) host: String,
    /// The account's blob service, without a slash at the end.
    pub(crate) blob_url: String,
    /// Its Data Lake service, which hierarchical accounts have.
    pub(crate) dfs_url: String,
    /// Whether these are reached without encryption, on this machine.
    pub(crate) plain_http: bool,
}

impl AzureAddress {
    /// The address of a location that a catalog may reach, or why it has none.
    ///
    /// Accounts of different clouds may have one name, and locations are compared without their
    /// hosts' ends: so the account must be one that the catalog's allowed locations name.
    pub(crate) fn of(
        settings: &AzureSettings,
        config: &StorageConfig,
        location: &Location,
    ) -> Result<Self, String> {
        let address = Self::parse(settings, location)?;
        let names_it = |text: &String| {
            text == WILDCARD
                || Location::parse(text)
                    .ok()
                    .and_then(|allowed| Self::parse(settings, &allowed).ok())
                    .is_some_and(|allowed| allowed.blob_url == address.blob_url)
        };
        if !config.allowed_locations.iter().any(names_it) {
            return Err(format!(
                "{} is another account than those of the catalog's allowed locations, though it \
                 may have the same name",
                address.host
            ));
        }
        Ok(address)
    }

    fn parse(settings: &AzureSettings, location: &Location) -> Result<Self, String> {
        let authority = location.authority();
        let refuse = |what: &str| Err(format!("'{}' {what}", authority.escape_debug()));
        let Some((container, host)) = authority.split_once('@') else {
            return refuse("is not container@account.host");
        };
        if !is_container(container) {
            return refuse("names no container that Azure could have");
        }
        let (account, domain) = match host.split_once('.') {
            Some((account, domain)) => (account, Some(domain)),
            None => (host, None),
        };
        if !is_account(account) {
            return refuse("names no storage account that Azure could have");
        }
        let (blob_url, dfs_url, plain_http) = match &settings.endpoint {
            Some(endpoint) => {
                if domain.is_some_and(|domain| !domain.split('.').all(is_label)) {
                    return refuse("has a host that is no host");
                }
                let url = format!("{endpoint}/{account}");
                (url.clone(), url, endpoint.is_plain_http())
            }
            None => match domain.and_then(|domain| service_domains(settings, domain)) {
                Some((blob, dfs)) => {
                    (format!("https://{account}.{blob}"), format!("https://{account}.{dfs}"), false)
                }
                None => {
                    return refuse(
                        "has a host that is not one of Azure's; those of private endpoints and \
                         other clouds are added by merak.storage.azure.host-suffixes",
                    );
                }
            },
        };
        Ok(Self {
            account: account.to_owned(),
            container: container.to_owned(),
            host: host.to_owned(),
            blob_url,
            dfs_url,
            plain_http,
        })
    }

    /// Whether both are one container of one account, under whatever host.
    pub(crate) fn is_container_of(&self, other: &Self) -> bool {
        (&self.blob_url, &self.container) == (&other.blob_url, &other.container)
    }
}

/// What follows the account in the hosts of its blob and Data Lake services, if it is known. It is
/// `blob.` or `dfs.` and a suffix, after the DNS zone of accounts that have one.
fn service_domains(settings: &AzureSettings, domain: &str) -> Option<(String, String)> {
    let (first, rest) = domain.split_once('.')?;
    let (zone, (service, suffix)) = match first {
        "blob" | "dfs" => (String::new(), (first, rest)),
        zone if is_zone(zone) => (format!("{zone}."), rest.split_once('.')?),
        _ => return None,
    };
    let is_known =
        SUFFIXES.contains(&suffix) || settings.host_suffixes.iter().any(|known| known == suffix);
    let is_service = matches!(service, "blob" | "dfs");
    let is_host = suffix.split('.').all(is_label);
    (is_known && is_service && is_host)
        .then(|| (format!("{zone}blob.{suffix}"), format!("{zone}dfs.{suffix}")))
}

fn is_zone(label: &str) -> bool {
    label.len() == 3 && label.starts_with('z') && label[1..].bytes().all(|b| b.is_ascii_digit())
}

/// From 3 to 24 small letters and digits.
fn is_account(name: &str) -> bool {
    (3..=24).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// From 3 to 63 small letters, digits and single hyphens between these; or the one for web sites.
fn is_container(name: &str) -> bool {
    name == "$web" || ((3..=63).contains(&name.len()) && is_label(name) && !name.contains("--"))
}

/// Small letters, digits, and hyphens between these.
fn is_label(label: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !label.is_empty()
        && label.len() <= 63
        && label.bytes().all(is_inner)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::super::settings::AzureUrl;
    use super::*;

    fn address_in(
        settings: &AzureSettings,
        allowed: &str,
        text: &str,
    ) -> Result<AzureAddress, String> {
        let json =
            format!(r#"{{"storageType":"AZURE","tenantId":"t","allowedLocations":["{allowed}"]}}"#);
        let config = StorageConfig::from_json(&json).unwrap();
        let location = Location::parse(text).map_err(|error| error.to_string())?;
        AzureAddress::of(settings, &config, &location)
    }

    fn address(text: &str) -> Result<AzureAddress, String> {
        address_in(&AzureSettings::default(), "*", text)
    }

    #[test]
    fn every_spelling_of_a_container_has_both_its_services() {
        for text in [
            "abfss://lake@acct.dfs.core.windows.net/t",
            "abfs://lake@acct.blob.core.windows.net",
            "wasbs://lake@acct.blob.core.windows.net/t",
            "wasb://lake@acct.dfs.core.windows.net/t",
        ] {
            let address = address(text).unwrap();
            assert_eq!((&*address.account, &*address.container), ("acct", "lake"));
            assert_eq!(address.blob_url, "https://acct.blob.core.windows.net");
            assert_eq!(address.dfs_url, "https://acct.dfs.core.windows.net");
            assert!(!address.plain_http);
        }
    }

    #[test]
    fn other_clouds_and_dns_zones_are_known() {
        for (host, blob) in [
            ("acct.dfs.core.chinacloudapi.cn", "https://acct.blob.core.chinacloudapi.cn"),
            ("acct.blob.core.usgovcloudapi.net", "https://acct.blob.core.usgovcloudapi.net"),
            ("acct.z37.dfs.storage.azure.net", "https://acct.z37.blob.storage.azure.net"),
        ] {
            let address = address(&format!("abfss://lake@{host}/t")).unwrap();
            assert_eq!((address.blob_url.as_str(), address.host.as_str()), (blob, host));
        }
    }

    #[test]
    fn hosts_that_are_not_azures_must_be_added() {
        let text = "abfss://lake@acct.dfs.storage.example/t";
        assert!(address(text).unwrap_err().contains("host-suffixes"));

        let suffix = "storage.example".to_owned();
        let settings = AzureSettings { host_suffixes: vec![suffix], ..AzureSettings::default() };
        let address = address_in(&settings, "*", text).unwrap();
        assert_eq!(address.blob_url, "https://acct.blob.storage.example");
        assert!(address_in(&settings, "*", &text.replace("dfs.", "dfs.evil.")).is_err());
    }

    #[test]
    fn an_endpoint_stands_in_for_all_hosts() {
        let endpoint = AzureUrl::parse("http://127.0.0.1:10000/").unwrap();
        let settings = AzureSettings { endpoint: Some(endpoint), ..AzureSettings::default() };

        for host in ["devacct.dfs.core.windows.net", "devacct.dfs.anything", "devacct"] {
            let address = address_in(&settings, "*", &format!("abfss://lake@{host}/t")).unwrap();
            assert_eq!(address.blob_url, "http://127.0.0.1:10000/devacct");
            assert_eq!(address.host, host);
            assert!(address.plain_http);
        }
        for host in ["devacct.", "devacct.a b", "devacct.x/..", "devacct.x:1", "../x"] {
            let text = format!("abfss://lake@{host}");
            assert!(address_in(&settings, "*", &text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_that_would_mean_something_else_are_refused() {
        for authority in [
            "lake@acct.dfs.core.windows.net:443",
            "lake@acct.dfs.core.windows.net?a=b",
            "lake@acct.dfs.core.windows.net#a",
            "lake@evil.example#.dfs.core.windows.net",
            "lake@acct@evil.dfs.core.windows.net",
            "lake@acct.dfs.core.windows.net.evil.example",
            "lake@acct.dfs.evil.core.windows.net",
            "lake@acct.evil.dfs.core.windows.net",
            "lake@acct.web.core.windows.net",
            "lake@acct.z1.blob.storage.azure.net",
            "lake@acct-secondary.blob.core.windows.net",
            "lake@ac.dfs.core.windows.net",
            "lake@ACCT.dfs.core.windows.net",
            "lake@acct.dfs.CORE.windows.net",
            "lake@acct",
            "lake@acct.dfs.",
            "lake@.dfs.core.windows.net",
            "la@acct.dfs.core.windows.net",
            "Lake@acct.dfs.core.windows.net",
            "lake-@acct.dfs.core.windows.net",
            "la--ke@acct.dfs.core.windows.net",
            "la?ke@acct.dfs.core.windows.net",
            "la%2fke@acct.dfs.core.windows.net",
            "$root@acct.dfs.core.windows.net",
            "größe@acct.dfs.core.windows.net",
        ] {
            let text = format!("abfss://{authority}/t");
            assert!(address(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_account_of_another_cloud_is_another_account() {
        let settings = AzureSettings::default();
        let allowed = "abfss://lake@acct.dfs.core.windows.net/";

        for same in
            ["abfss://lake@acct.dfs.core.windows.net/t", "wasb://lake@acct.blob.core.windows.net/t"]
        {
            assert!(address_in(&settings, allowed, same).is_ok(), "{same}");
        }
        let other = "abfss://lake@acct.dfs.core.chinacloudapi.cn/t";
        let error = address_in(&settings, allowed, other).unwrap_err();
        assert!(error.contains("another account"), "{error}");
    }
}
