-- $1 realm   $2 the records, a JSON array
insert into audit_record (
    realm, id, request_id, principal, roles, operation, catalog, securable, status, missing,
    credential, method, path, duration_ms
)
select $1, r.id, r.request_id, r.principal, r.roles, r.operation, r.catalog, r.securable, r.status,
    r.missing, r.credential, r.method, r.path, r.duration_ms
from json_to_recordset($2::json) as r (
    id text, request_id text, principal text, roles text, operation text, catalog text,
    securable text, status bigint, missing text, credential text, method text, path text,
    duration_ms bigint
)
on conflict (id, realm) do nothing
