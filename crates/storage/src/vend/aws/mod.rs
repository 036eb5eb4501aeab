//! AWS: STS sessions, narrowed by an inline session policy.

mod arn;
mod assume;
mod errors;
mod policy;
mod sts;
mod sts_address;
#[cfg(test)]
mod tests;

pub(crate) use policy::is_of_aws;
pub use sts::{AwsVendor, CallerIdentity};
