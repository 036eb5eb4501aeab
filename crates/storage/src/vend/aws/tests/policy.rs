//! What policies say, in full, and at the edges.

use insta::assert_snapshot;
use merak_model::storage_config::S3Config;

use super::iam::Policy;
use super::{ROLE, grant, role};
use crate::vend::aws::policy::{MAX_CHARACTERS, session_policy};
use crate::vend::{DataAccess, VendError};

fn text(config: &S3Config, access: DataAccess, locations: &[&str]) -> String {
    let policy = session_policy(&grant(access, locations), config).unwrap();
    Policy::parse(&policy.text);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&policy.text).unwrap(), policy.document);
    policy.text.replace("},{", "},\n{")
}

fn in_region() -> S3Config {
    S3Config { region: Some("eu-west-1".to_owned()), ..role() }
}

#[test]
fn a_policy_to_read_can_list_and_get() {
    assert_snapshot!(text(&role(), DataAccess::Read, &["s3://lake/db/t"]), @r#"
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:GetObjectVersion"],"Resource":["arn:aws:s3:::lake/db/t/*"]},
    {"Effect":"Allow","Action":["s3:ListBucket"],"Resource":["arn:aws:s3:::lake"],"Condition":{"StringLike":{"s3:prefix":["db/t","db/t/*"]}}},
    {"Effect":"Allow","Action":["s3:GetBucketLocation"],"Resource":["arn:aws:s3:::lake"]}]}
    "#);
}

#[test]
fn a_policy_to_write_can_put_and_delete_too() {
    assert_snapshot!(
        text(&role(), DataAccess::Write, &["s3://lake/db/t", "s3://lake/db/t2", "s3://other/x"]),
        @r#"
        {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:GetObjectVersion","s3:PutObject","s3:DeleteObject","s3:AbortMultipartUpload","s3:ListMultipartUploadParts"],"Resource":["arn:aws:s3:::lake/db/t/*","arn:aws:s3:::lake/db/t2/*","arn:aws:s3:::other/x/*"]},
        {"Effect":"Allow","Action":["s3:ListBucket"],"Resource":["arn:aws:s3:::lake"],"Condition":{"StringLike":{"s3:prefix":["db/t","db/t/*","db/t2","db/t2/*"]}}},
        {"Effect":"Allow","Action":["s3:ListBucket"],"Resource":["arn:aws:s3:::other"],"Condition":{"StringLike":{"s3:prefix":["x","x/*"]}}},
        {"Effect":"Allow","Action":["s3:GetBucketLocation"],"Resource":["arn:aws:s3:::lake","arn:aws:s3:::other"]}]}
        "#
    );
}

#[test]
fn a_whole_bucket_is_listed_without_a_condition() {
    assert_snapshot!(text(&role(), DataAccess::Read, &["s3://lake", "s3a://lake/db"]), @r#"
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:GetObjectVersion"],"Resource":["arn:aws:s3:::lake/*"]},
    {"Effect":"Allow","Action":["s3:ListBucket"],"Resource":["arn:aws:s3:::lake"]},
    {"Effect":"Allow","Action":["s3:GetBucketLocation"],"Resource":["arn:aws:s3:::lake"]}]}
    "#);
}

#[test]
fn what_could_be_a_pattern_is_escaped_and_what_sts_does_not_take_is_written_in_ascii() {
    let odd = "s3://lake/a*b?c$d{e}\"f'g h%2Fé湖🦆${aws:username}";

    assert_snapshot!(text(&role(), DataAccess::Read, &[odd]), @r#"
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:GetObjectVersion"],"Resource":["arn:aws:s3:::lake/a${*}b${?}c${$}d{e}\"f'g h%2Fé\u6e56\ud83e\udd86${$}{aws:username}/*"]},
    {"Effect":"Allow","Action":["s3:ListBucket"],"Resource":["arn:aws:s3:::lake"],"Condition":{"StringLike":{"s3:prefix":["a${*}b${?}c${$}d{e}\"f'g h%2Fé\u6e56\ud83e\udd86${$}{aws:username}","a${*}b${?}c${$}d{e}\"f'g h%2Fé\u6e56\ud83e\udd86${$}{aws:username}/*"]}}},
    {"Effect":"Allow","Action":["s3:GetBucketLocation"],"Resource":["arn:aws:s3:::lake"]}]}
    "#);
}

#[test]
fn keys_that_were_set_can_be_used() {
    let config = S3Config {
        current_kms_key: Some("arn:aws:kms:eu-west-1:123456789012:key/one".to_owned()),
        allowed_kms_keys: vec![
            "arn:aws:kms:eu-west-1:123456789012:key/two".to_owned(),
            "arn:aws:kms:eu-west-1:123456789012:key/one".to_owned(),
        ],
        ..in_region()
    };

    assert_snapshot!(kms(&config, DataAccess::Read), @r#"{"Effect":"Allow","Action":["kms:DescribeKey","kms:Decrypt"],"Resource":["arn:aws:kms:eu-west-1:123456789012:key/one","arn:aws:kms:eu-west-1:123456789012:key/two"]},"#);
    assert_snapshot!(kms(&config, DataAccess::Write), @r#"{"Effect":"Allow","Action":["kms:DescribeKey","kms:Decrypt","kms:Encrypt","kms:GenerateDataKey","kms:GenerateDataKeyWithoutPlaintext"],"Resource":["arn:aws:kms:eu-west-1:123456789012:key/one","arn:aws:kms:eu-west-1:123456789012:key/two"]},"#);
    assert_snapshot!(kms(&S3Config { kms_unavailable: Some(true), ..config }, DataAccess::Write), @"");
}

#[test]
fn where_no_key_was_set_the_role_bounds_which_are_used() {
    let at = |endpoint: &str| S3Config { endpoint: Some(endpoint.to_owned()), ..in_region() };
    let none = |config: &S3Config| assert_eq!(kms(config, DataAccess::Read), "");

    assert_snapshot!(kms(&in_region(), DataAccess::Read), @r#"{"Effect":"Allow","Action":["kms:DescribeKey","kms:Decrypt"],"Resource":["arn:aws:kms:eu-west-1:123456789012:key/*"]},"#);
    assert_snapshot!(kms(&in_region(), DataAccess::Write), @r#"{"Effect":"Allow","Action":["kms:DescribeKey","kms:Decrypt","kms:Encrypt","kms:GenerateDataKey","kms:GenerateDataKeyWithoutPlaintext"],"Resource":["arn:aws:kms:eu-west-1:123456789012:key/*"]},"#);
    assert_snapshot!(kms(&at("https://vpce-1.s3.eu-west-1.vpce.amazonaws.com"), DataAccess::Read), @r#"{"Effect":"Allow","Action":["kms:DescribeKey","kms:Decrypt"],"Resource":["arn:aws:kms:eu-west-1:123456789012:key/*"]},"#);
    none(&role());
    none(&at("https://minio.example"));
    none(&at("https://amazonaws.com.evil.example"));
    none(&S3Config { region: Some("*".to_owned()), ..role() });
    none(&S3Config { role_arn: Some("arn:aws:iam::*:role/r".to_owned()), ..in_region() });
    none(&S3Config { kms_unavailable: Some(true), ..in_region() });
}

/// What a policy says of keys.
#[test]
fn keys_to_decrypt_with_are_never_encrypted_with() {
    let key = |name: &str| format!("arn:aws:kms:eu-west-1:123456789012:key/{name}");
    let config = S3Config {
        encryption_keys: vec![key("new")],
        decryption_keys: vec![key("old"), key("new")],
        ..in_region()
    };

    assert_snapshot!(kms(&config, DataAccess::Read), @r#"{"Effect":"Allow","Action":["kms:DescribeKey","kms:Decrypt"],"Resource":["arn:aws:kms:eu-west-1:123456789012:key/new","arn:aws:kms:eu-west-1:123456789012:key/old"]},"#);
    assert_snapshot!(kms(&config, DataAccess::Write), @r#"{"Effect":"Allow","Action":["kms:DescribeKey","kms:Decrypt","kms:Encrypt","kms:GenerateDataKey","kms:GenerateDataKeyWithoutPlaintext"],"Resource":["arn:aws:kms:eu-west-1:123456789012:key/new"]},{"Effect":"Allow","Action":["kms:DescribeKey","kms:Decrypt"],"Resource":["arn:aws:kms:eu-west-1:123456789012:key/old"]},"#);
}

fn kms(config: &S3Config, access: DataAccess) -> String {
    let policy = text(config, access, &["s3://lake/t"]);
    policy.lines().filter(|line| line.contains("kms:")).collect()
}

#[test]
fn buckets_are_those_of_the_roles_part_of_aws() {
    for (role, bucket) in [
        ("arn:aws-cn:iam::1:role/r", "arn:aws-cn:s3:::lake"),
        ("arn:aws-us-gov:iam::1:role/r", "arn:aws-us-gov:s3:::lake"),
    ] {
        let config = S3Config { role_arn: Some(role.to_owned()), ..S3Config::default() };

        let policy = text(&config, DataAccess::Read, &["s3://lake/t"]);

        assert!(policy.contains(&format!("\"{bucket}/t/*\"")), "{policy}");
        assert!(!policy.contains("arn:aws:"), "{policy}");
    }
    let without = text(&S3Config::default(), DataAccess::Read, &["s3://lake/t"]);
    assert!(without.contains("\"arn:aws:s3:::lake/t/*\""), "{without}");
}

/// The longest path that still fits, among paths of that many locations.
fn lengths(
    access: DataAccess,
    locations: usize,
) -> impl Iterator<Item = Result<String, VendError>> {
    (1..1990).map(move |length| {
        let names = (0..locations).map(|n| format!("s3://lake/{n}{}", "x".repeat(length)));
        let names: Vec<_> = names.collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        session_policy(&grant(access, &names), &role()).map(|policy| policy.text)
    })
}

#[test]
fn a_policy_is_shortened_until_it_cannot_be() {
    for access in [DataAccess::Read, DataAccess::Write] {
        for locations in [1, 3] {
            let mut longest = 0;
            let mut steps = std::collections::BTreeSet::new();
            let mut refusal = None;
            for result in lengths(access, locations) {
                match result {
                    Ok(policy) => {
                        assert!(refusal.is_none(), "a longer path fits again");
                        let length = policy.chars().count();
                        assert!(length <= MAX_CHARACTERS);
                        longest = longest.max(length);
                        steps.insert((
                            policy.contains("GetObjectVersion"),
                            policy.contains("GetBucketLocation"),
                            policy.matches("xxx\"").count(),
                        ));
                    }
                    Err(error) => _ = refusal.get_or_insert(error),
                }
            }

            // The next character of each path would have been too much.
            assert!(longest > MAX_CHARACTERS - 2 * locations, "{longest} with {locations}");
            assert!(steps.len() >= 3, "{steps:?}");
            let refusal = refusal.unwrap();
            assert!(matches!(&refusal, VendError::Impossible(_)), "{refusal:?}");
            let told = refusal.to_string();
            assert!(told.contains(" characters, and AWS takes 2048"), "{told}");
        }
    }
}

#[test]
fn what_is_in_no_bucket_of_s3_gets_no_policy() {
    for location in ["gs://lake/t", "/lake/t", "s3://la$ke/t", "s3://läke/t"] {
        let error = session_policy(&grant(DataAccess::Read, &[location]), &role()).unwrap_err();

        assert!(matches!(&error, VendError::Impossible(_)), "{location}: {error:?}");
    }
    let config = S3Config { role_arn: Some(ROLE.replace("aws", "*")), ..S3Config::default() };
    let error = session_policy(&grant(DataAccess::Read, &["s3://b/t"]), &config).unwrap_err();
    assert!(error.to_string().contains("no ARN of a role"), "{error}");
}
