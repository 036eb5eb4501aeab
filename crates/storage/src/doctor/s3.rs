//! S3 and stores that speak its protocol: the server's identity, and a session of the catalog's role.

use merak_model::Location;
use merak_model::storage_config::S3Config;

use super::advice::aws::{AwsNames, advise};
use super::probe::{self, Places, TooWide};
use super::walk::Walk;
use super::{DiagnosisRequest, configuration, http, server_access};
use crate::Storage;
use crate::io::S3Address;
use crate::vend::aws::is_of_aws;

/// How a role's ARN is formed.
const ROLE_FORM: &str = "arn:aws:iam::<account of 12 digits>:role/<name>";

pub(super) async fn examine(
    storage: &Storage,
    s3: &S3Config,
    asked: &DiagnosisRequest,
    walk: &mut Walk,
) {
    let mut address = None;
    let further = |base: &Location| {
        let found = storage.s3_address(s3, base)?;
        if let Some(role) = &s3.role_arn
            && is_of_aws(&found.endpoint)
        {
            // Other stores have ARNs of other forms.
            check_role(role)?;
        }
        asked.check_request(storage, base)?;
        let acts = match &s3.role_arn {
            Some(role) => format!("in the role {role}"),
            None => "without a role".to_owned(),
        };
        let detail =
            format!("bucket {} in {} at {}, {acts}", found.bucket, found.region, found.endpoint);
        address = Some(found);
        Ok(detail)
    };
    let base = configuration::check(asked, walk, further);
    let (Some(base), Some(address)) = (base, address) else {
        walk.skip_all(&["endpoint", "identity", "assume-role"], "configuration");
        walk.skip_all(&probe::STEPS, "configuration");
        walk.skip_all(&[server_access::SERVER_ACCESS], "configuration");
        return;
    };
    let mut names = AwsNames {
        role: s3.role_arn.clone(),
        external_id: s3.external_id.clone(),
        caller: None,
        bucket: address.bucket.clone(),
        path: base.path().to_owned(),
        region: address.region.clone(),
        endpoint: (!is_of_aws(&address.endpoint)).then(|| address.endpoint.clone()),
        sts: s3.sts_endpoint.clone(),
        kms_key: s3.current_kms_key.clone(),
        has_session_tags: !asked.session.tags.is_empty(),
        lifetime_s: asked.store.lifetime.as_secs(),
    };
    let answers = endpoint(storage, &address, &names, walk).await;
    if let Some(why) = asked.why_nothing_is_vended() {
        if s3.sts_unavailable == Some(true) {
            walk.skip("identity", why);
        } else {
            _ = identity(storage, asked, &mut names, walk).await;
        }
        for step in ["assume-role"].into_iter().chain(probe::STEPS) {
            walk.skip(step, why);
        }
    } else {
        let failed = identity(storage, asked, &mut names, walk).await;
        try_session(storage, asked, &base, (answers, failed), &names, walk).await;
    }
    if answers {
        let advice = |step: &str, said: &str| advise(step, said, &names);
        server_access::examine(storage, asked, &base, walk, &advice).await;
    } else {
        walk.skip_all(&[server_access::SERVER_ACCESS], "endpoint");
    }
}

fn check_role(role: &str) -> Result<(), String> {
    let parts: Vec<_> = role.splitn(6, ':').collect();
    let is_role = matches!(parts[..], ["arn", partition, "iam", "", account, name]
        if partition.starts_with("aws")
            && account.len() == 12
            && account.bytes().all(|byte| byte.is_ascii_digit())
            && name.strip_prefix("role/").is_some_and(|name| !name.is_empty()));
    if is_role {
        return Ok(());
    }
    Err(format!("roleArn '{}' is not of the form {ROLE_FORM}", role.escape_debug()))
}

/// Whether the store answers, and has the bucket in that region: AWS says so to anybody.
async fn endpoint(
    storage: &Storage,
    address: &S3Address,
    names: &AwsNames,
    walk: &mut Walk,
) -> bool {
    let url = if address.virtual_hosted {
        format!("{}/", address.endpoint)
    } else {
        format!("{}/{}", address.endpoint, address.bucket)
    };
    let answered = walk.step("endpoint", |said| advise("endpoint", said, names), async {
        let answer = http::send(storage, |client| client.head(url).build()).await?;
        let status = answer.status().as_u16();
        let region = answer.headers().get("x-amz-bucket-region");
        match region.and_then(|region| region.to_str().ok()) {
            Some(region) if region != address.region => Err(format!(
                "the bucket {} is in the region '{region}', and the catalog says {}",
                address.bucket, address.region
            )),
            Some(region) => Ok(((), format!("the bucket is in {region}"))),
            None if status == 404 && is_of_aws(&address.endpoint) => {
                Err(format!("NoSuchBucket: there is no bucket {}", address.bucket))
            }
            None => Ok(((), format!("{} answers (HTTP {status})", address.endpoint))),
        }
    });
    answered.await.is_some()
}

/// Who the server is; what failed if it is nobody. Some stores do not say.
async fn identity(
    storage: &Storage,
    asked: &DiagnosisRequest,
    names: &mut AwsNames,
    walk: &mut Walk,
) -> Option<&'static str> {
    let known = names.clone();
    let asked = storage.aws.caller_identity(&asked.store.config);
    let asked = tokio::time::timeout_at(walk.deadline(), asked).await;
    let said = match asked {
        Ok(Ok(caller)) => {
            let detail = format!("the server is {}, of the account {}", caller.arn, caller.account);
            walk.pass("identity", detail);
            names.caller = Some(caller.arn).filter(|arn| !arn.is_empty());
            return None;
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => super::walk::NO_ANSWER.to_owned(),
    };
    if known.endpoint.is_some() && !is_about_the_server(&said) {
        walk.skip("identity", format!("the store does not say who the server is: {said}"));
        return None;
    }
    let advice = advise("identity", &said, &known);
    walk.fail("identity", said, advice);
    Some("identity")
}

/// Whether it was the server's own keys that were refused, or that are missing. Else, a store that
/// is not AWS has `AssumeRole` all the same, and seldom anything else of STS.
fn is_about_the_server(said: &str) -> bool {
    ["The server's own access key", "has no AWS credentials"]
        .iter()
        .any(|words| said.contains(words))
}

async fn try_session(
    storage: &Storage,
    asked: &DiagnosisRequest,
    base: &Location,
    (answers, failed): (bool, Option<&'static str>),
    names: &AwsNames,
    walk: &mut Walk,
) {
    if let Some(failed) = failed {
        walk.skip_all(&["assume-role"], failed);
        walk.skip_all(&probe::STEPS, failed);
        return;
    }
    let config = &asked.store.config;
    let advice = |step: &str, said: &str| advise(step, said, names);
    let assumed = walk.step("assume-role", |said| advice("assume-role", said), async {
        let places = Places::below(base)?;
        let request = asked.request(&places.folder).map_err(|error| error.to_string())?;
        let vendor = storage.vending.vendor(config).map_err(|error| error.to_string())?;
        let vended = vendor.vend(&request).await.map_err(|error| error.to_string())?;
        let store = storage.open_with(config, &places.inside, &vended.secret).await;
        let store = store.map_err(|error| error.to_string())?;
        let detail = format!("a session for {}, with the key {}", places.folder, vended.id);
        Ok(((places, store), detail))
    });
    match assumed.await {
        None => walk.skip_all(&probe::STEPS, "assume-role"),
        Some(_) if !answers => walk.skip_all(&probe::STEPS, "endpoint"),
        Some((places, store)) => {
            probe::examine(walk, &store, &places, &advice, TooWide::Failure).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_roles_are_roles() {
        for role in
            ["arn:aws:iam::123456789012:role/lake", "arn:aws-cn:iam::123456789012:role/team/lake"]
        {
            check_role(role).unwrap();
        }
        for role in [
            "lake",
            "arn:aws:iam::1:role/lake",
            "arn:aws:iam::123456789012:user/lake",
            "arn:aws:sts::123456789012:assumed-role/lake/x",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:s3:::lake",
        ] {
            assert!(check_role(role).is_err(), "{role}");
        }
    }
}
