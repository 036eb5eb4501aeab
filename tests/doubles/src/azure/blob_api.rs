//! The Blob service.
//!
//! <https://learn.microsoft.com/rest/api/storageservices/blob-service-rest-api>

use std::fmt::Write as _;

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, ETAG, LAST_MODIFIED};
use axum::response::{IntoResponse as _, Response};
use uuid::Uuid;

use super::access::{Caller, Need, authenticated, by_sas};
use super::answer::{Refusal, Service};
use super::blobs::Blob;
use super::place::Place;
use super::read;
use super::sas::Sas;
use super::state::State;
use super::{batch, key};
use crate::http_text::{decoded, http_date, pairs, xml_contents, xml_escaped};
use crate::serving::Asked;
use crate::traffic::lock;

const SERVICE: Service = Service::Blob;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Key,
    AccountInfo,
    ContainerInfo,
    List,
    Batch,
    Get,
    Head,
    Put,
    Copy,
    Block,
    BlockList,
    Delete,
}

impl Call {
    /// By which kind it is counted.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Key => "delegation_key",
            Self::AccountInfo => "blob.account",
            Self::ContainerInfo => "blob.container",
            Self::List => "blob.list",
            Self::Batch => "blob.batch",
            Self::Get => "blob.get",
            Self::Head => "blob.head",
            Self::Put => "blob.put",
            Self::Copy => "blob.copy",
            Self::Block => "blob.block",
            Self::BlockList => "blob.blocklist",
            Self::Delete => "blob.delete",
        }
    }

    pub(crate) fn parse(asked: &Asked, place: &Place) -> Result<Self, Refusal> {
        let restype = asked.parameter("restype").unwrap_or_default();
        let comp = asked.parameter("comp").unwrap_or_default();
        let level = match (place.container.is_empty(), place.path.is_empty()) {
            (true, _) => "account",
            (false, true) => "container",
            (false, false) => "blob",
        };
        Ok(match (level, restype, comp, asked.method.as_str()) {
            ("account", "service", "userdelegationkey", "POST") => Self::Key,
            (_, "account", "properties", "GET" | "HEAD") => Self::AccountInfo,
            ("container", "container", "", "GET" | "HEAD") => Self::ContainerInfo,
            ("container", "container", "list", "GET") => Self::List,
            ("container", "container", "batch", "POST") => Self::Batch,
            ("blob", "", "", "GET") => Self::Get,
            ("blob", "", "", "HEAD") => Self::Head,
            ("blob", "", "", "DELETE") => Self::Delete,
            ("blob", "", "", "PUT") if asked.header("x-ms-copy-source").is_some() => Self::Copy,
            ("blob", "", "", "PUT") => Self::Put,
            ("blob", "", "block", "PUT") => Self::Block,
            ("blob", "", "blocklist", "PUT") => Self::BlockList,
            _ => return Err(Refusal::not_played("this call of the Blob service")),
        })
    }
}

pub(crate) fn perform(
    state: &State,
    call: Call,
    asked: &Asked,
    place: &Place,
) -> Result<Response, Refusal> {
    match call {
        Call::Key => return key::answer(state, asked, place),
        Call::List => return list(state, asked, place),
        Call::AccountInfo => return account_info(state, asked, place),
        Call::Batch => return batch::answer(state, asked, place),
        Call::ContainerInfo
        | Call::Get
        | Call::Head
        | Call::Put
        | Call::Copy
        | Call::Block
        | Call::BlockList
        | Call::Delete => {}
    }
    let caller = authenticated(state, asked, place)?;
    read::refuse_conditions(asked)?;
    match call {
        Call::ContainerInfo => {
            caller.check(state, Need::Properties, place)?;
            read::check_container(state, place, SERVICE)?;
            Ok([(LAST_MODIFIED, http_date(state.traffic.now()))].into_response())
        }
        Call::Get | Call::Head => {
            caller.check(state, Need::Read, place)?;
            read::answer(state, asked, place, SERVICE)
        }
        Call::Put => put(state, asked, place, &caller),
        Call::Copy => copy(state, asked, place, &caller),
        Call::Block => {
            caller.check(state, Need::Write, place)?;
            read::check_container(state, place, SERVICE)?;
            let id = asked.parameter("blockid").unwrap_or_default();
            if id.is_empty() {
                return Err(Refusal::invalid("InvalidQueryParameterValue", "blockid is missing"));
            }
            lock(&state.blobs).put_block(place, id, asked.body.clone());
            Ok(StatusCode::CREATED.into_response())
        }
        Call::BlockList => commit(state, asked, place, &caller),
        Call::Delete => delete(state, asked, place, &caller),
        Call::Key | Call::AccountInfo | Call::List | Call::Batch => {
            Err(Refusal::not_played("this call"))
        }
    }
}

fn put(state: &State, asked: &Asked, place: &Place, caller: &Caller) -> Result<Response, Refusal> {
    if asked.header("x-ms-blob-type") != Some("BlockBlob") {
        return Err(Refusal::header("x-ms-blob-type"));
    }
    may_put(state, asked, place, caller)?;
    Ok(stored(state, asked, place, asked.body.clone()))
}

/// Whether the caller may put a blob here, and what they take for granted holds.
fn may_put(state: &State, asked: &Asked, place: &Place, caller: &Caller) -> Result<(), Refusal> {
    let known = lock(&state.blobs).get(place).cloned();
    let need = if known.is_some() { Need::Write } else { Need::Create };
    caller.check(state, need, place)?;
    read::check_container(state, place, SERVICE)?;
    read::check_conditions(asked, known.as_ref(), SERVICE)?;
    match known {
        Some(known) if known.is_directory => Err(Refusal::directory()),
        Some(_) | None => Ok(()),
    }
}

fn stored(state: &State, asked: &Asked, place: &Place, data: Bytes) -> Response {
    let is_hierarchical = state.account(&place.account).is_some_and(|it| it.is_hierarchical);
    let content_type = asked.header("x-ms-blob-content-type").or(asked.header("content-type"));
    let content_type = content_type.unwrap_or("application/octet-stream");
    let blob = lock(&state.blobs).put(place, data, content_type, is_hierarchical);
    let headers = [(ETAG, blob.etag), (LAST_MODIFIED, http_date(blob.modified))];
    (StatusCode::CREATED, headers).into_response()
}

fn commit(
    state: &State,
    asked: &Asked,
    place: &Place,
    caller: &Caller,
) -> Result<Response, Refusal> {
    may_put(state, asked, place, caller)?;
    let document = String::from_utf8_lossy(&asked.body);
    // The order is that of the document, and all kinds are looked for in the same place.
    let document = document.replace("Uncommitted>", "Latest>");
    let ids = xml_contents(&document, "Latest");
    let data = lock(&state.blobs).joined_blocks(place, &ids);
    let data = data.ok_or_else(|| {
        Refusal::invalid("InvalidBlockList", "The specified block list is invalid.")
    })?;
    Ok(stored(state, asked, place, data))
}

fn delete(
    state: &State,
    asked: &Asked,
    place: &Place,
    caller: &Caller,
) -> Result<Response, Refusal> {
    caller.check(state, Need::Delete, place)?;
    read::check_container(state, place, SERVICE)?;
    let known = lock(&state.blobs).get(place).cloned().ok_or_else(|| Refusal::no_blob(SERVICE))?;
    read::check_conditions(asked, Some(&known), SERVICE)?;
    if known.is_directory && !lock(&state.blobs).names_in(place).is_empty() {
        return Err(Refusal::directory());
    }
    lock(&state.blobs).delete(place);
    Ok(StatusCode::ACCEPTED.into_response())
}

/// A copy reads its source by the signature in the source's URL, or by the caller's own token.
fn copy(state: &State, asked: &Asked, place: &Place, caller: &Caller) -> Result<Response, Refusal> {
    let url = asked.header("x-ms-copy-source").unwrap_or_default();
    let path = url.strip_prefix(&state.endpoint).ok_or_else(Refusal::copy_source)?;
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let source = Place::of_path(path);
    let reader = match (Sas::find(&pairs(query)), caller) {
        (Some(sas), _) => Caller::Sas(by_sas(state, sas?, &source)?),
        (None, Caller::Bearer(token)) if source.account == place.account => {
            Caller::Bearer(token.clone())
        }
        (None, Caller::Bearer(_) | Caller::Sas(_)) => return Err(Refusal::copy_source()),
    };
    reader.check(state, Need::Read, &source)?;
    may_put(state, asked, place, caller)?;
    let from = lock(&state.blobs).get(&source).cloned();
    let from = from.filter(|it| !it.is_directory).ok_or_else(|| Refusal::no_blob(SERVICE))?;
    let answer = stored(state, asked, place, from.data);
    let status =
        [("x-ms-copy-id", Uuid::new_v4().to_string()), ("x-ms-copy-status", "success".into())];
    Ok((StatusCode::ACCEPTED, answer.headers().clone(), status).into_response())
}

/// Any call of an account may ask what kind of account it is.
fn account_info(state: &State, asked: &Asked, place: &Place) -> Result<Response, Refusal> {
    authenticated(state, asked, place)?;
    let account = state.account(&place.account).ok_or_else(Refusal::no_account)?;
    let headers = [
        ("x-ms-sku-name", "Standard_LRS".to_owned()),
        ("x-ms-account-kind", "StorageV2".to_owned()),
        ("x-ms-is-hns-enabled", account.is_hierarchical.to_string()),
    ];
    Ok(headers.into_response())
}

fn list(state: &State, asked: &Asked, place: &Place) -> Result<Response, Refusal> {
    let text = |name| asked.parameter(name).unwrap_or_default();
    let prefix = text("prefix");
    let listed = place.at(prefix);
    let caller = authenticated(state, asked, &listed)?;
    caller.check(state, Need::List, &listed)?;
    caller.check_prefix(prefix)?;
    read::check_container(state, place, SERVICE)?;
    let invalid = || Refusal::invalid("InvalidQueryParameterValue", "maxresults is invalid");
    let max: usize = match asked.parameter("maxresults") {
        None => 5000,
        Some(max) => max.parse().ok().filter(|max| *max > 0).ok_or_else(invalid)?,
    };
    let blobs = lock(&state.blobs);
    let after = decoded(text("marker"));
    let mut items: Vec<(String, Option<Blob>)> = Vec::new();
    for name in blobs.names_in(&place.at("")) {
        if !name.starts_with(prefix) || name.as_str() < text("startFrom") {
            continue;
        }
        let end = match text("delimiter") {
            "" => None,
            delimiter => name[prefix.len()..].find(delimiter).map(|at| prefix.len() + at + 1),
        };
        let item = end.map_or_else(|| name.clone(), |end| name[..end].to_owned());
        if item <= after && !after.is_empty() || items.last().is_some_and(|last| last.0 == item) {
            continue;
        }
        let blob = if end.is_some() { None } else { blobs.get(&place.at(&name)).cloned() };
        items.push((item, blob));
    }
    let next = if items.len() > max { items[max - 1].0.clone() } else { String::new() };
    items.truncate(max);
    Ok(rendered(place, prefix, &items, &next))
}

fn rendered(place: &Place, prefix: &str, items: &[(String, Option<Blob>)], next: &str) -> Response {
    let mut body = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults ContainerName=\"{}\">\
         <Prefix>{}</Prefix><Blobs>",
        xml_escaped(&place.container),
        xml_escaped(prefix),
    );
    for (name, blob) in items {
        let name = xml_escaped(name);
        // Writing to a string does not fail.
        let _ = match blob {
            None => write!(body, "<BlobPrefix><Name>{name}</Name></BlobPrefix>"),
            Some(blob) => write!(
                body,
                "<Blob><Name>{name}</Name><Properties><Last-Modified>{}</Last-Modified>\
                 <Etag>{}</Etag><ResourceType>{}</ResourceType>\
                 <Content-Length>{}</Content-Length><Content-Type>{}</Content-Type>\
                 <BlobType>BlockBlob</BlobType></Properties></Blob>",
                http_date(blob.modified),
                blob.etag.trim_matches('"'),
                if blob.is_directory { "directory" } else { "file" },
                blob.data.len(),
                xml_escaped(&blob.content_type),
            ),
        };
    }
    let _ =
        write!(body, "</Blobs><NextMarker>{}</NextMarker></EnumerationResults>", xml_escaped(next));
    ([(CONTENT_TYPE, "application/xml")], body).into_response()
}
