//! Google Cloud: an own token, one of the catalog's service account, a narrower one for it.

use std::sync::Arc;

use merak_model::Location;
use merak_model::storage_config::GcsConfig;

use super::advice::google::{GoogleNames, advise};
use super::probe::{self, Places, TooWide};
use super::walk::Walk;
use super::{DiagnosisRequest, configuration, server_access};
use crate::Storage;
use crate::vend::CloudSecret;
use crate::vend::google::{AccessToken, GoogleVendor, check_bucket};

pub(super) async fn examine(
    storage: &Storage,
    gcs: &GcsConfig,
    asked: &DiagnosisRequest,
    walk: &mut Walk,
) {
    let account = gcs.gcs_service_account.as_deref();
    let further = |base: &Location| {
        check_bucket(base.authority()).map_err(|error| error.to_string())?;
        let acts = match account {
            Some(account) => format!("in the service account {account}"),
            None => "as the server itself: the catalog names no gcsServiceAccount".to_owned(),
        };
        asked.check_request(storage, base)?;
        Ok(format!("bucket {}, {acts}", base.authority()))
    };
    let Some(base) = configuration::check(asked, walk, further) else {
        walk.skip_all(&["identity", "impersonate", "downscope"], "configuration");
        walk.skip_all(&probe::STEPS, "configuration");
        return;
    };
    let mut names = GoogleNames {
        bucket: base.authority().to_owned(),
        account: account.map(str::to_owned),
        credentials_file: storage
            .settings
            .google
            .credentials_file
            .as_ref()
            .map(|path| path.display().to_string()),
        ..GoogleNames::default()
    };
    // A fresh one: what the server keeps could be from before somebody mended, or broke, something.
    let vendor = GoogleVendor::new(&storage.settings, Arc::clone(&storage.clock));
    let token = account_token(&vendor, asked, &base, &mut names, walk).await;
    match (asked.why_nothing_is_vended(), token) {
        (Some(why), _) => {
            for step in ["downscope"].into_iter().chain(probe::STEPS) {
                walk.skip(step, why);
            }
        }
        (None, Ok(token)) => {
            try_token(storage, &vendor, asked, (&base, &token), &names, walk).await;
        }
        (None, Err(failed)) => {
            walk.skip_all(&["downscope"], failed);
            walk.skip_all(&probe::STEPS, failed);
        }
    }
    server_access::examine(storage, asked, &base, walk, &|step, said| advise(step, said, &names))
        .await;
}

/// The token that narrower ones are made from, or the step that failed.
async fn account_token(
    vendor: &GoogleVendor,
    asked: &DiagnosisRequest,
    base: &Location,
    names: &mut GoogleNames,
    walk: &mut Walk,
) -> Result<AccessToken, &'static str> {
    let (config, lifetime) = (&asked.store.config, asked.store.lifetime);
    let known = names.clone();
    let source = walk.step("identity", |said| advise("identity", said, &known), async {
        let request = asked.request(base).map_err(|error| error.to_string())?;
        let token = vendor.source_for(&request).await;
        let token = token.map_err(|error| error.to_string())?;
        // Google may tell of whom a token is.
        let identity = match &request.session.attribution {
            Some(_) => token.identity.clone(),
            None => vendor.source_identity().await.unwrap_or_else(|_| token.identity.clone()),
        };
        let detail = format!("the server is {identity}");
        Ok(((token, identity), detail))
    });
    let Some((source, identity)) = source.await else {
        walk.skip_all(&["impersonate"], "identity");
        return Err("identity");
    };
    names.is_person = identity.kind == "authorized_user";
    names.caller = identity.email;
    names.quota_project = identity.quota_project;
    if names.account.is_none() {
        walk.skip("impersonate", "the catalog names no gcsServiceAccount");
        return Ok(source.token);
    }
    let known = names.clone();
    let token = walk.step("impersonate", |said| advise("impersonate", said, &known), async {
        let token = vendor.account_token(config, &source, lifetime).await;
        let token = token.map_err(|error| error.to_string())?;
        let account = known.account.as_deref().unwrap_or_default();
        Ok((token, format!("the server may make tokens of {account}")))
    });
    token.await.ok_or("impersonate")
}

async fn try_token(
    storage: &Storage,
    vendor: &GoogleVendor,
    asked: &DiagnosisRequest,
    (base, token): (&Location, &AccessToken),
    names: &GoogleNames,
    walk: &mut Walk,
) {
    let advice = |step: &str, said: &str| advise(step, said, names);
    let narrowed = walk.step("downscope", |said| advice("downscope", said), async {
        let places = Places::below(base)?;
        let request = asked.request(&places.folder).map_err(|error| error.to_string())?;
        let narrow = vendor.downscoped_token(token, &request.grant).await;
        let narrow = narrow.map_err(|error| error.to_string())?;
        let secret = CloudSecret::Google { token: narrow.value };
        let store = storage.open_with(&asked.store.config, &places.inside, &secret).await;
        let store = store.map_err(|error| error.to_string())?;
        let detail = format!("the token was narrowed to {}", places.folder);
        Ok(((places, store), detail))
    });
    match narrowed.await {
        Some((places, store)) => {
            probe::examine(walk, &store, &places, &advice, TooWide::Failure).await;
        }
        None => walk.skip_all(&probe::STEPS, "downscope"),
    }
}
