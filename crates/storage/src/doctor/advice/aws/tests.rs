use super::*;
use crate::doctor::advice::testing::{assert_told, text};

const ROLE: &str = "arn:aws:iam::444455556666:role/team/lake";
const USER: &str = "arn:aws:iam::111122223333:user/cat";

fn names() -> AwsNames {
    AwsNames {
        role: Some(ROLE.to_owned()),
        external_id: Some("x'1".to_owned()),
        caller: Some(USER.to_owned()),
        bucket: "warehouse".to_owned(),
        path: "db/lake".to_owned(),
        region: "eu-west-1".to_owned(),
        lifetime_s: 7200,
        ..AwsNames::default()
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a row a misconfiguration")]
fn each_misconfiguration_has_its_cause_and_its_remedy() {
    let minio = AwsNames {
        role: None,
        external_id: None,
        endpoint: Some("http://minio:9000".to_owned()),
        ..names()
    };
    let assume = "AssumeRole of arn:aws:iam::444455556666:role/team/lake was refused: \
        AccessDenied: \
                  User: arn:aws:iam::111122223333:user/cat is not authorized to perform: \
                  sts:AssumeRole on resource: arn:aws:iam::444455556666:role/team/lake";
    let own_half =
        format!("{assume} because no identity-based policy allows the sts:AssumeRole action");
    let trust =
        format!("{assume} because no resource-based policy allows the sts:AssumeRole action");
    let tags = assume.replace("sts:AssumeRole", "sts:TagSession");
    let denied = |action: &str| {
        format!(
            "Access to s3://warehouse/db was denied: AccessDenied: User: x is not authorized to \
             perform: {action} on resource: \"r\" because no identity-based policy allows the \
             {action} action"
        )
    };
    let (list, put) = (denied("s3:ListBucket"), denied("s3:PutObject"));
    let table: &[(&str, &str, &AwsNames, &str, &str)] = &[
        (
            "identity",
            "The server has no AWS credentials: nothing",
            &names(),
            "no identity in AWS",
            "AWS_ACCESS_KEY_ID=",
        ),
        (
            "identity",
            "The server's own access key AKIA for GetCallerIdentity was refused: \
             InvalidClientTokenId: The security token included in the request is invalid.",
            &names(),
            "does not know the server's access key",
            "list-access-keys",
        ),
        (
            "identity",
            "The server's own access key AKIA for GetCallerIdentity was refused: \
             SignatureDoesNotMatch: The request signature we calculated does not match",
            &names(),
            "The server's secret key does not belong",
            "polaris.storage.aws.secret-key",
        ),
        (
            "assume-role",
            "The server's own access key ASIA for AssumeRole was refused: ExpiredToken: The \
             security token included in the request is expired",
            &names(),
            "session token has ended",
            "get-caller-identity",
        ),
        (
            "identity",
            "SignatureDoesNotMatch: Signature expired: 20240101T000000Z is now earlier than",
            &names(),
            "clock is wrong",
            "timedatectl",
        ),
        (
            "assume-role",
            assume,
            &names(),
            "One of three",
            "update-assume-role-policy --role-name lake",
        ),
        (
            "assume-role",
            assume,
            &names(),
            "another external id than 'x'1'",
            "\"sts:ExternalId\": \"x'1\"",
        ),
        (
            "assume-role",
            &own_half,
            &names(),
            "No policy of arn:aws:iam::111122223333:user/cat lets it assume",
            "put-user-policy --user-name cat",
        ),
        (
            "assume-role",
            &trust,
            &names(),
            "does not name arn:aws:iam::111122223333:user/cat",
            "\"AWS\": \"arn:aws:iam::111122223333:user/cat\"",
        ),
        ("assume-role", &tags, &names(), "sts:TagSession is missing", "get-role --role-name lake"),
        (
            "assume-role",
            "AssumeRole of r was refused: ValidationError: The requested DurationSeconds exceeds \
             the MaxSessionDuration set for this role.",
            &names(),
            "longer than the role allows",
            "update-role --role-name lake --max-session-duration 7200",
        ),
        (
            "assume-role",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by \
             role chaining.",
            &names(),
            "longer than the role allows",
            "=3600",
        ),
        (
            "assume-role",
            "The catalog's storage has no roleArn: AWS gives narrowed credentials only for a role",
            &AwsNames { role: None, ..names() },
            "for a role only",
            "roleArn",
        ),
        (
            "assume-role",
            "RegionDisabledException: STS is not activated in this region",
            &names(),
            "not active in eu-west-1",
            "Activate it",
        ),
        (
            "identity",
            "GetCallerIdentity failed: it answered HTTP 404 without an error of STS; is this \
             endpoint one?",
            &minio,
            "There is no STS at http://minio:9000",
            "\"stsUnavailable\":true",
        ),
        (
            "assume-role",
            "AssumeRole at http://minio:9000 failed: error trying to connect: tcp connect error: \
             Connection refused",
            &minio,
            "Nobody answers at http://minio:9000",
            "curl -sv http://minio:9000",
        ),
        (
            "list",
            "The store of s3://warehouse/db is not available: dns error: failed to lookup address",
            &names(),
            "AWS is not reached",
            "endpointInternal",
        ),
        (
            "write",
            "The request for s3://w/x was refused: AuthorizationHeaderMalformed: The authorization \
             header is malformed; the region 'eu-west-1' is wrong; expecting 'eu-central-1'",
            &names(),
            "is in eu-central-1, and the catalog says eu-west-1",
            "{\"storageConfigInfo\":{\"region\":\"eu-central-1\"}}",
        ),
        (
            "region",
            "the bucket is in the region 'us-east-2'",
            &names(),
            "is in us-east-2",
            "us-east-2",
        ),
        (
            "list",
            "The request was refused: Received redirect without LOCATION, this normally indicates \
             an incorrectly configured region",
            &names(),
            "not the region",
            "get-bucket-location --bucket warehouse",
        ),
        (
            "list",
            "s3://warehouse does not exist: NoSuchBucket: The specified bucket does not exist",
            &names(),
            "There is no bucket warehouse",
            "aws s3 mb s3://warehouse --region eu-west-1",
        ),
        ("list", &list, &names(), "may not list the bucket", "s3:ListBucket"),
        (
            "write",
            &put,
            &names(),
            "may not write objects below s3://warehouse/db/lake",
            "arn:aws:s3:::warehouse/db/lake/*",
        ),
        (
            "write",
            "AccessDenied: User: u is not authorized to perform: s3:PutObject with an explicit \
             deny in a service control policy",
            &names(),
            "denies it expressly",
            "get-bucket-policy --bucket warehouse",
        ),
        (
            "write",
            "AccessDenied: User: u is not authorized to perform: kms:GenerateDataKey on this \
             resource",
            &names(),
            "a key that the catalog does not name",
            "get-bucket-encryption",
        ),
        (
            "write",
            "InvalidArgument: Server side encryption specified but KMS is not configured",
            &minio,
            "has no key management",
            "\"kmsUnavailable\":true",
        ),
        (
            "refused-outside",
            "with credentials for s3://warehouse/a alone, s3://warehouse/b could be written",
            &minio,
            "ignores session policies",
            "\"stsUnavailable\":true",
        ),
        (
            "refused-outside",
            "with credentials for s3://warehouse/a alone, s3://warehouse/b could be read",
            &names(),
            "lets everybody in",
            "put-public-access-block",
        ),
        (
            "server-access",
            "Access to s3://w/x was denied: AccessDenied: Access Denied",
            &AwsNames { role: None, ..names() },
            "has no role to act in",
            "s3:PutObject",
        ),
    ];
    for (step, said, names, cause, remedy) in table {
        assert_told(&advise(step, said, names), (step, said), cause, remedy);
    }
}

#[test]
fn both_halves_of_the_trust_are_policies_that_can_be_used_as_they_stand() {
    let advice = advise("assume-role", "AccessDenied: not authorized", &names());

    let statements: Vec<Value> = advice
        .remedies
        .iter()
        .filter_map(|remedy| serde_json::from_str(remedy.text.as_deref()?).ok())
        .collect();
    assert_eq!(
        statements,
        [
            json!({
                "Effect": "Allow",
                "Principal": {"AWS": USER},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": "x'1"}},
            }),
            json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": ROLE}),
        ]
    );
    // A quote in a name ends no word.
    let command = advice.remedies[1].text.as_deref().unwrap();
    assert!(command.contains(r#""sts:ExternalId":"x'\''1""#), "{command}");
}

#[test]
fn a_session_is_trusted_by_its_role_and_given_rights_through_it() {
    let caller = "arn:aws-cn:sts::111122223333:assumed-role/merak server/i-0123";
    let names = AwsNames { caller: Some(caller.to_owned()), has_session_tags: true, ..names() };

    let advice = advise("assume-role", "AccessDenied: not authorized", &names);

    let text = text(&advice);
    assert!(text.contains("\"arn:aws-cn:iam::111122223333:role/merak server\""), "{text}");
    assert!(text.contains("put-role-policy --role-name 'merak server'"), "{text}");
    assert!(text.contains("\"sts:TagSession\""), "{text}");
}
