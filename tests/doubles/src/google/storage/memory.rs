//! Objects, in memory.

use std::collections::BTreeMap;

use axum::body::Bytes;
use time::OffsetDateTime;

/// An object as it is.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) data: Bytes,
    pub(crate) generation: i64,
    pub(crate) content_type: String,
    pub(crate) updated: OffsetDateTime,
}

impl Object {
    /// The entity tag, in its quotes.
    pub(crate) fn etag(&self) -> String {
        format!("\"{:x}\"", self.generation)
    }

    /// The checksum, as the service gives it: CRC32C, big-endian, in base64.
    pub(crate) fn crc32c(&self) -> String {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(crc32c(&self.data).to_be_bytes())
    }
}

/// Clients of Google check what they read by this.
fn crc32c(data: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    !data.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 }
        })
    })
}

/// All objects, by bucket and name.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    objects: BTreeMap<(String, String), Object>,
    last: i64,
}

impl Objects {
    pub(crate) fn get(&self, bucket: &str, name: &str) -> Option<&Object> {
        self.objects.get(&(bucket.to_owned(), name.to_owned()))
    }

    pub(crate) fn put(
        &mut self,
        bucket: &str,
        name: &str,
        data: Bytes,
        content_type: &str,
    ) -> Object {
        self.last += 1;
        let object = Object {
            data,
            // As long as real ones are: microseconds.
            generation: 1_767_323_045_000_000 + self.last,
            content_type: content_type.to_owned(),
            updated: OffsetDateTime::now_utc(),
        };
        self.objects.insert((bucket.to_owned(), name.to_owned()), object.clone());
        object
    }

    pub(crate) fn delete(&mut self, bucket: &str, name: &str) -> Option<Object> {
        self.objects.remove(&(bucket.to_owned(), name.to_owned()))
    }

    pub(crate) fn names(&self, bucket: &str) -> Vec<String> {
        let keys = self.objects.keys().filter(|(known, _)| known == bucket);
        keys.map(|(_, name)| name.clone()).collect()
    }

    pub(crate) fn list(&self, bucket: &str, listing: &Listing) -> Page<'_> {
        let mut page = Page::default();
        for ((known, name), object) in &self.objects {
            if known != bucket || !listing.concerns(name) {
                continue;
            }
            let prefix = listing.common_prefix(name);
            if prefix.is_some() && page.prefixes.last().map(String::as_str) == prefix {
                continue;
            }
            if page.objects.len() + page.prefixes.len() == listing.max {
                page.next = page.last.take();
                break;
            }
            page.last = Some(prefix.unwrap_or(name).to_owned());
            match prefix {
                Some(prefix) => page.prefixes.push(prefix.to_owned()),
                None => page.objects.push((name, object)),
            }
        }
        page
    }
}

/// What is to be listed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listing {
    pub(crate) prefix: String,
    pub(crate) delimiter: String,
    /// Names up to this one have been listed.
    pub(crate) after: String,
    /// The first name that is of interest.
    pub(crate) from: String,
    pub(crate) max: usize,
}

impl Listing {
    fn concerns(&self, name: &str) -> bool {
        let is_listed = !self.after.is_empty()
            && (name <= self.after.as_str()
                || self.common_prefix(name).is_some_and(|prefix| prefix == self.after));
        name.starts_with(&self.prefix) && name >= self.from.as_str() && !is_listed
    }

    /// What names up to a delimiter after the prefix are rolled up to.
    fn common_prefix<'a>(&self, name: &'a str) -> Option<&'a str> {
        if self.delimiter.is_empty() {
            return None;
        }
        let rest = name.get(self.prefix.len()..)?;
        let end = self.prefix.len() + rest.find(&self.delimiter)? + self.delimiter.len();
        name.get(..end)
    }
}

/// A part of a listing.
#[derive(Debug, Default)]
pub(crate) struct Page<'a> {
    pub(crate) objects: Vec<(&'a String, &'a Object)>,
    pub(crate) prefixes: Vec<String>,
    /// Where the next one begins, if there is one.
    pub(crate) next: Option<String>,
    last: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_published_one() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn pages_follow_each_other_and_roll_names_up() {
        let mut objects = Objects::default();
        for name in ["a/1", "a/x/1", "a/x/2", "a/y/1", "a/z", "b/1"] {
            objects.put("lake", name, Bytes::new(), "");
        }
        let mut listing = Listing {
            prefix: "a/".to_owned(),
            delimiter: "/".to_owned(),
            max: 2,
            ..Listing::default()
        };

        let page = objects.list("lake", &listing);
        assert_eq!(page.objects[0].0, "a/1");
        assert_eq!(page.prefixes, ["a/x/"]);
        listing.after = page.next.unwrap();
        let page = objects.list("lake", &listing);
        assert_eq!(page.prefixes, ["a/y/"]);
        assert_eq!(page.objects[0].0, "a/z");
        assert_eq!(page.next, None);
    }
}
