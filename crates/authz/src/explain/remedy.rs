//! What would help.

use merak_model::{EntityKind, Namespace, Privilege};

use super::Answer;
use crate::operations::CATALOG_ADMIN;
use crate::privileges::satisfying;
use crate::{Need, Requirement, Spot, grantable_on};

/// Something that would meet a requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remedy {
    /// The privilege to grant, or that comes with the role to give.
    pub privilege: Privilege,
    /// What to grant it on: what it is.
    pub on_kind: EntityKind,
    /// What to grant it on: its name.
    pub on_name: String,
    /// The catalog role to grant it to, if the principal has one that would do.
    pub catalog_role: Option<String>,
    /// What to do, in a sentence.
    pub text: String,
}

/// A remedy for each requirement that is not met. One that a rule stands behind has none.
pub(super) fn remedies(
    answer: &Answer,
    requirements: &[Requirement],
    spots: &[Spot<'_>],
) -> Vec<Remedy> {
    let unmet = requirements.iter().filter(|requirement| !requirement.is_met);
    unmet
        .filter_map(|requirement| match requirement.need {
            Need::Privilege(privilege) => {
                let spot = spots.get(requirement.on).cloned().unwrap_or_else(Spot::root);
                remedy(answer, privilege, &spot)
            }
            Need::Rule(_) => None,
        })
        .collect()
}

/// The least that would do: the privilege itself on the securable itself, if that can be granted;
/// else on what it is in; else one that implies it.
fn remedy(answer: &Answer, wanted: Privilege, spot: &Spot<'_>) -> Option<Remedy> {
    let enough = std::iter::once(wanted).chain(satisfying(wanted).iter());
    for privilege in enough {
        for length in (1..=spot.path().len()).rev() {
            let on = Spot::of(spot.path()[..length].iter().copied());
            if grantable_on(on.kind()).contains(privilege) {
                return Some(grant(answer, privilege, &on));
            }
        }
    }
    if !satisfying(wanted).contains(Privilege::ServiceManageAccess) {
        return None;
    }
    let text = format!(
        "Nothing grants {wanted} by itself: it comes with SERVICE_MANAGE_ACCESS, which the \
         principal role service_admin has. Give that role to {}: polaris principal-roles grant \
         --principal {} service_admin",
        answer.principal,
        quoted(&answer.principal),
    );
    Some(Remedy {
        privilege: Privilege::ServiceManageAccess,
        on_kind: EntityKind::Root,
        on_name: Spot::root().name(),
        catalog_role: None,
        text,
    })
}

fn grant(answer: &Answer, privilege: Privilege, on: &Spot<'_>) -> Remedy {
    // Nothing is granted to the role that comes with each catalog without need.
    let ordinary = answer.catalog_roles.keys().find(|role| *role != CATALOG_ADMIN);
    let catalog_role = ordinary.cloned();
    let text = if let Some(role) = &catalog_role {
        let how = command(privilege, on, role);
        format!("Grant {privilege} on {on} to the catalog role {role}: {how}")
    } else {
        with_a_new_role(answer, privilege, on)
    };
    Remedy { privilege, on_kind: on.kind(), on_name: on.name(), catalog_role, text }
}

/// What to do where the principal has no role in the catalog, or none but that of its manager.
fn with_a_new_role(answer: &Answer, privilege: Privilege, on: &Spot<'_>) -> String {
    let catalog = on.catalog().map_or("", |catalog| catalog.name.as_str());
    let principal_role = answer.active_roles.first().map_or("ROLE", String::as_str);
    let first = if answer.active_roles.is_empty() {
        format!("Give {} a principal role ROLE, make a catalog role in {catalog}", answer.principal)
    } else {
        format!("Make a catalog role in {catalog}")
    };
    format!(
        "{first}, give it to the principal role, and grant it {privilege} on {on}: polaris \
         catalog-roles create --catalog {} NEW && polaris catalog-roles grant --catalog {} \
         --principal-role {} NEW && {}",
        quoted(catalog),
        quoted(catalog),
        quoted(principal_role),
        command(privilege, on, "NEW")
    )
}

/// How the command line of Polaris grants it. On policies it cannot; and a namespace it takes apart at
/// its dots, so that where a level has one it would grant on a namespace of others.
fn command(privilege: Privilege, on: &Spot<'_>, role: &str) -> String {
    let catalog = on.catalog().map_or("", |catalog| catalog.name.as_str());
    let (kind, place) = match on.kind() {
        EntityKind::Namespace => ("namespace", format!(" --namespace {}", quoted(&on.name()))),
        EntityKind::Table | EntityKind::GenericTable => ("table", leaf(on, "table")),
        EntityKind::View => ("view", leaf(on, "view")),
        EntityKind::Policy => ("policy", String::new()),
        EntityKind::Root
        | EntityKind::Principal
        | EntityKind::PrincipalRole
        | EntityKind::Catalog
        | EntityKind::CatalogRole => ("catalog", String::new()),
    };
    if on.kind() == EntityKind::Policy || has_dots(on) {
        return format!(
            "by PUT of a grant of type {kind} to the grants of the role {} in {}",
            quoted(role),
            quoted(catalog)
        );
    }
    format!(
        "polaris privileges {kind} grant --catalog {} --catalog-role {}{place} {privilege}",
        quoted(catalog),
        quoted(role)
    )
}

/// Whether a level of the namespace it is in, or is, has a dot in its name.
fn has_dots(on: &Spot<'_>) -> bool {
    let namespaces = on.path().iter().filter(|entity| entity.kind == EntityKind::Namespace);
    let mut levels =
        namespaces.flat_map(|entity| Namespace::decode(&entity.name).levels().to_vec());
    levels.any(|level| level.contains('.'))
}

fn leaf(on: &Spot<'_>, option: &str) -> String {
    let mut path = on.path().iter().rev();
    let (leaf, parent) = (path.next(), path.next());
    let leaf = leaf.map_or("", |entity| entity.name.as_str());
    let parent = parent.map(|entity| Namespace::decode(&entity.name).to_string());
    format!(" --namespace {} --{option} {}", quoted(&parent.unwrap_or_default()), quoted(leaf))
}

/// A name as a shell takes it. Names may hold anything: what is pasted must not become a command.
fn quoted(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '@');
    if !name.is_empty() && !name.starts_with('-') && name.chars().all(is_plain) {
        return name.to_owned();
    }
    format!("'{}'", name.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_become_a_command() {
        assert_eq!(quoted("sky.stars-1"), "sky.stars-1");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("$(reboot)"), "'$(reboot)'");
        assert_eq!(quoted("a'; reboot; '"), "'a'\\''; reboot; '\\'''");
        assert_eq!(quoted("--help"), "'--help'");
    }
}
