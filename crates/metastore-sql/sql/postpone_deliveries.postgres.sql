-- $1 sink   $2 owner   $3 deliveries, a JSON array of objects   $4 when they are due
update event_delivery d
set owner = null, due_ms = $4
from json_to_recordset($3::json) as s (realm text, id text)
where d.realm = s.realm and d.event_id = s.id and d.sink = $1 and d.owner = $2
returning 1
