//! Operations on principals.

use merak_metastore::ResolvedCaller;
use merak_model::{Features, Privilege};

use super::operations;
use crate::{Asked, Operation, Requirement, ResolvedPrincipal, ResolvedRealm, Securable as _};

/// The principal that bootstrap makes. It cannot be dropped, nor can another get its name.
pub const ROOT_PRINCIPAL: &str = "root";

operations! { ResolvedRealm:
    /// Lists the realm's principals.
    ListPrincipals = "LIST_PRINCIPALS" requires [PrincipalList];
    /// Makes a principal.
    CreatePrincipal = "CREATE_PRINCIPAL" requires [PrincipalCreate];
}

operations! { ResolvedPrincipal:
    /// Reads a principal.
    GetPrincipal = "GET_PRINCIPAL" requires [PrincipalReadProperties];
    /// Changes a principal's properties.
    UpdatePrincipal = "UPDATE_PRINCIPAL" requires [PrincipalWriteProperties];
    /// Removes a principal.
    DeletePrincipal = "DELETE_PRINCIPAL" requires [PrincipalDrop];
    /// Lists the principal roles that a principal has.
    ListPrincipalRolesAssigned = "LIST_PRINCIPAL_ROLES_ASSIGNED" requires [PrincipalListGrants];
}

/// Gives a principal a new secret. It may do so itself, and nobody else: the privilege for it can be
/// granted by no API, and is implied by none.
///
/// It takes a token of all its roles: with the secret, a narrower one would be as good.
#[derive(Debug, Clone, Copy)]
pub struct RotateCredentials;

impl Operation for RotateCredentials {
    type Target = ResolvedPrincipal;

    fn name(&self) -> &'static str {
        "ROTATE_CREDENTIALS"
    }

    fn requirements(
        &self,
        caller: &ResolvedCaller,
        target: &ResolvedPrincipal,
        _: &Features,
    ) -> Vec<Requirement> {
        if caller.id == target.principal.id {
            return Vec::new();
        }
        let privilege = Privilege::PrincipalRotateCredentials;
        vec![Requirement::on_target(privilege, target.holds(privilege))]
    }

    fn asked<'a>(
        &self,
        caller: &ResolvedCaller,
        target: &'a ResolvedPrincipal,
        _: &Features,
    ) -> Vec<Asked<'a>> {
        if caller.id == target.principal.id {
            return Vec::new();
        }
        vec![Asked { action: self.name(), resources: target.resources() }]
    }

    fn needs_all_roles(&self) -> bool {
        true
    }

    fn is_open_before_rotation(&self) -> bool {
        true
    }
}

/// Replaces a principal's credentials. That is for the root principal alone, as in Polaris, and needs
/// no privilege then.
///
/// It takes a token of all its roles: a narrower one would do to become anybody.
#[derive(Debug, Clone, Copy)]
pub struct ResetCredentials;

impl Operation for ResetCredentials {
    type Target = ResolvedPrincipal;

    fn name(&self) -> &'static str {
        "RESET_CREDENTIALS"
    }

    fn requirements(
        &self,
        caller: &ResolvedCaller,
        _: &ResolvedPrincipal,
        _: &Features,
    ) -> Vec<Requirement> {
        if caller.name == ROOT_PRINCIPAL {
            return Vec::new();
        }
        vec![Requirement::broken(
            "Only Root principal(service-admin) can perform RESET_CREDENTIALS",
        )]
    }

    fn needs_all_roles(&self) -> bool {
        true
    }
}
