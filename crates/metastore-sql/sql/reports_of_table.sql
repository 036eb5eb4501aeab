-- As reports_of_catalog.sql, but $2 is the table.
select r.id, r.catalog_id, r.table_id, r.kind, r.created_ms, r.principal, r.request_id,
    r.snapshot_id, r.report, t.name, n.name
from (
    select m.* from metrics_report m
    where m.table_id = $2 and m.realm = $1
        and (cast($3 as text) is null or m.kind = $3)
        and m.created_ms >= $4
        and (m.created_ms, m.id) < ($5, $6)
    order by m.created_ms desc, m.id desc
    limit $7
) r
left join entity t on t.realm = r.realm and t.id = r.table_id and t.type_code = 7
left join entity n on n.realm = t.realm and n.id = t.parent_id and n.type_code = 6
order by r.created_ms desc, r.id desc
