//! What is said about keys that nobody asked for.

use super::*;

fn notices(variables: &[(&str, &str)]) -> Vec<Notice> {
    loaded(&environment(variables)).notices
}

#[test]
fn an_unknown_key_is_named_with_the_one_that_was_meant() {
    for (key, meant) in [
        ("polaris.realm-context.realm", "polaris.realm-context.realms"),
        ("polaris.storage.aws.accesskey", "polaris.storage.aws.access-key"),
        ("merak.http.request-timout", "merak.http.request-timeout"),
        ("quarkus.http.prot", "quarkus.http.port"),
        ("polaris.features.\"DROP_WITH_PURGE_ENABLE\"", "DROP_WITH_PURGE_ENABLED"),
        ("POLARIS_REALM_CONTEXT_REALM", "POLARIS_REALM_CONTEXT_REALMS"),
        ("POLARIS_FEATURES__DROP_WITH_PURGE_ENABLE_", "POLARIS_FEATURES__DROP_WITH_PURGE_ENABLED_"),
    ] {
        let notices = notices(&[(key, "x")]);

        let expected = format!("unknown key {key}: did you mean {meant}?");
        assert_eq!(texts(&notices, Severity::Warning), [expected], "{key}");
    }
}

#[test]
fn an_unknown_key_like_no_other_is_named() {
    let notices = notices(&[("polaris.foo", "x"), ("merak.something.of.its.own", "y")]);

    let expected = [
        "unknown key merak.something.of.its.own: docs/configuration.md has all keys",
        "unknown key polaris.foo: docs/configuration.md has all keys",
    ];
    assert_eq!(texts(&notices, Severity::Warning), expected);
}

#[test]
fn unknown_features_are_no_mistake() {
    let notices = notices(&[
        ("polaris.features.\"OF_ANOTHER_VERSION\"", "true"),
        ("polaris.behavior-changes.\"OF_ANOTHER_VERSION\"", "[x"),
        ("POLARIS_FEATURES__ENABLE_POLICY_STORE_", "true"),
    ]);

    assert!(notices.iter().all(|notice| notice.severity == Severity::Debug), "{notices:?}");
}

#[test]
fn features_of_polaris_without_effect_are_told_in_one_line_however_they_are_written() {
    let notices = notices(&[
        ("polaris.features.\"OPTIMIZED_SIBLING_CHECK\"", "true"),
        ("polaris.features.realm-overrides.\"POLARIS\".\"CLEANUP_ON_NAMESPACE_DROP\"", "true"),
        ("polaris.behavior-changes.\"ENTITY_CACHE_SOFT_VALUES\"", "[x"),
        ("POLARIS_FEATURES__MAX_METADATA_REFRESH_RETRIES_", "3"),
    ]);

    assert_eq!(
        texts(&notices, Severity::Info),
        ["settings without effect here: POLARIS_FEATURES__MAX_METADATA_REFRESH_RETRIES_, \
          polaris.behavior-changes.\"ENTITY_CACHE_SOFT_VALUES\", \
          polaris.features.\"OPTIMIZED_SIBLING_CHECK\", \
          polaris.features.realm-overrides.\"POLARIS\".\"CLEANUP_ON_NAMESPACE_DROP\""]
    );
    assert_eq!(notices.len(), 1, "{notices:?}");
}

#[test]
fn a_flag_in_the_wrong_group_is_told_its_own() {
    let notices = notices(&[("polaris.features.\"ALLOW_NAMESPACE_CUSTOM_LOCATION\"", "true")]);

    let [warning] = texts(&notices, Severity::Warning)[..] else { panic!("{notices:?}") };
    assert!(warning.contains("polaris.behavior-changes.\"ALLOW_NAMESPACE_CUSTOM_LOCATION\""));
}

#[test]
fn overrides_for_a_realm_that_is_not_configured_are_named() {
    for key in [
        "polaris.authentication.reaml.token-broker.type",
        "polaris.features.realm-overrides.\"reaml\".\"DROP_WITH_PURGE_ENABLED\"",
    ] {
        let notices = notices(&[(key, "x")]);
        let [warning] = texts(&notices, Severity::Warning)[..] else { panic!("{notices:?}") };
        assert!(warning.starts_with(key) && warning.contains("the realm reaml is not among"));
    }
    let credentials = [("POLARIS_BOOTSTRAP_CREDENTIALS", "OTHER,a,b")];
    let notices = notices(&credentials);
    assert!(texts(&notices, Severity::Warning)[0].contains("the realm OTHER"));
}

#[test]
fn a_provider_that_is_no_realm_s_is_named() {
    for key in [
        "quarkus.oidc.idp1.auth-server-url",
        "quarkus.oidc.idp1.token.audience",
        "polaris.oidc.idp1.principal-mapper.name-claim-path",
        "polaris.oidc.idp1.principal-roles-mapper.mappings[12].regex",
    ] {
        let notices = notices(&[(key, "x")]);
        let [warning] = texts(&notices, Severity::Warning)[..] else { panic!("{notices:?}") };
        assert!(warning.starts_with(key) && warning.contains("idp1 is not among"), "{warning}");
    }
}

#[test]
fn a_setting_that_would_have_made_polaris_safer_is_not_passed_over() {
    let notices = notices(&[("quarkus.http.ssl.certificate.files", "cert.pem")]);

    let [warning] = texts(&notices, Severity::Warning)[..] else { panic!("{notices:?}") };
    assert!(warning.contains("TLS is not served"));
}

#[test]
fn variables_of_kubernetes_and_of_other_programs_are_let_be() {
    let notices = notices(&[
        ("POLARIS_SERVICE_HOST", "10.0.0.1"),
        ("POLARIS_PORT_8181_TCP", "tcp://10.0.0.1:8181"),
        ("MERAK_PORT", "tcp://10.0.0.1:8181"),
        ("POLARIS_ID", "root"),
        ("PATH", "/bin"),
        ("HTTP_PORT", "80"),
    ]);

    assert!(notices.iter().all(|notice| notice.severity == Severity::Debug), "{notices:?}");
}
