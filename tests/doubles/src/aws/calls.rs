//! What was called, and what shall go wrong.

use std::time::Duration;

use serde_json::{Value, json};

use super::state::only_fields;

/// One call, refused or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// `sts` or `s3`.
    pub service: &'static str,
    /// As AWS names it: `AssumeRole`, `GetObject`, `ListObjectsV2`.
    pub operation: String,
    /// The ARN of who signed it, if that is known.
    pub principal: Option<String>,
    /// The bucket, or nothing.
    pub bucket: String,
    /// The key, or nothing.
    pub key: String,
    /// The status of the answer.
    pub status: u16,
    /// The code of the refusal, if it was refused.
    pub code: Option<String>,
}

/// One call of `AssumeRole`, refused or not, as it was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AssumedRole {
    /// The ARN of the role.
    pub role_arn: String,
    /// The name of the session.
    pub session_name: String,
    /// The external id.
    pub external_id: Option<String>,
    /// The session policy.
    pub policy: Option<String>,
    /// The wanted lifetime in seconds.
    pub duration_seconds: Option<String>,
    /// Session tags.
    pub tags: Vec<(String, String)>,
    /// The keys of those tags that are transitive.
    pub transitive_tag_keys: Vec<String>,
    /// The access key id that was handed out.
    pub access_key_id: Option<String>,
    /// The code of the refusal, if it was refused.
    pub code: Option<String>,
}

/// Something that goes wrong with the next calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// `sts` or `s3`.
    pub service: String,
    /// Only calls of this operation; nothing: all.
    pub operation: Option<String>,
    /// With how many calls.
    pub times: u32,
    /// How long the answer waits.
    pub delay: Duration,
    /// The refusal; nothing: the call is only late.
    pub refusal: Option<FaultyAnswer>,
}

/// A refusal that is not the double's own idea.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultyAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The error's code.
    pub code: String,
    /// The error's message.
    pub message: String,
}

impl Fault {
    /// The next calls of a service fail with this status and code.
    pub fn failing(service: &str, times: u32, status: u16, code: &str) -> Self {
        let message = format!("{code}, as the test wants it");
        let refusal = FaultyAnswer { status, code: code.to_owned(), message };
        Self {
            service: service.to_owned(),
            operation: None,
            times,
            delay: Duration::ZERO,
            refusal: Some(refusal),
        }
    }

    /// The next calls of a service are told that they are too many.
    pub fn throttling(service: &str, times: u32) -> Self {
        let (status, code, message) = if service == "s3" {
            (503, "SlowDown", "Please reduce your request rate.")
        } else {
            (400, "Throttling", "Rate exceeded")
        };
        let message = message.to_owned();
        let refusal = FaultyAnswer { status, code: code.to_owned(), message };
        Self { refusal: Some(refusal), ..Self::failing(service, times, status, code) }
    }

    /// The next calls of a service are answered late, and otherwise well.
    pub fn late(service: &str, times: u32, delay: Duration) -> Self {
        Self { delay, refusal: None, ..Self::failing(service, times, 0, "") }
    }

    /// The same, for one operation.
    #[must_use]
    pub fn only(mut self, operation: &str) -> Self {
        self.operation = Some(operation.to_owned());
        self
    }

    /// Reads `{"service", "times", "operation", "delay_ms", "throttle", "status", "code", "message"}`.
    pub(crate) fn read(said: &Value) -> Result<Self, String> {
        only_fields(
            said,
            &["service", "times", "operation", "delay_ms", "throttle", "status", "code", "message"],
        )?;
        let service = said["service"].as_str().filter(|one| ["sts", "s3"].contains(one));
        let service = service.ok_or("service is sts or s3")?;
        let times = said["times"].as_u64().map_or(Some(1), |times| u32::try_from(times).ok());
        let times = times.filter(|times| *times > 0).ok_or("times is a number above 0")?;
        let mut fault = match (said["throttle"] == true, said["code"].as_str()) {
            (true, _) => Self::throttling(service, times),
            (false, Some(code)) => {
                let status = said["status"].as_u64().and_then(|status| u16::try_from(status).ok());
                let status = status.filter(|status| (400..600).contains(status));
                Self::failing(service, times, status.ok_or("status is 400 to 599")?, code)
            }
            (false, None) if said["delay_ms"].is_u64() => {
                Self::late(service, times, Duration::ZERO)
            }
            (false, None) => return Err("code, throttle or delay_ms is wanted".to_owned()),
        };
        fault.delay = Duration::from_millis(said["delay_ms"].as_u64().unwrap_or_default());
        fault.operation = said["operation"].as_str().map(str::to_owned);
        if let (Some(message), Some(refusal)) = (said["message"].as_str(), &mut fault.refusal) {
            message.clone_into(&mut refusal.message);
        }
        Ok(fault)
    }
}

impl Call {
    pub(crate) fn shown(&self) -> Value {
        json!({
            "service": self.service,
            "operation": self.operation,
            "principal": self.principal,
            "bucket": self.bucket,
            "key": self.key,
            "status": self.status,
            "code": self.code,
        })
    }
}

impl AssumedRole {
    pub(crate) fn shown(&self) -> Value {
        let tags: serde_json::Map<_, _> =
            self.tags.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
        json!({
            "role_arn": self.role_arn,
            "session_name": self.session_name,
            "external_id": self.external_id,
            "policy": self.policy,
            "duration_seconds": self.duration_seconds,
            "tags": tags,
            "transitive_tag_keys": self.transitive_tag_keys,
            "access_key_id": self.access_key_id,
            "code": self.code,
        })
    }
}
