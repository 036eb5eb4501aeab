//! Stores that are opened with given credentials and no others: for the doctor, who tries what
//! vended ones can do.

use std::sync::Arc;

use async_trait::async_trait;
use merak_model::storage_config::Provider;
use merak_model::{Location, StorageConfig};
use object_store::{CredentialProvider, ObjectStore};

use super::narrowed::{OfSecret, not_vended};
use super::s3::Removal;
use super::{Storage, azure, gcs};
use crate::Error;
use crate::vend::azure::AzureAddress;
use crate::vend::{CloudSecret, VendError};

impl Storage {
    /// The bucket or container of a location. It is not kept, and asks nobody yet.
    pub(crate) async fn open_with(
        &self,
        config: &StorageConfig,
        location: &Location,
        secret: &CloudSecret,
    ) -> Result<Arc<dyn ObjectStore>, Error> {
        self.opened(config, location, secret)
            .await
            .map_err(|error| super::store_error(&error, location.as_str()))
    }

    async fn opened(
        &self,
        config: &StorageConfig,
        location: &Location,
        secret: &CloudSecret,
    ) -> object_store::Result<Arc<dyn ObjectStore>> {
        let refused = |reason: String| object_store::Error::Generic {
            store: "doctor",
            source: reason.into(),
        };
        match &config.provider {
            Provider::S3(s3) => {
                let address = self.s3.address(s3, location).map_err(refused)?;
                let opened = self.s3.open(&address, given(secret)?, Removal::OneByOne).await?;
                Ok(opened)
            }
            Provider::Azure(_) => {
                let address =
                    AzureAddress::of(&self.settings.azure, config, location).map_err(refused)?;
                let http = self.http.connector(address.plain_http).await?.0;
                azure::open(&self.settings, &address, given(secret)?, http)
            }
            Provider::Gcs(_) => {
                let endpoint = self.settings.google.storage_endpoint.as_deref();
                let plain_http = endpoint.is_some_and(|url| url.starts_with("http://"));
                let http = self.http.connector(plain_http).await?;
                gcs::open(&self.settings, location.authority(), given(secret)?, http)
            }
            Provider::File {} => {
                Err(refused("the server's own disk has no credentials".to_owned()))
            }
        }
    }
}

/// Credentials that stay as they are.
#[derive(Debug)]
struct Given<C>(Arc<C>);

#[async_trait]
impl<C: OfSecret> CredentialProvider for Given<C> {
    type Credential = C;

    async fn get_credential(&self) -> object_store::Result<Arc<C>> {
        Ok(Arc::clone(&self.0))
    }
}

fn given<C: OfSecret>(secret: &CloudSecret) -> object_store::Result<Arc<Given<C>>> {
    let credential = C::of_secret(secret).ok_or_else(|| {
        not_vended(VendError::Impossible("The credentials are another cloud's".to_owned()))
    })?;
    Ok(Arc::new(Given(Arc::new(credential))))
}
