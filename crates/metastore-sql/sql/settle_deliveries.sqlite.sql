-- $1 sink   $2 owner   $3 deliveries, a JSON array of objects
delete from event_delivery
where sink = $1 and owner = $2
    and (realm, event_id) in (select s.value ->> 'realm', s.value ->> 'id' from json_each($3) s)
returning 1
