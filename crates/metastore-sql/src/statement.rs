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

#[cfg(test)]
mod tests {
    use sqlx::sqlite::SqliteConnectOptions;
    use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, Row as _};

    use super::*;

    /// What looks at everything there is, which happens at the beginning of a realm and at its end.
    const MAY_SCAN: [&str; 3] = ["make_realm", "purge_entities", "purge_realm"];

    /// Whether a step of a plan reads a table or an index from its beginning to its end. The names
    /// are those that the statements give to tables; what else is scanned are lists of a request and
    /// what was found for it.
    fn reads_it_all(step: &str) -> bool {
        let Some(scanned) = step.strip_prefix("SCAN ") else { return false };
        let tables = "b e g o p one entity entity_place grant_record principal_secret used_place";
        let name = scanned.split(' ').next().unwrap_or_default();
        tables.split(' ').any(|table| table == name) || scanned.contains(" USING ")
    }

    /// Whether a step of a plan looks for a place, and yet passes over all those of a catalog.
    fn reads_all_places(step: &str) -> bool {
        let by_place =
            step.contains(" entity_location (") || step.contains(" entity_place_place (");
        let ends = ["location=?)", "location<?)", "place=?)", "place<?)"];
        by_place && !ends.iter().any(|end| step.ends_with(end))
    }

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "a statement of ours is a constant too")]
    async fn no_statement_reads_a_whole_table_of_sqlite() {
        let mut connection =
            SqliteConnectOptions::new().filename(":memory:").connect().await.unwrap();
        for schema in [
            include_str!("../../../migrations/sqlite/0001_init.sql"),
            include_str!("../../../migrations/sqlite/0002_extra_places.sql"),
        ] {
            connection.execute(sqlx::raw_sql(schema)).await.unwrap();
        }
        let mut steps = 0;
        for statement in ALL.iter().filter(|statement| !MAY_SCAN.contains(&statement.name)) {
            let text = format!("explain query plan {}", statement.sqlite);
            let plan = sqlx::query(AssertSqlSafe(text)).fetch_all(&mut connection).await.unwrap();
            for row in plan {
                let step: String = row.get("detail");
                let passes_over = reads_it_all(&step) || reads_all_places(&step);
                assert!(!passes_over, "{}: {step}", statement.name);
                steps += 1;
            }
        }
        assert!(steps > 100, "the plans could not be read");
    }
}
