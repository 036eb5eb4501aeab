//! Everything that the double knows.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::calls::{AssumedRole, Call, Fault};
use super::policy::{Kind, Policy};
use super::request::Refusal;

/// How strict the double is, and where it stands.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The region that requests to STS must be signed for; nothing: any.
    pub sts_region: Option<String>,
    /// The region of the S3 endpoint: others' requests are malformed, others' buckets redirected.
    /// Nothing: the endpoint is wherever the bucket of the request is.
    pub s3_region: Option<String>,
    /// The least `DurationSeconds`, which is 900 at AWS.
    pub min_duration: u32,
    /// The least size of a part of a multipart upload that is not the last, in bytes.
    pub min_part_size: usize,
    /// Whether an absent object is denied (403) and not missing (404) to who may not list the bucket.
    /// As at AWS, a listing that is allowed under a prefix only does not count.
    pub hide_missing: bool,
}

/// The region of the double, if nothing else is said.
pub const REGION: &str = "eu-central-1";

#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) arn: String,
    pub(crate) account: String,
    pub(crate) name: String,
    pub(crate) access_key_id: String,
    pub(crate) secret: String,
    pub(crate) policy: Option<Policy>,
}

#[derive(Debug, Clone)]
pub(crate) struct Role {
    pub(crate) arn: String,
    pub(crate) account: String,
    pub(crate) name: String,
    pub(crate) trust: Policy,
    pub(crate) policy: Option<Policy>,
    pub(crate) max_session: u32,
}

#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) arn: String,
    pub(crate) id: String,
    pub(crate) role_arn: String,
    pub(crate) account: String,
    pub(crate) access_key_id: String,
    pub(crate) secret: String,
    pub(crate) token: String,
    pub(crate) policy: Option<Policy>,
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) expires: OffsetDateTime,
}

/// Who signed a request.
#[derive(Debug, Clone)]
pub(crate) enum Principal {
    User(User),
    Session(Session),
}

impl Principal {
    pub(crate) fn arn(&self) -> &str {
        match self {
            Self::User(user) => &user.arn,
            Self::Session(session) => &session.arn,
        }
    }

    pub(crate) fn account(&self) -> &str {
        match self {
            Self::User(user) => &user.account,
            Self::Session(session) => &session.account,
        }
    }

    pub(crate) fn secret(&self) -> &str {
        match self {
            Self::User(user) => &user.secret,
            Self::Session(session) => &session.secret,
        }
    }

    /// All ARNs that a trust policy may know them by.
    pub(crate) fn arns(&self) -> Vec<String> {
        match self {
            Self::User(user) => vec![user.arn.clone()],
            Self::Session(session) => vec![session.arn.clone(), session.role_arn.clone()],
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Bucket {
    pub(crate) region: String,
    pub(crate) account: String,
    pub(crate) objects: BTreeMap<String, Object>,
    pub(crate) uploads: BTreeMap<String, Upload>,
}

#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) body: Bytes,
    /// With its quotes.
    pub(crate) etag: String,
    pub(crate) modified: OffsetDateTime,
    /// The headers it was put with and is given back with.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) checksums: Vec<(String, String)>,
}

#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) key: String,
    pub(crate) started: OffsetDateTime,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) parts: BTreeMap<u16, Object>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) settings: Settings,
    /// By access key id.
    pub(crate) users: BTreeMap<String, User>,
    /// By ARN.
    pub(crate) roles: BTreeMap<String, Role>,
    /// By access key id.
    pub(crate) sessions: BTreeMap<String, Session>,
    /// By name.
    pub(crate) buckets: BTreeMap<String, Bucket>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) calls: Vec<Call>,
    pub(crate) assumed: Vec<AssumedRole>,
    /// How far the clock that ends sessions is ahead.
    pub(crate) session_clock: Duration,
    /// How far the clock that requests' dates are held against is ahead.
    pub(crate) request_clock: Duration,
}

/// What the double has in it at its start.
pub(crate) mod seed {
    pub(crate) const USER_ACCOUNT: &str = "111122223333";
    pub(crate) const ROLE_ACCOUNT: &str = "444455556666";
    pub(crate) const USER: &str = "cat";
    pub(crate) const ROLE: &str = "lake";
    pub(crate) const BUCKET: &str = "warehouse";
    pub(crate) const EXTERNAL_ID: &str = "merak-external-id";
}

impl State {
    /// The user `cat` of one account, the role `lake` and the bucket `warehouse` of another.
    ///
    /// Between accounts both halves are needed: the user's policy and the role's trust. All keys are random.
    pub(crate) fn seeded() -> Result<Self, String> {
        let mut state = Self {
            settings: Settings {
                sts_region: Some(REGION.to_owned()),
                s3_region: None,
                min_duration: 900,
                min_part_size: 5 * 1024 * 1024,
                hide_missing: true,
            },
            users: BTreeMap::new(),
            roles: BTreeMap::new(),
            sessions: BTreeMap::new(),
            buckets: BTreeMap::new(),
            faults: Vec::new(),
            calls: Vec::new(),
            assumed: Vec::new(),
            session_clock: Duration::ZERO,
            request_clock: Duration::ZERO,
        };
        let user_arn = format!("arn:aws:iam::{}:user/{}", seed::USER_ACCOUNT, seed::USER);
        let role_arn = format!("arn:aws:iam::{}:role/{}", seed::ROLE_ACCOUNT, seed::ROLE);
        let bucket = format!("arn:aws:s3:::{}", seed::BUCKET);
        state.put_bucket(seed::BUCKET, REGION, seed::ROLE_ACCOUNT);
        state.put_user(&json!({
            "name": seed::USER,
            "account": seed::USER_ACCOUNT,
            "policy": statement(&json!({
                "Effect": "Allow",
                "Action": ["sts:AssumeRole", "sts:TagSession"],
                "Resource": role_arn,
            })),
        }))?;
        state.put_role(&json!({
            "name": seed::ROLE,
            "account": seed::ROLE_ACCOUNT,
            "trust": statement(&json!({
                "Effect": "Allow",
                "Principal": {"AWS": user_arn},
                "Action": ["sts:AssumeRole", "sts:TagSession"],
                "Condition": {"StringEquals": {"sts:ExternalId": seed::EXTERNAL_ID}},
            })),
            "policy": statement(&json!({
                "Effect": "Allow",
                "Action": "s3:*",
                "Resource": [bucket, format!("{bucket}/*")],
            })),
        }))?;
        Ok(state)
    }

    /// When sessions end by this clock.
    pub(crate) fn session_now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc() + self.session_clock
    }

    /// What the dates of requests are held against.
    pub(crate) fn request_now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc() + self.request_clock
    }

    pub(crate) fn put_bucket(&mut self, name: &str, region: &str, account: &str) {
        let bucket = self.buckets.entry(name.to_owned()).or_default();
        region.clone_into(&mut bucket.region);
        account.clone_into(&mut bucket.account);
    }

    /// Makes or changes a user. What is not said stays, or is made up.
    pub(crate) fn put_user(&mut self, said: &Value) -> Result<Value, String> {
        let fields = ["name", "account", "access_key_id", "secret_access_key", "policy", "remove"];
        let name = said_name(said, &fields)?;
        let account = said["account"].as_str().unwrap_or(seed::USER_ACCOUNT);
        let arn = format!("arn:aws:iam::{account}:user/{name}");
        let old = self.users.values().find(|user| user.arn == arn).cloned();
        if said["remove"] == true {
            self.users.retain(|_, user| user.arn != arn);
            return Ok(json!({}));
        }
        let text = |field: &str, old: Option<String>, new: &dyn Fn() -> String| {
            said[field].as_str().map(str::to_owned).or(old).unwrap_or_else(new)
        };
        let user = User {
            access_key_id: text(
                "access_key_id",
                old.as_ref().map(|user| user.access_key_id.clone()),
                &|| format!("AKIA{}", random(16)),
            ),
            secret: text(
                "secret_access_key",
                old.as_ref().map(|user| user.secret.clone()),
                &|| random(40),
            ),
            policy: read_policy(said, "policy", Kind::Identity, old.and_then(|user| user.policy))?,
            account: account.to_owned(),
            name: name.to_owned(),
            arn,
        };
        let shown = json!({
            "arn": user.arn,
            "access_key_id": user.access_key_id,
            "secret_access_key": user.secret,
        });
        self.users.retain(|_, one| one.arn != user.arn);
        self.users.insert(user.access_key_id.clone(), user);
        Ok(shown)
    }

    /// Makes or changes a role. What is not said stays; a new role needs a trust policy.
    pub(crate) fn put_role(&mut self, said: &Value) -> Result<Value, String> {
        let fields = ["name", "account", "trust", "policy", "max_session_duration", "remove"];
        let name = said_name(said, &fields)?;
        let account = said["account"].as_str().unwrap_or(seed::ROLE_ACCOUNT);
        let arn = format!("arn:aws:iam::{account}:role/{name}");
        let old = self.roles.get(&arn).cloned();
        if said["remove"] == true {
            self.roles.remove(&arn);
            return Ok(json!({}));
        }
        let max_session = match said.get("max_session_duration") {
            None => old.as_ref().map_or(3600, |role| role.max_session),
            Some(number) => number
                .as_u64()
                .and_then(|number| u32::try_from(number).ok())
                .ok_or("max_session_duration is a number of seconds")?,
        };
        let old_trust = old.as_ref().map(|role| role.trust.clone());
        let role = Role {
            trust: read_policy(said, "trust", Kind::Trust, old_trust)?
                .ok_or("a new role needs a trust policy")?,
            policy: read_policy(said, "policy", Kind::Identity, old.and_then(|role| role.policy))?,
            account: account.to_owned(),
            name: name.to_owned(),
            max_session,
            arn: arn.clone(),
        };
        self.roles.insert(arn.clone(), role);
        Ok(json!({"arn": arn}))
    }

    /// Takes the next fault for a call, if there is one.
    pub(crate) fn next_fault(&mut self, service: &str, operation: &str) -> Option<Fault> {
        let index = self.faults.iter().position(|fault| {
            fault.service == service
                && fault.operation.as_ref().is_none_or(|wanted| wanted == operation)
        })?;
        let fault = &mut self.faults[index];
        fault.times -= 1;
        let taken = fault.clone();
        if taken.times == 0 {
            self.faults.remove(index);
        }
        Some(taken)
    }

    /// A bucket, or the refusal that it is missing.
    pub(crate) fn bucket(&mut self, name: &str) -> Result<&mut Bucket, Refusal> {
        self.buckets.get_mut(name).ok_or_else(|| {
            Refusal::new(404, "NoSuchBucket", "The specified bucket does not exist")
                .element("BucketName", name)
        })
    }
}

/// A document of one statement.
fn statement(statement: &Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [statement]})
}

/// The name of what is said, which may have no other fields than these.
fn said_name<'a>(said: &'a Value, fields: &[&str]) -> Result<&'a str, String> {
    only_fields(said, fields)?;
    said["name"].as_str().ok_or_else(|| "name is missing".to_owned())
}

/// Fails where an object has a field that is none of these.
pub(crate) fn only_fields(said: &Value, fields: &[&str]) -> Result<(), String> {
    let object = said.as_object().ok_or("an object is wanted")?;
    match object.keys().find(|key| !fields.contains(&key.as_str())) {
        Some(key) => Err(format!("{key} is not known here: {fields:?}")),
        None => Ok(()),
    }
}

/// A policy that was said, as a document or as its text; `null` takes it away, nothing leaves it.
fn read_policy(
    said: &Value,
    field: &str,
    kind: Kind,
    old: Option<Policy>,
) -> Result<Option<Policy>, String> {
    let policy = match said.get(field) {
        None => return Ok(old),
        Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => Policy::parse(text, kind),
        Some(document) => Policy::read(document, kind),
    };
    policy.map(Some).map_err(|malformed| format!("{field}: {}", malformed.0))
}

/// Some random capital letters and digits.
pub(crate) fn random(length: usize) -> String {
    let mut out = String::new();
    while out.len() < length {
        out.push_str(&uuid::Uuid::new_v4().simple().to_string().to_uppercase());
    }
    out.truncate(length);
    out
}
