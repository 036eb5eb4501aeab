//! Tables of another catalog.

use bytes::Bytes;
use merak_authz::operations::{
    DropTableWithPurge, DropTableWithoutPurge, ListTables, RegisterTable, RegisterTableOverwrite,
    RenameTable, TableExists, UnregisterTable,
};
use merak_authz::{
    Authorized, InRemote, Remote, RemoteCreateAccess, RemoteTableAccess, ResolvedRename,
    ResolvedTable,
};
use merak_federation::Method;
use merak_model::{EntityKind, EntityName, Namespace, RealmId, TableIdent};
use merak_storage::LocationGrant;
use merak_table_metadata::only_referenced_snapshots;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::RemotePage;
use super::access::{Described, RemoteWanted, places_in};
use super::answers::{malformed, parse};
use super::namespaces::namespace_of;
use crate::delegation::{AccessDelegation, ClientAccess, TableCredentials};
use crate::properties::refuse_reserved;
use crate::tables::{LoadOptions, Loaded, LoadedTable, Snapshots, version_tag};
use crate::unregister::Unregistered;
use crate::{Error, Service, TableDraft};

/// A page of the tables or views of a namespace of another catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteTables {
    /// The tables or views: the levels of their namespaces, and their names.
    pub identifiers: Vec<(Vec<String>, String)>,
    /// Where the next page begins, if there is one: the other catalog's own word.
    pub next_page_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct ListAnswer {
    identifiers: Vec<Identifier>,
    #[serde(default)]
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct Identifier {
    namespace: Vec<String>,
    name: String,
}

impl RemoteTables {
    pub(super) fn read(answer: &[u8]) -> Result<Self, Error> {
        let ListAnswer { identifiers, next_page_token } = parse(answer, Method::Get)?;
        let identifiers = identifiers.into_iter().map(|one| (one.namespace, one.name)).collect();
        Ok(Self { identifiers, next_page_token })
    }
}

/// What the other catalog tells of a table or view, as far as it is passed on. Its configuration and
/// its credentials are not: they are for this server, if for anybody.
pub(super) struct TableAnswer {
    pub(super) metadata_location: Option<String>,
    pub(super) metadata: Bytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct RawAnswer<'a> {
    #[serde(default)]
    metadata_location: Option<String>,
    #[serde(borrow)]
    metadata: &'a RawValue,
}

impl TableAnswer {
    pub(super) fn read(answer: &Bytes, method: Method) -> Result<Self, Error> {
        let text = std::str::from_utf8(answer).unwrap_or_default();
        let RawAnswer { metadata_location, metadata } = parse(text.as_bytes(), method)?;
        if !metadata.get().starts_with('{') {
            return Err(malformed("its metadata is no object", method));
        }
        let metadata = answer.slice_ref(metadata.get().as_bytes());
        Ok(Self { metadata_location, metadata })
    }
}

impl Service {
    /// The tables of a namespace.
    pub async fn list_remote_tables(
        &self,
        proof: Authorized<Remote<ListTables>>,
        page: &RemotePage,
    ) -> Result<RemoteTables, Error> {
        let InRemote(target) = proof.target();
        let owner = self.owner(proof.realm(), &target.catalog).await?;
        let path = owner.in_namespace(&namespace_of(target), &["tables"])?;
        RemoteTables::read(&owner.read(path, owner.page(page)).await?)
    }

    /// Asks whether a table is there.
    pub async fn remote_table_exists(
        &self,
        proof: Authorized<Remote<TableExists>>,
    ) -> Result<(), Error> {
        let InRemote(target) = proof.target();
        let owner = self.owner(proof.realm(), &target.namespace.catalog).await?;
        let path = owner.table(&target.ident)?;
        owner.exists(path, EntityKind::Table, &target.ident.to_string()).await
    }

    /// A table's metadata and, if asked, what its client needs to reach its files, which this server
    /// gives out: by the catalog's own storage, and as far as the table lies where that may reach.
    pub async fn load_remote_table(
        &self,
        access: RemoteTableAccess,
        options: &LoadOptions,
    ) -> Result<Loaded, Error> {
        let target = access.table();
        let catalog = &target.namespace.catalog;
        let asked = self.remote_delegation(access.realm(), catalog, options.asked)?;
        let owner = self.owner(access.realm(), catalog).await?;
        let query = match options.snapshots {
            Snapshots::All => Vec::new(),
            Snapshots::Refs => vec![("snapshots".to_owned(), "refs".to_owned())],
        };
        let answer = owner.read(owner.table(&target.ident)?, query).await?;
        let TableAnswer { metadata_location, metadata } = TableAnswer::read(&answer, Method::Get)?;
        let given = self.remote_table_access(&access, &metadata, asked).await?;
        if let Some(location) = &metadata_location
            && options.known_tags.contains(&version_tag(location, options.snapshots, &given))
        {
            return Ok(Loaded::NotModified(location.clone(), given));
        }
        let metadata = match options.snapshots {
            Snapshots::All => metadata,
            // Not every catalog knows the word.
            Snapshots::Refs => Bytes::from(only_referenced_snapshots(&metadata)?),
        };
        Ok(Loaded::Table(LoadedTable { metadata_location, metadata, access: given }))
    }

    /// Newer credentials for a table's files; nothing where there are none to be had.
    pub async fn load_remote_credentials(
        &self,
        access: RemoteTableAccess,
    ) -> Result<Option<TableCredentials>, Error> {
        let asked = AccessDelegation { vended_credentials: true, remote_signing: false };
        let options = LoadOptions { asked, ..LoadOptions::default() };
        match self.load_remote_table(access, &options).await? {
            Loaded::Table(table) => Ok(table.access.credentials),
            Loaded::NotModified(_, access) => Ok(access.credentials),
        }
    }

    /// Makes a table, or prepares it for the commit that does.
    pub async fn create_remote_table(
        &self,
        access: RemoteCreateAccess,
        draft: TableDraft,
        asked: AccessDelegation,
    ) -> Result<LoadedTable, Error> {
        let (realm, target) = (access.realm(), access.target());
        let catalog = &target.namespace.catalog;
        let asked = self.remote_delegation(realm, catalog, asked)?;
        EntityName::parse(&target.ident.name)?;
        refuse_reserved(draft.properties.keys().map(String::as_str))?;
        let said = draft.location.iter().chain(places_in(&draft.properties));
        self.check_said_places(realm, catalog, &target.ident, said.map(String::as_str))?;
        let owner = self.owner(realm, catalog).await?;
        let path = owner.in_namespace(&target.ident.namespace, &["tables"])?;
        let body = draft_body(&target.ident.name, draft, access.is_staged());
        let answer = owner.post(path, &body).await?;
        let TableAnswer { metadata_location, metadata } = TableAnswer::read(&answer, Method::Post)?;
        let wanted =
            RemoteWanted { realm, caller: access.caller(), catalog, ident: &target.ident, asked };
        let described = Described::read(&metadata);
        let given = match described {
            Ok(described) => {
                let grant = |places| LocationGrant::of_new_remote_table(&access, places);
                self.remote_access(wanted, &described, grant).await
            }
            Err(error) => Err(error),
        };
        let given = if access.is_staged() { given? } else { after_change(given) };
        // What is staged is not there yet, whatever is told of it.
        let metadata_location = metadata_location.filter(|_| !access.is_staged());
        Ok(LoadedTable { metadata_location, metadata, access: given })
    }

    /// Makes a table of a metadata file, which the other catalog reads by its own rights.
    pub async fn register_remote_table(
        &self,
        proof: Authorized<Remote<RegisterTable>>,
        metadata_location: &str,
        asked: AccessDelegation,
    ) -> Result<LoadedTable, Error> {
        let InRemote(target) = proof.target();
        let catalog = &target.namespace.catalog;
        self.remote_delegation(proof.realm(), catalog, asked)?;
        EntityName::parse(&target.ident.name)?;
        let owner = self.owner(proof.realm(), catalog).await?;
        let path = owner.in_namespace(&target.ident.namespace, &["register"])?;
        let body = json!({"name": target.ident.name, "metadata-location": metadata_location});
        let answer = owner.post(path, &body).await?;
        let TableAnswer { metadata_location, metadata } = TableAnswer::read(&answer, Method::Post)?;
        Ok(LoadedTable { metadata_location, metadata, access: ClientAccess::default() })
    }

    /// Refuses to point a table of another catalog at another metadata file, as Polaris does.
    #[expect(clippy::unused_async, reason = "all operations are called alike")]
    pub async fn register_remote_table_overwrite(
        &self,
        _: Authorized<Remote<RegisterTableOverwrite>>,
    ) -> Result<LoadedTable, Error> {
        Err(Error::BadRequest(
            "Register table overwrite is only supported for internal Polaris catalogs".to_owned(),
        ))
    }

    /// A table that was made just now, with what its client asked for to reach its files.
    pub async fn with_remote_access(
        &self,
        access: &RemoteTableAccess,
        table: LoadedTable,
        asked: AccessDelegation,
    ) -> LoadedTable {
        let catalog = &access.table().namespace.catalog;
        let given = match self.remote_delegation(access.realm(), catalog, asked) {
            Ok(asked) => self.remote_table_access(access, &table.metadata, asked).await,
            Err(error) => Err(error),
        };
        LoadedTable { access: after_change(given), ..table }
    }

    async fn remote_table_access(
        &self,
        access: &RemoteTableAccess,
        metadata: &[u8],
        asked: AccessDelegation,
    ) -> Result<ClientAccess, Error> {
        let target = access.table();
        let wanted = RemoteWanted {
            realm: access.realm(),
            caller: access.caller(),
            catalog: &target.namespace.catalog,
            ident: &target.ident,
            asked,
        };
        let described = Described::read(metadata)?;
        let grant = |places| LocationGrant::of_remote_table(access, places);
        self.remote_access(wanted, &described, grant).await
    }

    /// Removes a table, and leaves its files.
    pub async fn drop_remote_table(
        &self,
        proof: Authorized<Remote<DropTableWithoutPurge>>,
    ) -> Result<(), Error> {
        let InRemote(target) = proof.target();
        self.drop_there(proof.realm(), target, false).await
    }

    /// Removes a table and its files, which the other catalog does, if it does that.
    pub async fn purge_remote_table(
        &self,
        proof: Authorized<Remote<DropTableWithPurge>>,
    ) -> Result<(), Error> {
        let InRemote(target) = proof.target();
        self.drop_there(proof.realm(), target, true).await
    }

    async fn drop_there(
        &self,
        realm: &RealmId,
        target: &ResolvedTable,
        purge: bool,
    ) -> Result<(), Error> {
        let owner = self.owner(realm, &target.namespace.catalog).await?;
        let path = owner.table(&target.ident)?;
        let query = vec![("purgeRequested".to_owned(), purge.to_string())];
        owner.change(Method::Delete, path, query, None).await?;
        Ok(())
    }

    /// Removes a table for another catalog to take it over, and tells its last state.
    pub async fn unregister_remote_table(
        &self,
        proof: Authorized<Remote<UnregisterTable>>,
    ) -> Result<Unregistered, Error> {
        let InRemote(target) = proof.target();
        let owner = self.owner(proof.realm(), &target.namespace.catalog).await?;
        let mut path = owner.table(&target.ident)?;
        path.push("unregister".to_owned());
        let answer = owner.change(Method::Post, path, Vec::new(), None).await?;
        let TableAnswer { metadata_location, metadata } = TableAnswer::read(&answer, Method::Post)?;
        Ok(Unregistered { metadata_location: metadata_location.unwrap_or_default(), metadata })
    }

    /// Moves a table to another name or namespace.
    pub async fn rename_remote_table(
        &self,
        proof: Authorized<Remote<RenameTable>>,
    ) -> Result<(), Error> {
        let InRemote(target) = proof.target();
        self.rename_there(proof.realm(), target, "tables").await
    }

    pub(super) async fn rename_there(
        &self,
        realm: &RealmId,
        target: &ResolvedRename,
        noun: &str,
    ) -> Result<(), Error> {
        let (source, destination) = (&target.source.ident, &target.destination.ident);
        EntityName::parse(&destination.name)?;
        let owner = self.owner(realm, &target.source.namespace.catalog).await?;
        for ident in [source, destination] {
            // Their names are in the body: what cannot be asked for by its path is not asked for there.
            owner.table(ident)?;
        }
        let identifier = |TableIdent { namespace, name }: &TableIdent| json!({"namespace": Namespace::levels(namespace), "name": name});
        let body = json!({
            "source": identifier(source),
            "destination": identifier(destination),
        });
        owner.post(vec![noun.to_owned(), "rename".to_owned()], &body).await?;
        Ok(())
    }
}

/// What is given along with what was made already. That it was made is what was asked for first: what is
/// wrong with its place the client is told when it loads it.
fn after_change(given: Result<ClientAccess, Error>) -> ClientAccess {
    given.unwrap_or_else(|error| {
        tracing::debug!(%error, "nothing to reach its files with goes along with a table");
        ClientAccess::default()
    })
}

/// What a draft says, as the protocol has it.
fn draft_body(name: &str, draft: TableDraft, is_staged: bool) -> Value {
    let TableDraft { location, schema, partition_spec, write_order, properties } = draft;
    let mut body = Map::new();
    body.insert("name".to_owned(), name.into());
    body.insert("schema".to_owned(), schema);
    body.insert("stage-create".to_owned(), is_staged.into());
    body.insert("properties".to_owned(), json!(properties));
    let optional = [
        ("location", location.map(Value::from)),
        ("partition-spec", partition_spec),
        ("write-order", write_order),
    ];
    for (key, value) in optional {
        if let Some(value) = value {
            body.insert(key.to_owned(), value);
        }
    }
    Value::Object(body)
}
