//! STS: `AssumeRole` and `GetCallerIdentity`.
//!
//! From <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>.

mod parameters;

use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use parameters::Wanted;
pub(crate) use parameters::record;

use super::calls::AssumedRole;
use super::policy::{Context, Policy, Question, Trust, Verdict};
use super::request::{Answered, Refusal, Request, answer, pairs, value};
use super::sigv4::{PathEncoding, SKEW, Signature, sha256, stamp};
use super::state::{Principal, Role, Session, State, random};
use super::xml::element;

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// What a request asks for: the parameters of its form, or of its query.
pub(crate) fn parameters(request: &Request) -> Vec<(String, String)> {
    if request.method == http::Method::GET {
        return request.query.clone();
    }
    pairs(&String::from_utf8_lossy(&request.body))
}

/// Answers a request, and says who made it.
pub(crate) fn serve(state: &mut State, request: &Request, who: &mut Option<String>) -> Answered {
    let parameters = parameters(request);
    let action = value(&parameters, "Action").unwrap_or_default();
    let mut record = (action == "AssumeRole").then(|| record(&parameters));
    let answered = authenticate(state, request).and_then(|principal| {
        *who = Some(principal.arn().to_owned());
        match (action, value(&parameters, "Version")) {
            ("AssumeRole", Some("2011-06-15")) => {
                assume_role(state, &principal, &parameters, record.as_mut())
            }
            ("GetCallerIdentity", Some("2011-06-15")) => Ok(caller_identity(&principal)),
            ("", _) => Err(Refusal::new(400, "MissingAction", "Could not find an action.")),
            (_, version) => {
                let version = version.unwrap_or("NO_VERSION_SPECIFIED");
                let message = format!("Could not find operation {action} for version {version}");
                Err(Refusal::new(400, "InvalidAction", message))
            }
        }
    });
    if let Some(mut record) = record {
        record.code = answered.as_ref().err().map(|refusal| refusal.code.clone());
        state.assumed.push(record);
    }
    answered
}

/// A refusal as STS words it.
pub(crate) fn refused(refusal: &Refusal) -> axum::response::Response {
    let id = uuid::Uuid::new_v4().to_string();
    let kind = if refusal.status < 500 { "Sender" } else { "Receiver" };
    let body = format!(
        "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error>{}{}{}</Error>{}</ErrorResponse>",
        element("Type", kind),
        element("Code", &refusal.code),
        element("Message", &refusal.message),
        element("RequestId", &id),
    );
    answer(refusal.status, &headers(&id), body)
}

fn headers(id: &str) -> [(String, String); 2] {
    [
        ("content-type".to_owned(), "text/xml".to_owned()),
        ("x-amzn-requestid".to_owned(), id.to_owned()),
    ]
}

fn authenticate(state: &State, request: &Request) -> Result<Principal, Refusal> {
    let signature = Signature::read(request)
        .map_err(|why| Refusal::new(400, "IncompleteSignature", why))?
        .ok_or_else(|| {
            let message = "Request is missing Authentication Token";
            Refusal::new(403, "MissingAuthenticationToken", message)
        })?;
    let unknown = || {
        let message = "The security token included in the request is invalid.";
        Refusal::new(403, "InvalidClientTokenId", message)
    };
    let principal = if let Some(user) = state.users.get(&signature.access_key_id) {
        if signature.token.is_some() {
            return Err(unknown());
        }
        Principal::User(user.clone())
    } else {
        let session = state.sessions.get(&signature.access_key_id).ok_or_else(unknown)?;
        if signature.token.as_ref() != Some(&session.token) {
            return Err(unknown());
        }
        if session.expires <= state.session_now() {
            let message = "The security token included in the request is expired";
            return Err(Refusal::new(403, "ExpiredToken", message));
        }
        Principal::Session(session.clone())
    };
    let mismatch = |message: String| Refusal::new(403, "SignatureDoesNotMatch", message);
    if signature.service != "sts" {
        return Err(mismatch("Credential should be scoped to correct service: 'sts'. ".to_owned()));
    }
    if state.settings.sts_region.as_ref().is_some_and(|region| *region != signature.region) {
        return Err(mismatch("Credential should be scoped to a valid region. ".to_owned()));
    }
    if !signature.stamp.starts_with(&signature.day) {
        return Err(mismatch(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from \
             HTTP: '{}' != '{}', from '{}'.",
            signature.day,
            signature.stamp.get(..8).unwrap_or_default(),
            signature.stamp
        )));
    }
    check_date(&signature, state.request_now()).map_err(mismatch)?;
    let is_signed = signature.unsigned_header(request).is_none()
        && signature.is_by(
            principal.secret(),
            request,
            &sha256(&request.body),
            PathEncoding::Twice,
        );
    if !is_signed {
        return Err(mismatch(
            "The request signature we calculated does not match the signature you provided. \
             Check your AWS Secret Access Key and signing method. Consult the service \
             documentation for details."
                .to_owned(),
        ));
    }
    Ok(principal)
}

fn check_date(signature: &Signature, now: OffsetDateTime) -> Result<(), String> {
    let (sent, here) = (&signature.stamp, stamp(now));
    let life = signature.expires.map_or(SKEW, |expires| expires.max(SKEW));
    if signature.at < now - life {
        let earliest = stamp(now - life);
        return Err(format!(
            "Signature expired: {sent} is now earlier than {earliest} ({here} - 15 min.)"
        ));
    }
    if signature.at > now + SKEW {
        let latest = stamp(now + SKEW);
        return Err(format!(
            "Signature not yet current: {sent} is still later than {latest} ({here} + 15 min.)"
        ));
    }
    Ok(())
}

fn caller_identity(principal: &Principal) -> axum::response::Response {
    let id = match principal {
        Principal::User(user) => unique_id("AIDA", &user.arn),
        Principal::Session(session) => session.id.clone(),
    };
    let result = format!(
        "{}{}{}",
        element("Arn", principal.arn()),
        element("UserId", &id),
        element("Account", principal.account()),
    );
    answered("GetCallerIdentity", &result)
}

fn answered(operation: &str, result: &str) -> axum::response::Response {
    let id = uuid::Uuid::new_v4().to_string();
    let body = format!(
        "<{operation}Response xmlns=\"{NAMESPACE}\"><{operation}Result>{result}\
         </{operation}Result><ResponseMetadata>{}</ResponseMetadata></{operation}Response>",
        element("RequestId", &id),
    );
    answer(200, &headers(&id), body)
}

fn assume_role(
    state: &mut State,
    principal: &Principal,
    parameters: &[(String, String)],
    record: Option<&mut AssumedRole>,
) -> Answered {
    let wanted = Wanted::read(parameters, &state.settings)?;
    let denied = |action: &str| {
        Refusal::new(
            403,
            "AccessDenied",
            format!(
                "User: {} is not authorized to perform: {action} on resource: {}",
                principal.arn(),
                wanted.role_arn
            ),
        )
    };
    // A role that is missing is denied like one that may not be taken.
    let role = state.roles.get(&wanted.role_arn).ok_or_else(|| denied("sts:AssumeRole"))?.clone();
    let context = wanted.context(principal);
    let mut actions = vec!["sts:AssumeRole"];
    if !wanted.tags.is_empty() {
        actions.push("sts:TagSession");
    }
    for action in actions {
        if !may(state, principal, &role, action, &context) {
            return Err(denied(action));
        }
    }
    let limit = match principal {
        Principal::User(_) => role.max_session,
        Principal::Session(_) => 3600,
    };
    if wanted.duration > limit {
        let message = match principal {
            Principal::User(_) => {
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
            }
            Principal::Session(_) => {
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed \
                 by role chaining."
            }
        };
        return Err(Refusal::new(400, "ValidationError", message));
    }
    let session = open(state, &role, &wanted);
    if let Some(record) = record {
        record.access_key_id = Some(session.access_key_id.clone());
    }
    let result = issued(&session, &wanted);
    state.sessions.insert(session.access_key_id.clone(), session);
    Ok(answered("AssumeRole", &result))
}

/// Whether somebody may do this with a role.
///
/// Within an account the trust policy is enough, if it names them; between accounts, and where it
/// names their account only, their own policy must allow it too:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>.
fn may(state: &State, principal: &Principal, role: &Role, action: &str, context: &Context) -> bool {
    let question = Question { action, resource: &role.arn, context };
    let own = identity_verdict(state, principal, question);
    let session = match principal {
        Principal::Session(Session { policy: Some(policy), .. }) => policy.decide(question),
        Principal::Session(_) | Principal::User(_) => Verdict::Allowed,
    };
    if own == Verdict::Denied || session != Verdict::Allowed {
        return false;
    }
    let is_within = principal.account() == role.account;
    match role.trust.trusts(question, principal.account(), &principal.arns()) {
        Trust::Denied | Trust::Silent => false,
        Trust::Named => is_within || own == Verdict::Allowed,
        Trust::ByAccount => own == Verdict::Allowed,
    }
}

/// What the policy of a user, or of a session's role, says.
pub(crate) fn identity_verdict(
    state: &State,
    principal: &Principal,
    question: Question<'_>,
) -> Verdict {
    let policy: Option<&Policy> = match principal {
        Principal::User(user) => user.policy.as_ref(),
        Principal::Session(session) => {
            state.roles.get(&session.role_arn).and_then(|role| role.policy.as_ref())
        }
    };
    policy.map_or(Verdict::Silent, |policy| policy.decide(question))
}

fn open(state: &State, role: &Role, wanted: &Wanted) -> Session {
    let name = &wanted.session_name;
    let expires = state.session_now() + Duration::seconds(wanted.duration.into());
    Session {
        arn: format!("arn:aws:sts::{}:assumed-role/{}/{name}", role.account, role.name),
        id: format!("{}:{name}", unique_id("AROA", &role.arn)),
        role_arn: role.arn.clone(),
        account: role.account.clone(),
        access_key_id: format!("ASIA{}", random(16)),
        secret: random(40),
        // With the characters of base64, so that a client must escape them.
        token: format!("IQoJb3JpZ2luX2Vj//{}+{}==", random(200), random(100)),
        policy: wanted.policy.clone(),
        tags: wanted.tags.clone(),
        expires: expires.replace_nanosecond(0).unwrap_or(expires),
    }
}

fn issued(session: &Session, wanted: &Wanted) -> String {
    let expires = session.expires.format(&Rfc3339).unwrap_or_default();
    format!(
        "<AssumedRoleUser>{}{}</AssumedRoleUser><Credentials>{}{}{}{}</Credentials>{}{}",
        element("AssumedRoleId", &session.id),
        element("Arn", &session.arn),
        element("AccessKeyId", &session.access_key_id),
        element("SecretAccessKey", &session.secret),
        element("SessionToken", &session.token),
        element("Expiration", &expires),
        wanted.packed_size().map(|size| element("PackedPolicySize", &size)).unwrap_or_default(),
        element("SessionTokenSize", &session.token.len().to_string()),
    )
}

/// An id of 21 characters that is the same for the same name.
fn unique_id(prefix: &str, arn: &str) -> String {
    format!("{prefix}{}", &sha256(arn.as_bytes())[..17]).to_uppercase()
}
