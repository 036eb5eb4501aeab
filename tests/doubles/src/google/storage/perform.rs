//! Does what was permitted, on the objects in memory.

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::http::header::{ETAG, LOCATION, RANGE};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::action::{Action, Call, Write};
use super::memory::Object;
use super::render;
use super::upload::Progress;
use crate::google::answer::{Refusal, Style, ok};
use crate::google::state::State;
use crate::http_text::{iso_date, xml_escaped};
use crate::serving::Asked;
use crate::traffic::lock;

pub(crate) fn perform(state: &State, call: &Call, asked: &Asked) -> Result<Response, Refusal> {
    let bucket = call.bucket.as_str();
    if !lock(&state.settings).buckets.contains(bucket) {
        return Err(Refusal::no_bucket());
    }
    match &call.action {
        Action::Bucket => Ok(ok(&render::bucket(bucket))),
        Action::List(listing) => {
            let objects = lock(&state.objects);
            let page = objects.list(bucket, listing);
            Ok(match call.style {
                Style::Json => ok(&render::json_list(bucket, &page)),
                Style::Xml => render::xml_list(bucket, &listing.prefix, &page),
            })
        }
        Action::Get { name } => {
            let object = found(state, bucket, name)?;
            let generation = asked.parameter("generation");
            if generation.is_some_and(|wanted| wanted != object.generation.to_string()) {
                return Err(Refusal::not_found(name));
            }
            render::data(&object, asked.header("range"))
        }
        Action::Stat { name } => {
            let object = found(state, bucket, name)?;
            Ok(match call.style {
                Style::Json => ok(&render::metadata(bucket, name, &object)),
                Style::Xml => render::head(&object),
            })
        }
        Action::Put(write, data) => Ok(put(state, call, write, data.clone())),
        Action::Delete { name, .. } => {
            let deleted = lock(&state.objects).delete(bucket, name);
            deleted.ok_or_else(|| Refusal::not_found(name))?;
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        Action::Copy { from: (source, from), to, is_rewrite } => {
            let object = found(state, source, from)?;
            Ok(copy(state, call, &object, to, *is_rewrite))
        }
        Action::Start(write) => Ok(start(state, bucket, write)),
        Action::Chunk { id } => chunk(state, call, id, asked),
        Action::StartParts(write) => Ok(start_parts(state, bucket, write)),
        Action::Part { name, id, number } => {
            let data = asked.body.clone();
            let etag = lock(&state.uploads).part((bucket, name, id), *number, data)?;
            Ok([(ETAG, etag)].into_response())
        }
        Action::Complete { name, id } => complete(state, bucket, name, id, asked),
        Action::Abort { id, .. } => {
            lock(&state.uploads).abort(id)?;
            Ok(StatusCode::NO_CONTENT.into_response())
        }
    }
}

fn found(state: &State, bucket: &str, name: &str) -> Result<Object, Refusal> {
    let objects = lock(&state.objects);
    objects.get(bucket, name).cloned().ok_or_else(|| Refusal::not_found(name))
}

fn put(state: &State, call: &Call, write: &Write, data: Bytes) -> Response {
    let bucket = &call.bucket;
    let object = lock(&state.objects).put(bucket, &write.name, data, &write.content_type);
    match call.style {
        Style::Json => ok(&render::metadata(bucket, &write.name, &object)),
        Style::Xml => render::written(&object),
    }
}

fn copy(state: &State, call: &Call, from: &Object, to: &Write, is_rewrite: bool) -> Response {
    let bucket = &call.bucket;
    let data = from.data.clone();
    let object = lock(&state.objects).put(bucket, &to.name, data, &from.content_type);
    let metadata = render::metadata(bucket, &to.name, &object);
    let size = object.data.len().to_string();
    match call.style {
        Style::Json if is_rewrite => ok(&json!({
            "kind": "storage#rewriteResponse",
            "totalBytesRewritten": size,
            "objectSize": size,
            "done": true,
            "resource": metadata,
        })),
        Style::Json => ok(&metadata),
        Style::Xml => render::xml(&format!(
            "<CopyObjectResult><ETag>{}</ETag><LastModified>{}</LastModified></CopyObjectResult>",
            xml_escaped(&object.etag()),
            iso_date(object.updated),
        )),
    }
}

fn start(state: &State, bucket: &str, write: &Write) -> Response {
    let id = lock(&state.uploads).start(bucket, write.clone());
    let location = format!(
        "{}/upload/storage/v1/b/{bucket}/o?uploadType=resumable&upload_id={id}",
        state.endpoint,
    );
    [(LOCATION.as_str(), location), ("x-guploader-uploadid", id)].into_response()
}

fn chunk(state: &State, call: &Call, id: &str, asked: &Asked) -> Result<Response, Refusal> {
    let range = asked.header("content-range");
    let progress = lock(&state.uploads).chunk(id, range, &asked.body)?;
    match progress {
        Progress::Incomplete(length) => {
            let mut response = StatusCode::PERMANENT_REDIRECT.into_response();
            if let Some(last) = length.checked_sub(1) {
                let range = format!("bytes=0-{last}").parse();
                response.headers_mut().extend(range.map(|range| (RANGE, range)));
            }
            Ok(response)
        }
        Progress::Complete(bucket, write, data) => {
            let known = lock(&state.objects).get(&bucket, &write.name).map(|it| it.generation);
            super::hold(write.condition, known)?;
            Ok(put(state, call, &write, data))
        }
    }
}

fn start_parts(state: &State, bucket: &str, write: &Write) -> Response {
    let id = lock(&state.uploads).start_parts(bucket, write.clone());
    render::xml(&format!(
        "<InitiateMultipartUploadResult><Bucket>{}</Bucket><Key>{}</Key>\
         <UploadId>{id}</UploadId></InitiateMultipartUploadResult>",
        xml_escaped(bucket),
        xml_escaped(&write.name),
    ))
}

fn complete(
    state: &State,
    bucket: &str,
    name: &str,
    id: &str,
    asked: &Asked,
) -> Result<Response, Refusal> {
    let document = String::from_utf8_lossy(&asked.body);
    let (write, data) = lock(&state.uploads).complete((bucket, name, id), &document)?;
    let object = lock(&state.objects).put(bucket, name, data, &write.content_type);
    let body = render::xml(&format!(
        "<CompleteMultipartUploadResult><Bucket>{}</Bucket><Key>{}</Key><ETag>{}</ETag>\
         </CompleteMultipartUploadResult>",
        xml_escaped(bucket),
        xml_escaped(name),
        xml_escaped(&object.etag()),
    ));
    let generation = [("x-goog-generation", object.generation.to_string())];
    Ok((generation, body).into_response())
}
