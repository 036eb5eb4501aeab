//! The two halves of a trust: that the server may assume the role, and that the role lets it.

use serde_json::{Value, json};

use super::super::{Advice, says, sh};
use super::{AwsNames, document, no_sts, pretty, role_name};

/// `AssumeRole`.
pub(super) fn of_role(said: &str, names: &AwsNames) -> Advice {
    let Some(role) = &names.role else {
        if says(said, &["has no roleArn"]) {
            return Advice::new("AWS gives narrowed credentials for a role only").give(
                "Set a role for the catalog to act in",
                json!({"storageConfigInfo": {"roleArn": "arn:aws:iam::<account>:role/<role>"}})
                    .to_string(),
            );
        }
        return no_sts("assume-role", names);
    };
    let name = sh(role_name(role));
    if says(said, &["MaxSessionDuration", "1 hour session limit", "DurationSeconds"]) {
        let seconds = names.lifetime_s;
        let chained = says(said, &["role chaining"]);
        let advice = Advice::new(format!(
            "Credentials are to live {seconds} seconds, which is longer than the role allows"
        ));
        let flag = "Or let them live shorter: polaris.features.\
                    \"STORAGE_CREDENTIAL_DURATION_SECONDS\"";
        return if chained {
            // A role that was got by a role lives an hour at most, whatever is set.
            advice.give(
                "Let them live an hour at most: the server itself acts in a role",
                "polaris.features.\"STORAGE_CREDENTIAL_DURATION_SECONDS\"=3600",
            )
        } else {
            advice
                .give(
                    "Let the role's sessions live longer (up to 43200)",
                    format!(
                        "aws iam update-role --role-name {name} --max-session-duration {}",
                        seconds.clamp(3600, 43_200)
                    ),
                )
                .say(flag)
        };
    }
    if says(said, &["MalformedPolicyDocument", "PackedPolicyTooLarge", "too large"]) {
        return Advice::new("STS does not take the session policy")
            .say("Shorten the catalog's base location, or leave session tags away");
    }
    let caller = names.caller.as_deref().unwrap_or("<the server's ARN>");
    let tagging = says(said, &["sts:TagSession"]);
    let own_half = says(said, &["no identity-based policy allows"]);
    let roles_half = says(said, &["no resource-based policy allows", "trust policy"]);
    let cause = if tagging {
        format!(
            "Session tags are asked for, and sts:TagSession is missing in one of two places: \
                 the trust policy of {role}, and the policy of {caller}"
        )
    } else if own_half {
        format!("No policy of {caller} lets it assume {role}")
    } else if roles_half {
        format!("The trust policy of {role} does not name {caller}, or wants another external id")
    } else if says(said, &["AccessDenied", "not authorized"]) {
        let id = match &names.external_id {
            Some(id) => format!("wants another external id than '{id}'"),
            None => "wants an external id, and the catalog has none".to_owned(),
        };
        format!(
            "One of three, and AWS does not say which: the trust policy of {role} does not name \
             {caller}, or {id}; no policy of {caller} lets it assume the role; or there is no \
             such role"
        )
    } else {
        format!("STS does not let the server act in {role}")
    };
    let trust = Advice::new(cause);
    let advice = if own_half { trust } else { with_trust(trust, role, names) };
    let advice = with_permission(advice, role, names);
    let advice = if own_half { with_trust(advice, role, names) } else { advice };
    advice.give(
        "See whether there is such a role, and whom it trusts",
        format!("aws iam get-role --role-name {name}"),
    )
}

fn with_trust(advice: Advice, role: &str, names: &AwsNames) -> Advice {
    let principal = names.caller.as_deref().map_or("<the server's ARN>".to_owned(), iam_arn);
    let mut statement = json!({
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": actions(names),
    });
    if let Some(id) = &names.external_id {
        statement["Condition"] = json!({"StringEquals": {"sts:ExternalId": id}});
    }
    advice
        .give(
            format!("The role's half: this statement belongs in the trust policy of {role}"),
            pretty(&statement),
        )
        .give(
            "If the role is to trust nobody else, set it so",
            format!(
                "aws iam update-assume-role-policy --role-name {} --policy-document {}",
                sh(role_name(role)),
                sh(&document(&[statement]).to_string())
            ),
        )
}

fn with_permission(advice: Advice, role: &str, names: &AwsNames) -> Advice {
    let caller = names.caller.as_deref().unwrap_or_default();
    let statement = json!({"Effect": "Allow", "Action": actions(names), "Resource": role});
    let advice = advice.give(
        "The server's half: this statement belongs in a policy of the server's own identity",
        pretty(&statement),
    );
    let policy = sh(&document(&[statement]).to_string());
    let name = format!("merak-assume-{}", role_name(role));
    let name = sh(&name);
    match owner(caller) {
        Some(("user", user)) => advice.give(
            format!("Give it to the user {user}"),
            format!(
                "aws iam put-user-policy --user-name {} --policy-name {name} --policy-document \
                 {policy}",
                sh(user)
            ),
        ),
        Some((_, own_role)) => advice.give(
            format!("Give it to the role {own_role}, which the server acts in"),
            format!(
                "aws iam put-role-policy --role-name {} --policy-name {name} --policy-document \
                 {policy}",
                sh(own_role)
            ),
        ),
        None => advice,
    }
}

fn actions(names: &AwsNames) -> Value {
    if names.has_session_tags {
        json!(["sts:AssumeRole", "sts:TagSession"])
    } else {
        json!("sts:AssumeRole")
    }
}

/// Whom a trust policy names: of a session, its role.
fn iam_arn(caller: &str) -> String {
    let parts: Vec<_> = caller.splitn(6, ':').collect();
    if let [arn, partition, "sts", region, account, rest] = parts[..]
        && let Some(role) = rest.strip_prefix("assumed-role/")
    {
        let role = role.split('/').next().unwrap_or(role);
        return format!("{arn}:{partition}:iam:{region}:{account}:role/{role}");
    }
    caller.to_owned()
}

/// Whether an ARN is that of a user or of a role's session, and its name.
fn owner(caller: &str) -> Option<(&'static str, &str)> {
    let (_, rest) = caller.rsplit_once(':')?;
    if let Some(user) = rest.strip_prefix("user/") {
        return Some(("user", role_name(user)));
    }
    let role = rest.strip_prefix("assumed-role/")?;
    Some(("role", role.split('/').next()?))
}
