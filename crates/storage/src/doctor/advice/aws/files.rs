//! What may be done with files, and what must not be.

use serde_json::json;

use super::super::{Advice, says, sh};
use super::{AwsNames, document, pretty, role_name};

/// What narrowed credentials were refused: then the role itself may not do it.
pub(super) fn of_data(step: &str, said: &str, names: &AwsNames) -> Advice {
    if says(said, &["kms:", "KMS."]) {
        return of_kms(names);
    }
    if names.endpoint.is_some() && says(said, &["encryption", "sse", "KMS"]) {
        return Advice::new("The store has no key management").give(
            "Say so: then policies do not name keys",
            json!({"storageConfigInfo": {"kmsUnavailable": true}}).to_string(),
        );
    }
    let what = match step {
        "list" => "list the bucket",
        "write" => "write objects",
        "read" => "read objects",
        "delete" => "delete objects",
        _ => "do that",
    };
    if says(said, &["explicit deny"]) {
        return Advice::new(format!(
            "A policy denies it expressly: one of the bucket {}, of the role, of the organization \
             (SCP), or of a VPC endpoint",
            names.bucket
        ))
        .give(
            "See the bucket's",
            format!("aws s3api get-bucket-policy --bucket {}", sh(&names.bucket)),
        );
    }
    let who = match &names.role {
        Some(role) => format!("The role {role}"),
        None => "The identity that credentials are narrowed from".to_owned(),
    };
    let denied = says(said, &["AccessDenied", "Access Denied", "denied", "403", "Forbidden"]);
    if !denied {
        return Advice::new("The store could not do it").say(
            "See what the store said, and whether the catalog's endpoint, region and \
             pathStyleAccess are right",
        );
    }
    let advice =
        Advice::new(format!("{who} may not {what} below s3://{}/{}", names.bucket, names.path));
    with_role_policy(advice, names).give(
        "A bucket of another account must allow it too; see its policy",
        format!("aws s3api get-bucket-policy --bucket {}", sh(&names.bucket)),
    )
}

fn with_role_policy(advice: Advice, names: &AwsNames) -> Advice {
    let partition = partition(names.role.as_deref());
    let bucket = format!("arn:{partition}:s3:::{}", names.bucket);
    let objects = match names.path.as_str() {
        "" => format!("{bucket}/*"),
        path => format!("{bucket}/{path}/*"),
    };
    let document = document(&[
        json!({"Effect": "Allow",
               "Action": ["s3:ListBucket", "s3:GetBucketLocation"],
               "Resource": bucket}),
        json!({"Effect": "Allow",
               "Action": ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject"],
               "Resource": objects}),
    ]);
    let advice = advice.give("This is what it needs", pretty(&document));
    match &names.role {
        None => advice,
        Some(role) => advice.give(
            "Give it to the role",
            format!(
                "aws iam put-role-policy --role-name {} --policy-name merak-files \
                 --policy-document {}",
                sh(role_name(role)),
                sh(&document.to_string())
            ),
        ),
    }
}

fn of_kms(names: &AwsNames) -> Advice {
    let key = names.kms_key.as_deref().unwrap_or("<the ARN of the bucket's key>");
    let who = names.role.as_deref().unwrap_or("the role");
    let advice = Advice::new(if names.kms_key.is_some() {
        format!("{who} may not use the key {key}")
    } else {
        format!(
            "The bucket {} is encrypted with a key that the catalog does not name",
            names.bucket
        )
    });
    let advice = if names.kms_key.is_some() {
        advice
    } else {
        advice
            .give(
                "See which key it is",
                format!("aws s3api get-bucket-encryption --bucket {}", sh(&names.bucket)),
            )
            .give(
                "Name it in the catalog's storage",
                json!({"storageConfigInfo": {"currentKmsKey": key}}).to_string(),
            )
    };
    advice.give(
        "The role needs this, and the key's own policy must let the role's account use it",
        pretty(&json!({
            "Effect": "Allow",
            "Action": ["kms:GenerateDataKey", "kms:Decrypt", "kms:DescribeKey"],
            "Resource": key,
        })),
    )
}

pub(super) fn too_wide(names: &AwsNames) -> Advice {
    match &names.endpoint {
        Some(endpoint) => Advice::new(format!(
            "The store at {endpoint} ignores session policies: whoever is given credentials for \
             one table reaches all that the role reaches"
        ))
        .say("Use a store whose STS keeps to the Policy parameter of AssumeRole (as MinIO does)")
        .give(
            "Or vend nothing from this catalog: clients ask for remote-signing or bring keys of \
             their own",
            json!({"storageConfigInfo": {"stsUnavailable": true}}).to_string(),
        ),
        None => Advice::new(format!(
            "The bucket {} lets everybody in, whatever the session policy says",
            names.bucket
        ))
        .give(
            "See its policy: one that names the session itself, or everybody, is not bounded by a \
             session policy",
            format!("aws s3api get-bucket-policy --bucket {}", sh(&names.bucket)),
        )
        .give(
            "Close it to the public",
            format!(
                "aws s3api put-public-access-block --bucket {} \
                 --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,\
                 BlockPublicPolicy=true,RestrictPublicBuckets=true",
                sh(&names.bucket)
            ),
        ),
    }
}

/// The server's access as itself, where the catalog has no role.
pub(super) fn of_own_access(said: &str, names: &AwsNames) -> Advice {
    let who = names.caller.as_deref().unwrap_or("The server's own identity");
    if !says(said, &["AccessDenied", "denied", "Forbidden"]) {
        return of_data("server-access", said, names);
    }
    let advice = Advice::new(format!(
        "{who} may not write metadata below s3://{}/{}, and the catalog has no role to act in",
        names.bucket, names.path
    ));
    with_role_policy(advice, names)
}

fn partition(arn: Option<&str>) -> &str {
    let partition = arn.and_then(|arn| arn.strip_prefix("arn:")?.split(':').next());
    partition.filter(|text| text.starts_with("aws")).unwrap_or("aws")
}
