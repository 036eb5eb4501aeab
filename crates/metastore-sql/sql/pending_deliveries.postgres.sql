-- $1 realms, a JSON array   $2 sink
select count(*), min(d.event_id) from event_delivery d
where d.sink = $2 and d.realm = any (array(select json_array_elements_text($1::json)))
