//! Which source wins, and how each may be spelled.

use std::time::Duration;

use merak_model::RealmId;
use merak_model::features::{DROP_WITH_PURGE_ENABLED, ICEBERG_COMMIT_MAX_RETRIES};

use super::*;

#[test]
fn without_sources_all_is_default() {
    let Loaded { config, notices } = loaded(&nothing());

    assert_eq!((config.bind.host.as_str(), config.bind.port), ("127.0.0.1", 8181));
    assert_eq!(
        (config.bind.management_host.as_str(), config.bind.management_port),
        ("127.0.0.1", 8182)
    );
    assert_eq!(config.realms.all, [RealmId::new("POLARIS")]);
    assert_eq!(config.limits.max_body_bytes, 10_485_760);
    assert_eq!(config.limits.metadata_cache_max_bytes, 67_108_864);
    assert!(config.bootstrap.is_automatic && config.bootstrap.credentials.is_empty());
    assert!(!config.cors.is_enabled && config.storage.aws.is_none());
    assert_eq!(notices, []);
}

#[test]
fn flags_win_over_the_environment_over_the_file_over_the_default() {
    let mut sources =
        file("quarkus.http.port=1\nquarkus.management.port=1\nquarkus.http.host=file");
    sources.environment = pairs(&[("quarkus.http.port", "2"), ("QUARKUS_MANAGEMENT_PORT", "2")]);
    sources.flags = pairs(&[("quarkus.http.port", "3"), ("quarkus.http.port", "4")]);

    let bind = config(&sources).bind;

    assert_eq!((bind.port, bind.management_port), (4, 2));
    assert_eq!((bind.host.as_str(), bind.management_host.as_str()), ("file", "file"));
}

#[test]
fn the_property_name_as_a_variable_wins_over_its_upper_case_form() {
    let variables = [("QUARKUS_HTTP_PORT", "1"), ("quarkus.http.port", "2")];

    assert_eq!(config(&environment(&variables)).bind.port, 2);
}

#[test]
fn of_one_key_in_a_file_the_last_wins() {
    assert_eq!(config(&file("quarkus.http.port=1\nquarkus.http.port=2")).bind.port, 2);
}

#[test]
fn a_blank_value_is_as_none() {
    let mut sources = file("quarkus.http.host=file");
    sources.environment = pairs(&[
        ("QUARKUS_HTTP_HOST", ""),
        ("QUARKUS_HTTP_PORT", ""),
        ("QUARKUS_DATASOURCE_JDBC_URL", " "),
        ("quarkus.datasource.password", ""),
    ]);

    let config = config(&sources);

    assert_eq!((config.bind.host.as_str(), config.bind.port), ("file", 8181));
    assert!(matches!(config.database, crate::config::Database::Sqlite(_)));
}

#[test]
fn a_file_that_is_named_is_read_and_must_be_there() {
    let mut sources = file("quarkus.http.port=1");
    std::fs::write(sources.working_dir.join("other"), "quarkus.http.port=2").unwrap();
    sources.file = Some("other".into());

    assert_eq!(config(&sources).bind.port, 2);

    sources.file = Some("absent".into());
    let shown = errors(&sources).to_string();
    assert!(shown.contains("/absent: cannot be read"), "{shown}");
}

#[test]
fn features_are_found_under_every_spelling() {
    for name in [
        "polaris.features.\"DROP_WITH_PURGE_ENABLED\"",
        "polaris.features.DROP_WITH_PURGE_ENABLED",
        "POLARIS_FEATURES__DROP_WITH_PURGE_ENABLED_",
        "POLARIS_FEATURES_DROP_WITH_PURGE_ENABLED",
    ] {
        let Loaded { config, notices } = loaded(&environment(&[(name, "true")]));

        let features = &config.features[&RealmId::new("POLARIS")];
        assert!(features.of_realm().is_on(&DROP_WITH_PURGE_ENABLED), "{name}");
        assert_eq!(notices, [], "{name}");
    }
}

#[test]
fn a_realm_overrides_a_feature_whatever_the_source() {
    for name in [
        "polaris.features.realm-overrides.\"r-1\".\"DROP_WITH_PURGE_ENABLED\"",
        "POLARIS_FEATURES_REALM_OVERRIDES__R_1___DROP_WITH_PURGE_ENABLED_",
    ] {
        let mut sources = file("polaris.realm-context.realms=r-1,r2");
        sources.flags = pairs(&[("polaris.features.\"DROP_WITH_PURGE_ENABLED\"", "false")]);
        sources.environment = pairs(&[(name, "true")]);

        let features = config(&sources).features;

        let is_on =
            |realm| features[&RealmId::new(realm)].of_realm().is_on(&DROP_WITH_PURGE_ENABLED);
        assert!(is_on("r-1") && !is_on("r2"), "{name}");
    }
}

#[test]
fn a_feature_may_be_json_as_the_helm_chart_writes_it() {
    let sources = file(
        "polaris.features.\"DROP_WITH_PURGE_ENABLED\"=\"true\"\n\
         polaris.features.\"ICEBERG_COMMIT_MAX_RETRIES\"=7",
    );

    let config = config(&sources);
    let features = &config.features[&RealmId::new("POLARIS")];

    assert!(features.of_realm().is_on(&DROP_WITH_PURGE_ENABLED));
    assert_eq!(features.of_realm().number(&ICEBERG_COMMIT_MAX_RETRIES), 7);
}

#[test]
fn a_file_refers_to_the_environment() {
    let mut sources = file("quarkus.http.host=${HOST_NAME:0.0.0.0}\nquarkus.http.port=${MY_PORT}");
    sources.environment = pairs(&[("MY_PORT", "9")]);

    let bind = config(&sources).bind;

    assert_eq!((bind.host.as_str(), bind.port), ("0.0.0.0", 9));
}

#[test]
fn logs_and_metrics_have_names_of_their_users() {
    let mut sources = file(
        "quarkus.log.level=WARN\nquarkus.log.category.\"org.apache.polaris\".level=DEBUG\n\
         quarkus.log.category.\"sqlx\".level=TRACE\npolaris.log.mdc.region=eu\n\
         polaris.log.mdc.\"a.b\"=c\nquarkus.log.console.json.enabled=true\n\
         polaris.metrics.tags.team=x",
    );
    sources.environment = pairs(&[("POLARIS_LOG_MDC_POD", "p1")]);

    let telemetry = config(&sources).telemetry;

    assert_eq!(telemetry.filter(), "warn,sqlx::postgres::notice=warn,merak=debug,sqlx=trace");
    assert_eq!(telemetry.format, crate::config::LogFormat::Json);
    let fields: Vec<_> = telemetry.fields.into_iter().collect();
    assert_eq!(fields, pairs(&[("a.b", "c"), ("pod", "p1"), ("region", "eu")]));
    let labels: Vec<_> = telemetry.metric_labels.into_iter().collect();
    assert_eq!(labels, pairs(&[("application", "Polaris"), ("team", "x")]));
}

#[test]
fn the_lines_of_reports_have_a_level_of_their_own() {
    for category in ["org.apache.polaris.service.reporting", "merak_metrics_reports"] {
        let of_reports = format!("quarkus.log.category.\"{category}\".level=OFF\n");
        let all = "quarkus.log.category.\"org.apache.polaris\".level=DEBUG";

        let telemetry = config(&file(&(of_reports + all))).telemetry;

        let levels = "info,sqlx::postgres::notice=warn,merak=debug,merak_metrics_reports=off";
        assert_eq!(telemetry.filter(), levels);
    }
}

#[test]
fn google_is_found_by_the_variables_of_its_own_tools() {
    let file = |sources: &Sources| config(sources).storage.google.gcloud_file;
    let adc = "application_default_credentials.json";

    let google = config(&environment(&[
        ("GOOGLE_APPLICATION_CREDENTIALS", "late/g.json"),
        ("GCE_METADATA_HOST", "169.254.169.254"),
    ]))
    .storage
    .google;
    assert_eq!(google.credentials_file, Some(PathBuf::from("/nowhere/late/g.json")));
    assert_eq!(google.metadata_host.as_deref(), Some("169.254.169.254"));
    assert_eq!(google.gcloud_file, None);
    let home = ("HOME", "/home/ana");
    let of_home = PathBuf::from("/home/ana/.config/gcloud").join(adc);
    assert_eq!(file(&environment(&[home])), Some(of_home));
    let of_gcloud = Some(PathBuf::from("/gcloud").join(adc));
    assert_eq!(file(&environment(&[home, ("CLOUDSDK_CONFIG", "/gcloud")])), of_gcloud);
}

#[test]
fn a_google_endpoint_that_anybody_could_answer_is_refused() {
    let sources = environment(&[("merak.storage.gcp.sts-endpoint", "http://sts.example.com")]);

    let errors = errors(&sources).to_string();

    assert!(errors.contains("is not an `https` URL, or an `http` URL on this machine"), "{errors}");
}

#[test]
fn azures_own_variables_are_settings_and_its_secret_is_not_shown() {
    let sources = environment(&[
        ("AZURE_TENANT_ID", "tenant"),
        ("AZURE_CLIENT_ID", "client"),
        ("AZURE_CLIENT_SECRET", "hunter2"),
        ("AZURE_FEDERATED_TOKEN_FILE", "token"),
        ("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.us/"),
        ("MERAK_STORAGE_AZURE_ENDPOINT", "http://127.0.0.1:10000"),
        ("POLARIS_FEATURES__AZURE_TIMEOUT_MILLIS_", "\"5000\""),
        ("POLARIS_FEATURES__AZURE_RETRY_JITTER_FACTOR_", "0.5"),
    ]);

    let Loaded { config, notices } = Config::load(&sources).unwrap();

    let azure = &config.storage.azure;
    assert_eq!(azure.tenant_id.as_deref(), Some("tenant"));
    assert_eq!(azure.client_id.as_deref(), Some("client"));
    assert_eq!(azure.federated_token_file, Some("/nowhere/token".into()));
    assert_eq!(azure.authority_host.as_ref().unwrap().as_str(), "https://login.microsoftonline.us");
    assert_eq!(azure.endpoint.as_ref().unwrap().as_str(), "http://127.0.0.1:10000");
    assert_eq!(azure.token_timeout, Duration::from_secs(5));
    assert!(azure.client_secret.is_some());
    assert!(!format!("{config:?}").contains("hunter2"));
    assert!(!notices.iter().any(|notice| notice.text.contains("AZURE")), "{notices:?}");
}

#[test]
fn a_token_is_not_sent_unencrypted_to_another_machine() {
    let sources = environment(&[("AZURE_AUTHORITY_HOST", "http://login.example")]);

    let errors = Config::load(&sources).unwrap_err().to_string();

    assert!(
        errors.contains("AZURE_AUTHORITY_HOST") && errors.contains("must be https"),
        "{errors}"
    );
}
