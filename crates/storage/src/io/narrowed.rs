//! Vended credentials that the server itself uses, as `object_store` takes them.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use object_store::CredentialProvider;
use object_store::aws::AwsCredential;
use object_store::azure::AzureCredential;
use object_store::gcp::GcpCredential;
use secrecy::{ExposeSecret, SecretString};

use super::azure::sas_credential;
use crate::vend::{CloudSecret, VendError, VendRequest, Vending};

/// What `object_store` errors are marked with when no credentials could be vended.
pub(super) const NOT_VENDED: &str = "vended credentials";

/// The server's own are minted again after half their life, and not sooner.
const REUSED_FOR: Duration = Duration::MAX;

/// Credentials that are vended with each request, which mostly means that they are at hand.
#[derive(Debug)]
pub(super) struct Narrowed<C> {
    vending: Arc<Vending>,
    request: VendRequest,
    credential: PhantomData<fn() -> C>,
}

impl<C> Narrowed<C> {
    pub(super) fn new(vending: Arc<Vending>, request: VendRequest) -> Self {
        Self { vending, request, credential: PhantomData }
    }
}

#[async_trait]
impl<C: OfSecret> CredentialProvider for Narrowed<C> {
    type Credential = C;

    async fn get_credential(&self) -> object_store::Result<Arc<C>> {
        let vended = self.vending.vend(self.request.clone(), REUSED_FOR).await;
        vended
            .and_then(|vended| {
                C::of_secret(&vended.secret).map(Arc::new).ok_or_else(|| {
                    VendError::Impossible("The credentials are another cloud's".to_owned())
                })
            })
            .map_err(not_vended)
    }
}

/// The error for credentials that there are none of.
pub(super) fn not_vended(error: VendError) -> object_store::Error {
    object_store::Error::Generic { store: NOT_VENDED, source: Box::new(error) }
}

/// What `object_store` calls the credentials of a cloud.
pub(super) trait OfSecret: Debug + Send + Sync + Sized + 'static {
    /// The credentials, if they are that cloud's.
    fn of_secret(secret: &CloudSecret) -> Option<Self>;
}

impl OfSecret for AwsCredential {
    fn of_secret(secret: &CloudSecret) -> Option<Self> {
        let CloudSecret::Aws { access_key, secret_key, session_token } = secret else {
            return None;
        };
        Some(Self {
            key_id: access_key.clone(),
            secret_key: expose(secret_key),
            token: Some(expose(session_token)),
        })
    }
}

impl OfSecret for AzureCredential {
    fn of_secret(secret: &CloudSecret) -> Option<Self> {
        let CloudSecret::Azure { sas, .. } = secret else { return None };
        Some(sas_credential(sas))
    }
}

impl OfSecret for GcpCredential {
    fn of_secret(secret: &CloudSecret) -> Option<Self> {
        let CloudSecret::Google { token } = secret else { return None };
        Some(Self { bearer: expose(token) })
    }
}

#[expect(clippy::disallowed_methods, reason = "to object_store, which does not log credentials")]
pub(super) fn expose(secret: &SecretString) -> String {
    secret.expose_secret().to_owned()
}
