//! How other catalogs are reached, and what their secrets are encrypted with.

use std::collections::BTreeMap;
use std::path::PathBuf;

use merak_federation::{AllowedHosts, AwsServiceIdentity, FederationSettings, KeyRing};
use merak_model::RealmId;
use merak_storage::AwsKeys;
use secrecy::SecretString;

use super::Realms;
use super::reader::Reader;
use super::registry as settings;

/// How other catalogs are reached.
#[derive(Debug, Clone)]
pub struct Federation {
    /// How they are reached.
    pub settings: FederationSettings,
    /// What their secrets are encrypted with.
    pub keys: EncryptionKeys,
}

/// What secrets are encrypted with.
#[derive(Debug, Clone)]
pub enum EncryptionKeys {
    /// What goes without saying for the database.
    Unset,
    /// These keys.
    Given(SecretString),
    /// Those in a file.
    File(PathBuf),
}

impl Federation {
    pub(super) fn read(reader: &mut Reader, realms: &Realms) -> Self {
        let hosts = reader.get(&settings::FEDERATION_HOSTS).unwrap_or_default();
        let allowed_hosts = AllowedHosts::parse(hosts.iter().map(String::as_str));
        let allowed_hosts = allowed_hosts.unwrap_or_else(|error| {
            reader.refuse(&settings::FEDERATION_HOSTS.row, None, error.to_string());
            AllowedHosts::default()
        });
        let settings = FederationSettings {
            allowed_hosts,
            connect_timeout: reader.get(&settings::FEDERATION_CONNECT),
            request_timeout: reader.get(&settings::FEDERATION_TIMEOUT),
            max_answer_bytes: reader.get(&settings::FEDERATION_MAX_ANSWER),
            config_lifetime: reader.get(&settings::FEDERATION_CONFIG),
            max_remotes: reader.get(&settings::FEDERATION_CATALOGS) as u64,
            idle_lifetime: reader.get(&settings::FEDERATION_IDLE),
            sts_endpoint: reader.get(&settings::FEDERATION_STS),
            service_identities: service_identities(reader, realms),
        };
        Self { settings, keys: keys(reader) }
    }
}

fn keys(reader: &mut Reader) -> EncryptionKeys {
    let given = reader.get(&settings::ENCRYPTION_KEYS);
    let file = reader.get(&settings::ENCRYPTION_KEY_FILE).map(|path| reader.resolve(&path));
    match (given, file) {
        (None, None) => EncryptionKeys::Unset,
        (None, Some(path)) => EncryptionKeys::File(path),
        (Some(given), None) => {
            if let Err(error) = KeyRing::given(&given) {
                reader.refuse(&settings::ENCRYPTION_KEYS.row, None, error.to_string());
            }
            EncryptionKeys::Given(given)
        }
        (Some(given), Some(_)) => {
            let why = format!("is set, and so is {}", settings::ENCRYPTION_KEYS.row.key);
            reader.refuse(&settings::ENCRYPTION_KEY_FILE.row, None, why);
            EncryptionKeys::Given(given)
        }
    }
}

fn service_identities(
    reader: &mut Reader,
    realms: &Realms,
) -> BTreeMap<RealmId, AwsServiceIdentity> {
    let mut identities = BTreeMap::new();
    for realm in &realms.all {
        let arn = reader.get_in(realm, &settings::SERVICE_ARN);
        let access_key = reader.get_in(realm, &settings::SERVICE_ACCESS_KEY);
        let secret_key = reader.get_in(realm, &settings::SERVICE_SECRET_KEY);
        let session_token = reader.get_in(realm, &settings::SERVICE_SESSION_TOKEN);
        let Some(iam_arn) = arn else { continue };
        // The keys of one identity do not go with the name of another.
        let is_own = |reader: &mut Reader, row| {
            let names_own = reader.is_set_in(realm, &settings::SERVICE_ARN.row);
            names_own == reader.is_set_in(realm, row)
        };
        let keys = match (access_key, secret_key) {
            (Some(access_key), Some(secret_key))
                if is_own(reader, &settings::SERVICE_ACCESS_KEY.row)
                    && is_own(reader, &settings::SERVICE_SECRET_KEY.row) =>
            {
                let own_token = is_own(reader, &settings::SERVICE_SESSION_TOKEN.row);
                let session_token = session_token.filter(|_| own_token);
                let access_key = SecretString::from(access_key);
                Some(AwsKeys { access_key, secret_key, session_token })
            }
            (Some(_), None) => {
                let why = "has no secret: see polaris.service-identity.aws-iam.secret-access-key";
                reader.refuse(&settings::SERVICE_ACCESS_KEY.row, Some(realm), why);
                None
            }
            (Some(_) | None, Some(_)) | (None, None) => None,
        };
        identities.insert(realm.clone(), AwsServiceIdentity { iam_arn, keys });
    }
    identities
}
