//! Policies judged by an evaluator of their own, and calls against a service of our own.

mod iam;
mod narrowing;
mod policy;
mod sts;

use merak_model::Location;
use merak_model::storage_config::S3Config;

use crate::vend::{DataAccess, LocationGrant};

const ROLE: &str = "arn:aws:iam::123456789012:role/lake";

fn grant(access: DataAccess, locations: &[&str]) -> LocationGrant {
    let locations = locations.iter().map(|text| Location::parse(text).unwrap()).collect();
    LocationGrant::new(locations, access).unwrap()
}

fn role() -> S3Config {
    S3Config { role_arn: Some(ROLE.to_owned()), ..S3Config::default() }
}
