-- Takes deliveries of the oldest events. Whoever asks at the same time takes others.
--
-- $1 realms, a JSON array   $2 sink   $3 owner   $4 now   $5 when they are due again   $6 so many at most
with due as (
    select d.realm, d.event_id from event_delivery d
    where d.sink = $2 and d.due_ms <= $4
        and d.realm = any (array(select json_array_elements_text($1::json)))
    order by d.event_id, d.realm
    limit $6
    for update skip locked
), taken as (
    update event_delivery d
    set owner = $3, due_ms = $5, attempts = d.attempts + 1
    from due
    where d.realm = due.realm and d.event_id = due.event_id and d.sink = $2
    returning d.realm, d.event_id, d.attempts
)
select t.realm, t.attempts, json_build_array(
    e.id, e.event_type, e.request_id, e.principal, e.roles, e.catalog, e.resource, e.attributes
)::text
from taken t join event e on e.realm = t.realm and e.id = t.event_id
