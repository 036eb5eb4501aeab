//! Who a request is from, and whether they may.

use crate::aws::policy::{Context, Question, Verdict};
use crate::aws::request::Refusal;
use crate::aws::sigv4::{PathEncoding, SKEW, Signature};
use crate::aws::state::{Principal, State};
use crate::aws::sts::identity_verdict;

use super::{Asked, Operation};

/// The refusal of a signature.
pub(crate) fn wrong_signature() -> Refusal {
    let message = "The request signature we calculated does not match the signature you provided. \
                   Check your key and signing method.";
    Refusal::new(403, "SignatureDoesNotMatch", message)
}

/// Finds whose keys a request is made with. The signature itself is not checked yet.
pub(super) fn authenticate(
    state: &State,
    asked: &Asked<'_>,
) -> Result<(Principal, Signature), Refusal> {
    let is_presigned = asked.request.parameter("X-Amz-Algorithm").is_some();
    let signature = Signature::read(asked.request)
        .map_err(|why| {
            let code = if is_presigned {
                "AuthorizationQueryParametersError"
            } else {
                "AuthorizationHeaderMalformed"
            };
            Refusal::new(400, code, why)
        })?
        .ok_or_else(|| Refusal::new(403, "AccessDenied", "Access Denied"))?;
    let unknown = || {
        let message = "The AWS Access Key Id you provided does not exist in our records.";
        Refusal::new(403, "InvalidAccessKeyId", message)
            .element("AWSAccessKeyId", &signature.access_key_id)
    };
    let wrong_token = || {
        let message = "The provided token is malformed or otherwise invalid.";
        Refusal::new(400, "InvalidToken", message)
    };
    let principal = if let Some(user) = state.users.get(&signature.access_key_id) {
        if signature.token.is_some() {
            return Err(wrong_token());
        }
        Principal::User(user.clone())
    } else {
        let session = state.sessions.get(&signature.access_key_id).ok_or_else(unknown)?;
        // A temporary key is known only together with its token.
        let token = signature.token.as_ref().ok_or_else(unknown)?;
        if *token != session.token {
            return Err(wrong_token());
        }
        if session.expires <= state.session_now() {
            let message = "The provided token has expired.";
            return Err(Refusal::new(400, "ExpiredToken", message));
        }
        Principal::Session(session.clone())
    };
    Ok((principal, signature))
}

/// Checks that a request is signed for the region, and that the bucket is there.
pub(super) fn check_region(
    state: &State,
    asked: &Asked<'_>,
    signature: &Signature,
) -> Result<(), Refusal> {
    if signature.service != "s3" {
        let message = format!(
            "The authorization header is malformed; incorrect service \"{}\". This endpoint \
             belongs to \"s3\".",
            signature.service
        );
        return Err(Refusal::new(400, "AuthorizationHeaderMalformed", message));
    }
    let of_bucket = state.buckets.get(&asked.bucket).map(|bucket| &bucket.region);
    let Some(expected) = state.settings.s3_region.as_ref().or(of_bucket) else { return Ok(()) };
    if signature.region != *expected {
        let (code, what) = if signature.expires.is_some() {
            let what = "Error parsing the X-Amz-Credential parameter";
            ("AuthorizationQueryParametersError", what)
        } else {
            ("AuthorizationHeaderMalformed", "The authorization header is malformed")
        };
        let wrong = &signature.region;
        let message = format!("{what}; the region '{wrong}' is wrong; expecting '{expected}'");
        let region = of_bucket.unwrap_or(expected);
        return Err(Refusal::new(400, code, message)
            .element("Region", expected)
            .header("x-amz-bucket-region", region));
    }
    match of_bucket {
        Some(region) if region != expected && asked.operation != Operation::GetBucketLocation => {
            let message = "The bucket you are attempting to access must be addressed using the \
                           specified endpoint. Please send all future requests to this endpoint.";
            Err(Refusal::new(301, "PermanentRedirect", message)
                .element("Endpoint", format!("s3.{region}.amazonaws.com"))
                .element("Bucket", &asked.bucket)
                .header("x-amz-bucket-region", region))
        }
        _ => Ok(()),
    }
}

/// Checks date and signature.
pub(super) fn check_signature(
    state: &State,
    asked: &Asked<'_>,
    signature: &Signature,
    principal: &Principal,
    hash: &str,
) -> Result<(), Refusal> {
    let now = state.request_now();
    if !signature.stamp.starts_with(&signature.day) {
        let message = format!(
            "The authorization header is malformed; Invalid credential date \"{}\". This date is \
             not the same as X-Amz-Date: \"{}\".",
            signature.day,
            signature.stamp.get(..8).unwrap_or_default()
        );
        return Err(Refusal::new(400, "AuthorizationHeaderMalformed", message));
    }
    if let Some(expires) = signature.expires {
        if signature.at + expires < now {
            return Err(Refusal::new(403, "AccessDenied", "Request has expired"));
        }
        if signature.at > now + SKEW {
            return Err(Refusal::new(403, "AccessDenied", "Request is not yet valid"));
        }
    } else if (signature.at - now).abs() > SKEW {
        let message = "The difference between the request time and the current time is too large.";
        return Err(Refusal::new(403, "RequestTimeTooSkewed", message)
            .element("RequestTime", &signature.stamp)
            .element("MaxAllowedSkewMilliseconds", SKEW.whole_milliseconds().to_string()));
    }
    if let Some(name) = signature.unsigned_header(asked.request) {
        let message = "There were headers present in the request which were not signed";
        return Err(Refusal::new(403, "AccessDenied", message).element("HeadersNotSigned", name));
    }
    if signature.is_by(principal.secret(), asked.request, hash, PathEncoding::Once) {
        return Ok(());
    }
    let canonical = signature.canonical(asked.request, hash, PathEncoding::Once);
    Err(wrong_signature()
        .element("AWSAccessKeyId", &signature.access_key_id)
        .element("SignatureProvided", &signature.hex)
        .element("CanonicalRequest", canonical))
}

/// Checks that somebody may do this with an object, or with the bucket where there is no key.
pub(super) fn allow(
    state: &State,
    principal: &Principal,
    action: &str,
    (bucket, key): (&str, Option<&str>),
    context: Context,
) -> Result<(), Refusal> {
    let resource = match key {
        Some(key) => format!("arn:aws:s3:::{bucket}/{key}"),
        None => format!("arn:aws:s3:::{bucket}"),
    };
    let is_foreign =
        state.buckets.get(bucket).is_some_and(|one| one.account != principal.account());
    if is_foreign {
        // Only a policy of the bucket could allow it, and there is none.
        return Err(Refusal::new(403, "AccessDenied", "Access Denied"));
    }
    let context = about(principal, context);
    let question = Question { action, resource: &resource, context: &context };
    let own = identity_verdict(state, principal, question);
    let session = match principal {
        Principal::Session(session) => {
            session.policy.as_ref().map_or(Verdict::Allowed, |policy| policy.decide(question))
        }
        Principal::User(_) => Verdict::Allowed,
    };
    let because = match (own, session) {
        (Verdict::Allowed, Verdict::Allowed) => return Ok(()),
        (Verdict::Denied, _) => "with an explicit deny in an identity-based policy".to_owned(),
        (_, Verdict::Denied) => "with an explicit deny in a session policy".to_owned(),
        (Verdict::Silent, _) => {
            format!("because no identity-based policy allows the {action} action")
        }
        (_, Verdict::Silent) => format!("because no session policy allows the {action} action"),
    };
    let message = format!(
        "User: {} is not authorized to perform: {action} on resource: \"{resource}\" {because}",
        principal.arn()
    );
    Err(Refusal::new(403, "AccessDenied", message))
}

fn about(principal: &Principal, mut context: Context) -> Context {
    context = context.with("aws:PrincipalAccount", principal.account());
    match principal {
        Principal::User(user) => {
            context.with("aws:username", &user.name).with("aws:PrincipalArn", &user.arn)
        }
        Principal::Session(session) => {
            for (key, value) in &session.tags {
                context = context.with(&format!("aws:PrincipalTag/{key}"), value);
            }
            context.with("aws:PrincipalArn", &session.role_arn).with("aws:userid", &session.id)
        }
    }
}

/// The refusal that an object is missing: to who may not list, it is denied.
pub(super) fn missing(state: &State, principal: &Principal, bucket: &str, key: &str) -> Refusal {
    if state.settings.hide_missing
        && let Err(denied) =
            allow(state, principal, "s3:ListBucket", (bucket, None), Context::default())
    {
        return denied;
    }
    Refusal::new(404, "NoSuchKey", "The specified key does not exist.").element("Key", key)
}
