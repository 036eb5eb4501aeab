//! Data Lake Storage: the same data, as directories and files.
//!
//! <https://learn.microsoft.com/rest/api/storageservices/data-lake-storage-gen2>

use axum::http::header::{ETAG, LAST_MODIFIED};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::access::{Caller, Need, authenticated};
use super::answer::{Refusal, Service};
use super::blobs::Blob;
use super::place::Place;
use super::read;
use super::state::State;
use crate::http_text::http_date;
use crate::serving::{Asked, json_answer};
use crate::traffic::lock;

const SERVICE: Service = Service::Dfs;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    List,
    Filesystem,
    CreateFile,
    CreateDirectory,
    Append,
    Flush,
    Get,
    Head,
    Delete,
}

impl Call {
    /// By which kind it is counted.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::List => "dfs.list",
            Self::Filesystem => "dfs.filesystem",
            Self::CreateFile | Self::CreateDirectory => "dfs.create",
            Self::Append => "dfs.append",
            Self::Flush => "dfs.flush",
            Self::Get => "dfs.get",
            Self::Head => "dfs.head",
            Self::Delete => "dfs.delete",
        }
    }

    pub(crate) fn parse(asked: &Asked, place: &Place) -> Result<Self, Refusal> {
        let resource = asked.parameter("resource").unwrap_or_default();
        let action = asked.parameter("action").unwrap_or_default();
        if asked.header("x-ms-rename-source").is_some() {
            return Err(Refusal::not_played("renames"));
        }
        let is_path = !place.path.is_empty();
        Ok(match (is_path, asked.method.as_str(), resource, action) {
            (false, "GET", "filesystem", "") => Self::List,
            (false, "HEAD", "filesystem", "") => Self::Filesystem,
            (true, "PUT", "file", "") => Self::CreateFile,
            (true, "PUT", "directory", "") => Self::CreateDirectory,
            (true, "PATCH", "", "append") => Self::Append,
            (true, "PATCH", "", "flush") => Self::Flush,
            (true, "GET", "", "") => Self::Get,
            (true, "HEAD", "", "" | "getStatus") => Self::Head,
            (true, "DELETE", "", "") => Self::Delete,
            _ => return Err(Refusal::not_played("this call of Data Lake Storage")),
        })
    }
}

pub(crate) fn perform(
    state: &State,
    call: Call,
    asked: &Asked,
    place: &Place,
) -> Result<Response, Refusal> {
    let account = state.account(&place.account).ok_or_else(Refusal::no_account)?;
    if !account.is_hierarchical {
        return Err(Refusal::no_hierarchy());
    }
    if call == Call::List {
        return list(state, asked, place);
    }
    let caller = authenticated(state, asked, place)?;
    read::refuse_conditions(asked)?;
    match call {
        Call::Get | Call::Head => {
            caller.check(state, Need::Read, place)?;
            read::answer(state, asked, place, SERVICE)
        }
        Call::CreateFile | Call::CreateDirectory => {
            create(state, asked, place, &caller, call == Call::CreateDirectory)
        }
        Call::Append => {
            caller.check(state, Need::Write, place)?;
            file(state, place)?;
            let position = position(asked)?;
            let appended = lock(&state.blobs).append(place, position, &asked.body);
            appended.ok_or_else(|| invalid_position("InvalidFlushPosition"))?;
            Ok(StatusCode::ACCEPTED.into_response())
        }
        Call::Flush => {
            caller.check(state, Need::Write, place)?;
            file(state, place)?;
            let position = position(asked)?;
            let flushed = lock(&state.blobs).flush(place, position);
            let blob = flushed.ok_or_else(|| invalid_position("InvalidFlushPosition"))?;
            Ok((StatusCode::OK, headers(&blob)).into_response())
        }
        Call::Delete => delete(state, asked, place, &caller),
        Call::Filesystem => {
            caller.check(state, Need::Properties, place)?;
            read::check_container(state, place, SERVICE)?;
            Ok([("x-ms-namespace-enabled", "true")].into_response())
        }
        Call::List => Err(Refusal::not_played("this call")),
    }
}

fn headers(blob: &Blob) -> [(HeaderName, String); 2] {
    [(ETAG, blob.etag.clone()), (LAST_MODIFIED, http_date(blob.modified))]
}

fn create(
    state: &State,
    asked: &Asked,
    place: &Place,
    caller: &Caller,
    is_directory: bool,
) -> Result<Response, Refusal> {
    let known = lock(&state.blobs).get(place).cloned();
    let need = if known.is_some() { Need::Write } else { Need::Create };
    caller.check(state, need, place)?;
    read::check_container(state, place, SERVICE)?;
    read::check_conditions(asked, known.as_ref(), SERVICE)?;
    if known.as_ref().is_some_and(|known| known.is_directory != is_directory) {
        return Err(Refusal::exists(SERVICE));
    }
    let blob = match known {
        // What is in it stays in it.
        Some(known) if is_directory => known,
        Some(_) | None if is_directory => lock(&state.blobs).put_directory(place),
        Some(_) | None => {
            let kind = asked.header("x-ms-content-type").unwrap_or("application/octet-stream");
            lock(&state.blobs).put(place, axum::body::Bytes::new(), kind, true)
        }
    };
    Ok((StatusCode::CREATED, headers(&blob)).into_response())
}

fn file(state: &State, place: &Place) -> Result<Blob, Refusal> {
    read::check_container(state, place, SERVICE)?;
    let known = lock(&state.blobs).get(place).cloned();
    known.filter(|known| !known.is_directory).ok_or_else(|| Refusal::no_blob(SERVICE))
}

fn position(asked: &Asked) -> Result<usize, Refusal> {
    let position = asked.parameter("position").and_then(|text| text.parse().ok());
    position.ok_or_else(|| Refusal::invalid("MissingRequiredQueryParameter", "position"))
}

fn invalid_position(code: &str) -> Refusal {
    Refusal::invalid(
        code,
        "The uploaded data is not contiguous or the position query parameter \
                            value is not equal to the length of the file.",
    )
}

fn delete(
    state: &State,
    asked: &Asked,
    place: &Place,
    caller: &Caller,
) -> Result<Response, Refusal> {
    caller.check(state, Need::Delete, place)?;
    read::check_container(state, place, SERVICE)?;
    let mut blobs = lock(&state.blobs);
    let known = blobs.get(place).cloned().ok_or_else(|| Refusal::no_blob(SERVICE))?;
    read::check_conditions(asked, Some(&known), SERVICE)?;
    let is_recursive = asked.parameter("recursive") == Some("true");
    if known.is_directory && !is_recursive && !blobs.names_in(place).is_empty() {
        return Err(Refusal::directory());
    }
    blobs.delete_tree(place);
    Ok(StatusCode::OK.into_response())
}

fn list(state: &State, asked: &Asked, place: &Place) -> Result<Response, Refusal> {
    let directory = asked.parameter("directory").unwrap_or_default().trim_matches('/');
    let listed = place.at(directory);
    let caller = authenticated(state, asked, &listed)?;
    caller.check(state, Need::List, &listed)?;
    // A directory is a whole one, with or without its slash.
    caller.check_prefix(&format!("{directory}/"))?;
    read::check_container(state, place, SERVICE)?;
    let is_recursive = match asked.parameter("recursive") {
        Some("true") => true,
        Some("false") => false,
        Some(_) | None => {
            return Err(Refusal::invalid("MissingRequiredQueryParameter", "recursive"));
        }
    };
    let blobs = lock(&state.blobs);
    let is_there = blobs.get(&listed).is_some_and(|known| known.is_directory);
    if !directory.is_empty() && !is_there {
        return Err(Refusal::no_blob(SERVICE));
    }
    let skipped = if directory.is_empty() { 0 } else { directory.len() + 1 };
    let names = blobs.names_in(&listed).into_iter();
    let paths = names
        .filter(|name| is_recursive || !name[skipped..].contains('/'))
        .filter_map(|name| Some(rendered(&name, blobs.get(&place.at(&name))?)));
    Ok(json_answer(StatusCode::OK, &json!({"paths": paths.collect::<Vec<Value>>()})))
}

fn rendered(name: &str, blob: &Blob) -> Value {
    let mut path = json!({
        "name": name,
        "contentLength": blob.data.len().to_string(),
        "etag": blob.etag.trim_matches('"'),
        "lastModified": http_date(blob.modified),
        "owner": "$superuser",
        "group": "$superuser",
        "permissions": "rw-r-----",
    });
    if blob.is_directory {
        path["isDirectory"] = json!("true");
    }
    path
}
