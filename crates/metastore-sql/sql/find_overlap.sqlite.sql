-- What is in the way of an entity. Nothing, if it is gone again.
--
-- $1 realm   $2 the entity   $3 catalog   $4 parent   $5 type
-- $6 its places and all above them, a JSON array
-- $7 the first text after all below a place, a JSON object by place
select o.place from used_place o
where o.realm = $1 and o.catalog_id = $3 and o.place in (select value from json_each($6))
    and o.id <> $2 and (o.parent_id = $4 or (o.type_code = 7 and $5 = 7))
union all
select place from (
    select (
        select o.place from used_place o
        where o.realm = $1 and o.catalog_id = $3 and o.place > mine.key and o.place < mine.value
            and o.id <> $2 and (o.parent_id = $4 or (o.type_code = 7 and $5 = 7))
        limit 1
    ) as place
    from json_each($7) mine
) below
where place is not null
limit 1
