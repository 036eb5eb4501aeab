-- As resolve_child_names.postgres.sql.
union all
select * from (
    select 10, null, null, null, null, null, e.name, null,
        null, null, null, null, null, null, null, null
    from entity e
    where e.realm = $1
        and e.parent_id = (
            case when $10 is not null then (select n.id from namespace n where n.name = $10)
                 when $4 is not null then (select c.id from catalog c)
                 else 0 end
        )
        and e.type_code = $8
        and ($9 = 0 or e.sub_type_code = $9)
        and e.name > $11
    order by e.name
    limit $12
) child
