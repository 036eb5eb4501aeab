//! Every statement there is, with its text for either database.

/// A statement: what it is called in metrics, and its text.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) name: &'static str,
    pub(crate) postgres: &'static str,
    pub(crate) sqlite: &'static str,
}

/// Declares the statements: those with one text for both databases; those with two, where the better
/// statement differs; and those that are [`RESOLVE`] with more appended. They are statements of their
/// own because most requests ask for nothing more: the database would set up the means to find it
/// nevertheless, each time.
macro_rules! statements {
    (
        shared { $($shared:ident = $shared_name:literal;)+ }
        apart { $($apart:ident = $apart_name:literal;)+ }
        extended { $($extended:ident = $extended_name:literal: $($part:literal)+;)+ }
    ) => {
        $(
            pub(crate) static $shared: Statement = Statement {
                name: $shared_name,
                postgres: include_str!(concat!("../sql/", $shared_name, ".sql")),
                sqlite: include_str!(concat!("../sql/", $shared_name, ".sql")),
            };
        )+
        $(
            pub(crate) static $apart: Statement = Statement {
                name: $apart_name,
                postgres: include_str!(concat!("../sql/", $apart_name, ".postgres.sql")),
                sqlite: include_str!(concat!("../sql/", $apart_name, ".sqlite.sql")),
            };
        )+
        $(
            pub(crate) static $extended: Statement = Statement {
                name: $extended_name,
                postgres: concat!($(include_str!(concat!("../sql/", $part, ".postgres.sql")),)+),
                sqlite: concat!($(include_str!(concat!("../sql/", $part, ".sqlite.sql")),)+),
            };
        )+
        /// All of them.
        pub(crate) static ALL: &[&Statement] =
            &[$(&$shared,)+ $(&$apart,)+ $(&$extended,)+];
    };
}

statements! {
    shared {
        CREATE_ENTITY = "create_entity";
        CREDENTIALS = "credentials";
        DROP_ENTITY = "drop_entity";
        FIND_NAME = "find_name";
        FIND_REALM = "find_realm";
        FIND_SIGNING_KEY = "find_signing_key";
        FIND_VERSION = "find_version";
        GRANT = "grant";
        MAKE_REALM = "make_realm";
        OFFER_SIGNING_KEY = "offer_signing_key";
        PING = "ping";
        PRINCIPAL_NAME = "principal_name";
        PURGE_ENTITIES = "purge_entities";
        PURGE_REALM = "purge_realm";
        REVOKE = "revoke";
        ROTATE_SECRETS = "rotate_secrets";
        SECRETS = "secrets";
        SET_SECRETS = "set_secrets";
        UPDATE_ENTITY = "update_entity";
    }
    apart {
        CREATE_ENTITY_APART = "create_entity_apart";
        FIND_OVERLAP = "find_overlap";
        RESOLVE = "resolve";
        UPDATE_ENTITY_APART = "update_entity_apart";
    }
    extended {
        RESOLVE_EXPLAINED = "resolve_explained": "resolve" "resolve_named" "resolve_explained";
        RESOLVE_NAMED = "resolve_named": "resolve" "resolve_named";
        RESOLVE_RELATED = "resolve_related": "resolve" "resolve_named" "resolve_related";
        RESOLVE_WITH_CHILDREN = "resolve_with_children": "resolve" "resolve_children";
    }
}
