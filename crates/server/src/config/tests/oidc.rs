//! Realms with an identity provider.

use merak_authn::{Audience, ExpectedIssuer, KeysAt, OidcSettings};
use merak_model::RealmId;

use super::*;
use crate::config::AcceptedTokens;

const EXTERNAL: (&str, &str) = ("polaris.authentication.type", "external");
const ENABLED: (&str, &str) = ("quarkus.oidc.tenant-enabled", "true");
const URL: (&str, &str) = ("quarkus.oidc.auth-server-url", "https://auth.example.com/realms/lake");
const CLIENT: (&str, &str) = ("quarkus.oidc.client-id", "merak");
const NAME: (&str, &str) = ("polaris.oidc.principal-mapper.name-claim-path", "preferred_username");
const ALL: [(&str, &str); 5] = [EXTERNAL, ENABLED, URL, CLIENT, NAME];

fn accepted(sources: &Sources, realm: &str) -> AcceptedTokens {
    config(sources).tokens.by_realm[&RealmId::new(realm)].accepted.clone()
}

fn provider(sources: &Sources, realm: &str) -> OidcSettings {
    match accepted(sources, realm) {
        AcceptedTokens::External(oidc) | AcceptedTokens::Mixed(oidc) => *oidc,
        AcceptedTokens::Internal => panic!("{realm} has no provider"),
    }
}

/// What is enough, and more.
fn with(more: &[(&str, &str)]) -> Sources {
    let all: Vec<_> = ALL.iter().chain(more).copied().collect();
    environment(&all)
}

/// The problems with what is enough but for `without`, and more.
fn problems(without: &[(&str, &str)], more: &[(&str, &str)]) -> Vec<String> {
    let rest = ALL.iter().filter(|pair| !without.contains(pair));
    let all: Vec<_> = rest.chain(more).copied().collect();
    errors(&environment(&all)).problems.iter().map(ToString::to_string).collect()
}

#[test]
fn a_realm_with_what_is_needed_has_a_provider() {
    let Loaded { notices, .. } = loaded(&with(&[]));
    let OidcSettings { provider, audience, leeway_s, .. } = provider(&with(&[]), "POLARIS");

    assert_eq!(notices, []);
    assert_eq!(provider.url.to_string(), URL.1);
    assert_eq!(provider.keys, KeysAt::Discovered);
    assert_eq!(provider.issuer, ExpectedIssuer::Discovered);
    assert_eq!((provider.timeout_ms, provider.max_answer_bytes), (5000, 262_144));
    assert_eq!((provider.refresh_after_ms, provider.max_age_ms), (600_000, 86_400_000));
    assert_eq!((provider.look_again_after_ms, leeway_s), (10_000, 0));
    assert_eq!(audience, Audience::OneOf(vec!["merak".into()]));
}

#[test]
fn what_is_needed_and_missing_is_told() {
    for (missing, expected) in [
        (ENABLED, "quarkus.oidc.tenant-enabled: must be `true`"),
        (URL, "quarkus.oidc.auth-server-url: is needed"),
        (CLIENT, "quarkus.oidc.token.audience: or quarkus.oidc.client-id is needed"),
        (
            NAME,
            "polaris.oidc.principal-mapper.name-claim-path: or \
             polaris.oidc.principal-mapper.id-claim-path is needed",
        ),
    ] {
        for mode in [EXTERNAL, ("polaris.authentication.type", "mixed")] {
            let problems = problems(&[missing, EXTERNAL], &[mode]);
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert!(problems[0].starts_with(expected), "{problems:?}");
        }
    }
    let several = problems(&[URL, CLIENT, NAME], &[]);
    assert_eq!(several.len(), 3, "{several:?}");
    let off = problems(&[ENABLED], &[("quarkus.oidc.tenant-enabled", "false")]);
    assert!(off[0].contains("'false', set by"), "{off:?}");
}

#[test]
fn a_published_configuration_for_keycloak_needs_no_change_but_for_safety() {
    let published = [
        ("polaris.realm-context.realms", "realm-internal,realm-external,realm-mixed"),
        ("polaris.authentication.type", "internal"),
        ("polaris.authentication.\"realm-external\".type", "external"),
        ("polaris.authentication.\"realm-mixed\".type", "mixed"),
        ("quarkus.oidc.tenant-enabled", "true"),
        ("quarkus.oidc.auth-server-url", "http://keycloak:8080/realms/iceberg"),
        ("quarkus.oidc.client-id", "client1"),
        ("quarkus.oidc.credentials.secret", "s3cr3t"),
        ("quarkus.oidc.application-type", "service"),
        ("quarkus.oidc.roles.role-claim-path", "principal_roles"),
        ("polaris.oidc.principal-mapper.type", "default"),
        ("polaris.oidc.principal-mapper.id-claim-path", "principal_id"),
        ("polaris.oidc.principal-mapper.name-claim-path", "principal_name"),
        ("polaris.oidc.principal-roles-mapper.type", "default"),
        ("polaris.oidc.principal-roles-mapper.mappings[0].regex", "(.+)"),
        ("polaris.oidc.principal-roles-mapper.mappings[0].replacement", "PRINCIPAL_ROLE:$1"),
    ];
    let shown = errors(&environment(&published)).problems[0].to_string();
    assert!(shown.contains("is not `https`") && shown.contains("merak.oidc.allow-http"), "{shown}");

    let allowed = [&published[..], &[("merak.oidc.allow-http", "true")]].concat();
    let sources = environment(&allowed);
    let Loaded { config, notices } = loaded(&sources);

    let [warning] = texts(&notices, Severity::Warning)[..] else { panic!("{notices:?}") };
    assert!(warning.starts_with("polaris.realm-context.require-header is not set"), "{warning}");
    assert!(!format!("{config:?}").contains("s3cr3t"));
    assert!(matches!(accepted(&sources, "realm-internal"), AcceptedTokens::Internal));
    assert!(matches!(accepted(&sources, "realm-external"), AcceptedTokens::External(_)));
    assert!(matches!(accepted(&sources, "realm-mixed"), AcceptedTokens::Mixed(_)));
    let roles = provider(&sources, "realm-external").roles;
    assert!(roles.filter.is_none() && roles.mappings.len() == 1);
    // Both have its keys in common.
    let of = |realm| provider(&sources, realm).provider;
    assert_eq!(of("realm-external"), of("realm-mixed"));
}

#[test]
fn a_realm_has_the_provider_of_its_name_setting_by_setting() {
    let sources = with(&[
        ("polaris.realm-context.realms", "one,two.x,three"),
        ("polaris.realm-context.require-header", "true"),
        ("polaris.authentication.three.type", "internal"),
        ("quarkus.oidc.\"two.x\".auth-server-url", "https://two.example.com"),
        ("QUARKUS_OIDC_TWO_X_TOKEN_AUDIENCE", "a, b"),
        ("quarkus.oidc.\"two.x\".token.issuer", "any"),
        ("POLARIS_OIDC__TWO_X__PRINCIPAL_ROLES_MAPPER_MAPPINGS_0__REGEX", "b"),
        ("POLARIS_OIDC__TWO_X__PRINCIPAL_ROLES_MAPPER_MAPPINGS_0__REPLACEMENT", "c"),
        ("polaris.oidc.principal-roles-mapper.mappings[0].regex", "x"),
        ("polaris.oidc.principal-roles-mapper.mappings[0].replacement", "y"),
        ("polaris.oidc.principal-roles-mapper.mappings[10].regex", "y"),
        ("polaris.oidc.principal-roles-mapper.mappings[10].replacement", "z"),
        ("polaris.oidc.principal-roles-mapper.mappings[9].regex", "y"),
        ("polaris.oidc.principal-roles-mapper.mappings[9].replacement", "z"),
    ]);
    assert_eq!(loaded(&sources).notices, []);
    let (one, two) = (provider(&sources, "one"), provider(&sources, "two.x"));

    assert!(matches!(accepted(&sources, "three"), AcceptedTokens::Internal));
    assert_eq!(one.provider.url.to_string(), URL.1);
    assert_eq!(two.provider.url.to_string(), "https://two.example.com/");
    assert_eq!(two.provider.issuer, ExpectedIssuer::Any);
    assert_eq!(one.audience, Audience::OneOf(vec!["merak".into()]));
    assert_eq!(two.audience, Audience::OneOf(vec!["a".into(), "b".into()]));
    assert_eq!(two.principal.name, one.principal.name);
    assert_eq!((one.roles.mappings.len(), two.roles.mappings.len()), (3, 1));
}

#[test]
fn a_provider_of_a_realm_s_own_is_on_unless_it_is_switched_off() {
    let own = ("quarkus.oidc.POLARIS.auth-server-url", "https://own.example.com");
    let rest = [EXTERNAL, CLIENT, NAME, own];
    assert!(matches!(accepted(&environment(&rest), "POLARIS"), AcceptedTokens::External(_)));

    let off = ("quarkus.oidc.POLARIS.tenant-enabled", "false");
    let shown = errors(&environment(&[&rest[..], &[ENABLED, off]].concat())).to_string();
    assert!(shown.contains("quarkus.oidc.POLARIS.tenant-enabled: 'false'"), "{shown}");
}

#[test]
fn any_issuer_and_any_audience_must_be_asked_for() {
    let audience =
        |text| provider(&with(&[("quarkus.oidc.token.audience", text)]), "POLARIS").audience;
    assert_eq!(audience("any"), Audience::Any);
    assert_eq!(audience("lake"), Audience::OneOf(vec!["lake".into()]));
    assert_eq!(audience("any,lake"), Audience::OneOf(vec!["any".into(), "lake".into()]));
    assert_eq!(audience(" , "), Audience::OneOf(vec!["merak".into()]));

    let issuer =
        |text| provider(&with(&[("quarkus.oidc.token.issuer", text)]), "POLARIS").provider.issuer;
    assert_eq!(issuer("any"), ExpectedIssuer::Any);
    assert_eq!(issuer("https://a"), ExpectedIssuer::Named("https://a".into()));
}

#[test]
fn without_a_document_the_keys_and_the_issuer_must_be_named() {
    let no_document = ("quarkus.oidc.discovery-enabled", "false");
    let path = ("quarkus.oidc.jwks-path", "/certs");
    let issuer = ("quarkus.oidc.token.issuer", "lake");

    let shown = problems(&[], &[no_document]);
    assert!(shown[0].starts_with("quarkus.oidc.jwks-path: is needed"), "{shown:?}");
    let shown = problems(&[], &[no_document, path]);
    assert!(shown[0].starts_with("quarkus.oidc.token.issuer: is needed"), "{shown:?}");

    let found = provider(&with(&[no_document, path, issuer]), "POLARIS").provider;
    let KeysAt::Fixed(url) = found.keys else { panic!("{:?}", found.keys) };
    assert_eq!(url.to_string(), "https://auth.example.com/realms/lake/certs");
    let found = provider(&with(&[path]), "POLARIS").provider;
    assert!(matches!(found.keys, KeysAt::Overridden(_)), "{:?}", found.keys);
}

#[test]
fn malformed_values_are_told_with_what_is_wrong() {
    let filter = "polaris.oidc.principal-roles-mapper.filter";
    let regex = "polaris.oidc.principal-roles-mapper.mappings[0].regex";
    let replacement = "polaris.oidc.principal-roles-mapper.mappings[0].replacement";
    for (key, value, why) in [
        ("quarkus.oidc.auth-server-url", "auth.example.com", "is not a URL"),
        ("quarkus.oidc.auth-server-url", "http://auth.example.com", "is not `https`"),
        ("quarkus.oidc.jwks-path", "http://keys.example.com", "is not `https`"),
        ("quarkus.oidc.jwks-path", "file:///keys", "is not an `http` or `https` URL"),
        ("quarkus.oidc.token.lifespan-grace", "-1", "is not a whole number"),
        ("quarkus.oidc.roles.role-claim-path", "a//b", "has an empty name in it"),
        ("quarkus.oidc.roles.role-claim-path", ",", "names no claim"),
        ("polaris.oidc.principal-mapper.id-claim-path", "a/\"b", "has a quote"),
        (filter, "(", "unclosed group"),
        (filter, "^(?!profile$|email$).*", "look-around"),
        (regex, "a", "needs a `replacement` of the same number"),
        (replacement, "a", "needs a `regex` of the same number"),
        ("polaris.oidc.principal-roles-mapper.mappings[x].regex", "a", "whose number is none"),
        ("merak.oidc.jwks-max-age", "PT5M", "is less than merak.oidc.jwks-refresh-interval"),
    ] {
        let without: Vec<_> = ALL.iter().filter(|(known, _)| *known == key).copied().collect();
        let problems = problems(&without, &[(key, value)]);
        assert!(problems[0].starts_with(key) && problems[0].contains(why), "{problems:?}");
    }
    let problems = problems(&[], &[(regex, "(a)"), (replacement, "$2")]);
    assert!(problems[0].contains("'$2'") && problems[0].contains("the group 2"), "{problems:?}");
}

#[test]
fn http_is_good_enough_on_this_machine() {
    let local = ("quarkus.oidc.auth-server-url", "http://localhost:8080/realms/lake");
    let sources = environment(&[EXTERNAL, ENABLED, local, CLIENT, NAME]);

    assert!(!provider(&sources, "POLARIS").provider.allow_http);
}

#[test]
fn what_keeps_tokens_out_in_quarkus_is_not_passed_over() {
    for key in [
        "quarkus.oidc.token.required-claims.org_id",
        "QUARKUS_OIDC_TOKEN_REQUIRED_CLAIMS_ORG_ID",
        "quarkus.oidc.token.signature-algorithm",
        "quarkus.oidc.POLARIS.token.token-type",
        "quarkus.oidc.token.age",
    ] {
        let problems = problems(&[], &[(key, "x")]);
        assert!(problems[0].starts_with(key), "{problems:?}");
        assert!(problems[0].contains("would accept tokens that it keeps out"), "{problems:?}");
        // Where no tokens of a provider are accepted, it keeps none out.
        config(&environment(&[(key, "x")]));
    }
    let off = with(&[("quarkus.oidc.token.subject-required", "false")]);
    assert_eq!(loaded(&off).notices, []);
}

#[test]
fn a_provider_that_no_realm_has_is_noticed() {
    let notices = loaded(&environment(&[ENABLED, URL, CLIENT, NAME])).notices;

    let [warning] = texts(&notices, Severity::Warning)[..] else { panic!("{notices:?}") };
    assert!(warning.contains("quarkus.oidc.tenant-enabled has no effect"), "{warning}");
}
