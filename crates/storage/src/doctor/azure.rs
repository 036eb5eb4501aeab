//! Azure: an identity's token, the account's delegation key, a signature made with it.

use std::sync::Arc;

use merak_model::Location;
use merak_model::storage_config::AzureConfig;
use secrecy::{ExposeSecret as _, SecretString};

use super::advice::Advice;
use super::advice::azure::{AzureNames, advise, flat, has_directories, not_set};
use super::probe::{self, Places, TooWide};
use super::walk::Walk;
use super::{DiagnosisRequest, configuration, http, server_access};
use crate::Storage;
use crate::vend::azure::AzureAddress;
use crate::vend::{AzureVendor, CredentialVendor as _};

/// The version of the Data Lake API that is asked.
const VERSION: &str = "2023-11-03";

pub(super) async fn examine(
    storage: &Storage,
    azure: &AzureConfig,
    asked: &DiagnosisRequest,
    walk: &mut Walk,
) {
    let config = &asked.store.config;
    let mut address = None;
    let further = |base: &Location| {
        let found = AzureAddress::of(&storage.settings.azure, config, base)?;
        asked.check_request(storage, base)?;
        let detail = format!(
            "container {} of the account {}, tenant {}",
            found.container,
            found.account,
            if azure.tenant_id.is_empty() { "of the server" } else { &azure.tenant_id }
        );
        address = Some(found);
        Ok(detail)
    };
    let base = configuration::check(asked, walk, further);
    let (Some(base), Some(address)) = (base, address) else {
        walk.skip_all(&["identity", "delegation-key", "hierarchical", "sign"], "configuration");
        walk.skip_all(&probe::STEPS, "configuration");
        return;
    };
    let mut names = AzureNames {
        tenant: azure.tenant_id.clone(),
        client_id: storage.settings.azure.client_id.clone(),
        oid: None,
        account: address.account.clone(),
        container: address.container.clone(),
        host: address.host.clone(),
        hierarchical: azure.hierarchical == Some(true),
    };
    // A fresh one: what the server keeps could be from before somebody mended, or broke, something.
    let vendor = AzureVendor::new(storage.settings.azure.clone(), Arc::clone(&storage.clock));
    let is_somebody = identity(&vendor, &mut names, walk).await;
    if let Some(why) = asked.why_nothing_is_vended() {
        for step in ["delegation-key", "hierarchical", "sign"].into_iter().chain(probe::STEPS) {
            walk.skip(step, why);
        }
    } else if is_somebody && has_key(&vendor, asked, &base, &names, walk).await {
        let answer = is_hierarchical(storage, &vendor, azure, &address);
        let is_hierarchical = tokio::time::timeout_at(walk.deadline(), answer).await.ok().flatten();
        judge_hierarchy(is_hierarchical, &names, walk);
        try_signature(storage, &vendor, asked, (&base, is_hierarchical), &names, walk).await;
    } else {
        let failed = if is_somebody { "delegation-key" } else { "identity" };
        if !is_somebody {
            walk.skip_all(&["delegation-key"], failed);
        }
        walk.skip_all(&["hierarchical", "sign"], failed);
        walk.skip_all(&probe::STEPS, failed);
    }
    server_access::examine(storage, asked, &base, walk, &|step, said| advise(step, said, &names))
        .await;
}

/// Who the server is, if it is somebody.
async fn identity(vendor: &AzureVendor, names: &mut AzureNames, walk: &mut Walk) -> bool {
    let known = names.clone();
    let claims = walk.step("identity", |said| advise("identity", said, &known), async {
        let claims = vendor.access_token(&known.tenant).await.map_err(|error| error.to_string())?;
        let or = |claim: &Option<String>| claim.clone().unwrap_or_else(|| "not said".to_owned());
        let detail = format!(
            "by {}: application {}, object id {}, in the tenant {}",
            claims.source,
            or(&claims.appid.clone().or_else(|| known.client_id.clone())),
            or(&claims.oid),
            or(&claims.tid)
        );
        Ok((claims, detail))
    });
    let Some(claims) = claims.await else { return false };
    names.oid = claims.oid;
    names.client_id = claims.appid.or(names.client_id.take());
    true
}

/// Whether the server gets a key of the account.
async fn has_key(
    vendor: &AzureVendor,
    asked: &DiagnosisRequest,
    base: &Location,
    names: &AzureNames,
    walk: &mut Walk,
) -> bool {
    let key = walk.step("delegation-key", |said| advise("delegation-key", said, names), async {
        let key = vendor.delegation_key(&asked.store.config, base).await;
        let key = key.map_err(|error| error.to_string())?;
        Ok(((), format!("the account {} gave one that ends at {}", key.account, key.expiry)))
    });
    key.await.is_some()
}

/// Whether the account has a hierarchical namespace, if it tells: only such a one knows what the
/// access list of a directory is.
#[expect(clippy::disallowed_methods, reason = "to the account that the token is for")]
async fn is_hierarchical(
    storage: &Storage,
    vendor: &AzureVendor,
    azure: &AzureConfig,
    address: &AzureAddress,
) -> Option<bool> {
    let token: SecretString = vendor.own_token(&azure.tenant_id).await.ok()?;
    let url = format!("{}/{}/?action=getAccessControl", address.dfs_url, address.container);
    let answer = http::send(storage, |client| {
        client.head(url).header("x-ms-version", VERSION).bearer_auth(token.expose_secret()).build()
    });
    let answer = answer.await.ok()?;
    // An emulator that does not know the question says so by 400, too.
    let code = answer.headers().get("x-ms-error-code").and_then(|code| code.to_str().ok());
    match answer.status().as_u16() {
        200 if answer.headers().contains_key("x-ms-acl") => Some(true),
        400 | 409 if code.is_some_and(|code| code.contains("HierarchicalNamespace")) => Some(false),
        _ => None,
    }
}

fn judge_hierarchy(is_hierarchical: Option<bool>, names: &AzureNames, walk: &mut Walk) {
    let account = &names.account;
    match (names.hierarchical, is_hierarchical) {
        (true, Some(false)) => {
            let said = format!(
                "the catalog says that {account} has a hierarchical namespace, and it has none"
            );
            walk.fail("hierarchical", said, flat(names));
        }
        (false, Some(true)) => {
            let said =
                format!("{account} has a hierarchical namespace, and the catalog does not say so");
            walk.warn("hierarchical", said, not_set(names));
        }
        (_, Some(true)) => {
            walk.pass("hierarchical", "signatures open one directory");
        }
        (_, Some(false)) => {
            walk.pass("hierarchical", format!("{account} is flat, and the catalog says so"));
        }
        (_, None) => {
            walk.skip(
                "hierarchical",
                format!("{account} does not tell whether it has directories"),
            );
        }
    }
}

async fn try_signature(
    storage: &Storage,
    vendor: &AzureVendor,
    asked: &DiagnosisRequest,
    (base, is_hierarchical): (&Location, Option<bool>),
    names: &AzureNames,
    walk: &mut Walk,
) {
    let config = &asked.store.config;
    let advice = |step: &str, said: &str| advise(step, said, names);
    let signed = walk.step("sign", |said| advice("sign", said), async {
        let places = Places::below(base)?;
        let request = asked.request(&places.folder).map_err(|error| error.to_string())?;
        let vended = vendor.vend(&request).await.map_err(|error| error.to_string())?;
        let store = storage.open_with(config, &places.inside, &vended.secret).await;
        let store = store.map_err(|error| error.to_string())?;
        let opens = if names.hierarchical {
            format!("the directory {}", places.folder)
        } else {
            format!("the whole container {}", names.container)
        };
        Ok(((places, store), format!("it opens {opens}, as {}", vended.id)))
    });
    let Some((places, store)) = signed.await else {
        walk.skip_all(&probe::STEPS, "sign");
        return;
    };
    let too_wide = if names.hierarchical {
        TooWide::Failure
    } else {
        TooWide::Known(container_wide(is_hierarchical, names))
    };
    probe::examine(walk, &store, &places, &advice, too_wide).await;
    // Where it is not known, there may be some.
    if is_hierarchical != Some(false) {
        // There, folders stay when their files go.
        probe::remove_folders(&store, &places).await;
    }
}

fn container_wide(is_hierarchical: Option<bool>, names: &AzureNames) -> Advice {
    match is_hierarchical {
        Some(true) => not_set(names),
        Some(false) => flat(names),
        None => has_directories(names),
    }
}
