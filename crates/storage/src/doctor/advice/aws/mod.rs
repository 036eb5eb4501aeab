//! AWS, and stores that speak S3.

mod files;
#[cfg(test)]
mod tests;
mod trust;

use serde_json::{Value, json};

use super::{Advice, is_unreachable, says, sh};

/// All that is known of a catalog in S3 and of who the server is there.
#[derive(Debug, Clone, Default)]
pub(in crate::doctor) struct AwsNames {
    pub(in crate::doctor) role: Option<String>,
    pub(in crate::doctor) external_id: Option<String>,
    /// The server's own ARN, once it is known.
    pub(in crate::doctor) caller: Option<String>,
    pub(in crate::doctor) bucket: String,
    /// The base location's path in the bucket.
    pub(in crate::doctor) path: String,
    pub(in crate::doctor) region: String,
    /// Where the store is, if it is not AWS.
    pub(in crate::doctor) endpoint: Option<String>,
    /// Where STS is, if the catalog says so.
    pub(in crate::doctor) sts: Option<String>,
    pub(in crate::doctor) kms_key: Option<String>,
    pub(in crate::doctor) has_session_tags: bool,
    pub(in crate::doctor) lifetime_s: u64,
}

impl AwsNames {
    /// The address that a step goes to, if it is not one of AWS.
    fn address_of(&self, step: &str) -> Option<&str> {
        let sts = matches!(step, "identity" | "assume-role").then_some(self.sts.as_ref()).flatten();
        sts.or(self.endpoint.as_ref()).map(String::as_str)
    }
}

/// What a failed step comes from.
pub(in crate::doctor) fn advise(step: &str, said: &str, names: &AwsNames) -> Advice {
    if let Some(advice) = of_identity(said) {
        return advice;
    }
    if let Some(advice) = of_address(step, said, names) {
        return advice;
    }
    match step {
        "assume-role" => trust::of_role(said, names),
        "refused-outside" => files::too_wide(names),
        "server-access" if names.role.is_none() => files::of_own_access(said, names),
        _ => files::of_data(step, said, names),
    }
}

/// The server's own keys.
fn of_identity(said: &str) -> Option<Advice> {
    if says(said, &["has no AWS credentials", "has no credentials"]) {
        return Some(
            Advice::new("The server has no identity in AWS")
                .say(
                    "In AWS, give the server a role: EKS pod identity or IRSA, an ECS task role, \
                     or \
                     an instance profile",
                )
                .give(
                    "Elsewhere, set keys of a user in the server's environment, and start it again",
                    "AWS_ACCESS_KEY_ID=...\nAWS_SECRET_ACCESS_KEY=...",
                ),
        );
    }
    // A vended session that ends is not the server's own.
    let own = says(said, &["The server's own access key", "GetCallerIdentity"]);
    if says(said, &["ExpiredToken", "token included in the request is expired"]) {
        return Some(
            Advice::new("The server's session token has ended: it was given temporary keys")
                .say("Set newer ones and start the server again, or give it a role")
                .give("See whose keys they are", "aws sts get-caller-identity"),
        );
    }
    if says(
        said,
        &["RequestTimeTooSkewed", "RequestExpired", "Signature expired", "not yet current"],
    ) {
        return Some(
            Advice::new("The server's clock is wrong")
                .give("See by how much, and set it", "timedatectl status"),
        );
    }
    if says(said, &["InvalidClientTokenId", "InvalidAccessKeyId", "UnrecognizedClient"]) {
        return Some(
            Advice::new(
                "The store does not know the server's access key: it was deleted or \
                         deactivated, has a typing error, or belongs to another store",
            )
            .give("See which keys the user has", "aws iam list-access-keys --user-name ...")
            .say("Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to a pair that is active"),
        );
    }
    if says(said, &["SignatureDoesNotMatch"]) && !says(said, &["valid region", "correct service"]) {
        let whose = if own { "The server's secret key" } else { "A secret key" };
        return Some(Advice::new(format!("{whose} does not belong to its access key")).say(
            "Set AWS_SECRET_ACCESS_KEY (or polaris.storage.aws.secret-key) anew: look for a \
                     cut-off end, a line break or quotes in it",
        ));
    }
    None
}

/// Regions and endpoints.
fn of_address(step: &str, said: &str, names: &AwsNames) -> Option<Advice> {
    if says(
        said,
        &[
            "AuthorizationHeaderMalformed",
            "PermanentRedirect",
            "redirect without LOCATION",
            "IllegalLocationConstraint",
            "is in the region",
            "valid region",
        ],
    ) {
        let right = right_region(said);
        let advice = Advice::new(match &right {
            Some(right) => format!(
                "The bucket {} is in {right}, and the catalog says {}",
                names.bucket, names.region
            ),
            None => format!("{} is not the region of this endpoint or bucket", names.region),
        });
        let bucket = sh(&names.bucket);
        return Some(match right {
            Some(right) => advice.give(
                "Set the region of the catalog's storage",
                json!({"storageConfigInfo": {"region": right}}).to_string(),
            ),
            None => advice.give(
                "Ask in which region the bucket is, and set it as the catalog's region",
                format!("aws s3api get-bucket-location --bucket {bucket}"),
            ),
        });
    }
    if says(said, &["RegionDisabled"]) {
        return Some(
            Advice::new(format!("STS is not active in {}", names.region))
                .say("Activate it in the account's settings of IAM, or set another region"),
        );
    }
    if says(said, &["NoSuchBucket", "bucket does not exist"]) {
        let bucket = sh(&names.bucket);
        let region = sh(&names.region);
        return Some(
            Advice::new(format!("There is no bucket {}", names.bucket))
                .give("See which there are", format!("aws s3api head-bucket --bucket {bucket}"))
                .give("Make it", format!("aws s3 mb s3://{} --region {region}", sh(&names.bucket))),
        );
    }
    if says(said, &["without an error of STS", "InvalidAction", "Could not find operation"])
        && matches!(step, "identity" | "assume-role")
    {
        return Some(no_sts(step, names));
    }
    if is_unreachable(said) {
        let endpoint = names.address_of(step);
        let advice = Advice::new(match endpoint {
            Some(endpoint) => format!(
                "Nobody answers at {endpoint}: the endpoint is wrong, or a \
                                       firewall or proxy is in the way"
            ),
            None => format!("AWS is not reached from the server, or {} is no region", names.region),
        });
        let aws = || format!("https://sts.{}.amazonaws.com", names.region);
        let url = endpoint.map_or_else(aws, str::to_owned);
        return Some(
            advice.give("Try it from where the server runs", format!("curl -sv {}", sh(&url))).say(
                "Set endpointInternal and stsEndpoint if the server reaches the store by \
                     another name than clients do",
            ),
        );
    }
    None
}

/// The region that a store says is right.
fn right_region(said: &str) -> Option<String> {
    let marks = ["expecting '", "is in the region '"];
    let (_, after) = marks.iter().find_map(|mark| said.split_once(mark))?;
    let (region, _) = after.split_once('\'')?;
    let is_region =
        region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    (is_region && !region.is_empty()).then(|| region.to_owned())
}

fn no_sts(step: &str, names: &AwsNames) -> Advice {
    let endpoint = names.address_of(step).unwrap_or("this endpoint");
    Advice::new(format!("There is no STS at {endpoint}"))
        .say("Set stsEndpoint to where the store has one")
        .give(
            "If it has none, say so: then nothing is vended, and clients ask for remote-signing or \
         bring keys of their own",
            json!({"storageConfigInfo": {"stsUnavailable": true}}).to_string(),
        )
}

fn document(statements: &[Value]) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn pretty(value: &Value) -> String {
    format!("{value:#}")
}

/// The name of a role, by which IAM's commands know it.
fn role_name(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}
