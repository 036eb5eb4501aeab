//! What is said of settings that are not fit for production.

use super::*;

fn warnings(variables: &[(&str, &str)]) -> Vec<String> {
    let loaded = loaded(&environment(variables));
    texts(&loaded.notices, Severity::Warning).into_iter().map(str::to_owned).collect()
}

#[test]
fn nothing_is_said_of_a_configuration_without_anything() {
    assert_eq!(warnings(&[]), Vec::<String>::new());
}

#[test]
fn each_finding_names_its_setting() {
    for (variables, key, told) in [
        (
            &[("polaris.persistence.type", "in-memory")][..],
            "polaris.persistence.type",
            "everything is forgotten",
        ),
        (
            &[("polaris.realm-context.realms", "a,b")],
            "polaris.realm-context.require-header",
            "are taken to mean a",
        ),
        (
            &[
                ("polaris.authentication.token-broker.type", "symmetric-key"),
                (
                    "polaris.authentication.token-broker.symmetric-key.secret",
                    "a secret that is long enough, of forty letters",
                ),
            ],
            "polaris.authentication.token-broker.symmetric-key.secret",
            "can make tokens",
        ),
        (
            &[("polaris.features.\"SKIP_CREDENTIAL_SUBSCOPING_INDIRECTION\"", "true")],
            "polaris.features.\"SKIP_CREDENTIAL_SUBSCOPING_INDIRECTION\"",
            "in the realms POLARIS",
        ),
    ] {
        let warnings = warnings(variables);

        let [warning] = &warnings[..] else { panic!("{key}: {warnings:?}") };
        assert!(warning.starts_with(key), "{warning}");
        assert!(warning.contains(told), "{warning}");
        assert!(!warning.contains("a secret that"), "{warning}");
    }
}

#[test]
fn a_flag_that_one_realm_has_is_told_of_that_one() {
    let flag = "polaris.features.realm-overrides.\"b\".\"SKIP_CREDENTIAL_SUBSCOPING_INDIRECTION\"";
    let warnings = warnings(&[
        ("polaris.realm-context.realms", "a,b"),
        ("polaris.realm-context.require-header", "true"),
        (flag, "true"),
    ]);

    let [warning] = &warnings[..] else { panic!("{warnings:?}") };
    assert!(warning.contains("is on in the realms b: "), "{warning}");
}

#[test]
fn whoever_says_that_requests_need_name_no_realm_is_not_told_so() {
    let warnings = warnings(&[
        ("polaris.realm-context.realms", "a,b"),
        ("polaris.realm-context.require-header", "false"),
    ]);

    assert_eq!(warnings, Vec::<String>::new());
}
