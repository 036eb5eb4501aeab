-- Appended to resolve: the names of a page of children, in their order. The parameters are those of
-- resolve_children.
union all
select * from (
    select 10, null::bigint, null::bigint, null::bigint, null::int, null::int, e.name, null::bigint,
        null::bigint, null::bigint, null::text, null::text, null::text, null::text, null::bytea, null::text
    from entity e
    where e.realm = $1
        and e.parent_id = (
            case when $10::text is not null then (select n.id from namespace n where n.name = $10)
                 when $4::text is not null then (select c.id from catalog c)
                 else 0 end
        )
        and e.type_code = $8
        and ($9 = 0 or e.sub_type_code = $9)
        and e.name > $11
    order by e.name
    limit $12
) child
