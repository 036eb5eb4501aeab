//! How the server itself reaches object stores.

use std::time::Duration;

use secrecy::SecretString;

use super::reader::Reader;
use super::registry as settings;

/// Access to object stores and cloud services.
#[derive(Debug, Clone)]
pub struct Storage {
    /// The server's own keys in AWS; without them, the usual places are searched.
    pub aws: Option<AwsKeys>,
    /// How long an object store may take to answer.
    pub read_timeout: Duration,
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// How many clients of cloud services are kept for reuse.
    pub max_clients: usize,
}

/// A pair of keys of AWS.
#[derive(Debug, Clone)]
pub struct AwsKeys {
    /// The access key id.
    pub access_key: String,
    /// The secret access key.
    pub secret_key: SecretString,
}

impl Storage {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            aws: aws_keys(reader),
            read_timeout: reader.get(&settings::STORAGE_READ_TIMEOUT),
            connect_timeout: reader.get(&settings::STORAGE_CONNECT_TIMEOUT),
            max_clients: reader.get(&settings::STORAGE_CLIENTS),
        }
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
