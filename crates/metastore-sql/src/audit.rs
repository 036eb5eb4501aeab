//! Who asked for what, as rows.

use async_trait::async_trait;
use merak_metastore::{AuditQuery, AuditRecord, AuditRecords, Error};
use merak_model::{EventId, RealmId};
use serde_json::json;

use crate::SqlMetastore;
use crate::connection::{Param, Row, findable};
use crate::statement as sql;
use crate::tasks::names;

/// Sorts before every id, and after every one.
const BELOW_ALL: &str = "";
const ABOVE_ALL: &str = "g";

#[async_trait]
impl AuditRecords for SqlMetastore {
    async fn add_audit_records(
        &self,
        realm: &RealmId,
        records: &[AuditRecord],
    ) -> Result<(), Error> {
        let rows: Vec<_> = records
            .iter()
            .map(|record| {
                json!({
                    "id": record.id.to_string(),
                    "request_id": record.request_id,
                    "principal": record.principal,
                    "roles": json!(record.roles).to_string(),
                    "operation": record.operation,
                    "catalog": record.catalog,
                    "securable": record.securable,
                    "status": record.status,
                    "missing": record.missing,
                    "credential": record.credential,
                    "method": record.method,
                    "path": record.path,
                    "duration_ms": record.duration_ms,
                })
            })
            .collect();
        let rows = serde_json::Value::Array(rows).to_string();
        self.write(&sql::ADD_AUDIT_RECORDS, &[Param::realm(realm), Param::Text(&rows)]).await?;
        Ok(())
    }

    async fn audit_records(
        &self,
        realm: &RealmId,
        query: &AuditQuery,
    ) -> Result<Vec<AuditRecord>, Error> {
        let since = query.since_ms.map(|ms| EventId::first_at(ms).to_string());
        let until = query.until_ms.map(|ms| EventId::first_at(ms).to_string());
        let before = query.before.map(|id| id.to_string());
        // Ids are ordered as their texts are.
        let before = [until, before].into_iter().flatten().min();
        let equal =
            |text: &'_ Option<String>| text.as_deref().map(|text| findable(text).to_owned());
        let filters = [
            equal(&query.operation),
            equal(&query.catalog),
            equal(&query.securable),
            equal(&query.principal),
            equal(&query.request_id),
        ];
        let [operation, catalog, securable, principal, request_id] = &filters;
        let params = [
            Param::realm(realm),
            Param::Text(since.as_deref().unwrap_or(BELOW_ALL)),
            Param::Text(before.as_deref().unwrap_or(ABOVE_ALL)),
            Param::OptText(operation.as_deref()),
            Param::OptText(catalog.as_deref()),
            Param::OptText(securable.as_deref()),
            Param::OptText(principal.as_deref()),
            Param::OptText(request_id.as_deref()),
            Param::Int(query.limit.into()),
        ];
        self.read(&sql::LIST_AUDIT_RECORDS, &params).await?.iter().map(found).collect()
    }

    async fn forget_audit_records(
        &self,
        realms: &[RealmId],
        before_ms: i64,
        limit: u32,
    ) -> Result<usize, Error> {
        let realms = names(realms);
        let before = EventId::first_at(before_ms).to_string();
        let params = [Param::Text(&realms), Param::Text(&before), Param::Int(limit.into())];
        Ok(self.write(&sql::FORGET_AUDIT_RECORDS, &params).await?.len())
    }
}

fn found(row: &Row) -> Result<AuditRecord, Error> {
    let corrupt = |what: &str| Error::Corrupt(format!("an audit record has {what}"));
    let opt_text = |column: usize| row.opt_text(column).map(|text| text.map(str::to_owned));
    Ok(AuditRecord {
        id: EventId::parse(row.text(0)?).ok_or_else(|| corrupt("a malformed id"))?,
        request_id: row.text(1)?.to_owned(),
        principal: opt_text(2)?,
        roles: serde_json::from_str(row.text(3)?).map_err(|_| corrupt("malformed roles"))?,
        operation: opt_text(4)?,
        catalog: opt_text(5)?,
        securable: opt_text(6)?,
        status: u16::try_from(row.int(7)?).map_err(|_| corrupt("an unknown status"))?,
        missing: opt_text(8)?,
        credential: opt_text(9)?,
        method: row.text(10)?.to_owned(),
        path: row.text(11)?.to_owned(),
        duration_ms: row.int(12)?,
    })
}
