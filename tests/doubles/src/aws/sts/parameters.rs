//! The parameters of `AssumeRole`, and what STS says of wrong ones.

use crate::aws::calls::AssumedRole;
use crate::aws::policy::{Context, Kind, Policy};
use crate::aws::request::{Refusal, value};
use crate::aws::state::{Principal, Settings};

/// What is wanted, checked.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) role_arn: String,
    pub(crate) session_name: String,
    pub(crate) duration: u32,
    pub(crate) policy: Option<Policy>,
    pub(crate) tags: Vec<(String, String)>,
    external_id: Option<String>,
    transitive: Vec<String>,
    policy_length: usize,
}

/// The most characters of a session policy.
const MAX_POLICY: usize = 2048;

const KNOWN: &[&str] =
    &["Action", "Version", "RoleArn", "RoleSessionName", "ExternalId", "Policy", "DurationSeconds"];

impl Wanted {
    /// Reads what is wanted, or says what is wrong with it.
    pub(crate) fn read(
        parameters: &[(String, String)],
        settings: &Settings,
    ) -> Result<Self, Refusal> {
        let sent = record(parameters);
        let is_known = |name: &str| {
            KNOWN.contains(&name)
                || name.starts_with("Tags.member.")
                || name.starts_with("TransitiveTagKeys.member.")
        };
        // A typing error would go unnoticed at AWS; here it is a defect of the caller.
        if let Some((name, _)) = parameters.iter().find(|(name, _)| !is_known(name)) {
            return Err(invalid(format!("the double does not know the parameter {name}")));
        }
        check_length("roleArn", &sent.role_arn, 20, 2048)?;
        check_role_arn(&sent.role_arn)?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
        check_length("roleSessionName", &sent.session_name, 2, 64)?;
        check_characters("roleSessionName", &sent.session_name, "[\\w+=,.@-]*", is_name)?;
        if let Some(id) = &sent.external_id {
            check_length("externalId", id, 2, 1224)?;
            check_characters("externalId", id, "[\\w+=,.@:\\/-]*", |c| {
                is_name(c) || ":/".contains(c)
            })?;
        }
        let duration = duration(sent.duration_seconds.as_deref(), settings)?;
        let policy = sent.policy.as_deref().map(session_policy).transpose()?;
        check_tags(&sent.tags, &sent.transitive_tag_keys)?;
        Ok(Self {
            role_arn: sent.role_arn,
            session_name: sent.session_name,
            duration,
            policy,
            tags: sent.tags,
            external_id: sent.external_id,
            transitive: sent.transitive_tag_keys,
            policy_length: sent.policy.map_or(0, |policy| policy.len()),
        })
    }

    /// The condition keys of the request.
    pub(crate) fn context(&self, principal: &Principal) -> Context {
        let mut context = Context::default()
            .with("sts:RoleSessionName", &self.session_name)
            .with("aws:PrincipalArn", principal.arns().pop().unwrap_or_default())
            .with("aws:PrincipalAccount", principal.account());
        if let Some(id) = &self.external_id {
            context = context.with("sts:ExternalId", id);
        }
        for (key, value) in &self.tags {
            context =
                context.with(&format!("aws:RequestTag/{key}"), value).with("aws:TagKeys", key);
        }
        for key in &self.transitive {
            context = context.with("sts:TransitiveTagKeys", key);
        }
        context
    }

    /// A percentage, if there is anything to pack. How AWS packs is its secret: this is a guess.
    pub(crate) fn packed_size(&self) -> Option<String> {
        let tags: usize = self.tags.iter().map(|(key, value)| key.len() + value.len()).sum();
        let packed = ((self.policy_length + tags) * 100).div_ceil(MAX_POLICY * 2);
        (packed > 0).then(|| packed.to_string())
    }
}

/// What was sent, unchecked, for the record.
pub(crate) fn record(parameters: &[(String, String)]) -> AssumedRole {
    let one = |name: &str| value(parameters, name).map(str::to_owned);
    let mut tags = Vec::new();
    while let Some(key) = one(&format!("Tags.member.{}.Key", tags.len() + 1)) {
        let value = one(&format!("Tags.member.{}.Value", tags.len() + 1)).unwrap_or_default();
        tags.push((key, value));
    }
    let mut transitive_tag_keys = Vec::new();
    while let Some(key) =
        one(&format!("TransitiveTagKeys.member.{}", transitive_tag_keys.len() + 1))
    {
        transitive_tag_keys.push(key);
    }
    AssumedRole {
        role_arn: one("RoleArn").unwrap_or_default(),
        session_name: one("RoleSessionName").unwrap_or_default(),
        external_id: one("ExternalId"),
        policy: one("Policy"),
        duration_seconds: one("DurationSeconds"),
        tags,
        transitive_tag_keys,
        access_key_id: None,
        code: None,
    }
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "ValidationError", message)
}

/// A value that a member's constraint refuses.
fn constraint(member: &str, value: &str, constraint: &str) -> Refusal {
    invalid(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: \
         {constraint}"
    ))
}

fn check_length(member: &str, value: &str, least: usize, most: usize) -> Result<(), Refusal> {
    let length = value.chars().count();
    if length < least {
        let text = format!("Member must have length greater than or equal to {least}");
        return Err(constraint(member, value, &text));
    }
    if length > most {
        let text = format!("Member must have length less than or equal to {most}");
        return Err(constraint(member, value, &text));
    }
    Ok(())
}

fn check_characters(
    member: &str,
    value: &str,
    pattern: &str,
    may_be: impl Fn(char) -> bool,
) -> Result<(), Refusal> {
    if value.chars().all(may_be) {
        return Ok(());
    }
    let text = format!("Member must satisfy regular expression pattern: {pattern}");
    Err(constraint(member, value, &text))
}

fn check_role_arn(arn: &str) -> Result<(), Refusal> {
    let is_role = |parts: &[&str]| match parts {
        ["arn", partition, "iam", "", account, name] => {
            partition.starts_with("aws")
                && account.len() == 12
                && account.chars().all(|c| c.is_ascii_digit())
                && name.strip_prefix("role/").is_some_and(|name| !name.is_empty())
        }
        _ => false,
    };
    if is_role(&arn.splitn(6, ':').collect::<Vec<_>>()) {
        return Ok(());
    }
    Err(invalid(format!("{arn} is invalid")))
}

fn duration(sent: Option<&str>, settings: &Settings) -> Result<u32, Refusal> {
    let Some(text) = sent else { return Ok(3600) };
    let seconds: u32 = text
        .parse()
        .map_err(|_| Refusal::new(400, "MalformedInput", "DurationSeconds is not a number"))?;
    if seconds < settings.min_duration {
        let least = settings.min_duration;
        let bound = format!("Member must have value greater than or equal to {least}");
        return Err(constraint("durationSeconds", text, &bound));
    }
    if seconds > 43200 {
        let bound = "Member must have value less than or equal to 43200";
        return Err(constraint("durationSeconds", text, bound));
    }
    Ok(seconds)
}

fn session_policy(text: &str) -> Result<Policy, Refusal> {
    check_length("policy", text, 1, MAX_POLICY)?;
    let pattern = "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+";
    check_characters("policy", text, pattern, |c| {
        matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}')
    })?;
    Policy::parse(text, Kind::Identity)
        .map_err(|malformed| Refusal::new(400, "MalformedPolicyDocument", malformed.0))
}

/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_Tag.html>.
fn check_tags(tags: &[(String, String)], transitive: &[String]) -> Result<(), Refusal> {
    let pattern = "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+";
    let may_be = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c);
    if tags.len() > 50 {
        return Err(constraint("tags", "[..]", "Member must have length less than or equal to 50"));
    }
    for (index, (key, value)) in tags.iter().enumerate() {
        let member = |part: &str| format!("tags.{}.member.{part}", index + 1);
        check_length(&member("key"), key, 1, 128)?;
        check_characters(&member("key"), key, pattern, may_be)?;
        check_length(&member("value"), value, 0, 256)?;
        check_characters(&member("value"), value, pattern, may_be)?;
        if key.to_lowercase().starts_with("aws:") {
            let message = "System tags cannot be added. Tag keys may not start with aws:";
            return Err(Refusal::new(400, "InvalidParameterValue", message));
        }
        if tags[..index].iter().any(|(earlier, _)| earlier.to_lowercase() == key.to_lowercase()) {
            let message =
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
            return Err(Refusal::new(400, "InvalidParameterValue", message));
        }
    }
    if transitive.iter().any(|key| !tags.iter().any(|(tag, _)| tag == key)) {
        let message = "The specified transitive tag key must be included in the requested tags.";
        return Err(Refusal::new(400, "InvalidParameterValue", message));
    }
    Ok(())
}
