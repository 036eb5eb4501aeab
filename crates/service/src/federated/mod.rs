//! What is done in federated catalogs: the catalogs that own what is in them are asked, and answer.
//!
//! One file a noun. Every method takes the proof of the operation as it is judged there
//! ([`merak_authz::Remote`]), and asks for what the proof says. Of a client's request goes along what was
//! parsed, never its bytes or headers, so that nobody reads it in another way than it was judged; of an
//! answer comes back what is known here, so that no secret comes along.

mod access;
mod answers;
mod commits;
mod namespaces;
mod places;
mod stand_ins;
mod tables;
mod views;

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use merak_authz::{Noted, note};
use merak_federation::{Method, Remote, RemoteAnswer, RemoteRequest};
use merak_model::features::{ENABLE_CATALOG_FEDERATION, LIST_PAGINATION_ENABLED};
use merak_model::{Entity, EntityKind, RealmId, TableIdent};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{Error, Service};

pub use answers::RemoteRefusal;
pub use commits::{RemoteChange, RemoteCommit};
pub use namespaces::RemoteNamespaces;
pub use tables::RemoteTables;
pub use views::RemoteViewChange;

/// Which part of a list a client wants of another catalog, in the words of that catalog.
#[derive(Debug, Clone, Default)]
pub struct RemotePage {
    /// Where it begins; empty for the first page. Without it everything is wanted.
    pub token: Option<String>,
    /// How many entries it has.
    pub size: Option<u32>,
}

/// The catalog that owns what is in a federated one.
pub(crate) struct Owner {
    remote: Arc<Remote>,
    /// What stands between the levels of a namespace in its paths.
    separator: String,
    /// What the request is known by there, if it is to be made once.
    key: Option<String>,
    /// Whether it is asked for pages of lists.
    has_pages: bool,
}

impl Service {
    /// The way to the catalog that owns what is in a federated one.
    pub(crate) async fn owner(&self, realm: &RealmId, catalog: &Entity) -> Result<Owner, Error> {
        let features = self.features_of(realm);
        if !features.of_realm().is_on(&ENABLE_CATALOG_FEDERATION) {
            return Err(Error::Unsupported(
                "Feature not enabled: ENABLE_CATALOG_FEDERATION".to_owned(),
            ));
        }
        // Boxed, as is each call: else the type of every handler would hold that of the HTTP client.
        let found: BoxFuture<'_, Result<_, merak_federation::Error>> = Box::pin(async {
            let remote = self.federation.remote(realm, catalog).await?;
            note(Noted::Owner, || remote.host().to_owned());
            let separator = remote.config().await?.separator.clone();
            Ok((remote, separator))
        });
        let (remote, separator) = found.await?;
        let has_pages = features.within(&catalog.properties).is_on(&LIST_PAGINATION_ENABLED);
        Ok(Owner { remote, separator, key: self.key_there(realm, catalog), has_pages })
    }

    /// The idempotency key that a request has in the catalog that owns what is in `catalog`. Keys are a
    /// principal's own, and there all come from one: so it is another one, which is always the same.
    fn key_there(&self, realm: &RealmId, catalog: &Entity) -> Option<String> {
        let key = self.answer_key.as_ref()?;
        let mut hash = Sha256::new();
        for part in [realm.as_str(), &key.principal, &key.key] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.update(catalog.id.0.to_be_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.finalize()[..16]);
        Some(uuid::Builder::from_random_bytes(bytes).into_uuid().hyphenated().to_string())
    }
}

impl Owner {
    /// Asks for something.
    async fn read(&self, path: Vec<String>, query: Vec<(String, String)>) -> Result<Bytes, Error> {
        let answer = self.call(Method::Get, path, query, None).await?;
        answers::read(answer, Method::Get)
    }

    /// Has something changed, and answers what is told of it.
    async fn change(
        &self,
        method: Method,
        path: Vec<String>,
        query: Vec<(String, String)>,
        body: Option<&Value>,
    ) -> Result<Bytes, Error> {
        let body = body.map(|body| Bytes::from(body.to_string()));
        let answer = self.call(method, path, query, body).await?;
        answers::read(answer, method)
    }

    async fn post(&self, path: Vec<String>, body: &Value) -> Result<Bytes, Error> {
        self.change(Method::Post, path, Vec::new(), Some(body)).await
    }

    /// Asks whether something is there. What does not answer that is asked for it as a whole.
    async fn exists(&self, path: Vec<String>, kind: EntityKind, name: &str) -> Result<(), Error> {
        let answer = self.call(Method::Head, path.clone(), Vec::new(), None).await?;
        let missing = || {
            let name = name.to_owned();
            Error::NotAuthorized(merak_authz::Error::NotFound { kind, name })
        };
        match answer.status {
            200..=299 => Ok(()),
            404 => Err(missing()),
            405 | 501 => self.read(path, Vec::new()).await.map(|_| ()),
            _ => answers::read(answer, Method::Head).map(|_| ()),
        }
    }

    async fn call(
        &self,
        method: Method,
        path: Vec<String>,
        query: Vec<(String, String)>,
        body: Option<Bytes>,
    ) -> Result<RemoteAnswer, Error> {
        let is_change = !matches!(method, Method::Get | Method::Head);
        let key = self.key.clone().filter(|_| is_change);
        let headers = key.map(|key| ("idempotency-key", key)).into_iter().collect();
        let request = RemoteRequest { method, path, query, headers, body };
        let answer: BoxFuture<'_, _> = Box::pin(self.remote.call(request));
        Ok(answer.await?)
    }

    /// A page of a list, as the query asks for it.
    fn page(&self, page: &RemotePage) -> Vec<(String, String)> {
        let token = page.token.clone().filter(|_| self.has_pages);
        let Some(token) = token else { return Vec::new() };
        let size = page.size.map(|size| ("pageSize".to_owned(), size.to_string()));
        std::iter::once(("pageToken".to_owned(), token)).chain(size).collect()
    }

    fn table(&self, ident: &TableIdent) -> Result<Vec<String>, Error> {
        self.in_namespace(&ident.namespace, &["tables", &ident.name])
    }

    fn view(&self, ident: &TableIdent) -> Result<Vec<String>, Error> {
        self.in_namespace(&ident.namespace, &["views", &ident.name])
    }
}
