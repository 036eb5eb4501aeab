//! Every setting there is: the parser's known keys and the tables of `docs/configuration.md`.

use std::marker::PhantomData;

use super::authorization::{AuthorizationType, PolicyAddress, Shows};
use super::background::Check;
use super::bootstrap::Credentials;
use super::cors::{Headers, Methods, Origins};
use super::database::{Persistence, PostgresUrl, Synchronous};
use super::formats::{
    Amount, Boolean, Bytes, Count, FilePath, Format, Header, Level, Optional, Port, PositiveSpan,
    Secret, Span, Text, Texts,
};
use super::oidc::{ClaimPaths, Claims, OnlyDefault, OnlyService, Regex, Url};
use super::rates::RateFilter;
use super::reports::ReportSink;
use super::storage::{CloudUrl, Endpoint, Number, Signature};
use super::tokens::{Authentication, Broker};

/// The first segments of keys that are ours or those of Polaris.
pub(super) const PREFIXES: [&str; 3] = ["polaris", "quarkus", "merak"];

/// A setting whose value is written in format `F`.
pub(super) struct Setting<F> {
    pub(super) row: Row,
    format: PhantomData<F>,
}

/// What can be said of a setting whatever its type.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// The key; `<name>` in it stands for a name that the user chooses.
    pub(super) key: &'static str,
    /// Other keys with the same meaning.
    pub(super) also: &'static [&'static str],
    /// The key by which a realm overrides it.
    pub(super) realm_key: Option<&'static str>,
    /// An environment variable outside the rule.
    pub(super) variable: Option<&'static str>,
    /// The value where none is set, as it would be written; empty if there is none.
    pub(super) default: &'static str,
    /// What a value looks like.
    #[cfg_attr(not(test), expect(dead_code, reason = "only the documentation has it"))]
    pub(super) expected: &'static str,
    pub(super) is_secret: bool,
    /// What it does, in a sentence or two.
    #[cfg_attr(not(test), expect(dead_code, reason = "only the documentation has it"))]
    pub(super) meaning: &'static str,
}

impl Row {
    /// The keys that have a value for all realms.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.key).chain(self.also.iter().copied())
    }
}

impl<F: Format> Setting<F> {
    /// The value where none is set.
    pub(super) fn default(&self) -> F::Value {
        F::parse(self.row.default).expect("a test parses every default")
    }

    const fn or(mut self, also: &'static [&'static str]) -> Self {
        self.row.also = also;
        self
    }

    const fn per_realm(mut self, key: &'static str) -> Self {
        self.row.realm_key = Some(key);
        self
    }

    const fn variable(mut self, name: &'static str) -> Self {
        self.row.variable = Some(name);
        self
    }
}

const fn setting<F: Format>(
    key: &'static str,
    default: &'static str,
    meaning: &'static str,
) -> Setting<F> {
    let row = Row {
        key,
        also: &[],
        realm_key: None,
        variable: None,
        default,
        expected: F::EXPECTED,
        is_secret: F::IS_SECRET,
        meaning,
    };
    Setting { row, format: PhantomData }
}

/// The settings of one concern.
pub(super) struct Group {
    #[cfg_attr(not(test), expect(dead_code, reason = "only the documentation has it"))]
    pub(super) title: &'static str,
    pub(super) rows: &'static [Row],
    /// Tries all defaults.
    #[cfg(test)]
    pub(super) check_defaults: fn(),
}

/// All settings.
pub(super) fn rows() -> impl Iterator<Item = &'static Row> {
    GROUPS.iter().flat_map(|group| group.rows)
}

/// Declares the settings: a constant each, and the table of them all.
macro_rules! settings {
    ($($title:literal { $($name:ident: $format:ty = $setting:expr;)+ })+) => {
        $($(
            pub(super) const $name: Setting<$format> = $setting;
        )+)+

        /// The table of all settings, by concern.
        pub(super) const GROUPS: &[Group] = &[$(Group {
            title: $title,
            rows: &[$($name.row),+],
            #[cfg(test)]
            check_defaults: || {
                $(if !$name.row.key.contains('<') { let _ = $name.default(); })+
            },
        }),+];
    };
}

settings! {
    "Addresses" {
        HTTP_HOST: Text = setting("quarkus.http.host", "127.0.0.1", "The address the APIs are served on. The container image sets `0.0.0.0`.");
        HTTP_PORT: Port = setting("quarkus.http.port", "8181", "The port the APIs are served on; 0 takes any that is free.");
        MANAGEMENT_HOST: Optional<Text> = setting("quarkus.management.host", "", "The address health and metrics are served on. Without it, that of the APIs.");
        MANAGEMENT_PORT: Port = setting("quarkus.management.port", "8182", "The port health and metrics are served on; 0 takes any that is free.");
        PROXY_FORWARDING: Boolean = setting("quarkus.http.proxy.proxy-address-forwarding", "false", "Whether the proxy before the server is believed when it tells the address of a client, by which wrong client secrets and requests are counted. It is the right-most entry of `X-Forwarded-For`, which the nearest proxy added. Without a proxy that adds one, clients could name what address they like.");
        PROXY_X_FORWARDED: Boolean = setting("quarkus.http.proxy.allow-x-forwarded", "true", "Whether that header is read; without it and without `Forwarded`, addresses are those of connections.");
        PROXY_FORWARDED: Boolean = setting("quarkus.http.proxy.allow-forwarded", "false", "Whether the right-most entry of `Forwarded` is read instead.");
    }
    "Database" {
        PERSISTENCE_TYPE: Optional<Persistence> = setting("polaris.persistence.type", "", "Where everything is kept. Without it, in PostgreSQL if a URL is set, else in an embedded SQLite file. `in-memory` forgets everything at the end, and must be asked for.");
        DATA_DIR: FilePath = setting("merak.data-dir", "./merak-data", "The directory of the embedded database.");
        SYNCHRONOUS: Synchronous = setting("merak.sqlite.synchronous", "full", "Whether the embedded database waits for the disk at each commit (`full`), or may lose the last commits, but no more, when the power fails (`normal`).");
        JDBC_URL: Optional<PostgresUrl> = setting("quarkus.datasource.jdbc.url", "", "The PostgreSQL database, as JDBC or libpq would have it.");
        DATABASE_URL: Optional<PostgresUrl> = setting("merak.database.url", "", "The same, for those who have never heard of JDBC. `quarkus.datasource.jdbc.url` wins over it.").variable("DATABASE_URL");
        DATABASE_USERNAME: Optional<Text> = setting("quarkus.datasource.username", "", "The database user; wins over one in the URL.");
        DATABASE_PASSWORD: Optional<Secret> = setting("quarkus.datasource.password", "", "The password of that user; wins over one in the URL.");
        POOL_MAX: Count = setting("quarkus.datasource.jdbc.max-size", "16", "The most connections to PostgreSQL that one server holds.");
        STATEMENT_CACHE: Amount = setting("merak.datasource.statement-cache-capacity", "256", "How many prepared statements a connection to PostgreSQL keeps; 0 for a pooler that hands a connection to another client after each transaction.");
        POOL_ACQUIRE: PositiveSpan = setting("quarkus.datasource.jdbc.acquisition-timeout", "PT5S", "How long a request waits for one of them before it is answered 503.");
    }
    "Realms and bootstrap" {
        REALMS: Texts = setting("polaris.realm-context.realms", "POLARIS", "The realms. The first is that of requests that name none.");
        REALM_HEADER: Header = setting("polaris.realm-context.header-name", "Polaris-Realm", "The header that names the realm of a request.");
        REQUIRE_REALM: Boolean = setting("polaris.realm-context.require-header", "false", "Whether a request must name its realm.");
        BOOTSTRAP_CREDENTIALS: Credentials = setting("polaris.bootstrap.credentials", "", "The client ids and secrets that the root principals of new realms get. A realm without gets random ones, printed once.");
        AUTO_BOOTSTRAP: Optional<Texts> = setting("polaris.persistence.auto-bootstrap-types", "", "The persistence types with which a start bootstraps the realms that are new. Without it, all of them do.");
        IGNORE_SEVERE: Boolean = setting("polaris.readiness.ignore-severe-issues", "false", "Lets the server start with FILE storage though `ALLOW_INSECURE_STORAGE_TYPES` is not set, and without checking the certificate of a policy service.");
    }
    "Authentication and authorization" {
        AUTHENTICATION_TYPE: Authentication = setting("polaris.authentication.type", "internal", "Whose tokens are accepted: those that are issued here, those of an identity provider, or both.").per_realm("polaris.authentication.<realm>.type");
        AUTHORIZATION_TYPE: AuthorizationType = setting("polaris.authorization.type", "internal", "Who decides on requests: the roles and grants that are kept here, or a policy in an Open Policy Agent.");
        BROKER: Broker = setting("polaris.authentication.token-broker.type", "ed25519-key-pair", "How tokens are signed. Signing with RSA takes far longer.").per_realm("polaris.authentication.<realm>.token-broker.type");
        TOKEN_LIFETIME: PositiveSpan = setting("polaris.authentication.token-broker.max-token-generation", "PT1H", "How long a token is good.").per_realm("polaris.authentication.<realm>.token-broker.max-token-generation");
        RSA_PRIVATE: Optional<FilePath> = setting("polaris.authentication.token-broker.rsa-key-pair.private-key-file", "", "The private key for `rsa-key-pair`: PEM, PKCS#8. Without the files, a pair is generated.").per_realm("polaris.authentication.<realm>.token-broker.rsa-key-pair.private-key-file");
        RSA_PUBLIC: Optional<FilePath> = setting("polaris.authentication.token-broker.rsa-key-pair.public-key-file", "", "The public key for `rsa-key-pair`: PEM, SPKI.").per_realm("polaris.authentication.<realm>.token-broker.rsa-key-pair.public-key-file");
        SYMMETRIC_SECRET: Optional<Secret> = setting("polaris.authentication.token-broker.symmetric-key.secret", "", "The key for `symmetric-key`.").per_realm("polaris.authentication.<realm>.token-broker.symmetric-key.secret");
        SYMMETRIC_FILE: Optional<FilePath> = setting("polaris.authentication.token-broker.symmetric-key.file", "", "The file with the key for `symmetric-key`, all bytes of which count.").per_realm("polaris.authentication.<realm>.token-broker.symmetric-key.file");
        GUESSES_PER_CLIENT: Amount = setting("merak.token.guesses-per-client", "10", "How many wrong secrets may be shown for one client id, whether or not there is such a client. Then further secrets for it are answered 429 unseen. An address that the client showed its right secret from may show as many of its own, so that others cannot lock the client out. 0 sets no limit.");
        GUESSES_PER_ADDRESS: Amount = setting("merak.token.guesses-per-address", "100", "How many wrong secrets may be shown from one address, or from one /64 of IPv6, for whatever client ids in whatever realms. 0 sets no limit.");
        GUESS_WINDOW: PositiveSpan = setting("merak.token.guess-window", "PT1M", "The time in which as many may come again, one by one. Each replica counts for itself.");
        GUESS_ENTRIES: Count = setting("merak.token.guess-entries", "20000", "How many client ids and addresses are remembered for it, and how many addresses that clients showed their right secrets from: the last ones of each kind. One takes some 400 bytes, and those of wrong secrets are forgotten after the window.");
    }
    "Open Policy Agent" {
        OPA_URI: Optional<PolicyAddress> = setting("polaris.authorization.opa.policy-uri", "", "The policy that decides on requests, such as `https://opa.example.com/v1/data/polaris`: its rule `allow` does.");
        OPA_TIMEOUT: PositiveSpan = setting("polaris.authorization.opa.http.timeout", "PT2S", "How long it may take to answer; then the request is answered 503.");
        OPA_VERIFY: Boolean = setting("polaris.authorization.opa.http.verify-ssl", "true", "Whether its certificate is checked. `false` takes `polaris.readiness.ignore-severe-issues`, too.");
        OPA_TRUST_FILE: Optional<FilePath> = setting("polaris.authorization.opa.http.trust-store-path", "", "The certificates of the authorities that may have issued it, in PEM form, instead of those of the machine. `keytool -list -rfc` makes such a file of a Java trust store.");
        OPA_TRUST_PASSWORD: Optional<Secret> = setting("polaris.authorization.opa.http.trust-store-password", "", "It is taken so that a configuration of Polaris need not be changed, and not used: PEM needs none.");
        OPA_AUTH: Shows = setting("polaris.authorization.opa.auth.type", "none", "What the service is shown: nothing, or a token.");
        OPA_TOKEN: Optional<Secret> = setting("polaris.authorization.opa.auth.bearer.static-token.value", "", "The token, or:");
        OPA_TOKEN_FILE: Optional<FilePath> = setting("polaris.authorization.opa.auth.bearer.file-based.path", "", "The file it is in, without the blanks around it. It may be replaced.");
        OPA_TOKEN_REFRESH: PositiveSpan = setting("polaris.authorization.opa.auth.bearer.file-based.refresh-interval", "PT5M", "After which time the file is read again.");
        OPA_TOKEN_EXPIRY: Boolean = setting("polaris.authorization.opa.auth.bearer.file-based.jwt-expiration-refresh", "true", "Whether it is read again before the token ends instead, if that is a JWT that says when.");
        OPA_TOKEN_BUFFER: PositiveSpan = setting("polaris.authorization.opa.auth.bearer.file-based.jwt-expiration-buffer", "PT1M", "How long before.");
        OPA_TOKEN_RETRY: PositiveSpan = setting("polaris.authorization.opa.auth.bearer.file-based.refresh-retry-interval", "PT1S", "After which time it is tried again where it could not be read. Meanwhile the last token is shown.");
        OPA_TOKEN_WAIT: PositiveSpan = setting("polaris.authorization.opa.auth.bearer.file-based.initial-token-wait", "PT5S", "It is taken so that a configuration of Polaris need not be changed, and not used: the file is read when the first request comes, which is answered 503 if there is no token.");
        OPA_MAX_ANSWER: Bytes = setting("merak.authorization.opa.max-answer-size", "64K", "The longest answer of the service that is read.");
        OPA_CACHE_TTL: Span = setting("merak.authorization.opa.decision-cache-ttl", "PT0S", "How long a decision counts for requests that ask the same; `0s` asks about each. That long, at most, what the policy no longer allows is still done.");
        OPA_CACHE_ENTRIES: Count = setting("merak.authorization.opa.decision-cache-entries", "10000", "How many decisions are remembered. Each takes some 200 bytes.");
    }
    "Identity providers" {
        OIDC_ENABLED: Boolean = setting("quarkus.oidc.tenant-enabled", "false", "Whether there is an identity provider. It must be `true` where tokens of one are accepted; a realm with an `auth-server-url` of its own has one unless this says otherwise.").per_realm("quarkus.oidc.<realm>.tenant-enabled");
        OIDC_URL: Optional<Url> = setting("quarkus.oidc.auth-server-url", "", "The identity provider's address, below which its discovery document is, `/.well-known/openid-configuration`.").per_realm("quarkus.oidc.<realm>.auth-server-url");
        OIDC_DISCOVERY: Boolean = setting("quarkus.oidc.discovery-enabled", "true", "Whether it has that document.").per_realm("quarkus.oidc.<realm>.discovery-enabled");
        OIDC_JWKS_PATH: Optional<Text> = setting("quarkus.oidc.jwks-path", "", "Where its keys are: a path below its address, or a whole URL. Without it, where the document says.").per_realm("quarkus.oidc.<realm>.jwks-path");
        OIDC_APPLICATION: OnlyService = setting("quarkus.oidc.application-type", "service", "What the provider takes the server for. Nobody logs in here: clients bring tokens.").per_realm("quarkus.oidc.<realm>.application-type");
        OIDC_CLIENT: Optional<Text> = setting("quarkus.oidc.client-id", "", "What the provider knows the server by: the audience that tokens must have, unless `token.audience` says otherwise, and the client whose roles count if Keycloak's are taken.").per_realm("quarkus.oidc.<realm>.client-id");
        OIDC_SECRET: Optional<Secret> = setting("quarkus.oidc.credentials.secret", "", "The secret of that client. Checking tokens needs none: it is taken so that a configuration of Polaris need not be changed, and not used.").per_realm("quarkus.oidc.<realm>.credentials.secret");
        OIDC_ISSUER: Optional<Text> = setting("quarkus.oidc.token.issuer", "", "What tokens must name as their issuer (`iss`). Without it, what the discovery document says, which must then be the provider's address. `any` accepts every name.").per_realm("quarkus.oidc.<realm>.token.issuer");
        OIDC_AUDIENCE: Optional<Texts> = setting("quarkus.oidc.token.audience", "", "Whom tokens must be for (`aud`): one of these. Without it, the client id. `any` accepts tokens that were issued for other services, too, which could then act here for their users.").per_realm("quarkus.oidc.<realm>.token.audience");
        OIDC_GRACE: Amount = setting("quarkus.oidc.token.lifespan-grace", "0", "By how many seconds the provider's clock may differ from the server's.").per_realm("quarkus.oidc.<realm>.token.lifespan-grace");
        OIDC_LOOK_AGAIN: Span = setting("quarkus.oidc.token.forced-jwk-refresh-interval", "PT10S", "How long after tokens with an unknown key made the server look for new keys they may do so again. The longer, the longer can whoever makes such tokens up keep a new key from being known.").per_realm("quarkus.oidc.<realm>.token.forced-jwk-refresh-interval");
        OIDC_TIMEOUT: PositiveSpan = setting("quarkus.oidc.connection-timeout", "PT5S", "How long the provider may take to answer.").per_realm("quarkus.oidc.<realm>.connection-timeout");
        OIDC_REFRESH: PositiveSpan = setting("merak.oidc.jwks-refresh-interval", "PT10M", "After which time the provider's keys are looked up again. That long, at most, a key that it has withdrawn is still accepted while it answers.");
        OIDC_MAX_AGE: PositiveSpan = setting("merak.oidc.jwks-max-age", "P1D", "How long its keys are good while it does not answer. Then its tokens are answered 503.");
        OIDC_MAX_ANSWER: Bytes = setting("merak.oidc.max-answer-size", "256K", "The longest answer of a provider that is read.");
        OIDC_ALLOW_HTTP: Boolean = setting("merak.oidc.allow-http", "false", "Whether a provider may be asked by plain HTTP. Whoever is on the way can then make tokens. On loopback it always may.");
        OIDC_RESOLVER: OnlyDefault = setting("polaris.oidc.tenant-resolver.type", "default", "How a realm's provider is found: the settings with the realm's name count, else those without a name.");
        OIDC_PRINCIPAL_TYPE: OnlyDefault = setting("polaris.oidc.principal-mapper.type", "default", "How a token's principal is found: by claims.").per_realm("polaris.oidc.<realm>.principal-mapper.type");
        OIDC_PRINCIPAL_ID: Optional<Claims> = setting("polaris.oidc.principal-mapper.id-claim-path", "", "The claim with the principal's id. If that is a number from 1 up, the name does not count.").per_realm("polaris.oidc.<realm>.principal-mapper.id-claim-path");
        OIDC_PRINCIPAL_NAME: Optional<Claims> = setting("polaris.oidc.principal-mapper.name-claim-path", "", "The claim with the principal's name.").per_realm("polaris.oidc.<realm>.principal-mapper.name-claim-path");
        OIDC_ROLE_CLAIMS: Optional<ClaimPaths> = setting("quarkus.oidc.roles.role-claim-path", "", "The claims that name roles: lists, or texts with blanks between. Without it `groups`, else Keycloak's `realm_access/roles` and `resource_access/<client id>/roles`.").per_realm("quarkus.oidc.<realm>.roles.role-claim-path");
        OIDC_ROLES_TYPE: OnlyDefault = setting("polaris.oidc.principal-roles-mapper.type", "default", "How these become principal roles: by the settings below. Only what comes out as `PRINCIPAL_ROLE:` and a name counts; `PRINCIPAL_ROLE:ALL` activates all roles.").per_realm("polaris.oidc.<realm>.principal-roles-mapper.type");
        OIDC_ROLES_FILTER: Optional<Regex> = setting("polaris.oidc.principal-roles-mapper.filter", "", "What a role must be like, from end to end, to count. Without it, all do.").per_realm("polaris.oidc.<realm>.principal-roles-mapper.filter");
        OIDC_ROLES_REGEX: Regex = setting("polaris.oidc.principal-roles-mapper.mappings[<n>].regex", "", "What is replaced in it, for each number `<n>` in turn.").per_realm("polaris.oidc.<realm>.principal-roles-mapper.mappings[<n>].regex");
        OIDC_ROLES_REPLACEMENT: Text = setting("polaris.oidc.principal-roles-mapper.mappings[<n>].replacement", "", "What takes its place: `$1` is what the first pair of parentheses matched. A realm with mappings of its own has no others.").per_realm("polaris.oidc.<realm>.principal-roles-mapper.mappings[<n>].replacement");
    }
    "Storage" {
        AWS_ACCESS_KEY: Optional<Text> = setting("polaris.storage.aws.access-key", "", "The access key the server itself uses in AWS. Without it, the usual places are searched: `AWS_*` variables, a profile of `~/.aws`, web identity, the container's or the machine's role.");
        AWS_SECRET_KEY: Optional<Secret> = setting("polaris.storage.aws.secret-key", "", "The secret of that key.");
        AWS_NAMED_ACCESS_KEY: Text = setting("polaris.storage.aws.<name>.access-key", "", "The same for catalogs of that storage name, or whose first allowed location is in a bucket of that name. Only with the feature `RESOLVE_CREDENTIALS_BY_STORAGE_NAME`; such keys come before all others.");
        AWS_NAMED_SECRET_KEY: Secret = setting("polaris.storage.aws.<name>.secret-key", "", "The secret of that key.");
        GCP_TOKEN: Optional<Secret> = setting("polaris.storage.gcp.token", "", "An access token that the server itself uses in Google Cloud. Without it, the usual places are searched: the credentials file, the file of `gcloud`, the machine's metadata server.");
        GCP_LIFESPAN: PositiveSpan = setting("polaris.storage.gcp.lifespan", "PT1H", "How long that token is good for, from its first use on.");
        GCP_CREDENTIALS: Optional<FilePath> = setting("merak.storage.gcp.credentials-file", "", "The file with the server's own credentials in Google Cloud, of type `service_account`, `authorized_user`, `impersonated_service_account` or `external_account`. It may come after the server has started, and be replaced.").variable("GOOGLE_APPLICATION_CREDENTIALS");
        GCP_GCLOUD: Optional<FilePath> = setting("merak.storage.gcp.gcloud-folder", "", "The folder in which `gcloud auth application-default login` wrote its file. Without it, `.config/gcloud` in the home folder.").variable("CLOUDSDK_CONFIG");
        GCP_METADATA: Boolean = setting("merak.storage.gcp.metadata-server", "true", "Whether the machine's metadata server is asked for credentials, as the last resort.");
        GCP_METADATA_HOST: Optional<Text> = setting("merak.storage.gcp.metadata-host", "", "The metadata server, if it is not `metadata.google.internal`.").variable("GCE_METADATA_HOST");
        GCP_STS: Optional<Endpoint> = setting("merak.storage.gcp.sts-endpoint", "", "Google's Security Token Service, which narrows tokens, if it is not `https://sts.googleapis.com`.");
        GCP_IAM: Optional<Endpoint> = setting("merak.storage.gcp.iam-endpoint", "", "Google's IAM Credentials API, which makes tokens of service accounts, if it is not `https://iamcredentials.googleapis.com`.");
        GCP_STORAGE: Optional<Endpoint> = setting("merak.storage.gcp.endpoint", "", "Google Cloud Storage, if it is not `https://storage.googleapis.com`. Clients are told it as `gcs.service.host`.");
        AZURE_TENANT: Optional<Text> = setting("merak.storage.azure.tenant-id", "", "The tenant the server's tokens in Azure are asked in for catalogs that name none.").variable("AZURE_TENANT_ID");
        AZURE_CLIENT: Optional<Text> = setting("merak.storage.azure.client-id", "", "The application the server is in Azure, or the user-assigned managed identity.").variable("AZURE_CLIENT_ID");
        AZURE_SECRET: Optional<Secret> = setting("merak.storage.azure.client-secret", "", "The secret of that application. Without it and the file below, the managed identity is asked for, then who is logged in to `az` or `azd`.").variable("AZURE_CLIENT_SECRET");
        AZURE_TOKEN_FILE: Optional<FilePath> = setting("merak.storage.azure.federated-token-file", "", "The file with a workload's token, which is exchanged for one of that application.").variable("AZURE_FEDERATED_TOKEN_FILE");
        AZURE_AUTHORITY: Optional<CloudUrl> = setting("merak.storage.azure.authority-host", "", "Who issues these tokens. Without it, that of Azure's public cloud.").variable("AZURE_AUTHORITY_HOST");
        AZURE_ENDPOINT: Optional<CloudUrl> = setting("merak.storage.azure.endpoint", "", "Where all storage accounts are, each below it by its name, such as those of an emulator. Without it, each is at the host that locations name. The server's token is sent there.");
        AZURE_HOSTS: Optional<Texts> = setting("merak.storage.azure.host-suffixes", "", "What the hosts of locations may have after `blob.` or `dfs.`, beside what those of Azure have (`core.windows.net`, `core.chinacloudapi.cn`, `core.usgovcloudapi.net`, `storage.azure.net`). The server's token, which opens all its accounts, is sent to such hosts: whoever makes tables chooses among them.");
        AZURE_SIGNATURE: Signature = setting("merak.storage.azure.sas-version", "2025-07-05", "The version that signatures for clients are made in.");
        AZURE_TIMEOUT: Number = setting("polaris.features.\"AZURE_TIMEOUT_MILLIS\"", "15000", "How many milliseconds a request for a token in Azure may take, and after how many no other is begun.");
        AZURE_RETRIES: Number = setting("polaris.features.\"AZURE_RETRY_COUNT\"", "3", "How often such a request, or one for a delegation key, is repeated that failed for no fault of its own.");
        AZURE_RETRY_DELAY: Number = setting("polaris.features.\"AZURE_RETRY_DELAY_MILLIS\"", "2000", "How many milliseconds it is waited before the first repetition; before each other one, twice as long.");
        AZURE_RETRY_JITTER: Optional<Text> = setting("polaris.features.\"AZURE_RETRY_JITTER_FACTOR\"", "", "By how much these waits vary. It is taken so that a configuration of Polaris need not be changed, and not used: they vary as Azure's own clients have it.");
        CREDENTIAL_CACHE: Count = setting("polaris.storage-credential-cache.max-entries", "10000", "How many vended credentials are kept.");
        CREDENTIAL_MIN_REMAINING: PositiveSpan = setting("merak.vending.min-remaining", "PT10M", "How long credentials that a client gets live at least, or a quarter of what they lived when they were minted, if that is less.");
        CREDENTIAL_MINTING: Count = setting("merak.vending.max-concurrent", "32", "How many credentials of a cloud are minted at a time; others wait.");
        SIGNING_WITH_OWN: Boolean = setting("merak.signing.own-credentials", "true", "Whether the server signs requests of clients with its own keys for S3, where a catalog has `stsUnavailable` set. What it signs is judged, but nothing narrows such keys, and a store that lets requests have `x-amz-*` headers that are not signed for can be made to copy other files: switch it off where whoever makes catalogs may not reach all that the server may.");
        STORAGE_READ_TIMEOUT: PositiveSpan = setting("polaris.storage.read-timeout", "PT30S", "How long an object store may take to answer.");
        STORAGE_CONNECT_TIMEOUT: PositiveSpan = setting("polaris.storage.connect-timeout", "PT5S", "How long a connection to an object store may take to come about.");
        STORAGE_CLIENTS: Count = setting("polaris.storage.clients-cache-max-size", "50", "How many clients of cloud services are kept for reuse.");
    }
    "Federation" {
        ENCRYPTION_KEYS: Optional<Secret> = setting("merak.secrets.encryption-keys", "", "The keys that secrets of connections are encrypted with before they are kept: `<id>:<base64 of 32 bytes>`, with commas between. The first encrypts, and all decrypt: a new key is put before the others. Replicas need the same. Without it, an embedded database has a key in the file `secrets.key` beside it, which is made when it is first needed; PostgreSQL has none, and a connection with a secret is refused.");
        ENCRYPTION_KEY_FILE: Optional<FilePath> = setting("merak.secrets.encryption-keys-file", "", "The file with such keys instead, with commas or line ends between.");
        FEDERATION_HOSTS: Optional<Texts> = setting("merak.federation.allowed-hosts", "", "The hosts that connections, and the token servers that they name, may be at: `catalog.example.com`, `*.example.com`, `10.0.0.7:8181`. Without it, any: whoever makes catalogs chooses where the server goes. Link-local addresses and those where machines of clouds find their credentials are always refused.");
        FEDERATION_CONNECT: PositiveSpan = setting("merak.federation.connect-timeout", "PT3S", "How long a connection to another catalog may take to come about.");
        FEDERATION_TIMEOUT: PositiveSpan = setting("merak.federation.request-timeout", "PT20S", "How long another catalog, or its token server, may take to answer a request.");
        FEDERATION_MAX_ANSWER: Bytes = setting("merak.federation.max-answer-size", "64M", "The longest answer of another catalog that is read.");
        FEDERATION_CONFIG: PositiveSpan = setting("merak.federation.config-refresh-interval", "PT5M", "After which time another catalog is asked again where its routes are.");
        FEDERATION_CATALOGS: Count = setting("merak.federation.remembered-catalogs", "1000", "Of how many federated catalogs the tokens and decrypted secrets are kept in memory: the last ones.");
        FEDERATION_IDLE: PositiveSpan = setting("merak.federation.idle-lifetime", "PT1H", "How long they are kept of a catalog that nobody asks for.");
        FEDERATION_STS: Optional<Endpoint> = setting("merak.federation.sts-endpoint", "", "Where sessions of the roles are had that requests to other catalogs are signed in, if not from AWS' STS in the region that they are signed for.");
        SERVICE_ARN: Optional<Text> = setting("polaris.service-identity.aws-iam.iam-arn", "", "The user or role in AWS that the server assumes the roles of connections with. It is shown with them, for trust policies to name. A realm with an ARN of its own takes its keys from its own settings, too.").per_realm("polaris.service-identity.<realm>.aws-iam.iam-arn");
        SERVICE_ACCESS_KEY: Optional<Text> = setting("polaris.service-identity.aws-iam.access-key-id", "", "The access key of that identity. Without it, the server is in AWS who it is for storage.").per_realm("polaris.service-identity.<realm>.aws-iam.access-key-id");
        SERVICE_SECRET_KEY: Optional<Secret> = setting("polaris.service-identity.aws-iam.secret-access-key", "", "The secret of that key.").per_realm("polaris.service-identity.<realm>.aws-iam.secret-access-key");
        SERVICE_SESSION_TOKEN: Optional<Secret> = setting("polaris.service-identity.aws-iam.session-token", "", "Of a temporary key, the session token.").per_realm("polaris.service-identity.<realm>.aws-iam.session-token");
    }
    "Limits" {
        MAX_BODY: Bytes = setting("quarkus.http.limits.max-body-size", "10240K", "The largest request body; a larger one is answered 413.");
        MAX_HEADER: Bytes = setting("quarkus.http.limits.max-header-size", "8K", "The largest request head; a larger one is answered 431.");
        REQUEST_TIMEOUT: PositiveSpan = setting("merak.http.request-timeout", "PT60S", "How long a request may take.");
        HEADER_TIMEOUT: PositiveSpan = setting("merak.http.header-read-timeout", "PT60S", "How long a connection may wait for the head of a request to arrive in full; an idle connection is closed after it, too.");
        MAX_CONNECTIONS: Count = setting("merak.http.max-connections", "10000", "The most connections at a time; others wait to be accepted.");
        MAX_CONCURRENT: Count = setting("merak.http.max-concurrent-requests", "1024", "The most requests worked on at a time; more are answered 503 at once.");
        SHUTDOWN_TIMEOUT: Span = setting("quarkus.shutdown.timeout", "PT30S", "How long running requests may take to end when the server is told to stop.");
        PAGE_SIZE: Count = setting("merak.list.page-size", "1000", "How many names a page of a list has when the client does not say.");
        MAX_PAGE_SIZE: Count = setting("merak.list.max-page-size", "10000", "The most names a page of a list may have.");
        METADATA_INLINE: Bytes = setting("merak.metadata.inline-max-bytes", "262144", "Up to which compressed size the current metadata of a table is kept in the database too.");
        METADATA_CACHE: Bytes = setting("merak.metadata.cache-max-bytes", "64M", "How much memory the cache of table metadata may take.");
        METADATA_MAX: Bytes = setting("merak.metadata.max-bytes", "128M", "The largest metadata file that is read.");
        DOCTOR_TIMEOUT: PositiveSpan = setting("merak.doctor.timeout", "PT50S", "How long all steps of a diagnosis of a catalog's storage may take together. It ends ten seconds before `merak.http.request-timeout` at the latest, so that it is answered.");
    }
    "Rate limits" {
        RATE_FILTER: RateFilter = setting("polaris.rate-limiter.filter.type", "no-op", "Whether the requests in a realm are limited (`default`) or not. Those over a limit are answered 429 with `Retry-After`. Each replica counts for itself; health and metrics are never limited.");
        RATE_PER_REALM: Count = setting("polaris.rate-limiter.token-bucket.requests-per-second", "9999", "How many requests there may be in one realm at once, and how many come again in a second. A request whose token is not good, or that is refused for another limit, does not count.");
        RATE_BUCKET: OnlyDefault = setting("polaris.rate-limiter.token-bucket.type", "default", "How they are counted: with a bucket for each realm.");
        RATE_BUCKET_WINDOW: Optional<Text> = setting("polaris.rate-limiter.token-bucket.window", "", "It is taken so that a configuration of Polaris need not be changed, and not used, as in Polaris.");
        RATE_PER_PRINCIPAL: Amount = setting("merak.rate-limiter.requests-per-principal", "0", "How many requests one principal may make at once, whatever `polaris.rate-limiter.filter.type` is. 0 sets no limit.");
        RATE_PER_ADDRESS: Amount = setting("merak.rate-limiter.requests-per-address", "0", "How many requests may come at once from one address, or from one /64 of IPv6, in whatever realms, also without a good token. 0 sets no limit. Behind a proxy it needs `quarkus.http.proxy.proxy-address-forwarding`.");
        RATE_WINDOW: PositiveSpan = setting("merak.rate-limiter.window", "PT1S", "The time in which as many come again to a principal or an address, one by one.");
        RATE_ENTRIES: Count = setting("merak.rate-limiter.entries", "20000", "How many principals and how many addresses are remembered for it: the last ones of each. One takes some 500 bytes.");
    }
    "Idempotency keys" {
        IDEMPOTENCY: Boolean = setting("polaris.idempotency.enabled", "true", "Whether a change that is sent again under the same `Idempotency-Key` is answered as it was the first time, and not made again. Polaris' default is `false`.");
        IDEMPOTENCY_TTL: PositiveSpan = setting("polaris.idempotency.ttl", "PT30M", "How long answers are remembered. Clients are told it, and repeat nothing after it. Polaris' default is `PT5M`.");
    }
    "Metrics reports" {
        REPORT_SINK: ReportSink = setting("polaris.iceberg-metrics.reporting.type", "default", "Where the reports go that engines send of their scans and commits: into the log and the database, into the database alone (`persisting`), or nowhere (`no-op`).");
        REPORT_RETENTION: Span = setting("merak.metrics-reports.retention", "P30D", "How long reports are kept in the database; `0s` keeps none.");
        REPORT_MAX_SIZE: Bytes = setting("merak.metrics-reports.max-size", "256K", "The largest report; a larger one is answered 413.");
    }
    "Background" {
        SWEEP_INTERVAL: PositiveSpan = setting("merak.background.sweep-interval", "PT1M", "How often what is too old is removed from the database.");
        TASKS_AT_ONCE: Count = setting("polaris.tasks.max-concurrent-tasks", "4", "How many tasks, such as the deletion of a dropped table's files, this server works on at a time. Others wait in the database, any number of them.");
        TASK_ATTEMPTS: Count = setting("merak.tasks.max-attempts", "20", "How often a task is tried before it is given up. An attempt that ends with its server counts, unless that was stopped in order.");
        TASK_RETRY_DELAY: PositiveSpan = setting("merak.tasks.retry-delay", "PT1S", "How long at most it is waited after the first attempt that failed; after each other one, twice as long.");
        TASK_MAX_RETRY_DELAY: PositiveSpan = setting("merak.tasks.max-retry-delay", "PT1H", "The longest such wait.");
        TASK_POLL_INTERVAL: PositiveSpan = setting("merak.tasks.poll-interval", "PT5S", "How often to look for tasks that other replicas queued, or that are to be tried again. One that this server queues it begins at once.");
        TASK_RETENTION: Span = setting("merak.tasks.retention", "P7D", "How long tasks that are done or failed can still be seen.");
        PURGE_CHECK: Check = setting("merak.purge.reference-check", "catalog", "Which tables are looked at before the files of a dropped one are deleted, since they may use some: all of its catalog, or only those that lie where it lay, in whatever catalog.");
        PURGE_MAX_IN_USE: Count = setting("merak.purge.max-files-in-use", "1000000", "Where other tables use more files of a dropped table than this, all of its files are left, and the task fails.");
        PURGE_REMEMBERED: Count = setting("merak.purge.remembered-files", "200000", "Of how many metadata files, manifest lists and manifests it is remembered in memory that they name only files of their own table, so that they are not read for each purge. Each takes some 100 bytes.");
    }
    "Logs and metrics" {
        LOG_LEVEL: Level = setting("quarkus.log.level", "INFO", "From which level on messages are logged.");
        LOG_CATEGORY: Level = setting("quarkus.log.category.\"<category>\".level", "", "The same for one category: a module such as `merak_service` or `sqlx`; `org.apache.polaris` and what is below it means all of Merak, but for `org.apache.polaris.service.reporting`: that is the lines of engines' reports, `merak_metrics_reports`.");
        LOG_JSON: Boolean = setting("quarkus.log.console.json", "false", "Whether log lines are JSON.").or(&["quarkus.log.console.json.enabled"]);
        LOG_MDC: Text = setting("polaris.log.mdc.<name>", "", "A field that every log line gets.");
        REQUEST_ID_HEADER: Header = setting("polaris.log.request-id-header-name", "X-Request-ID", "The header that carries the id of a request, in and out.");
        ACCESS_LOG: Boolean = setting("quarkus.http.access-log.enabled", "true", "Whether every request is logged: who, what, the answer and how long it took.");
        METRICS_TAG: Text = setting("polaris.metrics.tags.<name>", "", "A label that every metric gets. `application` is `Polaris` unless set.");
    }
    "CORS" {
        CORS: Boolean = setting("quarkus.http.cors", "false", "Whether browsers may call the APIs from pages of other origins.").or(&["quarkus.http.cors.enabled"]);
        CORS_ORIGINS: Origins = setting("quarkus.http.cors.origins", "http://localhost:8080", "The origins they may come from.");
        CORS_METHODS: Methods = setting("quarkus.http.cors.methods", "GET, POST, PUT, PATCH, DELETE", "The methods they may use.");
        CORS_HEADERS: Headers = setting("quarkus.http.cors.headers", "*", "The request headers they may send.");
        CORS_EXPOSED: Headers = setting("quarkus.http.cors.exposed-headers", "*", "The response headers they may read.");
        CORS_MAX_AGE: Span = setting("quarkus.http.cors.access-control-max-age", "PT10M", "How long they may remember these answers.");
        CORS_CREDENTIALS: Boolean = setting("quarkus.http.cors.access-control-allow-credentials", "true", "Whether they may send credentials; never for the origin `*`.");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_can_be_parsed() {
        for group in GROUPS {
            (group.check_defaults)();
        }
    }

    #[test]
    fn no_key_is_registered_twice() {
        let mut seen = std::collections::BTreeSet::new();
        for key in rows().flat_map(|row| row.keys().chain(row.realm_key)) {
            // Also not as a variable.
            assert!(seen.insert(super::super::keys::loose(key)), "{key}");
        }
    }
}
