-- As update_entity.sql, unless something is in the way: then no row comes back.
--
-- $14 the type           $15 the catalog
-- $16 the location and all above it, a JSON array     $17 the first text after all below it
update entity
set parent_id = $4, name = $5, version = $6, updated_ms = $7, properties = $8, internal = $9,
    location = $10, metadata_location = $11,
    metadata = case when $12 then metadata else $13 end
where realm = $1 and id = $2 and version = $3
and not exists (
    select 1 from entity o
    where o.realm = $1 and o.catalog_id = $15 and o.location in (select value from json_each($16))
        and o.id <> $2 and (o.parent_id = $4 or (o.type_code = 7 and $14 = 7))
)
and not exists (
    select 1 from entity o
    where o.realm = $1 and o.catalog_id = $15 and o.location > $10 and o.location < $17
        and o.id <> $2 and (o.parent_id = $4 or (o.type_code = 7 and $14 = 7))
)
returning id
