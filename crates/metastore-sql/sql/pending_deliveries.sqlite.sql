-- $1 realms, a JSON array   $2 sink
select count(*), min(d.event_id) from event_delivery d
where d.sink = $2 and d.realm in (select value from json_each($1))
