//! Every statement there is, with its text for either database.

/// A statement: what it is called in metrics, and its text.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) name: &'static str,
    pub(crate) postgres: &'static str,
    pub(crate) sqlite: &'static str,
}

/// Declares the statements: those with one text for both databases, and those with two, where the
/// better statement differs.
macro_rules! statements {
    (
        shared { $($shared:ident = $shared_name:literal;)+ }
        apart { $($apart:ident = $apart_name:literal;)+ }
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
        /// All of them.
        pub(crate) static ALL: &[&Statement] =
            &[$(&$shared,)+ $(&$apart,)+ &RESOLVE_WITH_CHILDREN];
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
        SET_SECRETS = "set_secrets";
        UPDATE_ENTITY = "update_entity";
    }
    apart {
        CREATE_ENTITY_APART = "create_entity_apart";
        FIND_OVERLAP = "find_overlap";
        RESOLVE = "resolve";
        UPDATE_ENTITY_APART = "update_entity_apart";
    }
}

/// [`RESOLVE`] with a page of children. It is another statement because most requests ask for none:
/// the database would set up the means to find them nevertheless, each time.
pub(crate) static RESOLVE_WITH_CHILDREN: Statement = Statement {
    name: "resolve_with_children",
    postgres: concat!(
        include_str!("../sql/resolve.postgres.sql"),
        include_str!("../sql/resolve_children.postgres.sql"),
    ),
    sqlite: concat!(
        include_str!("../sql/resolve.sqlite.sql"),
        include_str!("../sql/resolve_children.sqlite.sql"),
    ),
};
