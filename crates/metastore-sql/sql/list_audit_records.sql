-- $1 realm   $2 not older than this id   $3 older than that one   $4 operation   $5 catalog
-- $6 securable   $7 principal   $8 request, each null if it does not matter   $9 at most so many
select id, request_id, principal, roles, operation, catalog, securable, status,
    missing, credential, method, path, duration_ms
from audit_record
where realm = $1 and id >= $2 and id < $3
    and (cast($4 as text) is null or operation = $4)
    and (cast($5 as text) is null or catalog = $5)
    and (cast($6 as text) is null or securable = $6)
    and (cast($7 as text) is null or principal = $7)
    and (cast($8 as text) is null or request_id = $8)
order by id desc
limit $9
