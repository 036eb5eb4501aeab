//! Requests that the server signs for clients that have no credentials.

use merak_authz::TableAccess;
use merak_model::features::{
    SKIP_CREDENTIAL_SUBSCOPING_INDIRECTION, STORAGE_CREDENTIAL_CACHE_DURATION_SECONDS,
};
use merak_model::storage_config::Provider;
use merak_storage::{LocationGrant, S3RequestToSign, SignedS3Request};

use crate::delegation::{seconds, vend_request};
use crate::external::check_vending;
use crate::locations::{check_still_allowed, granted_places};
use crate::session::Subject;
use crate::{Error, Service};

impl Service {
    /// Signs a request to S3 that touches nothing but a table's files, as far as the caller may
    /// reach them.
    ///
    /// It is signed with credentials that are narrowed to the table; where the catalog has no STS, with
    /// the server's own, and what was judged is all that bounds it.
    pub async fn sign_request(
        &self,
        access: TableAccess,
        request: S3RequestToSign,
    ) -> Result<SignedS3Request, Error> {
        let found = access.table();
        let catalog = &found.namespace.catalog;
        let features = self.features_of(access.realm());
        let features = features.within(&catalog.properties);
        check_vending(catalog, features)?;
        let store = self.store(access.realm(), catalog)?;
        let Provider::S3(s3) = &store.config.provider else {
            return Err(Error::BadRequest(format!(
                "Requests to {} storage are not signed",
                store.config.storage_type()
            )));
        };
        if features.is_on(&SKIP_CREDENTIAL_SUBSCOPING_INDIRECTION) {
            return Err(Error::BadRequest(
                "Requests are not signed while SKIP_CREDENTIAL_SUBSCOPING_INDIRECTION is on: give \
                 the client credentials of its own"
                    .to_owned(),
            ));
        }
        check_still_allowed(&found.ident, &found.table, &store.config)?;
        let places = granted_places(&found.table)?;
        let grant = LocationGrant::of_table(&access, places).ok_or_else(|| {
            Error::Forbidden(format!("The data of table {} was not asked for", found.ident))
        })?;
        let judged = merak_storage::judge_s3_request(&request, s3, &grant)
            .map_err(|refusal| Error::Forbidden(refusal.to_string()))?;
        let subject = Subject {
            realm: access.realm(),
            caller: access.caller(),
            catalog: &catalog.name,
            table: &found.ident,
        };
        let request = vend_request(subject, &store.config, grant, features);
        let reuse_for = seconds(features, &STORAGE_CREDENTIAL_CACHE_DURATION_SECONDS);
        let keys = self.storage.signing_keys(request, reuse_for).await?;
        Ok(judged.sign(&keys, self.clock.now_ms())?)
    }
}
