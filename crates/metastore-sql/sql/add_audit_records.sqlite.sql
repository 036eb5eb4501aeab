-- $1 realm   $2 the records, a JSON array
insert into audit_record (
    realm, id, request_id, principal, roles, operation, catalog, securable, status, missing,
    credential, method, path, duration_ms
)
select $1, r.value ->> 'id', r.value ->> 'request_id', r.value ->> 'principal', r.value ->> 'roles',
    r.value ->> 'operation', r.value ->> 'catalog', r.value ->> 'securable', r.value ->> 'status',
    r.value ->> 'missing', r.value ->> 'credential', r.value ->> 'method', r.value ->> 'path',
    r.value ->> 'duration_ms'
from json_each($2) r
where true
on conflict (id, realm) do nothing
