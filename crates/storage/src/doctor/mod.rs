//! What is wrong with a catalog's storage, and what mends it.
//!
//! The chain is walked step by step, as a client's request would: who the server is in that cloud,
//! whether it may act for the catalog, whether narrowed credentials can list, write, read and
//! delete below the base location, and whether they are refused outside.
//!
//! One module a cloud walks its chain. What a failure comes from and what mends it is said in
//! [`advice`], from what the provider said and the names at hand alone.

mod advice;
mod azure;
mod configuration;
mod file;
mod google;
mod http;
mod policy;
mod probe;
mod s3;
mod server_access;
mod walk;

use std::time::Duration;

use merak_authz::Authorized;
use merak_authz::operations::DiagnoseCatalog;
use merak_model::Location;
use merak_model::storage_config::Provider;
use serde::Serialize;

use self::probe::Places;
use self::walk::Walk;
use crate::vend::{DataAccess, LocationGrant, VendError, VendRequest};
use crate::{CatalogStore, ServerIdentity, Session, Storage};

pub use self::policy::PolicyQuestion;

/// What the doctor found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnosis {
    /// Whether no step failed.
    pub healthy: bool,
    /// The steps, in order. After one that failed, those that depend on it are not applicable.
    pub steps: Vec<DiagnosisStep>,
}

/// A step of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DiagnosisStep {
    /// Its name, such as `assume-role`.
    pub name: &'static str,
    /// What came of it.
    pub outcome: Outcome,
    /// In a sentence: what was found, with the provider's own message where it failed.
    pub detail: String,
    /// The likeliest cause, of a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What mends it, of a failure: commands and policies with the names filled in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remedies: Vec<Remedy>,
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It worked.
    Passed,
    /// It failed.
    Failed,
    /// It works, and deserves attention, such as credentials that reach further than the grant.
    Warning,
    /// It was not tried: this storage has no such step, or an earlier one failed.
    NotApplicable,
}

/// What mends a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Remedy {
    /// What to do, in a sentence.
    pub what: String,
    /// The command or policy to do it with, as it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A catalog whose storage is to be examined.
///
/// It is made of a proof: credentials are minted for it, though nobody but the doctor sees them.
#[derive(Debug)]
pub struct DiagnosisRequest {
    /// The catalog's name.
    pub(crate) catalog: String,
    pub(crate) store: CatalogStore,
    /// Where its tables lie, as it was set.
    pub(crate) base: String,
    /// What the cloud is told about who the credentials are for.
    pub(crate) session: Session,
    /// How long all steps together may take. What was written is removed even after that.
    pub(crate) timeout: Duration,
}

impl DiagnosisRequest {
    /// The catalog of a proof.
    pub fn of(
        proof: &Authorized<DiagnoseCatalog>,
        store: CatalogStore,
        base: String,
        session: Session,
        timeout: Duration,
    ) -> Self {
        Self { catalog: proof.target().catalog.name.clone(), store, base, session, timeout }
    }

    /// The request for credentials for a folder.
    fn request(&self, folder: &Location) -> Result<VendRequest, VendError> {
        let grant = LocationGrant::new(vec![folder.clone()], DataAccess::Write)
            .ok_or_else(|| VendError::Impossible("There is no folder to grant".to_owned()))?;
        Ok(VendRequest {
            realm: self.store.realm.clone(),
            config: self.store.config.clone(),
            grant,
            session: self.session.clone(),
            lifetime: self.store.lifetime,
        })
    }

    /// Why no credentials are vended from the catalog, if that is so: then the steps that try them
    /// say nothing about it.
    fn why_nothing_is_vended(&self) -> Option<&'static str> {
        let skips = self.store.identity == ServerIdentity::Own;
        let has_no_sts = matches!(
            &self.store.config.provider,
            Provider::S3(s3) if s3.sts_unavailable == Some(true)
        );
        if has_no_sts {
            Some("the catalog says that its store has no STS (stsUnavailable): nothing is vended")
        } else if skips {
            Some("SKIP_CREDENTIAL_SUBSCOPING_INDIRECTION is on: nothing is vended")
        } else {
            None
        }
    }

    /// Whether credentials could be narrowed to a folder, without asking anybody.
    fn check_request(&self, storage: &Storage, base: &Location) -> Result<(), String> {
        if self.why_nothing_is_vended().is_some() {
            return Ok(());
        }
        let places = Places::below(base)?;
        let request = self.request(&places.folder).map_err(|error| error.to_string())?;
        storage.explain(&request).map(drop).map_err(|error| error.to_string())
    }
}

impl Storage {
    /// Walks the chain of a catalog's storage, and says what is wrong with it.
    ///
    /// It writes a file below the base location and, to see that it is refused, tries to write one
    /// beside it; it removes both.
    pub async fn diagnose(&self, asked: &DiagnosisRequest) -> Diagnosis {
        let mut walk = Walk::new(asked.timeout);
        match &asked.store.config.provider {
            Provider::File {} => file::examine(self, asked, &mut walk).await,
            Provider::Azure(azure) => azure::examine(self, azure, asked, &mut walk).await,
            Provider::Gcs(gcs) => google::examine(self, gcs, asked, &mut walk).await,
            Provider::S3(s3) => s3::examine(self, s3, asked, &mut walk).await,
        }
        walk.diagnosis()
    }
}
