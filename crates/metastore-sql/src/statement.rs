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
        ADD_ANSWER = "add_answer";
        ADD_REPORT = "add_report";
        ADD_TASK = "add_task";
        ATTACH_POLICY = "attach_policy";
        CREATE_ENTITY = "create_entity";
        CREDENTIALS = "credentials";
        DETACH_POLICY = "detach_policy";
        DETACH_POLICY_FROM_ALL = "detach_policy_from_all";
        DROP_ENTITY = "drop_entity";
        FIND_NAME = "find_name";
        FIND_REALM = "find_realm";
        FIND_SIGNING_KEY = "find_signing_key";
        FIND_TASK = "find_task";
        FIND_VERSION = "find_version";
        GRANT = "grant";
        LIST_AUDIT_RECORDS = "list_audit_records";
        LIST_TABLES = "list_tables";
        LIST_TASKS = "list_tasks";
        MAKE_REALM = "make_realm";
        OFFER_SIGNING_KEY = "offer_signing_key";
        PING = "ping";
        PRINCIPAL_NAME = "principal_name";
        PURGE_ANSWERS = "purge_answers";
        PURGE_ENTITIES = "purge_entities";
        PURGE_REALM = "purge_realm";
        REPORTS_OF_CATALOG = "reports_of_catalog";
        REPORTS_OF_TABLE = "reports_of_table";
        REPORT_TASK = "report_task";
        RETRY_TASK = "retry_task";
        REVOKE = "revoke";
        ROTATE_SECRETS = "rotate_secrets";
        SECRETS = "secrets";
        SET_SECRETS = "set_secrets";
        SETTLE_ANSWER = "settle_answer";
        SETTLE_TASK = "settle_task";
        UPDATE_ENTITY = "update_entity";
    }
    apart {
        ADD_AUDIT_RECORDS = "add_audit_records";
        CLAIM_DELIVERIES = "claim_deliveries";
        CLAIM_TASK = "claim_task";
        CREATE_ENTITY_APART = "create_entity_apart";
        EVENTS_NEWEST_FIRST = "events_newest_first";
        EVENTS_OLDEST_FIRST = "events_oldest_first";
        FIND_OVERLAP = "find_overlap";
        FORGET_ANSWERS = "forget_answers";
        FORGET_AUDIT_RECORDS = "forget_audit_records";
        FORGET_DELIVERIES = "forget_deliveries";
        FORGET_EVENTS = "forget_events";
        FORGET_REPORTS = "forget_reports";
        FORGET_TASKS = "forget_tasks";
        PENDING_DELIVERIES = "pending_deliveries";
        POSTPONE_DELIVERIES = "postpone_deliveries";
        RECORD_EVENTS = "record_events";
        RESOLVE = "resolve";
        SETTLE_DELIVERIES = "settle_deliveries";
        UPDATE_ENTITY_APART = "update_entity_apart";
    }
    extended {
        RESOLVE_EXPLAINED = "resolve_explained": "resolve" "resolve_named" "resolve_explained";
        RESOLVE_NAMED = "resolve_named": "resolve" "resolve_named";
        RESOLVE_RELATED = "resolve_related": "resolve" "resolve_named" "resolve_related";
        RESOLVE_WITH_CHILD_NAMES = "resolve_with_child_names": "resolve" "resolve_child_names";
        RESOLVE_WITH_CHILDREN = "resolve_with_children": "resolve" "resolve_children";
        RESOLVE_WITH_POLICIES = "resolve_with_policies": "resolve" "resolve_policies";
    }
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::SqliteConnectOptions;
    use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, Row as _};

    use super::*;

    /// What looks at everything there is, which happens at the beginning of a realm and at its end.
    const MAY_SCAN: [&str; 4] = ["make_realm", "purge_answers", "purge_entities", "purge_realm"];

    /// What goes through the places of a catalog in pages, from one on.
    const PAGES: [&str; 1] = ["list_tables"];

    /// Whether a step of a plan reads a table or an index from its beginning to its end. The names
    /// are those that the statements give to tables; what else is scanned are lists of a request and
    /// what was found for it.
    fn reads_it_all(step: &str) -> bool {
        let Some(scanned) = step.strip_prefix("SCAN ") else { return false };
        let tables = "b d e g i m o p t one audit_record entity entity_place event event_delivery grant_record idempotency_record metrics_report policy_mapping_record principal_secret task used_place";
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
            include_str!("../../../migrations/sqlite/0003_protocol.sql"),
            include_str!("../../../migrations/sqlite/0004_policies.sql"),
            include_str!("../../../migrations/sqlite/0005_events.sql"),
            include_str!("../../../migrations/sqlite/0006_audit_records.sql"),
        ] {
            connection.execute(sqlx::raw_sql(schema)).await.unwrap();
        }
        let mut steps = 0;
        for statement in ALL.iter().filter(|statement| !MAY_SCAN.contains(&statement.name)) {
            let text = format!("explain query plan {}", statement.sqlite);
            let plan = sqlx::query(AssertSqlSafe(text)).fetch_all(&mut connection).await.unwrap();
            for row in plan {
                let step: String = row.get("detail");
                let passes_over = reads_it_all(&step)
                    || (reads_all_places(&step) && !PAGES.contains(&statement.name));
                assert!(!passes_over, "{}: {step}", statement.name);
                steps += 1;
            }
        }
        assert!(steps > 100, "the plans could not be read");
    }
}
