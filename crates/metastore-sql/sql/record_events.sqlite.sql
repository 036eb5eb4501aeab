-- What is there already gives back no row.
--
-- $1 realm   $2 events, a JSON array of objects
insert into event (
    realm, id, event_type, at_ms, request_id, principal, roles, catalog, resource_type, resource,
    attributes, sinks
)
select $1, j.value ->> 'id', j.value ->> 'event_type', j.value ->> 'at_ms',
    j.value ->> 'request_id', j.value ->> 'principal', j.value ->> 'roles', j.value ->> 'catalog',
    j.value ->> 'resource_type', j.value ->> 'resource', j.value ->> 'attributes',
    j.value ->> 'sinks'
from json_each($2) j
where true
on conflict (realm, id) do nothing
returning id
