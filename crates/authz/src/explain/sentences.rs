//! An answer in sentences.

use merak_model::EntityKind;

use super::{Answer, HeldGrant, Judged, Step};
use crate::{Decision, Need, Spot, Verdict};

pub(super) fn of(
    answer: &Answer,
    must_rotate: bool,
    unheld_role: Option<&str>,
    spots: &[Spot<'_>],
) -> Vec<String> {
    let mut sentences = vec![roles(answer)];
    sentences.extend(unheld_role.map(|why| format!("{why}: every request is answered 401.")));
    if let Some(decision) = answer.decision {
        // What is granted does not count.
        sentences.push(decided(answer, decision));
    } else {
        if let Some(catalog) = spots.iter().find_map(Spot::catalog) {
            sentences.push(catalog_roles(answer, &catalog.name));
        }
        sentences.extend(answer.path.iter().map(step));
    }
    if must_rotate {
        sentences.push(format!(
            "Principal {} must rotate its credentials before it may do anything else.",
            answer.principal
        ));
    }
    if answer.requirements.is_empty() && answer.decision.is_none() {
        sentences.push(format!("{} asks {} for no privilege.", answer.operation, answer.principal));
    }
    sentences.extend(answer.requirements.iter().map(|judged| requirement(answer, judged)));
    let verdict = if answer.is_allowed { "allowed" } else { "refused" };
    sentences.push(format!("So {} is {verdict}.", answer.operation));
    sentences.extend(answer.remedies.iter().map(|remedy| remedy.text.clone()));
    sentences
}

fn decided(answer: &Answer, Decision { by, verdict }: Decision) -> String {
    let says = match verdict {
        Verdict::NotAsked => "it is not asked about",
        Verdict::Allowed => "it allows",
        Verdict::Denied => "it denies",
    };
    format!("{by} decides, and not what is granted here: {says} {}.", answer.operation)
}

fn roles(answer: &Answer) -> String {
    if answer.active_roles.is_empty() {
        return format!("Principal {} acts in no principal role that counts.", answer.principal);
    }
    let roles = answer.active_roles.join(", ");
    format!("Principal {} acts in the principal roles {roles}.", answer.principal)
}

fn catalog_roles(answer: &Answer, catalog: &str) -> String {
    if answer.catalog_roles.is_empty() {
        return format!("They have no role in the catalog {catalog}.");
    }
    let roles: Vec<_> = answer
        .catalog_roles
        .iter()
        .map(|(role, through)| format!("{role} (by {})", through.join(", ")))
        .collect();
    format!("In the catalog {catalog} they have the roles {}.", roles.join(", "))
}

fn step(step: &Step) -> String {
    let place = format!("{} {}", step.kind, step.name);
    if step.grants.is_empty() {
        return format!("On {place} nothing is granted to these roles.");
    }
    let grants: Vec<_> = step.grants.iter().map(grant).collect();
    format!("On {place} are granted {}.", grants.join(", "))
}

fn grant(grant: &HeldGrant) -> String {
    let kind = match grant.grantee_kind {
        EntityKind::PrincipalRole => "principal role",
        EntityKind::Root
        | EntityKind::Principal
        | EntityKind::Catalog
        | EntityKind::CatalogRole
        | EntityKind::Namespace
        | EntityKind::Table
        | EntityKind::View
        | EntityKind::GenericTable
        | EntityKind::Policy => "catalog role",
    };
    format!("{} to the {kind} {}", grant.privilege, grant.grantee)
}

fn requirement(answer: &Answer, judged: &Judged) -> String {
    let privilege = match &judged.need {
        Need::Privilege(privilege) => privilege,
        Need::Rule(rule) => return format!("{rule}."),
    };
    let asked =
        format!("{} needs {privilege} on {} {}", answer.operation, judged.on_kind, judged.on_name);
    if !judged.is_met {
        return format!("{asked}, which is missing.");
    }
    let by: Vec<_> = judged
        .met_by
        .iter()
        .map(|(held, kind, name)| format!("{} on {kind} {name}", grant(held)))
        .collect();
    format!("{asked}, which is met by {}.", by.join(", "))
}
