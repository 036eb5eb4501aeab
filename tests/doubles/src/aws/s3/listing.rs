//! Lists of objects, in both versions.

use std::ops::Bound;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::aws::policy::Context;
use crate::aws::request::{Answered, Refusal, encode};
use crate::aws::state::{Bucket, Object, Principal, State};
use crate::aws::xml::{element, wrap};

use super::access::allow;
use super::{Asked, Operation, iso, xml};

/// What is listed: an object, or all that begin alike up to the delimiter.
enum Entry<'a> {
    Object(&'a str, &'a Object),
    Prefix(&'a str),
}

impl Entry<'_> {
    fn name(&self) -> &str {
        match self {
            Entry::Object(name, _) | Entry::Prefix(name) => name,
        }
    }
}

/// What a request wants to see.
struct Wanted<'a> {
    prefix: &'a str,
    delimiter: &'a str,
    after: String,
    most: usize,
    is_encoded: bool,
}

pub(super) fn list(state: &mut State, asked: &Asked<'_>, principal: &Principal) -> Answered {
    state.bucket(&asked.bucket)?;
    let mut context = Context::default();
    for (parameter, key) in
        [("prefix", "s3:prefix"), ("delimiter", "s3:delimiter"), ("max-keys", "s3:max-keys")]
    {
        if let Some(value) = asked.request.parameter(parameter) {
            context = context.with(key, value);
        }
    }
    allow(state, principal, "s3:ListBucket", (&asked.bucket, None), context)?;
    let wanted = Wanted::read(asked)?;
    let (entries, is_truncated) = wanted.entries(state.bucket(&asked.bucket)?);
    let shown = |text: &str| {
        if wanted.is_encoded { encode(text, "/") } else { text.to_owned() }
    };
    let is_second = asked.operation == Operation::ListObjectsV2;
    let owner = if !is_second || asked.request.parameter("fetch-owner") == Some("true") {
        wrap("Owner", &[element("ID", principal.account())])
    } else {
        String::new()
    };
    let mut out = element("Name", &asked.bucket)
        + &element("Prefix", &shown(wanted.prefix))
        + &element("MaxKeys", &wanted.most.to_string())
        + &element("IsTruncated", &is_truncated.to_string());
    if !wanted.delimiter.is_empty() {
        out += &element("Delimiter", &shown(wanted.delimiter));
    }
    if wanted.is_encoded {
        out += &element("EncodingType", "url");
    }
    let last = entries.last().map(|entry| entry.name().to_owned()).filter(|_| is_truncated);
    if is_second {
        out += &element("KeyCount", &entries.len().to_string());
        if let Some(token) = asked.request.parameter("continuation-token") {
            out += &element("ContinuationToken", token);
        }
        if let Some(start) = asked.request.parameter("start-after") {
            out += &element("StartAfter", &shown(start));
        }
        if let Some(last) = last {
            out += &element("NextContinuationToken", &BASE64_STANDARD.encode(last));
        }
    } else {
        out += &element("Marker", &shown(&wanted.after));
        // Without a delimiter the last key is the next marker.
        if let Some(last) = last.filter(|_| !wanted.delimiter.is_empty()) {
            out += &element("NextMarker", &shown(&last));
        }
    }
    let listed = entries.iter().map(|entry| match entry {
        Entry::Object(name, object) => wrap(
            "Contents",
            &[
                element("Key", &shown(name)),
                element("LastModified", &iso(object.modified)),
                element("ETag", &object.etag),
                element("Size", &object.body.len().to_string()),
                element("StorageClass", "STANDARD"),
                owner.clone(),
            ],
        ),
        Entry::Prefix(name) => wrap("CommonPrefixes", &[element("Prefix", &shown(name))]),
    });
    out.extend(listed);
    Ok(xml("ListBucketResult", &out))
}

impl<'a> Wanted<'a> {
    fn read(asked: &'a Asked<'_>) -> Result<Self, Refusal> {
        let invalid = |message: &str| Refusal::new(400, "InvalidArgument", message);
        let after = if asked.operation == Operation::ListObjectsV2 {
            match asked.request.parameter("continuation-token") {
                Some(token) => BASE64_STANDARD
                    .decode(token)
                    .ok()
                    .and_then(|bytes| String::from_utf8(bytes).ok())
                    .ok_or_else(|| invalid("The continuation token provided is incorrect"))?,
                None => asked.parameter("start-after").to_owned(),
            }
        } else {
            asked.parameter("marker").to_owned()
        };
        let most = match asked.request.parameter("max-keys") {
            None | Some("") => 1000,
            Some(text) => text
                .parse::<usize>()
                .map_err(|_| invalid("Provided max-keys not an integer or within integer range"))?
                .min(1000),
        };
        let is_encoded = match asked.request.parameter("encoding-type") {
            None => false,
            Some("url") => true,
            Some(_) => return Err(invalid("Invalid Encoding Method specified in Request")),
        };
        if asked.operation == Operation::ListObjectsV2 && asked.parameter("list-type") != "2" {
            return Err(invalid("Invalid List Type specified in Request"));
        }
        Ok(Self {
            prefix: asked.parameter("prefix"),
            delimiter: asked.parameter("delimiter"),
            after,
            most,
            is_encoded,
        })
    }

    /// What is seen, and whether there is more.
    fn entries<'b>(&self, bucket: &'b Bucket) -> (Vec<Entry<'b>>, bool) {
        let mut entries: Vec<Entry<'b>> = Vec::new();
        let from = (Bound::Included(self.prefix.to_owned()), Bound::Unbounded);
        for (key, object) in bucket.objects.range(from) {
            if !key.starts_with(self.prefix) {
                break;
            }
            if *key <= self.after {
                continue;
            }
            let beyond = &key[self.prefix.len()..];
            let entry = match beyond.find(self.delimiter) {
                Some(at) if !self.delimiter.is_empty() => {
                    Entry::Prefix(&key[..self.prefix.len() + at + self.delimiter.len()])
                }
                _ => Entry::Object(key, object),
            };
            let is_told = entry.name() == self.after
                || entries.last().is_some_and(|last| last.name() == entry.name());
            if is_told {
                continue;
            }
            if entries.len() == self.most {
                return (entries, self.most > 0);
            }
            entries.push(entry);
        }
        (entries, false)
    }
}
