//! Polaris' feature flags, as far as they mean something here.

use std::collections::BTreeMap;
use std::fmt;

use crate::Properties;

/// What a flag's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlagKind {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Integer,
    /// A JSON array of texts.
    List,
    /// Any text.
    Text,
}

/// A flag: Polaris' name for it, its default, and where a catalog may override it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flag {
    /// The name in `polaris.features."<NAME>"`.
    pub name: &'static str,
    /// What its value is.
    pub kind: FlagKind,
    /// The value where nothing sets it, as it would be written.
    pub default: &'static str,
    /// The catalog properties that override it, the current one first.
    pub catalog_properties: &'static [&'static str],
    /// What it does, in a sentence.
    pub effect: &'static str,
    /// Whether it is set under `polaris.behavior-changes` instead of `polaris.features`.
    pub behavior_change: bool,
}

/// Declares the flags: a row each.
macro_rules! flags {
    ($($ident:ident = $kind:ident $default:literal [$($property:literal),*] $effect:literal $(($behavior:ident))?;)+) => {
        $(
            #[doc = $effect]
            pub const $ident: Flag = Flag {
                name: stringify!($ident),
                kind: FlagKind::$kind,
                default: $default,
                catalog_properties: &[$($property),*],
                effect: $effect,
                behavior_change: flags!(@behavior $($behavior)?),
            };
        )+
        /// Every flag that has an effect.
        pub const ALL: &[Flag] = &[$($ident),+];
    };
    (@behavior) => { false };
    (@behavior behavior) => { true };
}

flags! {
    ADD_TRAILING_SLASH_TO_LOCATION = Bool "true" [] "Ends the default location of a namespace in a slash.";
    ALLOW_CLIENT_SPECIFIED_TABLE_LOCATION = Bool "true" ["polaris.config.allow.client-specified.table.location"] "Lets clients say where a table lies.";
    ALLOW_DROPPING_NON_EMPTY_PASSTHROUGH_FACADE_CATALOG = Bool "false" ["polaris.config.allow-dropping-non-empty-passthrough-facade-catalog"] "Lets a federated catalog be dropped with what grants have left in it: the namespaces and tables that stand here for those of the other catalog.";
    ALLOW_EXTERNAL_CATALOG_CREDENTIAL_VENDING = Bool "true" ["polaris.config.enable.credential.vending", "enable.credential.vending"] "Gives clients of EXTERNAL catalogs credentials or signatures for tables.";
    ALLOW_EXTERNAL_METADATA_FILE_LOCATION = Bool "false" ["polaris.config.allow.external.metadata.file.location"] "Lets a metadata file lie outside its table's location.";
    ALLOW_EXTERNAL_TABLE_LOCATION = Bool "false" ["polaris.config.allow.external.table.location", "allow.external.table.location"] "The older name of `ALLOW_EXTERNAL_METADATA_FILE_LOCATION`: either one does it.";
    ALLOW_FEDERATED_CATALOGS_CREDENTIAL_VENDING = Bool "true" ["polaris.config.allow-federated-catalogs-credential-vending"] "Gives clients of EXTERNAL catalogs, federated ones among them, credentials for tables, where `ALLOW_EXTERNAL_CATALOG_CREDENTIAL_VENDING` is on too.";
    ALLOW_INSECURE_STORAGE_TYPES = Bool "false" [] "Lets the server start with FILE among the supported storage types.";
    ALLOW_NAMESPACE_LOCATION_OVERLAP = Bool "false" [] "Lets namespaces with one parent have overlapping locations.";
    ALLOW_OVERLAPPING_CATALOG_URLS = Bool "false" [] "Lets catalogs of one realm have overlapping locations.";
    ALLOW_SETTING_S3_ENDPOINTS = Bool "true" [] "Lets a catalog name its own S3 and STS endpoints.";
    ALLOW_SETTING_SUB_CATALOG_RBAC_FOR_FEDERATED_CATALOGS = Bool "true" [] "Lets a catalog set `ENABLE_SUB_CATALOG_RBAC_FOR_FEDERATED_CATALOGS` for itself.";
    ALLOW_SPECIFYING_FILE_IO_IMPL = Bool "false" [] "Lets a table set the property io-impl.";
    ALLOW_TABLE_LOCATION_OVERLAP = Bool "false" ["polaris.config.allow.overlapping.table.location", "allow.overlapping.table.location"] "Lets tables have overlapping locations.";
    ALLOW_UNRESTRICTED_STORAGE_CONFIG_ROLE_CHANGES = Bool "false" [] "Lets an update of a catalog change its cloud account.";
    ALLOW_UNSTRUCTURED_TABLE_LOCATION = Bool "false" ["polaris.config.allow.unstructured.table.location", "allow.unstructured.table.location"] "Lets a table lie outside its namespace's location.";
    ALLOW_WILDCARD_LOCATION = Bool "false" [] "Lets a catalog allow every location with *.";
    DEFAULT_LOCATION_OBJECT_STORAGE_PREFIX_ENABLED = Bool "false" ["polaris.config.default-table-location-object-storage-prefix.enabled"] "Spreads the default locations of tables and views over folders of the catalog that are named after a hash of their names, where an object store limits the requests of each prefix. Needs `ALLOW_UNSTRUCTURED_TABLE_LOCATION`.";
    DEFAULT_UNIQUE_TABLE_LOCATION_ENABLED = Bool "false" ["polaris.config.default-unique-table-location.enabled"] "Ends the default location of a table in something random.";
    DROP_WITH_PURGE_ENABLED = Bool "false" ["polaris.config.drop-with-purge.enabled", "drop-with-purge.enabled"] "Lets a drop ask for the table's files to be deleted.";
    ENABLE_FINE_GRAINED_UPDATE_TABLE_PRIVILEGES = Bool "true" ["polaris.config.enable-fine-grained-update-table-privileges"] "Lets a commit be judged by the kinds of its updates.";
    ENABLE_CATALOG_FEDERATION = Bool "false" [] "Lets an EXTERNAL catalog have a connection to the catalog that owns its tables.";
    ENABLE_CREDENTIAL_RESET = Bool "true" [] "Lets the root principal replace the credentials of others.";
    ENABLE_GENERIC_TABLES = Bool "true" [] "Lets tables of other formats be kept beside those of Iceberg.";
    ENABLE_POLICY_STORE = Bool "true" [] "Lets policies be made, attached and asked for.";
    ENABLE_SUB_CATALOG_RBAC_FOR_FEDERATED_CATALOGS = Bool "false" ["polaris.config.enable-sub-catalog-rbac-for-federated-catalogs"] "Lets privileges be granted on namespaces, tables and views of federated catalogs: by their names.";
    ENFORCE_PRINCIPAL_CREDENTIAL_ROTATION_REQUIRED_CHECKING = Bool "false" [] "Refuses everything but a rotation to a principal that was made to rotate its credentials first.";
    GCS_PRINCIPAL_ATTRIBUTION_ENABLED = Bool "false" [] "Has Google's audit log name the principal that credentials are for, in catalogs with a `gcsServiceAccount`; each principal then has credentials of its own. Needs the next four, but for the id of the key.";
    GCS_PRINCIPAL_ATTRIBUTION_SIGNING_KEY_FILE = Text "" [] "The PEM file (PKCS#8) of the RSA key that vouches for principals; the workload identity pool knows its public half. It is read each time.";
    GCS_PRINCIPAL_ATTRIBUTION_SIGNING_KEY_ID = Text "" [] "What the pool calls that key, where it has several.";
    GCS_PRINCIPAL_ATTRIBUTION_TOKEN_ISSUER = Text "" [] "The issuer that the pool's provider knows.";
    GCS_PRINCIPAL_ATTRIBUTION_WIF_AUDIENCE = Text "" [] "The full resource name of the pool's provider, such as `//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/merak`.";
    ICEBERG_COMMIT_MAX_RETRIES = Integer "4" ["polaris.config.iceberg-commit-max-retries"] "How often a commit that lost the race for the pointer is tried again.";
    ICEBERG_ROLLBACK_COMPACTION_ON_CONFLICTS = Bool "false" ["polaris.config.rollback.compaction.on-conflicts.enabled"] "Rolls back compactions that are in the way of another commit, where their snapshots' summaries have `polaris.internal.conflict-resolution.by-operation-type.replace` = `rollback`.";
    INCLUDE_PRINCIPAL_NAME_IN_SUBSCOPED_CREDENTIAL = Bool "false" [] "Names the AWS sessions of vended credentials after the principal; each principal then has credentials of its own.";
    LIST_PAGINATION_ENABLED = Bool "true" ["polaris.config.list-pagination-enabled"] "Answers lists in pages to clients that ask for pages.";
    PURGE_VIEW_METADATA_ON_DROP = Bool "true" ["polaris.config.purge-view-metadata-on-drop"] "Deletes a view's metadata file when the view is dropped, where `DROP_WITH_PURGE_ENABLED` is on too.";
    POLARIS_TASK_TIMEOUT_MILLIS = Integer "300000" [] "For how many milliseconds work in the background is one replica's before another takes it to be dead. One that lives says so three times as often.";
    RESOLVE_CREDENTIALS_BY_STORAGE_NAME = Bool "false" [] "Gives catalogs the server's credentials that are set for their storage name; the same in all realms.";
    SESSION_NAME_FIELDS_IN_SUBSCOPED_CREDENTIAL = List "[]" [] "Names the AWS sessions of vended credentials after these, in order: `realm`, `catalog`, `namespace`, `table`, `principal`; `prefix-X` begins the name with X instead of p.";
    SESSION_TAGS_IN_SUBSCOPED_CREDENTIAL = List "[]" [] "Tags the AWS sessions of vended credentials with these: `realm`, `catalog`, `namespace`, `table`, `principal`, `roles`, `trace_id`.";
    SKIP_CREDENTIAL_SUBSCOPING_INDIRECTION = Bool "false" [] "Vends no credentials: clients bring their own, and the server reaches files as itself.";
    STORAGE_CREDENTIAL_CACHE_DURATION_SECONDS = Integer "1800" [] "After how many seconds, or after half their life if that is sooner, vended credentials are minted again.";
    STORAGE_CREDENTIAL_DURATION_SECONDS = Integer "3600" [] "How many seconds vended credentials live, where the cloud lets one say: not Google's.";
    SUPPORTED_CATALOG_CONNECTION_TYPES = List "[\"ICEBERG_REST\"]" [] "The types of connections a catalog may have. Only `ICEBERG_REST` is done.";
    SUPPORTED_CATALOG_STORAGE_TYPES = List "[\"S3\",\"AZURE\",\"GCS\"]" [] "The storage types a catalog may have.";
    SUPPORTED_EXTERNAL_CATALOG_AUTHENTICATION_TYPES = List "[\"OAUTH\",\"BEARER\",\"GCP\",\"SIGV4\"]" [] "What a connection may be authenticated by. IMPLICIT, which shows nothing, must be added by itself.";
    ALLOW_NAMESPACE_CUSTOM_LOCATION = Bool "false" ["polaris.config.namespace-custom-location.enabled"] "Lets a namespace lie elsewhere than below its parent." (behavior);
    STORAGE_CONFIGURATION_MAX_LOCATIONS = Integer "-1" [] "How many allowed locations a catalog may have; -1: any number." (behavior);
    VALIDATE_VIEW_LOCATION_OVERLAP = Bool "true" [] "Refuses views whose locations overlap those of tables and views." (behavior);
}

/// Flags of Polaris that have no effect here, or not yet, and why.
pub const INERT: &[(&str, &str)] = &[
    ("ALLOW_OPTIMIZED_SIBLING_CHECK", WHOLE_CATALOG),
    ("CLEANUP_ON_CATALOG_DROP", ONLY_EMPTY),
    ("CLEANUP_ON_NAMESPACE_DROP", ONLY_EMPTY),
    ("ENABLE_OPENLINEAGE_INGEST", "There is no lineage API in this version."),
    ("ENABLE_SEMANTIC_MODELS", "There are no semantic models in this version."),
    ("ENTITY_CACHE_SOFT_VALUES", NO_ENTITY_CACHE),
    ("ENTITY_CACHE_WEIGHER_TARGET", NO_ENTITY_CACHE),
    (
        "MAX_METADATA_REFRESH_RETRIES",
        "An object store that does not answer is asked again within `polaris.storage.read-timeout`.",
    ),
    ("OPTIMIZED_SIBLING_CHECK", WHOLE_CATALOG),
    ("SCHEMA_VERSION_FALL_BACK_ON_DNE", "Migrations say which version the schema has."),
    (
        "TABLE_METADATA_CLEANUP_BATCH_SIZE",
        "Purges delete as many files at a time as the object store takes.",
    ),
    ("TABLE_OPERATIONS_MAKE_METADATA_CURRENT_ON_COMMIT", ALWAYS_CURRENT),
    ("VIEW_OPERATIONS_MAKE_METADATA_CURRENT_ON_COMMIT", ALWAYS_CURRENT),
];

const ALWAYS_CURRENT: &str = "A commit is always answered with the metadata that it made current.";
const NO_ENTITY_CACHE: &str = "Entities are not kept in memory: a request looks them up at once.";
const ONLY_EMPTY: &str = "Only what is empty is dropped. (Polaris queues work that nothing does.)";
const WHOLE_CATALOG: &str = "Overlaps are always looked for in the whole catalog, by an index.";

/// Catalog properties that Polaris registers and that have no effect here, or not yet: they may be
/// set on a catalog although their names begin with the reserved prefix.
pub const INERT_CATALOG_PROPERTIES: &[&str] = &[
    "polaris.config.add-trailing-slash-to-location",
    "polaris.config.cleanup.on.catalog.drop",
    "polaris.config.cleanup.on.namespace.drop",
    // A catalog does not say by itself that it may lie on the server's own disk.
    "polaris.config.supported.storage.types",
];

/// A value that a flag cannot have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{value}' is not {expected}")]
pub struct InvalidFlag {
    value: String,
    expected: &'static str,
}

impl Flag {
    /// Checks a value for this flag.
    pub fn check(&self, value: &str) -> Result<(), InvalidFlag> {
        let (is_good, expected) = match self.kind {
            FlagKind::Bool => (parse_bool(value).is_some(), "true or false"),
            FlagKind::Integer => (value.trim().parse::<i64>().is_ok(), "a whole number"),
            FlagKind::List => {
                (parse_list(value).is_some(), "a JSON array of texts such as [\"S3\",\"GCS\"]")
            }
            FlagKind::Text => (true, "a text"),
        };
        if is_good { Ok(()) } else { Err(InvalidFlag { value: value.to_owned(), expected }) }
    }

    /// The flag a catalog property overrides.
    pub fn of_catalog_property(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|flag| flag.catalog_properties.contains(&name))
    }
}

fn parse_bool(value: &str) -> Option<bool> {
    match value.trim() {
        text if text.eq_ignore_ascii_case("true") => Some(true),
        text if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn parse_list(value: &str) -> Option<Vec<String>> {
    serde_json::from_str(value).ok()
}

/// The values set for flags in one realm: the realm's own, over those for all realms.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Features {
    values: BTreeMap<String, String>,
}

impl Features {
    /// Sets a flag. Names without an effect here are kept and do nothing: unknown features must not
    /// stop a server that was configured for another.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), InvalidFlag> {
        if let Some(flag) = ALL.iter().find(|flag| flag.name == name) {
            flag.check(value)?;
        }
        self.values.insert(name.to_owned(), value.to_owned());
        Ok(())
    }

    /// The flags as they hold in a catalog with those properties.
    pub fn within<'a>(&'a self, catalog: &'a Properties) -> CatalogFeatures<'a> {
        CatalogFeatures { features: self, catalog: Some(catalog) }
    }

    /// The flags as they hold outside any catalog.
    pub fn of_realm(&self) -> CatalogFeatures<'_> {
        CatalogFeatures { features: self, catalog: None }
    }
}

impl fmt::Debug for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&self.values).finish()
    }
}

/// The flags as they hold in one catalog: its properties first, then the realm, then the default.
#[derive(Debug, Clone, Copy)]
pub struct CatalogFeatures<'a> {
    features: &'a Features,
    catalog: Option<&'a Properties>,
}

impl CatalogFeatures<'_> {
    /// Whether a flag is on.
    pub fn is_on(&self, flag: &Flag) -> bool {
        self.find(flag, parse_bool).unwrap_or(false)
    }

    /// Whether somebody set a flag, for the catalog or for the realm: what is on by default here and off in
    /// Polaris may be meant otherwise by who set it.
    pub fn is_set(&self, flag: &Flag) -> bool {
        let unset = Flag { default: "", ..*flag };
        self.find(&unset, parse_bool).is_some()
    }

    /// A flag's number.
    pub fn number(&self, flag: &Flag) -> i64 {
        self.find(flag, |value| value.trim().parse().ok()).unwrap_or(0)
    }

    /// A flag's texts.
    pub fn list(&self, flag: &Flag) -> Vec<String> {
        self.find(flag, parse_list).unwrap_or_default()
    }

    /// A flag's text; nothing for an empty one.
    pub fn text(&self, flag: &Flag) -> Option<String> {
        self.find(flag, |value| Some(value.trim().to_owned())).filter(|text| !text.is_empty())
    }

    /// The first value that parses: a catalog property is a user's text, and one that does not
    /// parse is as if it were not there.
    fn find<T>(&self, flag: &Flag, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let of_catalog = self.catalog.into_iter().flat_map(|catalog| {
            flag.catalog_properties.iter().filter_map(|name| catalog.get(*name))
        });
        of_catalog
            .chain(self.features.values.get(flag.name))
            .find_map(|value| parse(value))
            .or_else(|| parse(flag.default))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_a_good_value() {
        for flag in ALL {
            assert_eq!(flag.check(flag.default), Ok(()), "{}", flag.name);
        }
    }

    #[test]
    fn a_catalog_overrides_its_realm_and_the_realm_the_default() {
        let mut features = Features::default();
        let plain = Properties::new();
        let overriding = Properties::from([(
            "polaris.config.drop-with-purge.enabled".to_owned(),
            "false".to_owned(),
        )]);
        assert!(!features.within(&plain).is_on(&DROP_WITH_PURGE_ENABLED));

        features.set("DROP_WITH_PURGE_ENABLED", "true").unwrap();

        assert!(features.within(&plain).is_on(&DROP_WITH_PURGE_ENABLED));
        assert!(!features.within(&overriding).is_on(&DROP_WITH_PURGE_ENABLED));
    }

    #[test]
    fn a_malformed_value_is_refused_and_an_unknown_flag_is_not() {
        let mut features = Features::default();

        assert!(features.set("LIST_PAGINATION_ENABLED", "yes").is_err());
        assert!(features.set("SUPPORTED_CATALOG_STORAGE_TYPES", "S3").is_err());
        assert!(features.set("SOMETHING_ELSE", "whatever").is_ok());
    }
}
