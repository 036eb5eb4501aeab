//! Tables that are made of metadata files that are there.

use merak_authz::Authorized;
use merak_authz::operations::{RegisterTable, RegisterTableOverwrite};
use merak_model::{EntityKind, EntityName, EventSubject};

use crate::delegation::{AccessDelegation, Wanted};
use crate::events::Happening;
use crate::external::{check_vending, is_external};
use crate::foreign_files::{ForeignFile, is_of_another};
use crate::new_tables::{check_is_free, creation_failed};
use crate::outcome::{Left, Trace};
use crate::tables::LoadedTable;
use crate::{Error, Service};

/// A proof that a metadata file may be registered.
#[derive(Debug)]
pub enum Registration {
    /// As a new table.
    New(Authorized<RegisterTable>),
    /// As a new table, or in the place of the one that has the name.
    Overwrite(Authorized<RegisterTableOverwrite>),
}

impl Service {
    /// Makes a table of a metadata file that is there. The file stays as it is.
    pub async fn register_table(
        &self,
        registration: Registration,
        metadata_location: &str,
        asked: AccessDelegation,
    ) -> Result<LoadedTable, Error> {
        let (actor, caller, target) = match &registration {
            Registration::New(proof) => (proof.actor(), proof.caller(), proof.target()),
            Registration::Overwrite(proof) => (proof.actor(), proof.caller(), proof.target()),
        };
        let realm = &actor.realm;
        let catalog = &target.namespace.catalog;
        let may_replace = matches!(registration, Registration::Overwrite(_));
        if may_replace && is_external(catalog) {
            return Err(Error::BadRequest(
                "Register table overwrite is only supported for internal Polaris catalogs"
                    .to_owned(),
            ));
        }
        EntityName::parse(&target.ident.name)?;
        let features = self.features_of(realm);
        let features = features.within(&catalog.properties);
        if asked.is_asked() {
            // Before anything is made: whoever loads the table in this way is refused, too.
            check_vending(catalog, features)?;
        }
        let replaced = target
            .existing
            .as_ref()
            .filter(|existing| may_replace && existing.table.kind == EntityKind::Table);
        if replaced.is_none() {
            check_is_free(target)?;
        }
        let store = self.store(realm, catalog)?;
        let ident = &target.ident;
        let read = self.read_foreign(&store, metadata_location, ident, &target.namespace, features);
        let ForeignFile { file, metadata } = read.await?;
        let wanted = Wanted {
            realm,
            caller,
            catalog,
            ident,
            kind: EntityKind::Table,
            location: metadata.location(),
            asked: AccessDelegation::default(),
        };
        let access = self.client_access(wanted, &store.config, None).await?;
        let (change, id) = match replaced {
            None => self.creation(target, &metadata, &file, features)?,
            Some(existing) => {
                if is_of_another(&metadata, &existing.table) {
                    return Err(Error::BadRequest(format!(
                        "The metadata file is of another table: its table-uuid is {}, and that of \
                         {ident} is {}",
                        metadata.uuid(),
                        existing.table.internal.get("table-uuid").map_or("", String::as_str)
                    )));
                }
                let after = self.repointed(&existing.table, &metadata, &file)?;
                let change = self.pointing(&existing.table, after, &file, features);
                (change, existing.table.id)
            }
        };
        // The file is the client's: whatever comes of it, it is not ours to remove.
        let left = Left::Pointer(ident, id, file.pointer.as_str());
        let trace = Trace { catalog, left };
        let happened = Happening::to_table(EventSubject::RegisterTable, catalog, ident)
            .changed_by(&change)
            .after_maybe(replaced.map(|replaced| &replaced.table));
        self.apply_surely(&actor, vec![change], vec![happened], || file.answer(), trace)
            .await
            .map_err(|error| creation_failed(error, ident))?;
        self.keep(realm, target, &file).await;
        Ok(LoadedTable { access, ..file.loaded() })
    }
}
