//! The domain's words: realms, entities, names, privileges, locations, storage configurations.
//!
//! No I/O, nothing asynchronous, nothing of HTTP or SQL. Its types do not serialize, but for what
//! is stored: storage configurations, connections and the property maps.
#![warn(missing_docs)]

pub mod clock;
pub mod connection;
pub mod entity;
pub mod features;
pub mod ids;
pub mod location;
pub mod names;
pub mod privilege;
pub mod storage_config;

pub use clock::{Clock, SystemClock};
pub use connection::Connection;
pub use entity::{CatalogType, Entity, EntityKind, GrantRecord, Properties};
pub use features::Features;
pub use ids::{EntityId, EntityVersion, RealmId};
pub use location::Location;
pub use names::{EntityName, Namespace, TableIdent};
pub use privilege::{Privilege, PrivilegeSet};
pub use storage_config::StorageConfig;
