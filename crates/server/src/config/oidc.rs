//! Identity providers, realm by realm: Quarkus' OIDC tenants, and Polaris' mappings.
//!
//! A realm's provider is the tenant of its name, setting by setting, and for the rest the tenant
//! without a name.

use std::collections::BTreeMap;
use std::time::Duration;

use merak_authn::{
    Audience, ClaimPath, ExpectedIssuer, KeysAt, OidcSettings, Pattern, PrincipalClaims,
    ProviderSettings, ProviderUrl, RoleClaims, RoleMapping, RolesMapping,
};
use merak_model::RealmId;

use super::formats::{Format, Texts, not};
use super::keys::loose;
use super::problems::Notice;
use super::reader::Reader;
use super::realms::Realms;
use super::registry as settings;

/// What accepts whatever a token says.
const ANY: &str = "any";

/// Settings of Quarkus that keep tokens out and are not carried out here. To pass over one would let
/// in whom it keeps out.
const RESTRICTIONS: &[&str] = &[
    "token.age",
    "token.binding",
    "token.require-jwt-introspection-only",
    "token.required-claims",
    "token.signature-algorithm",
    "token.subject-required",
    "token.token-type",
];

/// What the settings say of a realm's identity provider, whether it has one or not: all are read, so
/// that none passes for unknown.
pub(super) struct Tenant {
    is_enabled: bool,
    url: Option<ProviderUrl>,
    has_document: bool,
    jwks_path: Option<String>,
    client: Option<String>,
    issuer: Option<String>,
    audience: Option<Vec<String>>,
    leeway_s: usize,
    look_again: Duration,
    timeout: Duration,
    refresh: Duration,
    max_age: Duration,
    max_answer_bytes: usize,
    allow_http: bool,
    principal: PrincipalClaims,
    role_claims: Option<Vec<ClaimPath>>,
    filter: Option<Pattern>,
    mappings: Vec<Mapping>,
}

/// The two entries of a mapping, of which one may be missing.
struct Mapping {
    regex: Option<usize>,
    replacement: Option<usize>,
}

impl Tenant {
    pub(super) fn read(reader: &mut Reader, realm: &RealmId) -> Self {
        // There is one choice for each of these, and what is no choice was noted.
        reader.get_in(realm, &settings::OIDC_APPLICATION);
        reader.get(&settings::OIDC_RESOLVER);
        reader.get_in(realm, &settings::OIDC_PRINCIPAL_TYPE);
        reader.get_in(realm, &settings::OIDC_ROLES_TYPE);
        reader.get_in(realm, &settings::OIDC_SECRET);
        let principal = PrincipalClaims {
            id: reader.get_in(realm, &settings::OIDC_PRINCIPAL_ID),
            name: reader.get_in(realm, &settings::OIDC_PRINCIPAL_NAME),
        };
        Self {
            is_enabled: is_enabled(reader, realm),
            url: reader.get_in(realm, &settings::OIDC_URL),
            has_document: reader.get_in(realm, &settings::OIDC_DISCOVERY),
            jwks_path: reader.get_in(realm, &settings::OIDC_JWKS_PATH),
            client: reader.get_in(realm, &settings::OIDC_CLIENT),
            issuer: reader.get_in(realm, &settings::OIDC_ISSUER),
            audience: reader.get_in(realm, &settings::OIDC_AUDIENCE),
            leeway_s: reader.get_in(realm, &settings::OIDC_GRACE),
            look_again: reader.get_in(realm, &settings::OIDC_LOOK_AGAIN),
            timeout: reader.get_in(realm, &settings::OIDC_TIMEOUT),
            refresh: reader.get(&settings::OIDC_REFRESH),
            max_age: reader.get(&settings::OIDC_MAX_AGE),
            max_answer_bytes: reader.get(&settings::OIDC_MAX_ANSWER),
            allow_http: reader.get(&settings::OIDC_ALLOW_HTTP),
            principal,
            role_claims: reader.get_in(realm, &settings::OIDC_ROLE_CLAIMS),
            filter: reader.get_in(realm, &settings::OIDC_ROLES_FILTER),
            mappings: mappings(reader, realm),
        }
    }

    /// The provider of a realm that accepts its tokens; nothing, if a problem was noted.
    pub(super) fn settings(self, reader: &mut Reader, realm: &RealmId) -> Option<OidcSettings> {
        if !self.is_enabled {
            let why = format!(
                "must be `true`, and {} be set, where {} is `external` or `mixed`",
                settings::OIDC_URL.row.key,
                settings::AUTHENTICATION_TYPE.row.key
            );
            reader.refuse(&settings::OIDC_ENABLED.row, Some(realm), why);
            return None;
        }
        // All of them, so that all that is missing is told at once.
        let provider = self.provider(reader, realm);
        let audience = self.audience(reader, realm);
        let principal = self.principal(reader, realm);
        let mappings = self.role_mappings(reader);
        let role_claims = match self.role_claims {
            Some(paths) => RoleClaims::At(paths),
            None => RoleClaims::Usual(self.client),
        };
        Some(OidcSettings {
            provider: provider?,
            audience: audience?,
            leeway_s: u32::try_from(self.leeway_s).unwrap_or(u32::MAX),
            principal: principal?,
            role_claims,
            roles: RolesMapping { filter: self.filter, mappings },
        })
    }

    fn provider(&self, reader: &mut Reader, realm: &RealmId) -> Option<ProviderSettings> {
        let Some(url) = &self.url else {
            let why = "is needed, for there is no identity provider without an address";
            reader.refuse(&settings::OIDC_URL.row, Some(realm), why);
            return None;
        };
        let is_allowed = |url: &ProviderUrl| self.allow_http || url.is_protected();
        if !is_allowed(url) {
            reader.refuse(&settings::OIDC_URL.row, Some(realm), unprotected());
        }
        if self.max_age < self.refresh {
            let why = format!("is less than {}", settings::OIDC_REFRESH.row.key);
            reader.refuse(&settings::OIDC_MAX_AGE.row, None, why);
        }
        let keys_url = self.jwks_path.as_deref().map(|path| url.join(path)).transpose();
        let keys_url = match keys_url {
            Ok(keys_url) => keys_url,
            Err(why) => {
                reader.refuse(&settings::OIDC_JWKS_PATH.row, Some(realm), why.to_string());
                return None;
            }
        };
        if keys_url.as_ref().is_some_and(|keys_url| !is_allowed(keys_url)) {
            reader.refuse(&settings::OIDC_JWKS_PATH.row, Some(realm), unprotected());
        }
        let keys = match (self.has_document, keys_url) {
            (true, None) => KeysAt::Discovered,
            (true, Some(url)) => KeysAt::Overridden(url),
            (false, Some(url)) => KeysAt::Fixed(url),
            (false, None) => {
                let why = "is needed where there is no discovery document, to find the keys";
                reader.refuse(&settings::OIDC_JWKS_PATH.row, Some(realm), why);
                return None;
            }
        };
        Some(ProviderSettings {
            url: url.clone(),
            keys,
            issuer: self.issuer(reader, realm)?,
            allow_http: self.allow_http,
            timeout_ms: millis(self.timeout),
            max_answer_bytes: self.max_answer_bytes,
            refresh_after_ms: millis(self.refresh),
            max_age_ms: millis(self.max_age),
            look_again_after_ms: millis(self.look_again),
        })
    }

    fn issuer(&self, reader: &mut Reader, realm: &RealmId) -> Option<ExpectedIssuer> {
        match self.issuer.as_deref() {
            Some(ANY) => Some(ExpectedIssuer::Any),
            Some(issuer) => Some(ExpectedIssuer::Named(issuer.to_owned())),
            None if self.has_document => Some(ExpectedIssuer::Discovered),
            None => {
                let why = "is needed where there is no discovery document to take it from; `any` \
                           accepts every issuer";
                reader.refuse(&settings::OIDC_ISSUER.row, Some(realm), why);
                None
            }
        }
    }

    fn audience(&self, reader: &mut Reader, realm: &RealmId) -> Option<Audience> {
        match (self.audience.as_deref(), &self.client) {
            (Some([only]), _) if only == ANY => Some(Audience::Any),
            (Some(names), _) if !names.is_empty() => Some(Audience::OneOf(names.to_vec())),
            (_, Some(client)) => Some(Audience::OneOf(vec![client.clone()])),
            (_, None) => {
                let why = format!(
                    "or {} is needed, so that tokens for other services are refused here; `any` \
                     accepts them",
                    settings::OIDC_CLIENT.row.key
                );
                reader.refuse(&settings::OIDC_AUDIENCE.row, Some(realm), why);
                None
            }
        }
    }

    fn principal(&self, reader: &mut Reader, realm: &RealmId) -> Option<PrincipalClaims> {
        if self.principal.id.is_some() || self.principal.name.is_some() {
            return Some(self.principal.clone());
        }
        let why = format!(
            "or {} is needed: nothing else says which principal a token is for",
            settings::OIDC_PRINCIPAL_ID.row.key
        );
        reader.refuse(&settings::OIDC_PRINCIPAL_NAME.row, Some(realm), why);
        None
    }

    fn role_mappings(&self, reader: &mut Reader) -> Vec<RoleMapping> {
        self.mappings.iter().filter_map(|mapping| mapping.read(reader)).collect()
    }
}

impl Mapping {
    fn read(&self, reader: &mut Reader) -> Option<RoleMapping> {
        let (Some(regex), Some(replacement)) = (self.regex, self.replacement) else {
            let (set, missing) = match self.regex {
                Some(index) => (index, "replacement"),
                None => (self.replacement?, "regex"),
            };
            reader.refuse_entry(set, false, format!("needs a `{missing}` of the same number"));
            return None;
        };
        let pattern = reader.read_entry(&settings::OIDC_ROLES_REGEX, regex)?;
        let text = reader.read_entry(&settings::OIDC_ROLES_REPLACEMENT, replacement)?;
        let mapping = RoleMapping::new(pattern, &text);
        mapping.map_err(|why| reader.refuse_entry(replacement, false, why.to_string())).ok()
    }
}

/// As in Polaris, the tenant without a name is off unless it is switched on, and a named one is on
/// unless it is switched off.
fn is_enabled(reader: &mut Reader, realm: &RealmId) -> bool {
    let of_all = reader.get_in(realm, &settings::OIDC_ENABLED);
    let has_its_own_word = reader.is_set_in(realm, &settings::OIDC_ENABLED.row);
    of_all || (!has_its_own_word && reader.is_set_in(realm, &settings::OIDC_URL.row))
}

fn mappings(reader: &mut Reader, realm: &RealmId) -> Vec<Mapping> {
    let regexes = reader.each_in(realm, &settings::OIDC_ROLES_REGEX.row);
    let replacements = reader.each_in(realm, &settings::OIDC_ROLES_REPLACEMENT.row);
    let mut numbered: BTreeMap<u32, Mapping> = BTreeMap::new();
    for (number, regex, replacement) in regexes
        .into_iter()
        .map(|(number, index)| (number, Some(index), None))
        .chain(replacements.into_iter().map(|(number, index)| (number, None, Some(index))))
    {
        let Ok(number) = number.parse() else {
            let index = regex.or(replacement).expect("one of them is there");
            reader.refuse_entry(index, false, "is of a mapping whose number is none");
            continue;
        };
        let mapping = numbered.entry(number).or_insert(Mapping { regex: None, replacement: None });
        mapping.regex = mapping.regex.or(regex);
        mapping.replacement = mapping.replacement.or(replacement);
    }
    numbered.into_values().collect()
}

/// What is said of providers once all realms are known.
pub(super) fn check_the_rest(reader: &mut Reader, realms: &Realms, has_providers: bool) {
    if !has_providers {
        if reader.get(&settings::OIDC_ENABLED) {
            reader.notices.push(Notice::warning(format!(
                "{} has no effect: no realm accepts the provider's tokens, for which {} is to be \
                 `external` or `mixed`",
                settings::OIDC_ENABLED.row.key,
                settings::AUTHENTICATION_TYPE.row.key
            )));
        }
        return;
    }
    let of_realms = realms.all.iter().map(|realm| format!("quarkus.oidc.{}.", realm.as_str()));
    let tenants: Vec<String> =
        std::iter::once("quarkus.oidc.".to_owned()).chain(of_realms).collect();
    for tenant in &tenants {
        for restriction in RESTRICTIONS {
            let why =
                "is not supported by this version, which would accept tokens that it keeps out";
            reader.refuse_unread(&loose(&format!("{tenant}{restriction}")), why);
        }
    }
}

fn unprotected() -> String {
    format!(
        "is not `https`, so that whoever is on the way can make tokens; {} allows it all the same",
        settings::OIDC_ALLOW_HTTP.row.key
    )
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The address of an identity provider.
pub(super) struct Url;

/// The path to a claim.
pub(super) struct Claims;

/// Paths to claims, with commas between.
pub(super) struct ClaimPaths;

/// A regular expression.
pub(super) struct Regex;

/// The only one of Polaris' mappers and resolvers there is here.
pub(super) struct OnlyDefault;

/// The only one of Quarkus' application types there is here.
pub(super) struct OnlyService;

impl Format for Url {
    type Value = ProviderUrl;
    const EXPECTED: &'static str = "an `https` URL";

    fn parse(text: &str) -> Result<ProviderUrl, String> {
        ProviderUrl::parse(text).map_err(|why| why.to_string())
    }
}

impl Format for Claims {
    type Value = ClaimPath;
    const EXPECTED: &'static str = "names with slashes between, such as `polaris/principal`; in \
                                    double quotes, if they have slashes themselves";

    fn parse(text: &str) -> Result<ClaimPath, String> {
        ClaimPath::parse(text).map_err(|why| why.to_string())
    }
}

impl Format for ClaimPaths {
    type Value = Vec<ClaimPath>;
    const EXPECTED: &'static str = "such paths with commas between";

    fn parse(text: &str) -> Result<Vec<ClaimPath>, String> {
        let paths: Vec<ClaimPath> =
            Texts::parse(text)?.iter().map(|path| Claims::parse(path)).collect::<Result<_, _>>()?;
        if paths.is_empty() { Err("names no claim".to_owned()) } else { Ok(paths) }
    }
}

impl Format for Regex {
    type Value = Pattern;
    const EXPECTED: &'static str = "a regular expression without look-around and back references";

    fn parse(text: &str) -> Result<Pattern, String> {
        Pattern::parse(text).map_err(|why| why.to_string())
    }
}

impl Format for OnlyDefault {
    type Value = ();
    const EXPECTED: &'static str = "`default`";

    fn parse(text: &str) -> Result<(), String> {
        if text == "default" { Ok(()) } else { Err(not::<Self>()) }
    }
}

impl Format for OnlyService {
    type Value = ();
    const EXPECTED: &'static str = "`service`";

    fn parse(text: &str) -> Result<(), String> {
        if text.eq_ignore_ascii_case("service") { Ok(()) } else { Err(not::<Self>()) }
    }
}
