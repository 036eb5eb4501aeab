//! `DeleteObjects`: each key is judged by itself, and the answer is 200 whatever happened.

use crate::aws::chunked::Payload;
use crate::aws::policy::Context;
use crate::aws::request::{Answered, Refusal};
use crate::aws::state::{Principal, State};
use crate::aws::xml::{Element, element, wrap};

use super::access::allow;
use super::objects::is_md5;
use super::{Asked, malformed_xml, xml};

pub(super) fn delete(
    state: &mut State,
    asked: &Asked<'_>,
    principal: &Principal,
    payload: &Payload,
) -> Answered {
    let Asked { bucket, .. } = asked;
    state.bucket(bucket)?;
    if payload.checksums.is_empty() && !asked.header("content-md5").is_some_and(|md5| is_md5(&md5))
    {
        let message = "Missing required header for this request: Content-MD5 OR x-amz-checksum-*";
        return Err(Refusal::new(400, "InvalidRequest", message));
    }
    let document = Element::parse(&payload.body).filter(|root| root.name == "Delete");
    let document = document.ok_or_else(malformed_xml)?;
    let objects: Vec<_> = document.all("Object").collect();
    if objects.is_empty() || objects.len() > 1000 {
        return Err(malformed_xml());
    }
    let is_quiet = document.child("Quiet") == Some("true");
    let mut result = Vec::new();
    for object in objects {
        let key = object.child("Key").ok_or_else(malformed_xml)?;
        let name = (bucket.as_str(), Some(key));
        match allow(state, principal, "s3:DeleteObject", name, Context::default()) {
            Ok(()) => {
                state.bucket(bucket)?.objects.remove(key);
                if !is_quiet {
                    result.push(wrap("Deleted", &[element("Key", key)]));
                }
            }
            Err(refusal) => {
                let told = [
                    element("Key", key),
                    element("Code", &refusal.code),
                    element("Message", &refusal.message),
                ];
                result.push(wrap("Error", &told));
            }
        }
    }
    Ok(xml("DeleteResult", &result.concat()))
}
