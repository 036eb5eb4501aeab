//! How the server itself reaches object stores.

use std::collections::BTreeMap;
use std::time::Duration;

use merak_authn::ProviderUrl;
use merak_model::features::RESOLVE_CREDENTIALS_BY_STORAGE_NAME as BY_NAME;
use merak_storage::{AzureSettings, AzureUrl, CacheSettings, GoogleSettings, SasVersion};
use secrecy::SecretString;

use super::features::RealmFeatures;
use super::formats::{Format, not};
use super::problems::Notice;
use super::reader::Reader;
use super::registry as settings;

/// Access to object stores and cloud services.
#[derive(Debug, Clone)]
pub struct Storage {
    /// The server's own keys in AWS; without them, the usual places are searched.
    pub aws: Option<AwsKeys>,
    /// Those for catalogs of a storage name; none unless they are to be chosen so.
    pub aws_by_name: BTreeMap<String, AwsKeys>,
    /// The server's own identity in Google Cloud, and where Google is.
    pub google: GoogleSettings,
    /// The server's identity in Azure, and where Azure is.
    pub azure: AzureSettings,
    /// How long an object store may take to answer.
    pub read_timeout: Duration,
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// How many clients of cloud services are kept for reuse.
    pub max_clients: usize,
    /// Whether requests are signed with the server's own keys where a catalog has no STS.
    pub sign_with_own_keys: bool,
    /// How vended credentials are kept.
    pub credential_cache: CacheSettings,
}

/// A pair of keys of AWS.
#[derive(Debug, Clone)]
pub struct AwsKeys {
    /// The access key id.
    pub access_key: String,
    /// The secret access key.
    pub secret_key: SecretString,
}

/// The address of a service, which secrets are sent to.
pub(super) struct Endpoint;

impl Format for Endpoint {
    type Value = String;
    const EXPECTED: &'static str = "an `https` URL, or an `http` URL on this machine";

    fn parse(text: &str) -> Result<String, String> {
        match ProviderUrl::parse(text) {
            Ok(url) if url.is_protected() => Ok(text.trim_end_matches('/').to_owned()),
            Ok(_) | Err(_) => Err(not::<Self>()),
        }
    }
}

impl Storage {
    pub(super) fn read(reader: &mut Reader, features: &RealmFeatures) -> Self {
        let read_timeout = reader.get(&settings::STORAGE_READ_TIMEOUT);
        let connect_timeout = reader.get(&settings::STORAGE_CONNECT_TIMEOUT);
        Self {
            aws: aws_keys(reader),
            aws_by_name: aws_keys_by_name(reader, features),
            azure: azure(reader, read_timeout, connect_timeout),
            google: google(reader),
            read_timeout,
            connect_timeout,
            max_clients: reader.get(&settings::STORAGE_CLIENTS),
            sign_with_own_keys: reader.get(&settings::SIGNING_WITH_OWN),
            credential_cache: CacheSettings {
                max_entries: reader.get(&settings::CREDENTIAL_CACHE) as u64,
                min_remaining: reader.get(&settings::CREDENTIAL_MIN_REMAINING),
                max_concurrent: reader.get(&settings::CREDENTIAL_MINTING),
            },
        }
    }
}

fn azure(reader: &mut Reader, read_timeout: Duration, connect_timeout: Duration) -> AzureSettings {
    let token_file = reader.get(&settings::AZURE_TOKEN_FILE);
    // Asked for, so that it is known.
    let _ = reader.get(&settings::AZURE_RETRY_JITTER);
    AzureSettings {
        endpoint: reader.get(&settings::AZURE_ENDPOINT),
        host_suffixes: reader.get(&settings::AZURE_HOSTS).unwrap_or_default(),
        sas_version: reader.get(&settings::AZURE_SIGNATURE),
        authority_host: reader.get(&settings::AZURE_AUTHORITY),
        tenant_id: reader.get(&settings::AZURE_TENANT),
        client_id: reader.get(&settings::AZURE_CLIENT),
        client_secret: reader.get(&settings::AZURE_SECRET),
        federated_token_file: token_file.map(|path| reader.resolve(&path)),
        token_timeout: Duration::from_millis(reader.get(&settings::AZURE_TIMEOUT).into()),
        token_retries: reader.get(&settings::AZURE_RETRIES),
        token_retry_delay: Duration::from_millis(reader.get(&settings::AZURE_RETRY_DELAY).into()),
        request_timeout: read_timeout,
        connect_timeout,
        ..AzureSettings::default()
    }
}

/// The base of a cloud's service.
pub(super) struct CloudUrl;

/// A version of Azure's signatures.
pub(super) struct Signature;

/// A whole number, with or without quotes: Polaris' Helm chart writes features as JSON.
pub(super) struct Number;

impl Format for CloudUrl {
    type Value = AzureUrl;
    const EXPECTED: &'static str = "an `https` URL, or an `http` URL of this machine";

    fn parse(text: &str) -> Result<AzureUrl, String> {
        AzureUrl::parse(text).map_err(str::to_owned)
    }
}

impl Format for Signature {
    type Value = SasVersion;
    const EXPECTED: &'static str = "`2025-05-05`, `2025-07-05`, `2025-11-05`, `2026-02-06`, \
                                    `2026-04-06`, `2026-06-06` or `2026-10-06`";

    fn parse(text: &str) -> Result<SasVersion, String> {
        SasVersion::parse(text).ok_or_else(not::<Self>)
    }
}

impl Format for Number {
    type Value = u32;
    const EXPECTED: &'static str = "a whole number";

    fn parse(text: &str) -> Result<u32, String> {
        text.trim_matches('"').parse().map_err(|_| not::<Self>())
    }
}

fn aws_keys(reader: &mut Reader) -> Option<AwsKeys> {
    let access_key = reader.get(&settings::AWS_ACCESS_KEY);
    let secret_key = reader.get(&settings::AWS_SECRET_KEY);
    match (access_key, secret_key) {
        (Some(access_key), Some(secret_key)) => Some(AwsKeys { access_key, secret_key }),
        (None, None) => None,
        (access_key, _) => {
            let (set, missing) = match access_key {
                Some(_) => (&settings::AWS_ACCESS_KEY.row, &settings::AWS_SECRET_KEY.row),
                None => (&settings::AWS_SECRET_KEY.row, &settings::AWS_ACCESS_KEY.row),
            };
            let why = format!("needs {} beside it", missing.key);
            reader.refuse(set, None, why);
            None
        }
    }
}

/// Which catalogs may have whose keys is not for a realm to say, as the stores know no realms.
fn aws_keys_by_name(reader: &mut Reader, features: &RealmFeatures) -> BTreeMap<String, AwsKeys> {
    let mut secret_keys = reader.each(&settings::AWS_NAMED_SECRET_KEY);
    let access_keys = reader.each(&settings::AWS_NAMED_ACCESS_KEY);
    let (access_row, secret_row) =
        (&settings::AWS_NAMED_ACCESS_KEY.row, &settings::AWS_NAMED_SECRET_KEY.row);
    let mut keys = BTreeMap::new();
    for (name, access_key) in access_keys {
        let Some(secret_key) = secret_keys.remove(&name) else {
            let why = format!("needs {} beside it for {name}", secret_row.key);
            reader.refuse(access_row, None, why);
            continue;
        };
        keys.insert(name, AwsKeys { access_key, secret_key });
    }
    for name in secret_keys.keys() {
        let why = format!("needs {} beside it for {name}", access_row.key);
        reader.refuse(secret_row, None, why);
    }
    if keys.is_empty() {
        return keys;
    }
    let on = features.values().filter(|features| features.of_realm().is_on(&BY_NAME)).count();
    if on == 0 {
        let (key, flag) = (access_row.key, BY_NAME.name);
        let text = format!("{key} has no effect: the feature {flag} is off");
        reader.notices.push(Notice::warning(text));
        keys.clear();
    } else if on < features.len() {
        let why = format!("needs {} to be the same in all realms", BY_NAME.name);
        reader.refuse(access_row, None, why);
    }
    keys
}

fn google(reader: &mut Reader) -> GoogleSettings {
    let credentials_file = reader.get(&settings::GCP_CREDENTIALS);
    let gcloud_folder = match reader.get(&settings::GCP_GCLOUD) {
        Some(folder) => Some(reader.resolve(&folder)),
        None => reader.home().map(|home| home.join(".config/gcloud")),
    };
    GoogleSettings {
        token: reader.get(&settings::GCP_TOKEN),
        token_lifespan: reader.get(&settings::GCP_LIFESPAN),
        credentials_file: credentials_file.map(|file| reader.resolve(&file)),
        gcloud_file: gcloud_folder
            .map(|folder| folder.join("application_default_credentials.json")),
        metadata_server: reader.get(&settings::GCP_METADATA),
        metadata_host: reader.get(&settings::GCP_METADATA_HOST),
        sts_endpoint: reader.get(&settings::GCP_STS),
        iam_endpoint: reader.get(&settings::GCP_IAM),
        storage_endpoint: reader.get(&settings::GCP_STORAGE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_sent_to_an_endpoint_that_nobody_on_the_way_can_read() {
        let parse = Endpoint::parse;
        assert_eq!(parse("https://sts.example.com/"), Ok("https://sts.example.com".to_owned()));
        assert_eq!(parse("http://127.0.0.1:4444"), Ok("http://127.0.0.1:4444".to_owned()));
        for text in ["http://sts.example.com", "sts.example.com", "https://a:b@c", "https://a?b=c"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_versions_that_are_told_are_those_that_are_taken() {
        let told: Vec<_> = Signature::EXPECTED.split('`').skip(1).step_by(2).collect();

        assert_eq!(told.len(), 7);
        for version in told {
            assert_eq!(Signature::parse(version).unwrap().as_str(), version);
        }
        assert!(Signature::parse("2024-01-01").is_err());
        assert_eq!(
            Signature::parse(settings::AZURE_SIGNATURE.row.default),
            Ok(SasVersion::default())
        );
    }

    #[test]
    fn numbers_of_features_may_be_in_quotes() {
        assert_eq!(Number::parse("\"15000\""), Ok(15_000));
        assert!(Number::parse("-1").is_err() && Number::parse("0.5").is_err());
    }
}
