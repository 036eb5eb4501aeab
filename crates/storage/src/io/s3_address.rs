//! Where a bucket is reached.

use merak_model::storage_config::S3Config;
use url::{Host, Url};

use crate::aws_identity::AwsEnvironment;

const DEFAULT_REGION: &str = "us-east-1";

/// Where a bucket is reached, and for which region requests are signed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct S3Address {
    pub(crate) bucket: String,
    pub(crate) region: String,
    /// The URL, without a slash at its end. When `virtual_hosted`, its host names the bucket.
    pub(crate) endpoint: String,
    pub(crate) virtual_hosted: bool,
    pub(crate) plain_http: bool,
}

impl S3Address {
    /// The address of a bucket of this configuration: at its internal endpoint, else at its
    /// endpoint, else where the environment says, else at AWS. The bucket is named in the host as
    /// AWS' own clients do: unless path-style access is asked for, or it could not be part of the
    /// host.
    ///
    /// The parts are checked strictly, since HTTP clients panic on URLs that are none.
    pub(super) fn of(
        config: &S3Config,
        environment: &AwsEnvironment,
        bucket: &str,
    ) -> Result<Self, String> {
        check_bucket(bucket)?;
        let region = config
            .region
            .clone()
            .or_else(|| environment.region())
            .unwrap_or_else(|| DEFAULT_REGION.to_owned());
        if region.is_empty() || !region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err(format!("'{}' is no region", region.escape_debug()));
        }
        let endpoint = config
            .endpoint_internal
            .clone()
            .or_else(|| config.endpoint.clone())
            .or_else(|| environment.endpoint())
            .unwrap_or_else(|| aws_endpoint(&region));
        let mut url = parse_endpoint(&endpoint)?;
        let plain_http = url.scheme() == "http";
        let virtual_hosted =
            config.path_style_access != Some(true) && fits_in_host(bucket, &url, plain_http);
        if virtual_hosted {
            let host = format!("{bucket}.{}", url.host_str().unwrap_or_default());
            url.set_host(Some(&host)).map_err(|error| format!("'{host}' is no host: {error}"))?;
        }
        let endpoint = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { bucket: bucket.to_owned(), region, endpoint, virtual_hosted, plain_http })
    }
}

fn check_bucket(bucket: &str) -> Result<(), String> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if bucket.is_empty() || !bucket.bytes().all(fits) || bucket.bytes().all(|b| b == b'.') {
        return Err(format!("'{}' is no bucket name", bucket.escape_debug()));
    }
    Ok(())
}

fn aws_endpoint(region: &str) -> String {
    let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://s3.{region}.{suffix}")
}

fn parse_endpoint(endpoint: &str) -> Result<Url, String> {
    // The endpoint itself is not quoted where it could hold a password.
    let url = Url::parse(endpoint).map_err(|error| format!("its endpoint is no URL: {error}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("its endpoint must not hold a user name".to_owned());
    }
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(format!("its endpoint '{url}' begins with neither http:// nor https://"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("its endpoint must have no query and no fragment".to_owned());
    }
    Ok(url)
}

/// Whether the bucket can be the first label of the host. With TLS it must be a single label: the
/// certificate's wildcard stands for one.
fn fits_in_host(bucket: &str, endpoint: &Url, plain_http: bool) -> bool {
    let is_domain = matches!(endpoint.host(), Some(Host::Domain(_)));
    let label = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    is_domain
        && (3..=63).contains(&bucket.len())
        && !bucket.starts_with('-')
        && !bucket.ends_with('-')
        && bucket.split('.').all(|part| !part.is_empty() && part.bytes().all(label))
        && (plain_http || !bucket.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(config: &S3Config, bucket: &str) -> Result<S3Address, String> {
        S3Address::of(config, &AwsEnvironment::default(), bucket)
    }

    fn at(endpoint: &str) -> S3Config {
        S3Config { endpoint: Some(endpoint.to_owned()), ..S3Config::default() }
    }

    #[test]
    fn a_bucket_of_aws_is_named_in_the_host() {
        let config = S3Config { region: Some("eu-west-1".to_owned()), ..S3Config::default() };

        assert_eq!(
            address(&config, "lake").unwrap().endpoint,
            "https://lake.s3.eu-west-1.amazonaws.com"
        );
        assert!(!address(&config, "my.lake").unwrap().virtual_hosted);
        assert_eq!(
            address(&config, "my.lake").unwrap().endpoint,
            "https://s3.eu-west-1.amazonaws.com"
        );
    }

    #[test]
    fn chinese_regions_have_a_domain_of_their_own() {
        let config = S3Config { region: Some("cn-north-1".to_owned()), ..S3Config::default() };

        let address = address(&config, "lake").unwrap();

        assert_eq!(address.endpoint, "https://lake.s3.cn-north-1.amazonaws.com.cn");
    }

    #[test]
    fn the_server_uses_the_internal_endpoint() {
        let config = S3Config {
            endpoint_internal: Some("http://minio:9000/".to_owned()),
            path_style_access: Some(true),
            ..at("https://lake.example.com")
        };

        let address = address(&config, "lake").unwrap();

        assert_eq!(address.endpoint, "http://minio:9000");
        assert!(address.plain_http && !address.virtual_hosted);
        assert_eq!(address.region, "us-east-1");
    }

    #[test]
    fn the_environment_decides_what_the_configuration_leaves_open() {
        let environment = AwsEnvironment::of([
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ENDPOINT_URL", "http://emulator:4566"),
            ("AWS_ENDPOINT_URL_S3", " "),
        ]);
        let open = S3Config { path_style_access: Some(true), ..S3Config::default() };
        let closed = S3Config { region: Some("us-west-2".to_owned()), ..at("https://store") };

        let open = S3Address::of(&open, &environment, "lake").unwrap();
        let closed = S3Address::of(&closed, &environment, "lake").unwrap();

        assert_eq!((&*open.endpoint, &*open.region), ("http://emulator:4566", "eu-central-1"));
        assert_eq!((&*closed.endpoint, &*closed.region), ("https://lake.store", "us-west-2"));
    }

    #[test]
    fn a_bucket_is_put_before_the_host_of_an_endpoint_that_has_a_name() {
        let named = address(&at("https://store.example:9000/s3"), "lake").unwrap();
        let numbered = address(&at("http://127.0.0.1:9000"), "lake").unwrap();

        assert_eq!(named.endpoint, "https://lake.store.example:9000/s3");
        assert_eq!(numbered.endpoint, "http://127.0.0.1:9000");
        assert!(!numbered.virtual_hosted);
    }

    #[test]
    fn what_makes_no_url_is_refused() {
        for bucket in ["", ".", "..", "la ke", "lake/x", "la<ke", "läke", "lake%2e"] {
            assert!(address(&S3Config::default(), bucket).is_err(), "{bucket:?} was accepted");
        }
        for endpoint in ["", "minio:9000", "ftp://x", "http://u:p@x", "http://x/?a=b", "http://"] {
            assert!(address(&at(endpoint), "lake").is_err(), "{endpoint:?} was accepted");
        }
        let config = S3Config { region: Some("a.evil.com/".to_owned()), ..S3Config::default() };
        assert!(address(&config, "lake").is_err());
    }

    #[test]
    fn a_password_in_an_endpoint_is_not_repeated() {
        let message = address(&at("http://me:hunter2@x"), "lake").unwrap_err();

        assert!(!message.contains("hunter2"), "{message}");
    }
}
