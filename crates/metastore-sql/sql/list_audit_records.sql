-- $1 realm   $2 not older than this id   $3 older than that one   $4 operation   $5 catalog
-- $6 securable   $7 principal   $8 request, each null if it does not matter   $9 at most so many
select a.id, a.request_id, a.principal, a.roles, a.operation, a.catalog, a.securable, a.status,
    a.missing, a.credential, a.method, a.path, a.duration_ms
from audit_record a
where a.realm = $1 and a.id >= $2 and a.id < $3
    and (cast($4 as text) is null or a.operation = $4)
    and (cast($5 as text) is null or a.catalog = $5)
    and (cast($6 as text) is null or a.securable = $6)
    and (cast($7 as text) is null or a.principal = $7)
    and (cast($8 as text) is null or a.request_id = $8)
order by a.id desc
limit $9
