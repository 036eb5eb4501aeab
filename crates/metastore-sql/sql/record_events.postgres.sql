-- What is there already gives back no row.
--
-- $1 realm   $2 events, a JSON array of objects
insert into event (
    realm, id, event_type, at_ms, request_id, principal, roles, catalog, resource_type, resource,
    attributes, sinks
)
select $1, e.id, e.event_type, e.at_ms, e.request_id, e.principal, e.roles, e.catalog,
    e.resource_type, e.resource, e.attributes, e.sinks
from json_to_recordset($2::json) as e (
    id text, event_type text, at_ms bigint, request_id text, principal text, roles text,
    catalog text, resource_type text, resource text, attributes text, sinks text
)
on conflict (realm, id) do nothing
returning id
