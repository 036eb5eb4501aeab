//! The session policy that narrows a role to a grant.
//!
//! STS allows what both the role and this policy allow, so nothing here can widen the role. It says
//! what the grant says, with one exception: a location may also be listed by its exact path, without
//! the slash, as some clients do. Such a list shows the names, but not the content, of siblings
//! whose names begin alike.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use merak_model::Location;
use merak_model::location::StorageType;
use merak_model::storage_config::S3Config;
use serde_json::{Value, json};

use super::arn::RoleArn;
use crate::vend::{DataAccess, LocationGrant, VendError};

/// The most characters that STS takes.
pub(super) const MAX_CHARACTERS: usize = 2048;

const READ: [&str; 2] = ["s3:GetObject", "s3:GetObjectVersion"];
const WRITE: [&str; 4] =
    ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"];
const READ_KEYS: [&str; 2] = ["kms:DescribeKey", "kms:Decrypt"];
const WRITE_KEYS: [&str; 3] =
    ["kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext"];

/// What can be left out of a policy that is too long: most clients never ask for it. Each row leaves
/// out what those before it do, too.
const COMFORTS: [Comforts; 3] = [
    Comforts { exact_lists: true, parts_and_versions: true, bucket_locations: true },
    Comforts { exact_lists: false, parts_and_versions: true, bucket_locations: true },
    Comforts { exact_lists: false, parts_and_versions: false, bucket_locations: false },
];

#[derive(Debug, Clone, Copy)]
struct Comforts {
    exact_lists: bool,
    parts_and_versions: bool,
    bucket_locations: bool,
}

/// A session policy, as JSON and as the text that is sent.
#[derive(Debug)]
pub(super) struct SessionPolicy {
    pub(super) document: Value,
    pub(super) text: String,
}

impl SessionPolicy {
    fn new(statements: Vec<Value>) -> Self {
        // A policy without statements is refused, and no policy at all would narrow nothing.
        let statements = if statements.is_empty() {
            vec![json!({"Effect": "Deny", "Action": ["*"], "Resource": ["*"]})]
        } else {
            statements
        };
        let document = json!({"Version": "2012-10-17", "Statement": statements});
        let text = within_latin_1(&document.to_string());
        Self { document, text }
    }
}

/// The policy of a grant on a catalog's storage.
///
/// One that is too long is shortened by what clients can do without, never by a broader pattern.
pub(super) fn session_policy(
    grant: &LocationGrant,
    config: &S3Config,
) -> Result<SessionPolicy, VendError> {
    let role = config.role_arn.as_deref().map(RoleArn::parse).transpose()?;
    let mut shortest = usize::MAX;
    for comforts in COMFORTS {
        let statements = statements(grant, config, role.as_ref(), comforts)?;
        let policy = SessionPolicy::new(statements);
        // The text is ASCII and Latin-1: a character is one however it is counted.
        shortest = policy.text.chars().count();
        if shortest <= MAX_CHARACTERS {
            return Ok(policy);
        }
    }
    Err(VendError::Impossible(format!(
        "The session policy for {} has {shortest} characters, and AWS takes {MAX_CHARACTERS}: put \
         the table's data and metadata below one location, or at shorter paths",
        locations_in_words(grant.locations())
    )))
}

fn statements(
    grant: &LocationGrant,
    config: &S3Config,
    role: Option<&RoleArn<'_>>,
    comforts: Comforts,
) -> Result<Vec<Value>, VendError> {
    let arn = format!("arn:{}:s3:::", role.map_or("aws", |role| role.partition));
    let buckets = by_bucket(grant.locations())?;

    let mut objects = Vec::new();
    for (bucket, paths) in &buckets {
        objects.extend(paths.iter().map(|path| format!("{arn}{bucket}/{}", below(path))));
    }
    let mut statements = vec![allow(&object_actions(grant.access(), comforts), &objects)];
    let keys = Keys::of(config, role);
    match grant.access() {
        DataAccess::Read => statements.extend(allow_keys(&READ_KEYS, &keys.all())),
        DataAccess::Write => {
            let all = [&READ_KEYS[..], &WRITE_KEYS].concat();
            statements.extend(allow_keys(&all, &keys.both));
            statements.extend(allow_keys(&READ_KEYS, &keys.only_to_decrypt));
        }
    }
    for (bucket, paths) in &buckets {
        let mut list = allow(&["s3:ListBucket"], &[format!("{arn}{bucket}")]);
        // A list of a whole bucket may name no prefix, and a condition would ask for one.
        if !paths.contains(&"") {
            let prefixes = paths.iter().flat_map(|path| prefixes(path, comforts));
            let prefixes: Vec<_> = prefixes.collect();
            list["Condition"] = json!({"StringLike": {"s3:prefix": prefixes}});
        }
        statements.push(list);
    }
    if comforts.bucket_locations {
        let all: Vec<_> = buckets.keys().map(|bucket| format!("{arn}{bucket}")).collect();
        statements.push(allow(&["s3:GetBucketLocation"], &all));
    }
    Ok(statements)
}

fn allow(actions: &[&str], resources: &[String]) -> Value {
    json!({"Effect": "Allow", "Action": actions, "Resource": resources})
}

fn object_actions(access: DataAccess, comforts: Comforts) -> Vec<&'static str> {
    let wanted = match access {
        DataAccess::Read => READ.to_vec(),
        DataAccess::Write => [&READ[..], &WRITE].concat(),
    };
    let is_comfort =
        |action: &str| matches!(action, "s3:GetObjectVersion" | "s3:ListMultipartUploadParts");
    wanted.into_iter().filter(|action| comforts.parts_and_versions || !is_comfort(action)).collect()
}

/// The paths in each bucket, escaped for use in a pattern.
fn by_bucket(locations: &[Location]) -> Result<BTreeMap<&str, Vec<&str>>, VendError> {
    let mut buckets: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for location in locations {
        let bucket = location.authority();
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if location.storage_type() != StorageType::S3 || !bucket.bytes().all(fits) {
            let text = location.as_str().escape_debug();
            return Err(VendError::Impossible(format!("'{text}' is in no S3 bucket")));
        }
        buckets.entry(bucket).or_default().push(location.path());
    }
    Ok(buckets)
}

/// The pattern of all that lies below a path.
fn below(path: &str) -> String {
    match path {
        "" => "*".to_owned(),
        path => format!("{}/*", escaped(path)),
    }
}

fn prefixes(path: &str, comforts: Comforts) -> impl Iterator<Item = String> {
    let exact = comforts.exact_lists.then(|| escaped(path));
    exact.into_iter().chain(std::iter::once(below(path)))
}

/// A text that matches itself alone, in resources and in conditions: wildcards, and what begins a
/// policy variable, are written as the variables that stand for them.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '*' | '?' | '$' => escaped.extend(['$', '{', c, '}']),
            c => escaped.push(c),
        }
    }
    escaped
}

/// The keys that objects may be encrypted with, and those that they may only be decrypted with.
#[derive(Debug, Default)]
struct Keys {
    both: Vec<String>,
    only_to_decrypt: Vec<String>,
}

impl Keys {
    fn of(config: &S3Config, role: Option<&RoleArn<'_>>) -> Self {
        if config.kms_unavailable == Some(true) {
            return Self::default();
        }
        let sorted = |keys: &mut Vec<String>| {
            keys.sort_unstable();
            keys.dedup();
        };
        let mut both: Vec<_> = config.keys_to_encrypt_with().cloned().collect();
        sorted(&mut both);
        let others = config.decryption_keys.iter().filter(|key| !both.contains(key));
        let mut only_to_decrypt: Vec<_> = others.cloned().collect();
        sorted(&mut only_to_decrypt);
        if both.is_empty() && only_to_decrypt.is_empty() {
            both.extend(any_key(config, role));
        }
        Self { both, only_to_decrypt }
    }

    fn all(&self) -> Vec<String> {
        [&self.both[..], &self.only_to_decrypt].concat()
    }
}

fn allow_keys(actions: &[&str], keys: &[String]) -> Option<Value> {
    (!keys.is_empty()).then(|| allow(actions, keys))
}

/// The keys that objects may be encrypted with where none is set: AWS would need to know which one a
/// bucket uses, and the role says which keys of its account and region these can be at most.
/// Polaris gives those to readers alone, who then can read what they could not write.
fn any_key(config: &S3Config, role: Option<&RoleArn<'_>>) -> Option<String> {
    // Stores that only speak S3's protocol refuse a policy that speaks of KMS.
    let is_aws = config.endpoint.as_deref().is_none_or(is_of_aws);
    let (region, role) = (config.region.as_deref()?, role?);
    (is_aws && is_plain(region) && is_plain(role.account))
        .then(|| format!("arn:{}:kms:{region}:{}:key/*", role.partition, role.account))
}

/// Whether an endpoint is one of AWS itself, such as that of a VPC.
pub(crate) fn is_of_aws(endpoint: &str) -> bool {
    let Ok(url) = url::Url::parse(endpoint) else { return false };
    let host = url.host_str().unwrap_or_default();
    [".amazonaws.com", ".amazonaws.com.cn"].iter().any(|suffix| host.ends_with(suffix))
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// JSON of the characters that STS takes, which end at U+00FF. Those beyond can only be in strings,
/// where JSON has another way to write them.
fn within_latin_1(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    let mut buffer = [0; 2];
    for c in json.chars() {
        if c <= '\u{ff}' {
            text.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut buffer) {
            write!(text, "\\u{unit:04x}").expect("writing to a string does not fail");
        }
    }
    text
}

fn locations_in_words(locations: &[Location]) -> String {
    match locations {
        [one] => one.to_string(),
        [first, others @ ..] => format!("{first} and {} more locations", others.len()),
        [] => "no location".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_without_statements_would_deny_everything() {
        let policy = SessionPolicy::new(Vec::new());

        assert_eq!(
            policy.text,
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":["*"],"Resource":["*"]}]}"#
        );
    }
}
