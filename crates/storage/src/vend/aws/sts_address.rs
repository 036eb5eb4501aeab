//! Where a catalog's STS is reached.

use std::fmt;

use merak_model::storage_config::S3Config;
use url::Url;

use super::arn::RoleArn;
use super::policy::is_of_aws;
use crate::aws_identity::AwsEnvironment;
use crate::vend::VendError;

const DEFAULT_REGION: &str = "us-east-1";

/// Where STS is reached, and for which region requests are signed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct StsAddress {
    /// Where it is not AWS' own of the region.
    pub(super) endpoint: Option<String>,
    pub(super) region: String,
}

impl StsAddress {
    /// The STS of this configuration: at its STS endpoint, else beside its store, else where the
    /// environment says, else that of AWS in its region.
    pub(super) fn of(config: &S3Config, environment: &AwsEnvironment) -> Result<Self, VendError> {
        let endpoint = config
            .sts_endpoint
            .clone()
            .or_else(|| config.endpoint_internal.clone())
            .or_else(|| config.endpoint.clone())
            .or_else(|| environment.sts_endpoint());
        if let Some(endpoint) = &endpoint {
            check(endpoint)?;
        }
        let partition = match &config.role_arn {
            Some(role) => RoleArn::parse(role)?.partition,
            None => "aws",
        };
        let needs_region = partition == "aws-us-gov"
            || (partition.starts_with("aws-") && endpoint.as_deref().is_none_or(is_of_aws));
        let region = match config.region.clone().or_else(|| environment.region()) {
            Some(region) => region,
            None if needs_region => {
                return Err(VendError::Impossible(format!(
                    "The catalog's storage has no region, which roles in {partition} need"
                )));
            }
            None => DEFAULT_REGION.to_owned(),
        };
        if region.is_empty() || !region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            let region = region.escape_debug();
            return Err(VendError::Impossible(format!("'{region}' is no region")));
        }
        Ok(Self { endpoint, region })
    }

    /// Whether this is AWS itself, and no store that speaks its protocol.
    pub(super) fn is_of_aws(&self) -> bool {
        self.endpoint.as_deref().is_none_or(is_of_aws)
    }
}

impl fmt::Display for StsAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.endpoint {
            Some(endpoint) => f.write_str(endpoint),
            None => write!(f, "STS in {}", self.region),
        }
    }
}

/// The same rules as for the endpoints of stores; the endpoint is not quoted where it could hold a
/// password.
fn check(endpoint: &str) -> Result<(), VendError> {
    let fail = |why: String| {
        Err(VendError::Impossible(format!("The STS endpoint of the catalog's storage {why}")))
    };
    let url = match Url::parse(endpoint) {
        Ok(url) => url,
        Err(error) => return fail(format!("is no URL: {error}")),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return fail("must not hold a user name".to_owned());
    }
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return fail(format!("'{url}' begins with neither http:// nor https://"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return fail("must have no query and no fragment".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(config: &S3Config) -> Result<StsAddress, String> {
        StsAddress::of(config, &AwsEnvironment::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_nearest_endpoint_is_asked() {
        let mut config = S3Config::default();
        let environment = AwsEnvironment::of([
            ("AWS_ENDPOINT_URL_STS", "http://sts.env"),
            ("AWS_ENDPOINT_URL", "http://env"),
            ("AWS_REGION", "eu-central-1"),
        ]);
        let of = |config: &S3Config| StsAddress::of(config, &environment).unwrap();

        assert_eq!(of(&config).endpoint, Some("http://sts.env".into()));
        assert_eq!(of(&config).region, "eu-central-1");
        config.endpoint = Some("https://store".into());
        assert_eq!(of(&config).endpoint, Some("https://store".into()));
        config.endpoint_internal = Some("http://internal:9000".into());
        assert_eq!(of(&config).endpoint, Some("http://internal:9000".into()));
        config.sts_endpoint = Some("http://sts:9000".into());
        config.region = Some("here".into());
        assert_eq!(of(&config).endpoint, Some("http://sts:9000".into()));
        assert_eq!(of(&config).region, "here");
        assert_eq!(address(&S3Config::default()).unwrap().region, "us-east-1");
        assert_eq!(address(&S3Config::default()).unwrap().endpoint, None);
    }

    #[test]
    fn other_parts_of_aws_must_name_their_region() {
        let role = |partition: &str| S3Config {
            role_arn: Some(format!("arn:{partition}:iam::1:role/r")),
            ..S3Config::default()
        };
        for partition in ["aws-us-gov", "aws-cn"] {
            let error = address(&role(partition)).unwrap_err();
            assert!(error.contains("has no region"), "{error}");
            let config = S3Config { region: Some("us-gov-west-1".into()), ..role(partition) };
            assert_eq!(address(&config).unwrap().region, "us-gov-west-1");
        }
        let own = S3Config { endpoint: Some("http://store".into()), ..role("aws-us-gov") };
        assert!(address(&own).unwrap_err().contains("has no region"));
        assert!(address(&role("aws")).is_ok());
    }

    #[test]
    fn what_is_no_endpoint_is_refused_and_no_password_repeated() {
        for endpoint in ["", "sts:9000", "ftp://x", "http://me:hunter2@x", "http://x/?a=b"] {
            let config = S3Config { sts_endpoint: Some(endpoint.into()), ..S3Config::default() };
            let error = address(&config).unwrap_err();
            assert!(error.starts_with("The STS endpoint"), "{endpoint}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        let config = S3Config { region: Some("evil.example/".into()), ..S3Config::default() };
        assert!(address(&config).unwrap_err().contains("is no region"));
    }
}
