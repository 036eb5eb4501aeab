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
and not exists (
    select 1 from used_place o
    where o.realm = $1 and o.catalog_id = $16 and o.place in (select value from json_each($17))
        and o.id <> $2 and (o.parent_id = $4 or (o.type_code = 7 and $15 = 7))
)
and not exists (
    select 1 from json_each($18) mine
    where exists (
        select 1 from used_place o
        where o.realm = $1 and o.catalog_id = $16 and o.place > mine.key and o.place < mine.value
            and o.id <> $2 and (o.parent_id = $4 or (o.type_code = 7 and $15 = 7))
    )
)
returning id
