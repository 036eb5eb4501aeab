//! Configurations written for Polaris.

use merak_model::RealmId;
use merak_model::features::SUPPORTED_CATALOG_STORAGE_TYPES;
use secrecy::ExposeSecret as _;

use super::*;
use crate::config::{
    AllowList, Database, Forwarding, Postgres, RealmTokens, SymmetricKey, Synchronous, TokenBroker,
};

#[test]
#[expect(clippy::disallowed_methods, reason = "the test looks at the secrets")]
fn a_compose_environment_is_loaded_as_it_stands() {
    let sources = environment(&[
        ("JAVA_DEBUG", "true"),
        ("JAVA_DEBUG_PORT", "*:5005"),
        ("JAVA_OPTS_APPEND", "-Xmx1g"),
        ("POLARIS_PERSISTENCE_TYPE", "relational-jdbc"),
        ("POLARIS_PERSISTENCE_RELATIONAL_JDBC_MAX_RETRIES", "5"),
        ("POLARIS_PERSISTENCE_RELATIONAL_JDBC_INITIAL_DELAY_IN_MS", "100"),
        ("QUARKUS_DATASOURCE_JDBC_URL", "jdbc:postgresql://postgres:5432/POLARIS"),
        ("QUARKUS_DATASOURCE_USERNAME", "postgres"),
        ("QUARKUS_DATASOURCE_PASSWORD", "pass word"),
        ("polaris.realm-context.realms", "POLARIS"),
        ("quarkus.otel.sdk.disabled", "true"),
        ("quarkus.log.file.enabled", "false"),
        ("POLARIS_BOOTSTRAP_CREDENTIALS", "POLARIS,root,s3cr3t"),
        ("polaris.features.\"ALLOW_INSECURE_STORAGE_TYPES\"", "true"),
        (
            "polaris.features.\"SUPPORTED_CATALOG_STORAGE_TYPES\"",
            "[\"FILE\",\"S3\",\"GCS\",\"AZURE\"]",
        ),
        ("polaris.features.\"ENABLE_CATALOG_FEDERATION\"", "true"),
        ("polaris.readiness.ignore-severe-issues", "true"),
        ("AWS_REGION", "us-west-2"),
        ("AWS_ACCESS_KEY_ID", "minio_root"),
        ("AZURE_CLIENT_SECRET", "x"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/later.json"),
        ("POLARIS_ID", "root"),
        ("POLARIS_SECRET", "s3cr3t"),
    ]);

    let Loaded { config, notices } = loaded(&sources);

    let Database::Postgres(Postgres { url, username, password, max_connections, .. }) =
        config.database
    else {
        panic!("this is not PostgreSQL");
    };
    assert_eq!(url.expose_secret(), "postgresql://postgres:5432/POLARIS");
    assert_eq!(username.as_deref(), Some("postgres"));
    assert_eq!(password.unwrap().expose_secret(), "pass word");
    assert_eq!(max_connections, 16);
    let root = config.bootstrap.credentials_of(&RealmId::new("POLARIS")).unwrap();
    assert_eq!((root.client_id.as_str(), root.client_secret.expose_secret()), ("root", "s3cr3t"));
    let features = &config.features[&RealmId::new("POLARIS")];
    let types = features.of_realm().list(&SUPPORTED_CATALOG_STORAGE_TYPES);
    assert_eq!(types, ["FILE", "S3", "GCS", "AZURE"]);

    let [warning] = texts(&notices, Severity::Warning)[..] else {
        panic!("there is one warning, of FILE: {notices:?}");
    };
    assert!(warning.contains("ALLOW_INSECURE_STORAGE_TYPES"));
    assert_eq!(
        texts(&notices, Severity::Info),
        ["settings without effect here: POLARIS_PERSISTENCE_RELATIONAL_JDBC_INITIAL_DELAY_IN_MS, \
          POLARIS_PERSISTENCE_RELATIONAL_JDBC_MAX_RETRIES, \
          quarkus.log.file.enabled, quarkus.otel.sdk.disabled"]
    );
}

#[test]
fn the_file_of_the_helm_chart_is_loaded_as_it_stands() {
    let Loaded { config, notices } = loaded(&file(
        r#"
        polaris.authentication.authenticator.type=default
        polaris.authentication.token-broker.max-token-generation=PT2H
        polaris.authentication.token-broker.type=rsa-key-pair
        polaris.authentication.token-broker.rsa-key-pair.private-key-file=/deployments/config/private.pem
        polaris.authentication.token-broker.rsa-key-pair.public-key-file=config/public.pem
        polaris.authentication.token-service.type=default
        polaris.authentication.type=internal
        polaris.authentication.realm2.authenticator.type=default
        polaris.authentication.realm2.token-broker.type=symmetric-key
        polaris.authentication.realm2.token-broker.symmetric-key.file=/secret
        polaris.features."ENFORCE_PRINCIPAL_CREDENTIAL_ROTATION_REQUIRED_CHECKING"=false
        polaris.features.realm-overrides."realm2"."SUPPORTED_CATALOG_STORAGE_TYPES"=["S3"]
        polaris.file-io.type=default
        polaris.log.mdc."mykey"=value
        polaris.log.request-id-header-name=X-My-Id
        polaris.metrics.tags.env=prod
        polaris.oidc.principal-roles-mapper.mappings[0].regex=PRINCIPAL_ROLE:(.*)
        polaris.persistence.type=in-memory
        polaris.rate-limiter.filter.type=default
        polaris.rate-limiter.token-bucket.requests-per-second=9999
        polaris.rate-limiter.token-bucket.type=default
        polaris.rate-limiter.token-bucket.window=PT10S
        polaris.realm-context.realms=realm1,realm2
        polaris.realm-context.type=default
        polaris.storage.gcp.lifespan=PT1H
        polaris.tasks.max-concurrent-tasks=100
        quarkus.http.access-log.enabled=true
        quarkus.http.cors.access-control-max-age=PT10M
        quarkus.http.cors.enabled=true
        quarkus.http.cors.origins=http://localhost:3000, https://console.example.com
        quarkus.http.port=8181
        quarkus.log.category."org.apache.iceberg.rest".level=INFO
        quarkus.log.category."org.apache.polaris".level=INFO
        quarkus.log.console.enabled=true
        quarkus.log.console.format=%d{yyyy-MM-dd HH:mm:ss,SSS} %-5p [%c{3.}] (%t) %s%e%n
        quarkus.log.console.level=INFO
        quarkus.log.level=INFO
        quarkus.management.port=8182
        quarkus.otel.sdk.disabled=true
        "#,
    ));

    assert_eq!(texts(&notices, Severity::Warning), Vec::<&str>::new());
    assert!(matches!(config.database, Database::InMemory));
    assert_eq!(config.realms.default_realm(), &RealmId::new("realm1"));
    assert_eq!(config.telemetry.request_id_header, "x-my-id");
    assert_eq!(config.rates.per_realm_and_second, Some(9999));
    assert!(config.telemetry.has_access_log && config.cors.is_enabled);
    assert!(matches!(&config.cors.origins, AllowList::These(origins) if origins.len() == 2));
    let tokens = |realm| &config.tokens.by_realm[&RealmId::new(realm)];
    let RealmTokens { broker: TokenBroker::Rsa(Some(files)), lifetime, .. } = tokens("realm1")
    else {
        panic!("realm1 has RSA files");
    };
    assert_eq!(files.private, PathBuf::from("/deployments/config/private.pem"));
    assert!(files.public.is_absolute() && files.public.ends_with("config/public.pem"));
    assert_eq!(lifetime.as_secs(), 7200);
    let broker = &tokens("realm2").broker;
    assert!(matches!(broker, TokenBroker::Symmetric(SymmetricKey::File(_))), "{broker:?}");
}

#[test]
fn the_settings_of_the_published_tests_are_loaded_as_they_stand() {
    let Loaded { config, notices } = loaded(&environment(&[
        ("POLARIS_BOOTSTRAP_CREDENTIALS", "POLARIS,test-admin,test-secret"),
        ("polaris.realm-context.realms", "POLARIS,OTHER"),
        ("quarkus.http.limits.max-body-size", "1000000"),
        ("polaris.features.\"INITIALIZE_DEFAULT_CATALOG_FILEIO_FOR_it\"", "true"),
        (
            "polaris.features.\"SUPPORTED_CATALOG_STORAGE_TYPES\"",
            "[\"FILE\",\"S3\",\"GCS\",\"AZURE\"]",
        ),
        ("polaris.readiness.ignore-severe-issues", "true"),
        ("polaris.storage.gcp.token", "token"),
    ]));

    assert_eq!(config.limits.max_body_bytes, 1_000_000);
    assert!(config.storage.google.token.is_some());
    assert_eq!(config.realms.all.len(), 2);
    // FILE is there, and both realms have it.
    let [warning] = texts(&notices, Severity::Warning)[..] else { panic!("{notices:?}") };
    assert!(warning.ends_with("OTHER, POLARIS"), "{warning}");
}

#[test]
fn the_database_is_the_one_that_was_asked_for() {
    let kind = |variables: &[(&str, &str)]| match config(&environment(variables)).database {
        Database::Sqlite(_) => "sqlite",
        Database::InMemory => "memory",
        Database::Postgres(_) => "postgres",
    };
    let url = ("DATABASE_URL", "postgres://u:p@db/merak");
    let jdbc = ("quarkus.datasource.jdbc.url", "jdbc:postgresql://db/polaris");

    assert_eq!(kind(&[]), "sqlite");
    assert_eq!(kind(&[url]), "postgres");
    assert_eq!(kind(&[jdbc]), "postgres");
    assert_eq!(kind(&[("POLARIS_PERSISTENCE_TYPE", "relational-jdbc"), url]), "postgres");
    assert_eq!(kind(&[("POLARIS_PERSISTENCE_TYPE", "in-memory"), url]), "memory");
    assert_eq!(kind(&[("POLARIS_PERSISTENCE_TYPE", "sqlite"), url]), "sqlite");
}

#[test]
fn the_embedded_database_lies_where_it_was_told() {
    let sources = Sources {
        environment: pairs(&[("MERAK_DATA_DIR", "./data"), ("MERAK_SQLITE_SYNCHRONOUS", "NORMAL")]),
        ..nothing()
    };
    let Database::Sqlite(sqlite) = config(&sources).database else { panic!("this is SQLite") };
    let Database::Sqlite(default) = config(&nothing()).database else { panic!("this is SQLite") };

    assert_eq!(sqlite.data_dir.to_str(), Some("/nowhere/data"));
    assert_eq!(sqlite.synchronous, Synchronous::Normal);
    assert_eq!(default.data_dir.to_str(), Some("/nowhere/merak-data"));
    assert_eq!(default.synchronous, Synchronous::Full);
}

#[test]
fn realms_are_bootstrapped_unless_the_types_leave_theirs_out() {
    let types = "polaris.persistence.auto-bootstrap-types";
    let is_automatic = |variables: &[_]| config(&environment(variables)).bootstrap.is_automatic;
    let url = ("DATABASE_URL", "postgres://db/merak");

    assert!(is_automatic(&[url]));
    assert!(is_automatic(&[url, (types, "in-memory, relational-jdbc")]));
    assert!(!is_automatic(&[url, (types, "in-memory")]));
    assert!(is_automatic(&[(types, "in-memory")]));
}

#[test]
fn browsers_send_no_credentials_from_just_anywhere() {
    let origins = ("quarkus.http.cors.origins", "*");
    let credentials = ("quarkus.http.cors.access-control-allow-credentials", "true");

    let Loaded { config, notices } = loaded(&environment(&[origins, credentials]));

    assert_eq!(config.cors.origins, AllowList::Any);
    assert!(!config.cors.allow_credentials);
    assert_eq!(texts(&notices, Severity::Warning).len(), 1);
}

#[test]
fn a_proxy_is_believed_only_where_addresses_are_forwarded_and_by_one_header() {
    let on = ("quarkus.http.proxy.proxy-address-forwarding", "true");
    let x = |value| ("quarkus.http.proxy.allow-x-forwarded", value);
    let standard = ("quarkus.http.proxy.allow-forwarded", "true");
    let cases: [(&[_], _); 7] = [
        (&[], Forwarding::Ignored),
        (&[x("true"), standard], Forwarding::Ignored),
        (&[on], Forwarding::XForwardedFor),
        (&[on, x("true")], Forwarding::XForwardedFor),
        (&[on, x("false")], Forwarding::Ignored),
        (&[on, standard], Forwarding::Forwarded),
        (&[on, x("true"), standard], Forwarding::Forwarded),
    ];
    for (variables, expected) in cases {
        assert_eq!(config(&environment(variables)).forwarding, expected, "{variables:?}");
    }
}
