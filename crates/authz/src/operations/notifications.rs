//! Notifications: another catalog says what became of its tables.

use merak_model::Privilege;

use super::operations;
use crate::ResolvedNotification;

impl ResolvedNotification {
    /// Whether a privilege is held on the catalog.
    pub fn holds(&self, wanted: Privilege) -> bool {
        self.root.holds(wanted)
    }
}

// All of it on the catalog, whatever the notification says: as in Polaris, whoever sends one may
// send all.
operations! { ResolvedNotification:
    /// Says what became of a table in the catalog that owns it.
    SendNotifications = "SEND_NOTIFICATIONS"
        requires [TableCreate, TableWriteProperties, TableDrop, NamespaceCreate, NamespaceDrop];
}
