//! Making realms.

use merak_authn::NewCredentials;
use merak_metastore::{Bootstrap, Metastore};
use merak_model::{Clock, RealmId};
use merak_service::bootstrap_changes;
use secrecy::SecretString;

use crate::config::{Config, RootCredentials};

/// What came of making a realm.
#[derive(Debug)]
pub enum Outcome {
    /// It is new. Its root principal has credentials that were made up, and are known nowhere else.
    MadeWithRandom {
        /// The root principal's client id.
        client_id: String,
        /// Its secret.
        client_secret: SecretString,
    },
    /// It is new. Its root principal has the credentials that were given.
    MadeWithGiven,
    /// It was there before, and is as it was.
    AlreadyThere,
}

/// Makes a realm, with those credentials for its root principal or made-up ones.
pub async fn bootstrap_realm(
    metastore: &dyn Metastore,
    clock: &dyn Clock,
    realm: &RealmId,
    given: Option<&RootCredentials>,
) -> Result<Outcome, merak_metastore::Error> {
    let credentials = match given {
        Some(given) => NewCredentials::of(given.client_id.clone(), given.client_secret.clone()),
        None => NewCredentials::generate(),
    };
    let changes = bootstrap_changes(credentials.secrets, clock.now_ms());
    Ok(match (metastore.bootstrap(realm, &changes).await?, given) {
        (Bootstrap::AlreadyThere, _) => Outcome::AlreadyThere,
        (Bootstrap::Made, Some(_)) => Outcome::MadeWithGiven,
        (Bootstrap::Made, None) => Outcome::MadeWithRandom {
            client_id: credentials.client_id,
            client_secret: credentials.client_secret,
        },
    })
}

/// Makes the configured realms that are not there yet. Made-up credentials are printed, this once:
/// nobody can know them otherwise.
pub(crate) async fn bootstrap_configured(
    metastore: &dyn Metastore,
    clock: &dyn Clock,
    config: &Config,
) -> anyhow::Result<()> {
    for realm in &config.realms.all {
        if metastore.is_bootstrapped(realm).await? {
            continue;
        }
        if !config.bootstrap.is_automatic {
            tracing::warn!(
                %realm,
                "the realm is not bootstrapped, and nobody can use it: run `merak bootstrap`"
            );
            continue;
        }
        let given = config.bootstrap.credentials_of(realm);
        match bootstrap_realm(metastore, clock, realm, given).await? {
            Outcome::MadeWithRandom { client_id, client_secret } => {
                print_credentials(realm, &client_id, &client_secret);
                tracing::info!(%realm, "realm bootstrapped; its root credentials were printed");
            }
            Outcome::MadeWithGiven => {
                tracing::info!(%realm, "realm bootstrapped with the given root credentials");
            }
            Outcome::AlreadyThere => {}
        }
    }
    Ok(())
}

/// Prints a root principal's credentials, in the line that Polaris prints them in.
#[expect(
    clippy::print_stdout,
    reason = "whoever starts the server reads them there, as in Polaris"
)]
#[expect(clippy::disallowed_methods, reason = "the secret leaves for whoever starts the server")]
pub fn print_credentials(realm: &RealmId, client_id: &str, client_secret: &SecretString) {
    use secrecy::ExposeSecret as _;
    let secret = client_secret.expose_secret();
    println!("realm: {realm} root principal credentials: {client_id}:{secret}");
}
