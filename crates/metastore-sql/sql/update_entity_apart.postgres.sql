-- As update_entity.sql, unless something is in the way: then no row comes back.
--
-- $14 the type           $15 the catalog
-- $16 the location and all above it, a JSON array     $17 the first text after all below it
update entity
set parent_id = $4, name = $5, version = $6, updated_ms = $7, properties = $8, internal = $9,
    location = $10, metadata_location = $11,
    metadata = case when $12 then metadata else $13 end
where realm = $1 and id = $2 and version = $3
and not location_is_taken($1, $15, $2, $4, $14::integer, $10, $16, $17)
returning id
