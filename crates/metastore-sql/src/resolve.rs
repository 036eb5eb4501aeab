//! The one statement that reads a path: what is bound to it, and what its rows mean.

use merak_metastore::{
    ActivatedRole, Children, Error, Resolution, ResolveRequest, Resolved, ResolvedCaller,
    ResolvedTable, RoleSelection,
};
use merak_model::{EntityId, Namespace, Privilege, PrivilegeSet, RealmId};
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

impl<'a> Question<'a> {
    pub(crate) fn new(request: &'a ResolveRequest) -> Self {
        let of_children = request.children.as_ref().and_then(|children| children.of.as_ref());
        let of_tables = request.tables.iter().map(|table| &table.ident.namespace);
        let mut namespaces: Vec<_> = request
            .namespaces
            .iter()
            .chain(of_tables)
            .chain(of_children)
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
        }
    }

    pub(crate) fn statement(&self) -> &'static Statement {
        if self.children.is_some() { &sql::RESOLVE_WITH_CHILDREN } else { &sql::RESOLVE }
    }

    pub(crate) fn params(&'a self, realm: &'a RealmId) -> Vec<Param<'a>> {
        let mut params = Vec::with_capacity(11);
        params.extend([
            Param::realm(realm),
            Param::Int(self.request.caller.principal.0),
            Param::OptText(self.roles.as_deref()),
            Param::OptText(self.request.catalog.as_deref().map(findable)),
            Param::Text(&self.namespaces),
            Param::Text(&self.tables),
        ]);
        if let Some(children) = &self.children {
            params.extend([
                Param::Int(children.code),
                Param::Int(children.sub_code),
                Param::OptText(children.namespace.as_deref()),
                Param::Text(&children.after),
                Param::Int(children.limit),
            ]);
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

fn to_json<T: Serialize>(values: &[T]) -> String {
    serde_json::to_string(values).expect("lists of texts are JSON")
}

/// Reads the rows.
pub(crate) fn read(request: &ResolveRequest, rows: &[Row]) -> Result<Resolution, Error> {
    let mut found = Resolution::default();
    let mut tables = Vec::new();
    for row in rows {
        match row.code(PART)? {
            0 => {
                let caller = found.caller.get_or_insert(ResolvedCaller {
                    id: request.caller.principal,
                    name: row.text(CALLER)?.to_owned(),
                    roles: Vec::new(),
                });
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
            part => return Err(Error::Corrupt(format!("the answer has an unknown part {part}"))),
        }
    }
    if let Some(caller) = &mut found.caller {
        caller.roles.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    }
    // They come in order; that a union keeps it is nowhere promised.
    found.children.sort_by(|one, other| one.name.cmp(&other.name));
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
const NAME: usize = 6;
const CALLER: usize = 12;
const METADATA: usize = 14;
const PRIVILEGES: usize = 15;

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
