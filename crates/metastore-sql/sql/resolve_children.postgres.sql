-- Appended to resolve: a page of children, in name order.
--
-- $8 type                 $9 sub type, 0 for any
-- $10 the namespace whose children, or null for the catalog's, or the root's where $4 is null
-- $11 only names after this                       $12 at most so many
union all
select * from (
    select 5, e.id, e.catalog_id, e.parent_id, e.type_code, e.sub_type_code, e.name, e.version,
        e.created_ms, e.updated_ms, e.properties, e.internal, e.location, e.metadata_location,
        null::bytea, null
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
