//! The one statement that reads a path: what is bound to it, and what its rows mean.

use merak_metastore::{
    ActivatedCatalogRole, ActivatedRole, AttachedPolicy, Children, Error, PrincipalRef,
    RelatedGrant, Relation, Resolution, ResolveRequest, Resolved, ResolvedCaller, ResolvedTable,
    RoleSelection,
};
use merak_model::entity::internal;
use merak_model::{EntityId, GrantRecord, Namespace, Privilege, PrivilegeSet, RealmId};
use serde::Serialize;

use crate::connection::{Param, Row, findable};
use crate::entity;
use crate::statement::{self as sql, Statement};

/// A request in the form it is bound in.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    request: &'a ResolveRequest,
    roles: Option<String>,
    namespaces: String,
    tables: String,
    children: Option<ChildrenQuestion>,
    named: String,
}

#[derive(Debug)]
struct ChildrenQuestion {
    code: i64,
    sub_code: i64,
    namespace: Option<String>,
    after: String,
    limit: i64,
}

#[derive(Serialize)]
struct WantedTable<'a> {
    namespace: String,
    name: &'a str,
    known: Option<&'a str>,
}

#[derive(Serialize)]
struct WantedNamed<'a> {
    kind: i32,
    namespace: Option<String>,
    name: &'a str,
}

impl<'a> Question<'a> {
    pub(crate) fn new(request: &'a ResolveRequest) -> Self {
        let of_children = request.children.as_ref().and_then(|children| children.of.as_ref());
        let of_tables = request.tables.iter().map(|table| &table.ident.namespace);
        let mut namespaces: Vec<_> = request
            .namespaces
            .iter()
            .chain(of_tables)
            .chain(of_children)
            .chain(request.named.iter().filter_map(|named| named.namespace.as_ref()))
            .flat_map(Namespace::path)
            .collect();
        namespaces.sort_unstable();
        namespaces.dedup();
        let tables: Vec<_> = request
            .tables
            .iter()
            .map(|table| WantedTable {
                namespace: table.ident.namespace.encoded(),
                name: findable(&table.ident.name),
                known: table.known_metadata.as_deref(),
            })
            .collect();
        let beside: Vec<_> = request
            .named
            .iter()
            .map(|named| WantedNamed {
                kind: named.kind.code(),
                namespace: named.namespace.as_ref().map(Namespace::encoded),
                name: findable(&named.name),
            })
            .collect();
        Self {
            request,
            roles: match &request.caller.roles {
                RoleSelection::All => None,
                RoleSelection::Named(names) => {
                    let names: Vec<_> = names.iter().map(|name| findable(name)).collect();
                    Some(to_json(&names))
                }
            },
            namespaces: to_json(&namespaces),
            tables: to_json(&tables),
            children: request.children.as_ref().map(ChildrenQuestion::new),
            named: to_json(&beside),
        }
    }

    pub(crate) fn statement(&self) -> &'static Statement {
        if let Some(children) = &self.request.children {
            if children.names_only {
                &sql::RESOLVE_WITH_CHILD_NAMES
            } else {
                &sql::RESOLVE_WITH_CHILDREN
            }
        } else if self.request.related.is_some() {
            &sql::RESOLVE_RELATED
        } else if self.request.explain {
            &sql::RESOLVE_EXPLAINED
        } else if self.request.policies {
            &sql::RESOLVE_WITH_POLICIES
        } else if self.request.named.is_empty() {
            &sql::RESOLVE
        } else {
            &sql::RESOLVE_NAMED
        }
    }

    pub(crate) fn params(&'a self, realm: &'a RealmId) -> Vec<Param<'a>> {
        let mut params = Vec::with_capacity(12);
        let (id, name) = match &self.request.caller.principal {
            PrincipalRef::Id(id) => (Some(id.0), None),
            PrincipalRef::Name(name) => (None, Some(findable(name))),
        };
        params.extend([
            Param::realm(realm),
            Param::OptInt(id),
            Param::OptText(self.roles.as_deref()),
            Param::OptText(self.request.catalog.as_deref().map(findable)),
            Param::Text(&self.namespaces),
            Param::Text(&self.tables),
            Param::OptText(name),
        ]);
        if let Some(children) = &self.children {
            params.extend([
                Param::Int(children.code),
                Param::Int(children.sub_code),
                Param::OptText(children.namespace.as_deref()),
                Param::Text(&children.after),
                Param::Int(children.limit),
            ]);
            return params;
        }
        let has_named = !self.request.named.is_empty();
        if has_named || self.request.explain || self.request.related.is_some() {
            params.push(Param::Text(&self.named));
        }
        if let Some(relation) = &self.request.related {
            params.extend(of_relation(*relation));
        }
        params
    }
}

impl ChildrenQuestion {
    fn new(children: &Children) -> Self {
        let of = children.of.as_ref().filter(|namespace| !namespace.is_root());
        let after = children.page.after.as_deref().unwrap_or_default();
        Self {
            code: children.kind.code().into(),
            sub_code: children.kind.sub_code().into(),
            namespace: of.map(Namespace::encoded),
            // No name has a NUL, so that the next name after one with it is the next after what
            // stands before it.
            after: after.split('\0').next().unwrap_or_default().to_owned(),
            limit: children.page.limit.map_or(i64::MAX, i64::from),
        }
    }
}

fn of_relation<'a>(relation: Relation) -> [Param<'a>; 3] {
    let (of_holders, privilege, in_catalog) = match relation {
        Relation::Held { privilege, in_catalog } => (false, privilege, in_catalog),
        Relation::Holders(privilege) => (true, Some(privilege), false),
    };
    let privilege = privilege.map(|privilege| privilege.code().into());
    [Param::Bool(of_holders), Param::OptInt(privilege), Param::Bool(in_catalog)]
}

fn to_json<T: Serialize>(values: &[T]) -> String {
    serde_json::to_string(values).expect("lists of texts are JSON")
}

/// Reads the rows.
pub(crate) fn read(rows: &[Row]) -> Result<Resolution, Error> {
    let mut found = Resolution::default();
    let mut tables = Vec::new();
    for row in rows {
        match row.code(PART)? {
            0 => {
                if found.caller.is_none() {
                    found.caller = Some(caller(row)?);
                }
                let Some(caller) = &mut found.caller else { continue };
                if let Some(name) = row.opt_text(NAME)? {
                    let (id, name) = (EntityId(row.int(ID)?), name.to_owned());
                    caller.roles.push(ActivatedRole { id, name });
                }
            }
            1 => found.root_privileges = privileges(row)?,
            2 => found.catalog = Some(resolved(row)?),
            3 => found.namespaces.push(resolved(row)?),
            4 => tables.push((resolved(row)?, row.opt_bytes(METADATA)?.map(<[u8]>::to_vec))),
            5 => found.children.push(entity::read(row, ID)?),
            6 => found.named.push(resolved(row)?),
            7 => found.related.extend(related(row)?),
            8 => found.explanation.catalog_roles.push(ActivatedCatalogRole {
                name: row.text(NAME)?.to_owned(),
                id: EntityId(row.int(ID)?),
                principal_role: row.text(METADATA_LOCATION)?.to_owned(),
            }),
            9 => found.explanation.grants.extend(grants(row)?),
            10 => found.child_names.push(row.text(NAME)?.to_owned()),
            11 => found.attached.push(attached(row)?),
            part => return Err(Error::Corrupt(format!("the answer has an unknown part {part}"))),
        }
    }
    if let Some(caller) = &mut found.caller {
        caller.roles.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    }
    // They come in order; that a union keeps it is nowhere promised.
    found.children.sort_by(|one, other| one.name.cmp(&other.name));
    found.child_names.sort_unstable();
    found.related.sort_by(|one, other| one.entity.name.cmp(&other.entity.name));
    found.attached.sort_by(|one, other| one.policy.name.cmp(&other.policy.name));
    found.explanation.catalog_roles.sort_unstable();
    // A role that comes by two ways brings its grants twice.
    found
        .explanation
        .grants
        .sort_unstable_by_key(|grant| (grant.securable, grant.grantee, grant.privilege));
    found.explanation.grants.dedup();
    for (resolved, metadata) in tables {
        let parent = resolved.entity.parent_id;
        let namespace = found.namespaces.iter().find(|namespace| namespace.entity.id == parent);
        let namespace = namespace
            .map(|namespace| Namespace::decode(&namespace.entity.name))
            .ok_or_else(|| Error::Corrupt(format!("a table is in {parent}, which is absent")))?;
        found.tables.push(ResolvedTable { resolved, namespace, metadata });
    }
    Ok(found)
}

const PART: usize = 0;
const ID: usize = 1;
const CATALOG: usize = 2;
const NAME: usize = 6;
const INTERNAL: usize = 11;
const CALLER: usize = 12;
const METADATA_LOCATION: usize = 13;
const METADATA: usize = 14;
const PRIVILEGES: usize = 15;

fn caller(row: &Row) -> Result<ResolvedCaller, Error> {
    let internal = entity::properties(row.text(INTERNAL)?)?;
    Ok(ResolvedCaller {
        id: EntityId(row.int(CATALOG)?),
        name: row.text(CALLER)?.to_owned(),
        roles: Vec::new(),
        must_rotate: internal.contains_key(internal::CREDENTIAL_ROTATION_REQUIRED),
    })
}

fn related(row: &Row) -> Result<Option<RelatedGrant>, Error> {
    let Some(privilege) = privileges(row)?.iter().next() else { return Ok(None) };
    let mut entity = entity::read(row, ID)?;
    let namespace = entity.metadata_location.take().map(|name| Namespace::decode(&name));
    Ok(Some(RelatedGrant { entity, namespace, privilege }))
}

fn attached(row: &Row) -> Result<AttachedPolicy, Error> {
    let mut policy = entity::read(row, ID)?;
    let target = policy.location.take().and_then(|id| id.parse().ok()).map(EntityId);
    let namespace = policy.metadata_location.take().map(|name| Namespace::decode(&name));
    let (target, namespace) = target
        .zip(namespace)
        .ok_or_else(|| Error::Corrupt(format!("policy {} is in no namespace", policy.id)))?;
    let parameters = std::mem::take(&mut policy.properties);
    Ok(AttachedPolicy { target, policy, namespace, parameters })
}

fn grants(row: &Row) -> Result<impl Iterator<Item = GrantRecord>, Error> {
    let (securable, grantee) = (EntityId(row.int(ID)?), EntityId(row.int(CATALOG)?));
    let privileges: Vec<_> = privileges(row)?.iter().collect();
    Ok(privileges.into_iter().map(move |privilege| GrantRecord { securable, grantee, privilege }))
}

fn resolved(row: &Row) -> Result<Resolved, Error> {
    Ok(Resolved { entity: entity::read(row, ID)?, privileges: privileges(row)? })
}

/// Reads the privileges, which come as their codes between commas. One that a newer version knows
/// and this one does not allows nothing here.
fn privileges(row: &Row) -> Result<PrivilegeSet, Error> {
    let Some(codes) = row.opt_text(PRIVILEGES)? else { return Ok(PrivilegeSet::EMPTY) };
    codes
        .split(',')
        .filter_map(|code| match code.parse() {
            Ok(code) => Privilege::from_code(code).map(Ok),
            Err(_) => Some(Err(Error::Corrupt(format!("'{code}' is not a privilege")))),
        })
        .collect()
}
