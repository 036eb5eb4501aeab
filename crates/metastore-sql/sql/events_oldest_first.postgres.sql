-- Events of a realm, the oldest first. What is null does not matter.
--
-- $1 realm   $2 types, a JSON array   $3 catalog   $4 resource   $5, $6 its prefix, and how long that is
-- $7 principal   $8 request   $9, $10 the ids, the bounds left out   $11 at most so many
select e.id, e.event_type, e.request_id, e.principal, e.roles, e.catalog, e.resource, e.attributes
from event e
where e.realm = $1 and e.id > $9 and e.id < $10
    and (cast($2 as text) is null or e.event_type = any (array(select json_array_elements_text($2::json))))
    and (cast($3 as text) is null or e.catalog = $3)
    and (cast($4 as text) is null or e.resource = $4)
    and (cast($5 as text) is null or substr(e.resource, 1, cast($6 as integer)) = $5)
    and (cast($7 as text) is null or e.principal = $7)
    and (cast($8 as text) is null or e.request_id = $8)
order by e.id
limit $11
