//! Requests as clients send them, and as those send them who want more.

mod allowed;
mod hostile;
mod signature;

use merak_model::Location;
use merak_model::storage_config::S3Config;

use super::{JudgedS3Request, S3RequestToSign, SignRefusal, judge};
use crate::vend::{DataAccess, LocationGrant};

const AWS: &str = "https://lake.s3.eu-west-1.amazonaws.com";

fn grant(access: DataAccess, locations: &[&str]) -> LocationGrant {
    let locations = locations.iter().map(|text| Location::parse(text).unwrap()).collect();
    LocationGrant::new(locations, access).unwrap()
}

fn request(method: &str, uri: &str) -> S3RequestToSign {
    S3RequestToSign {
        method: method.to_owned(),
        uri: uri.to_owned(),
        region: "eu-west-1".to_owned(),
        headers: Vec::new(),
        body: None,
    }
}

fn with(header: (&str, &str), mut request: S3RequestToSign) -> S3RequestToSign {
    request.headers.push((header.0.to_owned(), vec![header.1.to_owned()]));
    request
}

fn with_body(body: &str, mut request: S3RequestToSign) -> S3RequestToSign {
    request.body = Some(body.to_owned());
    request
}

/// What is judged by the right to write below `s3://lake/db/t` and `s3://my.lake/x`.
fn writing(request: &S3RequestToSign) -> Result<JudgedS3Request, SignRefusal> {
    let grant = grant(DataAccess::Write, &["s3://lake/db/t", "s3://my.lake/x"]);
    judge(request, &S3Config::default(), &grant)
}

fn at_endpoint(endpoint: &str, request: &S3RequestToSign) -> Result<JudgedS3Request, SignRefusal> {
    let config = S3Config { endpoint: Some(endpoint.to_owned()), ..S3Config::default() };
    judge(request, &config, &grant(DataAccess::Write, &["s3://lake/db/t"]))
}
