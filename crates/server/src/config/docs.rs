//! Keeps `docs/configuration.md` in step with the registry.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use merak_model::features::{ALL, FlagKind, INERT};

use super::features;
use super::inert::WITHOUT_MEANING;
use super::keys::environment_form;
use super::registry::{GROUPS, Row};

const BEGIN: &str = "<!-- Made from the registry: below, nothing is written by hand. -->\n";
const END: &str = "<!-- Above, nothing is written by hand. -->\n";

const INERT_TITLE: &str = "
### Settings of Polaris without effect

They may be set: a line of the log names those that are.

| Setting | Why |
|---|---|
";

#[test]
fn the_documented_settings_are_those_of_the_registry() {
    let path = path();
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the page has the mark where tables begin");
    let (_, after) = rest.split_once(END).expect("the page has the mark where tables end");
    let wanted = format!("{before}{BEGIN}{}{END}{after}", tables());

    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    } else {
        assert!(
            page == wanted,
            "docs/configuration.md is out of step with the registry of settings; rewrite it with \
             UPDATE_DOCS=1 cargo test -p merak-server --lib documented_settings"
        );
    }
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md")
}

fn tables() -> String {
    let mut text = String::new();
    for group in GROUPS {
        let title = group.title;
        write!(text, "\n### {title}\n\n").unwrap();
        text.push_str("| Property, environment variable | Value | Default | Meaning |\n");
        text.push_str("|---|---|---|---|\n");
        group.rows.iter().for_each(|row| text.push_str(&line(row)));
    }
    text.push_str("\n### Features\n\n");
    text.push_str(
        "| Property, environment variable | Value | Default | Catalog property | Meaning |\n",
    );
    text.push_str("|---|---|---|---|---|\n");
    for flag in ALL {
        let key = features::key(flag);
        let variable = environment_form(&key);
        let value = match flag.kind {
            FlagKind::Bool => "`true` or `false`",
            FlagKind::Integer => "a whole number",
            FlagKind::List => "a JSON array of texts",
            FlagKind::Text => "a text",
        };
        let of_catalogs: Vec<String> =
            flag.catalog_properties.iter().map(|name| format!("`{name}`")).collect();
        let of_catalogs = of_catalogs.join("<br>");
        let (default, effect) = (flag.default, flag.effect);
        writeln!(
            text,
            "| `{key}`<br>`{variable}` | {value} | `{default}` | {of_catalogs} | {effect} |"
        )
        .unwrap();
    }
    text.push_str(INERT_TITLE);
    for (flag, why) in INERT {
        writeln!(text, "| the feature `{flag}` | {why} |").unwrap();
    }
    for (prefix, why) in WITHOUT_MEANING {
        writeln!(text, "| `{prefix}.*` | {why} |").unwrap();
    }
    text.push('\n');
    text
}

fn line(row: &Row) -> String {
    let mut names: Vec<String> =
        row.keys().chain(row.realm_key).map(|key| format!("`{key}`")).collect();
    names.extend(row.variable.map(|name| format!("`{name}`")));
    names.push(format!("`{}`", environment_form(row.key)));
    let default = if row.default.is_empty() { String::new() } else { format!("`{}`", row.default) };
    format!("| {} | {} | {default} | {} |\n", names.join("<br>"), row.expected, row.meaning)
}

/// The flags of Polaris 1.x, as `FeatureConfiguration` and `BehaviorChangeConfiguration` have them.
const OF_POLARIS: &str = "
    ADD_TRAILING_SLASH_TO_LOCATION ALLOW_CLIENT_SPECIFIED_TABLE_LOCATION
    ALLOW_DROPPING_NON_EMPTY_PASSTHROUGH_FACADE_CATALOG ALLOW_EXTERNAL_CATALOG_CREDENTIAL_VENDING
    ALLOW_EXTERNAL_METADATA_FILE_LOCATION ALLOW_EXTERNAL_TABLE_LOCATION
    ALLOW_FEDERATED_CATALOGS_CREDENTIAL_VENDING ALLOW_INSECURE_STORAGE_TYPES
    ALLOW_NAMESPACE_CUSTOM_LOCATION ALLOW_NAMESPACE_LOCATION_OVERLAP ALLOW_OPTIMIZED_SIBLING_CHECK
    ALLOW_OVERLAPPING_CATALOG_URLS ALLOW_SETTING_S3_ENDPOINTS
    ALLOW_SETTING_SUB_CATALOG_RBAC_FOR_FEDERATED_CATALOGS ALLOW_SPECIFYING_FILE_IO_IMPL
    ALLOW_TABLE_LOCATION_OVERLAP ALLOW_UNRESTRICTED_STORAGE_CONFIG_ROLE_CHANGES
    ALLOW_UNSTRUCTURED_TABLE_LOCATION ALLOW_WILDCARD_LOCATION AZURE_RETRY_COUNT
    AZURE_RETRY_DELAY_MILLIS AZURE_RETRY_JITTER_FACTOR AZURE_TIMEOUT_MILLIS CLEANUP_ON_CATALOG_DROP
    CLEANUP_ON_NAMESPACE_DROP DEFAULT_LOCATION_OBJECT_STORAGE_PREFIX_ENABLED
    DEFAULT_UNIQUE_TABLE_LOCATION_ENABLED DROP_WITH_PURGE_ENABLED ENABLE_CATALOG_FEDERATION
    ENABLE_CREDENTIAL_RESET ENABLE_FINE_GRAINED_UPDATE_TABLE_PRIVILEGES ENABLE_GENERIC_TABLES
    ENABLE_OPENLINEAGE_INGEST ENABLE_POLICY_STORE ENABLE_SEMANTIC_MODELS
    ENABLE_SUB_CATALOG_RBAC_FOR_FEDERATED_CATALOGS
    ENFORCE_PRINCIPAL_CREDENTIAL_ROTATION_REQUIRED_CHECKING ENTITY_CACHE_SOFT_VALUES
    ENTITY_CACHE_WEIGHER_TARGET GCS_PRINCIPAL_ATTRIBUTION_ENABLED
    GCS_PRINCIPAL_ATTRIBUTION_SIGNING_KEY_FILE GCS_PRINCIPAL_ATTRIBUTION_SIGNING_KEY_ID
    GCS_PRINCIPAL_ATTRIBUTION_TOKEN_ISSUER GCS_PRINCIPAL_ATTRIBUTION_WIF_AUDIENCE
    ICEBERG_COMMIT_MAX_RETRIES ICEBERG_ROLLBACK_COMPACTION_ON_CONFLICTS
    INCLUDE_PRINCIPAL_NAME_IN_SUBSCOPED_CREDENTIAL LIST_PAGINATION_ENABLED
    MAX_METADATA_REFRESH_RETRIES OPTIMIZED_SIBLING_CHECK POLARIS_TASK_TIMEOUT_MILLIS
    PURGE_VIEW_METADATA_ON_DROP RESOLVE_CREDENTIALS_BY_STORAGE_NAME SCHEMA_VERSION_FALL_BACK_ON_DNE
    SESSION_NAME_FIELDS_IN_SUBSCOPED_CREDENTIAL SESSION_TAGS_IN_SUBSCOPED_CREDENTIAL
    SKIP_CREDENTIAL_SUBSCOPING_INDIRECTION STORAGE_CONFIGURATION_MAX_LOCATIONS
    STORAGE_CREDENTIAL_CACHE_DURATION_SECONDS STORAGE_CREDENTIAL_DURATION_SECONDS
    SUPPORTED_CATALOG_CONNECTION_TYPES SUPPORTED_CATALOG_STORAGE_TYPES
    SUPPORTED_EXTERNAL_CATALOG_AUTHENTICATION_TYPES TABLE_METADATA_CLEANUP_BATCH_SIZE
    TABLE_OPERATIONS_MAKE_METADATA_CURRENT_ON_COMMIT VALIDATE_VIEW_LOCATION_OVERLAP
    VIEW_OPERATIONS_MAKE_METADATA_CURRENT_ON_COMMIT
";

#[test]
fn each_flag_of_polaris_has_an_effect_or_a_reason_why_not() {
    let tables = tables();
    let inert: Vec<&str> = INERT.iter().map(|(flag, _)| *flag).collect();
    for flag in OF_POLARIS.split_whitespace() {
        let has_effect = tables.contains(&format!(".\"{flag}\"`"));
        assert_ne!(has_effect, inert.contains(&flag), "{flag} is documented once, as what it is");
    }
}
