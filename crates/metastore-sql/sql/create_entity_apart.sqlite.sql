-- As create_entity.sql, unless something is in the way: then no row comes back.
--
-- $18 its places and all above them, a JSON array
-- $19 the first text after all below a place, a JSON object by place
--
-- All look-ups are ranges of the indexes on places: siblings elsewhere cost nothing.
insert into entity (
    realm, id, catalog_id, parent_id, type_code, sub_type_code, name, version, created_ms,
    updated_ms, properties, internal, location, metadata_location, metadata, extra_places,
    answered
)
select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17
where not exists (
    select 1 from used_place o
    where o.realm = $1 and o.catalog_id = $3 and o.place in (select value from json_each($18))
        and o.id <> $2 and (o.parent_id = $4 or (o.type_code = 7 and $5 = 7))
)
and not exists (
    select 1 from json_each($19) mine
    where exists (
        select 1 from used_place o
        where o.realm = $1 and o.catalog_id = $3 and o.place > mine.key and o.place < mine.value
            and o.id <> $2 and (o.parent_id = $4 or (o.type_code = 7 and $5 = 7))
    )
)
returning id
