//! What a request to the storage service asks for, in either of its languages.

use axum::body::Bytes;
use axum::http::{HeaderName, Method};
use serde_json::Value;

use super::memory::Listing;
use crate::google::answer::{Refusal, Style};
use crate::google::boundary::Target;
use crate::google::role::Permission;
use crate::serving::Asked;

/// A request that was understood.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) style: Style,
    pub(crate) bucket: String,
    pub(crate) action: Action,
}

#[derive(Debug, Clone)]
pub(crate) enum Action {
    Bucket,
    List(Listing),
    Get {
        name: String,
    },
    Stat {
        name: String,
    },
    Put(Write, Bytes),
    Delete {
        name: String,
        condition: Option<i64>,
    },
    Copy {
        from: (String, String),
        to: Write,
        is_rewrite: bool,
    },
    /// Begins a resumable upload.
    Start(Write),
    /// Goes on with one. Whoever knows its name may.
    Chunk {
        id: String,
    },
    /// Begins an upload in parts.
    StartParts(Write),
    Part {
        name: String,
        id: String,
        number: u32,
    },
    Complete {
        name: String,
        id: String,
    },
    Abort {
        name: String,
        id: String,
    },
}

/// What is to be written, but for the data.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    pub(crate) name: String,
    /// The generation that there must be; 0: there must be no object.
    pub(crate) condition: Option<i64>,
    pub(crate) content_type: String,
}

/// Something that a call needs.
pub(crate) type Need = (Permission, String, Target);

impl Call {
    /// By which kind it is counted.
    pub(crate) fn kind(&self) -> &'static str {
        match self.action {
            Action::Bucket => "storage.bucket",
            Action::List(_) => "storage.list",
            Action::Get { .. } => "storage.get",
            Action::Stat { .. } => "storage.stat",
            Action::Put(..) => "storage.put",
            Action::Delete { .. } => "storage.delete",
            Action::Copy { .. } => "storage.copy",
            Action::Start(_)
            | Action::Chunk { .. }
            | Action::StartParts(_)
            | Action::Part { .. }
            | Action::Complete { .. }
            | Action::Abort { .. } => "storage.upload",
        }
    }

    /// What it needs in any case; to replace an object needs more.
    pub(crate) fn needs(&self) -> Vec<Need> {
        let need = |permission, name: &String| {
            (permission, self.bucket.clone(), Target::Object(name.clone()))
        };
        match &self.action {
            Action::Bucket => vec![(Permission::GetBucket, self.bucket.clone(), Target::Bucket)],
            Action::List(listing) => {
                let target = Target::Listing(listing.prefix.clone());
                vec![(Permission::List, self.bucket.clone(), target)]
            }
            Action::Get { name } | Action::Stat { name } => vec![need(Permission::Get, name)],
            Action::Delete { name, .. } => vec![need(Permission::Delete, name)],
            Action::Copy { from: (bucket, name), to, .. } => {
                let source = Target::Object(name.clone());
                let read = (Permission::Get, bucket.clone(), source);
                vec![read, need(Permission::Create, &to.name)]
            }
            Action::Put(write, _) | Action::Start(write) | Action::StartParts(write) => {
                vec![need(Permission::Create, &write.name)]
            }
            Action::Part { name, .. }
            | Action::Complete { name, .. }
            | Action::Abort { name, .. } => {
                vec![need(Permission::Create, name)]
            }
            Action::Chunk { .. } => Vec::new(),
        }
    }

    /// The object that it creates or changes, and the generation that it must have.
    pub(crate) fn changed(&self) -> Option<(&str, Option<i64>)> {
        match &self.action {
            Action::Put(write, _)
            | Action::Start(write)
            | Action::StartParts(write)
            | Action::Copy { to: write, .. } => Some((&write.name, write.condition)),
            Action::Delete { name, condition } => Some((name, *condition)),
            Action::Complete { name, .. } => Some((name, None)),
            Action::Bucket
            | Action::List(_)
            | Action::Get { .. }
            | Action::Stat { .. }
            | Action::Chunk { .. }
            | Action::Part { .. }
            | Action::Abort { .. } => None,
        }
    }

    pub(crate) fn parse(asked: &Asked) -> Result<Self, (Style, Refusal)> {
        let segments = asked.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let json = |refusal| (Style::Json, refusal);
        let (style, bucket, action) = match segments.as_slice() {
            ["storage", "v1", "b", bucket, rest @ ..] => {
                (Style::Json, bucket, json_action(asked, rest).map_err(json)?)
            }
            ["download", "storage", "v1", "b", bucket, "o", name] => {
                (Style::Json, bucket, Action::Get { name: (*name).to_owned() })
            }
            ["upload", "storage", "v1", "b", bucket, "o"] => {
                (Style::Json, bucket, upload_action(asked).map_err(json)?)
            }
            ["storage" | "download" | "upload" | "batch", ..] | [""] | [] => {
                return Err(json(Refusal::not_played(asked.uri.path())));
            }
            [bucket, rest @ ..] => {
                let action = xml_action(asked, &rest.join("/"));
                (Style::Xml, bucket, action.map_err(|refusal| (Style::Xml, refusal))?)
            }
        };
        refuse_conditions(asked).map_err(|refusal| (style, refusal))?;
        Ok(Self { style, bucket: (*bucket).to_owned(), action })
    }
}

fn json_action(asked: &Asked, rest: &[&str]) -> Result<Action, Refusal> {
    let owned = |name: &str| name.to_owned();
    Ok(match (rest, &asked.method) {
        ([], &Method::GET) => Action::Bucket,
        (["o"], &Method::GET) => {
            let text = |name| asked.parameter(name).unwrap_or_default().to_owned();
            Action::List(Listing {
                prefix: text("prefix"),
                delimiter: text("delimiter"),
                after: text("pageToken"),
                from: text("startOffset"),
                max: max(asked.parameter("maxResults"))?,
            })
        }
        (["o", name], &Method::GET) if asked.parameter("alt") == Some("media") => {
            Action::Get { name: owned(name) }
        }
        (["o", name], &Method::GET) => Action::Stat { name: owned(name) },
        (["o", name], &Method::DELETE) => {
            Action::Delete { name: owned(name), condition: json_condition(asked)? }
        }
        (["o", from, how @ ("rewriteTo" | "copyTo"), "b", bucket, "o", to], &Method::POST) => {
            // The path's first bucket is that of the source.
            let source = asked.segments().get(3).cloned().unwrap_or_default();
            if source != **bucket {
                return Err(Refusal::not_played("copies between buckets"));
            }
            let to = Write {
                name: owned(to),
                condition: json_condition(asked)?,
                content_type: String::new(),
            };
            Action::Copy { from: (source, owned(from)), to, is_rewrite: *how == "rewriteTo" }
        }
        _ => return Err(Refusal::not_played(asked.uri.path())),
    })
}

fn upload_action(asked: &Asked) -> Result<Action, Refusal> {
    if let Some(id) = asked.parameter("upload_id") {
        return match asked.method {
            Method::PUT => Ok(Action::Chunk { id: id.to_owned() }),
            _ => Err(Refusal::not_played("this method for uploads")),
        };
    }
    let named = asked.parameter("name").map(str::to_owned);
    let condition = json_condition(asked)?;
    let content_type = asked.header("content-type").unwrap_or_default();
    let missing = || Refusal::invalid("Required parameter: name");
    match (asked.parameter("uploadType"), &asked.method) {
        (Some("media"), &Method::POST) => {
            let name = named.ok_or_else(missing)?;
            let write = Write { name, condition, content_type: content_type.to_owned() };
            Ok(Action::Put(write, asked.body.clone()))
        }
        (Some("multipart"), &Method::POST) => {
            let (metadata, data_type, data) = related(content_type, &asked.body)
                .ok_or_else(|| Refusal::invalid("Malformed multipart body."))?;
            let name = named.or_else(|| metadata["name"].as_str().map(str::to_owned));
            let name = name.ok_or_else(missing)?;
            let content_type = metadata["contentType"].as_str().unwrap_or(&data_type).to_owned();
            Ok(Action::Put(Write { name, condition, content_type }, data))
        }
        (Some("resumable"), &Method::POST) => {
            let metadata: Value = serde_json::from_slice(&asked.body).unwrap_or(Value::Null);
            let name = named.or_else(|| metadata["name"].as_str().map(str::to_owned));
            let name = name.ok_or_else(missing)?;
            let content_type = asked.header("x-upload-content-type").unwrap_or_default().to_owned();
            Ok(Action::Start(Write { name, condition, content_type }))
        }
        _ => Err(Refusal::invalid("Invalid uploadType")),
    }
}

/// The two parts of `multipart/related`: the metadata, and the data with its type.
fn related(content_type: &str, body: &Bytes) -> Option<(Value, String, Bytes)> {
    let (_, boundary) = content_type.strip_prefix("multipart/related")?.split_once("boundary=")?;
    let boundary = boundary.split(';').next()?.trim().trim_matches(['"', '\'']);
    let delimiter = format!("--{boundary}");
    let mut parts = Vec::new();
    let mut at = find(body, delimiter.as_bytes(), 0)? + delimiter.len();
    while !body[at..].starts_with(b"--") {
        let head = at + 2;
        let data = find(body, b"\r\n\r\n", at)? + 4;
        let end = find(body, format!("\r\n{delimiter}").as_bytes(), data)?;
        parts
            .push((String::from_utf8_lossy(&body[head..data]).into_owned(), body.slice(data..end)));
        at = end + 2 + delimiter.len();
    }
    let [(_, metadata), (head, data)] = parts.as_slice() else { return None };
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    let kind = lines.find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let kind = kind.map(|(_, kind)| kind.trim().to_owned()).unwrap_or_default();
    Some((serde_json::from_slice(metadata).ok()?, kind, data.clone()))
}

fn find(body: &[u8], text: &[u8], from: usize) -> Option<usize> {
    body.get(from..)?.windows(text.len()).position(|part| part == text).map(|at| from + at)
}

fn xml_action(asked: &Asked, name: &str) -> Result<Action, Refusal> {
    let owned = name.to_owned();
    let has = |parameter: &str| asked.parameter(parameter).is_some();
    let id = asked.parameter("uploadId").map(str::to_owned);
    if name.is_empty() {
        return match asked.method {
            Method::GET if has("list-type") => xml_listing(asked).map(Action::List),
            Method::HEAD => Ok(Action::Bucket),
            _ => Err(Refusal::not_played("this call of a bucket")),
        };
    }
    let write = || -> Result<Write, Refusal> {
        Ok(Write {
            name: name.to_owned(),
            condition: condition(asked.header("x-goog-if-generation-match"))?,
            content_type: asked.header("content-type").unwrap_or_default().to_owned(),
        })
    };
    Ok(match (&asked.method, id) {
        (&Method::GET, None) => Action::Get { name: owned },
        (&Method::HEAD, None) => Action::Stat { name: owned },
        (&Method::PUT, Some(id)) => {
            let number = asked.parameter("partNumber").and_then(|number| number.parse().ok());
            let number = number.filter(|number| (1..=10_000).contains(number));
            let number = number.ok_or_else(|| Refusal::invalid("Invalid part number."))?;
            Action::Part { name: owned, id, number }
        }
        (&Method::PUT, None) => match asked.header("x-goog-copy-source") {
            Some(source) => {
                let source = crate::http_text::decoded(source.trim_start_matches('/'));
                let (bucket, from) = source
                    .split_once('/')
                    .ok_or_else(|| Refusal::invalid("Invalid copy source."))?;
                let from = (bucket.to_owned(), from.to_owned());
                Action::Copy { from, to: write()?, is_rewrite: false }
            }
            None => Action::Put(write()?, asked.body.clone()),
        },
        (&Method::DELETE, Some(id)) => Action::Abort { name: owned, id },
        (&Method::DELETE, None) => Action::Delete { name: owned, condition: write()?.condition },
        (&Method::POST, Some(id)) => Action::Complete { name: owned, id },
        (&Method::POST, None) if has("uploads") => Action::StartParts(write()?),
        _ => return Err(Refusal::not_played("this method for objects")),
    })
}

fn xml_listing(asked: &Asked) -> Result<Listing, Refusal> {
    let text = |name| asked.parameter(name).unwrap_or_default().to_owned();
    if asked.parameter("list-type") != Some("2") {
        return Err(Refusal::invalid("Invalid list-type."));
    }
    let token = text("continuation-token");
    Ok(Listing {
        prefix: text("prefix"),
        delimiter: text("delimiter"),
        after: if token.is_empty() { text("start-after") } else { token },
        from: String::new(),
        max: max(asked.parameter("max-keys"))?,
    })
}

fn max(text: Option<&str>) -> Result<usize, Refusal> {
    let Some(text) = text else { return Ok(1000) };
    let max = text.parse::<usize>().map_err(|_| Refusal::invalid("Invalid maximum."))?;
    Ok(max.clamp(1, 1000))
}

fn json_condition(asked: &Asked) -> Result<Option<i64>, Refusal> {
    condition(asked.parameter("ifGenerationMatch"))
}

fn condition(text: Option<&str>) -> Result<Option<i64>, Refusal> {
    let invalid = |_| Refusal::invalid("Invalid generation.");
    text.map(|text| text.parse::<i64>().map_err(invalid)).transpose()
}

/// A condition that is not looked at would hold always.
fn refuse_conditions(asked: &Asked) -> Result<(), Refusal> {
    let known = ["ifGenerationMatch", "x-goog-if-generation-match"];
    let parameters = asked.query.iter().map(|(name, _)| name.as_str());
    let headers = asked.headers.keys().map(HeaderName::as_str);
    let mut unknown = parameters
        .filter(|name| name.starts_with("if"))
        .chain(headers.filter(|name| name.starts_with("x-goog-if-") || name.starts_with("if-")))
        .filter(|name| !known.contains(name));
    unknown.next().map_or(Ok(()), |name| Err(Refusal::not_played(name)))
}
