//! Buckets as a whole.

use crate::aws::chunked::Payload;
use crate::aws::policy::Context;
use crate::aws::request::{Answered, Refusal};
use crate::aws::state::{Principal, REGION, State};
use crate::aws::xml::{Element, element, wrap};

use super::access::allow;
use super::{Asked, empty, iso, malformed_xml, xml};

pub(super) fn list(state: &State, principal: &Principal) -> Answered {
    allow(state, principal, "s3:ListAllMyBuckets", ("*", None), Context::default())?;
    let own = state.buckets.iter().filter(|(_, bucket)| bucket.account == principal.account());
    let buckets: Vec<_> = own
        .map(|(name, _)| {
            let created = iso(time::OffsetDateTime::UNIX_EPOCH);
            wrap("Bucket", &[element("Name", name), element("CreationDate", &created)])
        })
        .collect();
    let owner = wrap("Owner", &[element("ID", principal.account())]);
    Ok(xml("ListAllMyBucketsResult", &(owner + &wrap("Buckets", &buckets))))
}

pub(super) fn create(
    state: &mut State,
    asked: &Asked<'_>,
    principal: &Principal,
    payload: &Payload,
) -> Answered {
    let name = &asked.bucket;
    if let Principal::Session(_) = principal {
        // Whatever its role may: what the double vends keys for never makes buckets.
        let message = format!(
            "User: {} is not authorized to perform: s3:CreateBucket on resource: \
             \"arn:aws:s3:::{name}\"",
            principal.arn()
        );
        return Err(Refusal::new(403, "AccessDenied", message));
    }
    allow(state, principal, "s3:CreateBucket", (name, None), Context::default())?;
    let is_name = (3..=63).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c));
    if !is_name {
        return Err(Refusal::new(400, "InvalidBucketName", "The specified bucket is not valid."));
    }
    if state.buckets.contains_key(name) {
        let message = "Your previous request to create the named bucket succeeded and you already \
                       own it.";
        return Err(Refusal::new(409, "BucketAlreadyOwnedByYou", message));
    }
    let region = if payload.body.is_empty() {
        state.settings.s3_region.clone().unwrap_or_else(|| REGION.to_owned())
    } else {
        let read = Element::parse(&payload.body).ok_or_else(malformed_xml)?;
        read.child("LocationConstraint").ok_or_else(malformed_xml)?.to_owned()
    };
    state.put_bucket(name, &region, principal.account());
    Ok(empty(200, &[("location".to_owned(), format!("/{name}"))]))
}

pub(super) fn head(state: &mut State, asked: &Asked<'_>, principal: &Principal) -> Answered {
    let region = state.bucket(&asked.bucket)?.region.clone();
    let header = ("x-amz-bucket-region".to_owned(), region.clone());
    allow(state, principal, "s3:ListBucket", (&asked.bucket, None), Context::default())
        .map_err(|refusal| refusal.header("x-amz-bucket-region", region))?;
    Ok(empty(200, &[header]))
}

pub(super) fn location(state: &mut State, asked: &Asked<'_>, principal: &Principal) -> Answered {
    let region = state.bucket(&asked.bucket)?.region.clone();
    allow(state, principal, "s3:GetBucketLocation", (&asked.bucket, None), Context::default())?;
    // The oldest region has no name here.
    let shown = if region == "us-east-1" { "" } else { &region };
    Ok(xml("LocationConstraint", shown))
}
