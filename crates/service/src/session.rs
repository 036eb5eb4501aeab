//! What AWS and Google are told about who vended credentials are for: as Polaris does it, by its
//! flags.

use merak_authz::ResolvedCaller;
use merak_model::features::{
    CatalogFeatures, GCS_PRINCIPAL_ATTRIBUTION_ENABLED, GCS_PRINCIPAL_ATTRIBUTION_SIGNING_KEY_FILE,
    GCS_PRINCIPAL_ATTRIBUTION_SIGNING_KEY_ID, GCS_PRINCIPAL_ATTRIBUTION_TOKEN_ISSUER,
    GCS_PRINCIPAL_ATTRIBUTION_WIF_AUDIENCE, INCLUDE_PRINCIPAL_NAME_IN_SUBSCOPED_CREDENTIAL,
    SESSION_NAME_FIELDS_IN_SUBSCOPED_CREDENTIAL, SESSION_TAGS_IN_SUBSCOPED_CREDENTIAL,
};
use merak_model::{RealmId, TableIdent};
use merak_storage::{Attribution, Session};

/// The most characters that AWS takes for a session's name.
const LONGEST_NAME: usize = 64;
/// The most characters that AWS takes for the value of a tag.
const LONGEST_TAG: usize = 256;

/// Who credentials are for, and for what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) realm: &'a RealmId,
    pub(crate) caller: &'a ResolvedCaller,
    pub(crate) catalog: &'a str,
    pub(crate) table: &'a TableIdent,
}

impl Subject<'_> {
    /// The session as the flags want it: by default it names nobody.
    pub(crate) fn session(self, features: CatalogFeatures<'_>) -> Session {
        let fields = features.list(&SESSION_NAME_FIELDS_IN_SUBSCOPED_CREDENTIAL);
        let name = if !fields.is_empty() {
            Some(self.name_of(&fields))
        } else if features.is_on(&INCLUDE_PRINCIPAL_NAME_IN_SUBSCOPED_CREDENTIAL) {
            Some(cut(&format!("polaris-{}", sanitized(&self.caller.name)), LONGEST_NAME))
        } else {
            None
        };
        let tags = features.list(&SESSION_TAGS_IN_SUBSCOPED_CREDENTIAL);
        let tags = tags.iter().filter_map(|tag| {
            let value = self.value(tag)?;
            let value = if value.is_empty() { "unknown".to_owned() } else { value };
            Some((format!("polaris:{tag}"), cut(&value, LONGEST_TAG)))
        });
        Session { name, tags: tags.collect(), attribution: None }
    }

    /// How Google is to come to name the principal, if it is to. Only whoever acts in a service
    /// account can be named beside it.
    pub(crate) fn attribution(
        self,
        has_service_account: bool,
        features: CatalogFeatures<'_>,
    ) -> Option<Attribution> {
        if !features.is_on(&GCS_PRINCIPAL_ATTRIBUTION_ENABLED) {
            return None;
        }
        if !has_service_account {
            tracing::warn!(
                catalog = self.catalog,
                "GCS_PRINCIPAL_ATTRIBUTION_ENABLED is on, but the catalog names no \
                 gcsServiceAccount: its credentials name no principal"
            );
            return None;
        }
        // The server does not start where the flag is on and one of these is not set.
        Some(Attribution {
            issuer: features.text(&GCS_PRINCIPAL_ATTRIBUTION_TOKEN_ISSUER)?,
            audience: features.text(&GCS_PRINCIPAL_ATTRIBUTION_WIF_AUDIENCE)?,
            key_file: features.text(&GCS_PRINCIPAL_ATTRIBUTION_SIGNING_KEY_FILE)?.into(),
            key_id: features.text(&GCS_PRINCIPAL_ATTRIBUTION_SIGNING_KEY_ID),
            principal: self.caller.name.clone(),
        })
    }

    /// What a flag's word stands for. Unknown words stand for nothing.
    fn value(self, field: &str) -> Option<String> {
        Some(match field {
            "realm" => self.realm.to_string(),
            "catalog" => self.catalog.to_owned(),
            "namespace" => self.table.namespace.levels().join("."),
            "table" => self.table.name.clone(),
            "principal" => self.caller.name.clone(),
            "roles" => {
                let mut roles: Vec<_> =
                    self.caller.roles.iter().map(|role| role.name.as_str()).collect();
                roles.sort_unstable();
                roles.join(",")
            }
            // It would be another with each request, and nothing could be shared.
            "trace_id" => String::new(),
            _ => return None,
        })
    }

    /// A name of fields, each cut in proportion to its length where they do not all fit.
    fn name_of(self, fields: &[String]) -> String {
        let prefix = fields.iter().find_map(|field| field.strip_prefix("prefix-"));
        let prefix = sanitized(prefix.unwrap_or("p"));
        let values: Vec<_> = fields
            .iter()
            .filter(|field| !field.starts_with("prefix-"))
            .filter_map(|field| self.value(field))
            .map(|value| sanitized(&value))
            .collect();
        let wanted: usize = values.iter().map(String::len).sum();
        let room = LONGEST_NAME.saturating_sub(prefix.len() + values.len());
        let mut name = prefix;
        for value in &values {
            let share = if wanted > room { value.len() * room / wanted } else { value.len() };
            name.push('-');
            name.push_str(&cut(value, share));
        }
        cut(&name, LONGEST_NAME)
    }
}

/// With an underscore for each character that no session name has.
fn sanitized(text: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    text.chars().map(|c| if fits(c) { c } else { '_' }).collect()
}

fn cut(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}

#[cfg(test)]
mod tests {
    use merak_model::{EntityId, Features, Namespace, Properties};

    use super::*;

    fn session(flags: &[(&str, &str)], principal: &str) -> Session {
        let mut features = Features::default();
        for (name, value) in flags {
            features.set(name, value).unwrap();
        }
        let caller = ResolvedCaller {
            id: EntityId::ROOT,
            name: principal.to_owned(),
            roles: Vec::new(),
            must_rotate: false,
        };
        let table = TableIdent {
            namespace: Namespace::lookup(vec!["sales".to_owned(), "eu".to_owned()]).unwrap(),
            name: "orders".to_owned(),
        };
        let realm = RealmId::new("POLARIS");
        let subject = Subject { realm: &realm, caller: &caller, catalog: "lake", table: &table };
        subject.session(features.within(&Properties::new()))
    }

    #[test]
    fn nobody_is_named_unless_a_flag_asks_for_it() {
        assert_eq!(session(&[], "alice"), Session::default());
    }

    #[test]
    fn a_principal_is_named_in_characters_that_aws_takes() {
        let flags = [("INCLUDE_PRINCIPAL_NAME_IN_SUBSCOPED_CREDENTIAL", "true")];

        let name = session(&flags, "al ice/ü").name;
        assert_eq!(name.as_deref(), Some("polaris-al_ice__"));
        assert_eq!(session(&flags, &"x".repeat(80)).name.unwrap().len(), 64);
    }

    #[test]
    fn a_name_of_fields_fits_whatever_their_length() {
        let fields = r#"["catalog","namespace","principal","prefix-m"]"#;
        let flags = [("SESSION_NAME_FIELDS_IN_SUBSCOPED_CREDENTIAL", fields)];

        assert_eq!(session(&flags, "alice").name.as_deref(), Some("m-lake-sales.eu-alice"));
        let long = session(&flags, &"x".repeat(200)).name.unwrap();
        assert!(long.len() <= 64 && long.starts_with("m-") && long.contains("xxx"), "{long}");
    }

    #[test]
    fn tags_are_polaris_tags_and_what_is_missing_is_unknown() {
        let flags = [(
            "SESSION_TAGS_IN_SUBSCOPED_CREDENTIAL",
            r#"["realm","namespace","table","trace_id","else"]"#,
        )];

        let tags = session(&flags, "alice").tags;

        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(
            tags,
            [
                pair("polaris:realm", "POLARIS"),
                pair("polaris:namespace", "sales.eu"),
                pair("polaris:table", "orders"),
                pair("polaris:trace_id", "unknown"),
            ]
        );
    }
}
