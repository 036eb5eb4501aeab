-- Takes deliveries of the oldest events.
--
-- $1 realms, a JSON array   $2 sink   $3 owner   $4 now   $5 when they are due again   $6 so many at most
update event_delivery
set owner = $3, due_ms = $5, attempts = attempts + 1
where sink = $2 and (realm, event_id) in (
    select d.realm, d.event_id from event_delivery d
    where d.sink = $2 and d.due_ms <= $4
        and d.realm in (select value from json_each($1))
    order by d.event_id, d.realm
    limit $6
)
returning realm, attempts, (
    select json_array(
        e.id, e.event_type, e.request_id, e.principal, e.roles, e.catalog, e.resource, e.attributes
    )
    from event e where e.realm = event_delivery.realm and e.id = event_delivery.event_id
)
