//! Reports of what engines did, as rows.

use async_trait::async_trait;
use merak_metastore::{
    Error, FoundReport, MetricsReport, MetricsReports, ReportKind, ReportsOf, ReportsQuery,
};
use merak_model::{EntityId, Namespace, RealmId};

use crate::SqlMetastore;
use crate::connection::{Failure, Param, Row};
use crate::statement::{self as sql, Statement};

#[async_trait]
impl MetricsReports for SqlMetastore {
    async fn add_report(&self, realm: &RealmId, report: &MetricsReport) -> Result<(), Error> {
        let params = [
            Param::realm(realm),
            Param::Int(report.id.0),
            Param::Int(report.catalog_id.0),
            Param::Int(report.table_id.0),
            Param::Text(report.kind.name()),
            Param::Int(report.created_ms),
            Param::Text(&report.principal),
            Param::Text(&report.request_id),
            Param::OptInt(report.snapshot_id),
            Param::Text(&report.report),
        ];
        self.write(&sql::ADD_REPORT, &params).await?;
        Ok(())
    }

    async fn reports(
        &self,
        realm: &RealmId,
        query: &ReportsQuery,
    ) -> Result<Vec<FoundReport>, Error> {
        let (statement, of) = match query.of {
            ReportsOf::Catalog(id) => (&sql::REPORTS_OF_CATALOG, id),
            ReportsOf::Table(id) => (&sql::REPORTS_OF_TABLE, id),
        };
        // What came earlier than a time is older than anything that came then, whatever its id.
        let earlier = query.to_ms.map(|to_ms| (to_ms, EntityId(i64::MIN)));
        let bounds = [earlier, query.older_than];
        let newest = (i64::MAX, EntityId(i64::MAX));
        let (before_ms, before_id) = bounds.into_iter().flatten().fold(newest, Ord::min);
        let params = [
            Param::realm(realm),
            Param::Int(of.0),
            Param::OptText(query.kind.map(ReportKind::name)),
            Param::Int(query.from_ms.unwrap_or(i64::MIN)),
            Param::Int(before_ms),
            Param::Int(before_id.0),
            Param::Int(query.limit.into()),
        ];
        self.read(statement, &params).await?.iter().map(found).collect()
    }

    async fn forget_reports(&self, before_ms: i64, limit: u32) -> Result<u64, Error> {
        let params = [Param::Int(before_ms), Param::Int(limit.into())];
        Ok(self.write(&sql::FORGET_REPORTS, &params).await?.len() as u64)
    }
}

impl SqlMetastore {
    /// Runs a statement that writes and is a transaction by itself.
    pub(crate) async fn write(
        &self,
        statement: &'static Statement,
        params: &[Param<'_>],
    ) -> Result<Vec<Row>, Error> {
        let mut lease = self.writes.lease_to_write().await?;
        lease.run(statement, params).await.map_err(|failure| match failure {
            Failure::ForeignKey(_) => Error::ParentGone,
            other @ (Failure::Unique(_)
            | Failure::Answered(_)
            | Failure::Again(_)
            | Failure::Refused(_)
            | Failure::Lost(_)) => other.into_write_error(),
        })
    }
}

fn found(row: &Row) -> Result<FoundReport, Error> {
    let kind = row.text(3)?;
    let kind = ReportKind::from_name(kind)
        .ok_or_else(|| Error::Corrupt(format!("there is no kind of report '{kind}'")))?;
    let report = MetricsReport {
        id: EntityId(row.int(0)?),
        catalog_id: EntityId(row.int(1)?),
        table_id: EntityId(row.int(2)?),
        kind,
        created_ms: row.int(4)?,
        principal: row.text(5)?.to_owned(),
        request_id: row.text(6)?.to_owned(),
        snapshot_id: row.opt_int(7)?,
        report: row.text(8)?.to_owned(),
    };
    let (name, namespace) = (row.opt_text(9)?, row.opt_text(10)?);
    let table = name.zip(namespace);
    let table = table.map(|(name, namespace)| (Namespace::decode(namespace), name.to_owned()));
    Ok(FoundReport { report, table })
}
