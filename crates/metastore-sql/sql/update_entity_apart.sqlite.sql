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
and not exists (
    select 1 from used_place o
    where o.realm = $1 and o.catalog_id = $17 and o.place in (select value from json_each($18))
        and o.id <> $2 and (o.parent_id = $4 or (o.type_code = 7 and $16 = 7))
)
and not exists (
    select 1 from json_each($19) mine
    where exists (
        select 1 from used_place o
        where o.realm = $1 and o.catalog_id = $17 and o.place > mine.key and o.place < mine.value
            and o.id <> $2 and (o.parent_id = $4 or (o.type_code = 7 and $16 = 7))
    )
)
returning id
