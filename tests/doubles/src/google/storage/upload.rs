//! Uploads that take more than one request.

use std::collections::{BTreeMap, HashMap};

use axum::body::Bytes;
use uuid::Uuid;

use super::action::Write;
use crate::google::answer::Refusal;
use crate::http_text::{hex, xml_contents};

/// Uploads that have begun.
#[derive(Debug, Default)]
pub(crate) struct Uploads {
    resumable: HashMap<String, Resumable>,
    in_parts: HashMap<String, InParts>,
}

/// A resumable one: <https://cloud.google.com/storage/docs/resumable-uploads>.
#[derive(Debug)]
struct Resumable {
    bucket: String,
    write: Write,
    data: Vec<u8>,
}

/// One in parts: <https://cloud.google.com/storage/docs/multipart-uploads>.
#[derive(Debug)]
struct InParts {
    bucket: String,
    write: Write,
    parts: BTreeMap<u32, Bytes>,
}

/// Where a resumable upload is after a chunk.
#[derive(Debug)]
pub(crate) enum Progress {
    /// So many bytes are here; there is more to come.
    Incomplete(usize),
    /// All is here.
    Complete(String, Write, Bytes),
}

impl Uploads {
    pub(crate) fn start(&mut self, bucket: &str, write: Write) -> String {
        let id = Uuid::new_v4().simple().to_string();
        self.remember(&id, bucket, write);
        id
    }

    /// An upload that another service has begun.
    pub(crate) fn remember(&mut self, id: &str, bucket: &str, write: Write) {
        let upload = Resumable { bucket: bucket.to_owned(), write, data: Vec::new() };
        self.resumable.insert(id.to_owned(), upload);
    }

    pub(crate) fn knows(&self, id: &str) -> bool {
        self.resumable.contains_key(id)
    }

    /// Takes a chunk; its `Content-Range` says where it belongs, and whether it is the last.
    pub(crate) fn chunk(
        &mut self,
        id: &str,
        range: Option<&str>,
        data: &[u8],
    ) -> Result<Progress, Refusal> {
        let unknown = || Refusal::not_found("upload");
        let upload = self.resumable.get_mut(id).ok_or_else(unknown)?;
        let invalid = || Refusal::invalid("Failed to parse Content-Range header.");
        let total = match range {
            None => Some(upload.data.len() + data.len()),
            Some(range) => {
                let (part, total) = range
                    .strip_prefix("bytes ")
                    .and_then(|range| range.split_once('/'))
                    .ok_or_else(invalid)?;
                if part == "*" && !data.is_empty() {
                    return Err(invalid());
                }
                if part != "*" {
                    let expected = format!(
                        "{}-{}",
                        upload.data.len(),
                        (upload.data.len() + data.len()).saturating_sub(1)
                    );
                    if part != expected || data.is_empty() {
                        return Err(invalid());
                    }
                }
                if total == "*" { None } else { Some(total.parse().map_err(|_| invalid())?) }
            }
        };
        // All but the last are multiples of this.
        if total.is_none() && !data.len().is_multiple_of(256 << 10) {
            return Err(Refusal::invalid("Chunks must be multiples of 256 KiB."));
        }
        upload.data.extend_from_slice(data);
        let length = upload.data.len();
        match total {
            Some(total) if total < length => Err(invalid()),
            Some(total) if total == length => {
                let Resumable { bucket, write, data } =
                    self.resumable.remove(id).ok_or_else(unknown)?;
                Ok(Progress::Complete(bucket, write, data.into()))
            }
            Some(_) | None => Ok(Progress::Incomplete(length)),
        }
    }

    pub(crate) fn start_parts(&mut self, bucket: &str, write: Write) -> String {
        let id = Uuid::new_v4().simple().to_string();
        let upload = InParts { bucket: bucket.to_owned(), write, parts: BTreeMap::new() };
        self.in_parts.insert(id.clone(), upload);
        id
    }

    /// Takes a part; gives its entity tag.
    pub(crate) fn part(
        &mut self,
        (bucket, name, id): (&str, &str, &str),
        number: u32,
        data: Bytes,
    ) -> Result<String, Refusal> {
        let upload = self.in_parts.get_mut(id);
        let upload = upload.filter(|known| known.bucket == bucket && known.write.name == name);
        let upload = upload.ok_or_else(no_upload)?;
        let etag = part_etag(&data);
        upload.parts.insert(number, data);
        Ok(etag)
    }

    /// Puts together the parts that a document names.
    pub(crate) fn complete(
        &mut self,
        (bucket, name, id): (&str, &str, &str),
        document: &str,
    ) -> Result<(Write, Bytes), Refusal> {
        let known = self.in_parts.get(id);
        let known = known.filter(|known| known.bucket == bucket && known.write.name == name);
        let upload = known.ok_or_else(no_upload)?;
        let numbers = xml_contents(document, "PartNumber");
        let etags = xml_contents(document, "ETag");
        let invalid = || Refusal::invalid("One or more of the specified parts could not be found.");
        let numbers: Option<Vec<u32>> = numbers.iter().map(|number| number.parse().ok()).collect();
        let numbers = numbers.filter(|numbers| !numbers.is_empty() && numbers.is_sorted());
        let numbers = numbers.filter(|numbers| numbers.len() == etags.len()).ok_or_else(invalid)?;
        let mut data = Vec::new();
        for (number, etag) in numbers.iter().zip(etags) {
            let part = upload.parts.get(number).filter(|part| part_etag(part) == etag);
            data.extend_from_slice(part.ok_or_else(invalid)?);
        }
        let write = upload.write.clone();
        self.in_parts.remove(id);
        Ok((write, data.into()))
    }

    pub(crate) fn abort(&mut self, id: &str) -> Result<(), Refusal> {
        self.in_parts.remove(id).map(drop).ok_or_else(no_upload)
    }
}

fn no_upload() -> Refusal {
    Refusal::not_found("The requested upload was not found.")
}

fn part_etag(data: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, data);
    format!("\"{}\"", hex(&digest.as_ref()[..16]))
}
