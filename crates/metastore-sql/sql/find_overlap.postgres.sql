-- What was in the way of an entity, for the message. Nothing, if it is gone again.
--
-- $1 realm   $2 the entity   $3 catalog   $4 parent   $5 type   $6 location
-- $7 the location and all above it, a JSON array       $8 the first text after all below it
select o.location from entity o
where o.realm = $1 and o.catalog_id = $3 and o.location = any (array(select json_array_elements_text($7::json)))
    and o.id <> $2 and (o.parent_id = $4 or (o.type_code = 7 and $5 = 7))
union all
select o.location from entity o
where o.realm = $1 and o.catalog_id = $3 and o.location > $6 and o.location < $8
    and o.id <> $2 and (o.parent_id = $4 or (o.type_code = 7 and $5 = 7))
limit 1
