-- As update_entity.sql, unless something is in the way: then no row comes back.
--
-- $16 the type           $17 the catalog
-- $18 its places and all above them, a JSON array
-- $19 the first text after all below a place, a JSON object by place
update entity
set parent_id = $4, name = $5, version = $6, updated_ms = $7, properties = $8, internal = $9,
    location = $10, metadata_location = $11,
    metadata = case when $12 then metadata else $13 end, extra_places = $14, answered = $15
where realm = $1 and id = $2 and version = $3
and not places_are_taken($1, $17, $2, $4, $16::integer, $18, $19)
returning id
