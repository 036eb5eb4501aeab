//! What keeps the server from starting, and how it is said.

use super::*;

/// The problems of an environment, as they are shown.
fn shown(variables: &[(&str, &str)]) -> Vec<String> {
    errors(&environment(variables)).problems.iter().map(ToString::to_string).collect()
}

#[test]
fn all_problems_are_told_at_once_with_key_source_value_and_expectation() {
    let mut sources = file("\n\nquarkus.http.limits.max-body-size=10MB\nx=\\u12\n");
    sources.environment = pairs(&[("QUARKUS_HTTP_PORT", "80x"), ("merak.list.page-size", "0")]);
    sources.flags = pairs(&[("polaris.realm-context.require-header", "yes\n")]);
    let path = sources.working_dir.join("config/application.properties");
    let path = path.display();

    let shown = errors(&sources).to_string();

    let expected = [
        "the configuration cannot be used:".to_owned(),
        format!("  - {path}: line 4 has a \\u that four hexadecimal digits do not follow"),
        "  - QUARKUS_HTTP_PORT: '80x', set by the environment variable QUARKUS_HTTP_PORT, is not \
         a port from 0 to 65535"
            .to_owned(),
        "  - polaris.realm-context.require-header: 'yes\\n', set by a -D flag, is not `true` or \
         `false`"
            .to_owned(),
        format!(
            "  - quarkus.http.limits.max-body-size: '10MB', set by {path}:3, is not a size such \
             as `1048576`, `10240K`, `10M` or `1G`"
        ),
        "  - merak.list.page-size: '0', set by the environment variable merak.list.page-size, is \
         not a whole number from 1 up"
            .to_owned(),
    ];
    assert_eq!(shown.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn a_malformed_value_for_all_realms_is_one_problem() {
    let realms = ("polaris.realm-context.realms", "a,b,c");
    let lifetime = ("polaris.authentication.token-broker.max-token-generation", "soon");
    let feature = ("polaris.features.\"DROP_WITH_PURGE_ENABLED\"", "maybe");

    let shown = shown(&[realms, lifetime, feature]);

    assert_eq!(shown.len(), 2, "{shown:?}");
    assert!(shown[0].contains("is not a duration longer than 0"));
    assert!(shown[1].contains("'maybe'") && shown[1].contains("is not `true` or `false`"));
}

#[test]
fn a_secret_is_never_shown() {
    let secrets = [
        ("POLARIS_BOOTSTRAP_CREDENTIALS", "POLARIS,root,s3cr3t"),
        ("DATABASE_URL", "postgres://u:s3cr3t@db/merak"),
        ("QUARKUS_DATASOURCE_PASSWORD", "s3cr3t"),
        ("polaris.storage.aws.access-key", "AKIA"),
        ("polaris.storage.aws.secret-key", "s3cr3t"),
        ("polaris.authentication.token-broker.type", "symmetric-key"),
        ("polaris.authentication.token-broker.symmetric-key.secret", "s3cr3t"),
    ];
    let loaded = loaded(&environment(&secrets));
    assert!(!format!("{loaded:?}").contains("s3cr3t"));
    assert!(loaded.notices.iter().any(|notice| notice.text.contains("shorter than 32 bytes")));

    let errors = errors(&environment(&[
        ("POLARIS_BOOTSTRAP_CREDENTIALS", "POLARIS,root,s3cr3t;A,s3cr3t"),
        ("DATABASE_URL", "mysql://u:s3cr3t@db"),
        ("polaris.storage.aws.secret-key", "s3cr3t"),
        ("polaris.passwrod", "s3cr3t"),
    ]));
    assert_eq!(errors.problems.len(), 3);
    assert!(!format!("{errors} {errors:?}").contains("s3cr3t"));
    let shown = errors.to_string();
    assert!(shown.contains("POLARIS_BOOTSTRAP_CREDENTIALS: the value set by"), "{shown}");
    assert!(shown.contains("entry 2 does not have the three parts"), "{shown}");
    assert!(shown.contains("needs polaris.storage.aws.access-key beside it"), "{shown}");
}

#[test]
fn bootstrap_credentials_are_checked() {
    let key = "POLARIS_BOOTSTRAP_CREDENTIALS";
    for (text, why) in [
        ("POLARIS,root", "entry 1 does not have the three parts"),
        ("POLARIS,root,a,b", "entry 1 does not have the three parts"),
        ("POLARIS,,a", "entry 1 has a blank part"),
        ("P,a,b; P,c,d", "entry 2 is of a realm that has one already"),
    ] {
        let shown = shown(&[(key, text)]);
        assert!(shown[0].contains(why), "{shown:?}");
    }
}

#[test]
fn jdbc_without_a_url_is_refused() {
    let shown = shown(&[("POLARIS_PERSISTENCE_TYPE", "relational-jdbc")]);

    let [problem] = &shown[..] else { panic!("{shown:?}") };
    assert!(problem.contains("quarkus.datasource.jdbc.url") && problem.contains("DATABASE_URL"));
}

#[test]
fn what_this_version_lacks_is_refused_and_not_ignored() {
    for (key, value) in [
        ("polaris.oidc.tenant-resolver.type", "custom"),
        ("polaris.oidc.principal-mapper.type", "custom"),
        ("POLARIS_OIDC_POLARIS_PRINCIPAL_ROLES_MAPPER_TYPE", "custom"),
        ("quarkus.oidc.application-type", "web-app"),
        ("polaris.authorization.type", "ranger"),
        ("polaris.rate-limiter.filter.type", "custom"),
        ("polaris.rate-limiter.token-bucket.type", "custom"),
        ("polaris.persistence.type", "nosql"),
        ("quarkus.datasource.jdbc.url", "jdbc:h2:mem:polaris"),
    ] {
        let shown = shown(&[(key, value)]);
        assert_eq!(shown.len(), 1, "{shown:?}");
        assert!(shown[0].starts_with(key), "{shown:?}");
    }
}

#[test]
fn token_keys_must_be_complete() {
    let broker = "polaris.authentication.token-broker";
    let of = |name: &str| format!("{broker}.{name}");
    let kind = of("type");
    let private = of("rsa-key-pair.private-key-file");
    let (secret, file) = (of("symmetric-key.secret"), of("symmetric-key.file"));

    let half = shown(&[(&kind, "rsa-key-pair"), (&private, "/private.pem")]);
    assert!(half[0].contains("rsa-key-pair.public-key-file beside it"), "{half:?}");

    let neither = shown(&[(&kind, "symmetric-key")]);
    assert!(neither[0].contains("and neither is set"), "{neither:?}");

    let both = shown(&[(&kind, "symmetric-key"), (&secret, "x"), (&file, "y")]);
    assert!(both[0].contains("not both"), "{both:?}");
}

#[test]
fn a_policy_service_must_be_named_and_its_token_be_found() {
    let opa = ("polaris.authorization.type", "opa");
    let of = |name: &str| format!("polaris.authorization.opa.{name}");
    let (url, auth) = (of("policy-uri"), of("auth.type"));
    let url = (&*url, "https://opa.example.com/v1/data/polaris");
    let (token, file) = (of("auth.bearer.static-token.value"), of("auth.bearer.file-based.path"));
    let (verify, bearer) = (of("http.verify-ssl"), (&*auth, "bearer"));

    let nowhere = shown(&[opa]);
    assert!(nowhere[0].starts_with(url.0) && nowhere[0].contains("is needed"), "{nowhere:?}");

    let neither = shown(&[opa, url, bearer]);
    assert!(neither[0].contains("and neither is set"), "{neither:?}");

    let both = shown(&[opa, url, bearer, (&token, "x"), (&file, "y")]);
    assert!(both[0].contains("not both"), "{both:?}");

    let unchecked = shown(&[opa, url, (&verify, "false")]);
    assert!(unchecked[0].contains("ignore-severe-issues"), "{unchecked:?}");

    for (address, why) in [("opa:8181", "is not an `http`"), ("https://a:b@c/", "a password")] {
        let wrong = shown(&[opa, (url.0, address)]);
        assert!(wrong.iter().any(|problem| problem.contains(why)), "{wrong:?}");
    }
}

#[test]
fn file_storage_takes_the_flag_that_allows_it() {
    let types = ("polaris.features.\"SUPPORTED_CATALOG_STORAGE_TYPES\"", "[\"FILE\",\"S3\"]");

    let shown = shown(&[types]);

    let [problem] = &shown[..] else { panic!("{shown:?}") };
    assert!(problem.contains("SUPPORTED_CATALOG_STORAGE_TYPES"), "{problem}");
    assert!(problem.contains("set polaris.features.\"ALLOW_INSECURE_STORAGE_TYPES\" to true"));
    for way_out in [
        ("POLARIS_FEATURES__ALLOW_INSECURE_STORAGE_TYPES_", "true"),
        ("polaris.readiness.ignore-severe-issues", "true"),
    ] {
        let notices = loaded(&environment(&[types, way_out])).notices;
        assert_eq!(texts(&notices, Severity::Warning).len(), 1, "{way_out:?}");
    }
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let pages = shown(&[("merak.list.page-size", "20000")]);
    assert!(pages[0].contains("'20000'") && pages[0].contains("merak.list.max-page-size"));

    let ports = shown(&[("quarkus.management.port", "8181")]);
    assert!(ports[0].contains("is the port of quarkus.http.port too"), "{ports:?}");
    config(&environment(&[("quarkus.http.port", "0"), ("quarkus.management.port", "0")]));
}

#[test]
fn lists_must_name_something_and_origins_be_origins() {
    assert!(shown(&[("polaris.realm-context.realms", " , ")])[0].contains("names no realm"));
    for origin in ["console.example.com", "https://a/b", "/https:.*/", "https://*.a.com"] {
        let shown = shown(&[("quarkus.http.cors.origins", origin)]);
        assert!(shown[0].contains("is not `*` or origins such as"), "{shown:?}");
    }
}

#[test]
fn an_expression_that_refers_to_nothing_is_refused() {
    let sources =
        file("quarkus.http.host=${NO_SUCH}\npolaris.features.\"DROP_WITH_PURGE_ENABLED\"=${NO");

    let shown = errors(&sources).to_string();

    assert!(shown.contains("quarkus.http.host: the value set by"), "{shown}");
    assert!(shown.contains("refers to the environment variable NO_SUCH, which is not set"));
    assert!(shown.contains("has a `${` that no `}` ends"), "{shown}");
}

#[test]
fn keys_of_a_storage_name_come_in_pairs_and_need_their_feature() {
    let access_key = ("polaris.storage.aws.gold.access-key", "AKIA");
    let secret_key = ("POLARIS_STORAGE_AWS_GOLD_SECRET_KEY", "s3cr3t");
    let on = ("polaris.features.\"RESOLVE_CREDENTIALS_BY_STORAGE_NAME\"", "true");

    let both = loaded(&environment(&[access_key, secret_key, on]));
    let keys = &both.config.storage.aws_by_name["gold"];
    assert_eq!(keys.access_key, "AKIA");
    assert!(both.config.storage.aws.is_none() && both.notices.is_empty(), "{both:?}");
    assert!(!format!("{both:?}").contains("s3cr3t"));

    let off = loaded(&environment(&[access_key, secret_key]));
    assert!(off.config.storage.aws_by_name.is_empty());
    assert!(off.notices[0].text.contains("is off"), "{:?}", off.notices);

    for (half, missing) in [(access_key, "secret-key"), (secret_key, "access-key")] {
        let shown = shown(&[half, on]);
        assert!(shown[0].contains(&format!("{missing} beside it for gold")), "{shown:?}");
    }
    let one_realm =
        ("polaris.features.realm-overrides.\"a\".\"RESOLVE_CREDENTIALS_BY_STORAGE_NAME\"", "true");
    let shown =
        shown(&[access_key, secret_key, ("polaris.realm-context.realms", "a,b"), one_realm]);
    assert!(shown[0].contains("to be the same in all realms"), "{shown:?}");
}

#[test]
fn what_names_principals_to_google_is_complete_or_off() {
    let on = "polaris.features.\"GCS_PRINCIPAL_ATTRIBUTION_ENABLED\"";
    let shown = shown(&[(on, "true")]);

    for name in ["WIF_AUDIENCE", "TOKEN_ISSUER", "SIGNING_KEY_FILE"] {
        let key = format!("polaris.features.\"GCS_PRINCIPAL_ATTRIBUTION_{name}\": is needed");
        assert!(shown.iter().any(|problem| problem.starts_with(&key)), "{name}: {shown:?}");
    }
    assert_eq!(shown.len(), 3, "{shown:?}");
}
