//! Why a request may not go on.

use merak_model::EntityKind;

/// Why an operation was not allowed: one variant for each answer a client can tell apart.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The token's principal is gone, or the token asks for a role the principal does not hold.
    #[error("{0}")]
    Unauthenticated(String),
    /// What was asked for is there, and the caller may not have it.
    #[error(
        "Principal '{principal}' with activated PrincipalRoles '[{roles}]' and activated grants \
         via '[{roles}]' is not authorized for op {operation}"
    )]
    Forbidden {
        /// Who asked.
        principal: String,
        /// The principal roles they acted in, separated by commas.
        roles: String,
        /// What they asked for.
        operation: &'static str,
    },
    /// Another who decides in the place of roles and grants says no. Polaris' words.
    #[error("{0} denied authorization")]
    DeniedBy(&'static str),
    /// It cannot be found out what another decides: then nothing is allowed.
    #[error("{by} decides on requests, and cannot be asked at the moment: nothing was changed")]
    CannotAsk {
        /// What it is called.
        by: &'static str,
        /// Why, for the log.
        source: crate::BoxError,
    },
    /// A rule forbids it, whatever privileges are held.
    #[error("{0}")]
    AgainstTheRules(&'static str),
    /// The principal has to rotate its credentials before it does anything else.
    #[error(
        "Principal '{principal}' is not authorized for op {operation} because it must rotate \
         credentials first"
    )]
    MustRotate {
        /// Who asked.
        principal: String,
        /// What they asked for.
        operation: &'static str,
    },
    /// What is to be given, or who is to get it, is not there.
    #[error("Entity {name} not found when trying to assign {role} to {grantee}")]
    MissingForAssignment {
        /// What is missing.
        name: String,
        /// What is to be given.
        role: String,
        /// Who is to get it.
        grantee: String,
    },
    /// The catalog that something is to be granted in is not there.
    #[error("Catalog not found: {0}")]
    NoSuchCatalogForGrant(String),
    /// The catalog role that something is to be granted to is not there.
    #[error("CatalogRole not found: {catalog}.{role}")]
    NoSuchRoleForGrant {
        /// The catalog.
        catalog: String,
        /// The role.
        role: String,
    },
    /// An operation that is to be explained is not known, or what it acts on is not said.
    #[error("{0}")]
    CannotExplain(String),
    /// Something on the path is not there. Polaris answers this before it asks who may know.
    #[error("{}", not_found(*kind, name))]
    NotFound {
        /// What is missing.
        kind: EntityKind,
        /// Its name, as the client gave it.
        name: String,
    },
    /// Nothing has the name of the table that a policy is to be attached to.
    #[error("Table or view does not exist: {0}")]
    NoSuchTableOrView(String),
    /// It is in a federated catalog: only the catalog that owns it knows whether it is there. It is
    /// judged as [`crate::Remote`], if it can be done there.
    #[error("This is not supported in a federated catalog: another catalog owns what is in it")]
    Federated,
    /// No catalog has the name that `getConfig` was asked for.
    #[error("Unable to find warehouse {0}")]
    NoSuchWarehouse(String),
    /// The metastore did not answer.
    #[error(transparent)]
    Metastore(#[from] merak_metastore::Error),
}

/// The texts of Iceberg and Polaris, which published tests compare.
fn not_found(kind: EntityKind, name: &str) -> String {
    match kind {
        EntityKind::Catalog => format!("TopLevelEntity of type CATALOG does not exist: {name}"),
        EntityKind::Principal => {
            format!("TopLevelEntity of type PRINCIPAL does not exist: {name}")
        }
        EntityKind::PrincipalRole => {
            format!("TopLevelEntity of type PRINCIPAL_ROLE does not exist: {name}")
        }
        EntityKind::Root
        | EntityKind::CatalogRole
        | EntityKind::Namespace
        | EntityKind::Table
        | EntityKind::View
        | EntityKind::GenericTable
        | EntityKind::Policy => format!("{kind} does not exist: {name}"),
    }
}
