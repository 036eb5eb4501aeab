//! What a catalog's storage may be.

use merak_model::features::{
    ALLOW_OVERLAPPING_CATALOG_URLS, ALLOW_SETTING_S3_ENDPOINTS,
    ALLOW_UNRESTRICTED_STORAGE_CONFIG_ROLE_CHANGES, ALLOW_WILDCARD_LOCATION, CatalogFeatures,
    STORAGE_CONFIGURATION_MAX_LOCATIONS, SUPPORTED_CATALOG_STORAGE_TYPES,
};
use merak_model::location::StorageType;
use merak_model::storage_config::{AzureConfig, GcsConfig, Provider, S3Config, WILDCARD};
use merak_model::{Entity, Location, Properties, StorageConfig};

use crate::Error;
use crate::locations::{DEFAULT_BASE_LOCATION, storage_config};

/// Judges a storage configuration and fills in the allowed locations that go without saying.
pub(crate) fn check(
    properties: &Properties,
    mut config: StorageConfig,
    features: CatalogFeatures<'_>,
) -> Result<StorageConfig, Error> {
    let storage_type = config.storage_type();
    let supported = features.list(&SUPPORTED_CATALOG_STORAGE_TYPES);
    if !supported.iter().any(|name| name == storage_type.as_str()) {
        return Err(Error::IllegalArgument(format!("Unsupported storage type: {storage_type}")));
    }
    match &config.provider {
        Provider::S3(s3) => check_s3(s3, features)?,
        Provider::Azure(azure) => check_azure(azure)?,
        Provider::Gcs(gcs) => check_gcs(gcs)?,
        Provider::File {} => {}
    }
    let base = properties
        .get(DEFAULT_BASE_LOCATION)
        .filter(|base| !base.trim().is_empty())
        .ok_or_else(|| Error::BadRequest("Must specify default base location".to_owned()))?;
    if config.allowed_locations.is_empty() {
        config.allowed_locations.push(base.clone());
    }
    let max = features.number(&STORAGE_CONFIGURATION_MAX_LOCATIONS);
    if usize::try_from(max).is_ok_and(|max| config.allowed_locations.len() > max) {
        return Err(Error::BadRequest(format!(
            "Number of configured locations ({}) exceeds the limit of {max}",
            config.allowed_locations.len()
        )));
    }
    for allowed in &config.allowed_locations {
        if allowed == WILDCARD {
            if features.is_on(&ALLOW_WILDCARD_LOCATION) {
                continue;
            }
            return Err(Error::BadRequest(
                "The allowed location '*' needs the feature ALLOW_WILDCARD_LOCATION".to_owned(),
            ));
        }
        of_type(allowed, storage_type)?;
    }
    let base = of_type(base, storage_type)?;
    if !config.allows(&base) {
        return Err(Error::BadRequest(format!(
            "Default base location {base} is not within the allowed locations [{}]",
            config.allowed_locations.join(", ")
        )));
    }
    Ok(config)
}

/// Parses a location, and refuses one in another kind of store.
fn of_type(text: &str, storage_type: StorageType) -> Result<Location, Error> {
    let location = Location::parse(text)?;
    if location.storage_type() == storage_type {
        return Ok(location);
    }
    Err(Error::BadRequest(format!(
        "Location prefix not allowed: '{text}', expected prefixes: {}",
        storage_type.prefixes()
    )))
}

fn check_s3(s3: &S3Config, features: CatalogFeatures<'_>) -> Result<(), Error> {
    if !features.is_on(&ALLOW_SETTING_S3_ENDPOINTS) {
        if s3.endpoint.is_some() || s3.endpoint_internal.is_some() || s3.sts_endpoint.is_some() {
            return Err(Error::BadRequest(
                "Explicitly setting S3 endpoints is not allowed.".to_owned(),
            ));
        }
        if s3.sts_unavailable == Some(true) {
            return Err(Error::BadRequest("Explicitly disabling STS is not allowed.".to_owned()));
        }
    }
    let texts = [
        ("roleArn", &s3.role_arn),
        ("externalId", &s3.external_id),
        ("userArn", &s3.user_arn),
        ("region", &s3.region),
        ("endpoint", &s3.endpoint),
        ("endpointInternal", &s3.endpoint_internal),
        ("stsEndpoint", &s3.sts_endpoint),
        ("currentKmsKey", &s3.current_kms_key),
    ];
    for (name, text) in texts {
        let Some(text) = text else { continue };
        refuse_invisible(name, text)?;
        let is_url = name.contains("ndpoint");
        if is_url && !is_address(text) {
            return Err(Error::BadRequest(format!(
                "{name} must be an address that begins with http:// or https://: '{text}'"
            )));
        }
        if is_url && is_link_local(text) {
            // There, machines of clouds find their own credentials.
            return Err(Error::BadRequest(format!("{name} must not be a link-local address")));
        }
    }
    let keys = [
        ("allowedKmsKeys", &s3.allowed_kms_keys),
        ("encryptionKeys", &s3.encryption_keys),
        ("decryptionKeys", &s3.decryption_keys),
    ];
    for (name, key) in keys.iter().flat_map(|(name, keys)| keys.iter().map(move |key| (name, key)))
    {
        refuse_invisible(name, key)?;
    }
    match &s3.role_arn {
        Some(arn) if !is_arn(arn) => {
            Err(Error::BadRequest(format!("Invalid role ARN format: '{arn}'")))
        }
        Some(_) | None => Ok(()),
    }
}

fn check_azure(azure: &AzureConfig) -> Result<(), Error> {
    let texts = [
        ("tenantId", Some(&azure.tenant_id)),
        ("multiTenantAppName", azure.multi_tenant_app_name.as_ref()),
        ("consentUrl", azure.consent_url.as_ref()),
    ];
    for (name, text) in texts {
        refuse_invisible(name, text.map_or("", String::as_str))?;
    }
    // It becomes a part of an address that secrets are sent to. Polaris takes anything: whether there is
    // such a tenant shows when credentials are asked for, and the doctor tells.
    let fits = |c: char| c.is_ascii_alphanumeric() || "-.:".contains(c);
    if azure.tenant_id.is_empty() || !azure.tenant_id.chars().all(fits) {
        return Err(Error::BadRequest(format!(
            "tenantId must be the id or a domain of the storage account's tenant: '{}'",
            azure.tenant_id
        )));
    }
    Ok(())
}

fn check_gcs(gcs: &GcsConfig) -> Result<(), Error> {
    let Some(account) = &gcs.gcs_service_account else { return Ok(()) };
    refuse_invisible("gcsServiceAccount", account)?;
    // It becomes a part of an address, too.
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._:@".contains(c);
    if account.is_empty() || !account.chars().all(fits) {
        return Err(Error::BadRequest(format!(
            "gcsServiceAccount must be the e-mail address of a service account, such as \
             name@project.iam.gserviceaccount.com: '{account}'"
        )));
    }
    Ok(())
}

/// Refuses characters that cannot be seen: copied from a terminal, an ARN easily brings some along.
fn refuse_invisible(name: &str, text: &str) -> Result<(), Error> {
    match text.char_indices().find(|(_, c)| is_invisible(*c)) {
        None => Ok(()),
        Some((at, found)) => Err(Error::BadRequest(format!(
            "{name} contains the invisible character U+{:04X} at position {at}: {}",
            u32::from(found),
            text.escape_debug()
        ))),
    }
}

/// Whether a URL leads to the machine's own link, in whichever form its address is written.
fn is_link_local(text: &str) -> bool {
    let Ok(url) = url::Url::parse(text) else { return false };
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_link_local(),
        Some(url::Host::Ipv6(address)) => {
            address.is_unicast_link_local()
                || address.to_ipv4_mapped().is_some_and(|address| address.is_link_local())
        }
        Some(url::Host::Domain(name)) => name.eq_ignore_ascii_case("metadata.google.internal"),
        None => false,
    }
}

fn is_address(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', ':']))
}

/// Whether a text is `arn:partition:service:region:account:resource`, of AWS or of what imitates it:
/// the region and the account may be empty.
fn is_arn(text: &str) -> bool {
    let parts: Vec<_> = text.splitn(6, ':').collect();
    let must_be_there = [0, 1, 2, 5];
    parts.len() == 6 && must_be_there.iter().all(|part| !parts[*part].trim().is_empty())
}

/// Control characters, and those that are there and cannot be seen.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}' | '\u{feff}' | '\u{a0}')
}

/// Refuses an update that would move a catalog to another account: tables and grants would come
/// along to data that nobody granted.
pub(crate) fn check_change(
    before: &StorageConfig,
    after: &StorageConfig,
    features: CatalogFeatures<'_>,
) -> Result<(), Error> {
    if features.is_on(&ALLOW_UNRESTRICTED_STORAGE_CONFIG_ROLE_CHANGES) {
        return Ok(());
    }
    if before.storage_type() != after.storage_type() {
        return Err(Error::BadRequest(format!(
            "Cannot modify storage type of storage config from {} to {}",
            before.storage_type(),
            after.storage_type()
        )));
    }
    if let (Provider::Azure(before), Provider::Azure(after)) = (&before.provider, &after.provider)
        && before.tenant_id != after.tenant_id
    {
        return Err(Error::BadRequest(format!(
            "Cannot modify TenantId in storage config from {} to {}",
            before.tenant_id, after.tenant_id
        )));
    }
    if let (Provider::S3(before), Provider::S3(after)) = (&before.provider, &after.provider) {
        let (account, other) = (account_of(before), account_of(after));
        if before.role_arn.is_some() && account != other {
            return Err(Error::BadRequest(format!(
                "Cannot modify AWS account ID in storage config from {} to {}",
                account.unwrap_or("null"),
                other.unwrap_or("null")
            )));
        }
        if before.external_id != after.external_id {
            return Err(Error::BadRequest(format!(
                "Cannot modify ExternalId in storage config from {} to {}",
                before.external_id.as_deref().unwrap_or("null"),
                after.external_id.as_deref().unwrap_or("null")
            )));
        }
    }
    Ok(())
}

/// The account of a role: the fifth part of its ARN.
fn account_of(s3: &S3Config) -> Option<&str> {
    s3.role_arn.as_deref()?.split(':').nth(4)
}

/// Refuses a catalog whose locations overlap another's.
pub(crate) fn check_overlap<'a>(
    name: &str,
    properties: &Properties,
    config: &StorageConfig,
    others: impl Iterator<Item = &'a Entity>,
    features: CatalogFeatures<'_>,
) -> Result<(), Error> {
    if features.is_on(&ALLOW_OVERLAPPING_CATALOG_URLS) {
        return Ok(());
    }
    let ours = all_locations(properties, config);
    for other in others {
        let Ok(config) = storage_config(other) else { continue };
        let theirs = all_locations(&other.properties, &config);
        let overlaps = ours
            .iter()
            .any(|our| theirs.iter().any(|their| our.starts_with(their) || their.starts_with(our)));
        if overlaps {
            return Err(Error::Validation(format!(
                "Cannot create Catalog {name}. One or more of its locations overlaps with an \
                 existing catalog"
            )));
        }
    }
    Ok(())
}

/// The base and the allowed locations, in the form overlaps are judged by.
fn all_locations(properties: &Properties, config: &StorageConfig) -> Vec<String> {
    properties
        .get(DEFAULT_BASE_LOCATION)
        .into_iter()
        .chain(&config.allowed_locations)
        .filter_map(|text| Location::parse(text).ok())
        .map(|location| location.comparable())
        .collect()
}
