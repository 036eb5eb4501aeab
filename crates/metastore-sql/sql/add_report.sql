insert into metrics_report (
    realm, id, catalog_id, table_id, kind, created_ms, principal, request_id, snapshot_id, report
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
