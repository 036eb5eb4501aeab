//! What would bound credentials, without any.

use merak_model::Location;
use serde_json::Value;

use crate::vend::{DataAccess, LocationGrant, Session, VendError, VendRequest};
use crate::{CatalogStore, Storage};

/// Which credentials are asked about. It is no grant: nothing can be minted with it.
#[derive(Debug, Clone)]
pub struct PolicyQuestion {
    /// The catalog's store.
    pub store: CatalogStore,
    /// The table's locations.
    pub locations: Vec<Location>,
    /// What could be done there.
    pub access: DataAccess,
    /// What the cloud would be told about who they are for.
    pub session: Session,
}

impl Storage {
    /// What would bound the credentials, for people to read. Calls nobody, and mints nothing.
    pub fn explain_policy(&self, question: PolicyQuestion) -> Result<Value, VendError> {
        let PolicyQuestion { store, locations, access, session } = question;
        let grant = LocationGrant::new(locations, access)
            .ok_or_else(|| VendError::Impossible("The table has no location".to_owned()))?;
        self.explain(&VendRequest {
            realm: store.realm,
            config: store.config,
            grant,
            session,
            lifetime: store.lifetime,
        })
    }
}
