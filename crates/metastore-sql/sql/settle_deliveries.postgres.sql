-- $1 sink   $2 owner   $3 deliveries, a JSON array of objects
delete from event_delivery d
using json_to_recordset($3::json) as s (realm text, id text)
where d.realm = s.realm and d.event_id = s.id and d.sink = $1 and d.owner = $2
returning 1
