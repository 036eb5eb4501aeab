-- As update_entity.sql, unless something is in the way: then no row comes back.
--
-- $15 the type           $16 the catalog
-- $17 its places and all above them, a JSON array
-- $18 the first text after all below a place, a JSON object by place
update entity
set parent_id = $4, name = $5, version = $6, updated_ms = $7, properties = $8, internal = $9,
    location = $10, metadata_location = $11,
    metadata = case when $12 then metadata else $13 end, extra_places = $14
where realm = $1 and id = $2 and version = $3
and not places_are_taken($1, $16, $2, $4, $15::integer, $17, $18)
returning id
