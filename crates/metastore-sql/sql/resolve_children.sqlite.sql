-- As resolve_children.postgres.sql.
union all
select * from (
    select 5, e.id, e.catalog_id, e.parent_id, e.type_code, e.sub_type_code, e.name, e.version,
        e.created_ms, e.updated_ms, e.properties, e.internal, e.location, e.metadata_location,
        null, null
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
