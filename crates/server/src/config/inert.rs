//! What Polaris and Quarkus read and Merak does not, and why. It is taken without a word of blame,
//! and documented.

/// Keys that mean nothing here: the beginnings of them, `*` for any segment, and why. Some keys that
/// begin so do have a meaning, and are in the registry.
pub(super) const WITHOUT_MEANING: &[(&str, &str)] = &[
    ("polaris.async", NO_JVM),
    ("polaris.authentication.authenticator", ONE_KIND),
    ("polaris.authentication.token-service", ONE_KIND),
    ("polaris.authentication.*.authenticator", ONE_KIND),
    ("polaris.authentication.*.token-service", ONE_KIND),
    ("polaris.authorization.ranger", "Ranger is not asked in this version."),
    ("polaris.config", "Polaris knows these as properties of catalogs only."),
    ("polaris.credential-manager", ONE_KIND),
    ("polaris.event-listener", NO_EVENTS),
    ("polaris.events", NO_EVENTS),
    ("polaris.file-io", "Files are reached by the type of the catalog's storage."),
    ("polaris.iceberg-metrics", "What the setting above does not say is always so."),
    ("polaris.metrics", "Series have the labels that the settings above give them."),
    ("polaris.node", NO_NOSQL),
    ("polaris.persistence.cache", NO_NOSQL),
    ("polaris.persistence.nosql", NO_NOSQL),
    (
        "polaris.persistence.relational",
        "How often a statement is repeated follows from what it does.",
    ),
    ("polaris.realm-context.type", "The realm is always in a header."),
    ("polaris.secrets-manager", "Secrets are always kept in the metastore."),
    ("polaris.storage.connection-acquisition-timeout", ONE_POOL),
    ("polaris.storage.connection-max-idle-time", ONE_POOL),
    ("polaris.storage.connection-time-to-live", ONE_POOL),
    ("polaris.storage.expect-continue-enabled", ONE_POOL),
    ("polaris.storage.max-http-connections", ONE_POOL),
    (
        "polaris.storage-credential-cache",
        "All but its size follows from how long credentials live.",
    ),
    ("polaris.tasks", "What waits is in the metastore, so that its length needs no limit."),
    ("polaris.test", "There is no mode for tests."),
    ("quarkus", NO_JVM),
];

const NO_EVENTS: &str = "There are no event listeners in this version.";
const NO_JVM: &str = "There is neither Quarkus nor a JVM.";
const NO_NOSQL: &str = "Everything is kept in PostgreSQL or SQLite.";
const ONE_KIND: &str = "There is one kind, and it is always on.";
const ONE_POOL: &str = "Connections to object stores are kept by the HTTP client, without limits.";
