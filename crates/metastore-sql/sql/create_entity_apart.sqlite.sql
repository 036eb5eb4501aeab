-- As create_entity.sql, unless something is in the way: then no row comes back.
--
-- $16 the location and all above it, a JSON array     $17 the first text after all below it
--
-- Both look-ups are ranges of the index on locations: siblings elsewhere cost nothing.
insert into entity (
    realm, id, catalog_id, parent_id, type_code, sub_type_code, name, version, created_ms,
    updated_ms, properties, internal, location, metadata_location, metadata
)
select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15
where not exists (
    select 1 from entity o
    where o.realm = $1 and o.catalog_id = $3 and o.location in (select value from json_each($16))
        and o.id <> $2 and (o.parent_id = $4 or (o.type_code = 7 and $5 = 7))
)
and not exists (
    select 1 from entity o
    where o.realm = $1 and o.catalog_id = $3 and o.location > $13 and o.location < $17
        and o.id <> $2 and (o.parent_id = $4 or (o.type_code = 7 and $5 = 7))
)
returning id
