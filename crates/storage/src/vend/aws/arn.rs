//! Names of roles.

use crate::vend::VendError;

/// What counts of a role's ARN, `arn:<partition>:iam::<account>:role/<name>`. Other stores have
/// names of the same form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RoleArn<'a> {
    pub(super) partition: &'a str,
    pub(super) account: &'a str,
}

impl<'a> RoleArn<'a> {
    pub(super) fn parse(arn: &'a str) -> Result<Self, VendError> {
        let no_role = || {
            let arn = arn.escape_debug();
            VendError::Impossible(format!("'{arn}' is no ARN of a role"))
        };
        let parts: Vec<_> = arn.splitn(6, ':').collect();
        let [_, partition, _, _, account, _] = parts[..] else { return Err(no_role()) };
        let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        if !partition.bytes().all(fits) {
            return Err(no_role());
        }
        // Some stores leave it out.
        let partition = if partition.is_empty() { "aws" } else { partition };
        Ok(Self { partition, account })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_says_which_part_of_aws_it_is_in() {
        for (arn, partition, account) in [
            ("arn:aws:iam::123456789012:role/r", "aws", "123456789012"),
            ("arn:aws-us-gov:iam::123456789012:role/a/b", "aws-us-gov", "123456789012"),
            ("arn:aws-cn:iam::1:role/x:y", "aws-cn", "1"),
            ("urn::iam:::role/x", "aws", ""),
        ] {
            assert_eq!(RoleArn::parse(arn).unwrap(), RoleArn { partition, account }, "{arn}");
        }
    }

    #[test]
    fn what_could_mean_other_buckets_is_no_role() {
        for arn in ["role", "arn:aws:iam::1", "arn:*:iam::1:role/r", "arn:a/b:iam::1:role/r"] {
            let error = RoleArn::parse(arn).unwrap_err();
            assert!(error.to_string().contains("no ARN"), "{arn}: {error}");
        }
    }
}
